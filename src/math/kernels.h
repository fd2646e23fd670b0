/* kernels.h - the number crunching, one table of functions an instruction set.
 *
 * One readable source (the files *_isa.c) is compiled for every instruction set; the portable build is the truth that the
 * others are tested against. Sums have a fixed order that depends on shapes and the instruction set alone: an element of
 * a matrix product is one chain over k, whatever M, N, the tile or the number of threads. */
#ifndef CANTO_KERNELS_H
#define CANTO_KERNELS_H

#include "math/real.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The dropout mask of one sequence at one place: element i is kept when a hash of (key, i) or bit first_bit + i says so. */
typedef struct mask {
    uint64_t       key;
    const uint8_t *bits; /* NULL: the hash */
    uint64_t       first_bit;
    uint32_t       threshold; /* of the hash: p * 2^32 */
    real           scale;     /* 1 / (1 - p) */
} mask;

typedef enum activation_kind { ACTIVATION_GELU_TANH, ACTIVATION_GELU_EXACT, ACTIVATION_RELU } activation_kind;
typedef enum elementary_kind { ELEMENTARY_EXP, ELEMENTARY_TANH, ELEMENTARY_ERF } elementary_kind;

/* What is done to an element of a product once its sum is complete, in this order; a part that is not wanted is NULL.
 * The matrices lie as the product's result does. */
typedef struct gemm_edge {
    const real     *bias;     /* [N]: c += bias */
    bool            activate; /* c = f(c), slope = f'(c) */
    activation_kind activation;
    real           *slope;
    const real     *factor;   /* c *= factor */
    const mask     *masks[2]; /* c *= mask: one for every mask_rows rows of C; (row among these) N + n is its element */
    int64_t         mask_rows;
    const real     *residual; /* c += residual, which is other memory than c */
} gemm_edge;

/* How numbers are kept. A product works in reals whatever B is kept in: its numbers become reals as they are read. */
typedef enum number_type {
    NUMBER_REAL,
    NUMBER_F16,
    NUMBER_BF16,
    NUMBER_INT8, /* these two in blocks (blocks.h), where A becomes 8 bits too */
    NUMBER_INT4
} number_type;

static inline size_t number_size(number_type type) { return type == NUMBER_REAL ? sizeof(real) : sizeof(uint16_t); }

/* C[M, N] = edge((accumulate ? C : 0) + A[M, K] B[K, N]). Element (m, k) of A lies at a[m * a_row + k * a_column], (k, n) of B
 * at element k * b_row + n * b_column of b, (m, n) of C at c[m * c_row + n]. C overlaps neither A nor B. */
typedef struct gemm {
    int64_t     M, N, K;
    const real *a;
    ptrdiff_t   a_row, a_column;
    const void *b;
    number_type b_type;
    ptrdiff_t   b_row, b_column;
    const real *panels; /* NULL, or what gemm_pack has made of B: then no tile is narrower than N */
    real       *c;
    ptrdiff_t   c_row;
    bool        accumulate;
    gemm_edge   edge;
} gemm;

/* Attention of one head over one sequence: rows i of q, k, v lie stride elements apart, D wide. Position i sees j with
 * i - window < j <= i (window 0: every j <= i). */
typedef struct attention_head {
    int64_t     T, D, window;
    real        scale;
    ptrdiff_t   stride;    /* of q, k, v and their gradients */
    const real *q, *k, *v; /* [T, D] */
    ptrdiff_t   out_stride;
    real       *out;     /* [T, D] forward: written; backward: read */
    real       *lse;     /* [T] log of the softmax's denominator: forward writes, backward reads; NULL: not wanted */
    const mask *dropout; /* NULL: none. Element (i, j) is mask element mask_first + i T + j */
    uint64_t    mask_first;
    const real *dout;         /* [T, D], out_stride; backward */
    real       *dq, *dk, *dv; /* [T, D], stride; backward: written */
    int64_t     first;        /* extend: q, k, v and out have the rows of positions [first, T) alone; otherwise 0 */
    real       *keys;         /* extend: the cache, in an order of the kernels' own; attention_keys(T, D) reals */
    real       *values;       /* [T, D], and room that is read and thrown away; attention_values(T, D) reals */
} attention_head;

/* One update of Adam: what is the same for all elements of a tensor. */
typedef struct adam {
    real keep, coupled; /* weight decay: decoupled, the weight is kept so much of; coupled, joins the gradient */
    real clip;          /* the gradient is so many times what is stored */
    real beta1, rest1;  /* rest = 1 - beta, rounded on its own */
    real beta2, rest2;
    real step, root, eps; /* -lr / (1 - beta1^t), sqrt(1 - beta2^t) */
} adam;

typedef struct kernels {
    const char *name;
    /* Rows [m0, m1) and columns [n0, n1) of a product; scratch: GEMM_SCRATCH reals, aligned to 64 bytes.
     * m1 - m0 <= GEMM_ROWS. */
    void (*gemm_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch);
    /* The same of a B in blocks: n0 is a multiple of BLOCK_OUTPUTS, nothing is accumulated, and the scratch holds
     * blocks_scratch(m1 - m0, K) reals. */
    void (*blocks_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch);
    /* All rows and columns [n0, n1) of a product of few rows (gemm_is_thin): the same bits. */
    void (*gemm_thin)(const gemm *g, int64_t n0, int64_t n1);
    /* g's B, all of it, as tiles read it -> panels[gemm_panels(K, N)]. Of g it looks at N, K and B alone. */
    void (*gemm_pack)(const gemm *g, real *panels);
    /* out[n] += the sum over rows of x[rows, n] (rows x_row elements apart), ascending */
    void (*column_sums)(const real *x, ptrdiff_t x_row, int64_t rows, int64_t n, real *out);
    /* y = (x - mean) * rstd * weight + bias over rows of C, biased variance */
    void (*norm_rows)(const real *x, const real *weight, const real *bias, real *y, real *mean, real *rstd,
                      int64_t rows, int64_t C, real eps);
    /* dx = add + d loss / d x from dy (add NULL: 0); dx may be dy or add. dweight[C] and dbias[C] receive the sums over
     * the rows, one row after another; both NULL: not wanted. */
    void (*norm_rows_backward)(const real *dy, const real *x, const real *weight, const real *mean, const real *rstd,
                               const real *add, real *dx, real *dweight, real *dbias, int64_t rows, int64_t C);
    /* y = the function of vmath.h. For tests alone: the functions are inlined in the kernels and have no other door. */
    void (*elementary)(elementary_kind kind, const real *x, real *y, int64_t n);
    void (*attention_forward)(const attention_head *a, real *scratch); /* scratch: attention_scratch(T, D) reals */
    /* k and v of positions [first, T) go into the cache, which holds [0, first); the rows' out is attention_forward's to the
     * bit, without dropout. */
    void (*attention_extend)(const attention_head *a, real *scratch);
    void (*attention_backward)(const attention_head *a, real *scratch);
    /* The cross-entropy of one row of logits[V]; gradient: logits become scale * (softmax - one-hot) */
    real (*cross_entropy)(real *logits, int64_t V, uint32_t target, bool gradient, real scale);
    /* out[i] = mask element first + i: scale or 0 */
    void (*mask_row)(const mask *m, uint64_t first, int64_t n, real *out);
    /* p, m, v of n elements after an update; g is left 0. Each operation is rounded on its own: all kernels agree. */
    void (*adam_update)(const adam *a, int64_t n, real *p, real *g, real *m, real *v);
    /* Nothing but multiply-adds in registers: returns how many floating-point operations that were. *sink receives a
     * number that depends on all of them. */
    double (*fma_probe)(int64_t rounds, real *sink);
} kernels;

#define GEMM_ROWS 528  /* of a tile, at most: a multiple of the 24 rows of a block */
#define GEMM_DEPTH 256 /* k's that are packed at a time: A's part of a tile lies in the second cache */
#define GEMM_PANEL (48 * GEMM_DEPTH)
#define GEMM_CUT (12 * 48) /* a register tile whose columns do not fill their vectors */
#define GEMM_SCRATCH (GEMM_ROWS * (GEMM_DEPTH + 4) + GEMM_PANEL + GEMM_CUT) /* slivers are at least 4 rows high */

#define THIN_ROWS 16       /* of A, at most, with a B that lies by rows; */
#define THIN_TURNED_ROWS 4 /* and with one that lies by columns: more pay for bringing it into another order */

/* Whether gemm_thin makes this product: B is read once, where it lies. */
static inline bool gemm_is_thin(const gemm *g) {
    return g->panels == NULL && g->a_column == 1 &&
           ((g->b_column == 1 && g->M <= THIN_ROWS) || (g->b_row == 1 && g->M <= THIN_TURNED_ROWS));
}

static inline size_t gemm_panels(int64_t K, int64_t N) { /* in reals: rows are filled up to whole vectors */
    return (size_t)K * (size_t)((N + 15) / 16 * 16);
}

size_t attention_scratch(int64_t T, int64_t D); /* in reals */
#define ATTENTION_PANEL 32                      /* keys lie in panels of at most so many positions */
size_t attention_keys(int64_t T, int64_t D);    /* in reals: the keys of one head for T positions */
size_t attention_values(int64_t T, int64_t D);  /* and its values: a head reads nothing that another one writes */

/* The kernels of a name ("portable", "avx2", "avx512", "neon"), or the best of this machine for NULL and "".
 * NULL when this build or machine does not have them. */
const kernels *kernels_choose(const char *name);

#endif
