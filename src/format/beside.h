/* beside.h - what lies beside a file of weights in its folder: config.json, the tokenizer. */
#ifndef CANTO_BESIDE_H
#define CANTO_BESIDE_H

#include "store/model.h"

/* The folder that path lies in. */
canto_status beside_folder(const char *path, char folder[4096]);
/* The folder's tokenizer, when it has one. Unless canto wrote the folder, one of a kind that it does not read, or a vocabulary
 * without one of the 256 bytes, is none, and a warning in the log. */
canto_status beside_tokenizer(canto_context *context, const char *folder, bool own, canto_tokenizer **tokenizer);

/* The same of a file that has canto's config in itself, text[bytes] of JSON: the source's tensors are there, and parts are
 * completed. */
canto_status own_config_read(canto_context *context, const char *path, const char *text, size_t bytes,
                             model_parts *parts);

#endif
