/* journal.h - what a run writes about itself: run.json once, a row of metrics.csv an update. */
#ifndef CANTO_JOURNAL_H
#define CANTO_JOURNAL_H

#include "base/context.h"

/* Row `step`: that many updates are done before it. A number that is NAN is left empty. */
typedef struct journal_row {
    int64_t  step, epoch;
    uint64_t tokens;
    double   train_loss, eval_train_loss, val_loss, lr, grad_norm, tokens_per_second, seconds;
} journal_row;

typedef struct journal {
    bool   open;       /* false: nothing is written */
    char   path[4096]; /* of metrics.csv */
    char   rows[16384];
    size_t bytes;   /* waiting in rows */
    double flushed; /* clock_seconds then */
} journal;

/* Starts folder/metrics.csv with its header. */
canto_status journal_open(journal *j, const char *folder);
/* Adds a row; rows reach the file at least once a second of training. */
canto_status journal_write(journal *j, const journal_row *row);
canto_status journal_flush(journal *j);

/* Writes folder/run.json: version, command (record, JSON or NULL), config, training, data, machine. */
canto_status journal_describe(canto_context *context, const char *folder, const char *record,
                              const canto_config *config, const canto_train_options *training, const canto_data *data,
                              const char *cpu);

#endif
