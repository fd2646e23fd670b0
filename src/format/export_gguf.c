/* export_gguf.c - a model of GPT-2's shape, and its tokenizer, as llama.cpp reads them. Norms, biases and positions stay float32,
 * as llama.cpp's own converter leaves them; so do rows that are no whole number of blocks when blocks are wanted. */
#include "format/export.h"
#include "format/gguf_tokenizer.h"
#include "store/config_json.h"

#include <string.h>

static source_type type_of(const layout_item *item, source_type wanted) {
    if (item->vector || item->role == TENSOR_POSITION_EMBEDDING) return SOURCE_F32;
    return item->columns % source_type_elements(wanted) == 0 ? wanted : SOURCE_F32;
}

static canto_status announce(void *file, const export_tensor *t) {
    gguf_writer_add(file, t->name, t->type, t->shape, t->rank);
    return status_ok();
}

static canto_status begin(void *file) { return gguf_writer_begin(file); }

static canto_status data(void *file, const void *bytes, size_t count) { return gguf_writer_data(file, bytes, count); }

static canto_status end_tensor(void *file) { return gguf_writer_end_tensor(file); }

static const export_format form = {
    .announce = announce, .begin = begin, .data = data, .end_tensor = end_tensor, .type = type_of};

static canto_status check(const export_job *job) {
    const canto_config *c = &job->model->config;
    switch (layout_for_saving(c)) {
    case LAYOUT_HF_GPT2:
        break;
    case LAYOUT_HF_GPT_NEO:
        return status_error(
            CANTO_ERROR_UNSUPPORTED,
            "'%.200s': llama.cpp knows no GPT-Neo, so there is no GGUF of this model; write a folder or "
            "a .safetensors file",
            job->path);
    default:
        return status_error(
            CANTO_ERROR_UNSUPPORTED,
            "'%.200s': llama.cpp knows GPT-2 and no model of this shape, so there is no GGUF of it; write a "
            "folder or a .safetensors file",
            job->path);
    }
    if (!job->tokenizer)
        return status_error(CANTO_ERROR_VALUE,
                            "'%.200s': a GGUF file has its tokenizer in it, and the model has none; name one with "
                            "--tokenizer",
                            job->path);
    return gguf_tokenizer_check(job->tokenizer, c->vocab);
}

/* llama.cpp's number of what most matrices are kept in. */
static uint32_t file_type(source_type type) {
    switch (type) {
    case SOURCE_F16:
        return 1;
    case SOURCE_Q4_0:
        return 2;
    case SOURCE_Q8_0:
        return 7;
    case SOURCE_BF16:
        return 32;
    default:
        return 0;
    }
}

static canto_status put_config(const export_job *job, gguf_writer *w) {
    const canto_config *c = &job->model->config;
    canto_status        status = status_ok();
    char               *text = NULL;
    json_t             *own = config_to_json(c);
    if (!own) FAIL(CANTO_ERROR_MEMORY, "no memory for the config of '%.300s'", job->path);
    TRY(json_dump(job->context, own, 0, &text));
    gguf_put_text(w, "general.architecture", "gpt2", 4);
    gguf_put_text(w, "general.type", "model", 5);
    gguf_put_integer(w, "general.file_type", file_type(job->type));
    if (source_type_elements(job->type) > 1) gguf_put_integer(w, "general.quantization_version", 2);
    gguf_put_integer(w, "gpt2.context_length", (uint32_t)c->context);
    gguf_put_integer(w, "gpt2.embedding_length", (uint32_t)c->width);
    gguf_put_integer(w, "gpt2.block_count", (uint32_t)c->layers);
    gguf_put_integer(w, "gpt2.feed_forward_length", (uint32_t)c->ffn);
    gguf_put_integer(w, "gpt2.attention.head_count", (uint32_t)c->heads);
    gguf_put_real(w, "gpt2.attention.layer_norm_epsilon", (float)c->norm_eps);
    gguf_put_text(w, "canto.config", text, strcspn(text, "\n"));
done:
    json_decref(own);
    if (text) context_release(job->context, text);
    return status;
}

canto_status export_gguf(const export_job *job) {
    gguf_writer  w = {.status = status_ok()};
    canto_status status;
    TRY(check(job));
    TRY(gguf_writer_open(job->context, job->path, &w));
    TRY(put_config(job, &w));
    TRY(gguf_tokenizer_write(&w, job->tokenizer, job->model->config.vocab));
    TRY(export_tensors(job, LAYOUT_GGUF, &form, &w));
    TRY(gguf_writer_commit(&w));
done:
    gguf_writer_discard(&w);
    return status;
}
