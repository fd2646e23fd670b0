/* train_resume.h - what canto train --resume RUN takes from RUN/run.json. */
#ifndef CANTO_CLI_TRAIN_RESUME_H
#define CANTO_CLI_TRAIN_RESUME_H

#include "command.h"

/* Fills config and settings, and options with everything that the run was begun with; only limits may be on the command
 * line, and texts, when they lie elsewhere now. DONE, or the exit code after a message. */
int train_resume_read(canto_context *context, option_set *options, const char *folder, canto_config *config,
                      canto_train_options *settings);
/* The record of options for run.json, with texts, tokenizer and model as absolute paths; kind (NULL: only what was given) is the
 * tokenizer of texts, given or not. Release with free. NULL after a message. */
char *train_resume_record(const option_set *options, const char *kind);
/* "canto train --resume RUN", as a shell takes it: in one of a few places that are used in turn. */
const char *train_resume_command(const char *folder);

#endif
