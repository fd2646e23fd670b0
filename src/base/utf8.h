/* utf8.h - strict UTF-8 (RFC 3629) and the white space of Python's str.isspace. */
#ifndef CANTO_UTF8_H
#define CANTO_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one code point at text[0 .. bytes); returns its length 1 to 4, or 0 when the bytes are no UTF-8. bytes > 0. */
size_t utf8_read(const char *text, size_t bytes, uint32_t *point);
/* Writes point (a valid one) to out[4]; returns its length. */
size_t utf8_write(uint32_t point, char *out);
/* Length of the longest prefix that is whole, valid UTF-8. */
size_t utf8_valid_prefix(const char *text, size_t bytes);
/* True when text[0 .. bytes) could be the beginning of a longer character. bytes is 1 to 3. */
bool utf8_is_beginning(const char *text, size_t bytes);
/* Where utf8_read says 0: the bytes that one U+FFFD stands for, the longest beginning of a character or one (as Unicode
 * recommends). bytes > 0. */
size_t utf8_broken(const char *text, size_t bytes);
bool   utf8_is_space(uint32_t point); /* Python 3.11's str.isspace */
bool   utf8_is_digit(uint32_t point); /* Python's \d: decimal digits, category Nd */

#endif
