/* status.c - a status is plain data by value.
 *
 * Invariant: its text fits, is one line, and is whole UTF-8 without control characters, whatever a file or a path has put
 * into it: a byte that cannot be shown is written as \xNN. */
#include "base/status.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

canto_status status_ok(void) {
    canto_status status;
    status.code = CANTO_OK;
    status.text[0] = 0;
    return status;
}

/* The length of the character at text, or 0 when it is broken, a control character or the end of a line. */
static size_t visible(const char *text, size_t bytes) {
    uint32_t point = 0;
    size_t   length = utf8_read(text, bytes, &point);
    bool     control = point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029;
    return control ? 0 : length;
}

/* Copies text into out[room], character by character, as far as whole ones go. */
static void copy_visible(const char *text, size_t bytes, char *out, size_t room) {
    size_t used = 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        char        escaped[8];
        const char *from = text + at;
        size_t      width = length = visible(from, bytes - at);
        if (length == 0) {
            length = 1;
            width = (size_t)snprintf(escaped, sizeof escaped, "\\x%02X", (unsigned)(unsigned char)*from);
            from = escaped;
        }
        if (used + width >= room) break;
        memcpy(out + used, from, width);
        used += width;
    }
    out[used] = 0;
}

/* The length of text[bytes] without what a cut has left of a character at its end. */
static size_t without_torn_end(const char *text, size_t bytes) {
    for (size_t back = 1; back <= 3 && back <= bytes; back++) {
        unsigned char lead = (unsigned char)text[bytes - back];
        size_t        want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (want > back) return bytes - back;
    }
    return bytes;
}

canto_status status_error(canto_code code, const char *form, ...) {
    canto_status status;
    char         raw[sizeof status.text];
    va_list      arguments;
    status.code = code;
    va_start(arguments, form);
    int length = vsnprintf(raw, sizeof raw, form, arguments);
    va_end(arguments);
    size_t bytes = length < 0 ? 0 : (size_t)length;
    if (bytes >= sizeof raw) bytes = without_torn_end(raw, sizeof raw - 1);
    copy_visible(raw, bytes, status.text, sizeof status.text);
    return status;
}

canto_status status_add(canto_status status, canto_code code, const char *rest) {
    size_t bytes = strlen(status.text), more = strlen(rest);
    if (status.code == code && code != CANTO_OK && bytes + more < sizeof status.text)
        memcpy(status.text + bytes, rest, more + 1);
    return status;
}
