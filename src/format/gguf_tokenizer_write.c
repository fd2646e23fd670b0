/* gguf_tokenizer_write.c - a tokenizer as llama.cpp knows one: byte-level byte pairs, of which characters of ASCII and single
 * bytes are the ones without merges. llama.cpp wants an end-of-text token of every vocabulary. */
#include "format/gguf_tokenizer.h"

#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

#include <stdio.h>
#include <string.h>

typedef struct writer {
    gguf_writer           *w;
    const canto_tokenizer *t;
    char                   names[256][4];
    byte_list              text; /* of the token or merge at hand */
    canto_status           status;
} writer;

static bool is_byte(const canto_tokenizer *t, uint32_t id) {
    size_t bytes;
    vocabulary_token(&t->tokens, id, &bytes);
    return bytes == 1;
}

static token_type type_of(const canto_tokenizer *t, uint32_t id) {
    size_t bytes;
    vocabulary_token(&t->tokens, id, &bytes);
    if (bytes == 0) return TOKEN_UNUSED;
    if (t->bpe && t->bpe->flags[id] & BPE_SPECIAL) return TOKEN_CONTROL;
    if (t->bpe && t->bpe->flags[id] & BPE_ADDED) return TOKEN_USER;
    if (t->bpe || is_byte(t, id)) return TOKEN_NORMAL;
    return id == t->unknown ? TOKEN_UNKNOWN : TOKEN_CONTROL;
}

/* The first id whose character is neither ASCII nor a token that a user has named, or VOCABULARY_NONE. */
static uint32_t first_beyond_ascii(const canto_tokenizer *t) {
    for (uint32_t id = 0; id < t->tokens.count; id++) {
        size_t      bytes;
        const char *token = vocabulary_token(&t->tokens, id, &bytes);
        unsigned    lead = (unsigned char)token[0];
        bool        one = bytes == (lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U);
        if (lead >= 0x80 && one && id != t->unknown) return id;
    }
    return VOCABULARY_NONE;
}

canto_status gguf_tokenizer_check(const canto_tokenizer *t, int32_t tokens) {
    canto_status status = status_ok();
    const char  *kind = canto_tokenizer_kind(t);
    if (t->tokens.count > (uint32_t)tokens)
        FAIL(CANTO_ERROR_VALUE,
             "the tokenizer has %lu tokens, and the model knows %ld: this is not the model's tokenizer",
             (unsigned long)t->tokens.count, (long)tokens);
    if (strcmp(kind, "word") == 0)
        FAIL(
            CANTO_ERROR_UNSUPPORTED,
            "a GGUF file has no vocabulary of words, which llama.cpp does not know: write a folder, or train with bpe");
    uint32_t beyond = strcmp(kind, "char") == 0 ? first_beyond_ascii(t) : VOCABULARY_NONE;
    if (beyond != VOCABULARY_NONE)
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "a GGUF file has no vocabulary of characters beyond ASCII (here is '%s'), which llama.cpp does not know: "
             "write a folder, or train with bpe",
             vocabulary_token(&t->tokens, beyond, NULL));
    if (t->bpe && !gguf_pre_of(pattern_name(&t->bpe->cutter), t->bpe->whole_first) &&
        !gguf_pre_of(pattern_name(&t->bpe->cutter), !t->bpe->whole_first))
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "llama.cpp has no name for the pattern \"%.100s\" by which the tokenizer cuts texts (gpt2, cl100k and "
             "o200k "
             "it has): write a folder, or train with one of these",
             pattern_name(&t->bpe->cutter));
done:
    return status;
}

/* A token's text, appended to o->text: a special one as it stands, another in characters. */
static void append(writer *o, uint32_t id) {
    size_t      bytes;
    char        pad[32];
    const char *token = vocabulary_token(&o->t->tokens, id, &bytes);
    token_type  type = type_of(o->t, id);
    if (o->status.code != CANTO_OK) return;
    if (type == TOKEN_NORMAL) o->status = byte_level_write(o->names, token, bytes, &o->text);
    else if (type == TOKEN_UNUSED)
        o->status = byte_list_add(&o->text, pad, (size_t)snprintf(pad, sizeof pad, "[PAD%lu]", (unsigned long)id));
    else o->status = byte_list_add(&o->text, token, bytes);
}

static canto_status count_merge(void *user, uint32_t left, uint32_t right) {
    (void)left;
    (void)right;
    ++*(uint64_t *)user;
    return status_ok();
}

static canto_status add_merge(void *user, uint32_t left, uint32_t right) {
    writer *o = user;
    o->text.count = 0;
    append(o, left);
    if (o->status.code == CANTO_OK) o->status = byte_list_add(&o->text, " ", 1);
    append(o, right);
    if (o->status.code == CANTO_OK) gguf_add_text(o->w, o->text.data, o->text.count);
    return o->status;
}

static void put_tokens(writer *o, uint32_t count) {
    const canto_tokenizer *t = o->t;
    char                   pad[32];
    gguf_put_array(o->w, "tokenizer.ggml.tokens", GGUF_TEXT, count);
    for (uint32_t id = 0; id < count && o->status.code == CANTO_OK; id++) {
        o->text.count = 0;
        if (id < t->tokens.count) append(o, id);
        else o->status = byte_list_add(&o->text, pad, (size_t)snprintf(pad, sizeof pad, "[PAD%lu]", (unsigned long)id));
        if (o->status.code == CANTO_OK) gguf_add_text(o->w, o->text.data, o->text.count);
    }
    gguf_put_array(o->w, "tokenizer.ggml.token_type", GGUF_I32, count);
    for (uint32_t id = 0; id < count; id++)
        gguf_add_int32(o->w, id < t->tokens.count ? (int32_t)type_of(t, id) : TOKEN_UNUSED);
}

static void put_merges(writer *o) {
    uint64_t count = 0;
    if (o->t->bpe) tokenizer_bpe_each_merge(o->t, count_merge, &count);
    gguf_put_array(o->w, "tokenizer.ggml.merges", GGUF_TEXT, count);
    if (o->t->bpe) tokenizer_bpe_each_merge(o->t, add_merge, o);
}

/* The token that ends a text. Of a vocabulary without one, where llama.cpp would take number 11 whatever that is: a character
 * that hardly any text has. */
static uint32_t end_of_text(const canto_tokenizer *t) {
    static const char *const names[] = {"<|endoftext|>", "<EOS>", "</s>"};
    static const char        rare[] = "\x7F\x04\x03\x1A\x1B^~`|\\#@_{}<>%&*+=$[]/0123456789QXZ";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t id = vocabulary_find(&t->tokens, names[i], strlen(names[i]));
        if (id != VOCABULARY_NONE) return id;
    }
    for (const char *c = rare; *c; c++) {
        uint32_t id = vocabulary_find(&t->tokens, c, 1);
        if (id != VOCABULARY_NONE) return id;
    }
    return t->tokens.count - 1;
}

canto_status gguf_tokenizer_write(gguf_writer *w, const canto_tokenizer *t, int32_t tokens) {
    writer      o = {.w = w, .t = t, .text.context = t->context, .status = status_ok()};
    const char *pre = "gpt-2";
    byte_level_names(o.names);
    if (t->bpe) {
        const char *name = pattern_name(&t->bpe->cutter);
        pre = gguf_pre_of(name, t->bpe->whole_first || !t->bpe->merges);
        if (!pre) pre = gguf_pre_of(name, false);
    }
    gguf_put_text(w, "tokenizer.ggml.model", "gpt2", 4);
    gguf_put_text(w, "tokenizer.ggml.pre", pre, strlen(pre));
    put_tokens(&o, (uint32_t)tokens);
    put_merges(&o);
    gguf_put_integer(w, "tokenizer.ggml.bos_token_id", end_of_text(t));
    gguf_put_integer(w, "tokenizer.ggml.eos_token_id", end_of_text(t));
    gguf_put_bool(w, "tokenizer.ggml.add_bos_token", false);
    context_release(t->context, o.text.data);
    return o.status;
}
