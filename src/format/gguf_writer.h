/* gguf_writer.h - writing GGUF files, version 3: put values, add tensors, begin, hand over the tensors' bytes in the same
 * order, commit. Any failure and discard leave nothing behind. */
#ifndef CANTO_GGUF_WRITER_H
#define CANTO_GGUF_WRITER_H

#include "format/gguf.h"
#include "text/tokenizer.h"

typedef struct gguf_writer {
    file_writer  file;
    byte_list    values, tensors;
    uint64_t     value_count, tensor_count;
    uint64_t     place;   /* of the next tensor in the data, as announced */
    uint64_t     written; /* bytes of the data */
    canto_status status;  /* the first failure of a put: begin gives it */
} gguf_writer;

canto_status gguf_writer_open(canto_context *context, const char *path, gguf_writer *w);
void         gguf_put_integer(gguf_writer *w, const char *key, uint32_t number);
void         gguf_put_real(gguf_writer *w, const char *key, float number);
void         gguf_put_bool(gguf_writer *w, const char *key, bool truth);
void         gguf_put_text(gguf_writer *w, const char *key, const char *text, size_t bytes);
/* An array, whose elements are then added: count texts, or count int32 with the other. */
void gguf_put_array(gguf_writer *w, const char *key, gguf_type element, uint64_t count);
void gguf_add_text(gguf_writer *w, const char *text, size_t bytes);
void gguf_add_int32(gguf_writer *w, int32_t number);

/* name: at most 64 bytes. */
void         gguf_writer_add(gguf_writer *w, const char *name, source_type type, const int64_t *shape, int rank);
canto_status gguf_writer_begin(gguf_writer *w);
canto_status gguf_writer_data(gguf_writer *w, const void *data, size_t bytes);
canto_status gguf_writer_end_tensor(gguf_writer *w); /* after the last byte of each */
canto_status gguf_writer_commit(gguf_writer *w);     /* fails when bytes are owed */
void         gguf_writer_discard(gguf_writer *w);    /* after commit, and zeroed: does nothing */

#endif
