/* zip.c - the directory of an archive. Every number of it is checked against the file before it is used. */
#include "format/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL = 0x04034b50, /* "PK\3\4" */
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    COMMENT_MAX = 65535
};

/* Little-endian, of n bytes. */
static uint64_t number_at(const unsigned char *p, int n) {
    uint64_t x = 0;
    while (n-- > 0) x = x << 8 | p[n];
    return x;
}

bool zip_detect(const unsigned char *data, size_t bytes) { return bytes >= END_BYTES && number_at(data, 4) == LOCAL; }

/* Where the central directory is. */
typedef struct directory {
    uint64_t count, bytes, at;
} directory;

static canto_status damaged(const zip *z, const char *how) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' is cut short or damaged: %s; get the file again", z->path, how);
}

/* The last place that reads as an end record whose comment reaches the file's end. */
static canto_status find_end(const zip *z, size_t *at) {
    size_t lowest = z->bytes > END_BYTES + COMMENT_MAX ? z->bytes - END_BYTES - COMMENT_MAX : 0;
    for (*at = z->bytes - END_BYTES;; --*at) {
        const unsigned char *p = z->data + *at;
        if (number_at(p, 4) == END && number_at(p + 20, 2) == z->bytes - END_BYTES - *at) return status_ok();
        if (*at == lowest) return damaged(z, "the archive has no end record");
    }
}

static canto_status find_directory(const zip *z, directory *d) {
    size_t       end;
    canto_status status = find_end(z, &end);
    if (status.code != CANTO_OK) return status;
    const unsigned char *p = z->data + end;
    *d = (directory){number_at(p + 10, 2), number_at(p + 12, 4), number_at(p + 16, 4)};
    if (end >= LOCATOR64_BYTES && number_at(p - LOCATOR64_BYTES, 4) == LOCATOR64) {
        uint64_t at = number_at(p - LOCATOR64_BYTES + 8, 8);
        if (at > end || end - at < END64_BYTES + LOCATOR64_BYTES || number_at(z->data + at, 4) != END64)
            return damaged(z, "the archive's ZIP64 record is not where it should be");
        *d = (directory){number_at(z->data + at + 32, 8), number_at(z->data + at + 40, 8),
                         number_at(z->data + at + 48, 8)};
        end = (size_t)at;
    }
    if (d->at > end || d->bytes > end - d->at || d->count > d->bytes / CENTRAL_BYTES)
        return damaged(z, "the archive's directory is larger than the file");
    return status_ok();
}

/* Sizes and place of a central entry. What does not fit into 32 bits stands in the extra field number 1, in this order. */
typedef struct extent {
    uint64_t unpacked, packed, at;
} extent;

static bool read_extent(const unsigned char *p, const unsigned char *extra, size_t extra_bytes, extent *e) {
    uint64_t *const wide[] = {&e->unpacked, &e->packed, &e->at};
    *e = (extent){number_at(p + 24, 4), number_at(p + 20, 4), number_at(p + 42, 4)};
    while (extra_bytes >= 4) {
        size_t id = (size_t)number_at(extra, 2), bytes = (size_t)number_at(extra + 2, 2);
        extra += 4, extra_bytes -= 4;
        if (bytes > extra_bytes) return false;
        for (size_t i = 0, at = 0; id == 1 && i < 3; i++) {
            if (*wide[i] != UINT32_MAX) continue;
            if (at + 8 > bytes) return false;
            *wide[i] = number_at(extra + at, 8);
            at += 8;
        }
        extra += bytes, extra_bytes -= bytes;
    }
    return true;
}

/* The bytes behind the local header, whose name must be the directory's. */
static canto_status find_data(const zip *z, uint64_t at, zip_entry *entry) {
    if (at > z->bytes || z->bytes - at < LOCAL_BYTES || number_at(z->data + at, 4) != LOCAL)
        return damaged(z, "an entry of the archive is not where its directory says");
    const unsigned char *local = z->data + at;
    size_t               name = (size_t)number_at(local + 26, 2), extra = (size_t)number_at(local + 28, 2),
           room = z->bytes - (size_t)at;
    if (room - LOCAL_BYTES < name + extra || room - LOCAL_BYTES - name - extra < entry->bytes)
        return damaged(z, "an entry of the archive reaches beyond the file's end");
    if (name != entry->name_bytes || memcmp(local + LOCAL_BYTES, entry->name, name) != 0)
        return damaged(z, "an entry of the archive has two names");
    entry->data = local + LOCAL_BYTES + name + extra;
    return status_ok();
}

/* Reads the entry at *p and moves on. */
static canto_status read_entry(const zip *z, const unsigned char **p, const unsigned char *end, zip_entry *entry) {
    canto_status         status = status_ok();
    const unsigned char *at = *p;
    extent               e;
    if (end - at < CENTRAL_BYTES || number_at(at, 4) != CENTRAL) return damaged(z, "the archive's directory is broken");
    size_t   name = (size_t)number_at(at + 28, 2), extra = (size_t)number_at(at + 30, 2);
    size_t   comment = (size_t)number_at(at + 32, 2);
    unsigned flags = (unsigned)number_at(at + 8, 2), method = (unsigned)number_at(at + 10, 2);
    if ((size_t)(end - at) - CENTRAL_BYTES < name + extra + comment)
        return damaged(z, "the archive's directory is broken");
    entry->name = (const char *)at + CENTRAL_BYTES;
    entry->name_bytes = name;
    if (!read_extent(at, at + CENTRAL_BYTES + name, extra, &e)) return damaged(z, "the archive's directory is broken");
    if (method != 0 || (flags & 1) != 0 || e.packed != e.unpacked)
        return status_error(
            CANTO_ERROR_UNSUPPORTED,
            "'%.300s': the entry \"%.*s\" of the archive is %s: torch.save stores its entries as they are", z->path,
            name < 80 ? (int)name : 80, entry->name, (flags & 1) != 0 ? "encrypted" : "compressed");
    if (e.packed > z->bytes) return damaged(z, "an entry of the archive reaches beyond the file's end");
    entry->bytes = (size_t)e.packed;
    TRY(find_data(z, e.at, entry));
    *p = at + CENTRAL_BYTES + name + extra + comment;
done:
    return status;
}

static int compare_names(const char *a, size_t a_bytes, const char *b, size_t b_bytes) {
    int order = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);
    return order != 0 ? order : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int by_name(const void *a, const void *b) {
    const zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_bytes, y->name, y->name_bytes);
}

static int by_place(const void *a, const void *b) {
    const zip_entry *x = a, *y = b;
    return x->data != y->data ? (x->data < y->data ? -1 : 1) : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* Leaves the list sorted by name. */
static canto_status check_apart(zip *z) {
    if (z->count > 1) qsort(z->list, z->count, sizeof *z->list, by_place);
    for (size_t i = 1; i < z->count; i++)
        if (z->list[i].data < z->list[i - 1].data + z->list[i - 1].bytes)
            return damaged(z, "two entries of the archive overlap");
    if (z->count > 1) qsort(z->list, z->count, sizeof *z->list, by_name);
    for (size_t i = 1; i < z->count; i++)
        if (by_name(&z->list[i - 1], &z->list[i]) == 0) return damaged(z, "two entries of the archive have one name");
    return status_ok();
}

canto_status zip_open(canto_context *context, const char *path, const unsigned char *data, size_t bytes, zip *z) {
    canto_status status = status_ok();
    directory    d;
    *z = (zip){.context = context, .path = path, .data = data, .bytes = bytes};
    if (!zip_detect(data, bytes)) FAIL(CANTO_ERROR_FORMAT, "'%.300s' is no zip archive", path);
    TRY(find_directory(z, &d));
    z->list = context_allocate_zeroed(context, (size_t)d.count + 1, sizeof *z->list);
    if (!z->list) TRY(context_no_memory((size_t)d.count * sizeof *z->list, "an archive's directory"));
    const unsigned char *at = data + d.at, *end = at + d.bytes;
    for (; z->count < d.count; z->count++) TRY(read_entry(z, &at, end, &z->list[z->count]));
    TRY(check_apart(z));
done:
    if (status.code != CANTO_OK) zip_close(z);
    return status;
}

const zip_entry *zip_find(const zip *z, const char *name) {
    zip_entry wanted = {.name = name, .name_bytes = strlen(name)};
    return z->count == 0 ? NULL : bsearch(&wanted, z->list, z->count, sizeof *z->list, by_name);
}

void zip_close(zip *z) {
    if (z->list) context_release(z->context, z->list);
    memset(z, 0, sizeof *z);
}
