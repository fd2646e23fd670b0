/* bpe_train.h - TEXT -> a tokenizer of kind "bpe". */
#ifndef CANTO_BPE_TRAIN_H
#define CANTO_BPE_TRAIN_H

#include "text/tokenizer.h"

/* specials: the special tokens in order, each of two bytes at least; taken over, on failure too. The rest as
 * canto_tokenizer_train. */
canto_status bpe_train(canto_context *context, const canto_tokenizer_options *options, vocabulary *specials,
                       const char *const *paths, size_t count, canto_tokenizer **tokenizer);

#endif
