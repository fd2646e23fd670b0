/* bpe_learn.h - the heart of byte-pair training: the pair of neighbouring tokens that occurs most often becomes a token,
 * again and again.
 *
 * The rule. Pieces of text never merge with each other. Of several pairs that occur equally often the one with the smaller
 * left token goes first, then the one with the smaller right token, by their ids. Merging goes from left to right: aaa
 * becomes Xa. Pairs whose bytes are a special token, or more than BPE_TOKEN_BYTES, are never merged. Hugging Face's trainer
 * goes by the same rule, but for the last sentence. */
#ifndef CANTO_BPE_LEARN_H
#define CANTO_BPE_LEARN_H

#include "text/bpe.h"
#include "text/bpe.h"
#include "text/piece_table.h"
#include "text/vocabulary.h"

#define BPE_TOKEN_BYTES 1024 /* the longest token */

/* What merging is asked for, and its result. */
typedef struct bpe_learning {
    canto_context *context;
    piece_list    *pieces; /* of single bytes; changed: as the merges leave them */
    vocabulary    *tokens; /* special tokens, the bytes; grows by the tokens made */
    uint32_t       named;  /* how many are special: texts never have them */
    uint32_t       size;   /* of the vocabulary wanted */
    uint64_t       least;  /* a pair that occurs less often is not merged; 1 and up */
    size_t         memory; /* bytes for lists of places, more or less; the result does not depend on it */
    bpe_merge     *merges; /* [merge_count] in order; release with context_release, on failure too */
    size_t         merge_count, merge_room;
    uint64_t       text_bytes, text_tokens; /* of all pieces as often as they were seen, after the merges */
} bpe_learning;

/* The vocabulary stays smaller than wanted when nothing is left to merge. */
canto_status bpe_learn(bpe_learning *l);

#endif
