/* tokenizer_bpe.c - byte-level byte-pair encoding: special tokens, pieces, words seen before in the same call.
 *
 * Nothing is kept from one call to the next: calls share the tokenizer and change nothing in it. */
#include "text/tokenizer_bpe.h"

#include "base/utf8.h"
#include "text/tokenizer_bpe_json.h"
#include "text/unicode.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ words of this call */

enum { WORD = 16, LONG_WORD = 32, FEW_WORDS = 32, MANY_WORDS = 65536, INLINE = 3 };

/* A piece of at most WORD bytes, padded with zeros, and its tokens: at most INLINE of them, or the place of the first of so
 * many in the list. A piece of at most LONG_WORD bytes fills two, at an even place: the second has the rest of its bytes. */
typedef struct word {
    uint64_t low, high;
    uint32_t ids[INLINE];
    unsigned bytes : 8, count : 24; /* bytes 0: no word */
} word;
enum { REST = 255 }; /* bytes of a second half */

static inline size_t first_of(const word *w) { return w->ids[0] | (size_t)w->ids[1] << 16 << 16; }

/* A table without collisions to resolve: a new word drives out what is in its place. */
typedef struct word_table {
    word  *words, few[FEW_WORDS];
    size_t mask;
} word_table;

static canto_status table_open(canto_context *context, size_t bytes, word_table *table) {
    size_t count = FEW_WORDS;
    while (count < bytes / WORD && count < MANY_WORDS) count *= 2;
    memset(table->few, 0, sizeof table->few);
    table->mask = count - 1;
    table->words = table->few;
    if (count == FEW_WORDS) return status_ok();
    table->words = context_allocate_zeroed(context, count, sizeof(word));
    return table->words ? status_ok() : context_no_memory(count * sizeof(word), "words");
}

static void table_close(canto_context *context, word_table *table) {
    if (table->words != table->few) context_release(context, table->words);
}

/* A piece of the text; for a word, what it is compared by, its hash as a token and its place in the table. */
typedef struct piece {
    const char *text;
    size_t      bytes;
    uint64_t    key[4], hash;
    word       *place; /* NULL: too long */
    uint32_t   *made;
    size_t      made_count; /* the tokens found for it, or 0: it is a known word or long */
} piece;

static inline uint64_t first_bytes(uint64_t eight, size_t bytes) {
    return bytes < 8 ? eight & ~(~UINT64_C(0) << 8 * bytes) : eight;
}

/* Fills in what a piece of at most LONG_WORD bytes is found by; `readable` bytes may be read. */
static inline void find_place(const word_table *table, piece *p, size_t readable) {
    size_t bytes = p->bytes, more = bytes > 8 ? bytes - 8 : 0;
    if (readable >= LONG_WORD) memcpy(p->key, p->text, LONG_WORD);
    else {
        memset(p->key, 0, sizeof p->key);
        memcpy(p->key, p->text, bytes);
    }
    p->key[0] = first_bytes(p->key[0], bytes);
    p->key[1] = first_bytes(p->key[1], more);
    p->hash = vocabulary_hash_pair(bytes, p->key[0], p->key[1]);
    if (bytes > WORD) {
        p->key[2] = first_bytes(p->key[2], bytes - WORD);
        p->key[3] = first_bytes(p->key[3], bytes > WORD + 8 ? bytes - WORD - 8 : 0);
        p->hash = vocabulary_hash_pair(p->hash, p->key[2], p->key[3]);
    }
    p->hash = vocabulary_hash_end(p->hash);
    size_t place = (size_t)(p->hash >> 20) & table->mask;
    p->place = &table->words[bytes > WORD ? place & ~(size_t)1 : place];
    PREFETCH(p->place);
}

/* True when the word that stands in the piece's place is the piece. */
static inline bool is_known(const piece *p) {
    const word *w = p->place;
    if (w->low != p->key[0] || w->high != p->key[1] || w->bytes != p->bytes) return false;
    return p->bytes <= WORD || (w[1].low == p->key[2] && w[1].high == p->key[3] && w[1].bytes == REST);
}

/* ------------------------------------------------------------------------------------------------ encoding */

enum { BATCH = 64, BATCH_BYTES = 2048 };

/* One call's work. */
typedef struct encoding {
    const canto_tokenizer *t;
    const bpe_tokenizer   *b;
    id_list               *ids;
    word_table             table;
    progress               told;
    piece                  pieces[BATCH]; /* [count] */
    size_t                 count;
    uint32_t               made[BATCH_BYTES + BPE_SHORT];
    canto_status status; /* of the step that returned false; a status is too large to be handed on by every word */
} encoding;

/* INLINE ids at the list's end, the first count of which are there then. There is room. */
static inline void append_few(id_list *ids, const uint32_t *made, size_t count) {
    if (ids->narrow) {
        unsigned char *at = (unsigned char *)ids->data + 2 * ids->count;
        for (size_t i = 0; i < INLINE; i++) {
            at[2 * i] = (unsigned char)made[i];
            at[2 * i + 1] = (unsigned char)(made[i] >> 8);
        }
    } else
        for (size_t i = 0; i < INLINE; i++) ids->data[ids->count + i] = made[i];
    ids->count += count;
}

static void append(id_list *ids, const uint32_t *made, size_t count) {
    for (size_t i = 0; i < count; i++) id_list_put(ids, made[i]);
}

static inline char *place_in(const id_list *ids, size_t i) {
    return (char *)ids->data + i * (ids->narrow ? 2 : sizeof *ids->data);
}

/* The tokens in the list from `first` on once more. */
static void append_again(id_list *ids, size_t first, size_t count) {
    memcpy(place_in(ids, ids->count), place_in(ids, first), count * (ids->narrow ? 2 : sizeof *ids->data));
    ids->count += count;
}

/* The token that the piece is as a whole, or VOCABULARY_NONE. */
static inline uint32_t whole(const encoding *e, const piece *p) {
    uint32_t id =
        p->bytes <= e->b->longest ? vocabulary_find_hashed(&e->t->tokens, p->hash, p->text, p->bytes) : VOCABULARY_NONE;
    return id != VOCABULARY_NONE && e->b->flags[id] & BPE_WHOLE ? id : VOCABULARY_NONE;
}

/* The next pieces, from *at on; their places are on the way from memory then. */
static canto_status cut_pieces(encoding *e, const char *text, size_t bytes, size_t *at) {
    canto_status status = status_ok();
    pretokenizer kind = e->b->cutter.kind;
    size_t       first = *at;
    for (e->count = 0; e->count < BATCH && *at < bytes && *at - first < BATCH_BYTES; e->count++) {
        piece *p = &e->pieces[e->count];
        p->text = text + *at;
        p->place = NULL;
        if (kind == PRETOKENIZER_CUSTOM) TRY(pattern_piece(&e->b->cutter, text, bytes, *at, &p->bytes));
        else p->bytes = pretokenize_piece(kind, p->text, bytes - *at);
        if (p->bytes <= LONG_WORD) find_place(&e->table, p, bytes - *at);
        *at += p->bytes;
    }
done:
    return status;
}

/* Finds the tokens of the pieces that are short and no known words: many steps, each for all of them, so that what the next
 * one looks at comes from memory meanwhile. */
static void join_unknown(encoding *e) {
    piece  *unknown[BATCH];
    bpe_job jobs[BATCH];
    size_t  count = 0, used = 0, job_count = 0;
    for (size_t i = 0; i < e->count; i++) {
        piece *p = &e->pieces[i];
        p->made_count = 0;
        if (!p->place && p->bytes > BPE_SHORT) continue;
        if (p->place && is_known(p)) {
            if (p->place->count > INLINE) PREFETCH(place_in(e->ids, first_of(p->place)));
            continue;
        }
        if (!p->place) p->hash = vocabulary_hash(p->text, p->bytes);
        vocabulary_prefetch(&e->t->tokens, p->hash);
        unknown[count++] = p;
    }
    for (size_t i = 0; i < count; i++) {
        piece   *p = unknown[i];
        uint32_t id = whole(e, p);
        p->made = e->made + used;
        if (id != VOCABULARY_NONE) {
            *p->made = id;
            p->made_count = 1;
            used++;
            continue;
        }
        jobs[job_count] = (bpe_job){p->text, p->bytes, 0, p->made};
        unknown[job_count++] = p;
        used += p->bytes;
    }
    bpe_join_shorts(&e->b->joiner, jobs, job_count, BPE_NO_MERGE);
    for (size_t i = 0; i < job_count; i++) unknown[i]->made_count = jobs[i].count;
}

/* A piece of more than BPE_SHORT bytes. */
static bool encode_long(encoding *e, piece *p) {
    p->hash = p->bytes <= e->b->longest ? vocabulary_hash(p->text, p->bytes) : 0;
    uint32_t id = whole(e, p);
    if (id != VOCABULARY_NONE) {
        append(e->ids, &id, 1);
        return true;
    }
    e->status = bpe_join(&e->b->joiner, &e->t->tokens, p->text, p->bytes, e->ids);
    return e->status.code == CANTO_OK;
}

/* Puts the word, whose tokens are the list's last ones, into its place. */
static void learn_word(const piece *p, const id_list *ids) {
    word  *w = p->place;
    size_t count = p->made_count, first = ids->count - count;
    *w = (word){.low = p->key[0], .high = p->key[1], .bytes = p->bytes & 255, .count = count & 255};
    if (p->bytes > WORD) w[1] = (word){.low = p->key[2], .high = p->key[3], .bytes = REST};
    if (count <= INLINE)
        for (size_t i = 0; i < count; i++) w->ids[i] = p->made[i];
    else {
        w->ids[0] = (uint32_t)first;
        w->ids[1] = (uint32_t)(first >> 16 >> 16);
    }
}

/* Appends the piece's tokens to the list, where there is room for one a byte of a short one. */
static bool encode_piece(encoding *e, piece *p) {
    id_list    *ids = e->ids;
    const word *w = p->place;
    if (p->made_count) {
        append(ids, p->made, p->made_count);
        if (w) learn_word(p, ids);
    } else if (!w) return encode_long(e, p);
    else if (!is_known(p)) { /* it was, but another word of this batch has driven it out */ uint32_t made[LONG_WORD];
        bpe_job job = {p->text, p->bytes, 1, made};
        made[0] = whole(e, p);
        if (made[0] == VOCABULARY_NONE) bpe_join_shorts(&e->b->joiner, &job, 1, BPE_NO_MERGE);
        append(ids, made, job.count);
    } else if (w->count <= INLINE) append_few(ids, w->ids, w->count);
    else append_again(ids, first_of(w), w->count);
    return true;
}

/* Text without tokens to cut out; it stands `start` bytes behind the beginning. */
static canto_status encode_pieces(encoding *e, const char *text, size_t bytes, size_t start) {
    canto_status status = status_ok();
    for (size_t at = 0; at < bytes;) {
        if (progress_due(&e->told, start + at)) TRY(progress_tell(&e->told, start + at));
        TRY(cut_pieces(e, text, bytes, &at));
        join_unknown(e);
        for (size_t i = 0; i < e->count; i++) {
            if (!id_list_fits(e->ids, BPE_SHORT)) TRY(id_list_grow(e->ids, BPE_SHORT));
            if (!encode_piece(e, &e->pieces[i])) TRY(e->status);
        }
    }
done:
    return status;
}

/* The longest token with one of the flags that begins at text, or VOCABULARY_NONE. */
static uint32_t added_at(const canto_tokenizer *t, const char *text, size_t bytes, unsigned flags, size_t *length) {
    const bpe_tokenizer *b = t->bpe;
    if (!(b->begins[(unsigned char)text[0]] & flags)) return VOCABULARY_NONE;
    for (size_t i = 0; i < b->length_count; i++) {
        *length = b->lengths[i];
        uint32_t id = *length <= bytes ? vocabulary_find(&t->tokens, text, *length) : VOCABULARY_NONE;
        if (id != VOCABULARY_NONE && b->flags[id] & flags) return id;
    }
    return VOCABULARY_NONE;
}

static canto_status refuse(const canto_tokenizer *t, uint32_t id, size_t at, const char *from) {
    return status_error(CANTO_ERROR_TEXT,
                        "%s%.300s%s has the special token '%.80s' at byte %zu; allow special tokens, or have them "
                        "treated as text",
                        from ? "'" : "the text", from ? from : "", from ? "'" : "",
                        vocabulary_token(&t->tokens, id, NULL), at);
}

static canto_status encode_special(const canto_tokenizer *t, const char *text, size_t bytes, canto_special special,
                                   const char *from, id_list *ids) {
    encoding     e;
    unsigned     flags = special == CANTO_SPECIAL_TEXT ? BPE_ADDED : BPE_ADDED | BPE_SPECIAL;
    size_t       from_here = 0, length;
    canto_status status = status_ok();
    if (bytes == 0) return status;
    e.t = t;
    e.b = t->bpe;
    e.ids = ids;
    e.told = tokenizer_progress(t, "encoding", bytes, from);
    TRY(table_open(ids->context, bytes, &e.table));
    for (size_t at = 0; t->bpe->all & flags && at < bytes;) {
        uint32_t id = added_at(t, text + at, bytes - at, flags, &length);
        if (id == VOCABULARY_NONE) {
            at++;
            continue;
        }
        if (special == CANTO_SPECIAL_REFUSE && t->bpe->flags[id] & BPE_SPECIAL) TRY(refuse(t, id, at, from));
        TRY(encode_pieces(&e, text + from_here, at - from_here, from_here));
        TRY(id_list_add(ids, id));
        from_here = at += length;
    }
    TRY(encode_pieces(&e, text + from_here, bytes - from_here, from_here));
done:
    table_close(ids->context, &e.table);
    return status;
}

static canto_status encode(const canto_tokenizer *t, const char *text, size_t bytes, const char *from, id_list *ids) {
    return encode_special(t, text, bytes, CANTO_SPECIAL_TEXT, from, ids);
}

/* --------------------------------------------------------------------------------------------- cutting a text */

static bool is_word_byte(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* No piece of the three patterns reaches from a letter or digit over a space or line end. A single line end is the end of a
 * piece, too, unless white space or, for o200k, a slash follows. */
static bool is_cut(const char *text, size_t at, size_t bytes) {
    uint32_t point;
    if (text[at] == ' ' || text[at] == '\n') return is_word_byte(text[at - 1]);
    if (text[at - 1] != '\n' || text[at] == '/' || at < 2) return false;
    bool alone = is_word_byte(text[at - 2]) || strchr(".,;:!?\"')]}", text[at - 2]);
    return alone && utf8_read(text + at, bytes - at, &point) > 0 && unicode_class_of(point) != UNICODE_SPACE;
}

static size_t cut(const canto_tokenizer *t, const char *text, size_t bytes) {
    const bpe_tokenizer *b = t->bpe;
    bool                 known = b->cutter.kind <= PRETOKENIZER_O200K;
    if (!known || b->all & BPE_ADDED) return 0;
    for (size_t at = bytes; at-- > 1;)
        if (is_cut(text, at, bytes)) return at;
    return 0;
}

/* -------------------------------------------------------------------------------------------- making, closing */

void tokenizer_bpe_close(bpe_tokenizer *b) {
    if (!b) return;
    pattern_close(&b->cutter);
    bpe_close(&b->joiner);
    context_release(b->context, b->merges);
    context_release(b->context, b->flags);
    context_release(b->context, b->lengths);
    context_release(b->context, b);
}

static canto_status add_merges(bpe_tokenizer *b, const vocabulary *tokens, const bpe_parts *parts) {
    canto_status status = status_ok();
    if (!parts->merges) return bpe_add_splits(&b->joiner, tokens, b->flags);
    TRY(bpe_reserve(&b->joiner, parts->merge_count));
    b->merges = context_allocate_zeroed(b->context, parts->merge_count + 1, sizeof *b->merges);
    if (!b->merges) return context_no_memory(parts->merge_count * sizeof *b->merges, "merges");
    b->merge_count = parts->merge_count;
    for (size_t i = 0; i < b->merge_count; i++) {
        bpe_merge m = b->merges[i] = parts->merges[i];
        size_t    left, right, whole;
        bool      added;
        if (m.left >= tokens->count || m.right >= tokens->count || m.whole >= tokens->count)
            FAIL(CANTO_ERROR_FORMAT, "merge %zu names an id outside the vocabulary of %lu tokens", i,
                 (unsigned long)tokens->count);
        vocabulary_token(tokens, m.left, &left);
        vocabulary_token(tokens, m.right, &right);
        vocabulary_token(tokens, m.whole, &whole);
        if (left == 0 || right == 0 || left + right != whole)
            FAIL(CANTO_ERROR_FORMAT, "merge %zu does not give the token it names", i);
        TRY(bpe_add(&b->joiner, tokens, m, &added));
        if (!added)
            FAIL(CANTO_ERROR_FORMAT, "merge %zu joins '%.60s' and '%.60s', which another does already", i,
                 vocabulary_token(tokens, m.left, NULL), vocabulary_token(tokens, m.right, NULL));
    }
done:
    return status;
}

static int by_length(const void *left, const void *right) {
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a < b) - (a > b);
}

static canto_status flag_added(bpe_tokenizer *b, const vocabulary *tokens, const uint32_t *ids, size_t count,
                               unsigned char flag) {
    for (size_t i = 0; i < count; i++) {
        size_t      bytes = 0;
        const char *text = ids[i] < tokens->count ? vocabulary_token(tokens, ids[i], &bytes) : NULL;
        if (bytes == 0)
            return status_error(CANTO_ERROR_FORMAT, "the added token with the id %lu is not in the vocabulary",
                                (unsigned long)ids[i]);
        b->flags[ids[i]] |= flag;
        b->begins[(unsigned char)text[0]] |= flag;
        b->all |= flag;
        b->lengths[b->length_count++] = bytes;
    }
    return status_ok();
}

static canto_status take_added(bpe_tokenizer *b, const vocabulary *tokens, const bpe_parts *parts) {
    canto_status status;
    size_t       kept = 0;
    b->flags = context_allocate_zeroed(b->context, tokens->count, 1);
    b->lengths = context_allocate_zeroed(b->context, parts->added_count + parts->special_count + 1, sizeof(size_t));
    if (!b->flags || !b->lengths) return context_no_memory(tokens->count, "a vocabulary");
    TRY(flag_added(b, tokens, parts->added, parts->added_count, BPE_ADDED));
    TRY(flag_added(b, tokens, parts->specials, parts->special_count, BPE_SPECIAL));
    qsort(b->lengths, b->length_count, sizeof *b->lengths, by_length);
    for (size_t i = 0; i < b->length_count; i++)
        if (i == 0 || b->lengths[i] != b->lengths[kept - 1]) b->lengths[kept++] = b->lengths[i];
    b->length_count = kept;
done:
    return status;
}

/* The tokens that merges make of their own bytes: a list of merges in any order may have others. Long ones are left out. */
static void flag_joined(bpe_tokenizer *b, const vocabulary *tokens) {
    enum { AT_ONCE = 32 };
    bpe_job  jobs[AT_ONCE];
    uint32_t ids[AT_ONCE * BPE_SHORT];
    for (size_t first = 0; first < b->merge_count; first += AT_ONCE) {
        size_t count = 0, bytes;
        for (size_t i = first; i < b->merge_count && i < first + AT_ONCE; i++, count++) {
            const char *text = vocabulary_token(tokens, b->merges[i].whole, &bytes);
            jobs[count] = (bpe_job){text, bytes <= BPE_SHORT ? bytes : 0, 0, ids + count * BPE_SHORT};
        }
        bpe_join_shorts(&b->joiner, jobs, count, BPE_NO_MERGE);
        for (size_t i = 0; i < count; i++)
            if (jobs[i].count == 1) b->flags[jobs[i].ids[0]] |= BPE_WHOLE;
    }
}

/* A piece may become a token as a whole when it is a byte, or when the merges that make it up join it again. */
static void flag_whole(bpe_tokenizer *b, const vocabulary *tokens) {
    flag_joined(b, tokens);
    for (int byte = 0; byte < 256; byte++) b->flags[b->joiner.bytes[byte]] |= BPE_WHOLE;
    for (uint32_t id = 0; id < tokens->count; id++) {
        size_t bytes;
        vocabulary_token(tokens, id, &bytes);
        if (!b->merges || b->whole_first) b->flags[id] |= BPE_WHOLE;
        if (b->flags[id] & (BPE_ADDED | BPE_SPECIAL)) b->flags[id] &= (unsigned char)~BPE_WHOLE;
        if (b->flags[id] & BPE_WHOLE && bytes > b->longest) b->longest = bytes;
    }
}

static canto_status fill(bpe_tokenizer *b, const vocabulary *tokens, const bpe_parts *parts) {
    canto_status status;
    b->whole_first = parts->whole_first;
    if (tokens->count > BPE_MOST)
        FAIL(CANTO_ERROR_FORMAT, "the vocabulary has %lu ids; a byte-pair encoding has %ld at most",
             (unsigned long)tokens->count, (long)BPE_MOST);
    int missing = bpe_take_bytes(&b->joiner, tokens);
    if (missing < 256)
        FAIL(CANTO_ERROR_FORMAT, "the vocabulary has no token for the byte %d; every one of the 256 needs one",
             missing);
    TRY(take_added(b, tokens, parts));
    TRY(add_merges(b, tokens, parts));
    flag_whole(b, tokens);
done:
    return status;
}

canto_status tokenizer_bpe_new(canto_context *context, bpe_parts *parts, canto_tokenizer **tokenizer) {
    canto_tokenizer *t = NULL;
    canto_status     status;
    *tokenizer = NULL;
    TRY(tokenizer_new(context, &tokenizer_bpe, &t));
    t->tokens = parts->tokens;
    parts->tokens = (vocabulary){.context = context};
    t->bpe = context_allocate_zeroed(context, 1, sizeof *t->bpe);
    if (!t->bpe) TRY(context_no_memory(sizeof *t->bpe, "a tokenizer"));
    t->bpe->context = t->bpe->joiner.context = context;
    t->bpe->cutter = parts->cutter;
    parts->cutter = (pattern){0};
    TRY(fill(t->bpe, &t->tokens, parts));
    tokenizer_finish(t);
    *tokenizer = t;
    t = NULL;
done:
    vocabulary_close(&parts->tokens);
    pattern_close(&parts->cutter);
    canto_tokenizer_close(t);
    return status;
}

const tokenizer_kind tokenizer_bpe = {.name = "bpe",
                                      .joint = "",
                                      .text_separator = "\n",
                                      .takes_specials = true,
                                      .takes_bytes = true,
                                      .encode = encode,
                                      .encode_special = encode_special,
                                      .cut = cut,
                                      .write = tokenizer_bpe_write};
