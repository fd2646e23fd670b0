/* folder.c - model folders: canto's own, and those of Hugging Face's GPT-2 and GPT-Neo; and the file of weights in one. */
#include "format/beside.h"
#include "format/formats.h"
#include "store/model_folder.h"
#include "store/safetensors.h"

canto_status folder_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    TRY(model_folder_find(path, parts->folder));
    TRY(model_folder_read_config(context, parts->folder, &parts->config, &parts->kind));
    TRY(model_folder_open_weights(context, parts->folder, &parts->config, parts->kind, &parts->source));
    TRY(beside_tokenizer(context, parts->folder, &parts->tokenizer));
done:
    return status;
}

canto_status safetensors_read(canto_context *context, const char *path, model_parts *parts) {
    canto_status status;
    char         folder[4096];
    TRY(beside_folder(path, folder));
    TRY(model_folder_read_config(context, folder, &parts->config, &parts->kind));
    TRY(safetensors_open(context, path, &parts->source));
    TRY(beside_tokenizer(context, folder, &parts->tokenizer));
done:
    return status;
}
