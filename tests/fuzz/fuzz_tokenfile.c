/* fuzz_tokenfile.c - the input is a token file. What is accepted has every token below its vocabulary, can be cut into
 * windows, and, saved and opened again, is the same. */
#include "fuzz.h"

#include "data/loader.h"

#include <string.h>

static void seed_of(const char *name, const char *kind, const char *text, uint32_t wide) {
    canto_tokenizer_options options = canto_tokenizer_options_default();
    const char             *path = fuzz_path("text");
    canto_tokenizer        *t;
    canto_data             *data;
    fuzz_write("text", text, strlen(text));
    options.kind = kind;
    fuzz_good(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    fuzz_good(canto_data_from_texts(fuzz_context(), t, &path, 1, &data));
    fuzz_good(canto_data_save(data, fuzz_path("seed")));
    canto_data_close(data);
    canto_tokenizer_close(t);
    if (wide) { /* the same with tokens of four bytes, which would need a vocabulary of more than 65536 */
        unsigned char file[64 + 4 * 8] = {0};
        FILE         *seed = fopen(fuzz_path("seed"), "rb");
        CHECK(seed && fread(file, 1, 64, seed) == 64);
        fclose(seed);
        file[12] = 4;
        file[18] = 1; /* V becomes 65536 + its own */
        file[24] = 8;
        memset(file + 25, 0, 7);
        file[64 + 2] = 1; /* the first token is 65536 */
        fuzz_write("seed", file, sizeof file);
    }
    fuzz_seed_file(name, "seed", SIZE_MAX);
}

void fuzz_seeds(void) {
    seed_of("char", "char", "a small text\n", 0);
    seed_of("byte", "byte", "\xFF any bytes", 0);
    seed_of("wide", "char", "some text", 1);
}

static void check_windows(const canto_data *data) {
    data_split train, validation;
    uint32_t   x[2 * 4], y[2 * 4];
    if (!fuzz_accepts(data_split_make(data, 0.5, 4, &train, &validation))) return;
    CHECK(train.count + validation.count == canto_data_count(data));
    loader_spread(data, train, 4, 2, 3, 2, x, y);
    for (int i = 0; i < 8; i++)
        CHECK(x[i] < (uint32_t)canto_data_vocabulary(data) && y[i] < (uint32_t)canto_data_vocabulary(data));
    CHECK(x[1] == y[0]);
}

void fuzz_one(const uint8_t *input, size_t bytes) {
    canto_data *data, *again;
    fuzz_write("input", input, bytes);
    if (!fuzz_accepts(canto_data_open(fuzz_context(), fuzz_path("input"), &data))) {
        CHECK(!data);
        return;
    }
    CHECK(canto_data_is_token_file(fuzz_path("input")) && canto_data_vocabulary(data) > 0);
    fuzz_good(canto_data_save(data, fuzz_path("again")));
    fuzz_good(canto_data_open(fuzz_context(), fuzz_path("again"), &again));
    CHECK(canto_data_count(again) == canto_data_count(data));
    CHECK(canto_data_vocabulary(again) == canto_data_vocabulary(data));
    CHECK(canto_data_tokenizer_hash(again) == canto_data_tokenizer_hash(data));
    for (uint64_t i = 0; i < canto_data_count(data); i++) {
        uint32_t one, two;
        canto_data_read(data, i, 1, &one);
        canto_data_read(again, i, 1, &two);
        CHECK(one == two && one < (uint32_t)canto_data_vocabulary(data));
    }
    check_windows(data);
    canto_data_close(again);
    canto_data_close(data);
}
