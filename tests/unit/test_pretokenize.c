/* test_pretokenize.c - where OpenAI's three patterns cut, piece by piece, and the table of Unicode's classes. */
#include "unit.h"

#include "text/pretokenize.h"
#include "text/unicode.h"

/* Pieces of text, with a bar between them. */
static const char *cuts(pretokenizer kind, const char *text) {
    static char out[512];
    size_t      bytes = strlen(text), used = 0;
    for (size_t at = 0; at < bytes;) {
        size_t length = pretokenize_piece(kind, text + at, bytes - at);
        assert_in_range(length, 1, bytes - at);
        if (at) out[used++] = '|';
        memcpy(out + used, text + at, length);
        used += length;
        at += length;
    }
    out[used] = 0;
    return out;
}

static void test_patterns(void **state) {
    static const struct {
        const char *text, *gpt2, *cl100k, *o200k;
    } cases[] = {
        {"Hello world's", "Hello| world|'s", "Hello| world|'s", "Hello| world's"},
        {"HE'LL I'M'Ve", "HE|'|LL| I|'|M|'|Ve", "HE|'LL| I|'M|'Ve", "HE'LL| I'M|'Ve"},
        {"it'\xC5\xBFx", "it|'|\xC5\xBFx", "it|'\xC5\xBF|x", "it'\xC5\xBF|x"},
        {"'ll 're've", "'ll| '|re|'ve", "'ll| '|re|'ve", "'ll| '|re've"},
        {"a  b", "a| | b", "a| | b", "a| | b"},
        {"a \n b", "a| \n| b", "a| \n| b", "a| \n| b"},
        {"a\n\nb", "a|\n|\n|b", "a|\n\n|b", "a|\n\n|b"},
        {"a\t\tb", "a|\t|\t|b", "a|\t|\tb", "a|\t|\tb"},
        {"a\r\n  ", "a|\r\n  ", "a|\r\n|  ", "a|\r\n|  "},
        {" \xC2\xA0x", " |\xC2\xA0|x", " |\xC2\xA0x", " |\xC2\xA0x"},
        {"12345 678", "12345| 678", "123|45| |678", "123|45| |678"},
        {"x!?\n\n/y", "x|!?|\n|\n|/|y", "x|!?\n\n|/y", "x|!?\n\n/|y"},
        {" ... x", " ...| x", " ...| x", " ...| x"},
        {"CamelCaseABC", "CamelCaseABC", "CamelCaseABC", "Camel|Case|ABC"},
        {"ABC\xE6\x97\xA5"
         "D",
         "ABC\xE6\x97\xA5"
         "D",
         "ABC\xE6\x97\xA5"
         "D",
         "ABC\xE6\x97\xA5|D"},
        {"\xCC\x81"
         "AB",
         "\xCC\x81|AB",
         "\xCC\x81"
         "AB",
         "\xCC\x81|AB"},
        {"\xCC\x81"
         "Ab",
         "\xCC\x81|Ab",
         "\xCC\x81"
         "Ab",
         "\xCC\x81"
         "Ab"},
        {"e\xCC\x81s", "e|\xCC\x81|s", "e|\xCC\x81s", "e\xCC\x81s"},
        {"!!\xCC\x81", "!!\xCC\x81", "!!\xCC\x81", "!!\xCC\x81"},
        {"a\xFF\xC3 b", "a|\xFF\xC3| b", "a|\xFF\xC3| b", "a|\xFF\xC3| b"},
        {"\xF0\x9F\x98\x80\xF0\x9F\x98\x80 \xE2\x82\xAC", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80| \xE2\x82\xAC",
         "\xF0\x9F\x98\x80\xF0\x9F\x98\x80| \xE2\x82\xAC", "\xF0\x9F\x98\x80\xF0\x9F\x98\x80| \xE2\x82\xAC"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(cuts(PRETOKENIZER_GPT2, cases[i].text), cases[i].gpt2);
        assert_string_equal(cuts(PRETOKENIZER_CL100K, cases[i].text), cases[i].cl100k);
        assert_string_equal(cuts(PRETOKENIZER_O200K, cases[i].text), cases[i].o200k);
        assert_string_equal(cuts(PRETOKENIZER_NONE, cases[i].text), cases[i].text);
    }
}

/* The piece at a place depends on the bytes given alone: the last one is never read beyond its end. */
static void test_ends(void **state) {
    static const char text[] = "a' \xC2\xA0\xE6\x97\xA5'l \xF0\x9F\x98\x80\r\n \xCC\x81Z'\xC5\xBF 12";
    (void)state;
    for (size_t from = 0; from < sizeof text - 1; from++)
        for (size_t bytes = 1; from + bytes < sizeof text; bytes++)
            for (pretokenizer kind = PRETOKENIZER_GPT2; kind <= PRETOKENIZER_O200K; kind++) {
                char *copy = malloc(bytes); /* the sanitizer watches its end */
                assert_non_null(copy);
                memcpy(copy, text + from, bytes);
                assert_in_range(pretokenize_piece(kind, copy, bytes), 1, bytes);
                free(copy);
            }
}

static void test_classes(void **state) {
    static const struct {
        uint32_t point;
        unicode_class class;
    } cases[] = {
        {'A', UNICODE_UPPER},     {'z', UNICODE_LOWER},      {'0', UNICODE_NUMBER},     {' ', UNICODE_SPACE},
        {0x1C, UNICODE_OTHER},    {0x85, UNICODE_SPACE},     {0xAA, UNICODE_LETTER},    {0xB2, UNICODE_NUMBER},
        {0x1C5, UNICODE_UPPER},   {0x300, UNICODE_MARK},     {0x378, UNICODE_OTHER},    {0x180E, UNICODE_OTHER},
        {0x200B, UNICODE_OTHER},  {0x2160, UNICODE_NUMBER},  {0x3000, UNICODE_SPACE},   {0x4E00, UNICODE_LETTER},
        {0x9FFF, UNICODE_LETTER}, {0xAC00, UNICODE_LETTER},  {0xE000, UNICODE_OTHER},   {0xFEFF, UNICODE_OTHER},
        {0x1F600, UNICODE_OTHER}, {0x20000, UNICODE_LETTER}, {0x323AF, UNICODE_LETTER}, {0x323B0, UNICODE_OTHER},
        {0xE01EF, UNICODE_MARK},  {0x10FFFF, UNICODE_OTHER},
    };
    size_t counts[7] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(unicode_class_of(cases[i].point), cases[i].class);
    for (uint32_t point = 0; point <= 0x10FFFF; point++) counts[unicode_class_of(point)]++;
    assert_int_equal(counts[UNICODE_SPACE], 25);
    assert_int_equal(counts[UNICODE_NUMBER], 1831);
    assert_int_equal(counts[UNICODE_MARK], 2450);
    assert_int_equal(counts[UNICODE_UPPER], 1831 + 31);
    assert_int_equal(counts[UNICODE_LOWER], 2233);
    assert_int_equal(counts[UNICODE_LETTER], 397 + 131612);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
