/* fuzz.h - what fuzz targets share.
 *
 * A target is one file fuzz_NAME.c with two functions: fuzz_seeds hands out valid inputs, real files made by canto
 * itself; fuzz_one takes any bytes and checks what must hold for them. With clang's libFuzzer (preset fuzz) a target is a
 * fuzzer; otherwise it is a test that replays tests/fuzz/cases, the seeds, and every seed with each of its first bytes
 * damaged and cut off there (fuzz.c). A property that does not hold ends the program by abort, as a sanitizer does. */
#ifndef CANTO_FUZZ_H
#define CANTO_FUZZ_H

#include "base/context.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Hands out a seed. The first `head` bytes are those that the replay damages one by one; SIZE_MAX: all. */
void fuzz_seed(const char *name, const void *data, size_t bytes, size_t head);
void fuzz_seed_text(const char *name, const char *text);
/* As fuzz_seed with the content of a file of the target's folder. */
void fuzz_seed_file(const char *name, const char *file, size_t head);

void fuzz_seeds(void);
void fuzz_one(const uint8_t *data, size_t bytes);

/* A context with one thread, and a folder of the target's own that is removed at the end. */
canto_context *fuzz_context(void);
const char    *fuzz_folder(void);
const char    *fuzz_path(const char *name); /* in that folder; good for the next 15 calls */
void           fuzz_write(const char *name, const void *data, size_t bytes);

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The call must succeed. */
void fuzz_good(canto_status status);
/* True when the status is CANTO_OK; a refusal must say something, on one line of whole UTF-8. */
bool fuzz_accepts(canto_status status);

#endif
