/* chart_paper.c - line charts on a page: axes with round numbers and a pale grid, curves, and a legend in a corner where it
 * covers none, or else beside them. */
#include "plot/canvas.h"
#include "plot/chart.h"

#include <math.h>
#include <stdlib.h>

enum { MARGIN = 12, GAP = 22, TEXT = 10, SMALL = 9, SAMPLE = 22, PAGE_MAX = 32767 };

typedef struct painter {
    canvas           *c;
    const chart_page *page;
    const chart_view *view;
    palette           colours;
    box               frame; /* what the axes enclose */
    place            *points;
    size_t            room;
} painter;

static writing_style style(const painter *p, double size, canvas_anchor across, canvas_anchor down) {
    return (writing_style){.colour = p->colours.ink, .size = size, .across = across, .down = down};
}

static place place_of(const painter *p, double x, double y) {
    return (place){p->frame.x + p->frame.width * axis_share(&p->view->x, x),
                   p->frame.y + p->frame.height * (1 - axis_share(&p->view->y, y))};
}

static pen pen_of(const painter *p, const canto_series *s) {
    bool faint = s->stroke == CANTO_STROKE_FAINT;
    return (pen){.colour = palette_curve(s->colour, p->page->options->dark),
                 .alpha = faint ? 0.35 : 1,
                 .width = faint ? 0.9 : 1.6,
                 .dashed = s->stroke == CANTO_STROKE_DASHED};
}

/* ---------------------------------------------------------------------------------------------------- axes */

static void draw_grid(painter *p, const ticks *t, bool along_x) {
    const axis *a = along_x ? &p->view->x : &p->view->y;
    box         b = p->frame;
    for (size_t i = 0; i < t->count; i++) {
        bool   named = *t->all[i].text;
        double share = axis_share(a, t->all[i].at);
        double at = along_x ? b.x + b.width * share : b.y + b.height * (1 - share), reach = named ? 4 : 2;
        place  across[] = {{along_x ? at : b.x, along_x ? b.y : at},
                           {along_x ? at : b.x + b.width, along_x ? b.y + b.height : at}};
        place  out[] = {{along_x ? at : b.x, along_x ? b.y + b.height : at},
                        {along_x ? at : b.x - reach, along_x ? b.y + b.height + reach : at}};
        pen    grid = {.colour = p->colours.pale, .alpha = 1, .width = 0.6},
            mark = {.colour = p->colours.ink, .alpha = 1, .width = 0.8};
        if (named) canvas_line(p->c, across, 2, &grid);
        canvas_line(p->c, out, 2, &mark);
        writing_style how =
            style(p, SMALL, along_x ? ANCHOR_MIDDLE : ANCHOR_END, along_x ? ANCHOR_START : ANCHOR_MIDDLE);
        canvas_text(p->c, t->all[i].text, along_x ? (place){at, out[1].y + 2} : (place){out[1].x - 3, at}, &how);
    }
}

static double widest_tick(painter *p, const ticks *t) {
    writing_style how = style(p, SMALL, ANCHOR_START, ANCHOR_START);
    double        wide = 0;
    for (size_t i = 0; i < t->count; i++) wide = fmax(wide, canvas_measure(p->c, t->all[i].text, &how).x);
    return wide;
}

static void draw_frame(painter *p) {
    box   b = p->frame;
    pen   line = {.colour = p->colours.ink, .alpha = 1, .width = 0.8};
    place corners[] = {
        {b.x, b.y}, {b.x + b.width, b.y}, {b.x + b.width, b.y + b.height}, {b.x, b.y + b.height}, {b.x, b.y}};
    canvas_line(p->c, corners, 5, &line);
}

static double foot_of(const canto_chart *chart) { return 18 + (chart->x.label ? 16 : 0); }

/* Where the axes and their numbers stand within whole: p->frame is left for the curves. */
static canto_status lay_out(painter *p, box whole, ticks *x, ticks *y) {
    const canto_chart *chart = p->view->asked;
    double             top = chart->title ? 20 : 6, foot = foot_of(chart);
    axis_ticks(&p->view->y, (size_t)fmin(fmax((whole.height - top - foot) / 38, 2), 10), y);
    double side = widest_tick(p, y) + 10 + (chart->y.label ? 16 : 0);
    p->frame = (box){whole.x + side, whole.y + top, whole.width - side - 10, whole.height - top - foot};
    if (p->frame.width < 40 || p->frame.height < 30)
        return status_error(
            CANTO_ERROR_VALUE,
            "%.0f x %.0f points are too small for a chart: make the picture larger, or draw fewer side by side",
            whole.width, whole.height);
    axis_ticks(&p->view->x, (size_t)fmin(fmax(p->frame.width / 62, 2), 12), x);
    return status_ok();
}

static void draw_axes(painter *p, box whole, const ticks *x, const ticks *y) {
    const canto_chart *chart = p->view->asked;
    writing_style      how = style(p, TEXT, ANCHOR_MIDDLE, ANCHOR_MIDDLE);
    draw_grid(p, x, true);
    draw_grid(p, y, false);
    box b = p->frame;
    if (chart->x.label)
        canvas_text(p->c, chart->x.label, (place){b.x + b.width / 2, b.y + b.height + foot_of(chart) - 4}, &how);
    if (chart->title) {
        how.size = 11;
        how.room = whole.width;
        canvas_text(p->c, chart->title, (place){b.x + b.width / 2, whole.y + 9}, &how);
        how.room = 0;
        how.size = TEXT;
    }
    how.upright = true;
    if (chart->y.label) canvas_text(p->c, chart->y.label, (place){whole.x + 7, b.y + b.height / 2}, &how);
}

/* -------------------------------------------------------------------------------------------------- curves */

static canto_status add_point(painter *p, size_t count, place at) {
    if (count == p->room) {
        size_t room = 2 * p->room + 1024;
        place *more = realloc(p->points, room * sizeof *more);
        if (!more) return status_error(CANTO_ERROR_MEMORY, "no memory for a curve of %zu points", room);
        p->points = more;
        p->room = room;
    }
    p->points[count] = at;
    return status_ok();
}

static canto_status draw_curve(painter *p, const canto_series *s) {
    canto_status status;
    size_t      *kept = NULL, kept_count, count = 0;
    pen          line = pen_of(p, s);
    TRY(chart_points(p->view, s, (size_t)fmax(p->frame.width, 1), &kept, &kept_count));
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i] == CHART_GAP) {
            canvas_line(p->c, p->points, count, &line);
            count = 0;
            continue;
        }
        place at = place_of(p, s->x[kept[i]], s->y[kept[i]]);
        TRY(add_point(p, count++, at));
        if (s->marked) canvas_dot(p->c, at, 2.4, line.colour, line.alpha);
    }
    canvas_line(p->c, p->points, count, &line);
done:
    free(kept);
    return status;
}

/* -------------------------------------------------------------------------------------------------- the legend */

/* Upper right, upper left, lower left, lower right of the frame, and to its right. */
enum { CORNERS = 4, BESIDE = 4 };

static void count_place(const painter *p, place at, place corner, size_t crowd[CORNERS]) {
    box  b = p->frame;
    bool left = at.x<b.x + corner.x, right = at.x> b.x + b.width - corner.x;
    bool above = at.y<b.y + corner.y, below = at.y> b.y + b.height - corner.y;
    crowd[0] += above && right;
    crowd[1] += above && left;
    crowd[2] += below && left;
    crowd[3] += below && right;
}

/* How much of the curve lies in each corner: its points, and places on the lines between them. */
static canto_status count_curve(const painter *p, const canto_series *s, place corner, size_t crowd[CORNERS]) {
    canto_status status;
    size_t      *kept = NULL, count;
    TRY(chart_points(p->view, s, (size_t)fmax(p->frame.width, 1), &kept, &count));
    for (size_t i = 0; i < count; i++) {
        if (kept[i] == CHART_GAP) continue;
        place at = place_of(p, s->x[kept[i]], s->y[kept[i]]);
        count_place(p, at, corner, crowd);
        if (i + 1 == count || kept[i + 1] == CHART_GAP) continue;
        place  next = place_of(p, s->x[kept[i + 1]], s->y[kept[i + 1]]);
        double steps = fmin(hypot(next.x - at.x, next.y - at.y) / 6, 1000);
        for (double k = 1; k < steps; k++)
            count_place(p, (place){at.x + (next.x - at.x) * k / steps, at.y + (next.y - at.y) * k / steps}, corner,
                        crowd);
    }
done:
    free(kept);
    return status;
}

/* A corner without curves; beside the frame where there is none; and the emptiest corner where the legend is too wide for that. */
static canto_status choose_corner(painter *p, place legend, int *corner) {
    canto_status       status = status_ok();
    const canto_chart *chart = p->view->asked;
    size_t             crowd[CORNERS] = {0};
    *corner = 0;
    if (!p->view->named) return status;
    for (size_t i = 0; i < chart->series_count; i++)
        TRY(count_curve(p, &chart->series[i], (place){legend.x + 12, legend.y + 12}, crowd));
    for (int i = 1; i < CORNERS; i++)
        if (crowd[i] < crowd[*corner]) *corner = i;
    if (crowd[*corner] > 0 && legend.x < 0.4 * p->frame.width) *corner = BESIDE;
done:
    return status;
}

/* Its size; 0 x 0 when there is none. */
static place measure_legend(painter *p) {
    const canto_chart *chart = p->view->asked;
    writing_style      how = style(p, SMALL, ANCHOR_START, ANCHOR_MIDDLE);
    place              size = {0, 0};
    if (!p->view->named) return size;
    for (size_t i = 0; i < chart->series_count; i++) {
        if (!chart->series[i].label) continue;
        size.x = fmax(size.x, canvas_measure(p->c, chart->series[i].label, &how).x);
        size.y += 13;
    }
    return (place){fmin(size.x, p->frame.width - SAMPLE - 30) + SAMPLE + 16, size.y + 7};
}

static void draw_legend(painter *p, place size, int corner) {
    const canto_chart *chart = p->view->asked;
    writing_style      how = style(p, SMALL, ANCHOR_START, ANCHOR_MIDDLE);
    if (!p->view->named) return;
    box  b = p->frame;
    bool left = corner == 1 || corner == 2, below = corner == 2 || corner == 3;
    box  at = {left ? b.x + 6 : b.x + b.width - size.x - 6, below ? b.y + b.height - size.y - 6 : b.y + 6, size.x,
              size.y};
    if (corner == BESIDE) at.x = b.x + b.width + 8, at.y = b.y;
    pen   edge = {.colour = p->colours.pale, .alpha = 1, .width = 0.8};
    place corners[] = {{at.x, at.y},
                       {at.x + at.width, at.y},
                       {at.x + at.width, at.y + at.height},
                       {at.x, at.y + at.height},
                       {at.x, at.y}};
    canvas_fill(p->c, at, p->colours.paper, 0.85);
    canvas_line(p->c, corners, 5, &edge);
    how.room = at.width - SAMPLE - 15;
    double y = at.y + 10;
    for (size_t i = 0; i < chart->series_count; i++) {
        const canto_series *s = &chart->series[i];
        pen                 line = pen_of(p, s);
        if (!s->label) continue;
        canvas_line(p->c, (place[]){{at.x + 6, y}, {at.x + 6 + SAMPLE, y}}, 2, &line);
        if (s->marked) canvas_dot(p->c, (place){at.x + 6 + SAMPLE / 2.0, y}, 2.4, line.colour, line.alpha);
        canvas_text(p->c, s->label, (place){at.x + SAMPLE + 11, y}, &how);
        y += 13;
    }
}

static canto_status draw_chart(painter *p, const chart_view *view, box whole) {
    canto_status status;
    ticks        x, y;
    int          corner;
    p->view = view;
    TRY(lay_out(p, whole, &x, &y));
    place legend = measure_legend(p);
    TRY(choose_corner(p, legend, &corner));
    if (corner == BESIDE) whole.width -= legend.x;
    TRY(lay_out(p, whole, &x, &y));
    draw_axes(p, whole, &x, &y);
    canvas_clip(p->c, p->frame);
    for (size_t i = 0; i < view->asked->series_count && status.code == CANTO_OK; i++)
        status = draw_curve(p, &view->asked->series[i]);
    canvas_unclip(p->c);
    if (status.code != CANTO_OK) goto done;
    draw_frame(p);
    draw_legend(p, legend, corner);
done:
    return status;
}

canto_status chart_paper_draw(const chart_page *page, char **data, size_t *bytes) {
    canto_status              status;
    const canto_plot_options *o = page->options;
    painter                   p = {.page = page, .colours = palette_of(o->dark)};
    bool                      png = o->form == CANTO_PLOT_PNG;
    double                    scale = !png ? 1 : o->scale > 0 ? o->scale : 2, head = o->title ? 24 : 0;
    double                    across = (double)page->across, below = (double)page->below;
    double                    width = o->width > 0 ? o->width : page->count == 1 ? 640 : across * 420;
    double                    height = o->height > 0 ? o->height : page->count == 1 ? 420 : head + below * 310;
    if (width * scale > PAGE_MAX || height * scale > PAGE_MAX)
        FAIL(CANTO_ERROR_VALUE,
             "the picture would be %.0f x %.0f pixels, and %d is the most: draw fewer charts at once, or give a "
             "smaller scale",
             width * scale, height * scale, PAGE_MAX);
    TRY(canvas_open(png, width, height, scale, p.colours.paper, &p.c));
    if (o->title) {
        writing_style how = style(&p, 12, ANCHOR_MIDDLE, ANCHOR_MIDDLE);
        how.bold = true;
        how.room = width - 2 * MARGIN;
        canvas_text(p.c, o->title, (place){width / 2, MARGIN + 7}, &how);
    }
    double wide = (width - 2 * MARGIN - (across - 1) * GAP) / across,
           high = (height - 2 * MARGIN - head - (below - 1) * GAP) / below;
    for (size_t i = 0; i < page->count; i++) {
        box whole = {MARGIN + (double)(i % page->across) * (wide + GAP),
                     MARGIN + head + (double)(i / page->across) * (high + GAP), wide, high};
        TRY(draw_chart(&p, &page->views[i], whole));
    }
    status = canvas_finish(p.c, data, bytes);
    p.c = NULL;
done:
    canvas_discard(p.c);
    free(p.points);
    return status;
}
