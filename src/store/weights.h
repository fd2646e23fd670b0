/* weights.h - a block of weights from the tensors of files, and to a safetensors file, by a layout. */
#ifndef CANTO_WEIGHTS_H
#define CANTO_WEIGHTS_H

#include "model/layouts.h"
#include "model/view.h"
#include "store/safetensors.h"

/* Writes block (table's layout, float32) to path under the names and orientations of kind. */
canto_status weights_write(canto_context *context, const char *path, const tensor_table *table, layout_kind kind,
                           const float *block);

/* Does the source hold what the layout of a config asks for? Every tensor of the layout must be there with its shape, in a type
 * of real numbers; a tensor that the layout does not know is an error, but for the constant buffers of Hugging Face's attention and a head that is tied. */
canto_status weights_check(canto_context *context, const tensor_source *source, const canto_config *config,
                           layout_kind kind);
/* Checks, then fills block (table's layout) from source, whatever its types. A value that is not finite is refused. */
canto_status weights_read(canto_context *context, const tensor_source *source, const tensor_table *table,
                          layout_kind kind, float *block);
/* The same without the tensors for which skip[index in the table] is set (NULL: none). */
canto_status weights_read_some(canto_context *context, const tensor_source *source, const tensor_table *table,
                               layout_kind kind, const bool *skip, float *block);
/* The item's matrix as it lies in the source: false when the kernels cannot read it there. After weights_check. */
bool weights_view(const tensor_source *source, const layout_item *item, view *v);

#endif
