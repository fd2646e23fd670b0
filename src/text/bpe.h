/* bpe.h - joining the bytes of a piece to tokens: of all neighbours that a merge joins, the pair of the lowest rank first,
 * the leftmost of equal ones, until none is left. */
#ifndef CANTO_BPE_H
#define CANTO_BPE_H

#include "text/tokenizer.h"

enum {
    BPE_SHORT = 96,                     /* bytes of a piece that is joined without memory of its own */
    BPE_BITS = 21,                      /* of a token's id and of a rank */
    BPE_NO_MERGE = (1 << BPE_BITS) - 1, /* what stands for a rank where there is no merge: higher than all ranks */
    BPE_MOST = BPE_NO_MERGE - 1         /* tokens of a vocabulary, and merges */
};

/* Tokens `left` and `right` next to each other become `whole`. */
typedef struct bpe_merge {
    uint32_t left, right, whole;
} bpe_merge;

/* What is known of two bytes a, b next to each other: the merge of their tokens (BPE_NO_MERGE: none); the lowest rank of
 * those merges that join a token that ends with a with b alone, and of those that join a alone with one that begins with b;
 * late: 1 when a merge of lower rank than their own has their token, which must not be there before its turn then. */
typedef struct bpe_pair {
    uint64_t rank : BPE_BITS, before : BPE_BITS, after : BPE_BITS, late : 1;
} bpe_pair;

/* The merges, found by their pair, and the tokens of single bytes. Zero it and set context to make an empty one. */
typedef struct bpe {
    canto_context *context;
    uint64_t      *slots; /* [slot_count] ~(the pair's key << BPE_BITS | rank); 0: free. In buckets of BPE_BUCKET: a
                             pair is in the first one from its own on that has room for it, free slots come last */
    void          *block; /* what slots are in: a bucket does not reach over the end of a cache's line */
    size_t         slot_count, count; /* a power of two, at least twice count */
    unsigned       shift;             /* 64 less the bits of the number of buckets */
    uint32_t      *wholes; /* [rank] what a merge makes; NULL: its rank is the id of the token that it makes */
    size_t         wholes_room;
    bpe_pair      *pairs; /* [65536] at 256 a + b */
    uint32_t       bytes[256];
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

enum { BPE_BUCKET = 4 };
static inline uint64_t bpe_key(uint32_t left, uint32_t right) { return (uint64_t)left << BPE_BITS | right; }
/* The first slot of a key's own bucket. */
static inline size_t bpe_home(const bpe *b, uint64_t key) {
    uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)((hash ^ hash >> 32) * UINT64_C(0xD6E8FEB86659FD93) >> b->shift) * BPE_BUCKET;
}
/* The rank of the merge of a pair, or BPE_NO_MERGE. Whether there is one is as good as random, so a bucket is looked through
 * without asking: a branch that goes the wrong way would take longer. */
static inline uint32_t bpe_find_at(const bpe *b, uint64_t key, size_t home) {
    const uint64_t upper = ~key & UINT64_MAX >> BPE_BITS;
    for (;; home = (home + BPE_BUCKET) & (b->slot_count - 1)) {
        const uint64_t *slots = b->slots + home;
        uint32_t        rank = BPE_NO_MERGE;
        for (size_t j = 0; j < BPE_BUCKET; j++)
            rank = slots[j] >> BPE_BITS == upper ? (uint32_t)~slots[j] & BPE_NO_MERGE : rank;
        if (slots[BPE_BUCKET - 1] == 0 || rank != BPE_NO_MERGE) return rank;
    }
}
static inline uint32_t bpe_find(const bpe *b, uint32_t left, uint32_t right) {
    uint64_t key = bpe_key(left, right);
    return bpe_find_at(b, key, bpe_home(b, key));
}
/* What the merge of a rank makes. */
static inline uint32_t bpe_whole(const bpe *b, uint32_t rank) { return b->wholes ? b->wholes[rank] : rank; }

/* A piece to be joined, text[bytes], at most BPE_SHORT, and its tokens, ids[count], where there is room for one a byte. */
typedef struct bpe_job {
    const char *text;
    size_t      bytes, count;
    uint32_t   *ids;
} bpe_job;
/* Joins the pieces of jobs[count] by the merges of lower rank than limit (BPE_NO_MERGE: all); many at once are faster. */
void bpe_join_shorts(const bpe *b, bpe_job *jobs, size_t count, uint32_t limit);
/* Any piece; appends to ids. The time is in proportion to bytes, whatever they are. */
canto_status bpe_join(const bpe *b, const vocabulary *tokens, const char *text, size_t bytes, id_list *ids);

#endif
