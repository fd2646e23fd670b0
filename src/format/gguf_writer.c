/* gguf_writer.c - see gguf_writer.h; gguf.h says what the format is. */
#include "format/gguf_writer.h"

#include <inttypes.h>
#include <string.h>

static void put_bytes(gguf_writer *w, byte_list *list, const void *bytes, size_t count) {
    if (w->status.code == CANTO_OK) w->status = byte_list_add(list, bytes, count);
}

static void put_number(gguf_writer *w, byte_list *list, uint64_t number, size_t bytes) {
    unsigned char little[8];
    for (size_t i = 0; i < bytes; i++) little[i] = (unsigned char)(number >> 8 * i);
    put_bytes(w, list, little, bytes);
}

static void put_string(gguf_writer *w, byte_list *list, const char *text, size_t bytes) {
    put_number(w, list, bytes, 8);
    put_bytes(w, list, text, bytes);
}

static void put_key(gguf_writer *w, const char *key, gguf_type type) {
    put_string(w, &w->values, key, strlen(key));
    put_number(w, &w->values, (uint64_t)type, 4);
    w->value_count++;
}

canto_status gguf_writer_open(canto_context *context, const char *path, gguf_writer *w) {
    memset(w, 0, sizeof *w);
    w->values.context = w->tensors.context = context;
    w->status = status_ok();
    return file_writer_open(&w->file, path);
}

void gguf_put_integer(gguf_writer *w, const char *key, uint32_t number) {
    put_key(w, key, GGUF_U32);
    put_number(w, &w->values, number, 4);
}

void gguf_put_real(gguf_writer *w, const char *key, float number) {
    put_key(w, key, GGUF_F32);
    put_bytes(w, &w->values, &number, sizeof number);
}

void gguf_put_bool(gguf_writer *w, const char *key, bool truth) {
    put_key(w, key, GGUF_BOOL);
    put_number(w, &w->values, truth, 1);
}

void gguf_put_text(gguf_writer *w, const char *key, const char *text, size_t bytes) {
    put_key(w, key, GGUF_TEXT);
    put_string(w, &w->values, text, bytes);
}

void gguf_put_array(gguf_writer *w, const char *key, gguf_type element, uint64_t count) {
    put_key(w, key, GGUF_ARRAY);
    put_number(w, &w->values, (uint64_t)element, 4);
    put_number(w, &w->values, count, 8);
}

void gguf_add_text(gguf_writer *w, const char *text, size_t bytes) { put_string(w, &w->values, text, bytes); }

void gguf_add_int32(gguf_writer *w, int32_t number) { put_number(w, &w->values, (uint32_t)number, 4); }

static uint64_t round_up(uint64_t n) { return (n + GGUF_ALIGNMENT - 1) / GGUF_ALIGNMENT * GGUF_ALIGNMENT; }

void gguf_writer_add(gguf_writer *w, const char *name, source_type type, const int64_t *shape, int rank) {
    uint32_t number = 0;
    uint64_t count = 1;
    gguf_tensor_type(type, &number);
    put_string(w, &w->tensors, name, strlen(name));
    put_number(w, &w->tensors, (uint64_t)rank, 4);
    for (int i = rank - 1; i >= 0; i--) put_number(w, &w->tensors, (uint64_t)shape[i], 8);
    for (int i = 0; i < rank; i++) count *= (uint64_t)shape[i];
    put_number(w, &w->tensors, number, 4);
    put_number(w, &w->tensors, w->place, 8);
    w->place = round_up(w->place + count / source_type_elements(type) * source_type_bytes(type));
    w->tensor_count++;
}

static canto_status write_zeros(gguf_writer *w, uint64_t count) {
    static const char zeros[GGUF_ALIGNMENT];
    return file_writer_write(&w->file, zeros, (size_t)count);
}

canto_status gguf_writer_begin(gguf_writer *w) {
    canto_status status = w->status;
    byte_list    head = {.context = w->values.context};
    if (status.code != CANTO_OK) return status;
    put_bytes(w, &head, "GGUF", 4);
    put_number(w, &head, 3, 4);
    put_number(w, &head, w->tensor_count, 8);
    put_number(w, &head, w->value_count, 8);
    TRY(w->status);
    TRY(file_writer_write(&w->file, head.data, head.count));
    TRY(file_writer_write(&w->file, w->values.data, w->values.count));
    TRY(file_writer_write(&w->file, w->tensors.data, w->tensors.count));
    uint64_t bytes = head.count + w->values.count + w->tensors.count;
    TRY(write_zeros(w, round_up(bytes) - bytes));
done:
    context_release(head.context, head.data);
    return status;
}

canto_status gguf_writer_data(gguf_writer *w, const void *data, size_t bytes) {
    w->written += bytes;
    return file_writer_write(&w->file, data, bytes);
}

canto_status gguf_writer_end_tensor(gguf_writer *w) {
    uint64_t owed = round_up(w->written) - w->written;
    w->written += owed;
    return write_zeros(w, owed);
}

canto_status gguf_writer_commit(gguf_writer *w) {
    canto_status status = w->status;
    if (w->written != w->place)
        FAIL(CANTO_ERROR_VALUE, "'%.300s': %" PRIu64 " bytes of tensors were announced and %" PRIu64 " written",
             w->file.path, w->place, w->written);
    TRY(file_writer_commit(&w->file));
done:
    gguf_writer_discard(w);
    return status;
}

void gguf_writer_discard(gguf_writer *w) {
    if (w->values.data) context_release(w->values.context, w->values.data);
    if (w->tensors.data) context_release(w->tensors.context, w->tensors.data);
    w->values.data = w->tensors.data = NULL;
    if (w->file.open) file_writer_discard(&w->file);
}
