/* fuzz_safetensors.c - the input is a model.safetensors, read as such and as the weights of three small models.
 *
 * What is accepted: each tensor lies inside the file and has the bytes of its shape, and together they are the file's
 * data; weights that were read are finite, and written and read again they are the same to the bit. */
#include "fuzz.h"

#include "model/init.h"
#include "store/safetensors.h"
#include "store/weights.h"

#include <math.h>
#include <string.h>

/* One of each layout that files come in. */
static canto_config config_at(size_t index) {
    static const char *const presets[] = {"dante", "gpt2", "gpt-neo-125m"};
    canto_config             c;
    fuzz_good(canto_preset(presets[index], &c, NULL));
    c.vocab = 5;
    c.context = 3;
    c.width = 4;
    c.heads = 2;
    c.layers = 1;
    c.ffn = 6;
    fuzz_good(canto_config_check(&c));
    return c;
}

/* Bytes before the data of the file "seed". */
static size_t header_bytes(void) {
    tensor_source file;
    fuzz_good(safetensors_open(fuzz_context(), fuzz_path("seed"), &file));
    size_t data = 0;
    for (size_t i = 0; i < file.count; i++) data += file.list[i].bytes;
    size_t bytes = file.maps[0].bytes - data;
    source_close(&file);
    return bytes;
}

void fuzz_seeds(void) {
    for (size_t i = 0; i < 3; i++) {
        canto_config c = config_at(i);
        tensor_table table;
        torch_rng    rng;
        fuzz_good(tensor_table_open(fuzz_context(), &c, &table));
        float *block = calloc(table.elements, sizeof *block);
        CHECK(block);
        torch_seed(&rng, 1);
        model_initialize(&table, CANTO_INIT_TORCH, &rng, block);
        fuzz_good(weights_write(fuzz_context(), fuzz_path("seed"), &table, layout_for_saving(&c), block));
        fuzz_seed_file(c.preset, "seed", i == 0 ? header_bytes() : 100);
        free(block);
        tensor_table_close(fuzz_context(), &table);
    }
}

static void check_tensors(const tensor_source *file) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < file->count; i++) {
        const source_tensor *t = &file->list[i];
        CHECK(source_find(file, t->name) == t);
        CHECK(t->data >= file->maps[0].data && t->data + t->bytes <= file->maps[0].data + file->maps[0].bytes);
        CHECK(t->rank >= 0 && t->rank <= SOURCE_RANK_MAX);
        uint64_t count = 1;
        for (int d = 0; d < t->rank; d++) count *= (uint64_t)t->shape[d];
        CHECK(count == t->count && t->bytes % (count ? count : 1) == 0);
        bytes += t->bytes;
        volatile unsigned char last = 0;
        if (t->bytes > 0) last = t->data[t->bytes - 1];
        (void)last;
    }
    CHECK(bytes < file->maps[0].bytes);
}

static void check_weights(const tensor_source *file, size_t index) {
    canto_context *context = fuzz_context();
    canto_config   c = config_at(index);
    tensor_table   table;
    tensor_source  again;
    layout_kind    kind = layout_for_saving(&c);
    fuzz_good(tensor_table_open(context, &c, &table));
    float *block = calloc(2 * table.elements, sizeof *block), *back = block + table.elements;
    CHECK(block);
    if (fuzz_accepts(weights_read(context, file, &table, kind, block))) {
        for (size_t i = 0; i < table.elements; i++) CHECK(isfinite(block[i]));
        fuzz_good(weights_write(context, fuzz_path("again"), &table, kind, block));
        fuzz_good(safetensors_open(context, fuzz_path("again"), &again));
        fuzz_good(weights_read(context, &again, &table, kind, back));
        CHECK(memcmp(block, back, table.elements * sizeof *block) == 0);
        source_close(&again);
    }
    free(block);
    tensor_table_close(context, &table);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    tensor_source file;
    fuzz_write("input", data, bytes);
    if (!fuzz_accepts(safetensors_open(fuzz_context(), fuzz_path("input"), &file))) return;
    check_tensors(&file);
    for (size_t i = 0; i < 3; i++) check_weights(&file, i);
    source_close(&file);
}
