/* test_stream.c - stop texts in a stream of tokens: across tokens and characters, several at once, what is held back
 * meanwhile, and that nothing of them comes out. */
#include "unit.h"

static canto_tokenizer *bytes_tokenizer(void) {
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    options.kind = "byte";
    ok(canto_tokenizer_train(context, &options, NULL, 0, &t));
    return t;
}

static canto_tokenizer *words_tokenizer(void) {
    const char             *path = write_file("words.txt", "the end of the world and after");
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *t;
    options.kind = "word";
    ok(canto_tokenizer_train(context, &options, &path, 1, &t));
    remove(path);
    return t;
}

/* Pushes text token by token after the stop texts (ended by NULL); after each token all text so far is shown[i] bytes
 * long (shown NULL: not looked at). What came out must be expected, and a stop text found or not. */
static void check_stops(const canto_tokenizer *t, const char *text, const char *const *stops, const size_t *shown,
                        const char *expected, bool stopped) {
    canto_stream *stream;
    uint32_t     *ids;
    size_t        count, bytes;
    char          out[256] = "";
    const char   *piece;
    ok(canto_stream_open(t, &stream));
    ok(canto_tokenizer_encode(t, text, strlen(text), &ids, &count));
    for (; *stops; stops++) ok(canto_stream_stop(stream, *stops));
    for (size_t i = 0; i < count; i++) {
        ok(canto_stream_push(stream, ids[i], &piece, &bytes));
        assert_int_equal(bytes, strlen(piece));
        strcat(out, piece);
        if (shown && strlen(out) != shown[i])
            fail_msg("'%s': after token %zu '%s' is out, %zu bytes were expected", text, i, out, shown[i]);
    }
    ok(canto_stream_finish(stream, &piece, &bytes));
    strcat(out, piece);
    assert_string_equal(out, expected);
    assert_int_equal(canto_stream_stopped(stream), stopped);
    canto_stream_close(stream);
    canto_free(context, ids);
}

#define STOPS(...)                                                                                                     \
    (const char *const[]) { __VA_ARGS__, NULL }

static void test_across_tokens(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    (void)state;
    check_stops(t, "one END two", STOPS("END"), (size_t[]){1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 4}, "one ", true);
    check_stops(t, "one ENd two", STOPS("END"), (size_t[]){1, 2, 3, 4, 4, 4, 7, 8, 9, 10, 11}, "one ENd two", false);
    check_stops(t, "one EN", STOPS("END"), (size_t[]){1, 2, 3, 4, 4, 4}, "one EN", false); /* the end lets it out */
    check_stops(t, "END", STOPS("END"), NULL, "", true);
    check_stops(t, "a.b", STOPS("."), (size_t[]){1, 1, 1}, "a", true);
    canto_tokenizer_close(t);
}

/* A beginning that repeats itself must not be given up too early. */
static void test_beginnings_that_overlap(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    (void)state;
    check_stops(t, "aaab", STOPS("aab"), (size_t[]){0, 0, 1, 1}, "a", true);
    check_stops(t, "ababac", STOPS("abac"), (size_t[]){0, 0, 0, 2, 2, 2}, "ab", true);
    check_stops(t, "\n\n\nx", STOPS("\n\nx"), (size_t[]){0, 0, 1, 1}, "\n", true);
    canto_tokenizer_close(t);
}

static void test_several_at_once(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    (void)state;
    check_stops(t, "x abcz", STOPS("abcd", "bc"), (size_t[]){1, 2, 2, 2, 3, 3}, "x a", true);
    check_stops(t, "x abcd", STOPS("d", "abcd"), (size_t[]){1, 2, 2, 2, 2, 2}, "x ",
                true); /* the one that began first */
    check_stops(t, "x?", STOPS(".", "!", "?"), NULL, "x", true);
    canto_tokenizer_close(t);
}

/* A stop text whose characters are several bytes, each a token of its own. */
static void test_inside_characters(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    (void)state;
    check_stops(t, "né à", STOPS("é"), (size_t[]){1, 1, 1, 1, 1, 1}, "n", true);
    check_stops(t, "nè", STOPS("é"), (size_t[]){1, 1, 3}, "nè", false); /* they share their first byte */
    canto_tokenizer_close(t);
}

static void test_words(void **state) {
    canto_tokenizer *t = words_tokenizer();
    (void)state;
    check_stops(t, "the end of the world", STOPS("of the"), (size_t[]){3, 7, 8, 8, 8}, "the end ", true);
    check_stops(t, "the end of the world", STOPS("nd o"), NULL, "the e", true); /* one token holds the whole of it */
    canto_tokenizer_close(t);
}

/* What was pushed before the stop text is the prompt: it does not count, nor does a stop text that begins in it. */
static void test_the_prompt_does_not_count(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    canto_stream    *stream;
    const char      *text;
    (void)state;
    ok(canto_stream_open(t, &stream));
    ok(canto_stream_push(stream, 'E', &text, NULL));
    ok(canto_stream_push(stream, 'N', &text, NULL));
    ok(canto_stream_stop(stream, "END"));
    ok(canto_stream_push(stream, 'D', &text, NULL));
    assert_string_equal(text, "D");
    assert_false(canto_stream_stopped(stream));
    canto_stream_close(stream);
    canto_tokenizer_close(t);
}

static void test_stop_texts_that_are_none(void **state) {
    canto_tokenizer *t = bytes_tokenizer();
    canto_stream    *stream;
    (void)state;
    ok(canto_stream_open(t, &stream));
    fails(canto_stream_stop(stream, ""), CANTO_ERROR_VALUE, "empty");
    fails(canto_stream_stop(stream, "a\xff"), CANTO_ERROR_TEXT, "UTF-8");
    canto_stream_close(stream);
    canto_tokenizer_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_across_tokens),
        cmocka_unit_test(test_beginnings_that_overlap),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_inside_characters),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_the_prompt_does_not_count),
        cmocka_unit_test(test_stop_texts_that_are_none),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
