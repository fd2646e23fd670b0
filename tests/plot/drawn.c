/* drawn.c - see drawn.h. The SVG is read by its form: the paths that cairo writes, one element each. */
#include "drawn.h"

#include <math.h>

#ifdef CANTO_HAVE_PNG
#include <png.h>
#endif

void ok(canto_status status) {
    if (status.code != CANTO_OK) print_error("%s\n", status.text);
    assert_int_equal(status.code, CANTO_OK);
}

void fails(canto_status status, canto_code code, const char *part) {
    if (status.code != code) print_error("%s\n", status.text);
    assert_int_equal(status.code, code);
    if (!strstr(status.text, part)) fail_msg("'%s' lacks '%s'", status.text, part);
}

/* The value of NAME: within a style that ends at end; NULL when it has none. */
static const char *value_of(const char *style, const char *end, const char *name) {
    const char *at = strstr(style, name);
    return at && at < end ? at + strlen(name) : NULL;
}

static bool colour_of(const char *text, rgb *colour) {
    double r, g, b;
    if (!text || sscanf(text, "rgb(%lf%%,%lf%%,%lf%%)", &r, &g, &b) != 3) return false;
    *colour = (rgb){(uint8_t)lround(r * 2.55), (uint8_t)lround(g * 2.55), (uint8_t)lround(b * 2.55)};
    return true;
}

static void read_points(const char *d, const char *end, path *p) {
    p->count = 0;
    while (d < end) {
        char  *after;
        double x = strtod(d, &after);
        if (after == d) {
            d++;
            continue;
        }
        d = after;
        double y = strtod(d, &after);
        assert_true(after > d && p->count < 4096);
        d = after;
        p->points[p->count++] = (place){x, y};
    }
}

bool next_path(const char *svg, const char **at, path *p) {
    if (!*at) *at = strstr(svg, "</defs>") ? strstr(svg, "</defs>") : svg;
    const char *begin = strstr(*at, "<path style=\"");
    if (!begin) return false;
    const char *style = begin + 13, *style_end = strchr(style, '"'), *d = strstr(style_end, " d=\""),
               *end = strchr(d + 4, '"');
    const char *width = value_of(style, style_end, "stroke-width:"),
               *opacity = value_of(style, style_end, "stroke-opacity:");
    p->stroked = colour_of(value_of(style, style_end, ";stroke:"), &p->stroke);
    p->filled = colour_of(value_of(style, style_end, "fill:"), &p->fill) && !p->stroked;
    p->width = width ? strtod(width, NULL) : 0;
    p->opacity = opacity ? strtod(opacity, NULL) : 1;
    p->dashed = value_of(style, style_end, "stroke-dasharray:") != NULL;
    read_points(d + 4, end, p);
    *at = end;
    return true;
}

void stroked_path(const char *svg, rgb stroke, double width, size_t index, path *p) {
    const char *at = NULL;
    while (next_path(svg, &at, p))
        if (p->stroked && same_colour(p->stroke, stroke, 0) && fabs(p->width - width) < 1e-6 && index-- == 0) return;
    fail_msg("no path of stroke %02x%02x%02x and width %g", stroke.red, stroke.green, stroke.blue, width);
}

box frame_of(const char *svg, bool dark) {
    static path p;
    const char *at = NULL;
    rgb         ink = palette_of(dark).ink;
    while (next_path(svg, &at, &p))
        if (p.stroked && same_colour(p.stroke, ink, 0) && p.count >= 5 && p.points[0].y == p.points[1].y &&
            p.points[0].x == p.points[3].x)
            return (box){p.points[0].x, p.points[0].y, p.points[1].x - p.points[0].x, p.points[2].y - p.points[1].y};
    fail_msg("no frame");
    return (box){0};
}

bool same_colour(rgb a, rgb b, int within) {
    return abs(a.red - b.red) <= within && abs(a.green - b.green) <= within && abs(a.blue - b.blue) <= within;
}

pixels decode_png(const char *data, size_t bytes) {
    pixels p = {0};
#ifdef CANTO_HAVE_PNG
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, data, bytes));
    image.format = PNG_FORMAT_RGB;
    p = (pixels){.width = image.width, .height = image.height, .data = malloc(PNG_IMAGE_SIZE(image))};
    assert_non_null(p.data);
    assert_true(png_image_finish_read(&image, NULL, p.data, 0, NULL));
#else
    (void)data, (void)bytes;
    fail_msg("libpng is missing");
#endif
    return p;
}

rgb pixel_at(const pixels *p, double x, double y) {
    assert_true(x >= 0 && y >= 0 && x < p->width && y < p->height);
    const unsigned char *at = p->data + 3 * ((size_t)y * p->width + (size_t)x);
    return (rgb){at[0], at[1], at[2]};
}

/* ------------------------------------------------------------------------------------- allocations that fail */

long allocations_left = -1;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

static bool may(void) {
    if (allocations_left == 0) return false;
    if (allocations_left > 0) allocations_left--;
    return true;
}

void *__wrap_malloc(size_t bytes) { return may() ? __real_malloc(bytes) : NULL; }
void *__wrap_calloc(size_t count, size_t bytes) { return may() ? __real_calloc(count, bytes) : NULL; }
void *__wrap_realloc(void *old, size_t bytes) { return may() ? __real_realloc(old, bytes) : NULL; }
