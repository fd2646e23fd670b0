/* piece_table.h - the distinct pieces of texts and how often each was seen, in bounded memory.
 *
 * When the table outgrows its bound, piece_table_trim drops what was seen least often. A piece that is dropped and comes
 * again counts from then on: rare pieces are lost or counted short, frequent ones keep their counts. What is dropped depends
 * on the pieces and on when trim is called, nothing else. */
#ifndef CANTO_PIECE_TABLE_H
#define CANTO_PIECE_TABLE_H

#include "base/context.h"

typedef struct piece_entry {
    uint64_t count;
    size_t   start; /* its bytes in the table's text */
    uint32_t bytes, hash;
} piece_entry;

typedef struct piece_table {
    canto_context *context;
    size_t         most; /* bytes to get along with, learning from the pieces included */
    piece_entry   *pieces;
    uint32_t       count;
    size_t         room;
    char          *text;
    size_t         text_bytes, text_room;
    uint32_t      *slots; /* [slot_count] a hash table of pieces, open addressing; UINT32_MAX: free */
    size_t         slot_count;
    uint64_t       dropped, dropped_bytes; /* pieces, and the bytes of text that they were */
    uint64_t       dropped_count;          /* the highest count of a piece that was dropped */
} piece_table;

/* The pieces for a trainer that changes them: each a row of tokens in `cells` with a PIECE_BORDER before and after it. A
 * token takes as many cells as it has bytes; its id stands in the first and in the last of them, the others hold anything. */
#define PIECE_BORDER UINT32_MAX
typedef struct piece_list {
    uint32_t *cells;      /* [cell_count] */
    size_t    cell_count; /* at most PIECE_CELLS */
    uint64_t *counts;     /* [count] how often each piece was seen */
    uint32_t  count;
} piece_list;

#define PIECE_CELLS ((size_t)1 << 30)

uint32_t piece_hash(const char *text, size_t bytes);
/* Counts a piece of at least one byte, whose piece_hash is given, so many times more. */
canto_status piece_table_add(piece_table *t, const char *text, size_t bytes, uint32_t hash, uint64_t count);
void         piece_table_trim(piece_table *t);
/* Turns the table into a list whose tokens are single bytes: ids[byte]. The table is closed. */
canto_status piece_table_list(piece_table *t, const uint32_t ids[256], piece_list *list);
void         piece_table_close(piece_table *t); /* also a zeroed one */
void         piece_list_close(canto_context *context, piece_list *list);

#endif
