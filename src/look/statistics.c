/* statistics.c - a model's numbers told by a few: the norm and spread of its tensors, and how those of two models differ.
 *
 * A tensor here is a module of the source's layout, which is a run of rows in one of ours and so lies in one piece. Sums are
 * in double precision; the spread is summed around the mean. */
#include "base/status.h"
#include "model/layouts.h"
#include "store/model.h"

#include <math.h>
#include <string.h>

/* *x: its numbers, to be released. */
static canto_status read_module(const canto_model *model, size_t index, layout_item *item, float **x, size_t *count) {
    if (!layout_item_at(&model->config, LAYOUT_SOURCE, index, item))
        return status_error(CANTO_ERROR_VALUE, "There is no module number %zu: the model has %zu, counted from 0.",
                            index, (size_t)layout_count(&model->config, LAYOUT_SOURCE));
    *count = (size_t)item->rows * (size_t)item->columns;
    *x = context_allocate(model->context, *count * sizeof **x);
    if (!*x) return context_no_memory(*count * sizeof **x, "a tensor's numbers");
    model_read(model, item->role, item->layer, item->row, item->rows, *x);
    return status_ok();
}

canto_status canto_model_statistics(const canto_model *model, size_t index, canto_statistics *statistics) {
    canto_status     status;
    layout_item      item;
    float           *x = NULL;
    size_t           n;
    double           sum = 0, squares = 0, spread = 0;
    canto_statistics s = {.least = INFINITY, .most = -INFINITY};
    TRY(read_module(model, index, &item, &x, &n));
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i];
        sum += v;
        squares += v * v;
        s.least = fmin(s.least, v);
        s.most = fmax(s.most, v);
        s.zeros += v == 0;
    }
    s.count = n;
    s.mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) spread += ((double)x[i] - s.mean) * ((double)x[i] - s.mean);
    s.deviation = sqrt(spread / (double)n);
    s.norm = sqrt(squares);
    *statistics = s;
done:
    context_release(model->context, x);
    return status;
}

/* Both models' module number index, which must have one name and one shape. */
static canto_status find_both(const canto_model *model, const canto_model *other, size_t index, float **a, float **b,
                              size_t *count) {
    canto_status status;
    layout_item  one, two;
    size_t       n;
    TRY(read_module(model, index, &one, a, count));
    if (!layout_item_at(&other->config, LAYOUT_SOURCE, index, &two) || strcmp(one.name, two.name) != 0)
        FAIL(CANTO_ERROR_VALUE,
             "The models have not the same modules: the other one has '%.95s' where this has '%.95s'.",
             layout_item_at(&other->config, LAYOUT_SOURCE, index, &two) ? two.name : "nothing", one.name);
    TRY(read_module(other, index, &two, b, &n));
    if (one.rows != two.rows || one.columns != two.columns)
        FAIL(CANTO_ERROR_VALUE,
             "The models are not of one shape: '%.95s' is %lld x %lld here and %lld x %lld in the other one.", one.name,
             (long long)one.rows, (long long)one.columns, (long long)two.rows, (long long)two.columns);
done:
    return status;
}

canto_status canto_model_difference(const canto_model *model, const canto_model *other, size_t index,
                                    canto_difference *difference) {
    canto_status     status;
    float           *a = NULL, *b = NULL;
    size_t           n;
    double           aa = 0, bb = 0, ab = 0, squares = 0;
    canto_difference d = {0};
    TRY(find_both(model, other, index, &a, &b, &n));
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i];
        aa += x * x;
        bb += y * y;
        ab += x * y;
        squares += (y - x) * (y - x);
        d.most = fmax(d.most, fabs(y - x));
        d.changed += a[i] != b[i];
    }
    d.count = n;
    d.norm = sqrt(squares);
    d.relative = squares > 0 ? d.norm / sqrt(aa) : 0;
    d.cosine = squares > 0 ? ab / (sqrt(aa) * sqrt(bb)) : 1;
    *difference = d;
done:
    context_release(model->context, a);
    context_release(other->context, b);
    return status;
}
