/* view.h - a weight as a forward pass sees it: where it lies, in which type and orientation. */
#ifndef CANTO_VIEW_H
#define CANTO_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum view_type { VIEW_NONE, VIEW_REAL } view_type; /* NONE: the model has no such tensor */

/* rows are outputs, columns inputs, whatever the orientation. Element (r, c) lies at data[r * row_stride + c *
 * column_stride]; [out, in] has column_stride 1, [in, out] (Conv1D) has row_stride 1. */
typedef struct view {
    const void *data;
    view_type   type;
    int64_t     rows, columns;
    ptrdiff_t   row_stride, column_stride;
} view;

#endif
