/* fuzz_index.c - the input is the index of a model in shards, whose one shard is whole, or a map of a user's names for it.
 *
 * No file but those of the folder is opened, and what is accepted is the model. */
#include "fuzz.h"

#include "base/file.h"
#include "model/init.h"
#include "store/model.h"
#include "store/model_folder.h"

#include <string.h>

static const char INDEX[] =
    "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\"transformer.wte.weight\": \"shard.safetensors\", "
    "\"transformer.h.0.ln_1.bias\": \"shard.safetensors\"}}\n";
static const char MAP[] =
    "{\"config\": {\"heads\": 2, \"norm_eps\": 1e-5}, \"tensors\": {\"transformer.wte.weight\": "
    "\"token_embedding.weight\", "
    "\"transformer.h.#.attn.c_attn.weight\": {\"to\": \"blocks.#.qkv.weight\", \"transposed\": true}, "
    "\"transformer.h.#.attn.c_proj.bias\": null, \"transformer.h.@.ln_1.bias\": \"blocks.@.norm1.bias\"}}\n";

/* A folder of GPT-2's shape whose weights are called as the index says. */
static void make_folder(void) {
    static bool  made;
    canto_config c;
    tensor_table table;
    torch_rng    rng;
    if (made) return;
    made = true;
    fuzz_good(canto_preset("gpt2", &c, NULL));
    c.vocab = 5;
    c.context = 3;
    c.width = 4;
    c.heads = 2;
    c.layers = 1;
    c.ffn = 6;
    fuzz_good(tensor_table_open(fuzz_context(), &c, &table));
    float *block = calloc(table.elements, sizeof *block);
    CHECK(block);
    torch_seed(&rng, 1);
    model_initialize(&table, CANTO_INIT_TORCH, &rng, block);
    fuzz_good(model_folder_save(fuzz_context(), fuzz_folder(), &table, block, NULL));
    fuzz_good(file_rename(fuzz_path("model.safetensors"), fuzz_path("shard.safetensors")));
    free(block);
    tensor_table_close(fuzz_context(), &table);
}

void fuzz_seeds(void) {
    fuzz_seed_text("index", INDEX);
    fuzz_seed_text("map", MAP);
}

static void check(canto_status status, canto_model *model) {
    CHECK(fuzz_accepts(status) == (model != NULL));
    canto_model_close(model);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_model        *model;
    canto_model_options how = canto_model_options_default();
    make_folder();
    fuzz_write("model.safetensors.index.json", data, bytes);
    canto_status status = canto_model_open(fuzz_context(), fuzz_folder(), &model);
    check(status, model);
    how.map = fuzz_path("model.safetensors.index.json");
    status = canto_model_open_with(fuzz_context(), fuzz_path("shard.safetensors"), &how, &model);
    check(status, model);
}
