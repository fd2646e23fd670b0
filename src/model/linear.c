/* linear.c - y = x W^T + b and its gradients. W is [out, in] or, in other people's files, [in, out]: the view says. */
#include "model/linear.h"

#include "math/product.h"

void linear_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x,
                    ptrdiff_t x_row, int64_t rows, real *y, ptrdiff_t y_row) {
    gemm g = {.M = rows,
              .N = weight->rows,
              .K = weight->columns,
              .a = x,
              .a_row = x_row,
              .a_column = 1,
              .b = weight->data,
              .b_row = weight->column_stride,
              .b_column = weight->row_stride,
              .c = y,
              .c_row = y_row,
              .bias = bias->type == VIEW_NONE ? NULL : bias->data};
    product_run(e, k, &g);
}

#define COLUMNS 64 /* of a unit of column_sums */

typedef struct sums_job {
    const real *x;
    ptrdiff_t   x_row;
    int64_t     rows, n;
    real       *out;
} sums_job;

static void sums_unit(void *job, size_t unit, int worker) {
    const sums_job *s = job;
    int64_t         from = (int64_t)unit * COLUMNS, to = from + COLUMNS < s->n ? from + COLUMNS : s->n;
    (void)worker;
    for (int64_t r = 0; r < s->rows; r++)
        for (int64_t c = from; c < to; c++) s->out[c] += s->x[r * s->x_row + c];
}

void column_sums(const exec *e, const real *x, ptrdiff_t x_row, int64_t rows, int64_t n, real *out) {
    sums_job job = {x, x_row, rows, n, out};
    exec_run(e, (size_t)((n + COLUMNS - 1) / COLUMNS), sums_unit, &job);
}

void linear_backward(const exec *e, const kernels *k, const view *weight, const real *x, ptrdiff_t x_row, int64_t rows,
                     const real *dy, ptrdiff_t dy_row, real *dx, ptrdiff_t dx_row, bool add, real *dweight,
                     real *dbias) {
    int64_t out = weight->rows, in = weight->columns;
    if (dx != NULL) {
        gemm g = {.M = rows,
                  .N = in,
                  .K = out,
                  .a = dy,
                  .a_row = dy_row,
                  .a_column = 1,
                  .b = weight->data,
                  .b_row = weight->row_stride,
                  .b_column = weight->column_stride,
                  .c = dx,
                  .c_row = dx_row,
                  .accumulate = add};
        product_run(e, k, &g);
    }
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
    if (dbias != NULL) column_sums(e, dy, dy_row, rows, out, dbias);
}
