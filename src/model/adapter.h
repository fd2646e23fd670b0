/* adapter.h - low-rank adapters (LoRA): a linear layer of frozen weights and a product of rank r that is trained beside it. */
#ifndef CANTO_ADAPTER_H
#define CANTO_ADAPTER_H

#include "base/pool.h"
#include "math/kernels.h"
#include "model/view.h"

/* What stands beside a weight W[out, in]: A[r, in], B[out, r], and s. */
typedef struct adapter {
    view a, b; /* VIEW_NONE: no adapter */
    real scale;
} adapter;

/* As linear_forward: y = x W^T + s (x A^T) B^T + b. low: scratch memory of [rows, r]. */
void adapter_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const adapter *ad,
                     const real *x, ptrdiff_t x_row, int64_t rows, real *low, real *y, ptrdiff_t y_row,
                     const gemm_edge *edge);
/* As linear_backward, W and b frozen: dx = (dy W + s (dy B) A) times factor (dx NULL: not wanted); da[r, in] and db[out, r] are
 * added to. low: two of [rows, r]. */
void adapter_backward(const exec *e, const kernels *k, const view *weight, const adapter *ad, const real *x,
                      ptrdiff_t x_row, int64_t rows, const real *dy, ptrdiff_t dy_row, real *const low[2], real *dx,
                      ptrdiff_t dx_row, const real *factor, real *da, real *db);
/* weight[out, in] += s B A. */
void adapter_merge(const adapter *ad, real *weight);

#endif
