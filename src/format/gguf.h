/* gguf.h - the file format GGUF, versions 2 and 3 (little-endian):
 *
 *   "GGUF", u32 version, u64 number of tensors, u64 number of values
 *   values:  text key, u32 type, the value        text: u64 bytes, then so many of UTF-8
 *   tensors: text name, u32 rank, u64 sizes[rank] (the fastest first), u32 type, u64 place
 *   zeros up to a multiple of the alignment (general.alignment, else 32), then the tensors' bytes, each at its place from here,
 *   a multiple of the alignment, in the order of the list and one behind the other
 *
 * An array is u32 type of the elements, u64 count, the elements. Source: ggml's docs/gguf.md. */
#ifndef CANTO_GGUF_H
#define CANTO_GGUF_H

#include "store/tensor_source.h"

typedef enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_TEXT,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
} gguf_type;

enum { GGUF_ALIGNMENT = 32 };

typedef struct gguf_text {
    const char *text; /* in the map: no zero byte follows */
    size_t      bytes;
} gguf_text;

typedef struct gguf_value {
    gguf_text            key;
    gguf_type            type;  /* of an array: of its elements */
    bool                 array; /* elements that are arrays again have type GGUF_ARRAY */
    uint64_t             count; /* elements; 1 when it is no array */
    const unsigned char *data;  /* the first */
} gguf_value;

typedef struct gguf {
    canto_context *context;
    const char    *path;   /* the source's, for errors */
    gguf_value    *values; /* [value_count] by key; keys and data lie in the source's map */
    size_t         value_count;
} gguf;

bool gguf_detect(const unsigned char *data, size_t bytes); /* it begins as such a file does */
/* Reads all that a file says, its tensors into source, which is begun and ended here, and to be closed in any case, after file.
 * On failure *file is zeroed. */
canto_status gguf_open(canto_context *context, const char *path, gguf *file, tensor_source *source);
void         gguf_close(gguf *file); /* also a zeroed one */

const gguf_value *gguf_find(const gguf *file, const char *key); /* NULL when there is none */
/* Values of one kind, any size of integer and real. `_or`: a missing key gives the fallback; a key of another type is an error. */
canto_status gguf_get_integer(const gguf *file, const char *key, int64_t low, int64_t high, int64_t *number);
canto_status gguf_get_integer_or(const gguf *file, const char *key, int64_t low, int64_t high, int64_t fallback,
                                 int64_t *number);
canto_status gguf_get_real(const gguf *file, const char *key, double *number);
canto_status gguf_get_bool_or(const gguf *file, const char *key, bool fallback, bool *truth);
canto_status gguf_get_text(const gguf *file, const char *key, gguf_text *text);
/* An array whose elements are of that type; *value NULL when the key is missing. */
canto_status gguf_get_array(const gguf *file, const char *key, gguf_type element, const gguf_value **value);
bool         gguf_text_is(gguf_text text, const char *other);
/* The texts of an array, one after the other: *at begins as value->data. */
gguf_text gguf_next_text(const unsigned char **at);

/* The number that a type of tensors has in a file; false when there is none. */
bool gguf_tensor_type(source_type type, uint32_t *number);

#endif
