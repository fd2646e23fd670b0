/* micro.h - the register tile that every matrix product ends in.
 *
 *                    b: one vector row a step of k            rows x vectors accumulators stay in registers:
 *                  [ bv 0 ][ bv 1 ][ bv 2 ]                   AVX2 has 16, so 12 of them: 4 x 3, or 6 x 2 where
 *     a: one  [x0]  acc 00  acc 01  acc 02                    two vectors of columns are left; AVX-512 and NEON
 *     number  [x1]  acc 10  acc 11  acc 12                    have 32, so 24: 8 x 3, 12 x 2. A step loads the
 *     a row   [..]    ..      ..      ..                      vectors of b and broadcasts a number of each row of a.
 *
 * Enough chains run side by side to hide the latency of a multiply-add (4 or 5 cycles, two a cycle). */
#ifndef CANTO_MICRO_H
#define CANTO_MICRO_H

#include "math/isa.h"

/* Rows of a tile of 3 vectors, and of one of 2 or 1; a block of rows is whole tiles of both. Packed rows lie in slivers as high
 * as a tile of 3 vectors. */
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__) || !defined(CANTO_DOUBLE) && defined(__ARM_NEON)
#define MICRO_VECTORS 3
#define MICRO_ROWS_3 8
#define MICRO_ROWS_2 12
#define MICRO_BLOCK 24
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
#define MICRO_VECTORS 3
#define MICRO_ROWS_3 4
#define MICRO_ROWS_2 6
#define MICRO_BLOCK 12
#else
#define MICRO_VECTORS 2
#define MICRO_ROWS_3 4
#define MICRO_ROWS_2 4
#define MICRO_BLOCK 4
#endif
#define MICRO_MOST_ROWS MICRO_ROWS_2 /* the higher one */

INLINE int micro_height(int vectors) { return vectors == 3 ? MICRO_ROWS_3 : MICRO_ROWS_2; }

/* c[rows, vectors VL] += a b over kc steps, element (i, k) of a at a[i a_row + k a_column], row k of b at b + k b_row. The
 * chain of an element starts from c when load is set, else from 0. rows and vectors are constants wherever this is
 * inlined. */
INLINE void micro_tile(int rows, int vectors, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                       const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    vec acc[MICRO_MOST_ROWS][MICRO_VECTORS];
    /* Three rows share a pointer: base, base + stride and base + 2 stride are addresses that one instruction can form. */
    const real *three[(MICRO_MOST_ROWS + 2) / 3];
    UNROLLED
    for (int i = 0; i < rows; i += 3) three[i / 3] = a + i * a_row;
    UNROLLED
    for (int i = 0; i < rows; i++) {
        UNROLLED
        for (int v = 0; v < vectors; v++) acc[i][v] = (vec){0};
    }
    if (load) {
        UNROLLED
        for (int i = 0; i < rows; i++) {
            UNROLLED
            for (int v = 0; v < vectors; v++) acc[i][v] = vec_load(c + i * c_row + v * VL);
        }
    }
#if defined(__clang__)
#pragma clang loop unroll_count(4)
#else
#pragma GCC unroll 4
#endif
    for (int64_t k = 0; k < kc; k++) {
        vec bv[MICRO_VECTORS];
        UNROLLED
        for (int v = 0; v < vectors; v++) bv[v] = vec_load(b + v * VL);
        UNROLLED
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(three[i / 3][i % 3 * a_row]);
            UNROLLED
            for (int v = 0; v < vectors; v++) acc[i][v] = vec_fma(x, bv[v], acc[i][v]);
        }
        UNROLLED
        for (int i = 0; i < rows; i += 3) three[i / 3] += a_column;
        b += b_row;
    }
    UNROLLED
    for (int i = 0; i < rows; i++) {
        UNROLLED
        for (int v = 0; v < vectors; v++) vec_store(c + i * c_row + v * VL, acc[i][v]);
    }
}

/* The same for any number of rows up to MICRO_MOST_ROWS. */
INLINE void micro_rows(int64_t rows, int vectors, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                       const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
#define MICRO_CASE(n)                                                                                                  \
    case n:                                                                                                            \
        micro_tile(n, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);                                      \
        break
    switch (rows) {
        MICRO_CASE(1);
        MICRO_CASE(2);
        MICRO_CASE(3);
        MICRO_CASE(4);
#if MICRO_MOST_ROWS > 4
        MICRO_CASE(5);
        MICRO_CASE(6);
#endif
#if MICRO_MOST_ROWS > 6
        MICRO_CASE(7);
        MICRO_CASE(8);
        MICRO_CASE(9);
        MICRO_CASE(10);
        MICRO_CASE(11);
        MICRO_CASE(12);
#endif
    default:
        break;
    }
#undef MICRO_CASE
}

/* Any number of rows. What is left of them in the end becomes two tiles of about the same height: low ones would wait for
 * their sums. How the rows are cut into tiles changes no bit. */
INLINE void micro_all(int64_t rows, int vectors, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                      const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    const int64_t height = micro_height(vectors);
    for (int64_t n; rows > 0; rows -= n, a += n * a_row, c += n * c_row) {
        n = rows <= height ? rows : rows < 2 * height ? (rows + 1) / 2 : height;
        micro_rows(n, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);
    }
}

#endif
