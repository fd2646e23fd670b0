/* weights_file.c - a model's weights given as one file. What else there is of the model is said by the caller, lies beside the
 * file, or is told by names and shapes. */
#include "format/beside.h"
#include "format/formats.h"
#include "format/name_map.h"
#include "format/npz.h"
#include "format/state_dict.h"
#include "format/torch_file.h"
#include "store/config_json.h"
#include "store/model_folder.h"
#include "store/safetensors.h"

#include <string.h>

/* config.json beside the file: a whole config (canto's or Hugging Face's), or settings, which join the others. */
static canto_status read_config(canto_context *context, const char *folder, char path[4096], model_parts *parts,
                                json_t *settings, bool *whole) {
    canto_status status = status_ok();
    json_t      *root = NULL;
    *whole = false;
    TRY(path_join(path, folder, "config.json"));
    if (!file_exists(path)) goto done;
    TRY(json_read_file(context, path, &root));
    *whole = json_object_get(root, "canto") || json_object_get(root, "model_type");
    if (*whole) TRY(model_folder_read_config(context, folder, &parts->config, &parts->kind, NULL));
    else if (!json_is_object(root)) FAIL(CANTO_ERROR_FORMAT, "'%.300s' is no JSON object", path);
    else if (json_object_update(settings, root) != 0) TRY(context_no_memory(64, "the settings of a model"));
done:
    json_decref(root);
    return status;
}

/* The number of heads that the caller says stands above all. */
static canto_status say_heads(json_t *settings, const canto_model_options *options) {
    if (!options || options->heads <= 0) return status_ok();
    return json_object_set_new(settings, "heads", json_integer(options->heads)) == 0
               ? status_ok()
               : context_no_memory(64, "the settings of a model");
}

/* The names are the user's own, and so are the settings. */
static canto_status fit_mapped(canto_context *context, model_parts *parts) {
    canto_status status;
    fit_settings settings = {.path = parts->options->map, .strict = true};
    TRY(name_map_apply(context, parts->options->map, &parts->source, &settings.object));
    if (!settings.object) settings.object = json_object();
    if (!settings.object) TRY(context_no_memory(64, "the settings of a model"));
    TRY(say_heads(settings.object, parts->options));
    TRY(state_dict_fit(context, &settings, parts));
done:
    json_decref(settings.object);
    return status;
}

static canto_status fit_known(canto_context *context, const char *folder, json_t *inside, model_parts *parts) {
    canto_status status;
    char         path[4096];
    bool         whole;
    fit_settings settings = {.path = path, .object = inside ? json_incref(inside) : json_object()};
    if (!settings.object) TRY(context_no_memory(64, "the settings of a model"));
    TRY(state_dict_strip(&parts->source));
    TRY(read_config(context, folder, path, parts, settings.object, &whole));
    if (whole) {
        if (parts->options && parts->options->heads > 0) parts->config.heads = parts->options->heads;
        TRY(canto_config_check(&parts->config));
        TRY(state_dict_match(context, parts));
        goto done;
    }
    TRY(say_heads(settings.object, parts->options));
    TRY(state_dict_fit(context, &settings, parts));
done:
    json_decref(settings.object);
    return status;
}

/* The tensors are in the source. inside: settings that the file itself has, or NULL. */
static canto_status read_rest(canto_context *context, const char *path, json_t *inside, model_parts *parts) {
    canto_status status;
    char         folder[4096];
    TRY(source_end(&parts->source));
    TRY(beside_folder(path, folder));
    if (parts->options && parts->options->map) TRY(fit_mapped(context, parts));
    else TRY(fit_known(context, folder, inside, parts));
    TRY(beside_tokenizer(context, folder, false, &parts->tokenizer));
done:
    return status;
}

canto_status own_config_read(canto_context *context, const char *path, const char *text, size_t bytes,
                             model_parts *parts) {
    canto_status status;
    char         folder[4096];
    json_t      *root = NULL;
    TRY(source_end(&parts->source));
    if (parts->options && (parts->options->heads > 0 || parts->options->map))
        FAIL(CANTO_ERROR_VALUE,
             "'%.300s' says itself all of its model: a number of heads and a map of names are for files that do not",
             path);
    TRY(json_parse(context, text, bytes, path, &root));
    TRY(config_from_json(root, path, &parts->config));
    parts->kind = layout_for_saving(&parts->config);
    TRY(beside_folder(path, folder));
    TRY(beside_tokenizer(context, folder, false, &parts->tokenizer));
done:
    json_decref(root);
    return status;
}

canto_status safetensors_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    char        *own = NULL;
    source_begin(context, path, &parts->source);
    TRY(safetensors_add(&parts->source, path));
    TRY(safetensors_metadata(context, path, SAFETENSORS_CONFIG, &own));
    if (own) TRY(own_config_read(context, path, own, strlen(own), parts));
    else TRY(read_rest(context, path, NULL, parts));
done:
    if (own) context_release(context, own);
    return status;
}

canto_status torch_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    json_t      *inside = NULL;
    source_begin(context, path, &parts->source);
    TRY(torch_add(&parts->source, path, &inside));
    TRY(read_rest(context, path, inside, parts));
done:
    json_decref(inside);
    return status;
}

canto_status npz_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    const char  *own;
    size_t       bytes = 0;
    source_begin(context, path, &parts->source);
    TRY(npz_add(&parts->source, path, &own, &bytes));
    if (own) TRY(own_config_read(context, path, own, bytes, parts));
    else TRY(read_rest(context, path, NULL, parts));
done:
    return status;
}
