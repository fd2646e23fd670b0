#ifndef CANTO_EDGES_H
#define CANTO_EDGES_H
#include "math/isa.h"
#include <math.h>
INLINE void activate_vec(activation_kind kind, vec x, vec *y, vec *slope) {
    for (int i = 0; i < VL; i++) {
        double v = (double)x[i];
        if (kind == ACTIVATION_RELU) { (*y)[i] = x[i] > 0 ? x[i] : 0; (*slope)[i] = x[i] > 0; }
        else if (kind == ACTIVATION_GELU_EXACT) { double p = 0.5 * (1 + erf(v * 0.70710678118654752)); (*y)[i] = (real)(v * p); (*slope)[i] = (real)(p + v * 0.3989422804014327 * exp(-0.5 * v * v)); }
        else { double u = 0.7978845608028654 * (v + 0.044715 * v * v * v), t = tanh(u); (*y)[i] = (real)(0.5 * v * (1 + t)); (*slope)[i] = (real)(0.5 * (1 + t) + 0.5 * v * (1 - t * t) * 0.7978845608028654 * (1 + 3 * 0.044715 * v * v)); }
    }
}
INLINE vec mask_vec(const mask *m, uint64_t first) {
    vec out;
    real part[VL];
    ISA(rows_mask)(m, first, VL, part);
    memcpy(&out, part, sizeof out);
    return out;
}
#endif
