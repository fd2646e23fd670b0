/* model.c - making, borrowing and closing models.
 *
 * Invariants: the views in `weights` point into one float32 block with the tensor table's layout; or, of a model that was
 * read, into the maps of its files, and into a block of what no kernel can read there. So processes that open one file share
 * its memory. Once made, nothing of a model changes. */
#include "store/model.h"

#include "base/file.h"
#include "base/machine.h"
#include "model/init.h"
#include "store/model_folder.h"
#include "store/weights.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* An empty model with its table and room for the views. */
static canto_status model_new(canto_context *context, const canto_config *config, const tuning *tuned,
                              canto_model **out) {
    canto_status status = status_ok();
    size_t       layers = config->layers > 0 ? (size_t)config->layers : 1;
    *out = NULL;
    canto_model *m = context_allocate_zeroed(context, 1, sizeof *m);
    if (!m) return context_no_memory(sizeof *m, "a model");
    m->context = context;
    m->config = *config;
    TRY(tensor_table_open_tuned(context, config, tuned, &m->table));
    m->layers = context_allocate_zeroed(context, layers, sizeof *m->layers);
    if (!m->layers) FAIL(CANTO_ERROR_MEMORY, "no memory for the views of %zu layers", layers);
    *out = m;
done:
    if (status.code != CANTO_OK) canto_model_close(m);
    return status;
}

canto_status model_empty(canto_context *context, const canto_config *config, canto_model **out) {
    return model_new(context, config, &(tuning){0}, out);
}

static void look_at_block(canto_model *m) {
    gpt_weights_of_block(&m->table, m->block, m->layers, &m->weights);
    m->weights.config = &m->config;
    m->whole = true;
    m->bytes = m->table.parameters * sizeof *m->block;
}

canto_status model_borrow_tuned(canto_context *context, const canto_config *config, const tuning *tuned, float *block,
                                const canto_tokenizer *tokenizer, canto_model **model) {
    canto_status status = model_new(context, config, tuned, model);
    if (status.code != CANTO_OK) return status;
    (*model)->block = block;
    (*model)->borrowed = true;
    (*model)->tokenizer = tokenizer;
    look_at_block(*model);
    return status;
}

canto_status model_borrow(canto_context *context, const canto_config *config, float *block,
                          const canto_tokenizer *tokenizer, canto_model **model) {
    return model_borrow_tuned(context, config, &(tuning){0}, block, tokenizer, model);
}

/* Room for so many of the model's numbers as float32. */
static canto_status allocate_weights(canto_model *m, size_t elements, const char *path) {
    size_t   bytes;
    uint64_t available = machine_available_memory();
    if (!size_multiply(elements, sizeof *m->block, &bytes) || (available > 0 && bytes > available))
        return status_error(CANTO_ERROR_MEMORY,
                            "The weights of '%.200s' need %.2f MB of memory (%" PRIu64
                            " parameters), and %.2f MB are available: a model of at most %" PRIu64
                            " parameters would fit. End other programs, or use a smaller model.",
                            path, (double)elements * sizeof *m->block / 0x1p20, m->table.parameters,
                            (double)available / 0x1p20, available / sizeof *m->block);
    if (bytes == 0) return status_ok();
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
    TRY(model_new(context, config, &(tuning){0}, &m));
    TRY(allocate_weights(m, m->table.elements, "a new model"));
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

/* ------------------------------------------------------------------------------------------- views on a source */

/* Whether the item is a whole tensor, or q, k or v alone. */
static bool is_view(const tensor_source *source, const tensor *t, const layout_item *item, view *v) {
    bool third = t->role == TENSOR_QKV_WEIGHT && item->rows * 3 == t->rows && item->row % item->rows == 0;
    if ((item->rows != t->rows && !third) || !weights_view(source, item, v)) return false;
    /* q, k and v are three views: of blocks, each of whole panels */
    return t->role != TENSOR_QKV_WEIGHT || !number_is_block(view_numbers(v)) || t->rows % (3 * BLOCK_OUTPUTS) == 0;
}

/* viewed[i]: the kernels can read all of tensor i where the source has it. */
static void find_views(const canto_model *m, const model_parts *parts, bool *viewed) {
    layout_item item;
    view        v;
    for (size_t i = 0; i < m->table.count; i++) viewed[i] = true;
    for (size_t i = 0; layout_item_at(&m->config, parts->kind, i, &item); i++) {
        if (item.zeros) continue;
        const tensor *t = tensor_find(&m->table, item.role, item.layer);
        if (!is_view(&parts->source, t, &item, &v)) viewed[t - m->table.list] = false;
    }
}

/* The views of all tensors: small tells where the others lie in the block. */
static void put_views(canto_model *m, const model_parts *parts, const bool *viewed, const tensor_table *small) {
    layout_item item;
    view        v = {.type = VIEW_NONE};
    gpt_weights_empty(&m->table, m->layers, &m->weights);
    m->weights.config = &m->config;
    for (size_t i = 0; i < m->table.count; i++) {
        if (viewed[i]) continue;
        view copy = gpt_view_of_block(&small->list[i], m->block);
        gpt_weights_put(&m->weights, &small->list[i], &copy);
        m->bytes += small->list[i].count * sizeof *m->block;
    }
    for (size_t i = 0; layout_item_at(&m->config, parts->kind, i, &item); i++) {
        const tensor *t = item.zeros ? NULL : tensor_find(&m->table, item.role, item.layer);
        if (t == NULL || !viewed[t - m->table.list] || !is_view(&parts->source, t, &item, &v)) continue;
        if (item.rows == t->rows) gpt_weights_put(&m->weights, t, &v);
        else gpt_weights_view(&m->weights, t->role, t->layer)[item.row / item.rows] = v;
        m->bytes += view_bytes(&v);
    }
}

/* Views where the kernels can read the source, and copies of the rest. */
static canto_status read_weights(canto_model *m, model_parts *parts) {
    canto_status status;
    tensor_table small = m->table;
    size_t       bytes = m->table.count * sizeof *small.list;
    bool        *viewed = context_allocate_zeroed(m->context, m->table.count, sizeof *viewed), some = false;
    small.list = context_allocate(m->context, bytes);
    if (!viewed || !small.list) TRY(context_no_memory(bytes, "the views of a model"));
    find_views(m, parts, viewed);
    small.elements = 0;
    for (size_t i = 0; i < small.count; i++) {
        small.list[i] = m->table.list[i];
        small.list[i].offset = small.elements;
        if (viewed[i]) some = true;
        else small.elements += (small.list[i].count + 15) / 16 * 16;
    }
    TRY(allocate_weights(m, small.elements, parts->source.path));
    TRY(weights_read_some(m->context, &parts->source, &small, parts->kind, viewed, m->block));
    put_views(m, parts, viewed, &small);
    if (!some) goto done;
    m->source = parts->source;
    memset(&parts->source, 0, sizeof parts->source);
done:
    context_release(m->context, small.list);
    context_release(m->context, viewed);
    return status;
}

canto_status model_from_parts(canto_context *context, model_parts *parts, canto_model **model) {
    canto_status status = status_ok();
    canto_model *m = NULL;
    *model = NULL;
    TRY(weights_check(context, &parts->source, &parts->config, parts->kind));
    TRY(model_new(context, &parts->config, &(tuning){0}, &m));
    TRY(check_size(&parts->source, &m->table));
    if (parts->folder[0]) {
        m->folder = context_copy_text(context, parts->folder);
        if (!m->folder) TRY(context_no_memory(strlen(parts->folder) + 1, "a model's path"));
    }
    m->origin = context_copy_text(context, parts->origin);
    if (!m->origin) TRY(context_no_memory(strlen(parts->origin) + 1, "a model's path"));
    m->kind = parts->kind;
    TRY(read_weights(m, parts));
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
    source_close(&model->source);
    if (model->layers) context_release(context, model->layers);
    if (model->folder) context_release(context, model->folder);
    if (model->origin) context_release(context, model->origin);
    tensor_table_close(context, &model->table);
    context_release(context, model);
}

void model_copy_weights(const canto_model *model, const tensor_table *table, float *block) {
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        if (!tensor_is_adapter(t->role)) model_read(model, t->role, t->layer, 0, t->rows, block + t->offset);
    }
}

canto_status model_copy(canto_context *context, const canto_model *model, const char *folder, canto_model **copy) {
    canto_status status;
    canto_model *m = NULL;
    char         origin[4096];
    *copy = NULL;
    TRY(link_follow(folder, origin));
    TRY(model_new(context, &model->config, &(tuning){0}, &m));
    m->folder = context_copy_text(context, folder);
    m->origin = context_copy_text(context, origin);
    if (!m->folder || !m->origin) TRY(context_no_memory(strlen(folder) + strlen(origin) + 2, "a model's path"));
    TRY(allocate_weights(m, m->table.elements, folder));
    model_copy_weights(model, &m->table, m->block);
    look_at_block(m);
    *copy = m;
    m = NULL;
done:
    if (m) canto_model_close(m);
    return status;
}

static size_t row_bytes(const tensor_table *table) {
    int64_t widest = 1;
    for (size_t i = 0; i < table->count; i++)
        if (table->list[i].columns > widest) widest = table->list[i].columns;
    return (size_t)widest * sizeof(float);
}

/* Two numbers at a time. */
static uint64_t hash_numbers(uint64_t hash, const float *x, size_t n) {
    for (size_t i = 0; i < n; i += 2) {
        float    two[2] = {x[i], i + 1 < n ? x[i + 1] : 0};
        uint64_t word;
        memcpy(&word, two, sizeof word);
        hash = rng_mix(hash, word);
    }
    return hash;
}

canto_status model_weights_hash(const canto_model *model, uint64_t *hash) {
    float *row = context_allocate(model->context, row_bytes(&model->table));
    if (!row) return context_no_memory(row_bytes(&model->table), "a row of weights");
    *hash = 0;
    for (size_t i = 0; i < model->table.count; i++) {
        const tensor *t = &model->table.list[i];
        for (int64_t r = 0; r < t->rows; r++) {
            model_read(model, t->role, t->layer, r, 1, row);
            *hash = hash_numbers(*hash, row, (size_t)t->columns);
        }
    }
    context_release(model->context, row);
    return status_ok();
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

uint64_t canto_model_bytes(const canto_model *model) { return model->bytes; }

const canto_tokenizer *canto_model_tokenizer(const canto_model *model) { return model->tokenizer; }

const char *canto_model_folder(const canto_model *model) { return model->folder ? model->folder : ""; }

/* ---------------------------------------------------------------------------------------------- its numbers */

void model_read(const canto_model *model, tensor_role role, int32_t layer, int64_t row, int64_t rows, float *out) {
    const view *v = gpt_weights_view((gpt_weights *)&model->weights, role, layer);
    bool        thirds = role == TENSOR_QKV_WEIGHT || role == TENSOR_QKV_BIAS;
    int64_t     each = thirds ? v->rows : INT64_MAX;
    for (int64_t n; rows > 0; row += n, rows -= n, out += n * v->columns) {
        n = each - row % each < rows ? each - row % each : rows;
        view_read(v + row / each, row % each, n, out);
    }
}

enum { ROWS = 64 }; /* read at a time */

/* The first value of x that is not finite, or NULL. */
static const float *odd_one(const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return x + i;
    return NULL;
}

static canto_status check_item(canto_context *context, const canto_model *model, const layout_item *item) {
    canto_status status = status_ok();
    size_t       bytes = (size_t)(ROWS * item->columns) * sizeof(float);
    float       *x = context_allocate(context, bytes);
    const float *odd = NULL;
    const char *path = model->source.path[0] ? model->source.path : model->origin ? model->origin : "a model in memory";
    if (!x) return context_no_memory(bytes, "looking at a model's weights");
    for (int64_t row = 0, n; !odd && row < item->rows; row += n) {
        n = item->rows - row < ROWS ? item->rows - row : ROWS;
        model_read(model, item->role, item->layer, item->row + row, n, x);
        odd = odd_one(x, n * item->columns);
    }
    if (odd)
        status = status_error(CANTO_ERROR_NUMBER,
                              "The model's results are not finite. '%.250s': tensor \"%.80s\" holds %s: the file is "
                              "damaged, or its training went astray.",
                              path, item->name, isnan(*odd) ? "NaN (no number)" : "an infinite value");
    context_release(context, x);
    return status;
}

canto_status model_not_finite(canto_context *context, const canto_model *model) {
    canto_status status;
    layout_item  item;
    for (size_t i = 0; layout_item_at(&model->config, model->kind, i, &item); i++)
        if (!item.zeros) TRY(check_item(context, model, &item));
    FAIL(CANTO_ERROR_NUMBER, "The model's results are not finite: its training went astray.");
done:
    return status;
}
