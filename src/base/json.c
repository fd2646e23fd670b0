/* json.c - getters that say what is wrong, building and writing, over jansson. */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

canto_status json_read_file(canto_context *context, const char *path, json_t **root) {
    file_map     map;
    canto_status status = file_map_open(path, &map);
    *root = NULL;
    if (status.code != CANTO_OK) return status;
    status = json_parse(context, (const char *)map.data, map.bytes, path, root);
    file_map_close(&map);
    return status;
}

/* The value of key, or NULL when it is missing; object being no object is an error. */
static canto_status find(const json_t *object, const char *file, const char *key, json_t **value) {
    *value = NULL;
    if (!json_is_object(object))
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' must hold an object where \"%.60s\" is looked for", file,
                            key);
    *value = json_object_get(object, key);
    return status_ok();
}

static canto_status must(const json_t *object, const char *file, const char *key, json_t **value) {
    canto_status status = find(object, file, key, value);
    if (status.code == CANTO_OK && !*value)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' lacks the key \"%.60s\"", file, key);
    return status;
}

static canto_status wrong_type(const char *file, const char *key, const char *wanted) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%.60s\" must be %s", file, key, wanted);
}

canto_status json_get_object(const json_t *object, const char *file, const char *key, json_t **value) {
    canto_status status = must(object, file, key, value);
    if (status.code == CANTO_OK && !json_is_object(*value)) return wrong_type(file, key, "an object");
    return status;
}

canto_status json_get_array(const json_t *object, const char *file, const char *key, json_t **value) {
    canto_status status = must(object, file, key, value);
    if (status.code == CANTO_OK && !json_is_array(*value)) return wrong_type(file, key, "an array");
    return status;
}

static canto_status as_text(const json_t *value, const char *file, const char *key, const char **text) {
    if (!json_is_string(value)) return wrong_type(file, key, "a text");
    *text = json_string_value(value);
    return status_ok();
}

canto_status json_get_text(const json_t *object, const char *file, const char *key, const char **text) {
    json_t      *value;
    canto_status status = must(object, file, key, &value);
    return status.code == CANTO_OK ? as_text(value, file, key, text) : status;
}

canto_status json_get_text_or(const json_t *object, const char *file, const char *key, const char *fallback,
                              const char **text) {
    json_t      *value;
    canto_status status = find(object, file, key, &value);
    if (status.code != CANTO_OK) return status;
    *text = fallback;
    return value ? as_text(value, file, key, text) : status;
}

static canto_status as_integer(const json_t *value, const char *file, const char *key, int64_t low, int64_t high,
                               int64_t *number) {
    if (!json_is_integer(value)) return wrong_type(file, key, "a whole number");
    int64_t found = (int64_t)json_integer_value(value);
    if (found < low || found > high)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%.60s\" is %lld; it must lie in %lld .. %lld", file, key,
                            (long long)found, (long long)low, (long long)high);
    *number = found;
    return status_ok();
}

canto_status json_get_integer(const json_t *object, const char *file, const char *key, int64_t low, int64_t high,
                              int64_t *number) {
    json_t      *value;
    canto_status status = must(object, file, key, &value);
    return status.code == CANTO_OK ? as_integer(value, file, key, low, high, number) : status;
}

canto_status json_get_integer_or(const json_t *object, const char *file, const char *key, int64_t low, int64_t high,
                                 int64_t fallback, int64_t *number) {
    json_t      *value;
    canto_status status = find(object, file, key, &value);
    if (status.code != CANTO_OK) return status;
    if (value) return as_integer(value, file, key, low, high, number);
    *number = fallback;
    return status;
}

static canto_status as_real(const json_t *value, const char *file, const char *key, double *number) {
    if (!json_is_number(value)) return wrong_type(file, key, "a number");
    *number = json_number_value(value);
    return status_ok();
}

canto_status json_get_real(const json_t *object, const char *file, const char *key, double *number) {
    json_t      *value;
    canto_status status = must(object, file, key, &value);
    return status.code == CANTO_OK ? as_real(value, file, key, number) : status;
}

canto_status json_get_real_or(const json_t *object, const char *file, const char *key, double fallback,
                              double *number) {
    json_t      *value;
    canto_status status = find(object, file, key, &value);
    if (status.code != CANTO_OK) return status;
    if (value) return as_real(value, file, key, number);
    *number = fallback;
    return status;
}

static canto_status as_bool(const json_t *value, const char *file, const char *key, bool *truth) {
    if (!json_is_boolean(value)) return wrong_type(file, key, "true or false");
    *truth = json_is_true(value);
    return status_ok();
}

canto_status json_get_bool(const json_t *object, const char *file, const char *key, bool *truth) {
    json_t      *value;
    canto_status status = must(object, file, key, &value);
    return status.code == CANTO_OK ? as_bool(value, file, key, truth) : status;
}

canto_status json_get_bool_or(const json_t *object, const char *file, const char *key, bool fallback, bool *truth) {
    json_t      *value;
    canto_status status = find(object, file, key, &value);
    if (status.code != CANTO_OK) return status;
    if (value) return as_bool(value, file, key, truth);
    *truth = fallback;
    return status;
}

json_t *json_new_u64(uint64_t number) {
    char text[32];
    snprintf(text, sizeof text, "0x%016llx", (unsigned long long)number);
    return json_string(text);
}

canto_status json_get_u64(const json_t *object, const char *file, const char *key, uint64_t *number) {
    const char  *text = NULL;
    canto_status status = json_get_text(object, file, key, &text);
    if (status.code != CANTO_OK) return status;
    if (strlen(text) != 18 || strncmp(text, "0x", 2) != 0 || strspn(text + 2, "0123456789abcdef") != 16)
        return wrong_type(file, key, "a text of 0x and 16 hexadecimal digits");
    *number = strtoull(text + 2, NULL, 16);
    return status_ok();
}

/* ------------------------------------------------------------------------------------------------- building */

json_build json_build_object(void) { return (json_build){json_object()}; }

json_build json_build_array(void) { return (json_build){json_array()}; }

static void fail_build(json_build *b) {
    json_decref(b->value);
    b->value = NULL;
}

/* jansson's setters release the value in either case, and refuse a missing one, or one for nothing. */
void json_build_set(json_build *b, const char *key, json_t *value) {
    if (json_object_set_new(b->value, key, value) != 0) fail_build(b);
}

void json_build_add(json_build *b, json_t *value) {
    if (json_array_append_new(b->value, value) != 0) fail_build(b);
}

void json_build_text(json_build *b, const char *key, const char *text) { json_build_set(b, key, json_string(text)); }

void json_build_integer(json_build *b, const char *key, int64_t number) {
    json_build_set(b, key, json_integer((json_int_t)number));
}

void json_build_real(json_build *b, const char *key, double number) { json_build_set(b, key, json_real(number)); }

void json_build_bool(json_build *b, const char *key, bool truth) { json_build_set(b, key, json_boolean(truth)); }

void json_build_u64(json_build *b, const char *key, uint64_t number) { json_build_set(b, key, json_new_u64(number)); }

json_t *json_build_end(json_build *b) {
    json_t *value = b->value;
    b->value = NULL;
    return value;
}

/* -------------------------------------------------------------------------------------------------- writing */

canto_status json_dump(canto_context *context, const json_t *value, int indent, char **text) {
    size_t flags = JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY | (indent > 0 ? JSON_INDENT((size_t)indent) : 0);
    *text = NULL;
    size_t bytes = json_dumpb(value, NULL, 0, flags);
    if (bytes == 0) return context_no_memory(4096, "JSON text"); /* jansson notes which objects it is in */
    char *made = context_allocate(context, bytes + 2);
    if (!made) return context_no_memory(bytes + 2, "JSON text");
    if (json_dumpb(value, made, bytes, flags) != bytes) {
        context_release(context, made);
        return context_no_memory(4096, "JSON text");
    }
    made[bytes] = '\n';
    made[bytes + 1] = 0;
    *text = made;
    return status_ok();
}

/* jansson hands out its text in small pieces: they are gathered before they are written. */
typedef struct sink {
    file_writer *writer;
    canto_status status;
    size_t       used;
    char         piece[4096];
} sink;

static int sink_flush(sink *s) {
    s->status = file_writer_write(s->writer, s->piece, s->used);
    s->used = 0;
    return s->status.code == CANTO_OK ? 0 : -1;
}

static int sink_add(const char *text, size_t bytes, void *data) {
    sink *s = data;
    while (bytes > 0) {
        size_t room = sizeof s->piece - s->used, n = bytes < room ? bytes : room;
        memcpy(s->piece + s->used, text, n);
        s->used += n;
        text += n;
        bytes -= n;
        if (s->used == sizeof s->piece && sink_flush(s) != 0) return -1;
    }
    return 0;
}

canto_status json_write(file_writer *writer, const json_t *value, size_t flags) {
    sink s = {.writer = writer, .status = status_ok()};
    int  failed = json_dump_callback(value, sink_add, &s, flags);
    if (failed && s.status.code == CANTO_OK)
        return status_error(CANTO_ERROR_MEMORY, "no memory to write '%.300s'", writer->path);
    if (!failed && s.used) sink_flush(&s);
    return s.status;
}

canto_status json_write_file(const char *path, const json_t *value) {
    file_writer  writer;
    canto_status status = file_writer_open(&writer, path);
    if (status.code != CANTO_OK) return status;
    TRY(json_write(&writer, value, JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY | JSON_INDENT(2)));
    TRY(file_writer_write(&writer, "\n", 1));
    TRY(file_writer_commit(&writer));
done:
    file_writer_discard(&writer);
    return status;
}
