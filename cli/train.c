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
#include "writing.h"

#define INT32_HIGH 2147483647.0
#define INT64_HIGH 9223372036854775807.0
#define REAL_HIGH 1e300

static const option_entry run_entries[] = {
    {"output", 'o', OPTION_TEXT, "RUN", "the run folder to make (needed)", 0, 0},
    {"config", 0, OPTION_TEXT, "FILE", "a JSON object of these options; the command line wins", 0, 0},
    {"tokenizer", 0, OPTION_TEXT, "T", "char, byte, word, or a folder or file with one (char; dante*: word)", 0, 0},
    {"numbers", 0, OPTION_TEXT, "TOKEN", "word: what every number becomes, e.g. '<NUM>'", 0, 0},
    {"unknown", 0, OPTION_TEXT, "TOKEN", "char, word: what everything unseen becomes, e.g. '<UNK>'", 0, 0},
    {"specials", 0, OPTION_TEXT, "A,B,...", "tokens at the vocabulary's head, e.g. '<PAD>,<BOS>'", 0, 0},
    {0},
};

static const option_entry training_entries[] = {
    {"steps", 0, OPTION_INTEGER, "N", "updates; 0 saves the untrained model", 0, INT64_HIGH},
    {"epochs", 0, OPTION_INTEGER, "N", "passes over the training part, instead of --steps", 1, INT64_HIGH},
    {"max-time", 0, OPTION_REAL, "MINUTES", "finish the step and save after this long", 1e-6, REAL_HIGH},
    {"batch", 0, OPTION_INTEGER, "N", "sequences of a batch", 1, INT32_HIGH},
    {"eval-batch", 0, OPTION_INTEGER, "N", "sequences of a batch in evaluations", 1, INT32_HIGH},
    {"accumulate", 0, OPTION_INTEGER, "N", "batches of one update", 1, INT32_HIGH},
    {"lr", 0, OPTION_REAL, "X", "learning rate, at its peak", 0, REAL_HIGH},
    {"min-lr", 0, OPTION_REAL, "X", "where cosine and linear end", 0, REAL_HIGH},
    {"schedule", 0, OPTION_CHOICE, "constant|cosine|linear", "of the learning rate", 0, 0},
    {"warmup", 0, OPTION_INTEGER, "N", "updates in which the rate rises to its peak", 0, INT64_HIGH},
    {"optimizer", 0, OPTION_CHOICE, "adamw|adam", "with decoupled or coupled weight decay", 0, 0},
    {"betas", 0, OPTION_PAIR, "A,B", "decay of its two moments", 0, 0.99999999},
    {"eps", 0, OPTION_REAL, "X", "its epsilon", 0, REAL_HIGH},
    {"weight-decay", 0, OPTION_REAL, "X", "weight decay", 0, REAL_HIGH},
    {"decay", 0, OPTION_CHOICE, "all|matrices", "what weight decay touches", 0, 0},
    {"clip", 0, OPTION_REAL, "X", "largest norm of the gradient (0: any)", 0, REAL_HIGH},
    {"split", 0, OPTION_REAL, "R", "share of the tokens that is trained on", 0, 1},
    {"init", 0, OPTION_CHOICE, "torch|gpt2", "how weights begin", 0, 0},
    {"parity", 0, OPTION_CHOICE, "torch", "PyTorch's own random streams, in the source's order", 0, 0},
    {0},
};

static const option_entry journal_entries[] = {
    {"eval-every", 0, OPTION_INTEGER, "N", "updates between evaluations (0: start and end)", 0, INT64_HIGH},
    {"eval-batches", 0, OPTION_INTEGER, "N", "batches of each part in an evaluation", 1, INT32_HIGH},
    {"save-every", 0, OPTION_INTEGER, "N", "updates between checkpoints (0: with evaluations)", 0, INT64_HIGH},
    {"log-every", 0, OPTION_INTEGER, "N", "updates between rows of metrics.csv", 1, INT64_HIGH},
    {"keep", 0, OPTION_INTEGER, "N", "checkpoints kept beside best and last (0: all)", 0, INT32_HIGH},
    {"sample-every", 0, OPTION_INTEGER, "N", "updates between samples, which go to RUN/samples.txt too", 0, INT64_HIGH},
    {"sample-prompt", 0, OPTION_TEXT, "TEXT", "how samples begin", 0, 0},
    {0},
};

static const option_group groups[] = {
    {"Run", run_entries},
    {"Model", shape_entries},
    {"Dropout", dropout_entries},
    {"Training", training_entries},
    {"Looking on", journal_entries},
    {"Common", common_entries},
    {0},
};

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

/* ------------------------------------------------------------------------------------------------ options */

static bool read_settings(const option_set *options, canto_train_options *t) {
    int     choice;
    double  minutes;
    int64_t seed;
    if (options_given(options, "steps") && options_given(options, "epochs")) {
        terminal_error("--steps and --epochs are two ways to say how long: give one of them");
        return false;
    }
    if (options_int64(options, "steps", &t->steps)) t->epochs = 0;
    options_int64(options, "epochs", &t->epochs);
    if (options_real(options, "max-time", &minutes)) t->max_seconds = 60 * minutes;
    if (options_int64(options, "seed", &seed)) t->seed = (uint64_t)seed;
    options_int32(options, "batch", &t->batch);
    options_int32(options, "eval-batch", &t->eval_batch);
    options_int32(options, "accumulate", &t->accumulate);
    if (options_real(options, "lr", &t->lr) && !options_given(options, "min-lr") && t->min_lr > t->lr)
        t->min_lr = t->lr;
    options_real(options, "min-lr", &t->min_lr);
    if (options_choice(options, "schedule", &choice)) t->schedule = (canto_schedule)choice;
    options_int64(options, "warmup", &t->warmup);
    if (options_choice(options, "optimizer", &choice)) t->optimizer = (canto_optimizer)choice;
    options_pair(options, "betas", &t->beta1, &t->beta2);
    options_real(options, "eps", &t->eps);
    options_real(options, "weight-decay", &t->weight_decay);
    if (options_choice(options, "decay", &choice)) t->decay_matrices_only = choice == 1;
    options_real(options, "clip", &t->clip);
    options_real(options, "split", &t->split);
    options_int64(options, "eval-every", &t->eval_every);
    options_int32(options, "eval-batches", &t->eval_batches);
    options_int64(options, "save-every", &t->save_every);
    options_int64(options, "log-every", &t->log_every);
    options_int32(options, "keep", &t->keep);
    if (options_choice(options, "init", &choice)) t->init = (canto_init)choice;
    if (options_given(options, "parity")) t->parity_torch = true;
    return true;
}

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

/* A machine that cannot hold the training is told so before anything is allocated. */
static bool memory_suffices(const canto_config *config, const canto_train_options *settings) {
    canto_report report;
    if (!support_good(canto_config_report(config, settings->batch, 0, &report))) return false;
    double need = (double)report.training_bytes;
    double has = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    if (has <= 0 || need <= has) return true;
    terminal_error("training this model (%s parameters, batch %d, context %d) needs %s of memory: weights %s, "
                   "gradients %s, moments %s, activations %s; this machine has %s. Choose a smaller --preset, or lower "
                   "--width, --layers, --context or --batch",
                   number_grouped(report.total).text, (int)settings->batch, (int)config->context,
                   number_bytes(need).text, number_bytes((double)report.weights_bytes).text,
                   number_bytes((double)report.gradients_bytes).text, number_bytes((double)report.moments_bytes).text,
                   number_bytes((double)report.activations_bytes).text, number_bytes(has).text);
    return false;
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
        writing_continue(&text, session, &how, NULL)) {
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

/* The tokenizer and the tokens of the operands. A token file's tokenizer lies beside it, in FILE.tokenizer. */
static bool open_texts(canto_context *context, const option_set *options, const canto_config *config,
                       canto_tokenizer **tokenizer, canto_data **data) {
    const char *kind = options_text(options, "tokenizer", config->family == CANTO_FAMILY_DANTE ? "word" : "char");
    char        beside[4200];
    if (canto_data_is_token_file(options->operands[0]) && !options_given(options, "tokenizer")) {
        snprintf(beside, sizeof beside, "%s.tokenizer", options->operands[0]);
        if (access(beside, F_OK)) {
            terminal_error("%s: its tokenizer is not in %s; say where it is with --tokenizer FOLDER",
                           options->operands[0], beside);
            return false;
        }
        kind = beside;
    }
    return support_tokenizer(context, options, kind, options->operands, options->count, tokenizer) &&
           support_data(context, *tokenizer, options->operands, options->count, data);
}

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
        !model_options_apply(options, &config) || !read_settings(options, &settings) ||
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
    if (!open_texts(context, options, &config, &tokenizer, &data)) goto done;
    if (!options_given(options, "vocab")) config.vocab = canto_tokenizer_vocabulary(tokenizer);
    if (!memory_suffices(&config, &settings)) goto done;
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

const command command_train = {
    "train",
    "TEXT... -o RUN [OPTIONS]",
    "train a model on texts",
    "TEXT are UTF-8 files, or one token file of canto data prepare. RUN gets checkpoints (best and last point at\n"
    "two of them), metrics.csv, run.json and samples.txt. Ctrl-C finishes the step, saves and exits with 130.\n"
    "Settings that are not given are those of the preset's source.\n",
    groups,
    run_train,
};
