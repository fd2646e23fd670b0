/* tokenizer_char.c - one token a code point, the vocabulary sorted by code point (source 004). */
#include "base/utf8.h"
#include "text/tokenizer.h"

static const char any_character[] = "[\\s\\S]";

static canto_status learn(canto_tokenizer *t, const char *text, size_t bytes, const char *from) {
    progress     p = tokenizer_progress(t, "reading", bytes, from);
    canto_status status = status_ok();
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point;
        if (progress_due(&p, at)) TRY(progress_tell(&p, at));
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) return tokenizer_not_utf8(at, from);
        if (point == 0)
            return status_error(CANTO_ERROR_TEXT,
                                "'%.300s' has a zero byte at byte %zu; remove it, or use a byte tokenizer",
                                from ? from : "", at);
        if (vocabulary_find(&t->tokens, text + at, length) != VOCABULARY_NONE) continue;
        TRY(vocabulary_add(&t->tokens, text + at, length, NULL));
    }
done:
    return status;
}

static canto_status encode(const canto_tokenizer *t, const char *text, size_t bytes, const char *from, id_list *ids) {
    progress     p = tokenizer_progress(t, "encoding", bytes, from);
    canto_status status = status_ok();
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point;
        if (progress_due(&p, at)) TRY(progress_tell(&p, at));
        length = utf8_read(text + at, bytes - at, &point);
        if (length == 0) return tokenizer_not_utf8(at, from);
        uint32_t id = vocabulary_find(&t->tokens, text + at, length);
        if (id == VOCABULARY_NONE) id = t->unknown;
        if (id == VOCABULARY_NONE) return tokenizer_unseen(t, text + at, length, at, from);
        TRY(id_list_add(ids, id));
    }
done:
    return status;
}

static bool write(const canto_tokenizer *t, json_t *root) {
    json_t *split = json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split", "pattern", "Regex", any_character,
                              "behavior", "Isolated", "invert", 0);
    return json_object_set_new(root, "pre_tokenizer", split) == 0 &&
           json_object_set_new(root, "decoder", json_pack("{s:s}", "type", "Fuse")) == 0 &&
           tokenizer_write_word_level(t, root);
}

static canto_status read(canto_tokenizer *t, const json_t *root, const char *file, bool *fits) {
    *fits = json_has_type(json_object_get(root, "model"), "WordLevel") &&
            json_has_pattern(json_object_get(root, "pre_tokenizer"), "Split", any_character);
    return *fits ? tokenizer_read_word_level(t, root, file) : status_ok();
}

const tokenizer_kind tokenizer_char = {.name = "char",
                                       .joint = "",
                                       .text_separator = "\n",
                                       .takes_specials = true,
                                       .learn = learn,
                                       .encode = encode,
                                       .cut = tokenizer_cut_character,
                                       .write = write,
                                       .read = read};
