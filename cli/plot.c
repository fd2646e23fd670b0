/* plot.c - canto plot: curves of one or more runs, drawn once or again and again while they go on. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "curves.h"
#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MAX = 64 };

static const option_entry what_entries[] = {
    {"x", 0, OPTION_CHOICE, "step|epoch|tokens|time", "what the curves run along (default: step)", 0, 0},
    {"y", 0, OPTION_TEXT, "WHAT,...",
     "loss, perplexity, evaluation, lr, grad-norm, speed: a chart each (default: loss)", 0, 0},
    {"sma", 0, OPTION_INTEGER, "N", "the mean of the last N measurements over the raw curve, which turns pale", 1,
     1000000},
    {"ema", 0, OPTION_REAL, "A",
     "the same with an exponential mean: A of the newest and 1 - A of the mean so far; 0.1 is smooth", 1e-6, 1},
    {"apart", 0, OPTION_FLAG, NULL, "a chart for each run, side by side with the same y axis", 0, 0},
    {"columns", 0, OPTION_INTEGER, "N", "charts side by side (default: all of them; with --apart, one a run)", 1, 64},
    {"log-x", 0, OPTION_FLAG, NULL, "a logarithmic x axis", 0, 0},
    {"log-y", 0, OPTION_FLAG, NULL, "a logarithmic y axis", 0, 0},
    {"x-range", 0, OPTION_PAIR, "LOW,HIGH", "this part of the x axis (default: all of it)", -1e300, 1e300},
    {"y-range", 0, OPTION_PAIR, "LOW,HIGH", "this part of the y axis (default: all of it)", -1e300, 1e300},
    {0},
};

static const option_entry follow_entries[] = {
    {"follow", 0, OPTION_FLAG, NULL, "draw it again whenever a run has gone on, until Ctrl-C", 0, 0},
    {"every", 0, OPTION_REAL, "SECONDS", "how often --follow looks (default: 2)", 0.05, 86400},
    {0},
};

static const option_group groups[] = {{"What is drawn", what_entries},
                                      {"Picture", picture_entries},
                                      {"A run that is still going", follow_entries},
                                      {"Common", common_entries},
                                      {0}};

typedef struct plot {
    const option_set  *options;
    const char *const *paths;
    size_t             count;
    curves_options     how;
    metrics            runs[RUNS_MAX];
    bool               follows;
    off_t              sizes[RUNS_MAX]; /* of the files when they were read */
    struct timespec    times[RUNS_MAX];
} plot;

static bool read_options(plot *p) {
    const option_set *o = p->options;
    int               x = X_STEP;
    int64_t           sma = 0;
    options_choice(o, "x", &x);
    options_int64(o, "sma", &sma);
    options_real(o, "ema", &p->how.ema);
    options_pair(o, "x-range", &p->how.x_low, &p->how.x_high);
    options_pair(o, "y-range", &p->how.y_low, &p->how.y_high);
    p->how.x = (curves_x)x;
    p->how.sma = (size_t)sma;
    p->how.apart = options_flag(o, "apart");
    p->how.log_x = options_flag(o, "log-x");
    p->how.log_y = options_flag(o, "log-y");
    p->follows = options_flag(o, "follow");
    return curves_read_y(options_text(o, "y", "loss"), &p->how);
}

static void forget(plot *p) {
    for (size_t i = 0; i < p->count; i++) metrics_free(&p->runs[i]);
}

static bool read_runs(plot *p) {
    for (size_t i = 0; i < p->count; i++) {
        if (!metrics_read(p->paths[i], &p->runs[i])) return false;
        if (p->runs[i].rows == 0 && !p->follows) {
            terminal_error("%s: has no measurements yet%s", p->runs[i].path,
                           p->runs[i].damaged ? ", and its rows are damaged"
                                              : "; train some steps, or let --follow wait for them");
            return false;
        }
        if (p->runs[i].damaged && !p->follows)
            terminal_warning("%s: %zu damaged row%s left out, the first is line %zu", p->runs[i].path,
                             p->runs[i].damaged, p->runs[i].damaged > 1 ? "s" : "", p->runs[i].first_damaged);
    }
    return true;
}

static json_t *row_json(const metrics *m, size_t row) {
    json_t *o = json_object();
    for (int i = 0; i < METRICS; i++) {
        double number = m->columns[i][row];
        bool   whole = i <= METRIC_TOKENS && fabs(number) < 9e15;
        json_object_set_new(o, metric_name((metric)i), whole ? json_integer((json_int_t)number) : json_number(number));
    }
    return o;
}

static void print_json(const plot *p) {
    const char *file = options_text(p->options, "output", NULL);
    json_t     *all = json_array(), *o = json_object();
    for (size_t i = 0; i < p->count; i++) {
        const metrics *m = &p->runs[i];
        json_t        *one = json_object();
        size_t         best = SIZE_MAX;
        for (size_t row = 0; row < m->rows; row++) {
            double loss = m->columns[METRIC_VAL_LOSS][row];
            if (isfinite(loss) && (best == SIZE_MAX || loss < m->columns[METRIC_VAL_LOSS][best])) best = row;
        }
        json_object_set_new(one, "run", json_text(p->paths[i], strlen(p->paths[i])));
        json_object_set_new(one, "rows", json_whole(m->rows));
        json_object_set_new(one, "damaged", json_whole(m->damaged));
        json_object_set_new(one, "last", m->rows ? row_json(m, m->rows - 1) : json_null());
        json_object_set_new(one, "best", best == SIZE_MAX ? json_null() : row_json(m, best));
        json_array_append_new(all, one);
    }
    json_object_set_new(o, "file", file ? json_text(file, strlen(file)) : json_null());
    json_object_set_new(o, "runs", all);
    json_print(o);
}

/* Reads the runs and draws them once. Nothing is drawn where only JSON is wanted, nor of runs that are followed before they have a
 * measurement. */
static bool draw(plot *p) {
    canto_plot_options how;
    curves             c = {0};
    bool               json = options_flag(p->options, "json"), file = options_given(p->options, "output"), good;
    char              *data = NULL;
    size_t             bytes = 0, rows = 0;
    int64_t            columns = p->how.apart ? (int64_t)p->count : 0;
    good = picture_options(p->options, NULL, &how) && read_runs(p);
    if (p->follows && !file && how.height == 0) how.height = picture_window_lines() - 1; /* the whole window */
    for (size_t i = 0; i < p->count; i++) rows += p->runs[i].rows;
    if (good && (rows || !p->follows) && (file || !json)) {
        options_int64(p->options, "columns", &columns);
        good = curves_make(p->runs, p->paths, p->count, &p->how, &c) &&
               support_good(canto_plot_charts(c.charts, c.count, (size_t)columns, &how, &data, &bytes));
        if (good && p->follows && !file) fputs("\033[H\033[J", stdout);
        if (good) good = picture_put(p->options, data, bytes);
    }
    curves_free(&c);
    if (good && json) print_json(p);
    fflush(stdout);
    forget(p);
    return good;
}

/* Whether a run's file has changed since this was asked last. */
static bool has_changed(plot *p) {
    bool changed = false;
    for (size_t i = 0; i < p->count; i++) {
        char        path[4200];
        struct stat about;
        snprintf(path, sizeof path, "%.4095s/metrics.csv", p->paths[i]);
        if (stat(path, &about) != 0 && stat(p->paths[i], &about) != 0) about = (struct stat){0};
        changed |= about.st_size != p->sizes[i] || about.st_mtim.tv_sec != p->times[i].tv_sec ||
                   about.st_mtim.tv_nsec != p->times[i].tv_nsec;
        p->sizes[i] = about.st_size;
        p->times[i] = about.st_mtim;
    }
    return changed;
}

static bool follow(plot *p) {
    double every = 2;
    options_real(p->options, "every", &every);
    struct timespec pause = {.tv_sec = (time_t)every, .tv_nsec = (long)(1e9 * (every - floor(every)))};
    for (;; nanosleep(&pause, NULL))
        if (has_changed(p) && !draw(p)) return false;
}

static int run_plot(option_set *options) {
    bool screen = !options_given(options, "output") && !options_flag(options, "json");
    if (options->count == 0) return support_usage("no run given: canto plot RUN, as canto train -o made it");
    if (options->count > RUNS_MAX)
        return support_usage("%zu runs; %d can be drawn in one picture", options->count, RUNS_MAX);
    if (options_given(options, "sma") && options_given(options, "ema"))
        return support_usage("--sma and --ema are two ways to smooth: give one");
    if (options_flag(options, "follow") && screen && !isatty(STDOUT_FILENO))
        return support_usage("--follow draws on a terminal or to a file: give -o FILE");
    plot *p = calloc(1, sizeof *p);
    if (!p) {
        terminal_error("out of memory");
        return FAILED;
    }
    p->options = options;
    p->paths = (const char *const *)options->operands;
    p->count = options->count;
    int code = !read_options(p) ? WRONG_USAGE : (p->follows ? follow(p) : draw(p)) ? DONE : FAILED;
    free(p);
    return code;
}

static const char *const examples[] = {
    "canto plot run",
    "training and validation loss, here in the terminal",
    "canto plot run -o loss.svg --sma 20 --x tokens",
    "a picture for a paper, the raw curve pale behind its mean of 20",
    "canto plot run -o all.png --y loss,lr,speed,grad-norm --columns 2",
    "four charts in one picture",
    NULL,
};

const command command_plot = {
    .name = "plot",
    .operands = "RUN... [OPTIONS]",
    .about = "draw the curves of training runs",
    .details = "RUN is a run folder or its metrics.csv. Several runs lie in one chart, each with its colour, or "
               "--apart side by side. Training is "
               "a line, evaluations are dots. --x epoch counts parts of epochs; of a run by steps, how often its "
               "training text has gone by.\n",
    .groups = groups,
    .run = run_plot,
    .section = "Models",
    .examples = examples,
};
