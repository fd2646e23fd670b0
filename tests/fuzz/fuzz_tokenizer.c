/* fuzz_tokenizer.c - the input is a tokenizer.json.
 *
 * What is accepted has tokens 0 .. V - 1 that can all be decoded; saved and opened again it is the same tokenizer; text
 * made of its own tokens can be encoded by kind char and byte, and decodes to itself. */
#include "fuzz.h"

#include "text/tokenizer.h"

#include <string.h>

static canto_tokenizer *learn(const char *kind, const char *text, const char *numbers, const char *specials) {
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    const char             *path = fuzz_path("text");
    fuzz_write("text", text, strlen(text));
    options.kind = kind;
    options.numbers = numbers;
    options.specials = specials;
    options.unknown = specials ? "<UNK>" : NULL;
    fuzz_good(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    return t;
}

static void seed_of(const char *name, const char *kind, const char *text, const char *numbers, const char *specials,
                    size_t head) {
    canto_tokenizer *t = learn(kind, text, numbers, specials);
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    fuzz_seed_file(name, "tokenizer.json", head);
    canto_tokenizer_close(t);
}

/* The byte tokenizer's file, with two tokens more, and what joins them. */
static void seed_joined(void) {
    canto_tokenizer *t = learn("byte", "", NULL, NULL);
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    canto_tokenizer_close(t);
    json_t *root = json_load_file(fuzz_path("tokenizer.json"), 0, NULL), *model = json_object_get(root, "model");
    CHECK(json_object_set_new(json_object_get(model, "vocab"), "ab", json_integer(256)) == 0);
    CHECK(json_object_set_new(json_object_get(model, "vocab"), "<end>", json_integer(257)) == 0);
    CHECK(json_object_set_new(model, "merges", json_pack("[s]", "a b")) == 0);
    CHECK(json_object_set_new(root, "added_tokens",
                              json_pack("[{s:i,s:s,s:b}]", "id", 257, "content", "<end>", "special", 1)) == 0);
    char *text = json_dumps(root, 0);
    CHECK(text);
    fuzz_seed("joined", text, strlen(text), 400);
    free(text);
    json_decref(root);
}

void fuzz_seeds(void) {
    seed_of("char", "char", "h\xC3\xA9 \xE2\x82\xAC\xF0\x9F\x98\x80\n", NULL, NULL, SIZE_MAX);
    seed_of("char-specials", "char", "ab", NULL, "<PAD>,<UNK>", 0);
    seed_of("word", "word", "one two 3 caf\xC3\xA9", "<NUM>", "<UNK>,<BOS>", SIZE_MAX);
    seed_of("word-plain", "word", "one two", NULL, NULL, 0);
    seed_of("byte", "byte", "", NULL, NULL, 600);
    seed_joined();
}

/* All tokens in a row, as the tokenizer's own decoder and its stream write them. */
static void check_decoding(const canto_tokenizer *t) {
    uint32_t      V = (uint32_t)canto_tokenizer_vocabulary(t);
    canto_stream *stream;
    const char   *piece;
    char         *text;
    size_t        bytes, length;
    for (uint32_t id = 0; id < V; id++) {
        CHECK(canto_tokenizer_token(t, id, &bytes) && (bytes > 0 || t->bpe)); /* a gap is empty */
        fuzz_good(canto_tokenizer_decode(t, &id, 1, &text, &length));
        CHECK(length == bytes && text[bytes] == 0);
        canto_free(fuzz_context(), text);
    }
    CHECK(!canto_tokenizer_token(t, V, NULL));
    fuzz_good(canto_stream_open(t, &stream));
    for (uint32_t id = 0; id < V; id++) fuzz_good(canto_stream_push(stream, id, &piece, &bytes));
    CHECK(canto_stream_push(stream, V, &piece, &bytes).code == CANTO_ERROR_VALUE);
    fuzz_good(canto_stream_finish(stream, &piece, &bytes));
    canto_stream_close(stream);
}

/* Encodes each token's text. When that succeeds without an unknown token, decoding gives the text again. */
static void check_encoding(const canto_tokenizer *t) {
    bool joined = strcmp(canto_tokenizer_kind(t), "word") == 0;
    for (uint32_t id = 0; id < t->tokens.count; id++) {
        size_t      bytes, count, back_bytes;
        const char *token = canto_tokenizer_token(t, id, &bytes);
        char       *back;
        uint32_t   *ids;
        bool        known = true;
        if (!fuzz_accepts(canto_tokenizer_encode(t, token, bytes, &ids, &count))) continue;
        for (size_t i = 0; i < count; i++) {
            CHECK(ids[i] < t->tokens.count);
            known = known && ids[i] != t->unknown;
        }
        fuzz_good(canto_tokenizer_decode(t, ids, count, &back, &back_bytes));
        if (known && !joined) CHECK(back_bytes == bytes && memcmp(back, token, bytes) == 0);
        canto_free(fuzz_context(), back);
        canto_free(fuzz_context(), ids);
    }
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_tokenizer *t, *again;
    fuzz_write("tokenizer.json", data, bytes);
    if (!fuzz_accepts(canto_tokenizer_open(fuzz_context(), fuzz_path("tokenizer.json"), &t))) {
        CHECK(!t);
        return;
    }
    CHECK(canto_tokenizer_vocabulary(t) > 0);
    check_decoding(t);
    check_encoding(t);
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    fuzz_good(canto_tokenizer_open(fuzz_context(), fuzz_folder(), &again));
    CHECK(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    canto_tokenizer_close(again);
    canto_tokenizer_close(t);
}
