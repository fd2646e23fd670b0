/* zip.h - an archive of stored entries, in place: what torch.save writes.
 *
 * At the end of the file the end record (and before it, of large archives, the ZIP64 one) says where the central directory
 * is: an entry a file, with its name, sizes and the place of its local header, behind which its bytes lie. Nothing is
 * unpacked and nothing written: entries are views. Compressed and encrypted ones are refused.
 * Source: PKWARE's APPNOTE.TXT, 6.3. */
#ifndef CANTO_ZIP_H
#define CANTO_ZIP_H

#include "base/file.h"

typedef struct zip_entry {
    const char          *name; /* name[name_bytes], in the archive */
    size_t               name_bytes;
    const unsigned char *data; /* data[bytes] */
    size_t               bytes;
} zip_entry;

typedef struct zip {
    canto_context       *context;
    const char          *path; /* for errors; the caller's */
    const unsigned char *data;
    size_t               bytes;
    zip_entry           *list; /* by name */
    size_t               count;
} zip;

/* Whether bytes begin as an archive does. */
bool zip_detect(const unsigned char *data, size_t bytes);
/* Reads the directory of an archive in memory, which must outlive the zip. No two entries have one name or share a byte.
 * On failure *z is zeroed. */
canto_status zip_open(canto_context *context, const char *path, const unsigned char *data, size_t bytes, zip *z);
/* The entry of this name; NULL when there is none. */
const zip_entry *zip_find(const zip *z, const char *name);
void             zip_close(zip *z); /* also a zeroed one */

#endif
