/* vocabulary.c - one block of text, one of starts, one hash table. */
#include "text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* word holds token[bytes], bytes <= 8, and zeros. */
static inline uint64_t word_of(const char *token, size_t bytes) {
    const unsigned char *b = (const unsigned char *)token;
    uint32_t             low, high;
    if (bytes == 0) return 0;
    if (bytes < 4) return b[0] | (uint64_t)b[bytes / 2] << bytes / 2 * 8 | (uint64_t)b[bytes - 1] << (bytes - 1) * 8;
    memcpy(&low, token, 4);
    memcpy(&high, token + bytes - 4, 4);
    return low | (uint64_t)high >> (8 - bytes) * 8 << 32;
}

uint64_t vocabulary_hash(const char *token, size_t bytes) {
    uint64_t hash = bytes, low, high = 0;
    for (; bytes > 16; bytes -= 16, token += 16) {
        memcpy(&low, token, 8);
        memcpy(&high, token + 8, 8);
        hash = vocabulary_hash_pair(hash, low, high);
    }
    low = word_of(token, bytes < 8 ? bytes : 8);
    high = bytes > 8 ? word_of(token + 8, bytes - 8) : 0;
    return vocabulary_hash_end(vocabulary_hash_pair(hash, low, high));
}

/* The slot that holds the token, or the free one where it belongs: it is taken from the hash's lower half, the upper stands
 * in it. slot_count > 0. */
static inline size_t slot_of(const vocabulary *v, uint64_t hash, const char *token, size_t bytes) {
    size_t mask = v->slot_count - 1, slot = (size_t)hash & mask;
    for (;; slot = (slot + 1) & mask) {
        size_t length;
        if (v->slots[slot] == UINT64_MAX) return slot;
        if (v->slots[slot] >> 32 != hash >> 32) continue;
        const char *there = vocabulary_token(v, (uint32_t)v->slots[slot], &length);
        if (length == bytes && memcmp(there, token, bytes) == 0) return slot;
    }
}

static void fill_slots(vocabulary *v) {
    for (size_t i = 0; i < v->slot_count; i++) v->slots[i] = UINT64_MAX;
    for (uint32_t id = 0; id < v->count; id++) {
        size_t      bytes;
        const char *token = vocabulary_token(v, id, &bytes);
        uint64_t    hash = vocabulary_hash(token, bytes);
        size_t      slot = slot_of(v, hash, token, bytes);
        if (bytes > 0 && v->slots[slot] == UINT64_MAX) v->slots[slot] = hash >> 32 << 32 | id;
    }
}

/* Makes the hash table fit so many tokens more. */
static canto_status widen_slots(vocabulary *v, size_t more) {
    size_t count = v->slot_count ? v->slot_count : 256, bytes;
    while (count / 2 < v->count + more) count *= 2;
    if (count == v->slot_count) return status_ok();
    if (!size_multiply(count, sizeof *v->slots, &bytes)) return context_no_memory(SIZE_MAX, "a vocabulary");
    uint64_t *slots = context_allocate(v->context, bytes);
    if (!slots) return context_no_memory(bytes, "a vocabulary");
    context_release(v->context, v->slots);
    v->slots = slots;
    v->slot_count = count;
    fill_slots(v);
    return status_ok();
}

static canto_status make_room(vocabulary *v, size_t tokens, size_t bytes) {
    canto_status status;
    size_t       start = v->count ? v->starts[v->count] : 0, ends = VOCABULARY_SLACK + 1;
    if (tokens > (size_t)VOCABULARY_MOST - v->count)
        FAIL(CANTO_ERROR_VALUE, "the vocabulary has more than %ld tokens; use shorter texts", (long)VOCABULARY_MOST);
    if (bytes > UINT32_MAX || start + bytes + tokens + ends > UINT32_MAX)
        FAIL(CANTO_ERROR_VALUE, "the vocabulary's tokens have more than 4 GiB of text; use shorter texts");
    TRY(context_reserve(v->context, (void **)&v->text, &v->text_room, start + bytes + tokens + ends, 1,
                        "a vocabulary"));
    TRY(context_reserve(v->context, (void **)&v->starts, &v->starts_room, v->count + tokens + 1, sizeof *v->starts,
                        "a vocabulary"));
done:
    return status;
}

canto_status vocabulary_reserve(vocabulary *v, size_t tokens, size_t bytes) {
    canto_status status = make_room(v, tokens, bytes);
    return status.code == CANTO_OK ? widen_slots(v, tokens) : status;
}

/* The next token is the bytes that stand where it belongs. */
static void append(vocabulary *v, size_t bytes) {
    size_t start = v->count ? v->starts[v->count] : 0;
    v->text[start + bytes] = 0;
    v->starts[v->count++] = (uint32_t)start;
    v->starts[v->count] = (uint32_t)(start + bytes + 1);
}

uint64_t vocabulary_put(vocabulary *v, size_t bytes) {
    uint64_t hash = vocabulary_hash(vocabulary_next(v), bytes);
    vocabulary_prefetch(v, hash);
    append(v, bytes);
    return hash;
}

uint32_t vocabulary_enter(vocabulary *v, uint32_t id, uint64_t hash) {
    size_t      bytes;
    const char *token = vocabulary_token(v, id, &bytes);
    size_t      slot = slot_of(v, hash, token, bytes);
    if (v->slots[slot] == UINT64_MAX) v->slots[slot] = hash >> 32 << 32 | id;
    return (uint32_t)v->slots[slot];
}

canto_status vocabulary_add(vocabulary *v, const char *token, size_t bytes, uint32_t *id) {
    canto_status status;
    uint64_t     hash = vocabulary_hash(token, bytes);
    if (v->count >= v->slot_count / 2) TRY(widen_slots(v, 1));
    size_t slot = slot_of(v, hash, token, bytes);
    if (v->slots[slot] == UINT64_MAX) {
        if (!vocabulary_fits(v, bytes)) TRY(make_room(v, 1, bytes));
        if (bytes) memcpy(vocabulary_next(v), token, bytes);
        append(v, bytes);
        v->slots[slot] = hash >> 32 << 32 | (v->count - 1);
    }
    if (id) *id = (uint32_t)v->slots[slot];
    status = status_ok();
done:
    return status;
}

canto_status vocabulary_add_gap(vocabulary *v) {
    canto_status status = make_room(v, 1, 0);
    if (status.code == CANTO_OK) append(v, 0);
    return status;
}

void vocabulary_prefetch(const vocabulary *v, uint64_t hash) {
    if (v->slot_count) PREFETCH(&v->slots[(size_t)hash & (v->slot_count - 1)]);
}

uint32_t vocabulary_find_hashed(const vocabulary *v, uint64_t hash, const char *token, size_t bytes) {
    return v->slot_count ? (uint32_t)v->slots[slot_of(v, hash, token, bytes)] : VOCABULARY_NONE;
}

uint32_t vocabulary_find(const vocabulary *v, const char *token, size_t bytes) {
    return vocabulary_find_hashed(v, vocabulary_hash(token, bytes), token, bytes);
}

typedef struct sort_key {
    const char *token;
    size_t      bytes;
} sort_key;

static int by_bytes(const void *left, const void *right) {
    const sort_key *a = left, *b = right;
    int             order = memcmp(a->token, b->token, a->bytes < b->bytes ? a->bytes : b->bytes);
    return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

canto_status vocabulary_sort(vocabulary *v, uint32_t first) {
    if (first >= v->count) return status_ok();
    size_t    count = v->count - first, start = v->starts[first];
    size_t    key_bytes = count * sizeof(sort_key), text_bytes = v->starts[v->count];
    sort_key *keys = context_allocate(v->context, key_bytes);
    char     *text = context_allocate(v->context, v->text_room);
    if (!keys || !text) {
        context_release(v->context, keys);
        context_release(v->context, text);
        return context_no_memory(key_bytes + text_bytes, "sorting a vocabulary");
    }
    for (size_t i = 0; i < count; i++) keys[i].token = vocabulary_token(v, first + (uint32_t)i, &keys[i].bytes);
    qsort(keys, count, sizeof *keys, by_bytes);
    memcpy(text, v->text, start);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + start, keys[i].token, keys[i].bytes + 1);
        v->starts[first + i] = (uint32_t)start;
        start += keys[i].bytes + 1;
    }
    context_release(v->context, keys);
    context_release(v->context, v->text);
    v->text = text;
    fill_slots(v);
    return status_ok();
}

void vocabulary_close(vocabulary *v) {
    canto_context *context = v->context;
    context_release(context, v->text);
    context_release(context, v->starts);
    context_release(context, v->slots);
    memset(v, 0, sizeof *v);
    v->context = context;
}
