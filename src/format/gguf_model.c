/* gguf_model.c - a GPT-2 in a GGUF file: its config among the values, llama.cpp's names for its tensors.
 *
 * A file that canto wrote has the whole config as JSON in canto.config, which wins, as in config.json: an absent bias that
 * llama.cpp wants is zeros in the file, and is not there in the model that is read again. */
#include "format/formats.h"
#include "format/gguf_tokenizer.h"
#include "store/config_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number that was rounded to this float, in as few digits as there can be: 1e-5, and not 9.99999975e-6. */
static double unrounded(double rounded) {
    char text[32];
    for (int digits = 1; digits < 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, rounded);
        double candidate = strtod(text, NULL);
        if ((float)candidate == (float)rounded) return candidate;
    }
    return rounded;
}

static canto_status read_size(const gguf *file, const char *key, int64_t fallback, int32_t *size) {
    int64_t      number = 0;
    canto_status status = fallback < 0 ? gguf_get_integer(file, key, 0, INT32_MAX, &number)
                                       : gguf_get_integer_or(file, key, 0, INT32_MAX, fallback, &number);
    if (status.code == CANTO_OK) *size = (int32_t)number;
    return status;
}

/* The values that llama.cpp reads. */
static canto_status read_values(const gguf *file, const tensor_source *source, canto_config *c) {
    const source_tensor *embedding = source_find(source, "token_embd.weight");
    canto_status         status = status_ok();
    TRY(canto_preset("gpt2", c, NULL));
    memset(c->preset, 0, sizeof c->preset);
    canto_config_dropout(c, 0);
    if (!embedding || embedding->rank != 2 || embedding->shape[0] > INT32_MAX)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' lacks the matrix token_embd.weight", file->path);
    c->vocab = (int32_t)embedding->shape[0];
    TRY(read_size(file, "gpt2.context_length", -1, &c->context));
    TRY(read_size(file, "gpt2.embedding_length", -1, &c->width));
    TRY(read_size(file, "gpt2.block_count", -1, &c->layers));
    TRY(read_size(file, "gpt2.attention.head_count", -1, &c->heads));
    int64_t four = (int64_t)4 * c->width;
    TRY(read_size(file, "gpt2.feed_forward_length", four < INT32_MAX ? four : INT32_MAX, &c->ffn));
    TRY(gguf_get_real(file, "gpt2.attention.layer_norm_epsilon", &c->norm_eps));
    c->norm_eps = unrounded(c->norm_eps);
    c->tied = source_find(source, "output.weight") == NULL;
    TRY(canto_config_check(c));
done:
    return status;
}

/* canto's own. */
static canto_status read_own(const gguf *file, canto_config *c) {
    canto_status status;
    gguf_text    text;
    json_t      *root = NULL;
    TRY(gguf_get_text(file, "canto.config", &text));
    TRY(json_parse(file->context, text.text, text.bytes, file->path, &root));
    TRY(config_from_json(root, file->path, c));
    if (layout_for_saving(c) != LAYOUT_HF_GPT2)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: its canto.config is no GPT-2's", file->path);
done:
    json_decref(root);
    return status;
}

static canto_status read_config(const gguf *file, const tensor_source *source, canto_config *c) {
    canto_status status;
    gguf_text    architecture;
    TRY(gguf_get_text(file, "general.architecture", &architecture));
    if (!gguf_text_is(architecture, "gpt2"))
        FAIL(
            CANTO_ERROR_UNSUPPORTED,
            "'%.250s' is a model of the architecture \"%.*s\", and of GGUF's architectures \"gpt2\" alone is read here",
            file->path, (int)(architecture.bytes < 60 ? architecture.bytes : 60), architecture.text);
    status = gguf_find(file, "canto.config") ? read_own(file, c) : read_values(file, source, c);
    if (status.code == CANTO_ERROR_VALUE)
        status = status_error(CANTO_ERROR_FORMAT, "'%.150s': %.340s", file->path, status.text);
done:
    return status;
}

canto_status gguf_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    gguf         file;
    parts->kind = LAYOUT_GGUF;
    TRY(gguf_open(context, path, &file, &parts->source));
    TRY(read_config(&file, &parts->source, &parts->config));
    TRY(gguf_tokenizer_read(&file, &parts->tokenizer));
done:
    gguf_close(&file);
    return status;
}
