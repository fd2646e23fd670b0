/* weights.c - walking a layout with a file on one side and a block on the other.
 *
 * Invariants: an item's rows are contiguous in the block; a transposed item is [columns, rows] in the file. Padding in the
 * block is neither written nor touched. The file's floats may be unaligned. */
#include "store/weights.h"

#include "base/progress.h"

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
        TRY(safetensors_writer_add(w, item.name, "F32", shape, rank));
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

static float float_at(const unsigned char *data, size_t i) {
    float x;
    memcpy(&x, data + i * sizeof x, sizeof x);
    return x;
}

/* One TILE x TILE corner of from[columns, rows] into to[rows, columns]. */
static void read_tile(const unsigned char *from, size_t rows, size_t columns, size_t row, size_t column, float *to) {
    size_t last_row = least(rows, row + TILE), last_column = least(columns, column + TILE);
    for (size_t r = row; r < last_row; r++)
        for (size_t c = column; c < last_column; c++) to[r * columns + c] = float_at(from, c * rows + r);
}

static void read_transposed(const unsigned char *from, size_t rows, size_t columns, float *to) {
    for (size_t r = 0; r < rows; r += TILE)
        for (size_t c = 0; c < columns; c += TILE) read_tile(from, rows, columns, r, c, to);
}

static canto_status check_finite(const safetensors *file, const char *name, const float *values, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return status_error(CANTO_ERROR_FORMAT,
                                "'%.250s': tensor \"%.80s\" holds %s: the file is damaged, or its "
                                "training went astray",
                                file->path, name, isnan(values[i]) ? "NaN (no number)" : "an infinite value");
    return status_ok();
}

static const safetensor *find_item(const safetensors *file, const layout_item *item) {
    const safetensor *t = safetensors_find(file, item->name);
    return t || !item->alias[0] ? t : safetensors_find(file, item->alias);
}

/* The file has zeros for what the model lacks. Others would be lost: the model was trained on elsewhere. */
static canto_status check_zeros(const safetensors *file, const safetensor *t) {
    for (size_t i = 0; i < t->count; i++)
        if (float_at(t->data, i) != 0)
            return status_error(
                CANTO_ERROR_FORMAT,
                "'%.250s': tensor \"%.80s\" has values, but by canto's own config the model has no such "
                "tensor: if the model was trained on elsewhere, remove \"canto\" from its config.json",
                file->path, t->name);
    return status_ok();
}

/* The shape has been checked. */
static canto_status read_item(const safetensors *file, const tensor_table *table, const layout_item *item,
                              const safetensor *t, float *block) {
    if (item->zeros) return check_zeros(file, t);
    float *to = block + item_offset(table, item);
    if (item->transposed) read_transposed(t->data, (size_t)item->rows, (size_t)item->columns, to);
    else memcpy(to, t->data, item_count(item) * sizeof *to);
    file_map_drop(t->data, (size_t)(t->end - t->begin)); /* the map would hold all weights a second time */
    return check_finite(file, t->name, to, item_count(item));
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Masks that Hugging Face's models carry along, and the second name of a shared embedding. */
static bool may_be_ignored(const canto_config *config, layout_kind kind, const char *name) {
    if (kind != LAYOUT_HF_GPT2 && kind != LAYOUT_HF_GPT_NEO) return false;
    if (config->tied && strcmp(name, "lm_head.weight") == 0) return true;
    return ends_with(name, "attn.bias") || ends_with(name, "attn.masked_bias") ||
           ends_with(name, "attn.attention.bias") || ends_with(name, "attn.attention.masked_bias");
}

static canto_status check_strangers(const safetensors *file, const canto_config *config, layout_kind kind,
                                    const bool *known) {
    for (size_t i = 0; i < file->count; i++)
        if (!known[i] && !may_be_ignored(config, kind, file->list[i].name))
            return status_error(CANTO_ERROR_FORMAT, "'%.300s' holds a tensor \"%.90s\" that the config does not know",
                                file->path, file->list[i].name);
    return status_ok();
}

canto_status weights_check(canto_context *context, const safetensors *file, const canto_config *config,
                           layout_kind kind) {
    canto_status status = status_ok();
    layout_item  item;
    bool        *known = context_allocate_zeroed(context, file->count + 1, sizeof *known);
    if (!known) return context_no_memory(file->count + 1, "reading weights");
    for (size_t i = 0; layout_item_at(config, kind, i, &item); i++) {
        int64_t           shape[2];
        int               rank = item_shape(&item, shape);
        const safetensor *t = find_item(file, &item);
        if (!t && item.zeros) continue;
        if (!t) FAIL(CANTO_ERROR_FORMAT, "'%.300s' lacks the tensor \"%.90s\"", file->path, item.name);
        TRY(safetensors_expect(file, t, "F32", shape, rank));
        known[t - file->list] = true;
    }
    TRY(check_strangers(file, config, kind, known));
done:
    context_release(context, known);
    return status;
}

canto_status weights_read(canto_context *context, const safetensors *file, const tensor_table *table, layout_kind kind,
                          float *block) {
    canto_status status;
    layout_item  item;
    progress     p = progress_begin(context, table->elements, PROGRESS_BYTES, "reading '%.150s'", file->path);
    uint64_t     read = 0;
    TRY(weights_check(context, file, &table->config, kind));
    for (size_t i = 0; layout_item_at(&table->config, kind, i, &item); i++) {
        const safetensor *t = find_item(file, &item);
        if (progress_due(&p, read)) TRY(progress_tell(&p, read));
        if (t) TRY(read_item(file, table, &item, t, block));
        if (!item.zeros) read += item_count(&item);
    }
done:
    return status;
}
