/* needs.c - what canto_trainer_open allocates, counted before it does.
 *
 * Sizes of blocks come from the functions that plan the blocks (tensor_table_measure, lanes_measure, gpt_dropout_bytes), so that the
 * two cannot disagree. Everything counted is touched: blocks are zeroed when they are allocated. */
#include "train/needs.h"

#include "model/layouts.h"
#include "model/tuning.h"
#include "text/tokenizer.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* ------------------------------------------------------------------------------------------------ parts of a run */

/* The arithmetic below runs in 64 bits: what would not fit them is refused here, in doubles. */
static canto_status check_sizes(const canto_config *c, int32_t B, const tensor_table *table) {
    double positions = (double)B * c->context;
    double row = (c->layers + 2.0) * (20.0 * c->width + 3.0 * c->ffn + c->heads * (2.0 + c->context)) + c->vocab;
    double bytes = 4 * positions * row + 64.0 * (double)table->elements;
    if (bytes < 0x1p62) return status_ok();
    return status_error(CANTO_ERROR_VALUE,
                        "Batches of %d sequences of %d tokens would need about %.2g bytes with this model. Use a "
                        "smaller batch, context or model.",
                        B, c->context, bytes);
}

/* Tokens that an epoch predicts. */
static uint64_t epoch_tokens(const needs_of *of) {
    double train = of->options->split * (double)of->tokens;
    return of->options->epochs == 0 || train < 2 ? 0 : (uint64_t)train - 1;
}

/* Windows of an epoch, each of which has four bytes in its order. */
static uint64_t order_bytes(const needs_of *of) {
    return epoch_tokens(of) / (uint64_t)of->config->context * sizeof(uint32_t);
}

static uint64_t batch_bytes(const needs_of *of, int32_t B) {
    uint64_t rows = (uint64_t)B * (uint64_t)of->config->context, bytes = rows * (2 * sizeof(uint32_t) + sizeof(float));
    if (of->options->parity_torch) bytes += gpt_dropout_bytes(of->config, of->options->batch, of->config->context);
    return bytes + order_bytes(of);
}

/* A vocabulary as JSON values: jansson's pair, number and bucket of each token, and its bytes. */
static uint64_t vocabulary_bytes(const canto_tokenizer *t) {
    enum { ENTRY = 176 };
    uint64_t text = 0;
    size_t   bytes;
    if (!t) return 0;
    for (uint32_t id = 0; id < t->tokens.count; id++) {
        vocabulary_token(&t->tokens, id, &bytes);
        text += bytes;
    }
    return t->tokens.count * (uint64_t)ENTRY + text;
}

/* What writing a checkpoint takes at a time: the header of the moments, or that of the weights and a strip of a matrix that
 * is turned, or the tokenizer. */
static uint64_t saving_bytes(const needs_of *of, const tensor_table *table) {
    enum { HEADER = 1300, STRIP = 32 * sizeof(float) };
    const canto_config *c = of->config;
    uint64_t            widest = (uint64_t)(c->ffn > 3 * c->width ? c->ffn : 3 * c->width), strip = 0;
    if (layout_for_saving(c) == LAYOUT_HF_GPT2) strip = widest * STRIP;
    return most(table->count * (uint64_t)HEADER + strip,
                most(2 * table->count * (uint64_t)HEADER, vocabulary_bytes(of->tokenizer)));
}

/* The tensor table twice (the second for a moment), and the views. */
static uint64_t model_bytes(const needs_of *of, const tensor_table *table) {
    return table->count * 2 * sizeof(tensor) + (uint64_t)of->config->layers * sizeof(layer_weights) +
           sizeof(canto_model) + sizeof(canto_trainer);
}

static canto_status measure_table(const needs_of *of, tensor_table *table) {
    tuning       tuned;
    canto_status status = tuning_read(of->config, of->options, &tuned);
    if (status.code == CANTO_OK) tensor_table_measure_tuned(of->config, &tuned, table);
    return status;
}

canto_status needs_measure(const needs_of *of, needs *n) {
    canto_status               status;
    tensor_table               table;
    lanes_bytes                passes;
    const canto_train_options *o = of->options;
    int32_t                    B = o->eval_batch > o->batch ? o->eval_batch : o->batch;
    memset(n, 0, sizeof *n);
    TRY(measure_table(of, &table));
    TRY(check_sizes(of->config, B, &table));
    lanes_plan plan = lanes_plan_of(of->config, table.parameters, o->batch, of->config->context);
    uint64_t   block = table.gradients * sizeof(float), trained = table.trained * sizeof(float), padding;
    plan.recompute = o->recompute;
    plan.rank = table.tuning.rank;
    passes = lanes_measure(of->config, block, plan, B, of->config->context, true, of->threads);
    n->parameters = table.parameters;
    n->trained = table.trained;
    n->weights = n->parameters * sizeof(float);
    n->gradients = trained * (uint64_t)plan.count;
    n->moments = 2 * trained;
    n->activations = passes.activations;
    padding = table.elements * sizeof(float) - n->weights + (block - trained) * (2 + (uint64_t)plan.count);
    n->checkpoint = checkpoint_bytes(&table);
    n->other = padding + passes.scratch + passes.panels + batch_bytes(of, B) + saving_bytes(of, &table) +
               model_bytes(of, &table);
    n->total = n->weights + n->gradients + n->moments + n->activations + n->other;
done:
    return status;
}

/* --------------------------------------------------------------------------------------------- what would fit */

static bool fits(const needs_of *of, uint64_t available) {
    needs n;
    return needs_measure(of, &n).code == CANTO_OK && n.total <= available;
}

/* With batches of B, and evaluations no larger. */
static bool fits_batch(const needs_of *of, int32_t B, uint64_t available) {
    canto_train_options options = *of->options;
    needs_of            with = *of;
    options.batch = B;
    if (options.eval_batch > B) options.eval_batch = B;
    with.options = &options;
    return fits(&with, available);
}

static bool fits_context(const needs_of *of, int32_t T, uint64_t available) {
    canto_config config = *of->config;
    needs_of     with = *of;
    config.context = T;
    with.config = &config;
    return fits_batch(&with, 1, available);
}

typedef bool (*fits_fn)(const needs_of *of, int32_t n, uint64_t available);

/* The largest n below `limit` that fits, by halving the span between one that does and one that does not; 0: not even 1. */
static int32_t largest(const needs_of *of, fits_fn fn, int32_t limit, uint64_t available) {
    int32_t low = 0, high = limit;
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (fn(of, middle, available)) low = middle;
        else high = middle;
    }
    return low;
}

/* The preset with the most parameters that fits with its own batch and the vocabulary at hand. */
static const char *largest_preset(const needs_of *of, uint64_t available) {
    const char *name, *about, *best = NULL;
    uint64_t    best_parameters = 0;
    for (size_t i = 0; (name = canto_preset_name(i, &about)) != NULL; i++) {
        canto_config        config;
        canto_train_options options;
        needs_of            with = *of;
        needs               n;
        if (canto_preset(name, &config, &options).code != CANTO_OK) continue;
        if (of->tokenizer) config.vocab = of->config->vocab;
        with.config = &config;
        with.options = &options;
        if (needs_measure(&with, &n).code != CANTO_OK || n.total > available || n.parameters <= best_parameters)
            continue;
        best = name;
        best_parameters = n.parameters;
    }
    return best;
}

static bool fits_recomputing(const needs_of *of, uint64_t available) {
    canto_train_options options = *of->options;
    needs_of            with = *of;
    options.recompute = true;
    with.options = &options;
    return fits(&with, available);
}

void needs_advice(const needs_of *of, uint64_t available, char out[160]) {
    enum { SHORTEST = 16 };
    if (!of->options->recompute && fits_recomputing(of, available)) {
        snprintf(out, 160, "It would fit with recompute, which makes activations again rather than keep them.");
        return;
    }
    int32_t n = largest(of, fits_batch, of->options->batch, available);
    if (n > 0) {
        const char *too = of->options->eval_batch > n ? ", also in evaluations," : "";
        snprintf(out, 160, "A batch of %d%s would fit.", n, too);
        return;
    }
    n = largest(of, fits_context, of->config->context, available);
    if (n >= SHORTEST) {
        snprintf(out, 160, "A batch of 1 with a context of %d would fit.", n);
        return;
    }
    const char *preset = largest_preset(of, available);
    if (preset) snprintf(out, 160, "The preset %s would fit, the largest that does.", preset);
    else snprintf(out, 160, "No preset would fit: end other programs, or use another machine.");
}

bytes_text needs_bytes(uint64_t bytes) {
    bytes_text out;
    double     megabytes = (double)bytes / (1 << 20);
    if (megabytes < 1024) snprintf(out.text, sizeof out.text, "%.2f MB", megabytes);
    else snprintf(out.text, sizeof out.text, "%.2f GB", megabytes / 1024);
    return out;
}

canto_status needs_check(const needs_of *of, uint64_t available) {
    canto_status status;
    needs        n;
    char         advice[160];
    TRY(needs_measure(of, &n));
    if (available == 0 || n.total <= available) goto done;
    needs_advice(of, available, advice);
    FAIL(CANTO_ERROR_MEMORY,
         "Training this model needs %s of memory, and %s are available. It has %" PRIu64
         " parameters: weights %s, gradients %s, moments %s, activations %s (batch %d, context %d), other %s. %s",
         needs_bytes(n.total).text, needs_bytes(available).text, n.parameters, needs_bytes(n.weights).text,
         needs_bytes(n.gradients).text, needs_bytes(n.moments).text, needs_bytes(n.activations).text,
         of->options->batch, of->config->context, needs_bytes(n.other).text, advice);
done:
    return status;
}

/* --------------------------------------------------------------------------------------------------------- disk */

/* As loader_epoch_batches: what is left over behind the last whole window is a batch of its own. */
uint64_t needs_updates(const needs_of *of) {
    const canto_train_options *o = of->options;
    uint64_t T = (uint64_t)of->config->context, windows = epoch_tokens(of) / T, B = (uint64_t)o->batch;
    if (o->epochs == 0) return (uint64_t)o->steps;
    uint64_t batches = windows / B + (windows % B != 0) + (epoch_tokens(of) % T != 0);
    return windows ? (uint64_t)o->epochs * ((batches + (uint64_t)o->accumulate - 1) / (uint64_t)o->accumulate) : 0;
}

uint64_t needs_evaluations(const needs_of *of) {
    const canto_train_options *o = of->options;
    uint64_t                   updates = needs_updates(of), every = (uint64_t)o->eval_every;
    uint64_t                   first = 1, last = o->epochs > 0 ? (uint64_t)o->epochs : 1;
    if (updates == 0) return o->epochs > 0 ? 0 : 1;
    return first + last + (every ? (updates - 1) / every : 0);
}

uint64_t needs_disk(const needs_of *of) {
    enum { ROW = 120, RUN_JSON = 8192 };
    const canto_train_options *o = of->options;
    uint64_t updates = needs_updates(of), every = (uint64_t)(o->save_every ? o->save_every : o->eval_every);
    uint64_t kept = (every ? updates / every : 0) + 1 + (o->save_every ? 0 : (uint64_t)o->epochs);
    if (o->keep > 0 && kept > (uint64_t)o->keep + 3) kept = (uint64_t)o->keep + 3; /* best, last, and the one to come */
    tensor_table table;
    if (measure_table(of, &table).code != CANTO_OK) return 0;
    return kept * checkpoint_bytes(&table) + updates / (uint64_t)o->log_every * ROW + RUN_JSON;
}
