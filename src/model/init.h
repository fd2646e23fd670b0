/* init.h - the weights a model begins with, drawn from PyTorch's stream in the order in which the family's own PyTorch
 * modules draw them. */
#ifndef CANTO_INIT_H
#define CANTO_INIT_H

#ifndef CANTO_DOUBLE

#include "base/rng.h"
#include "model/tensors.h"

/* Fills every tensor of block (table->elements floats; padding is left alone). The stream is left where PyTorch's would
 * stand. CANTO_INIT_TORCH gives PyTorch's own bits. */
void model_initialize(const tensor_table *table, canto_init init, torch_rng *rng, float *block);
/* Draws the adapters' A of a tuned table, uniform in [-1, 1] / sqrt(in), in the table's order; B is left zero, so that they begin
 * as nothing. */
void adapters_initialize(const tensor_table *table, torch_rng *rng, float *block);

#endif
#endif
