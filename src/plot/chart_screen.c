/* chart_screen.c - line charts for a terminal. A character of Unicode's braille block is 2 x 4 dots, which makes curves finer than
 * letters could; where there are no colours and several curves, each has a letter of its own instead. */
#include "plot/chart.h"
#include "plot/label.h"
#include "plot/screen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 3, BRAILLE = 0x2800 };

/* One chart's part of the screen. */
typedef struct painter {
    screen           *page;
    const chart_page *charts;
    const chart_view *view;
    size_t            x, y, columns, lines; /* of the curves' area */
    bool              letters;              /* rather than dots */
    unsigned char    *dots;                 /* [lines, columns]: the braille dots of each cell */
} painter;

static rgb blend(rgb a, rgb b, double share) {
    return (rgb){(uint8_t)lround(a.red + (b.red - a.red) * share),
                 (uint8_t)lround(a.green + (b.green - a.green) * share),
                 (uint8_t)lround(a.blue + (b.blue - a.blue) * share)};
}

static rgb ink_of(const painter *p, const canto_series *s) {
    bool dark = p->charts->options->dark;
    rgb  full = palette_curve(s->colour, dark);
    return s->stroke == CANTO_STROKE_FAINT ? blend(full, palette_of(dark).paper, 0.55) : full;
}

/* What stands for a curve where there are no colours: raw ones are points, others letters by their place. */
static const char *letter_of(const painter *p, const canto_series *s) {
    static const char letters[][2] = {"*", "+", "o", "x", "#", "@", "%", "&"};
    return s->stroke == CANTO_STROKE_FAINT ? "\xC2\xB7" : letters[(size_t)(s - p->view->asked->series) % 8];
}

/* ------------------------------------------------------------------------------------------------- curves */

/* Sets the dot (x, y) of the area's raster; one that lies outside is not there. */
static void put_dot(painter *p, const canto_series *s, long x, long y) {
    static const unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= 2 * (long)p->columns || y >= 4 * (long)p->lines) return;
    size_t       column = (size_t)x / 2, line = (size_t)y / 4;
    screen_cell *cell = screen_at(p->page, p->x + column, p->y + line);
    if (!cell) return;
    if (p->letters) {
        screen_set(cell, letter_of(p, s));
        return;
    }
    unsigned char *dots = &p->dots[line * p->columns + column];
    *dots |= bits[y % 4][x % 2];
    unsigned point = BRAILLE + *dots;
    char text[4] = {(char)(0xE0 | point >> 12), (char)(0x80 | (point >> 6 & 0x3F)), (char)(0x80 | (point & 0x3F)), 0};
    screen_set(cell, text);
    cell->coloured = true;
    cell->ink = ink_of(p, s);
}

/* A straight line of dots; a dashed curve leaves every other four out. */
static void put_line(painter *p, const canto_series *s, long x, long y, long to_x, long to_y, size_t *drawn) {
    long steps = labs(to_x - x) > labs(to_y - y) ? labs(to_x - x) : labs(to_y - y);
    for (long i = 0; i <= steps; i++) {
        bool off = s->stroke == CANTO_STROKE_DASHED && (*drawn / 4) % 2 && i < steps;
        long at_x = steps ? x + lround((double)(to_x - x) * (double)i / (double)steps) : x;
        long at_y = steps ? y + lround((double)(to_y - y) * (double)i / (double)steps) : y;
        if (!off) put_dot(p, s, at_x, at_y);
        if (i) ++*drawn;
    }
}

/* A number of dots, kept within what a line may be drawn through. */
static long dot_of(double share, size_t dots) { return lround(fmin(fmax(share, -1), 2) * (double)(dots - 1)); }

static canto_status draw_curve(painter *p, const canto_series *s) {
    size_t      *kept = NULL, count, drawn = 0;
    canto_status status = chart_points(p->view, s, 2 * p->columns, &kept, &count);
    bool         begun = false;
    long         x = 0, y = 0;
    for (size_t i = 0; status.code == CANTO_OK && i < count; i++) {
        if (kept[i] == CHART_GAP) {
            begun = false;
            continue;
        }
        long to_x = dot_of(axis_share(&p->view->x, s->x[kept[i]]), 2 * p->columns);
        long to_y = dot_of(1 - axis_share(&p->view->y, s->y[kept[i]]), 4 * p->lines);
        put_line(p, s, begun ? x : to_x, begun ? y : to_y, to_x, to_y, &drawn);
        begun = true;
        x = to_x, y = to_y;
    }
    free(kept);
    return status;
}

/* --------------------------------------------------------------------------------------------------- axes */

static size_t widest(const ticks *t) {
    size_t wide = 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t columns = label_columns(t->all[i].text);
        if (columns > wide) wide = columns;
    }
    return wide;
}

static void draw_axis_y(painter *p, const ticks *t) {
    for (size_t line = 0; line < p->lines; line++) screen_text(p->page, p->x - 1, p->y + line, "\xE2\x94\x82", NULL);
    for (size_t i = 0; i < t->count; i++) {
        size_t line = (size_t)dot_of(1 - axis_share(&p->view->y, t->all[i].at), 4 * p->lines) / 4;
        size_t wide = label_columns(t->all[i].text);
        if (wide == 0) continue;
        screen_text(p->page, p->x - 1 - wide, p->y + line, t->all[i].text, NULL);
        screen_text(p->page, p->x - 1, p->y + line, "\xE2\x94\xA4", NULL);
    }
}

static void draw_axis_x(painter *p, const ticks *t) {
    size_t line = p->y + p->lines, free_from = p->x > 4 ? p->x - 4 : 0, end = p->x + p->columns;
    screen_text(p->page, p->x - 1, line, "\xE2\x94\x94", NULL);
    for (size_t i = 0; i < p->columns; i++) screen_text(p->page, p->x + i, line, "\xE2\x94\x80", NULL);
    for (size_t i = 0; i < t->count; i++) {
        size_t at = p->x + (size_t)dot_of(axis_share(&p->view->x, t->all[i].at), 2 * p->columns) / 2;
        size_t wide = label_columns(t->all[i].text);
        if (wide == 0) continue;
        screen_text(p->page, at, line, "\xE2\x94\xB4", NULL);
        size_t begin = at > wide / 2 ? at - wide / 2 : 0;
        if (begin < free_from || begin + wide > end + GAP) continue;
        screen_text(p->page, begin, line + 1, t->all[i].text, NULL);
        free_from = begin + wide + 1;
    }
}

/* The lines of a legend within so many columns, drawn at (x, y) unless page is NULL. */
static size_t legend(painter *p, screen *page, size_t x, size_t y, size_t columns) {
    const canto_chart *chart = p->view->asked;
    size_t             at = 0, lines = 1;
    for (size_t i = 0; i < chart->series_count; i++) {
        const canto_series *s = &chart->series[i];
        if (!s->label) continue;
        size_t wide = label_columns(s->label) + 3;
        if (at && at + wide > columns) at = 0, lines++;
        if (page) {
            rgb         ink = ink_of(p, s);
            const char *sample =
                s->stroke == CANTO_STROKE_DASHED ? "\xE2\x94\x84\xE2\x94\x84" : "\xE2\x94\x80\xE2\x94\x80";
            screen_text(page, x + at, y + lines - 1, p->letters ? letter_of(p, s) : sample,
                        page->colours ? &ink : NULL);
            screen_label(page, x + at + 3, y + lines - 1, columns > at + 3 ? columns - at - 3 : 0, s->label, NULL);
        }
        at += wide + 2;
    }
    return at ? lines : 0;
}

/* Two series of which neither is faint, or more: letters are needed where there are no colours. */
static bool needs_letters(const painter *p) {
    return p->charts->options->colours == 0 && p->view->asked->series_count > 1;
}

static canto_status draw_chart(painter *p, size_t x, size_t y, size_t columns, size_t lines) {
    canto_status       status;
    const canto_chart *chart = p->view->asked;
    ticks              tx, ty;
    p->letters = needs_letters(p);
    size_t names = p->view->named ? legend(p, NULL, x, y, columns) : 0;
    size_t above = (chart->title != NULL) + names + (chart->y.label != NULL), foot = 2 + (chart->x.label != NULL);
    if (lines < above + foot + 3 || columns < 24)
        FAIL(CANTO_ERROR_VALUE,
             "%zu columns and %zu lines are too small for a chart: make it larger, or show fewer side by side", columns,
             lines);
    p->lines = lines - above - foot;
    p->y = y + above;
    axis_ticks(&p->view->y, (size_t)fmin(fmax((double)p->lines / 3, 2), 10), &ty);
    size_t side = widest(&ty) + 1;
    if (side + 10 > columns) FAIL(CANTO_ERROR_VALUE, "%zu columns are too few for a chart", columns);
    p->x = x + side;
    p->columns = columns - side;
    p->dots = calloc(p->lines * p->columns, 1);
    if (!p->dots) FAIL(CANTO_ERROR_MEMORY, "no memory for a chart of %zu x %zu characters", p->columns, p->lines);
    axis_ticks(&p->view->x, (size_t)fmin(fmax((double)p->columns / 12, 2), 12), &tx);
    size_t line = y;
    if (chart->title) screen_label(p->page, x, line++, columns, chart->title, NULL);
    if (p->view->named) line += legend(p, p->page, x, line, columns);
    if (chart->y.label) screen_label(p->page, x, line, columns, chart->y.label, NULL);
    draw_axis_y(p, &ty);
    draw_axis_x(p, &tx);
    if (chart->x.label) {
        size_t wide = label_columns(chart->x.label);
        screen_label(p->page, wide < p->columns ? p->x + (p->columns - wide) / 2 : p->x, p->y + p->lines + 2,
                     p->columns, chart->x.label, NULL);
    }
    status = status_ok();
    for (size_t i = 0; i < chart->series_count && status.code == CANTO_OK; i++)
        status = draw_curve(p, &chart->series[i]);
done:
    free(p->dots);
    p->dots = NULL;
    return status;
}

canto_status chart_screen_draw(const chart_page *charts, char **data, size_t *bytes) {
    canto_status              status;
    const canto_plot_options *o = charts->options;
    screen                    page = {0};
    size_t                    width = o->width > 0 ? (size_t)o->width : 80, across = charts->across;
    while (across > 1 && width / across < 38) across--; /* narrower ones stand below each other */
    size_t below = (charts->count + across - 1) / across, head = o->title != NULL;
    size_t height = o->height > 0 ? (size_t)o->height : head + below * 23, wide = (width - (across - 1) * GAP) / across;
    size_t high = height > head ? (height - head) / below : 0;
    TRY(screen_open(&page, width, height, o->colours));
    if (o->title) screen_label(&page, 0, 0, width, o->title, NULL);
    for (size_t i = 0; i < charts->count; i++) {
        painter p = {.page = &page, .charts = charts, .view = &charts->views[i]};
        TRY(draw_chart(&p, i % across * (wide + GAP), head + i / across * high, wide, below > 1 ? high - 1 : high));
    }
    status = screen_write(&page, data, bytes);
done:
    screen_close(&page);
    return status;
}
