/* product.h - matrix products cut into units of work. */
#ifndef CANTO_PRODUCT_H
#define CANTO_PRODUCT_H

#include "base/pool.h"
#include "math/kernels.h"

/* Runs g in tiles on e. Every worker's scratch holds at least GEMM_SCRATCH reals. M, N or K may be 0. */
void product_run(const exec *e, const kernels *k, const gemm *g);

#endif
