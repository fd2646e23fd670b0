/* numbers.c - one loop a type. Quantized blocks: ggml's block_q8_0 and block_q4_0. */
#include "store/numbers.h"

#include "math/half.h"

#include <math.h>

enum { BLOCK = 32, Q8_0_BYTES = 2 + BLOCK, Q4_0_BYTES = 2 + BLOCK / 2 };

bool numbers_readable(source_type type) {
    return type == SOURCE_F32 || type == SOURCE_F16 || type == SOURCE_BF16 || type == SOURCE_F64 ||
           type == SOURCE_Q8_0 || type == SOURCE_Q4_0;
}

static uint16_t u16_at(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }

static float f32_at(const unsigned char *data, int64_t i) {
    float x;
    memcpy(&x, data + i * 4, sizeof x);
    return x;
}

static float f64_at(const unsigned char *data, int64_t i) {
    double x;
    memcpy(&x, data + i * 8, sizeof x);
    return (float)x;
}

static float q8_0_at(const unsigned char *data, int64_t i) {
    const unsigned char *block = data + i / BLOCK * Q8_0_BYTES;
    return half_to_float(u16_at(block)) * (float)(int8_t)block[2 + i % BLOCK];
}

static float q4_0_at(const unsigned char *data, int64_t i) {
    const unsigned char *block = data + i / BLOCK * Q4_0_BYTES;
    int64_t              at = i % BLOCK;
    int                  nibble = at < BLOCK / 2 ? block[2 + at] & 15 : block[2 + at - BLOCK / 2] >> 4;
    return half_to_float(u16_at(block)) * (float)(nibble - 8);
}

#define READ(element)                                                                                                  \
    for (size_t i = 0; i < n; i++, at += stride) to[i] = element;                                                      \
    break

void numbers_read(source_type type, const unsigned char *data, int64_t first, int64_t stride, size_t n, float *to) {
    int64_t at = first;
    switch (type) {
    case SOURCE_F32:
        if (stride == 1) {
            memcpy(to, data + first * 4, n * sizeof *to);
            break;
        }
        READ(f32_at(data, at));
    case SOURCE_F16:
        READ(half_to_float(u16_at(data + at * 2)));
    case SOURCE_BF16:
        READ(bfloat_to_float(u16_at(data + at * 2)));
    case SOURCE_F64:
        READ(f64_at(data, at));
    case SOURCE_Q8_0:
        READ(q8_0_at(data, at));
    case SOURCE_Q4_0:
        READ(q4_0_at(data, at));
    default: /* numbers_readable says no */
        break;
    }
}

/* ----------------------------------------------------------------------------------------------- writing */

static void put_u16(unsigned char *p, uint16_t n) {
    p[0] = (unsigned char)n;
    p[1] = (unsigned char)(n >> 8);
}

/* Of 32 numbers that of the largest size. */
static float largest(const float *from) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++)
        if (fabsf(from[i]) > fabsf(most)) most = from[i];
    return most;
}

/* The largest number becomes 127 or -127. */
static float write_q8_0(const float *from, unsigned char *to) {
    float d = fabsf(largest(from)) / 127, inverse = d > 0 ? 1 / d : 0;
    put_u16(to, float_to_half(d));
    for (int i = 0; i < BLOCK; i++) to[2 + i] = (unsigned char)(int8_t)lrintf(from[i] * inverse);
    return half_to_float(float_to_half(d));
}

/* The number of the largest size, whose sign d takes the opposite of, becomes -8. */
static float write_q4_0(const float *from, unsigned char *to) {
    float d = largest(from) / -8, inverse = d != 0 ? 1 / d : 0;
    put_u16(to, float_to_half(d));
    for (int i = 0; i < BLOCK / 2; i++) {
        unsigned low = (unsigned)fminf(15, from[i] * inverse + 8.5F);
        unsigned high = (unsigned)fminf(15, from[i + BLOCK / 2] * inverse + 8.5F);
        to[2 + i] = (unsigned char)(low | high << 4);
    }
    return half_to_float(float_to_half(d));
}

/* Whether it became infinite on the way. */
static bool lost(float from, float to) { return isinf(to) && !isinf(from); }

bool numbers_write(source_type type, const float *from, size_t n, unsigned char *to) {
    bool good = true;
    if (type == SOURCE_F32) memcpy(to, from, n * sizeof *from);
    for (size_t i = 0; i < n && type == SOURCE_F16; i++) {
        uint16_t half = float_to_half(from[i]);
        put_u16(to + 2 * i, half);
        good = good && !lost(from[i], half_to_float(half));
    }
    for (size_t i = 0; i < n && type == SOURCE_BF16; i++) {
        uint16_t half = float_to_bfloat(from[i]);
        put_u16(to + 2 * i, half);
        good = good && !lost(from[i], bfloat_to_float(half));
    }
    for (size_t i = 0; i < n / BLOCK && type == SOURCE_Q8_0; i++)
        good = !lost(0, write_q8_0(from + i * BLOCK, to + i * Q8_0_BYTES)) && good;
    for (size_t i = 0; i < n / BLOCK && type == SOURCE_Q4_0; i++)
        good = !lost(0, write_q4_0(from + i * BLOCK, to + i * Q4_0_BYTES)) && good;
    return good;
}
