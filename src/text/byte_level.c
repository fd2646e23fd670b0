/* byte_level.c - see byte_level.h. */
#include "text/byte_level.h"

#include "base/utf8.h"

#include <string.h>

static bool stands_for_itself(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

void byte_level_names(char names[256][4]) {
    uint32_t next = 0x100;
    memset(names, 0, 256 * 4);
    for (unsigned byte = 0; byte < 256; byte++) utf8_write(stands_for_itself(byte) ? byte : next++, names[byte]);
}

void byte_level_open(byte_level *level) {
    uint32_t next = 0x100;
    memset(level->bytes, 0xFF, sizeof level->bytes);
    for (unsigned byte = 0; byte < 256; byte++) level->bytes[stands_for_itself(byte) ? byte : next++] = (short)byte;
}

size_t byte_level_read(const byte_level *level, const char *text, size_t bytes, char *out) {
    size_t used = 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point = 0;
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0 || point >= 0x180 || level->bytes[point] < 0) return 0;
        out[used++] = (char)(unsigned char)level->bytes[point];
    }
    return used;
}

canto_status byte_level_write(char names[256][4], const char *bytes, size_t count, byte_list *out) {
    canto_status status = status_ok();
    for (size_t i = 0; i < count; i++) {
        const char *name = names[(unsigned char)bytes[i]];
        TRY(byte_list_add(out, name, strlen(name)));
    }
done:
    return status;
}
