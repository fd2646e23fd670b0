/* picture.c - see picture.h. Colours in the terminal as others do it: NO_COLOR takes them away, COLORTERM says that there are
 * more than 256. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "picture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

const option_entry picture_entries[] = {
    {"output", 'o', OPTION_FILE, "FILE", "write the picture to this file, .svg or .png (default: show it here)", 0, 0},
    {"title", 0, OPTION_TEXT, "TEXT", "what stands above it", 0, 0},
    {"dark", 0, OPTION_SWITCH, NULL, "light on dark (default: on here, off in a file)", 0, 0},
    {"colour", 0, OPTION_CHOICE, "auto|always|never", "colours when it is shown here (default: auto, on a terminal)", 0,
     0},
    {"width", 0, OPTION_REAL, "X", "points, or columns here (default: what it needs; the window's)", 20, 32767},
    {"height", 0, OPTION_REAL, "X", "points, or lines here (default: what it needs)", 6, 32767},
    {"scale", 0, OPTION_REAL, "X", "pixels a point of a .png (default: 2)", 0.25, 8},
    {0},
};

static bool has(const char *text) { return text && *text; }

/* How many colours standard output shows. */
static int colours(int wanted) {
    const char *kind = getenv("TERM"), *more = getenv("COLORTERM");
    bool        capable = isatty(STDOUT_FILENO) && has(kind) && strcmp(kind, "dumb") != 0 && !has(getenv("NO_COLOR"));
    if (wanted == 2 || (wanted == 0 && !capable)) return 0;
    return has(more) && (!strcmp(more, "truecolor") || !strcmp(more, "24bit")) ? 1 << 24 : 256;
}

static double window_columns(void) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col < 2000 ? size.ws_col : 2000;
    return 80;
}

double picture_window_lines(void) {
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row >= 8 && size.ws_row < 2000 ? size.ws_row : 24;
}

canto_plot_options picture_terminal(int wanted) {
    canto_plot_options how = canto_plot_options_default();
    how.dark = true;
    how.colours = colours(wanted);
    how.width = window_columns();
    return how;
}

bool picture_options(const option_set *options, const char *title, canto_plot_options *how) {
    const char *file = options_text(options, "output", NULL);
    int         wanted = 0;
    options_choice(options, "colour", &wanted);
    *how = file ? canto_plot_options_default() : picture_terminal(wanted);
    if (file && !support_good(canto_plot_form_of(file, &how->form))) return false;
    how->title = options_text(options, "title", title);
    options_switch(options, "dark", &how->dark);
    options_real(options, "width", &how->width);
    options_real(options, "height", &how->height);
    options_real(options, "scale", &how->scale);
    return true;
}

bool picture_put(const option_set *options, char *data, size_t bytes) {
    const char *file = options_text(options, "output", NULL);
    bool        good = true;
    if (file) good = support_good(canto_plot_save(file, data, bytes));
    else fwrite(data, 1, bytes, stdout);
    if (good && file) terminal_note("wrote %s", file);
    canto_plot_free(data);
    return good;
}
