/* test_text.c - tokenizers: the sources' own numbers, round trips, errors, hostile files, streams. */
#include "unit.h"

/* A file of the data folder, or a skipped test. */
static const char *data_file(const char *name) {
    static char path[1024];
    const char *data = getenv("CANTO_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", data ? data : ".", name);
    if (!data || access(path, R_OK) != 0) {
        print_message("skipped: set CANTO_TEST_DATA to a folder with %s\n", name);
        skip();
    }
    return path;
}

static char *read_whole(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    text[*bytes] = 0;
    fclose(file);
    return text;
}

static canto_tokenizer *train(const char *path, canto_tokenizer_options options) {
    canto_tokenizer *t;
    ok(canto_tokenizer_train(context, &options, &path, 1, &t));
    return t;
}

/* Encodes, decodes, and demands `expected` back; the ids go to *ids when it is not NULL. */
static size_t round_trip(const canto_tokenizer *t, const char *text, size_t bytes, const char *expected,
                         uint32_t **ids) {
    uint32_t *made;
    size_t    count, length;
    char     *back;
    ok(canto_tokenizer_encode(t, text, bytes, &made, &count));
    ok(canto_tokenizer_decode(t, made, count, &back, &length));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(back, expected, length);
    canto_free(context, back);
    if (ids) *ids = made;
    else canto_free(context, made);
    return count;
}

/* Saves, opens again, and demands the same tokenizer. */
static void same_when_saved(const canto_tokenizer *t) {
    canto_tokenizer *again;
    ok(canto_tokenizer_save(t, folder));
    ok(canto_tokenizer_open(context, folder, &again));
    assert_string_equal(canto_tokenizer_kind(again), canto_tokenizer_kind(t));
    assert_int_equal(canto_tokenizer_vocabulary(again), canto_tokenizer_vocabulary(t));
    assert_true(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    canto_tokenizer_close(again);
    ok(canto_tokenizer_open(context, in_folder("tokenizer.json"), &again));
    canto_tokenizer_close(again);
}

static void test_dante_words(void **state) {
    static const uint32_t first[] = {1643, 1143, 927, 6677, 1154, 720, 1534, 1574, 961, 1530};
    (void)state;
    const char             *path = data_file("dante.txt");
    canto_tokenizer_options word = {.kind = "word"};
    canto_tokenizer        *t = train(path, word);
    size_t                  bytes, count;
    char                   *text = read_whole(path, &bytes), *back, *again;
    uint32_t               *ids, *second;
    assert_int_equal(canto_tokenizer_vocabulary(t), 20978);
    ok(canto_tokenizer_encode(t, text, bytes, &ids, &count));
    assert_int_equal(count, 96770);
    assert_memory_equal(ids, first, sizeof first);
    ok(canto_tokenizer_decode(t, ids, count, &back, &bytes));
    free(text);
    ok(canto_tokenizer_encode(t, back, bytes, &second, &count));
    assert_int_equal(count, 96770);
    assert_memory_equal(ids, second, count * sizeof *ids);
    ok(canto_tokenizer_decode(t, second, count, &again, NULL));
    assert_string_equal(back, again);
    canto_free(context, back);
    canto_free(context, again);
    canto_free(context, ids);
    canto_free(context, second);
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_dante_advanced(void **state) {
    (void)state;
    canto_tokenizer_options word = {
        .kind = "word", .numbers = "<NUM>", .unknown = "<UNK>", .specials = "<PAD>,<BOS>,<EOS>,<UNK>"};
    canto_tokenizer *t = train(data_file("dante.txt"), word);
    uint32_t        *ids;
    assert_int_equal(canto_tokenizer_vocabulary(t), 20982);
    assert_string_equal(canto_tokenizer_token(t, 0, NULL), "<PAD>");
    assert_string_equal(canto_tokenizer_token(t, 3, NULL), "<UNK>");
    assert_null(canto_tokenizer_token(t, 20982, NULL));
    assert_int_equal(round_trip(t, "che qwxyz 12", 12, "che <UNK> <UNK>", &ids), 3);
    assert_int_equal(ids[1], 3);
    canto_free(context, ids);
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_shakespeare_characters(void **state) {
    (void)state;
    const char      *path = data_file("tinyshakespeare.txt");
    canto_tokenizer *t = train(path, canto_tokenizer_options_default());
    size_t           bytes;
    char            *text = read_whole(path, &bytes);
    assert_int_equal(canto_tokenizer_vocabulary(t), 65);
    assert_int_equal(round_trip(t, text, bytes, text, NULL), 1115394);
    assert_string_equal(canto_tokenizer_token(t, 0, NULL), "\n");
    assert_string_equal(canto_tokenizer_token(t, 64, NULL), "z");
    free(text);
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_characters(void **state) {
    (void)state;
    static const char text[] = "perch\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\n";
    canto_tokenizer  *t = train(write_file("a.txt", text), canto_tokenizer_options_default());
    assert_int_equal(canto_tokenizer_vocabulary(t), 10);
    assert_int_equal(round_trip(t, text, strlen(text), text, NULL), 11);
    assert_string_equal(canto_tokenizer_token(t, 9, NULL), "\xF0\x9F\x98\x80");
    assert_int_equal(round_trip(t, "", 0, "", NULL), 0);
    same_when_saved(t);

    uint32_t *ids;
    size_t    count;
    fails(canto_tokenizer_encode(t, "hex", 3, &ids, &count), CANTO_ERROR_TEXT, "U+0078 'x' at byte 2");
    assert_null(ids);
    fails(canto_tokenizer_encode(t, "h\xC3", 2, &ids, &count), CANTO_ERROR_TEXT, "byte 1");
    char    *back;
    uint32_t beyond = 10;
    fails(canto_tokenizer_decode(t, &beyond, 1, &back, NULL), CANTO_ERROR_VALUE, "id 10");
    canto_tokenizer_close(t);

    canto_tokenizer_options special = {.kind = "char", .unknown = "<UNK>", .specials = "<PAD>"};
    t = train(in_folder("a.txt"), special);
    assert_int_equal(canto_tokenizer_vocabulary(t), 12);
    assert_int_equal(round_trip(t, "hex", 3, "he<UNK>", &ids), 3);
    assert_int_equal(ids[2], 1);
    canto_free(context, ids);
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_words(void **state) {
    (void)state;
    canto_tokenizer_options options = {.kind = "word", .numbers = "<NUM>"};
    canto_tokenizer        *t = train(write_file("w.txt", " canto1:\xC2\xA0"
                                                                 "b\x1F"
                                                                 "a 22\n\xD9\xA3x "),
                                      options);
    assert_int_equal(canto_tokenizer_vocabulary(t), 5); /* <NUM>, <NUM>x, a, b, canto<NUM>: */
    assert_string_equal(canto_tokenizer_token(t, 0, NULL), "<NUM>");
    assert_string_equal(canto_tokenizer_token(t, 4, NULL), "canto<NUM>:");
    assert_int_equal(round_trip(t, "a 9999 canto34:", 15, "a <NUM> canto<NUM>:", NULL), 3);
    uint32_t *ids;
    size_t    count;
    fails(canto_tokenizer_encode(t, "a  zebra", 8, &ids, &count), CANTO_ERROR_TEXT, "word 'zebra' at byte 3");
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_bytes_and_stream(void **state) {
    (void)state;
    canto_tokenizer_options options = {.kind = "byte"};
    canto_tokenizer        *t;
    canto_stream           *s;
    uint32_t               *ids;
    static const char       text[] = "\xC3\xA9\xF0\x9F\x98\x80z";
    ok(canto_tokenizer_train(context, &options, NULL, 0, &t));
    assert_int_equal(canto_tokenizer_vocabulary(t), 256);
    assert_int_equal(round_trip(t, text, strlen(text), text, &ids), 7);
    assert_int_equal(ids[0], 0xC3);
    static const char *const pieces[] = {"", "\xC3\xA9", "", "", "", "\xF0\x9F\x98\x80", "z"};
    const char              *piece;
    size_t                   bytes;
    ok(canto_stream_open(t, &s));
    for (int i = 0; i < 7; i++) {
        ok(canto_stream_push(s, ids[i], &piece, &bytes));
        assert_string_equal(piece, pieces[i]);
        assert_int_equal(bytes, strlen(piece));
    }
    ok(canto_stream_push(s, 0xE2, &piece, NULL));
    ok(canto_stream_push(s, 0x82, &piece, NULL));
    assert_string_equal(piece, "");
    ok(canto_stream_push(s, 'x', &piece, NULL)); /* the beginning was none */
    assert_string_equal(piece, "\xEF\xBF\xBDx");
    ok(canto_stream_push(s, 0xFF, &piece, NULL));
    assert_string_equal(piece, "\xEF\xBF\xBD");
    ok(canto_stream_push(s, 0xE2, &piece, NULL));
    ok(canto_stream_finish(s, &piece, NULL));
    assert_string_equal(piece, "\xEF\xBF\xBD");
    fails(canto_stream_push(s, 256, &piece, NULL), CANTO_ERROR_VALUE, "256");
    canto_stream_close(s);
    canto_free(context, ids);
    same_when_saved(t);
    canto_tokenizer_close(t);
}

static void test_options(void **state) {
    (void)state;
    const char *path = write_file("o.txt", "a b");
    static const struct {
        canto_tokenizer_options options;
        const char             *part;
    } cases[] = {
        {{.kind = "bpe?"}, "char, byte, word or bpe"},       {{.kind = "char", .numbers = "<NUM>"}, "numbers"},
        {{.kind = "byte", .unknown = "<UNK>"}, "unknown"},   {{.kind = "word", .unknown = "a b"}, "white space"},
        {{.kind = "word", .specials = "<A>,,<B>"}, "empty"}, {{.kind = "word", .specials = "<A>,<A>"}, "twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        canto_tokenizer *t = (canto_tokenizer *)&t;
        fails(canto_tokenizer_train(context, &cases[i].options, &path, 1, &t), CANTO_ERROR_VALUE, cases[i].part);
        assert_null(t);
    }
    canto_tokenizer *t;
    path = write_file("o.txt", "");
    fails(canto_tokenizer_train(context, NULL, &path, 1, &t), CANTO_ERROR_VALUE, "o.txt");
    path = write_file("o.txt", "ab\xFFz");
    fails(canto_tokenizer_train(context, NULL, &path, 1, &t), CANTO_ERROR_TEXT, "at byte 2");
    path = "/nowhere/at/all";
    fails(canto_tokenizer_train(context, NULL, &path, 1, &t), CANTO_ERROR_FILE, "/nowhere/at/all");
}

#define WORDS(vocab)                                                                                                   \
    "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":" vocab                                          \
    "},\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}}"

static void test_hostile_files(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "JSON"},
        {"{", "line 1"},
        {"[]", "object"},
        {"{\"model\":{\"type\":\"Unigram\"}}", "char, byte and word"},
        {"{\"model\":3,\"pre_tokenizer\":[1]}", "char, byte and word"},
        {WORDS("{}"), "empty"},
        {WORDS("[]"), "vocab"},
        {WORDS("{\"a\":1}"), "0 .. 0"},
        {WORDS("{\"a\":-1}"), "'a'"},
        {WORDS("{\"a\":0.5}"), "'a'"},
        {WORDS("{\"a\":0,\"b\":0}"), "same id 0"},
        {WORDS("{\"a\":0,\"a\":1}"), "JSON"},
        {WORDS("{\"a\":0,\"b\":99999999999999}"), "'b'"},
        {WORDS("{\"\":0}"), "empty token"},
        {WORDS("{\"a\\u0000b\":0}"), "JSON"},
        {WORDS("{\"\\ud800\":0}"), "JSON"},
        {"{\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{\"a\":0}},"
         "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}}",
         "byte 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        canto_tokenizer *t;
        canto_status     status = canto_tokenizer_open(context, write_file("h.json", cases[i].text), &t);
        assert_null(t);
        assert_true(status.code == CANTO_ERROR_FORMAT || status.code == CANTO_ERROR_UNSUPPORTED);
        fails(status, status.code, cases[i].part);
        assert_non_null(strstr(status.text, "h.json"));
    }
    canto_tokenizer *t;
    ok(canto_tokenizer_open(context, write_file("h.json", WORDS("{\"b\":1,\"a\":0}")), &t));
    assert_string_equal(canto_tokenizer_token(t, 1, NULL), "b");
    canto_tokenizer_close(t);
}

/* Broken UTF-8 becomes U+FFFD piece by piece, as Python's decode(errors="replace") has it. */
static void test_replacing(void **state) {
    static const struct {
        const char *text, *repaired;
    } cases[] = {
        {"a\xFFz", "a\uFFFDz"},
        {"\xE2\x82", "\uFFFD"},
        {"\xE2\x82x", "\uFFFDx"},
        {"\xC0\xAF", "\uFFFD\uFFFD"},
        {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
        {"\xF0\x9F\x98\xF0\x9F\x98\x80", "\uFFFD\U0001F600"},
        {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
        {"\x80 \xC3", "\uFFFD \uFFFD"},
    };
    canto_context_options options = canto_context_options_default();
    canto_context        *replacing;
    (void)state;
    options.threads = 1;
    options.invalid = CANTO_INVALID_REPLACE;
    ok(canto_context_open(&options, &replacing));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char      *path = write_file("broken.txt", cases[i].text);
        canto_tokenizer *t;
        canto_data      *data;
        uint32_t        *ids;
        size_t           count, bytes;
        char            *text;
        fails(canto_tokenizer_train(context, NULL, &path, 1, &t), CANTO_ERROR_TEXT, "set invalid to replace");
        ok(canto_tokenizer_train(replacing, NULL, &path, 1, &t));
        ok(canto_tokenizer_encode(t, cases[i].text, strlen(cases[i].text), &ids, &count));
        ok(canto_tokenizer_decode(t, ids, count, &text, &bytes));
        assert_string_equal(text, cases[i].repaired);
        ok(canto_data_from_texts(replacing, t, &path, 1, &data));
        assert_int_equal(canto_data_count(data), count);
        assert_int_equal(canto_data_source_bytes(data), strlen(cases[i].text)); /* of the file as it is */
        canto_data_close(data);
        canto_free(replacing, text);
        canto_free(replacing, ids);
        canto_tokenizer_close(t);
    }
    canto_context_close(replacing);
    options.invalid = (canto_invalid)7;
    fails(canto_context_open(&options, &replacing), CANTO_ERROR_VALUE, "invalid is 7");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dante_words), cmocka_unit_test(test_dante_advanced),
        cmocka_unit_test(test_characters),  cmocka_unit_test(test_shakespeare_characters),
        cmocka_unit_test(test_words),       cmocka_unit_test(test_bytes_and_stream),
        cmocka_unit_test(test_options),     cmocka_unit_test(test_hostile_files),
        cmocka_unit_test(test_replacing),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
