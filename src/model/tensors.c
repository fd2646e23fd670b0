/* tensors.c - the tensor table, built from the config alone.
 *
 * Invariants: the list runs in the order of the data's way; offsets are multiples of 16 elements, so that every tensor
 * begins on a cache line; the padding between tensors is never read as a weight. */
#include "model/tuning.h"

#include <stdio.h>

static const char *const role_names[TENSOR_ROLES] = {
    "token_embedding.weight",
    "position_embedding.weight",
    "norm1.weight",
    "norm1.bias",
    "qkv.weight",
    "qkv.bias",
    "projection.weight",
    "projection.bias",
    "norm2.weight",
    "norm2.bias",
    "ffn_up.weight",
    "ffn_up.bias",
    "ffn_down.weight",
    "ffn_down.bias",
    "qkv.lora_A",
    "qkv.lora_B",
    "projection.lora_A",
    "projection.lora_B",
    "ffn_up.lora_A",
    "ffn_up.lora_B",
    "ffn_down.lora_A",
    "ffn_down.lora_B",
    "final_norm.weight",
    "final_norm.bias",
    "head.weight",
    "head.bias",
};

bool tensor_role_in_block(tensor_role role) { return role >= TENSOR_NORM1_WEIGHT && role <= TENSOR_FFN_DOWN_B; }

bool tensor_is_adapter(tensor_role role) { return role >= TENSOR_QKV_A && role <= TENSOR_FFN_DOWN_B; }

tensor_role tensor_adapted(tensor_role role) {
    static const tensor_role weights[] = {TENSOR_QKV_WEIGHT, TENSOR_PROJECTION_WEIGHT, TENSOR_FFN_UP_WEIGHT,
                                          TENSOR_FFN_DOWN_WEIGHT};
    return tensor_is_adapter(role) ? weights[(role - TENSOR_QKV_A) / 2] : role;
}

void tensor_name(tensor_role role, int32_t layer, char out[96]) {
    if (tensor_role_in_block(role)) snprintf(out, 96, "blocks.%d.%s", layer, role_names[role]);
    else snprintf(out, 96, "%s", role_names[role]);
}

static bool is_present(const canto_config *c, tensor_role role) {
    bool normed = c->norm != CANTO_NORM_NONE;
    if (tensor_role_in_block(role) && c->layers == 0) return false;
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
        return true;
    case TENSOR_POSITION_EMBEDDING:
        return c->positions == CANTO_POSITIONS_LEARNED;
    case TENSOR_NORM1_WEIGHT:
    case TENSOR_NORM1_BIAS:
        return c->attention && normed;
    case TENSOR_QKV_WEIGHT:
        return c->attention;
    case TENSOR_QKV_BIAS:
        return c->attention && c->qkv_bias;
    case TENSOR_PROJECTION_WEIGHT:
        return c->attention && c->projection;
    case TENSOR_PROJECTION_BIAS:
        return c->attention && c->projection && c->projection_bias;
    case TENSOR_NORM2_WEIGHT:
    case TENSOR_NORM2_BIAS:
        return c->ffn > 0 && normed;
    case TENSOR_FFN_UP_WEIGHT:
    case TENSOR_FFN_UP_BIAS:
    case TENSOR_FFN_DOWN_WEIGHT:
    case TENSOR_FFN_DOWN_BIAS:
        return c->ffn > 0;
    case TENSOR_FINAL_NORM_WEIGHT:
    case TENSOR_FINAL_NORM_BIAS:
        return c->final_norm;
    case TENSOR_HEAD_WEIGHT:
        return !c->tied;
    case TENSOR_HEAD_BIAS:
        return c->head_bias;
    default:
        break; /* adapters are no part of a model */
    }
    return false;
}

bool tensor_shape(const canto_config *c, tensor_role role, int64_t *rows, int64_t *columns, bool *vector) {
    int64_t C = c->width, F = c->ffn;
    if (!is_present(c, role)) return false;
    *columns = 1;
    *vector = true;
    *rows = C;
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
    case TENSOR_HEAD_WEIGHT:
        *rows = c->vocab, *columns = C;
        break;
    case TENSOR_POSITION_EMBEDDING:
        *rows = c->context, *columns = C;
        break;
    case TENSOR_QKV_WEIGHT:
        *rows = 3 * C, *columns = C;
        break;
    case TENSOR_QKV_BIAS:
        *rows = 3 * C;
        break;
    case TENSOR_PROJECTION_WEIGHT:
        *columns = C;
        break;
    case TENSOR_FFN_UP_WEIGHT:
        *rows = F, *columns = C;
        break;
    case TENSOR_FFN_UP_BIAS:
        *rows = F;
        break;
    case TENSOR_FFN_DOWN_WEIGHT:
        *columns = F;
        break;
    case TENSOR_HEAD_BIAS:
        *rows = c->vocab;
        break;
    default:
        break;
    }
    *vector = role != TENSOR_TOKEN_EMBEDDING && role != TENSOR_HEAD_WEIGHT && role != TENSOR_POSITION_EMBEDDING &&
              role != TENSOR_QKV_WEIGHT && role != TENSOR_PROJECTION_WEIGHT && role != TENSOR_FFN_UP_WEIGHT &&
              role != TENSOR_FFN_DOWN_WEIGHT;
    return true;
}

/* A[r, in] or B[out, r] beside a weight[out, in]; false when there is none. */
static bool adapter_shape(const tensor_table *t, tensor_role role, int64_t *rows, int64_t *columns, bool *vector) {
    if (t->tuning.rank == 0 || !(t->tuning.adapted >> (role - TENSOR_QKV_A) / 2 & 1)) return false;
    if (!tensor_shape(&t->config, tensor_adapted(role), rows, columns, vector)) return false;
    *((role - TENSOR_QKV_A) % 2 == 0 ? rows : columns) = t->tuning.rank;
    return true;
}

/* Appends a tensor when the model has it; list NULL only counts. */
static void append(tensor_table *t, tensor_role role, int32_t layer) {
    int64_t rows, columns;
    bool    vector;
    if (tensor_is_adapter(role) ? !adapter_shape(t, role, &rows, &columns, &vector)
                                : !tensor_shape(&t->config, role, &rows, &columns, &vector))
        return;
    size_t count = (size_t)rows * (size_t)columns, padded = (count + 15) / 16 * 16;
    bool   frozen = tuning_freezes(&t->tuning, role, layer);
    if (t->list != NULL)
        t->list[t->count] =
            (tensor){role, layer, rows, columns, vector, !vector, frozen, t->elements, t->gradients, count};
    t->count++;
    t->elements += padded;
    t->parameters += count;
    if (frozen) return;
    t->gradients += padded;
    t->trained += count;
}

static void append_all(tensor_table *t) {
    t->count = t->elements = t->gradients = 0;
    t->parameters = t->trained = 0;
    append(t, TENSOR_TOKEN_EMBEDDING, -1);
    append(t, TENSOR_POSITION_EMBEDDING, -1);
    t->block_first = t->count;
    for (int32_t layer = 0; layer < t->config.layers; layer++)
        for (int role = TENSOR_NORM1_WEIGHT; role <= TENSOR_FFN_DOWN_B; role++) append(t, (tensor_role)role, layer);
    t->block_count = t->config.layers > 0 ? (t->count - t->block_first) / (size_t)t->config.layers : 0;
    for (int role = TENSOR_FINAL_NORM_WEIGHT; role < TENSOR_ROLES; role++) append(t, (tensor_role)role, -1);
}

void tensor_table_measure_tuned(const canto_config *config, const tuning *tuned, tensor_table *table) {
    *table = (tensor_table){.config = *config, .tuning = *tuned};
    append_all(table);
}

void tensor_table_measure(const canto_config *config, tensor_table *table) {
    tensor_table_measure_tuned(config, &(tuning){0}, table);
}

canto_status tensor_table_open(canto_context *context, const canto_config *config, tensor_table *table) {
    return tensor_table_open_tuned(context, config, &(tuning){0}, table);
}

canto_status tensor_table_open_tuned(canto_context *context, const canto_config *config, const tuning *tuned,
                                     tensor_table *table) {
    tensor_table_measure_tuned(config, tuned, table);
    size_t bytes = table->count * sizeof(tensor);
    table->list = context_allocate(context, bytes);
    if (table->list == NULL) return context_no_memory(bytes, "the tensor table");
    append_all(table);
    return status_ok();
}

void tensor_table_close(canto_context *context, tensor_table *table) {
    context_release(context, table->list);
    table->list = NULL;
}

static const tensor *find_between(const tensor_table *table, size_t from, size_t end, tensor_role role) {
    for (size_t i = from; i < end; i++)
        if (table->list[i].role == role) return &table->list[i];
    return NULL;
}

const tensor *tensor_find(const tensor_table *table, tensor_role role, int32_t layer) {
    size_t        blocks = table->block_count * (size_t)table->config.layers;
    const tensor *found;
    if (tensor_role_in_block(role)) {
        if (layer < 0 || layer >= table->config.layers) return NULL;
        size_t from = table->block_first + table->block_count * (size_t)layer;
        return find_between(table, from, from + table->block_count, role);
    }
    found = find_between(table, 0, table->block_first, role);
    return found ? found : find_between(table, table->block_first + blocks, table->count, role);
}
