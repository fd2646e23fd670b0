/* product.c - a matrix product as output tiles, which threads take by ticket. The reduction is never split, so a result
 * depends neither on the threads nor on the tiles. */
#include "math/product.h"

#include "math/blocks.h"

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

static int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

#define ROWS 12    /* a tile's rows are a multiple of this, its columns of the next: whole register tiles */
#define COLUMNS 48 /* 3 vectors of 16, 8 or 4 fit */
#define LEAST_COLUMNS 96
#define LEAST_ROWS 96   /* fewer do not pay for bringing B into their order, unless a thread would have nothing to do */
#define SMALL (1 << 18) /* multiply-adds that are not worth a second thread */

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most; }

/* A number of tiles that is shared out evenly: a multiple of the threads, once there are as many. */
static int64_t even(int64_t n, int64_t threads) { return n > threads ? n / threads * threads : n; }

#define THIN_COLUMNS 256 /* of a strip, at least: memory is read in long pieces */

static void thin_unit(void *job, size_t unit, int worker) {
    const product_job *p = job;
    int64_t            n0 = (int64_t)unit * p->columns, n1 = n0 + p->columns < p->g->N ? n0 + p->columns : p->g->N;
    (void)worker;
    p->k->gemm_thin(p->g, n0, n1);
}

/* Strips of columns, some for every thread. */
static void thin_run(const exec *e, const kernels *k, const gemm *g, int64_t threads) {
    int64_t     strips = threads == 1 ? 1 : even(at_most(8 * threads, divide_up(g->N, THIN_COLUMNS)), threads);
    product_job job = {.e = e, .k = k, .g = g, .columns = divide_up(divide_up(g->N, strips), COLUMNS) * COLUMNS};
    exec_run(e, (size_t)divide_up(g->N, job.columns), thin_unit, &job);
}

#define BLOCK_ROWS 64     /* of a tile, at most */
#define BLOCK_COLUMNS 768 /* of a tile of many rows */
#define BLOCK_FEW 16      /* rows that are few */

static void block_unit(void *job, size_t unit, int worker) {
    const product_job *p = job;
    int64_t            m0 = (int64_t)unit / p->across * p->rows, n0 = (int64_t)unit % p->across * p->columns;
    p->k->blocks_tile(p->g, m0, at_most(m0 + p->rows, p->g->M), n0, at_most(n0 + p->columns, p->g->N),
                      p->e->scratch[worker]);
}

/* Every unit makes its rows of A 8 bits again: strips are wide. */
static void blocks_run(const exec *e, const kernels *k, const gemm *g, int64_t threads) {
    product_job job = {.e = e, .k = k, .g = g};
    int64_t     strips = g->M <= BLOCK_FEW ? 2 * threads : divide_up(g->N, BLOCK_COLUMNS);
    if (threads == 1) strips = 1;
    job.rows = at_most(BLOCK_ROWS, g->M);
    while (job.rows > 1 && blocks_scratch(job.rows, g->K) > GEMM_SCRATCH) job.rows = divide_up(job.rows, 2);
    job.columns = divide_up(divide_up(g->N, strips), BLOCK_OUTPUTS) * BLOCK_OUTPUTS;
    job.across = divide_up(g->N, job.columns);
    exec_run(e, (size_t)(divide_up(g->M, job.rows) * job.across), block_unit, &job);
}

/* Tiles as large as their scratch memory allows, for each packs its own operands; and some for every thread. */
void product_run(const exec *e, const kernels *k, const gemm *g) {
    if (g->M <= 0 || g->N <= 0) return;
    bool    alone = e->pool == NULL || pool_threads(e->pool) == 1 || g->M * g->N < SMALL / (g->K + 1);
    int64_t threads = alone ? 1 : pool_threads(e->pool), wanted = alone ? 1 : 4 * threads;
    if (number_is_block(g->b_type)) {
        blocks_run(e, k, g, threads);
        return;
    }
    if (gemm_is_thin(g)) {
        thin_run(e, k, g, threads);
        return;
    }
    int64_t     down = divide_up(g->M, GEMM_ROWS), across = divide_up(wanted, down);
    product_job job = {.e = e, .k = k, .g = g};
    if (down > threads) down = divide_up(down, threads) * threads;
    across = g->panels != NULL ? 1 : even(at_most(across, divide_up(g->N, LEAST_COLUMNS)), threads);
    if (down * across < wanted) {
        int64_t more = even(at_most(divide_up(wanted, across), g->M / LEAST_ROWS), threads);
        int64_t least = at_most(divide_up(threads, across), g->M);
        if (more < least) more = least;
        if (more > down) down = more;
    }
    job.rows = divide_up(divide_up(g->M, down), ROWS) * ROWS;
    job.columns = divide_up(divide_up(g->N, across), COLUMNS) * COLUMNS;
    job.across = divide_up(g->N, job.columns);
    exec_run(e, (size_t)(divide_up(g->M, job.rows) * job.across), product_unit, &job);
}
