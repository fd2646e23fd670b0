/* writing.h - a text that a model writes: the prompt's tokens, then one token after the other, as whole characters. */
#ifndef CANTO_CLI_WRITING_H
#define CANTO_CLI_WRITING_H

#include "command.h"

typedef struct writing {
    canto_context         *context;
    const canto_tokenizer *tokenizer;
    canto_stream          *stream;
    uint32_t              *prompt; /* its tokens, the context's memory; NULL: none */
    uint32_t               first;  /* 0, what stands for no prompt */
    const uint32_t        *begin;  /* either */
    size_t                 prompt_count;
    char                  *text; /* prompt and continuation so far, zero-terminated */
    size_t                 bytes, room, prompt_bytes;
    uint32_t              *ids; /* of the continuation */
    double                *logprobs;
    size_t                 count, ids_room;
    FILE                  *out;  /* where text goes as it becomes whole, or NULL */
    int64_t                told; /* tokens to come in all, when progress is to be told; 0: it is not */
    bool                   failed, stopped;
    bool                   patient;    /* an interruption does not cut it short; to be set after writing_start */
    bool                   found_stop; /* it ended with a stop text, which text lacks and ids have */
} writing;

/* Begins with a prompt; NULL or nothing: a newline, or else the vocabulary's first token. Says what is wrong. */
bool writing_start(writing *w, canto_context *context, const canto_tokenizer *tokenizer, const char *prompt,
                   size_t bytes);
/* Lets the session continue, until one of the stop texts (NULL: none; a NULL ends the list) is written. out NULL: nothing
 * is printed on the way. False when it failed (it has said why); w->stopped after an interruption. */
bool writing_continue(writing *w, canto_session *session, const canto_generate_options *how, const char *const *stops,
                      FILE *out);
void writing_end(writing *w);

#endif
