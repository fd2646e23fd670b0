/* isa.h - what the files *_isa.c share. Each of them is compiled once for every instruction set (-DCANTO_ISA=portable, avx2,
 * avx512, neon); their functions carry its name at the end and meet in the table of kernels_isa.c. */
#ifndef CANTO_ISA_H
#define CANTO_ISA_H

#include "math/kernels.h"
#include "math/simd.h"
#include "math/vmath.h"

#define ISA_JOIN2(name, isa) name##_##isa
#define ISA_JOIN(name, isa) ISA_JOIN2(name, isa)
#define ISA(name) ISA_JOIN(name, CANTO_ISA)
#define ISA_TEXT2(isa) #isa
#define ISA_TEXT(isa) ISA_TEXT2(isa)

/* kernels.h says what each does. */
void ISA(products_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch);
void ISA(blocks_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch);
void ISA(thin_tile)(const gemm *g, int64_t n0, int64_t n1);
void ISA(products_pack)(const gemm *g, real *panels);
void ISA(products_sums)(const real *x, ptrdiff_t x_row, int64_t rows, int64_t n, real *out);
/* products_isa.c calls it for each register tile: rows [m, m + rows), columns [n, n + columns) of g->c hold sums. */
void ISA(edges_tile)(const gemm *g, int64_t m, int64_t rows, int64_t n, int64_t columns);
void ISA(rows_norm)(const real *x, const real *weight, const real *bias, real *y, real *mean, real *rstd, int64_t rows,
                    int64_t C, real eps);
void ISA(rows_norm_backward)(const real *dy, const real *x, const real *weight, const real *mean, const real *rstd,
                             const real *add, real *dx, real *dweight, real *dbias, int64_t rows, int64_t C);
void ISA(rows_elementary)(elementary_kind kind, const real *x, real *y, int64_t n);
real ISA(rows_cross_entropy)(real *logits, int64_t V, uint32_t target, bool gradient, real scale);
void ISA(rows_mask)(const mask *m, uint64_t first, int64_t n, real *out);
void ISA(rows_adam)(const adam *a, int64_t n, real *p, real *g, real *m, real *v);
void ISA(heads_forward)(const attention_head *a, real *scratch);
void ISA(heads_extend)(const attention_head *a, real *scratch);
void ISA(heads_backward)(const attention_head *a, real *scratch);

#endif
