/* tensor_source.h - named tensors in files: what every reader of a format hands over, whatever the format.
 *
 * A source stands on the maps of its files; a tensor is a view on one of them. Readers fill a source:
 *     source_begin, then source_map and source_add for what the files hold, then source_end.
 * A failing reader leaves the source to source_close. */
#ifndef CANTO_TENSOR_SOURCE_H
#define CANTO_TENSOR_SOURCE_H

#include "base/file.h"

enum { SOURCE_RANK_MAX = 8 };

typedef enum source_type {
    SOURCE_F32,
    SOURCE_F16,
    SOURCE_BF16,
    SOURCE_F64,
    SOURCE_I64,
    SOURCE_I32,
    SOURCE_I16,
    SOURCE_I8,
    SOURCE_U64,
    SOURCE_U32,
    SOURCE_U16,
    SOURCE_U8,
    SOURCE_BOOL,
    SOURCE_F8_E4M3,
    SOURCE_F8_E5M2,
    SOURCE_Q8_0, /* blocks of 32: f16 scale, 32 int8 */
    SOURCE_Q4_0, /* blocks of 32: f16 scale, 16 bytes: element i in the low half of byte i, i + 16 in the high half */
    SOURCE_TYPES
} source_type;

typedef struct source_tensor {
    const char          *name;
    source_type          type;
    int                  rank;
    int64_t              shape[SOURCE_RANK_MAX];
    int64_t              stride[SOURCE_RANK_MAX]; /* elements from one index to the next; of blocks always row-major */
    uint64_t             count;                   /* elements */
    const unsigned char *data;                    /* in a map; maybe not aligned */
    size_t               bytes;                   /* from data to behind the last element */
} source_tensor;

typedef struct tensor_source {
    canto_context *context;
    char           path[512]; /* for errors; cut when longer */
    source_tensor *list;      /* by name, once ended */
    size_t         count, room;
    file_map      *maps;
    size_t         map_count, map_room;
} tensor_source;

/* path: what errors call the source until another is said. */
void source_begin(canto_context *context, const char *path, tensor_source *source);
/* Maps a file, which stays as long as the source. *map is good until the next call. */
canto_status source_map(tensor_source *source, const char *path, const file_map **map);
/* Adds a copy of t, its name too. shape and stride are checked against bytes: nothing of t lies outside of
 * data[0, bytes), which the caller has seen to be inside of a map. */
canto_status source_add(tensor_source *source, const source_tensor *t);
/* Sorts by name. A name given twice is an error. */
canto_status source_end(tensor_source *source);
void         source_close(tensor_source *source); /* also a zeroed one */
/* Changes of an ended source: another name for tensor number i (source_end then sorts again), and its removal. */
canto_status source_rename(tensor_source *source, size_t i, const char *name);
void         source_remove(tensor_source *source, size_t i);

const source_tensor *source_find(const tensor_source *source, const char *name); /* NULL when there is none */

/* An error naming file, tensor and both shapes or types unless t has this one. */
canto_status source_expect_type(const tensor_source *source, const source_tensor *t, source_type type);
canto_status source_expect_shape(const tensor_source *source, const source_tensor *t, const int64_t *shape, int rank);

const char *source_type_name(source_type type); /* "F32", "BF16", ...: as safetensors spells them */
/* The type that safetensors calls so; false for none. */
bool source_type_find(const char *name, source_type *type);
/* Elements and bytes of the smallest whole piece: 1 and 4 of F32, 32 and 34 of Q8_0. */
unsigned source_type_elements(source_type type);
unsigned source_type_bytes(source_type type);
/* A shape's elements; false when they are more than any file could hold, or a size is negative. */
bool source_shape_count(const int64_t *shape, int rank, uint64_t *count);
/* The strides of a row-major tensor of t's shape. */
void source_row_major(source_tensor *t);

#endif
