/* rows_isa.c - what is done row by row or element by element: layer norm, activations, softmax with cross-entropy, masks.
 *
 * Invariants: a sum runs in ascending order inside vectors of VL lanes, then over the lanes in a fixed tree. Nothing here
 * allocates, and nothing depends on addresses. */
#include "math/edges.h"

void ISA(rows_norm)(const real *x, const real *weight, const real *bias, real *y, real *mean, real *rstd, int64_t rows,
                    int64_t C, real eps) {
    for (int64_t r = 0; r < rows; r++, x += C, y += C) {
        real m = sum_row(x, C) / (real)C;
        for (int64_t c = 0; c < C; c++) y[c] = x[c] - m;
        real s = 1 / (real)sqrt((double)(dot_row(y, y, C) / (real)C + eps));
        for (int64_t c = 0; c < C; c++) y[c] = real_fma(y[c] * s, weight[c], bias[c]);
        mean[r] = m;
        rstd[r] = s;
    }
}

/* With n = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - n mean(g n)). */
void ISA(rows_norm_backward)(const real *dy, const real *x, const real *weight, const real *mean, const real *rstd,
                             real *dx, int64_t rows, int64_t C) {
    for (int64_t r = 0; r < rows; r++, dy += C, x += C, dx += C) {
        vec     sg = {0}, sgn = {0}, m = vec_set(mean[r]), s = vec_set(rstd[r]);
        int64_t c = 0;
        for (; c + VL <= C; c += VL) {
            vec g = vec_load(dy + c) * vec_load(weight + c);
            sg += g;
            sgn = vec_fma(g, (vec_load(x + c) - m) * s, sgn);
        }
        real tg = vec_sum(sg), tgn = vec_sum(sgn);
        for (; c < C; c++) {
            real g = dy[c] * weight[c];
            tg += g;
            tgn = real_fma(g, (x[c] - mean[r]) * rstd[r], tgn);
        }
        tg /= (real)C;
        tgn /= (real)C;
        for (c = 0; c < C; c++) dx[c] = rstd[r] * (dy[c] * weight[c] - tg - (x[c] - mean[r]) * rstd[r] * tgn);
    }
}

INLINE void activate_row(activation_kind kind, const real *x, real *y, real *slope, int64_t n) {
    int64_t i = 0;
    vec     f, d;
    for (; i + VL <= n; i += VL) {
        activate_vec(kind, vec_load(x + i), &f, &d);
        vec_store(y + i, f);
        if (slope != NULL) vec_store(slope + i, d);
    }
    if (i == n) return;
    activate_vec(kind, vec_load_part(x + i, n - i), &f, &d);
    vec_store_part(y + i, f, n - i);
    if (slope != NULL) vec_store_part(slope + i, d, n - i);
}

/* The kind and whether there is a slope are constants of the loop: what is not wanted is not computed. */
INLINE void activate(activation_kind kind, const real *x, real *y, real *slope, int64_t n) {
    if (slope == NULL) activate_row(kind, x, y, NULL, n);
    else activate_row(kind, x, y, slope, n);
}

void ISA(rows_activate)(activation_kind kind, const real *x, real *y, real *slope, int64_t n) {
    if (kind == ACTIVATION_GELU_TANH) activate(ACTIVATION_GELU_TANH, x, y, slope, n);
    else if (kind == ACTIVATION_GELU_EXACT) activate(ACTIVATION_GELU_EXACT, x, y, slope, n);
    else activate(ACTIVATION_RELU, x, y, slope, n);
}

void ISA(rows_elementary)(elementary_kind kind, const real *x, real *y, int64_t n) {
    for (int64_t i = 0; i < n; i += VL) {
        int64_t m = n - i < VL ? n - i : VL;
        vec     v = vec_load_part(x + i, m);
        v = kind == ELEMENTARY_EXP ? vec_exp(v) : kind == ELEMENTARY_TANH ? vec_tanh(v) : vec_erf(v);
        vec_store_part(y + i, v, m);
    }
}

/* loss = log sum e^(z - m) + m - z[target]; d loss / d z = softmax(z) - one-hot(target). */
real ISA(rows_cross_entropy)(real *logits, int64_t V, uint32_t target, bool gradient, real scale) {
    real m = largest(logits, V), z = logits[target];
    for (int64_t i = 0; i < V; i++) logits[i] = real_exp(logits[i] - m);
    real sum = sum_row(logits, V);
    real loss = (real)log((double)sum) + m - z;
    if (!gradient) return loss;
    real f = scale / sum;
    for (int64_t i = 0; i < V; i++) logits[i] *= f;
    logits[target] -= scale;
    return loss;
}

/* Two rounds of a 32-bit mix, keyed in between: whether an element is kept depends on (key, index) alone. */
void ISA(rows_mask)(const mask *m, uint64_t first, int64_t n, real *out) {
    if (m->bits != NULL) {
        for (int64_t i = 0; i < n; i++) {
            uint64_t bit = m->first_bit + first + (uint64_t)i;
            out[i] = (m->bits[bit >> 3] >> (bit & 7)) & 1 ? m->scale : 0;
        }
        return;
    }
    uint32_t k0 = (uint32_t)m->key, k1 = (uint32_t)(m->key >> 32) ^ (uint32_t)(first >> 32), base = (uint32_t)first;
    uint32_t threshold = m->threshold;
    real     scale = m->scale;
    for (int64_t i = 0; i < n; i++) {
        uint32_t x = (base + (uint32_t)i) ^ k0;
        x ^= x >> 16;
        x *= 0x7feb352dU;
        x ^= x >> 15;
        x *= 0x846ca68bU;
        x ^= x >> 16;
        x += k1;
        x ^= x >> 16;
        x *= 0x7feb352dU;
        x ^= x >> 15;
        x *= 0x846ca68bU;
        x ^= x >> 16;
        out[i] = x >= threshold ? scale : 0;
    }
}

/* In the order of operations that PyTorch's single-tensor Adam has. */
void ISA(rows_adam)(const adam *a, int64_t n, real *restrict p, real *restrict g, real *restrict m, real *restrict v) {
    const adam s = *a; /* a copy: the stores below cannot change it */
    for (int64_t i = 0; i < n; i++) {
        real weight = p[i] * s.keep;
        real gradient = g[i] * s.clip + s.coupled * p[i];
        real mean = m[i] * s.beta1 + s.rest1 * gradient;
        real square = v[i] * s.beta2 + s.rest2 * gradient * gradient;
        m[i] = mean;
        v[i] = square;
        p[i] = weight + s.step * mean / (real_sqrt(square) / s.root + s.eps);
        g[i] = 0;
    }
}
