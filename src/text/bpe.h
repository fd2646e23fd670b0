/* bpe.h - joining the bytes of a piece to tokens: of all neighbours that a merge joins, the pair of the lowest rank first,
 * the leftmost of equal ones, until none is left. */
#ifndef CANTO_BPE_H
#define CANTO_BPE_H

#include "text/tokenizer.h"

enum {
    BPE_SHORT = 96,           /* bytes of a piece that is joined without memory of its own */
    BPE_BITS = 21,            /* of a token's id and of a rank */
    BPE_MOST = 1 << BPE_BITS, /* tokens of a vocabulary, and merges */
};

/* Tokens `left` and `right` next to each other become `whole`. */
typedef struct bpe_merge {
    uint32_t left, right, whole;
} bpe_merge;

/* The merges, found by their pair, and the tokens of single bytes. Zero it and set context to make an empty one. */
typedef struct bpe {
    canto_context *context;
    uint64_t      *slots; /* [slot_count] open addressing: the pair's key << BPE_BITS | rank; UINT64_MAX: free */
    size_t         slot_count, count; /* a power of two, at least twice count */
    unsigned       shift;             /* 64 less the bits of slot_count */
    uint64_t
        *filter; /* [slot_count / 8] a bit is set when some pair has it: most pairs that no merge joins stop here */
    uint32_t *wholes; /* [rank] what a merge makes; NULL: its rank is the id of the token that it makes */
    size_t    wholes_room;
    uint32_t *pairs; /* [65536] the rank of the merge of the tokens of two bytes a, b, at 256 a + b */
    uint32_t  bytes[256];
} bpe;

/* Finds the tokens of single bytes; the first byte without one, or 256. */
int bpe_take_bytes(bpe *b, const vocabulary *tokens);
/* Room for so many merges more; to be called once at least, also when there are none. */
canto_status bpe_reserve(bpe *b, size_t more);
/* Adds a merge, whose rank is the number of those before it; *added is false when the pair has one already, which then stays. */
canto_status bpe_add(bpe *b, const vocabulary *tokens, bpe_merge merge, bool *added);
/* Into an empty table: pairs of tokens that together are a token, ranked by its id, which is what a file of ranks means. Those
 * that no text ever comes to may be left out. except[id] is not 0 for tokens that have no part in it. */
canto_status bpe_add_splits(bpe *b, const vocabulary *tokens, const unsigned char *except);
void         bpe_close(bpe *b); /* leaves it empty */

/* A pair's key, and its hash: the upper bits say where its slot is, the lower ones which is its bit. */
static inline uint64_t bpe_key(uint32_t left, uint32_t right) { return (uint64_t)left << BPE_BITS | right; }
static inline uint64_t bpe_hash(uint64_t key) {
    uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15);
    return (hash ^ hash >> 32) * UINT64_C(0xD6E8FEB86659FD93);
}
/* The slot of a key, or the free one where it belongs. */
static inline uint64_t *bpe_slot(const bpe *b, uint64_t key, uint64_t hash) {
    size_t i = (size_t)(hash >> b->shift);
    while (b->slots[i] != UINT64_MAX && b->slots[i] >> BPE_BITS != key) i = (i + 1) & (b->slot_count - 1);
    return &b->slots[i];
}
/* The rank of the merge of a pair, or VOCABULARY_NONE. */
static inline uint32_t bpe_find(const bpe *b, uint32_t left, uint32_t right) {
    uint64_t key = bpe_key(left, right), hash = bpe_hash(key);
    size_t   bit = (size_t)hash & (8 * b->slot_count - 1);
    if (!(b->filter[bit / 64] >> bit % 64 & 1)) return VOCABULARY_NONE;
    uint64_t slot = *bpe_slot(b, key, hash);
    return slot == UINT64_MAX ? VOCABULARY_NONE : (uint32_t)slot & (BPE_MOST - 1);
}
/* What the merge of a rank makes. */
static inline uint32_t bpe_whole(const bpe *b, uint32_t rank) { return b->wholes ? b->wholes[rank] : rank; }

/* text[bytes], 1 .. BPE_SHORT, -> ids[the count returned], at most bytes, by the merges of lower rank than limit
 * (VOCABULARY_NONE: all). */
size_t bpe_join_short(const bpe *b, const char *text, size_t bytes, uint32_t limit, uint32_t *ids);
/* Any piece; appends to ids. The time is in proportion to bytes, whatever they are. */
canto_status bpe_join(const bpe *b, const vocabulary *tokens, const char *text, size_t bytes, id_list *ids);

#endif
