/* bench_write.c - canto bench decode, canto bench prompt: how fast a model writes, and how fast it reads a prompt, beside what
 * the machine's memory and its multiply-adds could do at most. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "model_options.h"

enum { MOST_TIMES = 100000 };

/* What a command measured. */
typedef struct measurement {
    double   seconds[MOST_TIMES]; /* of each token, or of each prompt */
    int64_t  count, room;
    double   last;
    double   read[2], fma[2]; /* before and after */
    double   first;           /* seconds until the first token, prompt included */
    int64_t  prompt, tokens;
    bool     forgot;     /* the peak of memory before */
    uint64_t bytes, rss; /* of the weights; of the process at most, since then; 0: not known */
    double   flops;      /* of one token's pass at this context, head included */
} measurement;

typedef struct subject {
    canto_context *context;
    canto_model   *opened; /* of which model is another form, when that was asked for */
    canto_model   *model;
    canto_session *session;
    uint32_t      *ids;
} subject;

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The shape that the options ask for: GPT-2's or another preset's. */
static bool shape(const option_set *options, canto_config *config) {
    canto_train_options training;
    return support_good(canto_preset(options_text(options, "preset", "gpt2"), config, &training)) &&
           model_options_apply(options, config) && support_good(canto_config_check(config));
}

static bool random_model(const option_set *options, canto_context *context, canto_model **model) {
    canto_config config;
    int64_t      seed = 1337;
    options_int64(options, "seed", &seed);
    return shape(options, &config) &&
           support_good(canto_model_new(context, &config, CANTO_INIT_GPT2, (uint64_t)seed, model));
}

static bool usage_is_right(const option_set *options, canto_config *config) {
    if (options->count > 1) return support_usage("one MODEL, or --preset NAME"), false;
    for (const option_entry *e = shape_entries; options->count == 1 && e->name; e++)
        if (options_given(options, e->name))
            return support_usage("--%s is of a preset: a MODEL has its own shape", e->name), false;
    return options->count == 1 || shape(options, config);
}

/* The context is there. The model, a session over it, and random tokens: as many as the option says, or else usual, or what the model sees. */
static bool subject_open(subject *s, const option_set *options, int64_t usual, int64_t *prompt) {
    uint64_t x = 1337;
    int64_t  count = usual;
    int      type;
    if (options->count ? !support_good(canto_model_open(s->context, options->operands[0], &s->model))
                       : !random_model(options, s->context, &s->model))
        return false;
    if (options_choice(options, "type", &type)) {
        s->opened = s->model;
        s->model = NULL;
        if (!support_good(canto_model_quantize(s->context, s->opened, (canto_type)type, &s->model))) return false;
        if (!canto_model_tokenizer(s->opened)) { /* nothing of it is needed any more */
            canto_model_close(s->opened);
            s->opened = NULL;
        }
    }
    const canto_config *config = canto_model_config(s->model);
    if (!options_int64(options, "prompt-tokens", &count) && count > config->context) count = config->context;
    *prompt = count;
    if (count > config->context) {
        terminal_error("%lld tokens: the model sees at most %d at once", (long long)count, (int)config->context);
        return false;
    }
    s->ids = malloc((size_t)count * sizeof *s->ids);
    if (!s->ids) terminal_error("out of memory");
    for (int64_t i = 0; s->ids && i < count; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        s->ids[i] = (uint32_t)((x >> 33) % (uint64_t)config->vocab);
    }
    return s->ids && support_good(canto_session_open(s->context, s->model, &s->session));
}

static void subject_close(subject *s) {
    free(s->ids);
    canto_session_close(s->session);
    canto_model_close(s->model);
    canto_model_close(s->opened);
    canto_context_close(s->context);
}

static bool probes(canto_context *context, measurement *m, int which) {
    return support_good(canto_probe(context, CANTO_PROBE_READ, 0, &m->read[which])) &&
           support_good(canto_probe(context, CANTO_PROBE_FMA, 0, &m->fma[which]));
}

/* The memory of the first probes, and of a model in another type, is not what writing takes: where the system does not forget
 * its peak, there is none to tell. */
static void forget_peak(measurement *m) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    m->forgot = file && fputs("5", file) >= 0;
    if (file && fclose(file) != 0) m->forgot = false;
}

static bool note_memory(const subject *s, measurement *m) {
    struct rusage usage;
    canto_report  report;
    if (m->forgot && getrusage(RUSAGE_SELF, &usage) == 0)
        m->rss = (uint64_t)usage.ru_maxrss * 1024; /* Linux, where it can be forgotten, counts in KiB */
    m->bytes = canto_model_bytes(s->model);
    if (!support_good(canto_config_report(canto_model_config(s->model), 1, (int32_t)m->prompt, &report))) return false;
    m->flops = report.forward_flops_per_token;
    return true;
}

static json_t *pair(const double values[2]) {
    json_t *a = json_array();
    json_array_append_new(a, json_number(values[0]));
    json_array_append_new(a, json_number(values[1]));
    return a;
}

static void put_common(json_t *o, const subject *s, const measurement *m) {
    json_object_set_new(o, "weights_bytes", json_whole(m->bytes));
    json_object_set_new(o, "prompt_tokens", json_integer(m->prompt));
    json_object_set_new(o, "read_gb_s", pair(m->read));
    json_object_set_new(o, "peak_gflops", pair(m->fma));
    json_object_set_new(o, "peak_rss_bytes", m->rss ? json_whole(m->rss) : json_null());
    json_object_set_new(o, "threads", json_integer(canto_context_threads(s->context)));
    json_object_set_new(o, "cpu", json_string(canto_context_cpu(s->context)));
    json_print(o);
}

static void print_head(const subject *s, const measurement *m) {
    const canto_config *c = canto_model_config(s->model);
    printf("%s, %s of weights, %d threads, %s\n", *c->preset ? c->preset : "model", number_bytes((double)m->bytes).text,
           canto_context_threads(s->context), canto_context_cpu(s->context));
}

/* ------------------------------------------------------------------------------------------------------- decode */

#define TYPE_ENTRY                                                                                                     \
    { "type", 0, OPTION_CHOICE, "f32|f16|bf16|int8|int4", "keep the weights so (default: as they are)", 0, 0 }

static const option_entry decode_entries[] = {
    TYPE_ENTRY,
    {"tokens", 'n', OPTION_INTEGER, "N", "tokens that are written (default: 64)", 2, MOST_TIMES},
    {"prompt-tokens", 0, OPTION_INTEGER, "N", "random tokens before them (default: 8)", 1, 2147483647},
    {0},
};

static const option_group decode_groups[] = {
    {"Measuring", decode_entries}, {"Model", shape_entries}, {"Common", common_entries}, {0}};

static bool on_token(void *user, uint32_t id, double logprob) {
    measurement *m = user;
    double       now = terminal_seconds();
    (void)id, (void)logprob;
    if (m->first == 0) m->first = now - m->last;
    else if (m->count < m->room) m->seconds[m->count++] = now - m->last;
    m->last = now;
    return true;
}

static void print_decode(const subject *s, measurement *m, bool json) {
    double seconds = median(m->seconds, m->count), bandwidth = (double)m->bytes / seconds / 1e9;
    double share = bandwidth / ((m->read[0] + m->read[1]) / 2);
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "tokens_per_second", json_number(1 / seconds));
        json_object_set_new(o, "ms_per_token", json_number(1e3 * seconds));
        json_object_set_new(o, "bandwidth_gb_s", json_number(bandwidth));
        json_object_set_new(o, "bandwidth_share", json_number(share));
        json_object_set_new(o, "first_token_ms", json_number(1e3 * m->first));
        json_object_set_new(o, "tokens", json_integer(m->tokens));
        put_common(o, s, m);
        return;
    }
    print_head(s, m);
    printf("  token         %.3f ms (median of %lld), %.1f a second\n", 1e3 * seconds, (long long)m->count,
           1 / seconds);
    printf("  weights       %.1f GB/s, %.1f %% of what can be read\n", bandwidth, 100 * share);
    printf("  memory reads  %.1f GB/s before, %.1f after\n", m->read[0], m->read[1]);
    printf("  first token   %.1f ms, after a prompt of %lld\n", 1e3 * m->first, (long long)m->prompt);
    if (m->rss) printf("  peak memory   %s\n", number_bytes((double)m->rss).text);
}

static int run_bench_decode(option_set *options) {
    subject                s = {0};
    measurement           *m = calloc(1, sizeof *m);
    canto_generate_options how = canto_generate_options_default();
    int                    code = FAILED;
    canto_config           config;
    if (!usage_is_right(options, &config)) return free(m), WRONG_USAGE;
    if (!m) return terminal_error("out of memory"), FAILED;
    m->tokens = 64, m->room = MOST_TIMES;
    options_int64(options, "tokens", &m->tokens);
    how.tokens = m->tokens;
    s.context = support_context_silent(options);
    if (!s.context || !probes(s.context, m, 0) || !subject_open(&s, options, 8, &m->prompt)) goto done;
    forget_peak(m);
    m->last = terminal_seconds();
    if (!support_good(canto_generate(s.session, s.ids, (size_t)m->prompt, &how, on_token, m)) || !note_memory(&s, m) ||
        !probes(s.context, m, 1))
        goto done;
    print_decode(&s, m, options_flag(options, "json"));
    code = DONE;
done:
    subject_close(&s);
    free(m);
    return code;
}

static const char *const decode_examples[] = {
    "canto bench decode run -n 32",
    "how fast a model of one's own writes",
    "canto bench decode --preset mini --json",
    "a model of random weights, for another program; --preset gpt2 is the default",
    NULL,
};

const command command_bench_decode = {
    .name = "bench decode",
    .operands = "[MODEL] [--preset NAME] [OPTIONS]",
    .about = "measure how fast a model writes",
    .details =
        "Writes tokens one by one, each chosen from the whole distribution, and takes the median of their times. "
        "Every token reads all weights once: their bytes a second stand beside what this machine reads from "
        "memory, measured just before and just after. Without MODEL the weights are random.\n",
    .groups = decode_groups,
    .run = run_bench_decode,
    .section = "This program",
    .examples = decode_examples,
};

/* ------------------------------------------------------------------------------------------------------- prompt */

static const option_entry prompt_entries[] = {
    TYPE_ENTRY,
    {"prompt-tokens", 0, OPTION_INTEGER, "N", "random tokens (default: 512, or the model's context)", 1, 2147483647},
    {"rounds", 0, OPTION_INTEGER, "N", "how often; the median counts (default: 5)", 1, 1000},
    {0},
};

static const option_group prompt_groups[] = {
    {"Measuring", prompt_entries}, {"Model", shape_entries}, {"Common", common_entries}, {0}};

static void print_prompt(const subject *s, measurement *m, bool json) {
    double seconds = median(m->seconds, m->count), tokens = (double)m->prompt;
    /* the head sees the last position alone */
    const canto_config *c = canto_model_config(s->model);
    double              head = 2.0 * c->vocab * c->width;
    double              gflops = (tokens * (m->flops - head) + head) / seconds / 1e9;
    double              share = gflops / ((m->fma[0] + m->fma[1]) / 2);
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "tokens_per_second", json_number(tokens / seconds));
        json_object_set_new(o, "ms_per_prompt", json_number(1e3 * seconds));
        json_object_set_new(o, "gflops", json_number(gflops));
        json_object_set_new(o, "peak_share", json_number(share));
        json_object_set_new(o, "bandwidth_gb_s", json_number((double)m->bytes / seconds / 1e9));
        json_object_set_new(o, "bandwidth_share",
                            json_number((double)m->bytes / seconds / 1e9 / ((m->read[0] + m->read[1]) / 2)));
        json_object_set_new(o, "rounds", json_integer(m->count));
        put_common(o, s, m);
        return;
    }
    print_head(s, m);
    printf("  prompt        %.2f ms for %lld tokens (median of %lld), %s a second\n", 1e3 * seconds,
           (long long)m->prompt, (long long)m->count, number_grouped((uint64_t)(tokens / seconds)).text);
    printf("  arithmetic    %.1f GFLOP/s, %.1f %% of the peak\n", gflops, 100 * share);
    printf("  peak          %.1f GFLOP/s before, %.1f after\n", m->fma[0], m->fma[1]);
    if (m->rss) printf("  peak memory   %s\n", number_bytes((double)m->rss).text);
}

/* Every round's prompt begins with another token: nothing of the last one can be used again. */
static bool read_prompts(subject *s, measurement *m, int64_t rounds) {
    uint32_t V = (uint32_t)canto_model_config(s->model)->vocab;
    float   *logits = malloc(V * sizeof *logits);
    bool     good = logits != NULL;
    if (!good) terminal_error("out of memory");
    for (int64_t i = 0; good && i <= rounds; i++) {
        double start = terminal_seconds();
        s->ids[0] = (s->ids[0] + 1) % V;
        good = support_good(canto_session_logits(s->session, s->ids, (size_t)m->prompt, logits));
        if (i > 0) m->seconds[m->count++] = terminal_seconds() - start;
    }
    free(logits);
    return good;
}

static int run_bench_prompt(option_set *options) {
    subject      s = {0};
    measurement *m = calloc(1, sizeof *m);
    int64_t      rounds = 5;
    int          code = FAILED;
    canto_config config;
    if (!usage_is_right(options, &config)) return free(m), WRONG_USAGE;
    if (!m) return terminal_error("out of memory"), FAILED;
    options_int64(options, "rounds", &rounds);
    s.context = support_context_silent(options);
    if (!s.context || !probes(s.context, m, 0) || !subject_open(&s, options, 512, &m->prompt)) goto done;
    forget_peak(m);
    if (!read_prompts(&s, m, rounds) || !note_memory(&s, m) || !probes(s.context, m, 1)) goto done;
    print_prompt(&s, m, options_flag(options, "json"));
    code = DONE;
done:
    subject_close(&s);
    free(m);
    return code;
}

static const char *const prompt_examples[] = {
    "canto bench prompt run",
    "how fast a model of one's own reads",
    "canto bench prompt --preset mini --prompt-tokens 100 --json",
    "100 tokens through a model of random weights, for another program",
    NULL,
};

const command command_bench_prompt = {
    .name = "bench prompt",
    .operands = "[MODEL] [--preset NAME] [OPTIONS]",
    .about = "measure how fast a model reads a prompt",
    .details =
        "Sends a prompt of random tokens through the model in one call, round after round. The multiply-adds stand "
        "beside the peak, measured just before and just after. Without MODEL the weights are random.\n",
    .groups = prompt_groups,
    .run = run_bench_prompt,
    .section = "This program",
    .examples = prompt_examples,
};
