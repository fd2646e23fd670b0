/* micro.h - the register tile that every matrix product ends in, attention's small ones too.
 *
 *                    b: one vector row a step of k            MICRO_ROWS x MICRO_VECTORS accumulators stay in
 *                  [ bv 0 ][ bv 1 ][ bv 2 ]                   registers (AVX-512: 8 x 3 of 32, AVX2: 4 x 3 of 16,
 *     a: one  [x0]  acc 00  acc 01  acc 02                    NEON: 8 x 3 of 32, SSE2: 4 x 2 of 16). A step loads
 *     number  [x1]  acc 10  acc 11  acc 12                    MICRO_VECTORS vectors of b and broadcasts MICRO_ROWS
 *     a row   [..]    ..      ..      ..                      numbers of a for their product of multiply-adds.
 */
#ifndef CANTO_MICRO_H
#define CANTO_MICRO_H

#include "math/isa.h"

/* c[rows, vectors VL] += a b over kc steps, element (i, k) of a at a[i a_row + k a_column], row k of b at b + k b_row. The
 * chain of an element starts from c when load is set, else from 0. rows and vectors are constants wherever this is
 * inlined. */
INLINE void micro_tile(int rows, int vectors, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                       const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    vec acc[MICRO_ROWS][MICRO_VECTORS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) acc[i][v] = load ? vec_load(c + i * c_row + v * VL) : (vec){0};
#pragma GCC unroll 4
    for (int64_t k = 0; k < kc; k++) {
        vec bv[MICRO_VECTORS];
        for (int v = 0; v < vectors; v++) bv[v] = vec_load(b + v * VL);
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(a[i * a_row]);
            for (int v = 0; v < vectors; v++) acc[i][v] = vec_fma(x, bv[v], acc[i][v]);
        }
        a += a_column;
        b += b_row;
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) vec_store(c + i * c_row + v * VL, acc[i][v]);
}

/* The same for any number of rows up to MICRO_ROWS. */
INLINE void micro_rows(int64_t rows, int vectors, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                       const real *b, ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    if (rows == MICRO_ROWS) {
        micro_tile(MICRO_ROWS, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        return;
    }
    for (int part = MICRO_ROWS / 2; part >= 1; part /= 2)
        if (rows & part) {
            if (part == 4) micro_tile(4, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);
            else if (part == 2) micro_tile(2, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);
            else micro_tile(1, vectors, kc, a, a_row, a_column, b, b_row, c, c_row, load);
            a += part * a_row;
            c += part * c_row;
        }
}

#endif
