/* test_bpe.c - byte-pair encodings: OpenAI's own ids, any bytes back, pieces of any length, special tokens, hostile files. */
#include "unit.h"

#include "text/tokenizer_bpe.h"

#include <jansson.h>

/* ------------------------------------------------------------------------------------------- vocabularies */

/* A file of the folder that the variable names, or a skipped test. */
static const char *given(const char *variable, const char *name) {
    static char path[1024];
    const char *where = getenv(variable);
    snprintf(path, sizeof path, "%s/%s", where ? where : ".", name);
    if (!where || access(path, R_OK) != 0) {
        print_message("skipped: set %s to a folder with %s\n", variable, name);
        skip();
    }
    return path;
}

static canto_tokenizer *open_given(const char *name) {
    canto_tokenizer *t;
    char             file[100];
    snprintf(file, sizeof file, "tokenizers/%s", name);
    ok(canto_tokenizer_open(context, given("CANTO_TEST_DATA", file), &t));
    return t;
}

/* A vocabulary of the bytes and a few joined ones, with two special tokens. "aa" comes before "aaa": three pairs make it up. */
static canto_tokenizer *make_small(pretokenizer kind) {
    static const char *const pairs[][2] = {{"a", "b"},    {"a", "a"}, {"aa", "aa"}, {" ", "ab"}, {"ab", "ab"},
                                           {"aaaa", "b"}, {"b", "c"}, {"ab", "c"},  {" ", " "},  {"\xC3", "\xA9"}};
    static const char *const names[] = {"gpt2", "cl100k", "o200k", "none"};
    enum { PAIRS = sizeof pairs / sizeof pairs[0] };
    bpe_merge        merges[PAIRS];
    uint32_t         specials[2];
    bpe_parts        parts = {.tokens.context = context, .merges = merges, .merge_count = PAIRS};
    canto_tokenizer *t;
    for (int byte = 0; byte < 256; byte++) ok(vocabulary_add(&parts.tokens, &(char){(char)byte}, 1, NULL));
    for (size_t i = 0; i < PAIRS; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s%s", pairs[i][0], pairs[i][1]);
        merges[i].left = vocabulary_find(&parts.tokens, pairs[i][0], strlen(pairs[i][0]));
        merges[i].right = vocabulary_find(&parts.tokens, pairs[i][1], strlen(pairs[i][1]));
        ok(vocabulary_add(&parts.tokens, text, strlen(text), &merges[i].whole));
    }
    ok(vocabulary_add(&parts.tokens, "<end>", 5, &specials[0]));
    ok(vocabulary_add(&parts.tokens, "<end>!", 6, &specials[1]));
    ok(pattern_open(context, names[kind], &parts.cutter));
    parts.specials = specials;
    parts.special_count = 2;
    ok(tokenizer_bpe_new(context, &parts, &t));
    return t;
}

/* ------------------------------------------------------------------------------------------------ golden */

static void same_ids(const uint32_t *ids, size_t count, const json_t *expected, const char *kind) {
    bool same = count == json_array_size(expected);
    for (size_t i = 0; same && i < count; i++) same = ids[i] == json_integer_value(json_array_get(expected, i));
    if (!same) print_message("a case of kind %s differs\n", kind);
    assert_true(same);
}

static void check_case(const canto_tokenizer *t, const json_t *c) {
    const json_t *text = json_object_get(c, "text");
    const char   *kind = json_string_value(json_object_get(c, "kind"));
    uint32_t     *ids;
    size_t        count, bytes;
    char         *back;
    assert_non_null(kind);
    ok(canto_tokenizer_encode(t, json_string_value(text), json_string_length(text), &ids, &count));
    same_ids(ids, count, json_object_get(c, "ids"), kind);
    ok(canto_tokenizer_decode(t, ids, count, &back, &bytes));
    assert_int_equal(bytes, json_string_length(text));
    assert_memory_equal(back, json_string_value(text), bytes);
    canto_free(context, ids);
    canto_free(context, back);
    ok(canto_tokenizer_encode_special(t, json_string_value(text), json_string_length(text), CANTO_SPECIAL_ALLOW, &ids,
                                      &count));
    same_ids(ids, count, json_object_get(c, "ids_special"), kind);
    canto_free(context, ids);
}

static void test_golden(void **state) {
    static const char *const forms[] = {"r50k_base.tiktoken", "encoder.json", "vocab.bpe"};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        FILE            *file = fopen(given("CANTO_GOLDEN", "gpt2_bpe_cases.jsonl"), "r");
        canto_tokenizer *t = open_given(forms[i]);
        char            *line = NULL;
        size_t           room = 0, cases = 0;
        assert_non_null(file);
        while (getline(&line, &room, file) > 0) {
            json_t *c = json_loads(line, JSON_ALLOW_NUL, NULL);
            assert_non_null(c);
            check_case(t, c);
            json_decref(c);
            cases++;
        }
        assert_true(cases > 100);
        free(line);
        fclose(file);
        canto_tokenizer_close(t);
    }
}

/* ------------------------------------------------------------------------------------------------- pieces */

/* The rule itself: again and again the lowest rank, the leftmost of equal ones. */
static size_t join_slowly(const bpe *b, const char *text, size_t bytes, uint32_t *ids) {
    size_t count = bytes;
    for (size_t i = 0; i < bytes; i++) ids[i] = b->bytes[(unsigned char)text[i]];
    for (;;) {
        const bpe_slot *best = NULL;
        size_t          at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            const bpe_slot *slot = bpe_find(b, ids[i], ids[i + 1]);
            if (slot && (!best || slot->rank < best->rank)) {
                best = slot;
                at = i;
            }
        }
        if (!best) return count;
        ids[at] = best->whole;
        memmove(ids + at + 1, ids + at + 2, (count - at - 2) * sizeof *ids);
        count--;
    }
}

static uint32_t next_random(uint32_t *state) { return (*state = *state * 1664525 + 1013904223) >> 8; }

static void check_piece(const canto_tokenizer *t, const char *text, size_t bytes) {
    uint32_t *expected = malloc((bytes + 1) * sizeof *expected), *ids;
    size_t    wanted, count;
    assert_non_null(expected);
    wanted = join_slowly(&t->bpe->joiner, text, bytes, expected);
    ok(canto_tokenizer_encode(t, text, bytes, &ids, &count));
    assert_int_equal(count, wanted);
    assert_memory_equal(ids, expected, count * sizeof *ids);
    canto_free(context, ids);
    free(expected);
}

static void test_pieces(void **state) {
    static char      text[6000];
    canto_tokenizer *t = make_small(PRETOKENIZER_NONE);
    uint32_t         random = 1;
    (void)state;
    for (size_t bytes = 1; bytes < 300; bytes++)
        for (int round = 0; round < 4; round++) {
            for (size_t i = 0; i < bytes; i++) text[i] = "aab c\xC3\xA9"[next_random(&random) % (round < 2 ? 3 : 7)];
            check_piece(t, text, bytes);
        }
    for (size_t bytes = 900; bytes < sizeof text; bytes += 411) {
        for (size_t i = 0; i < bytes; i++) text[i] = "aabc"[next_random(&random) % 4];
        check_piece(t, text, bytes);
        memset(text, 'a', bytes); /* no border within is sure before the end */
        check_piece(t, text, bytes);
    }
    canto_tokenizer_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_pieces),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
