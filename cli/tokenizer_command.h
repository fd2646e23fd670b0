/* tokenizer_command.h - what the files of canto tokenizer share. */
#ifndef CANTO_CLI_TOKENIZER_COMMAND_H
#define CANTO_CLI_TOKENIZER_COMMAND_H

#include <canto.h>

/* Kind, vocabulary and hash, to standard output. */
void tokenizer_print_info(const canto_tokenizer *t, bool json);

#endif
