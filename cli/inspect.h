/* inspect.h - the parts of what canto inspect says: the tree, a saved model's files and history, its numbers. */
#ifndef CANTO_CLI_INSPECT_H
#define CANTO_CLI_INSPECT_H

#include "command.h"

/* Prints the modules under a name. False after a message. */
bool tree_print(const char *name, const canto_config *config, const canto_report *report);

/* What is known of a saved model, opened from path, beside its config: {"folder" or "file", "weights_bytes", "types", "tensors",
 * "tokenizer", "names"}. What cannot be read is left out. */
json_t *files_json(const canto_model *model, const char *path);
/* How it was trained, from trainer.json beside it and the run's run.json and metrics.csv: null when nothing tells. */
json_t *training_json(const canto_model *model);
void    files_print(const json_t *files);
void    training_print(const json_t *training);

/* One object a module: {"name", "norm", "mean", "deviation", "least", "most", "zeros"}. NULL after a message. */
json_t *statistics_json(const canto_model *model, size_t modules);
void    statistics_print(const json_t *statistics);
/* How other differs: {"other", "settings": {name: [here, there]}, "total": {...}, "modules": [{"name", "norm", "relative",
 * "most", "cosine", "changed"}]}. NULL after a message, as when the models have not the same modules. */
json_t *difference_json(canto_context *context, const canto_model *model, const char *path, size_t modules);
void    difference_print(const json_t *difference);

#endif
