/* safetensors.c - reading and writing safetensors files.
 *
 * Invariant: after safetensors_add every tensor's bytes lie inside the map, are as many as its dtype and shape say, and
 * belong to it alone; a damaged or hostile header is refused before any size of it is used. Little-endian machines only. */
#include "store/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX (UINT64_C(100) << 20)

/* ----------------------------------------------------------------------------------------------- reading */

typedef struct stretch {
    const char *name;
    uint64_t    begin, end; /* bytes within the data */
} stretch;

/* A file that is being read. */
typedef struct reading {
    tensor_source  *source;
    const char     *path;
    const file_map *map;
    json_t         *header;
    stretch        *list; /* where the tensors lie */
    size_t          count;
} reading;

static uint64_t read_u64(const unsigned char *p) {
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--) n = n << 8 | p[i];
    return n;
}

static canto_status read_header(reading *f) {
    if (f->map->bytes < 8)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' is no safetensors file: it has only %zu bytes", f->path,
                            f->map->bytes);
    uint64_t length = read_u64(f->map->data);
    if (length > f->map->bytes - 8 || length > HEADER_MAX)
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s' is no safetensors file, or cut short: its header should have %" PRIu64
                            " bytes, the whole file has %zu",
                            f->path, length, f->map->bytes);
    canto_status status =
        json_parse(f->source->context, (const char *)f->map->data + 8, (size_t)length, f->path, &f->header);
    if (status.code == CANTO_OK && !json_is_object(f->header))
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': the header is no JSON object", f->path);
    return status;
}

static canto_status read_shape(const reading *f, const json_t *entry, source_tensor *t) {
    canto_status status = status_ok();
    json_t      *shape;
    TRY(json_get_array(entry, f->path, "shape", &shape));
    if (json_array_size(shape) > SOURCE_RANK_MAX)
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s': tensor \"%.80s\" has more than %d dimensions", f->path, t->name,
             SOURCE_RANK_MAX);
    t->rank = (int)json_array_size(shape);
    for (int i = 0; i < t->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" has a shape that is not made of sizes", f->path,
                 t->name);
        t->shape[i] = json_integer_value(size);
    }
    if (!source_shape_count(t->shape, t->rank, &t->count))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the shape of tensor \"%.80s\" is too large to be true", f->path, t->name);
    source_row_major(t);
done:
    return status;
}

static canto_status read_offsets(const reading *f, const json_t *entry, stretch *place) {
    canto_status status = status_ok();
    json_t      *offsets;
    TRY(json_get_array(entry, f->path, "data_offsets", &offsets));
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < json_integer_value(begin))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" has data_offsets that are not [begin, end]", f->path,
             place->name);
    place->begin = (uint64_t)json_integer_value(begin);
    place->end = (uint64_t)json_integer_value(end);
done:
    return status;
}

static canto_status read_tensor(reading *f, const char *name, const json_t *entry) {
    canto_status  status = status_ok();
    size_t        start = 8 + (size_t)read_u64(f->map->data);
    uint64_t      room = f->map->bytes - start;
    source_tensor t = {.name = name};
    stretch      *place = &f->list[f->count];
    const char   *type;
    place->name = name;
    TRY(json_get_text(entry, f->path, "dtype", &type));
    if (!source_type_find(type, &t.type))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s': tensor \"%.80s\" has the unknown type \"%.20s\"", f->path, name, type);
    TRY(read_shape(f, entry, &t));
    TRY(read_offsets(f, entry, place));
    if (place->end - place->begin != t.count * source_type_bytes(t.type))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" has %" PRIu64 " bytes, but its shape asks for others",
             f->path, name, place->end - place->begin);
    if (place->end > room)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is cut short: tensor \"%.80s\" ends at byte %" PRIu64 " of the data, which has %" PRIu64,
             f->path, name, place->end, room);
    t.data = f->map->data + start + place->begin;
    t.bytes = (size_t)(place->end - place->begin);
    TRY(source_add(f->source, &t));
    f->count++;
done:
    return status;
}

static int by_place(const void *a, const void *b) {
    const stretch *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Every byte of the data belongs to one tensor. */
static canto_status check_cover(reading *f) {
    uint64_t at = 0, room = f->map->bytes - 8 - read_u64(f->map->data);
    if (f->count > 1) qsort(f->list, f->count, sizeof *f->list, by_place);
    for (size_t i = 0; i < f->count; at = f->list[i++].end) {
        if (f->list[i].begin == at) continue;
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" %s", f->path, f->list[i].name,
                            f->list[i].begin < at ? "overlaps another one" : "leaves a gap before it");
    }
    if (at != room)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' has %" PRIu64 " bytes that belong to no tensor", f->path,
                            room - at);
    return status_ok();
}

static canto_status read_list(reading *f) {
    canto_status status = status_ok();
    const char  *name;
    json_t      *entry;
    size_t       most = json_object_size(f->header);
    f->list = context_allocate_zeroed(f->source->context, most ? most : 1, sizeof *f->list);
    if (!f->list) FAIL(CANTO_ERROR_MEMORY, "no memory for the %zu tensors of '%.300s'", most, f->path);
    json_object_foreach(f->header, name, entry) {
        if (strcmp(name, "__metadata__") != 0) TRY(read_tensor(f, name, entry));
    }
    TRY(check_cover(f));
done:
    return status;
}

canto_status safetensors_add(tensor_source *source, const char *path) {
    canto_status status = status_ok();
    reading      f = {.source = source, .path = path};
    TRY(source_map(source, path, &f.map));
    TRY(read_header(&f));
    TRY(read_list(&f));
done:
    if (f.list) context_release(source->context, f.list);
    json_decref(f.header);
    return status;
}

canto_status safetensors_open(canto_context *context, const char *path, tensor_source *source) {
    canto_status status = status_ok();
    source_begin(context, path, source);
    TRY(safetensors_add(source, path));
    TRY(source_end(source));
done:
    if (status.code != CANTO_OK) source_close(source);
    return status;
}

canto_status safetensors_metadata(canto_context *context, const char *path, const char *key, char **text) {
    canto_status  status = status_ok();
    tensor_source source;
    reading       f = {.source = &source, .path = path};
    *text = NULL;
    source_begin(context, path, &source);
    TRY(source_map(&source, path, &f.map));
    TRY(read_header(&f));
    const char *found = json_string_value(json_object_get(json_object_get(f.header, "__metadata__"), key));
    if (!found) goto done;
    *text = context_copy_text(context, found);
    if (!*text) TRY(context_no_memory(strlen(found) + 1, "the config of a model"));
done:
    json_decref(f.header);
    source_close(&source);
    return status;
}

/* ----------------------------------------------------------------------------------------------- writing */

static canto_status no_header_memory(void) { return context_no_memory(4096, "the header of a safetensors file"); }

canto_status safetensors_writer_open(safetensors_writer *w, const char *path) {
    memset(w, 0, sizeof *w);
    canto_status status = file_writer_open(&w->file, path);
    if (status.code != CANTO_OK) return status;
    w->header = json_object();
    if (w->header) return status;
    safetensors_writer_discard(w);
    return no_header_memory();
}

canto_status safetensors_writer_metadata(safetensors_writer *w, const char *key, const char *text) {
    json_t *metadata = json_object_get(w->header, "__metadata__");
    if (!metadata) {
        metadata = json_object();
        if (json_object_set_new(w->header, "__metadata__", metadata) != 0) return no_header_memory();
    }
    return json_object_set_new(metadata, key, json_string(text)) == 0 ? status_ok() : no_header_memory();
}

static json_t *shape_to_json(const int64_t *shape, int rank) {
    json_build list = json_build_array();
    for (int i = 0; i < rank; i++) json_build_add(&list, json_integer(shape[i]));
    return json_build_end(&list);
}

canto_status safetensors_writer_add(safetensors_writer *w, const char *name, source_type type, const int64_t *shape,
                                    int rank) {
    uint64_t bytes = source_type_bytes(type);
    for (int i = 0; i < rank; i++) bytes *= (uint64_t)shape[i];
    json_t *entry =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", source_type_name(type), "shape", shape_to_json(shape, rank),
                  "data_offsets", (json_int_t)w->bytes, (json_int_t)(w->bytes + bytes));
    if (!entry || json_object_set_new(w->header, name, entry) != 0) return no_header_memory();
    w->bytes += bytes;
    return status_ok();
}

static void write_u64(unsigned char *p, uint64_t n) {
    for (int i = 0; i < 8; i++) p[i] = (unsigned char)(n >> 8 * i);
}

canto_status safetensors_writer_begin(safetensors_writer *w) {
    canto_status  status = status_ok();
    unsigned char length[8];
    size_t        bytes = json_dumpb(w->header, NULL, 0, JSON_COMPACT), padding = (8 - bytes % 8) % 8;
    if (bytes == 0) return no_header_memory();
    write_u64(length, bytes + padding);
    TRY(file_writer_write(&w->file, length, sizeof length));
    TRY(json_write(&w->file, w->header, JSON_COMPACT));
    TRY(file_writer_write(&w->file, "        ", padding));
done:
    return status;
}

canto_status safetensors_writer_data(safetensors_writer *w, const void *data, size_t bytes) {
    w->written += bytes;
    return file_writer_write(&w->file, data, bytes);
}

canto_status safetensors_writer_commit(safetensors_writer *w) {
    canto_status status = status_ok();
    if (w->written != w->bytes)
        FAIL(CANTO_ERROR_VALUE, "'%.300s': %" PRIu64 " bytes of tensors were announced and %" PRIu64 " written",
             w->file.path, w->bytes, w->written);
    TRY(file_writer_commit(&w->file));
done:
    safetensors_writer_discard(w);
    return status;
}

void safetensors_writer_discard(safetensors_writer *w) {
    json_decref(w->header);
    w->header = NULL;
    if (w->file.open) file_writer_discard(&w->file);
}
