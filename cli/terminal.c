/* terminal.c - messages, the progress line, and numbers for people. Its few statics are the terminal's own state:
 * there is one standard error in a program. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "terminal.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *command;
    bool        quiet, rewrites, color;
    double      began, last; /* when the command began, and when progress was last shown */
    char        error[512];  /* the latest */

    volatile sig_atomic_t line_open; /* a progress line stands there; terminal_leave asks from a signal's handler */
} screen;

void terminal_open(const char *command, bool quiet) {
    const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");
    screen.command = command;
    screen.quiet = quiet;
    screen.rewrites = isatty(STDERR_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
    screen.color = screen.rewrites && !(no_color && *no_color);
    screen.began = terminal_seconds();
    screen.last = -1e9;
}

void terminal_set_quiet(bool quiet) { screen.quiet = quiet; }

double terminal_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void terminal_clear(void) {
    if (!screen.line_open) return;
    fputs("\r\033[K", stderr);
    screen.line_open = false;
}

void terminal_leave(void) {
    ssize_t written = screen.line_open ? write(STDERR_FILENO, "\n", 1) : 0;
    (void)written;
}

/* A message is one line, whatever file name or argument stands in it: control characters are shown as \xNN. */
static void say(const char *color, const char *kind, const char *form, va_list values) {
    char text[4096];
    vsnprintf(text, sizeof text, form, values);
    terminal_clear();
    fprintf(stderr, "canto%s%s: ", screen.command ? " " : "", screen.command ? screen.command : "");
    fprintf(stderr, "%s%s:%s ", screen.color ? color : "", kind, screen.color ? "\033[0m" : "");
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127) fprintf(stderr, "\\x%02X", (unsigned)*c);
        else fputc(*c, stderr);
}

const char *terminal_last_error(void) { return screen.error; }

void terminal_error(const char *form, ...) {
    va_list values;
    va_start(values, form);
    vsnprintf(screen.error, sizeof screen.error, form, values);
    va_end(values);
    va_start(values, form);
    say("\033[31m", "error", form, values);
    fputc('\n', stderr);
    va_end(values);
}

void terminal_usage(const char *form, ...) {
    va_list values;
    va_start(values, form);
    say("\033[31m", "error", form, values);
    fprintf(stderr, " (canto help%s%s tells all about it)\n", screen.command ? " " : "",
            screen.command ? screen.command : "");
    va_end(values);
}

void terminal_warning(const char *form, ...) {
    va_list values;
    va_start(values, form);
    say("\033[33m", "warning", form, values);
    fputc('\n', stderr);
    va_end(values);
}

void terminal_note(const char *form, ...) {
    if (screen.quiet) return;
    va_list values;
    va_start(values, form);
    terminal_clear();
    vfprintf(stderr, form, values);
    fputc('\n', stderr);
    va_end(values);
}

static size_t columns(int descriptor) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col;
    return 80;
}

bool terminal_output_is_one(void) { return isatty(STDOUT_FILENO); }

bool terminal_output_colors(void) {
    const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0 && !(no_color && *no_color);
}

size_t terminal_output_columns(void) { return columns(STDOUT_FILENO); }

/* From the Hangul letters on a character counts as two columns; accents put on the letter before them do no harm as one. */
static size_t columns_of(const unsigned char *c) {
    return *c >= 0xf0 || (*c >= 0xe1 && *c != 0xe2 && (*c > 0xe1 || c[1] >= 0x84)) ? 2 : 1;
}

size_t terminal_character(const char *begin, size_t bytes) {
    const unsigned char *text = (const unsigned char *)begin;
    size_t               need = *text < 0x80                    ? 1
                                : *text >= 0xc2 && *text < 0xe0 ? 2
                                : (*text & 0xf0) == 0xe0        ? 3
                                : *text >= 0xf0 && *text < 0xf5 ? 4
                                                                : 0;
    uint32_t             code = need > 1 ? *text & (0x7f >> need) : *text;
    if (!need || need > bytes) return 0;
    for (size_t i = 1; i < need; i++) {
        if ((text[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool bad = (need == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) ||
               (need == 4 && (code < 0x10000 || code > 0x10ffff));
    return bad ? 0 : need;
}

size_t terminal_wide(const char *text) {
    size_t wide = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if ((*c & 0xc0) != 0x80) wide += columns_of(c);
    return wide;
}

/* Ends the text before it gets wider than a line of `wide` columns, and puts ? for control characters. */
static void fit(char *text, size_t wide) {
    size_t at = 0;
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c < 32 || *c == 127) *c = '?';
        if ((*c & 0xc0) == 0x80) continue; /* a byte within a character */
        if (at + columns_of(c) > wide) {
            *c = 0;
            return;
        }
        at += columns_of(c);
    }
}

/* Seconds between two lines of progress. Where lines stay, they get rarer with time, so that a night fills a page. */
static double pause_between(double now) {
    if (screen.rewrites) return 0.1;
    double twentieth = (now - screen.began) / 20;
    return twentieth < 5 ? 5 : twentieth > 600 ? 600 : twentieth;
}

/* Asked each time: the window may have changed. */
size_t terminal_progress_columns(void) { return screen.rewrites ? columns(STDERR_FILENO) - 1 : SIZE_MAX; }

void terminal_progress(bool important, const char *form, ...) {
    if (screen.quiet) return;
    double now = terminal_seconds();
    if (!important && now - screen.last < pause_between(now)) return;
    screen.last = now;
    char    line[512];
    va_list values;
    va_start(values, form);
    vsnprintf(line, sizeof line, form, values);
    va_end(values);
    if (screen.rewrites) {
        fit(line, terminal_progress_columns());
        fprintf(stderr, "\r%s\033[K", line);
        fflush(stderr);
        screen.line_open = true;
    } else fprintf(stderr, "%s\n", line);
}

/* ------------------------------------------------------------------------------------------------ numbers */

number_text number_grouped(uint64_t n) {
    char        digits[24];
    number_text out;
    int         count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0) out.text[at++] = ',';
        out.text[at++] = digits[i];
    }
    out.text[at] = 0;
    return out;
}

/* n in the largest of the units (each step times larger than the one before) with three figures. */
static number_text scaled(double n, const char *const *units, size_t count) {
    number_text out;
    size_t      unit = 0;
    while (unit + 1 < count && n >= 999.5) n /= 1000, unit++;
    int places = unit == 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
    snprintf(out.text, sizeof out.text, "%.*f%s", places, n, units[unit]);
    return out;
}

number_text number_short(double n) {
    static const char *const units[] = {"", "K", "M", "B", "T", "P", "E"};
    return scaled(n, units, 7);
}

number_text number_bytes(double bytes) {
    number_text out;
    if (bytes < 1024) snprintf(out.text, sizeof out.text, "%.0f bytes", bytes);
    else if (bytes < 1024.0 * 1024) snprintf(out.text, sizeof out.text, "%.2f KB", bytes / 1024);
    else if (bytes < 1024.0 * 1024 * 1024 * 10) snprintf(out.text, sizeof out.text, "%.2f MB", bytes / (1024.0 * 1024));
    else snprintf(out.text, sizeof out.text, "%.2f GB", bytes / (1024.0 * 1024 * 1024));
    return out;
}

number_text number_duration(double seconds) {
    number_text out;
    if (!isfinite(seconds) || seconds < 0) snprintf(out.text, sizeof out.text, "?");
    else if (seconds < 9.95) snprintf(out.text, sizeof out.text, "%.1fs", seconds);
    else if (seconds < 59.5) snprintf(out.text, sizeof out.text, "%.0fs", seconds);
    else if (seconds < 3600) snprintf(out.text, sizeof out.text, "%dm %02ds", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(out.text, sizeof out.text, "%lldh %02lldm", (long long)(seconds / 3600),
                 (long long)(seconds / 60) % 60);
    return out;
}
