/* tokenizer_bpe.h - byte-level byte-pair encodings: how a finished vocabulary becomes a tokenizer of kind "bpe". */
#ifndef CANTO_TOKENIZER_BPE_H
#define CANTO_TOKENIZER_BPE_H

#include "text/bpe.h"
#include "text/pattern.h"

/* What a tokenizer is made of. Tokens are bytes as they stand in a text, in the order of their ids; the 256 single bytes must
 * be among them. Ids without a token are gaps (vocabulary_add_gap). */
typedef struct bpe_parts {
    pattern    cutter; /* taken over, also on failure */
    vocabulary tokens; /* taken over, also on failure */
    const bpe_merge
          *merges; /* [merge_count] in the order of their ranks, copied. NULL: what a file of ranks means, any two
                                tokens that make up a third one merge, ranked by its id */
    size_t merge_count;
    bool whole_first; /* a piece that is a token becomes that token, whatever the merges say; merges NULL implies it */
    /* Tokens that are cut out of a text before anything else: always, or when the caller allows special tokens. No piece
     * becomes one of them otherwise. */
    const uint32_t *added, *specials; /* [added_count], [special_count] ids */
    size_t          added_count, special_count;
} bpe_parts;

/* CANTO_ERROR_FORMAT, without a file's name, when the parts do not make a whole. */
canto_status tokenizer_bpe_new(canto_context *context, bpe_parts *parts, canto_tokenizer **tokenizer);

typedef struct bpe_tokenizer bpe_tokenizer;

/* Flags of a token: a piece may be it; it is cut out of a text, always or as a special token. */
enum { BPE_WHOLE = 1, BPE_ADDED = 2, BPE_SPECIAL = 4 };

struct bpe_tokenizer {
    canto_context *context;
    pattern        cutter;
    bpe            joiner;
    bpe_merge     *merges; /* [merge_count], or NULL: ranked by id */
    size_t         merge_count;
    bool           whole_first;
    unsigned char *flags;   /* [V] */
    size_t         longest; /* bytes of the longest token that a piece may be */
    /* Tokens to look for in a text: the flags of those that begin with a byte, of all, and their lengths, longest first. */
    unsigned char begins[256], all;
    size_t       *lengths;
    size_t        length_count;
};

void tokenizer_bpe_close(bpe_tokenizer *b);

/* Calls each for the merges of a tokenizer of this kind, in the order of their ranks; of a vocabulary of ranks a list is made. */
typedef canto_status (*bpe_merge_fn)(void *user, uint32_t left, uint32_t right);
canto_status tokenizer_bpe_each_merge(const canto_tokenizer *t, bpe_merge_fn each, void *user);

#endif
