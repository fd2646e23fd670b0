/* picture.h - what the commands that draw share: their options, and where a picture goes. */
#ifndef CANTO_CLI_PICTURE_H
#define CANTO_CLI_PICTURE_H

#include <canto_plot.h>

#include "command.h"

/* -o, --title, --dark, --colour, --width, --height, --scale: a group of a command that draws. */
extern const option_entry picture_entries[];

/* The terminal's form, as wide as its window, dark, with its colours; wanted: those that --colour names. */
canto_plot_options picture_terminal(int wanted);
/* Lines of the window, 24 when it has none. */
double picture_window_lines(void);
/* The form that -o's name asks for, or the terminal's with its width and its colours; says what is wrong. title: when --title
 * gives none, or NULL. */
bool picture_options(const option_set *options, const char *title, canto_plot_options *how);
/* Writes what canto_plot_... handed out to -o's file or to standard output, and releases it; says what is wrong. */
bool picture_put(const option_set *options, char *data, size_t bytes);

#endif
