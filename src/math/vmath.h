/* vmath.h - exp, tanh, erf and log of vectors, the first three within 2 units in the last place over their whole range on
 * every instruction set, also where vec_fma is two roundings (tests/unit/test_vmath.c). A lane's result depends on that
 * lane alone, so rows give the same bits wherever an element stands. What is not a number stays so.
 *
 * The polynomials are minimax fits of the relative error (Lawson's reweighted least squares, in double), whose rounded
 * coefficients were then moved by some units in the last place wherever that made the worst error of the
 * single-precision evaluation smaller, fused and not. In double precision, for gradient checks, the C library
 * does the work. */
#ifndef CANTO_VMATH_H
#define CANTO_VMATH_H

#include "math/simd.h"

/* The functions named in the plural work on n vectors at once, n constant where they are inlined: a polynomial is a chain whose
 * every step waits for the last, and several side by side keep the multipliers busy. */

enum { VECS = 3 }; /* at once, at most */

#ifdef CANTO_DOUBLE
#define LANE_BY_LANE(name, function)                                                                                   \
    INLINE void name(int n, vec *x) {                                                                                  \
        for (int v = 0; v < n; v++) x[v] = (vec){function(x[v][0]), function(x[v][1])};                                \
    }
LANE_BY_LANE(vec_exps, exp)
LANE_BY_LANE(vec_tanhs, tanh)
LANE_BY_LANE(vec_erfs, erf)
#undef LANE_BY_LANE

INLINE vec vec_log(vec x) {
    for (int i = 0; i < VL; i++) x[i] = log(x[i]);
    return x;
}
#else

/* p = c[0] + c[1] x + ... + c[terms - 1] x^(terms - 1) */
INLINE void vec_polynomials(int n, const vec *x, const float *c, int terms, vec *p) {
    UNROLLED
    for (int v = 0; v < n; v++) p[v] = vec_set(c[terms - 1]);
    UNROLLED
    for (int i = terms - 2; i >= 0; i--) {
        UNROLLED
        for (int v = 0; v < n; v++) p[v] = vec_fma(p[v], x[v], vec_set(c[i]));
    }
}

/* e^x = 2^k e^r, k the integer next to x / ln 2, by Cody and Waite's reduction. Half of 2^k times twice e^r: so 2^127
 * takes part, and what would be a subnormal number, below 2^-125.5, is 0 exactly. Above the largest float: infinity. */
INLINE void vec_exps(int n, vec *x) {
    static const float c[] = {2, 2, 1, 0.333330095f, 0.0833359659f, 0.0167425591f, 0.00276179891f}; /* 2 e^r */
    const vec          shift = vec_set(12582912 + 126); /* 1.5 * 2^23: the last bits of a sum are an integer, k + 126 */
    vec                t[VECS], r[VECS], p[VECS];
    UNROLLED
    for (int v = 0; v < n; v++) {
        vec y = vec_min(vec_set(89.5f), vec_max(vec_set(-87.5f), x[v]));
        t[v] = vec_fma(y, vec_set(1.44269504088896341f), shift);
        vec k = t[v] - shift;
        r[v] = vec_fma(k, vec_set(2.12194440e-4f), vec_fma(k, vec_set(-0.693359375f), y));
    }
    vec_polynomials(n, r, c, 7, p);
    UNROLLED
    for (int v = 0; v < n; v++) x[v] = p[v] * (vec)((uvec)t[v] << 23);
}

/* For tests alone, which hold it to 2 units: GELU needs 1 + tanh, and makes that of an exponential (edges.h).
 * |x| < 0.75: x + x^3 p(x^2); from there on 1 - 2 / (1 + e^2|x|), which is 1 from 9.02 on. */
INLINE void vec_tanhs(int n, vec *x) {
    static const float c[] = {-0.333330721f, 0.133265227f, -0.0533902124f, 0.0196649078f, -0.0047693681f};
    const vec          one = vec_set(1);
    vec                square[VECS], p[VECS], e[VECS];
    UNROLLED
    for (int v = 0; v < n; v++) {
        square[v] = x[v] * x[v];
        e[v] = vec_abs(x[v]) + vec_abs(x[v]);
    }
    vec_polynomials(n, square, c, 5, p);
    vec_exps(n, e);
    UNROLLED
    for (int v = 0; v < n; v++) {
        vec a = vec_abs(x[v]), near = vec_fma(square[v] * p[v], a, a), far = one - vec_set(2) / (one + e[v]);
        x[v] = (vec)((ivec)vec_if_less(a, vec_set(0.75f), near, far) | vec_sign(x[v]));
    }
}

/* |x| < 1: x + x p(x^2); from there on 1 - q(|x| - 1)^4, which is 1 from 3.92 on. */
INLINE void vec_erfs(int n, vec *x) {
    static const float c[] = {0.128379121f,   -0.376123279f,  0.112801842f,
                              -0.0267113112f, 0.00491751591f, -0.00056313083f};
    static const float d[] = {0.629769504f,    -0.415486872f,   0.00435432559f, 0.0506195538f,
                              -0.00320403115f, -0.00621877797f, 0.00185030082f, -0.000162463795f};
    const vec          one = vec_set(1);
    vec                square[VECS], b[VECS], p[VECS], q[VECS];
    UNROLLED
    for (int v = 0; v < n; v++) {
        square[v] = x[v] * x[v];
        b[v] = vec_min(vec_set(3.96f), vec_abs(x[v])) - one;
    }
    vec_polynomials(n, square, c, 6, p);
    vec_polynomials(n, b, d, 8, q);
    UNROLLED
    for (int v = 0; v < n; v++) {
        vec a = vec_abs(x[v]), near = vec_fma(a, p[v], a), f = q[v] * q[v];
        x[v] = (vec)((ivec)vec_if_less(a, one, near, vec_fma(-f, f, one)) | vec_sign(x[v]));
    }
}

/* Of normal numbers, by the Cephes polynomial: x = 2^e m with m around 1. */
INLINE vec vec_log(vec x) {
    static const float c[] = {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f,
                              -1.6668057665e-1f, 2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};
    ivec               bits = (ivec)x, exponent = (bits - 0x3f3504f3) >> 23; /* sqrt(1/2) <= m < sqrt(2) */
    vec                e = __builtin_convertvector(exponent, vec), f = (vec)(bits - exponent * (1 << 23)) - vec_set(1);
    vec                square = f * f, p = vec_set(7.0376836292e-2f);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) p = vec_fma(p, f, vec_set(c[i]));
    p = vec_fma(e, vec_set(-2.12194440e-4f), p * f * square);
    p = vec_fma(square, vec_set(-0.5f), p) + f;
    return vec_fma(e, vec_set(0.693359375f), p) + (x - x); /* what is no number stays so */
}
#endif

INLINE vec vec_exp(vec x) {
    vec_exps(1, &x);
    return x;
}

#endif
