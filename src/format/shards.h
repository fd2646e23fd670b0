/* shards.h - weights in several files, with an index: {"weight_map": {"tensor": "file", ...}}. */
#ifndef CANTO_SHARDS_H
#define CANTO_SHARDS_H

#include "store/tensor_source.h"

/* What adds the tensors of one file to a source. */
typedef canto_status (*shard_add_fn)(tensor_source *source, const char *path);

/* Adds all files of an index, which lie in its folder: a name with a path in it is refused. Every tensor of the index is in the
 * source then. */
canto_status shards_add(tensor_source *source, const char *index, shard_add_fn add);

#endif
