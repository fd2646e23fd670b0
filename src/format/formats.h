/* formats.h - the formats that models are read from: one function each. */
#ifndef CANTO_FORMATS_H
#define CANTO_FORMATS_H

#include "store/model.h"

/* Each opens what path is in its format. *parts comes with options alone; on failure it is to be closed all the same. */
canto_status folder_read(canto_context *context, const char *path, model_parts *parts);
canto_status safetensors_read(canto_context *context, const char *path, model_parts *parts);
canto_status torch_read(canto_context *context, const char *path, model_parts *parts);
canto_status npz_read(canto_context *context, const char *path, model_parts *parts);
/* A GPT-2 in a GGUF file, with its tokenizer. */
canto_status gguf_read(canto_context *context, const char *path, model_parts *parts);
/* A checkpoint of llm.c; it has no tokenizer. */
canto_status llmc_read(canto_context *context, const char *path, model_parts *parts);

#endif
