/* gguf_tokenizer.h - a tokenizer among the values of a GGUF file (tokenizer.ggml.*): byte-level byte pairs, as GPT-2 has them. */
#ifndef CANTO_GGUF_TOKENIZER_H
#define CANTO_GGUF_TOKENIZER_H

#include "format/gguf_writer.h"

typedef enum token_type {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,
    TOKEN_CONTROL = 3, /* special: found in a text when the caller allows it */
    TOKEN_USER = 4,    /* added: always found */
    TOKEN_UNUSED = 5,  /* no token has this id */
    TOKEN_BYTE = 6
} token_type;

/* llama.cpp's name (tokenizer.ggml.pre) of a pattern of ours, and the other way around; NULL when there is none. whole_first: a
 * piece that is a token becomes it, whatever the merges say. */
const char *gguf_pre_of(const char *pattern, bool whole_first);
const char *gguf_pattern_of(const char *pre, size_t bytes, bool *whole_first);

/* *tokenizer is NULL when the file has none. A vocabulary without merges is of kind byte when it has all bytes in their order, and of kind
 * char when it has characters of ASCII. */
canto_status gguf_tokenizer_read(const gguf *file, canto_tokenizer **tokenizer);
/* Whether the tokenizer can be written for a model of so many tokens, said before anything is. */
canto_status gguf_tokenizer_check(const canto_tokenizer *t, int32_t tokens);
/* Puts it among the values; ids that it does not have are unused ones. */
canto_status gguf_tokenizer_write(gguf_writer *w, const canto_tokenizer *t, int32_t tokens);

#endif
