/* attention_command.c - canto attention: how the heads of a model weigh the tokens of a text.
 *
 * The weights come from canto_capture alone, row by row, head after head, and are printed as they come: values of any size
 * take no memory. Of every head some figures are kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attention_map.h"

static const option_entry entries[] = {
    {"prompt", 'p', OPTION_TEXT, "TEXT", "the text to look at (default: standard input)", 0, 0},
    {"layer", 0, OPTION_INTEGER, "N", "this layer alone, from 0 (default: all)", 0, 2147483647},
    {"head", 0, OPTION_INTEGER, "N", "this head of a layer alone, from 0 (default: all)", 0, 2147483647},
    {"csv", 0, OPTION_FLAG, NULL, "the weights as CSV on standard output, a row a token that looks", 0, 0},
    {0},
};

static const option_group groups[] = {{"Looking", entries},   {"Model", weights_entries}, {"Picture", picture_entries},
                                      {"Text", text_entries}, {"Common", common_entries}, {0}};

/* What one head does, as means over the positions from 1 on: position 0 has no choice. */
typedef struct head_figures {
    int32_t layer, head;
    double  entropy;  /* bits */
    double  distance; /* positions back */
    double  first;    /* share on position 0 */
    double  previous; /* share on the position before */
} head_figures;

typedef struct viewer {
    canto_context         *context;
    canto_model           *model;
    const canto_tokenizer *tokenizer;
    uint32_t              *ids; /* the context's memory */
    const uint32_t        *begin;
    size_t                 count;
    canto_capture_options  which;
    bool                   json, csv;
    head_figures          *heads; /* of all that are looked at, in order */
    size_t                 heads_count, at;
    size_t                 layer_heads; /* of each layer that is looked at */
    const option_set      *options;
    bool                   draws;
    canto_plot_options     how;
    attention_map          map;
} viewer;

/* ------------------------------------------------------------------------------------------------ figures */

static void add_row(head_figures *f, const float *row, int64_t i) {
    if (i == 0) return;
    for (int64_t j = 0; j <= i; j++) {
        double p = (double)row[j];
        if (p > 0) f->entropy -= p * log2(p);
        f->distance += p * (double)(i - j);
        if (!(p >= 0)) f->entropy = NAN;
    }
    f->first += (double)row[0];
    f->previous += (double)row[i - 1];
}

/* Sums become means. */
static void end_head(head_figures *f, size_t tokens) {
    double n = (double)tokens - 1; /* none: 0 / 0, not a number */
    f->entropy /= n, f->distance /= n, f->first /= n, f->previous /= n;
}

static void print_figures(const viewer *v) {
    printf("layer  head   entropy  distance    first  previous\n");
    for (size_t i = 0; i < v->heads_count; i++) {
        const head_figures *f = &v->heads[i];
        if (v->count == 1) printf("%5d  %4d  %8s  %8s  %7s  %8s\n", (int)f->layer, (int)f->head, "-", "-", "-", "-");
        else
            printf("%5d  %4d  %8.3f  %8.2f  %5.1f %%  %6.1f %%\n", (int)f->layer, (int)f->head, f->entropy, f->distance,
                   100 * f->first, 100 * f->previous);
    }
}

/* -------------------------------------------------------------------------------------------- JSON and CSV */

static const char *token_text(const viewer *v, size_t i, size_t *bytes) {
    const char *text = canto_tokenizer_token(v->tokenizer, v->begin[i], bytes);
    if (!text) *bytes = 0;
    return text ? text : "";
}

static json_t *tokens_json(const viewer *v) {
    json_t *tokens = json_array();
    for (size_t i = 0, bytes; i < v->count; i++) {
        const char *text = token_text(v, i, &bytes);
        json_array_append_new(tokens, json_text(text, bytes));
    }
    return tokens;
}

static json_t *figures_json(const viewer *v) {
    json_t *all = json_array();
    for (size_t i = 0; i < v->heads_count; i++) {
        const head_figures *f = &v->heads[i];
        json_t             *o = json_object();
        json_object_set_new(o, "layer", json_integer(f->layer));
        json_object_set_new(o, "head", json_integer(f->head));
        json_object_set_new(o, "entropy", json_number(f->entropy));
        json_object_set_new(o, "distance", json_number(f->distance));
        json_object_set_new(o, "first", json_number(f->first));
        json_object_set_new(o, "previous", json_number(f->previous));
        json_array_append_new(all, o);
    }
    return all;
}

/* A value as an object's member, after whatever precedes it. */
static void print_member(const char *before, json_t *value) {
    printf("%s", before);
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_decref(value);
}

/* A float that reads back as itself. */
static void print_value(double x) {
    if (isfinite(x)) printf("%.9g", x);
    else printf("null");
}

/* A row of the nested arrays, with the brackets that begin or end here. */
static void print_json_row(const viewer *v, const float *row, size_t i) {
    bool first_head = v->at % v->layer_heads == 0, last_head = (v->at + 1) % v->layer_heads == 0;
    if (i > 0) printf(",[");
    else printf("%s[[", first_head ? v->at ? ",[" : "[" : ",");
    for (size_t j = 0; j < v->count; j++) {
        if (j) putchar(',');
        print_value((double)row[j]);
    }
    putchar(']');
    if (i + 1 == v->count) printf("%s", last_head ? "]]" : "]");
}

/* A field of CSV (RFC 4180): in quotes, a quote in it twice. */
static void print_field(const char *text, size_t bytes) {
    putchar('"');
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"') putchar('"');
        putchar(text[i]);
    }
    putchar('"');
}

static void print_csv_head(const viewer *v) {
    printf("layer,head,position,token");
    for (size_t j = 0; j < v->count; j++) printf(",%zu", j);
    putchar('\n');
}

static void print_csv_row(const viewer *v, const float *row, size_t i) {
    size_t      bytes;
    const char *text = token_text(v, i, &bytes);
    printf("%d,%d,%zu,", (int)v->heads[v->at].layer, (int)v->heads[v->at].head, i);
    print_field(text, bytes);
    for (size_t j = 0; j < v->count; j++) {
        putchar(',');
        if (isfinite((double)row[j])) print_value((double)row[j]);
    }
    putchar('\n');
}

/* ------------------------------------------------------------------------------------------------ picture */

/* The first position that position i of a layer sees. */
static size_t first_seen(const viewer *v, int32_t layer, int64_t i) {
    const canto_config *c = canto_model_config(v->model);
    size_t              letters = strlen(c->pattern);
    bool                local = letters && c->pattern[(size_t)layer % letters] == 'l' && c->window > 0;
    return local && i >= c->window ? (size_t)(i - c->window + 1) : 0;
}

static bool draw(const viewer *v) {
    map_title        *titles = calloc(v->heads_count, sizeof *titles);
    canto_plot_label *labels = calloc(v->count, sizeof *labels);
    bool              room = titles && labels;
    for (size_t i = 0; room && i < v->heads_count; i++) {
        const head_figures *f = &v->heads[i];
        if (v->heads_count > 1) snprintf(titles[i].text, sizeof titles[i].text, "%d.%d", (int)f->layer, (int)f->head);
        else snprintf(titles[i].text, sizeof titles[i].text, "layer %d, head %d", (int)f->layer, (int)f->head);
    }
    for (size_t i = 0; room && i < v->count; i++) labels[i].text = token_text(v, i, &labels[i].bytes);
    if (!room) terminal_error("out of memory");
    bool good = room && map_draw(&v->map, v->options, &v->how, titles, v->layer_heads, labels);
    free(titles);
    free(labels);
    return good;
}

/* ------------------------------------------------------------------------------------------------ looking */

/* What precedes the first row: nothing is printed before it is known that there is one. */
static void begin(const viewer *v) {
    if (v->json) {
        print_member("{\"tokens\":", tokens_json(v));
        printf(",\"layers\":[");
    }
    if (v->csv) print_csv_head(v);
}

static bool on_captured(void *user, const canto_captured *c) {
    viewer       *v = user;
    head_figures *f = &v->heads[v->at];
    if (v->at == 0 && c->first == 0) begin(v);
    if (c->first == 0) *f = (head_figures){.layer = c->layer, .head = c->head};
    for (int64_t r = 0; r < c->rows; r++) {
        const float *row = c->values + r * c->columns;
        add_row(f, row, c->first + r);
        if (v->json) print_json_row(v, row, (size_t)(c->first + r));
        if (v->csv) print_csv_row(v, row, (size_t)(c->first + r));
        if (v->draws) map_add(&v->map, v->at, (size_t)(c->first + r), first_seen(v, c->layer, c->first + r), row);
    }
    if (c->first + c->rows == c->columns) {
        end_head(f, v->count);
        v->at++;
    }
    return !ferror(stdout) && !support_interrupted(); /* nobody reads any more: main.c says so */
}

static bool look(viewer *v) {
    canto_status status = canto_capture(v->context, v->model, v->begin, v->count, &v->which, on_captured, v);
    if (status.code == CANTO_STOPPED || !support_good(status)) return false;
    if (v->json) {
        print_member("],\"figures\":", figures_json(v));
        printf("}\n");
    } else if (!v->csv) print_figures(v);
    if (!v->draws) return true;
    if (!options_given(v->options, "output")) putchar('\n');
    return draw(v);
}

/* The heads that are asked for: there are some, and there is room for their figures. */
static bool choose_heads(viewer *v, const char *path) {
    const canto_config *c = canto_model_config(v->model);
    if (!c->attention || c->layers == 0) {
        terminal_error("%s has no attention to look at: %s", path,
                       c->layers ? "its blocks have none" : "it has no blocks");
        return false;
    }
    v->layer_heads = v->which.head >= 0 ? 1 : (size_t)c->heads;
    v->heads_count = v->layer_heads * (v->which.layer >= 0 ? 1 : (size_t)c->layers);
    v->heads = calloc(v->heads_count, sizeof *v->heads);
    if (!v->heads) terminal_error("out of memory");
    return v->heads != NULL;
}

/* The text's tokens, those at the end when they are too many. */
static bool encode(viewer *v, const char *text, size_t bytes) {
    size_t most = (size_t)canto_model_config(v->model)->context;
    if (!support_good(canto_tokenizer_encode(v->tokenizer, text, bytes, &v->ids, &v->count))) return false;
    if (!v->count) {
        terminal_error("the prompt has no tokens");
        return false;
    }
    v->begin = v->ids;
    if (v->count <= most) return true;
    terminal_note("the prompt has %zu tokens, the model sees the last %zu of them", v->count, most);
    v->begin += v->count - most;
    v->count = most;
    return true;
}

static int run_attention(option_set *options) {
    viewer      v = {.which = {CANTO_POINT_ATTENTION, -1, -1}};
    const char *text;
    char       *owned = NULL;
    size_t      bytes;
    int         code = FAILED;
    if (options->count != 1) return support_usage("which model? canto attention MODEL -p TEXT");
    v.options = options;
    v.json = options_flag(options, "json");
    v.csv = options_flag(options, "csv");
    if (v.json && v.csv) return support_usage("--json or --csv, not both");
    options_int32(options, "layer", &v.which.layer);
    options_int32(options, "head", &v.which.head);
    v.draws = options_given(options, "output") || (!v.json && !v.csv);
    if (v.draws && !picture_options(options, NULL, &v.how)) return WRONG_USAGE;
    if (!support_prompt(options, &text, &bytes, &owned)) return FAILED;
    if (!bytes) code = support_usage("there is no text to look at: give one with -p TEXT, or on standard input");
    else if ((v.context = support_context(options)) &&
             support_model(v.context, options, options->operands[0], &v.model)) {
        v.tokenizer = canto_model_tokenizer(v.model);
        support_catch_interrupts();
        if (!v.tokenizer) terminal_error("%s has no tokenizer.json: it cannot read a text", options->operands[0]);
        else if (choose_heads(&v, options->operands[0]) && encode(&v, text, bytes) &&
                 (!v.draws || map_open(&v.map, v.count, v.heads_count)) && look(&v))
            code = DONE;
    }
    free(owned);
    free(v.heads);
    map_close(&v.map);
    if (v.context) canto_free(v.context, v.ids);
    canto_model_close(v.model);
    canto_context_close(v.context);
    return code;
}

static const char *const examples[] = {
    "canto attention run -p \"It was\"",
    "every head's figures, and a sheet of all: layers down, heads across",
    "canto attention run -p \"It was\" --layer 0 --head 1",
    "one head, its rows and columns labelled; with --csv its weights for a spreadsheet",
    "canto attention run -p \"It was the evening\" -o sheet.svg",
    "all heads as a picture for a page",
    "head -c 12 book.txt | canto attention run --json",
    "all heads' weights of a text from standard input, for another program",
    NULL,
};

const command command_attention = {
    .name = "attention",
    .operands = "MODEL -p TEXT [OPTIONS]",
    .about = "show how a model's heads weigh the tokens of a text",
    .details =
        "Each token looks at itself and those before it (of a local layer: the nearest of them) with weights that sum "
        "to "
        "1; row i, column j is how much token i takes from token j. Layers and heads count from 0. A text longer than "
        "the model's context loses its beginning.\n"
        "Figures of a head are means over the tokens, but for the first, which has no choice: entropy in bits (0: all "
        "on "
        "one token; k: as if evenly on 2^k), mean distance in tokens, the share on the first token, and the share on "
        "the "
        "token just before.\n"
        "A picture's colours reach from 0 to the greatest weight behind the first eighth of the rows, which have "
        "little "
        "choice; what is not seen stays empty. It is shown here below the figures, or goes to -o's file.\n"
        "--json: {\"tokens\": [...], \"layers\": [[[[row], ...] a head, ...] a layer, ...], \"figures\": [...]}. "
        "--csv: "
        "a line a row, columns by position.\n",
    .groups = groups,
    .run = run_attention,
    .section = "Models",
    .examples = examples,
};
