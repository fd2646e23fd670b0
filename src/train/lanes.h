/* lanes.h - one micro-batch's passes over the cores: small models cut it by sequences, large ones let every layer use
 * all threads. */
#ifndef CANTO_LANES_H
#define CANTO_LANES_H

#include "model/gpt.h"

#include <stdatomic.h>

#define LANES_MAX 16

/* How batches are cut. A lane is a gradient block and a run of consecutive sequences, which go through the model in groups
 * of `group` sequences, one group after the other. count 1: the whole batch is one group, and its layers are cut. */
typedef struct lanes_plan {
    int32_t count, group;
    bool    recompute; /* training keeps the inputs of blocks alone; changes no number */
    int32_t rank;      /* of the model's adapters */
} lanes_plan;

/* The plan for training a model with this many parameters on batches of B sequences of T tokens: of these alone. */
lanes_plan lanes_plan_of(const canto_config *config, uint64_t parameters, int32_t B, int32_t T);
/* A group of lane `number` in a batch of B sequences, which may be more or fewer than the plan was made for: its first
 * sequence and how many it has. false: the lane has no such group. */
bool lanes_group(lanes_plan plan, int32_t B, int32_t number, int32_t group, int32_t *first, int32_t *sequences);

typedef struct lane {
    float     *gradients; /* lane 0: the caller's block */
    void      *base;
    bool       used;   /* gradients have been added since the last gathering */
    int32_t    groups; /* in the pass under way */
    atomic_int state;  /* twice the groups done, and 1 while a worker has the lane */
    char       apart[64];
} lane;

/* What a worker has of its own in a pass. */
typedef struct lanes_worker {
    gpt_activations acts;
    void           *base;
} lanes_worker;

typedef struct lanes {
    canto_context      *context;
    const kernels      *kernels;
    const gpt_weights  *weights; /* the caller's */
    gpt_weights         views;   /* the same with panels, where there are lanes */
    void               *panels, *layers;
    bool                stale; /* the panels are of older weights */
    tensor_table const *table; /* NULL: evaluation alone */
    exec                pool_exec;
    lanes_plan          plan;
    int32_t             workers; /* that a pass keeps busy at once: threads, but not more than lanes */
    atomic_int          waiting; /* workers for whom no lane is free */
    lane                list[LANES_MAX];
    lanes_worker        own[LANES_MAX]; /* [workers] */
} lanes;

/* What lanes_open allocates beside the caller's gradients. */
typedef struct lanes_bytes {
    uint64_t activations, gradients, scratch, panels;
} lanes_bytes;
lanes_bytes lanes_measure(const canto_config *config, uint64_t block_bytes, lanes_plan plan, int32_t most_B, int32_t T,
                          bool training, int threads);

/* Allocates everything that passes over at most B sequences (most_B >= B, for evaluation) of T tokens need.
 * training: table and gradients (a zeroed block with its layout, the caller's); otherwise both NULL. */
canto_status lanes_open(canto_context *context, const kernels *k, const gpt_weights *weights, const tensor_table *table,
                        float *gradients, lanes_plan plan, int32_t most_B, int32_t T, lanes *l);
void         lanes_close(lanes *l); /* also on a zeroed one */

/* ids, targets [B, T] -> losses[B T], and scale * gradients are added to the lanes' blocks. Allocates nothing. */
void lanes_train(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                 const gpt_dropout *dropout, float scale, float *losses);
/* The lanes' gradients, summed into the caller's block in a fixed tree; the other blocks are zeroed. Returns the sum's
 * norm, as gradient_norm has it. */
double lanes_gather(lanes *l);
/* ids, targets [B, T] -> losses[B T] without dropout. */
void lanes_evaluate(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T, float *losses);
/* The forward pass of lanes_train for a group of lane `number`, again: its sequences' losses, and the activations that it leaves behind
 * (acts->b sequences), good until the next pass. NULL when the lane has no such group. */
gpt_activations *lanes_look(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                            const gpt_dropout *dropout, int32_t number, int32_t group, float *losses);

/* The sum of n losses in double, in an order that depends on n alone. */
double losses_sum(const float *losses, size_t n);

#endif
