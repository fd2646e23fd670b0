/* bpe_reader.h - gathering the parts of a byte-pair encoding from the files that write bytes as characters: vocab.json or
 * encoder.json with merges.txt or vocab.bpe, and tokenizer.json. */
#ifndef CANTO_BPE_READER_H
#define CANTO_BPE_READER_H

#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

/* A token with its id, before all are in order: its bytes are pool[start .. start + bytes). */
typedef struct bpe_item {
    uint32_t id;
    bool     added, special;
    size_t   start, bytes;
} bpe_item;

/* Zero it, then bpe_reader_open. Order: added tokens, the vocabulary, bpe_reader_order, merges, bpe_reader_finish. */
typedef struct bpe_reader {
    canto_context *context;
    const char    *file;
    byte_level     level;
    bpe_item      *items; /* [count] */
    size_t         count, room;
    byte_list      pool, scratch;
    vocabulary     added; /* texts of the added tokens, in the order of the first items */
    const char *marker; /* a text that is a special token when the vocabulary has it, though nothing adds it; or NULL */
    size_t      added_count;
    bpe_parts   parts;
    bpe_merge  *merges;
    size_t      merge_room;
    uint32_t   *specials; /* [2 * added_count] ids of special tokens, then of the other added ones */
} bpe_reader;

void         bpe_reader_open(bpe_reader *r, canto_context *context, const char *file); /* file: named in errors */
canto_status bpe_reader_add(bpe_reader *r, const char *text, size_t bytes, int64_t id, bool special);
/* A member of the vocabulary, for json_each_number. A text that has been added is taken as it stands. */
canto_status bpe_reader_token(void *reader, const char *text, size_t bytes, int64_t id);
canto_status bpe_reader_order(bpe_reader *r);
/* "left right", in characters, for json_each_text. */
canto_status bpe_reader_merge(void *reader, const char *text, size_t bytes);
canto_status bpe_reader_finish(bpe_reader *r, canto_tokenizer **tokenizer);
void         bpe_reader_close(bpe_reader *r);

#endif
