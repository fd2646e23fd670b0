/* rng.c - PyTorch's CPU random stream, bit for bit, and a counter-based generator.
 *
 * Invariants: every draw consumes the same number of 32-bit words as PyTorch's, in the same order; wherever PyTorch's
 * vector code fuses a product and a sum, fmaf stands here, and nowhere else (the file is compiled without contraction).
 * The scalar normal's second value stays cached over every other kind of draw and is dropped by a new seed alone. */
#include "base/rng.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ mt19937 */

enum { MT_WORDS = 624, MT_SHIFT = 397 };

void torch_seed(torch_rng *r, uint64_t seed) {
    r->state[0] = (uint32_t)seed;
    for (uint32_t j = 1; j < MT_WORDS; j++) {
        uint32_t previous = r->state[j - 1];
        r->state[j] = 1812433253u * (previous ^ (previous >> 30)) + j;
    }
    r->next = MT_WORDS;
    r->has_cached = false;
    r->cached = 0;
}

static uint32_t twisted(uint32_t high, uint32_t low) {
    uint32_t y = (high & 0x80000000u) | (low & 0x7FFFFFFFu);
    return (y >> 1) ^ ((0u - (y & 1u)) & 0x9908B0DFu);
}

/* s[k] from s[k + 397], s[k] and s[k + 1], all modulo 624, in ascending order. */
static void twist(torch_rng *r) {
    uint32_t *s = r->state;
    int       k = 0;
    for (; k < MT_WORDS - MT_SHIFT; k++) s[k] = s[k + MT_SHIFT] ^ twisted(s[k], s[k + 1]);
    for (; k < MT_WORDS - 1; k++) s[k] = s[k + MT_SHIFT - MT_WORDS] ^ twisted(s[k], s[k + 1]);
    s[k] = s[k + MT_SHIFT - MT_WORDS] ^ twisted(s[k], s[0]);
    r->next = 0;
}

uint32_t torch_u32(torch_rng *r) {
    if (r->next >= MT_WORDS) twist(r);
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    return y ^ (y >> 18);
}

uint64_t torch_u64(torch_rng *r) {
    uint64_t high = torch_u32(r);
    return (high << 32) | torch_u32(r);
}

double torch_uniform_double(torch_rng *r) { return (double)(torch_u64(r) & ((UINT64_C(1) << 53) - 1)) * 0x1p-53; }

uint64_t torch_random_i64(torch_rng *r) { return torch_u64(r) & ~(UINT64_C(1) << 63); }

uint32_t torch_randint(torch_rng *r, uint32_t n) { return torch_u32(r) % n; }

/* ------------------------------------------------------------------------------------- uniforms and normals */

static float uniform_float(torch_rng *r) { return (float)(torch_u32(r) & 0xFFFFFFu) * 0x1p-24f; }

void torch_uniform(torch_rng *r, float *out, size_t n, double from, double to) {
    float a = (float)from, width = (float)to - a;
    for (size_t i = 0; i < n; i++) out[i] = fmaf(uniform_float(r), width, a);
}

static float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Cephes logf of x in (0, 1] with fused steps. x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m by a polynomial. */
static float fused_log(float x) {
    static const float c[] = {7.0376836292E-2f,  -1.1514610310E-1f, 1.1676998740E-1f,
                              -1.2420140846E-1f, 1.4249322787E-1f,  -1.6668057665E-1f,
                              2.0000714765E-1f,  -2.4999993993E-1f, 3.3333331174E-1f};
    if (!(x > 1.17549435e-38f)) x = 1.17549435e-38f;
    uint32_t bits = bits_of_float(x);
    float    e = (float)((int32_t)(bits >> 23) - 0x7F) + 1.0f;
    float    m = float_of_bits((bits & ~0x7F800000u) | 0x3F000000u); /* [1/2, 1) */
    bool     small = m < 0.707106781186547524f;
    float    again = small ? m : 0.0f;
    m = (m - 1.0f) + again;
    e -= small ? 1.0f : 0.0f;
    float z = m * m, y = c[0];
    for (size_t i = 1; i < sizeof c / sizeof *c; i++) y = fmaf(y, m, c[i]);
    y = y * m;
    y = fmaf(e, -2.12194440e-4f, y * z);
    y = fmaf(-z, 0.5f, y);
    return fmaf(e, 0.693359375f, m + y);
}

/* The two Cephes polynomials on [-pi/4, pi/4], fused as PyTorch's kernel is. */
static float fused_cos_part(float z) {
    float a = fmaf(2.443315711809948E-005f, z, -1.388731625493765E-003f);
    a = fmaf(a, z, 4.166664568298827E-002f) * z;
    return fmaf(a, z, -(z * 0.5f)) + 1.0f;
}

static float fused_sin_part(float x, float z) {
    float b = fmaf(-1.9515295891E-4f, z, 8.3321608736E-3f);
    b = fmaf(b, z, -1.6666654611E-1f) * z;
    return fmaf(b, x, x);
}

/* Sine and cosine of x >= 0: the octant j picks the polynomial and the signs. */
static void fused_sincos(float x, float *sine, float *cosine) {
    uint32_t j = ((uint32_t)(x * 1.27323954473516f) + 1u) & ~1u;
    float    y = (float)j;
    x = fmaf(y, -0.78515625f, x);
    x = fmaf(y, -2.4187564849853515625e-4f, x);
    x = fmaf(y, -3.77489497744594108e-8f, x);
    float z = x * x, a = fused_cos_part(z), b = fused_sin_part(x, z);
    bool  straight = (j & 2u) == 0;
    float s = straight ? b : a, c = straight ? a : b;
    *sine = (j & 4u) ? -s : s;
    *cosine = (~(j - 2u) & 4u) ? -c : c;
}

/* 16 uniforms become 16 normals: element i < 8 pairs with element i + 8. */
static void box_muller_16(float *d, float mean, float std) {
    const float two_pi = (float)(2.0 * 3.14159265358979323846);
    for (int i = 0; i < 8; i++) {
        float radius = sqrtf(-2.0f * fused_log(1.0f - d[i]));
        float sine, cosine;
        fused_sincos(two_pi * d[i + 8], &sine, &cosine);
        d[i] = fmaf(radius * cosine, std, mean);
        d[i + 8] = fmaf(radius * sine, std, mean);
    }
}

static double normal_double(torch_rng *r) {
    if (r->has_cached) {
        r->has_cached = false;
        return r->cached;
    }
    double u1 = torch_uniform_double(r), u2 = torch_uniform_double(r);
    double radius = sqrt(-2.0 * log1p(-u2)), angle = 2.0 * 3.14159265358979323846 * u1;
    r->cached = radius * sin(angle);
    r->has_cached = true;
    return radius * cos(angle);
}

static void uniform_floats(torch_rng *r, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = uniform_float(r);
}

void torch_normal(torch_rng *r, float *out, size_t n, double mean, double std) {
    if (n < 16) {
        for (size_t i = 0; i < n; i++) out[i] = (float)(normal_double(r) * std + mean);
        return;
    }
    uniform_floats(r, out, n);
    for (size_t i = 0; i + 16 <= n; i += 16) box_muller_16(out + i, (float)mean, (float)std);
    if (n % 16 != 0) { /* the last 16, overlapping what is done, come from fresh uniforms */
        uniform_floats(r, out + n - 16, 16);
        box_muller_16(out + n - 16, (float)mean, (float)std);
    }
}

/* --------------------------------------------------------------------------------------- the other draws */

static float exponential_float(torch_rng *r) { return (float)(-1.0 * log1p(-torch_uniform_double(r))); }

void torch_exponential(torch_rng *r, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = exponential_float(r);
}

void torch_randperm(torch_rng *r, uint32_t *out, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) out[i] = i;
    for (uint32_t i = 0; i + 1 < n; i++) {
        uint32_t other = i + torch_u32(r) % (n - i);
        uint32_t kept = out[i];
        out[i] = out[other];
        out[other] = kept;
    }
}

size_t torch_multinomial(torch_rng *r, const float *p, size_t n) {
    size_t best = 0;
    float  largest = -1.0f;
    for (size_t i = 0; i < n; i++) {
        float ratio = p[i] / exponential_float(r);
        if (ratio > largest) {
            largest = ratio;
            best = i;
        }
    }
    return best;
}

/* A 53-bit u is kept when u 2^-53 < 1 - p. Both sides times 2^53 are exact, so whole numbers are compared. */
void torch_dropout_bits(torch_rng *r, uint8_t *bits, size_t first, size_t n, double p) {
    uint64_t limit = (uint64_t)ceil((1.0 - p) * 0x1p53), low = (UINT64_C(1) << 53) - 1;
    for (size_t i = first; i < first + n; i++) {
        unsigned kept = p == 0 || (torch_u64(r) & low) < limit, at = (unsigned)i & 7u;
        bits[i >> 3] = (uint8_t)((bits[i >> 3] & ~(1u << at)) | kept << at);
    }
}

/* kaiming_uniform_(a = sqrt(5)) in the order of PyTorch's own double arithmetic. */
double torch_linear_weight_bound(int64_t fan_in) {
    double slope = sqrt(5.0), gain = sqrt(2.0 / (1.0 + slope * slope));
    return sqrt(3.0) * (gain / sqrt((double)fan_in));
}

double torch_linear_bias_bound(int64_t fan_in) { return 1.0 / sqrt((double)fan_in); }

/* ----------------------------------------------------------------------------------- the counter's stream */

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

/* A bijection of 64 bits in which every input bit moves every output bit (Stafford's variant 13). */
static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t rng_mix(uint64_t key, uint64_t number) {
    return mixed(mixed(key + GOLDEN) ^ mixed(number * UINT64_C(0xD1342543DE82EF95) + UINT64_C(0x2545F4914F6CDD1D)));
}

stream_rng stream_seed(uint64_t seed, uint64_t purpose) {
    return (stream_rng){.key = rng_mix(seed, purpose), .count = 0};
}

uint64_t stream_u64(stream_rng *r) {
    r->count++;
    return mixed(r->key + r->count * GOLDEN);
}

uint64_t stream_below(stream_rng *r, uint64_t n) {
    uint64_t unfair = (0 - n) % n; /* 2^64 mod n: the draws below it would favour small results */
    for (;;) {
        uint64_t draw = stream_u64(r);
        if (draw >= unfair) return draw % n;
    }
}

double stream_uniform(stream_rng *r) { return (double)(stream_u64(r) >> 11) * 0x1p-53; }
