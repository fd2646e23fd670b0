/* tensor_source.c - the table of tensors that readers fill.
 *
 * Invariant: every element of a tensor in the list lies in its data[0, bytes). */
#include "store/tensor_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------- types */

static const struct {
    const char *name;
    unsigned    elements, bytes;
} TYPES[SOURCE_TYPES] = {
    [SOURCE_F32] = {"F32", 1, 4},         [SOURCE_F16] = {"F16", 1, 2},         [SOURCE_BF16] = {"BF16", 1, 2},
    [SOURCE_F64] = {"F64", 1, 8},         [SOURCE_I64] = {"I64", 1, 8},         [SOURCE_I32] = {"I32", 1, 4},
    [SOURCE_I16] = {"I16", 1, 2},         [SOURCE_I8] = {"I8", 1, 1},           [SOURCE_U64] = {"U64", 1, 8},
    [SOURCE_U32] = {"U32", 1, 4},         [SOURCE_U16] = {"U16", 1, 2},         [SOURCE_U8] = {"U8", 1, 1},
    [SOURCE_BOOL] = {"BOOL", 1, 1},       [SOURCE_F8_E4M3] = {"F8_E4M3", 1, 1}, [SOURCE_F8_E5M2] = {"F8_E5M2", 1, 1},
    [SOURCE_Q8_0] = {"Q8_0", 32, 2 + 32}, [SOURCE_Q4_0] = {"Q4_0", 32, 2 + 16},
};

const char *source_type_name(source_type type) { return TYPES[type].name; }
unsigned    source_type_elements(source_type type) { return TYPES[type].elements; }
unsigned    source_type_bytes(source_type type) { return TYPES[type].bytes; }

bool source_type_find(const char *name, source_type *type) {
    for (int i = 0; i < SOURCE_TYPES; i++)
        if (TYPES[i].elements == 1 && strcmp(TYPES[i].name, name) == 0) {
            *type = (source_type)i;
            return true;
        }
    return false;
}

bool source_shape_count(const int64_t *shape, int rank, uint64_t *count) {
    bool empty = false;
    *count = 1;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0) return false;
        empty = empty || shape[i] == 0;
        if (shape[i] != 0 && *count > (uint64_t)INT64_MAX / 8 / (uint64_t)shape[i]) return false;
        if (shape[i] != 0) *count *= (uint64_t)shape[i];
    }
    if (empty) *count = 0;
    return true;
}

void source_row_major(source_tensor *t) {
    int64_t each = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->stride[i] = each;
        each *= t->shape[i] > 0 ? t->shape[i] : 1; /* no larger than source_shape_count allows */
    }
}

/* ----------------------------------------------------------------------------------------------- filling */

void source_begin(canto_context *context, const char *path, tensor_source *source) {
    memset(source, 0, sizeof *source);
    source->context = context;
    snprintf(source->path, sizeof source->path, "%s", path);
}

canto_status source_map(tensor_source *source, const char *path, const file_map **map) {
    canto_status status = status_ok();
    void        *block = source->maps;
    status = context_reserve(source->context, &block, &source->map_room, source->map_count + 1, sizeof *source->maps,
                             "the list of a model's files");
    source->maps = block;
    if (status.code != CANTO_OK) return status;
    TRY(file_map_open(path, &source->maps[source->map_count]));
    *map = &source->maps[source->map_count++];
done:
    return status;
}

/* Bytes from the first to behind the last element; false when they do not fit into *bytes of 64 bits. */
static bool reach(const source_tensor *t, uint64_t *bytes) {
    uint64_t last = 0;
    unsigned elements = source_type_elements(t->type), each = source_type_bytes(t->type);
    *bytes = 0;
    if (t->count == 0) return true;
    if (elements > 1) {
        if (t->rank < 1 || t->shape[t->rank - 1] % elements != 0) return false;
        *bytes = t->count / elements * each;
        return t->count <= UINT64_MAX / each;
    }
    for (int i = 0; i < t->rank; i++) {
        uint64_t steps = (uint64_t)t->shape[i] - 1;
        if (t->stride[i] < 0 || (steps > 0 && (uint64_t)t->stride[i] > (UINT64_MAX / 16 - last) / steps)) return false;
        last += steps * (uint64_t)t->stride[i];
    }
    *bytes = (last + 1) * each;
    return true;
}

canto_status source_add(tensor_source *source, const source_tensor *t) {
    canto_status  status = status_ok();
    uint64_t      bytes;
    source_tensor copy = *t;
    void         *block = source->list;
    if (t->rank < 0 || t->rank > SOURCE_RANK_MAX || !source_shape_count(t->shape, t->rank, &copy.count))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the shape of tensor \"%.80s\" is too large to be true", source->path,
             t->name);
    if (!reach(&copy, &bytes) || bytes > t->bytes)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" has %zu bytes, but its shape asks for others",
             source->path, t->name, t->bytes);
    copy.bytes = (size_t)bytes;
    status = context_reserve(source->context, &block, &source->room, source->count + 1, sizeof *source->list,
                             "the list of a model's tensors");
    source->list = block;
    if (status.code != CANTO_OK) goto done;
    copy.name = context_copy_text(source->context, t->name);
    if (!copy.name) TRY(context_no_memory(strlen(t->name) + 1, "a tensor's name"));
    source->list[source->count++] = copy;
done:
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const source_tensor *)a)->name, ((const source_tensor *)b)->name);
}

canto_status source_end(tensor_source *source) {
    if (source->count > 1) qsort(source->list, source->count, sizeof *source->list, by_name);
    for (size_t i = 1; i < source->count; i++)
        if (strcmp(source->list[i - 1].name, source->list[i].name) == 0)
            return status_error(CANTO_ERROR_FORMAT, "'%.300s' holds the tensor \"%.80s\" twice", source->path,
                                source->list[i].name);
    return status_ok();
}

static void release_name(tensor_source *source, size_t i) {
    context_release(source->context, (char *)(uintptr_t)source->list[i].name);
}

canto_status source_rename(tensor_source *source, size_t i, const char *name) {
    char *copy = context_copy_text(source->context, name);
    if (!copy) return context_no_memory(strlen(name) + 1, "a tensor's name");
    release_name(source, i);
    source->list[i].name = copy;
    return status_ok();
}

void source_remove(tensor_source *source, size_t i) {
    release_name(source, i);
    memmove(&source->list[i], &source->list[i + 1], (source->count - i - 1) * sizeof *source->list);
    source->count--;
}

void source_close(tensor_source *source) {
    for (size_t i = 0; i < source->count; i++) release_name(source, i);
    if (source->list) context_release(source->context, source->list);
    for (size_t i = 0; i < source->map_count; i++) file_map_close(&source->maps[i]);
    if (source->maps) context_release(source->context, source->maps);
    memset(source, 0, sizeof *source);
}

/* --------------------------------------------------------------------------------------------- looking up */

const source_tensor *source_find(const tensor_source *source, const char *name) {
    source_tensor wanted = {.name = name};
    if (source->count == 0) return NULL;
    return bsearch(&wanted, source->list, source->count, sizeof *source->list, by_name);
}

canto_status source_expect_type(const tensor_source *source, const source_tensor *t, source_type type) {
    if (t->type == type) return status_ok();
    return status_error(CANTO_ERROR_UNSUPPORTED, "'%.250s': tensor \"%.80s\" is of type %s, and %s is wanted here",
                        source->path, t->name, source_type_name(t->type), source_type_name(type));
}

/* "[3, 16]" */
static void shape_text(const int64_t *shape, int rank, char out[200]) {
    size_t n = 0;
    n += (size_t)snprintf(out, 200, "[");
    for (int i = 0; i < rank && n < 170; i++)
        n += (size_t)snprintf(out + n, 200 - n, "%s%" PRId64, i ? ", " : "", shape[i]);
    snprintf(out + n, 200 - n, "]");
}

canto_status source_expect_shape(const tensor_source *source, const source_tensor *t, const int64_t *shape, int rank) {
    bool same = t->rank == rank;
    for (int i = 0; same && i < rank; i++) same = t->shape[i] == shape[i];
    if (same) return status_ok();
    char have[200], want[200];
    shape_text(t->shape, t->rank, have);
    shape_text(shape, rank, want);
    return status_error(CANTO_ERROR_FORMAT,
                        "'%.200s': tensor \"%.80s\" has the shape %.60s, but the config asks for %.60s", source->path,
                        t->name, have, want);
}
