/* view.h - a weight as a forward pass sees it: where it lies, in which type and orientation. */
#ifndef CANTO_VIEW_H
#define CANTO_VIEW_H

#include "math/blocks.h"

typedef enum view_type {
    VIEW_NONE, /* the model has no such tensor */
    VIEW_REAL,
    VIEW_F16, /* matrices alone: vectors are real */
    VIEW_BF16,
    VIEW_INT8, /* in blocks (math/blocks.h): strides mean nothing, and a cut is at a multiple of BLOCK_OUTPUTS rows */
    VIEW_INT4
} view_type;

/* rows are outputs, columns inputs, whatever the orientation. Element (r, c) is element r * row_stride + c *
 * column_stride of data; [out, in] has column_stride 1, [in, out] (Conv1D) has row_stride 1. */
typedef struct view {
    const void *data;
    view_type   type;
    int64_t     rows, columns;
    ptrdiff_t   row_stride, column_stride;
    /* NULL, or the same numbers once more, as the kernels' products read them: for x W^T and for dy W (model/panels.h). Those
     * of q are of q, k and v together. */
    const void *panels, *panels_back;
} view;

static inline number_type view_numbers(const view *v) {
    static const number_type numbers[] = {NUMBER_REAL, NUMBER_REAL, NUMBER_F16, NUMBER_BF16, NUMBER_INT8, NUMBER_INT4};
    return numbers[v->type];
}

/* Bytes of its numbers. */
static inline uint64_t view_bytes(const view *v) {
    number_type type = view_numbers(v);
    if (v->type == VIEW_NONE) return 0;
    if (number_is_block(type)) return (uint64_t)block_matrix_bytes(type, v->rows, v->columns);
    return (uint64_t)v->rows * (uint64_t)v->columns * number_size(type);
}

/* Where row `row` begins. */
static inline const void *view_row(const view *v, int64_t row) {
    number_type type = view_numbers(v);
    if (number_is_block(type)) return (const char *)v->data + row / BLOCK_OUTPUTS * block_panel_bytes(type, v->columns);
    return (const char *)v->data + row * v->row_stride * (ptrdiff_t)number_size(type);
}

/* Rows [row, row + rows) alone, without panels; of VIEW_NONE nothing. */
static inline view view_cut(const view *v, int64_t row, int64_t rows) {
    view part = *v;
    if (v->type == VIEW_NONE) return part;
    part.data = view_row(v, row);
    part.rows = rows;
    part.panels = part.panels_back = NULL;
    return part;
}

static inline bool view_follows(const view *a, int64_t rows, const view *b) {
    return b->type == a->type && b->row_stride == a->row_stride && b->column_stride == a->column_stride &&
           b->data == view_row(a, rows);
}

/* Rows [row, row + rows) -> out[rows, columns]. */
void view_read(const view *v, int64_t row, int64_t rows, real *out);
/* x[columns] += a row. */
void view_add_row(const view *v, int64_t row, real *x);

/* q, k and v as one view of three times the rows, when they lie one behind the other; false when they are in three places. */
static inline bool view_join(const view *q, const view *k, const view *v, view *all) {
    *all = *q;
    all->rows = 3 * q->rows;
    return q->type == VIEW_NONE || (view_follows(q, q->rows, k) && view_follows(q, 2 * q->rows, v));
}

#endif
