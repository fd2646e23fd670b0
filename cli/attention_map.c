/* attention_map.c - see attention_map.h. A cell of several tokens has the greatest of their weights, so that no peak is lost. */
#include "attention_map.h"

#include <math.h>
#include <stdlib.h>

#define CELLS_MAX ((size_t)1 << 25) /* 128 MB */

bool map_open(attention_map *m, size_t tokens, size_t count) {
    *m = (attention_map){.tokens = tokens, .count = count, .step = 1, .side = tokens};
    while (m->side > 1 && m->side * m->side > CELLS_MAX / count) {
        m->step++;
        m->side = (tokens + m->step - 1) / m->step;
    }
    size_t cells = count * m->side * m->side;
    m->cells = malloc(cells * sizeof *m->cells);
    for (size_t i = 0; m->cells && i < cells; i++) m->cells[i] = NAN;
    if (!m->cells) terminal_error("out of memory");
    return m->cells != NULL;
}

void map_close(attention_map *m) { free(m->cells); }

void map_add(attention_map *m, size_t number, size_t i, size_t from, const float *row) {
    float *cells = m->cells + (number * m->side + i / m->step) * m->side;
    for (size_t j = from; j <= i; j++) {
        cells[j / m->step] = fmaxf(cells[j / m->step], row[j]);
        if (i >= m->tokens / 8) m->high = fmaxf(m->high, row[j]);
    }
}

/* A map whose cells are single tokens is labelled with them, others with the cells' numbers. */
static canto_heatmap heatmap_of(const attention_map *m, size_t number, const map_title *title,
                                const canto_plot_label *labels) {
    if (m->step > 1) labels = NULL;
    return (canto_heatmap){.title = title->text,
                           .rows = m->side,
                           .columns = m->side,
                           .cells = m->cells + number * m->side * m->side,
                           .row_labels = labels,
                           .column_labels = labels,
                           .row_title = m->count == 1 ? "looks" : NULL,
                           .column_title = m->count == 1 ? "is looked at" : NULL};
}

bool map_draw(const attention_map *m, const option_set *options, const canto_plot_options *how, const map_title *titles,
              size_t across, const canto_plot_label *labels) {
    canto_heatmap *maps = calloc(m->count, sizeof *maps);
    char          *data;
    size_t         bytes;
    if (!maps) {
        terminal_error("out of memory");
        return false;
    }
    if (m->step > 1)
        terminal_note("a cell of the picture is the greatest weight of %zu x %zu tokens", m->step, m->step);
    for (size_t i = 0; i < m->count; i++) maps[i] = heatmap_of(m, i, &titles[i], labels);
    canto_sheet sheet = {.maps = maps,
                         .count = m->count,
                         .columns = across,
                         .high = m->high > 0 ? (double)m->high : 1,
                         .unit = "weight"};
    bool        drawn = support_good(canto_plot_heatmaps(&sheet, how, &data, &bytes));
    free(maps);
    return drawn && picture_put(options, data, bytes);
}
