/* metrics_file.h - a run's metrics.csv, read back. */
#ifndef CANTO_CLI_METRICS_FILE_H
#define CANTO_CLI_METRICS_FILE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum metric {
    METRIC_STEP,
    METRIC_EPOCH,
    METRIC_TOKENS,
    METRIC_TRAIN_LOSS,
    METRIC_EVAL_TRAIN_LOSS,
    METRIC_VAL_LOSS,
    METRIC_LR,
    METRIC_GRAD_NORM,
    METRIC_SPEED,
    METRIC_SECONDS,
    METRICS
} metric;

typedef struct metrics {
    char    path[4200];       /* of the file */
    char    folder[4100];     /* of the run; "" when a file was named */
    double *columns[METRICS]; /* [rows]; NAN where the file has nothing, and in columns that it lacks */
    size_t  rows, room;
    size_t  damaged, first_damaged; /* rows that are left out, and the line of the first */
} metrics;

/* Reads run/metrics.csv, or run itself when it is a file. No rows are no failure. Says what is wrong and returns false;
 * metrics_free in either case. A last line without its end is a row that is being written, and waits for the next time. */
bool metrics_read(const char *run, metrics *m);
void metrics_free(metrics *m); /* also a zeroed one */

/* The column's name in the file. */
const char *metric_name(metric which);

#endif
