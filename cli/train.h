/* train.h - one training, for the command train and for those that make several. */
#ifndef CANTO_CLI_TRAIN_H
#define CANTO_CLI_TRAIN_H

#include "command.h"

/* Config and settings of the preset and the options of a new run. False after a message when they cannot be. */
bool train_settings(const option_set *options, canto_config *config, canto_train_options *settings);
/* What canto train does with a set of train_groups; the exit code. label: NULL, or what stands before the progress of one run
 * among others: beside progress and errors that one prints nothing, not even its samples. */
int train_one(option_set *options, const char *label);

#endif
