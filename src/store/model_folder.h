/* model_folder.h - the folder that a model is on disk: config.json, model.safetensors, tokenizer.json,
 * tokenizer_config.json. A GPT-2- or GPT-Neo-shaped model is written as Hugging Face writes it; every config.json
 * carries our whole config in the object "canto", which wins on reading. */
#ifndef CANTO_MODEL_FOLDER_H
#define CANTO_MODEL_FOLDER_H

#include "model/layouts.h"
#include "store/tensor_source.h"

/* Writes the files of a folder that is there, each whole or not at all. tokenizer may be NULL. */
canto_status model_folder_save(canto_context *context, const char *folder, const tensor_table *table,
                               const float *block, const canto_tokenizer *tokenizer);
/* The folder's config.json, which says that its weights are of that type. */
canto_status model_folder_save_config(const char *folder, const canto_config *config, source_type type);
/* tokenizer (or NULL) and config.json, of a folder that has its weights already. */
canto_status model_folder_save_rest(const char *folder, const canto_config *config, source_type type,
                                    const canto_tokenizer *tokenizer);
/* The config of a folder, and the layout of its weights. *own (or NULL): whether canto wrote it. */
canto_status model_folder_read_config(canto_context *context, const char *folder, canto_config *config,
                                      layout_kind *kind, bool *own);
/* Opens model.safetensors and checks that it holds what config asks for, which weights_read then reads. Nothing as
 * large as the config says is allocated before the file is known to be as large. On failure *source is zeroed. */
canto_status model_folder_open_weights(canto_context *context, const char *folder, const canto_config *config,
                                       layout_kind kind, tensor_source *source);
/* A model folder, or a run folder: its best checkpoint, else its last. Says what is missing otherwise. */
canto_status model_folder_find(const char *path, char out[4096]);

#endif
