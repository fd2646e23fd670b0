/* view.c - a weight's numbers as reals. */
#include "model/view.h"

#include "math/half.h"

enum { TOGETHER = 16 }; /* columns, so that lines of a view that lies by columns are read once */

static real element(const view *v, int64_t row, int64_t column) {
    ptrdiff_t   at = row * v->row_stride + column * v->column_stride;
    number_type type = view_numbers(v);
    if (number_is_block(type)) return blocks_number(type, v->data, v->columns, row, column);
    if (v->type == VIEW_F16) return (real)half_to_float(((const uint16_t *)v->data)[at]);
    if (v->type == VIEW_BF16) return (real)bfloat_to_float(((const uint16_t *)v->data)[at]);
    return ((const real *)v->data)[at];
}

void view_read(const view *v, int64_t row, int64_t rows, real *out) {
    for (int64_t c = 0; c < v->columns; c += TOGETHER) {
        int64_t end = v->columns - c < TOGETHER ? v->columns : c + TOGETHER;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = c; i < end; i++) out[r * v->columns + i] = element(v, row + r, i);
    }
}

void view_add_row(const view *v, int64_t row, real *x) {
    for (int64_t c = 0; c < v->columns; c++) x[c] += element(v, row, c);
}
