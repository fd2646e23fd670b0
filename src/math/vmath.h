/* vmath.h - exp, tanh and erf of vectors: within 2 units in the last place over their whole range on every instruction
 * set, also where vec_fma is two roundings (tests/unit/test_vmath.c). A lane's result depends on that lane alone, so
 * rows give the same bits wherever an element stands. What is not a number stays so.
 *
 * The polynomials are minimax fits of the relative error (Lawson's reweighted least squares, in double), whose rounded
 * coefficients were then moved by some units in the last place wherever that made the worst error of the
 * single-precision evaluation smaller, fused and not. In double precision, for gradient checks, the C library
 * does the work. */
#ifndef CANTO_VMATH_H
#define CANTO_VMATH_H

#include "math/simd.h"

#ifdef CANTO_DOUBLE
#define LANE_BY_LANE(name, function)                                                                                   \
    INLINE vec name(vec x) {                                                                                           \
        for (int i = 0; i < VL; i++) x[i] = function(x[i]);                                                            \
        return x;                                                                                                      \
    }
LANE_BY_LANE(vec_exp, exp)
LANE_BY_LANE(vec_tanh, tanh)
LANE_BY_LANE(vec_erf, erf)
#undef LANE_BY_LANE
#else

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1), n constant where inlined */
INLINE vec vec_polynomial(vec x, const float *c, int n) {
    vec p = vec_set(c[n - 1]);
#pragma GCC unroll 8
    for (int i = n - 2; i >= 0; i--) p = vec_fma(p, x, vec_set(c[i]));
    return p;
}

/* e^x = 2^n e^r, n the integer next to x / ln 2, by Cody and Waite's reduction. Half of 2^n times twice e^r: so 2^127
 * takes part, and what would be a subnormal number, below 2^-125.5, is 0 exactly. Above the largest float: infinity. */
INLINE vec vec_exp(vec x) {
    static const float c[] = {2, 2, 1, 0.333330095f, 0.0833359659f, 0.0167425591f, 0.00276179891f}; /* 2 e^r */
    const vec          shift = vec_set(12582912 + 126); /* 1.5 * 2^23: the last bits of a sum are an integer, n + 126 */
    x = vec_min(vec_set(89.5f), vec_max(vec_set(-87.5f), x));
    vec t = vec_fma(x, vec_set(1.44269504088896341f), shift), n = t - shift;
    vec r = vec_fma(n, vec_set(2.12194440e-4f), vec_fma(n, vec_set(-0.693359375f), x));
    return vec_polynomial(r, c, 7) * (vec)((uvec)t << 23);
}

/* |x| < 0.75: x + x^3 p(x^2); from there on 1 - 2 / (1 + e^2|x|), which is 1 from 9.02 on. */
INLINE vec vec_tanh(vec x) {
    static const float p[] = {-0.333330721f, 0.133265227f, -0.0533902124f, 0.0196649078f, -0.0047693681f};
    const vec          one = vec_set(1);
    vec                a = vec_abs(x), square = a * a;
    vec                near = vec_fma(square * vec_polynomial(square, p, 5), a, a);
    vec                far = one - vec_set(2) / (one + vec_exp(a + a));
    return (vec)((ivec)vec_if_less(a, vec_set(0.75f), near, far) | vec_sign(x));
}

/* |x| < 1: x + x p(x^2); from there on 1 - q(|x| - 1)^4, which is 1 from 3.92 on. */
INLINE vec vec_erf(vec x) {
    static const float p[] = {0.128379121f,   -0.376123279f,  0.112801842f,
                              -0.0267113112f, 0.00491751591f, -0.00056313083f};
    static const float q[] = {0.629769504f,    -0.415486872f,   0.00435432559f, 0.0506195538f,
                              -0.00320403115f, -0.00621877797f, 0.00185030082f, -0.000162463795f};
    vec                one = vec_set(1), a = vec_abs(x), b = vec_min(vec_set(3.96f), a);
    vec                near = vec_fma(a, vec_polynomial(a * a, p, 6), a), f = vec_polynomial(b - one, q, 8);
    f *= f;
    return (vec)((ivec)vec_if_less(a, one, near, vec_fma(-f, f, one)) | vec_sign(x));
}
#endif

#endif
