/* fuzz_vocabulary.c - the input is a file of ranks, or, with lines "===" in it, a vocab.json, a merges.txt and perhaps a
 * tokenizer_config.json.
 *
 * What is accepted encodes any bytes to tokens that give them back, saved and opened again to the same ones. */
#include "fuzz.h"

#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

#include <string.h>
#include <unistd.h>

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
    const char *added = "{\"added_tokens_decoder\":{\"257\":{\"content\":\"<end>\",\"special\":true},"
                        "\"256\":{\"content\":\"ab\",\"special\":false}}}";
    char        merges[512];
    snprintf(merges, sizeof merges, "a b\n%s%s", parting, added);
    seed_pair("pair-config", ",\"ab\":256", merges);
    snprintf(merges, sizeof merges, "{\"a\":0}%s%s%s", parting, parting, added);
    fuzz_seed_text("small-config", merges);
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

/* Writes what comes before the next "===" as a file; *at and *left become what is behind it. False: there was none. */
static bool write_part(const char *name, const uint8_t **at, size_t *left) {
    size_t gap = sizeof parting - 1, end = 0;
    while (end + gap <= *left && memcmp(*at + end, parting, gap) != 0) end++;
    bool parted = end + gap <= *left;
    fuzz_write(name, *at, parted ? end : *left);
    *at += parted ? end + gap : *left;
    *left -= parted ? end + gap : *left;
    return parted;
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_tokenizer *t, *again;
    const uint8_t   *at = data;
    size_t           left = bytes;
    bool             border = write_part("vocab.json", &at, &left);
    const char      *name = border ? "vocab.json" : "ranks.tiktoken";
    unlink(fuzz_path("tokenizer_config.json"));
    if (!border) fuzz_write(name, data, bytes);
    else if (write_part("merges.txt", &at, &left)) fuzz_write("tokenizer_config.json", at, left);
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
