/* fuzz_vocabulary.c - the input is a file of ranks, or, with a line "===" in it, a vocab.json and a merges.txt.
 *
 * What is accepted encodes any bytes to tokens that give them back, saved and opened again to the same ones. */
#include "fuzz.h"

#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

#include <string.h>

static const char parting[] = "\n===\n";

/* A vocabulary of the bytes and `more`, with merges, as one input; its last bytes are what is worth damaging. */
static void seed_pair(const char *name, const char *more, const char *merges) {
    static char text[8192];
    char        names[256][4];
    size_t      used = 0;
    byte_level_names(names);
    for (int byte = 0; byte < 256; byte++) {
        const char *escape = byte == '"' || byte == '\\' ? "\\" : "";
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s%s\":%d", byte ? "," : "{", escape,
                                 names[byte], byte);
    }
    snprintf(text + used, sizeof text - used, "%s}%s%s", more, parting, merges);
    fuzz_seed(name, text, strlen(text), 0);
}

void fuzz_seeds(void) {
    fuzz_seed_text("ranks", "IQ== 0\nIg== 1\nISI= 2\n");
    fuzz_seed_text("ranks-gap", "IQ== 0\r\nIg== 7\r\nISIh 9");
    fuzz_seed_text("small", "{\"a\":0,\"b\":1,\"ab\":2}\n===\n#version: 0.2\na b\n");
    seed_pair("pair", ",\"ab\":256,\"abab\":257,\"<|endoftext|>\":258", "#version: 0.2\na b\nab ab\n");
    seed_pair("pair-gap", ",\"ab\":300,\"\\u0120a\":299", "a b\n\\u0120 a");
    seed_pair("pair-space",
              ",\"\xC4\xA0"
              "a\":256",
              "\xC4\xA0 a\r\n");
}

static void check(const canto_tokenizer *t, const uint8_t *data, size_t bytes) {
    uint32_t *ids;
    size_t    count, length;
    char     *back;
    fuzz_good(canto_tokenizer_encode(t, (const char *)data, bytes, &ids, &count));
    fuzz_good(canto_tokenizer_decode(t, ids, count, &back, &length));
    CHECK(length == bytes && memcmp(back, data, bytes) == 0);
    canto_free(fuzz_context(), back);
    canto_free(fuzz_context(), ids);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_tokenizer *t, *again;
    const uint8_t   *border = NULL;
    size_t           gap = sizeof parting - 1;
    for (size_t i = 0; !border && i + gap <= bytes; i++)
        if (memcmp(data + i, parting, gap) == 0) border = data + i;
    const char *name = border ? "vocab.json" : "ranks.tiktoken";
    if (border) {
        fuzz_write("vocab.json", data, (size_t)(border - data));
        fuzz_write("merges.txt", border + gap, (size_t)(data + bytes - border) - gap);
    } else {
        fuzz_write(name, data, bytes);
    }
    if (!fuzz_accepts(canto_tokenizer_open(fuzz_context(), fuzz_path(name), &t))) {
        CHECK(!t);
        return;
    }
    check(t, data, bytes);
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    fuzz_good(canto_tokenizer_open(fuzz_context(), fuzz_path("tokenizer.json"), &again));
    if (border) CHECK(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    check(again, data, bytes);
    canto_tokenizer_close(again);
    canto_tokenizer_close(t);
}
