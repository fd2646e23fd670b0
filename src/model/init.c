/* init.c - drawing the first weights.
 *
 * The SOURCE layout is walked: its order is that in which PyTorch creates the parameters. The rows of an item are
 * contiguous in our tensor, so each is drawn in place, in one go, as PyTorch draws a module's own tensor. Norms and the
 * zeros of GPT-2's biases draw nothing. Source: torch.nn.Linear and torch.nn.Embedding reset_parameters (PyTorch 1.13);
 * Radford et al. 2019, section 2.3 for CANTO_INIT_GPT2. */
#include "model/init.h"

#ifndef CANTO_DOUBLE

#include <math.h>

#include "model/layouts.h"

static void fill(float *out, size_t n, float value) {
    for (size_t i = 0; i < n; i++) out[i] = value;
}

/* The inputs of the linear layer that a weight or bias belongs to. */
static int64_t fan_in(const canto_config *config, tensor_role role) {
    bool down = role == TENSOR_FFN_DOWN_WEIGHT || role == TENSOR_FFN_DOWN_BIAS;
    return down ? config->ffn : config->width;
}

static void draw_uniform(torch_rng *rng, float *out, size_t n, double bound) {
    torch_uniform(rng, out, n, -bound, bound);
}

/* PyTorch's defaults: uniform linears, N(0, 1) embeddings. */
static void initialize_torch(const canto_config *config, tensor_role role, torch_rng *rng, float *out, size_t n) {
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
    case TENSOR_POSITION_EMBEDDING:
        torch_normal(rng, out, n, 0.0, 1.0);
        break;
    case TENSOR_NORM1_WEIGHT:
    case TENSOR_NORM2_WEIGHT:
    case TENSOR_FINAL_NORM_WEIGHT:
        fill(out, n, 1.0f);
        break;
    case TENSOR_NORM1_BIAS:
    case TENSOR_NORM2_BIAS:
    case TENSOR_FINAL_NORM_BIAS:
        fill(out, n, 0.0f);
        break;
    case TENSOR_QKV_BIAS:
    case TENSOR_PROJECTION_BIAS:
    case TENSOR_FFN_UP_BIAS:
    case TENSOR_FFN_DOWN_BIAS:
    case TENSOR_HEAD_BIAS:
        draw_uniform(rng, out, n, torch_linear_bias_bound(fan_in(config, role)));
        break;
    case TENSOR_QKV_WEIGHT:
    case TENSOR_PROJECTION_WEIGHT:
    case TENSOR_FFN_UP_WEIGHT:
    case TENSOR_FFN_DOWN_WEIGHT:
    case TENSOR_HEAD_WEIGHT:
        draw_uniform(rng, out, n, torch_linear_weight_bound(fan_in(config, role)));
        break;
    default: /* adapters are drawn apart */
        break;
    }
}

/* GPT-2's: N(0, 0.02), what is added to the residual stream smaller by the root of its 2 L summands, biases zero. */
static void initialize_gpt2(const canto_config *config, tensor_role role, torch_rng *rng, float *out, size_t n) {
    switch (role) {
    case TENSOR_NORM1_WEIGHT:
    case TENSOR_NORM2_WEIGHT:
    case TENSOR_FINAL_NORM_WEIGHT:
        fill(out, n, 1.0f);
        break;
    case TENSOR_TOKEN_EMBEDDING:
    case TENSOR_POSITION_EMBEDDING:
    case TENSOR_QKV_WEIGHT:
    case TENSOR_FFN_UP_WEIGHT:
    case TENSOR_HEAD_WEIGHT:
        torch_normal(rng, out, n, 0.0, 0.02);
        break;
    case TENSOR_PROJECTION_WEIGHT:
    case TENSOR_FFN_DOWN_WEIGHT:
        torch_normal(rng, out, n, 0.0, 0.02 / sqrt(2.0 * config->layers));
        break;
    case TENSOR_NORM1_BIAS:
    case TENSOR_NORM2_BIAS:
    case TENSOR_FINAL_NORM_BIAS:
    case TENSOR_QKV_BIAS:
    case TENSOR_PROJECTION_BIAS:
    case TENSOR_FFN_UP_BIAS:
    case TENSOR_FFN_DOWN_BIAS:
    case TENSOR_HEAD_BIAS:
    default: /* adapters are drawn apart */
        fill(out, n, 0.0f);
        break;
    }
}

void model_initialize(const tensor_table *table, canto_init init, torch_rng *rng, float *block) {
    const canto_config *config = &table->config;
    layout_item         item;
    for (size_t i = 0; layout_item_at(config, LAYOUT_SOURCE, i, &item); i++) {
        const tensor *t = tensor_find(table, item.role, item.layer);
        float        *out = block + t->offset + (size_t)item.row * (size_t)item.columns;
        size_t        n = (size_t)item.rows * (size_t)item.columns;
        if (init == CANTO_INIT_GPT2) initialize_gpt2(config, item.role, rng, out, n);
        else initialize_torch(config, item.role, rng, out, n);
    }
}

/* Kaiming's uniform with a = sqrt 5, as PEFT has it: what PyTorch's linear layers begin with. */
void adapters_initialize(const tensor_table *table, torch_rng *rng, float *block) {
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        if (tensor_is_adapter(t->role) && (t->role - TENSOR_QKV_A) % 2 == 0)
            draw_uniform(rng, block + t->offset, t->count, torch_linear_weight_bound(t->columns));
    }
}

#else
typedef int init_has_no_double_build; /* a translation unit may not be empty */
#endif
