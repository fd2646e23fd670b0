/* bpe.c - the table of merges, and the joining of short pieces. */
#include "text/bpe.h"

#include <string.h>

/* -------------------------------------------------------------------------------------------------- the table */

static inline uint64_t hash_of(uint32_t left, uint32_t right) {
    uint64_t hash = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    return (hash ^ hash >> 29) * UINT64_C(0xD6E8FEB86659FD93);
}

static inline size_t home(const bpe *b, uint32_t left, uint32_t right) {
    return (size_t)(hash_of(left, right) >> 32) & (b->slot_count - 1);
}

/* The bit of a pair in the filter, which has eight a slot. */
static inline size_t bit_of(const bpe *b, uint32_t left, uint32_t right) {
    return (size_t)(hash_of(left, right) >> 24) & (8 * b->slot_count - 1);
}

static inline bool passes(const bpe *b, uint32_t left, uint32_t right) {
    size_t bit = bit_of(b, left, right);
    return b->filter[bit / 64] >> bit % 64 & 1;
}

static inline bpe_slot *slot_of(const bpe *b, uint32_t left, uint32_t right) {
    for (size_t i = home(b, left, right);; i = (i + 1) & (b->slot_count - 1)) {
        bpe_slot *slot = &b->slots[i];
        if ((slot->left == left && slot->right == right) || slot->left == VOCABULARY_NONE) return slot;
    }
}

const bpe_slot *bpe_find(const bpe *b, uint32_t left, uint32_t right) {
    if (b->slot_count == 0) return NULL;
    const bpe_slot *slot = slot_of(b, left, right);
    return slot->left == VOCABULARY_NONE ? NULL : slot;
}

int bpe_take_bytes(bpe *b, const vocabulary *tokens) {
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)(unsigned char)byte;
        b->bytes[byte] = vocabulary_find(tokens, &text, 1);
        if (b->bytes[byte] == VOCABULARY_NONE) return byte;
    }
    return 256;
}

canto_status bpe_reserve(bpe *b, size_t more) {
    bpe    old = *b;
    size_t count = b->slot_count ? b->slot_count : 256, bytes;
    while (count / 2 < b->count + more) count *= 2;
    if (count == b->slot_count) return status_ok();
    if (!size_multiply(count, sizeof *b->slots, &bytes)) return context_no_memory(SIZE_MAX, "merges");
    bpe_slot *slots = context_allocate(b->context, bytes);
    if (!slots) return context_no_memory(bytes, "merges");
    memset(slots, 0xFF, bytes);
    b->slots = slots;
    b->slot_count = count;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].left != VOCABULARY_NONE) *slot_of(b, old.slots[i].left, old.slots[i].right) = old.slots[i];
    context_release(b->context, old.slots);
    return status_ok();
}

canto_status bpe_add(bpe *b, bpe_merge merge, uint32_t rank, bool *added) {
    canto_status status = bpe_reserve(b, 1);
    if (status.code != CANTO_OK) return status;
    bpe_slot *slot = slot_of(b, merge.left, merge.right);
    *added = slot->left == VOCABULARY_NONE;
    if (*added) {
        *slot = (bpe_slot){merge.left, merge.right, rank, merge.whole};
        b->count++;
    }
    return status;
}

/* Found splits wait here until their slots have come from memory. */
enum { AHEAD = 32, ENDS = 64 };
typedef struct split_list {
    bpe_merge splits[AHEAD];
    size_t    count;
} split_list;

static canto_status add_waiting(bpe *b, split_list *waiting) {
    canto_status status = bpe_reserve(b, waiting->count);
    for (size_t i = 0; status.code == CANTO_OK && i < waiting->count; i++) {
        bpe_merge m = waiting->splits[i];
        bpe_slot *slot = slot_of(b, m.left, m.right);
        if (slot->left != VOCABULARY_NONE) continue;
        *slot = (bpe_slot){m.left, m.right, m.whole, m.whole};
        b->count++;
    }
    waiting->count = 0;
    return status;
}

/* The splits of a token after its bytes first .. first + ENDS - 1, whose hashes are at hand. */
static canto_status add_ends(bpe *b, const vocabulary *tokens, const unsigned char *except, uint32_t id, size_t first,
                             size_t count, uint64_t hashes[ENDS][2], split_list *waiting) {
    size_t       bytes;
    const char  *text = vocabulary_token(tokens, id, &bytes);
    canto_status status = status_ok();
    for (size_t i = 0; i < count; i++) {
        size_t at = first + i;
        if (!vocabulary_may_have(tokens, hashes[i][0]) || !vocabulary_may_have(tokens, hashes[i][1])) continue;
        uint32_t left = vocabulary_find_hashed(tokens, hashes[i][0], text, at);
        uint32_t right = vocabulary_find_hashed(tokens, hashes[i][1], text + at, bytes - at);
        if (left == VOCABULARY_NONE || right == VOCABULARY_NONE || except[left] || except[right]) continue;
        waiting->splits[waiting->count++] = (bpe_merge){left, right, id};
        PREFETCH(&b->slots[home(b, left, right)]);
        if (waiting->count == AHEAD) TRY(add_waiting(b, waiting));
    }
done:
    return status;
}

canto_status bpe_add_splits(bpe *b, const vocabulary *tokens, const unsigned char *except) {
    canto_status status;
    split_list   waiting = {.count = 0};
    TRY(bpe_reserve(b, 2 * (size_t)tokens->count));
    for (uint32_t id = 0; id < tokens->count; id++) {
        size_t      bytes;
        const char *text = vocabulary_token(tokens, id, &bytes);
        uint64_t    whole = vocabulary_hash(0, text, bytes), before = 0, power = 1, hashes[ENDS][2];
        if (except[id]) continue;
        for (size_t i = 1; i < bytes; i++) power *= VOCABULARY_HASH_STEP;
        for (size_t at = 1; at < bytes; at += ENDS) {
            size_t count = bytes - at < ENDS ? bytes - at : ENDS;
            for (size_t i = 0; i < count; i++, power *= VOCABULARY_HASH_BACK) {
                before = vocabulary_hash(before, text + at + i - 1, 1);
                hashes[i][0] = before;
                hashes[i][1] = whole - before * power;
                vocabulary_prefetch(tokens, hashes[i][0]);
                vocabulary_prefetch(tokens, hashes[i][1]);
            }
            TRY(add_ends(b, tokens, except, id, at, count, hashes, &waiting));
        }
    }
    TRY(add_waiting(b, &waiting));
done:
    return status;
}

canto_status bpe_finish(bpe *b) {
    canto_status status;
    size_t       bytes = 65536 * sizeof *b->pairs;
    TRY(bpe_reserve(b, 1)); /* a table to look into, also without merges */
    b->pairs = context_allocate(b->context, bytes);
    if (!b->pairs) TRY(context_no_memory(bytes, "merges"));
    b->filter = context_allocate_zeroed(b->context, b->slot_count / 8, sizeof *b->filter);
    if (!b->filter) TRY(context_no_memory(b->slot_count, "merges"));
    for (size_t i = 0; i < 65536; i++) b->pairs[i] = *slot_of(b, b->bytes[i >> 8], b->bytes[i & 255]);
    for (size_t i = 0; i < b->slot_count; i++) {
        size_t bit = bit_of(b, b->slots[i].left, b->slots[i].right);
        if (b->slots[i].left != VOCABULARY_NONE) b->filter[bit / 64] |= UINT64_C(1) << bit % 64;
    }
done:
    return status;
}

void bpe_close(bpe *b) {
    context_release(b->context, b->slots);
    context_release(b->context, b->pairs);
    context_release(b->context, b->filter);
    *b = (bpe){.context = b->context};
}

/* --------------------------------------------------------------------------------------------- short pieces */

/* The rank of the pair at i is in ranks[i], what it becomes in wholes[i]. */
static inline void look_up(const bpe *b, const uint32_t *ids, size_t i, uint32_t *ranks, uint32_t *wholes) {
    ranks[i] = VOCABULARY_NONE;
    if (!passes(b, ids[i], ids[i + 1])) return;
    const bpe_slot *slot = slot_of(b, ids[i], ids[i + 1]);
    ranks[i] = slot->rank; /* that of a free slot is the highest */
    wholes[i] = slot->whole;
}

size_t bpe_join_short(const bpe *b, const char *text, size_t bytes, uint32_t limit, uint32_t *ids) {
    uint32_t ranks[BPE_SHORT], wholes[BPE_SHORT];
    size_t   count = bytes;
    for (size_t i = 0; i < count; i++) ids[i] = b->bytes[(unsigned char)text[i]];
    for (size_t i = 0; i + 1 < count; i++) {
        const bpe_slot *slot = &b->pairs[(size_t)(unsigned char)text[i] << 8 | (unsigned char)text[i + 1]];
        ranks[i] = slot->rank;
        wholes[i] = slot->whole;
    }
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; i++) best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] >= limit) break;
        ids[best] = wholes[best];
        count--;
        for (size_t i = best + 1; i < count; i++) {
            ids[i] = ids[i + 1];
            ranks[i - 1] = ranks[i];
            wholes[i - 1] = wholes[i];
        }
        if (best > 0) look_up(b, ids, best - 1, ranks, wholes);
        if (best + 1 < count) look_up(b, ids, best, ranks, wholes);
    }
    return count;
}
