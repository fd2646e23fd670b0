/* sweep_runs.c - a sweep of trainings: each variant a run folder of its own, as canto train makes it. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "curves.h"
#include "train.h"
#include "train_options.h"

enum {
    PARAMETERS,
    LAST_TRAIN,
    LAST_VAL,
    GAP,
    BEST_TRAIN,
    BEST_VAL,
    BEST_STEP,
    PERPLEXITY,
    BITS,
    SPEED,
    SECONDS,
    COLUMNS
};

static const table_column columns[COLUMNS] = {
    [PARAMETERS] = {"parameters", "", "params", TABLE_SHORT, 4},
    [LAST_TRAIN] = {"last_train_loss", "last", "train", TABLE_LOSS, 0},
    [LAST_VAL] = {"last_val_loss", "last", "val", TABLE_LOSS, 0},
    [GAP] = {"gap", "", "gap", TABLE_LOSS, 1},
    [BEST_TRAIN] = {"best_train_loss", "best", "train", TABLE_LOSS, 5},
    [BEST_VAL] = {"best_val_loss", "best", "val", TABLE_LOSS, 0},
    [BEST_STEP] = {"best_step", "at", "step", TABLE_WHOLE, 2},
    [PERPLEXITY] = {"perplexity", "per-", "plexity", TABLE_RATIO, 3},
    [BITS] = {"bits_per_byte", "bits", "/byte", TABLE_BITS, 3},
    [SPEED] = {"tokens_per_second", "tokens", "/s", TABLE_SHORT, 2},
    [SECONDS] = {"seconds", "", "time", TABLE_TIME, 2},
};

/* --------------------------------------------------------------------------------------------- of a run's files */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *x, size_t count) {
    double *sorted = malloc((count ? count : 1) * sizeof *sorted), middle = NAN;
    size_t  n = 0;
    for (size_t i = 0; sorted && i < count; i++)
        if (isfinite(x[i])) sorted[n++] = x[i];
    if (sorted && n) {
        qsort(sorted, n, sizeof *sorted, by_size);
        middle = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }
    free(sorted);
    return middle;
}

/* The row of the least of a column, or of its last number; SIZE_MAX: it has none. */
static size_t row_of(const metrics *m, metric which, bool least) {
    const double *x = m->columns[which];
    size_t        found = SIZE_MAX;
    for (size_t i = 0; i < m->rows; i++)
        if (isfinite(x[i]) && (!least || found == SIZE_MAX || x[i] < x[found])) found = i;
    return found;
}

static double number_of(const metrics *m, metric which, size_t row) {
    return row == SIZE_MAX ? NAN : m->columns[which][row];
}

/* What run.json tells: bytes a token of the data; the hash of its text is handed out, to be freed. */
static double bytes_a_token(const metrics *m, char **hash) {
    char path[4200];
    snprintf(path, sizeof path, "%s/run.json", m->folder);
    json_t     *record = json_load_file(path, 0, NULL), *data = json_object_get(record, "data");
    double      bytes = json_number_value(json_object_get(data, "source_bytes"));
    double      tokens = json_number_value(json_object_get(data, "tokens"));
    const char *text = json_string_value(json_object_get(data, "source_hash"));
    *hash = text ? strdup(text) : NULL;
    json_decref(record);
    return bytes > 0 && tokens > 0 ? bytes / tokens : NAN;
}

static void fill_row(const metrics *m, double parameters, double bytes, double *row) {
    size_t last = row_of(m, METRIC_EVAL_TRAIN_LOSS, false), best = row_of(m, METRIC_VAL_LOSS, true);
    size_t best_train = row_of(m, METRIC_EVAL_TRAIN_LOSS, true), end = row_of(m, METRIC_SECONDS, false);
    row[PARAMETERS] = parameters;
    row[LAST_TRAIN] = number_of(m, METRIC_EVAL_TRAIN_LOSS, last);
    row[LAST_VAL] = number_of(m, METRIC_VAL_LOSS, last);
    row[GAP] = row[LAST_VAL] - row[LAST_TRAIN];
    row[BEST_TRAIN] = number_of(m, METRIC_EVAL_TRAIN_LOSS, best_train);
    row[BEST_VAL] = number_of(m, METRIC_VAL_LOSS, best);
    row[BEST_STEP] = number_of(m, METRIC_STEP, best == SIZE_MAX ? best_train : best);
    double loss = best == SIZE_MAX ? row[BEST_TRAIN] : row[BEST_VAL];
    row[PERPLEXITY] = exp(loss);
    row[BITS] = loss / log(2) / bytes;
    row[SPEED] = median(m->columns[METRIC_SPEED], m->rows);
    row[SECONDS] = number_of(m, METRIC_SECONDS, end);
}

/* ------------------------------------------------------------------------------------------------- one run */

typedef struct runs {
    sweep         *s;
    canto_context *context; /* for reading what runs are */
    metrics       *m;       /* [v.count] */
    char          *hash;    /* of the text of the runs that are done */
    bool           failed;
} runs;

/* Takes the numbers of a run that is done. */
static bool look_at(runs *r, size_t i, const char *path) {
    canto_config config;
    canto_report report;
    char        *hash = NULL;
    if (!metrics_read(path, &r->m[i]) || !support_good(canto_run_read(r->context, path, &config, NULL, NULL)) ||
        !support_good(canto_config_report(&config, 1, 0, &report)))
        return false;
    double bytes = bytes_a_token(&r->m[i], &hash);
    if (!r->hash) r->hash = hash;
    else {
        bool other = hash && strcmp(hash, r->hash) != 0;
        free(hash);
        if (other) {
            terminal_error("%s: its text is not that of the runs before it: a text has changed on the way", path);
            return false;
        }
    }
    fill_row(&r->m[i], (double)report.total, bytes, &r->s->cells[i * COLUMNS]);
    return true;
}

/* Trains, or goes on with what is there; the exit code. */
static int train_it(runs *r, size_t i, const char *path, bool begun) {
    static const char *const sitting[] = {"threads", "quiet"};
    sweep                   *s = r->s;
    option_set               set;
    char                     label[64];
    int                      code = FAILED;
    bool                     good = true;
    snprintf(label, sizeof label, "%zu/%zu", i + 1, s->v.count);
    if (begun) {
        options_begin(&set, train_groups);
        good = options_set(&set, "resume", path);
        for (size_t k = 0; good && k < sizeof sitting / sizeof *sitting; k++)
            if (options_given(s->options, sitting[k]))
                good = options_set(&set, sitting[k], options_text(s->options, sitting[k], ""));
    } else good = variants_options(s->options, &s->v.list[i], train_groups, &set) && options_set(&set, "output", path);
    if (good) code = train_one(&set, label);
    terminal_set_quiet(options_flag(s->options, "quiet"));
    options_free(&set);
    return code == FAILED && support_interrupted() ? INTERRUPTED : code;
}

static bool is_there(const char *folder, const char *name) {
    char path[4300];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static void tell(const sweep *s, size_t i, bool skipped) {
    const double *row = &s->cells[i * COLUMNS];
    char          val[48] = "";
    if (isfinite(row[LAST_VAL])) snprintf(val, sizeof val, ", validation loss %.4f", row[LAST_VAL]);
    terminal_note("run %zu of %zu, %s: train loss %.4f%s, %s%s", i + 1, s->v.count, s->names[i], row[LAST_TRAIN], val,
                  number_duration(row[SECONDS]).text, skipped ? " (done before)" : "");
}

/* One variant, whatever state it is in; the exit code. A failure is written down, and no end. */
static int carry_out(runs *r, size_t i) {
    sweep      *s = r->s;
    const char *name = s->v.list[i].name;
    char       *path = sweep_folder_file(&s->folder, name);
    if (!path) return FAILED;
    bool begun = is_there(path, "run.json"),
         done = sweep_folder_done(&s->folder, name) && is_there(path, "metrics.csv");
    int code = DONE;
    if (!done) {
        terminal_note("run %zu of %zu, %s%s", i + 1, s->v.count, name, begun ? ": going on" : "");
        code = train_it(r, i, path, begun);
    }
    bool good = code == DONE && look_at(r, i, path);
    if (code != INTERRUPTED) {
        const char *why = good ? NULL : terminal_last_error();
        if ((!done || !good) && !sweep_folder_note(&s->folder, name, why)) good = false, r->failed = true;
        s->faults[i] = good ? NULL : sweep_folder_error(&s->folder, name);
        r->failed |= !good;
        if (good) tell(s, i, done);
        if (s->json) json_print(table_row(&s->table, i));
    }
    free(path);
    return code;
}

/* --------------------------------------------------------------------------------------------------- the end */

/* The run with the least validation loss, in words below the table; "" when none has one. */
static const char *best_of(const sweep *s, char text[320]) {
    size_t best = SIZE_MAX;
    *text = 0;
    for (size_t i = 0; i < s->v.count; i++) {
        double loss = s->cells[i * COLUMNS + BEST_VAL];
        if (isfinite(loss) && (best == SIZE_MAX || loss < s->cells[best * COLUMNS + BEST_VAL])) best = i;
    }
    if (best != SIZE_MAX)
        snprintf(text, 320, "\nleast validation loss: %s, %.4f at step %.0f\n", s->names[best],
                 s->cells[best * COLUMNS + BEST_VAL], s->cells[best * COLUMNS + BEST_STEP]);
    return text;
}

static bool finish(runs *r, curves_options *how) {
    sweep       *s = r->s;
    curves       c = {0};
    size_t       count = 0;
    bool         good = true;
    char         best[320];
    const char **names = calloc(s->v.count, sizeof *names);
    metrics     *drawn = calloc(s->v.count, sizeof *drawn);
    for (size_t i = 0; names && drawn && i < s->v.count; i++)
        if (!s->faults[i]) {
            names[count] = s->names[i];
            drawn[count++] = r->m[i];
        }
    if (count) good = curves_make(drawn, names, count, how, &c);
    good = good && sweep_end(s, c.charts, c.count, best_of(s, best));
    curves_free(&c);
    free(names);
    free(drawn);
    return good;
}

/* Every variant's settings, before anything is run. */
static bool all_can_be(const sweep *s) {
    for (size_t i = 0; i < s->v.count; i++) {
        canto_config        config;
        canto_train_options settings;
        option_set          set;
        bool                good =
            variants_options(s->options, &s->v.list[i], train_groups, &set) && train_settings(&set, &config, &settings);
        options_free(&set);
        if (!good) {
            terminal_note("that would be the run %s; nothing was begun", s->v.list[i].name);
            return false;
        }
    }
    return true;
}

int sweep_runs(sweep *s) {
    runs           r = {.s = s};
    int            code = FAILED, x = X_STEP;
    curves_options how = {0};
    options_choice(s->options, "x", &x);
    how.x = (curves_x)x;
    if (!curves_read_y(options_text(s->options, "y", "evaluation"), &how) || !all_can_be(s)) return WRONG_USAGE;
    r.m = calloc(s->v.count, sizeof *r.m);
    if (!r.m) terminal_error("out of memory");
    if (!r.m || !sweep_table(s, columns, COLUMNS, "run") || !(r.context = support_context_silent(s->options)) ||
        !sweep_open(s))
        goto done;
    support_catch_interrupts();
    code = DONE;
    for (size_t i = 0; i < s->v.count && code != INTERRUPTED; i++) {
        code = support_interrupted() ? INTERRUPTED : carry_out(&r, i);
        if (code == INTERRUPTED)
            fprintf(stderr, "interrupted in run %zu of %zu, %s; nothing is lost, and the same command goes on\n", i + 1,
                    s->v.count, s->names[i]);
    }
    if (code != INTERRUPTED) code = finish(&r, &how) && !r.failed ? DONE : FAILED;
done:
    for (size_t i = 0; r.m && i < s->v.count; i++) metrics_free(&r.m[i]);
    free(r.m);
    free(r.hash);
    canto_context_close(r.context);
    return code;
}
