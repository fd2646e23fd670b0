/* export_llmc.c - a model of GPT-2's shape as llm.c's checkpoint: version 3 (float32) or 5 (bfloat16). llmc.c says the form. */
#include "format/export.h"
#include "format/llmc.h"

#include <string.h>

enum { PADDING = 128 }; /* the token embedding gets zeros up to a multiple of so many rows */

static canto_status data(void *file, const void *bytes, size_t count) { return file_writer_write(file, bytes, count); }

static const export_format form = {.data = data};

static canto_status check(const export_job *job) {
    const canto_config *c = &job->model->config;
    const char         *why = NULL;
    if (layout_for_saving(c) != LAYOUT_HF_GPT2) why = "no model of this shape";
    else if (!c->tied) why = "no head of its own beside the token embedding";
    else if (c->ffn != 4 * (int64_t)c->width) why = "no feed-forward but of four times the width";
    else if (c->norm_eps != 1e-5) why = "no norm_eps but 1e-5";
    if (!why) return status_ok();
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.200s': llm.c knows GPT-2, and %s; write a folder, a .safetensors or a .gguf file",
                        job->path, why);
}

static int32_t padded(int32_t vocab) { return (int32_t)(((int64_t)vocab + PADDING - 1) / PADDING * PADDING); }

static canto_status write_header(const canto_config *c, source_type type, file_writer *w) {
    int32_t header[LLMC_HEADER / sizeof(int32_t)] = {
        LLMC_MAGIC, type == SOURCE_BF16 ? 5 : 3, c->context, c->vocab, c->layers, c->heads, c->width, padded(c->vocab)};
    return file_writer_write(w, header, sizeof header);
}

/* One of our tensors, or zeros where the model has none. */
static canto_status write_tensor(const export_job *job, tensor_role role, int32_t layer, file_writer *w) {
    const canto_config *c = &job->model->config;
    layout_item         item = {.role = role, .layer = layer};
    tensor_name(role, layer, item.name);
    item.zeros = !tensor_shape(c, role, &item.rows, &item.columns, &item.vector);
    if (item.zeros) {
        item.rows = role == TENSOR_QKV_BIAS ? (int64_t)3 * c->width : c->width;
        item.columns = 1;
    }
    return export_numbers(job, &item, job->type, &form, w);
}

static canto_status write_padding(const export_job *job, file_writer *w) {
    const canto_config *c = &job->model->config;
    layout_item         rows = {.name = "padding", .columns = c->width, .zeros = true};
    rows.rows = padded(c->vocab) - c->vocab;
    return rows.rows > 0 ? export_numbers(job, &rows, job->type, &form, w) : status_ok();
}

canto_status export_llmc(const export_job *job) {
    const canto_config *c = &job->model->config;
    file_writer         w = {0};
    canto_status        status;
    TRY(check(job));
    TRY(file_writer_open(&w, job->path));
    TRY(write_header(c, job->type, &w));
    for (size_t i = 0; i < LLMC_TENSORS; i++) {
        bool block = tensor_role_in_block(LLMC_ORDER[i]);
        for (int32_t layer = block ? 0 : -1; layer < (block ? c->layers : 0); layer++)
            TRY(write_tensor(job, LLMC_ORDER[i], layer, &w));
        if (LLMC_ORDER[i] == TENSOR_TOKEN_EMBEDDING) TRY(write_padding(job, &w));
    }
    TRY(file_writer_commit(&w));
done:
    if (w.open) file_writer_discard(&w);
    return status;
}
