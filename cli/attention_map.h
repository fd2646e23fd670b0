/* attention_map.h - heads' weights gathered for a picture: one map of labelled cells, or a sheet of many. */
#ifndef CANTO_CLI_ATTENTION_MAP_H
#define CANTO_CLI_ATTENTION_MAP_H

#include "picture.h"

typedef struct map_title {
    char text[48];
} map_title;

typedef struct attention_map {
    size_t tokens, count; /* T, and how many heads */
    size_t step;          /* tokens that share a cell: 1, or more when all cells would take too much memory */
    size_t side;          /* cells of a row */
    float  high;          /* the greatest weight of the rows behind the first eighth, which have little choice */
    float *cells;         /* [count, side, side]; not a number: nothing is seen there */
} attention_map;

/* False after a message. */
bool map_open(attention_map *m, size_t tokens, size_t count);
void map_close(attention_map *m);
/* Takes the row of position i of head number `number`; what it sees begins at position from. */
void map_add(attention_map *m, size_t number, size_t i, size_t from, const float *row);
/* Draws the heads, `across` side by side, to where the options say. titles[count], labels[tokens]. False after a
 * message. */
bool map_draw(const attention_map *m, const option_set *options, const canto_plot_options *how, const map_title *titles,
              size_t across, const canto_plot_label *labels);

#endif
