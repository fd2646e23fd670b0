/* test_gradients.c - every hand-derived gradient against finite differences, in double precision: every layer and
 * variant, odd sizes included. The layers are the very sources of the library, compiled with real = double. */
#include "base/context.h"
#include "model/gpt.h"
#include "model/tuning.h"
#include "small_gpt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEP 1e-5
#define SAMPLES 10 /* elements checked of each tensor */

typedef struct model {
    canto_context  *context;
    tensor_table    table;
    layer_weights  *layers;
    gpt_weights     weights;
    gpt_activations acts;
    exec            e;
    const kernels  *k;
    real           *block, *gradients, *losses;
    uint32_t       *x, *y;
    int32_t         B, T;
    gpt_dropout     dropout;
} model;

static canto_config base_config(void) { return small_gpt(7, 6, 12, 20); }

static real loss_of(model *m) {
    gpt_forward(&m->e, m->k, &m->weights, &m->acts, m->x, m->B, m->T, &m->dropout);
    gpt_loss(&m->e, m->k, &m->weights, &m->acts, m->y, m->losses);
    real sum = 0;
    for (int32_t i = 0; i < m->B * m->T; i++) sum += m->losses[i];
    return sum / (real)(m->B * m->T);
}

static void open_tuned(model *m, const canto_config *c, const tuning *tuned, int32_t B, int32_t T, int threads) {
    canto_context_options options = canto_context_options_default();
    options.threads = threads;
    *m = (model){.B = B, .T = T};
    assert_int_equal(canto_context_open(&options, &m->context).code, CANTO_OK);
    assert_int_equal(tensor_table_open_tuned(m->context, c, tuned, &m->table).code, CANTO_OK);
    m->k = kernels_choose("portable");
    m->layers = calloc((size_t)c->layers + 1, sizeof *m->layers);
    m->block = aligned_alloc(64, (m->table.elements * sizeof(real) + 63) / 64 * 64);
    m->gradients = calloc(m->table.elements, sizeof(real));
    m->losses = calloc((size_t)(B * T), sizeof(real));
    m->x = calloc((size_t)(B * T), sizeof *m->x);
    m->y = calloc((size_t)(B * T), sizeof *m->y);
    size_t bytes = gpt_adapted_bytes(c, tuned->rank, B, T, GPT_KEEP_ALL);
    void  *acts = aligned_alloc(64, bytes);
    memset(acts, 0, bytes);
    gpt_adapted_bind(&m->table.config, tuned->rank, B, T, GPT_KEEP_ALL, acts, &m->acts);
    gpt_weights_of_block(&m->table, m->block, m->layers, &m->weights);
    m->e.pool = m->context->pool;
    m->e.scratch_bytes = gpt_scratch_bytes(c, T);
    m->e.scratch = calloc((size_t)threads, sizeof(void *));
    for (int i = 0; i < threads; i++) m->e.scratch[i] = aligned_alloc(64, m->e.scratch_bytes);
    stream_rng r = stream_seed(42, 1);
    for (size_t i = 0; i < m->table.elements; i++) m->block[i] = stream_uniform(&r) - 0.5;
    for (int32_t i = 0; i < B * T; i++) {
        m->x[i] = (uint32_t)stream_below(&r, (uint64_t)c->vocab);
        m->y[i] = (uint32_t)stream_below(&r, (uint64_t)c->vocab);
    }
    m->dropout = (gpt_dropout){.on = true, .key = 77};
}

static void open_model(model *m, const canto_config *c, int32_t B, int32_t T, int threads) {
    open_tuned(m, c, &(tuning){0}, B, T, threads);
}

static void close_model(model *m) {
    for (int i = 0; i < m->context->threads; i++) free(m->e.scratch[i]);
    free(m->e.scratch);
    free(m->acts.layers); /* the block's start */
    free(m->layers);
    free(m->block);
    free(m->gradients);
    free(m->losses);
    free(m->x);
    free(m->y);
    tensor_table_close(m->context, &m->table);
    canto_context_close(m->context);
}

/* Keeping the blocks' inputs alone changes no bit, and takes no more memory. */
static void check_recompute(model *m, const canto_config *c, int32_t B, int32_t T) {
    gpt_activations all = m->acts;
    real   *gradients = calloc(m->table.elements, sizeof(real)), *losses = calloc((size_t)(B * T), sizeof(real));
    int32_t rank = m->table.tuning.rank;
    size_t  bytes = gpt_adapted_bytes(c, rank, B, T, GPT_KEEP_INPUTS);
    void   *acts = aligned_alloc(64, bytes);
    if (c->layers > 1) assert_true(bytes <= gpt_adapted_bytes(c, rank, B, T, GPT_KEEP_ALL));
    memset(acts, 0, bytes);
    gpt_adapted_bind(&m->table.config, rank, B, T, GPT_KEEP_INPUTS, acts, &m->acts);
    loss_of(m);
    gpt_backward(&m->e, m->k, &m->table, &m->weights, &m->acts, m->y, &m->dropout, 1 / (real)(B * T), losses,
                 gradients);
    assert_memory_equal(losses, m->losses, (size_t)(B * T) * sizeof(real));
    assert_memory_equal(gradients, m->gradients, m->table.gradients * sizeof(real));
    m->acts = all;
    free(acts);
    free(losses);
    free(gradients);
}

static void check_tuned(const char *name, const canto_config *c, const tuning *tuned, int32_t B, int32_t T) {
    model m;
    assert_int_equal(canto_config_check(c).code, CANTO_OK);
    open_tuned(&m, c, tuned, B, T, 2);
    real loss = loss_of(&m);
    gpt_backward(&m.e, m.k, &m.table, &m.weights, &m.acts, m.y, &m.dropout, 1 / (real)(B * T), m.losses, m.gradients);
    check_recompute(&m, c, B, T);
    real worst = 0;
    for (size_t i = 0; i < m.table.count; i++) {
        const tensor *t = &m.table.list[i];
        if (t->frozen) continue;
        size_t skip = t->count > SAMPLES ? t->count / SAMPLES : 1;
        for (size_t n = 0; n < t->count; n += skip) {
            real *w = m.block + t->offset + n, kept = *w;
            *w = kept + STEP;
            real up = loss_of(&m);
            *w = kept - STEP;
            real down = loss_of(&m);
            *w = kept;
            real expected = (up - down) / (2 * STEP), got = m.gradients[t->gradient + n];
            real error = fabs(expected - got) / (1e-4 + fabs(expected));
            if (error > worst) worst = error;
            if (error > 2e-5) {
                char text[96];
                tensor_name(t->role, t->layer, text);
                fail_msg("%s: %s[%zu]: gradient %.12g, finite difference %.12g", name, text, n, got, expected);
            }
        }
    }
    printf("%-28s loss %.6f  worst relative error %.1e\n", name, loss, worst);
    assert_true(isfinite(loss) && loss > 0);
    close_model(&m);
}

static void check(const char *name, const canto_config *c, int32_t B, int32_t T) {
    check_tuned(name, c, &(tuning){0}, B, T);
}

static void test_choices(void **state) {
    (void)state;
    for (int norm = CANTO_NORM_PRE; norm <= CANTO_NORM_NONE; norm++)
        for (int activation = CANTO_GELU_TANH; activation <= CANTO_RELU; activation++)
            for (int positions = CANTO_POSITIONS_LEARNED; positions <= CANTO_POSITIONS_NONE; positions++) {
                canto_config c = base_config();
                c.norm = (canto_norm)norm;
                c.activation = (canto_activation)activation;
                c.positions = (canto_positions)positions;
                c.attention_scale = (canto_scale)((norm + activation) % 3);
                char name[64];
                snprintf(name, sizeof name, "norm %d act %d positions %d", norm, activation, positions);
                check(name, &c, 2, 6);
            }
}

static void test_parts(void **state) {
    (void)state;
    canto_config c = base_config();
    c.tied = true;
    check("tied", &c, 2, 5);
    c.head_bias = true;
    check("tied, head bias", &c, 2, 5);
    c = base_config();
    c.head_bias = true;
    c.qkv_bias = false;
    check("head bias, no q/k/v bias", &c, 1, 6);
    c = base_config();
    c.projection = false;
    check("no projection", &c, 2, 6);
    c.residuals = false;
    check("no projection, no residuals", &c, 2, 6);
    c = base_config();
    c.projection_bias = false;
    check("no projection bias", &c, 2, 6);
    c = base_config();
    c.attention = false;
    check("no attention", &c, 2, 6);
    c = base_config();
    c.ffn = 0;
    check("no feed-forward", &c, 2, 6);
    c.norm = CANTO_NORM_POST;
    check("no feed-forward, post", &c, 2, 6);
    c = base_config();
    c.final_norm = false;
    check("no final norm", &c, 2, 6);
    c.layers = 0;
    check("nothing but a head", &c, 2, 6);
    c = base_config();
    c.layers = 0;
    check("no block", &c, 2, 6);
    c = base_config();
    c.residuals = false;
    check("no residuals", &c, 2, 6);
    c.norm = CANTO_NORM_NONE;
    check("no residuals, no norm", &c, 2, 6);
}

static void test_sizes(void **state) {
    (void)state;
    canto_config c = base_config();
    c.width = 35;
    c.heads = 5;
    c.ffn = 13;
    c.vocab = 7;
    check("C 35, H 5, F 13", &c, 3, 5);
    check("T 1", &c, 3, 1);
    check("B 1, T 1", &c, 1, 1);
    c.width = 9;
    c.heads = 3;
    check("C 9, H 3", &c, 1, 6);
    c.heads = 9;
    check("D 1", &c, 2, 6);
    c.vocab = 2;
    check("V 2", &c, 2, 6);
    c = base_config();
    c.width = 70;
    c.heads = 1;
    c.context = 70;
    c.layers = 1;
    c.vocab = 131;
    check("H 1, longer than a tile", &c, 1, 70);
}

static void test_windows(void **state) {
    (void)state;
    canto_config c = base_config();
    c.context = 40;
    for (int32_t window = 1; window <= 40; window += 6) {
        c.window = window;
        strcpy(c.pattern, "gl");
        char name[64];
        snprintf(name, sizeof name, "window %d", window);
        check(name, &c, 1, 40);
    }
}

static void test_dropout(void **state) {
    (void)state;
    canto_config c = base_config();
    c.dropout_embedding = 0.1;
    c.dropout_attention = 0.2;
    c.dropout_residual = 0.3;
    c.dropout_ffn = 0.15;
    c.dropout_block = 0.25;
    check("dropout everywhere, pre", &c, 2, 6);
    c.norm = CANTO_NORM_POST;
    check("dropout everywhere, post", &c, 2, 6);
    c.window = 3;
    strcpy(c.pattern, "l");
    check("dropout in a window", &c, 2, 6);
}

/* The gradients of what is trained are the same, to the bit, whatever is frozen beside; and they have the only places. */
static void check_frozen(const canto_config *c, const char *list) {
    model               m;
    tensor_table        table;
    tuning              tuned;
    canto_train_options options = {0};
    snprintf(options.freeze, sizeof options.freeze, "%s", list);
    open_model(&m, c, 2, 6, 2);
    assert_int_equal(tuning_read(c, &options, &tuned).code, CANTO_OK);
    assert_int_equal(tensor_table_open_tuned(m.context, c, &tuned, &table).code, CANTO_OK);
    loss_of(&m);
    gpt_backward(&m.e, m.k, &m.table, &m.weights, &m.acts, m.y, &m.dropout, 1 / (real)12, m.losses, m.gradients);
    real *few = calloc(table.gradients, sizeof(real)), *losses = calloc(12, sizeof(real));
    loss_of(&m);
    gpt_backward(&m.e, m.k, &table, &m.weights, &m.acts, m.y, &m.dropout, 1 / (real)12, losses, few);
    assert_memory_equal(losses, m.losses, 12 * sizeof(real));
    size_t trained = 0, frozen = 0;
    for (size_t i = 0; i < table.count; i++) {
        const tensor *t = &table.list[i];
        assert_int_equal(t->offset, m.table.list[i].offset);
        frozen += t->frozen ? t->count : 0;
        if (t->frozen) continue;
        trained += t->count;
        assert_true(t->gradient + t->count <= table.gradients);
        assert_memory_equal(few + t->gradient, m.gradients + m.table.list[i].gradient, t->count * sizeof(real));
    }
    assert_true(frozen > 0 && trained == table.trained && trained + frozen == table.parameters);
    free(few);
    free(losses);
    tensor_table_close(m.context, &table);
    close_model(&m);
}

static void test_frozen_parts(void **state) {
    static const char *const lists[] = {"embeddings",
                                        "positions",
                                        "norms",
                                        "attention",
                                        "ffn",
                                        "head",
                                        "blocks:0",
                                        "blocks:1",
                                        "embeddings,positions,blocks:0",
                                        "embeddings,positions,blocks:0-1",
                                        "embeddings,positions,norms,attention",
                                        "embeddings,positions,norms,ffn,head",
                                        "embeddings,positions,attention,ffn,head",
                                        "embeddings,positions,norms,blocks:0-1"};
    canto_config             c = base_config();
    (void)state;
    c.head_bias = true;
    c.dropout_residual = c.dropout_ffn = c.dropout_embedding = 0.2;
    for (int norm = 0; norm < 2; norm++) {
        c.norm = norm == 0 ? CANTO_NORM_PRE : CANTO_NORM_POST;
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) check_frozen(&c, lists[i]);
    }
}

/* Merged weights make of the same batch what the adapters beside the weights make of it. */
static void check_merged(const canto_config *c, const tuning *tuned) {
    model m, merged;
    open_tuned(&m, c, tuned, 2, 6, 1);
    open_model(&merged, c, 2, 6, 1);
    for (size_t i = 0; i < m.table.count; i++) {
        const tensor *t = &m.table.list[i], *to = tensor_find(&merged.table, t->role, t->layer);
        if (to) memcpy(merged.block + to->offset, m.block + t->offset, t->count * sizeof(real));
    }
    for (size_t i = 0; i < m.table.count; i++) {
        const tensor *t = &m.table.list[i];
        if (!tensor_is_adapter(t->role) || (t->role - TENSOR_QKV_A) % 2) continue;
        adapter ad = {gpt_view_of_block(t, m.block), gpt_view_of_block(t + 1, m.block), (real)tuned->scale};
        adapter_merge(&ad, merged.block + tensor_find(&merged.table, tensor_adapted(t->role), t->layer)->offset);
    }
    memcpy(merged.x, m.x, 12 * sizeof *m.x);
    memcpy(merged.y, m.y, 12 * sizeof *m.y);
    loss_of(&m);
    loss_of(&merged);
    for (int i = 0; i < 12; i++) assert_true(fabs(m.losses[i] - merged.losses[i]) < 1e-12);
    close_model(&m);
    close_model(&merged);
}

static void test_adapters(void **state) {
    static const char *const targets[] = {"qkv", "projection", "up", "down", "qkv,projection,up,down"};
    canto_config             c = base_config();
    canto_train_options      options = {.lora_rank = 3, .lora_alpha = 5};
    tuning                   tuned;
    char                     name[64];
    (void)state;
    c.dropout_residual = c.dropout_ffn = 0.2;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        for (int norm = 0; norm < 3; norm++) {
            c.norm = (canto_norm)norm;
            snprintf(options.lora_targets, sizeof options.lora_targets, "%s", targets[i]);
            snprintf(name, sizeof name, "adapters %s, norm %d", targets[i], norm);
            assert_int_equal(tuning_read(&c, &options, &tuned).code, CANTO_OK);
            check_tuned(name, &c, &tuned, 2, 6);
            check_merged(&c, &tuned);
        }
    snprintf(options.lora_targets, sizeof options.lora_targets, "head");
    assert_int_equal(tuning_read(&c, &options, &tuned).code, CANTO_ERROR_VALUE);
    snprintf(options.lora_targets, sizeof options.lora_targets, "qkv");
    options.lora_rank = 13; /* the width is 12 */
    assert_int_equal(tuning_read(&c, &options, &tuned).code, CANTO_ERROR_VALUE);
}

static void test_freezing_is_refused(void **state) {
    static const char *const lists[] = {"positions",   "head",
                                        "blocks:2",    "blocks:1-0",
                                        "blocks:",     "blocks:0-x",
                                        "nothing",     "",
                                        "embeddings,", "embeddings,norms,attention,ffn"};
    canto_config             c = base_config();
    canto_train_options      options = {0};
    tuning                   tuned;
    (void)state;
    c.positions = CANTO_POSITIONS_NONE;
    c.tied = true;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        snprintf(options.freeze, sizeof options.freeze, "%s", lists[i]);
        assert_int_equal(tuning_read(&c, &options, &tuned).code, *lists[i] ? CANTO_ERROR_VALUE : CANTO_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choices),  cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_sizes),    cmocka_unit_test(test_windows),
                                       cmocka_unit_test(test_dropout),  cmocka_unit_test(test_frozen_parts),
                                       cmocka_unit_test(test_adapters), cmocka_unit_test(test_freezing_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
