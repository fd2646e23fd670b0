/* panels.h - a model's matrices once more, in the order in which the kernels' products read them.
 *
 * A batch that is cut by sequences runs each product many times over few rows: its weights are brought into this order once
 * for all of them. */
#ifndef CANTO_PANELS_H
#define CANTO_PANELS_H

#include "model/gpt.h"

/* Reals that the panels of a model take; backward: for dy W too. */
size_t panels_elements(const canto_config *config, bool backward);

/* views = weights, with panels in block (panels_elements reals, aligned to 64). layers has config.layers entries (the caller's
 * memory). The panels are not there before panels_fill. */
void panels_bind(const gpt_weights *weights, bool backward, real *block, layer_weights *layers, gpt_weights *views);

/* Makes the panels of the weights as they are now. */
void panels_fill(const exec *e, const kernels *k, const gpt_weights *views);

#endif
