/* canvas_none.c - the canvas of a build without cairo and pango: it cannot be opened, so the rest is never reached. */
#include "plot/canvas.h"

#ifndef CANTO_HAVE_CAIRO

const char *canvas_engine(void) { return NULL; }

canto_status canvas_open(bool png, double width, double height, double scale, rgb paper, canvas **c) {
    (void)width, (void)height, (void)scale, (void)paper;
    *c = NULL;
    return status_error(
        CANTO_ERROR_UNSUPPORTED,
        "%s pictures need cairo and pango, which were not there when this canto was built: install "
        "libcairo2-dev and libpango1.0-dev (Debian's names) and build again, or let the terminal show it",
        png ? "PNG" : "SVG");
}

canto_status canvas_finish(canvas *c, char **data, size_t *bytes) {
    (void)c, (void)data, (void)bytes;
    return status_error(CANTO_ERROR_UNSUPPORTED, "there is no canvas in this build");
}

void canvas_discard(canvas *c) { (void)c; }

void canvas_line(canvas *c, const place *points, size_t count, const pen *p) {
    (void)c, (void)points, (void)count, (void)p;
}

void canvas_dot(canvas *c, place at, double radius, rgb colour, double alpha) {
    (void)c, (void)at, (void)radius, (void)colour, (void)alpha;
}

void canvas_fill(canvas *c, box b, rgb colour, double alpha) { (void)c, (void)b, (void)colour, (void)alpha; }

void canvas_clip(canvas *c, box b) { (void)c, (void)b; }

void canvas_unclip(canvas *c) { (void)c; }

void canvas_image(canvas *c, box b, const rgb *pixels, size_t width, size_t height) {
    (void)c, (void)b, (void)pixels, (void)width, (void)height;
}

void canvas_text(canvas *c, const char *text, place at, const writing_style *style) {
    (void)c, (void)text, (void)at, (void)style;
}

place canvas_measure(canvas *c, const char *text, const writing_style *style) {
    (void)c, (void)text, (void)style;
    return (place){0, 0};
}

size_t canvas_unknown(const canvas *c) {
    (void)c;
    return 0;
}

#endif
