/* export_npz.c - a model for NumPy: a zip of stored entries, one NAME.npy a tensor, and config.json.
 *
 * Every entry has the 64-bit form, and its checksum and size behind its data, so that files of any size are written in one go. Source:
 * PKWARE's APPNOTE 6.3, 4.3 and 4.5.3; NumPy's format version 1.0. */
#include "format/export.h"

#include "store/config_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_NAME = 128, VERSION = 45, BEHIND = 1 << 3 }; /* BEHIND: sizes follow the data */

typedef struct entry {
    char     name[ENTRY_NAME];
    uint32_t sum;
    uint64_t bytes, place;
} entry;

typedef struct npz {
    canto_context *context;
    file_writer    file;
    uint64_t       at; /* bytes written */
    entry         *entries;
    size_t         count, room;
    uint32_t       table[256]; /* of the checksum */
} npz;

/* ----------------------------------------------------------------------------------------------- checksum */

/* CRC-32 as in IEEE 802.3, the lowest bit first. */
static void fill_table(uint32_t table[256]) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++) rest = rest & 1 ? rest >> 1 ^ UINT32_C(0xEDB88320) : rest >> 1;
        table[byte] = rest;
    }
}

static uint32_t add_to_sum(const uint32_t table[256], uint32_t sum, const unsigned char *bytes, size_t count) {
    sum = ~sum;
    for (size_t i = 0; i < count; i++) sum = table[(sum ^ bytes[i]) & 0xFF] ^ sum >> 8;
    return ~sum;
}

/* ---------------------------------------------------------------------------------------------------- zip */

/* A record of the zip: little-endian numbers, one behind the other. */
typedef struct record {
    unsigned char bytes[128];
    size_t        count;
} record;

static void put(record *r, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) r->bytes[r->count++] = (unsigned char)(number >> 8 * i);
}

static canto_status write_bytes(npz *z, const void *bytes, size_t count) {
    z->at += count;
    return file_writer_write(&z->file, bytes, count);
}

static canto_status begin_entry(npz *z, const char *name, const char *ending) {
    canto_status status;
    record       r = {.count = 0};
    TRY(context_reserve(z->context, (void **)&z->entries, &z->room, z->count + 1, sizeof *z->entries,
                        "a list of tensors"));
    entry *e = &z->entries[z->count++];
    *e = (entry){.place = z->at};
    snprintf(e->name, sizeof e->name, "%.110s%s", name, ending);
    put(&r, 0x04034B50, 4);
    put(&r, VERSION, 2);
    put(&r, BEHIND, 2);
    put(&r, 0, 2);          /* stored */
    put(&r, 0x00210000, 4); /* the first day that there is: 1980-01-01 */
    put(&r, 0, 4);          /* the checksum comes behind */
    put(&r, UINT32_MAX, 4); /* both sizes as well, in 64 bits */
    put(&r, UINT32_MAX, 4);
    put(&r, strlen(e->name), 2);
    put(&r, 20, 2);
    TRY(write_bytes(z, r.bytes, r.count));
    TRY(write_bytes(z, e->name, strlen(e->name)));
    r.count = 0;
    put(&r, 1, 2);
    put(&r, 16, 2);
    put(&r, 0, 8);
    put(&r, 0, 8);
    TRY(write_bytes(z, r.bytes, r.count));
done:
    return status;
}

static canto_status entry_data(void *file, const void *bytes, size_t count) {
    npz   *z = file;
    entry *e = &z->entries[z->count - 1];
    e->bytes += count;
    e->sum = add_to_sum(z->table, e->sum, bytes, count);
    return write_bytes(z, bytes, count);
}

static canto_status end_entry(void *file) {
    npz         *z = file;
    const entry *e = &z->entries[z->count - 1];
    record       r = {.count = 0};
    put(&r, 0x08074B50, 4);
    put(&r, e->sum, 4);
    put(&r, e->bytes, 8);
    put(&r, e->bytes, 8);
    return write_bytes(z, r.bytes, r.count);
}

static canto_status list_entry(npz *z, const entry *e) {
    canto_status status;
    record       r = {.count = 0};
    put(&r, 0x02014B50, 4);
    put(&r, VERSION, 2);
    put(&r, VERSION, 2);
    put(&r, BEHIND, 2);
    put(&r, 0, 2);
    put(&r, 0x00210000, 4);
    put(&r, e->sum, 4);
    put(&r, UINT32_MAX, 4);
    put(&r, UINT32_MAX, 4);
    put(&r, strlen(e->name), 2);
    put(&r, 28, 2);
    put(&r, 0, 2 + 2 + 2); /* no remark, disk 0, no attributes */
    put(&r, 0, 4);
    put(&r, UINT32_MAX, 4);
    TRY(write_bytes(z, r.bytes, r.count));
    TRY(write_bytes(z, e->name, strlen(e->name)));
    r.count = 0;
    put(&r, 1, 2);
    put(&r, 24, 2);
    put(&r, e->bytes, 8);
    put(&r, e->bytes, 8);
    put(&r, e->place, 8);
    TRY(write_bytes(z, r.bytes, r.count));
done:
    return status;
}

/* The list of entries, and where it lies: in 64 bits, then in the old form, which refers to the other. */
static canto_status finish(npz *z) {
    canto_status status = status_ok();
    uint64_t     begin = z->at;
    record       r = {.count = 0};
    for (size_t i = 0; i < z->count; i++) TRY(list_entry(z, &z->entries[i]));
    uint64_t end = z->at;
    put(&r, 0x06064B50, 4);
    put(&r, 44, 8); /* bytes that follow */
    put(&r, VERSION, 2);
    put(&r, VERSION, 2);
    put(&r, 0, 8);
    put(&r, z->count, 8);
    put(&r, z->count, 8);
    put(&r, end - begin, 8);
    put(&r, begin, 8);
    put(&r, 0x07064B50, 4);
    put(&r, 0, 4);
    put(&r, end, 8);
    put(&r, 1, 4);
    put(&r, 0x06054B50, 4);
    put(&r, 0, 4);
    put(&r, UINT32_MAX, 4);
    put(&r, UINT64_MAX, 8);
    put(&r, 0, 2);
    TRY(write_bytes(z, r.bytes, r.count));
    TRY(file_writer_commit(&z->file));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- arrays */

/* The head of a .npy file: its length is a multiple of 64. */
static canto_status begin_array(void *file, const export_tensor *t) {
    npz         *z = file;
    char         text[256], shape[64];
    canto_status status;
    if (t->rank == 1) snprintf(shape, sizeof shape, "(%" PRId64 ",)", t->shape[0]);
    else snprintf(shape, sizeof shape, "(%" PRId64 ", %" PRId64 ")", t->shape[0], t->shape[1]);
    int      n = snprintf(text, sizeof text, "{'descr': '<f%u', 'fortran_order': False, 'shape': %s, }",
                          source_type_bytes(t->type), shape);
    unsigned bytes = ((unsigned)n + 10 + 64) / 64 * 64 - 10;
    memset(text + n, ' ', bytes - (unsigned)n);
    text[bytes - 1] = '\n';
    unsigned char magic[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)bytes, (unsigned char)(bytes >> 8)};
    TRY(begin_entry(z, t->name, ".npy"));
    TRY(entry_data(z, magic, sizeof magic));
    TRY(entry_data(z, text, bytes));
done:
    return status;
}

static const export_format form = {.begin_tensor = begin_array, .data = entry_data, .end_tensor = end_entry};

static canto_status add_config(npz *z, const canto_config *config) {
    canto_status status;
    char        *text = NULL;
    TRY(canto_config_json(z->context, config, &text));
    TRY(begin_entry(z, "config", ".json"));
    TRY(entry_data(z, text, strlen(text)));
    TRY(end_entry(z));
done:
    if (text) canto_free(z->context, text);
    return status;
}

canto_status export_npz(const export_job *job) {
    npz          z = {.context = job->context};
    canto_status status;
    fill_table(z.table);
    TRY(file_writer_open(&z.file, job->path));
    TRY(add_config(&z, &job->model->config));
    TRY(export_tensors(job, layout_for_saving(&job->model->config), &form, &z));
    TRY(finish(&z));
done:
    if (z.entries) context_release(job->context, z.entries);
    if (z.file.open) file_writer_discard(&z.file);
    return status;
}
