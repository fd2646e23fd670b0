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

#define NORM_PARTS 1024 /* at most, so that their sums fit on the stack */

/* The same norm, part by part in any order, for whoever passes over the gradients anyway. */
typedef struct norm_sums {
    size_t elements, part, parts;
    double sums[NORM_PARTS];
} norm_sums;

void norm_begin(norm_sums *n, size_t elements);
/* Part `number` of n->parts: how many elements it has, and its first. */
size_t norm_part(const norm_sums *n, size_t number, size_t *first);
/* Its squares; elements points to its first. Different parts may be added by different threads. */
void   norm_add(norm_sums *n, size_t number, const float *elements);
double norm_end(norm_sums *n);

#endif
