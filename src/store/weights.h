/* weights.h - a block of weights to and from a safetensors file, by a layout. */
#ifndef CANTO_WEIGHTS_H
#define CANTO_WEIGHTS_H

#include "model/layouts.h"
#include "store/safetensors.h"

/* Writes block (table's layout, float32) to path under the names and orientations of kind. */
canto_status weights_write(canto_context *context, const char *path, const tensor_table *table, layout_kind kind,
                           const float *block);

/* Does the file hold what the layout of a config asks for? Every tensor of the layout must be there with its shape, in float32; a tensor that the
 * layout does not know is an error, but for the constant buffers of Hugging Face's attention and a head that is tied. */
canto_status weights_check(canto_context *context, const safetensors *file, const canto_config *config,
                           layout_kind kind);
/* Checks, then fills block (table's layout) from file. A value that is not finite is refused. */
canto_status weights_read(canto_context *context, const safetensors *file, const tensor_table *table, layout_kind kind,
                          float *block);

#endif
