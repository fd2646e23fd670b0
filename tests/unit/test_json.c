/* test_json.c - the JSON reader on what is right and what is not, and the builder that remembers a failure. */
#include "unit.h"

#include "base/json.h"

/* text, read and written again on one line. */
static void reads(const char *text, const char *expected) {
    json_t      *root;
    canto_status status = json_parse(context, text, strlen(text), "f", &root);
    if (status.code != CANTO_OK) fail_msg("%s: %s", text, status.text);
    char *again = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    assert_string_equal(again, expected);
    free(again);
    json_decref(root);
}

/* bytes of text are refused with a text that holds `what`. The copy has its exact size, for the address sanitizer. */
static void refuses_bytes(const char *text, size_t bytes, const char *what) {
    json_t *root;
    char   *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, text, bytes);
    canto_status status = json_parse(context, copy, bytes, "f", &root);
    free(copy);
    assert_null(root);
    assert_int_equal(status.code, CANTO_ERROR_FORMAT);
    if (!strstr(status.text, what)) fail_msg("'%.*s': '%s' lacks '%s'", (int)bytes, text, status.text, what);
}

static void refuses(const char *text, const char *what) { refuses_bytes(text, strlen(text), what); }

static void test_values(void **state) {
    (void)state;
    reads(" { } ", "{}");
    reads("[]\n", "[]");
    reads("[ 1 , -2,\t0,\r\n9223372036854775807 , -9223372036854775808]",
          "[1,-2,0,9223372036854775807,-9223372036854775808]");
    reads("[0.5,-0.25,1e2,1E+2,25e-1,0.0, 0.10000000000000001]", "[0.5,-0.25,100.0,100.0,2.5,0.0,0.10000000000000001]");
    reads("[true,false,null]", "[true,false,null]");
    reads("{\"a\":{\"b\":[[],{}]},\"c\":\"\"}", "{\"a\":{\"b\":[[],{}]},\"c\":\"\"}");
    reads("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]");
    reads("[\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"]", "[\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"]");
    reads("{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}", "{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}");
}

static void test_mistakes(void **state) {
    (void)state;
    refuses("", "begin with");
    refuses("  ", "begin with");
    refuses("3", "begin with");
    refuses("\"a\"", "begin with");
    refuses("{\"a\":1} x", "follows");
    refuses("[1]]", "follows");
    refuses("{\"a\":1,\"a\":2}", "duplicate");
    refuses("{\n\n1}", "line 3");
    refuses("{a:1}", "key");
    refuses("{\"a\" 1}", "lacks :");
    refuses("{\"a\":1 \"b\":2}", ", or }");
    refuses("{\"a\":1,}", "key");
    refuses("[1 2]", ", or ]");
    refuses("[1,]", "no value");
    refuses("[", "no value");
    refuses("{", "key");
    refuses("[tru]", "no value");
    for (const char *number = "01 -01 1. .5 1e 1e+ +1 - -- 1.e1 0x1 1-2 1e5.5 nan"; *number;) {
        char text[16];
        int  length = (int)strcspn(number, " ");
        snprintf(text, sizeof text, "[%.*s]", length, number);
        refuses(text, "not valid JSON");
        number += length + (number[length] == ' ');
    }
    refuses("[1e999]", "too large");
    refuses("[\"a\n\"]", "control");
    refuses("[\"a", "ends inside");
    refuses("[\"a\\", "ends inside");
    refuses("[\"\\x\"]", "escape");
    refuses("[\"\\u00g0\"]", "hexadecimal");
    refuses("[\"\\u00", "hexadecimal");
    refuses("[\"\\u0000\"]", "u0000");
    refuses("[\"\\ud800\"]", "surrogate");
    refuses("[\"\\udc00\"]", "surrogate");
    refuses("[\"\\ud800\\u0041\"]", "surrogate");
    refuses("[\"\xC3(\"]", "UTF-8");
    refuses("[\"\xFF\"]", "UTF-8");
    refuses_bytes("[1]\0", 4, "follows");
    refuses_bytes("[\"a\0\"]", 6, "control");
    refuses_bytes("[\0]", 3, "no value");
}

/* Hugging Face's tokenizers have "model_max_length": 1000000000000000019884624838656. */
static void test_large_integers(void **state) {
    static const char text[] = "{\"most\": 9223372036854775807, \"more\": 9223372036854775808}";
    json_t           *root;
    int64_t           number;
    double            real;
    (void)state;
    ok(json_parse(context, text, strlen(text), "text", &root));
    ok(json_get_integer(root, "text", "most", 0, INT64_MAX, &number));
    assert_true(number == INT64_MAX);
    fails(json_get_integer(root, "text", "more", 0, INT64_MAX, &number), CANTO_ERROR_FORMAT, "whole number");
    ok(json_get_real(root, "text", "more", &real));
    assert_true(real == 0x1p63);
    json_decref(root);
}

static void test_bounds(void **state) {
    char text[2000];
    (void)state;
    memset(text, '[', 1000);
    text[1000] = 0;
    refuses(text, "deeply");
    memset(text, '1', 1000);
    text[0] = '[';
    refuses(text, "digits");
    memset(text, ' ', 1000);
    refuses(text, "begin with");
}

static void test_builder(void **state) {
    (void)state;
    json_build b = json_build_object(), list = json_build_array();
    for (int i = 0; i < 3; i++) json_build_add(&list, json_integer(i));
    json_build_text(&b, "text", "t");
    json_build_integer(&b, "integer", -1);
    json_build_real(&b, "real", 0.5);
    json_build_bool(&b, "bool", true);
    json_build_u64(&b, "u64", 255);
    json_build_set(&b, "list", json_build_end(&list));
    json_t *made = json_build_end(&b);
    char   *text = json_dumps(made, JSON_COMPACT);
    assert_string_equal(text, "{\"text\":\"t\",\"integer\":-1,\"real\":0.5,\"bool\":true,"
                              "\"u64\":\"0x00000000000000ff\",\"list\":[0,1,2]}");
    free(text);
    json_decref(made);

    b = json_build_object(); /* what is missing is not forgotten */
    json_build_integer(&b, "first", 1);
    json_build_set(&b, "missing", NULL);
    json_build_integer(&b, "last", 2);
    assert_null(json_build_end(&b));
    list = json_build_array();
    json_build_add(&list, NULL);
    json_build_add(&list, json_integer(1));
    assert_null(json_build_end(&list));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_mistakes),
                                       cmocka_unit_test(test_large_integers), cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_builder)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
