/* layernorm.c - layer normalization (Ba, Kiros, Hinton 2016), forward and backward. On a pool, units are chunks of
 * rows, and for the parameters' gradients chunks of columns, so that each sum ascends over the rows; a lane of its own
 * takes all rows once, with the same sums. */
#include "model/layernorm.h"

#define ROWS 32
#define COLUMNS 64

typedef struct norm_job {
    const kernels *k;
    const real    *weight, *bias, *x, *dy, *add;
    real          *y, *mean, *rstd, *dx, *dweight, *dbias;
    int64_t        rows, C;
    real           eps;
} norm_job;

static void forward_unit(void *job, size_t unit, int worker) {
    const norm_job *j = job;
    int64_t         r = (int64_t)unit * ROWS, n = j->rows - r < ROWS ? j->rows - r : ROWS;
    (void)worker;
    j->k->norm_rows(j->x + r * j->C, j->weight, j->bias, j->y + r * j->C, j->mean + r, j->rstd + r, n, j->C, j->eps);
}

void layernorm_forward(const exec *e, const kernels *k, const view *weight, const view *bias, const real *x, real *y,
                       real *mean, real *rstd, int64_t rows, real eps) {
    norm_job job = {.k = k,
                    .weight = weight->data,
                    .bias = bias->data,
                    .x = x,
                    .y = y,
                    .mean = mean,
                    .rstd = rstd,
                    .rows = rows,
                    .C = weight->rows,
                    .eps = eps};
    exec_run(e, (size_t)((rows + ROWS - 1) / ROWS), forward_unit, &job);
}

/* The additions of norm_rows_backward, for some of the columns. */
static void parameters_unit(void *job, size_t unit, int worker) {
    const norm_job *j = job;
    int64_t         from = (int64_t)unit * COLUMNS, to = from + COLUMNS < j->C ? from + COLUMNS : j->C;
    (void)worker;
    for (int64_t r = 0; r < j->rows; r++) {
        const real *dy = j->dy + r * j->C, *x = j->x + r * j->C;
        real        mean = j->mean[r], rstd = j->rstd[r];
        for (int64_t c = from; c < to; c++) {
            j->dweight[c] += dy[c] * ((x[c] - mean) * rstd);
            j->dbias[c] += dy[c];
        }
    }
}

static void backward_unit(void *job, size_t unit, int worker) {
    const norm_job *j = job;
    int64_t         r = (int64_t)unit * ROWS, n = j->rows - r < ROWS ? j->rows - r : ROWS, at = r * j->C;
    (void)worker;
    j->k->norm_rows_backward(j->dy + at, j->x + at, j->weight, j->mean + r, j->rstd + r,
                             j->add != NULL ? j->add + at : NULL, j->dx + at, NULL, NULL, n, j->C);
}

void layernorm_backward(const exec *e, const kernels *k, const view *weight, const real *x, const real *mean,
                        const real *rstd, int64_t rows, const real *dy, const real *add, real *dx, real *dweight,
                        real *dbias) {
    if (e->pool == NULL) {
        k->norm_rows_backward(dy, x, weight->data, mean, rstd, add, dx, dweight, dbias, rows, weight->rows);
        return;
    }
    norm_job job = {.k = k,
                    .weight = weight->data,
                    .x = x,
                    .dy = dy,
                    .add = add,
                    .mean = (real *)mean,
                    .rstd = (real *)rstd,
                    .dx = dx,
                    .dweight = dweight,
                    .dbias = dbias,
                    .rows = rows,
                    .C = weight->rows};
    if (dweight != NULL) exec_run(e, (size_t)((job.C + COLUMNS - 1) / COLUMNS), parameters_unit, &job);
    exec_run(e, (size_t)((rows + ROWS - 1) / ROWS), backward_unit, &job); /* last: dx may be dy */
}
