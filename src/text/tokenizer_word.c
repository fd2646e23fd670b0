/* tokenizer_word.c - words between white space, the vocabulary sorted by code point (source 003).
 *
 * With `numbers`, each run of decimal digits becomes that token's text before the words are looked up, also inside a
 * word: "canto7:" is looked up as "canto<NUM>:", as re.sub(r"\d+", "<NUM>", text).split() does in Python. */
#include "base/utf8.h"
#include "text/tokenizer.h"

#include <string.h>

static const char digit_run[] = "\\d+";
static const char separators[] = "[\\x1c-\\x1f]+"; /* white space to Python's isspace, not to Unicode */

/* Reads the word at or after *at: [*start, *at). *start == bytes: there is none. */
static canto_status next_word(const char *text, size_t bytes, const char *from, size_t *at, size_t *start,
                              bool *digits) {
    bool inside = false;
    *digits = false;
    *start = bytes;
    while (*at < bytes) {
        uint32_t point;
        size_t   length = utf8_read(text + *at, bytes - *at, &point);
        if (length == 0) return tokenizer_not_utf8(*at, from);
        if (utf8_is_space(point)) {
            if (inside) break;
        } else {
            if (!inside) *start = *at;
            inside = true;
            if (utf8_is_digit(point)) *digits = true;
        }
        *at += length;
    }
    return status_ok();
}

/* word, with its runs of digits replaced, into out. */
static canto_status replace_digits(const canto_tokenizer *t, const char *word, size_t bytes, byte_list *out) {
    bool in_run = false;
    out->count = 0;
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t     point = 0;
        canto_status status = status_ok();
        length = utf8_read(word + at, bytes - at, &point);
        bool digit = utf8_is_digit(point);
        if (!digit) status = byte_list_add(out, word + at, length);
        else if (!in_run) status = byte_list_add(out, t->numbers, strlen(t->numbers));
        if (status.code != CANTO_OK) return status;
        in_run = digit;
    }
    return status_ok();
}

typedef canto_status (*word_fn)(void *user, const char *word, size_t bytes, size_t at);

static canto_status each_word(const canto_tokenizer *t, const char *deed, const char *text, size_t bytes,
                              const char *from, word_fn fn, void *user) {
    progress     p = tokenizer_progress(t, deed, bytes, from);
    byte_list    changed = {t->context, NULL, 0, 0};
    canto_status status = status_ok();
    for (size_t at = 0; at < bytes;) {
        size_t start;
        bool   digits;
        if (progress_due(&p, at)) TRY(progress_tell(&p, at));
        TRY(next_word(text, bytes, from, &at, &start, &digits));
        if (start == bytes) break;
        if (digits && t->numbers) {
            TRY(replace_digits(t, text + start, at - start, &changed));
            TRY(fn(user, changed.data, changed.count, start));
        } else {
            TRY(fn(user, text + start, at - start, start));
        }
    }
done:
    context_release(t->context, changed.data);
    return status;
}

typedef struct learning {
    canto_tokenizer *t;
    const char      *from;
} learning;

static canto_status learn_word(void *user, const char *word, size_t bytes, size_t at) {
    learning *l = user;
    if (memchr(word, 0, bytes))
        return status_error(CANTO_ERROR_TEXT,
                            "'%.300s' has a zero byte in the word at byte %zu; remove it, or use a byte tokenizer",
                            l->from ? l->from : "", at);
    return vocabulary_add(&l->t->tokens, word, bytes, NULL);
}

static canto_status learn(canto_tokenizer *t, const char *text, size_t bytes, const char *from) {
    learning l = {t, from};
    return each_word(t, "reading", text, bytes, from, learn_word, &l);
}

typedef struct encoding {
    const canto_tokenizer *t;
    const char            *from;
    id_list               *ids;
} encoding;

static canto_status encode_word(void *user, const char *word, size_t bytes, size_t at) {
    encoding *e = user;
    uint32_t  id = vocabulary_find(&e->t->tokens, word, bytes);
    if (id == VOCABULARY_NONE) id = e->t->unknown;
    if (id == VOCABULARY_NONE) return tokenizer_unseen(e->t, word, bytes, at, e->from);
    return id_list_add(e->ids, id);
}

static canto_status encode(const canto_tokenizer *t, const char *text, size_t bytes, const char *from, id_list *ids) {
    encoding e = {t, from, ids};
    return each_word(t, "encoding", text, bytes, from, encode_word, &e);
}

static bool write(const canto_tokenizer *t, json_t *root) {
    json_t *cutter = json_pack("{s:s, s:[{s:s}, {s:s, s:{s:s}, s:s, s:b}]}", "type", "Sequence", "pretokenizers",
                               "type", "WhitespaceSplit", "type", "Split", "pattern", "Regex", separators, "behavior",
                               "Removed", "invert", 0);
    bool    good = json_object_set_new(root, "pre_tokenizer", cutter) == 0;
    if (t->numbers) {
        json_t *replace =
            json_pack("{s:s, s:{s:s}, s:s}", "type", "Replace", "pattern", "Regex", digit_run, "content", t->numbers);
        good = json_object_set_new(root, "normalizer", replace) == 0 && good;
    }
    return tokenizer_write_word_level(t, root) && good;
}

static canto_status read(canto_tokenizer *t, const json_t *root, const char *file, bool *fits) {
    const json_t *cutter = json_object_get(root, "pre_tokenizer"), *normalizer = json_object_get(root, "normalizer");
    const char   *numbers;
    if (json_has_type(cutter, "Sequence")) cutter = json_array_get(json_object_get(cutter, "pretokenizers"), 0);
    *fits = json_has_type(json_object_get(root, "model"), "WordLevel") && json_has_type(cutter, "WhitespaceSplit");
    if (!*fits) return status_ok();
    if (json_is_object(normalizer)) {
        canto_status status = json_get_text(normalizer, file, "content", &numbers);
        if (!json_has_pattern(normalizer, "Replace", digit_run))
            return status_error(CANTO_ERROR_UNSUPPORTED, "'%.300s': the only normalizer known for words replaces \\d+",
                                file);
        if (status.code != CANTO_OK) return status;
        t->numbers = context_copy_text(t->context, numbers);
        if (!t->numbers) return context_no_memory(strlen(numbers) + 1, "a token's name");
    }
    return tokenizer_read_word_level(t, root, file);
}

const tokenizer_kind tokenizer_word = {.name = "word",
                                       .joint = " ",
                                       .text_separator = "",
                                       .takes_numbers = true,
                                       .takes_specials = true,
                                       .learn = learn,
                                       .encode = encode,
                                       .cut = tokenizer_cut_space,
                                       .write = write,
                                       .read = read};
