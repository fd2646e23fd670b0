/* attention.c - causal multi-head self-attention (Vaswani et al. 2017), a unit of work being one head of one sequence.
 * The mathematics and its derivation stand at the kernels, attention_forward and attention_backward in heads_isa.c. */
#include "model/attention.h"

#include "model/dropout.h"
#include "model/linear.h"

#include <math.h>
#include <string.h>

typedef struct attention_job {
    const exec            *e;
    const kernels         *k;
    const canto_config    *config;
    const gpt_activations *acts;
    const gpt_dropout     *dropout;
    int32_t                layer;
    real                   scale;
    const real            *qkv, *dout;
    real                  *out, *lse, *dqkv;
    const gpt_cache       *cache;
} attention_job;

int64_t attention_window(const canto_config *config, int32_t layer) {
    size_t n = strlen(config->pattern);
    return n > 0 && config->pattern[(size_t)layer % n] == 'l' ? config->window : 0;
}

static real attention_scale(const canto_config *c) {
    switch (c->attention_scale) {
    case CANTO_SCALE_HEAD:
        return (real)(1 / sqrt((double)(c->width / c->heads)));
    case CANTO_SCALE_WIDTH:
        return (real)(1 / sqrt((double)c->width));
    case CANTO_SCALE_NONE:
        break;
    }
    return 1;
}

static void attention_unit(void *job, size_t unit, int worker) {
    const attention_job *j = job;
    int64_t              H = j->config->heads, C = j->config->width, D = C / H, T = j->acts->t;
    int64_t              b = (int64_t)unit / H, h = (int64_t)unit % H;
    const real          *q = j->qkv + b * T * 3 * C + h * D;
    mask                 m;
    bool           drops = dropout_mask(j->config, j->dropout, j->layer, DROPOUT_ATTENTION, j->acts->batch, j->acts->t,
                                        j->acts->first + (int32_t)b, &m);
    attention_head a = {.T = T,
                        .D = D,
                        .window = attention_window(j->config, j->layer),
                        .scale = j->scale,
                        .stride = 3 * C,
                        .q = q,
                        .k = q + C,
                        .v = q + 2 * C,
                        .out_stride = C,
                        .out = j->out + b * T * C + h * D,
                        .lse = j->lse + (b * H + h) * T,
                        .dropout = drops ? &m : NULL,
                        .mask_first = (uint64_t)(h * T * T)};
    if (j->dqkv == NULL) {
        j->k->attention_forward(&a, j->e->scratch[worker]);
        return;
    }
    a.dout = j->dout + b * T * C + h * D;
    a.dq = j->dqkv + b * T * 3 * C + h * D;
    a.dk = a.dq + C;
    a.dv = a.dq + 2 * C;
    j->k->attention_backward(&a, j->e->scratch[worker]);
}

void attention_forward(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                       const gpt_activations *acts, const gpt_dropout *dropout, const real *qkv, real *out, real *lse) {
    attention_job job = {e, k, config, acts, dropout, layer, attention_scale(config), qkv, NULL, out, lse, NULL, NULL};
    exec_run(e, (size_t)acts->b * (size_t)config->heads, attention_unit, &job);
}

static void extend_unit(void *job, size_t h, int worker) {
    const attention_job *j = job;
    int64_t              C = j->config->width, D = C / j->config->heads, T = j->acts->start + j->acts->t;
    size_t               head = (size_t)j->layer * (size_t)j->config->heads + h;
    const real          *q = j->qkv + (int64_t)h * D;
    attention_head       a = {.T = T,
                              .D = D,
                              .window = attention_window(j->config, j->layer),
                              .scale = j->scale,
                              .stride = 3 * C,
                              .q = q,
                              .k = q + C,
                              .v = q + 2 * C,
                              .out_stride = C,
                              .out = j->out + (int64_t)h * D,
                              .first = j->acts->start,
                              .keys = j->cache->keys + head * attention_keys(j->cache->T, D),
                              .values = j->cache->values + head * attention_values(j->cache->T, D)};
    j->k->attention_extend(&a, j->e->scratch[worker]);
}

void attention_extend(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                      const gpt_activations *acts, gpt_cache *cache, const real *qkv, real *out) {
    attention_job job = {.e = e,
                         .k = k,
                         .config = config,
                         .acts = acts,
                         .layer = layer,
                         .scale = attention_scale(config),
                         .qkv = qkv,
                         .out = out,
                         .cache = cache};
    exec_run(e, (size_t)config->heads, extend_unit, &job);
}

void attention_backward(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                        const gpt_activations *acts, const gpt_dropout *dropout, const real *qkv, const real *out,
                        const real *lse, const real *dout, real *dqkv) {
    attention_job job = {e,   k,    config,      acts,        dropout, layer, attention_scale(config),
                         qkv, dout, (real *)out, (real *)lse, dqkv,    NULL};
    exec_run(e, (size_t)acts->b * (size_t)config->heads, attention_unit, &job);
}

/* ------------------------------------------------------------------------------------------------ for looking inside */

typedef struct weights_job {
    int64_t T, first, window; /* window 0: everything before */
    double  scale;
    real   *weights;
} weights_job;

/* A row of scores s becomes e^(scale (s - most)) / sum, worked out in double precision. */
static void weights_unit(void *job, size_t unit, int worker) {
    const weights_job *j = job;
    int64_t            i = j->first + (int64_t)unit;
    int64_t            from = j->window > 0 && i >= j->window ? i - j->window + 1 : 0;
    real              *row = j->weights + (int64_t)unit * j->T;
    real               most = row[i];
    double             sum = 0;
    (void)worker;
    for (int64_t n = from; n < i; n++)
        if (row[n] > most) most = row[n];
    for (int64_t n = from; n <= i; n++) {
        double weight = exp(j->scale * ((double)row[n] - (double)most));
        sum += weight;
        row[n] = (real)weight;
    }
    for (int64_t n = 0; n < j->T; n++) row[n] = n < from || n > i ? 0 : (real)((double)row[n] / sum);
}

void attention_weights(const exec *e, const kernels *k, const canto_config *config, int32_t layer,
                       const gpt_activations *acts, const real *qkv, int32_t head, int64_t first, int64_t rows,
                       real *weights) {
    int64_t     C = config->width, D = C / config->heads;
    const real *q = qkv + head * D;
    view        none = {.type = VIEW_NONE}, keys = {.data = q + C,
                                                    .type = VIEW_REAL,
                                                    .rows = first + rows, /* the others nobody here sees */
                                                    .columns = D,
                                                    .row_stride = 3 * C,
                                                    .column_stride = 1};
    weights_job job = {acts->t, first, attention_window(config, layer), (double)attention_scale(config), weights};
    linear_forward(e, k, &keys, &none, q + first * 3 * C, 3 * C, rows, weights, acts->t, NULL);
    exec_run(e, (size_t)rows, weights_unit, &job);
}
