/* numbers.h - the numbers of a file's tensors as float32, whatever their type, and the way back. */
#ifndef CANTO_NUMBERS_H
#define CANTO_NUMBERS_H

#include "store/tensor_source.h"

/* Whether a type is one of real numbers, which numbers_read takes: F32, F16, BF16, F64, Q8_0, Q4_0. */
bool numbers_readable(source_type type);
/* to[i] = element first + i * stride of data, for i < n. data may be unaligned. F64 is rounded. */
void numbers_read(source_type type, const unsigned char *data, int64_t first, int64_t stride, size_t n, float *to);
/* n numbers as a file has them, into to: F32, F16, BF16, or of whole blocks Q8_0 and Q4_0. False when a finite number has
 * become infinite, for which the type has no room. */
bool numbers_write(source_type type, const float *from, size_t n, unsigned char *to);

#endif
