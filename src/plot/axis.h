/* axis.h - from numbers to places along an axis, and the round numbers written beside it. */
#ifndef CANTO_AXIS_H
#define CANTO_AXIS_H

#include <stdbool.h>
#include <stddef.h>

#define TICKS_MAX 64

typedef struct axis {
    double low, high; /* low < high; both above 0 when it is logarithmic */
    bool   log;
} axis;

typedef struct tick {
    double at;
    char   text[72]; /* "" for one between those that are named */
} tick;

typedef struct ticks {
    tick   all[TICKS_MAX];
    size_t count;
} ticks;

/* An axis from low to high, with this share of its length left free at both ends. One number alone gets an axis around it. */
axis axis_around(double low, double high, bool log, double margin);
/* Whether x has a place on it at all: finite, and above 0 on a logarithmic one. */
bool axis_takes(const axis *a, double x);
/* Where x is: 0 at low, 1 at high; outside of 0 .. 1 when x is. */
double axis_share(const axis *a, double x);
/* At most `wanted` named ticks (2 .. 20), all on the axis. */
void axis_ticks(const axis *a, size_t wanted, ticks *t);

#endif
