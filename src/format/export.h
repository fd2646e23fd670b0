/* export.h - a model's numbers on their way into a file of any format: one walk over a layout, and what a format does with
 * each tensor. */
#ifndef CANTO_EXPORT_H
#define CANTO_EXPORT_H

#include "store/model.h"

/* One tensor as the file has it. */
typedef struct export_tensor {
    const char *name;
    source_type type;
    int64_t     shape[2];
    int         rank;
} export_tensor;

/* A format: announce is called for every tensor, then begin, then for every tensor again data for its bytes piece by piece,
 * and end_tensor. All but data may be NULL. type: in which one tensor is kept when the user wants another. */
typedef struct export_format {
    canto_status (*announce)(void *file, const export_tensor *t);
    canto_status (*begin)(void *file);
    canto_status (*begin_tensor)(void *file, const export_tensor *t);
    canto_status (*data)(void *file, const void *bytes, size_t count);
    canto_status (*end_tensor)(void *file);
    source_type (*type)(const layout_item *item, source_type wanted);
} export_format;

typedef struct export_job {
    canto_context         *context;
    const canto_model     *model;
    const char            *path;
    source_type            type;      /* of the numbers */
    const canto_tokenizer *tokenizer; /* NULL: none */
} export_job;

/* Walks the tensors of a layout. */
canto_status export_tensors(const export_job *job, layout_kind kind, const export_format *format, void *file);
/* Sends one tensor's numbers to format->data. item's name is for errors. */
canto_status export_numbers(const export_job *job, const layout_item *item, source_type type,
                            const export_format *format, void *file);

/* The formats; each file appears whole or not at all. */
canto_status export_folder(const export_job *job);
canto_status export_safetensors(const export_job *job);
canto_status export_npz(const export_job *job);
canto_status export_gguf(const export_job *job);
canto_status export_llmc(const export_job *job);

#endif
