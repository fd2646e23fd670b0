/* inspect.c - canto inspect: the modules of a model as a tree, its settings, its size, its needs.
 *
 * The tree is made from the dotted names of the parameter tensors alone. A node whose children are all tensors is a
 * layer and is printed as PyTorch prints one; equal neighbours with running numbers are folded: (0-7): 8 x (...). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model_options.h"

static const option_entry entries[] = {
    {"presets", 0, OPTION_FLAG, NULL, "list the presets", 0, 0},
    {"batch", 0, OPTION_INTEGER, "N", "sequences of a batch, for the memory of training (default: the preset's)", 1,
     2147483647},
    {0},
};

static const option_group groups[] = {
    {"Looking", entries}, {"Model", shape_entries}, {"Dropout", dropout_entries}, {"Common", common_entries}, {0}};

/* --------------------------------------------------------------------------------------------------- tree */

typedef struct node {
    char     name[96];
    int64_t  rows, columns; /* of a tensor; rows 0: a module */
    uint64_t parameters;    /* below it too */
    size_t   child, next;   /* first child and next sibling; 0: none, the root is nobody's child */
} node;

typedef struct tree {
    node  *nodes;
    size_t count, room;
} tree;

/* The child of parent with this name, made when missing; 0 when memory ran out. */
static size_t child_named(tree *t, size_t parent, const char *name, size_t bytes) {
    size_t last = 0;
    for (size_t i = t->nodes[parent].child; i; i = t->nodes[i].next) {
        if (strlen(t->nodes[i].name) == bytes && !memcmp(t->nodes[i].name, name, bytes)) return i;
        last = i;
    }
    if (t->count == t->room) {
        node *more = realloc(t->nodes, 2 * t->room * sizeof *more);
        if (!more) return 0;
        t->nodes = more;
        t->room *= 2;
    }
    size_t made = t->count++;
    t->nodes[made] = (node){0};
    memcpy(t->nodes[made].name, name, bytes);
    if (last) t->nodes[last].next = made;
    else t->nodes[parent].child = made;
    return made;
}

static bool insert(tree *t, const canto_module *module) {
    size_t      at = 0;
    const char *name = module->name;
    t->nodes[0].parameters += module->parameters;
    while (*name) {
        size_t bytes = strcspn(name, ".");
        at = child_named(t, at, name, bytes);
        if (!at) return false;
        t->nodes[at].parameters += module->parameters;
        name += bytes + (name[bytes] == '.');
    }
    t->nodes[at].rows = module->rows;
    t->nodes[at].columns = module->columns;
    return true;
}

static bool build(tree *t, const canto_config *config, size_t modules) {
    bool memory = false; /* was there enough of it, and something else failed */
    *t = (tree){malloc(256 * sizeof *t->nodes), 1, 256};
    if (t->nodes) t->nodes[0] = (node){0};
    for (size_t i = 0; t->nodes && i < modules; i++) {
        canto_module module;
        bool         known = support_good(canto_config_module(config, i, &module));
        if (known && insert(t, &module)) continue;
        if (!known) memory = true;
        free(t->nodes);
        t->nodes = NULL;
    }
    if (!t->nodes && !memory) terminal_error("out of memory");
    return t->nodes != NULL;
}

/* Whether two nodes have the same things below them. */
static bool alike(const tree *t, size_t a, size_t b) {
    const node *x = &t->nodes[a], *y = &t->nodes[b];
    if (x->rows != y->rows || x->columns != y->columns || x->parameters != y->parameters) return false;
    size_t i = x->child, j = y->child;
    for (; i && j; i = t->nodes[i].next, j = t->nodes[j].next)
        if (strcmp(t->nodes[i].name, t->nodes[j].name) || !alike(t, i, j)) return false;
    return i == j;
}

/* A module's form when all its children are tensors: "Linear(in 768, out 2304)"; false when some are modules. */
static bool layer_form(const tree *t, size_t at, char out[160]) {
    const node *first = &t->nodes[t->nodes[at].child];
    bool        bias = false;
    for (size_t i = t->nodes[at].child; i; i = t->nodes[i].next) {
        if (!t->nodes[i].rows) return false;
        if (i != t->nodes[at].child) bias = true;
    }
    const char *name = t->nodes[at].name;
    bool        table = strstr(name, "emb") || strstr(name, "wte") || strstr(name, "wpe") || strstr(name, "pos");
    if (!first->columns) snprintf(out, 160, "LayerNorm(%lld)", (long long)first->rows);
    else if (table && !bias)
        snprintf(out, 160, "Embedding(%lld, %lld)", (long long)first->rows, (long long)first->columns);
    else
        snprintf(out, 160, "Linear(in_features=%lld, out_features=%lld, bias=%s)", (long long)first->columns,
                 (long long)first->rows, bias ? "True" : "False");
    return true;
}

static void print_line(int depth, const char *head, const char *form, uint64_t parameters) {
    int wide = printf("%*s%s%s", 2 * depth, "", head, form);
    printf("%*s%15s\n", wide < 84 ? 84 - wide : 1, "", number_grouped(parameters).text);
}

/* The last of the siblings from at on that are at's equals with running numbers. */
static size_t last_of_run(const tree *t, size_t at) {
    size_t last = at;
    if (strspn(t->nodes[at].name, "0123456789") != strlen(t->nodes[at].name)) return at;
    for (size_t i = t->nodes[at].next; i && alike(t, at, i); i = t->nodes[i].next) {
        if (strtol(t->nodes[i].name, NULL, 10) != strtol(t->nodes[last].name, NULL, 10) + 1) break;
        last = i;
    }
    return last;
}

static void print_children(const tree *t, size_t parent, int depth) {
    for (size_t i = t->nodes[parent].child; i;) {
        size_t      last = last_of_run(t, i);
        const node *one = &t->nodes[i];
        char        head[256], form[160];
        long        times = 1;
        if (last == i) snprintf(head, sizeof head, "(%s): ", one->name);
        else {
            times = strtol(t->nodes[last].name, NULL, 10) - strtol(one->name, NULL, 10) + 1;
            snprintf(head, sizeof head, "(%s-%s): %ld x ", one->name, t->nodes[last].name, times);
        }
        uint64_t parameters = one->parameters * (uint64_t)times;
        if (one->rows) {
            if (one->columns)
                snprintf(form, sizeof form, "Parameter(%lld, %lld)", (long long)one->rows, (long long)one->columns);
            else snprintf(form, sizeof form, "Parameter(%lld)", (long long)one->rows);
            print_line(depth, head, form, parameters);
        } else if (layer_form(t, i, form)) print_line(depth, head, form, parameters);
        else {
            print_line(depth, head, "(", parameters);
            print_children(t, i, depth + 1);
            printf("%*s)\n", 2 * depth, "");
        }
        i = t->nodes[last].next;
    }
}

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

static void print_bytes(const char *name, uint64_t bytes) {
    printf("  %-26s %s\n", name, number_bytes((double)bytes).text);
}

static bool print_report(const canto_config *config, const canto_report *r, const canto_plan *p, int32_t batch) {
    tree t;
    if (!build(&t, config, r->modules)) return false;
    print_line(0, *config->preset ? config->preset : "model", "(", r->total);
    print_children(&t, 0, 1);
    printf(")\n");
    free(t.nodes);
    print_settings(config);
    printf("\nParameters\n");
    print_count("total", r->total);
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
                       int32_t batch) {
    char *text = NULL;
    if (!support_good(canto_config_json(context, config, &text))) return false;
    json_t *o = json_object(), *parameters = json_object(), *memory = json_object();
    json_object_set_new(parameters, "total", json_whole(r->total));
    json_object_set_new(parameters, "without_token_embedding", json_whole(r->without_token_embedding));
    json_object_set_new(parameters, "without_embeddings", json_whole(r->without_embeddings));
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
            printf("%-20s %6s  %s\n", name, number_short((double)report.total).text, about);
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

static int inspect_config(canto_context *context, const option_set *options, const canto_config *config,
                          canto_train_options *training) {
    canto_report report;
    canto_plan   plan;
    options_int32(options, "batch", &training->batch);
    training->eval_batch = 0;
    if (!support_good(canto_config_report(config, training->batch, 0, &report))) return FAILED;
    if (report.modules > MODULES_MAX) {
        terminal_error("a model of %s modules is too large to list; use fewer --layers or --heads",
                       number_grouped(report.modules).text);
        return FAILED;
    }
    if (!support_good(canto_train_plan(context, config, training, NULL, NULL, &plan))) return FAILED;
    bool good = options_flag(options, "json") ? print_json(context, config, &report, &plan, training->batch)
                                              : print_report(config, &report, &plan, training->batch);
    return good ? DONE : FAILED;
}

/* The config of a saved model, which is closed again: its weights are not what a training would need. */
static bool read_model(canto_context *context, const char *path, canto_config *config, canto_train_options *training) {
    canto_model *model;
    if (!support_good(canto_preset("mini", config, training)) || !support_good(canto_model_open(context, path, &model)))
        return false;
    training->batch = 1;
    *config = *canto_model_config(model);
    canto_model_close(model);
    return true;
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
    if (!preset)
        for (const option_entry *e = shape_entries; e->name; e++)
            if (options_given(options, e->name))
                return support_usage("--%s shapes a preset; a saved model is what it is", e->name);
    canto_context *context = support_context(options);
    int            code = FAILED;
    if (context && (preset || read_model(context, options->operands[0], &config, &training)))
        code = inspect_config(context, options, &config, &training);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto inspect run",
    "what a trained model consists of",
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
    .details = "Modules as a tree, settings, parameters, memory for training and arithmetic. Nothing of a preset is "
               "allocated, so every one can be looked at.\n"
               "The options of Model and Dropout change a preset; a saved model is what it is.\n",
    .groups = groups,
    .run = run_inspect,
    .section = "Models",
    .examples = examples,
};
