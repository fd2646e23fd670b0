/* name_map.c - patterns against names. The first pattern that matches decides. */
#include "format/name_map.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 7, NAME_MAX = 256 };

/* What '#' and '@' stood for in a name: digits[bytes]; NULL: not there. */
typedef struct match {
    const char *layer, *head;
    size_t      layer_bytes, head_bytes;
} match;

static size_t digits_at(const char *text) {
    size_t n = 0;
    while (text[n] >= '0' && text[n] <= '9' && n <= DIGITS_MAX) n++;
    return n <= DIGITS_MAX ? n : 0;
}

static bool matches(const char *pattern, const char *name, match *m) {
    *m = (match){0};
    for (; *pattern; pattern++) {
        if (*pattern != '#' && *pattern != '@') {
            if (*name++ != *pattern) return false;
            continue;
        }
        size_t n = digits_at(name);
        if (n == 0) return false;
        if (*pattern == '#') m->layer = name, m->layer_bytes = n;
        else m->head = name, m->head_bytes = n;
        name += n;
    }
    return *name == 0;
}

/* The name that target stands for; false when it is too long, or has a '#' or '@' that its pattern lacks. */
static bool fill(const char *target, const match *m, char out[NAME_MAX]) {
    size_t n = 0;
    for (; *target; target++) {
        const char *from = *target == '#' ? m->layer : *target == '@' ? m->head : target;
        size_t      bytes = *target == '#' ? m->layer_bytes : *target == '@' ? m->head_bytes : 1;
        if (!from || n + bytes >= NAME_MAX) return false;
        memcpy(out + n, from, bytes);
        n += bytes;
    }
    out[n] = 0;
    return true;
}

static canto_status transpose(const char *path, source_tensor *t) {
    int64_t shape = t->shape[0], stride = t->stride[0];
    if (t->rank != 2 || source_type_elements(t->type) != 1)
        return status_error(CANTO_ERROR_FORMAT, "'%.250s': tensor \"%.80s\" is no matrix that could be turned", path,
                            t->name);
    t->shape[0] = t->shape[1], t->stride[0] = t->stride[1];
    t->shape[1] = shape, t->stride[1] = stride;
    return status_ok();
}

/* Tensor number i becomes what to says. */
static canto_status apply(const char *path, tensor_source *source, size_t i, const char *pattern, const json_t *to,
                          const match *m) {
    canto_status status = status_ok();
    const char  *target = json_string_value(to);
    bool         turned = false;
    char         name[NAME_MAX];
    if (json_is_null(to)) {
        source_remove(source, i);
        goto done;
    }
    if (json_is_object(to)) {
        TRY(json_get_text(to, path, "to", &target));
        TRY(json_get_bool_or(to, path, "transposed", false, &turned));
    }
    if (!target || !fill(target, m, name))
        FAIL(CANTO_ERROR_FORMAT,
             "'%.250s': what \"%.80s\" becomes is no name: a text with # and @ where the pattern has them, an object "
             "with "
             "\"to\" and \"transposed\", or null",
             path, pattern);
    if (turned) TRY(transpose(source->path, &source->list[i]));
    TRY(source_rename(source, i, name));
done:
    return status;
}

static canto_status map_tensor(const char *path, json_t *tensors, tensor_source *source, size_t i) {
    const char *pattern;
    json_t     *to;
    json_object_foreach(tensors, pattern, to) {
        match m;
        if (matches(pattern, source->list[i].name, &m)) return apply(path, source, i, pattern, to, &m);
    }
    return status_error(
        CANTO_ERROR_FORMAT,
        "'%.200s' does not say what the tensor \"%.80s\" of '%.150s' is: add it to \"tensors\", with null when "
        "it is of no use",
        path, source->list[i].name, source->path);
}

canto_status name_map_apply(canto_context *context, const char *path, tensor_source *source, json_t **config) {
    canto_status status = status_ok();
    json_t      *root = NULL, *tensors;
    *config = NULL;
    TRY(json_read_file(context, path, &root));
    TRY(json_get_object(root, path, "tensors", &tensors));
    for (size_t i = source->count; i-- > 0;) TRY(map_tensor(path, tensors, source, i));
    TRY(source_end(source));
    if (json_object_get(root, "config")) TRY(json_get_object(root, path, "config", config));
    json_incref(*config);
done:
    json_decref(root);
    return status;
}
