/* model_options.c - from options to a config. The words of each choice stand in the order of their enumeration. */
#include "model_options.h"

#include <string.h>

#define INT32_HIGH 2147483647.0

const option_entry shape_entries[] = {
    {"preset", 0, OPTION_PRESET, "NAME",
     "begin with this model and its settings; canto inspect --presets lists them "
     "(train: mini)",
     0, 0},
    {"vocab", 0, OPTION_INTEGER, "N", "tokens of the vocabulary (default: the tokenizer's; without one the preset's)",
     1, INT32_HIGH},
    {"context", 0, OPTION_INTEGER, "N", "longest sequence, in tokens (mini: 128)", 1, INT32_HIGH},
    {"width", 0, OPTION_INTEGER, "N", "width of the embedding (mini: 128)", 1, INT32_HIGH},
    {"layers", 0, OPTION_INTEGER, "N", "number of blocks (mini: 4)", 0, INT32_HIGH},
    {"heads", 0, OPTION_INTEGER, "N", "attention heads; they divide the width (mini: 4)", 1, INT32_HIGH},
    {"ffn", 0, OPTION_INTEGER, "N", "width of the feed-forward part; 0: none (default: grows with --width; mini: 512)",
     0, INT32_HIGH},
    {"activation", 0, OPTION_CHOICE, "gelu-tanh|gelu|relu", "of the feed-forward part (mini: gelu-tanh)", 0, 0},
    {"norm", 0, OPTION_CHOICE, "pre|post|none", "where blocks have their layer norms (mini: pre)", 0, 0},
    {"positions", 0, OPTION_CHOICE, "learned|sinusoidal|none", "how tokens know their places (mini: learned)", 0, 0},
    {"attention-scale", 0, OPTION_CHOICE, "head|none|width",
     "scores are multiplied by 1/sqrt(width of a head), 1 or 1/sqrt(width) (mini: head)", 0, 0},
    {"window", 0, OPTION_INTEGER, "N", "how far back local layers see, in tokens; 0: no layer is local (mini: 0)", 0,
     INT32_HIGH},
    {"attention-pattern", 0, OPTION_TEXT, "gl",
     "g for a global layer, l for a local one, layer by layer, then again from the first letter (mini: g)", 0, 0},
    {"tie", 0, OPTION_SWITCH, NULL, "the head is the token embedding (mini: on)", 0, 0},
    {"qkv-bias", 0, OPTION_SWITCH, NULL, "biases of query, key and value (mini: on)", 0, 0},
    {"projection", 0, OPTION_SWITCH, NULL, "attention ends in an output projection (mini: on)", 0, 0},
    {"projection-bias", 0, OPTION_SWITCH, NULL, "its bias (mini: on)", 0, 0},
    {"head-bias", 0, OPTION_SWITCH, NULL, "bias of the head (mini: off)", 0, 0},
    {"final-norm", 0, OPTION_SWITCH, NULL, "layer norm before the head (mini: on)", 0, 0},
    {"residuals", 0, OPTION_SWITCH, NULL, "x + f(x) rather than f(x) (mini: on)", 0, 0},
    {"attention", 0, OPTION_SWITCH, NULL, "blocks have attention (mini: on)", 0, 0},
    {0},
};

#define BELOW_ONE 0.999999

const option_entry dropout_entries[] = {
    {"dropout", 0, OPTION_REAL, "P", "rate at all the places where the preset has dropout", 0, BELOW_ONE},
    {"dropout-embedding", 0, OPTION_REAL, "P", "rate after the embedding (mini: 0)", 0, BELOW_ONE},
    {"dropout-attention", 0, OPTION_REAL, "P", "rate on the attention weights (mini: 0)", 0, BELOW_ONE},
    {"dropout-ffn", 0, OPTION_REAL, "P", "rate at the feed-forward's output (mini: 0)", 0, BELOW_ONE},
    {"dropout-residual", 0, OPTION_REAL, "P", "rate on the residual branches (mini: 0)", 0, BELOW_ONE},
    {"dropout-block", 0, OPTION_REAL, "P", "rate after each block (mini: 0)", 0, BELOW_ONE},
    {0},
};

/* Which layers are local: a window alone makes all of them local, no window makes all of them global. */
static bool apply_reach(const option_set *options, canto_config *config) {
    bool        window = options_int32(options, "window", &config->window);
    const char *pattern = options_text(options, "attention-pattern", NULL);
    if (pattern) {
        size_t bytes = strlen(pattern);
        if (!bytes || bytes >= sizeof config->pattern || strspn(pattern, "gl") != bytes) {
            terminal_error("--attention-pattern %s: must be up to %d letters g and l", pattern, CANTO_PATTERN_MAX - 1);
            return false;
        }
        if (strchr(pattern, 'l') && !config->window) {
            terminal_error("--attention-pattern %s: local layers need a reach; add --window N", pattern);
            return false;
        }
        memcpy(config->pattern, pattern, bytes + 1);
    } else if (window && !config->window) strcpy(config->pattern, "g");
    else if (window && !strchr(config->pattern, 'l')) strcpy(config->pattern, "l");
    return true;
}

static void apply_dropout(const option_set *options, canto_config *config) {
    double rate;
    if (options_real(options, "dropout", &rate)) canto_config_dropout(config, rate);
    options_real(options, "dropout-embedding", &config->dropout_embedding);
    options_real(options, "dropout-attention", &config->dropout_attention);
    options_real(options, "dropout-ffn", &config->dropout_ffn);
    options_real(options, "dropout-residual", &config->dropout_residual);
    options_real(options, "dropout-block", &config->dropout_block);
}

bool model_options_apply(const option_set *options, canto_config *config) {
    int     choice;
    int32_t width = config->width;
    options_int32(options, "vocab", &config->vocab);
    options_int32(options, "context", &config->context);
    options_int32(options, "layers", &config->layers);
    options_int32(options, "heads", &config->heads);
    if (options_int32(options, "width", &config->width)) {
        double ffn = (double)config->ffn * config->width / width; /* the preset's ratio */
        if (ffn > INT32_HIGH && !options_given(options, "ffn")) {
            terminal_error("--width %d: the feed-forward part would be too wide; add --ffn N", (int)config->width);
            return false;
        }
        config->ffn = (int32_t)ffn;
    }
    options_int32(options, "ffn", &config->ffn);
    if (options_choice(options, "activation", &choice)) config->activation = (canto_activation)choice;
    if (options_choice(options, "norm", &choice)) config->norm = (canto_norm)choice;
    if (options_choice(options, "positions", &choice)) config->positions = (canto_positions)choice;
    if (options_choice(options, "attention-scale", &choice)) config->attention_scale = (canto_scale)choice;
    options_switch(options, "tie", &config->tied);
    options_switch(options, "qkv-bias", &config->qkv_bias);
    options_switch(options, "projection", &config->projection);
    options_switch(options, "projection-bias", &config->projection_bias);
    options_switch(options, "head-bias", &config->head_bias);
    options_switch(options, "final-norm", &config->final_norm);
    options_switch(options, "residuals", &config->residuals);
    options_switch(options, "attention", &config->attention);
    if (options_know(options, "dropout")) apply_dropout(options, config);
    return apply_reach(options, config);
}
