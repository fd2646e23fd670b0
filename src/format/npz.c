/* npz.c - reading NumPy's archives.
 *
 * An entry NAME.npy: "\x93NUMPY", a version, the length of a text in 2 bytes (version 1) or 4, the text, then the numbers. The text
 * is a Python dictionary, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. Source: NumPy's format.py. */
#include "format/npz.h"

#include "format/zip.h"

#include <stdio.h>
#include <string.h>

static const char ENDING[] = ".npy", CONFIG[] = "config.json";

static bool ends_with(const char *name, size_t bytes, const char *end) {
    size_t n = strlen(end);
    return bytes >= n && memcmp(name + bytes - n, end, n) == 0;
}

/* The first entry tells: its name begins at byte 30. */
bool npz_detect(const unsigned char *data, size_t bytes) {
    if (!zip_detect(data, bytes) || bytes < 30) return false;
    size_t name_bytes = (size_t)(data[26] | data[27] << 8);
    if (name_bytes > bytes - 30) return false;
    const char *name = (const char *)data + 30;
    return ends_with(name, name_bytes, ENDING) || (name_bytes == strlen(CONFIG) && ends_with(name, name_bytes, CONFIG));
}

/* ------------------------------------------------------------------------------------- the head of an array */

typedef struct head {
    const char *text, *end;
    const char *path, *name;
} head;

static canto_status bad(const head *h, const char *what) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': the array \"%.80s\" is damaged: %s", h->path, h->name, what);
}

/* What follows 'key': in the dictionary, or NULL. */
static const char *value_of(const head *h, const char *key) {
    char   quoted[32];
    size_t n = (size_t)snprintf(quoted, sizeof quoted, "'%s':", key);
    for (const char *at = h->text; (size_t)(h->end - at) > n; at++) {
        if (memcmp(at, quoted, n) != 0) continue;
        for (at += n; at < h->end && *at == ' ';) at++;
        return at;
    }
    return NULL;
}

static bool follows(const head *h, const char *at, const char *word) {
    size_t n = strlen(word);
    return at && (size_t)(h->end - at) >= n && memcmp(at, word, n) == 0;
}

static canto_status read_type(const head *h, source_type *type) {
    static const struct {
        const char *descr;
        source_type type;
    } TYPES[] = {{"'<f4'", SOURCE_F32}, {"'<f2'", SOURCE_F16}, {"'<f8'", SOURCE_F64},
                 {"'<i8'", SOURCE_I64}, {"'<i4'", SOURCE_I32}, {"'<i2'", SOURCE_I16},
                 {"'|i1'", SOURCE_I8},  {"'|u1'", SOURCE_U8},  {"'|b1'", SOURCE_BOOL}};
    const char *at = value_of(h, "descr");
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (!follows(h, at, TYPES[i].descr)) continue;
        *type = TYPES[i].type;
        return status_ok();
    }
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.300s': the array \"%.80s\" has numbers of a type that is not known here; '<f4', '<f2' and "
                        "'<f8' are",
                        h->path, h->name);
}

/* "(3, 4)", "(3,)", "()". */
static canto_status read_shape(const head *h, source_tensor *t) {
    const char *at = value_of(h, "shape");
    if (!follows(h, at, "(")) return bad(h, "it has no shape");
    for (at++; at < h->end && *at != ')';) {
        int64_t size = 0;
        if (t->rank == SOURCE_RANK_MAX || *at < '0' || *at > '9') return bad(h, "its shape is no list of few sizes");
        for (; at < h->end && *at >= '0' && *at <= '9'; at++) {
            if (size > INT64_MAX / 16) return bad(h, "its shape is too large to be true");
            size = size * 10 + (*at - '0');
        }
        t->shape[t->rank++] = size;
        while (at < h->end && (*at == ',' || *at == ' ')) at++;
    }
    return at < h->end ? status_ok() : bad(h, "its shape has no end");
}

/* Strides of an array whose first index is the fastest. */
static void column_major(source_tensor *t) {
    int64_t each = 1;
    for (int i = 0; i < t->rank; i++) {
        t->stride[i] = each;
        each *= t->shape[i] > 0 ? t->shape[i] : 1; /* no larger than source_shape_count allows */
    }
}

/* Finds the text and what follows it. */
static canto_status find_text(const zip_entry *e, head *h, source_tensor *t) {
    size_t start = 10, bytes;
    if (e->bytes < 12 || memcmp(e->data, "\x93NUMPY", 6) != 0) return bad(h, "it does not begin as one of NumPy's");
    bytes = (size_t)(e->data[8] | e->data[9] << 8);
    if (e->data[6] > 1) {
        start = 12;
        bytes |= (size_t)e->data[10] << 16 | (size_t)e->data[11] << 24;
    }
    if (bytes > e->bytes - start) return bad(h, "it is cut short");
    h->text = (const char *)e->data + start;
    h->end = h->text + bytes;
    t->data = e->data + start + bytes;
    t->bytes = e->bytes - start - bytes;
    return status_ok();
}

static canto_status add_array(tensor_source *source, const char *path, const zip_entry *e) {
    canto_status  status;
    char          name[512];
    size_t        bytes = e->name_bytes - strlen(ENDING);
    source_tensor t = {.name = name};
    head          h = {.path = path, .name = name};
    snprintf(name, sizeof name, "%.*s", (int)(bytes < sizeof name ? bytes : sizeof name - 1), e->name);
    TRY(find_text(e, &h, &t));
    TRY(read_type(&h, &t.type));
    TRY(read_shape(&h, &t));
    if (!source_shape_count(t.shape, t.rank, &t.count) || t.count * source_type_bytes(t.type) != t.bytes)
        return bad(&h, "its shape and its bytes do not agree");
    if (follows(&h, value_of(&h, "fortran_order"), "True")) column_major(&t);
    else source_row_major(&t);
    TRY(source_add(source, &t));
done:
    return status;
}

canto_status npz_add(tensor_source *source, const char *path, const char **config, size_t *config_bytes) {
    canto_status    status;
    const file_map *map;
    zip             z = {0};
    *config = NULL;
    TRY(source_map(source, path, &map));
    TRY(zip_open(source->context, path, map->data, map->bytes, &z));
    for (size_t i = 0; i < z.count; i++)
        if (ends_with(z.list[i].name, z.list[i].name_bytes, ENDING)) TRY(add_array(source, path, &z.list[i]));
    const zip_entry *e = zip_find(&z, CONFIG);
    if (e) {
        *config = (const char *)e->data;
        *config_bytes = e->bytes;
    }
done:
    zip_close(&z);
    return status;
}
