/* pattern.h - the pattern by which a tokenizer cuts its texts: one of those known by name, or a regular expression of a
 * user's own, which the context's engine finds. */
#ifndef CANTO_PATTERN_H
#define CANTO_PATTERN_H

#include "base/context.h"
#include "text/pretokenize.h"

typedef struct pattern {
    canto_context *context;
    pretokenizer   kind;
    char          *regex;    /* PRETOKENIZER_CUSTOM: the expression; otherwise NULL */
    void          *compiled; /* the engine's */
} pattern;

/* "gpt2", "cl100k", "o200k", "none", or a regular expression; on failure p is empty. */
canto_status pattern_open(canto_context *context, const char *name, pattern *p);
/* The name under which pattern_open knows it. */
const char *pattern_name(const pattern *p);
/* How long the piece is that begins at text + at, at least 1; at < bytes. Of an expression of a user's own every match is a
 * piece, and what lies between two is one: it sees the text before `at` too. Fails with such an expression only. */
canto_status pattern_piece(const pattern *p, const char *text, size_t bytes, size_t at, size_t *length);
void         pattern_close(pattern *p); /* leaves it empty; also a zeroed one */

#endif
