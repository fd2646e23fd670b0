/* prepare_record.c - see prepare_record.h. A record that cannot be read is none: the work then begins anew. */
#include "data/prepare_record.h"

#include <string.h>

static canto_status source_json(const char *path, json_build *sources) {
    file_reader  facts;
    canto_status status = file_reader_open(&facts, path);
    if (status.code != CANTO_OK) return status;
    json_build one = json_build_object();
    json_build_u64(&one, "path_hash", hash_bytes(path, strlen(path), 0)); /* a path may be no UTF-8 */
    json_build_integer(&one, "bytes", (int64_t)facts.bytes);
    json_build_integer(&one, "modified", facts.modified);
    json_build_add(sources, json_build_end(&one));
    file_reader_close(&facts);
    return status;
}

canto_status prepare_settings(canto_context *context, const canto_tokenizer *tokenizer,
                              const canto_prepare_options *options, const char *const *paths, size_t count,
                              json_t **settings) {
    canto_status status = status_ok();
    json_build   b = json_build_object(), sources = json_build_array();
    json_build_text(&b, "version", canto_version());
    json_build_u64(&b, "tokenizer_hash", canto_tokenizer_hash(tokenizer));
    json_build_text(&b, "field", options->field ? options->field : "");
    json_build_bool(&b, "own_end", options->end_of_text != NULL);
    json_build_text(&b, "end_of_text", options->end_of_text ? options->end_of_text : "");
    json_build_bool(&b, "replace", context->invalid == CANTO_INVALID_REPLACE);
    for (size_t i = 0; i < count && status.code == CANTO_OK; i++) status = source_json(paths[i], &sources);
    json_build_set(&b, "sources", json_build_end(&sources));
    *settings = json_build_end(&b);
    if (status.code == CANTO_OK && !*settings)
        status = status_error(CANTO_ERROR_MEMORY, "no memory for the record of %zu texts", count);
    if (status.code == CANTO_OK) return status;
    json_decref(*settings);
    *settings = NULL;
    return status;
}

canto_status prepare_record_write(const char *path, json_t *settings, const prepare_state *state) {
    json_build b = json_build_object();
    json_build_set(&b, "settings", json_incref(settings));
    json_build_integer(&b, "file", (int64_t)state->place.file);
    json_build_integer(&b, "offset", (int64_t)state->place.offset);
    json_build_integer(&b, "line", (int64_t)state->place.line);
    json_build_integer(&b, "documents", (int64_t)state->documents);
    json_build_integer(&b, "tokens", (int64_t)state->tokens);
    json_build_integer(&b, "source_bytes", (int64_t)state->source_bytes);
    json_build_u64(&b, "source_hash", state->source_hash);
    json_t *record = json_build_end(&b);
    if (!record) return status_error(CANTO_ERROR_MEMORY, "no memory to write '%.300s'", path);
    canto_status status = json_write_file(path, record);
    json_decref(record);
    return status;
}

static canto_status read_state(const json_t *record, const char *path, prepare_state *state) {
    canto_status status;
    int64_t      file, offset, line, documents, tokens, bytes;
    TRY(json_get_integer(record, path, "file", 0, INT64_MAX, &file));
    TRY(json_get_integer(record, path, "offset", 0, INT64_MAX, &offset));
    TRY(json_get_integer(record, path, "line", 1, INT64_MAX, &line));
    TRY(json_get_integer(record, path, "documents", 0, INT64_MAX, &documents));
    TRY(json_get_integer(record, path, "tokens", 0, INT64_MAX / 8, &tokens));
    TRY(json_get_integer(record, path, "source_bytes", 0, INT64_MAX, &bytes));
    TRY(json_get_u64(record, path, "source_hash", &state->source_hash));
    state->place = (corpus_place){(size_t)file, (uint64_t)offset, (uint64_t)line};
    state->documents = (uint64_t)documents;
    state->tokens = (uint64_t)tokens;
    state->source_bytes = (uint64_t)bytes;
done:
    return status;
}

canto_status prepare_record_read(canto_context *context, const char *path, const json_t *settings, prepare_state *state,
                                 bool *fits) {
    json_t       *record = NULL;
    prepare_state read = {0};
    *fits = false;
    if (!file_exists(path)) return status_ok();
    canto_status status = json_read_file(context, path, &record);
    if (status.code == CANTO_OK && json_equal(json_object_get(record, "settings"), settings)) {
        status = read_state(record, path, &read);
        *fits = status.code == CANTO_OK;
    }
    if (*fits) *state = read;
    json_decref(record);
    return status.code == CANTO_ERROR_MEMORY ? status : status_ok();
}
