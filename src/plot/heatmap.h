/* heatmap.h - sheets of heat maps: what both the page and the terminal take from them. */
#ifndef CANTO_HEATMAP_H
#define CANTO_HEATMAP_H

#include "base/status.h"
#include "plot/axis.h"
#include "plot/label.h"
#include "plot/palette.h"

#include <canto_plot.h>

/* A sheet that has been looked through. */
typedef struct sheet_view {
    const canto_sheet        *asked;
    const canto_plot_options *options;
    size_t                    across, below; /* maps beside each other, and below each other */
    size_t                    most_rows, most_columns;
    axis                      scale;                       /* from the lowest colour's number to the highest's */
    bool                      shared_rows, shared_columns; /* the labels of all maps are the same ones */
} sheet_view;

/* Looks a sheet through: sizes, cells, the scale of colours. */
canto_status sheet_of(const canto_sheet *asked, const canto_plot_options *options, sheet_view *s);
/* The label of a row or column, labels NULL: its number; out[LABEL_MAX]. */
void sheet_label(const canto_plot_label *labels, size_t index, char out[LABEL_MAX]);
/* The greatest finite cell of those that cell (row, column) of a raster of rows x columns cells stands for; NAN: there is none. */
float sheet_cell(const canto_heatmap *map, size_t row, size_t rows, size_t column, size_t columns);
/* How many labels apart those stand that are written, when each needs `needs` and a step is `step` wide: 1, 2, 5, 10, ... */
size_t sheet_every(double step, double needs);

canto_status heatmap_paper_draw(const sheet_view *s, char **data, size_t *bytes);
canto_status heatmap_screen_draw(const sheet_view *s, char **data, size_t *bytes);

#endif
