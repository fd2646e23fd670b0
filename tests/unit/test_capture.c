/* test_capture.c - what canto_capture shows is what the pass makes: embeddings, outputs and logits to the bit, attention
 * weights against those that the portable kernels apply and against a textbook softmax; their rows sum to one, and are
 * causal and local where the model is. */
#include "math/kernels.h"
#include "model/attention.h"
#include "small_gpt.h"
#include "store/model.h"
#include "unit.h"

#include <math.h>

/* A model of random weights, and a pass over it that keeps everything. */
typedef struct subject {
    canto_context  *context;
    tensor_table    table;
    float          *block;
    canto_model    *model;
    const kernels  *kernels;
    exec            exec;
    gpt_activations acts;
    void           *base;
    uint32_t       *ids;
    int32_t         n;
} subject;

static void subject_open(subject *s, const canto_config *config, const char *cpu, int threads, int32_t n) {
    canto_context_options options = canto_context_options_default();
    const gpt_dropout     off = {0};
    stream_rng            r = stream_seed(5, RNG_BATCHES);
    void                 *block;
    *s = (subject){.n = n, .ids = calloc((size_t)n, sizeof(uint32_t))};
    options.cpu = cpu;
    options.threads = threads;
    ok(canto_context_open(&options, &s->context));
    ok(canto_config_check(config));
    ok(tensor_table_open(s->context, config, &s->table));
    s->block = calloc(s->table.elements, sizeof *s->block);
    for (size_t i = 0; i < s->table.elements; i++) s->block[i] = 2 * (float)(stream_uniform(&r) - 0.5);
    for (int32_t i = 0; i < n; i++) s->ids[i] = (uint32_t)stream_below(&r, (uint64_t)config->vocab);
    ok(model_borrow(s->context, config, s->block, NULL, &s->model));
    s->kernels = kernels_choose(cpu);
    ok(context_exec_open(s->context, gpt_scratch_bytes(config, n), &s->exec));
    ok(context_block(s->context, gpt_activations_bytes(config, 1, n, GPT_KEEP_ALL), "activations", &s->base, &block));
    gpt_activations_bind(config, 1, n, GPT_KEEP_ALL, block, &s->acts);
    gpt_forward(&s->exec, s->kernels, &s->model->weights, &s->acts, s->ids, 1, n, &off);
}

static void subject_close(subject *s) {
    context_exec_close(s->context, &s->exec);
    context_release(s->context, s->base);
    canto_model_close(s->model);
    tensor_table_close(s->context, &s->table);
    canto_context_close(s->context);
    free(s->block), free(s->ids);
}

static canto_config base_config(void) {
    canto_config c = small_gpt(31, 40, 24, 40);
    c.head_bias = true;
    return c;
}

static void as_it_is(canto_config *c) { (void)c; }
static void post_norm(canto_config *c) { c->norm = CANTO_NORM_POST, c->positions = CANTO_POSITIONS_SINUSOIDAL; }
static void bare(canto_config *c) { c->norm = CANTO_NORM_NONE, c->final_norm = c->projection = c->residuals = false; }
static void scale_none(canto_config *c) { c->attention_scale = CANTO_SCALE_NONE; }
static void scale_width(canto_config *c) { c->attention_scale = CANTO_SCALE_WIDTH; }
static void all_local(canto_config *c) { c->window = 4, strcpy(c->pattern, "l"); }
static void local_and_global(canto_config *c) { c->window = 5, strcpy(c->pattern, "gl"); }
static void window_of_one(canto_config *c) { c->window = 1, strcpy(c->pattern, "l"); }
static void wide_window(canto_config *c) { c->window = 100, strcpy(c->pattern, "l"); }
static void odd_sizes(canto_config *c) { c->width = 35, c->heads = 7, c->ffn = 13, c->vocab = 37; }
static void heads_of_one(canto_config *c) { c->heads = c->width; }
static void no_ffn(canto_config *c) { c->ffn = 0; }
static void no_attention(canto_config *c) { c->attention = false; }
static void no_ffn_no_norm(canto_config *c) { no_ffn(c), c->norm = CANTO_NORM_NONE, c->layers = 4; }
static void no_attention_no_norm(canto_config *c) { no_attention(c), c->norm = CANTO_NORM_NONE, c->layers = 4; }
static void no_layers(canto_config *c) { c->layers = 0; }

static const struct {
    const char *name;
    void (*change)(canto_config *c);
} variants[] = {
    {"pre-norm", as_it_is},
    {"post-norm, sinusoidal", post_norm},
    {"nothing around the attention", bare},
    {"no attention scale", scale_none},
    {"attention scale by width", scale_width},
    {"all local", all_local},
    {"global and local", local_and_global},
    {"window 1", window_of_one},
    {"a window beyond the context", wide_window},
    {"odd sizes", odd_sizes},
    {"heads of one column", heads_of_one},
    {"no feed-forward", no_ffn},
    {"no attention", no_attention},
    {"no feed-forward, no norm", no_ffn_no_norm},
    {"no attention, no norm", no_attention_no_norm},
    {"no layers", no_layers},
};

/* -------------------------------------------------------------------------------------------- the weights, otherwise */

static double scale_of(const canto_config *c) {
    return c->attention_scale == CANTO_SCALE_NONE    ? 1
           : c->attention_scale == CANTO_SCALE_WIDTH ? 1 / sqrt((double)c->width)
                                                     : 1 / sqrt((double)(c->width / c->heads));
}

static int64_t window_of(const canto_config *c, int32_t layer) {
    return c->pattern[(size_t)layer % strlen(c->pattern)] == 'l' ? c->window : 0;
}

/* The textbook's softmax over what is seen, from the q and k of the pass that keeps all, in double. */
static void textbook_weights(const subject *s, int32_t layer, int32_t head, double *weights) {
    const canto_config *c = &s->model->config;
    int64_t             C = c->width, D = C / c->heads, window = window_of(c, layer);
    const float        *q = s->acts.layers[layer].qkv + head * D, *k = q + C;
    for (int64_t i = 0; i < s->n; i++) {
        double sum = 0, most = -INFINITY, *row = weights + i * s->n;
        for (int64_t j = 0; j < s->n; j++) {
            row[j] = 0;
            for (int64_t d = 0; d < D; d++) row[j] += (double)q[i * 3 * C + d] * (double)k[j * 3 * C + d];
            row[j] = j <= i && (window == 0 || j > i - window) ? scale_of(c) * row[j] : -INFINITY;
            most = fmax(most, row[j]);
        }
        for (int64_t j = 0; j < s->n; j++) sum += row[j] = exp(row[j] - most);
        for (int64_t j = 0; j < s->n; j++) row[j] /= sum;
    }
}

/* What the portable kernel applies: with v the columns of the identity, D at a time, its output is the weights. */
static void kernel_weights(const subject *s, int32_t layer, int32_t head, float *weights) {
    const canto_config *c = &s->model->config;
    int64_t             C = c->width, D = C / c->heads, n = s->n;
    const float        *q = s->acts.layers[layer].qkv + head * D;
    float              *v = calloc((size_t)(n * 3 * C), sizeof *v), *out = calloc((size_t)(n * D), sizeof *out);
    for (int64_t first = 0; first < n; first += D) {
        attention_head a = {.T = n,
                            .D = D,
                            .window = window_of(c, layer),
                            .scale = (float)scale_of(c),
                            .stride = 3 * C,
                            .q = q,
                            .k = q + C,
                            .v = v,
                            .out_stride = D,
                            .out = out};
        for (int64_t d = 0; d < D && first + d < n; d++) v[(first + d) * 3 * C + d] = 1;
        kernels_choose("portable")->attention_forward(&a, s->exec.scratch[0]);
        for (int64_t i = 0; i < n; i++)
            for (int64_t d = 0; d < D && first + d < n; d++) weights[i * n + first + d] = out[i * D + d];
        memset(v, 0, (size_t)(n * 3 * C) * sizeof *v);
    }
    free(v), free(out);
}

/* ------------------------------------------------------------------------------------------------- all that is shown */

/* Everything captured, put together from its pieces, with the order in which it began. */
typedef struct seen {
    const subject *s;
    float         *embedding, *final, *logits, *blocks, *weights; /* blocks [L, T, C], weights [L, H, T, T] */
    char           order[4096];
    int            pieces, stop_after; /* stop_after 0: never */
    int64_t        next;               /* the row that must come next of a matrix that is not whole yet */
} seen;

static void seen_open(seen *w, const subject *s) {
    const canto_config *c = &s->model->config;
    size_t              n = (size_t)s->n, C = (size_t)c->width, L = (size_t)c->layers;
    *w = (seen){.s = s};
    w->embedding = calloc(n * C, sizeof(float));
    w->final = calloc(n * C, sizeof(float));
    w->logits = calloc(n * (size_t)c->vocab, sizeof(float));
    w->blocks = calloc(L * n * C + 1, sizeof(float));
    w->weights = calloc(L * (size_t)c->heads * n * n + 1, sizeof(float));
}

static void seen_close(seen *w) {
    free(w->embedding), free(w->final), free(w->logits), free(w->blocks), free(w->weights);
}

static float *place_of(seen *w, const canto_captured *c) {
    int64_t n = w->s->n, C = w->s->model->config.width, H = w->s->model->config.heads;
    switch (c->point) {
    case CANTO_POINT_EMBEDDING:
        return w->embedding;
    case CANTO_POINT_BLOCK:
        return w->blocks + c->layer * n * C;
    case CANTO_POINT_ATTENTION:
        return w->weights + (c->layer * H + c->head) * n * n;
    case CANTO_POINT_FINAL:
        return w->final;
    default:
        assert_int_equal(c->point, CANTO_POINT_LOGITS);
        return w->logits;
    }
}

static bool on_captured(void *user, const canto_captured *c) {
    seen *w = user;
    assert_true(c->rows >= 1 && c->first == w->next && c->first + c->rows <= w->s->n);
    memcpy(place_of(w, c) + c->first * c->columns, c->values, (size_t)(c->rows * c->columns) * sizeof(float));
    if (c->first == 0) {
        char name[32];
        snprintf(name, sizeof name, " %d:%d:%d", (int)c->point, (int)c->layer, (int)c->head);
        strncat(w->order, name, sizeof w->order - strlen(w->order) - 1);
    }
    w->next = c->first + c->rows == w->s->n ? 0 : c->first + c->rows;
    w->pieces++;
    return w->pieces != w->stop_after;
}

static void same_bits(const char *what, const char *variant, const float *a, const float *b, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s of %s, element %lld: %.9g captured, %.9g made", what, variant, (long long)i, (double)a[i],
                     (double)b[i]);
}

static void check_head(const subject *s, const char *name, int32_t layer, int32_t head, const float *weights) {
    int64_t n = s->n, window = window_of(&s->model->config, layer);
    double *textbook = calloc((size_t)(n * n), sizeof *textbook);
    float  *kernel = calloc((size_t)(n * n), sizeof *kernel);
    textbook_weights(s, layer, head, textbook);
    kernel_weights(s, layer, head, kernel);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) {
            float w = weights[i * n + j];
            bool  sees = j <= i && (window == 0 || j > i - window);
            sum += (double)w;
            if (!sees && w != 0) fail_msg("%s: %lld sees %lld", name, (long long)i, (long long)j);
            if (!(fabs((double)w - textbook[i * n + j]) <= 2e-5) || !(fabsf(w - kernel[i * n + j]) <= 2e-5F))
                fail_msg("%s, layer %d, head %d, (%lld, %lld): %.9g, in the textbook %.9g, of the kernel %.9g", name,
                         layer, head, (long long)i, (long long)j, (double)w, textbook[i * n + j],
                         (double)kernel[i * n + j]);
        }
        if (!(fabs(sum - 1) < 1e-6)) fail_msg("%s: row %lld sums to %.9g", name, (long long)i, sum);
    }
    free(textbook), free(kernel);
}

static void check_all(const subject *s, const char *name) {
    const canto_config *c = &s->model->config;
    seen                w;
    int64_t             n = s->n, C = c->width, V = c->vocab;
    float              *logits = calloc((size_t)(n * V), sizeof *logits);
    char                order[4096] = " 1:-1:-1";
    size_t              used = strlen(order);
    seen_open(&w, s);
    ok(canto_capture(s->context, s->model, s->ids, (size_t)n, NULL, on_captured, &w));
    same_bits("the embedding", name, w.embedding, s->acts.embedded, n * C);
    gpt_logits(&s->exec, s->kernels, &s->model->weights, (gpt_activations *)&s->acts, 0, n, logits);
    for (int32_t l = 0; l < c->layers; l++) {
        for (int32_t h = 0; c->attention && h < c->heads; h++) {
            check_head(s, name, l, h, w.weights + (l * c->heads + h) * n * n);
            used += (size_t)sprintf(order + used, " 2:%d:%d", (int)l, (int)h);
        }
        same_bits("a block's output", name, w.blocks + l * n * C, s->acts.layers[l].out, n * C);
        used += (size_t)sprintf(order + used, " 4:%d:-1", (int)l);
    }
    same_bits("the head's input", name, w.final, s->acts.hidden, n * C);
    same_bits("the logits", name, w.logits, logits, n * V);
    sprintf(order + used, " 8:-1:-1 16:-1:-1");
    assert_string_equal(w.order, order);
    seen_close(&w);
    free(logits);
}

static void test_every_variant(void **state) {
    static const char *const cpus[] = {"portable", "avx2", "avx512", "neon"};
    static const int32_t     lengths[] = {1, 2, 17, 40};
    (void)state;
    for (size_t i = 0; i < sizeof cpus / sizeof *cpus; i++) {
        if (!kernels_choose(cpus[i])) continue;
        for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
            for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
                subject      s;
                canto_config config = base_config();
                variants[v].change(&config);
                subject_open(&s, &config, cpus[i], 1 + (int)(k % 2), lengths[k]);
                check_all(&s, variants[v].name);
                subject_close(&s);
            }
    }
}

/* More tokens than whole rows fit into one piece. */
static void test_pieces(void **state) {
    enum { N = 1100 };
    subject               s;
    seen                  w;
    canto_config          config = base_config();
    canto_capture_options one = {CANTO_POINT_ATTENTION, 0, 1};
    (void)state;
    config.context = N;
    config.width = 6;
    subject_open(&s, &config, NULL, 2, N);
    seen_open(&w, &s);
    ok(canto_capture(s.context, s.model, s.ids, N, &one, on_captured, &w));
    assert_true(w.pieces > 1 && w.pieces < 20);
    assert_string_equal(w.order, " 2:0:1");
    check_head(&s, "in pieces", 0, 1, w.weights + N * N);
    seen_close(&w);
    subject_close(&s);
}

static void test_selection(void **state) {
    static const struct {
        canto_capture_options options;
        const char           *order;
    } cases[] = {
        {{CANTO_POINT_ATTENTION, 1, 2}, " 2:1:2"},
        {{CANTO_POINT_ATTENTION, -1, 0}, " 2:0:0 2:1:0"},
        {{CANTO_POINT_ATTENTION | CANTO_POINT_BLOCK, 0, 1}, " 2:0:1 4:0:-1"},
        {{CANTO_POINT_BLOCK, -1, -1}, " 4:0:-1 4:1:-1"},
        {{CANTO_POINT_EMBEDDING, 1, 1}, " 1:-1:-1"},
        {{CANTO_POINT_FINAL, 0, 0}, " 8:-1:-1"},
        {{CANTO_POINT_LOGITS | CANTO_POINT_EMBEDDING, -1, -1}, " 1:-1:-1 16:-1:-1"},
    };
    subject      s;
    canto_config config = base_config();
    (void)state;
    subject_open(&s, &config, NULL, 1, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seen w;
        seen_open(&w, &s);
        ok(canto_capture(s.context, s.model, s.ids, 7, &cases[i].options, on_captured, &w));
        assert_string_equal(w.order, cases[i].order);
        seen_close(&w);
    }
    subject_close(&s);
}

/* Stopped at each piece in turn: nothing comes after it. */
static void test_stopping(void **state) {
    subject      s;
    canto_config config = base_config();
    seen         all;
    (void)state;
    subject_open(&s, &config, NULL, 1, 7);
    seen_open(&all, &s);
    ok(canto_capture(s.context, s.model, s.ids, 7, NULL, on_captured, &all));
    for (int after = 1; after <= all.pieces; after++) {
        seen w;
        seen_open(&w, &s);
        w.stop_after = after;
        fails(canto_capture(s.context, s.model, s.ids, 7, NULL, on_captured, &w), CANTO_STOPPED, "stopped");
        assert_int_equal(w.pieces, after);
        seen_close(&w);
    }
    seen_close(&all);
    subject_close(&s);
}

static void test_refusals(void **state) {
    static const struct {
        canto_capture_options options;
        const char           *says;
    } cases[] = {
        {{0, -1, -1}, "points to capture are 0"},
        {{32, -1, -1}, "points to capture are 32"},
        {{CANTO_POINT_ALL, 2, -1}, "no layer 2 to look at: the model has 2"},
        {{CANTO_POINT_ALL, -2, -1}, "no layer -2"},
        {{CANTO_POINT_ALL, 0, 3}, "no head 3 to look at: the model has 3"},
        {{CANTO_POINT_ALL, 0, -2}, "no head -2"},
    };
    subject      s;
    seen         w;
    canto_config config = base_config();
    (void)state;
    subject_open(&s, &config, NULL, 1, 40);
    seen_open(&w, &s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(canto_capture(s.context, s.model, s.ids, 7, &cases[i].options, on_captured, &w), CANTO_ERROR_VALUE,
              cases[i].says);
    fails(canto_capture(s.context, s.model, s.ids, 0, NULL, on_captured, &w), CANTO_ERROR_VALUE, "give at least one");
    fails(canto_capture(s.context, s.model, s.ids, 41, NULL, on_captured, &w), CANTO_ERROR_VALUE,
          "41 tokens to look at, and the model sees 40");
    s.ids[3] = 31;
    fails(canto_capture(s.context, s.model, s.ids, 7, NULL, on_captured, &w), CANTO_ERROR_VALUE, "Token id 31");
    assert_int_equal(w.pieces, 0);
    seen_close(&w);
    subject_close(&s);
}

/* Weights that are no numbers are shown as they are. */
static void test_not_finite(void **state) {
    subject               s;
    seen                  w;
    canto_config          config = base_config();
    canto_capture_options weights = {CANTO_POINT_ATTENTION, 1, 0};
    (void)state;
    subject_open(&s, &config, NULL, 1, 7);
    seen_open(&w, &s);
    for (size_t i = 0; i < s.table.elements; i++) s.block[i] = NAN;
    ok(canto_capture(s.context, s.model, s.ids, 7, &weights, on_captured, &w));
    assert_true(isnan(w.weights[(size_t)config.heads * 49 + 7]));
    seen_close(&w);
    subject_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_variant), cmocka_unit_test(test_pieces),   cmocka_unit_test(test_selection),
        cmocka_unit_test(test_stopping),      cmocka_unit_test(test_refusals), cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
