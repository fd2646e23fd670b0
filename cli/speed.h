/* speed.h - how fast this machine trains a model, from a few seconds of trying. */
#ifndef CANTO_CLI_SPEED_H
#define CANTO_CLI_SPEED_H

#include <canto.h>

/* What an update and a batch of an evaluation take. */
typedef struct speed {
    double update;     /* seconds of one update, all its micro-batches and the optimizer */
    double evaluation; /* seconds of one batch of an evaluation */
    bool   shortened;  /* found from fewer sequences or layers: the model is too large for a short try */
} speed;

/* Random tokens, enough for windows of the config's context; release with canto_data_close. False, said why, without memory. */
bool speed_random_data(canto_context *context, const canto_config *config, canto_data **data);

/* Trains on random tokens for about three seconds, longer when one step of one sequence through two layers takes longer. It
 * holds no more memory than the run itself would. False, said why, when it fails or the user interrupts. */
bool speed_measure(canto_context *context, const canto_config *config, const canto_train_options *training, speed *out);

#endif
