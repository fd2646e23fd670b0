/* model.c - making, borrowing, saving and closing models.
 *
 * Invariants: the weights are one float32 block with the tensor table's layout; the views in `weights` point into it; once
 * made, nothing of a model changes. */
#include "store/model.h"

#include "base/file.h"
#include "base/machine.h"
#include "model/init.h"
#include "store/model_folder.h"
#include "store/weights.h"

#include <inttypes.h>
#include <string.h>

/* An empty model with its table and room for the views. */
static canto_status model_new(canto_context *context, const canto_config *config, canto_model **out) {
    canto_status status = status_ok();
    size_t       layers = config->layers > 0 ? (size_t)config->layers : 1;
    *out = NULL;
    canto_model *m = context_allocate_zeroed(context, 1, sizeof *m);
    if (!m) return context_no_memory(sizeof *m, "a model");
    m->context = context;
    m->config = *config;
    TRY(tensor_table_open(context, config, &m->table));
    m->layers = context_allocate_zeroed(context, layers, sizeof *m->layers);
    if (!m->layers) FAIL(CANTO_ERROR_MEMORY, "no memory for the views of %zu layers", layers);
    *out = m;
done:
    if (status.code != CANTO_OK) canto_model_close(m);
    return status;
}

static void look_at_block(canto_model *m) {
    gpt_weights_of_block(&m->table, m->block, m->layers, &m->weights);
    m->weights.config = &m->config;
}

canto_status model_borrow(canto_context *context, const canto_config *config, float *block,
                          const canto_tokenizer *tokenizer, canto_model **model) {
    canto_status status = model_new(context, config, model);
    if (status.code != CANTO_OK) return status;
    (*model)->block = block;
    (*model)->borrowed = true;
    (*model)->tokenizer = tokenizer;
    look_at_block(*model);
    return status;
}

static canto_status allocate_weights(canto_model *m, const char *path) {
    size_t   bytes;
    uint64_t available = machine_available_memory();
    if (!size_multiply(m->table.elements, sizeof *m->block, &bytes) || (available > 0 && bytes > available))
        return status_error(CANTO_ERROR_MEMORY,
                            "The weights of '%.200s' need %.2f MB of memory (%" PRIu64
                            " parameters), and %.2f MB are available: a model of at most %" PRIu64
                            " parameters would fit. End other programs, or use a smaller model.",
                            path, (double)m->table.elements * sizeof *m->block / 0x1p20, m->table.parameters,
                            (double)available / 0x1p20, available / sizeof *m->block);
    void        *block = NULL;
    canto_status status = context_block(m->context, bytes, "the weights of a model", &m->base, &block);
    m->block = block;
    return status;
}

canto_status canto_model_new(canto_context *context, const canto_config *config, canto_init init, uint64_t seed,
                             canto_model **model) {
    canto_status status;
    canto_model *m = NULL;
    torch_rng    random;
    *model = NULL;
    TRY(canto_config_check(config));
    TRY(model_new(context, config, &m));
    TRY(allocate_weights(m, "a new model"));
    torch_seed(&random, seed);
    model_initialize(&m->table, init, &random, m->block);
    look_at_block(m);
    *model = m;
done:
    if (status.code != CANTO_OK && m != NULL) canto_model_close(m);
    return status;
}

/* Tensors may share bytes, but no model is many times larger than its files: such ones were made to exhaust memory. The
 * smallest numbers that files have take 4.5 bits. */
static canto_status check_size(const tensor_source *source, const tensor_table *table) {
    const uint64_t most = 16;
    uint64_t       bytes = 1 << 20;
    for (size_t i = 0; i < source->map_count; i++) bytes += source->maps[i].bytes;
    if (table->elements / bytes < most / sizeof(float)) return status_ok();
    return status_error(CANTO_ERROR_FORMAT,
                        "'%.250s' claims %" PRIu64 " parameters, many times what its bytes hold: its tensors overlap",
                        source->path, table->parameters);
}

canto_status model_from_parts(canto_context *context, model_parts *parts, canto_model **model) {
    canto_status status = status_ok();
    canto_model *m = NULL;
    *model = NULL;
    TRY(weights_check(context, &parts->source, &parts->config, parts->kind));
    TRY(model_new(context, &parts->config, &m));
    TRY(check_size(&parts->source, &m->table));
    if (parts->folder[0]) {
        m->folder = context_copy_text(context, parts->folder);
        if (!m->folder) TRY(context_no_memory(strlen(parts->folder) + 1, "a model's path"));
    }
    TRY(allocate_weights(m, parts->source.path));
    TRY(weights_read(context, &parts->source, &m->table, parts->kind, m->block));
    look_at_block(m);
    m->tokenizer = m->owned_tokenizer = parts->tokenizer;
    parts->tokenizer = NULL;
    *model = m;
done:
    if (status.code != CANTO_OK) canto_model_close(m);
    return status;
}

void model_parts_close(model_parts *parts) {
    if (parts->tokenizer) canto_tokenizer_close(parts->tokenizer);
    source_close(&parts->source);
    memset(parts, 0, sizeof *parts);
}

void canto_model_close(canto_model *model) {
    if (!model) return;
    canto_context *context = model->context;
    if (model->owned_tokenizer) canto_tokenizer_close(model->owned_tokenizer);
    if (model->base) context_release(context, model->base);
    if (model->layers) context_release(context, model->layers);
    if (model->folder) context_release(context, model->folder);
    tensor_table_close(context, &model->table);
    context_release(context, model);
}

canto_status model_check_ids(const canto_model *model, const uint32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= (uint32_t)model->config.vocab)
            return status_error(CANTO_ERROR_VALUE,
                                "Token id %u (number %zu of %zu) is not in the model's vocabulary of "
                                "%d: ids are from 0 to %d.",
                                ids[i], i, count, model->config.vocab, model->config.vocab - 1);
    return status_ok();
}

const canto_config *canto_model_config(const canto_model *model) { return &model->config; }

uint64_t canto_model_bytes(const canto_model *model) { return model->table.parameters * sizeof *model->block; }

const canto_tokenizer *canto_model_tokenizer(const canto_model *model) { return model->tokenizer; }

const char *canto_model_folder(const canto_model *model) { return model->folder ? model->folder : ""; }

canto_status canto_model_save(const canto_model *model, const char *folder) {
    canto_status status;
    TRY(folder_create(folder));
    TRY(model_folder_save(model->context, folder, &model->table, model->block, model->tokenizer));
done:
    return status;
}
