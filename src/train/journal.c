/* journal.c - metrics.csv and run.json of a run folder.
 *
 * Invariant: metrics.csv grows by whole rows only. Losses are printed with nine digits, which a float survives. */
#include "train/journal.h"

#include "base/file.h"
#include "base/json.h"
#include "base/machine.h"
#include "store/config_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX 512

/* ------------------------------------------------------------------------------------------------- metrics.csv */

canto_status journal_open(journal *j, const char *folder) {
    static const char header[] =
        "step,epoch,tokens,train_loss,eval_train_loss,val_loss,lr,grad_norm,tokens_per_second,seconds\n";
    canto_status status;
    j->bytes = 0;
    j->flushed = clock_seconds();
    TRY(path_join(j->path, folder, "metrics.csv"));
    TRY(file_write_whole(j->path, header, sizeof header - 1));
    j->open = true;
done:
    return status;
}

canto_status journal_flush(journal *j) {
    canto_status status = status_ok();
    if (!j->open || j->bytes == 0) goto done;
    TRY(file_append(j->path, j->rows, j->bytes));
    j->bytes = 0;
    j->flushed = clock_seconds();
done:
    return status;
}

static void put_number(char *row, size_t *at, const char *form, double number) {
    row[(*at)++] = ',';
    if (isnan(number)) return;
    char digits[64];
    int  n = snprintf(digits, sizeof digits, form, number);
    memcpy(row + *at, digits, (size_t)n);
    *at += (size_t)n;
}

canto_status journal_write(journal *j, const journal_row *row) {
    if (!j->open) return status_ok();
    char  *text = j->rows + j->bytes;
    size_t at = (size_t)snprintf(text, ROW_MAX, "%lld,%lld,%llu", (long long)row->step, (long long)row->epoch,
                                 (unsigned long long)row->tokens);
    put_number(text, &at, "%.9g", row->train_loss);
    put_number(text, &at, "%.9g", row->eval_train_loss);
    put_number(text, &at, "%.9g", row->val_loss);
    put_number(text, &at, "%.9g", row->lr);
    put_number(text, &at, "%.9g", row->grad_norm);
    put_number(text, &at, "%.1f", row->tokens_per_second);
    put_number(text, &at, "%.3f", row->seconds);
    text[at++] = '\n';
    j->bytes += at;
    if (j->bytes + ROW_MAX > sizeof j->rows || clock_seconds() - j->flushed >= 1) return journal_flush(j);
    return status_ok();
}

/* --------------------------------------------------------------------------------------------------- run.json */

static json_t *training_json(const canto_train_options *t) {
    static const char *const inits[] = {"torch", "gpt2"}, *const optimizers[] = {"adamw", "adam"},
                             *const schedules[] = {"constant", "cosine", "linear"};
    json_t                         *o = json_object();
    if (!o) return NULL;
    json_object_set_new(o, "seed", json_new_u64(t->seed));
    json_object_set_new(o, "parity_torch", json_boolean(t->parity_torch));
    json_object_set_new(o, "init", json_string(inits[t->init]));
    json_object_set_new(o, "steps", json_integer(t->steps));
    json_object_set_new(o, "epochs", json_integer(t->epochs));
    json_object_set_new(o, "batch", json_integer(t->batch));
    json_object_set_new(o, "eval_batch", json_integer(t->eval_batch));
    json_object_set_new(o, "accumulate", json_integer(t->accumulate));
    json_object_set_new(o, "optimizer", json_string(optimizers[t->optimizer]));
    json_object_set_new(o, "lr", json_real(t->lr));
    json_object_set_new(o, "min_lr", json_real(t->min_lr));
    json_object_set_new(o, "schedule", json_string(schedules[t->schedule]));
    json_object_set_new(o, "warmup", json_integer(t->warmup));
    json_object_set_new(o, "beta1", json_real(t->beta1));
    json_object_set_new(o, "beta2", json_real(t->beta2));
    json_object_set_new(o, "eps", json_real(t->eps));
    json_object_set_new(o, "weight_decay", json_real(t->weight_decay));
    json_object_set_new(o, "decay_matrices_only", json_boolean(t->decay_matrices_only));
    json_object_set_new(o, "clip", json_real(t->clip));
    json_object_set_new(o, "split", json_real(t->split));
    json_object_set_new(o, "eval_every", json_integer(t->eval_every));
    json_object_set_new(o, "eval_batches", json_integer(t->eval_batches));
    json_object_set_new(o, "save_every", json_integer(t->save_every));
    json_object_set_new(o, "log_every", json_integer(t->log_every));
    json_object_set_new(o, "keep", json_integer(t->keep));
    json_object_set_new(o, "max_seconds", json_real(t->max_seconds));
    return o;
}

static json_t *data_json(const canto_data *data) {
    json_t *o = json_object();
    if (!o) return NULL;
    json_object_set_new(o, "tokens", json_integer((json_int_t)canto_data_count(data)));
    json_object_set_new(o, "vocabulary", json_integer(canto_data_vocabulary(data)));
    json_object_set_new(o, "source_bytes", json_integer((json_int_t)canto_data_source_bytes(data)));
    json_object_set_new(o, "source_hash", json_new_u64(canto_data_source_hash(data)));
    json_object_set_new(o, "tokenizer_hash", json_new_u64(canto_data_tokenizer_hash(data)));
    return o;
}

canto_status journal_describe(canto_context *context, const char *folder, const char *record,
                              const canto_config *config, const canto_train_options *training, const canto_data *data,
                              const char *cpu) {
    canto_status status;
    char         path[4096];
    json_t      *command = NULL, *run = json_object();
    if (!run) FAIL(CANTO_ERROR_MEMORY, "There is no memory for run.json.");
    if (record) TRY(json_parse(record, strlen(record), "the run's record", &command));
    json_object_set_new(run, "version", json_string(canto_version()));
    if (command) json_object_set(run, "command", command);
    json_object_set_new(run, "config", config_to_json(config));
    json_object_set_new(run, "training", training_json(training));
    json_object_set_new(run, "data", data_json(data));
    json_object_set_new(run, "cpu", json_string(cpu));
    json_object_set_new(run, "threads", json_integer(canto_context_threads(context)));
    TRY(path_join(path, folder, "run.json"));
    TRY(json_write_file(path, run));
done:
    json_decref(command);
    json_decref(run);
    return status;
}
