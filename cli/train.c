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
#include "train.h"
#include "train_from.h"
#include "train_options.h"
#include "train_resume.h"
#include "writing.h"

/* A moving average in which the last fifty or so values count. */
typedef struct smooth {
    double sum, weight;
} smooth;

static void smooth_add(smooth *s, double x) {
    const double keep = 0.98;
    s->sum = keep * s->sum + (1 - keep) * x;
    s->weight = keep * s->weight + (1 - keep);
}

static double smooth_value(const smooth *s) { return s->weight > 0 ? s->sum / s->weight : NAN; }

/* One training as the event callback sees it. */
typedef struct training {
    canto_context         *context;
    const canto_tokenizer *tokenizer;
    canto_trainer         *trainer;
    const char            *folder, *prompt;
    const char            *label; /* of one run among others, which prints nothing but progress; NULL: it is alone */
    int64_t                sample_every;
    uint64_t               seed;
    bool                   json, interrupted;
    double                 val_loss, loss; /* the latest */
    smooth                 trend, speed;   /* of the loss; tokens a second */
    double                 most;           /* tokens a second if every operation ran at the peak; 0: not known */
    char                   last[4096];     /* the latest checkpoint */
    int64_t                step, steps;
} training;

/* What a run leaves that was killed before it had begun. */
static bool is_nothing(const char *name) {
    return !strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, ".lock") ||
           !strncmp(name, "run.json.tmp-", strlen("run.json.tmp-"));
}

/* A run is never written over another one. */
static bool folder_is_free(const char *folder) {
    DIR *entries = opendir(folder);
    if (!entries && errno == ENOENT) return true;
    if (!entries) {
        terminal_error("-o %s: %s", folder, strerror(errno));
        return false;
    }
    bool           is_free = true, is_run = false;
    struct dirent *entry;
    while ((entry = readdir(entries))) {
        if (!is_nothing(entry->d_name)) is_free = false;
        if (!strcmp(entry->d_name, "run.json")) is_run = true;
    }
    closedir(entries);
    if (is_run)
        terminal_error("-o %s: there is a run already, and a run is never written over; go on with it: %s; or choose "
                       "another name, or remove it first: the folder is not empty, rm -r %s",
                       folder, train_resume_command(folder), folder);
    else if (!is_free)
        terminal_error("-o %s: the folder is not empty, and nothing is ever written over; choose another name, or "
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

/* In a window too narrow for all of it the last loss goes first, then the last evaluation. */
static void show_progress(const training *run, const canto_event *e, bool important) {
    char   line[320], loss[32], val[32] = "", left[48] = "", share[32] = "";
    double trend = smooth_value(&run->trend), speed = smooth_value(&run->speed);
    snprintf(loss, sizeof loss, "  loss %.4f", run->loss);
    if (isfinite(run->val_loss)) snprintf(val, sizeof val, "  val %.4f", run->val_loss);
    if (speed > 0 && run->most > 0) snprintf(share, sizeof share, "  %.0f%% of peak", 100 * speed / run->most);
    if (isfinite(e->seconds_left)) snprintf(left, sizeof left, "  %s left", number_duration(e->seconds_left).text);
    for (int without = 0; without < 3; without++) {
        char rate[48] = "";
        if (speed > 0) snprintf(rate, sizeof rate, "  %s %s", number_short(speed).text, without ? "tok/s" : "tokens/s");
        snprintf(line, sizeof line, "%s%sstep %lld/%lld%s  trend %.4f%s%s%s%s", run->label ? run->label : "",
                 run->label ? "  " : "", (long long)e->step, (long long)e->steps, without ? "" : loss, trend,
                 without < 2 ? val : "", rate, left, share);
        if (terminal_wide(line) <= terminal_progress_columns()) break;
    }
    terminal_progress(important, "%s", line);
}

/* Into samples.txt, which is the trainer's, and to the eye. */
static void show_sample(const training *run, int64_t step, const writing *text) {
    if (canto_trainer_sample(run->trainer, text->text, text->bytes).code != CANTO_OK) return; /* it ends the run */
    if (run->label) return;
    terminal_clear();
    if (run->json) {
        json_t *o = json_object();
        json_object_set_new(o, "event", json_string("sample"));
        json_object_set_new(o, "step", json_integer(step));
        json_object_set_new(o, "text", json_text(text->text, text->bytes));
        json_print(o);
    } else {
        printf("--- step %lld ---\n%s\n", (long long)step, text->text);
        fflush(stdout);
    }
}

/* Lets the model write. A failure stops nothing but the sample. */
static void write_sample(training *run, int64_t step) {
    canto_generate_options how = canto_generate_options_default();
    how.seed = run->seed + (uint64_t)step;
    writing        text = {0};
    canto_session *session = NULL;
    bool           good = support_good(canto_session_open(run->context, canto_trainer_model(run->trainer), &session)) &&
                writing_start(&text, run->context, run->tokenizer, run->prompt, run->prompt ? strlen(run->prompt) : 0);
    text.patient = true; /* a run that goes on does not write it again */
    if (good && writing_continue(&text, session, &how, NULL, NULL)) show_sample(run, step, &text);
    writing_end(&text);
    canto_session_close(session);
}

static bool on_event(void *user, const canto_trainer *trainer, const canto_event *e) {
    static const char *const names[] = {"step", "evaluation", "epoch", "checkpoint", "done"};
    training                *run = user;
    (void)trainer;
    if (isfinite(e->train_loss)) run->loss = e->train_loss;
    if (e->kind == CANTO_EVENT_STEP) {
        smooth_add(&run->trend, e->train_loss);
        smooth_add(&run->speed, e->tokens_per_second);
    }
    if (isfinite(e->val_loss)) run->val_loss = e->val_loss;
    run->step = e->step;
    run->steps = e->steps;
    if (e->path) snprintf(run->last, sizeof run->last, "%s", e->path);
    if (run->json) print_event(names[e->kind], e);
    switch (e->kind) {
    case CANTO_EVENT_STEP:
        show_progress(run, e, false);
        break;
    case CANTO_EVENT_EVALUATION:
        if (run->label) break;
        terminal_note(isfinite(e->val_loss) ? "step %lld  train loss %.4f  validation loss %.4f"
                                            : "step %lld  train loss %.4f",
                      (long long)e->step, e->eval_train_loss, e->val_loss);
        break;
    case CANTO_EVENT_EPOCH:
        if (run->label) break;
        terminal_note("epoch %lld/%lld  average train loss %.4f  average evaluation loss %.4f  time %s",
                      (long long)e->epoch, (long long)e->epochs, e->train_loss, e->val_loss,
                      number_duration(e->seconds).text);
        break;
    case CANTO_EVENT_CHECKPOINT:
    case CANTO_EVENT_DONE:
        break;
    }
    if (e->kind == CANTO_EVENT_STEP && run->sample_every && e->step % run->sample_every == 0 && run->tokenizer)
        write_sample(run, e->step);
    run->interrupted = support_interrupted();
    return !run->interrupted;
}

/* ------------------------------------------------------------------------------------------------ the run */

/* Trains and says how it ended. */
static int train(training *run) {
    int64_t begun = canto_trainer_step(run->trainer);
    support_catch_interrupts();
    support_outlive_readers();
    canto_status status = canto_trainer_run(run->trainer, on_event, run);
    if (status.code != CANTO_OK && status.code != CANTO_STOPPED) {
        support_good(status);
        if (status.code == CANTO_ERROR_FILE && !run->label)
            terminal_note("once that is mended: %s", train_resume_command(run->folder));
        return FAILED;
    }
    terminal_clear();
    if (run->label) return run->interrupted ? INTERRUPTED : DONE;
    if (run->interrupted) {
        fprintf(stderr, "interrupted after step %lld; the model is saved in %s\nto go on: %s\n", (long long)run->step,
                *run->last ? run->last : run->folder, train_resume_command(run->folder));
        return INTERRUPTED;
    }
    if (run->step < run->steps)
        terminal_note("the time is up after step %lld of %lld, and the model is in %s; to go on: %s",
                      (long long)run->step, (long long)run->steps, run->folder, train_resume_command(run->folder));
    else if (begun > 0 && begun == run->step)
        terminal_note("the run was complete already: %lld steps; more of them: %s --steps N", (long long)run->step,
                      train_resume_command(run->folder));
    else
        terminal_note("done: %lld steps, the model is in %s; let it write: canto generate %s", (long long)run->step,
                      run->folder, run->folder);
    return DONE;
}

bool train_settings(const option_set *options, canto_config *config, canto_train_options *settings) {
    return support_good(canto_preset(options_text(options, "preset", "mini"), config, settings)) &&
           model_options_apply(options, config) && train_options_apply(options, settings) &&
           support_good(canto_train_options_check(settings)) && support_good(canto_config_check(config));
}

static int check_place(const option_set *options, const char *folder) {
    if (!options->count) return support_usage("which texts? canto train TEXT... -o RUN");
    if (!folder || !*folder) return support_usage("where to? add -o RUN, the folder to make");
    return DONE;
}

/* The plan of a new run: config and settings, from the preset and the options. */
static int read_options(option_set *options, const char *folder, canto_config *config, canto_train_options *settings) {
    if (!train_settings(options, config, settings)) return WRONG_USAGE;
    return folder_is_free(folder) ? DONE : FAILED;
}

/* What a token is, in the plural. */
static const char *kind_called(const canto_tokenizer *tokenizer) {
    static const char *const names[][2] = {
        {"char", "characters"}, {"byte", "bytes"}, {"word", "words"}, {"bpe", "byte pairs"}};
    const char *kind = canto_tokenizer_kind(tokenizer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], kind)) return names[i][1];
    return kind;
}

/* What the run is, in a line. */
static void introduce(const canto_context *context, const canto_config *config, const canto_train_options *settings,
                      const canto_tokenizer *tokenizer, const canto_data *data, int64_t step) {
    canto_report report;
    if (canto_config_report(config, settings->batch, 0, &report).code != CANTO_OK) return;
    terminal_note("%s: %s parameters, vocabulary %s (%s), %s tokens, %d threads, %s", config->preset,
                  number_grouped(report.total).text, number_grouped((uint64_t)config->vocab).text,
                  kind_called(tokenizer), number_grouped(canto_data_count(data)).text, canto_context_threads(context),
                  canto_context_cpu(context));
    if (step > 0) terminal_note("going on after step %lld", (long long)step);
}

/* Tokens a second if nothing but multiply-adds at this machine's peak took time: what the progress line holds speed against. */
static double most_tokens(canto_context *context, const canto_config *config) {
    canto_report report;
    double       peak;
    if (canto_config_report(config, 1, 0, &report).code != CANTO_OK ||
        canto_probe(context, CANTO_PROBE_FMA, 0, &peak).code != CANTO_OK)
        return 0;
    return 1e9 * peak / report.training_flops_per_token;
}

int train_one(option_set *options, const char *label) {
    canto_config        config;
    canto_train_options settings;
    const char         *file = options_text(options, "config", NULL), *resume = options_text(options, "resume", NULL);
    if (file && !resume && !options_read_config(options, file)) return WRONG_USAGE;
    bool quiet = options_flag(options, "quiet"), json = options_flag(options, "json");
    terminal_set_quiet(quiet);
    const char            *folder = resume ? resume : options_text(options, "output", NULL);
    canto_context         *context = NULL;
    canto_model           *model = NULL; /* of --from */
    canto_tokenizer       *own = NULL;
    const canto_tokenizer *tokenizer = NULL;
    canto_data            *data = NULL;
    training               run = {.folder = folder, .label = label, .json = json, .val_loss = NAN, .loss = NAN};
    char                  *record = NULL;
    int                    code = resume ? DONE : check_place(options, folder);
    if (code != DONE) return code;

    code = FAILED;
    if (!(context = support_context(options))) goto done;
    if (resume) code = train_resume_read(context, options, folder, &config, &settings);
    else if (!options_given(options, "from")) code = read_options(options, folder, &config, &settings);
    else if (folder_is_free(folder)) code = train_from_open(context, options, &config, &settings, &model);
    if (code != DONE) goto done;
    code = FAILED;
    if (!(record = train_resume_record(
              options, options_given(options, "from") ? NULL : train_options_tokenizer(options, &config))))
        goto done;
    if (resume && options_given(options, "from")) {
        if (!train_from_again(context, options, folder, &model, &tokenizer, &own, &data)) goto done;
    } else if (model) {
        if (!train_from_texts(context, options, model, &tokenizer, &own, &data)) goto done;
    } else {
        if (!train_options_texts(context, options, &config, &own, &data)) goto done;
        tokenizer = own;
        if (!resume && !options_given(options, "vocab")) config.vocab = canto_tokenizer_vocabulary(tokenizer);
    }
    if (!support_good(
            resume ? canto_trainer_resume_from(context, folder, model, &settings, tokenizer, data, record, &run.trainer)
                   : canto_trainer_open_from(context, model, &config, &settings, tokenizer, data, folder, record,
                                             &run.trainer)))
        goto done;
    run.context = context;
    run.tokenizer = tokenizer;
    run.seed = settings.seed;
    run.prompt = options_text(options, "sample-prompt", NULL);
    options_int64(options, "sample-every", &run.sample_every);
    if (!label) introduce(context, &config, &settings, tokenizer, data, canto_trainer_step(run.trainer));
    if (!quiet) run.most = most_tokens(context, &config);
    code = train(&run);
done:
    canto_trainer_close(run.trainer);
    canto_data_close(data);
    canto_tokenizer_close(own);
    canto_model_close(model);
    canto_context_close(context);
    free(record);
    return code;
}

static int run_train(option_set *options) { return train_one(options, NULL); }

static const char *const examples[] = {
    "canto train book.txt -o run --max-time 5",
    "a small model, five minutes at most; Ctrl-C stops and saves too",
    "canto train book.txt other.txt -o run2 --width 192 --heads 6 --dropout 0.1",
    "a wider model on two texts",
    "canto train poem.txt -o run3 --tokenizer word --unknown '<UNK>' --epochs 3",
    "a model of words rather than characters, three passes over the text",
    "canto train --resume run",
    "goes on with a run that was interrupted, however it was: the result is that of a run without interruption",
    "canto train other.txt -o tuned --from run --steps 200",
    "goes on from a model that is there with another text, in a run of its own: fine-tuning",
    "canto train other.txt -o thin --from run --lora 8 --lr 0.002 --steps 200",
    "the same by adapters beside the model, which stays as it is",
    NULL,
};

const command command_train = {
    .name = "train",
    .operands = "TEXT... -o RUN [OPTIONS], or --resume RUN",
    .about = "train a model on texts",
    .details =
        "TEXT are UTF-8 files, or token files of canto data prepare, which are one stream in the order given. RUN gets "
        "checkpoints (the links best and last "
        "point at two of them), metrics.csv, run.json and samples.txt.\n"
        "Ctrl-C and SIGTERM finish the step, save, and say how to go on; a second one leaves at once. Nothing is lost "
        "either "
        "way: --resume RUN goes on from the newest checkpoint, and weights, metrics.csv and samples.txt become those "
        "of a "
        "run without interruption, byte for byte. Limits may change then: --steps, --epochs, --max-time, --keep, and "
        "how "
        "often something is saved, logged, evaluated or sampled; nothing else may. TEXT are needed only when they lie "
        "elsewhere now.\n"
        "The progress line: the last batch's loss, a trend (a moving average of the last fifty or so losses), the "
        "latest validation loss, speed, time left, and how much of the processor's multiply-adds the arithmetic "
        "makes use of.\n"
        "--from MODEL begins with a model that is there, canto's own or another's: its weights, its shape, its "
        "tokenizer. "
        "What its weights were trained for cannot be given otherwise; dropout rates may, and a shorter --context. Its "
        "settings are those of fine-tuning: 500 updates, a rate of 0.0001 that falls to a tenth, 20 of warm-up, weight "
        "decay 0.01, betas 0.9,0.999, an evaluation every 100, the rest as in mini.\n"
        "Settings that are not given are those of the preset. In brackets stand those of mini, the default preset.\n",
    .groups = train_groups,
    .run = run_train,
    .section = "Models",
    .examples = examples,
};
