/* packed.c - see packed.h. Both are unpacked as streams: memory does not grow with what a file unpacks to. */
#include "packed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CANTO_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef CANTO_HAVE_ZSTD
#include <zstd.h>
#endif

enum { CHUNK = 1 << 16 };

/* A file that is open, and what of it has been read and not unpacked yet. */
typedef struct packed {
    FILE    *file;
    char    *path;
    uint64_t consumed;
    size_t   at, bytes; /* input[at .. bytes) */
    bool     inside;    /* of a packed stream: the file must not end here */
    bool     ended;
    bool     any; /* packed stream has come to its end */
#ifdef CANTO_HAVE_ZLIB
    z_stream zlib;
#endif
#ifdef CANTO_HAVE_ZSTD
    ZSTD_DStream *zstd;
#endif
    unsigned char input[CHUNK];
} packed;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static canto_status
fault(canto_code code, const char *form, ...) {
    canto_status status = {.code = code};
    va_list      values;
    va_start(values, form);
    vsnprintf(status.text, sizeof status.text, form, values);
    va_end(values);
    return status;
}

#if defined(CANTO_HAVE_ZLIB) || defined(CANTO_HAVE_ZSTD)

static const canto_status good = {.code = CANTO_OK};

static void close_file(packed *p) {
    if (p->file) fclose(p->file);
    free(p->path);
    free(p);
}

static canto_status open_file(const char *path, packed **out) {
    packed *p = calloc(1, sizeof *p);
    if (p) p->path = strdup(path);
    if (!p || !p->path) {
        free(p);
        return fault(CANTO_ERROR_MEMORY, "no memory to unpack '%.300s'", path);
    }
    p->file = fopen(path, "rb");
    if (!p->file) {
        int error = errno;
        close_file(p);
        return fault(CANTO_ERROR_FILE, "cannot open '%.300s': %s", path, strerror(error));
    }
    *out = p;
    return good;
}

/* More input, once there is none left; at the end of the file there stays none. */
static canto_status fill(packed *p) {
    if (p->at < p->bytes || p->ended) return good;
    p->at = 0;
    p->bytes = fread(p->input, 1, CHUNK, p->file);
    if (ferror(p->file)) return fault(CANTO_ERROR_FILE, "cannot read '%.300s': %s", p->path, strerror(errno));
    p->consumed += p->bytes;
    p->ended = p->bytes == 0;
    return good;
}

static canto_status cut_short(const packed *p) {
    return fault(CANTO_ERROR_FORMAT, "'%.300s' is cut short: it ends inside what was packed; get it again", p->path);
}

static uint64_t consumed(void *stream) { return ((packed *)stream)->consumed; }

#endif

/* ----------------------------------------------------------------------------------------------------- zlib */

#ifdef CANTO_HAVE_ZLIB

static canto_status gz_open(void *user, const char *path, void **stream) {
    packed      *p = NULL;
    canto_status status = open_file(path, &p);
    (void)user;
    if (status.code != CANTO_OK) return status;
    if (inflateInit2(&p->zlib, 15 + 16) != Z_OK) { /* gzip's frame alone */
        close_file(p);
        return fault(CANTO_ERROR_MEMORY, "no memory to unpack '%.300s'", path);
    }
    *stream = p;
    return status;
}

/* A file may be several packed ones, one after the other; zero bytes behind the last are padding, as gzip has it. */
static canto_status gz_read(void *stream, void *buffer, size_t bytes, size_t *got) {
    packed *p = stream;
    uInt    most = bytes < 1u << 30 ? (uInt)bytes : 1u << 30;
    p->zlib.next_out = buffer;
    p->zlib.avail_out = most;
    while (p->zlib.avail_out == most) {
        canto_status status = fill(p);
        if (status.code != CANTO_OK) return status;
        if (p->ended && p->inside) return cut_short(p);
        if (p->ended) break;
        if (!p->inside && p->any && p->input[p->at] == 0) {
            p->at++;
            continue;
        }
        p->inside = true;
        p->zlib.next_in = p->input + p->at;
        p->zlib.avail_in = (uInt)(p->bytes - p->at);
        int code = inflate(&p->zlib, Z_NO_FLUSH);
        p->at = p->bytes - p->zlib.avail_in;
        if (code == Z_MEM_ERROR) return fault(CANTO_ERROR_MEMORY, "no memory to unpack '%.300s'", p->path);
        if (code == Z_STREAM_END) {
            p->inside = false;
            p->any = true;
            inflateReset(&p->zlib);
        } else if (code != Z_OK && code != Z_BUF_ERROR)
            return fault(CANTO_ERROR_FORMAT, "'%.300s' is no gzip file, or damaged (%s); get it again", p->path,
                         p->zlib.msg ? p->zlib.msg : "it does not fit together");
    }
    *got = most - p->zlib.avail_out;
    return good;
}

static void gz_close(void *stream) {
    packed *p = stream;
    inflateEnd(&p->zlib);
    close_file(p);
}

const char *packed_zlib(void) { return zlibVersion(); }

#else

static canto_status gz_open(void *user, const char *path, void **stream) {
    (void)user;
    (void)stream;
    return fault(CANTO_ERROR_UNSUPPORTED,
                 "'%.300s' is packed, and this canto was built without zlib; unpack it (gunzip), or install zlib1g-dev "
                 "and build again",
                 path);
}
#define gz_read NULL
#define gz_close NULL

const char *packed_zlib(void) { return "none"; }

#endif

/* ----------------------------------------------------------------------------------------------------- zstd */

#ifdef CANTO_HAVE_ZSTD

static canto_status zst_open(void *user, const char *path, void **stream) {
    packed      *p = NULL;
    canto_status status = open_file(path, &p);
    (void)user;
    if (status.code != CANTO_OK) return status;
    p->zstd = ZSTD_createDStream(); /* it refuses windows of more than 128 MB */
    if (!p->zstd) {
        close_file(p);
        return fault(CANTO_ERROR_MEMORY, "no memory to unpack '%.300s'", path);
    }
    *stream = p;
    return status;
}

static canto_status zst_read(void *stream, void *buffer, size_t bytes, size_t *got) {
    packed        *p = stream;
    ZSTD_outBuffer out = {buffer, bytes, 0};
    while (out.pos == 0) {
        canto_status status = fill(p);
        if (status.code != CANTO_OK) return status;
        ZSTD_inBuffer in = {p->input, p->bytes, p->at};
        size_t        left = ZSTD_decompressStream(p->zstd, &out, &in);
        bool          stuck = in.pos == p->at && out.pos == 0;
        p->at = in.pos;
        if (ZSTD_isError(left))
            return fault(CANTO_ERROR_FORMAT, "'%.300s' is no zstd file, or damaged (%s); get it again", p->path,
                         ZSTD_getErrorName(left));
        if (p->ended && stuck) break;
        p->inside = left > 0;
    }
    if (out.pos == 0 && p->inside) return cut_short(p);
    *got = out.pos;
    return good;
}

static void zst_close(void *stream) {
    packed *p = stream;
    ZSTD_freeDStream(p->zstd);
    close_file(p);
}

const char *packed_zstd(void) { return ZSTD_versionString(); }

#else

static canto_status zst_open(void *user, const char *path, void **stream) {
    (void)user;
    (void)stream;
    return fault(CANTO_ERROR_UNSUPPORTED,
                 "'%.300s' is packed, and this canto was built without zstd; unpack it (unzstd), or install "
                 "libzstd-dev and build again",
                 path);
}
#define zst_read NULL
#define zst_close NULL

const char *packed_zstd(void) { return "none"; }

#endif

#if !defined(CANTO_HAVE_ZLIB) && !defined(CANTO_HAVE_ZSTD)
#define consumed NULL
#endif

void packed_readers(canto_reader readers[CANTO_READERS_MAX]) {
    readers[0] = (canto_reader){".gz", gz_open, gz_read, consumed, gz_close, NULL};
    readers[1] = (canto_reader){".zst", zst_open, zst_read, consumed, zst_close, NULL};
}
