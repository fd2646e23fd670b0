/* vocabulary.h - numbered byte strings, found by number or by content. */
#ifndef CANTO_VOCABULARY_H
#define CANTO_VOCABULARY_H

#include "base/context.h"

#define VOCABULARY_NONE UINT32_MAX
#define VOCABULARY_MOST INT32_MAX /* tokens */
enum { VOCABULARY_SLACK = 16 };   /* so many bytes from a token's first may always be read */

/* A hint that a place will be looked at soon. */
#if defined(__GNUC__)
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) ((void)(place))
#endif

/* Zero it and set context to make an empty one. Token id's bytes, and a zero byte after them, start at
 * text + starts[id]; starts[count] is where the next one would. A token of no bytes is a gap: an id that nothing has. */
typedef struct vocabulary {
    canto_context *context;
    uint32_t       count;
    char          *text;
    size_t         text_room;
    size_t        *starts;
    size_t         starts_room;
    uint64_t      *slots; /* [slot_count] a hash table, open addressing: upper half of the hash, id; UINT64_MAX: free */
    size_t         slot_count; /* a power of two, at least twice count */
} vocabulary;

/* Appends a token unless it is there already; *id (may be NULL) is its number either way. */
canto_status vocabulary_add(vocabulary *v, const char *token, size_t bytes, uint32_t *id);
/* Appends a gap, which is never found. */
canto_status vocabulary_add_gap(vocabulary *v);
/* Room for so many tokens more, with so many bytes in all: adding them then moves nothing. */
canto_status vocabulary_reserve(vocabulary *v, size_t tokens, size_t bytes);
uint32_t     vocabulary_find(const vocabulary *v, const char *token, size_t bytes); /* or VOCABULARY_NONE */
/* The same in two steps. A hash goes on from that of what stands before (0: nothing does), so the hashes of all beginnings
 * of a text cost no more than its own; the hash of an end is that of the whole less the beginning's times
 * VOCABULARY_HASH_STEP to the power of the end's length. */
#define VOCABULARY_HASH_STEP UINT64_C(0x9E3779B97F4A7C15)
#define VOCABULARY_HASH_BACK UINT64_C(0xF1DE83E19937733D) /* STEP * BACK = 1 modulo 2^64 */
static inline uint64_t vocabulary_hash(uint64_t before, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) before = before * VOCABULARY_HASH_STEP + (unsigned char)bytes[i] + 1;
    return before;
}
/* False when no token has this hash; and a hint that it will be asked for. */
bool        vocabulary_may_have(const vocabulary *v, uint64_t hash);
void        vocabulary_prefetch(const vocabulary *v, uint64_t hash);
uint32_t    vocabulary_find_hashed(const vocabulary *v, uint64_t hash, const char *token, size_t bytes);
const char *vocabulary_token(const vocabulary *v, uint32_t id, size_t *bytes); /* id < count */
/* Numbers the tokens from `first` on anew, by byte order, which is code point order. */
canto_status vocabulary_sort(vocabulary *v, uint32_t first);
void         vocabulary_close(vocabulary *v); /* leaves it empty */

#endif
