/* gguf.c - reading GGUF files: what is in them, not what it means (gguf_model.c).
 *
 * Invariants after gguf_open: every text, value and tensor lies inside the map, no key and no name stands twice, and every tensor's
 * bytes belong to it alone. What is allocated is in proportion to the bytes that describe values and tensors: a count is believed
 * only when the file has room for so many. */
#include "format/gguf.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No value is shorter, and no entry in the list of tensors. */
enum { VALUE_LEAST = 8 + 4 + 1, TENSOR_LEAST = 8 + 4 + 4 + 8, DEPTH_MAX = 4 };

/* ------------------------------------------------------------------------------------------------- types */

static const unsigned type_bytes[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}; /* 0: it depends */

static const struct {
    uint32_t    number;
    const char *name;
    source_type type; /* SOURCE_TYPES: not read here */
} tensor_types[] = {
    {0, "F32", SOURCE_F32},     {1, "F16", SOURCE_F16},     {30, "BF16", SOURCE_BF16},    {8, "Q8_0", SOURCE_Q8_0},
    {2, "Q4_0", SOURCE_Q4_0},   {3, "Q4_1", SOURCE_TYPES},  {6, "Q5_0", SOURCE_TYPES},    {7, "Q5_1", SOURCE_TYPES},
    {9, "Q8_1", SOURCE_TYPES},  {10, "Q2_K", SOURCE_TYPES}, {11, "Q3_K", SOURCE_TYPES},   {12, "Q4_K", SOURCE_TYPES},
    {13, "Q5_K", SOURCE_TYPES}, {14, "Q6_K", SOURCE_TYPES}, {20, "IQ4_NL", SOURCE_TYPES}, {23, "IQ4_XS", SOURCE_TYPES},
    {28, "F64", SOURCE_F64},
};
enum { TENSOR_TYPES = sizeof tensor_types / sizeof tensor_types[0] };

bool gguf_tensor_type(source_type type, uint32_t *number) {
    for (size_t i = 0; i < TENSOR_TYPES; i++) {
        if (tensor_types[i].type != type) continue;
        *number = tensor_types[i].number;
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------ cursor */

typedef struct cursor {
    const gguf          *file;
    const unsigned char *begin, *at, *end;
} cursor;

static size_t left(const cursor *c) { return (size_t)(c->end - c->at); }

static canto_status cut_short(const cursor *c, const char *where) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' is cut short or damaged: it ends within %s, at byte %zu",
                        c->file->path, where, (size_t)(c->end - c->begin));
}

static canto_status damaged(const cursor *c, const char *what) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' is damaged: %s", c->file->path, what);
}

/* alignment is at least 1, n at most the size of a file. */
static uint64_t round_up(uint64_t n, uint64_t alignment) { return (n + alignment - 1) / alignment * alignment; }

static uint64_t number_at(const unsigned char *p, unsigned bytes) {
    uint64_t n = 0;
    for (unsigned i = bytes; i-- > 0;) n = n << 8 | p[i];
    return n;
}

static canto_status take_number(cursor *c, unsigned bytes, const char *where, uint64_t *number) {
    *number = 0;
    if (left(c) < bytes) return cut_short(c, where);
    *number = number_at(c->at, bytes);
    c->at += bytes;
    return status_ok();
}

static canto_status take_text(cursor *c, const char *where, gguf_text *text) {
    uint64_t     bytes;
    canto_status status = take_number(c, 8, where, &bytes);
    if (status.code != CANTO_OK) return status;
    if (bytes > left(c)) return cut_short(c, where);
    *text = (gguf_text){(const char *)c->at, (size_t)bytes};
    c->at += bytes;
    return status;
}

/* -------------------------------------------------------------------------------------------- the header */

static canto_status check_version(const gguf *f, uint64_t version) {
    if (version == 2 || version == 3) return status_ok();
    if (version != 0 && (version & 0xFFFF) == 0)
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "'%.300s' is a big-endian GGUF file, which is not read here: convert it to little-endian",
                            f->path);
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.300s' is GGUF version %" PRIu64 ", and this version reads 2 and 3: convert it anew",
                        f->path, version);
}

static canto_status take_header(cursor *c, uint64_t *tensors, uint64_t *values) {
    canto_status status;
    uint64_t     magic, version;
    TRY(take_number(c, 4, "the header", &magic));
    TRY(take_number(c, 4, "the header", &version));
    if (magic != 0x46554747) FAIL(CANTO_ERROR_FORMAT, "'%.300s' is no GGUF file", c->file->path);
    TRY(check_version(c->file, version));
    TRY(take_number(c, 8, "the header", tensors));
    TRY(take_number(c, 8, "the header", values));
    if (*values > left(c) / VALUE_LEAST || *tensors > left(c) / TENSOR_LEAST)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is cut short or damaged: by its header it has %" PRIu64 " values and %" PRIu64
             " tensors, for which its %zu bytes are too few",
             c->file->path, *values, *tensors, (size_t)(c->end - c->begin));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ values */

/* The head of an array, whose elements follow: each takes at least one byte. */
static canto_status take_array_head(cursor *c, const char *where, gguf_value *v) {
    canto_status status;
    uint64_t     type;
    TRY(take_number(c, 4, where, &type));
    TRY(take_number(c, 8, where, &v->count));
    if (type >= GGUF_TYPES)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: %s is an array of the unknown type %" PRIu64, c->file->path,
             where, type);
    v->type = (gguf_type)type;
    uint64_t least = type_bytes[type] ? type_bytes[type] : 8;
    if (v->count > left(c) / least) return cut_short(c, where);
    v->data = c->at;
done:
    return status;
}

static canto_status skip_elements(cursor *c, const gguf_value *v, int depth) {
    static const char where[] = "the values";
    canto_status      status = status_ok();
    if (type_bytes[v->type]) {
        if (v->count > left(c) / type_bytes[v->type]) return cut_short(c, where);
        c->at += v->count * type_bytes[v->type];
        return status;
    }
    if (depth > DEPTH_MAX) return damaged(c, "its arrays are too deep in each other");
    for (uint64_t i = 0; i < v->count; i++) {
        gguf_text  text;
        gguf_value inner = {0};
        if (v->type == GGUF_TEXT) TRY(take_text(c, where, &text));
        else {
            TRY(take_array_head(c, where, &inner));
            TRY(skip_elements(c, &inner, depth + 1));
        }
    }
done:
    return status;
}

static canto_status take_value(cursor *c, gguf_value *v) {
    canto_status status;
    uint64_t     type;
    TRY(take_text(c, "the values", &v->key));
    TRY(take_number(c, 4, "the values", &type));
    if (v->key.bytes == 0 || utf8_valid_prefix(v->key.text, v->key.bytes) != v->key.bytes)
        return damaged(c, "a value's name is empty or no text");
    if (type >= GGUF_TYPES)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: the value %.*s is of the unknown type %" PRIu64, c->file->path,
             (int)(v->key.bytes < 80 ? v->key.bytes : 80), v->key.text, type);
    v->type = (gguf_type)type;
    v->array = v->type == GGUF_ARRAY;
    v->count = 1;
    if (v->array) TRY(take_array_head(c, "the values", v));
    v->data = c->at;
    TRY(skip_elements(c, v, 1));
done:
    return status;
}

static int by_key(const void *a, const void *b) {
    const gguf_text *x = &((const gguf_value *)a)->key, *y = &((const gguf_value *)b)->key;
    int              order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);
    if (order != 0) return order;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static canto_status take_values(cursor *c, gguf *f, uint64_t count) {
    canto_status status = status_ok();
    f->values = context_allocate_zeroed(f->context, (size_t)count + 1, sizeof *f->values);
    if (!f->values) FAIL(CANTO_ERROR_MEMORY, "no memory for the %" PRIu64 " values of '%.300s'", count, f->path);
    for (; f->value_count < count; f->value_count++) TRY(take_value(c, &f->values[f->value_count]));
    if (count > 1) qsort(f->values, f->value_count, sizeof *f->values, by_key);
    for (size_t i = 1; i < f->value_count; i++)
        if (by_key(&f->values[i - 1], &f->values[i]) == 0)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: the value %.*s stands twice", f->path,
                 (int)(f->values[i].key.bytes < 80 ? f->values[i].key.bytes : 80), f->values[i].key.text);
done:
    return status;
}

/* ----------------------------------------------------------------------------------------------- tensors */

enum { RANK_MAX = 4, NAME_MAX_BYTES = 64 };

/* A tensor's name, with a zero byte, into name. */
static canto_status take_name(cursor *c, char name[NAME_MAX_BYTES + 1]) {
    gguf_text    text;
    canto_status status = take_text(c, "the list of tensors", &text);
    if (status.code != CANTO_OK) return status;
    if (text.bytes == 0 || text.bytes > NAME_MAX_BYTES || memchr(text.text, 0, text.bytes) ||
        utf8_valid_prefix(text.text, text.bytes) != text.bytes)
        return damaged(c, "a tensor's name is no text of 1 to 64 bytes");
    memcpy(name, text.text, text.bytes);
    name[text.bytes] = 0;
    return status;
}

static canto_status take_shape(cursor *c, source_tensor *t) {
    canto_status status;
    uint64_t     rank, size;
    TRY(take_number(c, 4, "the list of tensors", &rank));
    if (rank > RANK_MAX)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: tensor \"%s\" has %" PRIu64 " dimensions, and 4 are the most",
             c->file->path, t->name, rank);
    t->rank = (int)rank;
    for (int i = t->rank - 1; i >= 0; i--) {
        TRY(take_number(c, 8, "the list of tensors", &size));
        t->shape[i] = size > INT64_MAX ? -1 : (int64_t)size;
    }
    if (!source_shape_count(t->shape, t->rank, &t->count) || t->count == 0)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is damaged: the shape of tensor \"%s\" is empty, or too large to be true",
             c->file->path, t->name);
    source_row_major(t);
done:
    return status;
}

static canto_status take_type(cursor *c, source_tensor *t) {
    uint64_t     number;
    canto_status status = take_number(c, 4, "the list of tensors", &number);
    size_t       i = 0;
    if (status.code != CANTO_OK) return status;
    while (i < TENSOR_TYPES && tensor_types[i].number != number) i++;
    if (i == TENSOR_TYPES || tensor_types[i].type == SOURCE_TYPES)
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "'%.300s': tensor \"%s\" is of type %" PRIu64
                            " (%s), and F32, F16, BF16, F64, Q8_0 and Q4_0 "
                            "are read here: take the model in one of them",
                            c->file->path, t->name, number, i == TENSOR_TYPES ? "unknown" : tensor_types[i].name);
    t->type = tensor_types[i].type;
    int64_t row = t->rank ? t->shape[t->rank - 1] : 1, elements = source_type_elements(t->type);
    if (row % elements != 0)
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s' is damaged: tensor \"%s\" of type %s has rows of %" PRId64
                            " elements, and must have a multiple of %" PRId64,
                            c->file->path, t->name, tensor_types[i].name, row, elements);
    t->bytes = (size_t)(t->count / (uint64_t)elements * source_type_bytes(t->type)); /* count is at most 2^60 */
    return status;
}

/* One of the list, whose data should begin at *next, which becomes where the one behind it should. */
static canto_status take_tensor(cursor *c, uint64_t alignment, uint64_t *next, char name[NAME_MAX_BYTES + 1],
                                source_tensor *t) {
    canto_status status;
    uint64_t     place, bytes = (uint64_t)(c->end - c->begin);
    *t = (source_tensor){.name = name};
    TRY(take_name(c, name));
    TRY(take_shape(c, t));
    TRY(take_type(c, t));
    TRY(take_number(c, 8, "the list of tensors", &place));
    if (place != *next)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is damaged: tensor \"%s\" begins at byte %" PRIu64 " of the data, and the one before it ends "
             "at %" PRIu64,
             c->file->path, name, place, *next);
    if (place > bytes || t->bytes > bytes - place)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s' is cut short: tensor \"%s\" has %zu bytes from byte %" PRIu64
             " of the data on, the whole file %" PRIu64,
             c->file->path, name, t->bytes, place, bytes);
    *next = round_up(place + t->bytes, alignment);
done:
    return status;
}

/* The list of tensors is gone through twice: where their data begin is known at its end alone. */
static canto_status take_tensors(cursor *c, tensor_source *source, uint64_t count, uint64_t alignment) {
    canto_status  status = status_ok();
    char          name[NAME_MAX_BYTES + 1];
    source_tensor t;
    uint64_t      next = 0;
    cursor        again = *c;
    for (uint64_t i = 0; i < count; i++) TRY(take_tensor(c, alignment, &next, name, &t));
    uint64_t bytes = (uint64_t)(c->end - c->begin), data = round_up((uint64_t)(c->at - c->begin), alignment), at = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = at;
        TRY(take_tensor(&again, alignment, &at, name, &t));
        if (data > bytes || place > bytes - data || t.bytes > bytes - data - place)
            FAIL(CANTO_ERROR_FORMAT,
                 "'%.300s' is cut short: tensor \"%s\" ends at byte %" PRIu64 ", the file at %" PRIu64, source->path,
                 name, data + place + t.bytes, bytes);
        t.data = c->begin + data + place;
        TRY(source_add(source, &t));
    }
done:
    return status;
}

bool gguf_detect(const unsigned char *data, size_t bytes) { return bytes >= 4 && memcmp(data, "GGUF", 4) == 0; }

canto_status gguf_open(canto_context *context, const char *path, gguf *file, tensor_source *source) {
    canto_status    status;
    uint64_t        tensors = 0, values = 0;
    int64_t         alignment;
    const file_map *map;
    source_begin(context, path, source);
    *file = (gguf){.context = context, .path = source->path};
    TRY(source_map(source, path, &map));
    cursor c = {file, map->data, map->data, map->data + map->bytes};
    TRY(take_header(&c, &tensors, &values));
    TRY(take_values(&c, file, values));
    TRY(gguf_get_integer_or(file, "general.alignment", 1, 65536, GGUF_ALIGNMENT, &alignment));
    TRY(take_tensors(&c, source, tensors, (uint64_t)alignment));
    TRY(source_end(source));
done:
    if (status.code != CANTO_OK) gguf_close(file);
    return status;
}

void gguf_close(gguf *file) {
    if (file->values) context_release(file->context, file->values);
    *file = (gguf){0};
}

/* ------------------------------------------------------------------------------------------------ asking */

const gguf_value *gguf_find(const gguf *file, const char *key) {
    gguf_value wanted = {.key = {key, strlen(key)}};
    if (file->value_count == 0) return NULL;
    return bsearch(&wanted, file->values, file->value_count, sizeof wanted, by_key);
}

static canto_status wrong_type(const gguf *file, const char *key, const char *wanted) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': the value %s must be %s", file->path, key, wanted);
}

static canto_status find_needed(const gguf *file, const char *key, const gguf_value **value) {
    *value = gguf_find(file, key);
    if (*value) return status_ok();
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' lacks the value %s", file->path, key);
}

static bool is_signed(gguf_type type) {
    return type == GGUF_I8 || type == GGUF_I16 || type == GGUF_I32 || type == GGUF_I64;
}

static bool is_integer(gguf_type type) {
    return is_signed(type) || type == GGUF_U8 || type == GGUF_U16 || type == GGUF_U32 || type == GGUF_U64;
}

/* What does not fit into 64 bits with a sign becomes negative, which no range allows here. */
static int64_t integer_of(gguf_type type, const unsigned char *data) {
    unsigned bits = 8 * type_bytes[type];
    uint64_t n = number_at(data, type_bytes[type]);
    if (is_signed(type) && bits < 64 && n >> (bits - 1)) n |= UINT64_MAX << bits;
    return (int64_t)n;
}

canto_status gguf_get_integer(const gguf *file, const char *key, int64_t low, int64_t high, int64_t *number) {
    const gguf_value *v;
    canto_status      status = find_needed(file, key, &v);
    if (status.code != CANTO_OK) return status;
    if (v->array || !is_integer(v->type)) return wrong_type(file, key, "a whole number");
    int64_t n = integer_of(v->type, v->data);
    if (n < low || n > high)
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s': the value %s is %" PRId64 ", which is not from %" PRId64 " to %" PRId64,
                            file->path, key, n, low, high);
    *number = n;
    return status;
}

canto_status gguf_get_integer_or(const gguf *file, const char *key, int64_t low, int64_t high, int64_t fallback,
                                 int64_t *number) {
    *number = fallback;
    return gguf_find(file, key) ? gguf_get_integer(file, key, low, high, number) : status_ok();
}

canto_status gguf_get_real(const gguf *file, const char *key, double *number) {
    const gguf_value *v;
    float             single;
    canto_status      status = find_needed(file, key, &v);
    if (status.code != CANTO_OK) return status;
    if (v->array || (v->type != GGUF_F32 && v->type != GGUF_F64)) return wrong_type(file, key, "a real number");
    if (v->type == GGUF_F32) {
        memcpy(&single, v->data, sizeof single);
        *number = single;
    } else memcpy(number, v->data, sizeof *number);
    return status;
}

canto_status gguf_get_bool_or(const gguf *file, const char *key, bool fallback, bool *truth) {
    const gguf_value *v = gguf_find(file, key);
    *truth = fallback;
    if (!v) return status_ok();
    if (v->array || v->type != GGUF_BOOL || v->data[0] > 1) return wrong_type(file, key, "true or false");
    *truth = v->data[0] != 0;
    return status_ok();
}

canto_status gguf_get_text(const gguf *file, const char *key, gguf_text *text) {
    const gguf_value *v;
    canto_status      status = find_needed(file, key, &v);
    if (status.code != CANTO_OK) return status;
    if (v->array || v->type != GGUF_TEXT) return wrong_type(file, key, "a text");
    const unsigned char *at = v->data;
    *text = gguf_next_text(&at);
    return status;
}

canto_status gguf_get_array(const gguf *file, const char *key, gguf_type element, const gguf_value **value) {
    *value = gguf_find(file, key);
    if (!*value || ((*value)->array && (*value)->type == element)) return status_ok();
    *value = NULL;
    return wrong_type(file, key, element == GGUF_TEXT ? "an array of texts" : "an array of another type");
}

bool gguf_text_is(gguf_text text, const char *other) {
    return text.bytes == strlen(other) && memcmp(text.text, other, text.bytes) == 0;
}

gguf_text gguf_next_text(const unsigned char **at) {
    gguf_text text = {(const char *)*at + 8, (size_t)number_at(*at, 8)};
    *at += 8 + text.bytes;
    return text;
}
