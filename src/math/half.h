/* half.h - numbers of 16 bits as float32, exactly. */
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

#endif
