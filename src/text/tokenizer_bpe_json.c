/* tokenizer_bpe_json.c - byte-pair encodings in Hugging Face's tokenizer.json: {"type": "BPE"} with bytes as characters. */
#include "text/tokenizer_bpe_json.h"

#include "text/bpe_reader.h"

#include <string.h>

static const struct {
    pretokenizer kind;
    const char  *name, *regex;
} patterns[] = {
    {PRETOKENIZER_GPT2, "gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
    {PRETOKENIZER_CL100K, "cl100k",
     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
    {PRETOKENIZER_O200K, "o200k",
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:"
     "'s|'t|'re|'ve|'m|'ll|'d)?|"
     "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:"
     "'s|'t|'re|'ve|'m|'ll|'d)?|"
     "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};
enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

/* ------------------------------------------------------------------------------------------------ writing */

static json_t *byte_level_json(bool regex) {
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex",
                     (int)regex);
}

static json_t *cutter_json(const pattern *cutter) {
    pretokenizer kind = cutter->kind;
    if (kind == PRETOKENIZER_GPT2 || kind == PRETOKENIZER_NONE) return byte_level_json(kind == PRETOKENIZER_GPT2);
    const char *regex = cutter->regex;
    for (size_t i = 0; i < PATTERNS; i++)
        if (patterns[i].kind == kind) regex = patterns[i].regex;
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence", "pretokenizers", "type", "Split",
                     "pattern", "Regex", regex, "behavior", "Isolated", "invert", 0, byte_level_json(false));
}

/* What tokens look like in the file. */
typedef struct writer {
    const canto_tokenizer *t;
    char                   names[256][4];
    byte_list              text;
    json_build             merges;
} writer;

/* A token's text, with a zero byte; an added one as it stands, another in characters. NULL without memory. */
static const char *name_of(writer *w, uint32_t id, bool after) {
    size_t      bytes;
    const char *token = vocabulary_token(&w->t->tokens, id, &bytes);
    if (!after) w->text.count = 0;
    if (w->t->bpe->flags[id] & (BPE_ADDED | BPE_SPECIAL)) return token;
    if (byte_level_write(w->names, token, bytes, &w->text).code != CANTO_OK) return NULL;
    if (byte_list_add(&w->text, "", 1).code != CANTO_OK) return NULL;
    return w->text.data;
}

static json_t *vocabulary_json(writer *w) {
    json_build b = json_build_object();
    for (uint32_t id = 0; id < w->t->tokens.count; id++) {
        size_t bytes;
        vocabulary_token(&w->t->tokens, id, &bytes);
        if (bytes == 0) continue;
        const char *name = name_of(w, id, false);
        json_build_set(&b, name ? name : "", name ? json_integer(id) : NULL);
    }
    return json_build_end(&b);
}

static json_t *added_json(const canto_tokenizer *t) {
    json_build b = json_build_array();
    for (uint32_t id = 0; id < t->tokens.count; id++) {
        if (!(t->bpe->flags[id] & (BPE_ADDED | BPE_SPECIAL))) continue;
        json_build_add(&b, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id", (int)id, "content",
                                     vocabulary_token(&t->tokens, id, NULL), "single_word", 0, "lstrip", 0, "rstrip", 0,
                                     "normalized", 0, "special", (t->bpe->flags[id] & BPE_SPECIAL) != 0));
    }
    return json_build_end(&b);
}

static canto_status add_merge(void *user, uint32_t left, uint32_t right) {
    writer     *w = user;
    const char *first = name_of(w, left, false);
    bool        good = first != NULL;
    if (good) {
        w->text.data[w->text.count - 1] = ' ';
        good = name_of(w, right, true) != NULL;
    }
    json_build_add(&w->merges, good ? json_string(w->text.data) : NULL);
    return status_ok(); /* the build remembers what failed */
}

static json_t *merges_json(writer *w) {
    w->merges = json_build_array();
    tokenizer_bpe_each_merge(w->t, add_merge, w);
    return json_build_end(&w->merges);
}

bool tokenizer_bpe_write(const canto_tokenizer *t, json_t *root) {
    writer w = {.t = t, .text.context = t->context};
    byte_level_names(w.names);
    json_t *vocab = vocabulary_json(&w), *merges = merges_json(&w);
    json_t *model =
        json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                  "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0, "ignore_merges",
                  t->bpe->whole_first || !t->bpe->merges, "vocab", vocab, "merges", merges);
    context_release(t->context, w.text.data);
    bool good = json_object_set_new(root, "model", model) == 0; /* first: it is made already, and goes with root */
    return good && json_object_set_new(root, "added_tokens", added_json(t)) == 0 &&
           json_object_set_new(root, "pre_tokenizer", cutter_json(&t->bpe->cutter)) == 0 &&
           json_object_set_new(root, "decoder", byte_level_json(true)) == 0;
}

/* ------------------------------------------------------------------------------------------------ reading */

static canto_status unsupported(const char *file, const char *what) {
    return status_error(CANTO_ERROR_UNSUPPORTED, "'%.300s': %s, which is not known here", file, what);
}

/* True when the member is missing, null, false, 0 or "". */
static bool is_off(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const char   *text = json_string_value(value);
    return !value || json_is_null(value) || json_is_false(value) || (text && !text[0]) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

static canto_status check_model(const json_t *root, const json_t *model, const char *file) {
    static const char *const off[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"};
    if (!is_off(root, "normalizer")) return unsupported(file, "the text is changed by a normalizer");
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        if (!is_off(model, off[i]))
            return status_error(CANTO_ERROR_UNSUPPORTED, "'%.300s': the model's %s is set, which is not known here",
                                file, off[i]);
    return status_ok();
}

/* {"type": "Split"}: a known pattern, or one of a user's own. */
static canto_status read_split(bpe_reader *r, const json_t *split) {
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    const char *regex = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
    bool        isolated = behavior && strcmp(behavior, "Isolated") == 0 && is_off(split, "invert");
    if (!json_has_type(split, "Split") || !regex)
        return unsupported(r->file, "the pre-tokenizer is no Split by a pattern");
    for (size_t i = 0; i < PATTERNS; i++) {
        if (strcmp(patterns[i].regex, regex) != 0) continue;
        /* The known patterns match all of a text: removing what does not match is the same. */
        bool removed = behavior && strcmp(behavior, "Removed") == 0 && json_is_true(json_object_get(split, "invert"));
        if (!isolated && !removed) break;
        return pattern_open(r->context, patterns[i].name, &r->parts.cutter);
    }
    if (!isolated) return unsupported(r->file, "the pre-tokenizer's Split does not keep each match apart");
    return pattern_open(r->context, regex, &r->parts.cutter);
}

static canto_status read_cutter(bpe_reader *r, const json_t *root) {
    const json_t *cutter = json_object_get(root, "pre_tokenizer"), *steps = json_object_get(cutter, "pretokenizers");
    bool          sequence = json_has_type(cutter, "Sequence");
    const json_t *last = sequence ? json_array_get(steps, json_array_size(steps) - 1) : cutter;
    if (!json_has_type(last, "ByteLevel")) return unsupported(r->file, "the pre-tokenizer does not end in ByteLevel");
    if (!is_off(last, "add_prefix_space"))
        return unsupported(r->file, "a space is put before the text (add_prefix_space)");
    bool regex = !json_object_get(last, "use_regex") || json_is_true(json_object_get(last, "use_regex"));
    if (!sequence || json_array_size(steps) == 1)
        return pattern_open(r->context, regex ? "gpt2" : "none", &r->parts.cutter);
    if (json_array_size(steps) != 2 || regex)
        return unsupported(r->file, "the pre-tokenizer cuts in more than one way");
    return read_split(r, json_array_get(steps, 0));
}

static canto_status read_added(bpe_reader *r, const json_t *root) {
    static const char *const off[] = {"single_word", "lstrip", "rstrip"};
    const json_t            *added = json_object_get(root, "added_tokens"), *entry;
    canto_status             status = status_ok();
    size_t                   i;
    json_array_foreach(added, i, entry) {
        const char *content;
        int64_t     id;
        bool        special;
        TRY(json_get_text(entry, r->file, "content", &content));
        TRY(json_get_integer(entry, r->file, "id", 0, VOCABULARY_MOST - 1, &id));
        TRY(json_get_bool_or(entry, r->file, "special", false, &special));
        for (size_t k = 0; k < sizeof off / sizeof off[0]; k++)
            if (!is_off(entry, off[k]))
                FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s': the added token '%.60s' sets %s, which is not known here",
                     r->file, content, off[k]);
        TRY(bpe_reader_add(r, content, strlen(content), id, special));
    }
done:
    return status;
}

/* Whether tokens are the bytes, with their values as ids, and nothing joins them. */
static bool is_bytes(const canto_tokenizer *t) {
    bool bytes = t->tokens.count == 256 && t->bpe->merge_count == 0 && t->bpe->length_count == 0;
    for (uint32_t id = 0; bytes && id < 256; id++) {
        size_t               length;
        const unsigned char *token = (const unsigned char *)vocabulary_token(&t->tokens, id, &length);
        bytes = length == 1 && token[0] == id;
    }
    return bytes;
}

/* A tokenizer of kind "byte" in the place of *tokenizer, which is the same. */
static canto_status make_bytes(canto_context *context, canto_tokenizer **tokenizer) {
    canto_tokenizer *t;
    canto_status     status;
    canto_tokenizer_close(*tokenizer);
    *tokenizer = NULL;
    TRY(tokenizer_new(context, &tokenizer_byte, &t));
    status = t->kind->begin(t);
    if (status.code == CANTO_OK) {
        tokenizer_finish(t);
        *tokenizer = t;
    } else {
        canto_tokenizer_close(t);
    }
done:
    return status;
}

canto_status tokenizer_bpe_read(canto_context *context, const json_t *root, const json_part *vocab,
                                const json_part *merges, const char *file, canto_tokenizer **tokenizer) {
    const json_t *model = json_object_get(root, "model");
    bpe_reader    r;
    canto_status  status;
    bpe_reader_open(&r, context, file);
    TRY(check_model(root, model, file));
    TRY(read_cutter(&r, root));
    r.parts.whole_first = !is_off(model, "ignore_merges");
    TRY(read_added(&r, root));
    if (!vocab->text || !merges->text)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the model lacks its vocab or its merges", file);
    TRY(json_each_number(context, vocab, file, bpe_reader_token, &r));
    TRY(bpe_reader_order(&r));
    TRY(json_each_text(context, merges, file, bpe_reader_merge, &r));
    TRY(bpe_reader_finish(&r, tokenizer));
    if (is_bytes(*tokenizer)) TRY(make_bytes(context, tokenizer));
done:
    bpe_reader_close(&r);
    return status;
}
