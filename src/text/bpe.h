/* bpe.h - joining the bytes of a piece to tokens: of all neighbours that a merge joins, the pair of the lowest rank first,
 * the leftmost of equal ones, until none is left. */
#ifndef CANTO_BPE_H
#define CANTO_BPE_H

#include "text/tokenizer.h"

enum { BPE_SHORT = 96 }; /* bytes of a piece that is joined without memory of its own */

/* Tokens `left` and `right` next to each other become `whole`. */
typedef struct bpe_merge {
    uint32_t left, right, whole;
} bpe_merge;

typedef struct bpe_slot {
    uint32_t left, right, rank, whole; /* all are VOCABULARY_NONE in a free one */
} bpe_slot;

/* The merges, found by their pair, and the tokens of single bytes. Zero it and set context to make an empty one. */
typedef struct bpe {
    canto_context *context;
    bpe_slot      *slots; /* [slot_count] open addressing, a power of two, at least twice count */
    size_t         slot_count, count;
    uint64_t
            *filter; /* [slot_count / 8] a bit is set when some pair has it: most pairs that no merge joins stop here */
    uint32_t bytes[256];
    bpe_slot *pairs; /* [65536] what a slot would say of the tokens of two bytes a, b, at 256 a + b */
} bpe;

/* Finds the tokens of single bytes; the first byte without one, or 256. */
int bpe_take_bytes(bpe *b, const vocabulary *tokens);
/* Room for so many merges more. */
canto_status bpe_reserve(bpe *b, size_t more);
/* Adds a merge; *added is false when the pair has one already, which then stays. */
canto_status bpe_add(bpe *b, bpe_merge merge, uint32_t rank, bool *added);
/* Adds every pair of tokens that together are a token, ranked by its id: what a file of ranks means. except[id] is not 0 for
 * tokens that have no part in it. */
canto_status bpe_add_splits(bpe *b, const vocabulary *tokens, const unsigned char *except);
canto_status bpe_finish(bpe *b); /* after the last merge */
void         bpe_close(bpe *b);  /* leaves it empty */

/* The merge of a pair, or NULL. */
const bpe_slot *bpe_find(const bpe *b, uint32_t left, uint32_t right);

/* text[bytes], 1 .. BPE_SHORT, -> ids[the count returned], at most bytes, by the merges of lower rank than limit
 * (VOCABULARY_NONE: all). */
size_t bpe_join_short(const bpe *b, const char *text, size_t bytes, uint32_t limit, uint32_t *ids);
/* Any piece; appends to ids. The time is in proportion to bytes, whatever they are. */
canto_status bpe_join(const bpe *b, const vocabulary *tokens, const char *text, size_t bytes, id_list *ids);

#endif
