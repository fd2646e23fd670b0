/* pair_table.c - a block of entries, a hash table of their numbers, and a binary heap with lazy updates. */
#include "text/pair_table.h"

#include <string.h>

static size_t slot_of(const pair_table *t, uint64_t pair) {
    uint64_t hash = pair * UINT64_C(0x9E3779B97F4A7C15);
    size_t   mask = t->slot_count - 1, slot = (size_t)(hash ^ hash >> 32) & mask;
    while (t->slots[slot] != PAIR_NONE && t->entries[t->slots[slot]].pair != pair) slot = (slot + 1) & mask;
    return slot;
}

static canto_status widen(pair_table *t) {
    size_t room = t->room ? t->room * 2 : 1024, bytes = room * 2 * sizeof *t->slots;
    if (room >= PAIR_NONE / 2) return context_no_memory(SIZE_MAX, "pairs of tokens");
    pair_entry *entries = context_resize(t->context, t->entries, room * sizeof *entries);
    if (!entries) return context_no_memory(room * sizeof *entries, "pairs of tokens");
    t->entries = entries;
    uint32_t *slots = context_resize(t->context, t->slots, bytes);
    if (!slots) return context_no_memory(bytes, "pairs of tokens");
    t->slots = slots;
    t->slot_count = room * 2;
    t->room = room;
    memset(slots, 0xFF, bytes);
    for (uint32_t i = 0; i < t->count; i++) slots[slot_of(t, entries[i].pair)] = i;
    return status_ok();
}

canto_status pair_table_add(pair_table *t, uint64_t pair, pair_entry **entry) {
    if (t->count == t->room) {
        canto_status status = widen(t);
        if (status.code != CANTO_OK) return status;
    }
    size_t slot = slot_of(t, pair);
    if (t->slots[slot] == PAIR_NONE) {
        t->entries[t->count] = (pair_entry){.pair = pair};
        t->slots[slot] = t->count++;
    }
    *entry = &t->entries[t->slots[slot]];
    return status_ok();
}

pair_entry *pair_table_find(const pair_table *t, uint64_t pair) {
    if (!t->count) return NULL;
    uint32_t index = t->slots[slot_of(t, pair)];
    return index == PAIR_NONE ? NULL : &t->entries[index];
}

/* ---------------------------------------------------------------------------------------------- the heap */

static bool before(pair_rank a, pair_rank b) { return a.count != b.count ? a.count > b.count : a.pair < b.pair; }

static void sink(pair_table *t, size_t at) {
    pair_rank moved = t->heap[at];
    for (size_t child; (child = 2 * at + 1) < t->heap_count; at = child) {
        if (child + 1 < t->heap_count && before(t->heap[child + 1], t->heap[child])) child++;
        if (!before(t->heap[child], moved)) break;
        t->heap[at] = t->heap[child];
    }
    t->heap[at] = moved;
}

canto_status pair_table_offer(pair_table *t, uint64_t pair, uint64_t count) {
    if (t->heap_count == t->heap_room) {
        size_t     room = t->heap_room ? t->heap_room * 2 : 1024;
        pair_rank *heap = context_resize(t->context, t->heap, room * sizeof *heap);
        if (!heap) return context_no_memory(room * sizeof *heap, "pairs of tokens");
        t->heap = heap;
        t->heap_room = room;
    }
    pair_rank offered = {count, pair};
    size_t    at = t->heap_count++;
    for (; at > 0 && before(offered, t->heap[(at - 1) / 2]); at = (at - 1) / 2) t->heap[at] = t->heap[(at - 1) / 2];
    t->heap[at] = offered;
    return status_ok();
}

pair_entry *pair_table_best(pair_table *t) {
    while (t->heap_count) {
        pair_entry *entry = pair_table_find(t, t->heap[0].pair);
        uint64_t    count = entry ? entry->count : 0;
        if (count && count == t->heap[0].count) return entry;
        if (count) t->heap[0].count = count;
        else t->heap[0] = t->heap[--t->heap_count];
        if (t->heap_count) sink(t, 0);
    }
    return NULL;
}

void pair_table_clear(pair_table *t) {
    if (t->slots) memset(t->slots, 0xFF, t->slot_count * sizeof *t->slots);
    t->count = 0;
    t->heap_count = 0;
}

void pair_table_close(pair_table *t) {
    context_release(t->context, t->entries);
    context_release(t->context, t->slots);
    context_release(t->context, t->heap);
    memset(t, 0, sizeof *t);
}
