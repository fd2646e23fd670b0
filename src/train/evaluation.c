/* evaluation.c - how well a model predicts a whole text.
 *
 * A prediction is numbered by the token that it is made at: number p foretells token p + 1. A window has the predictions
 * [at, at + T), the next one begins a stride further; of each those count that no window before has. With stride T a window's last
 * token is the next one's first. Invariant: the loss is a sum of double-precision sums in the windows' order; how many
 * windows go through the model at once changes no row. */
#include "base/machine.h"
#include "base/progress.h"
#include "store/model.h"
#include "train/lanes.h"

#include <math.h>
#include <string.h>

#define ROWS_AT_ONCE 4096 /* positions of one pass, about */
#define MOST_AT_ONCE 8    /* windows of one pass */

typedef struct evaluator {
    canto_context    *context;
    const canto_data *data;
    lanes             lanes;
    int32_t           B, T, stride;
    uint64_t          counted; /* predictions whose losses are in sum */
    double            sum;
    uint32_t         *window, *ids, *targets; /* [T + 1], [B T], [B T] */
    float            *losses;                 /* [B T] */
} evaluator;

static void evaluator_close(evaluator *e) {
    lanes_close(&e->lanes);
    context_release(e->context, e->window);
    context_release(e->context, e->ids);
    context_release(e->context, e->targets);
    context_release(e->context, e->losses);
}

/* The number of windows is not lowered for want of memory: the order of the sum, and so its last digits, hang on it. */
static canto_status check_memory(const evaluator *e, const canto_model *model, lanes_plan plan) {
    lanes_bytes bytes = lanes_measure(&model->config, 0, plan, e->B, e->T, false, e->context->threads);
    uint64_t    need = bytes.activations + bytes.scratch + bytes.panels, available = machine_available_memory();
    if (available == 0 || need <= available) return status_ok();
    return status_error(CANTO_ERROR_MEMORY,
                        "Evaluating this model needs %.2f MB of memory for %d windows of %d tokens, and %.2f MB are "
                        "available. End other programs, or use a smaller model.",
                        (double)need / 0x1p20, e->B, e->T, (double)available / 0x1p20);
}

static canto_status evaluator_open(canto_context *context, const canto_model *model, const canto_data *data,
                                   evaluator *e) {
    canto_status   status;
    const kernels *k = kernels_choose(context->cpu);
    memset(e, 0, sizeof *e);
    e->context = context;
    e->data = data;
    e->T = model->config.context;
    if ((uint64_t)e->T > canto_data_count(data) - 1) e->T = (int32_t)(canto_data_count(data) - 1);
    e->B = ROWS_AT_ONCE / e->T;
    if (e->B > MOST_AT_ONCE) e->B = MOST_AT_ONCE;
    if (e->B < 1) e->B = 1;
    if (!k) FAIL(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", context->cpu);
    lanes_plan plan = lanes_plan_of(&model->config, model->table.parameters, e->B, e->T);
    plan.rank = model->table.tuning.rank;
    TRY(check_memory(e, model, plan));
    TRY(lanes_open(context, k, &model->weights, NULL, NULL, plan, e->B, e->T, &e->lanes));
    size_t rows = (size_t)e->B * (size_t)e->T;
    e->window = context_allocate_zeroed(context, (size_t)e->T + 1, sizeof *e->window);
    e->ids = context_allocate_zeroed(context, rows, sizeof *e->ids);
    e->targets = context_allocate_zeroed(context, rows, sizeof *e->targets);
    e->losses = context_allocate_zeroed(context, rows, sizeof *e->losses);
    if (!e->window || !e->ids || !e->targets || !e->losses) TRY(context_no_memory(4 * rows * 4, "evaluation batches"));
done: /* what is there on failure, evaluator_close releases */
    return status;
}

/* Adds the losses of `windows` windows of T predictions, the first at `at`, to the sum: those that do not count yet. */
static void run_windows(evaluator *e, uint64_t at, int32_t windows, int32_t T) {
    for (int32_t b = 0; b < windows; b++) {
        size_t row = (size_t)b * (size_t)T;
        canto_data_read(e->data, at + (uint64_t)b * (uint64_t)e->stride, (uint64_t)T + 1, e->window);
        memcpy(e->ids + row, e->window, (size_t)T * sizeof *e->ids);
        memcpy(e->targets + row, e->window + 1, (size_t)T * sizeof *e->targets);
    }
    lanes_evaluate(&e->lanes, e->ids, e->targets, windows, T, e->losses);
    for (int32_t b = 0; b < windows; b++) {
        uint64_t begin = at + (uint64_t)b * (uint64_t)e->stride, old = e->counted - begin;
        e->sum += losses_sum(e->losses + (size_t)b * (size_t)T + old, (size_t)((uint64_t)T - old));
        e->counted = begin + (uint64_t)T;
    }
}

static canto_status check_data(const canto_model *model, const canto_data *data) {
    if (canto_data_count(data) < 2)
        return status_error(CANTO_ERROR_VALUE, "The text has %llu tokens; at least two are needed to predict one.",
                            (unsigned long long)canto_data_count(data));
    if (canto_data_least_vocabulary(data) <= model->config.vocab) return status_ok();
    return status_error(CANTO_ERROR_VALUE,
                        "The text holds the token %d, but the model's vocabulary is %d: encode it with the model's own "
                        "tokenizer.",
                        canto_data_least_vocabulary(data) - 1, model->config.vocab);
}

canto_status canto_evaluate(canto_context *context, const canto_model *model, const canto_data *data,
                            const canto_evaluate_options *options, canto_evaluation *evaluation) {
    canto_status status;
    evaluator    e;
    int32_t      T = model->config.context, stride = options && options->stride ? options->stride : T;
    memset(&e, 0, sizeof e);
    e.context = context;
    TRY(check_data(model, data));
    if (stride < 1 || stride > T)
        FAIL(CANTO_ERROR_VALUE, "The stride is %d, but must be from 1 to the model's context of %d.", stride, T);
    TRY(evaluator_open(context, model, data, &e));
    uint64_t predictions = canto_data_count(data) - 1, at = 0, bytes = canto_data_source_bytes(data);
    e.stride = stride < e.T ? stride : e.T;
    progress p = progress_begin(context, predictions, 1, "evaluating");
    while (predictions - at >= (uint64_t)e.T && e.counted < predictions) {
        if (progress_due(&p, e.counted)) TRY(progress_tell(&p, e.counted));
        uint64_t whole = (predictions - at - (uint64_t)e.T) / (uint64_t)e.stride + 1;
        int32_t  windows = whole < (uint64_t)e.B ? (int32_t)whole : e.B;
        run_windows(&e, at, windows, e.T);
        at += (uint64_t)windows * (uint64_t)e.stride;
    }
    if (e.counted < predictions) run_windows(&e, at, 1, (int32_t)(predictions - at));
    if (!isfinite(e.sum)) TRY(model_not_finite(context, model));
    evaluation->tokens = predictions;
    evaluation->loss = e.sum / (double)predictions;
    evaluation->perplexity = exp(evaluation->loss);
    evaluation->bits_per_byte = bytes ? e.sum / log(2) / (double)bytes : 0;
done:
    evaluator_close(&e);
    return status;
}
