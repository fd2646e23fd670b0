/* utf8.c - reading and writing UTF-8, and the two classes of code points that splitting and <NUM> need. */
#include "base/utf8.h"

size_t utf8_read(const char *text, size_t bytes, uint32_t *point) {
    const unsigned char *b = (const unsigned char *)text;
    if (bytes == 0) return 0;
    if (b[0] < 0x80) {
        *point = b[0];
        return 1;
    }
    size_t   length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80; /* shorter forms are overlong */
    if (b[0] < 0xC2 || b[0] > 0xF4 || bytes < length) return 0;
    uint32_t value = b[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xC0) != 0x80) return 0;
        value = value << 6 | (b[i] & 0x3Fu);
    }
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 0;
    *point = value;
    return length;
}

size_t utf8_write(uint32_t point, char *out) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)((length == 2 ? 0xC0u : length == 3 ? 0xE0u : 0xF0u) | point);
    return length;
}

size_t utf8_valid_prefix(const char *text, size_t bytes) {
    size_t at = 0;
    while (at < bytes) {
        uint32_t point;
        size_t   length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) break;
        at += length;
    }
    return at;
}

bool utf8_is_beginning(const char *text, size_t bytes) {
    const unsigned char *b = (const unsigned char *)text;
    size_t               length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || bytes >= length) return false;
    unsigned low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (bytes > 1 && (b[1] < low || b[1] > high)) return false;
    return bytes < 3 || (b[2] & 0xC0) == 0x80;
}

size_t utf8_broken(const char *text, size_t bytes) {
    size_t bad = 1;
    while (bad < bytes && bad < 3 && utf8_is_beginning(text, bad + 1)) bad++;
    return bad;
}

bool utf8_is_space(uint32_t point) {
    if (point <= 32) return (point >= 9 && point <= 13) || point >= 28;
    if (point < 0x1680) return point == 0x85 || point == 0xA0;
    return point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
           point == 0x202F || point == 0x205F || point == 0x3000;
}

/* The zero of each script's ten digits, which follow one another (Unicode 14, category Nd). */
static const uint32_t zeros[] = {
    0x0030,  0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,  0x0C66,
    0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,
    0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,
    0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};

bool utf8_is_digit(uint32_t point) {
    size_t low = 0, high = sizeof zeros / sizeof zeros[0]; /* the last zero at or below point lies in [low, high) */
    if (point < 0x80) return point >= '0' && point <= '9';
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zeros[middle] <= point) low = middle;
        else high = middle;
    }
    return point - zeros[low] < 10;
}
