/* products_isa.c - a tile of a matrix product.
 *
 * Invariant: an element is one chain over k in ascending order, whatever the tile. Nothing here allocates, and nothing
 * depends on addresses. */
#include "math/micro.h"

/* B's rows [k0, k0 + kc) and columns [n, n + MICRO_COLUMNS) -> packed [kc][MICRO_COLUMNS], zeros past column n1. */
static void pack_panel(const gemm *g, int64_t k0, int64_t kc, int64_t n, int64_t n1, real *packed) {
    int64_t     columns = n1 - n < MICRO_COLUMNS ? n1 - n : MICRO_COLUMNS;
    const real *b = g->b + k0 * g->b_row + n * g->b_column;
    if (columns < MICRO_COLUMNS) memset(packed, 0, (size_t)(kc * MICRO_COLUMNS) * sizeof(real));
    if (g->b_column == 1) {
        if (columns == MICRO_COLUMNS)
            for (int64_t k = 0; k < kc; k++)
                memcpy(packed + k * MICRO_COLUMNS, b + k * g->b_row, MICRO_COLUMNS * sizeof(real));
        else
            for (int64_t k = 0; k < kc; k++)
                memcpy(packed + k * MICRO_COLUMNS, b + k * g->b_row, (size_t)columns * sizeof(real));
        return;
    }
    for (int64_t k = 0; k < kc; k++)
        for (int64_t j = 0; j < columns; j++) packed[k * MICRO_COLUMNS + j] = b[k * g->b_row + j * g->b_column];
}

/* A panel at the right edge: through a full-width copy of C, block by block of rows. */
static void edge_panel(const gemm *g, int64_t m0, int64_t m1, int64_t n, int64_t columns, int64_t k0, int64_t kc,
                       const real *packed, bool load, real *edge) {
    for (int64_t m = m0; m < m1; m += MICRO_ROWS) {
        int64_t rows = m1 - m < MICRO_ROWS ? m1 - m : MICRO_ROWS;
        if (load)
            for (int64_t i = 0; i < rows; i++)
                memcpy(edge + i * MICRO_COLUMNS, g->c + (m + i) * g->c_row + n, (size_t)columns * sizeof(real));
        micro(rows, kc, g->a + m * g->a_row + k0 * g->a_column, g->a_row, g->a_column, packed, edge, MICRO_COLUMNS,
              load);
        for (int64_t i = 0; i < rows; i++)
            memcpy(g->c + (m + i) * g->c_row + n, edge + i * MICRO_COLUMNS, (size_t)columns * sizeof(real));
    }
}

void ISA(products_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch) {
    real *edge = scratch + GEMM_COLUMNS * GEMM_DEPTH;
    memset(edge, 0, 2 * 32 * 16 * sizeof(real));
    for (int64_t k0 = 0; k0 < g->K || k0 == 0; k0 += GEMM_DEPTH) {
        int64_t kc = g->K - k0 < GEMM_DEPTH ? g->K - k0 : GEMM_DEPTH;
        bool    load = g->accumulate || k0 > 0;
        for (int64_t n = n0; n < n1; n += MICRO_COLUMNS) {
            int64_t columns = n1 - n < MICRO_COLUMNS ? n1 - n : MICRO_COLUMNS;
            pack_panel(g, k0, kc, n, n1, scratch);
            if (columns < MICRO_COLUMNS) edge_panel(g, m0, m1, n, columns, k0, kc, scratch, load, edge);
            else
                micro(m1 - m0, kc, g->a + m0 * g->a_row + k0 * g->a_column, g->a_row, g->a_column, scratch,
                      g->c + m0 * g->c_row + n, g->c_row, load);
        }
    }
    if (g->bias == NULL) return;
    for (int64_t m = m0; m < m1; m++)
        for (int64_t n = n0; n < n1; n++) g->c[m * g->c_row + n] += g->bias[n];
}
