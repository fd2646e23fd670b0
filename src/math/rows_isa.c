/* rows_isa.c - what is done row by row or element by element: layer norm, activations, softmax with cross-entropy, masks.
 *
 * Invariants: a sum runs in ascending order inside vectors of VL lanes, then over the lanes in a fixed tree. Nothing here
 * allocates, and nothing depends on addresses. */
#include "math/isa.h"

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

#define GELU_C ((real)0.7978845608028654) /* sqrt(2 / pi) */
#define GELU_A ((real)0.044715)
#define HALF_ROOT ((real)0.7071067811865476)   /* 1 / sqrt(2) */
#define NORMAL_PEAK ((real)0.3989422804014327) /* 1 / sqrt(2 pi) */

/* 0.5 x (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
void ISA(rows_activate)(activation_kind kind, const real *restrict x, real *restrict y, int64_t n) {
    if (kind == ACTIVATION_GELU_TANH)
        for (int64_t i = 0; i < n; i++) {
            real u = GELU_C * real_fma(GELU_A * x[i] * x[i], x[i], x[i]);
            y[i] = x[i] / (1 + real_exp(-2 * u));
        }
    else if (kind == ACTIVATION_GELU_EXACT)
        for (int64_t i = 0; i < n; i++) y[i] = (real)0.5 * x[i] * (1 + real_erf(x[i] * HALF_ROOT));
    else
        for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

void ISA(rows_activate_backward)(activation_kind kind, const real *x, const real *dy, real *dx, int64_t n) {
    if (kind == ACTIVATION_GELU_TANH)
        for (int64_t i = 0; i < n; i++) {
            real u = GELU_C * real_fma(GELU_A * x[i] * x[i], x[i], x[i]);
            real e = real_exp(-2 * u), s = 1 / (1 + e); /* 1 - s = e s, without cancellation */
            real du = GELU_C * real_fma(3 * GELU_A * x[i], x[i], 1);
            dx[i] = dy[i] * (s + x[i] * s * (e * s) * 2 * du);
        }
    else if (kind == ACTIVATION_GELU_EXACT)
        for (int64_t i = 0; i < n; i++) {
            real phi = (real)0.5 * (1 + real_erf(x[i] * HALF_ROOT));
            dx[i] = dy[i] * real_fma(x[i], NORMAL_PEAK * real_exp((real)-0.5 * x[i] * x[i]), phi);
        }
    else
        for (int64_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
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
