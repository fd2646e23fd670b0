/* test_bpe_learn.c - training of byte-pair merges: the fast trainer beside an obvious one, pieces counted whatever the
 * threads and portions, the bound of memory, patterns of a user's own. */
#include "unit.h"

#include "text/bpe_learn.h"
#include "text/piece_count.h"
#include "text/pretokenize.h"

/* ------------------------------------------------------------------------------------- the obvious trainer */

/* Texts as rows of tokens; everything is counted anew for every merge. */
typedef struct row {
    uint32_t *ids;
    size_t    count;
    uint64_t  seen;
} row;

typedef struct obvious {
    row       *rows;
    size_t     row_count;
    bpe_merge *merges;
    size_t     merge_count;
    char     **tokens; /* tokens[id] of sizes[id] bytes */
    size_t    *sizes;
    uint32_t   count;
} obvious;

static void merge_rows(obvious *o, bpe_merge m) {
    for (size_t r = 0; r < o->row_count; r++) {
        row   *w = &o->rows[r];
        size_t kept = 0;
        for (size_t i = 0; i < w->count; i++) {
            bool both = i + 1 < w->count && w->ids[i] == m.left && w->ids[i + 1] == m.right;
            w->ids[kept++] = both ? m.whole : w->ids[i];
            i += both;
        }
        w->count = kept;
    }
}

static uint64_t count_pair(const obvious *o, uint32_t left, uint32_t right) {
    uint64_t sum = 0;
    for (size_t r = 0; r < o->row_count; r++)
        for (size_t i = 0; i + 1 < o->rows[r].count; i++)
            if (o->rows[r].ids[i] == left && o->rows[r].ids[i + 1] == right) sum += o->rows[r].seen;
    return sum;
}

/* The most frequent pair; of several the smallest. Every pair that stands anywhere is counted once a place. */
static uint64_t best_pair(const obvious *o, uint32_t named, bpe_merge *best) {
    uint64_t most = 0;
    for (size_t r = 0; r < o->row_count; r++)
        for (size_t i = 0; i + 1 < o->rows[r].count; i++) {
            uint32_t left = o->rows[r].ids[i], right = o->rows[r].ids[i + 1];
            size_t   bytes = o->sizes[left] + o->sizes[right];
            bool     special = false;
            for (uint32_t s = 0; s < named; s++)
                special = special || (o->sizes[s] == bytes && !memcmp(o->tokens[s], o->tokens[left], o->sizes[left]) &&
                                      !memcmp(o->tokens[s] + o->sizes[left], o->tokens[right], o->sizes[right]));
            if (special || bytes > BPE_TOKEN_BYTES) continue;
            uint64_t count = count_pair(o, left, right);
            if (count > most || (count == most && (left < best->left || (left == best->left && right < best->right)))) {
                most = count;
                *best = (bpe_merge){left, right, 0};
            }
        }
    return most;
}

static uint32_t obvious_token(obvious *o, const char *bytes, size_t size) {
    for (uint32_t id = 0; id < o->count; id++)
        if (o->sizes[id] == size && memcmp(o->tokens[id], bytes, size) == 0) return id;
    o->tokens[o->count] = malloc(size + 1);
    assert_non_null(o->tokens[o->count]);
    memcpy(o->tokens[o->count], bytes, size);
    o->sizes[o->count] = size;
    return o->count++;
}

static void obvious_train(obvious *o, uint32_t named, uint32_t size, uint64_t least) {
    while (o->count < size) {
        bpe_merge best = {0, 0, 0};
        if (best_pair(o, named, &best) < least || count_pair(o, best.left, best.right) == 0) return;
        char token[BPE_TOKEN_BYTES];
        memcpy(token, o->tokens[best.left], o->sizes[best.left]);
        memcpy(token + o->sizes[best.left], o->tokens[best.right], o->sizes[best.right]);
        best.whole = obvious_token(o, token, o->sizes[best.left] + o->sizes[best.right]);
        o->merges = realloc(o->merges, (o->merge_count + 1) * sizeof best);
        assert_non_null(o->merges);
        merge_rows(o, best);
        o->merges[o->merge_count++] = best;
    }
}

/* -------------------------------------------------------------------------------------------- both of them */

/* The vocabulary that both begin with: special tokens, then the bytes by value. */
static void begin_tokens(vocabulary *tokens, const char *const *specials, uint32_t named, uint32_t ids[256]) {
    *tokens = (vocabulary){.context = context};
    for (uint32_t i = 0; i < named; i++) ok(vocabulary_add(tokens, specials[i], strlen(specials[i]), NULL));
    for (unsigned byte = 0; byte < 256; byte++) {
        char token = (char)byte;
        ok(vocabulary_add(tokens, &token, 1, &ids[byte]));
    }
}

static void count_text(piece_counter **counter, const pattern *cutter, const char *text, size_t bytes) {
    ok(piece_counter_open(context, cutter, (size_t)1 << 28, counter));
    ok(piece_counter_add(*counter, text, bytes));
    ok(piece_counter_end_text(*counter));
}

static obvious obvious_of(const piece_table *t, const vocabulary *tokens, const uint32_t ids[256], uint32_t size) {
    obvious o = {.row_count = t->count};
    o.rows = calloc(t->count + 1, sizeof *o.rows);
    o.tokens = calloc(size + 1, sizeof *o.tokens);
    o.sizes = calloc(size + 1, sizeof *o.sizes);
    assert_true(o.rows && o.tokens && o.sizes);
    for (uint32_t id = 0; id < tokens->count; id++) {
        size_t      bytes;
        const char *token = vocabulary_token(tokens, id, &bytes);
        obvious_token(&o, token, bytes);
    }
    for (uint32_t i = 0; i < t->count; i++) {
        o.rows[i] = (row){calloc(t->pieces[i].bytes, sizeof(uint32_t)), t->pieces[i].bytes, t->pieces[i].count};
        assert_non_null(o.rows[i].ids);
        for (size_t j = 0; j < t->pieces[i].bytes; j++)
            o.rows[i].ids[j] = ids[(unsigned char)t->text[t->pieces[i].start + j]];
    }
    return o;
}

static void obvious_close(obvious *o) {
    for (size_t i = 0; i < o->row_count; i++) free(o->rows[i].ids);
    for (uint32_t i = 0; i < o->count; i++) free(o->tokens[i]);
    free(o->rows);
    free(o->tokens);
    free(o->sizes);
    free(o->merges);
}

/* The fast trainer makes the merges and tokens of the obvious one, with much memory and with hardly any. */
static void same_as_obvious(const char *text, size_t bytes, const char *const *specials, uint32_t named, uint32_t size,
                            uint64_t least) {
    for (size_t memory = 0; memory <= (size_t)1 << 26; memory += (size_t)1 << 26) {
        pattern        cutter;
        piece_counter *counter;
        vocabulary     tokens;
        piece_list     pieces;
        uint32_t       ids[256];
        ok(pattern_open(context, "gpt2", &cutter));
        begin_tokens(&tokens, specials, named, ids);
        count_text(&counter, &cutter, text, bytes);
        obvious o = obvious_of(piece_counter_table(counter), &tokens, ids, size + 256);
        obvious_train(&o, named, size, least);
        ok(piece_table_list(piece_counter_table(counter), ids, &pieces));
        bpe_learning l = {.context = context,
                          .pieces = &pieces,
                          .tokens = &tokens,
                          .named = named,
                          .size = size,
                          .least = least,
                          .memory = memory};
        ok(bpe_learn(&l));
        assert_int_equal(l.merge_count, o.merge_count);
        for (size_t i = 0; i < l.merge_count; i++)
            if (memcmp(&l.merges[i], &o.merges[i], sizeof(bpe_merge)) != 0)
                fail_msg("merge %zu is %u %u -> %u, not %u %u -> %u", i, l.merges[i].left, l.merges[i].right,
                         l.merges[i].whole, o.merges[i].left, o.merges[i].right, o.merges[i].whole);
        assert_int_equal(tokens.count, o.count);
        uint64_t left = 0;
        for (size_t r = 0; r < o.row_count; r++) left += o.rows[r].count * o.rows[r].seen;
        assert_true(l.text_bytes == bytes && l.text_tokens == left);
        context_release(context, l.merges);
        piece_list_close(context, &pieces);
        piece_counter_close(counter);
        vocabulary_close(&tokens);
        obvious_close(&o);
        pattern_close(&cutter);
    }
}

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u, *state >> 16; }

/* Words of few letters, so that ties and overlaps are many. */
static char *random_words(size_t bytes, uint32_t letters, uint32_t seed) {
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++) {
        uint32_t draw = next_random(&seed);
        text[i] = draw % 23 == 0 ? ' ' : (char)('a' + draw / 23 % letters);
    }
    text[bytes] = 0;
    return text;
}

static void test_merges_of_random_words(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        char *text = random_words(400 + 50 * seed, 1 + seed % 4, seed);
        same_as_obvious(text, strlen(text), NULL, 0, 2000, 1 + seed % 3);
        free(text);
    }
}

static void test_merges_of_prose(void **state) {
    static const char text[] =
        "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
        "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
        "Darkness, it was the spring of hope, it was the winter of despair.\n\n\nIl \xC3\xA9tait une fois, \xC3\xA0 "
        "c\xC3\xB4t\xC3\xA9 du ch\xC3\xA2teau ... 1234 12345 123456!!!! \xFF\xFE\xC3 "
        "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"
        "\xE6\x97\xA5\xE6\x9C\xAC        hahahahahaha mississippi banananana\n";
    static const char *const specials[] = {"<s>", "wa", " the"};
    (void)state;
    same_as_obvious(text, sizeof text - 1, NULL, 0, 420, 2);
    same_as_obvious(text, sizeof text - 1, specials, 3, 600, 1);
    same_as_obvious(text, sizeof text - 1, NULL, 0, 300, 5);
}

static void test_merges_of_one_word(void **state) {
    char text[3001];
    (void)state;
    memset(text, 'a', 3000);
    text[3000] = 0;
    same_as_obvious(text, 3000, NULL, 0, 600, 1); /* the longest token is of 1024 bytes */
    same_as_obvious(text, 2 * BPE_TOKEN_BYTES + 1, NULL, 0, 600, 1);
    for (size_t i = 0; i < 3000; i++) text[i] = (char)('a' + i * i / 7 % 3);
    same_as_obvious(text, 1200, NULL, 0, 500, 1);
    same_as_obvious("", 0, NULL, 0, 500, 1);
    same_as_obvious("a", 1, NULL, 0, 500, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_merges_of_random_words),
                                       cmocka_unit_test(test_merges_of_prose),
                                       cmocka_unit_test(test_merges_of_one_word)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
