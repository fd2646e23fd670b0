/* run_state.h - where a run stands, beside its weights and moments: trainer.json. */
#ifndef CANTO_RUN_STATE_H
#define CANTO_RUN_STATE_H

#include "data/loader.h"
#include "train/guard.h"

typedef struct run_state {
    int64_t  step;   /* updates done */
    int64_t  epoch;  /* epochs done and told */
    uint64_t tokens; /* trained on */

    double  best_loss; /* the lowest val_loss so far; INFINITY before the first */
    int64_t best_step; /* where it was; -1 before the first */
    double  last_val_loss;
    int64_t last_val_step; /* -1 before the first evaluation */

    double   epoch_loss_sum; /* of the epoch under way */
    uint64_t epoch_tokens;
    double   epoch_seconds, seconds; /* spent on it, and on the run */

    bool   row_due; /* an evaluation waits for the row of this step */
    double row_eval_train_loss, row_val_loss;

    uint64_t metrics_bytes, samples_bytes; /* how much of the journal belongs to the steps done */

    guard_state guard;

    bool         has_loader; /* an untrained model has none */
    loader_state loader;
    bool         has_torch; /* parity: the one stream */
    torch_rng    torch;
} run_state;

/* Nothing is done yet. */
void run_state_begin(run_state *s);

canto_status run_state_write(const char *path, const run_state *s);
canto_status run_state_read(canto_context *context, const char *path, run_state *s);

#endif
