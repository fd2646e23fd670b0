/* edges.h - what is done to vectors of elements where a product's tile is stored: activations and dropout masks. */
#ifndef CANTO_EDGES_H
#define CANTO_EDGES_H

#include "math/isa.h"

/* x / (1 + e^-2u), which is x (1 + tanh u) / 2, with u = sqrt(2 / pi) (x + 0.044715 x^3). With e = e^-2|u| and
 * r = 1 / (1 + e), the sigmoid of 2u is s = r or e r by the sign of x, and s (1 - s) = e r r without cancellation:
 * the slope is s + x e r r 2 u'. x^2 is held below a limit where e is 0 already, so that u' stays finite. */
INLINE void gelu_tanhs(int n, bool sloped, vec *x, vec *slope) {
    const real root = (real)0.7978845608028654, cubic = (real)0.044715 * root; /* sqrt(2 / pi) */
    const vec  one = vec_set(1);
    vec        square[VECS], e[VECS];
    UNROLLED
    for (int v = 0; v < n; v++) {
        square[v] = vec_min(vec_set(10000), x[v] * x[v]);
        e[v] = vec_abs(x[v]) * vec_fma(square[v], vec_set(-2 * cubic), vec_set(-2 * root));
    }
    vec_exps(n, e);
    UNROLLED
    for (int v = 0; v < n; v++) {
        vec r = one / (one + e[v]), er = e[v] * r, s = vec_if_less(x[v], (vec){0}, er, r);
        vec u = vec_fma(square[v], vec_set(6 * cubic), vec_set(2 * root));
        if (sloped) slope[v] = vec_fma(x[v] * (er * r), u, s);
        x[v] = x[v] * s;
    }
}

/* x Phi(x), Phi and phi the normal distribution and its density; the slope is Phi + x phi. */
INLINE void gelu_exacts(int n, bool sloped, vec *x, vec *slope) {
    const vec half = vec_set((real)0.5), peak = vec_set((real)0.3989422804014327); /* 1 / sqrt(2 pi) */
    vec       f[VECS], e[VECS];
    UNROLLED
    for (int v = 0; v < n; v++) {
        f[v] = x[v] * vec_set((real)0.7071067811865476); /* 1 / sqrt(2) */
        e[v] = -half * x[v] * x[v];
    }
    vec_erfs(n, f);
    if (sloped) vec_exps(n, e);
    UNROLLED
    for (int v = 0; v < n; v++) {
        vec distribution = vec_fma(f[v], half, half);
        if (sloped) slope[v] = vec_fma(x[v], peak * e[v], distribution);
        x[v] = x[v] * distribution;
    }
}

INLINE void relus(int n, bool sloped, vec *x, vec *slope) {
    const vec zero = {0};
    UNROLLED
    for (int v = 0; v < n; v++) {
        if (sloped) slope[v] = vec_if_less(zero, x[v], vec_set(1), zero) + (x[v] - x[v]);
        x[v] = vec_if_less(x[v], zero, zero, x[v]);
    }
}

/* x = f(x) and slope = f'(x) of n <= VECS vectors; kind, sloped and n are constants where this is inlined. Where x is not finite,
 * neither is the slope: it takes the place of x, and guards look there. */
INLINE void activate_vecs(activation_kind kind, bool sloped, int n, vec *x, vec *slope) {
    if (kind == ACTIVATION_GELU_TANH) gelu_tanhs(n, sloped, x, slope);
    else if (kind == ACTIVATION_GELU_EXACT) gelu_exacts(n, sloped, x, slope);
    else relus(n, sloped, x, slope);
}

/* Whether an element is kept is a hash of (key, index): two multiplications with the halves of the key before and in
 * between (the mix is lowbias32's, Ellis 2018). Its high bits decide: no mixing down comes after the last product. */
INLINE uvec mask_hash(uvec index, uint64_t key, uvec high) { /* high: the upper halves of the indices */
    uvec x = index ^ (uint32_t)key;
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x ^= (uint32_t)(key >> 32) + high;
    return x * 0x846ca68bU;
}

INLINE vec mask_of(const mask *m, uvec kept) { return (vec)((ivec)vec_set(m->scale) & uvec_widen(kept)); }

INLINE vec mask_of_hash(const mask *m, uvec hash) { return mask_of(m, (uvec)(hash >= m->threshold)); }

/* Elements first, first + 1, ... */
INLINE vec mask_hashed(const mask *m, uint64_t first) {
    uvec base = (uint32_t)first - (uvec){0}, index = base + uvec_lanes();
    uvec high = (uint32_t)(first >> 32) - (uvec)(index < base); /* the carry of index */
    return mask_of_hash(m, mask_hash(index, m->key, high));
}

/* Elements first .. first + n - 1 of a dropout mask, n <= VL: scale or 0. Bits beyond them are not read. */
INLINE vec mask_part_vec(const mask *m, uint64_t first, int64_t n) {
    if (m->bits == NULL) return mask_hashed(m, first);
    uint64_t       bit = m->first_bit + first;
    const uint8_t *bytes = m->bits + (bit >> 3);
    int            skip = bit & 7;
    uint32_t       word = bytes[0];
    for (int i = 1; i < (skip + n + 7) / 8; i++) word |= (uint32_t)bytes[i] << (8 * i);
    return mask_of(m, (uvec)(((word >> skip) & ((uvec){0} + 1) << uvec_lanes()) != 0));
}

INLINE vec mask_vec(const mask *m, uint64_t first) { return mask_part_vec(m, first, VL); }

#endif
