/* heatmap.c - a sheet of heat maps looked through before it is drawn. */
#include "plot/heatmap.h"

#include <math.h>
#include <stdio.h>

#define MAPS_MAX 4096
#define SIDE_MAX 16384

static canto_status look_at_cells(const canto_sheet *asked, double *low, double *high) {
    *low = INFINITY, *high = -INFINITY;
    for (size_t m = 0; m < asked->count; m++) {
        const canto_heatmap *map = &asked->maps[m];
        if (map->rows == 0 || map->columns == 0 || map->rows > SIDE_MAX || map->columns > SIDE_MAX)
            return status_error(CANTO_ERROR_VALUE,
                                "heat map %zu has %zu rows and %zu columns; 1 to %d of both can be drawn", m, map->rows,
                                map->columns, SIDE_MAX);
        for (size_t i = 0; i < map->rows * map->columns; i++) {
            float cell = map->cells[i];
            if (!isfinite(cell)) continue;
            if (cell < *low) *low = cell;
            if (cell > *high) *high = cell;
        }
    }
    if (!(*low <= *high))
        return status_error(CANTO_ERROR_VALUE, "no cell of the heat map is a number: there is nothing to draw");
    return status_ok();
}

canto_status sheet_of(const canto_sheet *asked, const canto_plot_options *options, sheet_view *s) {
    canto_status status;
    double       low, high;
    if (asked->count == 0 || asked->count > MAPS_MAX)
        FAIL(CANTO_ERROR_VALUE, "a sheet of %zu heat maps; 1 to %d can be drawn", asked->count, MAPS_MAX);
    TRY(look_at_cells(asked, &low, &high));
    if (asked->low != 0 || asked->high != 0) {
        low = asked->low, high = asked->high;
        if (!(isfinite(high - low) && low < high))
            FAIL(CANTO_ERROR_VALUE, "a scale of colours from %g to %g; it must begin below its end", low, high);
    }
    *s = (sheet_view){.asked = asked, .options = options, .shared_rows = true, .shared_columns = true};
    s->scale = low < high ? (axis){.low = low, .high = high} : axis_around(low, high, false, 0);
    s->across = asked->columns ? asked->columns : (size_t)ceil(sqrt((double)asked->count));
    if (s->across > asked->count) s->across = asked->count;
    s->below = (asked->count + s->across - 1) / s->across;
    for (size_t m = 0; m < asked->count; m++) {
        const canto_heatmap *map = &asked->maps[m], *first = asked->maps;
        if (map->rows > s->most_rows) s->most_rows = map->rows;
        if (map->columns > s->most_columns) s->most_columns = map->columns;
        s->shared_rows &= map->row_labels == first->row_labels && map->rows == first->rows;
        s->shared_columns &= map->column_labels == first->column_labels && map->columns == first->columns;
    }
    status = status_ok();
done:
    return status;
}

void sheet_label(const canto_plot_label *labels, size_t index, char out[LABEL_MAX]) {
    if (labels) label_visible(labels[index].text, labels[index].bytes, out);
    else snprintf(out, LABEL_MAX, "%zu", index);
}

float sheet_cell(const canto_heatmap *map, size_t row, size_t rows, size_t column, size_t columns) {
    size_t from = row * map->rows / rows, to = (row + 1) * map->rows / rows;
    size_t first = column * map->columns / columns, last = (column + 1) * map->columns / columns;
    float  most = NAN;
    if (to == from) to++;
    if (last == first) last++;
    for (size_t r = from; r < to; r++)
        for (size_t c = first; c < last; c++) {
            float cell = map->cells[r * map->columns + c];
            if (isfinite(cell) && !(cell <= most)) most = cell;
        }
    return most;
}

size_t sheet_every(double step, double needs) {
    static const size_t factors[] = {1, 2, 5};
    for (size_t power = 1; power < SIDE_MAX; power *= 10)
        for (size_t i = 0; i < 3; i++)
            if ((double)(factors[i] * power) * step >= needs) return factors[i] * power;
    return SIDE_MAX;
}
