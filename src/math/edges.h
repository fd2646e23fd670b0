/* edges.h - what is done to a vector of elements on its way to or from memory: activations and dropout masks. rows_isa.c
 * makes passes over rows of it, and matrix products inline it where a tile is stored. */
#ifndef CANTO_EDGES_H
#define CANTO_EDGES_H

#include "math/isa.h"

/* x / (1 + e^-2u), which is x (1 + tanh u) / 2, with u = sqrt(2 / pi) (x + 0.044715 x^3). With e = e^-2|u| and
 * r = 1 / (1 + e), the sigmoid of 2u is s = r or e r by the sign of x, and s (1 - s) = e r r without cancellation:
 * the slope is s + x e r r 2 u'. x^2 is held below a limit where e is 0 already, so that u' stays finite. */
INLINE void gelu_tanh_vec(vec x, vec *y, vec *slope) {
    const real root = (real)0.7978845608028654, cubic = (real)0.044715 * root; /* sqrt(2 / pi) */
    const vec  one = vec_set(1);
    vec        square = vec_min(vec_set(10000), x * x);
    vec        u = vec_abs(x) * vec_fma(square, vec_set(-2 * cubic), vec_set(-2 * root));
    vec        e = vec_exp(u), r = one / (one + e), er = e * r;
    vec        s = vec_if_less(x, (vec){0}, er, r);
    *y = x * s;
    *slope = vec_fma(x * (er * r), vec_fma(square, vec_set(6 * cubic), vec_set(2 * root)), s);
}

/* x Phi(x), Phi and phi the normal distribution and its density; the slope is Phi + x phi. */
INLINE void gelu_exact_vec(vec x, vec *y, vec *slope) {
    const vec half = vec_set((real)0.5);
    vec       distribution = vec_fma(vec_erf(x * vec_set((real)0.7071067811865476)), half, half); /* 1 / sqrt(2) */
    vec       density = vec_set((real)0.3989422804014327) * vec_exp(-half * x * x);               /* 1 / sqrt(2 pi) */
    *y = x * distribution;
    *slope = vec_fma(x, density, distribution);
}

/* y = f(x), slope = f'(x). Where x is not finite, neither is the slope: it takes the place of x, and guards look there. */
INLINE void activate_vec(activation_kind kind, vec x, vec *y, vec *slope) {
    if (kind == ACTIVATION_GELU_TANH) gelu_tanh_vec(x, y, slope);
    else if (kind == ACTIVATION_GELU_EXACT) gelu_exact_vec(x, y, slope);
    else {
        const vec zero = {0};
        *y = vec_if_less(x, zero, zero, x);
        *slope = vec_if_less(zero, x, vec_set(1), zero) + (x - x);
    }
}

#endif
