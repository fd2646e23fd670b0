/* torch_file.c - a state dictionary out of torch.save's files.
 *
 * The zip: ROOT/data.pkl, and for each storage ROOT/data/KEY, KEY standing in the pickle. The older form: pickles of a magic number, a
 * version, the machine, the object, and the list of keys; then for each key a 64-bit count of elements and the elements.
 * A key only ever names an entry of the archive: no other file is opened.
 *
 * Invariant: a tensor lies in its storage, and its elements do not overlap one another; two tensors may share a storage.
 * Source: torch/serialization.py. */
#include "format/torch_file.h"

#include "format/pickle.h"
#include "format/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A storage of the older form. */
typedef struct storage {
    const pickle_value  *key; /* a text */
    source_type          type;
    const unsigned char *data; /* data[bytes] */
    size_t               bytes;
} storage;

typedef struct torch_file {
    tensor_source *source;
    const char    *path;
    file_map       map; /* the source's */
    zip            archive;
    char           root[200]; /* of the archive's entries: "archive/" */
    pickle         object;
    bool           older;
    pickle         keys;     /* the older form's */
    storage       *storages; /* by key */
    size_t         storage_count;
} torch_file;

/* --------------------------------------------------------------------------------------------- the archive */

/* How the older form begins: protocol 2, the magic number 0x1950a86a20f9469cfc6c, the end of its pickle. */
static const unsigned char MAGIC[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

static bool is_older(const unsigned char *data, size_t bytes) {
    return bytes > sizeof MAGIC && memcmp(data, MAGIC, sizeof MAGIC) == 0;
}

bool torch_detect(const unsigned char *data, size_t bytes) { return zip_detect(data, bytes) || is_older(data, bytes); }

/* The archive's entry ROOT/name; NULL when there is none. */
static const zip_entry *entry_of(const torch_file *f, const char *name, size_t bytes) {
    char full[400];
    int  n = snprintf(full, sizeof full, "%s%.*s", f->root, (int)(bytes < 150 ? bytes : 150), name);
    return n > 0 && (size_t)n == strlen(f->root) + bytes ? zip_find(&f->archive, full) : NULL;
}

/* Finds ROOT: the folder of data.pkl. */
static canto_status find_root(torch_file *f) {
    static const char name[] = "data.pkl";
    for (size_t i = 0; i < f->archive.count; i++) {
        const zip_entry *e = &f->archive.list[i];
        size_t           root = e->name_bytes - (sizeof name - 1);
        if (e->name_bytes < sizeof name || root >= sizeof f->root || e->name[root - 1] != '/' ||
            memcmp(e->name + root, name, sizeof name - 1) != 0 || memchr(e->name, '/', root - 1))
            continue;
        snprintf(f->root, sizeof f->root, "%.*s", (int)root, e->name);
        return status_ok();
    }
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.300s' is a zip archive, but none that torch.save wrote: it has no data.pkl", f->path);
}

static canto_status open_archive(torch_file *f) {
    canto_status status;
    TRY(zip_open(f->source->context, f->path, f->map.data, f->map.bytes, &f->archive));
    TRY(find_root(f));
    const zip_entry *object = entry_of(f, "data.pkl", 8), *order = entry_of(f, "byteorder", 9);
    if (entry_of(f, "constants.pkl", 13))
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.300s' holds a program (torch.jit.save): save the model's state_dict() with torch.save", f->path);
    if (!object || (order && (order->bytes != 6 || memcmp(order->data, "little", 6) != 0)))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s' comes from a machine of another byte order: save it on this one",
             f->path);
    TRY(pickle_read(f->source->context, f->path, object->data, object->bytes, &f->object));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------ the older form */

static int by_key(const void *a, const void *b) {
    const pickle_value *x = ((const storage *)a)->key, *y = ((const storage *)b)->key;
    int                 order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);
    return order != 0 ? order : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static storage *older_storage(const torch_file *f, const pickle_value *key) {
    storage wanted = {.key = key};
    if (f->storage_count == 0 || key->kind != PICKLE_TEXT) return NULL;
    return bsearch(&wanted, f->storages, f->storage_count, sizeof *f->storages, by_key);
}

/* The storages that the object names, each with its type, once. */
static canto_status list_storages(torch_file *f) {
    canto_status status = status_ok();
    size_t       count = f->object.storages.count, kept = 0;
    f->storages = context_allocate_zeroed(f->source->context, count + 1, sizeof *f->storages);
    if (!f->storages) TRY(context_no_memory(count * sizeof *f->storages, "the storages of a file"));
    for (const pickle_node *n = f->object.storages.first; n; n = n->next) {
        const pickle_value *class = pickle_at(&n->value, 1), *key = pickle_at(&n->value, 2);
        storage *s = &f->storages[f->storage_count];
        if (key && key->kind == PICKLE_TEXT && pickle_storage_type(class, &s->type)) s->key = key, f->storage_count++;
    }
    if (f->storage_count > 1) qsort(f->storages, f->storage_count, sizeof *f->storages, by_key);
    for (size_t i = 0; i < f->storage_count; i++)
        if (kept == 0 || by_key(&f->storages[kept - 1], &f->storages[i]) != 0) f->storages[kept++] = f->storages[i];
    f->storage_count = kept;
done:
    return status;
}

static uint64_t u64_at(const unsigned char *p) {
    uint64_t n = 0;
    for (int i = 7; i >= 0; i--) n = n << 8 | p[i];
    return n;
}

/* Their numbers stand in the order of the keys, from byte `at` on. */
static canto_status find_numbers(torch_file *f, size_t at) {
    canto_status       status = status_ok();
    const pickle_node *node = f->keys.root.kind == PICKLE_LIST ? f->keys.root.items->first : NULL;
    for (; node; node = node->next) {
        storage *s = older_storage(f, &node->value);
        if (!s) FAIL(CANTO_ERROR_FORMAT, "'%.300s': a storage belongs to no tensor; get the file again", f->path);
        unsigned each = source_type_bytes(s->type);
        if (f->map.bytes - at < 8 || u64_at(f->map.data + at) > (f->map.bytes - at - 8) / each)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s' is cut short: the numbers of its storages end too early", f->path);
        s->bytes = (size_t)u64_at(f->map.data + at) * each;
        s->data = f->map.data + at + 8;
        at += 8 + s->bytes;
    }
done:
    return status;
}

static canto_status open_older(torch_file *f) {
    canto_status   status = status_ok();
    canto_context *context = f->source->context;
    size_t         at = sizeof MAGIC;
    f->older = true;
    for (int i = 0; i < 4; i++) { /* version, machine, object, keys */
        pickle *into = i == 2 ? &f->object : &f->keys;
        pickle_close(into);
        TRY(pickle_read(context, f->path, f->map.data + at, f->map.bytes - at, into));
        at += into->bytes;
        const pickle_value *little = i == 1 ? pickle_get(&into->root, "little_endian") : NULL;
        if (little && little->kind == PICKLE_BOOL && !little->truth)
            FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s' comes from a machine of another byte order: save it on this one",
                 f->path);
    }
    TRY(list_storages(f));
    TRY(find_numbers(f, at));
done:
    return status;
}

/* --------------------------------------------------------------------------------------------- the tensors */

/* The bytes of a storage; false when the file has none of this key. */
static bool find_storage(const torch_file *f, const pickle_value *key, const unsigned char **data, size_t *bytes) {
    char name[160];
    if (f->older) {
        const storage *s = older_storage(f, key);
        if (s) *data = s->data, *bytes = s->bytes;
        return s && s->data;
    }
    if (key->kind != PICKLE_TEXT || key->bytes > 100) return false;
    int              n = snprintf(name, sizeof name, "data/%.*s", (int)key->bytes, key->text);
    const zip_entry *e = entry_of(f, name, (size_t)n);
    if (e) *data = e->data, *bytes = e->bytes;
    return e != NULL;
}

/* The numbers of a tuple; false when it is none of at most SOURCE_RANK_MAX whole numbers from 0 on. */
static bool read_sizes(const pickle_value *v, int64_t *sizes, int *rank) {
    *rank = 0;
    if (!v || (v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST) || v->items->count > SOURCE_RANK_MAX) return false;
    for (const pickle_node *n = v->items->first; n; n = n->next) {
        if (n->value.kind != PICKLE_INT || n->value.integer < 0) return false;
        sizes[(*rank)++] = n->value.integer;
    }
    return true;
}

/* No two elements of t in one place: sorted by stride, each dimension steps over those below it. */
static bool is_spread(const source_tensor *t) {
    uint64_t below = 1;
    bool     done[SOURCE_RANK_MAX] = {false};
    for (int i = 0; i < t->rank; i++) {
        int least = 0;
        while (done[least]) least++;
        for (int d = least + 1; d < t->rank; d++)
            if (!done[d] && t->stride[d] < t->stride[least]) least = d;
        done[least] = true;
        if (t->shape[least] <= 1) continue;
        if ((uint64_t)t->stride[least] < below) return false;
        if ((uint64_t)t->stride[least] > UINT64_MAX / 16 / (uint64_t)t->shape[least]) return false;
        below = (uint64_t)t->stride[least] * (uint64_t)t->shape[least];
    }
    return true;
}

static canto_status add_tensor(torch_file *f, const pickle_value *name, const pickle_value *v) {
    canto_status  status = status_ok();
    char          text[256];
    source_tensor t = {.name = text};
    int           strides;
    size_t        bytes;
    if (name->kind != PICKLE_TEXT || name->bytes >= sizeof text || memchr(name->text, 0, name->bytes))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': a tensor's name is no text of less than %zu bytes", f->path, sizeof text);
    snprintf(text, sizeof text, "%.*s", (int)name->bytes, name->text);
    const pickle_value *id = pickle_at(v, 0), *first = pickle_at(v, 1);
    if (id->kind != PICKLE_STORAGE || id->items->count < 5 || !pickle_is_text(pickle_at(id, 0), "storage") ||
        !pickle_storage_type(pickle_at(id, 1), &t.type))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s': tensor \"%.80s\" is of a type that canto does not read", f->path,
             text);
    if (first->kind != PICKLE_INT || first->integer < 0 || !read_sizes(pickle_at(v, 2), t.shape, &t.rank) ||
        !read_sizes(pickle_at(v, 3), t.stride, &strides) || strides != t.rank ||
        !source_shape_count(t.shape, t.rank, &t.count) || !is_spread(&t))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" has a shape or strides that cannot be", f->path, text);
    if (!find_storage(f, pickle_at(id, 2), &t.data, &bytes))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' is cut short or damaged: the numbers of tensor \"%.80s\" are missing",
             f->path, text);
    unsigned each = source_type_bytes(t.type);
    if ((uint64_t)first->integer > bytes / each)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%.80s\" begins behind the end of its storage", f->path, text);
    t.data += (size_t)first->integer * each;
    t.bytes = bytes - (size_t)first->integer * each;
    TRY(source_add(f->source, &t));
done:
    return status;
}

static bool holds_tensors(const pickle_value *v) {
    if (!v || v->kind != PICKLE_DICT) return false;
    for (const pickle_node *n = v->items->first; n && n->next; n = n->next->next)
        if (n->next->value.kind == PICKLE_TENSOR) return true;
    return false;
}

/* The dictionary of tensors; NULL when there is none. */
static const pickle_value *find_state(const pickle_value *root) {
    static const char *const keys[] = {"state_dict", "model_state_dict", "model"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const pickle_value *v = pickle_get(root, keys[i]);
        if (holds_tensors(v)) return v;
    }
    return holds_tensors(root) ? root : NULL;
}

static canto_status add_tensors(torch_file *f) {
    canto_status        status = status_ok();
    const pickle_value *state = find_state(&f->object.root);
    if (!state)
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.250s' holds no state dictionary: save model.state_dict(), alone or as the item \"model\" or "
             "\"state_dict\" of a dictionary",
             f->path);
    for (const pickle_node *n = state->items->first; n && n->next; n = n->next->next)
        if (n->next->value.kind == PICKLE_TENSOR) TRY(add_tensor(f, &n->value, &n->next->value));
done:
    return status;
}

/* -------------------------------------------------------------------------------------------- the settings */

/* A key that a setting may have: not too long, and of visible ASCII. */
static bool is_setting(const pickle_value *key, const pickle_value *value) {
    if (key->kind != PICKLE_TEXT || key->bytes >= 64 || value->kind != PICKLE_INT) return false;
    for (uint32_t i = 0; i < key->bytes; i++)
        if (key->text[i] <= ' ' || key->text[i] > '~') return false;
    return true;
}

/* The whole numbers of a dictionary: the first ones, a model has few. */
static canto_status take_settings(const pickle_value *dict, json_t *settings) {
    enum { MOST = 200 };
    size_t count = 0;
    if (!dict || dict->kind != PICKLE_DICT) return status_ok();
    for (const pickle_node *n = dict->items->first; n && n->next && count < MOST; n = n->next->next, count++) {
        char key[64];
        if (!is_setting(&n->value, &n->next->value)) continue;
        snprintf(key, sizeof key, "%.*s", (int)n->value.bytes, n->value.text);
        if (json_object_set_new(settings, key, json_integer(n->next->value.integer)) != 0)
            return context_no_memory(sizeof key, "the settings of a model");
    }
    return status_ok();
}

/* Those of "config" and "model_args" stand above the root's. */
static canto_status read_settings(const torch_file *f, json_t **settings) {
    canto_status        status;
    const pickle_value *root = &f->object.root;
    json_t             *all = json_object();
    if (!all) TRY(context_no_memory(64, "the settings of a model"));
    TRY(take_settings(root, all));
    TRY(take_settings(pickle_get(root, "config"), all));
    TRY(take_settings(pickle_get(root, "model_args"), all));
    *settings = json_incref(all);
done:
    json_decref(all);
    return status;
}

canto_status torch_add(tensor_source *source, const char *path, json_t **settings) {
    canto_status    status;
    torch_file      f = {.source = source, .path = path};
    const file_map *map;
    if (settings) *settings = NULL;
    TRY(source_map(source, path, &map));
    f.map = *map;
    if (is_older(map->data, map->bytes)) TRY(open_older(&f));
    else TRY(open_archive(&f));
    TRY(add_tensors(&f));
    if (settings) TRY(read_settings(&f, settings));
done:
    zip_close(&f.archive);
    pickle_close(&f.object);
    pickle_close(&f.keys);
    if (f.storages) context_release(source->context, f.storages);
    return status;
}
