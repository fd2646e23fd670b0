/* config.c - is a blueprint sound, is a way of training sound: every value against its range.
 *
 * Invariant: after canto_config_check says CANTO_OK, heads divide the width, every product of sizes that the tensor
 * table or the counts form fits into 62 bits, and no layer is local without a window. A refusal names the value, its
 * range and a way out. */
#include "base/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX (1 << 24)
#define FFN_MAX (1 << 26)
#define CONTEXT_MAX (1 << 24)
#define LAYERS_MAX (1 << 20)

/* --------------------------------------------------------------------------------------------- the blueprint */

static canto_status check_size(const char *name, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "%s is %lld, but must be from %lld to %lld.", name, (long long)value,
                        (long long)least, (long long)most);
}

static canto_status check_choice(const char *name, int value, int choices) {
    if (value >= 0 && value < choices) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "%s is %d, which names none of its %d choices (0 to %d).", name, value,
                        choices, choices - 1);
}

/* Heads 5, width 64: says which numbers of heads would do (4 and 8), and which width (65). */
static canto_status check_heads(int32_t heads, int32_t width) {
    if (width % heads == 0) return status_ok();
    int32_t below = heads, above = heads;
    while (width % below != 0) below--;
    while (width % above != 0) above++;
    return status_error(CANTO_ERROR_VALUE,
                        "heads is %d, which does not divide the width %d: each head takes an equal share. Use %d or %d "
                        "heads, or a width that is a multiple of %d such as %lld.",
                        heads, width, below, above, heads, (long long)(width / heads + 1) * heads);
}

static canto_status check_probability(const char *name, double p) {
    if (p >= 0 && p < 1) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "%s is %g, but a dropout is a probability from 0 up to, not including, 1.",
                        name, p);
}

static canto_status check_pattern(const canto_config *config) {
    const char *end = memchr(config->pattern, 0, sizeof config->pattern);
    if (!end)
        return status_error(CANTO_ERROR_VALUE, "The pattern of global and local layers has no end: at most %d letters.",
                            CANTO_PATTERN_MAX - 1);
    if (end == config->pattern)
        return status_error(CANTO_ERROR_VALUE, "The pattern of global and local layers is empty: use \"g\" when every "
                                               "layer is global.");
    for (const char *c = config->pattern; *c; c++) {
        if (*c != 'g' && *c != 'l')
            return status_error(CANTO_ERROR_VALUE,
                                "The pattern \"%s\" holds '%c': each letter is g (global) or l "
                                "(local).",
                                config->pattern, *c);
        if (*c == 'l' && config->window < 1)
            return status_error(CANTO_ERROR_VALUE,
                                "The pattern \"%s\" has local layers, but the window is %d: give a "
                                "window of at least 1, or the pattern \"g\".",
                                config->pattern, config->window);
    }
    return status_ok();
}

/* All sizes are in range by now, so that a double is exact enough to compare with 2^60. */
static canto_status check_total(const canto_config *config) {
    double C = config->width, V = config->vocab, L = config->layers;
    double block = 4 * C * C + 2 * C * config->ffn + 9 * C + config->ffn;
    double total = 2 * V * C + V + C * config->context + L * block + 2 * C;
    if (total < 0x1p60) return status_ok();
    return status_error(CANTO_ERROR_VALUE,
                        "A model of width %d, %d layers, feed-forward width %d and vocabulary %d would have about %.2g "
                        "parameters, more than this machine can count. Make it smaller.",
                        config->width, config->layers, config->ffn, config->vocab, total);
}

static canto_status check_choices(const canto_config *config) {
    canto_status status;
    TRY(check_choice("family", (int)config->family, 4));
    TRY(check_choice("positions", (int)config->positions, 3));
    TRY(check_choice("norm", (int)config->norm, 3));
    TRY(check_choice("attention_scale", (int)config->attention_scale, 3));
    TRY(check_choice("activation", (int)config->activation, 3));
done:
    return status;
}

static canto_status check_dropouts(const canto_config *config) {
    canto_status status;
    TRY(check_probability("dropout_embedding", config->dropout_embedding));
    TRY(check_probability("dropout_attention", config->dropout_attention));
    TRY(check_probability("dropout_residual", config->dropout_residual));
    TRY(check_probability("dropout_ffn", config->dropout_ffn));
    TRY(check_probability("dropout_block", config->dropout_block));
done:
    return status;
}

canto_status canto_config_check(const canto_config *config) {
    canto_status status;
    TRY(check_size("vocab", config->vocab, 1, INT32_MAX));
    TRY(check_size("context", config->context, 1, CONTEXT_MAX));
    TRY(check_size("width", config->width, 1, WIDTH_MAX));
    TRY(check_size("heads", config->heads, 1, config->width));
    TRY(check_heads(config->heads, config->width));
    TRY(check_size("layers", config->layers, 0, LAYERS_MAX));
    TRY(check_size("ffn", config->ffn, 0, FFN_MAX));
    TRY(check_size("window", config->window, 0, INT32_MAX));
    TRY(check_choices(config));
    TRY(check_pattern(config));
    TRY(check_dropouts(config));
    if (!(config->norm_eps > 0 && config->norm_eps < 1))
        FAIL(CANTO_ERROR_VALUE, "norm_eps is %g, but must be above 0 and below 1; 1e-5 is usual.", config->norm_eps);
    TRY(check_total(config));
done:
    return status;
}

/* 002 has no dropout after the embedding and drops the feed-forward's output twice; 004 drops after the projection and
 * at the feed-forward's end, which both are the residual branch; 003 drops once, after the block. */
void canto_config_dropout(canto_config *config, double p) {
    switch (config->family) {
    case CANTO_FAMILY_DANTE:
        config->dropout_block = p;
        return;
    case CANTO_FAMILY_GPT2:
        if (strcmp(config->preset, "gpt2-untied") == 0) config->dropout_ffn = p;
        else config->dropout_embedding = p;
        break;
    case CANTO_FAMILY_GPT_NEO:
    case CANTO_FAMILY_SHAKESPEARE:
        break;
    }
    config->dropout_attention = p;
    config->dropout_residual = p;
}

/* ---------------------------------------------------------------------------------------------- the training */

/* least <= value <= most, neither of which a NAN meets. */
static canto_status check_number(const char *name, double value, double least, double most, const char *range) {
    if (value >= least && value <= most) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "%s is %g, but must be %s.", name, value, range);
}

static canto_status check_lengths(const canto_train_options *options) {
    canto_status  status;
    const int64_t most = (int64_t)1 << 40;
    TRY(check_size("steps", options->steps, 0, most));
    TRY(check_size("epochs", options->epochs, 0, most));
    TRY(check_size("batch", options->batch, 1, 1 << 20));
    TRY(check_size("eval_batch", options->eval_batch, 0, 1 << 20));
    TRY(check_size("accumulate", options->accumulate, 1, 1 << 20));
    TRY(check_size("warmup", options->warmup, 0, most));
    TRY(check_size("eval_every", options->eval_every, 0, most));
    TRY(check_size("eval_batches", options->eval_batches, 1, 1 << 20));
    TRY(check_size("save_every", options->save_every, 0, most));
    TRY(check_size("log_every", options->log_every, 1, most));
    TRY(check_size("keep", options->keep, 0, INT32_MAX));
done:
    return status;
}

static canto_status check_rates(const canto_train_options *options) {
    canto_status status;
    const double below1 = nextafter(1, 0);
    TRY(check_number("lr", options->lr, 0, 1e6, "from 0 to 1e6; 3e-4 is usual"));
    TRY(check_number("min_lr", options->min_lr, 0, options->lr, "from 0 to lr"));
    TRY(check_number("beta1", options->beta1, 0, below1, "from 0 up to, not including, 1; 0.9 is usual"));
    TRY(check_number("beta2", options->beta2, 0, below1, "from 0 up to, not including, 1; 0.999 is usual"));
    TRY(check_number("eps", options->eps, 0, 1, "from 0 to 1; 1e-8 is usual"));
    TRY(check_number("weight_decay", options->weight_decay, 0, 1e6, "from 0 to 1e6; 0.01 and 0.1 are usual"));
    TRY(check_number("clip", options->clip, 0, 1e30, "0 for no clipping, or a gradient norm such as 1"));
    TRY(check_number("split", options->split, 1e-9, 1, "above 0 and at most 1; 0.9 trains on nine tenths"));
    TRY(check_number("max_seconds", options->max_seconds, 0, 1e15, "0 for no limit, or a number of seconds"));
done:
    return status;
}

canto_status canto_train_options_check(const canto_train_options *options) {
    canto_status status;
    TRY(check_choice("init", (int)options->init, 2));
    TRY(check_choice("optimizer", (int)options->optimizer, 2));
    TRY(check_choice("schedule", (int)options->schedule, 3));
    TRY(check_lengths(options));
    TRY(check_rates(options));
    TRY(check_size("lora_rank", options->lora_rank, 0, 1 << 16));
    TRY(check_number("lora_alpha", options->lora_alpha, 0, 1e6, "0 for twice the rank, or a number such as 16"));
    if (!memchr(options->lora_targets, 0, sizeof options->lora_targets))
        FAIL(CANTO_ERROR_VALUE, "The list of adapted weights has no end: at most %d bytes.", CANTO_PARTS_MAX - 1);
    if (!memchr(options->freeze, 0, sizeof options->freeze))
        FAIL(CANTO_ERROR_VALUE, "The list of frozen parts has no end: at most %d bytes.", CANTO_PARTS_MAX - 1);
done:
    return status;
}
