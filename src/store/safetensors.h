/* safetensors.h - the file format: a 64-bit little-endian header length, a JSON header
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {...}} padded with spaces to 8 bytes,
 * then the tensors' bytes, row-major and little-endian, which cover the rest of the file without gap or overlap. */
#ifndef CANTO_SAFETENSORS_H
#define CANTO_SAFETENSORS_H

#include "base/file.h"
#include "base/json.h"

enum { SAFETENSORS_RANK_MAX = 8 };

typedef struct safetensor {
    const char          *name;  /* owned by the header */
    const char          *dtype; /* "F32", "I64", ... */
    int                  rank;
    int64_t              shape[SAFETENSORS_RANK_MAX];
    uint64_t             count;      /* elements */
    uint64_t             begin, end; /* bytes within the data */
    const unsigned char *data;       /* in the map; maybe not aligned */
} safetensor;

typedef struct safetensors {
    canto_context *context;
    char           path[512]; /* for errors; cut when longer */
    file_map       map;
    json_t        *header;
    safetensor    *list; /* by name */
    size_t         count;
} safetensors;

/* Maps and checks a file. On failure *file is zeroed. */
canto_status      safetensors_open(canto_context *context, const char *path, safetensors *file);
void              safetensors_close(safetensors *file);                        /* also a zeroed one */
const safetensor *safetensors_find(const safetensors *file, const char *name); /* NULL when there is none */
/* An error naming file, tensor and both shapes or types unless t is of that dtype ("F32", "I64") and shape. */
canto_status safetensors_expect(const safetensors *file, const safetensor *t, const char *dtype, const int64_t *shape,
                                int rank);

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
canto_status safetensors_writer_add(safetensors_writer *w, const char *name, const char *dtype, const int64_t *shape,
                                    int rank);
canto_status safetensors_writer_begin(safetensors_writer *w);
canto_status safetensors_writer_data(safetensors_writer *w, const void *data, size_t bytes);
canto_status safetensors_writer_commit(safetensors_writer *w);  /* fails when bytes are owed */
void         safetensors_writer_discard(safetensors_writer *w); /* after commit: does nothing */

#endif
