/* checkpoint.h - folders of a run that appear whole: everything that going on from there needs. */
#ifndef CANTO_CHECKPOINT_H
#define CANTO_CHECKPOINT_H

#include "base/json.h"
#include "base/rng.h"
#include "model/tensors.h"

/* Where a run stands, beside its weights and moments. */
typedef struct checkpoint_state {
    int64_t          step, epoch;
    uint64_t         tokens;
    double           best_loss; /* the lowest val_loss so far; INFINITY before the first */
    int64_t          best_step; /* where it was; -1 before the first */
    const torch_rng *torch;     /* parity: the one stream; otherwise NULL */
    json_t          *loader;    /* the loader's own state, borrowed */
} checkpoint_state;

/* Writes run/step-%08d under a temporary name and renames it; path[4096] receives its name. m, v: the table's layout. */
canto_status checkpoint_save(const char *run, const canto_model *model, const tensor_table *table, const float *m,
                             const float *v, const checkpoint_state *state, char *path);
/* Points run/last, or run/best, at the checkpoint of a step. */
canto_status checkpoint_link(const char *run, const char *name, int64_t step);
/* Removes the oldest checkpoints until `keep` remain beside those of steps best and last; keep 0 keeps all. */
canto_status checkpoint_prune(const char *run, int32_t keep, int64_t best, int64_t last);

#endif
