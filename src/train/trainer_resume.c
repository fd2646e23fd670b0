/* trainer_resume.c - a run that was interrupted goes on: run.json says what it is, its newest whole checkpoint where it
 * stands, and the journal is cut back to there.
 *
 * Invariant: every number from here on is the one that the run would have had without the interruption. What is not in a
 * checkpoint follows from run.json, the data and the step. */
#include "base/file.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"
#include "train/run_record.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <string.h>

canto_status canto_run_read(canto_context *context, const char *folder, canto_config *config,
                            canto_train_options *options, char **record) {
    canto_status status;
    run_record   read = {0};
    if (record) *record = NULL;
    TRY(run_record_read(context, folder, &read));
    if (record && read.command) TRY(json_dump(context, read.command, 0, record));
    if (config) *config = read.config;
    if (options) *options = read.training;
done:
    run_record_close(&read);
    return status;
}

/* ------------------------------------------------------------------------------------------------- the checkpoint */

/* The loaded state fits this run. */
static canto_status check_state(const canto_trainer *t, int64_t step) {
    const run_state *s = &t->state;
    if (step > 0 && !s->has_loader) return status_error(CANTO_ERROR_FORMAT, "its trainer.json has no \"loader\"");
    if (t->options.parity_torch && !s->has_torch)
        return status_error(CANTO_ERROR_FORMAT, "its trainer.json has no \"torch\", though the run is in parity mode");
    return status_ok();
}

static canto_status load(canto_trainer *t, const char *folder, int64_t step) {
    canto_status status;
    torch_rng    fresh = t->state.torch;
    TRY(checkpoint_load(t->context, folder, step, t->table, t->weights, t->m, t->v, &t->state));
    TRY(check_state(t, step));
    if (t->state.has_loader && t->batches.data) TRY(loader_restore(&t->batches, &t->state.loader, "trainer.json"));
    if (!t->state.has_torch) t->state.torch = fresh;
    t->saved_step = step;
done:
    return status;
}

/* A checkpoint that cannot be read is passed over for the one before it, and said to be. When none can be read the run is
 * not begun anew behind its owner's back. */
static canto_status load_newest(canto_trainer *t, const char *folder) {
    canto_status status, first = status_ok();
    int64_t      step = INT64_MAX;
    for (;;) {
        TRY(checkpoint_newest(folder, step, &step));
        if (step < 0) break;
        status = load(t, folder, step);
        if (status.code != CANTO_ERROR_FORMAT && status.code != CANTO_ERROR_FILE) goto done;
        if (first.code == CANTO_OK) first = status;
        context_log(t->context, CANTO_LOG_WARNING,
                    "The checkpoint of step %" PRId64 " is damaged (%.300s); going on from the one before it.", step,
                    status.text);
    }
    if (first.code != CANTO_OK)
        FAIL(first.code,
             "No checkpoint of '%.150s' can be read: %.200s. To begin again from step 0, remove them: rm -r "
             "%.60s/step-*",
             folder, first.text, folder);
done:
    return status;
}

/* --------------------------------------------------------------------------------------------------- the options */

static canto_status check_length(const canto_trainer *t) {
    if (t->state.step > t->updates || (t->options.epochs > 0 && t->state.epoch > t->options.epochs))
        return status_error(CANTO_ERROR_VALUE,
                            "The run has made %lld steps already and cannot end at %lld: give at least as many.",
                            (long long)t->state.step, (long long)t->updates);
    return status_ok();
}

/* What is not refused, but not without influence either. */
static void warn_of_changes(const canto_trainer *t, const run_record *record) {
    bool longer = record->training.steps != t->options.steps || record->training.epochs != t->options.epochs;
    if (longer && t->state.step > 0 && t->options.schedule != CANTO_SCHEDULE_CONSTANT)
        context_log(
            t->context, CANTO_LOG_WARNING,
            "The learning rate falls over the whole run, which has another length now: the %lld steps already made "
            "had the rates of the old length, so the result is not that of a run that was as long from the start.",
            (long long)t->state.step);
    if (strcmp(record->cpu, t->kernels->name) != 0)
        context_log(
            t->context, CANTO_LOG_WARNING,
            "The run was begun with %s kernels and goes on with %s: the last digits will differ from those of a run "
            "without interruption.",
            record->cpu, t->kernels->name);
    if (strcmp(record->version, canto_version()) != 0)
        context_log(
            t->context, CANTO_LOG_WARNING,
            "The run was begun with canto %s and goes on with %s: the last digits may differ from those of a run "
            "without interruption.",
            record->version, canto_version());
}

/* ------------------------------------------------------------------------------------------------------ going on */

/* From here the folder changes: leftovers go, the journal is cut, links point at what was loaded. */
static canto_status enter_folder(canto_trainer *t, const char *folder, const char *record) {
    canto_status status;
    char         path[4096];
    bool         whole = true;
    TRY(path_join(path, folder, ""));
    TRY(run_folder_clean(folder));
    if (t->saved_step < 0) {
        TRY(journal_open(&t->journal, folder));
    } else {
        TRY(journal_resume(&t->journal, folder, t->state.metrics_bytes, t->state.samples_bytes, &whole));
        TRY(checkpoint_link(folder, "last", t->saved_step));
        if (t->state.best_step >= 0) TRY(checkpoint_link(folder, "best", t->state.best_step));
    }
    if (!whole)
        context_log(t->context, CANTO_LOG_WARNING,
                    "metrics.csv or samples.txt of '%.300s' has lost lines since the checkpoint of step %lld.", folder,
                    (long long)t->saved_step);
    TRY(run_record_write(t->context, folder, record, &t->config, &t->options, &t->from, t->data, t->kernels->name));
    memcpy(t->folder, folder, strlen(folder) + 1);
done:
    return status;
}

/* The model that the run was begun from, when it is at hand or has to be. */
static canto_status check_origin(const run_record *record, const char *folder, const canto_model *from) {
    canto_status status = status_ok();
    uint64_t     hash = 0;
    int64_t      newest;
    if (from && !record->from.path[0])
        FAIL(CANTO_ERROR_VALUE, "'%.200s' was begun with weights of its own, and goes on without another model",
             folder);
    if (from) TRY(model_weights_hash(from, &hash));
    if (from && hash != record->from.weights_hash)
        FAIL(CANTO_ERROR_VALUE,
             "The model has other weights (hash %016" PRIx64
             ") than the one that '%.150s' was begun from: '%.150s' (hash "
             "%016" PRIx64 "). Put the old one back.",
             hash, folder, record->from.path, record->from.weights_hash);
    if (record->from.path[0] && !from && record->training.lora_rank > 0)
        FAIL(CANTO_ERROR_VALUE,
             "'%.150s' has adapters alone: to go on, it needs the model that they stand beside, '%.200s'", folder,
             record->from.path);
    TRY(checkpoint_newest(folder, INT64_MAX, &newest));
    if (record->from.path[0] && !from && newest < 0)
        FAIL(CANTO_ERROR_VALUE,
             "'%.150s' has no checkpoint yet: to go on, it needs the model that it was begun from, '%.200s'", folder,
             record->from.path);
done:
    return status;
}

static canto_status go_on(canto_context *context, const char *folder, const canto_model *from,
                          const canto_train_options *options, const canto_tokenizer *tokenizer, const canto_data *data,
                          const char *own, canto_trainer **trainer, int *lock) {
    canto_status   status;
    run_record     record = {0};
    char          *text = NULL;
    canto_trainer *t = NULL;
    *trainer = NULL;
    TRY(run_record_read(context, folder,
                        &record)); /* before the lock, which would make a file in a folder that is no run */
    run_record_close(&record);
    TRY(run_folder_lock(folder, lock));
    TRY(run_record_read(context, folder, &record));
    TRY(run_record_check_data(&record, folder, data));
    if (!own && record.command) TRY(json_dump(context, record.command, 0, &text));
    TRY(check_origin(&record, folder, from));
    TRY(trainer_new(context, from, &record.config, options ? options : &record.training, tokenizer, data, trainer));
    t = *trainer;
    t->from = record.from;
    TRY(load_newest(t, folder));
    TRY(run_record_check_options(&record, &t->options, t->state.step));
    TRY(check_length(t));
    TRY(trainer_check_disk(t, folder));
    warn_of_changes(t, &record);
    TRY(enter_folder(t, folder, own ? own : text));
done:
    context_release(context, text);
    run_record_close(&record);
    return status;
}

canto_status canto_trainer_resume_from(canto_context *context, const char *folder, const canto_model *from,
                                       const canto_train_options *options, const canto_tokenizer *tokenizer,
                                       const canto_data *data, const char *record, canto_trainer **trainer) {
    int          lock = -1;
    canto_status status = go_on(context, folder, from, options, tokenizer, data, record, trainer, &lock);
    if (status.code == CANTO_OK) {
        (*trainer)->lock = lock;
        return status;
    }
    canto_trainer_close(*trainer);
    *trainer = NULL;
    file_unlock(&lock);
    return status;
}

canto_status canto_trainer_resume(canto_context *context, const char *folder, const canto_train_options *options,
                                  const canto_tokenizer *tokenizer, const canto_data *data, const char *record,
                                  canto_trainer **trainer) {
    return canto_trainer_resume_from(context, folder, NULL, options, tokenizer, data, record, trainer);
}
