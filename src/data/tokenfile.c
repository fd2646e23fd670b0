/* tokenfile.c - tokens in memory or in a mapped file; both have the file's form.
 *
 * A token file, all numbers little endian:
 *    0  8 bytes  "CANTOTOK"          32  u64  bytes of source text
 *    8  u32      version, 1          40  u64  their hash (64-bit FNV-1a)
 *   12  u32      width, 2 or 4       48  u64  canto_tokenizer_hash of the tokenizer
 *   16  u32      vocabulary size V   56  u64  0
 *   20  u32      0                   64  the tokens, `width` bytes each, every one below V
 *   24  u64      count of tokens
 * The width is 2 when V <= 65536. The file ends with the last token. */
#include "base/file.h"
#include "text/tokenizer.h"

#include <string.h>

enum { HEADER = 64, VERSION = 1, NARROW = 65536 };
static const char magic[8] = {'C', 'A', 'N', 'T', 'O', 'T', 'O', 'K'};

struct canto_data {
    canto_context       *context;
    const unsigned char *tokens; /* [count * width] little endian */
    unsigned char       *owned;  /* the same in memory, or NULL when mapped */
    file_map             map;
    uint32_t             width, vocabulary, used; /* used: 1 + the largest token, 0 without tokens */
    uint64_t             count, source_bytes, source_hash, tokenizer_hash;
};

static uint64_t read_number(const unsigned char *at, int bytes) {
    uint64_t number = 0;
    for (int i = bytes - 1; i >= 0; i--) number = number << 8 | at[i];
    return number;
}

static void write_number(unsigned char *at, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++, number >>= 8) at[i] = (unsigned char)number;
}

static uint32_t token_at(const canto_data *data, uint64_t index) {
    const unsigned char *at = data->tokens + (size_t)index * data->width;
    uint32_t             id = (uint32_t)at[0] | (uint32_t)at[1] << 8;
    return data->width == 2 ? id : id | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t canto_data_count(const canto_data *data) { return data->count; }

int32_t canto_data_vocabulary(const canto_data *data) { return (int32_t)data->vocabulary; }

int32_t canto_data_least_vocabulary(const canto_data *data) { return (int32_t)data->used; }

uint64_t canto_data_source_bytes(const canto_data *data) { return data->source_bytes; }

uint64_t canto_data_source_hash(const canto_data *data) { return data->source_hash; }

uint64_t canto_data_tokenizer_hash(const canto_data *data) { return data->tokenizer_hash; }

void canto_data_read(const canto_data *data, uint64_t from, uint64_t count, uint32_t *ids) {
    for (uint64_t i = 0; i < count; i++) ids[i] = token_at(data, from + i);
}

void canto_data_close(canto_data *data) {
    if (!data) return;
    file_map_close(&data->map);
    context_release(data->context, data->owned);
    context_release(data->context, data);
}

static canto_status data_new(canto_context *context, canto_data **data) {
    *data = context_allocate_zeroed(context, 1, sizeof **data);
    if (!*data) return context_no_memory(sizeof **data, "token data");
    (*data)->context = context;
    return status_ok();
}

/* ------------------------------------------------------------------------------------------- from texts */

static size_t width_of(uint32_t symbols) { return symbols <= NARROW ? 2 : 4; }

/* The tokens are `owned`, in the file's form. */
static void own(canto_data *data, unsigned char *owned, size_t count) {
    data->owned = owned;
    data->tokens = owned ? owned : (const unsigned char *)"";
    data->count = count;
    for (size_t i = 0; i < count; i++)
        if (token_at(data, i) >= data->used) data->used = token_at(data, i) + 1;
}

/* Copies ids into the data's own block. */
static canto_status copy_ids(canto_data *data, const uint32_t *ids, size_t count) {
    size_t bytes;
    data->width = (uint32_t)width_of(data->vocabulary);
    if (!size_multiply(count, data->width, &bytes)) return context_no_memory(SIZE_MAX, "tokens");
    unsigned char *owned = context_allocate(data->context, bytes ? bytes : 1);
    if (!owned) return context_no_memory(bytes, "tokens");
    for (size_t i = 0; i < count; i++) write_number(owned + i * data->width, ids[i], (int)data->width);
    own(data, owned, count);
    return status_ok();
}

/* Takes the list's block over and gives back what it has too much: a second one would be as large as all tokens. */
static canto_status take_ids(canto_data *data, id_list *ids) {
    data->width = ids->narrow ? 2 : 4;
    unsigned char *block = (unsigned char *)ids->data;
    if (ids->count > 0) {
        block = context_resize(data->context, ids->data, ids->count * data->width);
        if (!block) return context_no_memory(ids->count * data->width, "tokens");
    }
    ids->data = NULL;
    if (!ids->narrow)
        for (size_t i = 0; i < ids->count; i++) {
            uint32_t id;
            memcpy(&id, block + i * sizeof id, sizeof id);
            write_number(block + i * sizeof id, id, sizeof id);
        }
    own(data, block, ids->count);
    return status_ok();
}

canto_status canto_data_from_ids(canto_context *context, const uint32_t *ids, size_t count, int32_t symbols,
                                 canto_data **data) {
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    TRY(data_new(context, &made));
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

/* Encodes a piece of source text and counts it in. */
static canto_status add_text(canto_data *data, const canto_tokenizer *t, const char *text, size_t bytes,
                             const char *from, id_list *ids) {
    canto_status status = tokenizer_encode_from(t, text, bytes, from, ids);
    data->source_hash = hash_bytes(text, bytes, data->source_hash);
    data->source_bytes += bytes;
    return status;
}

canto_status canto_data_from_texts(canto_context *context, const canto_tokenizer *tokenizer, const char *const *paths,
                                   size_t count, canto_data **data) {
    const char  *separator = tokenizer->kind->text_separator;
    id_list      ids = {.context = context, .narrow = width_of(tokenizer->tokens.count) == 2};
    file_map     map = {0};
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    TRY(data_new(context, &made));
    made->vocabulary = tokenizer->tokens.count;
    made->tokenizer_hash = tokenizer->hash;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) TRY(add_text(made, tokenizer, separator, strlen(separator), "the newline between texts", &ids));
        TRY(file_map_open(paths[i], &map));
        TRY(add_text(made, tokenizer, (const char *)map.data, map.bytes, paths[i], &ids));
        file_map_close(&map);
    }
    TRY(take_ids(made, &ids));
    *data = made;
    made = NULL;
done:
    file_map_close(&map);
    context_release(context, ids.data);
    canto_data_close(made);
    return status;
}

/* ----------------------------------------------------------------------------------------- token files */

bool canto_data_is_token_file(const char *path) {
    file_map map;
    if (file_map_open(path, &map).code != CANTO_OK) return false;
    bool is = map.bytes >= sizeof magic && memcmp(map.data, magic, sizeof magic) == 0;
    file_map_close(&map);
    return is;
}

/* Fills in data from a mapped file; every size is checked before it is used. */
static canto_status read_header(canto_data *data, const char *path) {
    const unsigned char *h = data->map.data;
    if (data->map.bytes < sizeof magic || memcmp(h, magic, sizeof magic) != 0)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' is no token file: it does not begin with CANTOTOK", path);
    if (data->map.bytes < HEADER)
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s' ends inside its header: it has %zu bytes of %d; make it again", path,
                            data->map.bytes, HEADER);
    uint64_t version = read_number(h + 8, 4), width = read_number(h + 12, 4), symbols = read_number(h + 16, 4);
    uint64_t count = read_number(h + 24, 8), room = data->map.bytes - HEADER;
    if (version != VERSION)
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "'%.300s' is a token file of version %llu; this build reads version %d", path,
                            (unsigned long long)version, VERSION);
    if (width != 2 && width != 4)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': the width of a token is %llu bytes; it must be 2 or 4", path,
                            (unsigned long long)width);
    if (symbols < 1 || symbols > VOCABULARY_MOST || (width == 2 && symbols > NARROW))
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s': a vocabulary of %llu tokens does not fit tokens of %llu bytes", path,
                            (unsigned long long)symbols, (unsigned long long)width);
    if (read_number(h + 20, 4) != 0 || read_number(h + 56, 8) != 0)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': bytes of the header that must be 0 are not; make it again",
                            path);
    if (room % width != 0 || count != room / width)
        return status_error(
            CANTO_ERROR_FORMAT,
            "'%.300s' should hold %llu tokens of %llu bytes, but %llu bytes follow its header; it was cut or changed: "
            "make it again",
            path, (unsigned long long)count, (unsigned long long)width, (unsigned long long)room);
    data->width = (uint32_t)width;
    data->vocabulary = (uint32_t)symbols;
    data->count = count;
    data->source_bytes = read_number(h + 32, 8);
    data->source_hash = read_number(h + 40, 8);
    data->tokenizer_hash = read_number(h + 48, 8);
    data->tokens = h + HEADER;
    return status_ok();
}

canto_status canto_data_open(canto_context *context, const char *path, canto_data **data) {
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    TRY(data_new(context, &made));
    TRY(file_map_open(path, &made->map));
    TRY(read_header(made, path));
    progress p = progress_begin(context, made->count, PROGRESS_BYTES, "reading '%.150s'", path);
    for (uint64_t i = 0; i < made->count; i++) {
        if (progress_due(&p, i)) TRY(progress_tell(&p, i));
        uint32_t id = token_at(made, i);
        if (id >= made->vocabulary)
            FAIL(CANTO_ERROR_FORMAT,
                 "'%.300s': token number %llu is %lu, outside the vocabulary of %lu; make the file again", path,
                 (unsigned long long)i, (unsigned long)id, (unsigned long)made->vocabulary);
        if (id >= made->used) made->used = id + 1;
    }
    *data = made;
    made = NULL;
done:
    canto_data_close(made);
    return status;
}

canto_status canto_data_save(const canto_data *data, const char *path) {
    unsigned char header[HEADER] = {0};
    file_writer   writer;
    canto_status  status = file_writer_open(&writer, path);
    if (status.code != CANTO_OK) return status;
    memcpy(header, magic, sizeof magic);
    write_number(header + 8, VERSION, 4);
    write_number(header + 12, data->width, 4);
    write_number(header + 16, data->vocabulary, 4);
    write_number(header + 24, data->count, 8);
    write_number(header + 32, data->source_bytes, 8);
    write_number(header + 40, data->source_hash, 8);
    write_number(header + 48, data->tokenizer_hash, 8);
    TRY(file_writer_write(&writer, header, sizeof header));
    TRY(file_writer_write(&writer, data->tokens, (size_t)data->count * data->width));
    TRY(file_writer_commit(&writer));
done:
    file_writer_discard(&writer);
    return status;
}
