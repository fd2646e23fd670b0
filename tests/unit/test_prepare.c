/* test_prepare.c - texts of any size into a token file: the same as all at once, whatever the threads, and after every way to
 * stop; lines of JSON; readers of packed files; what stands between documents. */
#include "unit.h"

#include "base/file.h"

enum { LARGE = 700000 };

/* As in_folder, for good: one of a few names. */
static const char *file_named(const char *name) {
    static char paths[32][256];
    size_t      i = 0;
    const char *path = in_folder(name);
    while (i < 31 && paths[i][0] && strcmp(paths[i], path) != 0) i++;
    assert_true(i < 31);
    return strcpy(paths[i], path);
}

/* Words of one to four bytes a character, lines, numbers; some of it broken when `broken` says so. */
static const char *large_text(const char *name, uint32_t seed, size_t bytes, bool broken) {
    static const char *const words[] = {"and ", "\xC3\xA9t\xC3\xA9 ", "\xE6\xBC\xA2\xE5\xAD\x97",     "12 ",  "x\n",
                                        "\t",   "\xF0\x9F\x8C\x99 ",  "\xE3\x80\x80wide\xE3\x80\x80", ".\n\n"};
    static const char *const bad[] = {"\xFF", "\xE6\xBC ", "\x80\x80\x80\x80\x80\x80", "\xF0\x9F\x8C", "\xC3"};
    static char              text[LARGE + 64];
    size_t                   at = 0;
    while (at < bytes) {
        seed = seed * 1664525 + 1013904223;
        const char *word = broken && seed >> 29 == 0 ? bad[(seed >> 8) % 5] : words[(seed >> 8) % 9];
        at += (size_t)sprintf(text + at, "%s", word);
    }
    const char *path = file_named(name);
    ok(file_write_whole(path, text, at));
    return path;
}

static canto_tokenizer *tokenizer_of(canto_context *c, canto_tokenizer_options options, const char *const *paths,
                                     size_t count) {
    canto_tokenizer *t;
    ok(canto_tokenizer_train(c, &options, paths, count, &t));
    return t;
}

static file_map content(const char *path) {
    file_map map;
    ok(file_map_open(path, &map));
    return map;
}

static void same_files(const char *one, const char *other) {
    file_map a = content(one), b = content(other);
    assert_int_equal(a.bytes, b.bytes);
    assert_true(memcmp(a.data, b.data, a.bytes) == 0);
    file_map_close(&a);
    file_map_close(&b);
}

/* An allocator that two threads must not call at once, with a context of so many threads. */
static int busy;

static void *lone_resize(void *user, void *old, size_t bytes) {
    (void)user;
    assert_int_equal(__atomic_fetch_add(&busy, 1, __ATOMIC_SEQ_CST), 0);
    void *moved = bytes ? realloc(old, bytes) : NULL;
    if (!bytes) free(old);
    __atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
    return moved;
}

static canto_context_options lone_options(int threads) {
    canto_context_options options = canto_context_options_default();
    options.threads = threads;
    options.allocator.resize = lone_resize;
    return options;
}

static canto_context *open_lone(canto_context_options options) {
    canto_context *c;
    ok(canto_context_open(&options, &c));
    return c;
}

static void test_as_all_at_once(void **state) {
    static const canto_tokenizer_options kinds[] = {
        {.kind = "char"}, {.kind = "byte"}, {.kind = "word", .numbers = "<N>"}, {.kind = "char"}};
    (void)state;
    for (int k = 0; k < 4; k++) {
        bool                  broken = k == 3;
        const char           *paths[4] = {large_text("a.txt", 1, LARGE, broken), large_text("b.txt", 2, 0, broken),
                                          large_text("c.txt", 3, 130000, broken), large_text("d.txt", 4, 17, broken)};
        canto_context_options options = lone_options(1);
        options.invalid = broken ? CANTO_INVALID_REPLACE : CANTO_INVALID_REFUSE;
        canto_context   *c = open_lone(options);
        canto_tokenizer *t = tokenizer_of(c, kinds[k], paths, 4);
        canto_data      *data;
        canto_prepared   made;
        ok(canto_data_from_texts(c, t, paths, 4, &data));
        ok(canto_data_save(data, file_named("whole.tok")));
        for (int threads = 1; threads <= 5; threads += 2) {
            options.threads = threads;
            canto_context *many = open_lone(options);
            ok(canto_data_prepare(many, t, NULL, paths, 4, file_named("piece.tok"), &made));
            assert_int_equal(made.documents, 4);
            assert_int_equal(made.tokens, canto_data_count(data));
            assert_int_equal(made.source_bytes, canto_data_source_bytes(data));
            assert_int_equal(made.resumed, 0);
            same_files(file_named("whole.tok"), file_named("piece.tok"));
            assert_false(file_exists(file_named("piece.tok.part")));
            assert_false(file_exists(file_named("piece.tok.part.json")));
            canto_context_close(many);
        }
        canto_data_close(data);
        canto_tokenizer_close(t);
        canto_context_close(c);
    }
}

/* ---------------------------------------------------------------------------------------------- stop and go on */

static int allowed; /* calls of the progress callback until it stops the work */

static bool stop_soon(void *user, const char *what, double share) {
    (void)user;
    (void)what;
    assert_true(share >= 0 && share <= 1);
    return allowed-- > 0;
}

static void test_stopped_and_gone_on(void **state) {
    const char           *paths[3] = {large_text("a.txt", 5, LARGE, false), large_text("c.txt", 6, LARGE, false),
                                      large_text("d.txt", 7, 900, false)};
    canto_context_options options = lone_options(1);
    canto_context        *plain = open_lone(options);
    canto_tokenizer      *t = tokenizer_of(plain, (canto_tokenizer_options){.kind = "char"}, paths, 3);
    canto_prepared        made;
    canto_status          status;
    int                   stops = 0;
    (void)state;
    ok(canto_data_prepare(plain, t, NULL, paths, 3, file_named("whole.tok"), NULL));
    options.progress = stop_soon;
    canto_context *c = open_lone(options);
    for (;; stops++) {
        allowed = 1;
        status = canto_data_prepare(c, t, NULL, paths, 3, file_named("stop.tok"), &made);
        if (status.code == CANTO_OK) break;
        assert_int_equal(status.code, CANTO_STOPPED);
        assert_non_null(strstr(status.text, "the same command goes on"));
        assert_false(file_exists(file_named("stop.tok")));
        /* what a kill leaves behind the record does no harm */
        file_map part = content(file_named("stop.tok.part"));
        uint64_t bytes = part.bytes;
        file_map_close(&part);
        ok(file_append(file_named("stop.tok.part"), bytes, "rubbish", 7));
    }
    assert_true(stops >= 2);
    assert_true(made.resumed > 0 && made.resumed < made.tokens);
    same_files(file_named("whole.tok"), file_named("stop.tok"));
    assert_false(file_exists(file_named("stop.tok.part.json")));

    /* a record of other settings, texts or rubbish is not gone on with */
    for (int way = 0; way < 4; way++) {
        canto_prepare_options how = canto_prepare_options_default();
        allowed = 1;
        assert_int_equal(canto_data_prepare(c, t, NULL, paths, 3, file_named("stop.tok"), NULL).code, CANTO_STOPPED);
        assert_true(file_exists(file_named("stop.tok.part.json")));
        if (way == 0) how.end_of_text = "";
        if (way == 1) large_text("d.txt", 8, 901, false);
        if (way == 2) ok(file_write_whole(file_named("stop.tok.part.json"), "{\"settings\":", 12));
        if (way == 3) ok(file_write_whole(file_named("stop.tok.part"), "", 0));
        ok(canto_data_prepare(plain, t, &how, paths, 3, file_named("stop.tok"), &made));
        assert_int_equal(made.resumed, 0);
        ok(canto_data_prepare(plain, t, &how, paths, 3, file_named("whole.tok"), NULL));
        same_files(file_named("whole.tok"), file_named("stop.tok"));
    }
    canto_context_close(c);
    canto_tokenizer_close(t);
    canto_context_close(plain);
}

/* ----------------------------------------------------------------------------------------- documents, separators */

/* The text of a token file. */
static char *decoded(const canto_tokenizer *t, const char *path) {
    canto_data *data;
    char       *text;
    ok(canto_data_open(context, path, &data));
    uint32_t *ids = calloc(canto_data_count(data) + 1, sizeof *ids);
    canto_data_read(data, 0, canto_data_count(data), ids);
    ok(canto_tokenizer_decode(t, ids, canto_data_count(data), &text, NULL));
    free(ids);
    canto_data_close(data);
    return text;
}

static void prepared_as(const canto_tokenizer *t, const canto_prepare_options *how, const char *const *paths,
                        size_t count, const char *expected, uint64_t bytes) {
    canto_prepared made;
    ok(canto_data_prepare(context, t, how, paths, count, file_named("doc.tok"), &made));
    char *text = decoded(t, file_named("doc.tok"));
    assert_string_equal(text, expected);
    assert_int_equal(made.source_bytes, bytes);
    canto_free(context, text);
}

static const char *written(const char *name, const char *text) {
    const char *path = file_named(name);
    ok(file_write_whole(path, text, strlen(text)));
    return path;
}

static void test_documents(void **state) {
    const char *lines =
        written("l.jsonl", "{\"text\":\"one\"}\r\n\n  \n{\"n\":{\"text\":[1,\"no\"]},\"text\":\"t\\u0077o\\n\"}\n"
                           "{\"text\":\"\",\"body\":\"B\"}\n{\"text\":\"three\"}");
    const char *paths[3] = {lines, written("p.txt", "plain"), written("e.txt", "")};
    (void)state;
    canto_tokenizer_options plain = {.kind = "char", .field = "text"}, with = plain;
    with.specials = "<EOS>";
    canto_tokenizer      *t = tokenizer_of(context, plain, paths, 3), *s = tokenizer_of(context, with, paths, 3);
    canto_tokenizer      *one = tokenizer_of(context, plain, paths, 1);
    canto_prepare_options how = canto_prepare_options_default();
    prepared_as(t, &how, paths, 3, "one\ntwo\n\n\nthree\nplain\n", 22);
    prepared_as(s, &how, paths, 3, "one<EOS>two\n<EOS><EOS>three<EOS>plain<EOS>", 17);
    prepared_as(one, &how, paths, 1, "one\ntwo\n\n\nthree", 15);
    how.end_of_text = "";
    prepared_as(s, &how, paths, 3, "onetwo\nthreeplain", 17);
    how.end_of_text = "e";
    prepared_as(s, &how, paths + 1, 2, "plaine", 5);
    how.end_of_text = "<PAD>";
    fails(canto_data_prepare(context, s, &how, paths, 3, file_named("doc.tok"), NULL), CANTO_ERROR_VALUE, "'<PAD>'");

    how = canto_prepare_options_default();
    how.field = "body";
    fails(canto_data_prepare(context, t, &how, paths, 3, file_named("bad.tok"), NULL), CANTO_ERROR_FORMAT,
          "l.jsonl' line 1 has no text under the key \"body\"");
    assert_false(file_exists(file_named("bad.tok")) || file_exists(file_named("bad.tok.part")));
    how.field = NULL; /* then it is plain text */
    fails(canto_data_prepare(context, t, &how, paths, 3, file_named("bad.tok"), NULL), CANTO_ERROR_TEXT, "l.jsonl");
    canto_tokenizer_close(t);
    canto_tokenizer_close(s);
    canto_tokenizer_close(one);
}

static void test_lines_that_are_wrong(void **state) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{\"text\":\"a\"}\n\n{\"text\":\"b\"}}\n", "x.jsonl' line 3 is not valid JSON: something follows"},
        {"{\"text\":\"a\"}\n[\"a\"]\n", "line 2 has no text"},
        {"{\"text\":\"a\"}\n{\"text\":7}", "line 2 has no text"},
        {"{\"text\":\"a\",\"text\":\"b\"}", "line 1 is not valid JSON: duplicate"},
        {"{\"text\":\"\\ud800\"}", "half of a surrogate"},
        {"\xFF", "line 1"},
    };
    (void)state;
    canto_tokenizer *bytes = tokenizer_of(context, (canto_tokenizer_options){.kind = "byte"}, NULL, 0);
    const char      *path = file_named("x.jsonl");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        written("x.jsonl", cases[i].text);
        fails(canto_data_prepare(context, bytes, NULL, &path, 1, file_named("x.tok"), NULL), CANTO_ERROR_FORMAT,
              cases[i].part);
    }
    written("x.jsonl", "{\"text\":\"caf\xC3\xA9 \\u0000 \\ud800\\u0041\"}");
    canto_context_options options = canto_context_options_default();
    options.invalid = CANTO_INVALID_REPLACE;
    canto_context *patient = open_lone(options);
    canto_data    *data;
    uint32_t       ids[16];
    ok(canto_data_prepare(patient, bytes, NULL, &path, 1, file_named("x.tok"), NULL));
    ok(canto_data_open(patient, file_named("x.tok"), &data));
    assert_int_equal(canto_data_count(data), 12);
    canto_data_read(data, 0, 12, ids);
    for (int i = 0; i < 12; i++) assert_int_equal(ids[i], (unsigned char)"caf\xC3\xA9 \0 \xEF\xBF\xBD\x41"[i]);
    canto_data_close(data);
    canto_context_close(patient);

    written("x.jsonl", "{\"text\":\"ab\"}");
    canto_tokenizer *chars =
        tokenizer_of(context, (canto_tokenizer_options){.kind = "char", .field = "text"}, &path, 1);
    written("x.jsonl", "{\"text\":\"a\"}\n{\"text\":\"bX\"}");
    fails(canto_data_prepare(context, chars, NULL, &path, 1, file_named("x.tok"), NULL), CANTO_ERROR_TEXT,
          "U+0058 'X' at byte 1 of");
    fails(canto_data_prepare(context, chars, NULL, &path, 0, file_named("x.tok"), NULL), CANTO_ERROR_VALUE, "no text");
    path = file_named("none");
    fails(canto_data_prepare(context, chars, NULL, &path, 1, file_named("x.tok"), NULL), CANTO_ERROR_FILE, "none");
    canto_tokenizer_close(chars);
    canto_tokenizer_close(bytes);
}

/* ------------------------------------------------------------------------------------------------------ readers */

typedef struct turned {
    FILE    *file;
    uint64_t consumed;
} turned;

static canto_status turned_open(void *user, const char *path, void **stream) {
    canto_status status = {.code = CANTO_OK};
    turned      *t = calloc(1, sizeof *t);
    assert_non_null(t);
    (*(int *)user)++;
    t->file = fopen(path, "rb");
    assert_non_null(t->file);
    *stream = t;
    return status;
}

/* A byte is packed as its complement; a few at a time. 'Z' is damaged. */
static canto_status turned_read(void *stream, void *buffer, size_t bytes, size_t *got) {
    turned        *t = stream;
    unsigned char *at = buffer;
    canto_status   status = {.code = CANTO_OK};
    *got = fread(buffer, 1, bytes < 1000 ? bytes : 1000, t->file);
    t->consumed += *got;
    for (size_t i = 0; i < *got; i++)
        if (at[i] == 'Z') {
            status.code = CANTO_ERROR_FORMAT;
            snprintf(status.text, sizeof status.text, "a Z is damaged");
        } else at[i] = (unsigned char)~at[i];
    return status;
}

static uint64_t turned_consumed(void *stream) { return ((turned *)stream)->consumed; }

static void turned_close(void *stream) {
    fclose(((turned *)stream)->file);
    free(stream);
}

static const char *turn(const char *path, const char *name) {
    file_map       map = content(path);
    unsigned char *copy = malloc(map.bytes + 1);
    assert_non_null(copy);
    for (size_t i = 0; i < map.bytes; i++) copy[i] = (unsigned char)~map.data[i];
    const char *to = file_named(name);
    ok(file_write_whole(to, copy, map.bytes));
    free(copy);
    file_map_close(&map);
    return to;
}

static void test_readers(void **state) {
    int                   opened = 0;
    canto_context_options options = lone_options(2);
    options.readers[0] = (canto_reader){".turned", turned_open, turned_read, turned_consumed, turned_close, &opened};
    canto_context *c = open_lone(options);
    const char    *plain[2] = {large_text("a.txt", 9, LARGE, false),
                               written("l.jsonl", "{\"text\":\"and\"}\n{\"text\":\"x\"}\n")};
    const char    *packed[2] = {turn(plain[0], "a.txt.turned"), turn(plain[1], "l.jsonl.turned")};
    (void)state;
    canto_tokenizer_options chars = {.kind = "char", .field = "text"};
    canto_tokenizer        *t = tokenizer_of(c, chars, plain, 2), *again = tokenizer_of(c, chars, packed, 2);
    canto_data             *one, *other;
    assert_int_equal(opened, 2);
    assert_true(canto_tokenizer_hash(t) == canto_tokenizer_hash(again));
    ok(canto_data_prepare(c, t, NULL, plain, 2, file_named("whole.tok"), NULL));
    ok(canto_data_prepare(c, t, NULL, packed, 2, file_named("piece.tok"), NULL));
    same_files(file_named("whole.tok"), file_named("piece.tok"));
    ok(canto_data_from_texts(c, t, plain, 1, &one));
    ok(canto_data_from_texts(c, t, packed, 1, &other));
    assert_int_equal(canto_data_count(one), canto_data_count(other));
    assert_true(canto_data_source_hash(one) == canto_data_source_hash(other));
    canto_data_close(one);
    canto_data_close(other);

    options.progress = stop_soon; /* going on inside a packed file */
    options.threads = 1;
    canto_context *stopping = open_lone(options);
    const char    *thrice[3] = {packed[0], packed[0], packed[0]}, *unpacked[3] = {plain[0], plain[0], plain[0]};
    canto_prepared made;
    allowed = 2;
    assert_int_equal(canto_data_prepare(stopping, t, NULL, thrice, 3, file_named("piece.tok"), NULL).code,
                     CANTO_STOPPED);
    ok(canto_data_prepare(c, t, NULL, thrice, 3, file_named("piece.tok"), &made));
    assert_true(made.resumed > 0 && made.resumed < made.tokens);
    ok(canto_data_prepare(c, t, NULL, unpacked, 3, file_named("whole.tok"), NULL));
    same_files(file_named("whole.tok"), file_named("piece.tok"));

    ok(file_write_whole(packed[0], "ZZ", 2));
    fails(canto_data_prepare(c, t, NULL, packed, 2, file_named("bad.tok"), NULL), CANTO_ERROR_FORMAT, "a Z is damaged");
    fails(canto_data_from_texts(c, t, packed, 1, &one), CANTO_ERROR_FORMAT, "a Z is damaged");
    assert_false(file_exists(file_named("bad.tok.part")));
    canto_tokenizer_close(t);
    canto_tokenizer_close(again);
    canto_context_close(stopping);
    canto_context_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_all_at_once), cmocka_unit_test(test_stopped_and_gone_on),
        cmocka_unit_test(test_documents),      cmocka_unit_test(test_lines_that_are_wrong),
        cmocka_unit_test(test_readers),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
