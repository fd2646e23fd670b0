/* screen.h - a terminal's text as a raster of cells, each with a character, its colour and what is behind it; it becomes lines of
 * UTF-8, with escape sequences for colours where the terminal has any. */
#ifndef CANTO_SCREEN_H
#define CANTO_SCREEN_H

#include "base/status.h"
#include "plot/palette.h"

typedef struct screen_cell {
    char text[20]; /* a character and the marks on it; "" for a blank */
    bool covered;  /* by the wide character to its left */
    bool coloured, behind;
    rgb  ink, paper; /* when coloured, when behind */
} screen_cell;

typedef struct screen {
    size_t       columns, lines;
    int          colours;
    screen_cell *cells; /* [lines, columns] */
} screen;

canto_status screen_open(screen *s, size_t columns, size_t lines, int colours);
void         screen_close(screen *s); /* also a zeroed one */

/* The cell, or NULL outside of the raster. */
screen_cell *screen_at(screen *s, size_t column, size_t line);
/* Puts one character into a cell, "" for a blank; what is longer is dropped. */
void screen_set(screen_cell *cell, const char *text);
/* Text from this cell on, in its own colour unless ink is NULL; what goes beyond the raster is dropped. Returns the columns taken. */
size_t screen_text(screen *s, size_t column, size_t line, const char *text, const rgb *ink);
/* The same within so many columns, longer text with an ellipsis. */
size_t screen_label(screen *s, size_t column, size_t line, size_t room, const char *text, const rgb *ink);

/* The whole as lines, without blanks at their ends and without empty lines at the end. *data is the C library's memory. */
canto_status screen_write(const screen *s, char **data, size_t *bytes);

#endif
