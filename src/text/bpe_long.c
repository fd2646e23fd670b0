/* bpe_long.c - joining a piece of any length: windows of it, each with a heap of pairs, and their tokens put together.
 *
 * Why tokens may be put together: no merge of a text has joined over the border between two of its tokens, so both sides
 * of a border came about as if the other were not there. If the tokens of two neighbouring texts are known, and the last of
 * the one with the first of the other, taken alone, give just these two, then no merge reaches over this border either, and
 * the tokens of both in a row are those of the whole.
 *
 * So a window's tokens are taken up to some way before its end, which may have cut a token; the next window begins there. If
 * the border turns out wrong, the tokens before it are given back one by one, and windows grow: at the latest a window
 * is the whole piece. What is in the windows fits in a near cache, so a long piece costs a byte what a short one does. */
#include "text/bpe.h"

#include <string.h>

enum { WINDOW = 1024, MARGIN = 128 };

/* One text being joined. Token at place i: ids[i], its bytes text[i] .. text[next[i]]; ranks[i] is that of the merge
 * with the next token, BPE_NO_MERGE: there is none, or the place has no token any more. The heap holds
 * rank << 32 | place, lowest first; an entry whose rank is not its place's any more means nothing. */
typedef struct window {
    const bpe     *b;
    canto_context *context;
    size_t         room, heap_count;
    uint64_t      *heap;
    uint32_t      *ids, *ranks, *next, *before;
} window;

static void window_close(window *w) { context_release(w->context, w->heap); }

static canto_status window_fit(window *w, size_t bytes) {
    size_t need, room = bytes < WINDOW ? WINDOW : bytes;
    if (room <= w->room) return status_ok();
    if (!size_multiply(room, 3 * sizeof *w->heap + 4 * sizeof *w->ids, &need) || room >= VOCABULARY_NONE)
        return context_no_memory(SIZE_MAX, "a long word");
    void *block = context_allocate(w->context, need);
    if (!block) return context_no_memory(need, "a long word");
    context_release(w->context, w->heap);
    w->room = room;
    w->heap = block; /* at most a pair a byte at first, and two more each time that one goes */
    w->ids = (uint32_t *)(w->heap + 3 * room);
    w->ranks = w->ids + room;
    w->next = w->ranks + room;
    w->before = w->next + room;
    return status_ok();
}

/* Puts entry where the heap has a hole at i, with smaller entries moving up. Each entry has four below it, which makes the way
 * down half as long as with two: a large heap's lower levels are far away. */
static void sink(uint64_t *heap, size_t count, size_t i, uint64_t entry) {
    for (size_t child; (child = 4 * i + 1) < count;) {
        size_t end = child + 4 < count ? child + 4 : count, least = child;
        for (size_t k = child + 1; k < end; k++) least = heap[k] < heap[least] ? k : least;
        if (heap[least] >= entry) break;
        heap[i] = heap[least];
        i = least;
    }
    heap[i] = entry;
}

static void push(window *w, uint64_t entry) {
    size_t i = w->heap_count++;
    for (; i > 0 && w->heap[(i - 1) / 4] > entry; i = (i - 1) / 4) w->heap[i] = w->heap[(i - 1) / 4];
    w->heap[i] = entry;
}

/* The merge of the token at i with the next one; true when there is one. */
static bool look_up(window *w, uint32_t i, size_t bytes) {
    w->ranks[i] = w->next[i] < bytes ? bpe_find(w->b, w->ids[i], w->ids[w->next[i]]) : BPE_NO_MERGE;
    return w->ranks[i] != BPE_NO_MERGE;
}

static void look_up_again(window *w, uint32_t i, size_t bytes) {
    if (look_up(w, i, bytes)) push(w, (uint64_t)w->ranks[i] << 32 | i);
}

/* Joins text[bytes], bytes > 0: the first token is at place 0. */
static canto_status window_join(window *w, const char *text, size_t bytes) {
    canto_status status = window_fit(w, bytes);
    if (status.code != CANTO_OK) return status;
    w->heap_count = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        w->ids[i] = w->b->bytes[(unsigned char)text[i]];
        w->next[i] = i + 1;
        w->before[i] = i - 1;
    }
    for (uint32_t i = 0; i < bytes; i++) {
        const unsigned char *pair = (const unsigned char *)text + i;
        w->ranks[i] = i + 1 < bytes ? w->b->pairs[(size_t)pair[0] << 8 | pair[1]].rank : BPE_NO_MERGE;
        if (w->ranks[i] != BPE_NO_MERGE) w->heap[w->heap_count++] = (uint64_t)w->ranks[i] << 32 | i;
    }
    for (size_t i = w->heap_count / 4 + 1; i-- > 0 && w->heap_count;) sink(w->heap, w->heap_count, i, w->heap[i]);
    while (w->heap_count > 0) {
        uint64_t entry = w->heap[0], last = w->heap[--w->heap_count];
        uint32_t i = (uint32_t)entry;
        if (w->heap_count) sink(w->heap, w->heap_count, 0, last);
        if (w->ranks[i] != entry >> 32) continue;
        uint32_t gone = w->next[i];
        w->ids[i] = bpe_whole(w->b, w->ranks[i]);
        w->next[i] = w->next[gone];
        w->ranks[gone] = BPE_NO_MERGE;
        if (w->next[i] < bytes) w->before[w->next[i]] = i;
        look_up_again(w, i, bytes);
        if (i > 0) look_up_again(w, w->before[i], bytes);
    }
    return status;
}

/* True when two tokens whose bytes are text[bytes] stay these two. */
static canto_status is_border(window *w, const char *text, size_t left, size_t right, uint32_t first, uint32_t second,
                              bool *truth) {
    canto_status status = window_join(w, text, left + right);
    *truth = status.code == CANTO_OK && w->next[0] == left && w->next[left] == left + right && w->ids[0] == first &&
             w->ids[left] == second;
    return status;
}

static uint32_t pop(id_list *ids) {
    ids->count--;
    if (!ids->narrow) return ids->data[ids->count];
    const unsigned char *at = (const unsigned char *)ids->data + 2 * ids->count;
    return (uint32_t)(at[0] | at[1] << 8);
}

canto_status bpe_join(const bpe *b, const vocabulary *tokens, const char *text, size_t bytes, id_list *ids) {
    window       main = {.b = b, .context = ids->context}, border = main;
    size_t       first = ids->count, at = 0, width = WINDOW, last_bytes;
    canto_status status = status_ok();
    while (at < bytes) {
        size_t   count = bytes - at < width ? bytes - at : width, limit = count < bytes - at ? count - MARGIN : count;
        uint32_t i = 0, last;
        bool     good = true;
        TRY(window_join(&main, text + at, count));
        if (ids->count > first) {
            last = pop(ids);
            vocabulary_token(tokens, last, &last_bytes);
            TRY(is_border(&border, text + at - last_bytes, last_bytes, main.next[0], last, main.ids[0], &good));
            if (good) TRY(id_list_add(ids, last));
            else at -= last_bytes;
        }
        if (good && main.next[0] <= limit) {
            if (!id_list_fits(ids, count)) TRY(id_list_grow(ids, count));
            for (; i < count && main.next[i] <= limit; i = main.next[i]) id_list_put(ids, main.ids[i]);
            at += i;
        } else {
            width *= 2;
        }
    }
done:
    window_close(&main);
    window_close(&border);
    return status;
}
