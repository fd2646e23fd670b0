/* dropout.c - dropout masks (Srivastava et al. 2014): kept elements are scaled by 1 / (1 - p), so evaluation needs nothing.
 *
 * Nothing is stored: the backward pass makes the masks again from (key, sequence, place, element). In parity mode they are
 * bits, drawn beforehand from PyTorch's stream in the order in which the source's modules draw. */
#include "model/dropout.h"

double dropout_rate(const canto_config *c, dropout_place place) {
    switch (place) {
    case DROPOUT_EMBEDDING:
        return c->dropout_embedding;
    case DROPOUT_ATTENTION:
        return c->attention ? c->dropout_attention : 0;
    case DROPOUT_RESIDUAL1:
        return c->attention ? c->dropout_residual : 0;
    case DROPOUT_FFN:
        return c->ffn > 0 ? c->dropout_ffn : 0;
    case DROPOUT_RESIDUAL2:
        return c->ffn > 0 ? c->dropout_residual : 0;
    case DROPOUT_BLOCK:
        return c->dropout_block;
    case DROPOUT_PLACES:
        break;
    }
    return 0;
}

/* Elements of one sequence's mask. */
static uint64_t place_size(const canto_config *c, dropout_place place, int32_t T) {
    uint64_t t = (uint64_t)T;
    return place == DROPOUT_ATTENTION ? (uint64_t)c->heads * t * t : t * (uint64_t)c->width;
}

static uint64_t layer_size(const canto_config *c, int32_t T) {
    uint64_t n = 0;
    for (int p = DROPOUT_ATTENTION; p < DROPOUT_PLACES; p++)
        if (dropout_rate(c, (dropout_place)p) > 0) n += place_size(c, (dropout_place)p, T);
    return n;
}

/* The first bit of a place's masks: the embedding's, then layer by layer, place by place; B sequences each. */
static uint64_t first_bit(const canto_config *c, int32_t layer, dropout_place place, int32_t B, int32_t T) {
    if (place == DROPOUT_EMBEDDING) return 0;
    uint64_t n = dropout_rate(c, DROPOUT_EMBEDDING) > 0 ? place_size(c, DROPOUT_EMBEDDING, T) : 0;
    n += (uint64_t)layer * layer_size(c, T);
    for (int p = DROPOUT_ATTENTION; p < (int)place; p++)
        if (dropout_rate(c, (dropout_place)p) > 0) n += place_size(c, (dropout_place)p, T);
    return n * (uint64_t)B;
}

size_t gpt_dropout_bytes(const canto_config *c, int32_t B, int32_t T) {
    uint64_t bits = dropout_rate(c, DROPOUT_EMBEDDING) > 0 ? place_size(c, DROPOUT_EMBEDDING, T) : 0;
    bits += (uint64_t)c->layers * layer_size(c, T);
    return (size_t)((bits * (uint64_t)B + 7) / 8);
}

static void draw_place(const canto_config *c, int32_t layer, dropout_place place, int32_t B, int32_t T, torch_rng *rng,
                       uint8_t *bits) {
    double   p = dropout_rate(c, place);
    uint64_t base = first_bit(c, layer, place, B, T), size = place_size(c, place, T);
    if (p <= 0) return;
    if (place != DROPOUT_ATTENTION || c->family != CANTO_FAMILY_SHAKESPEARE) {
        torch_dropout_bits(rng, bits, base, size * (uint64_t)B, p);
        return;
    }
    uint64_t head = (uint64_t)T * (uint64_t)T; /* source 004: one module a head, so head by head over the whole batch */
    for (int32_t h = 0; h < c->heads; h++)
        for (int32_t b = 0; b < B; b++)
            torch_dropout_bits(rng, bits, base + (uint64_t)b * size + (uint64_t)h * head, head, p);
}

void gpt_draw_dropout(const canto_config *c, int32_t B, int32_t T, torch_rng *rng, uint8_t *bits) {
    draw_place(c, 0, DROPOUT_EMBEDDING, B, T, rng, bits);
    for (int32_t layer = 0; layer < c->layers; layer++)
        for (int p = DROPOUT_ATTENTION; p < DROPOUT_PLACES; p++)
            draw_place(c, layer, (dropout_place)p, B, T, rng, bits);
}

bool dropout_mask(const canto_config *c, const gpt_dropout *dropout, int32_t layer, dropout_place place, int32_t B,
                  int32_t T, int32_t sequence, mask *out) {
    double p = dropout_rate(c, place);
    if (!dropout->on || p <= 0) return false;
    uint64_t where = (uint64_t)(place == DROPOUT_EMBEDDING ? 0 : layer + 1) * DROPOUT_PLACES + place;
    out->key = rng_mix(rng_mix(dropout->key, where), (uint64_t)sequence);
    out->bits = dropout->bits;
    out->first_bit =
        dropout->bits == NULL ? 0 : first_bit(c, layer, place, B, T) + (uint64_t)sequence * place_size(c, place, T);
    out->threshold = (uint32_t)(p * 4294967296.0);
    out->scale = 1 / (real)(1 - p);
    return true;
}

bool dropout_masks(const canto_config *config, const gpt_dropout *dropout, int32_t layer, dropout_place place,
                   const gpt_activations *acts, mask *list) {
    if (!dropout->on || dropout_rate(config, place) <= 0) return false;
    for (int32_t b = 0; b < acts->b; b++)
        dropout_mask(config, dropout, layer, place, acts->batch, acts->t, acts->first + b, &list[b]);
    return true;
}

#define ROWS 16 /* positions of a unit */
#define PART 256

typedef struct apply_job {
    const kernels         *k;
    const canto_config    *config;
    const gpt_dropout     *dropout;
    const gpt_activations *acts;
    int32_t                layer;
    dropout_place          place;
    const real            *from;
    real                  *to;
    int64_t                units; /* of a sequence */
} apply_job;

static void apply_unit(void *job, size_t unit, int worker) {
    const apply_job *j = job;
    int64_t          b = (int64_t)unit / j->units, t0 = (int64_t)unit % j->units * ROWS, C = j->config->width;
    int64_t          t1 = t0 + ROWS < j->acts->t ? t0 + ROWS : j->acts->t;
    const real      *from = j->from + b * j->acts->t * C;
    real             part[PART], *to = j->to + b * j->acts->t * C;
    mask             m;
    (void)worker;
    dropout_mask(j->config, j->dropout, j->layer, j->place, j->acts->batch, j->acts->t, j->acts->first + (int32_t)b,
                 &m);
    for (int64_t i = t0 * C; i < t1 * C; i += PART) {
        int64_t n = t1 * C - i < PART ? t1 * C - i : PART;
        j->k->mask_row(&m, (uint64_t)i, n, part);
        for (int64_t s = 0; s < n; s++) to[i + s] = from[i + s] * part[s];
    }
}

bool dropout_apply(const exec *e, const kernels *k, const canto_config *config, const gpt_dropout *dropout,
                   int32_t layer, dropout_place place, const gpt_activations *acts, const real *from, real *to) {
    if (!dropout->on || dropout_rate(config, place) <= 0) return false;
    apply_job job = {k, config, dropout, acts, layer, place, from, to, (acts->t + ROWS - 1) / ROWS};
    exec_run(e, (size_t)(acts->b * job.units), apply_unit, &job);
    return true;
}
