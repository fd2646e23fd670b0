/* tokenizer_show.c - tokens for the eye. A row has pieces of text and, below them, their ids; a piece that ends a line of the
 * text ends the row. */
#include <stdio.h>
#include <string.h>

#include "tokenizer_command.h"

enum { CELLS = 256, VISIBLE = 160 };

typedef struct cell {
    char   text[VISIBLE], id[16];
    size_t text_wide, wide; /* columns */
} cell;

size_t tokenizer_visible(const char *token, size_t bytes, bool blanks, char *out, size_t room) {
    size_t at = 0;
    for (size_t i = 0, size; i < bytes && at + 8 < room; i += size) {
        unsigned char c = (unsigned char)token[i];
        size = terminal_character(token + i, bytes - i);
        if (size == 0) at += (size_t)snprintf(out + at, room - at, "\\x%02X", c), size = 1;
        else if (c == '\n') at += (size_t)snprintf(out + at, room - at, "\xE2\x8F\x8E"); /* a return sign */
        else if (c == '\t') at += (size_t)snprintf(out + at, room - at, "\xE2\x87\xA5"); /* a tab's arrow */
        else if (c == ' ' && blanks) at += (size_t)snprintf(out + at, room - at, "\xC2\xB7");
        else if (c < 32 || c == 127) at += (size_t)snprintf(out + at, room - at, "\\x%02X", c);
        else memcpy(out + at, token + i, size), at += size;
    }
    out[at] = 0;
    return terminal_wide(out);
}

static void print_row(const cell *cells, size_t count, size_t first, bool colors) {
    static const char *const backgrounds[] = {"\033[30;46m", "\033[30;43m", "\033[30;42m", "\033[30;45m"};
    for (size_t i = 0; i < count; i++) {
        const cell *c = &cells[i];
        if (colors) printf("%s%s\033[0m", backgrounds[(first + i) % 4], c->text);
        else fputs(c->text, stdout);
        if (i + 1 < count) printf("%*s", (int)(c->wide - c->text_wide), "");
    }
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        printf("%s%s%s%*s", colors ? "\033[2m" : "", cells[i].id, colors ? "\033[0m" : "",
               i + 1 < count ? (int)(cells[i].wide - strlen(cells[i].id)) : 0, "");
    putchar('\n');
}

void tokenizer_show(const canto_tokenizer *t, const uint32_t *ids, size_t count) {
    cell   row[CELLS];
    size_t used = 0, at = 0, wide = terminal_output_columns(), first = 0;
    bool   colors = terminal_output_colors();
    for (size_t i = 0; i < count; i++) {
        size_t      bytes = 0;
        const char *token = canto_tokenizer_token(t, ids[i], &bytes);
        cell        c;
        c.text_wide = tokenizer_visible(token ? token : "", bytes, !colors, c.text, sizeof c.text);
        snprintf(c.id, sizeof c.id, "%lu", (unsigned long)ids[i]);
        c.wide = (c.text_wide > strlen(c.id) ? c.text_wide : strlen(c.id)) + 1;
        if (used == CELLS || (used > 0 && at + c.wide > wide)) {
            print_row(row, used, first, colors);
            first += used;
            used = at = 0;
        }
        row[used++] = c;
        at += c.wide;
        bool ends = bytes > 0 && token[bytes - 1] == '\n';
        if (ends || i + 1 == count) {
            print_row(row, used, first, colors);
            first += used;
            used = at = 0;
        }
    }
}
