/* simd.h - vectors of VL reals as the instruction set being compiled has them, in the compilers' own vector types.
 *
 * vec_fma is fused where the instruction set has it, two roundings elsewhere (the portable build of x86-64). */
#ifndef CANTO_SIMD_H
#define CANTO_SIMD_H

#include "math/real.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
#include <immintrin.h>
#define VECTOR_BYTES 64
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define VECTOR_BYTES 32
#else
#if !defined(CANTO_DOUBLE) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#define VECTOR_BYTES 16
#endif

#define VL ((int)(VECTOR_BYTES / sizeof(real)))

typedef real vec __attribute__((vector_size(VECTOR_BYTES)));

static inline vec vec_load(const real *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(real *p, vec v) { memcpy(p, &v, sizeof v); }

static inline vec vec_set(real x) { return x - (vec){0}; /* x - 0 keeps the sign of a zero x */ }

/* a0 b0 a1 b1 ... of the lower and of the upper halves. */
#if defined(CANTO_DOUBLE)
static inline vec vec_zip_low(vec a, vec b) { return __builtin_shufflevector(a, b, 0, 2); }

static inline vec vec_zip_high(vec a, vec b) { return __builtin_shufflevector(a, b, 1, 3); }
#elif VECTOR_BYTES == 64
static inline vec vec_zip_low(vec a, vec b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline vec vec_zip_high(vec a, vec b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#elif VECTOR_BYTES == 32
static inline vec vec_zip_low(vec a, vec b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }

static inline vec vec_zip_high(vec a, vec b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#else
static inline vec vec_zip_low(vec a, vec b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }

static inline vec vec_zip_high(vec a, vec b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#endif

/* A vector is VL / LANE lanes of 16 bytes, LANE reals each; shuffles within lanes are the cheap ones. */
#define LANE ((int)(16 / sizeof(real)))

/* Lane l from p + l LANE stride: of rows that lie stride apart, every LANEth. */
static inline vec vec_load_lanes(const real *p, ptrdiff_t stride) {
#if !defined(CANTO_DOUBLE) && VECTOR_BYTES == 64
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_mask_broadcast_f32x4(v, 0x00f0, _mm_loadu_ps(p + LANE * stride));
    v = _mm512_mask_broadcast_f32x4(v, 0x0f00, _mm_loadu_ps(p + 2 * LANE * stride));
    return (vec)_mm512_mask_broadcast_f32x4(v, 0xf000, _mm_loadu_ps(p + 3 * LANE * stride));
#elif !defined(CANTO_DOUBLE) && VECTOR_BYTES == 32
    return (vec)_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + LANE * stride), 1);
#else
    (void)stride;
    return vec_load(p);
#endif
}

/* Transposes x[LANE] within each lane: element j of lane l of x[i] and element i of lane l of x[j] change places. */
static inline __attribute__((always_inline)) void vec_transpose_lanes(vec *x) {
#if defined(CANTO_DOUBLE)
    vec a = x[0], b = x[1];
    x[0] = __builtin_shufflevector(a, b, 0, 2);
    x[1] = __builtin_shufflevector(a, b, 1, 3);
#else
#if VECTOR_BYTES == 64
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define LAST_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#elif VECTOR_BYTES == 32
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define LAST_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define PAIRS(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define LAST_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#endif
    vec low01 = LOW(x[0], x[1]), high01 = HIGH(x[0], x[1]), low23 = LOW(x[2], x[3]), high23 = HIGH(x[2], x[3]);
    x[0] = PAIRS(low01, low23);
    x[1] = LAST_PAIRS(low01, low23);
    x[2] = PAIRS(high01, high23);
    x[3] = LAST_PAIRS(high01, high23);
#undef LOW
#undef HIGH
#undef PAIRS
#undef LAST_PAIRS
#endif
}

/* Turns `rows` vectors (16 at most), a matrix [rows][VL] row by row, into its transpose [VL][rows] in the same registers. Element j of
 * row i stands at the number whose binary digits are those of i, then those of j. Zipping the first half with the second
 * moves the leading digit to the end; after as many rounds as i has digits, those of j stand in front. */
static inline __attribute__((always_inline)) void vec_transpose(vec *x, int rows) {
    for (int round = 1; round < rows; round *= 2) {
        vec y[16];
        for (int i = 0; i < rows / 2; i++) {
            y[2 * i] = vec_zip_low(x[i], x[i + rows / 2]);
            y[2 * i + 1] = vec_zip_high(x[i], x[i + rows / 2]);
        }
        for (int i = 0; i < rows; i++) x[i] = y[i];
    }
}

static inline vec vec_fma(vec a, vec b, vec c) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif !defined(CANTO_DOUBLE) && defined(__ARM_NEON)
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

static inline real real_fma(real a, real b, real c) {
#if !defined(CANTO_DOUBLE) && (defined(__FMA__) || defined(__ARM_NEON))
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* The lanes' sum as a fixed tree: halves are added until one is left. */
static inline real vec_sum(vec v) {
    real x[VECTOR_BYTES / sizeof(real)];
    memcpy(x, &v, sizeof v);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++) x[i] += x[i + n];
    return x[0];
}

/* sum of f(i) over n elements: vectors in ascending order, then the lanes, then the rest. */
static inline real sum_row(const real *x, int64_t n) {
    vec     s = {0};
    int64_t i = 0;
    for (; i + VL <= n; i += VL) s += vec_load(x + i);
    real t = vec_sum(s);
    for (; i < n; i++) t += x[i];
    return t;
}

static inline real dot_row(const real *x, const real *y, int64_t n) {
    vec     s = {0};
    int64_t i = 0;
    for (; i + VL <= n; i += VL) s = vec_fma(vec_load(x + i), vec_load(y + i), s);
    real t = vec_sum(s);
    for (; i < n; i++) t = real_fma(x[i], y[i], t);
    return t;
}

static inline real largest(const real *x, int64_t n) {
    real m = x[0];
    for (int64_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

#ifdef CANTO_DOUBLE
static inline real real_sqrt(real x) { return sqrt(x); }

static inline real real_exp(real x) { return exp(x); }

static inline real real_erf(real x) { return erf(x); }
#else
static inline real real_sqrt(real x) { return sqrtf(x); }

/* e^x by Cody and Waite's reduction and the Cephes polynomial: within 2 ulp; below -87 it stays at e^-87. Written so that
 * compilers vectorize loops over it. */
static inline float real_exp(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    union {
        float    f;
        uint32_t bits;
    } t = {.f = real_fma(x, 1.44269504088896341f, 12582912.0f)}, scale; /* 1.5 * 2^23: the sum's last bits are n */
    float n = t.f - 12582912.0f;
    float r = real_fma(n, -0.693359375f, x);
    r = real_fma(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = real_fma(p, r, 1.3981999507e-3f);
    p = real_fma(p, r, 8.3334519073e-3f);
    p = real_fma(p, r, 4.1665795894e-2f);
    p = real_fma(p, r, 1.6666665459e-1f);
    p = real_fma(p, r, 5.0000001201e-1f);
    p = real_fma(p, r * r, r) + 1.0f;
    scale.bits = (t.bits + 127) << 23; /* 2^n */
    return p * scale.f;
}

/* erf by the Cephes polynomials: three ranges of |x|, chosen without a branch. */
static inline float real_erf(float x) {
    float a = x < 0 ? -x : x, z = x * x;
    float t = 7.853861353153693e-5f;
    t = real_fma(t, z, -8.010193625184903e-4f);
    t = real_fma(t, z, 5.188327685732524e-3f);
    t = real_fma(t, z, -2.685381193529856e-2f);
    t = real_fma(t, z, 1.128358514861418e-1f);
    t = real_fma(t, z, -3.761262582423300e-1f);
    t = real_fma(t, z, 1.128379165726710e+0f) * a;

    float b = a < 1 ? 1 : a, q = 1 / b, y = q * q;
    float p = 2.326819970068386e-2f;
    p = real_fma(p, y, -1.387039388740657e-1f);
    p = real_fma(p, y, 3.687424674597105e-1f);
    p = real_fma(p, y, -5.824733027278666e-1f);
    p = real_fma(p, y, 6.210004621745983e-1f);
    p = real_fma(p, y, -4.944515323274145e-1f);
    p = real_fma(p, y, 3.404879937665872e-1f);
    p = real_fma(p, y, -2.741127028184656e-1f);
    p = real_fma(p, y, 5.638259427386472e-1f);
    float r = -1.047766399936249e+1f;
    r = real_fma(r, y, 1.297719955372516e+1f);
    r = real_fma(r, y, -7.495518717768503e+0f);
    r = real_fma(r, y, 2.921019019210786e+0f);
    r = real_fma(r, y, -1.015265279202700e+0f);
    r = real_fma(r, y, 4.218463358204948e-1f);
    r = real_fma(r, y, -2.820767439740514e-1f);
    r = real_fma(r, y, 5.641895067754075e-1f);
    float c = 1 - real_exp(-b * b) * q * (b < 2 ? p : r);
    float e = a < 1 ? t : c;
    return x < 0 ? -e : e;
}
#endif

#endif
