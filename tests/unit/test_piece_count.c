/* test_piece_count.c - pieces of text are counted as one pass over the whole text would, whatever the threads, the portions and
 * the borders of blocks; the bound of memory; patterns of a user's own. */
#include "unit.h"

#include "base/utf8.h"
#include "text/piece_count.h"

enum { LARGE = 9 << 19 }; /* more than a block */

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u, *state >> 8; }

/* Scraps that stand beside each other in every way: white space of all kinds, slashes, letters, contractions, bytes that are
 * no UTF-8. */
static char *scraps(size_t bytes, uint32_t seed) {
    static const char *const some[] = {" ",
                                       " ",
                                       "  ",
                                       "\n",
                                       "\r\n",
                                       "\n\n",
                                       "\t",
                                       "/",
                                       "!",
                                       "...",
                                       "'s",
                                       "'LL",
                                       "a",
                                       "The",
                                       "words",
                                       "x1",
                                       "12",
                                       "2026",
                                       "\x1C",
                                       "\xC2\xA0",
                                       "\xC2\x85",
                                       "\xE3\x80\x80",
                                       "\xE6\x97\xA5",
                                       "\xE3\x80\x82",
                                       "\xC3\xA9",
                                       "e\xCC\x81",
                                       "\xF0\x9F\x98\x80",
                                       "\xFF",
                                       "\xE6\x97",
                                       "\xC3",
                                       " w",
                                       "\n/",
                                       "~ ",
                                       "\n#"};
    char                    *text = malloc(bytes);
    assert_non_null(text);
    for (size_t at = 0; at < bytes;) {
        const char *scrap = some[next_random(&seed) % (sizeof some / sizeof *some)];
        for (size_t i = 0; scrap[i] && at < bytes; i++) text[at++] = scrap[i];
    }
    return text;
}

static piece_counter *count(canto_context *c, const pattern *cutter, size_t most, const char *text, size_t bytes,
                            size_t portion) {
    piece_counter *counter;
    ok(piece_counter_open(c, cutter, most, &counter));
    for (size_t at = 0; at < bytes; at += portion)
        ok(piece_counter_add(counter, text + at, bytes - at < portion ? bytes - at : portion));
    ok(piece_counter_end_text(counter));
    return counter;
}

static const piece_table *sorted_table;

static int by_text(const void *left, const void *right) {
    const piece_entry *a = left, *b = right;
    int                order =
        memcmp(sorted_table->text + a->start, sorted_table->text + b->start, a->bytes < b->bytes ? a->bytes : b->bytes);
    return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static void sort(piece_table *t) {
    sorted_table = t;
    qsort(t->pieces, t->count, sizeof *t->pieces, by_text);
}

static void same_tables(piece_table *a, piece_table *b) {
    sort(a);
    sort(b);
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        const piece_entry *p = &a->pieces[i], *q = &b->pieces[i];
        if (p->bytes != q->bytes || p->count != q->count ||
            memcmp(a->text + p->start, b->text + q->start, p->bytes) != 0)
            fail_msg("piece %u is '%.*s' %llu times, not '%.*s' %llu times", i, (int)p->bytes, a->text + p->start,
                     (unsigned long long)p->count, (int)q->bytes, b->text + q->start, (unsigned long long)q->count);
    }
}

static piece_table one_pass(const pattern *cutter, const char *text, size_t bytes) {
    piece_table t = {.context = context, .most = SIZE_MAX};
    for (size_t at = 0, length; at < bytes; at += length) {
        ok(pattern_piece(cutter, text, bytes, at, &length));
        ok(piece_table_add(&t, text + at, length, piece_hash(text + at, length), 1));
    }
    return t;
}

static canto_context *open_context(int threads, canto_regex regex) {
    canto_context_options options = canto_context_options_default();
    canto_context        *c;
    options.threads = threads;
    options.regex = regex;
    ok(canto_context_open(&options, &c));
    return c;
}

/* ------------------------------------------------------------------------------- an engine that finds digits */

static bool digits_open(void *user, const char *regex, void **compiled, char *fault, size_t room) {
    *compiled = user;
    snprintf(fault, room, "only digits");
    return strcmp(regex, "[0-9]+") == 0;
}

static int digits_find(void *compiled, const char *text, size_t bytes, size_t from, size_t *start, size_t *end) {
    (void)compiled;
    while (from < bytes && (text[from] < '0' || text[from] > '9')) from++;
    *start = from;
    while (from < bytes && text[from] >= '0' && text[from] <= '9') from++;
    *end = from;
    return *end > *start;
}

static void digits_close(void *compiled) { (void)compiled; }

static int fails_find(void *compiled, const char *text, size_t bytes, size_t from, size_t *start, size_t *end) {
    (void)compiled, (void)text, (void)bytes, (void)from, (void)start, (void)end;
    return -1;
}

static int lies_find(void *compiled, const char *text, size_t bytes, size_t from, size_t *start, size_t *end) {
    (void)compiled, (void)text;
    *start = from;
    *end = bytes + 1;
    return 1;
}

static const canto_regex digits = {digits_open, digits_find, digits_close, NULL};

/* ---------------------------------------------------------------------------------------------------- tests */

static void test_threads_and_portions(void **state) {
    static const char *const names[] = {"gpt2", "cl100k", "o200k", "[0-9]+"};
    static const size_t      portions[] = {LARGE, 100003, 4096};
    char                    *text = scraps(LARGE, 7);
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        pattern        whole;
        canto_context *one = open_context(1, digits);
        ok(pattern_open(one, names[i], &whole));
        assert_string_equal(pattern_name(&whole), names[i]);
        piece_table expected = one_pass(&whole, text, LARGE);
        for (int threads = i ? 2 : 1; threads <= (i ? 2 : 3); threads++) {
            canto_context *c = open_context(threads, digits);
            pattern        cutter;
            ok(pattern_open(c, names[i], &cutter));
            piece_counter *counter = count(c, &cutter, SIZE_MAX, text, LARGE, portions[threads - 1]);
            same_tables(piece_counter_table(counter), &expected);
            piece_counter_close(counter);
            pattern_close(&cutter);
            canto_context_close(c);
        }
        piece_table_close(&expected);
        pattern_close(&whole);
        canto_context_close(one);
    }
    free(text);
}

/* Hardly any border, and line feeds that are none. */
static void test_few_borders(void **state) {
    static const char *const names[] = {"gpt2", "cl100k", "o200k"};
    char                    *text = malloc(LARGE);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < LARGE; i++) text[i] = i % 300000 < 3 ? "a b"[i % 300000] : "!\n/"[i % 3];
    for (size_t i = 0; i < 3; i++) {
        pattern cutter;
        ok(pattern_open(context, names[i], &cutter));
        piece_table    expected = one_pass(&cutter, text, LARGE);
        piece_counter *counter = count(context, &cutter, SIZE_MAX, text, LARGE, LARGE);
        same_tables(piece_counter_table(counter), &expected);
        piece_counter_close(counter);
        piece_table_close(&expected);
        pattern_close(&cutter);
    }
    free(text);
}

/* A word of more than a block is several pieces, each of whole characters; and so is any text that is one piece. */
static void test_large_pieces(void **state) {
    static const char *const names[] = {"gpt2", "none", "[0-9]+"};
    char                    *text = malloc(LARGE);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < LARGE; i++) text[i] = "\xE6\x97\xA5"[i % 3];
    for (size_t i = 0; i < 3; i++) {
        canto_context *c = open_context(2, digits);
        pattern        cutter;
        ok(pattern_open(c, names[i], &cutter));
        piece_counter     *counter = count(c, &cutter, SIZE_MAX, text, LARGE, 65536);
        const piece_table *t = piece_counter_table(counter);
        uint64_t           bytes = 0;
        for (uint32_t p = 0; p < t->count; p++) {
            bytes += t->pieces[p].bytes * t->pieces[p].count;
            if (strcmp(names[i], "[0-9]+"))
                assert_int_equal(utf8_valid_prefix(t->text + t->pieces[p].start, t->pieces[p].bytes),
                                 t->pieces[p].bytes);
        }
        assert_int_equal(bytes, LARGE);
        assert_true(t->count <= 2);
        piece_counter_close(counter);
        pattern_close(&cutter);
        canto_context_close(c);
    }
    free(text);
}

/* Numbered words, each once, and one word among them that is frequent: it alone must survive, and be counted well. */
static void test_the_bound(void **state) {
    char  *text = malloc(LARGE);
    size_t bytes = 0, frequent = 0;
    (void)state;
    assert_non_null(text);
    for (unsigned i = 0; bytes + 40 < LARGE; i++, frequent++)
        bytes += (size_t)sprintf(text + bytes, " w%c%c%c%c%c often", 'a' + i % 26, 'a' + i / 26 % 26,
                                 'a' + i / 676 % 26, 'a' + i / 17576 % 26, 'a' + i / 456976 % 26);
    piece_table first = {.context = context};
    for (int threads = 1; threads <= 2; threads++) {
        canto_context *c = open_context(threads, (canto_regex){0});
        pattern        cutter;
        ok(pattern_open(c, "gpt2", &cutter));
        piece_counter *counter = count(c, &cutter, (size_t)4 << 20, text, bytes, 30011);
        piece_table   *t = piece_counter_table(counter);
        assert_true(t->dropped > 100000 && t->dropped_count == 1 && t->dropped_bytes == t->dropped * 7);
        assert_true(t->count * 36 + t->text_bytes * 5 <= (size_t)4 << 20);
        uint64_t seen = 0;
        for (uint32_t i = 0; i < t->count; i++)
            if (t->pieces[i].count > 1) seen = t->pieces[i].count;
        assert_int_equal(seen, frequent);
        if (threads == 1)
            for (uint32_t i = 0; i < t->count; i++)
                ok(piece_table_add(&first, t->text + t->pieces[i].start, t->pieces[i].bytes, t->pieces[i].hash,
                                   t->pieces[i].count));
        else same_tables(t, &first);
        piece_counter_close(counter);
        pattern_close(&cutter);
        canto_context_close(c);
    }
    piece_table_close(&first);
    free(text);
}

static void test_patterns(void **state) {
    pattern        p;
    size_t         length;
    canto_context *c = open_context(1, digits);
    (void)state;
    fails(pattern_open(context, "[0-9]+", &p), CANTO_ERROR_UNSUPPORTED, "libpcre2-dev");
    fails(pattern_open(c, "(", &p), CANTO_ERROR_VALUE, "'(' is no regular expression: only digits");
    fails(pattern_open(c, "", &p), CANTO_ERROR_VALUE, "empty");
    fails(pattern_open(c, "\xFF", &p), CANTO_ERROR_VALUE, "UTF-8");
    ok(pattern_open(c, "[0-9]+", &p));
    ok(pattern_piece(&p, "ab12c", 5, 0, &length));
    assert_int_equal(length, 2);
    ok(pattern_piece(&p, "ab12c", 5, 2, &length));
    assert_int_equal(length, 2);
    ok(pattern_piece(&p, "ab12c", 5, 4, &length));
    assert_int_equal(length, 1);
    pattern_close(&p);
    canto_context_close(c);

    c = open_context(1, (canto_regex){digits_open, fails_find, digits_close, NULL});
    ok(pattern_open(c, "[0-9]+", &p));
    fails(pattern_piece(&p, "ab12c", 5, 2, &length), CANTO_ERROR_UNSUPPORTED, "takes too long");
    pattern_close(&p);
    canto_context_close(c);
    c = open_context(1, (canto_regex){digits_open, lies_find, digits_close, NULL});
    ok(pattern_open(c, "[0-9]+", &p));
    fails(pattern_piece(&p, "ab12c", 5, 2, &length), CANTO_ERROR_VALUE, "not in the text");
    pattern_close(&p);
    canto_context_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads_and_portions), cmocka_unit_test(test_few_borders),
                                       cmocka_unit_test(test_large_pieces), cmocka_unit_test(test_the_bound),
                                       cmocka_unit_test(test_patterns)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
