/* counting.h - an allocator that knows how much is held, and how much was at most: for readers whose memory must stay near the
 * size of a hostile file. */
#ifndef CANTO_TESTS_COUNTING_H
#define CANTO_TESTS_COUNTING_H

#include <stddef.h>
#include <stdlib.h>

static size_t held, peak; /* bytes */

/* A canto_allocator's resize. Each block has its size in front, in the place of two words: what follows stays aligned. */
static void *counting(void *user, void *old, size_t bytes) {
    size_t *block = old ? (size_t *)old - 2 : NULL;
    (void)user;
    if (block) held -= *block;
    held += bytes;
    if (held > peak) peak = held;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, bytes + 2 * sizeof *block);
    if (!block) return NULL;
    *block = bytes;
    return block + 2;
}

#endif
