/* train_from.h - a training that begins with a model that is there: --from. */
#ifndef CANTO_CLI_TRAIN_FROM_H
#define CANTO_CLI_TRAIN_FROM_H

#include "command.h"

/* The model that --from names, and the plan of a run from it: its config and the settings of fine-tuning, as the options say.
 * DONE, or the exit code after a message. *model is to be closed in any case. */
int train_from_open(canto_context *context, const option_set *options, canto_config *config,
                    canto_train_options *settings, canto_model **model);
/* The texts' tokens. *tokenizer is the model's own, which --tokenizer may only say once more; of a model without it is what
 * --tokenizer names, in *own, which is to be closed. */
bool train_from_texts(canto_context *context, const option_set *options, const canto_model *model,
                      const canto_tokenizer **tokenizer, canto_tokenizer **own, canto_data **data);
/* The same for a run that goes on: its checkpoints have the tokenizer, and *model is opened when there are none yet. */
bool train_from_again(canto_context *context, const option_set *options, const char *folder, canto_model **model,
                      const canto_tokenizer **tokenizer, canto_tokenizer **own, canto_data **data);

#endif
