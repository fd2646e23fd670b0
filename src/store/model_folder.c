/* model_folder.c - reading and writing the files of a model folder.
 *
 * Invariant: what is saved and read back is the same config and the same weights to the bit. */
#include "store/model_folder.h"

#include "base/json.h"
#include "store/adapters.h"
#include "store/config_json.h"
#include "store/hf_config.h"
#include "store/safetensors.h"
#include "store/weights.h"

#include <string.h>

/* ----------------------------------------------------------------------------------------------- writing */

/* PyTorch's name of a type of numbers. */
static const char *torch_type(source_type type) {
    return type == SOURCE_F16 ? "float16" : type == SOURCE_BF16 ? "bfloat16" : "float32";
}

canto_status model_folder_save_config(const char *folder, const canto_config *config, source_type type) {
    canto_status status = status_ok();
    char         path[4096];
    json_t      *root = hf_config_to_json(config, layout_for_saving(config));
    if (!root || json_object_set_new(root, "torch_dtype", json_string(torch_type(type))) != 0 ||
        json_object_set_new(root, "canto", config_to_json(config)) != 0)
        FAIL(CANTO_ERROR_MEMORY, "no memory for the config.json of '%.300s'", folder);
    TRY(path_join(path, folder, "config.json"));
    TRY(json_write_file(path, root));
done:
    json_decref(root);
    return status;
}

canto_status model_folder_save(canto_context *context, const char *folder, const tensor_table *table,
                               const float *block, const canto_tokenizer *tokenizer) {
    canto_status status = status_ok();
    layout_kind  kind = layout_for_saving(&table->config);
    char         path[4096];
    TRY(path_join(path, folder, "model.safetensors"));
    TRY(weights_write(context, path, table, kind, block));
    TRY(model_folder_save_rest(folder, &table->config, SOURCE_F32, tokenizer));
done:
    return status;
}

canto_status model_folder_save_rest(const char *folder, const canto_config *config, source_type type,
                                    const canto_tokenizer *tokenizer) {
    canto_status status = status_ok();
    if (tokenizer) TRY(canto_tokenizer_save(tokenizer, folder));
    TRY(model_folder_save_config(folder, config, type)); /* last: a folder with a config is a model */
done:
    return status;
}

/* ----------------------------------------------------------------------------------------------- reading */

/* A value out of its range, said of a file. */
static canto_status said_of(const char *path, canto_status status) {
    if (status.code != CANTO_ERROR_VALUE) return status;
    return status_error(CANTO_ERROR_FORMAT, "'%.150s': %.340s", path, status.text);
}

canto_status model_folder_read_config(canto_context *context, const char *folder, canto_config *config,
                                      layout_kind *kind, bool *own) {
    canto_status status = status_ok();
    char         path[4096];
    json_t      *root = NULL;
    TRY(path_join(path, folder, "config.json"));
    TRY(json_read_file(context, path, &root));
    const json_t *whole = json_object_get(root, "canto");
    if (own) *own = whole != NULL;
    if (whole) {
        TRY(said_of(path, config_from_json(whole, path, config)));
        *kind = layout_for_saving(config);
    } else {
        TRY(said_of(path, hf_config_from_json(root, path, config, kind)));
    }
done:
    json_decref(root);
    return status;
}

canto_status model_folder_open_weights(canto_context *context, const char *folder, const canto_config *config,
                                       layout_kind kind, tensor_source *source) {
    canto_status status = status_ok();
    char         path[4096];
    memset(source, 0, sizeof *source);
    TRY(path_join(path, folder, "model.safetensors"));
    TRY(safetensors_open(context, path, source));
    TRY(weights_check(context, source, config, kind));
done:
    if (status.code == CANTO_OK) return status;
    source_close(source);
    return status_add(status, CANTO_ERROR_FORMAT,
                      "; copy the folder again, or take config.json and model.safetensors of one checkpoint");
}

/* ----------------------------------------------------------------------------------------------- finding */

static bool has_config(const char *folder) {
    char path[4096];
    return (path_join(path, folder, "config.json").code == CANTO_OK && file_exists(path)) || adapters_are_in(folder);
}

canto_status model_folder_find(const char *path, char out[4096]) {
    canto_status status = status_ok();
    TRY(folder_expect(path, "a model is a folder with a config.json"));
    TRY(path_join(out, path, ""));
    if (has_config(path)) goto done;
    TRY(path_join(out, path, "best"));
    if (has_config(out)) goto done;
    TRY(path_join(out, path, "last"));
    if (has_config(out)) goto done;
    FAIL(CANTO_ERROR_FILE,
         "'%.300s' is neither a model folder (it lacks config.json) nor a run with a checkpoint (it lacks best and "
         "last)",
         path);
done:
    return status;
}
