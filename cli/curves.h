/* curves.h - from the measurements of runs to the curves of charts. */
#ifndef CANTO_CLI_CURVES_H
#define CANTO_CLI_CURVES_H

#include <canto_plot.h>

#include "metrics_file.h"

typedef enum curves_x { X_STEP, X_EPOCH, X_TOKENS, X_TIME } curves_x;
typedef enum curves_y { Y_LOSS, Y_PERPLEXITY, Y_EVALUATION, Y_LR, Y_GRAD_NORM, Y_SPEED, CURVES_Y } curves_y;

typedef struct curves_options {
    curves_x x;
    curves_y y[CURVES_Y]; /* a chart each */
    size_t   y_count;
    size_t   sma;   /* 0: none */
    double   ema;   /* 0: none */
    bool     apart; /* a chart for each run */
    bool     log_x, log_y;
    double   x_low, x_high, y_low, y_high; /* 0, 0: those of the points */
} curves_options;

/* Charts and what they are made of. */
typedef struct curves {
    canto_chart *charts;
    size_t       count;
    void       **owned; /* texts, numbers and series */
    size_t       owned_count;
} curves;

/* The words of --y, separated by commas; says which is none. */
bool curves_read_y(const char *words, curves_options *o);
/* The charts of runs[count]. Says what is wrong; curves_free in either case. */
bool curves_make(const metrics *runs, const char *const *paths, size_t count, const curves_options *o, curves *c);
void curves_free(curves *c);

#endif
