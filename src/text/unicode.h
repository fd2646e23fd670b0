/* unicode.h - the classes of code points that pre-tokenizers tell apart. */
#ifndef CANTO_UNICODE_H
#define CANTO_UNICODE_H

#include <stdint.h>

typedef enum unicode_class {
    UNICODE_OTHER,  /* among them what Unicode has not assigned */
    UNICODE_SPACE,  /* White_Space, \s */
    UNICODE_NUMBER, /* \p{N}: Nd, Nl, No */
    UNICODE_MARK,   /* \p{M}: Mn, Mc, Me */
    UNICODE_UPPER,  /* Lu, Lt; the letters, \p{L}, are this class and those after it */
    UNICODE_LOWER,  /* Ll */
    UNICODE_LETTER  /* Lm, Lo */
} unicode_class;

extern const unsigned char unicode_planes[272], unicode_rows[];
extern const uint64_t      unicode_words[];

/* The class of a code point; point <= 0x10FFFF. */
static inline unicode_class unicode_class_of(uint32_t point) {
    uint32_t block = unicode_rows[unicode_planes[point >> 12] * 32u + (point >> 7 & 31)];
    return (unicode_class)(unicode_words[block * 8 + (point >> 4 & 7)] >> (point & 15) * 4 & 15);
}
/* The same of ASCII: the first block is block 0. */
static inline unicode_class unicode_class_of_ascii(unsigned char c) {
    return (unicode_class)(unicode_words[c >> 4] >> (c & 15) * 4 & 15);
}

#endif
