/* canvas_cairo.c - the canvas drawn by cairo: an SVG surface, or an image that becomes PNG; text shaped and laid out by
 * pango (right to left, combining marks, the font that has the character), in outlines, so that an SVG looks the same where its fonts
 * are missing.
 *
 * Invariant: the first failure is kept in the canvas (failed, or cairo's own status), and later calls draw nothing. */
#include "plot/canvas.h"

#ifdef CANTO_HAVE_CAIRO

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-svg.h>
#include <pango/pangocairo.h>

struct canvas {
    bool             png, failed; /* failed: no memory */
    cairo_surface_t *surface;
    cairo_t         *cairo;
    PangoLayout     *layout;
    size_t           unknown;
    char            *data;
    size_t           bytes, room;
};

const char *canvas_engine(void) { return "cairo " CAIRO_VERSION_STRING ", pango " PANGO_VERSION_STRING; }

/* cairo's way out for both forms: collects the file in memory. */
static cairo_status_t collect(void *closure, const unsigned char *data, unsigned length) {
    canvas *c = closure;
    if (c->room - c->bytes < length) {
        size_t room = c->room + c->room / 2 + length + 4096;
        char  *more = realloc(c->data, room);
        if (!more) {
            c->failed = true;
            return CAIRO_STATUS_WRITE_ERROR;
        }
        c->data = more;
        c->room = room;
    }
    memcpy(c->data + c->bytes, data, length);
    c->bytes += length;
    return CAIRO_STATUS_SUCCESS;
}

static void set_colour(canvas *c, rgb colour, double alpha) {
    cairo_set_source_rgba(c->cairo, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0, alpha);
}

static canto_status fault(const canvas *c, cairo_status_t code) {
    if (c->failed || code == CAIRO_STATUS_NO_MEMORY)
        return status_error(CANTO_ERROR_MEMORY, "no memory for the picture; make it smaller");
    return status_error(CANTO_ERROR_VALUE, "the picture cannot be drawn: %s", cairo_status_to_string(code));
}

static void release(canvas *c) {
    if (c->layout) g_object_unref(c->layout);
    if (c->cairo) cairo_destroy(c->cairo);
    if (c->surface) cairo_surface_destroy(c->surface);
    free(c->data);
    free(c);
}

void canvas_discard(canvas *c) {
    if (c) release(c);
}

/* Text is laid out as on paper: no hinting and no rounding to pixels, so that a PNG is the SVG seen from nearby. */
static void open_text(canvas *c) {
    cairo_font_options_t *how = cairo_font_options_create();
    cairo_font_options_set_hint_style(how, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(how, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(how, CAIRO_ANTIALIAS_GRAY);
    c->layout = pango_cairo_create_layout(c->cairo);
    pango_cairo_context_set_font_options(pango_layout_get_context(c->layout), how);
    pango_cairo_context_set_resolution(pango_layout_get_context(c->layout), 72);
    pango_layout_set_single_paragraph_mode(c->layout, TRUE);
    cairo_font_options_destroy(how);
}

canto_status canvas_open(bool png, double width, double height, double scale, rgb paper, canvas **out) {
    canvas *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return status_error(CANTO_ERROR_MEMORY, "no memory for a picture");
    c->png = png;
    if (png)
        c->surface =
            cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * scale), (int)ceil(height * scale));
    else c->surface = cairo_svg_surface_create_for_stream(collect, c, width, height);
    if (!png) cairo_svg_surface_set_document_unit(c->surface, CAIRO_SVG_UNIT_PX);
    c->cairo = cairo_create(c->surface);
    if (png) cairo_scale(c->cairo, scale, scale);
    cairo_status_t code = cairo_status(c->cairo);
    if (code != CAIRO_STATUS_SUCCESS) {
        canto_status status = fault(c, code);
        release(c);
        return status;
    }
    cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(c->cairo, CAIRO_LINE_CAP_BUTT);
    open_text(c);
    canvas_fill(c, (box){0, 0, width, height}, paper, 1);
    *out = c;
    return status_ok();
}

canto_status canvas_finish(canvas *c, char **data, size_t *bytes) {
    canto_status   status = status_ok();
    cairo_status_t code = cairo_status(c->cairo);
    if (code == CAIRO_STATUS_SUCCESS && c->png) code = cairo_surface_write_to_png_stream(c->surface, collect, c);
    cairo_surface_finish(c->surface); /* an SVG is written now */
    if (code == CAIRO_STATUS_SUCCESS) code = cairo_surface_status(c->surface);
    if (code == CAIRO_STATUS_SUCCESS) code = collect(c, (const unsigned char *)"", 1);
    if (c->failed || code != CAIRO_STATUS_SUCCESS) status = fault(c, code);
    else {
        *data = c->data;
        *bytes = c->bytes - 1;
        c->data = NULL;
    }
    release(c);
    return status;
}

void canvas_dot(canvas *c, place at, double radius, rgb colour, double alpha) {
    set_colour(c, colour, alpha);
    cairo_new_path(c->cairo);
    cairo_arc(c->cairo, at.x, at.y, radius, 0, 2 * G_PI);
    cairo_fill(c->cairo);
}

void canvas_line(canvas *c, const place *points, size_t count, const pen *p) {
    static const double dashes[] = {4.5, 2.5};
    if (count == 1) canvas_dot(c, points[0], p->width, p->colour, p->alpha);
    if (count < 2) return;
    set_colour(c, p->colour, p->alpha);
    cairo_set_line_width(c->cairo, p->width);
    cairo_set_dash(c->cairo, dashes, p->dashed ? 2 : 0, 0);
    cairo_new_path(c->cairo);
    cairo_move_to(c->cairo, points[0].x, points[0].y);
    for (size_t i = 1; i < count; i++) cairo_line_to(c->cairo, points[i].x, points[i].y);
    cairo_stroke(c->cairo);
}

void canvas_fill(canvas *c, box b, rgb colour, double alpha) {
    set_colour(c, colour, alpha);
    cairo_new_path(c->cairo);
    cairo_rectangle(c->cairo, b.x, b.y, b.width, b.height);
    cairo_fill(c->cairo);
}

void canvas_clip(canvas *c, box b) {
    cairo_save(c->cairo);
    cairo_new_path(c->cairo);
    cairo_rectangle(c->cairo, b.x, b.y, b.width, b.height);
    cairo_clip(c->cairo);
}

void canvas_unclip(canvas *c) { cairo_restore(c->cairo); }

void canvas_image(canvas *c, box b, const rgb *pixels, size_t width, size_t height) {
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    unsigned char   *rows = cairo_image_surface_get_data(image);
    size_t           stride = (size_t)cairo_image_surface_get_stride(image);
    if (!rows) {
        c->failed = true;
        cairo_surface_destroy(image);
        return;
    }
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            rgb      p = pixels[y * width + x];
            uint32_t word = (uint32_t)p.red << 16 | (uint32_t)p.green << 8 | p.blue;
            memcpy(rows + y * stride + 4 * x, &word, sizeof word);
        }
    cairo_surface_mark_dirty(image);
    cairo_save(c->cairo);
    cairo_translate(c->cairo, b.x, b.y);
    cairo_scale(c->cairo, b.width / (double)width, b.height / (double)height);
    cairo_set_source_surface(c->cairo, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c->cairo), CAIRO_FILTER_NEAREST);
    cairo_new_path(c->cairo);
    cairo_rectangle(c->cairo, 0, 0, (double)width, (double)height);
    cairo_fill(c->cairo);
    cairo_restore(c->cairo);
    cairo_surface_destroy(image);
}

/* ---------------------------------------------------------------------------------------------------- text */

/* Lays text out in c->layout; returns its size. */
static place lay_out(canvas *c, const char *text, const writing_style *style) {
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, "DejaVu Sans,Noto Sans,sans-serif");
    pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
    if (style->bold) pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
    pango_layout_set_font_description(c->layout, font);
    pango_font_description_free(font);
    pango_layout_set_ellipsize(c->layout, style->room > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
    pango_layout_set_width(c->layout, -1);
    pango_layout_set_text(c->layout, text, -1);
    int width, height;
    pango_layout_get_size(c->layout, &width, &height);
    if (style->room > 0 && width > style->room * PANGO_SCALE) {
        pango_layout_set_width(c->layout, (int)(style->room * PANGO_SCALE));
        pango_layout_get_size(c->layout, &width, &height);
    }
    return (place){(double)width / PANGO_SCALE, (double)height / PANGO_SCALE};
}

place canvas_measure(canvas *c, const char *text, const writing_style *style) {
    place size = lay_out(c, text, style);
    return style->upright ? (place){size.y, size.x} : size;
}

static double share_of(canvas_anchor anchor) { return anchor == ANCHOR_START ? 0 : anchor == ANCHOR_MIDDLE ? 0.5 : 1; }

void canvas_text(canvas *c, const char *text, place at, const writing_style *style) {
    if (!*text) return;
    place size = lay_out(c, text, style);
    c->unknown += (size_t)pango_layout_get_unknown_glyphs_count(c->layout);
    set_colour(c, style->colour, 1);
    cairo_save(c->cairo);
    cairo_translate(c->cairo, at.x, at.y);
    if (style->upright) cairo_rotate(c->cairo, -G_PI / 2);
    PangoRectangle line; /* a layout with a width puts right-to-left text at its right end */
    pango_layout_get_extents(c->layout, NULL, &line);
    cairo_translate(c->cairo, -size.x * share_of(style->across) - (double)line.x / PANGO_SCALE,
                    -size.y * share_of(style->down));
    pango_cairo_show_layout(c->cairo, c->layout);
    cairo_restore(c->cairo);
}

size_t canvas_unknown(const canvas *c) { return c->unknown; }

#endif
