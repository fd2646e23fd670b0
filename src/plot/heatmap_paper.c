/* heatmap_paper.c - a sheet of heat maps on a page. Cells are squares; where there is room for it their sides are whole pixels,
 * so that their edges are sharp. Few cells become rectangles of an SVG, many an image. */
#include "plot/canvas.h"
#include "plot/heatmap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MARGIN = 12, GAP = 10, BAR = 12, BAR_GAP = 18, RECTANGLES_MAX = 4096, PAGE_MAX = 32767 };

/* Measures in points. Maps stand in slots: left of a map is room for its rows' labels, below it for its columns'. */
typedef struct layout {
    const sheet_view *s;
    palette           colours;
    bool              png;
    double            scale, size; /* pixels a point; of the labels */
    double            heading, map_title, row_title, column_title;
    double            left, bottom; /* of the labels */
    double            cell, map_width, map_height;
    double            bar_right; /* of the scale's numbers and unit */
    double            width, height;
} layout;

static writing_style style(const layout *l, double size, canvas_anchor across, canvas_anchor down) {
    return (writing_style){.colour = l->colours.ink, .size = size, .across = across, .down = down};
}

/* The widest label of all maps, but no wider than most. Beyond the first 2000 nothing is measured. */
static double widest(const layout *l, canvas *c, bool of_rows, double most) {
    writing_style how = style(l, l->size, ANCHOR_START, ANCHOR_START);
    double        wide = 0;
    size_t        measured = 0;
    bool          shared = of_rows ? l->s->shared_rows : l->s->shared_columns;
    for (size_t m = 0; m < (shared ? 1 : l->s->asked->count) && measured < 2000; m++) {
        const canto_heatmap    *map = &l->s->asked->maps[m];
        const canto_plot_label *labels = of_rows ? map->row_labels : map->column_labels;
        size_t                  count = of_rows ? map->rows : map->columns;
        for (size_t i = labels ? 0 : count - 1; i < count && measured < 2000; i++, measured++) {
            char text[LABEL_MAX];
            sheet_label(labels, i, text);
            wide = fmax(wide, canvas_measure(c, text, &how).x);
        }
    }
    return fmin(wide, most);
}

static bool any_text(const layout *l, size_t offset) {
    for (size_t m = 0; m < l->s->asked->count; m++)
        if (*(const char *const *)((const char *)&l->s->asked->maps[m] + offset)) return true;
    return false;
}

/* How often the room for labels is there: beside each map, or only at the sheet's edge when all have the same. */
static double times(bool shared, size_t maps) { return shared ? 1 : (double)maps; }

/* The widest cell for a number of points, of which `fixed` is spoken for. */
static double cell_for(double points, double fixed, size_t maps, size_t cells) {
    return (points - fixed) / ((double)maps * (double)cells);
}

/* The points of a map's longer side when nobody asks for a size. */
static double usual_room(const sheet_view *s) {
    return s->asked->count == 1 ? 560 : fmin(fmax(1000.0 / (double)s->across, 90), 300);
}

static canto_status choose_cell(layout *l) {
    const sheet_view         *s = l->s;
    const canto_plot_options *o = s->options;
    double                    across = (double)s->across, below = (double)s->below;
    double wide = 2 * MARGIN + times(s->shared_rows, s->across) * (l->left + l->row_title) + (across - 1) * GAP +
                  BAR_GAP + BAR + l->bar_right;
    double high = 2 * MARGIN + l->heading + below * l->map_title +
                  times(s->shared_columns, s->below) * (l->bottom + l->column_title) + (below - 1) * GAP;
    size_t side = s->most_rows > s->most_columns ? s->most_rows : s->most_columns;
    l->cell = fmin(usual_room(s) / (double)side, 28);
    if (o->width > 0) l->cell = cell_for(o->width, wide, s->across, s->most_columns);
    if (o->height > 0) {
        double by_height = cell_for(o->height, high, s->below, s->most_rows);
        l->cell = o->width > 0 ? fmin(l->cell, by_height) : by_height;
    }
    if (l->cell * (double)side < 8)
        return status_error(
            CANTO_ERROR_VALUE,
            "no room for heat maps in a picture of %.10g x %.10g points; labels and scale take %.0f x %.0f", o->width,
            o->height, wide, high);
    if (l->cell * l->scale >= 1) l->cell = floor(l->cell * l->scale) / l->scale;
    l->map_width = fmax(l->cell * (double)s->most_columns, 4);
    l->map_height = fmax(l->cell * (double)s->most_rows, 4);
    l->width = o->width > 0 ? o->width : ceil(wide + across * l->map_width);
    l->height = o->height > 0 ? o->height : ceil(fmax(high + below * l->map_height, 2 * MARGIN + l->heading + 80));
    return status_ok();
}

static canto_status lay_out(layout *l) {
    canto_status              status;
    const canto_plot_options *o = l->s->options;
    canvas                   *c = NULL;
    bool                      one = l->s->asked->count == 1;
    TRY(canvas_open(true, 1, 1, 1, l->colours.paper, &c)); /* to measure with */
    l->size = one ? 9 : 7;
    l->heading = o->title ? 24 : 0;
    l->map_title = any_text(l, offsetof(canto_heatmap, title)) ? (one ? 18 : 13) : 0;
    l->row_title = any_text(l, offsetof(canto_heatmap, row_title)) ? 16 : 0;
    l->column_title = any_text(l, offsetof(canto_heatmap, column_title)) ? 16 : 0;
    l->left = widest(l, c, true, one ? 110 : 60) + 8;
    l->bottom = widest(l, c, false, one ? 110 : 60) + 8;
    l->bar_right = 32 + (l->s->asked->unit ? 14 : 0);
    TRY(choose_cell(l));
    if (l->cell < 1.15 * l->size) { /* labels will be thinned out, and then carry numbers */
        l->left += 3 * l->size;
        l->bottom += 3 * l->size;
        TRY(choose_cell(l));
    }
    if (l->width * l->scale > PAGE_MAX || l->height * l->scale > PAGE_MAX)
        FAIL(CANTO_ERROR_VALUE,
             "the picture would be %.0f x %.0f pixels, and %d is the most: draw fewer maps at once, or give a smaller "
             "scale",
             l->width * l->scale, l->height * l->scale, PAGE_MAX);
done:
    canvas_discard(c);
    return status;
}

static rgb colour_of(const layout *l, float cell) {
    return isfinite(cell) ? palette_heat(axis_share(&l->s->scale, cell)) : l->colours.paper;
}

static void draw_rectangles(const layout *l, canvas *c, const canto_heatmap *map, box b) {
    double wide = b.width / (double)map->columns, high = b.height / (double)map->rows;
    for (size_t row = 0; row < map->rows; row++)
        for (size_t column = 0; column < map->columns; column++) {
            float cell = map->cells[row * map->columns + column];
            box   at = {b.x + (double)column * wide, b.y + (double)row * high, wide, high};
            if (isfinite(cell)) canvas_fill(c, at, colour_of(l, cell), 1);
        }
}

/* Pixels for a map's rows or columns: one each, several each where an SVG's viewer would blur them, fewer when there is no
 * room for more. */
static size_t pixels_for(const layout *l, double points, size_t cells) {
    size_t room = (size_t)fmax(1, round(points * (l->png ? l->scale : 2)));
    if (cells > room) return room;
    return l->png ? cells : cells * (room / cells);
}

static canto_status draw_image(const layout *l, canvas *c, const canto_heatmap *map, box b) {
    size_t width = pixels_for(l, b.width, map->columns), height = pixels_for(l, b.height, map->rows);
    rgb   *pixels = calloc(width * height, sizeof *pixels);
    if (!pixels) return status_error(CANTO_ERROR_MEMORY, "no memory for a heat map of %zu x %zu pixels", width, height);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) pixels[y * width + x] = colour_of(l, sheet_cell(map, y, height, x, width));
    canvas_image(c, b, pixels, width, height);
    free(pixels);
    return status_ok();
}

/* A label on every so many rows or columns, with a tick between it and the map. Thinned labels carry their number: the text
 * alone would not tell where it stands. U+200E keeps the number first where the text runs leftwards. */
static void draw_labels(const layout *l, canvas *c, const canto_heatmap *map, box b, bool of_rows) {
    const canto_plot_label *labels = of_rows ? map->row_labels : map->column_labels;
    size_t                  count = of_rows ? map->rows : map->columns;
    double                  step = (of_rows ? b.height : b.width) / (double)count;
    size_t                  every = sheet_every(step, 1.15 * l->size);
    writing_style           how = style(l, l->size, ANCHOR_END, ANCHOR_MIDDLE);
    pen                     thin = {.colour = l->colours.ink, .alpha = 1, .width = 0.6};
    how.upright = !of_rows;
    how.room = (of_rows ? l->left : l->bottom) - 7;
    for (size_t i = 0; i < count; i += every) {
        char   text[LABEL_MAX], numbered[LABEL_MAX + 32];
        double at = ((double)i + 0.5) * step;
        place  edge = of_rows ? (place){b.x, b.y + at} : (place){b.x + at, b.y + b.height};
        place  out = of_rows ? (place){edge.x - 3, edge.y} : (place){edge.x, edge.y + 3};
        sheet_label(labels, i, text);
        snprintf(numbered, sizeof numbered, "\xE2\x80\x8E%zu: %s", i, text);
        canvas_line(c, (place[]){edge, out}, 2, &thin);
        canvas_text(c, every > 1 && labels ? numbered : text,
                    of_rows ? (place){out.x - 2, out.y} : (place){out.x, out.y + 2}, &how);
    }
}

static void draw_frame(const layout *l, canvas *c, box b) {
    pen   thin = {.colour = l->colours.ink, .alpha = 1, .width = 0.6};
    place corners[] = {
        {b.x, b.y}, {b.x + b.width, b.y}, {b.x + b.width, b.y + b.height}, {b.x, b.y + b.height}, {b.x, b.y}};
    canvas_line(c, corners, 5, &thin);
}

/* One map with its labels where the sheet has room for them. */
static canto_status draw_map(const layout *l, canvas *c, size_t index) {
    const sheet_view    *s = l->s;
    const canto_heatmap *map = &s->asked->maps[index];
    canto_status         status = status_ok();
    size_t               column = index % s->across, row = index / s->across;
    bool                 leftmost = column == 0 || !s->shared_rows;
    bool                 lowest = index + s->across >= s->asked->count || !s->shared_columns;
    double               side = l->left + l->row_title, foot = l->bottom + l->column_title;
    box                  b;
    b.x = MARGIN + side + (double)column * (l->map_width + GAP + (s->shared_rows ? 0 : side));
    b.y = MARGIN + l->heading + l->map_title +
          (double)row * (l->map_height + GAP + l->map_title + (s->shared_columns ? 0 : foot));
    b.width = fmax(l->cell * (double)map->columns, 4);
    b.height = fmax(l->cell * (double)map->rows, 4);
    if (map->title) {
        writing_style how = style(l, s->asked->count == 1 ? 11 : 8, ANCHOR_MIDDLE, ANCHOR_END);
        canvas_text(c, map->title, (place){b.x + b.width / 2, b.y - 3}, &how);
    }
    if (!l->png && map->rows * map->columns * s->asked->count <= RECTANGLES_MAX) draw_rectangles(l, c, map, b);
    else TRY(draw_image(l, c, map, b));
    draw_frame(l, c, b);
    writing_style how = style(l, l->size + 1, ANCHOR_MIDDLE, ANCHOR_MIDDLE);
    if (leftmost) {
        draw_labels(l, c, map, b, true);
        how.upright = true;
        if (map->row_title)
            canvas_text(c, map->row_title, (place){b.x - l->left - l->row_title / 2, b.y + b.height / 2}, &how);
    }
    if (lowest) {
        draw_labels(l, c, map, b, false);
        how.upright = false;
        if (map->column_title)
            canvas_text(c, map->column_title,
                        (place){b.x + b.width / 2, b.y + b.height + l->bottom + l->column_title / 2}, &how);
    }
done:
    return status;
}

/* The scale of colours at the right, with round numbers. */
static void draw_scale(const layout *l, canvas *c) {
    double top = MARGIN + l->heading + l->map_title;
    double height = fmin((double)l->s->below * (l->map_height + GAP + l->map_title) - GAP - l->map_title, 280);
    height = fmax(height, 60);
    box           b = {l->width - MARGIN - l->bar_right - BAR, top, BAR, height};
    rgb           pixels[256];
    ticks         named;
    writing_style how = style(l, 8, ANCHOR_START, ANCHOR_MIDDLE);
    pen           thin = {.colour = l->colours.ink, .alpha = 1, .width = 0.6};
    for (int i = 0; i < 256; i++) pixels[i] = palette_heat((255 - i) / 255.0);
    canvas_image(c, b, pixels, 1, 256);
    draw_frame(l, c, b);
    axis_ticks(&l->s->scale, (size_t)fmin(fmax(height / 28, 2), 10), &named);
    for (size_t i = 0; i < named.count; i++) {
        double y = b.y + height * (1 - axis_share(&l->s->scale, named.all[i].at));
        canvas_line(c, (place[]){{b.x + BAR, y}, {b.x + BAR + 3, y}}, 2, &thin);
        canvas_text(c, named.all[i].text, (place){b.x + BAR + 5, y}, &how);
    }
    if (l->s->asked->unit) {
        how.upright = true;
        how.across = ANCHOR_MIDDLE;
        canvas_text(c, l->s->asked->unit, (place){b.x + BAR + l->bar_right - 8, b.y + height / 2}, &how);
    }
}

canto_status heatmap_paper_draw(const sheet_view *s, char **data, size_t *bytes) {
    canto_status              status;
    const canto_plot_options *o = s->options;
    canvas                   *c = NULL;
    layout                    l = {.s = s, .png = o->form == CANTO_PLOT_PNG, .colours = palette_of(o->dark)};
    l.scale = !l.png ? 1 : o->scale > 0 ? o->scale : 2;
    TRY(lay_out(&l));
    TRY(canvas_open(l.png, l.width, l.height, l.scale, l.colours.paper, &c));
    if (o->title) {
        writing_style how = style(&l, 12, ANCHOR_MIDDLE, ANCHOR_MIDDLE);
        how.bold = true;
        how.room = l.width - 2 * MARGIN;
        canvas_text(c, o->title, (place){l.width / 2, MARGIN + 7}, &how);
    }
    for (size_t m = 0; m < s->asked->count; m++) TRY(draw_map(&l, c, m));
    draw_scale(&l, c);
    status = canvas_finish(c, data, bytes);
    c = NULL;
done:
    canvas_discard(c);
    return status;
}
