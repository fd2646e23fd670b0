/* test_session.c - writing with kept keys and values gives what the whole pass over the last T tokens gives, to the bit:
 * every variant of the model, every position, past the end of the context, after changed ends and steps back. */
#include "infer/session.h"

#include "infer/sampler.h"
#include "small_gpt.h"
#include "unit.h"

#include <math.h>

#define TOKENS 30 /* of a test's text */

/* A model of random weights, and the whole pass over it. */
typedef struct subject {
    canto_context  *context;
    tensor_table    table;
    float          *block, *logits, *expected;
    canto_model    *model;
    canto_session  *session;
    gpt_activations acts;
    void           *acts_base;
    exec            exec;
} subject;

static void shake(subject *s, uint64_t seed) {
    stream_rng r = stream_seed(seed, RNG_BATCHES);
    for (size_t i = 0; i < s->table.elements; i++) s->block[i] = (float)(stream_uniform(&r) - 0.5);
}

static void subject_open(subject *s, const canto_config *config, const char *cpu, int threads) {
    canto_context_options options = canto_context_options_default();
    size_t                bytes = gpt_activations_bytes(config, 1, config->context, GPT_KEEP_NOTHING);
    void                 *block;
    *s = (subject){0};
    options.cpu = cpu;
    options.threads = threads;
    ok(canto_context_open(&options, &s->context));
    ok(canto_config_check(config));
    ok(tensor_table_open(s->context, config, &s->table));
    s->block = calloc(s->table.elements, sizeof *s->block);
    s->logits = calloc((size_t)config->vocab, sizeof *s->logits);
    s->expected = calloc((size_t)config->vocab, sizeof *s->expected);
    shake(s, 5);
    ok(model_borrow(s->context, config, s->block, NULL, &s->model));
    s->model->borrowed = false; /* as an opened one */
    ok(canto_session_open(s->context, s->model, &s->session));
    ok(context_exec_open(s->context, gpt_scratch_bytes(config, config->context), &s->exec));
    ok(context_block(s->context, bytes, "activations", &s->acts_base, &block));
    gpt_activations_bind(config, 1, config->context, GPT_KEEP_NOTHING, block, &s->acts);
}

static void subject_close(subject *s) {
    context_exec_close(s->context, &s->exec);
    context_release(s->context, s->acts_base);
    canto_session_close(s->session);
    canto_model_close(s->model);
    tensor_table_close(s->context, &s->table);
    canto_context_close(s->context);
    free(s->block), free(s->logits), free(s->expected);
}

/* The sources' way: the last T tokens through the whole model. */
static void whole_pass(subject *s, const uint32_t *ids, size_t count, float *logits) {
    const gpt_dropout off = {0};
    size_t            T = (size_t)s->model->config.context, n = count < T ? count : T;
    gpt_forward(&s->exec, s->session->kernels, &s->model->weights, &s->acts, ids + count - n, 1, (int32_t)n, &off);
    gpt_logits(&s->exec, s->session->kernels, &s->model->weights, &s->acts, (int64_t)n - 1, 1, logits);
}

static void check_against(subject *s, const uint32_t *ids, size_t count, const float *expected, const char *what) {
    size_t V = (size_t)s->model->config.vocab;
    ok(canto_session_logits(s->session, ids, count, s->logits));
    for (size_t v = 0; v < V; v++)
        if (!(s->logits[v] == expected[v]))
            fail_msg("%s on %s, after %zu tokens, logit %zu: %.9g with the cache, %.9g without", what,
                     s->session->kernels->name, count, v, (double)s->logits[v], (double)expected[v]);
}

static void check_logits(subject *s, const uint32_t *ids, size_t count, const char *what) {
    whole_pass(s, ids, count, s->expected);
    check_against(s, ids, count, s->expected, what);
}

static void random_ids(uint32_t *ids, size_t n, int32_t V, uint64_t seed) {
    stream_rng r = stream_seed(seed, RNG_BATCHES);
    for (size_t i = 0; i < n; i++) ids[i] = (uint32_t)stream_below(&r, (uint64_t)V);
}

static canto_config base_config(void) {
    canto_config c = small_gpt(31, 13, 24, 40);
    c.head_bias = true;
    return c;
}

/* ---------------------------------------------------------------------------------------------------- variants */

typedef struct variant {
    const char *name;
    void (*change)(canto_config *c);
} variant;

static void as_it_is(canto_config *c) { (void)c; }
static void post_norm(canto_config *c) { c->norm = CANTO_NORM_POST; }
static void no_norm(canto_config *c) { c->norm = CANTO_NORM_NONE, c->final_norm = false; }
static void sinusoidal(canto_config *c) { c->positions = CANTO_POSITIONS_SINUSOIDAL; }
static void no_positions(canto_config *c) { c->positions = CANTO_POSITIONS_NONE; }
static void scale_none(canto_config *c) { c->attention_scale = CANTO_SCALE_NONE; }
static void scale_width(canto_config *c) { c->attention_scale = CANTO_SCALE_WIDTH; }
static void exact_gelu(canto_config *c) { c->activation = CANTO_GELU_EXACT; }
static void relu(canto_config *c) { c->activation = CANTO_RELU; }
static void no_attention(canto_config *c) { c->attention = false; }
static void no_ffn(canto_config *c) { c->ffn = 0; }
static void no_projection(canto_config *c) { c->projection = c->projection_bias = false; }
static void no_biases(canto_config *c) { c->qkv_bias = c->projection_bias = c->head_bias = false; }
static void no_residuals(canto_config *c) { c->residuals = false; }
static void no_final_norm(canto_config *c) { c->final_norm = false; }
static void tied(canto_config *c) { c->tied = true, c->head_bias = false; }
static void no_layers(canto_config *c) { c->layers = 0; }
static void one_token_context(canto_config *c) { c->context = 1; }
static void all_local(canto_config *c) { c->window = 4, strcpy(c->pattern, "l"); }
static void local_and_global(canto_config *c) { c->window = 5, strcpy(c->pattern, "gl"); }
static void window_of_one(canto_config *c) { c->window = 1, strcpy(c->pattern, "l"); }
static void wide_window(canto_config *c) { c->window = 100, strcpy(c->pattern, "l"); }
static void local_sinusoidal(canto_config *c) { local_and_global(c), sinusoidal(c); }
static void local_unplaced(canto_config *c) { all_local(c), no_positions(c); }
static void one_head(canto_config *c) { c->heads = 1; }
static void odd_sizes(canto_config *c) { c->width = 35, c->heads = 7, c->ffn = 13, c->vocab = 37, c->context = 11; }
static void odd_sinusoidal(canto_config *c) { odd_sizes(c), sinusoidal(c); }
static void heads_of_one(canto_config *c) { c->heads = c->width; }
static void dante_basic(canto_config *c) { no_positions(c), c->layers = 0; }
static void dante_early(canto_config *c) {
    one_head(c), sinusoidal(c), no_projection(c), relu(c), no_residuals(c), scale_width(c);
    c->norm = CANTO_NORM_NONE;
    c->layers = 1;
}
static void dante(canto_config *c) { post_norm(c), sinusoidal(c), exact_gelu(c); }
static void attention_alone(canto_config *c) { no_ffn(c), no_norm(c), no_residuals(c), no_positions(c); }

static const variant variants[] = {
    {"pre-norm", as_it_is},
    {"post-norm", post_norm},
    {"no norm", no_norm},
    {"sinusoidal positions", sinusoidal},
    {"no positions", no_positions},
    {"no attention scale", scale_none},
    {"attention scale by width", scale_width},
    {"exact GELU", exact_gelu},
    {"ReLU", relu},
    {"no attention", no_attention},
    {"no feed-forward", no_ffn},
    {"no projection", no_projection},
    {"no biases", no_biases},
    {"no residuals", no_residuals},
    {"no final norm", no_final_norm},
    {"tied", tied},
    {"no layers", no_layers},
    {"context 1", one_token_context},
    {"all local", all_local},
    {"global and local", local_and_global},
    {"window 1", window_of_one},
    {"a window beyond the context", wide_window},
    {"local, sinusoidal", local_sinusoidal},
    {"local, no positions", local_unplaced},
    {"one head", one_head},
    {"odd sizes", odd_sizes},
    {"odd sizes, sinusoidal", odd_sinusoidal},
    {"heads of one column", heads_of_one},
    {"dante-basic", dante_basic},
    {"dante-attention", dante_early},
    {"dante", dante},
    {"attention alone", attention_alone},
};

/* Token by token to more than twice the context, then in uneven pieces from nothing. */
static void check_variant(const variant *v, const char *cpu) {
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[TOKENS], other;
    float        expected[TOKENS][40];
    v->change(&config);
    subject_open(&s, &config, cpu, 1);
    random_ids(ids, TOKENS, config.vocab, 1);
    for (size_t n = 1; n <= TOKENS; n++) {
        whole_pass(&s, ids, n, expected[n - 1]);
        check_against(&s, ids, n, expected[n - 1], v->name);
    }
    other = (ids[0] + 1) % (uint32_t)config.vocab;
    ok(canto_session_logits(s.session, &other, 1, s.logits)); /* forgets everything */
    for (size_t n = 1; n <= TOKENS; n += 1 + n % 5) check_against(&s, ids, n, expected[n - 1], v->name);
    subject_close(&s);
}

static void test_every_variant(void **state) {
    static const char *const cpus[] = {"portable", "avx2", "avx512", "neon"};
    (void)state;
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
        if (!kernels_choose(cpus[i])) continue;
        for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) check_variant(&variants[v], cpus[i]);
        printf("%zu variants on %s\n", sizeof variants / sizeof *variants, cpus[i]);
    }
}

static void test_every_preset_shrunk(void **state) {
    const char *name;
    uint32_t    ids[TOKENS];
    (void)state;
    for (size_t i = 0; (name = canto_preset_name(i, NULL)) != NULL; i++) {
        canto_config c;
        subject      s;
        ok(canto_preset(name, &c, NULL));
        c.width = c.width / 8 < 8 ? 8 : c.width / 8;
        c.width = c.width > 24 ? 24 : c.width;
        while (c.width % c.heads) c.heads--;
        c.layers = c.layers < 2 ? c.layers : 2;
        c.ffn = c.ffn ? 2 * c.width : 0;
        c.vocab = 31;
        c.context = 12;
        c.window = c.window ? 6 : 0;
        subject_open(&s, &c, NULL, 1);
        random_ids(ids, TOKENS, c.vocab, i);
        for (size_t n = 1; n <= TOKENS; n += 1 + n % 2) check_logits(&s, ids, n, name);
        subject_close(&s);
    }
}

/* --------------------------------------------------------------------------------------- what is computed again */

/* A prompt longer than what goes through the model at once; one more token, and one more than the context holds. */
static void test_long_prompts(void **state) {
    enum { T = 2 * SESSION_ROWS + 50 };
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[T + 2];
    (void)state;
    config.context = T;
    config.width = 6;
    config.ffn = 8;
    config.window = 300;
    strcpy(config.pattern, "gl");
    subject_open(&s, &config, NULL, 2);
    random_ids(ids, T + 2, config.vocab, 3);
    check_logits(&s, ids, T - 1, "a long prompt");
    check_logits(&s, ids, T, "one more token");
    assert_int_equal(s.session->acts.t, 1);
    check_logits(&s, ids, T + 1, "past the context");
    check_logits(&s, ids, T + 2, "past the context");
    subject_close(&s);
}

/* Random texts that share a beginning with the one before: only what differs is computed, and rightly. */
static void test_beginnings_are_kept(void **state) {
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[TOKENS], before[TOKENS];
    stream_rng   r = stream_seed(11, RNG_BATCHES);
    size_t       T = (size_t)config.context, had = 0;
    (void)state;
    subject_open(&s, &config, NULL, 1);
    random_ids(ids, TOKENS, config.vocab, 4);
    for (int round = 0; round < 150; round++) {
        size_t count = 1 + stream_below(&r, T), from = stream_below(&r, count), same = 0;
        memcpy(before, ids, sizeof ids);
        for (size_t i = from; i < count; i++) ids[i] = (uint32_t)stream_below(&r, 31);
        while (same < count && same < had && ids[same] == before[same]) same++;
        if (same == count) same--; /* the last position is wanted */
        check_logits(&s, ids, count, "a changed end");
        assert_int_equal(s.session->acts.start, same);
        assert_int_equal(s.session->acts.t, count - same);
        had = count;
    }
    subject_close(&s);
}

/* A full context of equal tokens is the same context after one more of them: its beginning stays. */
static void test_sliding_over_equal_tokens(void **state) {
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[TOKENS] = {0};
    (void)state;
    subject_open(&s, &config, NULL, 1);
    for (size_t n = 1; n <= TOKENS; n++) check_logits(&s, ids, n, "equal tokens");
    subject_close(&s);
}

/* The weights of a borrowed model change under the session: nothing is kept from call to call. */
static void test_borrowed_weights_may_change(void **state) {
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[8];
    (void)state;
    subject_open(&s, &config, NULL, 1);
    s.model->borrowed = true;
    random_ids(ids, 8, config.vocab, 4);
    check_logits(&s, ids, 8, "the first weights");
    shake(&s, 6);
    check_logits(&s, ids, 8, "other weights");
    subject_close(&s);
}

/* ------------------------------------------------------------------------------------------------------ writing */

typedef struct written {
    uint32_t ids[TOKENS];
    double   logprobs[TOKENS];
    size_t   count;
} written;

static bool keep_token(void *user, uint32_t id, double logprob) {
    written *w = user;
    w->logprobs[w->count] = logprob;
    w->ids[w->count++] = id;
    return true;
}

/* Which tokens the penalty touches after ids[count], told the plain way. */
static void mark_plainly(const uint32_t *ids, size_t count, int32_t window, uint8_t *seen, size_t V) {
    size_t from = window > 0 && count > (size_t)window ? count - (size_t)window : 0;
    memset(seen, 0, V);
    for (size_t i = from; i < count; i++) seen[ids[i]] = 1;
}

/* From a prompt and beyond the context, against a loop of whole passes; the log-probabilities are the model's own. */
static void check_writing(subject *s, const canto_generate_options *options, size_t prompt) {
    written    w = {0};
    uint32_t   ids[3 * TOKENS];
    uint8_t    seen[64];
    float      p[64];
    int32_t    V = s->model->config.vocab;
    torch_rng  torch;
    stream_rng stream = stream_seed(options->seed, RNG_SAMPLING);
    torch_seed(&torch, options->seed);
    random_ids(ids, prompt, V, 9);
    ok(canto_generate(s->session, ids, prompt, options, keep_token, &w));
    assert_int_equal(w.count, options->tokens);
    for (size_t i = 0; i < w.count; i++) {
        whole_pass(s, ids, prompt + i, s->expected);
        memcpy(p, s->expected, (size_t)V * sizeof *p);
        mark_plainly(ids, prompt + i, options->repeat_window, seen, (size_t)V);
        sampler_penalize(p, V, seen, options->repeat_penalty);
        ids[prompt + i] = sampler_pick(p, V, options, &torch, &stream);
        assert_int_equal(w.ids[i], ids[prompt + i]);
        double sum = exp((double)s->expected[0]);
        for (int32_t v = 1; v < V; v++) sum += exp((double)s->expected[v]);
        assert_true(fabs(w.logprobs[i] - ((double)s->expected[w.ids[i]] - log(sum))) < 1e-5);
    }
}

static void test_writing_beyond_the_context(void **state) {
    static void (*const changes[])(canto_config *) = {as_it_is, dante, local_and_global, local_unplaced, odd_sizes};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        subject                s;
        canto_config           config = base_config();
        canto_generate_options options = canto_generate_options_default();
        changes[i](&config);
        subject_open(&s, &config, NULL, 1);
        options.tokens = TOKENS;
        check_writing(&s, &options, 5);
        options.parity_torch = true;
        check_writing(&s, &options, 5);
        options.greedy = true;
        check_writing(&s, &options, 5);
        check_writing(&s, &options, TOKENS); /* a prompt longer than the context */
        subject_close(&s);
    }
}

/* Over all tokens, those of a prompt beyond the context too, and over the last three; before the temperature, and when
 * greedy. */
static void test_writing_with_a_penalty(void **state) {
    subject                s;
    canto_config           config = base_config();
    canto_generate_options options = canto_generate_options_default();
    (void)state;
    subject_open(&s, &config, NULL, 1);
    options.tokens = TOKENS;
    options.repeat_penalty = 1.8;
    options.temperature = 0.5;
    for (int greedy = 0; greedy < 2; greedy++) {
        options.greedy = greedy;
        options.repeat_window = 0;
        check_writing(&s, &options, 5);
        check_writing(&s, &options, TOKENS);
        options.repeat_window = 3;
        check_writing(&s, &options, 5);
        options.repeat_window = config.context;
        check_writing(&s, &options, TOKENS);
    }
    subject_close(&s);
}

static void test_options_are_checked(void **state) {
    subject                s;
    canto_config           config = base_config();
    canto_generate_options good = canto_generate_options_default(), o;
    uint32_t               id = 1, beyond = (uint32_t)config.vocab;
    (void)state;
    subject_open(&s, &config, NULL, 1);
    fails(canto_generate(s.session, &id, 0, &good, NULL, NULL), CANTO_ERROR_VALUE, "at least one");
    fails(canto_generate(s.session, &beyond, 1, &good, NULL, NULL), CANTO_ERROR_VALUE, "from 0 to 30");
#define REFUSED(field, value, part)                                                                                    \
    o = good, o.field = (value), fails(canto_generate(s.session, &id, 1, &o, NULL, NULL), CANTO_ERROR_VALUE, part)
    REFUSED(tokens, -1, "negative");
    REFUSED(temperature, -1, "temperature");
    REFUSED(temperature, NAN, "temperature");
    REFUSED(top_k, -1, "top_k");
    REFUSED(top_p, 0, "top_p");
    REFUSED(top_p, 1.1, "top_p");
    REFUSED(min_p, -0.1, "min_p");
    REFUSED(min_p, NAN, "min_p");
    REFUSED(repeat_penalty, 0, "penalty");
    REFUSED(repeat_penalty, INFINITY, "penalty");
    REFUSED(repeat_window, -1, "window");
    REFUSED(repeat_window, config.context + 1, "context of 13");
    subject_close(&s);
}

static void test_numbers_that_are_not_finite(void **state) {
    subject                s;
    canto_config           config = base_config();
    canto_generate_options options = canto_generate_options_default();
    uint32_t               id = 1;
    (void)state;
    subject_open(&s, &config, NULL, 1);
    s.block[tensor_find(&s.table, TENSOR_HEAD_BIAS, -1)->offset + 7] = NAN;
    fails(canto_generate(s.session, &id, 1, &options, NULL, NULL), CANTO_ERROR_NUMBER, "not finite");
    subject_close(&s);
}

/* ------------------------------------------------------------------------------------------------------- memory */

typedef struct ledger {
    size_t bytes;
    int    calls;
} ledger;

static void *counted_resize(void *user, void *old, size_t bytes) {
    ledger *l = user;
    l->calls++;
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    l->bytes += bytes;
    return realloc(old, bytes);
}

/* What session_bytes says is what opening takes (beside the room to align two blocks), and writing takes nothing. */
static void test_memory_is_planned(void **state) {
    subject      s;
    canto_config config = base_config();
    (void)state;
    subject_open(&s, &config, NULL, 1);
    for (int threads = 1; threads <= 2; threads++) {
        ledger                l = {0};
        canto_context        *other;
        canto_session        *session;
        canto_context_options options = canto_context_options_default();
        options.threads = threads;
        options.allocator = (canto_allocator){counted_resize, &l};
        ok(canto_context_open(&options, &other));
        size_t before = l.bytes;
        ok(canto_session_open(other, s.model, &session));
        size_t taken = l.bytes - before, planned = session_bytes(&config, 0, threads);
        assert_true(taken >= planned && taken <= planned + 128);
        int                    calls = l.calls;
        canto_generate_options how = canto_generate_options_default();
        uint32_t               ids[TOKENS];
        how.tokens = TOKENS;
        random_ids(ids, TOKENS, config.vocab, 2);
        ok(canto_generate(session, ids, 3, &how, NULL, NULL));
        ok(canto_session_logits(session, ids, TOKENS, s.logits));
        assert_int_equal(l.calls, calls);
        canto_session_close(session);
        canto_context_close(other);
    }
    subject_close(&s);
}

/* ---------------------------------------------------------------------------------------------------------- scores */

/* Token i of ids, by the whole pass over what stands before it in the last T of ids[count - 1]. */
static void check_score(subject *s, const uint32_t *ids, size_t count, size_t from) {
    size_t T = (size_t)s->model->config.context, dropped = count - 1 > T ? count - 1 - T : 0;
    double logprobs[600];
    bool   greedy[600];
    ok(canto_session_score(s->session, ids, count, from, logprobs, greedy));
    for (size_t i = from; i < count; i++) {
        int32_t V = s->model->config.vocab, most = 0;
        whole_pass(s, ids + dropped, i - dropped, s->logits);
        for (int32_t v = 1; v < V; v++)
            if (s->logits[v] > s->logits[most]) most = v;
        double expected = (double)s->logits[ids[i]] - sampler_log_sum(s->logits, V);
        assert_true(logprobs[i - from] == expected);
        assert_int_equal(greedy[i - from], (uint32_t)most == ids[i]);
    }
}

static void test_scores(void **state) {
    enum { T = SESSION_ROWS + 40 };
    subject      s;
    canto_config config = base_config();
    uint32_t     ids[T + 3];
    double       sum = 0, logprobs[T + 3];
    bool         greedy[2];
    (void)state;
    config.context = T;
    config.width = 6;
    config.ffn = 8;
    subject_open(&s, &config, NULL, 2);
    random_ids(ids, T + 3, config.vocab, 8);
    check_score(&s, ids, 2, 1);
    check_score(&s, ids, 40, 5);
    check_score(&s, ids, 40, 30); /* the timeline has all of it */
    ids[38] = (ids[38] + 1) % 31;
    check_score(&s, ids, 40, 30);   /* another ending */
    check_score(&s, ids, T + 1, 1); /* over two passes, to the context's end */
    check_score(&s, ids, T + 3, T); /* the first tokens drop out */
    check_score(&s, ids, T + 3, T + 2);
    ok(canto_session_score(s.session, ids, 60, 3, logprobs, NULL));
    /* What greedy writing writes is greedy, and all tokens together have probability 1. */
    for (uint32_t v = 0; v < 31; v++) {
        ids[3] = v;
        ok(canto_session_score(s.session, ids, 4, 3, logprobs, greedy));
        sum += exp(logprobs[0]);
    }
    assert_true(fabs(sum - 1) < 1e-6);
    fails(canto_session_score(s.session, ids, 4, 0, logprobs, NULL), CANTO_ERROR_VALUE, "before");
    fails(canto_session_score(s.session, ids, 4, 4, logprobs, NULL), CANTO_ERROR_VALUE, "one must be among them");
    fails(canto_session_score(s.session, ids, T + 3, 2, logprobs, NULL), CANTO_ERROR_VALUE, "context");
    ids[3] = 31;
    fails(canto_session_score(s.session, ids, 4, 1, logprobs, NULL), CANTO_ERROR_VALUE, "31");
    subject_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_variant),
        cmocka_unit_test(test_every_preset_shrunk),
        cmocka_unit_test(test_long_prompts),
        cmocka_unit_test(test_beginnings_are_kept),
        cmocka_unit_test(test_sliding_over_equal_tokens),
        cmocka_unit_test(test_borrowed_weights_may_change),
        cmocka_unit_test(test_writing_beyond_the_context),
        cmocka_unit_test(test_writing_with_a_penalty),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_numbers_that_are_not_finite),
        cmocka_unit_test(test_memory_is_planned),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
