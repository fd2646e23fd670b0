/* side_by_side.h - texts in columns beside each other, for the eye. */
#ifndef CANTO_CLI_SIDE_BY_SIDE_H
#define CANTO_CLI_SIDE_BY_SIDE_H

#include <stddef.h>
#include <stdio.h>

/* Prints texts[count] under their names, in lines of wide columns of characters; as many side by side as fit, or as row says
 * (of a grid: those of one row) if these fit. Lines break at blanks where they can; control characters appear as ?. */
void side_by_side(FILE *file, const char *const *names, const char *const *texts, size_t count, size_t row,
                  size_t wide);

#endif
