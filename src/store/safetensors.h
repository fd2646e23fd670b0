/* safetensors.h - the file format: a 64-bit little-endian header length, a JSON header
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {...}} padded with spaces to 8 bytes,
 * then the tensors' bytes, row-major and little-endian, which cover the rest of the file without gap or overlap. */
#ifndef CANTO_SAFETENSORS_H
#define CANTO_SAFETENSORS_H

#include "base/json.h"
#include "store/tensor_source.h"

/* Maps and checks a file, and adds its tensors to a source that has begun. */
canto_status safetensors_add(tensor_source *source, const char *path);
/* A source of one file. On failure *source is zeroed. */
canto_status safetensors_open(canto_context *context, const char *path, tensor_source *source);
/* The text under a key of a file's own metadata, to be released with context_release; NULL when there is none. */
canto_status safetensors_metadata(canto_context *context, const char *path, const char *key, char **text);
#define SAFETENSORS_CONFIG "canto.config" /* the key of a model's config as JSON, in a file that stands alone */

/* Writing: announce every tensor in order, begin, hand over their bytes in the same order, commit. Any failure and
 * discard leave nothing behind. */
typedef struct safetensors_writer {
    file_writer file;
    json_t     *header;
    uint64_t    bytes; /* announced */
    uint64_t    written;
} safetensors_writer;

canto_status safetensors_writer_open(safetensors_writer *w, const char *path);
/* A text under __metadata__; before begin. */
canto_status safetensors_writer_metadata(safetensors_writer *w, const char *key, const char *text);
canto_status safetensors_writer_add(safetensors_writer *w, const char *name, source_type type, const int64_t *shape,
                                    int rank);
canto_status safetensors_writer_begin(safetensors_writer *w);
canto_status safetensors_writer_data(safetensors_writer *w, const void *data, size_t bytes);
canto_status safetensors_writer_commit(safetensors_writer *w);  /* fails when bytes are owed */
void         safetensors_writer_discard(safetensors_writer *w); /* after commit: does nothing */

#endif
