/* vocabulary.h - numbered byte strings, found by number or by content. */
#ifndef CANTO_VOCABULARY_H
#define CANTO_VOCABULARY_H

#include "base/context.h"

#include <string.h>

#define VOCABULARY_NONE UINT32_MAX
#define VOCABULARY_MOST INT32_MAX /* tokens */
enum { VOCABULARY_SLACK = 32 };   /* so many bytes from a token's first may always be read */

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
    char          *text; /* less than 4 GiB */
    size_t         text_room;
    uint32_t      *starts;
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
/* The same for one token after another, where a status for each takes too long. When there is room for its bytes, they may
 * be written at vocabulary_next. vocabulary_put then makes them the next token, which is not found yet, and gives their hash;
 * vocabulary_enter, best some tokens later, lets it be found. Its answer is the token's number, or that of an earlier one with
 * these bytes, which stays. */
static inline bool vocabulary_fits(const vocabulary *v, size_t bytes) {
    size_t start = v->count ? v->starts[v->count] : 0;
    return v->count < v->slot_count / 2 && v->count + (size_t)1 < v->starts_room &&
           bytes + VOCABULARY_SLACK < v->text_room - start;
}
static inline char *vocabulary_next(const vocabulary *v) { return v->text + (v->count ? v->starts[v->count] : 0); }
uint64_t            vocabulary_put(vocabulary *v, size_t bytes); /* bytes > 0 */
uint32_t            vocabulary_enter(vocabulary *v, uint32_t id, uint64_t hash);

uint32_t vocabulary_find(const vocabulary *v, const char *token, size_t bytes); /* or VOCABULARY_NONE */
/* The same in two steps, with a hint between them that the hash will be asked for. */
uint32_t vocabulary_find_hashed(const vocabulary *v, uint64_t hash, const char *token, size_t bytes);
void     vocabulary_prefetch(const vocabulary *v, uint64_t hash);
/* A token's hash begins with its length and goes over pairs of words of eight bytes, the last filled up with zeros. */
static inline uint64_t vocabulary_hash_pair(uint64_t before, uint64_t low, uint64_t high) {
    uint64_t hash = (before ^ low) * UINT64_C(0x9E3779B97F4A7C15) + high * UINT64_C(0xC2B2AE3D27D4EB4F);
    return hash ^ hash >> 29;
}
static inline uint64_t vocabulary_hash_end(uint64_t hash) {
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 32;
}
uint64_t vocabulary_hash(const char *token, size_t bytes);

static inline const char *vocabulary_token(const vocabulary *v, uint32_t id, size_t *bytes) { /* id < count */
    if (bytes) *bytes = v->starts[id + 1] - v->starts[id] - (size_t)1;
    return v->text + v->starts[id];
}
/* Numbers the tokens from `first` on anew, by byte order, which is code point order. */
canto_status vocabulary_sort(vocabulary *v, uint32_t first);
void         vocabulary_close(vocabulary *v); /* leaves it empty */

#endif
