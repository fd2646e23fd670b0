/* presets.c - the models that have names, with the settings of their sources.
 *
 * A preset is a base of its family (what the family's blocks are), sizes from the table, and one of five ways of
 * training. Sources: 000 (gpt-neo-lite), 001 and 002 (gpt2*), 003 (dante*), 004 (shakespeare-*); the published GPT-2,
 * GPT-3 and GPT-Neo papers for the others. Where a source names no value, ours is said beside it. */
#include "base/status.h"

#include <stdio.h>
#include <string.h>

typedef enum recipe { RECIPE_SHAKESPEARE, RECIPE_NEO_LITE, RECIPE_GPT2, RECIPE_DANTE, RECIPE_MINI } recipe;

typedef struct preset {
    const char  *name;
    canto_family family;
    int32_t      width, heads, layers, context, ffn, vocab;
    double       dropout;
    recipe       training;
    const char  *about;
} preset;

static const preset presets[] = {
    {"mini", CANTO_FAMILY_GPT2, 128, 4, 4, 128, 512, 256, 0, RECIPE_MINI,
     "GPT-2-shaped and quick: the default of train"},
    {"shakespeare-tiny", CANTO_FAMILY_SHAKESPEARE, 64, 4, 4, 64, 256, 65, 0.1, RECIPE_SHAKESPEARE,
     "source 004: characters of tiny Shakespeare"},
    {"shakespeare-small", CANTO_FAMILY_SHAKESPEARE, 128, 4, 6, 256, 512, 65, 0.1, RECIPE_SHAKESPEARE,
     "the same family, wider and deeper"},
    {"shakespeare-medium", CANTO_FAMILY_SHAKESPEARE, 384, 6, 6, 256, 1536, 65, 0.1, RECIPE_SHAKESPEARE,
     "the same family, wider still"},
    {"gpt2", CANTO_FAMILY_GPT2, 768, 12, 12, 1024, 3072, 50257, 0, RECIPE_GPT2, "GPT-2 124M"},
    {"gpt2-medium", CANTO_FAMILY_GPT2, 1024, 16, 24, 1024, 4096, 50257, 0, RECIPE_GPT2, "GPT-2 355M"},
    {"gpt2-large", CANTO_FAMILY_GPT2, 1280, 20, 36, 1024, 5120, 50257, 0, RECIPE_GPT2, "GPT-2 774M"},
    {"gpt2-xl", CANTO_FAMILY_GPT2, 1600, 25, 48, 1024, 6400, 50257, 0, RECIPE_GPT2, "GPT-2 1558M"},
    {"gpt2-untied", CANTO_FAMILY_GPT2, 768, 12, 12, 1024, 3072, 50257, 0.1, RECIPE_GPT2,
     "sources 001 and 002: GPT-2 with a head of its own"},
    {"gpt3", CANTO_FAMILY_GPT2, 12288, 96, 96, 2048, 49152, 50257, 0, RECIPE_GPT2,
     "GPT-3 175B: to be counted, too large to train here"},
    {"gpt-neo-lite", CANTO_FAMILY_GPT_NEO, 64, 16, 8, 64, 256, 50257, 0, RECIPE_NEO_LITE,
     "source 000: GPT-Neo blocks, all local with window 64"},
    {"gpt-neo-125m", CANTO_FAMILY_GPT_NEO, 768, 12, 12, 2048, 3072, 50257, 0, RECIPE_GPT2,
     "GPT-Neo as published: global and local layers in turn"},
    {"gpt-neo-1.3b", CANTO_FAMILY_GPT_NEO, 2048, 16, 24, 2048, 8192, 50257, 0, RECIPE_GPT2, "GPT-Neo 1.3B"},
    {"gpt-neo-2.7b", CANTO_FAMILY_GPT_NEO, 2560, 20, 32, 2048, 10240, 50257, 0, RECIPE_GPT2, "GPT-Neo 2.7B"},
    {"dante-basic", CANTO_FAMILY_DANTE, 1024, 1, 0, 512, 2048, 20792, 0, RECIPE_DANTE,
     "source 003, first stage: embedding, norm, head"},
    {"dante-attention", CANTO_FAMILY_DANTE, 1024, 1, 1, 512, 2048, 20792, 0, RECIPE_DANTE,
     "source 003, middle stage: one single-head block, ReLU"},
    {"dante", CANTO_FAMILY_DANTE, 1024, 4, 8, 512, 2048, 20792, 0.25, RECIPE_DANTE,
     "source 003: words of the Commedia, post-norm blocks"},
};

#define PRESETS (sizeof presets / sizeof presets[0])

/* ----------------------------------------------------------------------------------------- the families' blocks */

static void base_common(canto_config *c) {
    c->norm = CANTO_NORM_PRE;
    c->attention = true;
    c->projection = true;
    c->projection_bias = true;
    c->residuals = true;
    c->final_norm = true;
    c->norm_eps = 1e-5;
    c->pattern[0] = 'g';
}

static void base_gpt2(canto_config *c) {
    c->qkv_bias = true;
    c->tied = true;
}

/* Source 000 is local everywhere with a window as wide as its context and has a head of its own; the published ones
 * alternate and are tied. */
static void base_neo(canto_config *c, bool lite) {
    c->attention_scale = CANTO_SCALE_NONE;
    c->tied = !lite;
    c->window = lite ? 64 : 256;
    memcpy(c->pattern, lite ? "l" : "gl", lite ? 2 : 3);
}

static void base_shakespeare(canto_config *c) {
    c->attention_scale = CANTO_SCALE_WIDTH;
    c->activation = CANTO_GELU_EXACT;
    c->head_bias = true;
}

/* Its two earlier stages have neither residuals nor norms in a block; the first has no positions either. */
static void base_dante(canto_config *c) {
    bool blocks = c->layers > 1;
    c->qkv_bias = true;
    c->head_bias = true;
    c->positions = c->layers > 0 ? CANTO_POSITIONS_SINUSOIDAL : CANTO_POSITIONS_NONE;
    c->activation = blocks ? CANTO_GELU_EXACT : CANTO_RELU;
    c->attention_scale = blocks ? CANTO_SCALE_HEAD : CANTO_SCALE_WIDTH;
    c->norm = blocks ? CANTO_NORM_POST : CANTO_NORM_NONE;
    c->residuals = blocks;
    c->projection = blocks;
    c->projection_bias = blocks;
}

static void fill_config(const preset *p, canto_config *c) {
    memset(c, 0, sizeof *c);
    snprintf(c->preset, sizeof c->preset, "%s", p->name);
    c->family = p->family;
    c->vocab = p->vocab;
    c->context = p->context;
    c->width = p->width;
    c->heads = p->heads;
    c->layers = p->layers;
    c->ffn = p->ffn;
    base_common(c);
    switch (p->family) {
    case CANTO_FAMILY_GPT2:
        base_gpt2(c);
        break;
    case CANTO_FAMILY_GPT_NEO:
        base_neo(c, strcmp(p->name, "gpt-neo-lite") == 0);
        break;
    case CANTO_FAMILY_DANTE:
        base_dante(c);
        break;
    case CANTO_FAMILY_SHAKESPEARE:
        base_shakespeare(c);
        break;
    }
    if (strcmp(p->name, "gpt2-untied") == 0) c->tied = false;
    canto_config_dropout(c, p->dropout);
}

/* ------------------------------------------------------------------------------------------- the ways of training */

/* Source 004: AdamW as PyTorch has it by default, a constant rate, losses over 100 batches every 500 updates. */
static void train_shakespeare(canto_train_options *t) {
    *t = (canto_train_options){.seed = 1337,
                               .init = CANTO_INIT_TORCH,
                               .steps = 5000,
                               .batch = 32,
                               .accumulate = 1,
                               .optimizer = CANTO_ADAMW,
                               .lr = 3e-4,
                               .schedule = CANTO_SCHEDULE_CONSTANT,
                               .beta1 = 0.9,
                               .beta2 = 0.999,
                               .eps = 1e-8,
                               .weight_decay = 0.01,
                               .split = 0.9,
                               .eval_every = 500,
                               .eval_batches = 100,
                               .log_every = 1,
                               .keep = 3};
}

/* The GPT-3 paper's optimizer, as everybody trains GPT-2 since; steps and batch are ours. */
static void train_gpt2(canto_train_options *t) {
    *t = (canto_train_options){.seed = 1337,
                               .init = CANTO_INIT_GPT2,
                               .steps = 10000,
                               .batch = 4,
                               .accumulate = 4,
                               .optimizer = CANTO_ADAMW,
                               .lr = 6e-4,
                               .min_lr = 6e-5,
                               .schedule = CANTO_SCHEDULE_COSINE,
                               .warmup = 500,
                               .beta1 = 0.9,
                               .beta2 = 0.95,
                               .eps = 1e-8,
                               .weight_decay = 0.1,
                               .decay_matrices_only = true,
                               .clip = 1,
                               .split = 0.9,
                               .eval_every = 500,
                               .eval_batches = 20,
                               .log_every = 1,
                               .keep = 3};
}

/* Source 003: Adam, epochs, batches of 16 and 8 with the split of 0.7 that it gives beside them. It names no learning
 * rate; 3e-4 is ours, and so are 10 epochs (it trains 150 and 500). */
static void train_dante(canto_train_options *t) {
    train_shakespeare(t);
    t->steps = 0;
    t->epochs = 10;
    t->batch = 16;
    t->eval_batch = 8;
    t->optimizer = CANTO_ADAM;
    t->weight_decay = 0;
    t->split = 0.7;
    t->eval_every = 0;
    t->eval_batches = 20;
}

static void train_mini(canto_train_options *t) {
    train_gpt2(t);
    t->steps = 2000;
    t->batch = 16;
    t->accumulate = 1;
    t->lr = 1e-3;
    t->min_lr = 1e-4;
    t->warmup = 100;
    t->beta2 = 0.99;
    t->eval_every = 250;
}

static void fill_training(const preset *p, canto_train_options *t) {
    switch (p->training) {
    case RECIPE_SHAKESPEARE:
        train_shakespeare(t);
        break;
    case RECIPE_NEO_LITE:
        train_shakespeare(t);
        t->eval_batches = 20;
        break; /* 000 trains nothing: as 004 does */
    case RECIPE_GPT2:
        train_gpt2(t);
        break;
    case RECIPE_DANTE:
        train_dante(t);
        break;
    case RECIPE_MINI:
        train_mini(t);
        break;
    }
    if (strcmp(p->name, "gpt2-untied") == 0) t->init = CANTO_INIT_TORCH;
    if (strcmp(p->name, "gpt3") == 0) {
        t->lr = 6e-5;
        t->min_lr = 6e-6;
    }
}

/* A tenth of what mini begins with: a model that is there is to learn, and not to forget. */
canto_train_options canto_train_options_tuning(void) {
    canto_config        mini;
    canto_train_options t;
    canto_preset("mini", &mini, &t);
    t.steps = 500;
    t.lr = 1e-4;
    t.min_lr = 1e-5;
    t.warmup = 20;
    t.beta2 = 0.999;
    t.weight_decay = 0.01;
    t.eval_every = 100;
    return t;
}

/* --------------------------------------------------------------------------------------------------- by name */

/* Insertions, deletions and changes that turn a into b (Levenshtein); names longer than the row are far from all. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[64], n = strlen(b);
    if (n >= 64 || strlen(a) >= 64) return 64;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

static const preset *nearest(const char *name) {
    const preset *best = &presets[0];
    size_t        least = 1000;
    for (size_t i = 0; i < PRESETS; i++) {
        size_t d = edit_distance(name, presets[i].name);
        if (d < least) {
            least = d;
            best = &presets[i];
        }
    }
    return best;
}

canto_status canto_preset(const char *name, canto_config *config, canto_train_options *training) {
    for (size_t i = 0; i < PRESETS; i++) {
        if (strcmp(name, presets[i].name) != 0) continue;
        fill_config(&presets[i], config);
        if (training) fill_training(&presets[i], training);
        return status_ok();
    }
    return status_error(CANTO_ERROR_VALUE, "There is no preset \"%.60s\"; the nearest is \"%s\".", name,
                        nearest(name)->name);
}

const char *canto_preset_name(size_t index, const char **about) {
    if (index >= PRESETS) return NULL;
    if (about) *about = presets[index].about;
    return presets[index].name;
}
