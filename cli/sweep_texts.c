/* sweep_texts.c - a sweep of texts: one model writes with every variant, beginning from the same seed.
 *
 * What a variant wrote is one JSON object, {"texts": [as canto generate --json], "seconds"}: kept in FOLDER/NAME.json, and taken
 * from there when it is done already. Everything that is shown comes from it. */
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "side_by_side.h"

enum { TOKENS, LOSS, PERPLEXITY, REPEATED, SPEED, SECONDS, COLUMNS, IN_A_ROW = 4 };

static const table_column columns[COLUMNS] = {
    [TOKENS] = {"tokens", "", "tokens", TABLE_WHOLE, 1},
    [LOSS] = {"loss", "", "loss", TABLE_LOSS, 0},
    [PERPLEXITY] = {"perplexity", "per-", "plexity", TABLE_RATIO, 0},
    [REPEATED] = {"repeated", "", "repeated", TABLE_SHARE, 0},
    [SPEED] = {"tokens_per_second", "tokens", "/s", TABLE_SHORT, 1},
    [SECONDS] = {"seconds", "", "time", TABLE_TIME, 1},
};

typedef struct texts {
    sweep         *s;
    canto_context *context;
    canto_model   *model;
    const char    *prompt; /* of variants that have none of their own */
    size_t         prompt_bytes;
    int64_t        each;  /* texts a variant */
    json_t       **wrote; /* [v.count] */
} texts;

/* ------------------------------------------------------------------------------------------------- figures */

typedef struct in_a_row {
    json_int_t ids[IN_A_ROW];
} in_a_row;

static int by_ids(const void *a, const void *b) {
    const in_a_row *x = a, *y = b;
    for (int i = 0; i < IN_A_ROW; i++)
        if (x->ids[i] != y->ids[i]) return x->ids[i] < y->ids[i] ? -1 : 1;
    return 0;
}

/* How many of the places of a text where four tokens stand in a row have four that stood before it, too. */
static void count_repeated(const json_t *ids, double *repeated, double *places) {
    size_t    n = json_array_size(ids), count = n < IN_A_ROW ? 0 : n - IN_A_ROW + 1;
    in_a_row *all = malloc((count ? count : 1) * sizeof *all);
    for (size_t i = 0; all && i < count; i++)
        for (size_t k = 0; k < IN_A_ROW; k++) all[i].ids[k] = json_integer_value(json_array_get(ids, i + k));
    if (all) qsort(all, count, sizeof *all, by_ids);
    for (size_t i = 1; all && i < count; i++) *repeated += by_ids(&all[i - 1], &all[i]) == 0;
    if (all) *places += (double)count;
    free(all);
}

static void fill_row(const json_t *wrote, double *row) {
    double sum = 0, tokens = 0, repeated = 0, places = 0,
           seconds = json_number_value(json_object_get(wrote, "seconds"));
    json_t *text, *number;
    size_t  i, k;
    json_array_foreach(json_object_get(wrote, "texts"), i, text) {
        json_array_foreach(json_object_get(text, "logprobs"), k, number) sum -= json_number_value(number);
        tokens += (double)json_array_size(json_object_get(text, "ids"));
        count_repeated(json_object_get(text, "ids"), &repeated, &places);
    }
    row[TOKENS] = tokens;
    row[LOSS] = tokens > 0 ? sum / tokens : NAN;
    row[PERPLEXITY] = exp(row[LOSS]);
    row[REPEATED] = places > 0 ? repeated / places : NAN;
    row[SPEED] = seconds > 0 ? tokens / seconds : NAN;
    row[SECONDS] = seconds;
}

/* The mean of -log p over all tokens up to each place, in all texts: series->x, y, count; to be freed. */
static bool fill_curve(const json_t *wrote, canto_series *series) {
    size_t  longest = 0, i;
    double  sum = 0, tokens = 0, *x, *y;
    json_t *all = json_object_get(wrote, "texts"), *text;
    json_array_foreach(all, i, text) {
        size_t count = json_array_size(json_object_get(text, "logprobs"));
        if (count > longest) longest = count;
    }
    series->x = x = malloc((longest ? longest : 1) * sizeof *x);
    series->y = y = malloc((longest ? longest : 1) * sizeof *y);
    if (!x || !y) {
        terminal_error("out of memory");
        return false;
    }
    for (size_t at = 0; at < longest; at++) {
        json_array_foreach(all, i, text) {
            json_t *number = json_array_get(json_object_get(text, "logprobs"), at);
            sum -= json_number_value(number);
            tokens += number != NULL;
        }
        x[at] = (double)at + 1;
        y[at] = sum / tokens;
    }
    series->count = longest;
    return true;
}

/* ------------------------------------------------------------------------------------------------- writing */

/* Lets the model write with these options; the exit code. */
static int write_texts(texts *t, const option_set *set, json_t *wrote) {
    canto_generate_options how;
    canto_session         *session = NULL;
    const char           **stops = generate_stops(set), *own = options_text(set, "prompt", NULL);
    json_t                *list = json_array();
    double                 begun = terminal_seconds();
    int                    code = DONE;
    generate_options(set, &how);
    json_object_set_new(wrote, "texts", list);
    if (!stops || !support_good(canto_session_open(t->context, t->model, &session))) code = FAILED;
    for (int64_t i = 0; i < t->each && code == DONE; i++, how.seed++) {
        writing w = {0};
        bool    good = writing_start(&w, t->context, canto_model_tokenizer(t->model), own ? own : t->prompt,
                                  own ? strlen(own) : t->prompt_bytes);
        w.told = how.tokens;
        good = good && writing_continue(&w, session, &how, stops, NULL);
        if (good) json_array_append_new(list, generate_json(&w, how.seed));
        code = w.stopped ? INTERRUPTED : good ? DONE : FAILED;
        writing_end(&w);
    }
    json_object_set_new(wrote, "seconds", json_real(terminal_seconds() - begun));
    canto_session_close(session);
    free(stops);
    return code;
}

/* One variant: written before, or now; the exit code. */
static int carry_out(texts *t, size_t i) {
    sweep      *s = t->s;
    const char *name = s->v.list[i].name;
    char        last[256], *path = NULL;
    int         code = DONE;
    snprintf(last, sizeof last, "%s.json", name);
    if (s->folder.path && !(path = sweep_folder_file(&s->folder, last))) return FAILED;
    if (path && sweep_folder_done(&s->folder, name)) t->wrote[i] = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(json_object_get(t->wrote[i], "texts"))) {
        option_set set;
        json_decref(t->wrote[i]);
        t->wrote[i] = json_object();
        code = FAILED;
        if (variants_options(s->options, &s->v.list[i], generate_groups, &set))
            code = write_texts(t, &set, t->wrote[i]);
        options_free(&set);
        char *text = code == DONE && path ? json_dumps(t->wrote[i], JSON_REAL_PRECISION(17)) : NULL;
        if (text && !support_good(canto_plot_save(path, text, strlen(text)))) code = FAILED;
        if (path && code != INTERRUPTED &&
            !sweep_folder_note(&s->folder, name, code == DONE ? NULL : terminal_last_error()))
            code = FAILED;
        free(text);
    }
    if (code == FAILED) s->faults[i] = path ? sweep_folder_error(&s->folder, name) : "failed";
    else fill_row(t->wrote[i], &s->cells[i * COLUMNS]);
    free(path);
    if (s->json && code != INTERRUPTED) {
        json_t *row = table_row(&s->table, i);
        json_object_set(row, "texts", json_object_get(t->wrote[i], "texts"));
        json_print(row);
    }
    return code;
}

/* --------------------------------------------------------------------------------------------------- the end */

/* Number k of every variant's texts, prompt and all; the last axis side by side. */
static void show(const texts *t, size_t k, char **whole) {
    const sweep *s = t->s;
    size_t       row = 1;
    while (row < s->v.count && !strcmp(s->v.list[row].at[0], s->v.list[0].at[0])) row++;
    if (s->v.axes_count == 1) row = s->v.count;
    for (size_t i = 0; i < s->v.count; i++) {
        const json_t *text = json_array_get(json_object_get(t->wrote[i], "texts"), k);
        const char   *begin = json_string_value(json_object_get(text, "prompt"));
        const char   *rest = json_string_value(json_object_get(text, "text"));
        bool words = begin && *begin && rest && !strcmp(canto_tokenizer_kind(canto_model_tokenizer(t->model)), "word");
        size_t room = (begin ? strlen(begin) : 0) + (rest ? strlen(rest) : 0) + 2;
        whole[i] = malloc(room);
        if (whole[i]) snprintf(whole[i], room, "%s%s%s", begin ? begin : "", words ? " " : "", rest ? rest : "");
    }
    for (size_t i = 0; i < s->v.count; i++)
        if (!whole[i]) return;
    side_by_side(stdout, s->names, (const char *const *)whole, s->v.count, row, terminal_output_columns());
}

static bool finish(texts *t) {
    sweep        *s = t->s;
    canto_series *series = calloc(s->v.count, sizeof *series);
    char        **whole = calloc(s->v.count, sizeof *whole);
    bool          good = series && whole;
    if (!good) terminal_error("out of memory");
    for (int64_t k = 0; good && !s->json && k < t->each; k++) {
        show(t, (size_t)k, whole);
        for (size_t i = 0; i < s->v.count; i++) free(whole[i]);
    }
    for (size_t i = 0; good && i < s->v.count; i++) {
        good = fill_curve(t->wrote[i], &series[i]);
        series[i].label = s->names[i];
        series[i].colour = (int)(i % 8);
    }
    canto_chart chart = {.x = {.label = "tokens written"},
                         .y = {.label = "nats per token so far, as the model itself weighs them"},
                         .series = series,
                         .series_count = s->v.count};
    good = good && sweep_end(s, &chart, 1, "");
    for (size_t i = 0; series && i < s->v.count; i++) {
        free((double *)series[i].x);
        free((double *)series[i].y);
    }
    free(series);
    free(whole);
    return good;
}

/* What is opened once for all cannot be another one each time. */
static bool all_can_be(const sweep *s) {
    static const char *const once[] = {"threads", "invalid", "count", "stream"};
    for (size_t i = 0; i < s->v.count; i++)
        for (size_t k = 0; k < sizeof once / sizeof *once; k++)
            if (options_given(&s->v.list[i].settings, once[k])) {
                terminal_usage("--%s is one for all texts of a sweep", once[k]);
                return false;
            }
    return true;
}

/* The prompt of variants that have none of their own: -p's, or what standard input has. */
static bool read_prompt(texts *t, char **owned) {
    bool needed = false;
    for (size_t i = 0; i < t->s->v.count; i++) needed |= !options_given(&t->s->v.list[i].settings, "prompt");
    return !needed || support_prompt(t->s->options, &t->prompt, &t->prompt_bytes, owned);
}

int sweep_texts(sweep *s) {
    texts t = {.s = s, .each = 1};
    int   code = FAILED;
    char *owned = NULL;
    bool  failed = false;
    if (!all_can_be(s)) return WRONG_USAGE;
    options_int64(s->options, "count", &t.each);
    t.wrote = calloc(s->v.count, sizeof(json_t *));
    if (!t.wrote) terminal_error("out of memory");
    if (!t.wrote || !sweep_table(s, columns, COLUMNS, "setting") || !(t.context = support_context(s->options)) ||
        !support_good(canto_model_open(t.context, s->options->operands[0], &t.model)))
        goto done;
    if (!canto_model_tokenizer(t.model)) {
        terminal_error("%s has no tokenizer.json: it cannot read a prompt", s->options->operands[0]);
        goto done;
    }
    if (!read_prompt(&t, &owned) || !sweep_open(s)) goto done;
    support_catch_interrupts();
    code = DONE;
    for (size_t i = 0; i < s->v.count && code != INTERRUPTED; i++) {
        code = support_interrupted() ? INTERRUPTED : carry_out(&t, i);
        failed |= code == FAILED;
    }
    terminal_clear();
    if (code == INTERRUPTED) terminal_note("interrupted%s", s->folder.path ? "; the same command goes on" : "");
    else code = finish(&t) && !failed ? DONE : FAILED;
done:
    for (size_t i = 0; t.wrote && i < s->v.count; i++) json_decref(t.wrote[i]);
    free(t.wrote);
    free(owned);
    canto_model_close(t.model);
    canto_context_close(t.context);
    return code;
}
