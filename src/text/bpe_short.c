/* bpe_short.c - joining short pieces, a few of them in turn.
 *
 * A merge of a piece cannot be chosen before the last one's new neighbours have been looked up, and the table of merges
 * is larger than the near caches: a piece by itself mostly waits. So LANES pieces go on side by side, a merge each, and what
 * one looks up comes from memory while the others choose. */
#include "text/bpe.h"

#include <string.h>

enum { LANES = 4, PLACE_BITS = 7, ROOM = BPE_SHORT + 4 };

/* A piece being joined. Its tokens are at places 1 .. count; places 0 and count + 1 are before the first and after the last, a
 * token that no merge has. orders[i] is of the merge with the next token, such that the least is to be done first: rank,
 * place. A place whose token has gone stays free. */
typedef struct lane {
    bpe_job      *job;
    size_t        count, at, left; /* the token made last, and the one before it */
    uint64_t      key, left_key;   /* of their pairs, which are to be looked up */
    size_t        home, left_home;
    uint32_t      tokens[ROOM];
    int32_t       orders[ROOM];
    unsigned char next[ROOM], before[ROOM];
} lane;

static inline int32_t order_of(uint32_t rank, size_t place) { return (int32_t)(rank << PLACE_BITS | place); }

/* The first tokens. Two bytes whose merge has a lower rank than all that could take one of them from the other, seen the
 * bytes beside them, become one at once: most merges are of this kind, and none of them has to be chosen. */
static void first_tokens(const bpe *b, lane *l, const unsigned char *text, size_t bytes, uint32_t limit) {
    static const bpe_pair edge = {BPE_NO_MERGE, BPE_NO_MERGE, BPE_NO_MERGE, 0};
    const bpe_pair       *before = &edge, *pair = bytes > 1 ? &b->pairs[(size_t)text[0] << 8 | text[1]] : &edge;
    size_t                place = 1;
    bool                  joined = false; /* to the byte before */
    for (size_t i = 0; i < bytes; i++) {
        const bpe_pair *after = i + 2 < bytes ? &b->pairs[(size_t)text[i + 1] << 8 | text[i + 2]] : &edge;
        bool sure = (pair->rank < before->before) & (pair->rank <= after->after) & (pair->rank < limit) & !pair->late;
        l->tokens[place] = sure ? bpe_whole(b, (uint32_t)pair->rank) : b->bytes[text[i]];
        place += !joined;
        joined = sure;
        before = pair;
        pair = after;
    }
    l->count = place - 1;
}

static void begin(const bpe *b, lane *l, bpe_job *job, uint32_t limit) {
    l->job = job;
    first_tokens(b, l, (const unsigned char *)job->text, job->bytes, limit);
    l->tokens[0] = l->tokens[l->count + 1] = BPE_MOST;
    for (size_t i = 1; i <= l->count; i++) PREFETCH(b->slots + bpe_home(b, bpe_key(l->tokens[i], l->tokens[i + 1])));
    for (size_t i = 1; i <= l->count; i++) {
        l->orders[i] = order_of(bpe_find(b, l->tokens[i], l->tokens[i + 1]), i);
        l->next[i] = (unsigned char)(i + 1);
        l->before[i] = (unsigned char)(i - 1);
    }
    for (size_t i = 0; i < 4; i++) l->orders[l->count + i] = order_of(BPE_NO_MERGE, 0);
    l->orders[0] = order_of(BPE_NO_MERGE, 0);
}

/* The least order. */
static inline int32_t least(const lane *l) {
    int32_t low[4] = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
    for (size_t i = 0; i < l->count; i += 4)
        for (size_t j = 0; j < 4; j++) low[j] = l->orders[i + j] < low[j] ? l->orders[i + j] : low[j];
    low[0] = low[0] < low[1] ? low[0] : low[1];
    low[2] = low[2] < low[3] ? low[2] : low[3];
    return low[0] < low[2] ? low[0] : low[2];
}

/* Does the next merge of lower order than limit; its new neighbours are to be looked up then. False: there is none. */
static inline bool merge(const bpe *b, lane *l, int32_t limit) {
    int32_t best = least(l);
    if (best >= limit) return false;
    size_t at = (size_t)best & ((1u << PLACE_BITS) - 1), gone = l->next[at], after = l->next[gone],
           left = l->before[at];
    uint32_t whole = bpe_whole(b, (uint32_t)best >> PLACE_BITS);
    l->tokens[at] = whole;
    l->next[at] = (unsigned char)after;
    l->before[after] = (unsigned char)at;
    l->orders[gone] = order_of(BPE_NO_MERGE, 0);
    l->at = at, l->left = left;
    l->key = bpe_key(whole, l->tokens[after]);
    l->left_key = bpe_key(l->tokens[left], whole);
    l->home = bpe_home(b, l->key);
    l->left_home = bpe_home(b, l->left_key);
    PREFETCH(b->slots + l->home);
    PREFETCH(b->slots + l->left_home);
    return true;
}

static inline void look_up(const bpe *b, lane *l) {
    l->orders[l->at] = order_of(bpe_find_at(b, l->key, l->home), l->at);
    l->orders[l->left] = order_of(bpe_find_at(b, l->left_key, l->left_home), l->left);
}

static void end(lane *l) {
    size_t count = 0;
    for (size_t i = 1; i <= l->count; i = l->next[i]) l->job->ids[count++] = l->tokens[i];
    l->job->count = count;
}

void bpe_join_shorts(const bpe *b, bpe_job *jobs, size_t count, uint32_t limit) {
    lane          lanes[LANES], *active[LANES];
    const int32_t none = order_of(limit, 0);
    size_t        busy = 0, begun = 0;
    for (; busy < LANES && begun < count; busy++) {
        active[busy] = &lanes[busy];
        begin(b, active[busy], &jobs[begun++], limit);
    }
    while (busy) {
        for (size_t i = 0; i < busy;) {
            if (merge(b, active[i], none)) {
                i++;
                continue;
            }
            end(active[i]);
            if (begun < count) begin(b, active[i], &jobs[begun++], limit);
            else active[i] = active[--busy];
        }
        for (size_t i = 0; i < busy; i++) look_up(b, active[i]);
    }
}
