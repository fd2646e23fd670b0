/* lanes.c - BATCH -> LOSS -> GRADIENTS on all cores.
 *
 * A small model's layers are too short to share: its micro-batch is cut into lanes of whole sequences, each with its own
 * activations and gradient block, and a thread takes lane after lane. A large model has one lane whose layers cut their
 * own work. Invariants: how many lanes there are, which sequences each has and the tree in which their gradients are
 * summed depend on the model and the batch alone, never on threads; nothing here allocates once it is open. */
#include "train/lanes.h"

#include <string.h>

#define SMALL_MODEL_BYTES (8u << 20) /* of weights: a lane's gradient block is as large */
#define CHUNK 16384                  /* elements of one unit of the gradients' sum */

int32_t lanes_count(uint64_t parameters, int32_t B) {
    if (parameters * 4 > SMALL_MODEL_BYTES) return 1;
    return B < LANES_MAX ? B : LANES_MAX;
}

/* ------------------------------------------------------------------------------------------------ open and close */

lanes_bytes lanes_measure(const canto_config *config, uint64_t block_bytes, int32_t count, int32_t most_B, int32_t T,
                          bool training, int threads) {
    int32_t     share = (most_B + count - 1) / count;
    lanes_bytes bytes = {0};
    bytes.activations = gpt_activations_bytes(config, share, T, training) * (uint64_t)count;
    bytes.gradients = training ? block_bytes * (uint64_t)(count - 1) : 0;
    bytes.scratch = gpt_scratch_bytes(config, T) * (uint64_t)threads;
    return bytes;
}

static canto_status open_lane(lanes *l, lane *one, float *gradients, int32_t B, int32_t T) {
    canto_status        status;
    const canto_config *config = l->weights->config;
    void               *block;
    bool                training = l->table != NULL;
    size_t              bytes = gpt_activations_bytes(config, B, T, training);
    TRY(context_block(l->context, bytes, "activations", &one->acts_base, &block));
    gpt_activations_bind(config, B, T, training, block, &one->acts);
    one->gradients = gradients;
    if (!training || gradients) goto done;
    TRY(context_block(l->context, l->table->elements * sizeof(float), "gradients", &one->gradients_base, &block));
    one->gradients = block;
done:
    return status;
}

canto_status lanes_open(canto_context *context, const kernels *k, const gpt_weights *weights, const tensor_table *table,
                        float *gradients, int32_t count, int32_t most_B, int32_t T, lanes *l) {
    canto_status status;
    int32_t      share = (most_B + count - 1) / count;
    memset(l, 0, sizeof *l);
    l->context = context;
    l->kernels = k;
    l->weights = weights;
    l->table = table;
    l->count = count;
    TRY(context_exec_open(context, gpt_scratch_bytes(weights->config, T), &l->pool_exec));
    for (int32_t i = 0; i < count; i++) TRY(open_lane(l, &l->list[i], i == 0 ? gradients : NULL, share, T));
done:
    if (status.code != CANTO_OK) lanes_close(l);
    return status;
}

void lanes_close(lanes *l) {
    if (!l->context) return;
    for (int32_t i = 0; i < LANES_MAX; i++) {
        context_release(l->context, l->list[i].acts_base);
        context_release(l->context, l->list[i].gradients_base);
    }
    context_exec_close(l->context, &l->pool_exec);
    memset(l, 0, sizeof *l);
}

/* ------------------------------------------------------------------------------------------------------ the passes */

typedef struct pass {
    lanes             *l;
    const uint32_t    *ids, *targets;
    int32_t            B, T;
    const gpt_dropout *dropout;
    bool               backward;
    float              scale;
    float             *losses;
} pass;

int32_t lanes_share(const lanes *l, int32_t B, int32_t number, int32_t *first) {
    int32_t from = (int32_t)((int64_t)B * number / l->count), to = (int32_t)((int64_t)B * (number + 1) / l->count);
    if (first) *first = from;
    return to - from;
}

/* The lane's sequences of the batch, all the way from ids to losses and gradients. */
static void run_lane(const pass *p, const exec *e, int32_t number) {
    lanes  *l = p->l;
    lane   *one = &l->list[number];
    int32_t first, share = lanes_share(l, p->B, number, &first);
    size_t  at = (size_t)first * (size_t)p->T;
    if (share == 0) return;
    one->acts.first = first;
    one->acts.batch = p->B;
    gpt_forward(e, l->kernels, l->weights, &one->acts, p->ids + at, share, p->T, p->dropout);
    if (p->backward)
        gpt_backward(e, l->kernels, l->table, l->weights, &one->acts, p->targets + at, p->dropout, p->scale,
                     p->losses + at, one->gradients);
    else gpt_loss(e, l->kernels, l->weights, &one->acts, p->targets + at, p->losses + at);
}

static void lane_unit(void *job, size_t unit, int worker) {
    const pass *p = job;
    exec        alone = p->l->pool_exec;
    alone.pool = NULL;
    alone.worker = worker;
    run_lane(p, &alone, (int32_t)unit);
}

static void run_pass(pass *p) {
    if (p->l->count == 1) run_lane(p, &p->l->pool_exec, 0);
    else pool_run(p->l->context->pool, (size_t)p->l->count, lane_unit, p);
}

void lanes_train(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                 const gpt_dropout *dropout, float scale, float *losses) {
    pass p = {l, ids, targets, B, T, dropout, true, scale, losses};
    run_pass(&p);
}

void lanes_forward(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                   const gpt_dropout *dropout, float *losses) {
    pass p = {l, ids, targets, B, T, dropout, false, 0, losses};
    run_pass(&p);
}

void lanes_evaluate(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T, float *losses) {
    const gpt_dropout off = {0};
    lanes_forward(l, ids, targets, B, T, &off, losses);
}

/* ---------------------------------------------------------------------------------------------------- the sums */

/* into += from, from = 0 */
static void gather_pair(float *restrict into, float *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        into[i] += from[i];
        from[i] = 0;
    }
}

/* One chunk of all blocks: neighbours, then neighbours of neighbours, ..., into lane 0's. */
static void gather_unit(void *job, size_t unit, int worker) {
    lanes *l = job;
    size_t at = unit * CHUNK, left = l->table->elements - at, n = left < CHUNK ? left : CHUNK;
    (void)worker;
    for (int32_t stride = 1; stride < l->count; stride *= 2)
        for (int32_t i = 0; i + stride < l->count; i += 2 * stride)
            gather_pair(l->list[i].gradients + at, l->list[i + stride].gradients + at, n);
}

void lanes_gather(lanes *l) {
    if (l->count > 1) exec_run(&l->pool_exec, (l->table->elements + CHUNK - 1) / CHUNK, gather_unit, l);
}

double losses_sum(const float *losses, size_t n) {
    double s[8] = {0};
    for (size_t i = 0; i < n; i++) s[i % 8] += (double)losses[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
