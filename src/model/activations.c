/* activations.c - where every activation of a pass lies: planned from (config, B, T), taken from one block. And where the
 * keys and values of a timeline lie.
 *
 * The same walk measures (block NULL) and binds, so the two cannot disagree. Where all is kept, every block has its own;
 * otherwise all blocks share one set. When nothing is kept a block's output is among the shared: its last sum or norm, which
 * the next one reads for the last time before it writes its own; where it could not, there are two. Where inputs are kept every
 * output but the last has a place of its own. */
#include "model/dropout.h"
#include "model/embedding.h"
#include "model/head.h"

typedef struct planner {
    char  *block; /* NULL: only measure */
    size_t used;
} planner;

static void *take(planner *p, size_t count, size_t size) {
    void *at = p->block != NULL ? p->block + p->used : NULL;
    p->used += (count * size + 63) / 64 * 64;
    return at;
}

static real *take_rows(planner *p, size_t rows, int64_t width) { return take(p, rows * (size_t)width, sizeof(real)); }

static void plan_norm(planner *p, size_t rows, int64_t C, real **normed, real **mean, real **rstd) {
    *normed = take_rows(p, rows, C);
    *mean = take_rows(p, rows, 1);
    *rstd = take_rows(p, rows, 1);
}

/* A block's own tensors, after its input. */
static void plan_layer(planner *p, const canto_config *c, size_t rows, bool training, layer_activations *l) {
    int64_t C = c->width;
    bool    post = c->norm == CANTO_NORM_POST;
    l->middle = l->in;
    if (c->attention) {
        if (c->norm != CANTO_NORM_NONE) plan_norm(p, rows, C, &l->normed1, &l->mean1, &l->rstd1);
        l->qkv = take_rows(p, rows, 3 * C);
        l->attended = take_rows(p, rows, C);
        l->lse = take_rows(p, rows, c->heads);
        l->sum1 = take_rows(p, rows, C);
        l->middle = post ? l->normed1 : l->sum1;
    }
    if (c->ffn > 0) {
        if (c->norm != CANTO_NORM_NONE) plan_norm(p, rows, C, &l->normed2, &l->mean2, &l->rstd2);
        if (training) l->up = take_rows(p, rows, c->ffn);
        l->active = take_rows(p, rows, c->ffn);
        l->sum2 = take_rows(p, rows, C);
    }
    if (c->ffn > 0) l->out = post ? l->normed2 : l->sum2;
    else l->out = c->attention ? l->middle : take_rows(p, rows, C);
}

/* Gives a block that shares its other activations an output of its own. */
static void set_output(const canto_config *c, real *out, layer_activations *l) {
    bool post = c->norm == CANTO_NORM_POST;
    l->out = out;
    if (c->ffn > 0 && post) l->normed2 = out;
    else if (c->ffn > 0) l->sum2 = out;
    else if (c->attention && post) l->normed1 = l->middle = out;
    else if (c->attention) l->sum1 = l->middle = out;
}

/* Whether a block of one half alone ends in a product that takes up the block's input: a product cannot add what it
 * overwrites, so that two outputs take turns. */
static bool takes_turns(const canto_config *c) {
    return c->residuals && c->norm != CANTO_NORM_POST && c->attention != (c->ffn > 0);
}

static void plan_layers(planner *p, const canto_config *c, size_t rows, gpt_activations *a) {
    layer_activations shared = {0}, measured;
    real             *in = a->embedded, *other = NULL;
    bool              turns = a->keep == GPT_KEEP_NOTHING && c->layers > 1 && takes_turns(c);
    if (turns) other = take_rows(p, rows, c->width);
    if (a->keep != GPT_KEEP_ALL && c->layers > 0) plan_layer(p, c, rows, a->keep != GPT_KEEP_NOTHING, &shared);
    for (int32_t i = 0; i < c->layers; i++) {
        layer_activations *l = a->layers != NULL ? &a->layers[i] : &measured;
        *l = shared;
        l->in = in;
        if (a->keep == GPT_KEEP_ALL) plan_layer(p, c, rows, true, l);
        else if (!c->attention) l->middle = in;
        if (a->keep == GPT_KEEP_INPUTS && i + 1 < c->layers) set_output(c, take_rows(p, rows, c->width), l);
        if (turns && i % 2 == 1) set_output(c, other, l);
        in = l->out;
    }
    a->hidden = in;
}

/* The head's chunk and what blocks need for their backward passes are not wanted at the same time. */
static void plan_backward(planner *p, const canto_config *c, size_t rows, gpt_activations *a) {
    size_t  from = p->used, chunk;
    int64_t C = c->width;
    a->chunk = take_rows(p, (size_t)a->chunk_rows, c->vocab);
    chunk = p->used;
    if (a->keep == GPT_KEEP_NOTHING) return;
    p->used = from;
    a->dbranch = take_rows(p, rows, C);
    a->dnormed = take_rows(p, rows, C);
    if (c->ffn > 0 && c->layers > 0) a->dffn = take_rows(p, rows, c->ffn);
    if (c->attention && c->layers > 0) a->dqkv = take_rows(p, rows, 3 * C);
    if (p->used < chunk) p->used = chunk;
    a->dx = take_rows(p, rows, C);
}

/* extension: of gpt_extend, which keeps nothing. */
static size_t plan(const canto_config *c, int32_t rank, int32_t B, int32_t T, gpt_keep keep, bool extension,
                   char *block, gpt_activations *a) {
    planner p = {block, 0};
    size_t  rows = (size_t)B * (size_t)T;
    int64_t C = c->width;
    *a = (gpt_activations){.config = c, .B = B, .T = T, .batch = B, .keep = keep};
    a->layers = take(&p, (size_t)c->layers, sizeof(layer_activations));
    if (c->positions == CANTO_POSITIONS_SINUSOIDAL && !extension) a->sinusoid = take_rows(&p, (size_t)T, C);
    a->embedded = take_rows(&p, rows, C);
    plan_layers(&p, c, rows, a);
    if (c->final_norm) {
        plan_norm(&p, rows, C, &a->normed, &a->mean, &a->rstd);
        a->hidden = a->normed;
    }
    if (c->attention && !c->projection) a->branch = take_rows(&p, rows, C);
    for (int i = 0; i < (keep == GPT_KEEP_NOTHING ? 1 : 2) && rank > 0; i++) a->low[i] = take_rows(&p, rows, rank);
    for (int i = 0; i < 2 && !extension; i++) a->masks[i] = take(&p, (size_t)B, sizeof(mask));
    if (!extension) {
        a->chunk_rows = head_chunk_rows(c->vocab, (int64_t)rows);
        plan_backward(&p, c, rows, a);
    }
    return p.used;
}

size_t gpt_adapted_bytes(const canto_config *config, int32_t rank, int32_t B, int32_t T, gpt_keep keep) {
    gpt_activations measured;
    return plan(config, rank, B, T, keep, false, NULL, &measured);
}

void gpt_adapted_bind(const canto_config *config, int32_t rank, int32_t B, int32_t T, gpt_keep keep, void *block,
                      gpt_activations *acts) {
    plan(config, rank, B, T, keep, false, block, acts);
    if (acts->sinusoid != NULL)
        for (int64_t t = 0; t < T; t++) sinusoid_row(t, config->width, acts->sinusoid + t * config->width);
}

size_t gpt_activations_bytes(const canto_config *config, int32_t B, int32_t T, gpt_keep keep) {
    return gpt_adapted_bytes(config, 0, B, T, keep);
}

void gpt_activations_bind(const canto_config *config, int32_t B, int32_t T, gpt_keep keep, void *block,
                          gpt_activations *acts) {
    gpt_adapted_bind(config, 0, B, T, keep, block, acts);
}

size_t gpt_extension_bytes(const canto_config *config, int32_t rank, int32_t rows) {
    gpt_activations measured;
    return plan(config, rank, 1, rows, GPT_KEEP_NOTHING, true, NULL, &measured);
}

void gpt_extension_bind(const canto_config *config, int32_t rank, int32_t rows, void *block, gpt_activations *acts) {
    plan(config, rank, 1, rows, GPT_KEEP_NOTHING, true, block, acts);
}

static size_t plan_cache(const canto_config *c, int32_t T, char *block, gpt_cache *cache) {
    planner p = {block, 0};
    size_t  heads = c->attention ? (size_t)c->layers * (size_t)c->heads : 0, D = (size_t)(c->width / c->heads);
    *cache = (gpt_cache){.T = T};
    if (heads == 0) return 0;
    cache->keys = take(&p, heads * attention_keys(T, (int64_t)D), sizeof(real));
    cache->values = take(&p, heads * attention_values(T, (int64_t)D), sizeof(real));
    return p.used;
}

size_t gpt_cache_bytes(const canto_config *config, int32_t T) {
    gpt_cache measured;
    return plan_cache(config, T, NULL, &measured);
}

void gpt_cache_bind(const canto_config *config, int32_t T, void *block, gpt_cache *cache) {
    plan_cache(config, T, block, cache);
}

size_t gpt_scratch_bytes(const canto_config *config, int32_t T) {
    size_t n = GEMM_SCRATCH;
    if (config->attention && config->layers > 0) {
        size_t head = attention_scratch(T, config->width / config->heads);
        if (head > n) n = head;
    }
    return (n * sizeof(real) + 63) / 64 * 64;
}
