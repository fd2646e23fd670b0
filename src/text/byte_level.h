/* byte_level.h - bytes as characters, the way GPT-2's files write tokens: printable Latin-1 bytes as themselves, the other
 * 68 in ascending order as U+0100, U+0101, ... */
#ifndef CANTO_BYTE_LEVEL_H
#define CANTO_BYTE_LEVEL_H

#include "text/tokenizer.h"

/* The character of each byte, in UTF-8 with a zero byte after it. */
void byte_level_names(char names[256][4]);

/* The bytes that characters stand for. */
typedef struct byte_level {
    short bytes[0x180]; /* of a code point, or -1 */
} byte_level;

void byte_level_open(byte_level *level);
/* text[bytes] -> out[the count returned], at most bytes; 0 when a character stands for no byte. */
size_t byte_level_read(const byte_level *level, const char *text, size_t bytes, char *out);
/* bytes[count] in characters, appended to out without a zero byte. */
canto_status byte_level_write(char names[256][4], const char *bytes, size_t count, byte_list *out);

#endif
