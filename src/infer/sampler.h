/* sampler.h - LOGITS -> the next token. */
#ifndef CANTO_SAMPLER_H
#define CANTO_SAMPLER_H

#include "base/rng.h"
#include "canto.h"

/* The logarithm of the sum of e^logits: logits[i] - sampler_log_sum(...) is the log-probability of token i. Not finite when
 * a logit is NaN or +inf, or all are -inf. */
double sampler_log_sum(const float *logits, int32_t V);

/* Divides positive logits by the penalty and multiplies the others with it, where seen[V] is set (Keskar et al. 2019, as
 * Hugging Face). */
void sampler_penalize(float *logits, int32_t V, const uint8_t *seen, double penalty);

/* Picks one of logits[V], which is overwritten with the probabilities that were sampled from (not when greedy). Greedy (or
 * temperature 0): the largest, lowest id on ties. Otherwise temperature, top-k, top-p, min-p in this order, and a draw
 * from torch in parity mode, else from stream. */
uint32_t sampler_pick(float *logits, int32_t V, const canto_generate_options *options, torch_rng *torch,
                      stream_rng *stream);

#endif
