/* sweep.c - canto sweep: many trainings, or many ways to write, side by side. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "generate.h"
#include "model_options.h"
#include "picture.h"
#include "train_options.h"
#include "train_resume.h"

static const option_entry sweep_entries[] = {
    {"vary", 0, OPTION_TEXTS, "NAME=A,B,...",
     "a run for each value of this option; may be given several times: every value with every other (semicolons part "
     "values that have commas)",
     0, 0},
    {"variant", 0, OPTION_TEXTS, "NAME: OPTIONS",
     "a run with these options, called NAME; may be given several times, and with --vary", 0, 0},
    {"output", 'o', OPTION_FOLDER, "FOLDER", "the folder to make, or to go on with (needed, but for a MODEL)", 0, 0},
    {"config", 0, OPTION_FILE, "FILE", "a JSON object of these options; the command line wins", 0, 0},
    {"picture", 0, OPTION_FILE, "FILE", "draw the curves here, .svg or .png (default: FOLDER/curves.svg)", 0, 0},
    {"x", 0, OPTION_CHOICE, "step|epoch|tokens|time", "what the curves of trainings run along (default: step)", 0, 0},
    {"y", 0, OPTION_TEXT, "WHAT,...", "what they show, as for canto plot (default: evaluation)", 0, 0},
    {0},
};

static const option_group groups[] = {
    {"Sweep", sweep_entries},
    {"Tokens", tokenizer_entries},
    {"Model", shape_entries},
    {"Dropout", dropout_entries},
    {"Training", training_entries},
    {"Looking on", journal_entries},
    {"Writing, with a MODEL", writing_entries},
    {"Text", text_entries},
    {"Common", common_entries},
    {0},
};

/* --------------------------------------------------------------------------------------------------- the end */

bool sweep_table(sweep *s, const table_column *columns, size_t count, const char *title) {
    size_t rows = s->v.count, keys = s->v.axes_count;
    s->names = calloc(rows, sizeof *s->names);
    s->values = calloc(rows * keys, sizeof *s->values);
    s->faults = calloc(rows, sizeof *s->faults);
    s->cells = calloc(rows * count, sizeof *s->cells);
    if (!s->names || !s->values || !s->faults || !s->cells) {
        terminal_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < rows; i++) {
        s->names[i] = s->v.list[i].name;
        for (size_t k = 0; k < keys; k++) s->values[i * keys + k] = s->v.list[i].at[k];
        for (size_t c = 0; c < count; c++) s->cells[i * count + c] = NAN;
    }
    s->table = (table){.title = title,
                       .names = s->names,
                       .keys = s->v.axes,
                       .values = s->values,
                       .faults = s->faults,
                       .columns = columns,
                       .cells = s->cells,
                       .rows = rows,
                       .key_count = keys,
                       .column_count = count};
    return true;
}

static bool save_table(const sweep *s) {
    char  *text = NULL, *path = sweep_folder_file(&s->folder, "table.csv");
    size_t bytes = 0;
    FILE  *file = path ? open_memstream(&text, &bytes) : NULL;
    if (file) table_csv(file, &s->table);
    bool good = file && fclose(file) == 0;
    if (path && !good) terminal_error("out of memory");
    good = good && support_good(canto_plot_save(path, text, bytes));
    free(text);
    free(path);
    return good;
}

/* What this build cannot draw is told, and no failure: the numbers are there. */
static bool save_picture(const sweep *s, const canto_chart *charts, size_t count) {
    canto_plot_options how = canto_plot_options_default();
    const char        *named = options_text(s->options, "picture", NULL);
    char              *data = NULL, *own = named ? NULL : sweep_folder_file(&s->folder, "curves.svg");
    const char        *path = named ? named : own;
    size_t             bytes;
    if (!path || !support_good(canto_plot_form_of(path, &how.form))) return false;
    canto_status status = canto_plot_charts(charts, count, 0, &how, &data, &bytes);
    bool         unable = status.code == CANTO_ERROR_UNSUPPORTED;
    if (unable) terminal_warning("%s is not drawn: %s", path, status.text);
    bool good = unable || (support_good(status) && support_good(canto_plot_save(path, data, bytes)));
    if (good && !unable) terminal_note("wrote %s", path);
    canto_plot_free(data);
    free(own);
    return good;
}

static bool show_picture(const canto_chart *charts, size_t count) {
    canto_plot_options how = picture_terminal(0);
    char              *data;
    size_t             bytes;
    if (!support_good(canto_plot_charts(charts, count, 1, &how, &data, &bytes))) return false;
    putchar('\n');
    fwrite(data, 1, bytes, stdout);
    canto_plot_free(data);
    return true;
}

bool sweep_end(sweep *s, const canto_chart *charts, size_t count, const char *below) {
    bool   points = false;
    size_t wide = terminal_output_is_one() ? terminal_output_columns() : 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < charts[i].series_count; k++) points |= charts[i].series[k].count > 0;
    if (!s->json) table_print(stdout, &s->table, wide);
    if (!s->json) fputs(below, stdout);
    fflush(stdout);
    if (s->folder.path && !save_table(s)) return false;
    if (!points) return true;
    if (!s->json && wide && !show_picture(charts, count)) return false;
    return !(s->folder.path || options_given(s->options, "picture")) || save_picture(s, charts, count);
}

/* -------------------------------------------------------------------------------------------------- the command */

/* What --vary NAME=A,B is about. */
static void varied_name(const char *vary, char name[64]) {
    *name = 0;
    sscanf(vary, "%63[^=]", name);
}

/* The command line wins: what it varies is not the file's to set. */
static bool read_config(option_set *options, const char *path) {
    bool   said[OPTIONS_MAX];
    size_t varied = 0;
    char   name[64];
    for (size_t i = 0; i < options->total; i++) said[i] = options->values[i].given;
    while (options_text_at(options, "vary", varied)) varied++;
    if (!options_read_config(options, path)) return false;
    for (size_t k = 0; k < varied; k++) {
        varied_name(options_text_at(options, "vary", k), name);
        for (size_t i = 0; i < options->total; i++)
            if (!said[i] && !strcmp(options->values[i].entry->name, name)) options_forget(options, name);
    }
    return true;
}

/* A folder is a model; a file is one when what is said of it is of writing alone. */
static bool writes_texts(const option_set *options) {
    struct stat about;
    option_set  train, write;
    size_t      of_training = 0, of_writing = 0, varied = 0;
    const char *vary;
    if (options->count == 1 && stat(options->operands[0], &about) == 0 && S_ISDIR(about.st_mode)) return true;
    options_begin(&train, train_groups);
    options_begin(&write, generate_groups);
    for (size_t i = 0; i < options->total; i++) {
        const char *name = options->values[i].entry->name;
        if (!options->values[i].given) continue;
        of_writing += options_know(&write, name) && !options_know(&train, name);
        of_training += options_know(&train, name) && !options_know(&write, name) && strcmp(name, "output") != 0;
    }
    while ((vary = options_text_at(options, "vary", varied++))) {
        char name[64];
        varied_name(vary, name);
        of_writing += options_know(&write, name) && !options_know(&train, name);
        of_training += options_know(&train, name) && !options_know(&write, name);
    }
    options_free(&train);
    options_free(&write);
    return of_writing && !of_training;
}

/* What is given for all runs must mean something to each of them. */
static bool all_of_one_kind(const sweep *s, bool texts) {
    option_set own, each;
    bool       good = true;
    options_begin(&own, (const option_group[]){{"", sweep_entries}, {0}});
    options_begin(&each, s->groups);
    for (size_t i = 0; good && i < s->options->total; i++) {
        const option_value *value = &s->options->values[i];
        const char         *name = value->entry->name;
        good = !value->given || options_know(&own, name) || options_know(&each, name);
        if (!good && texts)
            terminal_usage("--%s is of trainings, but here a model writes: give texts rather than a model", name);
        else if (!good) terminal_usage("--%s is of writing, but here texts are trained on: give a model", name);
    }
    options_free(&own);
    options_free(&each);
    return good;
}

/* The record is of what all runs share. */
bool sweep_open(sweep *s) {
    static const char *const own[] = {"vary", "variant", "output", "picture", "x", "y", "threads", "quiet", "json"};
    const char              *path = options_text(s->options, "output", NULL);
    if (!path) return true;
    char   *text = train_resume_record(s->options, NULL);
    json_t *record = text ? json_loads(text, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) json_object_del(record, own[i]);
    free(text);
    return sweep_folder_open(&s->folder, path, record, &s->v);
}

static int run_sweep(option_set *options) {
    sweep           s = {.options = options, .folder = {.lock = -1}};
    canto_plot_form form;
    const char     *file = options_text(options, "config", NULL);
    if (file && !read_config(options, file)) return WRONG_USAGE;
    const char *folder = options_text(options, "output", NULL), *picture = options_text(options, "picture", NULL);
    terminal_set_quiet(options_flag(options, "quiet"));
    s.json = options_flag(options, "json");
    if (!options->count)
        return support_usage(
            "of what? canto sweep TEXT... --vary NAME=A,B -o FOLDER, or canto sweep MODEL --vary NAME=A,B");
    bool texts = writes_texts(options);
    if (texts && options->count != 1) return support_usage("one model, or texts: of a model, MODEL alone");
    if (!texts && (!folder || !*folder)) return support_usage("where to? add -o FOLDER, the folder to make");
    if (picture && !support_good(canto_plot_form_of(picture, &form))) return WRONG_USAGE;
    s.groups = texts ? generate_groups : train_groups;
    int code = WRONG_USAGE;
    if (!all_of_one_kind(&s, texts) || !variants_read(options, s.groups, &s.v)) goto done;
    code = texts ? sweep_texts(&s) : sweep_runs(&s);
done:
    sweep_folder_close(&s.folder);
    variants_free(&s.v);
    free(s.names);
    free(s.values);
    free(s.faults);
    free(s.cells);
    return code;
}

static const char *const examples[] = {
    "canto sweep book.txt --vary dropout=0,0.1,0.3 -o dropout",
    "three trainings, their losses in a table and a picture",
    "canto sweep book.txt --vary lr=3e-4,1e-3 --vary clip=0,1 -o grid --x time",
    "four trainings: every rate with every clipping, against the time they took",
    "canto sweep book.txt --variant 'a: --norm post' --variant 'b: --lr 3e-4' -o ab",
    "options that belong together, under a name",
    "canto sweep run --vary temperature=0.5,1.0,1.5 -p \"It was\" -n 300",
    "three texts of one model beside each other",
    NULL,
};

const command command_sweep = {
    .name = "sweep",
    .operands = "TEXT... --vary NAME=A,B -o FOLDER [OPTIONS], or MODEL --vary NAME=A,B",
    .about = "train, or write, with every one of several settings, and compare",
    .details =
        "Of texts: one run after the other, each a run folder FOLDER/NAME as canto train makes it, with all of its "
        "options; whatever is not varied is the same in all of them, the seed too. Then a table (also "
        "FOLDER/table.csv) and the curves. Interrupted, the same command goes on: what is done is skipped, the run "
        "that "
        "was going is resumed, and further values join. A run that fails is told in the table, and tried again the "
        "next "
        "time; the others go on without it.\n"
        "In the table: the mean losses of the last evaluation and their difference, the gap; the least of both, the "
        "step of the least validation loss, and its perplexity and bits per byte (by the bytes a token of the whole "
        "text); the median speed; the time over all sittings. Losses are nats per token: where tokenizers differ, "
        "compare bits per byte.\n"
        "Of a MODEL: texts with every setting, side by side, each from the same seed, and a table: what the model "
        "itself thinks of "
        "them (loss and perplexity of the tokens written), and which share of four tokens in a row stood there before. "
        "With -o they are kept in FOLDER.\n",
    .groups = groups,
    .run = run_sweep,
    .section = "Models",
    .examples = examples,
};
