/* piece_count.h - texts of any length, given in any portions, cut into pieces that are counted, by all threads of the context.
 *
 * What is counted depends on the texts alone, neither on threads nor on portions. Only a piece of more than 4 MiB is counted
 * as several, and a table that outgrows its bound is trimmed after every 4 MiB or so. */
#ifndef CANTO_PIECE_COUNT_H
#define CANTO_PIECE_COUNT_H

#include "text/pattern.h"
#include "text/piece_table.h"

typedef struct piece_counter piece_counter;

/* most: bytes of memory that table and list may take, more or less. The pattern stays the caller's and must outlive it. */
canto_status piece_counter_open(canto_context *context, const pattern *cutter, size_t most, piece_counter **counter);
/* The next bytes of a text. */
canto_status piece_counter_add(piece_counter *c, const char *text, size_t bytes);
/* The text is over: the next one begins with a piece of its own. */
canto_status piece_counter_end_text(piece_counter *c);
/* Where the counts are; whole once a text is over. */
piece_table *piece_counter_table(piece_counter *c);
void         piece_counter_close(piece_counter *c);

#endif
