/* fuzz_adapters.c - the input is adapter_config.json, a zero byte, and adapter_model.safetensors, beside a model that is whole.
 * "BASE" in the first stands for the model's path.
 *
 * What is accepted has the model's shape, and finite weights. */
#include "fuzz.h"

#include "base/file.h"
#include "model/init.h"
#include "model/tuning.h"
#include "store/adapters.h"
#include "store/model.h"
#include "store/model_folder.h"

#include <math.h>
#include <string.h>

static canto_config config; /* of the model */

static char *read_all(const char *path, size_t *bytes) {
    static char text[1 << 16];
    FILE       *file = fopen(path, "rb");
    CHECK(file);
    *bytes = fread(text, 1, sizeof text - 1, file);
    text[*bytes] = 0;
    fclose(file);
    return text;
}

/* adapter_config.json of text[bytes]. */
static void write_about(const char *text, size_t bytes) {
    static const char word[] = "\"BASE\"";
    char              out[1 << 16];
    const char       *path = fuzz_path("model.safetensors");
    size_t            n = 0, length = sizeof word - 1;
    for (size_t i = 0; i < bytes && n + strlen(path) + 2 < sizeof out;) {
        if (bytes - i >= length && !memcmp(text + i, word, length)) {
            n += (size_t)sprintf(out + n, "\"%s\"", path);
            i += length;
        } else out[n++] = text[i++];
    }
    fuzz_write("adapter_config.json", out, n);
}

/* The model in the folder, and adapters of its shape: as a seed. */
static void make(const char *name, const char *targets, int32_t rank) {
    tensor_table        table;
    canto_train_options options = canto_train_options_tuning();
    tuning              tuned;
    torch_rng           rng;
    canto_model        *model;
    size_t              bytes, used;
    static char         input[1 << 16];
    options.lora_rank = rank;
    strcpy(options.lora_targets, targets);
    fuzz_good(tuning_read(&config, &options, &tuned));
    fuzz_good(tensor_table_open_tuned(fuzz_context(), &config, &tuned, &table));
    float *block = calloc(table.elements, sizeof *block);
    CHECK(block);
    torch_seed(&rng, 1);
    model_initialize(&table, CANTO_INIT_GPT2, &rng, block);
    fuzz_good(adapters_save(fuzz_context(), fuzz_folder(), &table, block, "BASE", 0));
    char *text = read_all(fuzz_path("adapter_config.json"), &bytes), *own = strstr(text, ",\n  \"canto\"");
    CHECK(own);
    strcpy(own, "\n}\n"); /* without the hash, which is another model's */
    used = strlen(text) + 1;
    memcpy(input, text, used);
    text = read_all(fuzz_path("adapter_model.safetensors"), &bytes);
    memcpy(input + used, text, bytes);
    write_about(input, used - 1);
    fuzz_good(canto_model_open(fuzz_context(), fuzz_folder(), &model)); /* it is one before it is damaged */
    canto_model_close(model);
    fuzz_seed(name, input, used + bytes, used + 64);
    free(block);
    tensor_table_close(fuzz_context(), &table);
}

/* The folder's model, once. */
static void make_base(void) {
    tensor_table table;
    torch_rng    rng;
    if (config.width) return;
    fuzz_good(canto_preset("gpt2", &config, NULL));
    config.vocab = 5;
    config.context = 3;
    config.width = 4;
    config.heads = 2;
    config.layers = 1;
    config.ffn = 6;
    fuzz_good(tensor_table_open(fuzz_context(), &config, &table));
    float *block = calloc(table.elements, sizeof *block);
    CHECK(block);
    torch_seed(&rng, 1);
    model_initialize(&table, CANTO_INIT_GPT2, &rng, block);
    fuzz_good(model_folder_save(fuzz_context(), fuzz_folder(), &table, block, NULL));
    free(block);
    tensor_table_close(fuzz_context(), &table);
}

void fuzz_seeds(void) {
    make_base();
    make("one", "qkv", 1);
    make("all", "qkv,projection,up,down", 2);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_model   *model;
    canto_session *session;
    const uint32_t id = 1;
    float          logits[5];
    const uint8_t *end = memchr(data, 0, bytes);
    size_t         first = end ? (size_t)(end - data) : bytes;
    make_base();
    write_about((const char *)data, first);
    fuzz_write("adapter_model.safetensors", end ? (const void *)(end + 1) : "", end ? bytes - first - 1 : 0);
    canto_status status = canto_model_open(fuzz_context(), fuzz_folder(), &model);
    CHECK(fuzz_accepts(status) == (model != NULL));
    if (!model) return;
    CHECK(canto_model_config(model)->width == config.width && canto_model_config(model)->vocab == config.vocab);
    fuzz_good(canto_session_open(fuzz_context(), model, &session));
    status = canto_session_logits(session, &id, 1, logits);
    if (fuzz_accepts(status))
        for (size_t i = 0; i < 5; i++) CHECK(isfinite(logits[i]));
    else CHECK(status.code == CANTO_ERROR_NUMBER);
    canto_session_close(session);
    canto_model_close(model);
}
