/* hf_config.c - the keys of GPT2Config and GPTNeoConfig.
 *
 * What a key defaults to is what the configuration classes of transformers default to. Keys that change no number of a
 * causal language model (summary_*, use_cache) are written for completeness and not read.
 * Source: transformers configuration_gpt2.py, configuration_gpt_neo.py. */
#include "store/hf_config.h"

#include <string.h>

enum { END_OF_TEXT = 50256 }; /* GPT-2's <|endoftext|>, when the vocabulary reaches that far */

/* ----------------------------------------------------------------------------------------------- writing */

static json_t *end_of_text(const canto_config *c) {
    return c->vocab > END_OF_TEXT ? json_integer(END_OF_TEXT) : json_null();
}

static json_t *gpt2_to_json(const canto_config *c) {
    return json_pack(
        "{s:s, s:[s], s:f, s:o, s:f, s:o, s:f, s:f, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:f, s:b, s:b,"
        " s:n, s:f, s:b, s:s, s:b, s:b, s:s, s:b, s:i}",
        "activation_function", "gelu_new", "architectures", "GPT2LMHeadModel", "attn_pdrop", c->dropout_attention,
        "bos_token_id", end_of_text(c), "embd_pdrop", c->dropout_embedding, "eos_token_id", end_of_text(c),
        "initializer_range", 0.02, "layer_norm_epsilon", c->norm_eps, "model_type", "gpt2", "n_ctx", (int)c->context,
        "n_embd", (int)c->width, "n_head", (int)c->heads, "n_inner", (int)c->ffn, "n_layer", (int)c->layers,
        "n_positions", (int)c->context, "reorder_and_upcast_attn", 0, "resid_pdrop", c->dropout_residual,
        "scale_attn_by_inverse_layer_idx", 0, "scale_attn_weights", 1, "summary_activation", "summary_first_dropout",
        0.1, "summary_proj_to_labels", 1, "summary_type", "cls_index", "summary_use_proj", 1, "tie_word_embeddings",
        (int)c->tied, "torch_dtype", "float32", "use_cache", 1, "vocab_size", (int)c->vocab);
}

static bool layer_is_local(const canto_config *c, int32_t layer) {
    return c->window > 0 && c->pattern[layer % (int32_t)strlen(c->pattern)] == 'l';
}

static json_t *layer_word(const canto_config *c, int32_t layer) {
    return json_string(layer_is_local(c, layer) ? "local" : "global");
}

/* ["global", "local", ...], n of them. */
static json_t *layer_words(const canto_config *c, int32_t n) {
    json_build list = json_build_array();
    for (int32_t i = 0; i < n; i++) json_build_add(&list, layer_word(c, i));
    return json_build_end(&list);
}

/* [[["global", "local"], 6]]: the pattern and how often it comes; spelled out when it does not fit evenly. */
static json_t *attention_types(const canto_config *c) {
    int32_t period = (int32_t)strlen(c->pattern);
    if (period == 0 || c->layers % period != 0) period = c->layers;
    int32_t repeats = period > 0 ? c->layers / period : 0;
    return json_pack("[[o, i]]", layer_words(c, period), (int)repeats);
}

static json_t *gpt_neo_to_json(const canto_config *c) {
    return json_pack("{s:s, s:[s], s:f, s:o, s:o, s:o, s:f, s:o, s:i, s:f, s:i, s:f, s:i, s:s, s:i, s:i, s:f, s:b, s:s,"
                     " s:b, s:i, s:i}",
                     "activation_function", "gelu_new", "architectures", "GPTNeoForCausalLM", "attention_dropout",
                     c->dropout_attention, "attention_layers", layer_words(c, c->layers), "attention_types",
                     attention_types(c), "bos_token_id", end_of_text(c), "embed_dropout", c->dropout_embedding,
                     "eos_token_id", end_of_text(c), "hidden_size", (int)c->width, "initializer_range", 0.02,
                     "intermediate_size", (int)c->ffn, "layer_norm_epsilon", c->norm_eps, "max_position_embeddings",
                     (int)c->context, "model_type", "gpt_neo", "num_heads", (int)c->heads, "num_layers", (int)c->layers,
                     "resid_dropout", c->dropout_residual, "tie_word_embeddings", (int)c->tied, "torch_dtype",
                     "float32", "use_cache", 1, "vocab_size", (int)c->vocab, "window_size",
                     c->window > 0 ? (int)c->window : 256);
}

json_t *hf_config_to_json(const canto_config *config, layout_kind kind) {
    if (kind == LAYOUT_HF_GPT2) return gpt2_to_json(config);
    if (kind == LAYOUT_HF_GPT_NEO) return gpt_neo_to_json(config);
    return json_pack("{s:[s], s:s, s:b, s:s, s:i}", "architectures", "CantoModel", "model_type", "canto",
                     "tie_word_embeddings", (int)config->tied, "torch_dtype", "float32", "vocab_size",
                     (int)config->vocab);
}

/* ----------------------------------------------------------------------------------------------- reading */

static canto_status read_size(const json_t *o, const char *file, const char *key, int32_t fallback, int32_t *out) {
    int64_t      number = 0;
    canto_status status = json_get_integer_or(o, file, key, 0, INT32_MAX, fallback, &number);
    if (status.code == CANTO_OK) *out = (int32_t)number;
    return status;
}

/* As read_size; null counts as missing. */
static canto_status read_inner(const json_t *o, const char *file, const char *key, int64_t fallback, int32_t *out) {
    if (json_is_null(json_object_get(o, key)) || !json_object_get(o, key)) {
        if (fallback > INT32_MAX)
            return status_error(CANTO_ERROR_FORMAT, "'%.300s': the width is too large for a feed-forward of 4 times it",
                                file);
        *out = (int32_t)fallback;
        return status_ok();
    }
    return read_size(o, file, key, 0, out);
}

static canto_status read_activation(const json_t *o, const char *file, canto_activation *out) {
    static const struct {
        const char      *name;
        canto_activation value;
    } KNOWN[] = {
        {"gelu_new", CANTO_GELU_TANH},
        {"gelu_pytorch_tanh", CANTO_GELU_TANH},
        {"gelu", CANTO_GELU_EXACT},
        {"relu", CANTO_RELU},
    };
    const char  *name;
    canto_status status = json_get_text_or(o, file, "activation_function", "gelu_new", &name);
    if (status.code != CANTO_OK) return status;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (strcmp(KNOWN[i].name, name) != 0) continue;
        *out = KNOWN[i].value;
        return status_ok();
    }
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.300s': the activation_function \"%.60s\" is not one of canto's "
                        "(gelu_new, gelu, relu)",
                        file, name);
}

/* What both families have. */
static void fill_common(canto_config *c, const char *preset) {
    memset(c, 0, sizeof *c);
    strcpy(c->preset, preset);
    strcpy(c->pattern, "g");
    c->positions = CANTO_POSITIONS_LEARNED;
    c->norm = CANTO_NORM_PRE;
    c->attention = c->projection = c->projection_bias = c->residuals = c->final_norm = true;
}

/* A switch of GPT-2 that only its default is supported of. */
static canto_status must_be(const json_t *o, const char *file, const char *key, bool wanted) {
    bool         truth;
    canto_status status = json_get_bool_or(o, file, key, wanted, &truth);
    if (status.code != CANTO_OK || truth == wanted) return status;
    return status_error(CANTO_ERROR_UNSUPPORTED, "'%.300s': \"%s\" is %s, which canto's models do not have", file, key,
                        truth ? "true" : "false");
}

static canto_status gpt2_from_json(const json_t *o, const char *file, canto_config *c) {
    canto_status status = status_ok();
    bool         scaled = true;
    fill_common(c, "gpt2");
    c->family = CANTO_FAMILY_GPT2;
    c->qkv_bias = true;
    TRY(read_size(o, file, "vocab_size", 50257, &c->vocab));
    TRY(read_size(o, file, "n_positions", 1024, &c->context));
    TRY(read_size(o, file, "n_embd", 768, &c->width));
    TRY(read_size(o, file, "n_layer", 12, &c->layers));
    TRY(read_size(o, file, "n_head", 12, &c->heads));
    TRY(read_inner(o, file, "n_inner", (int64_t)4 * c->width, &c->ffn));
    TRY(read_activation(o, file, &c->activation));
    TRY(json_get_real_or(o, file, "resid_pdrop", 0.1, &c->dropout_residual));
    TRY(json_get_real_or(o, file, "embd_pdrop", 0.1, &c->dropout_embedding));
    TRY(json_get_real_or(o, file, "attn_pdrop", 0.1, &c->dropout_attention));
    TRY(json_get_real_or(o, file, "layer_norm_epsilon", 1e-5, &c->norm_eps));
    TRY(json_get_bool_or(o, file, "scale_attn_weights", true, &scaled));
    TRY(json_get_bool_or(o, file, "tie_word_embeddings", true, &c->tied));
    TRY(must_be(o, file, "scale_attn_by_inverse_layer_idx", false));
    TRY(must_be(o, file, "add_cross_attention", false));
    c->attention_scale = scaled ? CANTO_SCALE_HEAD : CANTO_SCALE_NONE;
done:
    return status;
}

static canto_status read_layer_word(const json_t *word, const char *file, char *letter) {
    const char *text = json_string_value(word);
    if (text && strcmp(text, "global") == 0) *letter = 'g';
    else if (text && strcmp(text, "local") == 0) *letter = 'l';
    else
        return status_error(CANTO_ERROR_UNSUPPORTED, "'%.300s': an attention layer is neither \"global\" nor \"local\"",
                            file);
    return status_ok();
}

/* Turns [["global", "local"], 6] groups into a flat list of words; the caller's. */
static canto_status flatten_types(const json_t *types, const char *file, int32_t layers, json_t **flat) {
    canto_status status = status_ok();
    *flat = json_array();
    if (!*flat) FAIL(CANTO_ERROR_MEMORY, "no memory to read '%.300s'", file);
    for (size_t g = 0; g < json_array_size(types); g++) {
        const json_t *group = json_array_get(types, g);
        json_t       *words = json_array_get(group, 0);
        json_int_t    repeats = json_integer_value(json_array_get(group, 1));
        if (!json_is_array(words) || repeats < 0 || repeats > layers)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"attention_types\" is not made of [[words], times]", file);
        for (json_int_t r = 0; r < repeats && json_array_size(*flat) <= (size_t)layers; r++)
            if (json_array_extend(*flat, words) != 0) FAIL(CANTO_ERROR_MEMORY, "no memory to read '%.300s'", file);
    }
done:
    return status;
}

/* Does word i equal word i - period all along? */
static bool has_period(const json_t *words, size_t period) {
    for (size_t i = period; i < json_array_size(words); i++)
        if (!json_equal(json_array_get(words, i), json_array_get(words, i - period))) return false;
    return true;
}

static canto_status read_pattern(const json_t *words, const char *file, canto_config *c) {
    canto_status status = status_ok();
    size_t       n = json_array_size(words), period = 1;
    if (n != (size_t)c->layers)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': %d layers, but attention kinds for %zu", file, (int)c->layers, n);
    while (period < n && period < CANTO_PATTERN_MAX && !has_period(words, period)) period++;
    if (period >= CANTO_PATTERN_MAX)
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s': the pattern of attention layers is longer than %d", file,
             CANTO_PATTERN_MAX - 1);
    for (size_t i = 0; i < period && i < n; i++) TRY(read_layer_word(json_array_get(words, i), file, &c->pattern[i]));
    if (n > 0) c->pattern[period] = 0;
done:
    return status;
}

static canto_status read_attention_layers(const json_t *o, const char *file, canto_config *c) {
    canto_status  status = status_ok();
    json_t       *flat = NULL;
    const json_t *layers = json_object_get(o, "attention_layers"), *types = json_object_get(o, "attention_types");
    if (json_is_array(layers)) {
        TRY(read_pattern(layers, file, c));
    } else if (json_is_array(types)) {
        TRY(flatten_types(types, file, c->layers, &flat));
        TRY(read_pattern(flat, file, c));
    } else {
        strcpy(c->pattern, "gl"); /* the published models' */
    }
done:
    json_decref(flat);
    return status;
}

static canto_status gpt_neo_from_json(const json_t *o, const char *file, canto_config *c) {
    canto_status status = status_ok();
    fill_common(c, "gpt-neo");
    c->family = CANTO_FAMILY_GPT_NEO;
    c->attention_scale = CANTO_SCALE_NONE;
    TRY(read_size(o, file, "vocab_size", 50257, &c->vocab));
    TRY(read_size(o, file, "max_position_embeddings", 2048, &c->context));
    TRY(read_size(o, file, "hidden_size", 2048, &c->width));
    TRY(read_size(o, file, "num_layers", 24, &c->layers));
    TRY(read_size(o, file, "num_heads", 16, &c->heads));
    TRY(read_inner(o, file, "intermediate_size", (int64_t)4 * c->width, &c->ffn));
    TRY(read_size(o, file, "window_size", 256, &c->window));
    TRY(read_activation(o, file, &c->activation));
    TRY(json_get_real_or(o, file, "resid_dropout", 0.0, &c->dropout_residual));
    TRY(json_get_real_or(o, file, "embed_dropout", 0.0, &c->dropout_embedding));
    TRY(json_get_real_or(o, file, "attention_dropout", 0.0, &c->dropout_attention));
    TRY(json_get_real_or(o, file, "layer_norm_epsilon", 1e-5, &c->norm_eps));
    TRY(json_get_bool_or(o, file, "tie_word_embeddings", true, &c->tied));
    TRY(canto_config_check(c)); /* the number of layers is in range before they are spelled out */
    TRY(read_attention_layers(o, file, c));
    if (!strchr(c->pattern, 'l')) c->window = 0;
done:
    return status;
}

canto_status hf_config_from_json(const json_t *object, const char *file, canto_config *config, layout_kind *kind) {
    canto_status status = status_ok();
    const char  *type;
    canto_config read;
    TRY(json_get_text(object, file, "model_type", &type));
    if (strcmp(type, "gpt2") == 0) {
        TRY(gpt2_from_json(object, file, &read));
        *kind = LAYOUT_HF_GPT2;
    } else if (strcmp(type, "gpt_neo") == 0) {
        TRY(gpt_neo_from_json(object, file, &read));
        *kind = LAYOUT_HF_GPT_NEO;
    } else {
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.300s': the model_type \"%.40s\" is not one that canto reads (gpt2, gpt_neo, or "
             "canto with its own settings)",
             file, type);
    }
    TRY(canto_config_check(&read));
    *config = read;
done:
    return status;
}
