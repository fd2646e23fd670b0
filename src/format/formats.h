/* formats.h - the formats that models are read from: one function each. */
#ifndef CANTO_FORMATS_H
#define CANTO_FORMATS_H

#include "store/model.h"

/* Each opens what path is in its format. On failure *parts is to be closed all the same; it comes zeroed. */
canto_status folder_read(canto_context *context, const char *path, model_parts *parts);
/* One .safetensors file of a model, with the config.json beside it. */
canto_status safetensors_read(canto_context *context, const char *path, model_parts *parts);

#endif
