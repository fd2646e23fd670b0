/* weights.c - walking a layout with files on one side and a block on the other.
 *
 * Invariants: an item's rows are contiguous in the block; a transposed item is [columns, rows] in the file. Padding in the
 * block is neither written nor touched. A file's numbers may be unaligned. */
#include "store/weights.h"

#include "base/progress.h"
#include "store/numbers.h"

#include <math.h>
#include <string.h>

enum { TILE = 32 }; /* of a transposition: source and target lines stay in the cache */

static size_t item_count(const layout_item *item) { return (size_t)item->rows * (size_t)item->columns; }

static size_t item_offset(const tensor_table *table, const layout_item *item) {
    return tensor_find(table, item->role, item->layer)->offset + (size_t)item->row * (size_t)item->columns;
}

/* The foreign shape; returns the rank. */
static int item_shape(const layout_item *item, int64_t shape[2]) {
    shape[0] = item->transposed ? item->columns : item->rows;
    shape[1] = item->transposed ? item->rows : item->columns;
    return item->vector ? 1 : 2;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ----------------------------------------------------------------------------------------------- writing */

static canto_status announce(safetensors_writer *w, const canto_config *config, layout_kind kind) {
    canto_status status = status_ok();
    layout_item  item;
    TRY(safetensors_writer_metadata(w, "format", "pt"));
    for (size_t i = 0; layout_item_at(config, kind, i, &item); i++) {
        int64_t shape[2];
        int     rank = item_shape(&item, shape);
        TRY(safetensors_writer_add(w, item.name, SOURCE_F32, shape, rank));
    }
    TRY(safetensors_writer_begin(w));
done:
    return status;
}

/* Columns [first, first + n) of from[rows, columns] as rows of to[n, rows]. */
static void transpose_columns(const float *from, size_t rows, size_t columns, size_t first, size_t n, float *to) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++) to[c * rows + r] = from[r * columns + first + c];
}

static canto_status write_transposed(canto_context *context, safetensors_writer *w, const layout_item *item,
                                     const float *from) {
    size_t rows = (size_t)item->rows, columns = (size_t)item->columns;
    float *strip = context_allocate(context, TILE * rows * sizeof *strip);
    if (!strip) return context_no_memory(TILE * rows * sizeof *strip, "turning a matrix");
    canto_status status = status_ok();
    for (size_t c = 0; c < columns; c += TILE) {
        size_t n = least(TILE, columns - c);
        transpose_columns(from, rows, columns, c, n, strip);
        TRY(safetensors_writer_data(w, strip, n * rows * sizeof *strip));
    }
done:
    context_release(context, strip);
    return status;
}

static canto_status write_zeros(safetensors_writer *w, size_t count) {
    static const float zeros[1024];
    canto_status       status = status_ok();
    for (size_t n; count > 0; count -= n) {
        n = least(count, sizeof zeros / sizeof *zeros);
        TRY(safetensors_writer_data(w, zeros, n * sizeof *zeros));
    }
done:
    return status;
}

canto_status weights_write(canto_context *context, const char *path, const tensor_table *table, layout_kind kind,
                           const float *block) {
    safetensors_writer w = {0};
    layout_item        item;
    canto_status       status = status_ok();
    TRY(safetensors_writer_open(&w, path));
    TRY(announce(&w, &table->config, kind));
    for (size_t i = 0; layout_item_at(&table->config, kind, i, &item); i++) {
        if (item.zeros) TRY(write_zeros(&w, item_count(&item)));
        else if (item.transposed) TRY(write_transposed(context, &w, &item, block + item_offset(table, &item)));
        else TRY(safetensors_writer_data(&w, block + item_offset(table, &item), item_count(&item) * sizeof(float)));
    }
    TRY(safetensors_writer_commit(&w));
done:
    safetensors_writer_discard(&w);
    return status;
}

/* ----------------------------------------------------------------------------------------------- reading */

/* The item's numbers as float32, rows by columns. Turned or not is a matter of the two strides. */
static void read_numbers(const source_tensor *t, const layout_item *item, float *to) {
    size_t  rows = (size_t)item->rows, columns = (size_t)item->columns;
    int64_t row_stride = t->stride[item->transposed ? 1 : 0],
            column_stride = item->vector ? 1 : t->stride[item->transposed ? 0 : 1];
    size_t tile = column_stride == 1 ? columns : TILE;
    for (size_t r = 0; r < rows; r += TILE)
        for (size_t c = 0; c < columns; c += tile)
            for (size_t i = r; i < least(rows, r + TILE); i++)
                numbers_read(t->type, t->data, (int64_t)i * row_stride + (int64_t)c * column_stride, column_stride,
                             least(tile, columns - c), to + i * columns + c);
}

static canto_status check_finite(const tensor_source *source, const char *name, const float *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return status_error(CANTO_ERROR_FORMAT,
                                "'%.250s': tensor \"%.80s\" holds %s: the file is damaged, or its "
                                "training went astray",
                                source->path, name, isnan(values[i]) ? "NaN (no number)" : "an infinite value");
    return status_ok();
}

static const source_tensor *find_item(const tensor_source *source, const layout_item *item) {
    const source_tensor *t = source_find(source, item->name);
    return t || !item->alias[0] ? t : source_find(source, item->alias);
}

/* The file has zeros for what the model lacks. Others would be lost: the model was trained on elsewhere. */
static canto_status check_zeros(const tensor_source *source, const source_tensor *t) {
    for (int64_t i = 0; i < t->shape[0]; i++) {
        float x;
        numbers_read(t->type, t->data, i * t->stride[0], 1, 1, &x);
        if (x != 0)
            return status_error(
                CANTO_ERROR_FORMAT,
                "'%.250s': tensor \"%.80s\" has values, but by canto's own config the model has no such "
                "tensor: if the model was trained on elsewhere, remove \"canto\" from its config.json",
                source->path, t->name);
    }
    return status_ok();
}

/* Whether the item is kept in blocks (math/blocks.h): bytes [panels, bytes of a panel], I8 for 8 bits, U8 for 4. */
static bool is_blocks(const source_tensor *t, const layout_item *item, view *v) {
    number_type type = t->type == SOURCE_I8 ? NUMBER_INT8 : NUMBER_INT4;
    if ((t->type != SOURCE_I8 && t->type != SOURCE_U8) || item->vector || item->zeros || t->rank != 2) return false;
    if (t->shape[0] != (item->rows + BLOCK_OUTPUTS - 1) / BLOCK_OUTPUTS || item->columns > BLOCK_LONGEST ||
        t->shape[1] != block_panel_bytes(type, item->columns) || t->stride[1] != 1 || t->stride[0] != t->shape[1] ||
        (uintptr_t)t->data % sizeof(uint16_t) != 0)
        return false;
    *v = (view){.data = t->data,
                .type = type == NUMBER_INT8 ? VIEW_INT8 : VIEW_INT4,
                .rows = item->rows,
                .columns = item->columns};
    return true;
}

/* The shape has been checked. */
static canto_status read_item(const tensor_source *source, const tensor_table *table, const layout_item *item,
                              const source_tensor *t, float *block) {
    if (item->zeros) return check_zeros(source, t);
    float *to = block + item_offset(table, item);
    view   blocks;
    if (is_blocks(t, item, &blocks)) view_read(&blocks, 0, item->rows, to);
    else read_numbers(t, item, to);
    file_map_drop(t->data, t->bytes); /* the map would hold all weights a second time */
    return check_finite(source, t->name, to, item_count(item));
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Masks and tables of positions that models carry along as buffers, and the second name of a shared embedding. */
static bool may_be_ignored(const canto_config *config, layout_kind kind, const char *name) {
    static const char *const ends[] = {"attn.bias",
                                       "attn.masked_bias",
                                       "attn.attention.bias",
                                       "attn.attention.masked_bias",
                                       ".att.mask",
                                       ".tril",
                                       ".pe",
                                       NULL};
    if (kind == LAYOUT_OWN || kind >= LAYOUT_MAPPED) return false;
    if (config->tied && strcmp(name, "lm_head.weight") == 0) return kind != LAYOUT_SOURCE;
    for (size_t i = 0; ends[i]; i++)
        if (ends_with(name, ends[i])) return true;
    return strcmp(name, "pe") == 0;
}

static canto_status check_strangers(const tensor_source *source, const canto_config *config, layout_kind kind,
                                    const bool *known) {
    for (size_t i = 0; i < source->count; i++)
        if (!known[i] && !may_be_ignored(config, kind, source->list[i].name))
            return status_error(CANTO_ERROR_FORMAT, "'%.300s' holds a tensor \"%.90s\" that the config does not know",
                                source->path, source->list[i].name);
    return status_ok();
}

canto_status weights_check(canto_context *context, const tensor_source *source, const canto_config *config,
                           layout_kind kind) {
    canto_status status = status_ok();
    layout_item  item;
    view         blocks;
    bool        *known = context_allocate_zeroed(context, source->count + 1, sizeof *known);
    if (!known) return context_no_memory(source->count + 1, "reading weights");
    for (size_t i = 0; layout_item_at(config, kind, i, &item); i++) {
        int64_t              shape[2];
        int                  rank = item_shape(&item, shape);
        const source_tensor *t = find_item(source, &item);
        if (!t && (item.zeros || item.optional)) continue;
        if (!t) FAIL(CANTO_ERROR_FORMAT, "'%.300s' lacks the tensor \"%.90s\"", source->path, item.name);
        known[t - source->list] = true;
        if (is_blocks(t, &item, &blocks)) continue;
        if (!numbers_readable(t->type))
            FAIL(CANTO_ERROR_UNSUPPORTED,
                 "'%.250s': tensor \"%.80s\" is of type %s, and weights are F32, F16, BF16 or F64", source->path,
                 t->name, source_type_name(t->type));
        TRY(source_expect_shape(source, t, shape, rank));
    }
    TRY(check_strangers(source, config, kind, known));
done:
    context_release(context, known);
    return status;
}

canto_status weights_read(canto_context *context, const tensor_source *source, const tensor_table *table,
                          layout_kind kind, float *block) {
    return weights_read_some(context, source, table, kind, NULL, block);
}

canto_status weights_read_some(canto_context *context, const tensor_source *source, const tensor_table *table,
                               layout_kind kind, const bool *skip, float *block) {
    canto_status status;
    layout_item  item;
    progress     p = progress_begin(context, table->elements, PROGRESS_BYTES, "reading '%.150s'", source->path);
    uint64_t     read = 0;
    TRY(weights_check(context, source, &table->config, kind));
    for (size_t i = 0; layout_item_at(&table->config, kind, i, &item); i++) {
        const source_tensor *t = find_item(source, &item);
        if (skip && !item.zeros && skip[tensor_find(table, item.role, item.layer) - table->list]) continue;
        if (progress_due(&p, read)) TRY(progress_tell(&p, read));
        if (t) TRY(read_item(source, table, &item, t, block));
        else if (!item.zeros) memset(block + item_offset(table, &item), 0, item_count(&item) * sizeof *block);
        if (!item.zeros) read += item_count(&item);
    }
done:
    return status;
}

/* Types as the kernels know them, aligned as C wants them. */
static view_type readable_as(const source_tensor *t) {
    uintptr_t at = (uintptr_t)t->data;
    if (t->type == SOURCE_F32 && at % sizeof(float) == 0) return VIEW_REAL;
    if (t->type == SOURCE_F16 && at % sizeof(uint16_t) == 0) return VIEW_F16;
    return t->type == SOURCE_BF16 && at % sizeof(uint16_t) == 0 ? VIEW_BF16 : VIEW_NONE;
}

bool weights_view(const tensor_source *source, const layout_item *item, view *v) {
    const source_tensor *t = find_item(source, item);
    if (!t || item->zeros || item->vector) return false;
    if (is_blocks(t, item, v)) return true;
    *v = (view){.data = t->data,
                .type = readable_as(t),
                .rows = item->rows,
                .columns = item->columns,
                .row_stride = t->stride[item->transposed ? 1 : 0],
                .column_stride = t->stride[item->transposed ? 0 : 1]};
    return v->type != VIEW_NONE && ((v->row_stride == 1 && v->column_stride >= v->rows) ||
                                    (v->column_stride == 1 && v->row_stride >= v->columns));
}
