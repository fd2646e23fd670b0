/* pretokenize.h - where a text is cut into pieces before their bytes are joined to tokens: no token reaches over a cut.
 *
 * OpenAI's patterns, to the letter, each the first alternative that matches where the last piece ended:
 *   GPT2 (r50k, p50k)  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   CL100K             (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
 *                      \s*[\r\n]+|\s+(?!\S)|\s+
 *   O200K              with U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], W = [\p{Ll}\p{Lm}\p{Lo}\p{M}], C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *                      [^\r\n\p{L}\p{N}]?U*W+C?|[^\r\n\p{L}\p{N}]?U+W*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|
 *                      \s*[\r\n]+|\s+(?!\S)|\s+ */
#ifndef CANTO_PRETOKENIZE_H
#define CANTO_PRETOKENIZE_H

#include <stddef.h>

typedef enum pretokenizer {
    PRETOKENIZER_GPT2,
    PRETOKENIZER_CL100K,
    PRETOKENIZER_O200K,
    PRETOKENIZER_NONE,  /* the whole text is one piece */
    PRETOKENIZER_CUSTOM /* pieces are what a regular expression finds: not for pretokenize_piece */
} pretokenizer;

/* Bytes of the piece that begins at text (bytes > 0): at least 1. Looks at text[bytes] only, so a text that is cut must be
 * cut where a piece ends in the whole. A byte that is no UTF-8 counts as a character that is neither letter, number nor
 * white space. */
size_t pretokenize_piece(pretokenizer kind, const char *text, size_t bytes);

#endif
