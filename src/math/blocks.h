/* blocks.h - weights of 8 and of 4 bits, as the kernels read them.
 *
 * A matrix W[N, K] is cut into panels of BLOCK_OUTPUTS rows n, and these into groups of BLOCK_STEPS steps k; rows and steps
 * are filled up with zeros. Weight (n, k) is scale(n, group of k) times a small number. A panel is one piece of memory:
 *
 *     scales   [group][16]          IEEE half precision
 *     INT8     [group][8][16][4]    -127 .. 127: steps 4 q .. 4 q + 3 of an output stand together
 *     INT4     [group][4][16][4]    -8 .. 7, plus 8: of quadruple q the lower halves of the bytes, of q + 4 the upper ones
 *
 * so that 64 bytes and four numbers of x make one step of 16 sums. A product's x is made 8 bits too, with one scale a group:
 *
 *     y[n] = the sum over groups g, in order, of (the whole-number sum over the group of x w) scale(n, g) scale(x, g) */
#ifndef CANTO_BLOCKS_H
#define CANTO_BLOCKS_H

#include "math/kernels.h"

#define BLOCK_OUTPUTS 16
#define BLOCK_STEPS 32

static inline bool number_is_block(number_type type) { return type == NUMBER_INT8 || type == NUMBER_INT4; }

static inline int64_t block_groups(int64_t K) { return (K + BLOCK_STEPS - 1) / BLOCK_STEPS; }

/* Of a group's numbers in one panel, without their scales. */
static inline int64_t block_bytes(number_type type) {
    return BLOCK_OUTPUTS * BLOCK_STEPS / (type == NUMBER_INT4 ? 2 : 1);
}

/* Bytes of a panel, and of a whole matrix. */
static inline int64_t block_panel_bytes(number_type type, int64_t K) {
    return block_groups(K) * (block_bytes(type) + BLOCK_OUTPUTS * (int64_t)sizeof(uint16_t));
}

static inline int64_t block_matrix_bytes(number_type type, int64_t N, int64_t K) {
    return (N + BLOCK_OUTPUTS - 1) / BLOCK_OUTPUTS * block_panel_bytes(type, K);
}

/* What a tile of so many rows of x needs, in reals; at most BLOCK_LONGEST steps fit into GEMM_SCRATCH, one row at a time. */
static inline int64_t blocks_scratch(int64_t rows, int64_t K) {
    return rows * block_groups(K) * (1 + (BLOCK_STEPS + 4) / (int64_t)sizeof(real)) + 1;
}

#define BLOCK_LONGEST ((int64_t)GEMM_SCRATCH)

/* rows[n][K], n <= BLOCK_OUTPUTS, -> a panel. Every scale is the one that leaves the smallest squared error of some that are
 * tried. Numbers that are not finite make their group's scale so. */
void blocks_pack(number_type type, const real *rows, int64_t n, int64_t K, void *panel);
/* Weight (n, k) of a matrix. */
real blocks_number(number_type type, const void *matrix, int64_t K, int64_t n, int64_t k);

#endif
