/* report.c - what a model of some config is and needs, without building it: counts, memory, arithmetic, its modules.
 *
 * Counts come from tensor_shape, names from the source's layout, memory from the plan of activations, so that they
 * cannot disagree with what is trained. Invariant: nothing is allocated; sizes of any model that canto_config_check lets
 * through fit. */
#include "base/machine.h"
#include "base/status.h"
#include "model/gpt.h"
#include "model/layouts.h"
#include "model/tensors.h"
#include "train/lanes.h"
#include "train/needs.h"

#include <stdio.h>
#include <string.h>

/* Parameters that the tensor `role` has in the whole model, all layers together. */
static uint64_t role_parameters(const canto_config *config, tensor_role role) {
    int64_t rows, columns;
    bool    vector;
    if (!tensor_shape(config, role, &rows, &columns, &vector)) return 0;
    uint64_t layers = tensor_role_in_block(role) ? (uint64_t)config->layers : 1;
    return (uint64_t)rows * (uint64_t)columns * layers;
}

/* The count of the report that a tensor belongs to. */
static uint64_t *part_of(canto_report *report, tensor_role role) {
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
        return &report->token_embedding;
    case TENSOR_POSITION_EMBEDDING:
        return &report->position_embedding;
    case TENSOR_QKV_WEIGHT:
    case TENSOR_QKV_BIAS:
    case TENSOR_PROJECTION_WEIGHT:
    case TENSOR_PROJECTION_BIAS:
        return &report->attention;
    case TENSOR_FFN_UP_WEIGHT:
    case TENSOR_FFN_UP_BIAS:
    case TENSOR_FFN_DOWN_WEIGHT:
    case TENSOR_FFN_DOWN_BIAS:
        return &report->feed_forward;
    case TENSOR_HEAD_WEIGHT:
    case TENSOR_HEAD_BIAS:
        return &report->head;
    default:
        return &report->norms;
    }
}

static void report_counts(const canto_config *config, canto_report *report) {
    for (int role = 0; role < TENSOR_ROLES; role++) {
        uint64_t parameters = role_parameters(config, (tensor_role)role);
        *part_of(report, (tensor_role)role) += parameters;
        report->total += parameters;
    }
    report->without_token_embedding = report->total - report->token_embedding;
    report->without_embeddings = report->without_token_embedding - report->position_embedding;
}

/* As the trainer's own arithmetic has it, with a T that may be shorter than what a trainer takes. */
static canto_status report_memory(const canto_config *config, int32_t B, int32_t T, canto_report *report) {
    canto_train_options options = {.batch = B, .accumulate = 1, .split = 1, .log_every = 1};
    needs_of            of = {config, &options, NULL, 0, 1};
    needs               n;
    canto_status        status = needs_measure(&of, &n);
    if (status.code != CANTO_OK) return status;
    lanes_plan plan = lanes_plan_of(config, n.parameters, B, T);
    report->weights_bytes = n.weights;
    report->gradients_bytes = n.weights * (uint64_t)plan.count;
    report->moments_bytes = n.moments;
    report->activations_bytes = lanes_measure(config, 0, plan, B, T, true, machine_cores()).activations;
    report->training_bytes = n.weights + report->gradients_bytes + n.moments + report->activations_bytes;
    return status;
}

/* Positions that a position sees, on average over T of them: (T + 1) / 2, or less through a window W. */
static double mean_visible(double T, double W) {
    if (W <= 0 || W >= T) return (T + 1) / 2;
    return (W * (W + 1) / 2 + (T - W) * W) / T;
}

/* Every parameter of a matrix product is one multiplication and one addition a token; scores and their weighted sum are
 * C of each for every position seen. The embedding is a look-up. The backward pass does twice the forward's work. */
static void report_flops(const canto_config *config, int32_t T, canto_report *report) {
    double C = config->width, V = config->vocab, matrices = C * V, seen = 0;
    double block = role_parameters(config, TENSOR_QKV_WEIGHT) + role_parameters(config, TENSOR_PROJECTION_WEIGHT);
    matrices += block + role_parameters(config, TENSOR_FFN_UP_WEIGHT);
    matrices += (double)role_parameters(config, TENSOR_FFN_DOWN_WEIGHT);
    size_t letters = strlen(config->pattern);
    for (int32_t l = 0; config->attention && l < config->layers; l++) {
        bool local = letters > 0 && config->pattern[(size_t)l % letters] == 'l';
        seen += mean_visible(T, local ? config->window : 0);
    }
    report->forward_flops_per_token = 2 * matrices + 4 * C * seen;
    report->training_flops_per_token = 3 * report->forward_flops_per_token;
}

canto_status canto_config_report(const canto_config *config, int32_t batch, int32_t context, canto_report *report) {
    canto_status status;
    canto_report found;
    int32_t      T = context == 0 ? config->context : context;
    TRY(canto_config_check(config));
    if (batch < 1) FAIL(CANTO_ERROR_VALUE, "The batch is %d, but must hold at least one sequence.", batch);
    if (T < 1 || T > config->context)
        FAIL(CANTO_ERROR_VALUE, "The context is %d, but this model reads from 1 to %d tokens.", T, config->context);
    memset(&found, 0, sizeof found);
    report_counts(config, &found);
    TRY(report_memory(config, batch, T, &found));
    report_flops(config, T, &found);
    found.modules = (size_t)layout_count(config, LAYOUT_SOURCE);
    *report = found;
done:
    return status;
}

canto_status canto_config_module(const canto_config *config, size_t index, canto_module *module) {
    canto_status status;
    layout_item  item;
    TRY(canto_config_check(config));
    if (!layout_item_at(config, LAYOUT_SOURCE, index, &item))
        FAIL(CANTO_ERROR_VALUE, "There is no module number %zu: the model has %zu, counted from 0.", index,
             (size_t)layout_count(config, LAYOUT_SOURCE));
    memset(module, 0, sizeof *module);
    snprintf(module->name, sizeof module->name, "%s", item.name);
    module->rows = item.transposed ? item.columns : item.rows;
    module->columns = item.vector ? 0 : item.transposed ? item.rows : item.columns;
    module->parameters = (uint64_t)item.rows * (uint64_t)item.columns;
done:
    return status;
}
