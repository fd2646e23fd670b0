/* vocabulary.c - one block of text, one of starts, one hash table. */
#include "text/vocabulary.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* The slot that holds the token, or the free one where it belongs. slot_count > 0. */
static size_t slot_of(const vocabulary *v, const char *token, size_t bytes) {
    uint64_t hash = hash_bytes(token, bytes, 0);
    size_t   mask = v->slot_count - 1, slot = (size_t)(hash ^ hash >> 32) & mask;
    for (;; slot = (slot + 1) & mask) {
        size_t length;
        if (v->slots[slot] == VOCABULARY_NONE) return slot;
        const char *there = vocabulary_token(v, v->slots[slot], &length);
        if (length == bytes && memcmp(there, token, bytes) == 0) return slot;
    }
}

static void fill_slots(vocabulary *v) {
    for (size_t i = 0; i < v->slot_count; i++) v->slots[i] = VOCABULARY_NONE;
    for (uint32_t id = 0; id < v->count; id++) {
        size_t      bytes;
        const char *token = vocabulary_token(v, id, &bytes);
        v->slots[slot_of(v, token, bytes)] = id;
    }
}

static canto_status widen_slots(vocabulary *v) {
    size_t count = v->slot_count ? v->slot_count * 2 : 256;
    if (((size_t)v->count + 1) * 2 <= v->slot_count) return status_ok();
    uint32_t *slots = context_allocate(v->context, count * sizeof *slots);
    if (!slots) return context_no_memory(count * sizeof *slots, "a vocabulary");
    context_release(v->context, v->slots);
    v->slots = slots;
    v->slot_count = count;
    fill_slots(v);
    return status_ok();
}

canto_status vocabulary_add(vocabulary *v, const char *token, size_t bytes, uint32_t *id) {
    canto_status status;
    TRY(widen_slots(v));
    size_t slot = slot_of(v, token, bytes);
    if (v->slots[slot] == VOCABULARY_NONE) {
        size_t start = v->count ? v->starts[v->count] : 0;
        if (v->count >= VOCABULARY_MOST)
            FAIL(CANTO_ERROR_VALUE, "the vocabulary has more than %ld tokens; use shorter texts",
                 (long)VOCABULARY_MOST);
        if (bytes > SIZE_MAX / 4 - start) FAIL(CANTO_ERROR_MEMORY, "the vocabulary's tokens do not fit in memory");
        TRY(context_reserve(v->context, (void **)&v->text, &v->text_room, start + bytes + 1, 1, "a vocabulary"));
        TRY(context_reserve(v->context, (void **)&v->starts, &v->starts_room, (size_t)v->count + 2, sizeof *v->starts,
                            "a vocabulary"));
        memcpy(v->text + start, token, bytes);
        v->text[start + bytes] = 0;
        v->starts[v->count] = start;
        v->starts[v->count + 1] = start + bytes + 1;
        v->slots[slot] = v->count++;
    }
    if (id) *id = v->slots[slot];
    status = status_ok();
done:
    return status;
}

uint32_t vocabulary_find(const vocabulary *v, const char *token, size_t bytes) {
    return v->slot_count ? v->slots[slot_of(v, token, bytes)] : VOCABULARY_NONE;
}

const char *vocabulary_token(const vocabulary *v, uint32_t id, size_t *bytes) {
    if (bytes) *bytes = v->starts[id + 1] - v->starts[id] - 1;
    return v->text + v->starts[id];
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
        v->starts[first + i] = start;
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
