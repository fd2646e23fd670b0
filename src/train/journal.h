/* journal.h - what a run writes on the way: metrics.csv, a row an update, and samples.txt. */
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
    bool     open; /* false: nothing is written */
    char     metrics[4096], samples[4096];
    uint64_t metrics_bytes, samples_bytes; /* in the files */
    char     rows[16384];
    size_t   waiting; /* bytes in rows */
    double   flushed; /* clock_seconds then */
} journal;

/* Starts folder/metrics.csv with its header, and without samples. */
canto_status journal_open(journal *j, const char *folder);
/* Goes on behind the first bytes of both files. *whole false: a file is shorter than that, and goes on where it ends. */
canto_status journal_resume(journal *j, const char *folder, uint64_t metrics_bytes, uint64_t samples_bytes,
                            bool *whole);
/* Adds a row; rows reach the file at least once a second of training. */
canto_status journal_write(journal *j, const journal_row *row);
/* Adds a sample under a line that names its step. */
canto_status journal_sample(journal *j, int64_t step, const char *text, size_t bytes);
canto_status journal_flush(journal *j);
/* Flushes, and waits until the disk has it all. */
canto_status journal_sync(journal *j);
/* Takes back the rows behind the first metrics_bytes of metrics.csv; nothing may be waiting. */
canto_status journal_take_back(journal *j, uint64_t metrics_bytes);

#endif
