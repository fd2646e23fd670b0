/* piece_table.c - a block of pieces, one of their bytes, a hash table of their numbers. */
#include "text/piece_table.h"

#include <string.h>

/* Bytes that a piece and a byte of text take at the worst moment, when the table becomes a list. */
enum { PIECE_COST = 36, BYTE_COST = 5, COUNTS = 256 };

/* Eight bytes at a time: most pieces are a step or two. */
uint32_t piece_hash(const char *text, size_t bytes) {
    uint64_t hash = bytes * UINT64_C(0x9E3779B97F4A7C15);
    for (;; text += 8, bytes -= 8) {
        uint64_t word = 0;
        if (bytes >= 8) memcpy(&word, text, 8);
        else if (bytes >= 4) {
            uint32_t low, high;
            memcpy(&low, text, 4);
            memcpy(&high, text + bytes - 4, 4);
            word = (uint64_t)high << 32 | low;
        } else if (bytes)
            word = (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[bytes / 2] << 8 |
                   (unsigned char)text[bytes - 1];
        hash = (hash ^ word) * UINT64_C(0xD6E8FEB86659FD93);
        hash ^= hash >> 32;
        if (bytes <= 8) return (uint32_t)hash;
    }
}

static size_t slot_of(const piece_table *t, const char *text, size_t bytes, uint32_t hash) {
    size_t mask = t->slot_count - 1, slot = hash & mask;
    for (; t->slots[slot] != UINT32_MAX; slot = (slot + 1) & mask) {
        const piece_entry *p = &t->pieces[t->slots[slot]];
        if (p->hash == hash && p->bytes == bytes && memcmp(t->text + p->start, text, bytes) == 0) break;
    }
    return slot;
}

/* All pieces are distinct: any free slot will do. */
static void fill_slots(piece_table *t) {
    size_t mask = t->slot_count - 1;
    memset(t->slots, 0xFF, t->slot_count * sizeof *t->slots);
    for (uint32_t i = 0; i < t->count; i++) {
        size_t slot = t->pieces[i].hash & mask;
        while (t->slots[slot] != UINT32_MAX) slot = (slot + 1) & mask;
        t->slots[slot] = i;
    }
}

static canto_status widen_slots(piece_table *t) {
    size_t count = t->slot_count ? t->slot_count * 2 : 8192;
    if (((size_t)t->count + 1) * 2 <= t->slot_count) return status_ok();
    uint32_t *slots = context_allocate(t->context, count * sizeof *slots);
    if (!slots) return context_no_memory(count * sizeof *slots, "pieces of text");
    context_release(t->context, t->slots);
    t->slots = slots;
    t->slot_count = count;
    fill_slots(t);
    return status_ok();
}

canto_status piece_table_add(piece_table *t, const char *text, size_t bytes, uint32_t hash, uint64_t count) {
    canto_status status;
    TRY(widen_slots(t));
    size_t slot = slot_of(t, text, bytes, hash);
    if (t->slots[slot] == UINT32_MAX) {
        TRY(context_reserve(t->context, (void **)&t->pieces, &t->room, (size_t)t->count + 1, sizeof *t->pieces,
                            "pieces of text"));
        TRY(context_reserve(t->context, (void **)&t->text, &t->text_room, t->text_bytes + bytes, 1, "pieces of text"));
        memcpy(t->text + t->text_bytes, text, bytes);
        t->pieces[t->count] = (piece_entry){0, t->text_bytes, (uint32_t)bytes, hash};
        t->text_bytes += bytes;
        t->slots[slot] = t->count++;
    }
    t->pieces[t->slots[slot]].count += count;
    status = status_ok();
done:
    return status;
}

/* ---------------------------------------------------------------------------------------------- the bound */

/* The least count so that the pieces seen more often take half of the bound at most. */
static uint64_t count_to_drop(const piece_table *t) {
    size_t   cost[COUNTS] = {0}, kept = PIECE_COST * (size_t)t->count + BYTE_COST * t->text_bytes;
    uint64_t count = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->pieces[i].count < COUNTS)
            cost[t->pieces[i].count] += PIECE_COST + BYTE_COST * (size_t)t->pieces[i].bytes;
    while (kept > t->most / 2 && count + 1 < COUNTS) kept -= cost[++count];
    return count;
}

void piece_table_trim(piece_table *t) {
    if (PIECE_COST * (size_t)t->count + BYTE_COST * t->text_bytes <= t->most) return;
    uint64_t least = count_to_drop(t);
    uint32_t kept = 0;
    size_t   end = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        piece_entry p = t->pieces[i];
        if (p.count <= least) {
            t->dropped++;
            t->dropped_bytes += p.count * p.bytes;
            continue;
        }
        memmove(t->text + end, t->text + p.start, p.bytes);
        p.start = end;
        end += p.bytes;
        t->pieces[kept++] = p;
    }
    t->count = kept;
    t->text_bytes = end;
    if (least > t->dropped_count) t->dropped_count = least;
    fill_slots(t);
}

/* ----------------------------------------------------------------------------------------------- the list */

canto_status piece_table_list(piece_table *t, const uint32_t ids[256], piece_list *list) {
    canto_status status = status_ok();
    size_t       cells = t->text_bytes + t->count + 1, at = 0;
    *list = (piece_list){0};
    context_release(t->context, t->slots);
    t->slots = NULL;
    if (cells > PIECE_CELLS)
        FAIL(CANTO_ERROR_MEMORY, "the texts have %.1f GiB of distinct pieces, which is too much; set memory lower",
             (double)t->text_bytes / 1073741824.0);
    list->cells = context_allocate(t->context, cells * sizeof *list->cells);
    list->counts = context_allocate(t->context, ((size_t)t->count + 1) * sizeof *list->counts);
    if (!list->cells || !list->counts) TRY(context_no_memory(cells * sizeof *list->cells, "pieces of text"));
    list->count = t->count;
    list->cells[at++] = PIECE_BORDER;
    for (uint32_t i = 0; i < t->count; i++) {
        const piece_entry *p = &t->pieces[i];
        list->counts[i] = p->count;
        for (size_t j = 0; j < p->bytes; j++) list->cells[at++] = ids[(unsigned char)t->text[p->start + j]];
        list->cells[at++] = PIECE_BORDER;
    }
    list->cell_count = at;
done:
    piece_table_close(t);
    return status;
}

void piece_table_close(piece_table *t) {
    canto_context *context = t->context;
    if (!context) return;
    context_release(context, t->pieces);
    context_release(context, t->text);
    context_release(context, t->slots);
    t->pieces = NULL;
    t->text = NULL;
    t->slots = NULL;
    t->count = 0;
    t->room = t->text_bytes = t->text_room = t->slot_count = 0;
}

void piece_list_close(canto_context *context, piece_list *list) {
    context_release(context, list->cells);
    context_release(context, list->counts);
    *list = (piece_list){0};
}
