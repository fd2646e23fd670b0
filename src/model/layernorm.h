/* layernorm.h - y = (x - mean) / sqrt(variance + eps) * weight + bias over the C elements of each row. */
#ifndef CANTO_LAYERNORM_H
#define CANTO_LAYERNORM_H

#include "base/pool.h"
#include "math/kernels.h"
#include "model/view.h"

/* x[rows, C] -> y[rows, C]; mean[rows] and rstd[rows] are kept for the backward pass. The variance is the biased one. */
void layernorm_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x, real *y,
                       real *mean, real *rstd, int64_t rows, real eps);

/* dweight[C] += sum over rows of dy (x - mean) rstd;  dbias[C] += sum of dy;  dx = add + what dy says (dx may be dy or
 * add; add NULL: 0). */
void layernorm_backward(const exec *e, const kernels *k, const view *weight, const real *x, const real *mean,
                        const real *rstd, int64_t rows, const real *dy, const real *add, real *dx, real *dweight,
                        real *dbias);

#endif
