/* chart.c - charts looked through before they are drawn, and which of many points a picture shows. */
#include "plot/chart.h"

#include <math.h>
#include <stdlib.h>

#define CHARTS_MAX 64

static bool drawn(const chart_view *v, const canto_series *s, size_t i) {
    return axis_takes(&v->x, s->x[i]) && axis_takes(&v->y, s->y[i]);
}

/* An axis as it is asked for, or else around low .. high. */
static canto_status axis_of(const canto_axis *asked, size_t chart, char name, double low, double high, axis *a) {
    if (asked->low == 0 && asked->high == 0) {
        *a = axis_around(low, high, asked->log, name == 'x' ? 0.02 : 0.05);
        return status_ok();
    }
    *a = (axis){.low = asked->low, .high = asked->high, .log = asked->log};
    bool good = isfinite(a->high - a->low) && a->low < a->high && (!a->log || a->low > 0);
    if (good) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "the %c axis of chart %zu from %g to %g: it must begin below its end%s",
                        name, chart, a->low, a->high, a->log ? ", and above 0 because it is logarithmic" : "");
}

static canto_status look_at(const canto_chart *chart, size_t index, chart_view *v) {
    canto_status status;
    double       low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    *v = (chart_view){.asked = chart, .x.log = chart->x.log, .y.log = chart->y.log};
    for (size_t k = 0; k < chart->series_count; k++) {
        const canto_series *s = &chart->series[k];
        v->named |= s->label != NULL;
        for (size_t i = 0; i < s->count; i++) {
            if (!drawn(v, s, i)) continue;
            low[0] = fmin(low[0], s->x[i]), high[0] = fmax(high[0], s->x[i]);
            low[1] = fmin(low[1], s->y[i]), high[1] = fmax(high[1], s->y[i]);
        }
    }
    if (!(low[0] <= high[0]))
        FAIL(CANTO_ERROR_VALUE, "chart %zu has no point that can be drawn%s", index,
             chart->x.log || chart->y.log ? ": a logarithmic axis shows numbers above 0 alone" : "");
    TRY(axis_of(&chart->x, index, 'x', low[0], high[0], &v->x));
    TRY(axis_of(&chart->y, index, 'y', low[1], high[1], &v->y));
done:
    return status;
}

canto_status chart_page_of(const canto_chart *charts, size_t count, size_t columns, const canto_plot_options *options,
                           chart_page *page) {
    canto_status status = status_ok();
    *page = (chart_page){.count = count, .options = options};
    if (count == 0 || count > CHARTS_MAX)
        FAIL(CANTO_ERROR_VALUE, "%zu charts; 1 to %d can be drawn in one picture", count, CHARTS_MAX);
    page->across = columns && columns < count ? columns : count;
    page->below = (count + page->across - 1) / page->across;
    page->views = calloc(count, sizeof *page->views);
    if (!page->views) FAIL(CANTO_ERROR_MEMORY, "no memory for %zu charts", count);
    for (size_t i = 0; i < count; i++) TRY(look_at(&charts[i], i, &page->views[i]));
done:
    return status;
}

void chart_page_close(chart_page *page) {
    free(page->views);
    *page = (chart_page){0};
}

/* Adds a number unless it is the one before. */
static void keep(size_t *kept, size_t *count, size_t i) {
    if (*count == 0 || kept[*count - 1] != i) kept[(*count)++] = i;
}

/* First, lowest, highest and last of the points from .. to, in their order; a gap when there is none. */
static void keep_telling(const chart_view *v, const canto_series *s, size_t from, size_t to, size_t *kept,
                         size_t *count) {
    size_t first = CHART_GAP, last = 0, lowest = 0, highest = 0;
    for (size_t i = from; i < to; i++) {
        if (!drawn(v, s, i)) continue;
        if (first == CHART_GAP) first = lowest = highest = i;
        if (s->y[i] < s->y[lowest]) lowest = i;
        if (s->y[i] > s->y[highest]) highest = i;
        last = i;
    }
    keep(kept, count, first);
    if (first == CHART_GAP) return;
    keep(kept, count, lowest < highest ? lowest : highest);
    keep(kept, count, lowest < highest ? highest : lowest);
    keep(kept, count, last);
}

canto_status chart_points(const chart_view *v, const canto_series *s, size_t places, size_t **kept, size_t *count) {
    size_t each = s->count <= 4 * places ? 1 : (s->count + places - 1) / places;
    size_t chunks = (s->count + each - 1) / each;
    *count = 0;
    *kept = malloc((4 * chunks + 1) * sizeof **kept);
    if (!*kept) return status_error(CANTO_ERROR_MEMORY, "no memory for the %zu points of a curve", s->count);
    for (size_t from = 0; from < s->count; from += each)
        keep_telling(v, s, from, from + each < s->count ? from + each : s->count, *kept, count);
    return status_ok();
}
