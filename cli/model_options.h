/* model_options.h - the options that say what a model is, shared by train and inspect. */
#ifndef CANTO_CLI_MODEL_OPTIONS_H
#define CANTO_CLI_MODEL_OPTIONS_H

#include "command.h"

extern const option_entry shape_entries[], dropout_entries[];

/* Changes config, a preset's, as the options say. False after a message when an option cannot be. */
bool model_options_apply(const option_set *options, canto_config *config);

#endif
