/* screen.c - see screen.h. Invariant: a covered cell stands right of a character that is two columns wide, and prints
 * nothing itself. */
#include "plot/screen.h"

#include "base/utf8.h"
#include "plot/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

canto_status screen_open(screen *s, size_t columns, size_t lines, int colours) {
    *s = (screen){.columns = columns, .lines = lines, .colours = colours};
    if (columns == 0 || lines == 0 || lines > SIZE_MAX / sizeof(screen_cell) / columns)
        return status_error(CANTO_ERROR_VALUE, "a picture of %zu columns and %zu lines cannot be made", columns, lines);
    s->cells = calloc(columns * lines, sizeof *s->cells);
    if (!s->cells)
        return status_error(CANTO_ERROR_MEMORY, "no memory for a picture of %zu columns and %zu lines", columns, lines);
    return status_ok();
}

void screen_close(screen *s) {
    free(s->cells);
    *s = (screen){0};
}

screen_cell *screen_at(screen *s, size_t column, size_t line) {
    return column < s->columns && line < s->lines ? &s->cells[line * s->columns + column] : NULL;
}

/* Letters that are written from right to left. */
static bool runs_leftwards(uint32_t point) {
    return (point >= 0x0590 && point <= 0x08FF) || (point >= 0xFB1D && point <= 0xFEFC) ||
           (point >= 0x10800 && point <= 0x10FFF) || (point >= 0x1E800 && point <= 0x1EFFF);
}

static void append(screen_cell *cell, const char *text, size_t bytes) {
    size_t used = strlen(cell->text);
    if (used + bytes >= sizeof cell->text) return;
    memcpy(cell->text + used, text, bytes);
    cell->text[used + bytes] = 0;
}

void screen_set(screen_cell *cell, const char *text) {
    cell->text[0] = 0;
    append(cell, text, strlen(text));
}

size_t screen_text(screen *s, size_t column, size_t line, const char *text, const rgb *ink) {
    size_t       at = column, bytes = strlen(text);
    bool         leftwards = false;
    screen_cell *last = NULL;
    for (size_t i = 0, length; i < bytes; i += length) {
        uint32_t point = '?';
        char     one[5] = "?";
        length = utf8_read(text + i, bytes - i, &point);
        if (length) memcpy(one, text + i, length), one[length] = 0;
        else length = 1;
        size_t wide = label_columns(one);
        leftwards |= runs_leftwards(point);
        if (wide == 0) {
            if (last) append(last, one, strlen(one));
            continue;
        }
        if (at + wide > s->columns || line >= s->lines) break;
        last = screen_at(s, at, line);
        if (!last) break;
        screen_set(last, one);
        last->covered = false;
        last->coloured = ink != NULL;
        if (ink) last->ink = *ink;
        if (wide == 2) screen_at(s, at + 1, line)->covered = true;
        at += wide;
    }
    if (leftwards && last) append(last, "\xE2\x80\x8E", 3); /* U+200E: what follows runs rightwards again */
    return at - column;
}

size_t screen_label(screen *s, size_t column, size_t line, size_t room, const char *text, const rgb *ink) {
    char   fitting[4 * LABEL_MAX];
    size_t taken = label_fit(text, room, fitting, sizeof fitting);
    screen_text(s, column, line, fitting, ink);
    return taken;
}

/* ------------------------------------------------------------------------------------------------ as text */

typedef struct output {
    char  *text;
    size_t bytes, room;
    bool   failed;
} output;

static void put(output *o, const char *text) {
    size_t more = strlen(text);
    if (o->failed) return;
    if (o->room - o->bytes <= more) {
        size_t room = 2 * o->room + more + 4096;
        char  *moved = realloc(o->text, room);
        if (!moved) {
            o->failed = true;
            return;
        }
        o->text = moved;
        o->room = room;
    }
    memcpy(o->text + o->bytes, text, more + 1);
    o->bytes += more;
}

/* The escape sequence that sets a colour: of the ink (38) or of what is behind (48). */
static void put_colour(output *o, const screen *s, int which, rgb colour) {
    char text[32];
    if (s->colours > 256)
        snprintf(text, sizeof text, "\033[%d;2;%d;%d;%dm", which, colour.red, colour.green, colour.blue);
    else snprintf(text, sizeof text, "\033[%d;5;%dm", which, palette_256(colour));
    put(o, text);
}

static bool same(rgb a, rgb b) { return a.red == b.red && a.green == b.green && a.blue == b.blue; }

/* Changes the colours from those of before to those of cell. */
static void put_colours(output *o, const screen *s, const screen_cell *before, const screen_cell *cell) {
    bool ink_goes = before->coloured && !cell->coloured, paper_goes = before->behind && !cell->behind;
    if (ink_goes) put(o, "\033[39m");
    if (paper_goes) put(o, "\033[49m");
    if (cell->coloured && (!before->coloured || !same(before->ink, cell->ink))) put_colour(o, s, 38, cell->ink);
    if (cell->behind && (!before->behind || !same(before->paper, cell->paper))) put_colour(o, s, 48, cell->paper);
}

static void write_line(output *o, const screen *s, size_t line) {
    static const screen_cell plain = {0};
    const screen_cell       *row = s->cells + line * s->columns, *before = &plain;
    size_t                   end = s->columns;
    while (end > 0 && !row[end - 1].covered && !row[end - 1].behind &&
           (!*row[end - 1].text || !strcmp(row[end - 1].text, " ")))
        end--;
    for (size_t i = 0; i < end; i++) {
        const screen_cell *cell = &row[i];
        if (cell->covered) continue;
        if (s->colours) {
            put_colours(o, s, before, cell);
            before = cell;
        }
        put(o, *cell->text ? cell->text : " ");
    }
    if (before->coloured || before->behind) put(o, "\033[0m");
    put(o, "\n");
}

static bool is_empty(const screen *s, size_t line) {
    for (size_t i = 0; i < s->columns; i++)
        if (*s->cells[line * s->columns + i].text || s->cells[line * s->columns + i].behind) return false;
    return true;
}

canto_status screen_write(const screen *s, char **data, size_t *bytes) {
    output o = {0};
    size_t lines = s->lines;
    while (lines > 0 && is_empty(s, lines - 1)) lines--;
    put(&o, "");
    for (size_t i = 0; i < lines; i++) write_line(&o, s, i);
    if (o.failed) {
        free(o.text);
        return status_error(CANTO_ERROR_MEMORY, "no memory for a picture of %zu columns and %zu lines", s->columns,
                            s->lines);
    }
    *data = o.text;
    *bytes = o.bytes;
    return status_ok();
}
