/* plan.c - canto plan: what a training would need, without doing it. */
#include <string.h>

#include "speed.h"
#include "train.h"
#include "train_from.h"
#include "train_options.h"

/* What one way of training would take. */
typedef struct forecast {
    canto_plan plan;
    double     seconds; /* of all updates and evaluations; 0: not measured, or their number hangs on data */
    double     tokens_per_second;
} forecast;

/* Another way, beside the one that was asked for. */
typedef struct alternative {
    const char         *name;
    bool                there;
    canto_config        config;
    canto_train_options settings;
    double              update, evaluation; /* how many times as long */
    forecast            f;
} alternative;

enum { ALTERNATIVES = 3, USUAL_TOKENS = 20 }; /* a parameter (Hoffmann et al. 2022) */

/* ------------------------------------------------------------------------------------------------ what it would take */

static void foresee(const canto_config *config, const canto_train_options *settings, double update, double evaluation,
                    forecast *f) {
    double tokens = (double)settings->batch * settings->accumulate * config->context;
    f->tokens_per_second = update > 0 ? tokens / update : 0;
    f->seconds =
        (double)f->plan.updates * update + 2.0 * (double)f->plan.evaluations * settings->eval_batches * evaluation;
}

static double operations_of(const canto_config *config) {
    canto_report report;
    return canto_config_report(config, 1, 0, &report).code == CANTO_OK ? report.training_flops_per_token : 0;
}

/* Half the batch twice as often, activations made again, half the context. Their times follow the operations from the one that
 * is measured; making activations again costs another forward pass through the blocks. Before anything is measured: a plan
 * counts what the process holds already. */
static void look_around(canto_context *context, const canto_config *config, const canto_train_options *settings,
                        const canto_tokenizer *tokenizer, const canto_data *data, alternative list[ALTERNATIVES]) {
    static const char *const names[ALTERNATIVES] = {"half the batch, twice as often", "--recompute on",
                                                    "half the context"};
    for (int i = 0; i < ALTERNATIVES; i++) {
        alternative *a = &list[i];
        *a = (alternative){.name = names[i], .config = *config, .settings = *settings, .update = 1, .evaluation = 1};
        canto_train_options *t = &a->settings;
        if (i == 0 && settings->batch % 2 == 0) {
            t->batch /= 2;
            t->accumulate *= 2;
            if (t->eval_batch > t->batch) t->eval_batch = t->batch;
            a->there = true;
        }
        if (i == 1 && !settings->recompute) {
            t->recompute = a->there = true;
            a->update = 4.0 / 3;
        }
        if (i == 2 && config->context > 1) {
            a->config.context /= 2;
            a->update = a->evaluation = operations_of(&a->config) / operations_of(config) / 2;
            a->there = true;
        }
        a->there = a->there && canto_train_plan(context, &a->config, t, tokenizer, data, &a->f.plan).code == CANTO_OK;
    }
}

/* ------------------------------------------------------------------------------------------------------- saying so */

static json_t *memory_json(const canto_plan *p) {
    json_t *o = json_object();
    json_object_set_new(o, "weights_bytes", json_whole(p->weights_bytes));
    json_object_set_new(o, "gradients_bytes", json_whole(p->gradients_bytes));
    json_object_set_new(o, "moments_bytes", json_whole(p->moments_bytes));
    json_object_set_new(o, "activations_bytes", json_whole(p->activations_bytes));
    json_object_set_new(o, "other_bytes", json_whole(p->other_bytes));
    if (p->session_bytes) json_object_set_new(o, "session_bytes", json_whole(p->session_bytes));
    json_object_set_new(o, "present_bytes", json_whole(p->present_bytes));
    json_object_set_new(o, "peak_bytes", json_whole(p->peak_bytes));
    json_object_set_new(o, "available_bytes", p->available_bytes ? json_whole(p->available_bytes) : json_null());
    return o;
}

/* What hangs on time, when it was measured. */
static void add_times(json_t *o, const forecast *f) {
    if (f->tokens_per_second > 0) json_object_set_new(o, "tokens_per_second", json_number(f->tokens_per_second));
    if (f->seconds > 0) json_object_set_new(o, "seconds_total", json_number(f->seconds));
}

static void print_json(const forecast *f, const canto_config *config, const canto_train_options *settings,
                       const alternative *others) {
    const canto_plan *p = &f->plan;
    json_t           *o = json_object();
    json_object_set_new(o, "parameters", json_whole(p->parameters));
    json_object_set_new(o, "trained", json_whole(p->trained));
    json_object_set_new(o, "vocabulary", json_integer(config->vocab));
    json_object_set_new(o, "batch", json_integer(settings->batch));
    json_object_set_new(o, "context", json_integer(config->context));
    json_object_set_new(o, "memory", memory_json(p));
    json_object_set_new(o, "fits", json_boolean(p->fits));
    if (!p->fits) json_object_set_new(o, "advice", json_text(p->advice, strlen(p->advice)));
    json_object_set_new(o, "checkpoint_bytes", json_whole(p->checkpoint_bytes));
    json_object_set_new(o, "disk_bytes", json_whole(p->disk_bytes));
    if (p->updates) {
        json_object_set_new(o, "updates", json_whole(p->updates));
        json_object_set_new(o, "tokens", json_number(p->tokens));
        json_object_set_new(o, "tokens_per_parameter", json_number(p->tokens / (double)p->parameters));
    }
    add_times(o, f);
    json_t *list = json_array();
    for (int i = 0; i < ALTERNATIVES; i++) {
        if (!others[i].there) continue;
        json_t *one = json_object();
        json_object_set_new(one, "instead", json_string(others[i].name));
        json_object_set_new(one, "peak_bytes", json_whole(others[i].f.plan.peak_bytes));
        add_times(one, &others[i].f);
        json_array_append_new(list, one);
    }
    json_object_set_new(o, "instead", list);
    json_print(o);
}

static void print_bytes(const char *name, uint64_t bytes) {
    printf("  %-24s %12s\n", name, number_bytes((double)bytes).text);
}

static void print_duration(const forecast *f) {
    if (f->seconds > 0) printf("  %12s\n", number_duration(f->seconds).text);
    else printf("\n");
}

static void print_length(const forecast *f, const speed *s) {
    const canto_plan *p = &f->plan;
    if (p->updates) {
        double each = p->tokens / (double)p->parameters;
        printf("\nLength\n");
        printf("  %-24s %12s\n", "updates", number_grouped(p->updates).text);
        printf("  %-24s %12s   %.3g a parameter; about %d are usual when time is what is scarce\n", "tokens",
               number_short(p->tokens).text, each, USUAL_TOKENS);
    }
    if (f->tokens_per_second <= 0) return;
    if (!p->updates) printf("\nLength\n");
    printf("  %-24s %12s   measured just now%s\n", "tokens a second",
           number_grouped((uint64_t)(f->tokens_per_second + 0.5)).text,
           s->shortened ? ", with a part of the model" : "");
    if (f->seconds > 0)
        printf("  %-24s %12s   checkpoints and samples left out\n", "time", number_duration(f->seconds).text);
}

static void print_others(const forecast *f, const alternative *others) {
    printf("\nInstead%35s%14s\n  %-28s %12s", "memory", f->seconds > 0 ? "time" : "", "(as asked)",
           number_bytes((double)f->plan.peak_bytes).text);
    print_duration(f);
    for (int i = 0; i < ALTERNATIVES; i++) {
        if (!others[i].there) continue;
        printf("  %-28s %12s", others[i].name, number_bytes((double)others[i].f.plan.peak_bytes).text);
        print_duration(&others[i].f);
    }
}

static void print_plan(const forecast *f, const canto_config *config, const canto_train_options *settings,
                       const speed *s, const alternative *others) {
    const canto_plan *p = &f->plan;
    printf("%s: %s parameters, vocabulary %s, batches of %d sequences of %d tokens\n\nMemory\n",
           *config->preset ? config->preset : "model", number_grouped(p->parameters).text,
           number_grouped((uint64_t)config->vocab).text, (int)settings->batch, (int)config->context);
    if (p->trained < p->parameters) printf("  %-24s %12s\n", "parameters trained", number_grouped(p->trained).text);
    print_bytes("weights", p->weights_bytes);
    print_bytes("gradients", p->gradients_bytes);
    print_bytes("optimizer's moments", p->moments_bytes);
    print_bytes("activations", p->activations_bytes);
    print_bytes("everything else", p->other_bytes);
    if (p->session_bytes) print_bytes("writing samples", p->session_bytes);
    print_bytes("program and data", p->present_bytes);
    print_bytes("at most, together", p->peak_bytes);
    if (p->available_bytes) print_bytes("available now", p->available_bytes);
    printf("\nDisk\n");
    print_bytes("a checkpoint", p->checkpoint_bytes);
    print_bytes("the run folder", p->disk_bytes);
    print_length(f, s);
    print_others(f, others);
    if (!p->fits) printf("\nThis is more memory than is available. %s\n", p->advice);
}

/* Samples on the way need a session; without them the plan does not speak of one. */
static void count_samples(const option_set *options, canto_plan *plan) {
    int64_t every = 0;
    options_int64(options, "sample-every", &every);
    if (every == 0) plan->session_bytes = 0;
    plan->peak_bytes += plan->session_bytes;
}

static int run_plan(option_set *options) {
    canto_config        config;
    canto_train_options settings;
    forecast            plan = {0};
    speed               measured = {0};
    alternative         others[ALTERNATIVES];
    bool                measure = true;
    const char         *file = options_text(options, "config", NULL);
    if (file && !options_read_config(options, file)) return WRONG_USAGE;
    terminal_set_quiet(options_flag(options, "quiet"));
    if (options_given(options, "resume"))
        return support_usage(
            "plan says what a new run would need; one that goes on needs what it did: canto train --resume RUN");

    int                    code = FAILED;
    canto_context         *context = support_context(options), *silent = NULL;
    canto_model           *model = NULL; /* of --from, which stays open as train's does */
    canto_tokenizer       *own = NULL;
    const canto_tokenizer *tokenizer = NULL;
    canto_data            *data = NULL;
    if (!context) goto done;
    code = WRONG_USAGE;
    if (options_given(options, "from")) code = train_from_open(context, options, &config, &settings, &model);
    else if (train_settings(options, &config, &settings)) code = DONE;
    if (code != DONE) goto done;
    code = FAILED;
    if (options->count && model && !train_from_texts(context, options, model, &tokenizer, &own, &data)) goto done;
    if (options->count && !model) {
        if (!train_options_texts(context, options, &config, &own, &data)) goto done;
        tokenizer = own;
        if (!options_given(options, "vocab")) config.vocab = canto_tokenizer_vocabulary(tokenizer);
    }
    if (!support_good(canto_train_plan(context, &config, &settings, tokenizer, data, &plan.plan))) goto done;
    count_samples(options, &plan.plan);
    look_around(context, &config, &settings, tokenizer, data, others);
    options_switch(options, "measure", &measure);
    if (measure && plan.plan.fits) {
        silent = support_context_silent(options); /* random tokens need no advice */
        if (!silent || !speed_measure(silent, &config, &settings, &measured)) goto done;
    }
    foresee(&config, &settings, measured.update, measured.evaluation, &plan);
    for (int i = 0; i < ALTERNATIVES; i++)
        foresee(&others[i].config, &others[i].settings, measured.update * others[i].update,
                measured.evaluation * others[i].evaluation, &others[i].f);
    if (options_flag(options, "json")) print_json(&plan, &config, &settings, others);
    else print_plan(&plan, &config, &settings, &measured, others);
    code = DONE;
done:
    canto_data_close(data);
    canto_tokenizer_close(own);
    canto_model_close(model);
    canto_context_close(silent);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto plan book.txt --preset mini --batch 64",
    "what canto train book.txt --preset mini --batch 64 would need",
    "canto plan --preset gpt2 --context 256 --measure off --json",
    "its memory and disk alone, without a text, for another program",
    NULL,
};

const command command_plan = {
    .name = "plan",
    .operands = "[TEXT...] [OPTIONS]",
    .about = "say what a training would need, and how long it would take",
    .details =
        "As canto train with the same texts and options, but it only says how much memory the run would take, for "
        "what, how much disk, how long it would take, what other ways would, and what would fit if this machine has "
        "less. The time is that of a few seconds' training on random tokens, of a part of the model when it is large "
        "(--measure off leaves that out).\n"
        "Without a TEXT the vocabulary is --vocab or the preset's, and what hangs on the text is left out. Nothing is "
        "written, so -o changes nothing, and --resume is for train alone.\n",
    .groups = plan_groups,
    .run = run_plan,
    .section = "Models",
    .examples = examples,
};
