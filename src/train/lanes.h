/* lanes.h - one micro-batch's passes over the cores: small models cut it by sequences, large ones let every layer use
 * all threads. */
#ifndef CANTO_LANES_H
#define CANTO_LANES_H

#include "model/gpt.h"

#define LANES_MAX 8

typedef struct lane {
    gpt_activations acts;
    float          *gradients; /* lane 0: the caller's block */
    void           *acts_base, *gradients_base;
} lane;

typedef struct lanes {
    canto_context      *context;
    const kernels      *kernels;
    const gpt_weights  *weights;
    tensor_table const *table; /* NULL: evaluation alone */
    exec                pool_exec;
    int32_t             count; /* depends on (config, B) alone */
    lane                list[LANES_MAX];
} lanes;

/* How many lanes a model with this many parameters uses for batches of B sequences. */
int32_t lanes_count(uint64_t parameters, int32_t B);

/* What lanes_open allocates beside the caller's gradients. */
typedef struct lanes_bytes {
    uint64_t activations, gradients, scratch;
} lanes_bytes;
lanes_bytes lanes_measure(const canto_config *config, uint64_t block_bytes, int32_t count, int32_t most_B, int32_t T,
                          bool training, int threads);

/* Allocates everything that passes over at most B sequences (most_B >= B, for evaluation) of T tokens need. count lanes.
 * training: table and gradients (a zeroed block with its layout, the caller's); otherwise both NULL. */
canto_status lanes_open(canto_context *context, const kernels *k, const gpt_weights *weights, const tensor_table *table,
                        float *gradients, int32_t count, int32_t most_B, int32_t T, lanes *l);
void         lanes_close(lanes *l); /* also on a zeroed one */

/* ids, targets [B, T] -> losses[B T], and scale * gradients are added to the lanes' blocks. Allocates nothing. */
void lanes_train(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                 const gpt_dropout *dropout, float scale, float *losses);
/* The lanes' gradients, summed into the caller's block in a fixed tree; the other blocks are zeroed. */
void lanes_gather(lanes *l);
/* As lanes_train, but without its backward pass: the lanes keep the activations. */
void lanes_forward(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                   const gpt_dropout *dropout, float *losses);
/* How many of a batch's B sequences lane `number` has; *first (or NULL) receives its first. */
int32_t lanes_share(const lanes *l, int32_t B, int32_t number, int32_t *first);
/* ids, targets [B, T] -> losses[B T] without dropout. */
void lanes_evaluate(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T, float *losses);

/* The sum of n losses in double, in an order that depends on n alone. */
double losses_sum(const float *losses, size_t n);

#endif
