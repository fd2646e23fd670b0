/* tile.h - the register tile of attention's small products: broadcast numbers of a, vectors of b, sums c in registers.
 *
 * An element of c is one chain over the steps, in ascending order, wherever its tile begins and ends: how the rows are cut
 * into tiles changes no bit. */
#ifndef CANTO_TILE_H
#define CANTO_TILE_H

#include "math/isa.h"

#if VECTOR_BYTES == 64 || defined(__ARM_NEON)
#define TILE_ROWS 12 /* times 2 vectors: 24 of 32 registers */
#else
#define TILE_ROWS 6 /* 12 of 16 registers */
#endif

/* c[rows, n] (+)= a[rows, steps] b[steps, n]: element (i, k) of a at a[i a_row + k a_step], rows of b b_step elements
 * apart, rows of c c_row. The chains start from c when load is set, else from 0. */
typedef struct tiles {
    int64_t     rows, steps;
    const real *a;
    ptrdiff_t   a_row, a_step;
    const real *b;
    ptrdiff_t   b_step;
    real       *c;
    ptrdiff_t   c_row;
    bool        load;
} tiles;

/* One tile; rows and vectors are constants where this is inlined. */
INLINE void tile_one(int rows, int vectors, int64_t steps, const real *a, ptrdiff_t a_row, ptrdiff_t a_step,
                     const real *b, ptrdiff_t b_step, real *c, ptrdiff_t c_row, bool load) {
    vec acc[TILE_ROWS][2];
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) acc[i][v] = load ? vec_load(c + i * c_row + v * VL) : (vec){0};
#pragma GCC unroll 2
    for (int64_t k = 0; k < steps; k++) {
        vec bv[2];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) bv[v] = vec_load(b + v * VL);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(a[i * a_row]);
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) acc[i][v] = vec_fma(x, bv[v], acc[i][v]);
        }
        a += a_step;
        b += b_step;
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) vec_store(c + i * c_row + v * VL, acc[i][v]);
}

/* The whole of it. What is left of the rows in the end becomes two tiles of about the same height: low tiles would wait
 * for their sums. */
INLINE void tile_all(int vectors, tiles t) {
    while (t.rows > 0) {
        int64_t rows = t.rows <= TILE_ROWS ? t.rows : t.rows < 2 * TILE_ROWS ? (t.rows + 1) / 2 : TILE_ROWS;
#define TILE_CASE(n)                                                                                                   \
    case n:                                                                                                            \
        tile_one(n, vectors, t.steps, t.a, t.a_row, t.a_step, t.b, t.b_step, t.c, t.c_row, t.load);                    \
        break
        switch (rows) {
            TILE_CASE(1);
            TILE_CASE(2);
            TILE_CASE(3);
            TILE_CASE(4);
            TILE_CASE(5);
            TILE_CASE(6);
#if TILE_ROWS == 12
            TILE_CASE(7);
            TILE_CASE(8);
            TILE_CASE(9);
            TILE_CASE(10);
            TILE_CASE(11);
            TILE_CASE(12);
#endif
        default:
            break;
        }
#undef TILE_CASE
        t.a += rows * t.a_row;
        t.c += rows * t.c_row;
        t.rows -= rows;
    }
}

#endif
