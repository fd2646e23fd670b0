/* numbers.c - one loop a type. Quantized blocks: ggml's block_q8_0 and block_q4_0. */
#include "store/numbers.h"

#include "math/half.h"

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
