/* rows_isa.c - what is done row by row or element by element: layer norm, softmax with cross-entropy, masks.
 *
 * Invariants: a sum runs in ascending order inside vectors of VL lanes, then over the lanes in a fixed tree. Nothing here
 * allocates, and nothing depends on addresses. */
#include "math/edges.h"

INLINE vec norm_vec(vec x, vec mean, vec rstd) { return (x - mean) * rstd; }

void ISA(rows_norm)(const real *x, const real *weight, const real *bias, real *y, real *mean, real *rstd, int64_t rows,
                    int64_t C, real eps) {
    for (int64_t r = 0; r < rows; r++, x += C, y += C) {
        vec     m = vec_set(sum_row(x, C) / (real)C), square = {0};
        int64_t c = 0, rest = C % VL;
        for (; c + VL <= C; c += VL) {
            vec d = vec_load(x + c) - m;
            square = vec_fma(d, d, square);
        }
        real sum = vec_sum(square);
        for (; c < C; c++) sum = real_fma(x[c] - m[0], x[c] - m[0], sum);
        vec s = vec_set(1 / real_sqrt(sum / (real)C + eps));
        for (c = 0; c + VL <= C; c += VL)
            vec_store(y + c, vec_fma(norm_vec(vec_load(x + c), m, s), vec_load(weight + c), vec_load(bias + c)));
        if (rest > 0)
            vec_store_part(y + c,
                           vec_fma(norm_vec(vec_load_part(x + c, rest), m, s), vec_load_part(weight + c, rest),
                                   vec_load_part(bias + c, rest)),
                           rest);
        mean[r] = m[0];
        rstd[r] = s[0];
    }
}

/* With n = (x - mean) rstd and g = dy weight: dx = add + rstd (g - mean(g) - n mean(g n)), dweight += dy n, dbias +=
 * dy. `parameters` is a constant where this is inlined. */
INLINE void norm_row_backward(bool parameters, const real *dy, const real *x, const real *weight, real mean, real rstd,
                              const real *add, real *dx, real *dweight, real *dbias, int64_t C) {
    vec     sg = {0}, sgn = {0}, m = vec_set(mean), s = vec_set(rstd);
    int64_t c = 0, rest = C % VL;
    for (; c + VL <= C; c += VL) {
        vec d = vec_load(dy + c), n = norm_vec(vec_load(x + c), m, s), g = d * vec_load(weight + c);
        sg += g;
        sgn = vec_fma(g, n, sgn);
        if (parameters) {
            vec_store(dweight + c, vec_load(dweight + c) + d * n);
            vec_store(dbias + c, vec_load(dbias + c) + d);
        }
    }
    real tg = vec_sum(sg), tgn = vec_sum(sgn);
    for (; c < C; c++) {
        real n = (x[c] - mean) * rstd, g = dy[c] * weight[c];
        tg += g;
        tgn = real_fma(g, n, tgn);
        if (parameters) {
            dweight[c] += dy[c] * n;
            dbias[c] += dy[c];
        }
    }
    vec mg = vec_set(tg / (real)C), mgn = vec_set(tgn / (real)C);
    for (c = 0; c + VL <= C; c += VL) {
        vec n = norm_vec(vec_load(x + c), m, s), g = vec_load(dy + c) * vec_load(weight + c);
        vec d = s * (g - mg - n * mgn);
        vec_store(dx + c, add != NULL ? vec_load(add + c) + d : d);
    }
    if (rest == 0) return;
    vec n = norm_vec(vec_load_part(x + c, rest), m, s);
    vec g = vec_load_part(dy + c, rest) * vec_load_part(weight + c, rest), d = s * (g - mg - n * mgn);
    vec_store_part(dx + c, add != NULL ? vec_load_part(add + c, rest) + d : d, rest);
}

void ISA(rows_norm_backward)(const real *dy, const real *x, const real *weight, const real *mean, const real *rstd,
                             const real *add, real *dx, real *dweight, real *dbias, int64_t rows, int64_t C) {
    for (int64_t r = 0; r < rows; r++, dy += C, x += C, dx += C) {
        if (dweight != NULL) norm_row_backward(true, dy, x, weight, mean[r], rstd[r], add, dx, dweight, dbias, C);
        else norm_row_backward(false, dy, x, weight, mean[r], rstd[r], add, dx, NULL, NULL, C);
        if (add != NULL) add += C;
    }
}

void ISA(rows_elementary)(elementary_kind kind, const real *x, real *y, int64_t n) {
    for (int64_t i = 0; i < n; i += VL) {
        int64_t m = n - i < VL ? n - i : VL;
        vec     v = vec_load_part(x + i, m);
        if (kind == ELEMENTARY_EXP) vec_exps(1, &v);
        else if (kind == ELEMENTARY_TANH) vec_tanhs(1, &v);
        else vec_erfs(1, &v);
        vec_store_part(y + i, v, m);
    }
}

/* loss = log sum e^(z - m) + m - z[target]; d loss / d z = softmax(z) - one-hot(target). */
real ISA(rows_cross_entropy)(real *logits, int64_t V, uint32_t target, bool gradient, real scale) {
    real    z = logits[target], top = largest(logits, V);
    vec     m = vec_set(top), s = {0};
    int64_t i = 0, rest = V % VL;
    for (; i + VL <= V; i += VL) {
        vec e = vec_exp(vec_load(logits + i) - m);
        s += e;
        vec_store(logits + i, e);
    }
    real sum = vec_sum(s);
    if (rest > 0) vec_store_part(logits + i, vec_exp(vec_load_part(logits + i, rest) - m), rest);
    for (; i < V; i++) sum += logits[i];
    real loss = (real)log((double)sum) + top - z;
    if (!gradient) return loss;
    vec f = vec_set(scale / sum);
    for (i = 0; i + VL <= V; i += VL) vec_store(logits + i, vec_load(logits + i) * f);
    if (rest > 0) vec_store_part(logits + i, vec_load_part(logits + i, rest) * f, rest);
    logits[target] -= scale;
    return loss;
}

void ISA(rows_mask)(const mask *m, uint64_t first, int64_t n, real *out) {
    const mask of = *m; /* a copy: the stores below cannot change it */
    int64_t    i = 0;
    for (; i + VL <= n; i += VL) vec_store(out + i, mask_vec(&of, first + (uint64_t)i));
    if (i < n) vec_store_part(out + i, mask_part_vec(&of, first + (uint64_t)i, n - i), n - i);
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
