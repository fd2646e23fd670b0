/* torch_writer.h - files of torch.save, made by tests: whole ones, and ones with any damage. */
#ifndef CANTO_TORCH_WRITER_H
#define CANTO_TORCH_WRITER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that grow at their end. */
typedef struct blob {
    unsigned char *data;
    size_t         bytes, room;
} blob;

static inline void blob_put(blob *b, const void *data, size_t bytes) {
    if (b->bytes + bytes > b->room) {
        b->room = 2 * (b->bytes + bytes);
        b->data = realloc(b->data, b->room);
        if (!b->data) abort();
    }
    if (bytes > 0) memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
}

static inline void blob_text(blob *b, const char *text) { blob_put(b, text, strlen(text)); }

/* Little-endian, of n bytes. */
static inline void blob_number(blob *b, uint64_t x, int n) {
    for (int i = 0; i < n; i++) blob_put(b, &(unsigned char){(unsigned char)(i < 8 ? x >> 8 * i : 0)}, 1);
}

static inline void blob_free(blob *b) {
    free(b->data);
    *b = (blob){0};
}

/* An archive under way: entries, and what will be their directory. */
typedef struct archive {
    blob     file, directory;
    unsigned count;
} archive;

static inline void archive_add(archive *a, const char *name, const void *data, size_t bytes) {
    static const unsigned char local[] = {'P', 'K', 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char central[] = {'P', 'K', 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    size_t                     at = a->file.bytes;
    blob_put(&a->file, local, sizeof local);
    blob_put(&a->directory, central, sizeof central);
    for (int i = 0; i < 2; i++) {
        blob *b = i ? &a->directory : &a->file;
        blob_number(b, 0, 4); /* the checksum: nobody looks */
        blob_number(b, bytes, 4);
        blob_number(b, bytes, 4);
        blob_number(b, strlen(name), 2);
        blob_number(b, 0, 2);
    }
    blob_number(&a->directory, 0, 2 + 2 + 2 + 4);
    blob_number(&a->directory, at, 4);
    blob_text(&a->file, name);
    blob_text(&a->directory, name);
    blob_put(&a->file, data, bytes);
    a->count++;
}

/* The file is whole then. */
static inline void archive_end(archive *a) {
    size_t at = a->file.bytes;
    blob_put(&a->file, a->directory.data, a->directory.bytes);
    blob_put(&a->file, "PK\5\6\0\0\0\0", 8);
    blob_number(&a->file, a->count, 2);
    blob_number(&a->file, a->count, 2);
    blob_number(&a->file, a->directory.bytes, 4);
    blob_number(&a->file, at, 4);
    blob_number(&a->file, 0, 2);
    blob_free(&a->directory);
}

static inline void pickle_text(blob *b, const char *text) {
    blob_text(b, "X");
    blob_number(b, strlen(text), 4);
    blob_text(b, text);
}

static inline void pickle_int(blob *b, int64_t x) {
    blob_put(b, "\x8a\x08", 2); /* LONG1 */
    blob_number(b, (uint64_t)x, 8);
}

static inline void pickle_sizes(blob *b, const int64_t *sizes, int rank) {
    blob_text(b, "(");
    for (int i = 0; i < rank; i++) pickle_int(b, sizes[i]);
    blob_text(b, "t");
}

/* A tensor on elements [first, ...) of the storage `key`. class: "FloatStorage". */
static inline void pickle_tensor(blob *b, const char *class, const char *key, int64_t first, const int64_t *shape,
                                 const int64_t *stride, int rank) {
    blob_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(b, "storage");
    blob_text(b, "ctorch\n");
    blob_text(b, class);
    blob_text(b, "\n");
    pickle_text(b, key);
    pickle_text(b, "cpu");
    pickle_int(b, 1);
    blob_text(b, "tQ");
    pickle_int(b, first);
    pickle_sizes(b, shape, rank);
    pickle_sizes(b, stride, rank);
    blob_put(b, "\x89", 1);
    blob_text(b, "ccollections\nOrderedDict\n)RtR");
}

static inline void pickle_begin(blob *b) { blob_put(b, "\x80\x02}(", 4); }
static inline void pickle_end(blob *b) { blob_text(b, "u."); }

/* A row-major tensor that has the storage to itself. */
static inline void pickle_whole(blob *b, const char *name, const char *key, const int64_t *shape, int rank) {
    int64_t stride[8], each = 1;
    for (int i = rank - 1; i >= 0; i--) {
        stride[i] = each;
        each *= shape[i];
    }
    pickle_text(b, name);
    pickle_tensor(b, "FloatStorage", key, 0, shape, stride, rank);
}

#endif
