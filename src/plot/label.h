/* label.h - a token's bytes as a text that people can see, on paper and in the columns of a terminal. */
#ifndef CANTO_LABEL_H
#define CANTO_LABEL_H

#include <stddef.h>

/* Longer labels are cut, with an ellipsis. */
#define LABEL_MAX 192

/* out[LABEL_MAX] receives one line of UTF-8 without control characters. */
void label_visible(const char *text, size_t bytes, char out[LABEL_MAX]);
/* The columns of a terminal that UTF-8 takes up. */
size_t label_columns(const char *text);
/* Copies as much of text as has room in so many columns, into out[room bytes]; cut text ends in an ellipsis. Returns the
 * columns taken. */
size_t label_fit(const char *text, size_t columns, char *out, size_t room);

#endif
