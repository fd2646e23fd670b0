/* product.c - a matrix product as output tiles, which threads take by ticket. The reduction is never split, so a result
 * depends neither on the threads nor on the tiles. */
#include "math/product.h"

typedef struct product_job {
    const exec    *e;
    const kernels *k;
    const gemm    *g;
    int64_t        rows, columns; /* of a tile */
    int64_t        across;        /* tiles side by side */
} product_job;

static void product_unit(void *job, size_t unit, int worker) {
    const product_job *p = job;
    int64_t            m0 = (int64_t)unit / p->across * p->rows, n0 = (int64_t)unit % p->across * p->columns;
    int64_t            m1 = m0 + p->rows < p->g->M ? m0 + p->rows : p->g->M;
    int64_t            n1 = n0 + p->columns < p->g->N ? n0 + p->columns : p->g->N;
    p->k->gemm_tile(p->g, m0, m1, n0, n1, p->e->scratch[worker]);
}

void product_run(const exec *e, const kernels *k, const gemm *g) {
    if (g->M <= 0 || g->N <= 0) return;
    /* Tall tiles make up for packing B; small products are cut finer so that every thread has some. */
    product_job job = {e, k, g, g->M >= 1024 ? 384 : g->M >= 384 ? 192 : 96, GEMM_COLUMNS, 0};
    if (g->M * g->N <= 96 * 1024) job.columns = 64;
    job.across = (g->N + job.columns - 1) / job.columns;
    size_t down = (size_t)((g->M + job.rows - 1) / job.rows);
    exec_run(e, down * (size_t)job.across, product_unit, &job);
}
