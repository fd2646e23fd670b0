/* thin_isa.c - products of a few rows, x W^T for the next token: the weights are read once, where they lie, as fast as memory
 * gives them.
 *
 * W as [out, in]: VL outputs at a time, a square of VL inputs is transposed in registers, and every output goes on with its
 * chain. W as [in, out]: the rows of a strip of columns are added up, STEPS of them at a time, into the result itself, which
 * stays in the first cache. Numbers of 16 bits become reals on the way.
 *
 * Invariant: an element is the chain over k in ascending order that products_isa.c makes, to the bit. */
#include "math/isa.h"

#define STEPS 8
#define LINE_BYTES 64

/* Asks for the line of number `at` that will be read some time later. */
INLINE void soon(number_type type, const void *p, int64_t at) {
    __builtin_prefetch((const char *)p + at * (int64_t)number_size(type), 0, 3);
}

/* ---------------------------------------------------------------------------------------------------- [out, in] */

/* Of VL outputs, in each of the rows of x. */
typedef struct chains {
    vec sum[THIN_TURNED_ROWS];
} chains;

/* Steps k .. k + VL - 1 of the outputs from n on; rows and type are constants. */
INLINE void turned_steps(number_type type, int rows, const gemm *g, int64_t n, int64_t k, chains *c) {
    vec x[VECTOR_BYTES / sizeof(real)];
    UNROLLED
    for (int i = 0; i < VL; i++) x[i] = vec_load_numbers(type, g->b, (n + i) * g->b_column + k);
    vec_transpose(x);
    UNROLLED
    for (int i = 0; i < VL; i++) {
        UNROLLED
        for (int m = 0; m < rows; m++) c->sum[m] = vec_fma(vec_set(g->a[m * g->a_row + k + i]), x[i], c->sum[m]);
    }
}

/* The last K % VL steps. */
INLINE void turned_rest(number_type type, int rows, const gemm *g, int64_t n, int64_t k, chains *c) {
    for (; k < g->K; k++) {
        vec x = {0};
        for (int i = 0; i < VL; i++) x[i] = number_at(type, g->b, (n + i) * g->b_column + k);
        UNROLLED
        for (int m = 0; m < rows; m++) c->sum[m] = vec_fma(vec_set(g->a[m * g->a_row + k]), x, c->sum[m]);
    }
}

INLINE void turned_begin(int rows, const gemm *g, int64_t n, chains *c) {
    UNROLLED
    for (int m = 0; m < rows; m++) c->sum[m] = g->accumulate ? vec_load(g->c + m * g->c_row + n) : (vec){0};
}

INLINE void turned_end(int rows, const gemm *g, int64_t n, const chains *c) {
    UNROLLED
    for (int m = 0; m < rows; m++) vec_store(g->c + m * g->c_row + n, c->sum[m]);
}

/* Two groups of VL outputs side by side: their chains do not wait for each other. */
INLINE void turned_pair(number_type type, int rows, const gemm *g, int64_t n) {
    chains        one, other;
    const int64_t line = LINE_BYTES / (int64_t)number_size(type);
    int64_t       k = 0;
    turned_begin(rows, g, n, &one);
    turned_begin(rows, g, n + VL, &other);
    for (; k + VL <= g->K; k += VL) {
        for (int i = 0; i < 2 * VL && k % line == 0; i++) soon(type, g->b, (n + 2 * VL + i) * g->b_column + k);
        turned_steps(type, rows, g, n, k, &one);
        turned_steps(type, rows, g, n + VL, k, &other);
    }
    turned_rest(type, rows, g, n, k, &one);
    turned_rest(type, rows, g, n + VL, k, &other);
    turned_end(rows, g, n, &one);
    turned_end(rows, g, n + VL, &other);
}

INLINE void turned_single(number_type type, int rows, const gemm *g, int64_t n) {
    chains  one;
    int64_t k = 0;
    turned_begin(rows, g, n, &one);
    for (; k + VL <= g->K; k += VL) turned_steps(type, rows, g, n, k, &one);
    turned_rest(type, rows, g, n, k, &one);
    turned_end(rows, g, n, &one);
}

/* Outputs that do not fill a vector, one by one. */
static void turned_few(const gemm *g, int64_t n, int64_t n1) {
    for (; n < n1; n++)
        for (int64_t m = 0; m < g->M; m++) {
            real sum = g->accumulate ? g->c[m * g->c_row + n] : 0;
            for (int64_t k = 0; k < g->K; k++)
                sum = real_fma(g->a[m * g->a_row + k], number_at(g->b_type, g->b, n * g->b_column + k), sum);
            g->c[m * g->c_row + n] = sum;
        }
}

INLINE void turned_rows(number_type type, int rows, const gemm *g, int64_t n0, int64_t n1) {
    int64_t n = n0;
    for (; n + 2 * VL <= n1; n += 2 * VL) turned_pair(type, rows, g, n);
    for (; n + VL <= n1; n += VL) turned_single(type, rows, g, n);
    turned_few(g, n, n1);
}

INLINE void turned(number_type type, const gemm *g, int64_t n0, int64_t n1) {
    if (g->M == 1) turned_rows(type, 1, g, n0, n1);
    else if (g->M == 2) turned_rows(type, 2, g, n0, n1);
    else if (g->M == 3) turned_rows(type, 3, g, n0, n1);
    else turned_rows(type, 4, g, n0, n1);
}

/* ---------------------------------------------------------------------------------------------------- [in, out] */

/* y[n] = (load ? y : 0) + the sum over steps of x[i] times row i of w, which begins at number `at` of B; fetch: the rows
 * after these are wanted next. type and steps are constants. */
INLINE void add_rows(number_type type, int steps, const real *x, const gemm *g, int64_t at, real *y, int64_t n,
                     bool load, bool fetch) {
    const int64_t line = LINE_BYTES / (int64_t)number_size(type);
    int64_t       j = 0;
    vec           f[STEPS];
    UNROLLED
    for (int i = 0; i < steps; i++) f[i] = vec_set(x[i]);
    for (; j + line <= n; j += line) {
        UNROLLED
        for (int i = 0; i < steps; i++)
            if (fetch) soon(type, g->b, at + (steps + i) * g->b_row + j);
        UNROLLED
        for (int v = 0; v < line; v += VL) {
            vec sum = load ? vec_load(y + j + v) : (vec){0};
            UNROLLED
            for (int i = 0; i < steps; i++)
                sum = vec_fma(f[i], vec_load_numbers(type, g->b, at + i * g->b_row + j + v), sum);
            vec_store(y + j + v, sum);
        }
    }
    for (int64_t part; j < n; j += part) {
        part = n - j < VL ? n - j : VL;
        vec sum = load ? vec_load_part(y + j, part) : (vec){0};
        for (int i = 0; i < steps; i++)
            sum = vec_fma(f[i], vec_load_numbers_part(type, g->b, at + i * g->b_row + j, part), sum);
        vec_store_part(y + j, sum, part);
    }
}

INLINE void straight(number_type type, const gemm *g, int64_t n0, int64_t n1) {
    int64_t k = 0, n = n1 - n0;
    for (; k + STEPS <= g->K; k += STEPS)
        for (int64_t m = 0; m < g->M; m++) {
            const real *x = g->a + m * g->a_row + k;
            real       *y = g->c + m * g->c_row + n0;
            bool        load = k > 0 || g->accumulate;
            if (m > 0) add_rows(type, STEPS, x, g, k * g->b_row + n0, y, n, load, false);
            else add_rows(type, STEPS, x, g, k * g->b_row + n0, y, n, load, true);
        }
    for (; k < g->K; k++)
        for (int64_t m = 0; m < g->M; m++)
            add_rows(type, 1, g->a + m * g->a_row + k, g, k * g->b_row + n0, g->c + m * g->c_row + n0, n,
                     k > 0 || g->accumulate, false);
}

/* -------------------------------------------------------------------------------------------------------- the door */

static void thin_real(const gemm *g, int64_t n0, int64_t n1) {
    if (g->b_column == 1) straight(NUMBER_REAL, g, n0, n1);
    else turned(NUMBER_REAL, g, n0, n1);
}

static void thin_half(const gemm *g, int64_t n0, int64_t n1) {
    if (g->b_column == 1) straight(NUMBER_F16, g, n0, n1);
    else turned(NUMBER_F16, g, n0, n1);
}

static void thin_bfloat(const gemm *g, int64_t n0, int64_t n1) {
    if (g->b_column == 1) straight(NUMBER_BF16, g, n0, n1);
    else turned(NUMBER_BF16, g, n0, n1);
}

void ISA(thin_tile)(const gemm *g, int64_t n0, int64_t n1) {
    for (int64_t m = 0; m < g->M && g->K == 0 && !g->accumulate; m++)
        memset(g->c + m * g->c_row + n0, 0, (size_t)(n1 - n0) * sizeof(real));
    if (g->b_type == NUMBER_F16) thin_half(g, n0, n1);
    else if (g->b_type == NUMBER_BF16) thin_bfloat(g, n0, n1);
    else thin_real(g, n0, n1);
    ISA(edges_tile)(g, 0, g->M, n0, n1 - n0);
}
