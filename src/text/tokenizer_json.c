/* tokenizer_json.c - tokenizer.json and tokenizer_config.json, as Hugging Face's libraries read them.
 *
 * A tokenizer that gives an error for unseen text has a model whose unk_token is not in its vocabulary: their library
 * then fails on unseen text as well. What is read is not trusted. */
#include "base/file.h"
#include "text/ranks.h"
#include "text/tokenizer_bpe_json.h"
#include "text/vocabulary_files.h"

#include <stdio.h>
#include <string.h>

bool json_has_type(const json_t *value, const char *type) {
    const char *found = json_string_value(json_object_get(value, "type"));
    return found && strcmp(found, type) == 0;
}

bool json_has_pattern(const json_t *value, const char *type, const char *regex) {
    const char *found = json_string_value(json_object_get(json_object_get(value, "pattern"), "Regex"));
    return json_has_type(value, type) && found && strcmp(found, regex) == 0;
}

/* ------------------------------------------------------------------------------------------------ writing */

/* A name that is no token: "<unknown>", with underscores as needed. */
static void free_name(const canto_tokenizer *t, char name[64]) {
    snprintf(name, 64, "<unknown>");
    for (size_t length = strlen(name); length < 63 && vocabulary_find(&t->tokens, name, length) != VOCABULARY_NONE;
         length++) {
        name[length] = '_';
        name[length + 1] = 0;
    }
}

bool tokenizer_write_word_level(const canto_tokenizer *t, json_t *root) {
    char        name[64];
    const char *unknown = name;
    json_t     *vocab = json_object();
    bool        good = vocab != NULL;
    free_name(t, name);
    if (t->unknown != VOCABULARY_NONE) unknown = vocabulary_token(&t->tokens, t->unknown, NULL);
    for (uint32_t id = 0; id < t->tokens.count && good; id++)
        good = json_object_set_new(vocab, vocabulary_token(&t->tokens, id, NULL), json_integer(id)) == 0;
    json_t *model = json_pack("{s:s, s:o, s:s}", "type", "WordLevel", "vocab", vocab, "unk_token", unknown);
    return json_object_set_new(root, "model", model) == 0 && good;
}

static canto_status save_config(const canto_tokenizer *t, const char *folder) {
    char         path[4096];
    canto_status status;
    json_t      *root =
        json_pack("{s:s, s:b}", "tokenizer_class", "PreTrainedTokenizerFast", "clean_up_tokenization_spaces", 0);
    if (!root) FAIL(CANTO_ERROR_MEMORY, "no memory to write tokenizer_config.json");
    if (t->unknown != VOCABULARY_NONE &&
        json_object_set_new(root, "unk_token", json_string(vocabulary_token(&t->tokens, t->unknown, NULL))) != 0)
        FAIL(CANTO_ERROR_MEMORY, "no memory to write tokenizer_config.json");
    uint32_t end = t->bpe ? vocabulary_find(&t->tokens, "<|endoftext|>", 13) : VOCABULARY_NONE;
    if (end != VOCABULARY_NONE && json_object_set_new(root, "eos_token", json_string("<|endoftext|>")) != 0)
        FAIL(CANTO_ERROR_MEMORY, "no memory to write tokenizer_config.json");
    TRY(path_join(path, folder, "tokenizer_config.json"));
    TRY(json_write_file(path, root));
done:
    json_decref(root);
    return status;
}

canto_status canto_tokenizer_save(const canto_tokenizer *t, const char *folder) {
    char         path[4096];
    canto_status status;
    json_t *root = json_pack("{s:s, s:n, s:n, s:[], s:n, s:n, s:n, s:n}", "version", "1.0", "truncation", "padding",
                             "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder");
    if (!root || !t->kind->write(t, root)) FAIL(CANTO_ERROR_MEMORY, "no memory to write tokenizer.json");
    TRY(path_join(path, folder, "tokenizer.json"));
    TRY(json_write_file(path, root));
    TRY(save_config(t, folder));
done:
    json_decref(root);
    return status;
}

/* ------------------------------------------------------------------------------------------------ reading */

canto_status tokenizer_read_vocabulary(canto_tokenizer *t, const json_t *object, const char *file) {
    size_t       count = json_object_size(object);
    const char **tokens = NULL;
    canto_status status = status_ok();
    const char  *key;
    json_t      *value;
    if (count == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary is empty", file);
    if (count > VOCABULARY_MOST) FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary is too large", file);
    tokens = context_allocate_zeroed(t->context, count, sizeof *tokens);
    if (!tokens) FAIL(CANTO_ERROR_MEMORY, "no memory for the vocabulary of '%.300s'", file);
    json_object_foreach((json_t *)object, key, value) {
        json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (key[0] == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary holds an empty token", file);
        if (id < 0 || (size_t)id >= count)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': the id of the token '%.60s' must be a whole number in 0 .. %zu", file,
                 key, count - 1);
        if (tokens[id])
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': the tokens '%.60s' and '%.60s' have the same id %ld", file, tokens[id],
                 key, (long)id);
        tokens[id] = key;
    }
    for (size_t id = 0; id < count; id++) TRY(vocabulary_add(&t->tokens, tokens[id], strlen(tokens[id]), NULL));
done:
    context_release(t->context, (void *)tokens);
    return status;
}

canto_status tokenizer_read_word_level(canto_tokenizer *t, const json_t *root, const char *file) {
    json_t      *model, *vocab;
    const char  *unknown;
    canto_status status;
    TRY(json_get_object(root, file, "model", &model));
    TRY(json_get_object(model, file, "vocab", &vocab));
    TRY(json_get_text_or(model, file, "unk_token", "", &unknown));
    TRY(tokenizer_read_vocabulary(t, vocab, file));
    t->unknown = vocabulary_find(&t->tokens, unknown, strlen(unknown));
done:
    return status;
}

static canto_status read_tokenizer(canto_context *context, const json_t *root, const char *file,
                                   canto_tokenizer **tokenizer) {
    if (!json_is_object(root)) return status_error(CANTO_ERROR_FORMAT, "'%.300s' must hold a JSON object", file);
    for (size_t i = 0; tokenizer_kind_at(i); i++) {
        canto_tokenizer *t;
        bool             fits = false;
        if (!tokenizer_kind_at(i)->read) continue;
        canto_status status = tokenizer_new(context, tokenizer_kind_at(i), &t);
        if (status.code != CANTO_OK) return status;
        status = t->kind->read(t, root, file, &fits);
        if (status.code == CANTO_OK && fits) {
            tokenizer_finish(t);
            *tokenizer = t;
            return status;
        }
        canto_tokenizer_close(t);
        if (status.code != CANTO_OK) return status;
    }
    return status_error(CANTO_ERROR_UNSUPPORTED,
                        "'%.300s' is no tokenizer of a kind known here; canto's own kinds are char, byte and word",
                        file);
}

/* The vocabulary and the merges of a byte-pair encoding are large: they are left apart, and no JSON values made of them. */
static canto_status read_json(canto_context *context, const char *file, canto_tokenizer **tokenizer) {
    json_part    parts[] = {{.key = "vocab"}, {.key = "merges"}};
    file_map     map = {0};
    json_t      *root = NULL;
    canto_status status;
    TRY(file_map_open(file, &map));
    const char *text = (const char *)map.data;
    TRY(json_parse_apart(context, text, map.bytes, file, parts, 2, &root));
    if (json_has_type(json_object_get(root, "model"), "BPE")) {
        TRY(tokenizer_bpe_read(context, root, &parts[0], &parts[1], file, tokenizer));
        goto done;
    }
    json_decref(root);
    TRY(json_parse(context, text, map.bytes, file, &root));
    TRY(read_tokenizer(context, root, file, tokenizer));
done:
    json_decref(root);
    file_map_close(&map);
    return status;
}

static canto_status read_ranks(canto_context *context, const char *file, bool *fits, canto_tokenizer **tokenizer) {
    file_map     map = {0};
    canto_status status = file_map_open(file, &map);
    *fits = status.code == CANTO_OK && ranks_fit(&map);
    if (*fits) status = ranks_read(context, &map, file, tokenizer);
    file_map_close(&map);
    return status;
}

canto_status canto_tokenizer_open(canto_context *context, const char *path, canto_tokenizer **tokenizer) {
    char         file[4096], merges[4096];
    bool         fits = false;
    canto_status status;
    *tokenizer = NULL;
    if (folder_exists(path)) TRY(path_join(file, path, "tokenizer.json"));
    else TRY(path_join(file, "", path));
    if (!folder_exists(path) || !file_exists(file)) {
        char words[4096];
        TRY(vocabulary_files_find(path, words, merges, &fits));
        if (fits) {
            TRY(vocabulary_files_read(context, words, merges, tokenizer));
            goto done;
        }
    }
    TRY(read_ranks(context, file, &fits, tokenizer));
    if (!fits) TRY(read_json(context, file, tokenizer));
done:
    return status_add(status, CANTO_ERROR_FORMAT, "; copy the file again, or train the tokenizer anew");
}
