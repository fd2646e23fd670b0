/* bpe.c - the table of merges, and the joining of short pieces. */
#include "text/bpe.h"

#include <string.h>

/* -------------------------------------------------------------------------------------------------- the table */

int bpe_take_bytes(bpe *b, const vocabulary *tokens) {
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)(unsigned char)byte;
        b->bytes[byte] = vocabulary_find(tokens, &text, 1);
        if (b->bytes[byte] == VOCABULARY_NONE) return byte;
    }
    return 256;
}

/* Puts a pair's slot, whose key no slot has, into its place. */
static void put(bpe *b, uint64_t slot) {
    uint64_t key = slot >> BPE_BITS, hash = bpe_hash(key);
    size_t   bit = (size_t)hash & (8 * b->slot_count - 1);
    *bpe_slot(b, key, hash) = slot;
    b->filter[bit / 64] |= UINT64_C(1) << bit % 64;
}

static canto_status make_pairs(bpe *b) {
    size_t bytes = 65536 * sizeof *b->pairs;
    b->pairs = context_allocate(b->context, bytes);
    if (!b->pairs) return context_no_memory(bytes, "merges");
    memset(b->pairs, 0xFF, bytes);
    return status_ok();
}

canto_status bpe_reserve(bpe *b, size_t more) {
    bpe          old = *b;
    size_t       count = b->slot_count ? b->slot_count : 256;
    uint64_t    *slots = NULL, *filter = NULL;
    canto_status status = status_ok();
    if (!b->pairs) TRY(make_pairs(b));
    if (more > BPE_MOST - b->count)
        FAIL(CANTO_ERROR_FORMAT, "the merges are more than %ld, the most there may be", (long)BPE_MOST);
    while (count / 2 < b->count + more) count *= 2;
    if (count == b->slot_count) goto done;
    slots = context_allocate(b->context, count * sizeof *slots);
    filter = context_allocate_zeroed(b->context, count / 8, sizeof *filter);
    if (!slots || !filter) {
        context_release(b->context, slots);
        context_release(b->context, filter);
        TRY(context_no_memory(count * sizeof *slots, "merges"));
    }
    memset(slots, 0xFF, count * sizeof *slots);
    b->slots = slots;
    b->filter = filter;
    b->slot_count = count;
    for (b->shift = 64; count > 1; count /= 2) b->shift--;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i] != UINT64_MAX) put(b, old.slots[i]);
    context_release(b->context, old.slots);
    context_release(b->context, old.filter);
done:
    return status;
}

/* Adds a merge for which there is room, of a pair that has none. */
static void add(bpe *b, const vocabulary *tokens, uint32_t left, uint32_t right, uint32_t rank) {
    size_t               first_bytes, second_bytes;
    const unsigned char *first = (const unsigned char *)vocabulary_token(tokens, left, &first_bytes);
    const unsigned char *second = (const unsigned char *)vocabulary_token(tokens, right, &second_bytes);
    put(b, bpe_key(left, right) << BPE_BITS | rank);
    b->count++;
    if (first_bytes == 1 && second_bytes == 1) b->pairs[(size_t)*first << 8 | *second] = rank;
}

canto_status bpe_add(bpe *b, const vocabulary *tokens, bpe_merge merge, bool *added) {
    canto_status status;
    if (b->count >= b->slot_count / 2) TRY(bpe_reserve(b, 1));
    if (b->count >= b->wholes_room)
        TRY(context_reserve(b->context, (void **)&b->wholes, &b->wholes_room, b->count + 1, sizeof *b->wholes,
                            "merges"));
    *added = bpe_find(b, merge.left, merge.right) == VOCABULARY_NONE;
    if (*added) {
        b->wholes[b->count] = merge.whole;
        add(b, tokens, merge.left, merge.right, (uint32_t)b->count);
    }
    status = status_ok();
done:
    return status;
}

/* Every pair that makes up a token. */
static canto_status add_all_splits(bpe *b, const vocabulary *tokens, const unsigned char *except, uint32_t id) {
    canto_status status;
    size_t       bytes;
    const char  *text = vocabulary_token(tokens, id, &bytes);
    TRY(bpe_reserve(b, bytes));
    for (size_t at = 1; at < bytes; at++) {
        uint32_t left = vocabulary_find(tokens, text, at), right = vocabulary_find(tokens, text + at, bytes - at);
        if (left == VOCABULARY_NONE || right == VOCABULARY_NONE || except[left] || except[right]) continue;
        add(b, tokens, left, right, id);
    }
done:
    return status;
}

/* Where merges join two neighbours to a token, they have joined the bytes before as they would have done without anything
 * around them. So one pair of those that make up a token is ever met: what the token's bytes become by merges of lower
 * rank, when that is two tokens. When it is not, as in a vocabulary that was not learnt merge by merge, all pairs are added. */
canto_status bpe_add_splits(bpe *b, const vocabulary *tokens, const unsigned char *except) {
    canto_status status;
    TRY(bpe_reserve(b, tokens->count + (size_t)1));
    for (uint32_t id = 0; id < tokens->count; id++) {
        size_t      bytes, count = 0;
        const char *text = vocabulary_token(tokens, id, &bytes);
        uint32_t    parts[BPE_SHORT];
        if (bytes < 2 || except[id]) continue;
        if (bytes <= BPE_SHORT) count = bpe_join_short(b, text, bytes, VOCABULARY_NONE, parts);
        if (count == 2) add(b, tokens, parts[0], parts[1], id);
        else TRY(add_all_splits(b, tokens, except, id));
    }
done:
    return status;
}

void bpe_close(bpe *b) {
    context_release(b->context, b->slots);
    context_release(b->context, b->filter);
    context_release(b->context, b->wholes);
    context_release(b->context, b->pairs);
    *b = (bpe){.context = b->context};
}

/* --------------------------------------------------------------------------------------------- short pieces */

/* The merge of the token at a place with the next one, such that the least is the next to be done: rank, place. */
enum { PLACE_BITS = 7, NO_MERGE = INT32_MAX };

static inline int32_t key_of(uint32_t rank, size_t place) {
    return rank == VOCABULARY_NONE ? NO_MERGE : (int32_t)(rank << PLACE_BITS | place);
}

size_t bpe_join_short(const bpe *b, const char *text, size_t bytes, uint32_t limit, uint32_t *ids) {
    int32_t        keys[BPE_SHORT], end = limit < BPE_MOST ? (int32_t)(limit << PLACE_BITS) : NO_MERGE;
    unsigned char  next[BPE_SHORT], before[BPE_SHORT + 1];
    const uint32_t last = (uint32_t)bytes - 1;
    size_t         count = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        ids[i] = b->bytes[(unsigned char)text[i]];
        next[i] = (unsigned char)(i + 1);
        before[i + 1] = (unsigned char)i;
    }
    for (uint32_t i = 0; i < last; i++)
        keys[i] = key_of(b->pairs[(size_t)(unsigned char)text[i] << 8 | (unsigned char)text[i + 1]], i);
    for (;;) {
        int32_t best = NO_MERGE;
        for (uint32_t i = 0; i < last; i++) best = keys[i] < best ? keys[i] : best;
        if (best >= end) break;
        uint32_t i = (uint32_t)best & ((1u << PLACE_BITS) - 1), gone = next[i], after = next[gone];
        ids[i] = bpe_whole(b, (uint32_t)best >> PLACE_BITS);
        next[i] = (unsigned char)after;
        before[after] = (unsigned char)i;
        if (gone < last) keys[gone] = NO_MERGE;
        keys[i] = after < bytes ? key_of(bpe_find(b, ids[i], ids[after]), i) : NO_MERGE;
        if (i > 0) keys[before[i]] = key_of(bpe_find(b, ids[before[i]], ids[i]), before[i]);
    }
    for (uint32_t i = 0; i < bytes; i = next[i]) ids[count++] = ids[i];
    return count;
}
