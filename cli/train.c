/* train.c - canto train: texts -> tokenizer -> tokens -> model -> a run folder, with progress on the way. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model_options.h"
#include "train_options.h"
#include "writing.h"

/* One training as the event callback sees it. */
typedef struct training {
    canto_context         *context;
    const canto_tokenizer *tokenizer;
    const char            *folder, *prompt;
    int64_t                sample_every;
    uint64_t               seed;
    bool                   json, interrupted;
    double                 val_loss, loss; /* the latest */
    char                   last[4096];     /* the latest checkpoint */
    int64_t                step;
} training;

/* A run is never written over another one. */
static bool folder_is_free(const char *folder) {
    DIR *entries = opendir(folder);
    if (!entries && errno == ENOENT) return true;
    if (!entries) {
        terminal_error("-o %s: %s", folder, strerror(errno));
        return false;
    }
    bool           is_free = true;
    struct dirent *entry;
    while ((entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) is_free = false;
    closedir(entries);
    if (!is_free)
        terminal_error("-o %s: the folder is not empty, and a run is never written over; choose another name, or "
                       "remove it first: rm -r %s",
                       folder, folder);
    return is_free;
}

/* ------------------------------------------------------------------------------------------------- events */

static void print_event(const char *name, const canto_event *e) {
    json_t *o = json_object();
    json_object_set_new(o, "event", json_string(name));
    json_object_set_new(o, "step", json_integer(e->step));
    json_object_set_new(o, "steps", json_integer(e->steps));
    json_object_set_new(o, "epoch", json_integer(e->epoch));
    if (e->epochs) json_object_set_new(o, "epochs", json_integer(e->epochs));
    json_object_set_new(o, "tokens", json_whole(e->tokens));
    json_object_set_new(o, "train_loss", json_number(e->train_loss));
    json_object_set_new(o, "eval_train_loss", json_number(e->eval_train_loss));
    json_object_set_new(o, "val_loss", json_number(e->val_loss));
    json_object_set_new(o, "lr", json_number(e->lr));
    json_object_set_new(o, "grad_norm", json_number(e->grad_norm));
    json_object_set_new(o, "tokens_per_second", json_number(e->tokens_per_second));
    json_object_set_new(o, "seconds", json_number(e->seconds));
    if (e->path) json_object_set_new(o, "path", json_text(e->path, strlen(e->path)));
    json_print(o);
}

static void show_progress(const training *run, const canto_event *e, bool important) {
    char val[32] = "", speed[48] = "", left[48] = "";
    if (isfinite(run->val_loss)) snprintf(val, sizeof val, "  val %.4f", run->val_loss);
    if (e->tokens_per_second > 0)
        snprintf(speed, sizeof speed, "  %s tokens/s", number_short(e->tokens_per_second).text);
    if (isfinite(e->seconds_left)) snprintf(left, sizeof left, "  %s left", number_duration(e->seconds_left).text);
    terminal_progress(important, "step %lld/%lld  loss %.4f%s%s%s", (long long)e->step, (long long)e->steps, run->loss,
                      val, speed, left);
}

/* Lets the model write, into samples.txt and to the eye. A failure stops nothing but the sample. */
static void write_sample(training *run, const canto_trainer *trainer, int64_t step) {
    canto_generate_options how = canto_generate_options_default();
    how.seed = run->seed + (uint64_t)step;
    writing        text = {0};
    canto_session *session = NULL;
    char           path[4200];
    if (support_good(canto_session_open(run->context, canto_trainer_model(trainer), &session)) &&
        writing_start(&text, run->context, run->tokenizer, run->prompt, run->prompt ? strlen(run->prompt) : 0) &&
        writing_continue(&text, session, &how, NULL, NULL)) {
        snprintf(path, sizeof path, "%s/samples.txt", run->folder);
        FILE *file = fopen(path, "ab");
        if (!file || fprintf(file, "--- step %lld ---\n%s\n", (long long)step, text.text) < 0)
            terminal_warning("%s: %s", path, strerror(errno));
        if (file && fclose(file)) terminal_warning("%s: %s", path, strerror(errno));
        terminal_clear();
        if (run->json) {
            json_t *o = json_object();
            json_object_set_new(o, "event", json_string("sample"));
            json_object_set_new(o, "step", json_integer(step));
            json_object_set_new(o, "text", json_text(text.text, text.bytes));
            json_print(o);
        } else {
            printf("--- step %lld ---\n%s\n", (long long)step, text.text);
            fflush(stdout);
        }
    }
    writing_end(&text);
    canto_session_close(session);
}

static bool on_event(void *user, const canto_trainer *trainer, const canto_event *e) {
    static const char *const names[] = {"step", "evaluation", "epoch", "checkpoint", "done"};
    training                *run = user;
    if (isfinite(e->train_loss)) run->loss = e->train_loss;
    if (isfinite(e->val_loss)) run->val_loss = e->val_loss;
    run->step = e->step;
    if (e->path) snprintf(run->last, sizeof run->last, "%s", e->path);
    if (run->json) print_event(names[e->kind], e);
    switch (e->kind) {
    case CANTO_EVENT_STEP:
        show_progress(run, e, false);
        break;
    case CANTO_EVENT_EVALUATION:
        terminal_note("step %lld  train loss %.4f  validation loss %.4f", (long long)e->step, e->eval_train_loss,
                      e->val_loss);
        break;
    case CANTO_EVENT_EPOCH:
        terminal_note("epoch %lld/%lld  average train loss %.4f  average evaluation loss %.4f  time %s",
                      (long long)e->epoch, (long long)e->epochs, e->train_loss, e->val_loss,
                      number_duration(e->seconds).text);
        break;
    case CANTO_EVENT_CHECKPOINT:
    case CANTO_EVENT_DONE:
        break;
    }
    if (e->kind == CANTO_EVENT_STEP && run->sample_every && e->step % run->sample_every == 0 && run->tokenizer)
        write_sample(run, trainer, e->step);
    run->interrupted = support_interrupted();
    return !run->interrupted;
}

/* ------------------------------------------------------------------------------------------------ the run */

/* Trains and says how it ended. */
static int train(training *run, canto_trainer *trainer) {
    support_catch_interrupts();
    canto_status status = canto_trainer_run(trainer, on_event, run);
    if (status.code != CANTO_OK && status.code != CANTO_STOPPED) {
        support_good(status);
        return FAILED;
    }
    terminal_clear();
    if (run->interrupted) {
        fprintf(stderr, "interrupted after step %lld; the model is saved in %s\n", (long long)run->step,
                *run->last ? run->last : run->folder);
        return INTERRUPTED;
    }
    terminal_note("done: %lld steps, the model is in %s; let it write: canto generate %s", (long long)run->step,
                  run->folder, run->folder);
    return DONE;
}

static int run_train(option_set *options) {
    canto_config        config;
    canto_train_options settings;
    const char         *file = options_text(options, "config", NULL);
    if (file && !options_read_config(options, file)) return WRONG_USAGE;
    terminal_set_quiet(options_flag(options, "quiet"));
    const char *folder = options_text(options, "output", NULL);
    if (!options->count) return support_usage("which texts? canto train TEXT... -o RUN");
    if (!folder || !*folder) return support_usage("where to? add -o RUN, the folder to make");
    if (!support_good(canto_preset(options_text(options, "preset", "mini"), &config, &settings)) ||
        !model_options_apply(options, &config) || !train_options_apply(options, &settings) ||
        !support_good(canto_train_options_check(&settings)) || !support_good(canto_config_check(&config)))
        return WRONG_USAGE;
    if (!folder_is_free(folder)) return FAILED;

    int              code = FAILED;
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    canto_data      *data = NULL;
    canto_trainer   *trainer = NULL;
    json_t          *record = options_record(options);
    char            *text = record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    training         run = {.context = context,
                            .folder = folder,
                            .json = options_flag(options, "json"),
                            .val_loss = NAN,
                            .loss = NAN,
                            .seed = settings.seed,
                            .prompt = options_text(options, "sample-prompt", NULL)};
    options_int64(options, "sample-every", &run.sample_every);
    if (!context || !text) goto done;
    if (!train_options_texts(context, options, &config, &tokenizer, &data)) goto done;
    if (!options_given(options, "vocab")) config.vocab = canto_tokenizer_vocabulary(tokenizer);
    run.tokenizer = tokenizer;
    if (!support_good(canto_trainer_open(context, &config, &settings, tokenizer, data, folder, text, &trainer)))
        goto done;
    canto_report report;
    if (canto_config_report(&config, settings.batch, 0, &report).code == CANTO_OK)
        terminal_note("%s: %s parameters, vocabulary %s, %s tokens, %d threads, %s", config.preset,
                      number_grouped(report.total).text, number_grouped((uint64_t)config.vocab).text,
                      number_grouped(canto_data_count(data)).text, canto_context_threads(context),
                      canto_context_cpu(context));
    code = train(&run, trainer);
done:
    canto_trainer_close(trainer);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    json_decref(record);
    free(text);
    return code;
}

static const char *const examples[] = {
    "canto train book.txt -o run --max-time 5",
    "a small model, five minutes at most; Ctrl-C stops and saves too",
    "canto train book.txt other.txt -o run2 --width 192 --heads 6 --dropout 0.1",
    "a wider model on two texts",
    "canto train poem.txt -o run3 --tokenizer word --unknown '<UNK>' --epochs 3",
    "a model of words rather than characters, three passes over the text",
    NULL,
};

const command command_train = {
    .name = "train",
    .operands = "TEXT... -o RUN [OPTIONS]",
    .about = "train a model on texts",
    .details =
        "TEXT are UTF-8 files, or one token file of canto data prepare. RUN gets checkpoints (the links best and last "
        "point at two of them), metrics.csv, run.json and samples.txt.\n"
        "Settings that are not given are those of the preset. In brackets stand those of mini, the default preset.\n",
    .groups = train_groups,
    .run = run_train,
    .section = "Models",
    .examples = examples,
};
