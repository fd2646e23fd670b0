/* model_save.c - a model's folder, and the same model with its weights kept in fewer bits.
 *
 * Weights are written as they are kept: float32, 16 bits, or blocks of 8 or 4 bits (math/blocks.h). Of a quantized model the
 * vectors stay float32, and what does not fill blocks, or is looked up and never multiplied, has 16 bits. */
#include "base/file.h"
#include "math/half.h"
#include "store/model.h"
#include "store/model_folder.h"
#include "store/safetensors.h"
#include "store/weights.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------- saving */

/* The view that an item is written from as it lies: in blocks; *v is then all of the item. */
static bool lies_in_blocks(const canto_model *m, const layout_item *item, view *v) {
    const view *first = item->zeros ? NULL : gpt_weights_view((gpt_weights *)&m->weights, item->role, item->layer);
    if (first == NULL || !number_is_block(view_numbers(first))) return false;
    *v = *first;
    if (item->rows == first->rows && item->role == TENSOR_QKV_WEIGHT) *v = first[item->row / item->rows];
    return item->rows == v->rows || view_join(first, first + 1, first + 2, v);
}

static source_type type_of(const canto_model *m, const layout_item *item) {
    static const source_type types[] = {SOURCE_F32, SOURCE_F32, SOURCE_F16, SOURCE_BF16, SOURCE_I8, SOURCE_U8};
    view                     v;
    if (item->zeros) return SOURCE_F32;
    if (lies_in_blocks(m, item, &v)) return types[v.type];
    const view *first = gpt_weights_view((gpt_weights *)&m->weights, item->role, item->layer);
    return number_is_block(view_numbers(first)) ? SOURCE_F32 : types[first->type];
}

/* The folder's type is that of its token embedding; blocks are in nobody else's vocabulary. */
static source_type type_of_table(const canto_model *m) {
    view_type type = m->weights.token_embedding.type;
    return type == VIEW_REAL ? SOURCE_F32 : type == VIEW_BF16 ? SOURCE_BF16 : SOURCE_F16;
}

static canto_status announce(safetensors_writer *w, const canto_model *m, layout_kind kind) {
    canto_status status;
    layout_item  item;
    view         v;
    TRY(safetensors_writer_metadata(w, "format", "pt"));
    for (size_t i = 0; layout_item_at(&m->config, kind, i, &item); i++) {
        int64_t shape[2] = {item.transposed ? item.columns : item.rows, item.transposed ? item.rows : item.columns};
        bool    blocks = lies_in_blocks(m, &item, &v);
        if (blocks) {
            shape[0] = (item.rows + BLOCK_OUTPUTS - 1) / BLOCK_OUTPUTS;
            shape[1] = block_panel_bytes(view_numbers(&v), item.columns);
        }
        TRY(safetensors_writer_add(w, item.name, type_of(m, &item), shape, item.vector ? 1 : 2));
    }
    TRY(safetensors_writer_begin(w));
done:
    return status;
}

/* x[n] in its type. small has room for n numbers of 16 bits. */
static canto_status write_numbers(safetensors_writer *w, source_type type, const float *x, size_t n, uint16_t *small) {
    if (type == SOURCE_F32) return safetensors_writer_data(w, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++) small[i] = type == SOURCE_F16 ? float_to_half(x[i]) : float_to_bfloat(x[i]);
    return safetensors_writer_data(w, small, n * sizeof *small);
}

/* An item as float32 or 16 bits, in rows or in columns. */
static canto_status write_item(canto_context *context, safetensors_writer *w, const canto_model *m,
                               const layout_item *item) {
    canto_status status = status_ok();
    size_t       rows = (size_t)item->rows, columns = (size_t)item->columns, n = rows * columns;
    size_t       line = item->transposed ? rows : columns, lines = n / line;
    float       *x = context_allocate_zeroed(context, n, sizeof *x);
    float       *turned = context_allocate(context, line * sizeof *turned);
    uint16_t    *small = context_allocate(context, line * sizeof *small);
    if (!x || !turned || !small) TRY(context_no_memory(n * sizeof *x, "writing a tensor"));
    if (!item->zeros) model_read(m, item->role, item->layer, item->row, item->rows, x);
    for (size_t i = 0; i < lines; i++) {
        for (size_t r = 0; r < line && item->transposed; r++) turned[r] = x[r * columns + i];
        TRY(write_numbers(w, type_of(m, item), item->transposed ? turned : x + i * line, line, small));
    }
done:
    context_release(context, small);
    context_release(context, turned);
    context_release(context, x);
    return status;
}

static canto_status write_kept(const canto_model *m, const char *path) {
    canto_status       status;
    safetensors_writer w = {0};
    layout_kind        kind = layout_for_saving(&m->config);
    layout_item        item;
    view               v;
    TRY(safetensors_writer_open(&w, path));
    TRY(announce(&w, m, kind));
    for (size_t i = 0; layout_item_at(&m->config, kind, i, &item); i++)
        if (lies_in_blocks(m, &item, &v)) TRY(safetensors_writer_data(&w, v.data, view_bytes(&v)));
        else TRY(write_item(m->context, &w, m, &item));
    TRY(safetensors_writer_commit(&w));
done:
    safetensors_writer_discard(&w);
    return status;
}

canto_status canto_model_save(const canto_model *model, const char *folder) {
    canto_status status;
    char         path[4096];
    TRY(folder_create(folder));
    if (model->whole) {
        TRY(model_folder_save(model->context, folder, &model->table, model->block, model->tokenizer));
        goto done;
    }
    TRY(path_join(path, folder, "model.safetensors"));
    TRY(write_kept(model, path));
    source_type type = type_of_table(model);
    TRY(model_folder_save_rest(folder, &model->config, type, model->tokenizer));
done:
    return status;
}

/* --------------------------------------------------------------------------------------------------- quantizing */

static view_type type_for(const canto_config *c, const tensor *t, canto_type type) {
    static const view_type types[] = {VIEW_REAL, VIEW_F16, VIEW_BF16, VIEW_INT8, VIEW_INT4};
    if (t->vector || type == CANTO_F32) return VIEW_REAL;
    if (type == CANTO_F16 || type == CANTO_BF16) return types[type];
    bool fills = t->columns % BLOCK_STEPS == 0 && t->columns <= BLOCK_LONGEST &&
                 (t->role != TENSOR_QKV_WEIGHT || c->width % BLOCK_OUTPUTS == 0);
    return fills && t->role != TENSOR_POSITION_EMBEDDING ? types[type] : VIEW_F16;
}

typedef struct convert_job {
    const exec        *e;
    const canto_model *from;
    const tensor      *t;
    view               to;
} convert_job;

/* BLOCK_OUTPUTS rows. */
static void convert_unit(void *shared, size_t unit, int worker) {
    const convert_job *j = shared;
    int64_t            row = (int64_t)unit * BLOCK_OUTPUTS, left = j->t->rows - row;
    int64_t            n = left < BLOCK_OUTPUTS ? left : BLOCK_OUTPUTS;
    float             *x = j->e->scratch[worker];
    model_read(j->from, j->t->role, j->t->layer, row, n, x);
    void *to = (void *)view_row(&j->to, row);
    if (number_is_block(view_numbers(&j->to))) blocks_pack(view_numbers(&j->to), x, n, j->t->columns, to);
    else if (j->to.type == VIEW_REAL) memcpy(to, x, (size_t)(n * j->t->columns) * sizeof *x);
    else
        for (int64_t i = 0; i < n * j->t->columns; i++)
            ((uint16_t *)to)[i] = j->to.type == VIEW_F16 ? float_to_half(x[i]) : float_to_bfloat(x[i]);
}

static int64_t widest(const tensor_table *table) {
    int64_t most = 1;
    for (size_t i = 0; i < table->count; i++)
        if (table->list[i].columns > most) most = table->list[i].columns;
    return most;
}

static view place_for(const canto_config *c, const tensor *t, canto_type type) {
    return (view){.type = type_for(c, t, type),
                  .rows = t->rows,
                  .columns = t->columns,
                  .row_stride = t->columns,
                  .column_stride = 1};
}

canto_status canto_model_quantize(canto_context *context, const canto_model *model, canto_type type,
                                  canto_model **quantized) {
    canto_status status;
    canto_model *m = NULL;
    exec         e = {0};
    size_t       bytes = 0;
    void        *block;
    *quantized = NULL;
    if (type < CANTO_F32 || type > CANTO_INT4)
        FAIL(CANTO_ERROR_VALUE, "There is no type of weights number %d.", (int)type);
    TRY(model_empty(context, &model->config, &m));
    for (size_t i = 0; i < m->table.count; i++) {
        view v = place_for(&m->config, &m->table.list[i], type);
        bytes += (size_t)(view_bytes(&v) + 63) / 64 * 64;
        m->bytes += view_bytes(&v);
    }
    TRY(context_block(context, bytes, "the weights of a model", &m->base, &block));
    TRY(context_exec_open(context, (size_t)(BLOCK_OUTPUTS * widest(&m->table)) * sizeof(float), &e));
    gpt_weights_empty(&m->table, m->layers, &m->weights);
    m->weights.config = &m->config;
    for (size_t i = 0; i < m->table.count; i++) {
        const tensor *t = &m->table.list[i];
        convert_job   job = {&e, model, t, place_for(&m->config, t, type)};
        job.to.data = block;
        block = (char *)block + (size_t)(view_bytes(&job.to) + 63) / 64 * 64;
        exec_run(&e, (size_t)((t->rows + BLOCK_OUTPUTS - 1) / BLOCK_OUTPUTS), convert_unit, &job);
        gpt_weights_put(&m->weights, t, &job.to);
    }
    m->kind = LAYOUT_OWN;
    m->tokenizer = model->tokenizer;
    *quantized = m;
done:
    context_exec_close(context, &e);
    if (status.code != CANTO_OK && m != NULL) canto_model_close(m);
    return status;
}
