/* adapted.h - a model and the adapters that a training with LoRA has left, as one. */
#ifndef CANTO_ADAPTED_H
#define CANTO_ADAPTED_H

#include "store/model.h"

/* Opens the model that the adapters in a folder stand beside, sees that it is the one, and joins both. depth: of adapters
 * that stand beside adapters. */
canto_status adapted_open(canto_context *context, const char *folder, int depth, canto_model **model);
/* canto_model_open, below so many adapters. */
canto_status model_open_below(canto_context *context, const char *path, const canto_model_options *options, int depth,
                              canto_model **model);

#endif
