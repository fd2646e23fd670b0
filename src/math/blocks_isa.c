/* blocks_isa.c - products with weights of 8 and of 4 bits (blocks.h): whole-number sums inside of a group of 32 steps, real
 * ones over the groups.
 *
 * Invariant: the sums inside of a group are exact, and an element is one chain over the groups in ascending order, whatever
 * the tile: so one row alone gives what it gives among many. Nothing here allocates, and nothing depends on addresses. */
#include "math/blocks.h"
#include "math/isa.h"

#define TOGETHER 4                   /* rows of x that share what is loaded of a panel */
#define PARTS (BLOCK_OUTPUTS / VL)   /* vectors of a panel's outputs */
#define QUADRUPLES (BLOCK_STEPS / 4) /* of a group */

/* --------------------------------------------------------------------------------------------- x in 8 bits */

/* A row of x: its numbers, filled up with zeros, and of each group the scale and the numbers' sum. */
typedef struct small_row {
    const int8_t  *numbers;
    const real    *scales;
    const int32_t *sums;
} small_row;

/* x[32] -> numbers; *scale is not finite when one of x is not. */
static void shrink_group(const real *x, int8_t *numbers, real *scale, int32_t *sum) {
    const vec magic = vec_set(sizeof(real) == 4 ? (real)0x1.8p23 : (real)0x1.8p52); /* x + magic is a whole number */
    vec       most = {0}, odd = {0};
    real      m = 0;
    lane_bits whole[BLOCK_STEPS];
    for (int i = 0; i < BLOCK_STEPS; i += VL) {
        vec v = vec_load(x + i);
        most = vec_max(vec_abs(v), most);
        odd += v * vec_set(0);
    }
    for (int i = 0; i < VL; i++) m = most[i] > m ? most[i] : m;
    vec inverse = vec_set(m > 0 && m < (real)1e38 ? 127 / m : 0);
    for (int i = 0; i < BLOCK_STEPS; i += VL) {
        vec v = vec_load(x + i) * inverse;
        v = vec_max(vec_set(-127), vec_min(vec_set(127), v)); /* also of what is not a number */
        v = (v + magic) - magic;
        ivec q = __builtin_convertvector(v, ivec);
        memcpy(whole + i, &q, sizeof q);
    }
    *sum = 0;
    for (int i = 0; i < BLOCK_STEPS; i++) {
        numbers[i] = (int8_t)whole[i];
        *sum += (int32_t)whole[i];
    }
    *scale = m / 127 + vec_sum(odd);
}

static void shrink_row(const real *x, int64_t K, int8_t *numbers, real *scales, int32_t *sums) {
    for (int64_t g = 0; g < block_groups(K); g++, x += BLOCK_STEPS) {
        int64_t n = K - g * BLOCK_STEPS;
        real    last[BLOCK_STEPS] = {0};
        if (n < BLOCK_STEPS) memcpy(last, x, (size_t)n * sizeof *x);
        shrink_group(n < BLOCK_STEPS ? last : x, numbers + g * BLOCK_STEPS, scales + g, sums + g);
    }
}

/* ------------------------------------------------------------------------------------- sums inside of a group */

/* How: AVX-512's own instruction (VNNI), or what every machine of the instruction set has. */
typedef enum dots_way { DOTS_USUAL, DOTS_VNNI } dots_way;

#if !defined(CANTO_DOUBLE) && (defined(__AVX512F__) || defined(__AVX2__))
INLINE int32_t quadruple_at(const int8_t *p) {
    int32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}
#endif

/* s[r][n] = the sum over a group's steps of x[r] w[n], r < rows: a constant, as type and way are. x[r] are the group's. */
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)

typedef struct sums {
    __m512i of[TOGETHER];
} sums;

INLINE __m512i dots_vnni(__m512i sum, __m512i without_sign, __m512i with_sign) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(without_sign), "v"(with_sign));
    return sum;
}

/* x with the signs of w. */
INLINE __m512i signed_as(__m512i x, __m512i w) {
    return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(w), _mm512_setzero_si512(), x);
}

INLINE void dots_8(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    const __m512i ones = _mm512_set1_epi16(1), high = _mm512_set1_epi8((char)0x80);
    UNROLLED
    for (int r = 0; r < rows; r++) s->of[r] = _mm512_set1_epi32(way == DOTS_VNNI ? -128 * x_sums[r] : 0);
    for (int q = 0; q < QUADRUPLES; q++, w += 64) {
        __m512i v = _mm512_loadu_si512(w);
        __m512i u = way == DOTS_VNNI ? _mm512_xor_si512(v, high) : _mm512_abs_epi8(v);
        UNROLLED
        for (int r = 0; r < rows; r++) {
            __m512i a = _mm512_set1_epi32(quadruple_at(x[r] + 4 * q));
            if (way == DOTS_VNNI) s->of[r] = dots_vnni(s->of[r], u, a);
            else
                s->of[r] =
                    _mm512_add_epi32(s->of[r], _mm512_madd_epi16(_mm512_maddubs_epi16(u, signed_as(a, v)), ones));
        }
    }
}

INLINE void dots_4(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    const __m512i ones = _mm512_set1_epi16(1), half = _mm512_set1_epi8(15);
    __m512i       pairs[TOGETHER];
    UNROLLED
    for (int r = 0; r < rows; r++) {
        s->of[r] = _mm512_set1_epi32(-8 * x_sums[r]);
        pairs[r] = _mm512_setzero_si512();
    }
    for (int q = 0; q < QUADRUPLES / 2; q++, w += 64) {
        __m512i v = _mm512_loadu_si512(w), low = _mm512_and_si512(v, half);
        __m512i upper = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);
        UNROLLED
        for (int r = 0; r < rows; r++) {
            __m512i a = _mm512_set1_epi32(quadruple_at(x[r] + 4 * q));
            __m512i b = _mm512_set1_epi32(quadruple_at(x[r] + 4 * q + BLOCK_STEPS / 2));
            if (way == DOTS_VNNI) s->of[r] = dots_vnni(dots_vnni(s->of[r], low, a), upper, b);
            else
                pairs[r] = _mm512_add_epi16(
                    pairs[r], _mm512_add_epi16(_mm512_maddubs_epi16(low, a), _mm512_maddubs_epi16(upper, b)));
        }
    }
    UNROLLED
    for (int r = 0; r < rows && way == DOTS_USUAL; r++)
        s->of[r] =
            _mm512_add_epi32(s->of[r], _mm512_madd_epi16(pairs[r], ones)); /* 8 x 15 x 127 x 2 fit into 16 bits */
}

INLINE vec sums_part(const sums *s, int r, int part) {
    (void)part;
    return (vec)_mm512_cvtepi32_ps(s->of[r]);
}

static bool has_vnni(void) { return __builtin_cpu_supports("avx512vnni"); }

#elif !defined(CANTO_DOUBLE) && defined(__AVX2__) && defined(__FMA__)

typedef struct sums {
    __m256i of[TOGETHER][2];
} sums;

INLINE __m256i load_32(const unsigned char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }

INLINE void dots_8(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    const __m256i ones = _mm256_set1_epi16(1);
    (void)way, (void)x_sums;
    UNROLLED
    for (int r = 0; r < rows; r++) s->of[r][0] = s->of[r][1] = _mm256_setzero_si256();
    UNROLLED
    for (int q = 0; q < QUADRUPLES; q++, w += 64) {
        __m256i v[2] = {load_32(w), load_32(w + 32)}, u[2] = {_mm256_abs_epi8(v[0]), _mm256_abs_epi8(v[1])};
        UNROLLED
        for (int r = 0; r < rows; r++) {
            __m256i a = _mm256_set1_epi32(quadruple_at(x[r] + 4 * q));
            UNROLLED
            for (int h = 0; h < 2; h++) /* the sum of two products of +-127 fits into 16 bits */
                s->of[r][h] = _mm256_add_epi32(
                    s->of[r][h], _mm256_madd_epi16(_mm256_maddubs_epi16(u[h], _mm256_sign_epi8(a, v[h])), ones));
        }
    }
}

INLINE void dots_4(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    const __m256i ones = _mm256_set1_epi16(1), half = _mm256_set1_epi8(15);
    __m256i       pairs[TOGETHER][2];
    (void)way;
    UNROLLED
    for (int r = 0; r < rows; r++) pairs[r][0] = pairs[r][1] = _mm256_setzero_si256();
    UNROLLED
    for (int q = 0; q < QUADRUPLES / 2; q++, w += 64) {
        UNROLLED
        for (int h = 0; h < 2; h++) {
            __m256i v = load_32(w + 32 * h), low = _mm256_and_si256(v, half);
            __m256i upper = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
            UNROLLED
            for (int r = 0; r < rows; r++) {
                __m256i a = _mm256_set1_epi32(quadruple_at(x[r] + 4 * q));
                __m256i b = _mm256_set1_epi32(quadruple_at(x[r] + 4 * q + BLOCK_STEPS / 2));
                pairs[r][h] = _mm256_add_epi16(
                    pairs[r][h], _mm256_add_epi16(_mm256_maddubs_epi16(low, a), _mm256_maddubs_epi16(upper, b)));
            }
        }
    }
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int h = 0; h < 2; h++) /* 8 x 15 x 127 x 2 fit into 16 bits */
            s->of[r][h] = _mm256_add_epi32(_mm256_set1_epi32(-8 * x_sums[r]), _mm256_madd_epi16(pairs[r][h], ones));
    }
}

INLINE vec sums_part(const sums *s, int r, int part) { return (vec)_mm256_cvtepi32_ps(s->of[r][part]); }

static bool has_vnni(void) { return false; }

#else

typedef struct sums {
    int32_t of[TOGETHER][BLOCK_OUTPUTS];
} sums;

INLINE void dots_8(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    (void)way, (void)x_sums;
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < BLOCK_OUTPUTS; n++) {
            int32_t sum = 0;
            for (int k = 0; k < BLOCK_STEPS; k++) sum += x[r][k] * (int8_t)w[(k / 4 * BLOCK_OUTPUTS + n) * 4 + k % 4];
            s->of[r][n] = sum;
        }
}

INLINE void dots_4(dots_way way, int rows, const unsigned char *w, const int8_t *const *x, const int32_t *x_sums,
                   sums *s) {
    (void)way;
    for (int r = 0; r < rows; r++)
        for (int n = 0; n < BLOCK_OUTPUTS; n++) {
            int32_t sum = -8 * x_sums[r];
            for (int k = 0; k < BLOCK_STEPS / 2; k++) {
                int byte = w[(k / 4 * BLOCK_OUTPUTS + n) * 4 + k % 4];
                sum += x[r][k] * (byte & 15) + x[r][k + BLOCK_STEPS / 2] * (byte >> 4);
            }
            s->of[r][n] = sum;
        }
}

INLINE vec sums_part(const sums *s, int r, int part) {
    vec v;
    for (int i = 0; i < VL; i++) v[i] = (real)s->of[r][part * VL + i];
    return v;
}

static bool has_vnni(void) { return false; }

#endif

/* ------------------------------------------------------------------------------------------- over the groups */

/* One panel's outputs of a few rows -> c[rows][BLOCK_OUTPUTS]. */
INLINE void panel_rows(number_type type, dots_way way, int rows, const void *panel, int64_t groups, const small_row *x,
                       real *c) {
    const uint16_t      *scales = panel;
    const unsigned char *w = (const unsigned char *)(scales + groups * BLOCK_OUTPUTS);
    vec                  acc[TOGETHER][PARTS];
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int p = 0; p < PARTS; p++) acc[r][p] = (vec){0};
    }
    for (int64_t g = 0; g < groups; g++, w += block_bytes(type), scales += BLOCK_OUTPUTS) {
        const int8_t *numbers[TOGETHER];
        int32_t       x_sums[TOGETHER];
        sums          s;
        UNROLLED
        for (int r = 0; r < rows; r++) numbers[r] = x[r].numbers + g * BLOCK_STEPS, x_sums[r] = x[r].sums[g];
        if (type == NUMBER_INT8) dots_8(way, rows, w, numbers, x_sums, &s);
        else dots_4(way, rows, w, numbers, x_sums, &s);
        UNROLLED
        for (int p = 0; p < PARTS; p++) {
            vec scale = vec_load_half(scales + p * VL);
            UNROLLED
            for (int r = 0; r < rows; r++)
                acc[r][p] = vec_fma(sums_part(&s, r, p), scale * vec_set(x[r].scales[g]), acc[r][p]);
        }
    }
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int p = 0; p < PARTS; p++) vec_store(c + r * BLOCK_OUTPUTS + p * VL, acc[r][p]);
    }
}

typedef void (*panel_fn)(const void *panel, int64_t groups, const small_row *x, real *c);

#define PANEL(name, type, way, rows)                                                                                   \
    static void name(const void *panel, int64_t groups, const small_row *x, real *c) {                                 \
        panel_rows(type, way, rows, panel, groups, x, c);                                                              \
    }
PANEL(one_of_8, NUMBER_INT8, DOTS_USUAL, 1)
PANEL(all_of_8, NUMBER_INT8, DOTS_USUAL, TOGETHER)
PANEL(one_of_4, NUMBER_INT4, DOTS_USUAL, 1)
PANEL(all_of_4, NUMBER_INT4, DOTS_USUAL, TOGETHER)
#if !defined(CANTO_DOUBLE) && defined(__AVX512F__)
PANEL(one_of_8_vnni, NUMBER_INT8, DOTS_VNNI, 1)
PANEL(all_of_8_vnni, NUMBER_INT8, DOTS_VNNI, TOGETHER)
PANEL(one_of_4_vnni, NUMBER_INT4, DOTS_VNNI, 1)
PANEL(all_of_4_vnni, NUMBER_INT4, DOTS_VNNI, TOGETHER)
#else
#define one_of_8_vnni one_of_8
#define all_of_8_vnni all_of_8
#define one_of_4_vnni one_of_4
#define all_of_4_vnni all_of_4
#endif

void ISA(blocks_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch) {
    const int64_t groups = block_groups(g->K), rows = m1 - m0, size = block_panel_bytes(g->b_type, g->K);
    const bool    vnni = has_vnni(), eight = g->b_type == NUMBER_INT8;
    panel_fn      one = eight ? vnni ? one_of_8_vnni : one_of_8 : vnni ? one_of_4_vnni : one_of_4;
    panel_fn      all = eight ? vnni ? all_of_8_vnni : all_of_8 : vnni ? all_of_4_vnni : all_of_4;
    real         *scales = scratch;
    int32_t      *sums_of = (int32_t *)(void *)(scales + rows * groups);
    int8_t       *numbers = (int8_t *)(sums_of + rows * groups);
    for (int64_t r = 0; r < rows; r++)
        shrink_row(g->a + (m0 + r) * g->a_row, g->K, numbers + r * groups * BLOCK_STEPS, scales + r * groups,
                   sums_of + r * groups);
    for (int64_t n = n0; n < n1; n += BLOCK_OUTPUTS) {
        const char *panel = (const char *)g->b + n / BLOCK_OUTPUTS * size;
        size_t      bytes = (size_t)(n1 - n < BLOCK_OUTPUTS ? n1 - n : BLOCK_OUTPUTS) * sizeof(real);
        for (int64_t r = 0, step; r < rows; r += step) {
            small_row x[TOGETHER];
            real      c[TOGETHER * BLOCK_OUTPUTS];
            step = rows - r >= TOGETHER ? TOGETHER : 1;
            for (int64_t i = 0; i < step; i++)
                x[i] = (small_row){numbers + (r + i) * groups * BLOCK_STEPS, scales + (r + i) * groups,
                                   sums_of + (r + i) * groups};
            if (step == 1) one(panel, groups, x, c);
            else all(panel, groups, x, c);
            for (int64_t i = 0; i < step; i++) memcpy(g->c + (m0 + r + i) * g->c_row + n, c + i * BLOCK_OUTPUTS, bytes);
        }
    }
    ISA(edges_tile)(g, m0, rows, n0, n1 - n0);
}
