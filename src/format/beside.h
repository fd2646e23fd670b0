/* beside.h - what lies beside a file of weights in its folder: config.json, the tokenizer. */
#ifndef CANTO_BESIDE_H
#define CANTO_BESIDE_H

#include "store/model.h"

/* The folder that path lies in. */
canto_status beside_folder(const char *path, char folder[4096]);
/* The folder's tokenizer, when it has one. */
canto_status beside_tokenizer(canto_context *context, const char *folder, canto_tokenizer **tokenizer);

#endif
