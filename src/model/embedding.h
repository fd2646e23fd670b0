/* embedding.h - tokens and positions to vectors. */
#ifndef CANTO_EMBEDDING_H
#define CANTO_EMBEDDING_H

#include "model/gpt.h"

/* x[b, t, C] = token[ids] + position[start .. start + t) (learned, sinusoidal or none). */
void embedding_forward(const exec *e, const gpt_weights *w, const gpt_activations *acts, real *x);

/* dtoken[ids] += dx;  dposition[t] += dx summed over the sequences (NULL: positions are not learned). */
void embedding_backward(const exec *e, const gpt_weights *w, const gpt_activations *acts, const real *dx, real *dtoken,
                        real *dposition);

/* One row of sinusoidal positions: sine at even, cosine at odd columns of angle p / 10000^(2i/C), in float32 as
 * PyTorch computes it. */
void sinusoid_row(int64_t position, int64_t C, real *row);

#endif
