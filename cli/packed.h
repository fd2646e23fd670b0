/* packed.h - texts named .gz and .zst: readers for the library, made of zlib and zstd where the build has them. */
#ifndef CANTO_CLI_PACKED_H
#define CANTO_CLI_PACKED_H

#include <canto.h>

void packed_readers(canto_reader readers[CANTO_READERS_MAX]);
/* The versions in use, or "none". */
const char *packed_zlib(void);
const char *packed_zstd(void);

#endif
