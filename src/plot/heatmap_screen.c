/* heatmap_screen.c - a sheet of heat maps for a terminal. With colours a cell is a block of half lines (a character's cell is about
 * twice as high as wide, so a column and half a line make a square); without, a character of a ramp of ten.
 *
 * A map's raster is `rows` x `columns` blocks, each `wide` columns; a line holds two rows of blocks when a block is half a line. */
#include "plot/heatmap.h"
#include "plot/screen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABELS_WIDE = 18, LABELS_HIGH = 10, GAP = 2 };

typedef struct layout {
    const sheet_view *s;
    screen            page;
    size_t            rows, columns; /* of a map's raster */
    size_t            wide;        /* columns a block: 2 (and a line), or 1 (and half a line, without colours a line) */
    size_t            lines;       /* of a map's raster */
    size_t            left, below; /* for labels */
    size_t            titles;      /* lines above a map */
} layout;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* The columns that labels of all maps take, at most so many. */
static size_t widest(const layout *l, bool of_rows, size_t most) {
    size_t wide = 1;
    for (size_t m = 0; m < l->s->asked->count && wide < most; m++) {
        const canto_heatmap    *map = &l->s->asked->maps[m];
        const canto_plot_label *labels = of_rows ? map->row_labels : map->column_labels;
        size_t                  count = of_rows ? map->rows : map->columns;
        for (size_t i = labels ? 0 : count - 1; i < count && wide < most; i++) {
            char text[LABEL_MAX];
            sheet_label(labels, i, text);
            wide = larger(wide, label_columns(text));
        }
    }
    return wide < most ? wide : most;
}

/* The columns in front of a map: number, blank and label of a row. */
static size_t in_front(const layout *l) { return l->left + 1; }

static canto_status lay_out(layout *l) {
    const sheet_view         *s = l->s;
    const canto_plot_options *o = s->options;
    size_t                    width = o->width > 0 ? (size_t)o->width : 80, maps = s->across;
    bool                      one = s->asked->count == 1;
    l->left = one ? widest(l, true, LABELS_WIDE) + 5 : 4;
    size_t room = width / maps;
    room = room > in_front(l) + GAP ? room - in_front(l) - GAP : 0;
    if (room < 2)
        return status_error(CANTO_ERROR_VALUE,
                            "%zu columns have no room for %zu heat maps side by side: show fewer of them", width, maps);
    l->wide = 2 * s->most_columns <= room && s->most_rows <= 64 ? 2 : 1;
    l->columns = s->most_columns <= room / l->wide ? s->most_columns : room / l->wide;
    /* Rows are thinned as columns are, so that squares stay squares. */
    l->rows = larger(s->most_rows * l->columns / s->most_columns, 1);
    l->lines = l->wide == 2 || !o->colours ? l->rows : (l->rows + 1) / 2;
    if (l->wide == 1 && !o->colours && l->rows > 1) {
        l->lines = (l->rows + 1) / 2;
        l->rows = l->lines;
    }
    l->titles = 0;
    for (size_t m = 0; m < s->asked->count; m++)
        if (s->asked->maps[m].title) l->titles = 1;
    l->below = one && l->wide == 2 ? widest(l, false, LABELS_HIGH) : 1;
    size_t lines = (o->title != NULL) +
                   s->below * (l->titles + l->lines + l->below + (s->asked->maps[0].column_title != NULL) + 1) + 1;
    return screen_open(&l->page, width, lines, o->colours);
}

/* The character for a share of the scale where there are no colours. */
static const char *shade(double share) {
    static const char ramp[][4] = {"\xC2\xB7", ".", ":", "-", "=", "+", "*", "#", "%", "@"};
    double            s = share >= 0 ? share < 1 ? share : 1 : 0;
    return ramp[(int)fmin(9, floor(10 * s))];
}

static void put_block(layout *l, size_t column, size_t line, float upper, float lower) {
    screen_cell *cell = screen_at(&l->page, column, line);
    double       share = axis_share(&l->s->scale, upper), share_below = axis_share(&l->s->scale, lower);
    if (!cell) return;
    if (!l->page.colours) {
        if (isfinite(upper)) screen_set(cell, shade(share));
        return;
    }
    bool above = isfinite(upper), below = isfinite(lower);
    if (above && below) {
        *cell = (screen_cell){.text = "\xE2\x96\x80",
                              .coloured = true,
                              .behind = true,
                              .ink = palette_heat(share),
                              .paper = palette_heat(share_below)};
        if (!memcmp(&cell->ink, &cell->paper, sizeof cell->ink))
            *cell = (screen_cell){.text = " ", .behind = true, .paper = cell->paper};
    } else if (above) *cell = (screen_cell){.text = "\xE2\x96\x80", .coloured = true, .ink = palette_heat(share)};
    else if (below) *cell = (screen_cell){.text = "\xE2\x96\x84", .coloured = true, .ink = palette_heat(share_below)};
}

/* This map's own part of the raster: maps of a sheet may be smaller than the largest. */
static size_t part(size_t raster, size_t own, size_t most) { return larger(raster * own / most, 1); }

static void draw_cells(layout *l, const canto_heatmap *map, size_t x, size_t y) {
    size_t rows = part(l->rows, map->rows, l->s->most_rows),
           columns = part(l->columns, map->columns, l->s->most_columns);
    bool halves = l->wide == 1 && l->page.colours;
    for (size_t row = 0; row < rows; row += halves ? 2 : 1)
        for (size_t column = 0; column < columns; column++) {
            float upper = sheet_cell(map, row, rows, column, columns), lower = upper;
            if (halves) lower = row + 1 < rows ? sheet_cell(map, row + 1, rows, column, columns) : NAN;
            for (size_t i = 0; i < l->wide; i++)
                put_block(l, x + column * l->wide + i, y + (halves ? row / 2 : row), upper, lower);
        }
}

/* Numbers of rows, and their labels when there is one map. */
static void draw_row_labels(layout *l, const canto_heatmap *map, size_t x, size_t y, bool texts) {
    size_t rows = part(l->rows, map->rows, l->s->most_rows);
    size_t a_line = l->wide == 1 && l->page.colours ? 2 : 1, every = map->rows == rows && l->wide == 2 ? 1 : 4;
    for (size_t line = 0; line * a_line < rows; line += every) {
        size_t row = line * a_line * map->rows / rows;
        char   number[24], text[LABEL_MAX];
        snprintf(number, sizeof number, "%zu", row);
        size_t room = texts ? 4 : l->left, wide = strlen(number);
        screen_text(&l->page, x + (wide < room ? room - wide : 0), y + line, number, NULL);
        if (!texts || !map->row_labels) continue;
        sheet_label(map->row_labels, row, text);
        screen_label(&l->page, x + 5, y + line, l->left - 5, text, NULL);
    }
}

/* A label downwards, a character a line. */
static void draw_downwards(layout *l, size_t x, size_t y, const char *text) {
    size_t bytes = strlen(text), line = 0;
    for (size_t at = 0, end; at < bytes && line < l->below; at = end, line++) {
        char one[20] = "";
        for (end = at + 1; end < bytes && ((unsigned char)text[end] & 0xC0) == 0x80;) end++;
        while (end < bytes) { /* the marks on it */
            char   mark[5] = "";
            size_t next = end + 1;
            while (next < bytes && ((unsigned char)text[next] & 0xC0) == 0x80) next++;
            memcpy(mark, text + end, next - end < 4 ? next - end : 4);
            if (label_columns(mark) > 0 || next - at >= sizeof one) break;
            end = next;
        }
        memcpy(one, text + at, end - at < sizeof one - 1 ? end - at : sizeof one - 1);
        screen_text(&l->page, x, y + line, one, NULL);
    }
}

static void draw_column_labels(layout *l, const canto_heatmap *map, size_t x, size_t y) {
    size_t columns = part(l->columns, map->columns, l->s->most_columns);
    bool   downwards = l->s->asked->count == 1 && l->wide == 2 && map->column_labels;
    for (size_t column = 0, free_from = 0; column < columns; column++) {
        char   text[LABEL_MAX];
        size_t at = column * l->wide;
        sheet_label(downwards ? map->column_labels : NULL, column * map->columns / columns, text);
        if (downwards) draw_downwards(l, x + at, y, text);
        else if (at >= free_from && at + strlen(text) <= columns * l->wide + GAP) {
            screen_text(&l->page, x + at, y, text, NULL);
            free_from = at + strlen(text) + 2 > at + 8 ? at + strlen(text) + 2 : at + 8;
        }
    }
}

static void draw_map(layout *l, size_t index) {
    const canto_heatmap *map = &l->s->asked->maps[index];
    size_t               high = l->titles + l->lines + l->below + (l->s->asked->maps[0].column_title != NULL) + 1;
    size_t               x = index % l->s->across * (l->page.columns / l->s->across);
    size_t               y = (l->s->options->title != NULL) + index / l->s->across * high;
    size_t               room = l->page.columns / l->s->across - GAP;
    bool                 one = l->s->asked->count == 1;
    if (map->title)
        screen_label(&l->page, x + (one ? 0 : in_front(l)), y, one ? room : room - in_front(l), map->title, NULL);
    y += l->titles;
    draw_row_labels(l, map, x, y, one);
    draw_cells(l, map, x + in_front(l), y);
    draw_column_labels(l, map, x + in_front(l), y + l->lines);
    if (map->column_title)
        screen_label(&l->page, x + in_front(l), y + l->lines + l->below, room - in_front(l), map->column_title, NULL);
}

/* low, the colours from low to high, high, unit. */
static void draw_scale(layout *l) {
    size_t line = l->page.lines - 1, at = 0;
    char   number[32];
    snprintf(number, sizeof number, "%.3g ", l->s->scale.low);
    at = screen_text(&l->page, 0, line, number, NULL);
    for (int i = 0; i < 20; i++) {
        float value = (float)(l->s->scale.low + (l->s->scale.high - l->s->scale.low) * i / 19);
        put_block(l, at++, line, value, value);
    }
    snprintf(number, sizeof number, " %.3g ", l->s->scale.high);
    at += screen_text(&l->page, at, line, number, NULL);
    if (l->s->asked->unit && at < l->page.columns)
        screen_label(&l->page, at, line, l->page.columns - at, l->s->asked->unit, NULL);
}

canto_status heatmap_screen_draw(const sheet_view *s, char **data, size_t *bytes) {
    canto_status status;
    layout       l = {.s = s};
    TRY(lay_out(&l));
    if (s->options->title) screen_label(&l.page, 0, 0, l.page.columns, s->options->title, NULL);
    for (size_t m = 0; m < s->asked->count; m++) draw_map(&l, m);
    draw_scale(&l);
    status = screen_write(&l.page, data, bytes);
done:
    screen_close(&l.page);
    return status;
}
