/* curves.c - see curves.h. A run's colour is its place among the runs; of one run alone training and validation have a
 * colour each. A smoothed curve lies over its raw one, which is pale. */
#include "curves.h"

#include "terminal.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a chart shows of each run. The second metric is one of evaluations: points, never smoothed. */
static const struct {
    const char *word, *label;
    metric      first, second; /* METRICS: none */
    bool        rough;         /* the first is to be smoothed: it is neither of evaluations nor known exactly */
    bool        marked;        /* the first is of evaluations too */
    bool        exponential;
} kinds[CURVES_Y] = {
    [Y_LOSS] = {"loss", "loss (nats per token)", METRIC_TRAIN_LOSS, METRIC_VAL_LOSS, true, false, false},
    [Y_PERPLEXITY] = {"perplexity", "perplexity", METRIC_TRAIN_LOSS, METRIC_VAL_LOSS, true, false, true},
    [Y_EVALUATION] = {"evaluation", "loss of evaluations (nats per token)", METRIC_EVAL_TRAIN_LOSS, METRIC_VAL_LOSS,
                      false, true, false},
    [Y_LR] = {"lr", "learning rate", METRIC_LR, METRICS, false, false, false},
    [Y_GRAD_NORM] = {"grad-norm", "gradient norm", METRIC_GRAD_NORM, METRICS, true, false, false},
    [Y_SPEED] = {"speed", "tokens per second", METRIC_SPEED, METRICS, true, false, false},
};

bool curves_read_y(const char *words, curves_options *o) {
    o->y_count = 0;
    for (const char *at = words; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t bytes = strcspn(at, ",");
        int    found = CURVES_Y;
        for (int i = 0; i < CURVES_Y; i++)
            if (strlen(kinds[i].word) == bytes && !memcmp(kinds[i].word, at, bytes)) found = i;
        if (found == CURVES_Y || o->y_count == CURVES_Y) {
            terminal_usage("--y %s: %.*s%s; give loss, perplexity, evaluation, lr, grad-norm or speed, or several with "
                           "commas between "
                           "them, each once",
                           words, (int)bytes, at,
                           found == CURVES_Y ? " is nothing that can be drawn" : " is one too many");
            return false;
        }
        o->y[o->y_count++] = (curves_y)found;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------- memory */

/* bytes of zeroed memory that live as long as the curves; says when there are none. */
static void *take(curves *c, size_t count, size_t size) {
    void **more = realloc(c->owned, (c->owned_count + 1) * sizeof *more);
    void  *block = more ? calloc(count ? count : 1, size) : NULL;
    if (more) c->owned = more;
    if (!block) {
        terminal_error("no memory for the curves");
        return NULL;
    }
    c->owned[c->owned_count++] = block;
    return block;
}

void curves_free(curves *c) {
    for (size_t i = 0; i < c->owned_count; i++) free(c->owned[i]);
    free(c->owned);
    *c = (curves){0};
}

/* ------------------------------------------------------------------------------------------------------ x */

/* Tokens that the run's training part has: what run.json says of its data and its split. 0: nothing. */
static double tokens_an_epoch(const metrics *m) {
    char    path[4200];
    double  split = 0;
    json_t *record, *training, *data;
    if (!*m->folder) return 0;
    snprintf(path, sizeof path, "%s/run.json", m->folder);
    record = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    training = json_object_get(record, "training");
    data = json_object_get(record, "data");
    split = json_number_value(json_object_get(training, "split"));
    double tokens = json_number_value(json_object_get(data, "tokens")) * split;
    json_decref(record);
    return isfinite(tokens) && tokens > 0 ? tokens : 0;
}

/* Epochs with their parts: whole ones where the file's number changes, by steps in between; the last goes on as the one before
 * it. Where it never changes (training by steps, or less than an epoch), by tokens. */
static bool fill_epochs(const metrics *m, double *x) {
    const double *epoch = m->columns[METRIC_EPOCH], *step = m->columns[METRIC_STEP];
    size_t        begin = 0;
    double        length = 0; /* steps of the epoch before */
    for (size_t i = 0; i < m->rows; i++) {
        if (i + 1 < m->rows && epoch[i + 1] == epoch[begin]) continue;
        bool ends = i + 1 < m->rows;
        if (ends) length = (step[i + 1] - step[begin]) / fmax(epoch[i + 1] - epoch[begin], 1);
        for (size_t j = begin; j <= i && length > 0; j++) x[j] = epoch[begin] + (step[j] - step[begin]) / length;
        begin = i + 1;
    }
    if (length > 0) return true;
    double tokens = tokens_an_epoch(m);
    for (size_t i = 0; i < m->rows; i++) x[i] = m->columns[METRIC_TOKENS][i] / tokens;
    if (tokens > 0) return true;
    terminal_error("%s: nothing says how long an epoch is; draw it by --x step or tokens", m->path);
    return false;
}

/* Seconds of the unit in which so many are written. */
static double time_unit(const metrics *runs, size_t count, const char **label) {
    double longest = 0;
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < runs[r].rows; i++) longest = fmax(longest, runs[r].columns[METRIC_SECONDS][i]);
    *label = longest >= 7200 ? "time (hours)" : longest >= 180 ? "time (minutes)" : "time (seconds)";
    return longest >= 7200 ? 3600 : longest >= 180 ? 60 : 1;
}

/* The places of a run's rows along x, or NULL. */
static double *places(const metrics *m, curves_x which, double unit, curves *c) {
    static const metric from[] = {
        [X_STEP] = METRIC_STEP, [X_EPOCH] = METRIC_EPOCH, [X_TOKENS] = METRIC_TOKENS, [X_TIME] = METRIC_SECONDS};
    double *x = take(c, m->rows, sizeof *x);
    if (!x) return NULL;
    if (which == X_EPOCH) return fill_epochs(m, x) ? x : NULL;
    for (size_t i = 0; i < m->rows; i++) x[i] = m->columns[from[which]][i] / unit;
    return x;
}

/* ------------------------------------------------------------------------------------------------- curves */

/* The rows that have this metric, without those in between: out->x, y, count. */
static bool pick(const metrics *m, metric which, bool exponential, const double *x, curves *c, canto_series *out) {
    double *at = take(c, m->rows, sizeof *at), *y = take(c, m->rows, sizeof *y);
    if (!at || !y) return false;
    for (size_t i = 0; i < m->rows; i++) {
        double number = m->columns[which][i];
        if (isnan(number)) continue;
        at[out->count] = x[i];
        y[out->count++] = exponential ? exp(number) : number;
    }
    out->x = at;
    out->y = y;
    return true;
}

/* The sum of the finite ones of y[from .. to), and how many the others are. */
static double sum_of(const double *y, size_t from, size_t to, size_t *others) {
    double sum = 0;
    *others = 0;
    for (size_t i = from; i < to; i++) {
        if (isfinite(y[i])) sum += y[i];
        else ++*others;
    }
    return sum;
}

/* The mean of the last `window` numbers, or of as many as there are; NAN while one of them is not finite. The sum is moved along, and
 * made anew once a window, so that nothing of a large number stays in it. */
static void simple_average(const double *y, size_t count, size_t window, double *out) {
    double sum = 0;
    size_t others = 0;
    for (size_t i = 0; i < count; i++) {
        size_t from = i + 1 > window ? i + 1 - window : 0, out_there = 0, in_here = 0;
        if (i % window == 0) sum = sum_of(y, from, i + 1, &others);
        else {
            sum += sum_of(y, i, i + 1, &in_here);
            if (from > 0) sum -= sum_of(y, from - 1, from, &out_there);
            others += in_here - out_there;
        }
        out[i] = others ? NAN : sum / (double)(i + 1 - from);
    }
}

/* out = share * y + (1 - share) * out before; what is not finite is passed over. */
static void exponential_average(const double *y, size_t count, double share, double *out) {
    double average = NAN;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(y[i])) average = isnan(average) ? y[i] : share * y[i] + (1 - share) * average;
        out[i] = average;
    }
}

/* "NAME: WHAT (SMOOTHING)", without those that are "". */
static char *label_of(curves *c, const char *name, const char *what, const char *smoothing) {
    size_t room = strlen(name) + strlen(what) + strlen(smoothing) + 8;
    char  *text = take(c, room, 1);
    bool   behind = *smoothing && (*name || *what);
    if (text)
        snprintf(text, room, "%s%s%s%s%s%s", name, *name && *what ? ": " : "", what, behind ? " (" : "", smoothing,
                 behind ? ")" : "");
    return text;
}

typedef struct group {
    curves               *c;
    const curves_options *o;
    canto_series         *series;
    size_t                count;
} group;

static bool add_trained(group *g, const metrics *m, curves_y kind, const double *x, int colour, const char *name) {
    canto_series *raw = &g->series[g->count], *smooth = raw + 1;
    const char   *what = kinds[kind].second == METRICS ? "" : "training";
    char          words[48] = "";
    *raw = (canto_series){.colour = colour, .marked = kinds[kind].marked};
    if (!pick(m, kinds[kind].first, kinds[kind].exponential, x, g->c, raw) || raw->count == 0)
        return raw->x != NULL && raw->y != NULL;
    if (kinds[kind].rough && g->o->sma > 1) snprintf(words, sizeof words, "mean of %zu", g->o->sma);
    if (kinds[kind].rough && g->o->ema > 0) snprintf(words, sizeof words, "exponential mean, %g", g->o->ema);
    g->count++;
    if (*words) {
        double *y = take(g->c, raw->count, sizeof *y);
        if (!y) return false;
        if (g->o->sma > 1) simple_average(raw->y, raw->count, g->o->sma, y);
        else exponential_average(raw->y, raw->count, g->o->ema, y);
        *smooth = *raw;
        smooth->y = y;
        smooth->label = label_of(g->c, name, what, words);
        raw->stroke = CANTO_STROKE_FAINT;
        g->count++;
        return smooth->label != NULL;
    }
    if (!*name && !*what) return true;
    raw->label = label_of(g->c, name, what, "");
    return raw->label != NULL;
}

static bool add_validation(group *g, const metrics *m, curves_y kind, const double *x, int colour, const char *name,
                           bool alone) {
    canto_series *points = &g->series[g->count];
    if (kinds[kind].second == METRICS) return true;
    *points = (canto_series){
        .colour = alone ? 1 : colour, .stroke = alone ? CANTO_STROKE_FULL : CANTO_STROKE_DASHED, .marked = true};
    if (!pick(m, kinds[kind].second, kinds[kind].exponential, x, g->c, points)) return false;
    if (points->count == 0) return true;
    g->count++;
    points->label = label_of(g->c, name, "validation", "");
    return points->label != NULL;
}

/* The last part of a path; the whole when another run has the same. */
static const char *name_of(const char *const *paths, size_t count, size_t index, curves *c) {
    char *last[2];
    for (size_t other = 0; other < count; other++) {
        for (int k = 0; k < 2; k++) {
            const char *path = paths[k ? other : index];
            size_t      bytes = strlen(path);
            while (bytes > 1 && path[bytes - 1] == '/') bytes--;
            size_t begin = bytes;
            while (begin > 0 && path[begin - 1] != '/') begin--;
            last[k] = take(c, bytes - begin + 1, 1);
            if (!last[k]) return NULL;
            memcpy(last[k], path + begin, bytes - begin);
        }
        if (other != index && !strcmp(last[0], last[1])) return paths[index];
    }
    return last[0];
}

/* ------------------------------------------------------------------------------------------------- charts */

/* Charts beside each other are easier to compare when their y axes are the same. */
static void share_axis(canto_chart *charts, size_t count) {
    double low = INFINITY, high = -INFINITY;
    bool   log = charts->y.log;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < charts[i].series_count; k++)
            for (size_t j = 0; j < charts[i].series[k].count; j++) {
                double y = charts[i].series[k].y[j];
                if (!isfinite(y) || (log && y <= 0)) continue;
                low = fmin(low, y), high = fmax(high, y);
            }
    if (!(low < high)) return;
    double part = log ? pow(high / low, 0.05) : 0.05 * (high - low);
    for (size_t i = 0; i < count; i++) {
        charts[i].y.low = log ? low / part : low - part;
        charts[i].y.high = log ? high * part : high + part;
    }
}

static bool make_chart(const metrics *runs, double *const *x, const char *const *names, size_t first, size_t count,
                       size_t all, curves_y kind, const char *x_label, const curves_options *o, curves *c) {
    canto_chart *chart = &c->charts[c->count];
    group        g = {.c = c, .o = o, .series = take(c, 3 * count, sizeof *g.series)};
    if (!g.series) return false;
    for (size_t r = first; r < first + count; r++) {
        const char *name = count > 1 ? names[r] : "";
        int         colour = count > 1 ? (int)(r % 8) : 0;
        if (!add_trained(&g, &runs[r], kind, x[r], colour, name)) return false;
        if (!add_validation(&g, &runs[r], kind, x[r], colour, name, count == 1)) return false;
    }
    *chart = (canto_chart){.title = count < all ? names[first] : NULL, .series = g.series, .series_count = g.count};
    chart->x = (canto_axis){.label = x_label, .log = o->log_x, .low = o->x_low, .high = o->x_high};
    chart->y = (canto_axis){.label = kinds[kind].label, .log = o->log_y, .low = o->y_low, .high = o->y_high};
    c->count++;
    if (g.count) return true;
    terminal_error("%s: has no %s%s", runs[first].path, metric_name(kinds[kind].first),
                   count > 1 ? ", nor have the other runs" : "");
    return false;
}

bool curves_make(const metrics *runs, const char *const *paths, size_t count, const curves_options *o, curves *c) {
    static const char *const labels[] = {[X_STEP] = "step", [X_EPOCH] = "epoch", [X_TOKENS] = "tokens", [X_TIME] = ""};
    size_t                   each = o->apart ? 1 : count;
    const char              *x_label = labels[o->x];
    double                   unit = o->x == X_TIME ? time_unit(runs, count, &x_label) : 1;
    *c = (curves){0};
    double     **x = take(c, count, sizeof *x);
    const char **names = take(c, count, sizeof *names);
    c->charts = take(c, o->y_count * count, sizeof *c->charts);
    if (!x || !names || !c->charts) return false;
    for (size_t r = 0; r < count; r++) {
        x[r] = places(&runs[r], o->x, unit, c);
        names[r] = name_of(paths, count, r, c);
        if (!x[r] || !names[r]) return false;
    }
    for (size_t k = 0; k < o->y_count; k++) {
        size_t begin = c->count;
        for (size_t first = 0; first < count; first += each)
            if (!make_chart(runs, x, names, first, each, count, o->y[k], x_label, o, c)) return false;
        if (o->apart && o->y_low == 0 && o->y_high == 0) share_axis(c->charts + begin, c->count - begin);
    }
    return true;
}
