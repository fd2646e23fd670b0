/* guard.h - what a run notices about itself: numbers that are not finite, and losses that deserve a word. It only looks. */
#ifndef CANTO_GUARD_H
#define CANTO_GUARD_H

#include "base/json.h"
#include "data/loader.h"
#include "train/lanes.h"

/* What the warnings remember; part of a checkpoint, so that a run that goes on does not repeat itself. */
typedef struct guard_state {
    int64_t losses;                   /* seen */
    double  loss_mean, loss_variance; /* of the latest losses, older ones fading out */
    int64_t spike_quiet;              /* no word about spikes before this step */
    double  best_val, train_then;     /* the lowest validation loss, and the training loss of that evaluation */
    int64_t best_val_step;            /* -1 before the first */
    int64_t worse;                    /* evaluations since then */
    bool    rise_told;
} guard_state;

void         guard_begin(guard_state *g);
json_t      *guard_state_write(const guard_state *g); /* NULL when there is no memory */
canto_status guard_state_read(const json_t *object, const char *file, guard_state *g);

/* The run about to begin: too few tokens for the model's parameters, a validation split shorter than a window. */
void guard_look_at_data(canto_context *context, uint64_t parameters, data_split train, data_split validation,
                        int32_t length);
/* The loss of an update: far above the latest ones. */
void guard_look_at_loss(canto_context *context, guard_state *g, int64_t step, double loss);
/* An evaluation: validation rises while training falls. */
void guard_look_at_evaluation(canto_context *context, guard_state *g, int64_t step, double train_loss, double val_loss);

/* What an update was made of, for finding where its numbers went wrong. */
typedef struct guard_scene {
    const tensor_table *table;
    const float        *weights, *gradients; /* gradients: gathered */
    lanes              *lanes;
    const uint32_t     *ids, *targets; /* [B T] of the first micro-batch whose loss is not finite, or of the last */
    int32_t             B, T;
    const gpt_dropout  *dropout;
    float              *losses; /* [B T], written over */
} guard_scene;

/* The first tensor that holds a number that is not finite, in the data's order: a weight; else what the forward pass, which
 * is repeated, makes of the batch; else a gradient, in the order of the backward pass. "" when there is none. */
void guard_find(const guard_scene *scene, char out[160]);
/* The first tensor of a block, of weights or of moments, that holds one: false and its name, or true. */
bool guard_is_finite(const tensor_table *table, const float *block, bool moments, char name[96]);

#endif
