/* sampler.h - LOGITS -> the next token. */
#ifndef CANTO_SAMPLER_H
#define CANTO_SAMPLER_H

#include "base/rng.h"
#include "canto.h"

/* Picks one of logits[V], which is overwritten with the probabilities that were sampled from. Greedy (or temperature 0):
 * the largest, lowest id on ties. Otherwise draws from torch in parity mode, else from stream. *logprob (may be NULL):
 * the natural logarithm of the pick's probability, of the whole softmax when greedy. */
uint32_t sampler_pick(float *logits, int32_t V, const canto_generate_options *options, torch_rng *torch,
                      stream_rng *stream, double *logprob);

#endif
