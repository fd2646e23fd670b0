/* vocabulary_files.c - the two files of GPT-2's own form. They have no pattern: it is GPT-2's. Which tokens are special is
 * in tokenizer_config.json beside them; without it <|endoftext|> is, when the vocabulary has it. */
#include "text/vocabulary_files.h"

#include "text/bpe_reader.h"

#include <stdlib.h>
#include <string.h>

static const char *const pairs[][2] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

/* path's folder with another name in it. */
static canto_status sibling(const char *path, const char *name, char out[4096]) {
    const char *slash = strrchr(path, '/');
    size_t      bytes = slash ? (size_t)(slash - path) + 1 : 0;
    if (bytes + strlen(name) >= 4096) return status_error(CANTO_ERROR_FILE, "the path '%.200s...' is too long", path);
    memcpy(out, path, bytes);
    memcpy(out + bytes, name, strlen(name) + 1);
    return status_ok();
}

canto_status vocabulary_files_find(const char *path, char words[4096], char merges[4096], bool *found) {
    const char  *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    canto_status status = status_ok();
    *found = false;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && !*found; i++) {
        if (folder_exists(path)) {
            TRY(path_join(words, path, pairs[i][0]));
            TRY(path_join(merges, path, pairs[i][1]));
            *found = file_exists(words);
        } else if (strcmp(name, pairs[i][0]) == 0 || strcmp(name, pairs[i][1]) == 0) {
            TRY(sibling(path, pairs[i][0], words));
            TRY(sibling(path, pairs[i][1], merges));
            *found = true;
        }
    }
done:
    return status;
}

static canto_status add_one(bpe_reader *r, const char *key, const json_t *entry) {
    const char  *content;
    bool         special;
    canto_status status;
    char        *end;
    long         id = strtol(key, &end, 10);
    TRY(json_get_text(entry, r->file, "content", &content));
    TRY(json_get_bool_or(entry, r->file, "special", true, &special));
    if (*end != 0 || end == key)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': '%.60s' in added_tokens_decoder is no id", r->file, key);
    TRY(bpe_reader_add(r, content, strlen(content), id, special));
done:
    return status;
}

/* The special tokens that tokenizer_config.json beside the vocabulary names; *found false: there is no such file, or none in it. */
static canto_status add_configured(bpe_reader *r, const char *words, bool *found) {
    char         path[4096];
    json_t      *root = NULL, *entry;
    const char  *key, *named = r->file;
    canto_status status;
    *found = false;
    TRY(sibling(words, "tokenizer_config.json", path));
    if (!file_exists(path)) goto done;
    r->file = path;
    TRY(json_read_file(r->context, path, &root));
    json_object_foreach(json_object_get(root, "added_tokens_decoder"), key, entry) {
        TRY(add_one(r, key, entry));
        *found = true;
    }
done:
    r->file = named;
    json_decref(root);
    return status;
}

static canto_status read_merges(bpe_reader *r, const file_map *map) {
    const char  *at = (const char *)map->data, *end = at + map->bytes;
    canto_status status = status_ok();
    for (size_t line = 0; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t      bytes = (size_t)((stop ? stop : end) - at);
        const char *text = at;
        at = stop ? stop + 1 : end;
        if (bytes && text[bytes - 1] == '\r') bytes--;
        if (bytes == 0 || (line == 0 && bytes > 8 && memcmp(text, "#version", 8) == 0)) continue;
        TRY(bpe_reader_merge(r, text, bytes));
    }
done:
    return status;
}

canto_status vocabulary_files_read(canto_context *context, const char *words, const char *merges,
                                   canto_tokenizer **tokenizer) {
    bpe_reader   r;
    file_map     map = {0}, pairs_map = {0};
    bool         found;
    canto_status status;
    bpe_reader_open(&r, context, words);
    TRY(pattern_open(context, "gpt2", &r.parts.cutter));
    TRY(file_map_open(words, &map));
    TRY(file_map_open(merges, &pairs_map));
    json_part part = {NULL, (const char *)map.data, map.bytes, 1};
    TRY(add_configured(&r, words, &found));
    if (!found) r.marker = "<|endoftext|>";
    TRY(json_each_number(context, &part, words, bpe_reader_token, &r));
    TRY(bpe_reader_order(&r));
    r.file = merges;
    TRY(read_merges(&r, &pairs_map));
    TRY(bpe_reader_finish(&r, tokenizer));
done:
    file_map_close(&map);
    file_map_close(&pairs_map);
    bpe_reader_close(&r);
    return status;
}
