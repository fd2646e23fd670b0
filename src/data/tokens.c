/* tokens.c - tokens as one stream over parts, and how they are made from ids and texts.
 *
 * Invariant: parts[i].from is the sum of the counts before it, and every token is below the vocabulary. */
#include "data/tokens.h"

#include "base/utf8.h"
#include "text/corpus.h"

#include <string.h>

enum { NARROW = 65536 };

uint32_t token_width(uint32_t symbols) { return symbols <= NARROW ? 2 : 4; }

uint64_t token_number(const unsigned char *at, int bytes) {
    uint64_t number = 0;
    for (int i = bytes - 1; i >= 0; i--) number = number << 8 | at[i];
    return number;
}

void token_number_write(unsigned char *at, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++, number >>= 8) at[i] = (unsigned char)number;
}

uint32_t data_token(const data_part *part, uint64_t index) {
    const unsigned char *at = part->tokens + (size_t)index * part->width;
    uint32_t             id = (uint32_t)at[0] | (uint32_t)at[1] << 8;
    return part->width == 2 ? id : id | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t canto_data_count(const canto_data *data) { return data->count; }

int32_t canto_data_vocabulary(const canto_data *data) { return (int32_t)data->vocabulary; }

int32_t canto_data_least_vocabulary(const canto_data *data) { return (int32_t)data->used; }

uint64_t canto_data_source_bytes(const canto_data *data) { return data->source_bytes; }

uint64_t canto_data_source_hash(const canto_data *data) { return data->source_hash; }

uint64_t canto_data_tokenizer_hash(const canto_data *data) { return data->tokenizer_hash; }

/* The part that has token `at`, which must be below the count; parts without tokens have none. */
static const data_part *part_of(const canto_data *data, uint64_t at) {
    size_t low = 0, high = data->parts_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (data->parts[middle].from <= at) low = middle;
        else high = middle;
    }
    return &data->parts[low];
}

void canto_data_read(const canto_data *data, uint64_t from, uint64_t count, uint32_t *ids) {
    for (uint64_t done = 0; done < count;) {
        const data_part *part = part_of(data, from + done);
        uint64_t         first = from + done - part->from, run = part->count - first;
        if (run > count - done) run = count - done;
        for (uint64_t i = 0; i < run; i++) ids[done + i] = data_token(part, first + i);
        done += run;
    }
}

void canto_data_close(canto_data *data) {
    if (!data) return;
    for (size_t i = 0; i < data->parts_count; i++) file_map_close(&data->parts[i].map);
    context_release(data->context, data->parts);
    context_release(data->context, data->owned);
    context_release(data->context, data);
}

canto_status data_new(canto_context *context, size_t parts, canto_data **data) {
    canto_data *made = context_allocate_zeroed(context, 1, sizeof *made);
    *data = NULL;
    if (made) made->parts = context_allocate_zeroed(context, parts, sizeof *made->parts);
    if (!made || !made->parts) {
        context_release(context, made);
        return context_no_memory(sizeof *made + parts * sizeof *made->parts, "token data");
    }
    made->context = context;
    made->parts_count = parts;
    *data = made;
    return status_ok();
}

void data_join(canto_data *data) {
    for (size_t i = 0; i < data->parts_count; i++) {
        data_part    *part = &data->parts[i];
        unsigned char hash[8];
        token_number_write(hash, part->source_hash, sizeof hash);
        part->from = data->count;
        data->count += part->count;
        data->source_bytes += part->source_bytes;
        data->source_hash =
            data->parts_count == 1 ? part->source_hash : hash_bytes(hash, sizeof hash, data->source_hash);
    }
}

/* ------------------------------------------------------------------------------------ from ids, from texts */

/* The tokens are `owned`, in the file's form. */
static void own(canto_data *data, unsigned char *owned, size_t count) {
    data_part *part = data->parts;
    data->owned = owned;
    part->tokens = owned ? owned : (const unsigned char *)"";
    part->count = count;
    for (size_t i = 0; i < count; i++)
        if (data_token(part, i) >= data->used) data->used = data_token(part, i) + 1;
    data_join(data);
}

/* Copies ids into the data's own block. */
static canto_status copy_ids(canto_data *data, const uint32_t *ids, size_t count) {
    size_t   bytes;
    uint32_t width = data->parts->width = token_width(data->vocabulary);
    if (!size_multiply(count, width, &bytes)) return context_no_memory(SIZE_MAX, "tokens");
    unsigned char *owned = context_allocate(data->context, bytes ? bytes : 1);
    if (!owned) return context_no_memory(bytes, "tokens");
    for (size_t i = 0; i < count; i++) token_number_write(owned + i * width, ids[i], (int)width);
    own(data, owned, count);
    return status_ok();
}

/* Takes the list's block over and gives back what it has too much: a second one would be as large as all tokens. */
static canto_status take_ids(canto_data *data, id_list *ids) {
    uint32_t       width = data->parts->width = ids->narrow ? 2 : 4;
    unsigned char *block = (unsigned char *)ids->data;
    if (ids->count > 0) {
        block = context_resize(data->context, ids->data, ids->count * width);
        if (!block) return context_no_memory(ids->count * width, "tokens");
    }
    ids->data = NULL;
    if (!ids->narrow)
        for (size_t i = 0; i < ids->count; i++) {
            uint32_t id;
            memcpy(&id, block + i * sizeof id, sizeof id);
            token_number_write(block + i * sizeof id, id, sizeof id);
        }
    own(data, block, ids->count);
    return status_ok();
}

canto_status canto_data_from_ids(canto_context *context, const uint32_t *ids, size_t count, int32_t symbols,
                                 canto_data **data) {
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    TRY(data_new(context, 1, &made));
    if (symbols < 1) FAIL(CANTO_ERROR_VALUE, "A vocabulary of %d tokens is none: it must hold at least one.", symbols);
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= (uint32_t)symbols)
            FAIL(CANTO_ERROR_VALUE, "Id number %zu is %lu, outside the vocabulary of %d.", i, (unsigned long)ids[i],
                 symbols);
    made->vocabulary = (uint32_t)symbols;
    TRY(copy_ids(made, ids, count));
    *data = made;
    made = NULL;
done:
    canto_data_close(made);
    return status;
}

typedef struct addition {
    data_part             *part;
    const canto_tokenizer *tokenizer;
    id_list                ids;
    bool                   warned;
} addition;

/* Byte pairs take any bytes, and a file may be no text at all. */
static void warn_of_bytes(addition *a, const char *text, size_t bytes, const char *from) {
    size_t good = a->tokenizer->bpe && !a->warned ? utf8_valid_prefix(text, bytes) : bytes;
    if (good == bytes) return;
    a->warned = true;
    context_log(a->tokenizer->context, CANTO_LOG_WARNING,
                "'%.300s' is not valid UTF-8 at byte %zu: byte pairs take its bytes as they are; if it is text, convert "
                "it to UTF-8",
                from, good);
}

/* Encodes a piece of source text and counts it in. */
static canto_status add_text(void *user, const char *text, size_t bytes, const char *from) {
    addition    *a = user;
    canto_status status = tokenizer_encode_from(a->tokenizer, text, bytes, from, &a->ids);
    warn_of_bytes(a, text, bytes, from);
    a->part->source_hash = hash_bytes(text, bytes, a->part->source_hash);
    a->part->source_bytes += bytes;
    return status;
}

static canto_status add_file(canto_context *context, addition *a, const char *path) {
    if (!corpus_is_plain(context, path, NULL))
        return corpus_file(context, a->tokenizer, path, NULL, "encoding", add_text, a);
    file_map     map;
    canto_status status = file_map_open(path, &map);
    if (status.code == CANTO_OK) status = add_text(a, (const char *)map.data, map.bytes, path);
    file_map_close(&map);
    return status;
}

canto_status canto_data_from_texts(canto_context *context, const canto_tokenizer *tokenizer, const char *const *paths,
                                   size_t count, canto_data **data) {
    const char  *separator = tokenizer->kind->text_separator;
    addition     a = {NULL, tokenizer, {.context = context, .narrow = token_width(tokenizer->tokens.count) == 2}, false};
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    TRY(data_new(context, 1, &made));
    made->vocabulary = tokenizer->tokens.count;
    made->tokenizer_hash = tokenizer->hash;
    a.part = made->parts;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) TRY(add_text(&a, separator, strlen(separator), "the newline between texts"));
        TRY(add_file(context, &a, paths[i]));
    }
    TRY(take_ids(made, &a.ids));
    *data = made;
    made = NULL;
done:
    context_release(context, a.ids.data);
    canto_data_close(made);
    return status;
}
