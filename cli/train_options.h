/* train_options.h - the options that say what a training is, shared by train, plan and sweep. */
#ifndef CANTO_CLI_TRAIN_OPTIONS_H
#define CANTO_CLI_TRAIN_OPTIONS_H

#include "command.h"

extern const option_group train_groups[], plan_groups[]; /* plan's: train's, and whether to measure */
extern const option_entry tokenizer_entries[], training_entries[], journal_entries[];

/* Changes settings, a preset's, as the options say. False after a message when they contradict each other. */
bool train_options_apply(const option_set *options, canto_train_options *settings);

/* --tokenizer, or what is in its place with this model. */
const char *train_options_tokenizer(const option_set *options, const canto_config *config);
/* The tokenizer and the tokens of the operands. A token file's tokenizer lies beside it, in FILE.tokenizer. False after a
 * message. */
bool train_options_texts(canto_context *context, const option_set *options, const canto_config *config,
                         canto_tokenizer **tokenizer, canto_data **data);

#endif
