/* micro.h - the register tile that every matrix product ends in, and attention's small ones too. */
#ifndef CANTO_MICRO_H
#define CANTO_MICRO_H

#include "math/isa.h"

/* rows x MICRO_COLUMNS elements of C += A B over kc steps; b's rows are b_row elements apart. The chain of an element
 * starts from c when load is set, else from 0. rows is a constant wherever this is inlined. */
INLINE void micro_rows(int rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                       ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    vec acc[MICRO_ROWS][MICRO_VECTORS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < MICRO_VECTORS; v++) acc[i][v] = load ? vec_load(c + i * c_row + v * VL) : (vec){0};
    for (int64_t k = 0; k < kc; k++) {
        vec bv[MICRO_VECTORS];
        for (int v = 0; v < MICRO_VECTORS; v++) bv[v] = vec_load(b + v * VL);
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(a[i * a_row]);
            for (int v = 0; v < MICRO_VECTORS; v++) acc[i][v] = vec_fma(x, bv[v], acc[i][v]);
        }
        a += a_column;
        b += b_row;
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < MICRO_VECTORS; v++) vec_store(c + i * c_row + v * VL, acc[i][v]);
}

INLINE void micro_any(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                      ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    while (rows >= MICRO_ROWS) {
        micro_rows(MICRO_ROWS, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += MICRO_ROWS * a_row;
        c += MICRO_ROWS * c_row;
        rows -= MICRO_ROWS;
    }
    while (rows >= 4) {
        micro_rows(4, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += 4 * a_row;
        c += 4 * c_row;
        rows -= 4;
    }
    while (rows >= 1) {
        micro_rows(1, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += a_row;
        c += c_row;
        rows -= 1;
    }
}

/* b is packed [kc][MICRO_COLUMNS]. */
static void micro(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b, real *c,
                  ptrdiff_t c_row, bool load) {
    micro_any(rows, kc, a, a_row, a_column, b, MICRO_COLUMNS, c, c_row, load);
}

#endif
