/* status.c - a status is plain data by value; its text always fits and is always whole UTF-8. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

canto_status status_ok(void) {
    canto_status status;
    status.code = CANTO_OK;
    status.text[0] = 0;
    return status;
}

/* Drops the tail of a text that was cut in the middle of a UTF-8 character. */
static void drop_torn_character(char *text) {
    size_t end = strlen(text), start = end;
    while (start > 0 && end - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t        want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (want > 1 && end - (start - 1) < want) text[start - 1] = 0;
}

canto_status status_error(canto_code code, const char *form, ...) {
    canto_status status;
    va_list      arguments;
    status.code = code;
    va_start(arguments, form);
    int length = vsnprintf(status.text, sizeof status.text, form, arguments);
    va_end(arguments);
    if (length < 0) status.text[0] = 0;
    else if ((size_t)length >= sizeof status.text) drop_torn_character(status.text);
    return status;
}
