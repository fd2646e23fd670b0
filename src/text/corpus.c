/* corpus.c - many files as one stream of pieces; see corpus.h.
 *
 * Invariant: `rest` holds the bytes from `place` on that have been read, and nothing of another file. */
#include "text/corpus.h"

#include <string.h>

enum { PIECE = 1 << 17 };           /* bytes of a piece, as far as cuts allow */
#define LONGEST ((size_t)256 << 20) /* of a line, or of text without a cut */

/* ------------------------------------------------------------------------------------------------- one file */

static bool ends_in(const char *path, size_t bytes, const char *suffix) {
    size_t length = strlen(suffix);
    return bytes > length && memcmp(path + bytes - length, suffix, length) == 0;
}

/* The reader of a path, or NULL, and whether the name without its suffix ends in .jsonl, or .ndjson, which is the same. */
static const canto_reader *reader_of(const canto_context *context, const char *path, bool *lines) {
    size_t              bytes = strlen(path);
    const canto_reader *found = NULL;
    for (size_t i = 0; i < CANTO_READERS_MAX && context->readers[i].suffix && !found; i++)
        if (ends_in(path, bytes, context->readers[i].suffix)) found = &context->readers[i];
    if (found) bytes -= strlen(found->suffix);
    *lines = ends_in(path, bytes, ".jsonl") || ends_in(path, bytes, ".ndjson");
    return found;
}

static canto_status read_some(corpus *c, void *data, size_t bytes, size_t *got) {
    if (!c->packed) return file_reader_read(&c->file, c->paths[c->place.file], data, bytes, got);
    return c->packed->read(c->stream, data, bytes, got);
}

/* A place in a packed file is reached by unpacking what comes before it. */
static canto_status skip(corpus *c, uint64_t bytes) {
    const char  *path = c->paths[c->place.file];
    canto_status status = status_ok();
    char         buffer[1 << 14];
    if (!c->packed) return file_reader_seek(&c->file, path, bytes);
    for (size_t got; bytes > 0; bytes -= got) {
        TRY(read_some(c, buffer, bytes < sizeof buffer ? (size_t)bytes : sizeof buffer, &got));
        if (got == 0) FAIL(CANTO_ERROR_FILE, "'%.300s' is shorter than it was; prepare it from the beginning", path);
    }
done:
    return status;
}

static canto_status open_file(corpus *c) {
    const char  *path = c->paths[c->place.file];
    bool         lines;
    canto_status status = file_reader_open(&c->file, path);
    if (status.code != CANTO_OK) return status;
    c->packed = reader_of(c->context, path, &lines);
    if (c->packed) status = c->packed->open(c->packed->user, path, &c->stream);
    if (status.code != CANTO_OK) {
        file_reader_close(&c->file);
        return status;
    }
    c->reading = true;
    return c->place.offset > 0 ? skip(c, c->place.offset) : status;
}

static void close_file(corpus *c) {
    if (!c->reading) return;
    c->done += c->file.bytes;
    if (c->packed) c->packed->close(c->stream);
    file_reader_close(&c->file);
    c->reading = false;
}

/* --------------------------------------------------------------------------------------------------- pieces */

canto_status corpus_open(corpus *c, canto_context *context, const canto_tokenizer *tokenizer, const char *const *paths,
                         size_t count, const char *field, const corpus_place *place) {
    *c = (corpus){.context = context, .tokenizer = tokenizer, .paths = paths, .count = count, .field = field};
    c->rest.context = context;
    c->place = place ? *place : (corpus_place){0, 0, 1};
    for (size_t i = 0; i < c->place.file && i < count; i++) {
        file_reader  before;
        canto_status status = file_reader_open(&before, paths[i]);
        if (status.code != CANTO_OK) return status;
        c->done += before.bytes;
        file_reader_close(&before);
    }
    return status_ok();
}

void corpus_close(corpus *c) {
    close_file(c);
    if (c->context) context_release(c->context, c->rest.data);
    memset(c, 0, sizeof *c);
}

uint64_t corpus_consumed(const corpus *c) {
    if (!c->reading) return c->done;
    uint64_t here = c->packed ? c->packed->consumed(c->stream) : c->place.offset + c->rest.count;
    return c->done + (here < c->file.bytes ? here : c->file.bytes);
}

/* Makes text longer by up to `bytes`; *ended when the file has no more. */
static canto_status read_on(corpus *c, byte_list *text, size_t bytes, bool *ended) {
    size_t       got;
    canto_status status;
    TRY(byte_list_room(text, bytes));
    TRY(read_some(c, text->data + text->count, bytes, &got));
    text->count += got;
    *ended = got == 0;
done:
    return status;
}

/* Where the piece that text begins with ends; 0: not here. */
static size_t piece_end(const corpus *c, const byte_list *text, bool lines) {
    const tokenizer_kind *kind = c->tokenizer ? c->tokenizer->kind : NULL;
    if (!lines && !kind) return text->count;
    if (!lines) return kind->cut ? kind->cut(c->tokenizer, text->data, text->count) : 0;
    size_t end = text->count;
    while (end > 0 && text->data[end - 1] != '\n') end--;
    return end;
}

/* Fills text with the next piece of the file that is open; nothing when there is no more of it. */
static canto_status next_of_file(corpus *c, byte_list *text, bool lines) {
    canto_status status = status_ok();
    size_t       end = 0, most = PIECE;
    bool         ended = false;
    text->count = 0;
    TRY(byte_list_add(text, c->rest.data, c->rest.count));
    c->rest.count = 0;
    while (end == 0) {
        while (text->count < most && !ended) TRY(read_on(c, text, most - text->count, &ended));
        end = ended ? text->count : piece_end(c, text, lines);
        if (ended) break;
        if (end == 0 && most >= LONGEST)
            FAIL(CANTO_ERROR_TEXT, "'%.250s' has %s of more than %zu MB behind byte %llu; break it into shorter ones",
                 c->paths[c->place.file], lines ? "a line" : "text that cannot be cut", LONGEST >> 20,
                 (unsigned long long)c->place.offset);
        most *= 2;
    }
    TRY(byte_list_add(&c->rest, text->data + end, text->count - end));
    text->count = end;
done:
    return status;
}

static uint64_t count_lines(const byte_list *text) {
    uint64_t lines = 0;
    for (const char *at = text->data, *end = text->data + text->count; at < end; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at) break;
        lines++;
    }
    return lines;
}

canto_status corpus_next(corpus *c, byte_list *text, corpus_piece *piece, bool *any) {
    canto_status status = status_ok();
    *any = false;
    text->count = 0;
    while (!*any && c->place.file < c->count) {
        bool lines = corpus_has_lines(c->context, c->paths[c->place.file], c->field);
        if (!c->reading) TRY(open_file(c));
        piece->from = c->place;
        piece->lines = lines;
        piece->begins = !lines && c->place.offset == 0;
        TRY(next_of_file(c, text, lines));
        *any = text->count > 0 || piece->begins; /* an empty file is an empty document */
        c->place.offset += text->count;
        if (lines && text->count) c->place.line += count_lines(text);
        if (text->count == 0) {
            close_file(c);
            c->place = (corpus_place){c->place.file + 1, 0, 1};
        }
        piece->after = c->place;
    }
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ documents */

static canto_status line_document(canto_context *context, const char *path, const char *field, uint64_t number,
                                  const char *line, size_t bytes, corpus_fn fn, void *user) {
    canto_status status;
    char         name[400];
    json_t      *object = NULL;
    bool         replace = context->invalid == CANTO_INVALID_REPLACE;
    TRY(json_parse_line(context, line, bytes, path, number, replace, &object));
    const json_t *text = json_object_get(object, field);
    if (!json_is_string(text))
        FAIL(CANTO_ERROR_FORMAT, "'%.250s' line %llu has no text under the key \"%.60s\"; name the key that has it",
             path, (unsigned long long)number, field);
    snprintf(name, sizeof name, "%.300s (line %llu)", path, (unsigned long long)number);
    TRY(fn(user, json_string_value(text), json_string_length(text), name));
done:
    json_decref(object);
    return status;
}

static bool is_blank(const char *line, size_t bytes) {
    size_t at = 0;
    while (at < bytes && strchr(" \t\r", line[at]) && line[at]) at++;
    return at == bytes;
}

canto_status corpus_documents(canto_context *context, const char *path, const char *field, const corpus_piece *piece,
                              const char *text, size_t bytes, corpus_fn fn, void *user) {
    canto_status status = status_ok();
    char         name[400];
    if (!piece->lines) {
        snprintf(name, sizeof name, "%.300s (behind byte %llu)", path, (unsigned long long)piece->from.offset);
        return fn(user, text, bytes, piece->begins ? path : name);
    }
    uint64_t number = piece->from.line;
    for (size_t at = 0, length; at < bytes; at += length + 1, number++) {
        const char *end = memchr(text + at, '\n', bytes - at);
        length = end ? (size_t)(end - (text + at)) : bytes - at;
        if (!is_blank(text + at, length)) TRY(line_document(context, path, field, number, text + at, length, fn, user));
    }
done:
    return status;
}

bool corpus_is_plain(const canto_context *context, const char *path, const char *field) {
    bool lines, packed = reader_of(context, path, &lines) != NULL;
    return !packed && !(lines && field);
}

bool corpus_has_lines(const canto_context *context, const char *path, const char *field) {
    bool lines;
    reader_of(context, path, &lines);
    return lines && field;
}

canto_status corpus_file(canto_context *context, const canto_tokenizer *tokenizer, const char *path, const char *field,
                         const char *deed, corpus_fn fn, void *user) {
    byte_list    text = {context, NULL, 0, 0};
    corpus_piece piece;
    corpus       c;
    bool         any, begun = false;
    progress     p = {0};
    canto_status status;
    TRY(corpus_open(&c, context, tokenizer, &path, 1, field, NULL));
    for (;;) {
        TRY(corpus_next(&c, &text, &piece, &any));
        if (!any) break;
        if (!begun) p = progress_begin(context, c.file.bytes, PIECE, "%s '%.150s'", deed, path);
        begun = true;
        uint64_t done = corpus_consumed(&c);
        if (progress_due(&p, done) && done < p.total) TRY(progress_tell(&p, done));
        TRY(corpus_documents(context, path, field, &piece, text.data, text.count, fn, user));
    }
done:
    context_release(context, text.data);
    corpus_close(&c);
    return status;
}
