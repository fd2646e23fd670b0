/* kernels_isa.c - the table of one instruction set's kernels, and the probe of its limit. */
#include "math/isa.h"

/* Chains x = a x + b that do not wait for each other: enough to hide the latency, few enough for 16 registers. */
static double fma_probe(int64_t rounds, real *sink) {
    enum { CHAINS = 12 };
    vec x[CHAINS], a = vec_set((real)0.999), b = vec_set((real)0.001), s = {0};
    for (int i = 0; i < CHAINS; i++) x[i] = vec_set((real)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) x[i] = vec_fma(x[i], a, b);
    for (int i = 0; i < CHAINS; i++) s += x[i];
    *sink = vec_sum(s);
    return 2.0 * CHAINS * VL * (double)rounds;
}

extern const kernels ISA(kernels);
const kernels        ISA(kernels) = {
           .name = ISA_TEXT(CANTO_ISA),
           .gemm_tile = ISA(products_tile),
           .blocks_tile = ISA(blocks_tile),
           .gemm_thin = ISA(thin_tile),
           .gemm_pack = ISA(products_pack),
           .column_sums = ISA(products_sums),
           .norm_rows = ISA(rows_norm),
           .norm_rows_backward = ISA(rows_norm_backward),
           .elementary = ISA(rows_elementary),
           .attention_forward = ISA(heads_forward),
           .attention_extend = ISA(heads_extend),
           .attention_backward = ISA(heads_backward),
           .cross_entropy = ISA(rows_cross_entropy),
           .mask_row = ISA(rows_mask),
           .adam_update = ISA(rows_adam),
           .fma_probe = fma_probe,
};
