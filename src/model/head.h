/* head.h - hidden states to logits, loss and their gradients, a few rows at a time: no [B T, V] matrix exists. */
#ifndef CANTO_HEAD_H
#define CANTO_HEAD_H

#include "model/gpt.h"

/* Rows of a chunk for a vocabulary of V: by shape alone. */
int64_t head_chunk_rows(int64_t V, int64_t rows);

/* losses[b t] = cross-entropy of targets[b t] at acts->hidden. */
void head_forward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *targets,
                  real *losses);

/* As head_forward, and: dhidden[b t, C] = scale * d(sum of losses)/d hidden (NULL: not wanted); dweight and dbias (NULL: none) are added to. */
void head_backward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts,
                   const uint32_t *targets, real scale, real *losses, real *dhidden, real *dweight, real *dbias);

#endif
