/* blocks.c - into blocks, and out of them. */
#include "math/blocks.h"

#include "math/half.h"

#include <math.h>
#include <string.h>

/* The place of a number in its group's bytes. */
static int64_t place_of(number_type type, int64_t n, int64_t k) {
    int64_t quadruple = k / 4 % (type == NUMBER_INT4 ? 4 : 8);
    return (quadruple * BLOCK_OUTPUTS + n) * 4 + k % 4;
}

/* x / scale as a whole number, from its inverse: adding and taking away the magic number rounds. */
static float nearest(float x, float inverse, float low, float high) {
    const float magic = 0x1.8p23F;
    float       q = x * inverse;
    q = q < low ? low : q > high ? high : q;
    return (q + magic) - magic;
}

static float squared_error(const float *x, float scale, float low, float high) {
    float inverse = 1 / scale, sums[4] = {0};
    for (int k = 0; k < BLOCK_STEPS; k += 4)
        for (int i = 0; i < 4; i++) {
            float e = x[k + i] - scale * nearest(x[k + i], inverse, low, high);
            sums[i] += e * e;
        }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

enum { TRIES = 6 }; /* to either side, 1/24 apart */

/* The scale of a group, as it will be kept; 0: of zeros. 4 bits reach further below 0 than above. */
static uint16_t choose_scale(number_type type, const float *x) {
    const float low = type == NUMBER_INT4 ? -8 : -127, high = type == NUMBER_INT4 ? 7 : 127;
    float       most = 0, odd = 0;
    for (int k = 0; k < BLOCK_STEPS; k++) {
        if (fabsf(x[k]) > fabsf(most)) most = x[k];
        odd += x[k] * 0.0F;
    }
    if (odd != 0 || isnan(odd)) return 0x7e00; /* not a number */
    if (most == 0) return 0;
    float    first = most / low;
    uint16_t best = float_to_half(type == NUMBER_INT4 ? first : fabsf(first));
    float    least = INFINITY;
    for (int t = -TRIES; t <= TRIES && type == NUMBER_INT4; t++) {
        uint16_t half = float_to_half(first * (1.0F + (float)t / 24.0F));
        float    scale = half_to_float(half);
        float    error = scale == 0 || !isfinite(scale) ? INFINITY : squared_error(x, scale, low, high);
        if (error < least) least = error, best = half;
    }
    return best;
}

void blocks_pack(number_type type, const real *rows, int64_t n, int64_t K, void *panel) {
    const float    low = type == NUMBER_INT4 ? -8 : -127, high = type == NUMBER_INT4 ? 7 : 127;
    uint16_t      *scales = panel;
    unsigned char *bytes = (unsigned char *)panel + block_groups(K) * BLOCK_OUTPUTS * (int64_t)sizeof *scales;
    memset(panel, 0, (size_t)block_panel_bytes(type, K));
    for (int64_t g = 0; g < block_groups(K); g++, scales += BLOCK_OUTPUTS, bytes += block_bytes(type))
        for (int64_t r = 0; r < BLOCK_OUTPUTS; r++) {
            float x[BLOCK_STEPS] = {0};
            for (int64_t k = g * BLOCK_STEPS; r < n && k < (g + 1) * BLOCK_STEPS && k < K; k++)
                x[k % BLOCK_STEPS] = (float)rows[r * K + k];
            scales[r] = choose_scale(type, x);
            float scale = half_to_float(scales[r]);
            for (int64_t k = 0; k < BLOCK_STEPS; k++) {
                int q = scale == 0 || !isfinite(scale) ? 0 : (int)nearest(x[k], 1 / scale, low, high);
                if (type == NUMBER_INT8) bytes[place_of(type, r, k)] = (unsigned char)(int8_t)q;
                else bytes[place_of(type, r, k)] |= (unsigned char)((q + 8) << (k < BLOCK_STEPS / 2 ? 0 : 4));
            }
        }
}

real blocks_number(number_type type, const void *matrix, int64_t K, int64_t n, int64_t k) {
    const unsigned char *panel = (const unsigned char *)matrix + n / BLOCK_OUTPUTS * block_panel_bytes(type, K);
    int64_t              g = k / BLOCK_STEPS, r = n % BLOCK_OUTPUTS, step = k % BLOCK_STEPS;
    uint16_t             half;
    memcpy(&half, panel + (g * BLOCK_OUTPUTS + r) * (int64_t)sizeof half, sizeof half);
    const unsigned char *bytes = panel + block_groups(K) * BLOCK_OUTPUTS * (int64_t)sizeof half + g * block_bytes(type);
    int                  byte = bytes[place_of(type, r, step)];
    int                  q = type == NUMBER_INT8 ? (int8_t)byte : (step < BLOCK_STEPS / 2 ? byte & 15 : byte >> 4) - 8;
    return (real)half_to_float(half) * (real)q;
}
