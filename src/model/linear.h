/* linear.h - y = x W^T + b and its gradients. */
#ifndef CANTO_LINEAR_H
#define CANTO_LINEAR_H

#include "base/pool.h"
#include "math/kernels.h"
#include "model/view.h"

/* x[rows, in] (rows x_row elements apart) -> y[rows, out] (y_row apart). bias may be VIEW_NONE. edge: what else is done to y,
 * without a bias of its own, or NULL. */
void linear_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                    ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row, const gemm_edge *edge);

/* y = x W^T + b:  dx = dy W, times factor (laid out as dx; NULL: as it is; dx NULL: not wanted);  dweight[out, in] += dy^T x
 * (NULL: not wanted); dbias[out] += the sum of dy's rows (NULL: no bias, or not wanted). dx overlaps neither x nor dy. */
void linear_backward(const exec *e, const kernels *k, const view *weight, const real *x, ptrdiff_t x_row, int64_t rows,
                     const real *dy, ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, const real *factor, real *dweight,
                     real *dbias);

/* The parts of both that another product has begun: y += x W^T + b before the edge, dx += dy W before the factor. */
void linear_forward_on(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                       ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row, const gemm_edge *edge);
void linear_backward_on(const exec *e, const kernels *k, const view *weight, int64_t rows, const real *dy,
                        ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, const real *factor);

#endif
