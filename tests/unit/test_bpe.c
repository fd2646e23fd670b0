/* test_bpe.c - byte-pair encodings: OpenAI's own ids, any bytes back, pieces of any length, special tokens, hostile files. */
#include "unit.h"

#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

#include <jansson.h>
#include <pthread.h>

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
        uint32_t best = BPE_NO_MERGE;
        size_t   at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            uint32_t rank = bpe_find(b, ids[i], ids[i + 1]);
            if (rank < best) {
                best = rank;
                at = i;
            }
        }
        if (best == BPE_NO_MERGE) return count;
        ids[at] = bpe_whole(b, best);
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

/* What a file of ranks means, without a table: of all neighbours that are a token together, those of the lowest id first. */
static void check_ranks(const canto_tokenizer *t, const char *text, size_t bytes) {
    size_t    starts[64], count = bytes, got;
    uint32_t *ids, whole = vocabulary_find(&t->tokens, text, bytes);
    for (size_t i = 0; i <= bytes; i++) starts[i] = i;
    for (;;) {
        uint32_t best = VOCABULARY_NONE;
        size_t   at = 0;
        for (size_t i = 0; i + 1 < count; i++) {
            uint32_t id = vocabulary_find(&t->tokens, text + starts[i], starts[i + 2] - starts[i]);
            if (id < best) best = id, at = i;
        }
        if (best == VOCABULARY_NONE) break;
        memmove(starts + at + 1, starts + at + 2, (count - at - 1) * sizeof *starts);
        count--;
    }
    ok(canto_tokenizer_encode(t, text, bytes, &ids, &got));
    if (whole != VOCABULARY_NONE) {
        assert_int_equal(got, 1);
        assert_int_equal(ids[0], whole);
    } else {
        assert_int_equal(got, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(ids[i], vocabulary_find(&t->tokens, text + starts[i], starts[i + 1] - starts[i]));
    }
    canto_free(context, ids);
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

/* Ranks alone: merges are found by what the bytes of a token become, and where that is not two tokens, by every split. Ids in
 * any order, so that tokens are made by way of higher ranks too. */
static void test_ranks(void **state) {
    uint32_t random = 3;
    (void)state;
    for (int round = 0; round < 60; round++) {
        bpe_parts        parts = {.tokens.context = context};
        canto_tokenizer *t;
        char             text[40];
        for (int byte = 0; byte < 256; byte++) ok(vocabulary_add(&parts.tokens, &(char){(char)byte}, 1, NULL));
        for (int i = 0; i < 100; i++) {
            size_t bytes = 2 + next_random(&random) % (i % 10 ? 3 : 7);
            for (size_t j = 0; j < bytes; j++) text[j] = "abc"[next_random(&random) % 3];
            ok(vocabulary_add(&parts.tokens, text, bytes, NULL));
        }
        ok(pattern_open(context, "none", &parts.cutter));
        ok(tokenizer_bpe_new(context, &parts, &t));
        for (int i = 0; i < 100; i++) {
            size_t bytes = 1 + next_random(&random) % sizeof text;
            for (size_t j = 0; j < bytes; j++) text[j] = "abc"[next_random(&random) % 3];
            check_ranks(t, text, bytes);
        }
        canto_tokenizer_close(t);
    }
}

/* Merges in any order: a token may be part of one of lower rank, or never be made of its own bytes. */
static void test_merges(void **state) {
    uint32_t random = 5;
    (void)state;
    for (int round = 0; round < 60; round++) {
        bpe_merge        merges[60];
        bpe_parts        parts = {.tokens.context = context, .merges = merges};
        canto_tokenizer *t;
        char             text[40];
        for (int byte = 0; byte < 256; byte++) ok(vocabulary_add(&parts.tokens, &(char){(char)byte}, 1, NULL));
        for (int i = 0; i < 60; i++) {
            uint32_t    count = parts.tokens.count, pair[2], whole;
            size_t      bytes[2];
            const char *part[2];
            for (int j = 0; j < 2; j++) {
                pair[j] = next_random(&random) % (count - 256 + 3);
                pair[j] = pair[j] < 3 ? 'a' + pair[j] : pair[j] + 253;
                part[j] = vocabulary_token(&parts.tokens, pair[j], &bytes[j]);
            }
            if (bytes[0] + bytes[1] > 8) continue;
            snprintf(text, sizeof text, "%s%s", part[0], part[1]);
            ok(vocabulary_add(&parts.tokens, text, bytes[0] + bytes[1], &whole));
            bool there = false;
            for (size_t k = 0; k < parts.merge_count; k++)
                there = there || (merges[k].left == pair[0] && merges[k].right == pair[1]);
            if (!there) merges[parts.merge_count++] = (bpe_merge){pair[0], pair[1], whole};
        }
        for (size_t i = parts.merge_count; i-- > 1;) {
            size_t    other = next_random(&random) % (i + 1);
            bpe_merge swapped = merges[i];
            merges[i] = merges[other];
            merges[other] = swapped;
        }
        ok(pattern_open(context, "none", &parts.cutter));
        ok(tokenizer_bpe_new(context, &parts, &t));
        for (int i = 0; i < 200; i++) {
            size_t bytes = 1 + next_random(&random) % (i % 2 ? 8 : sizeof text);
            for (size_t j = 0; j < bytes; j++) text[j] = "abc"[next_random(&random) % 3];
            check_piece(t, text, bytes);
        }
        canto_tokenizer_close(t);
    }
}

/* Any bytes come back, by every pattern, in one call or cut where the tokenizer says that it may be. */
static void test_any_bytes(void **state) {
    static const char few[] = "ab  \n\r\t'sS/.!0\xC3\xA9\xE6\x97\xA5\xCC\x81\xFF";
    char              text[200];
    uint32_t          random = 7;
    (void)state;
    for (pretokenizer kind = PRETOKENIZER_GPT2; kind <= PRETOKENIZER_NONE; kind++) {
        canto_tokenizer *t = make_small(kind);
        size_t           cuts = 0;
        for (int round = 0; round < 3000; round++) {
            size_t    bytes = next_random(&random) % sizeof text, count, length, first, second;
            uint32_t *ids, *left, *right;
            char     *back;
            for (size_t i = 0; i < bytes; i++)
                text[i] = (char)(round % 2 ? next_random(&random) % 256
                                           : (unsigned char)few[next_random(&random) % (sizeof few - 1)]);
            ok(canto_tokenizer_encode(t, text, bytes, &ids, &count));
            ok(canto_tokenizer_decode(t, ids, count, &back, &length));
            assert_int_equal(length, bytes);
            assert_memory_equal(back, text, bytes);
            canto_free(context, back);
            size_t cut = bytes ? t->kind->cut(t, text, bytes) : 0;
            if (cut > 0) {
                cuts++;
                ok(canto_tokenizer_encode(t, text, cut, &left, &first));
                ok(canto_tokenizer_encode(t, text + cut, bytes - cut, &right, &second));
                assert_int_equal(first + second, count);
                assert_memory_equal(left, ids, first * sizeof *ids);
                assert_memory_equal(right, ids + first, second * sizeof *ids);
                canto_free(context, left);
                canto_free(context, right);
            }
            canto_free(context, ids);
        }
        assert_true(kind == PRETOKENIZER_NONE ? cuts == 0 : cuts > 100);
        canto_tokenizer_close(t);
    }
}

static void test_special(void **state) {
    canto_tokenizer *t = make_small(PRETOKENIZER_GPT2);
    uint32_t         end = vocabulary_find(&t->tokens, "<end>", 5), longer = vocabulary_find(&t->tokens, "<end>!", 6);
    uint32_t        *ids;
    size_t           count;
    (void)state;
    ok(canto_tokenizer_encode_special(t, "ab<end><end>!<en", 16, CANTO_SPECIAL_ALLOW, &ids, &count));
    assert_int_equal(count, 6);
    assert_int_equal(ids[1], end);
    assert_int_equal(ids[2], longer);
    canto_free(context, ids);
    ok(canto_tokenizer_encode(t, "<end>", 5, &ids, &count));
    assert_int_equal(count, 5);
    canto_free(context, ids);
    fails(canto_tokenizer_encode_special(t, "ab<end>", 7, CANTO_SPECIAL_REFUSE, &ids, &count), CANTO_ERROR_TEXT,
          "'<end>' at byte 2");
    assert_null(ids);
    ok(canto_tokenizer_encode_special(t, "ab<end", 6, CANTO_SPECIAL_REFUSE, &ids, &count));
    canto_free(context, ids);
    fails(canto_tokenizer_encode_special(t, "a", 1, (canto_special)9, &ids, &count), CANTO_ERROR_VALUE, "special is 9");
    canto_tokenizer_close(t);
    t = make_small(PRETOKENIZER_NONE); /* a whole text that is a special token is no piece of that name */
    ok(canto_tokenizer_encode(t, "<end>", 5, &ids, &count));
    assert_int_equal(count, 5);
    canto_free(context, ids);
    canto_tokenizer_close(t);
}

/* Saved and opened again, and in the form of two files, it is the same tokenizer. */
static void test_saved(void **state) {
    (void)state;
    for (pretokenizer kind = PRETOKENIZER_GPT2; kind <= PRETOKENIZER_NONE; kind++) {
        canto_tokenizer *t = make_small(kind), *again;
        uint32_t        *ids, *others;
        size_t           count, other_count;
        ok(canto_tokenizer_save(t, folder));
        ok(canto_tokenizer_open(context, folder, &again));
        assert_string_equal(canto_tokenizer_kind(again), "bpe");
        assert_true(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
        ok(canto_tokenizer_encode_special(t, "aaab abc\n\xC3\xA9<end>", 17, CANTO_SPECIAL_ALLOW, &ids, &count));
        ok(canto_tokenizer_encode_special(again, "aaab abc\n\xC3\xA9<end>", 17, CANTO_SPECIAL_ALLOW, &others,
                                          &other_count));
        assert_int_equal(count, other_count);
        assert_memory_equal(ids, others, count * sizeof *ids);
        canto_free(context, ids);
        canto_free(context, others);
        canto_tokenizer_close(again);
        canto_tokenizer_close(t);
    }
}

/* ------------------------------------------------------------------------------------------------ threads */

typedef struct shared {
    const canto_tokenizer *t;
    bool                   same;
} shared;

static void *encode_again(void *user) {
    shared *s = user;
    char    text[3000];
    for (size_t i = 0; i < sizeof text; i++) text[i] = "aabc ab\n"[i * i % 8];
    uint32_t *first = NULL, *ids;
    size_t    wanted = 0, count;
    s->same = true;
    for (int round = 0; round < 50; round++) {
        if (canto_tokenizer_encode(s->t, text, sizeof text, &ids, &count).code != CANTO_OK) s->same = false;
        else if (!first) {
            first = ids;
            wanted = count;
        } else {
            s->same = s->same && count == wanted && memcmp(ids, first, count * sizeof *ids) == 0;
            canto_free(context, ids);
        }
    }
    canto_free(context, first);
    return NULL;
}

static void test_threads(void **state) {
    canto_tokenizer *t = make_small(PRETOKENIZER_CL100K);
    pthread_t        threads[4];
    shared           work[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        work[i] = (shared){t, false};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_again, &work[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(work[i].same);
    }
    canto_tokenizer_close(t);
}

/* ------------------------------------------------------------------------------------------ hostile files */

/* A vocabulary of the 256 bytes, `more` after them, with these merges and this rest of the document. */
static const char *document(const char *more, const char *merges, const char *rest) {
    static char             text[16384];
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    options.kind = "byte";
    ok(canto_tokenizer_train(context, &options, NULL, 0, &t));
    ok(canto_tokenizer_save(t, folder));
    canto_tokenizer_close(t);
    json_t *root = json_load_file(in_folder("tokenizer.json"), 0, NULL);
    char   *vocab = json_dumps(json_object_get(json_object_get(root, "model"), "vocab"), 0);
    assert_non_null(vocab);
    vocab[strlen(vocab) - 1] = 0;
    snprintf(text, sizeof text, "{\"model\":{\"type\":\"BPE\",\"vocab\":%s%s},\"merges\":%s},%s}", vocab, more, merges,
             rest);
    free(vocab);
    json_decref(root);
    return text;
}
#define CUT "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"

static void test_hostile(void **state) {
    static const struct {
        const char *more, *merges, *rest, *part;
    } cases[] = {
        {"", "[\"a b\"]", CUT, "merge 0, 'a b'"},
        {",\"ab\":256", "[\"a b\",\"a b\"]", CUT, "merge 1 joins"},
        {",\"ab\":256", "[\"ab\"]", CUT, "merge 0"},
        {",\"ab\":256", "[\"a b c\"]", CUT, "merge 0"},
        {",\"ab\":256", "[[\"a\",\"b\",\"c\"]]", CUT, "list of two texts"},
        {",\"ab\":256", "[3, \"a b\"]", CUT, "no text"},
        {",\"ab\":255", "[\"a b\"]", CUT, "same id 255"},
        {",\"ab\":256,\"ab\":257", "[\"a b\"]", CUT, "the ids 256 and 257"},
        {",\"ab\":2000000000", "[\"a b\"]", CUT, "of the ids up to 2000000000 only 257"},
        {",\"ab\":4000000000", "[\"a b\"]", CUT, "4000000000"},
        {",\"ab\":-1", "[\"a b\"]", CUT, "-1"},
        {",\"ab\":1.5", "[\"a b\"]", CUT, "JSON"},
        {",\"ab\":\"1\"", "[\"a b\"]", CUT, "whole number"},
        {",\"a\\u3042\":256", "[\"a b\"]", CUT, "stands for no byte"},
        {",\"\":256", "[\"a b\"]", CUT, "is empty"},
        {",\"ab\":256", "[\"a b\"", CUT, "JSON"},
        {",\"ab\":256", "[\"a b\"]", "\"normalizer\":{\"type\":\"NFC\"}," CUT, "normalizer"},
        {",\"ab\":256", "[\"a b\"]", "\"pre_tokenizer\":{\"type\":\"Whitespace\"}", "ByteLevel"},
        {",\"ab\":256", "[\"a b\"]", "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
         "add_prefix_space"},
        {",\"ab\":256", "[\"a b\"]", "\"added_tokens\":[{\"id\":256,\"content\":\"xy\"}]," CUT, "same id 256"},
        {",\"ab\":256", "[\"a b\"]", "\"added_tokens\":[{\"id\":300,\"content\":\"ab\"}]," CUT, "has the id 256"},
        {",\"ab\":256", "[\"a b\"]", "\"added_tokens\":[{\"id\":300,\"content\":\"xy\",\"lstrip\":true}]," CUT,
         "lstrip"},
        {",\"ab\":256", "[\"a b\"]",
         "\"added_tokens\":[{\"id\":300,\"content\":\"xy\"},{\"id\":301,\"content\":\"xy\"}]," CUT, "twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        canto_tokenizer *t;
        const char      *text = document(cases[i].more, cases[i].merges, cases[i].rest);
        canto_status     status = canto_tokenizer_open(context, write_file("h.json", text), &t);
        assert_null(t);
        assert_true(status.code == CANTO_ERROR_FORMAT || status.code == CANTO_ERROR_UNSUPPORTED);
        fails(status, status.code, cases[i].part);
        assert_non_null(strstr(status.text, "h.json"));
    }
    canto_tokenizer *t;
    ok(canto_tokenizer_open(context, write_file("h.json", document(",\"ab\":300", "[[\"a\",\"b\"]]", CUT)), &t));
    assert_int_equal(canto_tokenizer_vocabulary(t), 301);
    assert_string_equal(canto_tokenizer_token(t, 299, NULL), ""); /* a gap */
    canto_tokenizer_close(t);
}

static void test_hostile_ranks(void **state) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"IQ== 0\nIg== 0\n", "line 2: rank 0 comes twice"},
        {"IQ== 0\nIg== 2147483648\n", "too large"},
        {"IQ== 0\nIg== 2000000000\n", "ranks before it are missing"},
        {"IQ== 0\nIQ== 1\n", "line 2: the token has rank 0 already"},
        {"IQ== 0\nIg==\n", "line 2: no space"},
        {"IQ== 0\nIg== x\n", "line 2: there is no rank"},
        {"IQ== 0\nIg== 1 2\n", "line 2: something follows"},
        {"IQ== 0\nI 1\n", "line 2: there is no token"},
        {"IQ== 0\n\n", "line 2: there is no token"},
        {"IQ== 0\nIg== 1\n", "none of the files of ranks known"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        canto_tokenizer *t;
        canto_status     status = canto_tokenizer_open(context, write_file("h.tiktoken", cases[i].text), &t);
        assert_null(t);
        fails(status, status.code, cases[i].part);
        assert_non_null(strstr(status.text, "h.tiktoken"));
    }
}

/* {"bytes": ids}, and more behind them. */
static const char *vocabulary_of(const char *more) {
    static char text[16384];
    char        names[256][4];
    size_t      used = 0;
    byte_level_names(names);
    for (int byte = 0; byte < 256; byte++) {
        const char *escape = byte == '"' || byte == '\\' ? "\\" : "";
        used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s%s\":%d", byte ? "," : "{", escape,
                                 names[byte], byte);
    }
    assert_true(used + strlen(more) + 2 < sizeof text);
    snprintf(text + used, sizeof text - used, "%s}", more);
    return text;
}

/* vocab.json, merges.txt and tokenizer_config.json: what is wrong is said of the file that has it. */
static void test_hostile_pairs(void **state) {
    static const struct {
        const char *more, *merges, *config, *part, *file;
    } cases[] = {
        {"", "a b\n", NULL, "merge 0, 'a b', names or makes what is no token", "merges.txt"},
        {",\"ab\":256", "#version: 0.2\na b\nab zz\n", NULL, "merge 1, 'ab zz', names or makes", "merges.txt"},
        {",\"ab\":256", "a b\na b\n", NULL, "merge 1 joins", "merges.txt"},
        {",\"ab\":256", "ab\n", NULL, "merge 0", "merges.txt"},
        {",\"ab\":256", "a  b\n", NULL, "merge 0", "merges.txt"},
        {",\"ab\":255", "", NULL, "same id 255", "vocab.json"},
        {",\"ab\":256,\"ab\":257", "", NULL, "the ids 256 and 257", "vocab.json"},
        {",\"ab\":2000000000", "", NULL, "of the ids up to 2000000000 only 257", "vocab.json"},
        {",\"ab\":2147483648", "", NULL, "2147483648", "vocab.json"},
        {",\"ab\":99999999999999999999", "", NULL, "999999999999999999", "vocab.json"},
        {",\"ab\":256", "", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"<e>\"}}}", "'x' in added_tokens_decoder",
         "tokenizer_config.json"},
        {",\"ab\":256", "", "{\"added_tokens_decoder\":{\"-1\":{\"content\":\"<e>\"}}}", "-1", "tokenizer_config.json"},
        {",\"ab\":256", "", "{\"added_tokens_decoder\":{\"99999999999999999999\":{\"content\":\"<e>\"}}}",
         "9223372036854775807", "tokenizer_config.json"},
        {",\"ab\":256", "", "{\"added_tokens_decoder\":{\"257\":{\"content\":3}}}", "content", "tokenizer_config.json"},
        {",\"ab\":256", "", "{\"added_tokens_decoder\":{\"256\":{\"content\":\"<e>\"}}}", "same id 256", "vocab.json"},
        {",\"ab\":256", "", "{", "JSON", "tokenizer_config.json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        canto_tokenizer *t;
        write_file("merges.txt", cases[i].merges);
        if (cases[i].config) write_file("tokenizer_config.json", cases[i].config);
        else remove(in_folder("tokenizer_config.json"));
        canto_status status = canto_tokenizer_open(context, write_file("vocab.json", vocabulary_of(cases[i].more)), &t);
        assert_null(t);
        fails(status, CANTO_ERROR_FORMAT, cases[i].part);
        fails(status, CANTO_ERROR_FORMAT, cases[i].file);
    }
    remove(in_folder("tokenizer_config.json"));
    remove(in_folder("merges.txt"));
    canto_tokenizer *t;
    fails(canto_tokenizer_open(context, in_folder("vocab.json"), &t), CANTO_ERROR_FILE, "merges.txt");
    remove(in_folder("vocab.json"));
}

/* Values in values in values, wherever the file has any. */
static void test_deep_json(void **state) {
    static const char *const begins[] = {
        "",
        "{\"added_tokens\":",
        "{" CUT ",\"model\":{\"type\":\"BPE\",\"vocab\":",
        "{" CUT ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":",
        "{" CUT ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":",
        "{" CUT ",\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[",
        "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":",
    };
    enum { DEEP = 1000000 };
    char *text = malloc(2 * DEEP + 200);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        for (int closed = 0; closed < 2; closed++) {
            canto_tokenizer *t;
            size_t           at = strlen(begins[i]);
            memcpy(text, begins[i], at);
            memset(text + at, '[', DEEP);
            memset(text + at + DEEP, ']', DEEP);
            text[at + DEEP + (closed ? DEEP : 0)] = 0;
            if (closed)
                for (size_t k = strlen(begins[i]); k-- > 0;)
                    if (begins[i][k] == '{' || begins[i][k] == '[')
                        strcat(text + at + DEEP, begins[i][k] == '{' ? "}" : "]");
            canto_status status = canto_tokenizer_open(context, write_file("deep.json", text), &t);
            assert_null(t);
            fails(status, CANTO_ERROR_FORMAT, "deep.json");
        }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_pieces),        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_merges),        cmocka_unit_test(test_any_bytes),     cmocka_unit_test(test_special),
        cmocka_unit_test(test_saved),         cmocka_unit_test(test_threads),       cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_hostile_ranks), cmocka_unit_test(test_hostile_pairs), cmocka_unit_test(test_deep_json),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
