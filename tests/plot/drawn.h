/* drawn.h - what tests of pictures share: an SVG's paths, a PNG's pixels, allocations that fail. */
#ifndef CANTO_DRAWN_H
#define CANTO_DRAWN_H

#include <canto_plot.h>

#include "plot/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void ok(canto_status status);
/* The status has this code, and its text speaks of part. */
void fails(canto_status status, canto_code code, const char *part);

/* A path of an SVG: what it is drawn with, and its points. */
typedef struct path {
    rgb    stroke, fill;
    bool   stroked, filled, dashed;
    double width, opacity;
    size_t count;
    place  points[4096];
} path;

/* The next path of svg from *at on (NULL: the first), symbols of letters apart; false when there is none. */
bool next_path(const char *svg, const char **at, path *p);
/* The path number index, from 0, with that stroke and width. */
void stroked_path(const char *svg, rgb stroke, double width, size_t index, path *p);
/* What the axes or a map enclose: the first closed rectangle drawn in ink. */
box frame_of(const char *svg, bool dark);

typedef struct pixels {
    unsigned       width, height;
    unsigned char *data; /* RGB; release with free */
} pixels;

pixels decode_png(const char *data, size_t bytes);
rgb    pixel_at(const pixels *p, double x, double y);
bool   same_colour(rgb a, rgb b, int within);

/* The allocation after so many of the plot library's own fails, and all that follow; negative: none does. */
extern long allocations_left;

#endif
