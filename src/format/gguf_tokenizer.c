/* gguf_tokenizer.c - see gguf_tokenizer.h. Tokens are written in characters that stand for bytes, special and added ones as they
 * are. Nothing that is read is trusted. */
#include "format/gguf_tokenizer.h"

#include "text/bpe_reader.h"

#include <string.h>

/* In the order in which they are looked for; llama.cpp has more names for some of them. */
static const struct {
    const char *pre, *pattern;
    bool        whole_first;
} PATTERNS[] = {
    {"gpt-2", "gpt2", false},       {"default", "gpt2", false}, {"llama-bpe", "cl100k", true},
    {"smaug-bpe", "cl100k", false}, {"dbrx", "cl100k", false},  {"gpt-4o", "o200k", false},
};
enum { PATTERN_COUNT = sizeof PATTERNS / sizeof *PATTERNS };

const char *gguf_pre_of(const char *name, bool whole_first) {
    for (size_t i = 0; i < PATTERN_COUNT; i++)
        if (strcmp(PATTERNS[i].pattern, name) == 0 && PATTERNS[i].whole_first == whole_first) return PATTERNS[i].pre;
    return NULL;
}

const char *gguf_pattern_of(const char *pre, size_t bytes, bool *whole_first) {
    for (size_t i = 0; i < PATTERN_COUNT; i++) {
        if (!gguf_text_is((gguf_text){pre, bytes}, PATTERNS[i].pre)) continue;
        *whole_first = PATTERNS[i].whole_first;
        return PATTERNS[i].pattern;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ reading */

typedef struct parts {
    const gguf       *file;
    const gguf_value *tokens, *types, *merges; /* types: NULL, or as many as tokens; merges: NULL, or any number */
    uint32_t          count;                   /* of tokens, without the unused ones at the end */
} parts;

static token_type type_of(const parts *p, uint32_t id) {
    int32_t type = TOKEN_NORMAL;
    if (p->types) memcpy(&type, p->types->data + (size_t)id * sizeof type, sizeof type);
    return (token_type)type;
}

static bool is_plain(token_type type) { return type == TOKEN_NORMAL || type == TOKEN_BYTE; }

static canto_status find_parts(const gguf *file, parts *p) {
    canto_status status;
    *p = (parts){.file = file};
    TRY(gguf_get_array(file, "tokenizer.ggml.tokens", GGUF_TEXT, &p->tokens));
    TRY(gguf_get_array(file, "tokenizer.ggml.token_type", GGUF_I32, &p->types));
    TRY(gguf_get_array(file, "tokenizer.ggml.merges", GGUF_TEXT, &p->merges));
    if (!p->tokens || p->tokens->count == 0)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary (tokenizer.ggml.tokens) is missing or empty", file->path);
    if (p->tokens->count > VOCABULARY_MOST)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': the vocabulary is too large", file->path);
    if (p->types && p->types->count != p->tokens->count)
        FAIL(CANTO_ERROR_FORMAT,
             "'%.300s': there are not as many types of tokens (tokenizer.ggml.token_type) as tokens", file->path);
    p->count = (uint32_t)p->tokens->count;
    while (p->count > 0 && type_of(p, p->count - 1) == TOKEN_UNUSED) p->count--;
done:
    return status;
}

/* The pattern of ours that llama.cpp's name stands for. A file without a name is older than the names: GPT-2's own. */
static canto_status open_pattern(const parts *p, bpe_reader *r) {
    gguf_text    name = {"gpt-2", 5};
    canto_status status = status_ok();
    if (gguf_find(p->file, "tokenizer.ggml.pre")) TRY(gguf_get_text(p->file, "tokenizer.ggml.pre", &name));
    const char *known = gguf_pattern_of(name.text, name.bytes, &r->parts.whole_first);
    if (!known)
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.250s': the way in which texts are cut (tokenizer.ggml.pre) is \"%.*s\", which is not known here",
             p->file->path, (int)(name.bytes < 60 ? name.bytes : 60), name.text);
    TRY(pattern_open(p->file->context, known, &r->parts.cutter));
done:
    return status;
}

/* A byte that the text stands for alone, or -1. */
static int byte_of(const byte_level *level, gguf_text text) {
    char out[4];
    if (text.bytes == 0 || text.bytes > sizeof out || byte_level_read(level, text.text, text.bytes, out) != 1)
        return -1;
    return (unsigned char)out[0];
}

/* What a vocabulary without merges is: all tokens are single bytes, of ASCII; and token i is byte i. */
static void look_at_bytes(const parts *p, bool *ascii, bool *in_order) {
    byte_level           level;
    const unsigned char *at = p->tokens->data;
    byte_level_open(&level);
    *ascii = p->count > 0;
    *in_order = p->count == 256;
    for (uint32_t id = 0; id < p->count && (*ascii || *in_order); id++) {
        gguf_text text = gguf_next_text(&at);
        int       byte = is_plain(type_of(p, id)) ? byte_of(&level, text) : -1;
        *in_order = *in_order && byte == (int)id;
        bool named = !is_plain(type_of(p, id)) && type_of(p, id) != TOKEN_UNUSED;
        *ascii = *ascii && (named || (byte > 0 && byte < 128));
    }
}

static canto_status read_characters(const parts *p, canto_tokenizer **tokenizer) {
    canto_tokenizer     *t = NULL;
    byte_level           level;
    const unsigned char *at = p->tokens->data;
    canto_status         status;
    byte_level_open(&level);
    TRY(tokenizer_new(p->file->context, &tokenizer_char, &t));
    for (uint32_t id = 0, got; id < p->count; id++) {
        gguf_text  text = gguf_next_text(&at);
        token_type type = type_of(p, id);
        char       byte = (char)(unsigned char)byte_of(&level, text);
        if (text.bytes == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s': token %lu is empty", p->file->path, (unsigned long)id);
        if (is_plain(type)) TRY(vocabulary_add(&t->tokens, &byte, 1, &got));
        else TRY(vocabulary_add(&t->tokens, text.text, text.bytes, &got));
        if (got != id)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': the tokens %lu and %lu are the same", p->file->path, (unsigned long)got,
                 (unsigned long)id);
        if (type == TOKEN_UNKNOWN) t->unknown = id;
    }
    tokenizer_finish(t);
    *tokenizer = t;
    t = NULL;
done:
    canto_tokenizer_close(t);
    return status;
}

/* Added tokens first, then the others, as a bpe_reader wants them. */
static canto_status add_tokens(const parts *p, bpe_reader *r, bool added) {
    canto_status         status = status_ok();
    const unsigned char *at = p->tokens->data;
    for (uint32_t id = 0; id < p->count; id++) {
        gguf_text  text = gguf_next_text(&at);
        token_type type = type_of(p, id);
        if (type == TOKEN_UNUSED || is_plain(type) == added) continue;
        if (added) TRY(bpe_reader_add(r, text.text, text.bytes, (int64_t)id, type != TOKEN_USER));
        else TRY(bpe_reader_token(r, text.text, text.bytes, (int64_t)id));
    }
done:
    return status;
}

static canto_status read_pairs(const parts *p, canto_tokenizer **tokenizer) {
    bpe_reader           r;
    const unsigned char *at = p->merges ? p->merges->data : NULL;
    canto_status         status;
    bpe_reader_open(&r, p->file->context, p->file->path);
    TRY(open_pattern(p, &r));
    TRY(add_tokens(p, &r, true));
    TRY(add_tokens(p, &r, false));
    TRY(bpe_reader_order(&r));
    for (uint64_t i = 0; p->merges && i < p->merges->count; i++) {
        gguf_text merge = gguf_next_text(&at);
        TRY(bpe_reader_merge(&r, merge.text, merge.bytes));
    }
    TRY(bpe_reader_finish(&r, tokenizer));
done:
    bpe_reader_close(&r);
    return status;
}

canto_status gguf_tokenizer_read(const gguf *file, canto_tokenizer **tokenizer) {
    canto_status status = status_ok();
    gguf_text    model = {"none", 4};
    bool         ascii = false, in_order = false;
    parts        p;
    *tokenizer = NULL;
    if (gguf_find(file, "tokenizer.ggml.model")) TRY(gguf_get_text(file, "tokenizer.ggml.model", &model));
    if (gguf_text_is(model, "none") || gguf_text_is(model, "no_vocab")) goto done;
    if (!gguf_text_is(model, "gpt2"))
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "'%.250s': the tokenizer is of the kind \"%.*s\", and of GGUF's kinds \"gpt2\" alone is read here",
             file->path, (int)(model.bytes < 60 ? model.bytes : 60), model.text);
    TRY(find_parts(file, &p));
    if (!p.merges || p.merges->count == 0) look_at_bytes(&p, &ascii, &in_order);
    if (in_order) {
        canto_tokenizer_options options = canto_tokenizer_options_default();
        options.kind = "byte";
        TRY(canto_tokenizer_train(file->context, &options, NULL, 0, tokenizer));
    } else if (ascii) TRY(read_characters(&p, tokenizer));
    else TRY(read_pairs(&p, tokenizer));
done:
    return status;
}
