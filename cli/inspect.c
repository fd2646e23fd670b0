/* inspect.c - canto inspect: the modules of a model as a tree, its settings, its size, its needs; of a saved one also its files,
 * its history and its numbers, which are read while it is open. */
#include <math.h>
#include <string.h>

#include "inspect.h"
#include "model_options.h"

static const option_entry entries[] = {
    {"stats", 0, OPTION_FLAG, NULL, "norm and spread of every tensor of a saved model", 0, 0},
    {"diff", 0, OPTION_PATH, "OTHER", "how another saved model of the same shape differs, tensor by tensor", 0, 0},
    {"map", 0, OPTION_FILE, "FILE", "what the names of a file's tensors mean, as JSON (docs/formats.md)", 0, 0},
    {"presets", 0, OPTION_FLAG, NULL, "list the presets", 0, 0},
    {"batch", 0, OPTION_INTEGER, "N", "sequences of a batch, for the memory of training (default: the preset's)", 1,
     2147483647},
    {0},
};

static const option_group groups[] = {
    {"Looking", entries}, {"Model", shape_entries}, {"Dropout", dropout_entries}, {"Common", common_entries}, {0}};

/* ------------------------------------------------------------------------------------------------- report */

static const char *on(bool is) { return is ? "on" : "off"; }

static void print_settings(const canto_config *c) {
    static const char *const positions[] = {"learned", "sinusoidal", "none"}, *const norms[] = {"pre", "post", "none"};
    static const char *const scales[] = {"head", "none", "width"}, *const activations[] = {"gelu-tanh", "gelu", "relu"};
    printf("\nSettings\n");
    printf("  vocabulary        %s\n", number_grouped((uint64_t)c->vocab).text);
    printf("  context           %d\n  width             %d\n  layers            %d\n", (int)c->context, (int)c->width,
           (int)c->layers);
    printf("  heads             %d of width %d\n", (int)c->heads, (int)(c->width / c->heads));
    printf("  feed-forward      %d, %s\n", (int)c->ffn, activations[c->activation]);
    printf("  positions         %s\n  norm              %s, final %s\n", positions[c->positions], norms[c->norm],
           on(c->final_norm));
    printf("  attention         %s, scale %s, ", on(c->attention), scales[c->attention_scale]);
    if (c->window) printf("pattern %s, window %d\n", c->pattern, (int)c->window);
    else printf("all layers global\n");
    printf("  q/k/v bias        %s\n  projection        %s, bias %s\n", on(c->qkv_bias), on(c->projection),
           on(c->projection_bias));
    printf("  residuals         %s\n  head              %s, bias %s\n", on(c->residuals), c->tied ? "tied" : "its own",
           on(c->head_bias));
    printf("  dropout           embedding %g, attention %g, ffn %g, residual %g, block %g\n", c->dropout_embedding,
           c->dropout_attention, c->dropout_ffn, c->dropout_residual, c->dropout_block);
}

static void print_count(const char *name, uint64_t n) {
    printf("  %-26s %s (%s)\n", name, number_grouped(n).text, number_short((double)n).text);
}

/* The parameters by parts, with their names in JSON and for people. */
#define PARTS 6
typedef struct part {
    const char *key, *name;
    uint64_t    parameters;
} part;

static void parts_of(const canto_report *r, part parts[PARTS]) {
    parts[0] = (part){"token_embedding", "token embedding", r->token_embedding};
    parts[1] = (part){"position_embedding", "position embedding", r->position_embedding};
    parts[2] = (part){"attention", "attention", r->attention};
    parts[3] = (part){"feed_forward", "feed-forward", r->feed_forward};
    parts[4] = (part){"norms", "norms", r->norms};
    parts[5] = (part){"head", "head", r->head};
}

static void print_parts(const canto_report *r) {
    part parts[PARTS];
    parts_of(r, parts);
    for (int i = 0; i < PARTS; i++)
        if (parts[i].parameters)
            printf("    %-24s %s (%.1f %%)\n", parts[i].name, number_grouped(parts[i].parameters).text,
                   100 * (double)parts[i].parameters / (double)r->total);
}

static void print_bytes(const char *name, uint64_t bytes) {
    printf("  %-26s %s\n", name, number_bytes((double)bytes).text);
}

/* What is told of a saved model beside its config; NULL: it is not asked for, or the model is a preset. */
typedef struct saved {
    json_t *files, *training, *statistics, *difference;
} saved;

static bool print_report(const canto_config *config, const canto_report *r, const canto_plan *p, int32_t batch,
                         const saved *s) {
    if (!tree_print(*config->preset ? config->preset : "model", config, r)) return false;
    if (s->files) files_print(s->files);
    if (s->training) training_print(s->training);
    print_settings(config);
    printf("\nParameters\n");
    print_count("total", r->total);
    print_parts(r);
    print_count("without token embedding", r->without_token_embedding);
    print_count("without embeddings", r->without_embeddings);
    printf("\nMemory\n");
    printf("  %-26s %.2f MB\n", "size (float32)", (double)r->weights_bytes / (1024.0 * 1024));
    printf("  training, batch %d of %d tokens:\n", (int)batch, (int)config->context);
    print_bytes("  gradients", r->gradients_bytes);
    print_bytes("  optimizer's moments", r->moments_bytes);
    print_bytes("  activations", r->activations_bytes);
    print_bytes("  all together", r->training_bytes);
    print_bytes("  at most, with all else", p->peak_bytes);
    print_bytes("writing, beside the model", p->session_bytes);
    printf("\nArithmetic, a token\n  %-26s %s FLOP\n  %-26s %s FLOP\n", "forward",
           number_short(r->forward_flops_per_token).text, "training", number_short(r->training_flops_per_token).text);
    return true;
}

static json_t *modules_json(const canto_config *config, size_t count) {
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        canto_module m;
        if (canto_config_module(config, i, &m).code != CANTO_OK) break;
        json_t *o = json_object(), *shape = json_array();
        json_array_append_new(shape, json_integer(m.rows));
        if (m.columns) json_array_append_new(shape, json_integer(m.columns));
        json_object_set_new(o, "name", json_string(m.name));
        json_object_set_new(o, "shape", shape);
        json_object_set_new(o, "parameters", json_whole(m.parameters));
        json_array_append_new(all, o);
    }
    return all;
}

/* A count that may be too large for an integer, whole when it can be. */
static json_t *json_count(double n) {
    return n >= 0 && n < 9e18 && n == floor(n) ? json_integer((json_int_t)n) : json_number(n);
}

static bool print_json(canto_context *context, const canto_config *config, const canto_report *r, const canto_plan *p,
                       int32_t batch, const saved *s) {
    char *text = NULL;
    if (!support_good(canto_config_json(context, config, &text))) return false;
    json_t *o = json_object(), *parameters = json_object(), *memory = json_object();
    json_object_set_new(parameters, "total", json_whole(r->total));
    json_object_set_new(parameters, "without_token_embedding", json_whole(r->without_token_embedding));
    json_object_set_new(parameters, "without_embeddings", json_whole(r->without_embeddings));
    part parts[PARTS];
    parts_of(r, parts);
    for (int i = 0; i < PARTS; i++) json_object_set_new(parameters, parts[i].key, json_whole(parts[i].parameters));
    json_object_set_new(memory, "weights_bytes", json_whole(r->weights_bytes));
    json_object_set_new(memory, "gradients_bytes", json_whole(r->gradients_bytes));
    json_object_set_new(memory, "moments_bytes", json_whole(r->moments_bytes));
    json_object_set_new(memory, "activations_bytes", json_whole(r->activations_bytes));
    json_object_set_new(memory, "training_bytes", json_whole(r->training_bytes));
    json_object_set_new(memory, "peak_bytes", json_whole(p->peak_bytes));
    json_object_set_new(memory, "session_bytes", json_whole(p->session_bytes));
    json_object_set_new(o, "parameters", parameters);
    json_object_set_new(o, "memory", memory);
    json_object_set_new(o, "batch", json_integer(batch));
    json_object_set_new(o, "flops_per_token", json_count(r->training_flops_per_token));
    json_object_set_new(o, "forward_flops_per_token", json_count(r->forward_flops_per_token));
    json_object_set_new(o, "training_flops_per_token", json_count(r->training_flops_per_token));
    json_object_set_new(o, "config", json_loads(text, 0, NULL));
    json_object_set_new(o, "modules", modules_json(config, r->modules));
    if (s->files) json_object_set(o, "files", s->files);
    if (s->training) json_object_set(o, "training", s->training);
    if (s->statistics) json_object_set(o, "statistics", s->statistics);
    if (s->difference) json_object_set(o, "difference", s->difference);
    json_print(o);
    canto_free(context, text);
    return true;
}

static int list_presets(bool json) {
    const char *about, *name;
    json_t     *all = json_array();
    for (size_t i = 0; (name = canto_preset_name(i, &about)); i++) {
        canto_config config;
        canto_report report = {0};
        if (canto_preset(name, &config, NULL).code == CANTO_OK) canto_config_report(&config, 1, 0, &report);
        if (!json) {
            printf("%-18s %5s  %s\n", name, number_short((double)report.total).text, about);
            continue;
        }
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(name));
        json_object_set_new(o, "parameters", json_whole(report.total));
        json_object_set_new(o, "about", json_string(about));
        json_array_append_new(all, o);
    }
    if (json) json_print(all);
    else json_decref(all);
    return DONE;
}

/* Enough for any model that fits a machine; a tree of billions of lines serves nobody. */
#define MODULES_MAX 20000

static bool count_modules(const canto_config *config, int32_t batch, canto_report *report) {
    if (!support_good(canto_config_report(config, batch, 0, report))) return false;
    if (report->modules <= MODULES_MAX) return true;
    terminal_error("a model of %s modules is too large to list; use fewer --layers or --heads",
                   number_grouped(report->modules).text);
    return false;
}

static bool inspect_config(canto_context *context, const option_set *options, const canto_config *config,
                           canto_train_options *training, const saved *s) {
    canto_report report;
    canto_plan   plan;
    options_int32(options, "batch", &training->batch);
    training->eval_batch = 0;
    if (!count_modules(config, training->batch, &report) ||
        !support_good(canto_train_plan(context, config, training, NULL, NULL, &plan)))
        return false;
    return options_flag(options, "json") ? print_json(context, config, &report, &plan, training->batch, s)
                                         : print_report(config, &report, &plan, training->batch, s);
}

static bool look_into(canto_context *context, const option_set *options, const canto_model *model, saved *s) {
    const char  *other = options_text(options, "diff", NULL);
    canto_report report;
    s->files = files_json(model, options->operands[0]);
    s->training = training_json(model);
    if (!count_modules(canto_model_config(model), 1, &report)) return false;
    if (options_flag(options, "stats") && !(s->statistics = statistics_json(model, report.modules))) return false;
    return !other || (s->difference = difference_json(context, model, other, report.modules));
}

/* Opens a saved model, looks into it and closes it again: its weights are not what a training would need. */
static bool read_model(canto_context *context, const option_set *options, canto_config *config,
                       canto_train_options *training, saved *s) {
    canto_model *model;
    if (!support_good(canto_preset("mini", config, training)) ||
        !support_model(context, options, options->operands[0], &model))
        return false;
    training->batch = 1;
    *config = *canto_model_config(model);
    bool good = look_into(context, options, model, s);
    canto_model_close(model);
    return good;
}

static bool inspect_saved(canto_context *context, const option_set *options) {
    canto_config        config;
    canto_train_options training;
    saved               s = {0};
    bool                good = read_model(context, options, &config, &training, &s);
    if (good && (options_flag(options, "json") || (!s.statistics && !s.difference)))
        good = inspect_config(context, options, &config, &training, &s);
    else if (good) {
        if (s.statistics) statistics_print(s.statistics);
        if (s.statistics && s.difference) putchar('\n');
        if (s.difference) difference_print(s.difference);
    }
    json_decref(s.files);
    json_decref(s.training);
    json_decref(s.statistics);
    json_decref(s.difference);
    return good;
}

/* MODEL's own shape is what it is: no option but --context may change what is counted. */
static int run_inspect(option_set *options) {
    canto_config        config;
    canto_train_options training;
    const char         *preset = options_text(options, "preset", NULL);
    if (options_flag(options, "presets")) return list_presets(options_flag(options, "json"));
    if (preset && options->count) return support_usage("a MODEL or a --preset, not both");
    if (!preset && options->count != 1) return support_usage("which model? canto inspect MODEL, or --preset NAME");
    if (preset && (!support_good(canto_preset(preset, &config, &training)) || !model_options_apply(options, &config) ||
                   !support_good(canto_config_check(&config))))
        return WRONG_USAGE;
    if (preset && (options_flag(options, "stats") || options_given(options, "diff") || options_given(options, "map")))
        return support_usage("--stats, --diff and --map are for a saved model's numbers; a preset has none");
    if (!preset)
        for (const option_entry *e = shape_entries; e->name; e++)
            if (options_given(options, e->name) && strcmp(e->name, "heads") != 0)
                return support_usage("--%s shapes a preset; a saved model is what it is", e->name);
    canto_context *context = support_context(options);
    saved          none = {0};
    bool           good = context && (preset ? inspect_config(context, options, &config, &training, &none)
                                             : inspect_saved(context, options));
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const examples[] = {
    "canto inspect run",
    "what a trained model consists of, and how it came to be",
    "canto inspect run --stats",
    "the norm and spread of each of its tensors",
    "canto inspect run/best --diff run/last",
    "what the steps after the best checkpoint have changed",
    "canto inspect --preset gpt2 --context 512 --batch 4",
    "what GPT-2 needs when trained on 4 sequences of 512 tokens",
    "canto inspect --presets",
    "the models that canto knows by name",
    NULL,
};

const command command_inspect = {
    .name = "inspect",
    .operands = "MODEL | --preset NAME [OPTIONS] | --presets",
    .about = "show what a model consists of and what it needs",
    .details =
        "Modules as a tree, settings, parameters, memory for training and arithmetic; of a saved model also its files "
        "and the history of its training. Nothing of a preset is allocated, so every one can be looked at.\n"
        "--stats: norm (root of the sum of squares), mean, standard deviation, least and greatest element. --diff: the "
        "norm of OTHER's numbers less MODEL's, the same relative to MODEL's norm, the largest change, the cosine of "
        "the "
        "angle between both, and the share of the elements that are not the same. With --json they come beside "
        "everything else.\n"
        "The options of Model and Dropout change a preset; a saved model is what it is, but for --heads of a file of "
        "weights "
        "that does not say how many.\n",
    .groups = groups,
    .run = run_inspect,
    .section = "Models",
    .examples = examples,
};
