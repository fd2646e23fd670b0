/* canvas.h - a page to draw on, in points from its upper left corner; it becomes SVG or PNG. What draws is cairo, and pango
 * for text; a build without them has none, and canvas_open says so. A drawing that fails stays failed, and canvas_finish
 * tells: nothing in between has to be looked at. */
#ifndef CANTO_CANVAS_H
#define CANTO_CANVAS_H

#include "base/status.h"
#include "plot/palette.h"

typedef struct canvas canvas;

typedef struct place {
    double x, y;
} place;

typedef struct box {
    double x, y, width, height;
} box;

typedef struct pen {
    rgb    colour;
    double alpha, width;
    bool   dashed;
} pen;

/* Which point of a text stands at its place. */
typedef enum canvas_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END } canvas_anchor;

typedef struct writing_style {
    rgb           colour;
    double        size;          /* in points */
    bool          bold, upright; /* upright: from below to above */
    canvas_anchor across, down;  /* along the text's own line, and from its upper to its lower edge */
    double        room;          /* wider text ends in an ellipsis; 0: never */
} writing_style;

/* What draws, for people; NULL: nothing does. */
const char *canvas_engine(void);

/* A page of width x height points, covered with paper. scale: PNG's pixels a point. */
canto_status canvas_open(bool png, double width, double height, double scale, rgb paper, canvas **c);
/* Ends the drawing and gives the file's bytes, with a zero byte after them; *data is the C library's memory. Closes the canvas either way. */
canto_status canvas_finish(canvas *c, char **data, size_t *bytes);
void         canvas_discard(canvas *c); /* NULL: nothing */

/* A line through points[count]; a single one is a dot. */
void canvas_line(canvas *c, const place *points, size_t count, const pen *p);
void canvas_dot(canvas *c, place at, double radius, rgb colour, double alpha);
void canvas_fill(canvas *c, box b, rgb colour, double alpha);
/* From here until canvas_unclip nothing is drawn outside of b. */
void canvas_clip(canvas *c, box b);
void canvas_unclip(canvas *c);
/* An image of width x height pixels, whole to the box's edges, each pixel a sharp rectangle. */
void canvas_image(canvas *c, box b, const rgb *pixels, size_t width, size_t height);
/* UTF-8, one line; size in points of what stands there may be NULL. */
void canvas_text(canvas *c, const char *text, place at, const writing_style *style);
/* How wide and how high text would be. */
place canvas_measure(canvas *c, const char *text, const writing_style *style);
/* Characters so far for which no font of this machine has a picture. */
size_t canvas_unknown(const canvas *c);

#endif
