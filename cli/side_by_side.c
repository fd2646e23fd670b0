/* side_by_side.c - see side_by_side.h. */
#include "side_by_side.h"

#include <string.h>

#include "terminal.h"

enum { LEAST = 24, BETWEEN = 3, MOST = 16 };

/* The bytes of the character at text, and the columns that it takes. */
static size_t character(const char *text, size_t *columns) {
    char   one[5] = {0};
    size_t bytes = terminal_character(text, strlen(text));
    memcpy(one, text, bytes ? bytes : 1);
    *columns = bytes ? terminal_wide(one) : 1;
    return bytes ? bytes : 1;
}

/* The bytes of the next line of text, at most wide columns of them; *taken has what parts it from the one after it besides. */
static size_t line_of(const char *text, size_t wide, size_t *taken) {
    size_t at = 0, used = 0, columns, blank = 0;
    while (text[at] && text[at] != '\n') {
        size_t bytes = character(text + at, &columns);
        if (used + columns > wide) break;
        if (text[at] == ' ') blank = at;
        used += columns;
        at += bytes;
    }
    bool ended = !text[at] || text[at] == '\n' || text[at] == ' ';
    if (!ended && blank) at = blank;
    *taken = at + (text[at] == '\n' || text[at] == ' ');
    return at;
}

static void print_cell(FILE *file, const char *text, size_t bytes, size_t wide, bool last) {
    size_t used = 0, columns;
    for (size_t at = 0; at < bytes;) {
        size_t size = character(text + at, &columns);
        bool   hidden = (unsigned char)text[at] < 32 || text[at] == 127;
        if (hidden) fputc('?', file);
        else fwrite(text + at, 1, size, file);
        used += columns;
        at += size;
    }
    for (; !last && used < wide + BETWEEN; used++) fputc(' ', file);
}

static void print_row(FILE *file, const char *const *names, const char *const *texts, size_t count, size_t wide) {
    const char *at[MOST];
    bool        more = true;
    for (size_t i = 0; i < count; i++) {
        size_t taken, bytes = line_of(names[i], wide, &taken);
        at[i] = texts[i];
        print_cell(file, names[i], bytes, wide, i + 1 == count);
    }
    fputc('\n', file);
    for (size_t i = 0; i < count * (wide + BETWEEN) - BETWEEN; i++)
        fputc(i % (wide + BETWEEN) < wide ? '-' : ' ', file);
    fputc('\n', file);
    while (more) {
        more = false;
        size_t last = count;
        while (last > 1 && !*at[last - 1]) last--;
        for (size_t i = 0; i < last; i++) {
            size_t taken, bytes = line_of(at[i], wide, &taken);
            print_cell(file, at[i], bytes, wide, i + 1 == last);
            at[i] += taken;
        }
        fputc('\n', file);
        for (size_t i = 0; i < count; i++) more |= *at[i] != 0;
    }
}

void side_by_side(FILE *file, const char *const *names, const char *const *texts, size_t count, size_t row,
                  size_t wide) {
    size_t fit = (wide + BETWEEN) / (LEAST + BETWEEN);
    if (fit > MOST) fit = MOST;
    if (fit > row) fit = row;
    if (fit < 1) fit = 1;
    if (row % fit) fit = (row + row / fit) / (row / fit + 1); /* even rows: 4 of a row of 7 and then 3, not 6 and 1 */
    size_t column = (wide + BETWEEN) / fit - BETWEEN;
    for (size_t i = 0; i < count;) {
        size_t here = count - i < fit ? count - i : fit;
        if (here > row - i % row) here = row - i % row;
        print_row(file, names + i, texts + i, here, column);
        i += here;
        fputc('\n', file);
    }
}
