/* attention.h - causal multi-head self-attention over q, k, v side by side. */
#ifndef CANTO_ATTENTION_H
#define CANTO_ATTENTION_H

#include "model/gpt.h"

/* qkv[b, t, 3C] (q, k, v; head h in columns h D ..) -> out[b, t, C]; lse[b, H, t] is kept for the backward pass. A local
 * layer's position i sees j with i - W < j <= i. No T x T matrix outlives a block of rows. */
void attention_forward(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                       const gpt_activations *acts, const gpt_dropout *dropout, const real *qkv, real *out, real *lse);

/* The rows at hand of one sequence, acts->start and up: k and v go into the cache's layer, and out[t, C] is what
 * attention_forward over the whole sequence gives these rows, without dropout. */
void attention_extend(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                      const gpt_activations *acts, gpt_cache *cache, const real *qkv, real *out);

/* dout[b, t, C] -> dqkv[b, t, 3C], from the same qkv, out and lse. */
void attention_backward(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                        const gpt_activations *acts, const gpt_dropout *dropout, const real *qkv, const real *out,
                        const real *lse, const real *dout, real *dqkv);

/* How positions [first, first + rows) of one head of the only sequence weigh all of them, which attention_forward never
 * writes down: weights[rows, t] = softmax(scale q k^T) from the same qkv[t, 3C], before dropout. Rows sum to 1; what is not
 * seen is 0. */
void attention_weights(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                       const gpt_activations *acts, const real *qkv, int32_t head, int64_t first, int64_t rows,
                       real *weights);

int64_t attention_window(const canto_config *config, int32_t layer); /* W of a local layer, 0 of a global one */

#endif
