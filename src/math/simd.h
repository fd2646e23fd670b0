/* simd.h - vectors of VL reals as the instruction set being compiled has them, in the compilers' own vector types.
 *
 * vec_fma is fused where the instruction set has it, two roundings elsewhere (the portable build of x86-64). */
#ifndef CANTO_SIMD_H
#define CANTO_SIMD_H

#include "math/half.h"
#include "math/kernels.h"
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
#elif !defined(CANTO_DOUBLE) && defined(__SSE2__)
#include <immintrin.h>
#endif
#define VECTOR_BYTES 16
#endif

#define VL ((int)(VECTOR_BYTES / sizeof(real)))
#define INLINE static inline __attribute__((always_inline))

#ifdef CANTO_DOUBLE
typedef int64_t lane_bits;
#else
typedef int32_t   lane_bits;
#endif

typedef real      vec __attribute__((vector_size(VECTOR_BYTES)));
typedef lane_bits ivec
    __attribute__((vector_size(VECTOR_BYTES)));             /* a vec's bits, or what a comparison says: -1 or 0 */
typedef uint32_t uvec __attribute__((vector_size(VL * 4))); /* one 32-bit number a lane */

/* Loops over an array of registers have to vanish early: what is ever indexed lives in memory. */
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

static inline vec vec_load(const real *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vec_store(real *p, vec v) { memcpy(p, &v, sizeof v); }

static inline vec vec_set(real x) { return x - (vec){0}; /* x - 0 keeps the sign of a zero x */ }

/* The first n lanes, n <= VL: nothing else is read or written, the other lanes are 0. */
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
static inline vec vec_load_part(const real *p, int64_t n) {
    return (vec)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static inline void vec_store_part(real *p, vec v, int64_t n) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
static inline vec vec_load_part(const real *p, int64_t n) {
    return (vec)_mm256_maskload_ps(p, (__m256i)((ivec){0, 1, 2, 3, 4, 5, 6, 7} < (int)n));
}

static inline void vec_store_part(real *p, vec v, int64_t n) {
    _mm256_maskstore_ps(p, (__m256i)((ivec){0, 1, 2, 3, 4, 5, 6, 7} < (int)n), (__m256)v);
}
#else
static inline vec vec_load_part(const real *p, int64_t n) {
    real x[VECTOR_BYTES / sizeof(real)] = {0};
    for (int64_t i = 0; i < n; i++) x[i] = p[i];
    return vec_load(x);
}

static inline void vec_store_part(real *p, vec v, int64_t n) {
    for (int64_t i = 0; i < n; i++) p[i] = v[i];
}
#endif

/* VL numbers of 16 bits as reals, exactly. */
static inline vec vec_load_half(const uint16_t *p) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
#elif !defined(CANTO_DOUBLE) && defined(__ARM_NEON)
    return (vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
#else
    vec v;
    for (int i = 0; i < VL; i++) v[i] = (real)half_to_float(p[i]);
    return v;
#endif
}

static inline vec vec_load_bfloat(const uint16_t *p) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16);
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16);
#elif !defined(CANTO_DOUBLE) && defined(__ARM_NEON)
    return (vec)vshll_n_u16(vld1_u16(p), 16);
#else
    vec v;
    for (int i = 0; i < VL; i++) v[i] = (real)bfloat_to_float(p[i]);
    return v;
#endif
}

/* VL numbers from number `at` on; type is a constant where this is inlined. */
INLINE vec vec_load_numbers(number_type type, const void *p, int64_t at) {
    if (type == NUMBER_F16) return vec_load_half((const uint16_t *)p + at);
    if (type == NUMBER_BF16) return vec_load_bfloat((const uint16_t *)p + at);
    return vec_load((const real *)p + at);
}

static inline real number_at(number_type type, const void *p, int64_t at) {
    if (type == NUMBER_F16) return (real)half_to_float(((const uint16_t *)p)[at]);
    if (type == NUMBER_BF16) return (real)bfloat_to_float(((const uint16_t *)p)[at]);
    return ((const real *)p)[at];
}

/* The first n lanes. */
INLINE vec vec_load_numbers_part(number_type type, const void *p, int64_t at, int64_t n) {
    uint16_t x[VECTOR_BYTES / sizeof(real)] = {0};
    if (type == NUMBER_REAL) return vec_load_part((const real *)p + at, n);
    memcpy(x, (const uint16_t *)p + at, (size_t)n * sizeof *x);
    return vec_load_numbers(type, x, 0);
}

static inline vec vec_if(ivec yes, vec x) { return (vec)(yes & (ivec)x); } /* x or 0; yes: 0 or -1 */

/* x where a < b, else y: y too where a or b is not a number. */
static inline vec vec_if_less(vec a, vec b, vec x, vec y) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_mask_blend_ps(_mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ), (__m512)y, (__m512)x);
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_blendv_ps((__m256)y, (__m256)x, _mm256_cmp_ps((__m256)a, (__m256)b, _CMP_LT_OQ));
#else
    ivec less = a < b;
    return (vec)((less & (ivec)x) | (~less & (ivec)y));
#endif
}

/* The smaller and the larger; b where one of the two is not a number. */
static inline vec vec_min(vec a, vec b) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
#elif !defined(CANTO_DOUBLE) && defined(__SSE2__)
    return (vec)_mm_min_ps((__m128)a, (__m128)b);
#else
    return vec_if_less(a, b, a, b);
#endif
}

static inline vec vec_max(vec a, vec b) {
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
#elif !defined(CANTO_DOUBLE) && defined(__SSE2__)
    return (vec)_mm_max_ps((__m128)a, (__m128)b);
#else
    return vec_if_less(b, a, a, b);
#endif
}

static inline uvec uvec_lanes(void) { /* 0, 1, 2, ... */
    static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uvec                  v;
    memcpy(&v, numbers, sizeof v);
    return v;
}

/* What a comparison of uvecs said, for the lanes of a vec. */
static inline ivec uvec_widen(uvec all_or_nothing) {
    typedef int32_t signs __attribute__((vector_size(VL * 4)));
    return __builtin_convertvector((signs)all_or_nothing, ivec);
}

static inline ivec vec_sign(vec x) { return (ivec)x & (ivec)vec_set((real)-0.0); } /* its bit alone */

static inline vec vec_abs(vec x) { return (vec)((ivec)x & ~(ivec)vec_set((real)-0.0)); }

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

#if VECTOR_BYTES == 64
/* a0 b0 a1 b1 ... of the lower and of the upper halves. */
static inline vec vec_zip_low(vec a, vec b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline vec vec_zip_high(vec a, vec b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#endif

/* A square of VL rows of VL -> its transpose. */
static inline __attribute__((always_inline)) void vec_transpose(vec *x) {
#if VECTOR_BYTES == 16
    vec_transpose_lanes(x);
#elif VECTOR_BYTES == 32
    vec low[LANE] = {x[0], x[1], x[2], x[3]}, high[LANE] = {x[4], x[5], x[6], x[7]};
    vec_transpose_lanes(low);
    vec_transpose_lanes(high);
    UNROLLED
    for (int i = 0; i < LANE; i++) {
        x[i] = __builtin_shufflevector(low[i], high[i], 0, 1, 2, 3, 8, 9, 10, 11);
        x[i + LANE] = __builtin_shufflevector(low[i], high[i], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    /* Element j of row i stands at the number whose binary digits are those of i, then those of j. Zipping the first half
     * with the second moves the leading digit to the end; after as many rounds as i has digits, those of j stand in front. */
    for (int round = 1; round < VL; round *= 2) {
        vec y[VL];
        UNROLLED
        for (int i = 0; i < VL / 2; i++) {
            y[2 * i] = vec_zip_low(x[i], x[i + VL / 2]);
            y[2 * i + 1] = vec_zip_high(x[i], x[i + VL / 2]);
        }
        UNROLLED
        for (int i = 0; i < VL; i++) x[i] = y[i];
    }
#endif
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
#if !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)
#ifdef __AVX512F__
    __m256 w = _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
    __m256 w = (__m256)v;
#endif
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
#else
    real x[VECTOR_BYTES / sizeof(real)];
    memcpy(x, &v, sizeof v);
    for (int n = VL / 2; n > 0; n /= 2)
        for (int i = 0; i < n; i++) x[i] += x[i + n];
    return x[0];
#endif
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

/* Of n >= 1 numbers; what is not a number is passed over where it can be. */
static inline real largest(const real *x, int64_t n) {
    real m = x[0];
    if (n >= VL) {
        vec v = vec_load(x);
        for (int64_t i = VL; i + VL <= n; i += VL) v = vec_max(vec_load(x + i), v);
        v = vec_max(vec_load(x + n - VL), v);
        for (int i = 0; i < VL; i++) m = v[i] > m ? v[i] : m;
    } else
        for (int64_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

static inline real real_sqrt(real x) {
#ifdef CANTO_DOUBLE
    return sqrt(x);
#else
    return sqrtf(x);
#endif
}

#endif
