/* fuzz_packed.c - the first byte of the input says whether the rest is a .zst file ('z') or a .gz file.
 *
 * However it is read, in large portions or small ones, the same comes out, and a .gz file is refused or not (libzstd looks at
 * the size that an empty frame claims only where there is room for as much). What is accepted is what texts and tokenizers
 * read from the file, from its beginning and from any other place. */
#include "fuzz.h"

#include "cli/packed.h"
#include "text/corpus.h"

#include <string.h>

#ifdef CANTO_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef CANTO_HAVE_ZSTD
#include <zstd.h>
#endif

#define MOST ((size_t)1 << 22) /* bytes that are unpacked; a small file may hold gigabytes */

/* ------------------------------------------------------------------------------------------------------ seeds */

/* A file in the making; texts are packed behind each other. */
typedef struct parcel {
    unsigned char data[4096];
    size_t        bytes;
} parcel;

static void add_raw(parcel *p, const void *data, size_t bytes) {
    CHECK(bytes <= sizeof p->data - p->bytes);
    memcpy(p->data + p->bytes, data, bytes);
    p->bytes += bytes;
}

#ifdef CANTO_HAVE_ZLIB
static void add_gzip(parcel *p, const char *text, int level) {
    z_stream z = {0};
    CHECK(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = (Bytef *)text;
    z.avail_in = (uInt)strlen(text);
    z.next_out = p->data + p->bytes;
    z.avail_out = (uInt)(sizeof p->data - p->bytes);
    CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
    p->bytes = sizeof p->data - z.avail_out;
    deflateEnd(&z);
}
#endif

#ifdef CANTO_HAVE_ZSTD
static void add_zstd(parcel *p, const char *text) {
    size_t bytes = ZSTD_compress(p->data + p->bytes, sizeof p->data - p->bytes, text, strlen(text), 3);
    CHECK(!ZSTD_isError(bytes));
    p->bytes += bytes;
}
#endif

void fuzz_seeds(void) {
    const char *text = "{\"text\":\"one\"}\n{\"text\":\"one and two\"}\n";
    parcel      none = {"g", 1}, p = none;
    fuzz_seed("nothing", "g", 1, SIZE_MAX);
#ifdef CANTO_HAVE_ZLIB
    add_gzip(&p, text, 9);
    fuzz_seed("gz", p.data, p.bytes, SIZE_MAX);
    add_gzip(&p, "stored, not packed", 0);
    add_raw(&p, "\0\0\0", 3);
    fuzz_seed("gz-members", p.data, p.bytes, SIZE_MAX);
#endif
    none.data[0] = 'z';
    p = none;
#ifdef CANTO_HAVE_ZSTD
    add_zstd(&p, text);
    fuzz_seed("zst", p.data, p.bytes, SIZE_MAX);
    add_raw(&p, "\x50\x2A\x4D\x18\x03\0\0\0abc", 11); /* a frame to skip */
    add_zstd(&p, "");
    add_zstd(&p, "another");
    fuzz_seed("zst-frames", p.data, p.bytes, SIZE_MAX);
#endif
    p = none;
    add_raw(&p, text, strlen(text));
    fuzz_seed("plain", p.data, p.bytes, 0);
}

/* ---------------------------------------------------------------------------------------------------- reading */

/* Everything, up to MOST bytes, in portions; whether it was accepted. */
static bool read_all(const canto_reader *reader, const char *path, size_t portion, byte_list *out) {
    void  *stream = NULL;
    size_t got = 1;
    *out = (byte_list){.context = fuzz_context()};
    if (!fuzz_accepts(reader->open(reader->user, path, &stream))) return false;
    bool     good = true;
    uint64_t before = 0;
    while (good && got > 0 && out->count < MOST) {
        fuzz_good(byte_list_room(out, portion));
        good = fuzz_accepts(reader->read(stream, out->data + out->count, portion, &got));
        if (!good) break;
        CHECK(got <= portion && reader->consumed(stream) >= before);
        before = reader->consumed(stream);
        out->count += got;
    }
    reader->close(stream);
    return good;
}

/* The same bytes, as far as both go. */
static void check_same(const byte_list *a, const byte_list *b, bool whole) {
    size_t bytes = a->count < b->count ? a->count : b->count;
    CHECK(!whole || a->count == b->count);
    CHECK(bytes == 0 || memcmp(a->data, b->data, bytes) == 0);
}

static canto_status add(void *user, const char *text, size_t bytes, const char *from) {
    CHECK(*from);
    return byte_list_add(user, text, bytes);
}

/* What lies behind a place is what reading from there finds. */
static void check_place(const char *path, const byte_list *all, size_t offset) {
    corpus_place place = {0, offset, 1};
    corpus_piece piece;
    corpus       c;
    byte_list    text = {.context = fuzz_context()}, rest = {NULL, all->data + offset, all->count - offset, 0};
    byte_list    found = {.context = fuzz_context()};
    bool         any;
    fuzz_good(corpus_open(&c, fuzz_context(), NULL, &path, 1, NULL, &place));
    for (;;) {
        fuzz_good(corpus_next(&c, &text, &piece, &any));
        if (!any) break;
        fuzz_good(byte_list_add(&found, text.data, text.count));
    }
    check_same(&found, &rest, true);
    corpus_close(&c);
    canto_free(fuzz_context(), text.data);
    canto_free(fuzz_context(), found.data);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_reader readers[CANTO_READERS_MAX] = {0};
    byte_list    large, small, texts = {.context = fuzz_context()};
    if (bytes < 1) return;
    packed_readers(readers);
    memcpy(fuzz_context()->readers, readers, sizeof readers);
    bool                zstd = data[0] == 'z';
    const canto_reader *reader = &readers[zstd];
    const char         *name = zstd ? "in.zst" : "in.gz", *path = fuzz_path(name);
    CHECK(strcmp(reader->suffix, zstd ? ".zst" : ".gz") == 0);
    fuzz_write(name, data + 1, bytes - 1);

    bool accepted = read_all(reader, path, 1 << 16, &large);
    bool again = read_all(reader, path, 1 + bytes % 61, &small);
    bool whole = large.count < MOST && small.count < MOST;
    if (whole && !zstd) CHECK(accepted == again);
    check_same(&large, &small, accepted && again && whole);
    if (whole) {
        bool read = fuzz_accepts(corpus_file(fuzz_context(), NULL, path, NULL, "reading", add, &texts));
        if (!zstd) CHECK(read == accepted);
        check_same(&texts, &large, read && accepted);
        accepted = accepted && again && read;
        for (size_t part = 0; accepted && part <= 4; part++) check_place(path, &large, large.count * part / 4);
    }
    canto_free(fuzz_context(), texts.data);
    canto_free(fuzz_context(), small.data);
    canto_free(fuzz_context(), large.data);
}
