/* adapter.c - LoRA (Hu et al. 2021): y = x W^T + s (x A^T) B^T, s = alpha / r.
 *
 *     t = x A^T      u = dy B
 *     dB += s dy^T t      dA += s u^T x      dx = dy W + s u A
 *
 * Neither B A nor its gradient is ever made: r is small, and so are t and u. The product with W comes second and goes on from
 * what the adapter has left, so that its edge (bias, activation, masks, the stream) sees the whole sum. */
#include "model/adapter.h"

#include "math/product.h"
#include "model/linear.h"

#define PART 8192

typedef struct scale_job {
    real   *x;
    int64_t n;
    real    scale;
} scale_job;

static void scale_unit(void *job, size_t unit, int worker) {
    const scale_job *j = job;
    int64_t          from = (int64_t)unit * PART, to = from + PART < j->n ? from + PART : j->n;
    (void)worker;
    for (int64_t i = from; i < to; i++) j->x[i] *= j->scale;
}

static void scale_elements(const exec *e, real *x, int64_t n, real scale) {
    scale_job job = {x, n, scale};
    exec_run(e, (size_t)((n + PART - 1) / PART), scale_unit, &job);
}

/* t[rows, r] = x A^T */
static void go_down(const exec *e, const kernels *k, const adapter *ad, const real *x, ptrdiff_t x_row, int64_t rows,
                    real *t) {
    const view none = {.type = VIEW_NONE};
    linear_forward(e, k, &ad->a, &none, x, x_row, rows, t, ad->a.rows, NULL);
}

void adapter_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const adapter *ad,
                     const real *x, ptrdiff_t x_row, int64_t rows, real *low, real *y, ptrdiff_t y_row,
                     const gemm_edge *edge) {
    const view none = {.type = VIEW_NONE};
    if (ad->a.type == VIEW_NONE) {
        linear_forward(e, k, weight, bias, x, x_row, rows, y, y_row, edge);
        return;
    }
    go_down(e, k, ad, x, x_row, rows, low);
    scale_elements(e, low, rows * ad->a.rows, ad->scale);
    linear_forward(e, k, &ad->b, &none, low, ad->a.rows, rows, y, y_row, NULL);
    linear_forward_on(e, k, weight, bias, x, x_row, rows, y, y_row, edge);
}

void adapter_backward(const exec *e, const kernels *k, const view *weight, const adapter *ad, const real *x,
                      ptrdiff_t x_row, int64_t rows, const real *dy, ptrdiff_t dy_row, real *const low[2], real *dx,
                      ptrdiff_t dx_row, const real *factor, real *da, real *db) {
    int64_t r = ad->a.rows;
    real   *t = low[0], *u = low[1];
    go_down(e, k, ad, x, x_row, rows, t);
    scale_elements(e, t, rows * r, ad->scale);
    linear_backward(e, k, &ad->b, t, r, rows, dy, dy_row, u, r, NULL, db, NULL);
    scale_elements(e, u, rows * r, ad->scale);
    linear_backward(e, k, &ad->a, x, x_row, rows, u, r, dx, dx_row, NULL, da, NULL);
    if (dx != NULL) linear_backward_on(e, k, weight, rows, dy, dy_row, dx, dx_row, factor);
}

void adapter_merge(const adapter *ad, real *weight) {
    const real *a = ad->a.data, *b = ad->b.data;
    int64_t     in = ad->a.columns, r = ad->a.rows;
    for (int64_t o = 0; o < ad->b.rows; o++)
        for (int64_t i = 0; i < r; i++) {
            real factor = ad->scale * b[o * r + i];
            for (int64_t c = 0; c < in; c++) weight[o * in + c] += factor * a[i * in + c];
        }
}
