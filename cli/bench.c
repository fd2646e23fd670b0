/* bench.c - canto bench train: how fast this machine trains a model, beside what it could do at most. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "model_options.h"
#include "speed.h"

enum { WARM_UP = 2, MOST_STEPS = 100000 };

static const option_entry entries[] = {
    {"batch", 0, OPTION_INTEGER, "N", "sequences of a batch (default: the preset's)", 1, 2147483647},
    {"recompute", 0, OPTION_SWITCH, NULL, "make most activations again rather than keep them (default: off)", 0, 0},
    {"steps", 0, OPTION_INTEGER, "N", "steps that are measured, after two that are not (default: 20)", 1, MOST_STEPS},
    {0},
};

static const option_group groups[] = {
    {"Measuring", entries}, {"Model", shape_entries}, {"Dropout", dropout_entries}, {"Common", common_entries}, {0}};

/* What a run measured. */
typedef struct measurement {
    double  *seconds; /* of each step, the warm-up's too */
    int64_t  count, room;
    double   last; /* when the last step ended */
    double   peak[2];
    double   flops_per_token;
    int32_t  batch, context;
    uint64_t peak_rss;
} measurement;

static bool on_event(void *user, const canto_trainer *trainer, const canto_event *event) {
    measurement *m = user;
    double       now = terminal_seconds();
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && m->count < m->room) {
        m->seconds[m->count++] = now - m->last;
        terminal_progress(false, "step %lld of %lld, %.1f ms", (long long)event->step, (long long)event->steps,
                          1e3 * (now - m->last));
    }
    m->last = now;
    return true;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static bool train(canto_context *context, const canto_config *config, const canto_train_options *training,
                  const canto_data *data, measurement *m) {
    canto_trainer *trainer = NULL;
    struct rusage  usage;
    bool           good = support_good(canto_probe(context, CANTO_PROBE_FMA, 0, &m->peak[0])) &&
                support_good(canto_trainer_open(context, config, training, NULL, data, NULL, NULL, &trainer)) &&
                support_good(canto_trainer_run(trainer, on_event, m)) &&
                support_good(canto_probe(context, CANTO_PROBE_FMA, 0, &m->peak[1]));
    canto_trainer_close(trainer);
    terminal_clear();
    getrusage(RUSAGE_SELF, &usage);
    m->peak_rss = (uint64_t)usage.ru_maxrss * 1024; /* Linux counts in KiB */
#if defined(__APPLE__)
    m->peak_rss /= 1024;
#endif
    return good && m->count > WARM_UP;
}

static void print_measurement(canto_context *context, const canto_config *config, measurement *m, bool json) {
    int64_t steps = m->count - WARM_UP;
    double  seconds = median(m->seconds + WARM_UP, steps), tokens = (double)m->batch * m->context;
    double  gflops = tokens * m->flops_per_token / seconds / 1e9, share = gflops / ((m->peak[0] + m->peak[1]) / 2);
    if (json) {
        json_t *o = json_object(), *peaks = json_array();
        json_array_append_new(peaks, json_number(m->peak[0]));
        json_array_append_new(peaks, json_number(m->peak[1]));
        json_object_set_new(o, "ms_per_step", json_number(1e3 * seconds));
        json_object_set_new(o, "tokens_per_second", json_number(tokens / seconds));
        json_object_set_new(o, "gflops", json_number(gflops));
        json_object_set_new(o, "peak_gflops", peaks);
        json_object_set_new(o, "peak_share", json_number(share));
        json_object_set_new(o, "peak_rss_bytes", json_whole(m->peak_rss));
        json_object_set_new(o, "flops_per_token", json_number(m->flops_per_token));
        json_object_set_new(o, "preset", json_string(config->preset));
        json_object_set_new(o, "batch", json_integer(m->batch));
        json_object_set_new(o, "context", json_integer(m->context));
        json_object_set_new(o, "steps", json_integer(steps));
        json_object_set_new(o, "threads", json_integer(canto_context_threads(context)));
        json_object_set_new(o, "cpu", json_string(canto_context_cpu(context)));
        json_print(o);
        return;
    }
    printf("%s, batch %d of %d tokens, %d threads, %s\n", *config->preset ? config->preset : "model", (int)m->batch,
           (int)m->context, canto_context_threads(context), canto_context_cpu(context));
    printf("  step          %.2f ms (median of %lld)\n", 1e3 * seconds, (long long)steps);
    printf("  tokens        %s a second\n", number_grouped((uint64_t)(tokens / seconds)).text);
    printf("  arithmetic    %.1f GFLOP/s, %.1f %% of the peak\n", gflops, 100 * share);
    printf("  peak          %.1f GFLOP/s before, %.1f after\n", m->peak[0], m->peak[1]);
    printf("  peak memory   %s\n", number_bytes((double)m->peak_rss).text);
}

static int bench(const option_set *options, const canto_config *config, const canto_train_options *training) {
    int            code = FAILED;
    canto_data    *data = NULL;
    canto_context *context = support_context_silent(options); /* random tokens need no advice */
    canto_report   report;
    measurement    m = {.room = training->steps, .batch = training->batch, .context = config->context};
    m.seconds = calloc((size_t)m.room, sizeof *m.seconds);
    if (!m.seconds) terminal_error("out of memory");
    if (!m.seconds || !context || !support_good(canto_config_report(config, training->batch, 0, &report)) ||
        !speed_random_data(context, config, &data))
        goto done;
    m.flops_per_token = report.training_flops_per_token;
    if (!train(context, config, training, data, &m)) goto done;
    print_measurement(context, config, &m, options_flag(options, "json"));
    code = DONE;
done:
    free(m.seconds);
    canto_data_close(data);
    canto_context_close(context);
    return code;
}

static int run_bench_train(option_set *options) {
    canto_config        config;
    canto_train_options training;
    int64_t             steps = 20, seed;
    if (options->count) return support_usage("bench train takes options alone; it trains on random tokens");
    if (!support_good(canto_preset(options_text(options, "preset", "mini"), &config, &training)) ||
        !model_options_apply(options, &config) || !support_good(canto_config_check(&config)))
        return WRONG_USAGE;
    options_int64(options, "steps", &steps);
    options_int32(options, "batch", &training.batch);
    options_switch(options, "recompute", &training.recompute);
    if (options_int64(options, "seed", &seed)) training.seed = (uint64_t)seed;
    training.steps = steps + WARM_UP;
    training.epochs = 0;
    training.accumulate = 1;
    training.split = 1;
    training.eval_batch = training.eval_every = 0;
    training.eval_batches = 1;
    training.max_seconds = 0;
    return bench(options, &config, &training);
}

static const char *const examples[] = {
    "canto bench train --preset mini",
    "the time of a step of the small model",
    "canto bench train --preset gpt2 --batch 4 --context 64 --steps 5 --json",
    "GPT-2 on short sequences, for another program",
    NULL,
};

const command command_bench_train = {
    .name = "bench train",
    .operands = "[--preset NAME] [OPTIONS]",
    .about = "measure how fast this machine trains a model",
    .details =
        "Trains on random tokens and writes nothing. A step is batch, forward, backward, clipping and optimizer; "
        "FLOPs are counted as canto inspect does, and the peak is that of float32 multiply-adds, measured just "
        "before and after.\n",
    .groups = groups,
    .run = run_bench_train,
    .section = "This program",
    .examples = examples,
    .completes = OPERANDS_NONE,
};
