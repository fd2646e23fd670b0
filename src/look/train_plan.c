/* train_plan.c - what a run of training would need, and whether this machine has it.
 *
 * What the process holds already is measured, what the trainer adds is counted by its own arithmetic (train/needs.c). */
#include "base/machine.h"
#include "infer/session.h"
#include "train/checkpoint.h"
#include "train/needs.h"

#include <string.h>

/* Memory that a run touches beside what it allocates: the program's code and tables, and each thread's stack. */
enum { CODE_TOUCHED = 576 << 10, STACK_TOUCHED = 32 << 10 };

static uint64_t peak_of(const needs *n, uint64_t present, int threads) {
    uint64_t before = machine_peak_memory();
    uint64_t during = present + n->total + CODE_TOUCHED + (uint64_t)threads * STACK_TOUCHED;
    return during > before ? during : before;
}

canto_status canto_train_plan(canto_context *context, const canto_config *config, const canto_train_options *options,
                              const canto_tokenizer *tokenizer, const canto_data *data, canto_plan *plan) {
    canto_status status;
    needs        n;
    int          threads = pool_threads(context->pool);
    needs_of     of = {config, options, tokenizer, data ? canto_data_count(data) : 0, threads};
    memset(plan, 0, sizeof *plan);
    TRY(canto_config_check(config));
    TRY(canto_train_options_check(options));
    TRY(needs_measure(&of, &n));
    plan->parameters = n.parameters;
    plan->trained = n.trained;
    plan->weights_bytes = n.weights;
    plan->gradients_bytes = n.gradients;
    plan->moments_bytes = n.moments;
    plan->activations_bytes = n.activations;
    plan->other_bytes = n.other;
    plan->present_bytes = machine_resident_memory();
    plan->peak_bytes = peak_of(&n, plan->present_bytes, threads);
    plan->session_bytes = session_bytes(config, options->lora_rank, threads);
    plan->available_bytes = machine_available_memory();
    plan->checkpoint_bytes = n.checkpoint;
    plan->disk_bytes = needs_disk(&of);
    plan->updates = needs_updates(&of);
    plan->evaluations = needs_evaluations(&of);
    plan->tokens = (double)plan->updates * options->batch * options->accumulate * config->context;
    plan->fits = plan->available_bytes == 0 || n.total <= plan->available_bytes;
    if (!plan->fits) needs_advice(&of, plan->available_bytes, plan->advice);
done:
    return status;
}
