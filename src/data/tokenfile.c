/* tokenfile.c - token files: mapped one after the other as one stream, checked first; and written.
 *
 * A token file, all numbers little endian:
 *    0  8 bytes  "CANTOTOK"          32  u64  bytes of source text
 *    8  u32      version, 1          40  u64  their hash (64-bit FNV-1a)
 *   12  u32      width, 2 or 4       48  u64  canto_tokenizer_hash of the tokenizer
 *   16  u32      vocabulary size V   56  u64  0
 *   20  u32      0                   64  the tokens, `width` bytes each, every one below V
 *   24  u64      count of tokens
 * The width is 2 when V <= 65536. The file ends with the last token. */
#include "data/tokens.h"
#include "text/tokenizer.h"

#include <string.h>

enum { VERSION = 1, PIECE = 8192 };
static const char magic[8] = {'C', 'A', 'N', 'T', 'O', 'T', 'O', 'K'};

bool canto_data_is_token_file(const char *path) {
    file_map map;
    if (file_map_open(path, &map).code != CANTO_OK) return false;
    bool is = map.bytes >= sizeof magic && memcmp(map.data, magic, sizeof magic) == 0;
    file_map_close(&map);
    return is;
}

/* Fills in h from the part's mapped file; every size is checked before it is used. */
static canto_status read_header(data_part *part, const char *path, token_header *header) {
    const unsigned char *h = part->map.data;
    if (part->map.bytes < sizeof magic || memcmp(h, magic, sizeof magic) != 0)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s' is no token file: it does not begin with CANTOTOK", path);
    if (part->map.bytes < TOKEN_HEADER)
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s' ends inside its header: it has %zu bytes of %d; make it again", path,
                            part->map.bytes, TOKEN_HEADER);
    uint64_t version = token_number(h + 8, 4), width = token_number(h + 12, 4), symbols = token_number(h + 16, 4);
    uint64_t count = token_number(h + 24, 8), room = part->map.bytes - TOKEN_HEADER;
    if (version != VERSION)
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "'%.300s' is a token file of version %llu; this build reads version %d", path,
                            (unsigned long long)version, VERSION);
    if (width != 2 && width != 4)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': the width of a token is %llu bytes; it must be 2 or 4", path,
                            (unsigned long long)width);
    if (symbols < 1 || symbols > VOCABULARY_MOST || width < token_width((uint32_t)symbols))
        return status_error(CANTO_ERROR_FORMAT,
                            "'%.300s': a vocabulary of %llu tokens does not fit tokens of %llu bytes", path,
                            (unsigned long long)symbols, (unsigned long long)width);
    if (token_number(h + 20, 4) != 0 || token_number(h + 56, 8) != 0)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': bytes of the header that must be 0 are not; make it again",
                            path);
    if (room % width != 0 || count != room / width)
        return status_error(
            CANTO_ERROR_FORMAT,
            "'%.300s' should hold %llu tokens of %llu bytes, but %llu bytes follow its header; it was cut or changed: "
            "make it again",
            path, (unsigned long long)count, (unsigned long long)width, (unsigned long long)room);
    *header = (token_header){(uint32_t)width,         (uint32_t)symbols,       count,
                             token_number(h + 32, 8), token_number(h + 40, 8), token_number(h + 48, 8)};
    return status_ok();
}

/* Maps a file as the part. The first one says what vocabulary and tokenizer the stream is of. */
static canto_status open_part(canto_data *data, size_t index, const char *first, const char *path) {
    canto_status status;
    token_header h = {0};
    data_part   *part = &data->parts[index];
    TRY(file_map_open(path, &part->map));
    TRY(read_header(part, path, &h));
    if (index > 0 && (h.vocabulary != data->vocabulary || h.tokenizer_hash != data->tokenizer_hash))
        FAIL(CANTO_ERROR_VALUE,
             "'%.200s' and '%.200s' were made with different tokenizers; prepare one of them again with the other's",
             first, path);
    data->vocabulary = h.vocabulary;
    data->tokenizer_hash = h.tokenizer_hash;
    part->width = h.width;
    part->count = h.count;
    part->source_bytes = h.source_bytes;
    part->source_hash = h.source_hash;
    part->tokens = part->map.data + TOKEN_HEADER;
done:
    return status;
}

/* Every token is below the vocabulary. */
static canto_status check_part(canto_data *data, const data_part *part, const char *path) {
    canto_status status = status_ok();
    progress     p = progress_begin(data->context, part->count, PROGRESS_BYTES, "reading '%.150s'", path);
    for (uint64_t i = 0; i < part->count; i++) {
        if (progress_due(&p, i)) TRY(progress_tell(&p, i));
        uint32_t id = data_token(part, i);
        if (id >= data->vocabulary)
            FAIL(CANTO_ERROR_FORMAT,
                 "'%.300s': token number %llu is %lu, outside the vocabulary of %lu; make the file again", path,
                 (unsigned long long)i, (unsigned long)id, (unsigned long)data->vocabulary);
        if (id >= data->used) data->used = id + 1;
    }
done:
    return status;
}

canto_status canto_data_open_files(canto_context *context, const char *const *paths, size_t count, canto_data **data) {
    canto_data  *made = NULL;
    canto_status status;
    *data = NULL;
    if (count == 0) return status_error(CANTO_ERROR_VALUE, "no token file was named; name at least one");
    TRY(data_new(context, count, &made));
    for (size_t i = 0; i < count; i++) TRY(open_part(made, i, paths[0], paths[i]));
    for (size_t i = 0; i < count; i++) TRY(check_part(made, &made->parts[i], paths[i]));
    data_join(made);
    *data = made;
    made = NULL;
done:
    canto_data_close(made);
    return status;
}

canto_status canto_data_open(canto_context *context, const char *path, canto_data **data) {
    return canto_data_open_files(context, &path, 1, data);
}

/* ------------------------------------------------------------------------------------------------- writing */

void token_header_write(const token_header *header, unsigned char out[TOKEN_HEADER]) {
    memset(out, 0, TOKEN_HEADER);
    memcpy(out, magic, sizeof magic);
    token_number_write(out + 8, VERSION, 4);
    token_number_write(out + 12, header->width, 4);
    token_number_write(out + 16, header->vocabulary, 4);
    token_number_write(out + 24, header->count, 8);
    token_number_write(out + 32, header->source_bytes, 8);
    token_number_write(out + 40, header->source_hash, 8);
    token_number_write(out + 48, header->tokenizer_hash, 8);
}

/* The parts may differ in width. */
static canto_status write_tokens(const canto_data *data, uint32_t width, file_writer *writer) {
    unsigned char bytes[4 * PIECE];
    uint32_t      ids[PIECE];
    canto_status  status = status_ok();
    for (uint64_t at = 0; at < data->count; at += PIECE) {
        uint64_t count = data->count - at < PIECE ? data->count - at : PIECE;
        canto_data_read(data, at, count, ids);
        for (uint64_t i = 0; i < count; i++) token_number_write(bytes + i * width, ids[i], (int)width);
        TRY(file_writer_write(writer, bytes, (size_t)count * width));
    }
done:
    return status;
}

canto_status canto_data_save(const canto_data *data, const char *path) {
    token_header h = {
        token_width(data->vocabulary), data->vocabulary, data->count, data->source_bytes, data->source_hash,
        data->tokenizer_hash};
    unsigned char header[TOKEN_HEADER];
    file_writer   writer;
    canto_status  status = file_writer_open(&writer, path);
    if (status.code != CANTO_OK) return status;
    token_header_write(&h, header);
    TRY(file_writer_write(&writer, header, sizeof header));
    TRY(write_tokens(data, h.width, &writer));
    TRY(file_writer_commit(&writer));
done:
    file_writer_discard(&writer);
    return status;
}
