/* trainer_open.c - a run is checked, weighed against the machine's memory and disk, allocated, and given its first weights.
 *
 * Invariant: all memory of a run is taken here; nothing is created on disk before everything else has succeeded, and a
 * folder that holds a run already is refused. run.json comes first: from then on there is a run to go on with. */
#include "base/file.h"
#include "base/machine.h"
#include "model/init.h"
#include "model/tuning.h"
#include "train/checkpoint.h"
#include "train/needs.h"
#include "train/run_folder.h"
#include "train/run_record.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *model_name(const canto_model *model) { return model->origin ? model->origin : "(in memory)"; }

int32_t trainer_eval_batch(const canto_trainer *t) {
    return t->options.eval_batch > 0 ? t->options.eval_batch : t->options.batch;
}

static int32_t most_batch(const canto_trainer *t) {
    int32_t B = t->options.batch, eval = trainer_eval_batch(t);
    return B > eval ? B : eval;
}

/* ------------------------------------------------------------------------------------------------------- checks */

/* The tokenizer may have more tokens than the model, or fewer: what counts is what stands in the data. */
static canto_status check_vocabulary(const canto_trainer *t) {
    int32_t needed = canto_data_least_vocabulary(t->data);
    if (needed <= t->config.vocab) return status_ok();
    return status_error(CANTO_ERROR_VALUE,
                        "The model's vocabulary is %d, but the data holds the token %d: set vocab to at least %d.",
                        t->config.vocab, needed - 1, needed);
}

/* A token means to the model what its own tokenizer meant by it. */
static canto_status check_tokenizer(const canto_trainer *t, const canto_model *from, const canto_tokenizer *tokenizer) {
    canto_status status = status_ok();
    if (!from->tokenizer) goto done;
    uint64_t own = canto_tokenizer_hash(from->tokenizer), data = canto_data_tokenizer_hash(t->data);
    if (tokenizer && canto_tokenizer_hash(tokenizer) != own)
        FAIL(CANTO_ERROR_VALUE,
             "The tokenizer (hash %016" PRIx64
             ") is not the one that the model '%.200s' was trained with (hash %016" PRIx64
             "), to which each token means something else. Use the model's own.",
             canto_tokenizer_hash(tokenizer), model_name(from), own);
    if (data != 0 && data != own)
        FAIL(CANTO_ERROR_VALUE,
             "The tokens were made with another tokenizer (hash %016" PRIx64
             ") than the model '%.200s' was trained with "
             "(hash %016" PRIx64 "). Prepare the text again with the model's own.",
             data, model_name(from), own);
done:
    return status;
}

/* Adapters are kept without the model: they are nothing without one, and know it as it is. */
static canto_status check_base(const canto_trainer *t, const canto_model *from) {
    if (!from)
        return status_error(CANTO_ERROR_VALUE,
                            "Adapters (rank %d) stand beside a model that is there: say which one to begin from.",
                            t->options.lora_rank);
    if (t->config.context == from->config.context) return status_ok();
    return status_error(CANTO_ERROR_VALUE,
                        "context is %d, but adapters stand beside a model with %d, which keeps its positions: leave it "
                        "as it is.",
                        t->config.context, from->config.context);
}

static canto_status check_memory(const canto_trainer *t, const canto_tokenizer *tokenizer) {
    needs_of of = {&t->config, &t->options, tokenizer, canto_data_count(t->data), pool_threads(t->context->pool)};
    return needs_check(&of, machine_available_memory());
}

/* --------------------------------------------------------------------------------------------------- allocation */

static canto_status open_blocks(canto_trainer *t, const canto_tokenizer *tokenizer) {
    canto_status             status;
    static const char *const what[4] = {"weights", "gradients", "first moments", "second moments"};
    float                  **blocks[4] = {&t->weights, &t->gradients, &t->m, &t->v};
    tensor_table             table;
    tuning                   tuned;
    TRY(tuning_read(&t->config, &t->options, &tuned));
    tensor_table_measure_tuned(&t->config, &tuned, &table);
    for (int i = 0; i < 4; i++) {
        void  *block;
        size_t elements = i == 0 ? table.elements : table.gradients;
        TRY(context_block(t->context, elements * sizeof(float), what[i], &t->bases[i], &block));
        *blocks[i] = block;
    }
    TRY(model_borrow_tuned(t->context, &t->config, &tuned, t->weights, tokenizer, &t->model));
    t->table = &t->model->table;
done:
    return status;
}

static bool any_dropout(const canto_config *c) {
    return c->dropout_embedding > 0 || c->dropout_attention > 0 || c->dropout_residual > 0 || c->dropout_ffn > 0 ||
           c->dropout_block > 0;
}

static canto_status open_batches(canto_trainer *t) {
    canto_status status = status_ok();
    size_t       rows = (size_t)most_batch(t) * (size_t)t->config.context;
    size_t       bits = gpt_dropout_bytes(&t->config, t->options.batch, t->config.context);
    t->x = context_allocate_zeroed(t->context, rows, sizeof *t->x);
    t->y = context_allocate_zeroed(t->context, rows, sizeof *t->y);
    t->losses = context_allocate_zeroed(t->context, rows, sizeof *t->losses);
    if (!t->x || !t->y || !t->losses) TRY(context_no_memory(rows * 12, "a batch"));
    t->dropout = any_dropout(&t->config);
    if (!t->dropout || !t->options.parity_torch) goto done;
    t->bits = context_allocate_zeroed(t->context, bits, 1);
    if (!t->bits) TRY(context_no_memory(bits, "dropout masks"));
done:
    return status;
}

static canto_status open_loaders(canto_trainer *t) {
    canto_status               status = status_ok();
    const canto_train_options *o = &t->options;
    int32_t                    T = t->config.context;
    if (o->steps == 0 && o->epochs == 0) goto done; /* an untrained model needs no batch */
    TRY(data_split_make(t->data, o->split, T, &t->train, &t->validation));
    TRY(loader_open(t->context, t->data, t->train, T, o->batch, o->seed, &t->batches));
    if (o->parity_torch) {
        TRY(loader_open(t->context, t->data, t->train, T, trainer_eval_batch(t), o->seed, &t->eval_batches[0]));
        if (t->validation.count > (uint64_t)T)
            TRY(loader_open(t->context, t->data, t->validation, T, trainer_eval_batch(t), o->seed,
                            &t->eval_batches[1]));
    }
    t->updates = o->steps;
    if (o->epochs > 0) {
        int64_t batches = (int64_t)loader_epoch_batches(&t->batches);
        t->updates = o->epochs * ((batches + o->accumulate - 1) / o->accumulate);
    }
done:
    return status;
}

/* ----------------------------------------------------------------------------------------------------- the disk */

/* How many checkpoints the run will still write, whatever ends it early. */
static uint64_t checkpoints_to_come(const canto_trainer *t) {
    const canto_train_options *o = &t->options;
    int64_t  every = o->save_every > 0 ? o->save_every : o->eval_every, left = t->updates - t->state.step;
    uint64_t epochs = o->save_every > 0 ? 0 : (uint64_t)(o->epochs - t->state.epoch);
    return (every > 0 ? (uint64_t)(left / every) : 0) + (o->epochs > 0 ? epochs : 0) + 1;
}

canto_status trainer_check_disk(const canto_trainer *t, const char *folder) {
    canto_status status = status_ok();
    uint64_t     count = checkpoints_to_come(t), few = 3; /* best, last, and the one being written */
    int64_t      there = 0;
    bool         keeps_all = t->options.keep == 0;
    if (!keeps_all) few += (uint64_t)t->options.keep;
    if ((!keeps_all || t->options.max_seconds > 0) && count > few) count = few;
    if (t->state.step > 0 && !keeps_all) TRY(checkpoint_count(folder, &there));
    if (there > 0 && count + (uint64_t)there > few)
        count = few > (uint64_t)there ? few - (uint64_t)there : 1; /* old ones go as new ones come */
    TRY(run_folder_check_disk(folder, checkpoint_bytes(t->table), count, keeps_all));
done:
    return status;
}

/* ---------------------------------------------------------------------------------------------------- the folder */

static canto_status open_folder(canto_trainer *t, const char *folder, const char *record) {
    canto_status status = status_ok();
    char         path[4096];
    if (!folder) goto done;
    TRY(path_join(path, folder, "run.json"));
    TRY(trainer_check_disk(t, folder));
    TRY(folder_create(folder));
    TRY(run_folder_lock(folder, &t->lock));
    if (file_exists(path))
        FAIL(CANTO_ERROR_FILE,
             "The folder '%.300s' holds a run already (it has a run.json). Go on with it, choose another folder, or "
             "remove that one.",
             folder);
    TRY(run_folder_clean(folder));
    TRY(run_record_write(t->context, folder, record, &t->config, &t->options, &t->from, t->data, t->kernels->name));
    TRY(journal_open(&t->journal, folder));
    memcpy(t->folder, folder, strlen(folder) + 1); /* path_join has checked the length */
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ open and close */

/* A model that came from nowhere is recorded too: its hash tells it. */
static canto_status set_origin(canto_trainer *t, const canto_model *from) {
    snprintf(t->from.path, sizeof t->from.path, "%s", model_name(from));
    return model_weights_hash(from, &t->from.weights_hash);
}

/* Where a run begins. */
static void set_first_weights(canto_trainer *t, const canto_model *from) {
    torch_seed(&t->state.torch, t->options.seed);
    if (from) {
        model_copy_weights(from, t->table, t->weights);
        adapters_initialize(t->table, &t->state.torch, t->weights);
    } else model_initialize(t->table, t->options.init, &t->state.torch, t->weights);
}

static canto_status prepare(canto_trainer *t, const canto_model *from, const canto_tokenizer *tokenizer) {
    canto_status status;
    TRY(canto_config_check(&t->config));
    TRY(canto_train_options_check(&t->options));
    if (from) TRY(canto_config_check_from(&t->config, &from->config));
    if (from) TRY(check_tokenizer(t, from, tokenizer));
    if (t->options.lora_rank > 0) TRY(check_base(t, from));
    TRY(check_vocabulary(t));
    TRY(check_memory(t, tokenizer));
    t->kernels = kernels_choose(t->context->cpu);
    if (!t->kernels)
        FAIL(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", t->context->cpu);
    TRY(open_loaders(t));
    TRY(open_blocks(t, tokenizer));
    TRY(open_batches(t));
    lanes_plan plan = lanes_plan_of(&t->config, t->table->parameters, t->options.batch, t->config.context);
    plan.recompute = t->options.recompute;
    plan.rank = t->table->tuning.rank;
    TRY(lanes_open(t->context, t->kernels, &t->model->weights, t->table, t->gradients, plan, most_batch(t),
                   t->config.context, &t->lanes));
    set_first_weights(t, from);
done:
    return status;
}

canto_status trainer_new(canto_context *context, const canto_model *from, const canto_config *config,
                         const canto_train_options *options, const canto_tokenizer *tokenizer, const canto_data *data,
                         canto_trainer **trainer) {
    canto_trainer *t = context_allocate_zeroed(context, 1, sizeof *t);
    *trainer = NULL;
    if (!t) return context_no_memory(sizeof *t, "a trainer");
    t->context = context;
    t->config = *config;
    t->options = *options;
    t->data = data;
    t->lock = -1;
    t->saved_step = -1;
    run_state_begin(&t->state);
    canto_status status = prepare(t, from, tokenizer);
    if (status.code == CANTO_OK) *trainer = t;
    else canto_trainer_close(t);
    return status;
}

canto_status canto_trainer_open_from(canto_context *context, const canto_model *from, const canto_config *config,
                                     const canto_train_options *options, const canto_tokenizer *tokenizer,
                                     const canto_data *data, const char *folder, const char *record,
                                     canto_trainer **trainer) {
    canto_trainer *t;
    *trainer = NULL;
    canto_status status = trainer_new(context, from, config, options, tokenizer, data, &t);
    if (status.code == CANTO_OK && from) status = set_origin(t, from);
    if (status.code == CANTO_OK) status = open_folder(t, folder, record);
    if (status.code == CANTO_OK && t->updates > 0)
        guard_look_at_data(context, t->table->parameters, t->train, t->validation, t->config.context);
    if (status.code == CANTO_OK) *trainer = t;
    else canto_trainer_close(t);
    return status;
}

canto_status canto_trainer_open(canto_context *context, const canto_config *config, const canto_train_options *options,
                                const canto_tokenizer *tokenizer, const canto_data *data, const char *folder,
                                const char *record, canto_trainer **trainer) {
    return canto_trainer_open_from(context, NULL, config, options, tokenizer, data, folder, record, trainer);
}

void canto_trainer_close(canto_trainer *trainer) {
    if (!trainer) return;
    canto_context *context = trainer->context;
    lanes_close(&trainer->lanes);
    canto_model_close(trainer->model);
    for (int i = 0; i < 4; i++) context_release(context, trainer->bases[i]);
    loader_close(&trainer->batches);
    loader_close(&trainer->eval_batches[0]);
    loader_close(&trainer->eval_batches[1]);
    context_release(context, trainer->x);
    context_release(context, trainer->y);
    context_release(context, trainer->losses);
    context_release(context, trainer->bits);
    file_unlock(&trainer->lock);
    context_release(context, trainer);
}

const canto_model *canto_trainer_model(const canto_trainer *trainer) { return trainer->model; }
