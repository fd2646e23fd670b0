/* help.h - the same tables in four forms: help on the terminal, man pages, shell completion, JSON. */
#ifndef CANTO_CLI_HELP_H
#define CANTO_CLI_HELP_H

#include "command.h"

/* 80 columns, whatever the terminal. */
void help_overview(FILE *file);
void help_family(FILE *file, const char *name);
void help_command(FILE *file, const command *one);

/* Titles of the overview, each once, in table order: the title of the section that command number index begins, or NULL
 * when an earlier command has the same one. */
const char *help_section_begun(size_t index);

/* A phrase as a sentence: its first letter made a capital, a full stop at its end. out[bytes]. */
const char *help_sentence(const char *phrase, char *out, size_t bytes);

/* What people should know about the environment: name, meaning, ..., NULL. */
extern const char *const help_environment[];

/* A man page: of a command, or of canto itself for NULL. */
void manual_print(FILE *file, const command *one);

/* A completion script for "bash", "zsh" or "fish". */
void completion_print(FILE *file, const char *shell);

#endif
