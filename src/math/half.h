/* half.h - numbers of 16 bits as float32, exactly, and float32 rounded to them, to the nearest and to even. */
#ifndef CANTO_HALF_H
#define CANTO_HALF_H

#include <stdint.h>
#include <string.h>

static inline float bits_to_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16: 1 bit sign, 5 bits exponent, 10 bits fraction. */
static inline float half_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 0) return (sign ? -1.0F : 1.0F) * (float)fraction * 0x1p-24F; /* zero, subnormal */
    if (exponent == 31) exponent = 255 - 112;                                     /* infinite, no number */
    return bits_to_float(sign | (exponent + 112) << 23 | fraction << 13);
}

/* bfloat16: the upper half of a float32. */
static inline float bfloat_to_float(uint16_t b) { return bits_to_float((uint32_t)b << 16); }

static inline uint32_t float_to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* bits without their lowest `cut`, rounded to the nearest, to even when there are two. */
static inline uint32_t rounded_bits(uint32_t bits, unsigned cut) {
    return (bits + (UINT32_C(1) << (cut - 1)) - 1 + (bits >> cut & 1)) >> cut;
}

/* What is too large becomes infinite, what is no number stays none. */
static inline uint16_t float_to_half(float x) {
    uint32_t bits = float_to_bits(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7FFFFFFF;
    if (rest > 0x7F800000) return (uint16_t)(sign | 0x7E00);
    if (rest >= 0x47800000) return (uint16_t)(sign | 0x7C00);
    if (rest >= 0x38800000)
        return (uint16_t)(sign | rounded_bits(rest - 0x38000000, 13)); /* a carry is right, up to infinity */
    if (rest < 0x33000000) return (uint16_t)sign;
    return (uint16_t)(sign | rounded_bits((rest & 0x7FFFFF) | 0x800000, 126 - (rest >> 23))); /* subnormal */
}

static inline uint16_t float_to_bfloat(float x) {
    uint32_t bits = float_to_bits(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)rounded_bits(bits, 16);
}

#endif
