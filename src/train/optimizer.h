/* optimizer.h - Adam and AdamW in one pass over memory, and the global gradient norm. */
#ifndef CANTO_OPTIMIZER_H
#define CANTO_OPTIMIZER_H

#include "base/pool.h"
#include "math/kernels.h"
#include "model/tensors.h"

typedef struct optimizer_settings {
    bool   adamw; /* weight decay decoupled from the gradient; otherwise added to it */
    double lr, beta1, beta2, eps, weight_decay;
    bool   matrices_only; /* weight decay leaves vectors alone */
} optimizer_settings;

/* Update number t (from 1) of every parameter; the gradient is clip_scale times what gradients holds. All blocks have the
 * table's layout; gradients is left zeroed, ready for the next step. */
void optimizer_update(const exec *e, const kernels *k, const tensor_table *table, const optimizer_settings *settings,
                      int64_t t, float *weights, float *gradients, float *m, float *v, float clip_scale);

/* The square root of the sum of squares over the whole block (its padding is zero). */
double gradient_norm(const exec *e, const tensor_table *table, const float *gradients);

#endif
