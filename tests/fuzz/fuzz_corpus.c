/* fuzz_corpus.c - the input is a .jsonl file. As plain text it comes back whole, in pieces. As lines of JSON: each line that is
 * not blank is a document, with the text that jansson finds in it; those behind any line are what reading from there finds;
 * and, written as JSON again, they are the same. A file that is accepted as it is gives the same where broken text is
 * replaced. */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/corpus.h"

#include <string.h>

enum {
    PLACES = 8,   /* lines that are begun from */
    DEPTH = 128,  /* of values in values that canto reads; jansson reads deeper ones */
    NUMBER = 512, /* bytes of a number that canto reads; jansson reads longer ones */
};

/* The documents of a file, one behind the other, and the same as lines of JSON. */
typedef struct found {
    byte_list texts, lines;
    size_t    documents;
} found;

void fuzz_seeds(void) {
    fuzz_seed_text("plain", "{\"text\":\"one\"}\n{\"text\":\"two\\nlines\"}\n");
    fuzz_seed_text("members", " {\"id\":[1,{\"a\":null}],\"text\":\"caf\xC3\xA9 "
                              "\\u00e9\\ud83d\\ude00\"}\r\n\n\t{\"text\":\"\",\"n\":-1.5e3}");
    fuzz_seed_text("half", "{\"text\":\"\\ud800 \xC3(\"}\n");
    fuzz_seed_text("zero", "{\"text\":\"a\\u0000b\"}\n{\"text\":\"c\"}\n");
}

static canto_status add(void *user, const char *text, size_t bytes, const char *from) {
    found       *f = user;
    canto_status status = status_ok();
    json_t      *line = json_pack("{s:o}", "text", json_stringn(text, bytes));
    CHECK(line && *from && utf8_valid_prefix(text, bytes) == bytes);
    char *written = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    CHECK(written);
    f->documents++;
    TRY(byte_list_add(&f->texts, text, bytes + 1)); /* with the zero behind it */
    TRY(byte_list_add(&f->lines, written, strlen(written)));
    TRY(byte_list_add(&f->lines, "\n", 1));
done:
    free(written);
    return status;
}

static found found_nothing(void) {
    canto_context *context = fuzz_context();
    return (found){{context, NULL, 0, 0}, {context, NULL, 0, 0}, 0};
}

static void forget(found *f) {
    canto_free(fuzz_context(), f->texts.data);
    canto_free(fuzz_context(), f->lines.data);
}

/* Whether b are the last documents of a. */
static bool ends_with(const found *a, const found *b) {
    size_t bytes = b->texts.count;
    return bytes <= a->texts.count &&
           (bytes == 0 || !memcmp(a->texts.data + a->texts.count - bytes, b->texts.data, bytes));
}

/* All documents of a file from a place on. */
static canto_status read_from(const char *path, const corpus_place *place, found *f) {
    byte_list    text = {fuzz_context(), NULL, 0, 0};
    corpus       c = {0};
    corpus_piece piece;
    bool         any;
    canto_status status;
    TRY(corpus_open(&c, fuzz_context(), NULL, &path, 1, "text", place));
    for (;;) {
        TRY(corpus_next(&c, &text, &piece, &any));
        if (!any) break;
        CHECK(piece.lines && !piece.begins && text.count > 0 && piece.after.offset == piece.from.offset + text.count);
        TRY(corpus_documents(fuzz_context(), path, "text", &piece, text.data, text.count, add, f));
    }
done:
    canto_free(fuzz_context(), text.data);
    corpus_close(&c);
    return status;
}

/* Lines with anything but blanks. */
static size_t count_lines(const char *data, size_t bytes) {
    size_t lines = 0;
    bool   blank = true;
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '\n') blank = true;
        else if (blank && !memchr(" \t\r", data[i], 3)) lines++, blank = false;
    }
    return lines;
}

/* What jansson finds in the lines; false when it refuses one, perhaps only because a number is too large for it. */
static bool find_by_jansson(const char *data, size_t bytes, found *f, bool *large) {
    bool good = true;
    *large = false;
    for (size_t at = 0, length; at < bytes && good; at += length + 1) {
        const char *end = memchr(data + at, '\n', bytes - at);
        length = end ? (size_t)(end - (data + at)) : bytes - at;
        if (count_lines(data + at, length) == 0) continue;
        json_error_t error;
        json_t      *line = json_loadb(data + at, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        json_t      *text = json_object_get(line, "text");
        good = json_is_string(text);
        *large = !line && json_error_code(&error) == json_error_numeric_overflow;
        if (good) fuzz_good(add(f, json_string_value(text), json_string_length(text), "jansson"));
        json_decref(line);
    }
    return good;
}

/* Whether canto may refuse what jansson reads. */
static bool is_much(const uint8_t *data, size_t bytes) {
    size_t opened = 0;
    for (size_t i = 0; i < bytes; i++) opened += data[i] == '[' || data[i] == '{';
    return opened > DEPTH || bytes > NUMBER;
}

static bool same(const found *a, const found *b) {
    return a->documents == b->documents && a->texts.count == b->texts.count && ends_with(a, b);
}

static void check_by_jansson(const uint8_t *data, size_t bytes, const found *all, bool accepted) {
    found other = found_nothing();
    bool  large;
    if (find_by_jansson((const char *)data, bytes, &other, &large))
        CHECK(accepted ? same(all, &other) : is_much(data, bytes));
    else CHECK(!accepted || large);
    forget(&other);
}

static void check_places(const char *path, const char *data, size_t bytes, const found *all) {
    corpus_place place = {0, 0, 1};
    for (size_t i = 0; i < bytes && place.line <= PLACES; i++) {
        if (data[i] != '\n') continue;
        found rest = found_nothing();
        place.offset = i + 1;
        place.line++;
        fuzz_good(read_from(path, &place, &rest));
        CHECK(rest.documents == count_lines(data + i + 1, bytes - i - 1) && ends_with(all, &rest));
        forget(&rest);
    }
}

static void check_again(const found *all) {
    found again = found_nothing();
    fuzz_write("again.jsonl", all->lines.data, all->lines.count);
    fuzz_good(read_from(fuzz_path("again.jsonl"), NULL, &again));
    CHECK(same(all, &again));
    forget(&again);
}

/* The whole file as text, whatever its name: `texts` has a zero behind each part. */
static canto_status compare(void *user, const char *text, size_t bytes, const char *from) {
    byte_list *left = user;
    CHECK(*from && bytes <= left->count && (bytes == 0 || !memcmp(left->data, text, bytes)));
    left->data += bytes;
    left->count -= bytes;
    return status_ok();
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    const char *path = fuzz_path("in.jsonl");
    byte_list   left = {NULL, (char *)data, bytes, bytes};
    found       all = found_nothing(), replaced = found_nothing();
    fuzz_write("in.jsonl", data, bytes);
    fuzz_good(corpus_file(fuzz_context(), NULL, path, NULL, "reading", compare, &left));
    CHECK(left.count == 0);

    bool accepted = fuzz_accepts(corpus_file(fuzz_context(), NULL, path, "text", "reading", add, &all));
    check_by_jansson(data, bytes, &all, accepted);
    if (accepted) {
        CHECK(all.documents == count_lines((const char *)data, bytes));
        check_places(path, (const char *)data, bytes, &all);
        check_again(&all);
    }
    fuzz_context()->invalid = CANTO_INVALID_REPLACE;
    bool taken = fuzz_accepts(read_from(path, NULL, &replaced));
    fuzz_context()->invalid = CANTO_INVALID_REFUSE;
    if (accepted) CHECK(taken && same(&all, &replaced));
    if (taken) check_again(&replaced);
    forget(&replaced);
    forget(&all);
}
