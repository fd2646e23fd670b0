/* thin_isa.c - products of a few rows, x W^T for the next token: the weights are read once, where they lie, as fast as memory
 * gives them.
 *
 * W as [out, in]: VL outputs at a time, a square of VL inputs is transposed in registers, and every output goes on with its
 * chain. W as [in, out]: the rows of a strip of columns are added up, STEPS of them at a time, into the result itself, which
 * stays in the first cache.
 *
 * Invariant: an element is the chain over k in ascending order that products_isa.c makes, to the bit. */
#include "math/isa.h"

#define STEPS 8
#define LINE_BYTES 64

/* Asks for the line of an element that will be read some time later. */
INLINE void soon(const real *p) { __builtin_prefetch(p, 0, 3); }

/* ---------------------------------------------------------------------------------------------------- [out, in] */

/* c[m][VL] = chains over k of VL outputs, m < rows: a constant. */
typedef struct chains {
    vec sum[THIN_TURNED_ROWS];
} chains;

INLINE void turned_steps(int rows, const gemm *g, const real *w, int64_t k, int steps, chains *c) {
    vec x[VECTOR_BYTES / sizeof(real)];
    UNROLLED
    for (int i = 0; i < VL; i++)
        x[i] = steps == VL ? vec_load(w + i * g->b_column + k) : vec_load_part(w + i * g->b_column + k, steps);
    vec_transpose(x);
    UNROLLED
    for (int i = 0; i < steps; i++) {
        UNROLLED
        for (int m = 0; m < rows; m++) c->sum[m] = vec_fma(vec_set(g->a[m * g->a_row + k + i]), x[i], c->sum[m]);
    }
}

/* The last K % VL steps. */
INLINE void turned_rest(int rows, const gemm *g, const real *w, int64_t k, chains *c) {
    for (; k < g->K; k++) {
        vec x = {0};
        for (int i = 0; i < VL; i++) x[i] = w[i * g->b_column + k];
        for (int m = 0; m < rows; m++) c->sum[m] = vec_fma(vec_set(g->a[m * g->a_row + k]), x, c->sum[m]);
    }
}

INLINE void turned_begin(int rows, const gemm *g, int64_t n, chains *c) {
    for (int m = 0; m < rows; m++) c->sum[m] = g->accumulate ? vec_load(g->c + m * g->c_row + n) : (vec){0};
}

INLINE void turned_end(int rows, const gemm *g, int64_t n, const chains *c) {
    for (int m = 0; m < rows; m++) vec_store(g->c + m * g->c_row + n, c->sum[m]);
}

/* Two groups of VL outputs side by side: their chains do not wait for each other. */
INLINE void turned_pair(int rows, const gemm *g, int64_t n) {
    const real *w = g->b + n * g->b_column, *next = w + 2 * VL * g->b_column;
    chains      one, other;
    int64_t     k = 0;
    turned_begin(rows, g, n, &one);
    turned_begin(rows, g, n + VL, &other);
    for (; k + VL <= g->K; k += VL) {
        if (k * (int64_t)sizeof(real) % LINE_BYTES == 0)
            for (int i = 0; i < 2 * VL; i++) soon(next + i * g->b_column + k);
        turned_steps(rows, g, w, k, VL, &one);
        turned_steps(rows, g, w + VL * g->b_column, k, VL, &other);
    }
    turned_rest(rows, g, w, k, &one);
    turned_rest(rows, g, w + VL * g->b_column, k, &other);
    turned_end(rows, g, n, &one);
    turned_end(rows, g, n + VL, &other);
}

INLINE void turned_single(int rows, const gemm *g, int64_t n) {
    const real *w = g->b + n * g->b_column;
    chains      one;
    int64_t     k = 0;
    turned_begin(rows, g, n, &one);
    for (; k + VL <= g->K; k += VL) turned_steps(rows, g, w, k, VL, &one);
    turned_rest(rows, g, w, k, &one);
    turned_end(rows, g, n, &one);
}

/* Outputs that do not fill a vector, one by one. */
static void turned_few(const gemm *g, int64_t n, int64_t n1) {
    for (; n < n1; n++)
        for (int64_t m = 0; m < g->M; m++) {
            const real *w = g->b + n * g->b_column, *a = g->a + m * g->a_row;
            real        sum = g->accumulate ? g->c[m * g->c_row + n] : 0;
            for (int64_t k = 0; k < g->K; k++) sum = real_fma(a[k], w[k], sum);
            g->c[m * g->c_row + n] = sum;
        }
}

INLINE void turned_rows(int rows, const gemm *g, int64_t n0, int64_t n1) {
    int64_t n = n0;
    for (; n + 2 * VL <= n1; n += 2 * VL) turned_pair(rows, g, n);
    for (; n + VL <= n1; n += VL) turned_single(rows, g, n);
    turned_few(g, n, n1);
}

static void turned(const gemm *g, int64_t n0, int64_t n1) {
    if (g->M == 1) turned_rows(1, g, n0, n1);
    else if (g->M == 2) turned_rows(2, g, n0, n1);
    else if (g->M == 3) turned_rows(3, g, n0, n1);
    else turned_rows(4, g, n0, n1);
}

/* ---------------------------------------------------------------------------------------------------- [in, out] */

/* y[n] = (load ? y : 0) + the sum over steps of x[i] w[i w_row + n]; fetch: the rows after these are wanted next. */
INLINE void add_rows(int steps, const real *x, const real *w, ptrdiff_t w_row, real *y, int64_t n, bool load,
                     bool fetch) {
    const int64_t line = LINE_BYTES / (int64_t)sizeof(real);
    int64_t       j = 0;
    vec           f[STEPS];
    UNROLLED
    for (int i = 0; i < steps; i++) f[i] = vec_set(x[i]);
    for (; j + line <= n; j += line) {
        UNROLLED
        for (int i = 0; i < steps; i++)
            if (fetch) soon(w + (steps + i) * w_row + j);
        UNROLLED
        for (int v = 0; v < LINE_BYTES / VECTOR_BYTES; v++) {
            vec sum = load ? vec_load(y + j + v * VL) : (vec){0};
            UNROLLED
            for (int i = 0; i < steps; i++) sum = vec_fma(f[i], vec_load(w + i * w_row + j + v * VL), sum);
            vec_store(y + j + v * VL, sum);
        }
    }
    for (int64_t part; j < n; j += part) {
        part = n - j < VL ? n - j : VL;
        vec sum = load ? vec_load_part(y + j, part) : (vec){0};
        for (int i = 0; i < steps; i++) sum = vec_fma(f[i], vec_load_part(w + i * w_row + j, part), sum);
        vec_store_part(y + j, sum, part);
    }
}

static void straight(const gemm *g, int64_t n0, int64_t n1) {
    int64_t k = 0, n = n1 - n0;
    for (; k + STEPS <= g->K; k += STEPS)
        for (int64_t m = 0; m < g->M; m++) {
            const real *x = g->a + m * g->a_row + k, *w = g->b + k * g->b_row + n0;
            real       *y = g->c + m * g->c_row + n0;
            bool        load = k > 0 || g->accumulate;
            if (m > 0) add_rows(STEPS, x, w, g->b_row, y, n, load, false);
            else add_rows(STEPS, x, w, g->b_row, y, n, load, true);
        }
    for (; k < g->K; k++)
        for (int64_t m = 0; m < g->M; m++)
            add_rows(1, g->a + m * g->a_row + k, g->b + k * g->b_row + n0, g->b_row, g->c + m * g->c_row + n0, n,
                     k > 0 || g->accumulate, false);
}

/* -------------------------------------------------------------------------------------------------------- the door */

void ISA(thin_tile)(const gemm *g, int64_t n0, int64_t n1) {
    if (g->K == 0 && !g->accumulate)
        for (int64_t m = 0; m < g->M; m++) memset(g->c + m * g->c_row + n0, 0, (size_t)(n1 - n0) * sizeof(real));
    if (g->b_column == 1) straight(g, n0, n1);
    else turned(g, n0, n1);
    ISA(edges_tile)(g, 0, g->M, n0, n1 - n0);
}
