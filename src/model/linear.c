/* linear.c - y = x W^T + b and its gradients. W is [out, in] or, in other people's files, [in, out]: the view says. */
#include "model/linear.h"

#include "math/product.h"

/* onto: y holds the beginning of the sum. */
static void forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                    ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row, const gemm_edge *edge, bool onto) {
    gemm g = {.M = rows,
              .N = weight->rows,
              .K = weight->columns,
              .a = x,
              .a_row = x_row,
              .a_column = 1,
              .b = weight->data,
              .b_type = view_numbers(weight),
              .b_row = weight->column_stride,
              .b_column = weight->row_stride,
              .panels = weight->panels,
              .c = y,
              .c_row = y_row,
              .accumulate = onto};
    if (edge != NULL) g.edge = *edge;
    if (bias->type != VIEW_NONE) g.edge.bias = bias->data;
    product_run(e, k, &g);
}

void linear_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                    ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row, const gemm_edge *edge) {
    forward(e, k, weight, bias, x, x_row, rows, y, y_row, edge, false);
}

void linear_forward_on(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                       ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row, const gemm_edge *edge) {
    forward(e, k, weight, bias, x, x_row, rows, y, y_row, edge, true);
}

#define COLUMNS 64 /* of a unit of column_sums */

typedef struct sums_job {
    const kernels *k;
    const real    *x;
    ptrdiff_t      x_row;
    int64_t        rows, n;
    real          *out;
} sums_job;

static void sums_unit(void *job, size_t unit, int worker) {
    const sums_job *s = job;
    int64_t         from = (int64_t)unit * COLUMNS, n = s->n - from < COLUMNS ? s->n - from : COLUMNS;
    (void)worker;
    s->k->column_sums(s->x + from, s->x_row, s->rows, n, s->out + from);
}

/* out[n] += the sum over rows of x[rows, n], ascending. */
static void column_sums(const exec *e, const kernels *k, const real *x, ptrdiff_t x_row, int64_t rows, int64_t n,
                        real *out) {
    sums_job job = {k, x, x_row, rows, n, out};
    exec_run(e, (size_t)((n + COLUMNS - 1) / COLUMNS), sums_unit, &job);
}

static void backward(const exec *e, const kernels *k, const view *weight, int64_t rows, const real *dy,
                     ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, const real *factor, bool onto) {
    gemm g = {.M = rows,
              .N = weight->columns,
              .K = weight->rows,
              .a = dy,
              .a_row = dy_row,
              .a_column = 1,
              .b = weight->data,
              .b_type = view_numbers(weight),
              .b_row = weight->row_stride,
              .b_column = weight->column_stride,
              .panels = weight->panels_back,
              .c = dx,
              .c_row = dx_row,
              .accumulate = onto,
              .edge.factor = factor};
    product_run(e, k, &g);
}

void linear_backward_on(const exec *e, const kernels *k, const view *weight, int64_t rows, const real *dy,
                        ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, const real *factor) {
    backward(e, k, weight, rows, dy, dy_row, dx, dx_row, factor, true);
}

void linear_backward(const exec *e, const kernels *k, const view *weight, const real *x, ptrdiff_t x_row, int64_t rows,
                     const real *dy, ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, const real *factor, real *dweight,
                     real *dbias) {
    int64_t out = weight->rows, in = weight->columns;
    if (dx != NULL) backward(e, k, weight, rows, dy, dy_row, dx, dx_row, factor, false);
    if (dweight != NULL) {
        gemm g = {.M = out,
                  .N = in,
                  .K = rows,
                  .a = dy,
                  .a_row = 1,
                  .a_column = dy_row,
                  .b = x,
                  .b_row = x_row,
                  .b_column = 1,
                  .c = dweight,
                  .c_row = in,
                  .accumulate = true};
        product_run(e, k, &g);
    }
    if (dbias != NULL) column_sums(e, k, dy, dy_row, rows, out, dbias);
}
