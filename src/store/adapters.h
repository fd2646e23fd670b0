/* adapters.h - low-rank adapters on disk, in PEFT's form: adapter_config.json and adapter_model.safetensors. What they stand
 * beside is named by its path, and by a hash of its weights in an object "canto". */
#ifndef CANTO_ADAPTERS_H
#define CANTO_ADAPTERS_H

#include "base/json.h"
#include "model/tensors.h"

/* What adapter_config.json says. */
typedef struct adapters_about {
    char                base[4096];
    bool                has_hash;
    uint64_t            hash;    /* of the base's weights */
    canto_train_options options; /* lora_rank, lora_alpha, lora_targets alone */
} adapters_about;

/* Whether the folder holds adapters rather than a model. */
bool adapters_are_in(const char *folder);
/* Writes both files of a folder that is there: the adapters of a tuned table's block. */
canto_status adapters_save(canto_context *context, const char *folder, const tensor_table *table, const float *block,
                           const char *base, uint64_t hash);
canto_status adapters_read_about(canto_context *context, const char *folder, adapters_about *about);
/* The adapters of a tuned table from the folder -> its block. */
canto_status adapters_read(canto_context *context, const char *folder, const tensor_table *table, float *block);
/* The folder's adapters, of a tuned table, joined with the weights in a block of the same model without adapters. */
canto_status adapters_merge(canto_context *context, const char *folder, const tensor_table *tuned,
                            const tensor_table *table, float *block);

#endif
