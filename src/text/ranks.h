/* ranks.h - files of ranks (NAME.tiktoken): one token a line, its bytes in base64, a space, its rank, which is its id. */
#ifndef CANTO_RANKS_H
#define CANTO_RANKS_H

#include "base/file.h"
#include "text/tokenizer.h"

/* True when the file begins as one of ranks does. */
bool         ranks_fit(const file_map *map);
canto_status ranks_read(canto_context *context, const file_map *map, const char *file, canto_tokenizer **tokenizer);

#endif
