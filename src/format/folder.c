/* folder.c - model folders: canto's own, and those of Hugging Face's GPT-2 and GPT-Neo. */
#include "format/beside.h"
#include "format/formats.h"
#include "format/shards.h"
#include "format/torch_file.h"
#include "store/model_folder.h"
#include "store/safetensors.h"
#include "store/weights.h"

static canto_status add_torch(tensor_source *source, const char *path) { return torch_add(source, path, NULL); }

/* What weights are called, the first that is there counts. */
static const struct weights_name {
    const char  *name;
    shard_add_fn add;
    bool         index;
} NAMES[] = {
    {"model.safetensors", safetensors_add, false},
    {"model.safetensors.index.json", safetensors_add, true},
    {"pytorch_model.bin", add_torch, false},
    {"pytorch_model.bin.index.json", add_torch, true},
};

static canto_status add_weights(tensor_source *source, const struct weights_name *w, const char *path) {
    if (w->index) return shards_add(source, path, w->add);
    canto_status status = w->add(source, path);
    return status.code == CANTO_OK ? source_end(source) : status;
}

/* Opens the weights and sees whether they are the config's. */
static canto_status open_weights(canto_context *context, model_parts *parts) {
    canto_status status = status_ok();
    char         path[4096];
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        TRY(path_join(path, parts->folder, NAMES[i].name));
        if (!file_exists(path)) continue;
        source_begin(context, path, &parts->source);
        TRY(add_weights(&parts->source, &NAMES[i], path));
        TRY(weights_check(context, &parts->source, &parts->config, parts->kind));
        return status;
    }
    return status_error(
        CANTO_ERROR_FILE,
        "'%.300s' is no whole model: it lacks model.safetensors (or pytorch_model.bin, or the index of either)",
        parts->folder);
done:
    return status_add(status, CANTO_ERROR_FORMAT,
                      "; copy the folder again, or take config.json and the weights of one checkpoint");
}

canto_status folder_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    bool         own = false;
    if (parts->options && (parts->options->heads > 0 || parts->options->map))
        FAIL(CANTO_ERROR_VALUE,
             "'%.300s' is a folder, whose config.json says all of the model: a number of heads and a map of names are "
             "for "
             "files of weights",
             path);
    TRY(model_folder_find(path, parts->folder));
    TRY(model_folder_read_config(context, parts->folder, &parts->config, &parts->kind, &own));
    TRY(open_weights(context, parts));
    TRY(beside_tokenizer(context, parts->folder, own, &parts->tokenizer));
done:
    return status;
}
