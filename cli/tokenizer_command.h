/* tokenizer_command.h - what the files of canto tokenizer share. */
#ifndef CANTO_CLI_TOKENIZER_COMMAND_H
#define CANTO_CLI_TOKENIZER_COMMAND_H

#include "command.h"

/* byte, or a tokenizer of a file, a model or a run. */
bool tokenizer_named(canto_context *context, const char *which, canto_tokenizer **tokenizer);

/* Kind, vocabulary, hash, longest tokens and scripts, to standard output; as JSON with all tokens. */
void tokenizer_print_info(const canto_tokenizer *t, bool json);

/* Prints tokens for the eye: pieces of text above their ids, in rows as wide as the window; coloured where that is wanted. */
void tokenizer_show(const canto_tokenizer *t, const uint32_t *ids, size_t count);

/* A token as it can be seen: control characters and broken bytes become symbols, and a blank does where `blanks` says so.
 * Into out[room], cut to fit; its width in columns. */
size_t tokenizer_visible(const char *token, size_t bytes, bool blanks, char *out, size_t room);

/* The script of a text's first letter ("Latin", "Han"), or what it is instead ("digits", "part of a character"). */
const char *script_of(const char *text, size_t bytes);

#endif
