/* name_map.h - a user's own names: a small JSON file that says which tensor of a file is which of canto's.
 *
 *     {
 *       "config": {"heads": 4, "activation": "relu"},
 *       "tensors": {
 *         "token_embedding_table.weight": "token_embedding.weight",
 *         "blocks.#.sa.heads.@.key.weight": "blocks.#.k.@.weight",
 *         "blocks.#.up.w": {"to": "blocks.#.ffn_up.weight", "transposed": true},
 *         "blocks.#.sa.heads.@.tril": null
 *       }
 *     }
 *
 * '#' stands for a layer's number, '@' for a head's. null: of no use. canto's names are those of its tensor table (tensors.h); in
 * place of qkv q, k and v may be given apart, and of every head apart. "config" is optional: fields of canto's config. */
#ifndef CANTO_NAME_MAP_H
#define CANTO_NAME_MAP_H

#include "base/json.h"
#include "store/tensor_source.h"

/* Renames the tensors of an ended source, turns those that are transposed, and removes those of no use; it has ended again then.
 * *config is the map's "config" (the caller's; NULL: none). A tensor that no pattern names is an error. */
canto_status name_map_apply(canto_context *context, const char *path, tensor_source *source, json_t **config);

#endif
