/* exported.h - what the fuzz targets of other programs' forms share: small models in such a form, and reading them there and back. */
#ifndef CANTO_FUZZ_EXPORTED_H
#define CANTO_FUZZ_EXPORTED_H

#include "fuzz.h"

#include "format/formats.h"
#include "model/init.h"

#include <string.h>

/* A GPT-2 of 15 tokens in that form as the file "seed"; tokenizer NULL: none. */
static inline void write_model(canto_format format, canto_type type, const canto_tokenizer *tokenizer, int32_t vocab,
                               bool tied) {
    canto_config         c;
    tensor_table         table;
    torch_rng            rng;
    canto_model         *model;
    canto_export_options options = {format, type, tokenizer};
    fuzz_good(canto_preset("gpt2", &c, NULL));
    c.vocab = vocab;
    c.context = 3;
    c.width = type == CANTO_INT8 || type == CANTO_INT4 ? 32 : 4;
    c.heads = 2;
    c.layers = 1;
    c.ffn = 4 * c.width;
    c.tied = tied;
    fuzz_good(canto_config_check(&c));
    fuzz_good(tensor_table_open(fuzz_context(), &c, &table));
    float *block = calloc(table.elements, sizeof *block);
    CHECK(block);
    torch_seed(&rng, 1);
    model_initialize(&table, CANTO_INIT_TORCH, &rng, block);
    fuzz_good(model_borrow(fuzz_context(), &c, block, NULL, &model));
    fuzz_good(canto_model_export(fuzz_context(), model, fuzz_path("seed"), &options));
    canto_model_close(model);
    fuzz_good(canto_model_open(fuzz_context(), fuzz_path("seed"), &model));
    canto_model_close(model);
    tensor_table_close(fuzz_context(), &table);
    free(block);
}

/* The input as a model; what is read can be written in the same form, and is then the same. */
static inline void read_model(canto_status (*read)(canto_context *, const char *, model_parts *), canto_format format,
                              const uint8_t *data, size_t bytes) {
    model_parts    parts = {0}, again_parts = {0};
    canto_model   *model = NULL, *again = NULL;
    canto_context *context = fuzz_context();
    fuzz_write("input", data, bytes);
    if (!fuzz_accepts(read(context, fuzz_path("input"), &parts)) ||
        !fuzz_accepts(model_from_parts(context, &parts, &model)))
        goto done;
    fuzz_good(canto_config_check(canto_model_config(model)));
    canto_export_options options = {format, CANTO_F32, NULL};
    if (!fuzz_accepts(canto_model_export(context, model, fuzz_path("again"), &options))) goto done;
    fuzz_good(read(context, fuzz_path("again"), &again_parts));
    fuzz_good(model_from_parts(context, &again_parts, &again));
    for (size_t i = 0; i < model->table.count; i++) {
        const tensor *t = &model->table.list[i], *other = tensor_find(&again->table, t->role, t->layer);
        CHECK(other && other->count == t->count);
        float *one = calloc(2 * t->count, sizeof *one), *two = one + t->count;
        CHECK(one);
        model_read(model, t->role, t->layer, 0, t->rows, one);
        model_read(again, t->role, t->layer, 0, t->rows, two);
        CHECK(memcmp(one, two, t->count * sizeof *one) == 0);
        free(one);
    }
    const canto_tokenizer *first = canto_model_tokenizer(model), *second = canto_model_tokenizer(again);
    CHECK(format != CANTO_FORMAT_GGUF || (first && second));
    for (int32_t id = 0; first && second && id < canto_tokenizer_vocabulary(first); id++) {
        size_t      n, m;
        const char *one = canto_tokenizer_token(first, (uint32_t)id, &n),
                   *two = canto_tokenizer_token(second, (uint32_t)id, &m);
        CHECK(n == m && memcmp(one, two, n) == 0);
    }
done:
    canto_model_close(model);
    canto_model_close(again);
    model_parts_close(&parts);
    model_parts_close(&again_parts);
}

#endif
