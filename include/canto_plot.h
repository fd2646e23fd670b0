/* canto_plot.h - pictures of numbers: heat maps, as SVG, as PNG and as text for a terminal.
 *
 * The library canto-plot stands beside canto: it takes arrays and gives bytes, and needs nothing of a model.
 *
 *     float         cells[2][2] = {{1, 0}, {0.4F, 0.6F}};
 *     canto_heatmap map = {.rows = 2, .columns = 2, .cells = *cells};
 *     canto_sheet   sheet = {.maps = &map, .count = 1, .unit = "weight"};
 *     canto_plot_options how = canto_plot_options_default();
 *     canto_status status = canto_plot_form_of("attention.svg", &how.form);
 *     char        *picture;
 *     size_t       bytes;
 *     status = canto_plot_heatmaps(&sheet, &how, &picture, &bytes);
 *     status = canto_plot_save("attention.svg", picture, bytes);
 *     canto_plot_free(picture);
 *
 * Rules: those of canto.h for statuses, texts and NULL. Everything is read during the call alone. Memory is the C
 * library's (cairo and pango take theirs there as well; pango ends the program when there is none), and what a call hands out goes back with canto_plot_free. Nothing is
 * kept between calls but the caches of cairo, pango and fontconfig; calls on several threads at once are fine. */
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

/* Draws the sheet into *data[*bytes]. Labels are thinned out until they can be read; where cells would be smaller than a pixel, the
 * greatest of those that share one is shown, so that no peak is lost. CANTO_ERROR_VALUE when a map has no cell, or more than
 * 16384 in a row or column, or when the picture would be larger than 32767 pixels (fewer maps, a smaller scale). */
CANTO_API canto_status canto_plot_heatmaps(const canto_sheet *sheet, const canto_plot_options *options, char **data,
                                           size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
