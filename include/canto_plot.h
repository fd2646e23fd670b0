/* canto_plot.h - pictures of numbers: line charts and heat maps, as SVG, as PNG and as text for a terminal.
 *
 * The library canto-plot stands beside canto: it takes arrays and gives bytes, and needs nothing of a model.
 *
 *     double       steps[] = {0, 1, 2, 3}, losses[] = {4.2, 3.1, 2.7, 2.5};
 *     canto_series curve = {.label = "training", .x = steps, .y = losses, .count = 4};
 *     canto_chart  chart = {.x = {.label = "step"}, .y = {.label = "loss (nats)"}, .series = &curve, .series_count = 1};
 *     canto_plot_options how = canto_plot_options_default();
 *     canto_status status = canto_plot_form_of("loss.svg", &how.form);
 *     char        *picture;
 *     size_t       bytes;
 *     status = canto_plot_charts(&chart, 1, 1, &how, &picture, &bytes);
 *     status = canto_plot_save("loss.svg", picture, bytes);
 *     canto_plot_free(picture);
 *
 * Rules: those of canto.h for statuses, texts and NULL. Everything is read during the call alone. Memory is the C
 * library's (cairo and pango take theirs there as well; pango ends the program when there is none), and what a call
 * hands out goes back with canto_plot_free. Nothing is kept between calls but the caches of cairo, pango
 * and fontconfig; calls on several threads at once are fine. */
#ifndef CANTO_PLOT_H
#define CANTO_PLOT_H

#include "canto.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------------------------------------------- any picture */

typedef enum canto_plot_form { CANTO_PLOT_TERMINAL, CANTO_PLOT_SVG, CANTO_PLOT_PNG } canto_plot_form;

typedef struct canto_plot_options {
    canto_plot_form form;
    const char     *title; /* above everything, or NULL */
    double width, height;  /* terminal: columns and lines; otherwise points. 0: 80 x 24, or what the content asks for */
    double scale;          /* PNG: pixels a point, 0.25 .. 8; 0: 2 */
    bool   dark;           /* light on dark rather than dark on light; for a terminal: what is behind its text */
    int    colours;        /* terminal: 0 (characters alone tell things apart), 256, or more: all of them */
} canto_plot_options;

CANTO_API canto_plot_options canto_plot_options_default(void); /* the terminal without colours, everything else 0 */

/* "cairo 1.16.0, pango 1.50.12": what draws SVG and PNG in this build; NULL when nothing does. Then these two forms are
 * CANTO_ERROR_UNSUPPORTED, and the terminal's works as ever. */
CANTO_API const char *canto_plot_drawing(void);
/* The form that a file's name asks for: .svg or .png. CANTO_ERROR_VALUE for another ending. */
CANTO_API canto_status canto_plot_form_of(const char *path, canto_plot_form *form);
/* Writes data[bytes] to path: beside it first and then renamed, so that who looks at it sees the old or the new file whole. */
CANTO_API canto_status canto_plot_save(const char *path, const char *data, size_t bytes);
CANTO_API void         canto_plot_free(char *data); /* NULL: nothing */

/* ------------------------------------------------------------------------------------------------ line charts */

typedef enum canto_stroke { CANTO_STROKE_FULL, CANTO_STROKE_DASHED, CANTO_STROKE_FAINT } canto_stroke;

/* A curve through the points (x[i], y[i]), i < count. One that is not finite, or not above 0 on a logarithmic axis, is a gap;
 * a point between two gaps is a dot. */
typedef struct canto_series {
    const char   *label; /* in the legend; NULL: not there */
    const double *x, *y;
    size_t        count;
    int          colour; /* 0, 1, ...: colours that the colour-blind can tell apart; after the eighth they come again */
    canto_stroke stroke; /* faint: thin and pale, what lies behind its average */
    bool         marked; /* a dot at every point */
} canto_series;

typedef struct canto_axis {
    const char *label;     /* what and its unit, or NULL */
    bool        log;       /* logarithmic, of 10 */
    double      low, high; /* its ends; both 0: those of the points */
} canto_axis;

typedef struct canto_chart {
    const char         *title; /* above it, or NULL */
    canto_axis          x, y;
    const canto_series *series; /* drawn in this order */
    size_t              series_count;
} canto_chart;

/* Draws count charts (1 .. 64), so many columns of them side by side (0: all), into *data[*bytes], with a zero byte after
 * them. Of a curve with more points than the picture has places, the least and the greatest of each place are drawn.
 * CANTO_ERROR_VALUE when a chart has no point that can be drawn, or when there is no room. */
CANTO_API canto_status canto_plot_charts(const canto_chart *charts, size_t count, size_t columns,
                                         const canto_plot_options *options, char **data, size_t *bytes);

/* -------------------------------------------------------------------------------------------------- heat maps */

/* Any bytes, a token's for example: what cannot be seen is shown by a sign (a space at an end, tab, newline), bytes that are no
 * UTF-8 as \xNN, and a mark that combines with a letter stands on a dotted circle when there is none. */
typedef struct canto_plot_label {
    const char *text;
    size_t      bytes;
} canto_plot_label;

typedef struct canto_heatmap {
    const char             *title; /* above it, or NULL */
    size_t                  rows, columns;
    const float            *cells;                    /* [rows, columns]; one that is not finite stays empty */
    const canto_plot_label *row_labels;               /* [rows], or NULL: numbers from 0 */
    const canto_plot_label *column_labels;            /* [columns], or NULL: numbers from 0 */
    const char             *row_title, *column_title; /* beside the rows, below the columns; or NULL */
} canto_heatmap;

/* One heat map, or a sheet of them with one scale of colours (dark violet for low, yellow for high; lightness rises all the way,
 * so that it can be read without colours). */
typedef struct canto_sheet {
    const canto_heatmap *maps;
    size_t               count;     /* 1 .. 4096 */
    size_t               columns;   /* maps side by side; 0: a sheet about as wide as high */
    double               low, high; /* of the colours; both 0: the least and the greatest cell */
    const char          *unit;      /* what a cell's number is, beside the scale; or NULL */
} canto_sheet;

/* Draws the sheet into *data[*bytes], with a zero byte after them. Labels are thinned out until they can be
 * read; where cells would be smaller than a pixel, the greatest of those that share one is shown, so that no peak is
 * lost. CANTO_ERROR_VALUE when a map has no cell, or more than 16384 in a row or column, or when the picture
 * would be larger than 32767 pixels (fewer maps, a smaller scale). */
CANTO_API canto_status canto_plot_heatmaps(const canto_sheet *sheet, const canto_plot_options *options, char **data,
                                           size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
