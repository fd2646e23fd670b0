/* tuning.h - which tensors of a model a training changes: --freeze and --lora as the tensor table wants them. */
#ifndef CANTO_TUNING_H
#define CANTO_TUNING_H

#include "model/tensors.h"

/* Reads what the options say of a model of this config. CANTO_ERROR_VALUE names a word that this model has nothing for. */
canto_status tuning_read(const canto_config *config, const canto_train_options *options, tuning *t);
/* The weights that can have adapters, as options call them: qkv, projection, up, down. */
extern const char *const tuning_targets[4];
/* Whether a tensor stays as it is. */
bool tuning_freezes(const tuning *t, tensor_role role, int32_t layer);

#endif
