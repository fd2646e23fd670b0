/* chart.h - line charts: what both the page and the terminal take from them. */
#ifndef CANTO_CHART_H
#define CANTO_CHART_H

#include "base/status.h"
#include "plot/axis.h"
#include "plot/palette.h"

#include <canto_plot.h>

/* A chart that has been looked through. */
typedef struct chart_view {
    const canto_chart *asked;
    axis               x, y;
    bool               named; /* a series has a label: there is a legend */
} chart_view;

/* Charts side by side and below each other. */
typedef struct chart_page {
    chart_view               *views; /* [count], the C library's memory */
    size_t                    count, across, below;
    const canto_plot_options *options;
} chart_page;

/* Looks charts through: sizes, points, axes. Release with chart_page_close, also after a failure. */
canto_status chart_page_of(const canto_chart *charts, size_t count, size_t columns, const canto_plot_options *options,
                           chart_page *page);
void         chart_page_close(chart_page *page);

#define CHART_GAP SIZE_MAX

/* The points of a series that are drawn where there are so many places along x: (*kept)[*count], their numbers in order and CHART_GAP
 * where the curve is interrupted. All of them, or of each place the first, the lowest, the highest and the last. Release with free. */
canto_status chart_points(const chart_view *view, const canto_series *series, size_t places, size_t **kept,
                          size_t *count);

canto_status chart_paper_draw(const chart_page *page, char **data, size_t *bytes);
canto_status chart_screen_draw(const chart_page *page, char **data, size_t *bytes);

#endif
