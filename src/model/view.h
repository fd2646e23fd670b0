/* view.h - a weight as a forward pass sees it: where it lies, in which type and orientation. */
#ifndef CANTO_VIEW_H
#define CANTO_VIEW_H

#include "math/real.h"

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
    /* NULL, or the same numbers once more, as the kernels' products read them: for x W^T and for dy W (model/panels.h). Those
     * of q are of q, k and v together. */
    const void *panels, *panels_back;
} view;

/* q, k and v as one view of three times the rows, when they lie one behind the other; false when they are in three places. */
static inline bool view_join(const view *q, const view *k, const view *v, view *all) {
    const real *d = q->data;
    *all = *q;
    all->rows = 3 * q->rows;
    return q->type == VIEW_NONE ||
           (k->row_stride == q->row_stride && v->row_stride == q->row_stride && k->column_stride == q->column_stride &&
            v->column_stride == q->column_stride && (const real *)k->data == d + q->rows * q->row_stride &&
            (const real *)v->data == d + 2 * q->rows * q->row_stride);
}

#endif
