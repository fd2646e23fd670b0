/* bpe.c - the table of merges. */
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
    size_t i = bpe_home(b, ~slot >> BPE_BITS);
    while (b->slots[i] != 0) i = (i + 1) & (b->slot_count - 1);
    b->slots[i] = slot;
}

static canto_status make_pairs(bpe *b) {
    size_t bytes = 65536 * sizeof *b->pairs;
    b->pairs = context_allocate(b->context, bytes);
    if (!b->pairs) return context_no_memory(bytes, "merges");
    for (size_t i = 0; i < 65536; i++) b->pairs[i] = (bpe_pair){BPE_NO_MERGE, BPE_NO_MERGE, BPE_NO_MERGE, 0};
    return status_ok();
}

canto_status bpe_reserve(bpe *b, size_t more) {
    bpe          old = *b;
    size_t       count = b->slot_count ? b->slot_count : 256;
    void        *slots, *block;
    canto_status status = status_ok();
    if (!b->pairs) TRY(make_pairs(b));
    if (more > BPE_MOST - b->count)
        FAIL(CANTO_ERROR_FORMAT, "the merges are more than %ld, the most there may be", (long)BPE_MOST);
    while (count / 2 < b->count + more) count *= 2;
    if (count == b->slot_count) goto done;
    TRY(context_block(b->context, count * sizeof *b->slots, "merges", &block, &slots));
    b->block = block;
    b->slots = slots;
    b->slot_count = count;
    for (b->shift = 64; count > BPE_BUCKET; count /= 2) b->shift--;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i] != 0) put(b, old.slots[i]);
    context_release(b->context, old.block);
done:
    return status;
}

/* A part of a merge that is added now: when it is two bytes, their own merge must have come before. */
static void check_part(bpe *b, const unsigned char *text, size_t bytes) {
    bpe_pair *pair = bytes == 2 ? &b->pairs[(size_t)text[0] << 8 | text[1]] : NULL;
    if (pair && pair->rank == BPE_NO_MERGE) pair->late = 1;
}

/* Adds a merge for which there is room, of a pair that has none; after those of lower rank. */
static void add(bpe *b, const vocabulary *tokens, bpe_merge m, uint32_t rank) {
    size_t               bytes, left_bytes;
    const unsigned char *text = (const unsigned char *)vocabulary_token(tokens, m.whole, &bytes);
    vocabulary_token(tokens, m.left, &left_bytes);
    bpe_pair *pair = &b->pairs[(size_t)text[left_bytes - 1] << 8 | text[left_bytes]];
    put(b, ~(bpe_key(m.left, m.right) << BPE_BITS | rank));
    b->count++;
    if (left_bytes == bytes - 1 && rank < pair->before) pair->before = rank & BPE_NO_MERGE;
    if (left_bytes == 1 && rank < pair->after) pair->after = rank & BPE_NO_MERGE;
    check_part(b, text, left_bytes);
    check_part(b, text + left_bytes, bytes - left_bytes);
    if (bytes == 2) pair->rank = rank & BPE_NO_MERGE;
}

canto_status bpe_add(bpe *b, const vocabulary *tokens, bpe_merge merge, bool *added) {
    canto_status status;
    if (b->count >= b->slot_count / 2) TRY(bpe_reserve(b, 1));
    if (b->count >= b->wholes_room)
        TRY(context_reserve(b->context, (void **)&b->wholes, &b->wholes_room, b->count + 1, sizeof *b->wholes,
                            "merges"));
    *added = bpe_find(b, merge.left, merge.right) == BPE_NO_MERGE;
    if (*added) {
        b->wholes[b->count] = merge.whole;
        add(b, tokens, merge, (uint32_t)b->count);
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
        add(b, tokens, (bpe_merge){left, right, id}, id);
    }
done:
    return status;
}

enum { AT_ONCE = 32 };

/* Adds the merges that make tokens first .. first + AT_ONCE - 1, or so many as there are. What their bytes become is found out
 * for all of them at once, before any of these merges is there: when one would have been needed, more than two tokens are
 * left, and that token is looked at again. */
static canto_status add_next(bpe *b, const vocabulary *tokens, const unsigned char *except, uint32_t first) {
    canto_status status = status_ok();
    bpe_job      jobs[AT_ONCE];
    uint32_t     ids[AT_ONCE * BPE_SHORT], numbers[AT_ONCE];
    size_t       count = 0, used = 0, bytes;
    for (uint32_t id = first; id < tokens->count && id < first + AT_ONCE; id++) {
        const char *text = vocabulary_token(tokens, id, &bytes);
        if (bytes < 2 || except[id]) continue;
        numbers[count] = id;
        jobs[count++] = (bpe_job){text, bytes <= BPE_SHORT ? bytes : 0, 0, ids + used};
        used += bytes <= BPE_SHORT ? bytes : 0;
    }
    bpe_join_shorts(b, jobs, count, BPE_NO_MERGE);
    for (size_t i = 0; i < count; i++) {
        bpe_job *job = &jobs[i];
        if (job->count > 2) bpe_join_shorts(b, job, 1, BPE_NO_MERGE);
        if (job->count == 2) add(b, tokens, (bpe_merge){job->ids[0], job->ids[1], numbers[i]}, numbers[i]);
        else TRY(add_all_splits(b, tokens, except, numbers[i]));
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
    for (uint32_t id = 0; id < tokens->count; id += AT_ONCE) TRY(add_next(b, tokens, except, id));
done:
    return status;
}

void bpe_close(bpe *b) {
    context_release(b->context, b->block);
    context_release(b->context, b->wholes);
    context_release(b->context, b->pairs);
    *b = (bpe){.context = b->context};
}
