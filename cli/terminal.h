/* terminal.h - what people see: messages and progress on standard error, numbers they can read.
 * Progress is one line rewritten in place on a terminal, and plain lines now and then elsewhere. */
#ifndef CANTO_CLI_TERMINAL_H
#define CANTO_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TERMINAL_PRINTF(form, first) __attribute__((format(printf, form, first)))
#else
#define TERMINAL_PRINTF(form, first)
#endif

/* Reads NO_COLOR and what standard error is; quiet drops everything but errors and warnings. */
void terminal_open(const char *command, bool quiet);
void terminal_set_quiet(bool quiet);

/* "canto train: ..." and a newline. */
void terminal_error(const char *form, ...) TERMINAL_PRINTF(1, 2);
/* The text of the latest error, "" before there was one. */
const char *terminal_last_error(void);
/* An error in how the program was called: ends by saying where the help is. */
void terminal_usage(const char *form, ...) TERMINAL_PRINTF(1, 2);
void terminal_warning(const char *form, ...) TERMINAL_PRINTF(1, 2);
void terminal_note(const char *form, ...) TERMINAL_PRINTF(1, 2);

/* A moment of a long work. On a terminal the line is rewritten, ten times a second at most, and never wider than the
 * window; elsewhere (a pipe, TERM=dumb) a line appears when important is true or the last one is old enough: five
 * seconds at first, a twentieth of the time since the beginning later. */
void terminal_progress(bool important, const char *form, ...) TERMINAL_PRINTF(2, 3);
/* Columns that such a line has; elsewhere as many as it likes. */
size_t terminal_progress_columns(void);
/* Takes the rewritten line away, before something else is printed. */
void terminal_clear(void);
/* Ends the rewritten line, from a signal's handler too: what is printed next stands below it. */
void terminal_leave(void);

/* Of standard output: whether it is a terminal, whether colours are wanted there, and how many columns it has (80 elsewhere). */
bool   terminal_output_is_one(void);
bool   terminal_output_colors(void);
size_t terminal_output_columns(void);
/* Bytes of the UTF-8 character that text[bytes] begins with, or 0 when there is none. bytes > 0. */
size_t terminal_character(const char *text, size_t bytes);
/* Columns that a text takes, as far as that can be told. */
size_t terminal_wide(const char *text);

/* Seconds on a clock that only goes forward. */
double terminal_seconds(void);

/* 109803832 -> "109,803,832". */
typedef struct number_text {
    char text[32];
} number_text;
number_text number_grouped(uint64_t n);
number_text number_short(double n);          /* 109803832 -> "110M", 1237057 -> "1.24M" */
number_text number_bytes(double bytes);      /* 652148736 -> "621.94 MB", in units of 1024 */
number_text number_duration(double seconds); /* 3723 -> "1h 2m" */

#endif
