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
    json_build                      b = json_build_object();
    json_build_u64(&b, "seed", t->seed);
    json_build_bool(&b, "parity_torch", t->parity_torch);
    json_build_text(&b, "init", inits[t->init]);
    json_build_integer(&b, "steps", t->steps);
    json_build_integer(&b, "epochs", t->epochs);
    json_build_integer(&b, "batch", t->batch);
    json_build_integer(&b, "eval_batch", t->eval_batch);
    json_build_integer(&b, "accumulate", t->accumulate);
    json_build_text(&b, "optimizer", optimizers[t->optimizer]);
    json_build_real(&b, "lr", t->lr);
    json_build_real(&b, "min_lr", t->min_lr);
    json_build_text(&b, "schedule", schedules[t->schedule]);
    json_build_integer(&b, "warmup", t->warmup);
    json_build_real(&b, "beta1", t->beta1);
    json_build_real(&b, "beta2", t->beta2);
    json_build_real(&b, "eps", t->eps);
    json_build_real(&b, "weight_decay", t->weight_decay);
    json_build_bool(&b, "decay_matrices_only", t->decay_matrices_only);
    json_build_real(&b, "clip", t->clip);
    json_build_real(&b, "split", t->split);
    json_build_integer(&b, "eval_every", t->eval_every);
    json_build_integer(&b, "eval_batches", t->eval_batches);
    json_build_integer(&b, "save_every", t->save_every);
    json_build_integer(&b, "log_every", t->log_every);
    json_build_integer(&b, "keep", t->keep);
    json_build_real(&b, "max_seconds", t->max_seconds);
    return json_build_end(&b);
}

static json_t *data_json(const canto_data *data) {
    json_build b = json_build_object();
    json_build_integer(&b, "tokens", (int64_t)canto_data_count(data));
    json_build_integer(&b, "vocabulary", canto_data_vocabulary(data));
    json_build_integer(&b, "source_bytes", (int64_t)canto_data_source_bytes(data));
    json_build_u64(&b, "source_hash", canto_data_source_hash(data));
    json_build_u64(&b, "tokenizer_hash", canto_data_tokenizer_hash(data));
    return json_build_end(&b);
}

canto_status journal_describe(canto_context *context, const char *folder, const char *record,
                              const canto_config *config, const canto_train_options *training, const canto_data *data,
                              const char *cpu) {
    canto_status status;
    char         path[4096];
    json_t      *command = NULL, *run = NULL;
    json_build   b;
    if (record) TRY(json_parse(context, record, strlen(record), "the run's record", &command));
    b = json_build_object();
    json_build_text(&b, "version", canto_version());
    if (command) json_build_set(&b, "command", json_incref(command));
    json_build_set(&b, "config", config_to_json(config));
    json_build_set(&b, "training", training_json(training));
    json_build_set(&b, "data", data_json(data));
    json_build_text(&b, "cpu", cpu);
    json_build_integer(&b, "threads", canto_context_threads(context));
    run = json_build_end(&b);
    if (!run) FAIL(CANTO_ERROR_MEMORY, "There is no memory for run.json.");
    TRY(path_join(path, folder, "run.json"));
    TRY(json_write_file(path, run));
done:
    json_decref(command);
    json_decref(run);
    return status;
}
