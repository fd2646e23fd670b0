/* bpe_reader.c - see bpe_reader.h. Nothing read is trusted: ids may be given twice or leave holes, merges may name what is no
 * token. Memory grows with what has been read, never with a number in it. */
#include "text/bpe_reader.h"

#include <string.h>

enum { HOLES = 65536 }; /* ids without a token that a vocabulary may have beyond three for every token */

void bpe_reader_open(bpe_reader *r, canto_context *context, const char *file) {
    memset(r, 0, sizeof *r);
    r->context = r->pool.context = r->scratch.context = r->added.context = r->parts.tokens.context = context;
    r->file = file;
    byte_level_open(&r->level);
}

void bpe_reader_close(bpe_reader *r) {
    context_release(r->context, r->items);
    context_release(r->context, r->pool.data);
    context_release(r->context, r->scratch.data);
    context_release(r->context, r->merges);
    context_release(r->context, r->specials);
    vocabulary_close(&r->added);
    vocabulary_close(&r->parts.tokens);
    pattern_close(&r->parts.cutter);
}

/* How much of a token an error shows. */
static int shown(size_t bytes) { return (int)(bytes < 60 ? bytes : 60); }

static canto_status take(bpe_reader *r, bpe_item item, const char *text, size_t bytes) {
    canto_status status;
    TRY(context_reserve(r->context, (void **)&r->items, &r->room, r->count + 1, sizeof item, "a vocabulary"));
    if (item.added) r->added_count++;
    item.start = r->pool.count;
    item.bytes = bytes;
    TRY(byte_list_add(&r->pool, text, bytes));
    r->items[r->count++] = item;
done:
    return status;
}

static canto_status check_id(const bpe_reader *r, const char *text, size_t bytes, int64_t id) {
    if (id >= 0 && id < VOCABULARY_MOST) return status_ok();
    return status_error(CANTO_ERROR_FORMAT,
                        "'%.300s': the id %lld of the token '%.*s' must be a whole number from 0 on", r->file,
                        (long long)id, shown(bytes), text);
}

canto_status bpe_reader_add(bpe_reader *r, const char *text, size_t bytes, int64_t id, bool special) {
    canto_status status;
    uint32_t     number;
    if (bytes == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s': an added token is empty", r->file);
    TRY(check_id(r, text, bytes, id));
    TRY(vocabulary_add(&r->added, text, bytes, &number));
    if (number < r->count)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the token '%.*s' is added twice", r->file, shown(bytes), text);
    TRY(take(r, (bpe_item){(uint32_t)id, true, special, 0, 0}, text, bytes));
done:
    return status;
}

canto_status bpe_reader_token(void *reader, const char *text, size_t bytes, int64_t id) {
    bpe_reader  *r = reader;
    canto_status status;
    TRY(check_id(r, text, bytes, id));
    uint32_t number = r->added.count ? vocabulary_find(&r->added, text, bytes) : VOCABULARY_NONE;
    if (number != VOCABULARY_NONE) {
        if (r->items[number].id == id) return status;
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s': the added token '%.*s' has the id %lld in the vocabulary, and %lu where it is added", r->file,
             shown(bytes), text, (long long)id, (unsigned long)r->items[number].id);
    }
    if (r->marker && bytes == strlen(r->marker) && memcmp(text, r->marker, bytes) == 0)
        return take(r, (bpe_item){(uint32_t)id, true, true, 0, 0}, text, bytes);
    r->scratch.count = 0;
    TRY(byte_list_room(&r->scratch, bytes + 1));
    size_t count = byte_level_read(&r->level, text, bytes, r->scratch.data);
    if (count == 0)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the token '%.*s' is empty or has a character that stands for no byte",
             r->file, shown(bytes), text);
    TRY(take(r, (bpe_item){(uint32_t)id, false, false, 0, 0}, r->scratch.data, count));
done:
    return status;
}

/* places[id] is the number of the item with that id + 1; most is the number of ids. */
static canto_status sort_items(const bpe_reader *r, uint32_t *places) {
    for (size_t i = 0; i < r->count; i++) {
        const bpe_item *item = &r->items[i], *other;
        if (places[item->id] != 0) {
            other = &r->items[places[item->id] - 1];
            return status_error(CANTO_ERROR_FORMAT, "'%.300s': the tokens '%.*s' and '%.*s' have the same id %lu",
                                r->file, shown(other->bytes), r->pool.data + other->start, shown(item->bytes),
                                r->pool.data + item->start, (unsigned long)item->id);
        }
        places[item->id] = (uint32_t)i + 1;
    }
    return status_ok();
}

static canto_status add_item(bpe_reader *r, uint32_t id, const bpe_item *item) {
    canto_status status;
    uint32_t     got;
    if (!item) return vocabulary_add_gap(&r->parts.tokens);
    TRY(vocabulary_add(&r->parts.tokens, r->pool.data + item->start, item->bytes, &got));
    if (got != id)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the ids %lu and %lu are the same token '%.*s'", r->file, (unsigned long)got,
             (unsigned long)id, shown(item->bytes), r->pool.data + item->start);
done:
    return status;
}

/* The ids of added tokens: special ones first. */
static canto_status list_added(bpe_reader *r) {
    size_t count = r->added_count;
    r->specials = context_allocate_zeroed(r->context, 2 * count + 1, sizeof *r->specials);
    if (!r->specials) return context_no_memory(2 * count * sizeof *r->specials, "special tokens");
    uint32_t *others = r->specials + count;
    r->parts.specials = r->specials;
    r->parts.added = others;
    for (size_t i = 0; i < r->count; i++) {
        if (!r->items[i].added) continue;
        if (r->items[i].special) r->specials[r->parts.special_count++] = r->items[i].id;
        else others[r->parts.added_count++] = r->items[i].id;
    }
    return status_ok();
}

canto_status bpe_reader_order(bpe_reader *r) {
    canto_status status;
    uint32_t    *places = NULL, most = 0;
    if (r->count == r->added_count) FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary is empty", r->file);
    for (size_t i = 0; i < r->count; i++)
        if (r->items[i].id >= most) most = r->items[i].id + 1;
    if (most / 4 > r->count + HOLES / 4)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': of the ids up to %lu only %zu have a token", r->file,
             (unsigned long)most - 1, r->count);
    places = context_allocate_zeroed(r->context, most, sizeof *places);
    if (!places) TRY(context_no_memory(most * sizeof *places, "a vocabulary"));
    TRY(sort_items(r, places));
    TRY(vocabulary_reserve(&r->parts.tokens, most, r->pool.count));
    for (uint32_t id = 0; id < most; id++) TRY(add_item(r, id, places[id] ? &r->items[places[id] - 1] : NULL));
    TRY(list_added(r));
done:
    context_release(r->context, places);
    return status;
}

static canto_status no_token(const bpe_reader *r, const char *text, size_t bytes) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': merge %zu, '%.*s', names or makes what is no token", r->file,
                        r->parts.merge_count, (int)(bytes < 80 ? bytes : 80), text);
}

canto_status bpe_reader_merge(void *reader, const char *text, size_t bytes) {
    bpe_reader       *r = reader;
    const vocabulary *tokens = &r->parts.tokens;
    const char       *space = memchr(text, ' ', bytes);
    canto_status      status;
    r->scratch.count = 0;
    TRY(byte_list_room(&r->scratch, bytes + 1));
    if (!space) return no_token(r, text, bytes);
    char  *out = r->scratch.data;
    size_t first = (size_t)(space - text), left = byte_level_read(&r->level, text, first, out);
    size_t right = byte_level_read(&r->level, space + 1, bytes - first - 1, out + left);
    if (left == 0 || right == 0) return no_token(r, text, bytes);
    bpe_merge m = {vocabulary_find(tokens, out, left), vocabulary_find(tokens, out + left, right),
                   vocabulary_find(tokens, out, left + right)};
    if (m.left == VOCABULARY_NONE || m.right == VOCABULARY_NONE || m.whole == VOCABULARY_NONE)
        return no_token(r, text, bytes);
    TRY(context_reserve(r->context, (void **)&r->merges, &r->merge_room, r->parts.merge_count + 1, sizeof m, "merges"));
    r->merges[r->parts.merge_count++] = m;
done:
    return status;
}

canto_status bpe_reader_finish(bpe_reader *r, canto_tokenizer **tokenizer) {
    static const bpe_merge none = {0};
    r->parts.merges = r->merges ? r->merges : &none;
    canto_status status = tokenizer_bpe_new(r->context, &r->parts, tokenizer);
    if (status.code != CANTO_ERROR_FORMAT) return status;
    return status_error(CANTO_ERROR_FORMAT, "'%.200s': %.250s", r->file, status.text);
}
