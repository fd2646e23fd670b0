/* plan.c - canto plan: what a training would need, without doing it. */
#include <string.h>

#include "model_options.h"
#include "train_options.h"

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

static void print_json(const canto_plan *p, const canto_config *config, const canto_train_options *settings) {
    json_t *o = json_object();
    json_object_set_new(o, "parameters", json_whole(p->parameters));
    json_object_set_new(o, "vocabulary", json_integer(config->vocab));
    json_object_set_new(o, "batch", json_integer(settings->batch));
    json_object_set_new(o, "context", json_integer(config->context));
    json_object_set_new(o, "memory", memory_json(p));
    json_object_set_new(o, "fits", json_boolean(p->fits));
    if (!p->fits) json_object_set_new(o, "advice", json_text(p->advice, strlen(p->advice)));
    json_object_set_new(o, "checkpoint_bytes", json_whole(p->checkpoint_bytes));
    json_object_set_new(o, "disk_bytes", json_whole(p->disk_bytes));
    json_print(o);
}

static void print_bytes(const char *name, uint64_t bytes) {
    printf("  %-24s %12s\n", name, number_bytes((double)bytes).text);
}

static void print_plan(const canto_plan *p, const canto_config *config, const canto_train_options *settings) {
    printf("%s: %s parameters, vocabulary %s, batches of %d sequences of %d tokens\n\nMemory\n",
           *config->preset ? config->preset : "model", number_grouped(p->parameters).text,
           number_grouped((uint64_t)config->vocab).text, (int)settings->batch, (int)config->context);
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
    canto_plan          plan;
    const char         *file = options_text(options, "config", NULL);
    if (file && !options_read_config(options, file)) return WRONG_USAGE;
    terminal_set_quiet(options_flag(options, "quiet"));
    if (options_given(options, "resume"))
        return support_usage(
            "plan says what a new run would need; one that goes on needs what it did: canto train --resume RUN");
    if (!support_good(canto_preset(options_text(options, "preset", "mini"), &config, &settings)) ||
        !model_options_apply(options, &config) || !train_options_apply(options, &settings) ||
        !support_good(canto_train_options_check(&settings)) || !support_good(canto_config_check(&config)))
        return WRONG_USAGE;

    int              code = FAILED;
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    canto_data      *data = NULL;
    if (!context || (options->count && !train_options_texts(context, options, &config, &tokenizer, &data))) goto done;
    if (tokenizer && !options_given(options, "vocab")) config.vocab = canto_tokenizer_vocabulary(tokenizer);
    if (!support_good(canto_train_plan(context, &config, &settings, tokenizer, data, &plan))) goto done;
    count_samples(options, &plan);
    if (options_flag(options, "json")) print_json(&plan, &config, &settings);
    else print_plan(&plan, &config, &settings);
    code = DONE;
done:
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto plan book.txt --preset mini --batch 64",
    "what canto train book.txt --preset mini --batch 64 would need",
    "canto plan --preset gpt2 --context 256 --json",
    "without a text, for another program",
    NULL,
};

const command command_plan = {
    .name = "plan",
    .operands = "[TEXT...] [OPTIONS]",
    .about = "say what a training would need",
    .details =
        "As canto train with the same texts and options, but it only says how much memory the run would take, for "
        "what, and how much disk, and what would fit if this machine has less.\n"
        "Without a TEXT the vocabulary is --vocab or the preset's, and what hangs on the text is left out. Nothing is "
        "written, so -o changes nothing, and --resume is for train alone.\n",
    .groups = train_groups,
    .run = run_plan,
    .section = "Models",
    .examples = examples,
};
