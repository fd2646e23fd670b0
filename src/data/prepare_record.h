/* prepare_record.h - what an unfinished token file was made with and how far it is: FILE.part.json beside FILE.part. */
#ifndef CANTO_PREPARE_RECORD_H
#define CANTO_PREPARE_RECORD_H

#include "text/corpus.h"

typedef struct prepare_state {
    corpus_place place; /* of the first byte that is not in the file yet */
    uint64_t     documents, tokens, source_bytes, source_hash;
} prepare_state;

/* Everything that the bytes of the token file depend on, the sizes and times of the texts among it; the caller's. */
canto_status prepare_settings(canto_context *context, const canto_tokenizer *tokenizer,
                              const canto_prepare_options *options, const char *const *paths, size_t count,
                              json_t **settings);
canto_status prepare_record_write(const char *path, json_t *settings, const prepare_state *state);
/* *fits is false, and *state as it was, when there is no such record or it is of other settings. */
canto_status prepare_record_read(canto_context *context, const char *path, const json_t *settings, prepare_state *state,
                                 bool *fits);

#endif
