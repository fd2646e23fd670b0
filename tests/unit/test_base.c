/* test_base.c - statuses, contexts, the pool, files, UTF-8, JSON. */
#include "unit.h"

#include "base/file.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/utf8.h"

#include <time.h>

static void test_status(void **state) {
    (void)state;
    char long_text[1000];
    assert_int_equal(status_ok().code, CANTO_OK);
    assert_string_equal(status_ok().text, "");
    for (int shift = 0; shift < 4; shift++) { /* a cut text stays whole UTF-8 */
        memset(long_text, 'x', sizeof long_text);
        for (size_t i = (size_t)shift; i + 5 < sizeof long_text; i += 4) memcpy(long_text + i, "\xF0\x9F\x98\x80", 4);
        long_text[sizeof long_text - 1] = 0;
        canto_status status = status_error(CANTO_ERROR_VALUE, "%s", long_text);
        size_t       length = strlen(status.text);
        assert_true(length > 500 && length < sizeof status.text);
        assert_int_equal(utf8_valid_prefix(status.text, length), length);
    }
    canto_status status = status_error(CANTO_ERROR_FILE, "'%s'", "a\nb\x1B[m\x7F \xC3\xA9\xFF\xC2\x85\xE2\x80\xA8");
    assert_string_equal(status.text, "'a\\x0Ab\\x1B[m\\x7F \xC3\xA9\\xFF\\xC2\\x85\\xE2\\x80\\xA8'");
    memset(long_text, '\n', sizeof long_text - 1); /* what is written longer still fits */
    status = status_error(CANTO_ERROR_FILE, "%s", long_text);
    assert_int_equal(strlen(status.text) % 4, 0);
    assert_true(strlen(status.text) < sizeof status.text);
    status = status_add(status_error(CANTO_ERROR_FILE, "fault"), CANTO_ERROR_FILE, "; way out");
    assert_string_equal(status.text, "fault; way out");
    assert_string_equal(status_add(status, CANTO_ERROR_VALUE, "; another").text, "fault; way out");
    status = status_add(status_error(CANTO_ERROR_FILE, "%s", long_text), CANTO_ERROR_FILE, "; no room for this");
    assert_null(strstr(status.text, "room"));
}

typedef struct account {
    long blocks, left; /* left: allocations until there is no more memory */
} account;

static void *counted_resize(void *user, void *old, size_t bytes) {
    account *a = user;
    if (bytes == 0) {
        a->blocks -= old != NULL;
        free(old);
        return NULL;
    }
    if (a->left-- <= 0) return NULL;
    void *moved = realloc(old, bytes);
    a->blocks += !old && moved;
    return moved;
}

static void keep_log(void *user, canto_log_level level, const char *text) {
    assert_int_equal(level, CANTO_LOG_WARNING);
    snprintf(user, 64, "%s", text);
}

static void test_context(void **state) {
    (void)state;
    account               a = {0, 100};
    char                  logged[64] = "";
    canto_context        *c;
    canto_context_options options = canto_context_options_default();
    void                 *base, *block;
    size_t                n;
    options.allocator = (canto_allocator){counted_resize, &a};
    options.threads = 3;
    options.log = keep_log;
    options.log_user = logged;
    ok(canto_context_open(&options, &c));
    assert_int_equal(canto_context_threads(c), 3);
    assert_string_equal(canto_version(), CANTO_VERSION);
    context_log(c, CANTO_LOG_WARNING, "%d oddities", 3);
    assert_string_equal(logged, "3 oddities");
    ok(context_block(c, 1000, "a test", &base, &block));
    assert_int_equal((uintptr_t)block % 64, 0);
    for (size_t i = 0; i < 1000; i++) assert_int_equal(((char *)block)[i], 0);
    context_release(c, base);
    char *copy = context_copy_text(c, "canto");
    assert_string_equal(copy, "canto");
    canto_free(c, copy);
    canto_free(c, NULL);
    fails(context_block(c, SIZE_MAX - 8, "a test", &base, &block), CANTO_ERROR_MEMORY, "a test");
    assert_null(context_allocate_zeroed(c, SIZE_MAX / 2, 3));
    a.left = 0;
    fails(context_block(c, 8 << 20, "a test", &base, &block), CANTO_ERROR_MEMORY, "8.0 MiB");
    canto_context_close(c);
    assert_int_equal(a.blocks, 0);
    fails(canto_context_open(&options, &c), CANTO_ERROR_MEMORY, "context");
    options.threads = 257;
    fails(canto_context_open(&options, &c), CANTO_ERROR_VALUE, "257");
    options.threads = 1;
    options.cpu = "z80";
    fails(canto_context_open(&options, &c), CANTO_ERROR_VALUE, "avx512");
    assert_null(c);
    canto_context_close(NULL);
    assert_true(size_multiply(3, 4, &n) && n == 12 && !size_multiply(SIZE_MAX, 2, &n) && !size_add(SIZE_MAX, 1, &n));
    assert_true(machine_cores() >= 1);
    assert_true(clock_seconds() > 0);
}

static void mark_unit(void *job, size_t unit, int worker) {
    unsigned char *marks = job;
    assert_in_range(worker, 0, 7);
    marks[unit]++;
}

static void test_pool(void **state) {
    (void)state;
    static unsigned char marks[1000];
    for (int threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
        pool *p = pool_open(&context->allocator, threads);
        exec  pooled = {.pool = p}, serial = {.worker = 7};
        assert_non_null(p);
        assert_int_equal(pool_threads(p), threads);
        for (size_t round = 0; round < 2000; round++) {
            size_t units = round % 100 ? round % 40 : sizeof marks;
            memset(marks, 0, sizeof marks);
            exec_run(round % 7 ? &pooled : &serial, units, mark_unit, marks);
            for (size_t i = 0; i < sizeof marks; i++)
                if (marks[i] != (i < units)) fail_msg("unit %zu of %zu ran %d times", i, units, marks[i]);
            if (round % 500 == 0) nanosleep(&(struct timespec){0, 2000000}, NULL); /* lets the threads fall asleep */
        }
        pool_close(p);
    }
    pool_close(NULL);
}

static void test_files(void **state) {
    (void)state;
    file_map    map;
    file_writer writer;
    char        path[4096];
    fails(file_map_open(in_folder("none"), &map), CANTO_ERROR_FILE, "No such file or directory");
    fails(file_map_open(folder, &map), CANTO_ERROR_FILE, "folder");
    fails(file_map_open("/dev/null", &map), CANTO_ERROR_FILE, "regular file");
    file_map_close(&map);
    ok(file_write_whole(in_folder("f"), "one", 3));
    ok(file_append(in_folder("f"), 3, "wrong", 5));
    ok(file_append(in_folder("f"), 3, "two", 3));
    fails(file_append(in_folder("f"), 7, "x", 1), CANTO_ERROR_FILE, "has 6 bytes, but 7");
    ok(file_map_open(in_folder("f"), &map));
    assert_int_equal(map.bytes, 6);
    assert_memory_equal(map.data, "onetwo", 6);
    ok(file_write_whole(in_folder("f"), "", 0)); /* the map keeps the old content */
    assert_memory_equal(map.data, "onetwo", 6);
    file_map_close(&map);
    ok(file_map_open(in_folder("f"), &map));
    assert_int_equal(map.bytes, 0);
    assert_non_null(map.data);
    file_map_close(&map);

    ok(file_writer_open(&writer, in_folder("g")));
    ok(file_writer_write(&writer, "abc", 3));
    assert_false(file_exists(in_folder("g")));
    assert_true(file_exists(writer.temporary));
    file_writer_discard(&writer);
    assert_false(file_exists(writer.temporary));
    fails(file_writer_open(&writer, folder), CANTO_ERROR_FILE, "folder");
    fails(file_write_whole("/dev/null", "x", 1), CANTO_ERROR_FILE, "regular file");
    fails(file_write_whole(in_folder("no/g"), "x", 1), CANTO_ERROR_FILE, "No such file or directory");

    ok(folder_create(in_folder("a/b//c/")));
    ok(folder_create(in_folder("a/b/c")));
    assert_true(folder_exists(in_folder("a/b/c")));
    fails(folder_create(in_folder("f/x")), CANTO_ERROR_FILE, "is a file");
    ok(file_write_whole(in_folder("a/b/c/x"), "x", 1));
    ok(file_rename(in_folder("a/b/c"), in_folder("a/b/d")));
    ok(link_replace("f", in_folder("last")));
    ok(link_replace("a/b/d", in_folder("last")));
    assert_true(file_exists(in_folder("last/x")));
    ok(folder_sync(folder));
    ok(folder_remove(in_folder("a/b/d")));
    ok(folder_remove(in_folder("a/b")));
    ok(folder_remove(in_folder("a")));
    assert_false(folder_exists(in_folder("a")));
    fails(folder_remove(in_folder("a")), CANTO_ERROR_FILE, "No such file or directory");

    ok(path_join(path, "a/", "b"));
    assert_string_equal(path, "a/b");
    ok(path_join(path, "a", "b"));
    assert_string_equal(path, "a/b");
    char *long_name = calloc(1, 5000);
    assert_non_null(long_name);
    memset(long_name, 'n', 4999);
    fails(path_join(path, "a", long_name), CANTO_ERROR_FILE, "too long");
    fails(file_writer_open(&writer, long_name), CANTO_ERROR_FILE, "too long");
    free(long_name);
    assert_true(hash_bytes("", 0, 0) == UINT64_C(0xcbf29ce484222325) &&
                hash_bytes("a", 1, 0) == UINT64_C(0xaf63dc4c8601ec8c));
}

static void test_utf8(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xC3",
                                      "\xE2\x82",
                                      "\xFF",
                                      "\xC3\xC3"};
    uint32_t                 point, spaces = 0, digits = 0;
    char                     text[4];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(utf8_read(bad[i], strlen(bad[i]), &point), 0);
    for (uint32_t p = 0; p <= 0x10FFFF; p++) {
        if (p >= 0xD800 && p < 0xE000) continue;
        size_t length = utf8_write(p, text);
        if (utf8_read(text, 4, &point) != length || point != p || (length > 1 && utf8_read(text, length - 1, &point)))
            fail_msg("U+%04X", (unsigned)p);
        spaces += utf8_is_space(p);
        digits += utf8_is_digit(p);
    }
    assert_int_equal(spaces, 29);
    assert_int_equal(digits, 660);
    assert_true(utf8_is_space(0x1C) && utf8_is_space(0x85) && !utf8_is_space(0x200B) && !utf8_is_space(0x180E));
    assert_true(utf8_is_digit('7') && utf8_is_digit(0x1FBF9) && !utf8_is_digit(0xB2) && !utf8_is_digit('/'));
    assert_int_equal(utf8_valid_prefix("ab\xC3", 3), 2);
}

static void test_json(void **state) {
    (void)state;
    static const char text[] =
        "{\"n\": 3, \"x\": 0.1, \"t\": \"canto\", \"b\": true, \"o\": {}, \"a\": [], \"u\": \"0x00000000000000ff\"}";
    json_t     *root, *value;
    const char *name;
    int64_t     n;
    double      x;
    bool        b;
    uint64_t    u;
    char       *dump;
    fails(json_parse(context, "{\n\n1}", 5, "f.json", &root), CANTO_ERROR_FORMAT, "'f.json' line 3");
    fails(json_parse(context, "{\"a\":1,\"a\":2}", 13, "f.json", &root), CANTO_ERROR_FORMAT, "f.json");
    fails(json_read_file(context, in_folder("none"), &root), CANTO_ERROR_FILE, "none");
    assert_null(root);
    ok(json_parse(context, text, strlen(text), "f.json", &root));
    ok(json_get_integer(root, "f.json", "n", 0, 3, &n));
    assert_int_equal(n, 3);
    fails(json_get_integer(root, "f.json", "n", 4, 9, &n), CANTO_ERROR_FORMAT, "\"n\" is 3; it must lie in 4 .. 9");
    fails(json_get_integer(root, "f.json", "x", 4, 9, &n), CANTO_ERROR_FORMAT, "whole number");
    fails(json_get_integer(root, "f.json", "no", 4, 9, &n), CANTO_ERROR_FORMAT, "lacks the key \"no\"");
    ok(json_get_integer_or(root, "f.json", "no", 4, 9, 77, &n));
    assert_int_equal(n, 77);
    ok(json_get_real(root, "f.json", "x", &x));
    assert_true(x == 0.1);
    ok(json_get_real_or(root, "f.json", "n", 9, &x));
    assert_true(x == 3);
    ok(json_get_text(root, "f.json", "t", &name));
    assert_string_equal(name, "canto");
    ok(json_get_text_or(root, "f.json", "no", NULL, &name));
    assert_null(name);
    ok(json_get_bool(root, "f.json", "b", &b));
    assert_true(b);
    ok(json_get_bool_or(root, "f.json", "no", false, &b));
    assert_false(b);
    fails(json_get_bool_or(root, "f.json", "n", false, &b), CANTO_ERROR_FORMAT, "true or false");
    ok(json_get_object(root, "f.json", "o", &value));
    ok(json_get_array(root, "f.json", "a", &value));
    fails(json_get_array(value, "f.json", "a", &value), CANTO_ERROR_FORMAT, "object");
    ok(json_get_u64(root, "f.json", "u", &u));
    assert_int_equal(u, 255);
    fails(json_get_u64(root, "f.json", "t", &u), CANTO_ERROR_FORMAT, "hexadecimal");
    json_object_set_new(root, "u", json_new_u64(UINT64_MAX));
    ok(json_get_u64(root, "f.json", "u", &u));
    assert_true(u == UINT64_MAX);
    ok(json_dump(context, json_object_get(root, "x"), 0, &dump));
    assert_true(strtod(dump, NULL) == 0.1);
    context_release(context, dump);
    ok(json_write_file(in_folder("j"), root));
    json_decref(root);
    ok(json_read_file(context, in_folder("j"), &root));
    assert_int_equal(json_object_size(root), 7);
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status), cmocka_unit_test(test_context), cmocka_unit_test(test_pool),
        cmocka_unit_test(test_files),  cmocka_unit_test(test_utf8),    cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
