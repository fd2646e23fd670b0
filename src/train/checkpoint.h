/* checkpoint.h - folders of a run that appear whole: everything that going on from there needs. */
#ifndef CANTO_CHECKPOINT_H
#define CANTO_CHECKPOINT_H

#include "store/model.h"
#include "train/run_record.h"
#include "train/run_state.h"

/* Writes run/step-%08d of state->step under a temporary name and renames it; path[4096] receives its name. What stands under
 * that name is replaced. m, v: both moments, in the layout of the model's table. Of a model with adapters these
 * alone are written; from: what they stand beside. */
canto_status checkpoint_save(const char *run, const canto_model *model, const run_origin *from, const float *m,
                             const float *v, const run_state *state, char *path);
/* Writes trainer.json of the checkpoint of state->step anew: weights and moments have not changed. path as above. */
canto_status checkpoint_restate(const char *run, const run_state *state, char *path);
/* Points run/last, or run/best, at the checkpoint of a step. */
canto_status checkpoint_link(const char *run, const char *name, int64_t step);
/* Removes the oldest checkpoints until `keep` remain beside those of steps best and last; keep 0 keeps all. */
canto_status checkpoint_prune(const char *run, int32_t keep, int64_t best, int64_t last);

/* The newest checkpoint of a step below `before`; *step is -1 when there is none. */
canto_status checkpoint_newest(const char *run, int64_t before, int64_t *step);
/* How many there are. */
canto_status checkpoint_count(const char *run, int64_t *count);
/* Reads the checkpoint of a step into block (weights), m and v, all of table's layout, and *state. CANTO_ERROR_FORMAT or
 * CANTO_ERROR_FILE: it is damaged; the blocks then hold anything. */
canto_status checkpoint_load(canto_context *context, const char *run, int64_t step, const tensor_table *table,
                             float *block, float *m, float *v, run_state *state);
/* Bytes of a checkpoint on the disk, about. */
uint64_t checkpoint_bytes(const tensor_table *table);

#endif
