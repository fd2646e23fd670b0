/* bpe_learn.c - merging with counts that are kept, not taken again.
 *
 * No token is ever made twice: where nothing has been merged over the two ends of a stretch of text, what was merged
 * inside does not depend on what is outside, so a stretch is cut up in one way only. Hence all places of a pair arise in the
 * one step that makes its younger token; from then on it gets rarer. And lists of places stay in the order of the text.
 *
 * A pair that occurs at least `least_listed` times is listed: its entry has its exact count and a list of the places where
 * it stands, some of which may be out of date. The others are not listed and occur less often. When the best listed pair has
 * become as rare, all places are looked over again (survey) with a smaller least_listed. So the many rare pairs, which
 * are never merged, cost nothing.
 *
 * A merge of (l, r) into n changes four families of pairs: (x, l) and (r, y) lose, (x, n) and (n, y) gain, for every neighbour x
 * on the left and y on the right. What they lose and gain is summed up by neighbour, and each pair is looked up once a
 * merge, not once a place. Then a second pass over the merged places writes the lists of those new pairs that occur often
 * enough. */
#include "text/bpe_learn.h"

#include "base/progress.h"
#include "text/pair_table.h"

#include <string.h>

enum {
    LEAP = 32,      /* pairs that are so many times rarer than the best one are not listed */
    ALL_LISTED = 4, /* below that all are */
    WORK = 1 << 16  /* places between two tellings */
};

typedef struct place {
    uint32_t cell, piece; /* of the left token; in the list of counts */
} place;

/* What a merge does to the pairs of one neighbour. All zero between merges. */
typedef struct neighbour {
    uint64_t gained, lost;       /* of its pair with the token made, and with the old token */
    size_t   first;              /* the list of its pair with the token made, if room > 0 */
    uint32_t places, size, room; /* places: as many as there are at most */
} neighbour;

/* All neighbours on one side. */
typedef struct side {
    neighbour *beside;  /* [ids] by token id */
    uint32_t  *touched; /* [ids] those that are not zero */
    uint32_t   count;
} side;

typedef struct learner {
    bpe_learning *asked;
    uint32_t     *cells, *lengths; /* lengths[ids]: of each token in bytes */
    uint64_t     *counts;
    pair_table    pairs;
    uint64_t      least_listed;
    place        *places; /* all lists */
    size_t        place_count, place_room, place_most;
    side          left, right;
    uint64_t     *refused; /* pairs whose bytes are a special token */
    size_t        refused_count, refused_room;
    char          token[BPE_TOKEN_BYTES];
    progress      told;
    size_t        work; /* places since the last telling */
} learner;

/* A list of so many places behind all others; *first is where. */
static canto_status new_list(learner *t, size_t size, size_t *first) {
    canto_status status;
    TRY(context_reserve(t->asked->context, (void **)&t->places, &t->place_room, t->place_count + size,
                        sizeof *t->places, "merging"));
    *first = t->place_count;
    t->place_count += size;
done:
    return status;
}

static canto_status tell(learner *t, size_t work) {
    t->work += work;
    if (t->work < WORK || !progress_due(&t->told, t->asked->tokens->count)) return status_ok();
    t->work = 0;
    return progress_tell(&t->told, t->asked->tokens->count);
}

/* ------------------------------------------------------------------------------------- looking all over again */

static bool may_merge(const learner *t, uint32_t left, uint32_t right) {
    return right != PIECE_BORDER && t->lengths[left] + t->lengths[right] <= BPE_TOKEN_BYTES;
}

/* Where a walk over the pairs of all pieces is. Begin with {.next = 1}. */
typedef struct walk {
    size_t   cell, next;
    uint32_t piece;
    uint64_t pair;
} walk;

/* The next pair that may be merged; false at the end. */
static inline bool walk_on(const learner *t, walk *w) {
    size_t cells = t->asked->pieces->cell_count;
    while (w->next < cells) {
        uint32_t left = t->cells[w->next];
        w->cell = w->next;
        if (left == PIECE_BORDER) {
            w->next++;
            w->piece++;
            continue;
        }
        w->next += t->lengths[left];
        w->pair = pair_of(left, t->cells[w->next]);
        if (may_merge(t, left, t->cells[w->next])) return true;
    }
    return false;
}

static size_t sketch_slot(uint64_t pair, size_t slots) {
    return (size_t)((pair * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (slots - 1);
}

/* sketch[slots]: how often all pairs that share a slot occur together; returns the most of any. No pair occurs more often. */
static uint64_t count_roughly(const learner *t, uint64_t *sketch, size_t slots) {
    uint64_t most = 0;
    memset(sketch, 0, slots * sizeof *sketch);
    for (walk w = {.next = 1}; walk_on(t, &w);) {
        uint64_t *sum = &sketch[sketch_slot(w.pair, slots)];
        *sum += t->counts[w.piece];
        if (*sum > most) most = *sum;
    }
    return most;
}

static bool is_refused(const learner *t, uint64_t pair) {
    for (size_t i = 0; i < t->refused_count; i++)
        if (t->refused[i] == pair) return true;
    return false;
}

/* Exact counts, and numbers of places, of the pairs that may occur least_listed times. */
static canto_status count_exactly(learner *t, const uint64_t *sketch, size_t slots) {
    canto_status status = status_ok();
    pair_entry  *entry;
    pair_table_clear(&t->pairs);
    for (walk w = {.next = 1}; walk_on(t, &w);) {
        if (sketch[sketch_slot(w.pair, slots)] < t->least_listed || is_refused(t, w.pair)) continue;
        TRY(pair_table_add(&t->pairs, w.pair, &entry));
        entry->count += t->counts[w.piece];
        entry->size++;
    }
done:
    return status;
}

/* How many places are listed, were all pairs listed that occur so often. */
static size_t places_of(const learner *t, uint64_t least) {
    size_t sum = 0;
    for (uint32_t i = 0; i < t->pairs.count; i++)
        if (t->pairs.entries[i].count >= least) sum += t->pairs.entries[i].size;
    return sum;
}

/* Gives every pair that occurs often enough a list and a place in the heap. */
static canto_status list_pairs(learner *t) {
    canto_status status = status_ok();
    t->place_count = 0;
    for (uint32_t i = 0; i < t->pairs.count; i++) {
        pair_entry *entry = &t->pairs.entries[i];
        entry->listed = entry->count >= t->least_listed;
        if (entry->listed) {
            TRY(new_list(t, entry->size, &entry->first));
            TRY(pair_table_offer(&t->pairs, entry->pair, entry->count));
        }
        entry->size = 0;
    }
    for (walk w = {.next = 1}; walk_on(t, &w);) {
        pair_entry *entry = pair_table_find(&t->pairs, w.pair);
        if (entry && entry->listed) t->places[entry->first + entry->size++] = (place){(uint32_t)w.cell, w.piece};
    }
done:
    return status;
}

/* Lists the pairs that are not much rarer than the best one, which occurs `most` times at most; fewer pairs when there is no
 * memory for all of these lists, but at least the best. */
static canto_status survey(learner *t, uint64_t most) {
    canto_status status;
    size_t       slots = 1 << 12;
    while (slots < t->asked->pieces->cell_count / 8 && slots < (size_t)1 << 22) slots *= 2;
    uint64_t *sketch = context_allocate(t->asked->context, slots * sizeof *sketch);
    if (!sketch) TRY(context_no_memory(slots * sizeof *sketch, "merging"));
    uint64_t rough = count_roughly(t, sketch, slots);
    t->least_listed = (rough < most ? rough : most) / LEAP;
    if (t->least_listed < ALL_LISTED) t->least_listed = 1;
    TRY(count_exactly(t, sketch, slots));
    while (places_of(t, t->least_listed) > t->place_most / 2 && places_of(t, 2 * t->least_listed) > 0)
        t->least_listed *= 2;
    TRY(list_pairs(t));
    TRY(tell(t, t->asked->pieces->cell_count));
done:
    context_release(t->asked->context, sketch);
    return status;
}

/* ------------------------------------------------------------------------------------------------- one merge */

static neighbour *touch(side *s, uint32_t token) {
    neighbour *n = &s->beside[token];
    if (!n->places) s->touched[s->count++] = token;
    n->places++;
    return n;
}

/* First pass: merges at those places of the list that are still of the pair, and keeps these alone. */
static size_t merge_places(learner *t, bpe_merge p, place *list, size_t size) {
    uint32_t *cells = t->cells, left = t->lengths[p.left], both = left + t->lengths[p.right];
    size_t    kept = 0;
    for (size_t i = 0; i < size; i++) {
        size_t at = list[i].cell, end = at + both;
        if (cells[at] != p.left || cells[at + left] != p.right) continue;
        uint32_t before = cells[at - 1], after = cells[end];
        uint64_t count = t->counts[list[i].piece];
        if (before != PIECE_BORDER) {
            neighbour *n = touch(&t->left, before);
            n->gained += count;
            if (before == p.whole) t->right.beside[p.left].gained -= count; /* it gained that a moment ago */
            else n->lost += count;
        }
        if (after != PIECE_BORDER) {
            neighbour *n = touch(&t->right, after);
            n->gained += count;
            n->lost += count;
        }
        cells[at + left] = PIECE_BORDER; /* nothing begins here any more */
        cells[at] = cells[end - 1] = p.whole;
        t->asked->text_tokens -= count;
        list[kept++] = list[i];
    }
    return kept;
}

static void lose(learner *t, uint64_t pair, uint64_t lost) {
    pair_entry *entry = lost ? pair_table_find(&t->pairs, pair) : NULL;
    if (entry) entry->count -= lost < entry->count ? lost : entry->count;
}

/* A new pair is listed when it occurs often enough. What is not written of its list stays {0, 0}, where no token is. */
static canto_status gain(learner *t, uint64_t pair, neighbour *n) {
    canto_status status = status_ok();
    pair_entry  *entry;
    if (n->gained < t->least_listed || !may_merge(t, (uint32_t)(pair >> 32), (uint32_t)pair)) goto done;
    TRY(pair_table_add(&t->pairs, pair, &entry));
    TRY(new_list(t, n->places, &n->first));
    memset(t->places + n->first, 0, n->places * sizeof(place));
    n->room = n->places;
    *entry = (pair_entry){pair, n->gained, n->first, n->room, true};
    TRY(pair_table_offer(&t->pairs, pair, n->gained));
done:
    return status;
}

/* Between the passes: every pair loses and gains what its neighbour has summed up. */
static canto_status settle(learner *t, bpe_merge p) {
    canto_status status = status_ok();
    for (uint32_t i = 0; i < t->left.count; i++) {
        uint32_t x = t->left.touched[i];
        lose(t, pair_of(x, p.left), t->left.beside[x].lost);
        TRY(gain(t, pair_of(x, p.whole), &t->left.beside[x]));
    }
    for (uint32_t i = 0; i < t->right.count; i++) {
        uint32_t y = t->right.touched[i];
        lose(t, pair_of(p.right, y), t->right.beside[y].lost);
        TRY(gain(t, pair_of(p.whole, y), &t->right.beside[y]));
    }
done:
    return status;
}

static void put(learner *t, neighbour *n, size_t cell, uint32_t piece) {
    if (n->size < n->room) t->places[n->first + n->size++] = (place){(uint32_t)cell, piece};
}

/* Second pass: every merged place is one of the pairs with its neighbours. Of two merged ones side by side the right one
 * says so. */
static void write_places(learner *t, uint32_t made, size_t first, size_t size) {
    for (size_t i = 0; i < size; i++) {
        place    here = t->places[first + i];
        uint32_t before = t->cells[here.cell - 1], after = t->cells[here.cell + t->lengths[made]];
        if (before != PIECE_BORDER) put(t, &t->left.beside[before], here.cell - t->lengths[before], here.piece);
        if (after != PIECE_BORDER && after != made) put(t, &t->right.beside[after], here.cell, here.piece);
    }
}

static void forget(side *s) {
    for (uint32_t i = 0; i < s->count; i++) s->beside[s->touched[i]] = (neighbour){0};
    s->count = 0;
}

static canto_status merge_list(learner *t, bpe_merge p, size_t first, size_t size) {
    canto_status status;
    size = merge_places(t, p, t->places + first, size);
    TRY(settle(t, p));
    write_places(t, p.whole, first, size);
    forget(&t->left);
    forget(&t->right);
done:
    return status;
}

/* The token of a pair; VOCABULARY_NONE when it is a special one. */
static canto_status make_token(learner *t, uint64_t pair, uint32_t *made) {
    canto_status status;
    vocabulary  *tokens = t->asked->tokens;
    size_t       left, right;
    const char  *token = vocabulary_token(tokens, (uint32_t)(pair >> 32), &left);
    memcpy(t->token, token, left);
    token = vocabulary_token(tokens, (uint32_t)pair, &right);
    memcpy(t->token + left, token, right);
    TRY(vocabulary_add(tokens, t->token, left + right, made));
    if (*made >= t->asked->named) {
        t->lengths[*made] = (uint32_t)(left + right);
        goto done;
    }
    TRY(context_reserve(t->asked->context, (void **)&t->refused, &t->refused_room, t->refused_count + 1, sizeof pair,
                        "merging"));
    t->refused[t->refused_count++] = pair;
    *made = VOCABULARY_NONE;
done:
    return status;
}

static canto_status merge_pair(learner *t, pair_entry *best) {
    canto_status  status;
    bpe_learning *a = t->asked;
    size_t        first = best->first, size = best->size;
    bpe_merge     merge = {(uint32_t)(best->pair >> 32), (uint32_t)best->pair, 0};
    best->count = 0;
    best->listed = false;
    TRY(make_token(t, best->pair, &merge.whole));
    if (merge.whole == VOCABULARY_NONE) goto done;
    TRY(context_reserve(a->context, (void **)&a->merges, &a->merge_room, a->merge_count + 1, sizeof merge, "merging"));
    a->merges[a->merge_count++] = merge;
    TRY(merge_list(t, merge, first, size));
    if (a->tokens->count >= 512 && a->tokens->count < a->size && (a->tokens->count & (a->tokens->count - 1)) == 0)
        context_log(a->context, CANTO_LOG_INFO, "%lu tokens: %.3f bytes a token", (unsigned long)a->tokens->count,
                    (double)a->text_bytes / (double)a->text_tokens);
    TRY(tell(t, size));
done:
    return status;
}

/* --------------------------------------------------------------------------------------------------- learning */

/* Room for lists until the next survey: what there is, but at least as much again. */
static size_t limit_of(const learner *t) {
    return t->place_count * 2 > t->place_most ? t->place_count * 2 : t->place_most;
}

static canto_status learn(learner *t) {
    canto_status status;
    TRY(survey(t, UINT64_MAX));
    size_t limit = limit_of(t);
    while (t->asked->tokens->count < t->asked->size) {
        pair_entry *best = pair_table_best(&t->pairs);
        bool        sure = best && best->count >= t->least_listed; /* else one that is not listed may be as frequent */
        uint64_t    most = sure ? best->count : t->least_listed - 1;
        if (most < t->asked->least) break;
        if (sure && t->place_count <= limit) {
            TRY(merge_pair(t, best));
        } else {
            TRY(survey(t, most));
            limit = limit_of(t);
        }
    }
done:
    return status;
}

static canto_status open_side(const learner *t, side *s, size_t ids) {
    s->beside = context_allocate_zeroed(t->asked->context, ids, sizeof *s->beside);
    s->touched = context_allocate_zeroed(t->asked->context, ids, sizeof *s->touched);
    return s->beside && s->touched ? status_ok() : context_no_memory(ids * sizeof *s->beside, "merging");
}

static void close_side(const learner *t, side *s) {
    context_release(t->asked->context, s->beside);
    context_release(t->asked->context, s->touched);
}

/* There are at most as many tokens as wanted, nor more than the texts have cells. */
static canto_status begin(learner *t) {
    canto_status  status;
    bpe_learning *a = t->asked;
    size_t        ids = (size_t)a->tokens->count + a->pieces->cell_count, length;
    if (ids > a->size) ids = a->size > a->tokens->count ? a->size : a->tokens->count;
    t->place_most = a->memory / sizeof(place);
    t->told = progress_begin(a->context, a->size, 1, "merging pairs of tokens");
    t->lengths = context_allocate_zeroed(a->context, ids, sizeof *t->lengths);
    if (!t->lengths) TRY(context_no_memory(ids * sizeof *t->lengths, "merging"));
    for (uint32_t id = 0; id < a->tokens->count; id++) {
        vocabulary_token(a->tokens, id, &length);
        t->lengths[id] = (uint32_t)length;
    }
    TRY(open_side(t, &t->left, ids));
    TRY(open_side(t, &t->right, ids));
done:
    return status;
}

/* The pieces are of single bytes now: all of their cells but the borders are tokens. */
static void count_text(bpe_learning *a) {
    size_t piece = 0;
    a->text_bytes = 0;
    for (size_t at = 1; at < a->pieces->cell_count; at++) {
        if (a->pieces->cells[at] == PIECE_BORDER) piece++;
        else a->text_bytes += a->pieces->counts[piece];
    }
    a->text_tokens = a->text_bytes;
}

canto_status bpe_learn(bpe_learning *l) {
    learner      t = {.asked = l, .cells = l->pieces->cells, .counts = l->pieces->counts, .pairs.context = l->context};
    canto_status status;
    l->merges = NULL;
    l->merge_count = l->merge_room = 0;
    count_text(l);
    TRY(begin(&t));
    if (l->pieces->count) TRY(learn(&t));
done:
    pair_table_close(&t.pairs);
    close_side(&t, &t.left);
    close_side(&t, &t.right);
    context_release(l->context, t.lengths);
    context_release(l->context, t.places);
    context_release(l->context, t.refused);
    return status;
}
