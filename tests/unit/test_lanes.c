/* test_lanes.c - how a batch is cut over lanes and groups, and that what comes out hangs on the cut alone: not on how many
 * threads there are, nor on which of them ran what. */
#include "train/lanes.h"
#include "train/optimizer.h"
#include "unit.h"

#include <math.h>

/* ----------------------------------------------------------------------------------------------------------- the plan */

/* Lane after lane and group after group, a batch's sequences come in ascending order, each once. */
static void cuts_evenly(lanes_plan plan, int32_t B) {
    int32_t next = 0, first, sequences, shortest = B, longest = 0;
    for (int32_t number = 0; number < plan.count; number++) {
        int32_t share = 0;
        for (int32_t group = 0; lanes_group(plan, B, number, group, &first, &sequences); group++) {
            assert_int_equal(first, next);
            assert_true(sequences > 0 && (plan.count == 1 || sequences <= plan.group));
            next += sequences;
            share += sequences;
        }
        if (share < shortest) shortest = share;
        if (share > longest) longest = share;
    }
    assert_int_equal(next, B);
    assert_true(longest - shortest <= 1);
}

static void test_every_sequence_once(void **state) {
    const uint64_t sizes[] = {1, 5000, 200000, 800000, 2000000, 2097152, 2097153, 100000000};
    canto_config   config;
    (void)state;
    ok(canto_preset("mini", &config, NULL));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int32_t T = 1; T <= 2048; T = 2 * T + T % 3)
            for (int32_t B = 1; B <= 70; B++) {
                lanes_plan plan = lanes_plan_of(&config, sizes[i], B, T);
                assert_true(plan.count >= 1 && plan.count <= LANES_MAX && plan.count <= B);
                assert_true(plan.group >= 1 && plan.group <= B);
                assert_true(sizes[i] < 100000000 || plan.count == 1);
                for (int32_t other = 1; other <= 70; other += 3) cuts_evenly(plan, other);
                cuts_evenly(plan, B);
            }
    assert_int_equal(lanes_plan_of(&config, 1000, 1 << 20, 1 << 20).group, 1);
    cuts_evenly(lanes_plan_of(&config, 1000, 1 << 20, 1), 1 << 20);
}

/* ------------------------------------------------------------------------------------------------------- the passes */

enum { MOST = 13, TOKENS = 9 };

/* A small model over random numbers, on so many threads. */
typedef struct scene {
    canto_context *threads;
    canto_config   config;
    tensor_table   table;
    gpt_weights    weights;
    layer_weights  layers[2];
    float         *block, *gradients;
    void          *base;
    lanes          lanes;
    uint32_t       ids[MOST * TOKENS], targets[MOST * TOKENS];
    float          losses[MOST * TOKENS];
} scene;

static void scene_open(scene *s, int threads, lanes_plan plan) {
    canto_context_options options = canto_context_options_default();
    void                 *block;
    memset(s, 0, sizeof *s);
    options.threads = threads;
    ok(canto_context_open(&options, &s->threads));
    ok(canto_preset("mini", &s->config, NULL));
    s->config.vocab = 30;
    s->config.width = 16;
    s->config.heads = 2;
    s->config.ffn = 32;
    s->config.layers = 2;
    s->config.context = TOKENS;
    canto_config_dropout(&s->config, 0.1);
    ok(tensor_table_open(s->threads, &s->config, &s->table));
    ok(context_block(s->threads, 2 * s->table.elements * sizeof(float), "a test", &s->base, &block));
    s->block = block;
    s->gradients = s->block + s->table.elements;
    for (size_t i = 0; i < s->table.count; i++) /* the padding between tensors stays zero */
        for (size_t j = 0; j < s->table.list[i].count; j++)
            s->block[s->table.list[i].offset + j] = (float)((int)((i * 977 + j * 7919) % 201) - 100) / 500;
    gpt_weights_of_block(&s->table, s->block, s->layers, &s->weights);
    for (uint32_t i = 0; i < MOST * TOKENS; i++) {
        s->ids[i] = i * i * 7 % 30;
        s->targets[i] = i * 11 % 30;
    }
    ok(lanes_open(s->threads, kernels_choose(""), &s->weights, &s->table, s->gradients, plan, MOST, TOKENS, &s->lanes));
}

static void scene_close(scene *s) {
    lanes_close(&s->lanes);
    context_release(s->threads, s->base);
    tensor_table_close(s->threads, &s->table);
    canto_context_close(s->threads);
}

/* Micro-batches of B, of 2 and of one short sequence -> the norm; the gradients stay in the scene. */
static double train(scene *s, int32_t B) {
    const gpt_dropout dropout = {.on = true, .key = 7};
    lanes_train(&s->lanes, s->ids, s->targets, 2, TOKENS, &dropout, 0.1f, s->losses);
    lanes_train(&s->lanes, s->ids + 5, s->targets + 5, 1, TOKENS - 4, &dropout, 0.1f, s->losses);
    lanes_train(&s->lanes, s->ids, s->targets, B, TOKENS, &dropout, 0.1f, s->losses);
    double norm = lanes_gather(&s->lanes);
    assert_true(norm > 0 && norm == gradient_norm(&s->lanes.pool_exec, &s->table, s->gradients));
    for (int32_t i = 1; i < s->lanes.plan.count; i++)
        for (size_t j = 0; j < s->table.elements; j++) assert_true(s->lanes.list[i].gradients[j] == 0);
    return norm;
}

static void test_threads_change_no_byte(void **state) {
    static const lanes_plan plans[] = {
        {1, MOST, false, 0}, {2, 3, false, 0}, {3, 2, false, 0}, {4, 1, true, 0}, {5, 2, false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        scene one;
        scene_open(&one, 1, plans[i]);
        double norm = train(&one, MOST);
        for (int threads = 2; threads <= 4; threads++)
            for (int round = 0; round < 10; round++) {
                scene many;
                scene_open(&many, threads, plans[i]);
                assert_true(train(&many, MOST) == norm);
                assert_memory_equal(many.gradients, one.gradients, one.table.elements * sizeof(float));
                assert_memory_equal(many.losses, one.losses, sizeof one.losses);
                scene_close(&many);
            }
        scene_close(&one);
    }
}

/* A cut changes the order of a sum over sequences, and nothing else: no loss, no part of the sum. */
static void test_cuts_agree(void **state) {
    static const lanes_plan plans[] = {{2, 3, false, 0}, {3, 2, false, 0}, {4, 1, false, 0}, {13, 1, true, 0}};
    scene                   whole;
    (void)state;
    scene_open(&whole, 1, (lanes_plan){1, MOST, false, 0});
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (int32_t B = 1; B <= MOST; B += 4) {
            scene cut;
            scene_open(&cut, 3, plans[i]);
            memset(whole.gradients, 0, whole.table.elements * sizeof(float));
            double norm = train(&whole, B);
            assert_true(fabs(train(&cut, B) / norm - 1) < 1e-5);
            assert_memory_equal(cut.losses, whole.losses, (size_t)B * TOKENS * sizeof(float));
            for (size_t j = 0; j < cut.table.elements; j++)
                assert_true(fabs((double)cut.gradients[j] - (double)whole.gradients[j]) < 1e-5 * norm);
            lanes_evaluate(&whole.lanes, whole.ids, whole.targets, B, TOKENS, whole.losses);
            lanes_evaluate(&cut.lanes, cut.ids, cut.targets, B, TOKENS, cut.losses);
            assert_memory_equal(cut.losses, whole.losses, (size_t)B * TOKENS * sizeof(float));
            scene_close(&cut);
        }
    scene_close(&whole);
}

/* A large batch in small pieces: its gradient to rounding, and its losses to the bit. */
static void test_pieces_add_up(void **state) {
    static const lanes_plan plans[] = {{1, MOST, false, 0}, {1, MOST, true, 0}, {3, 2, false, 0}};
    static const int32_t    pieces[] = {1, 4, 5};
    const gpt_dropout       off = {0};
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            scene whole, parts;
            scene_open(&whole, 2, plans[i]);
            scene_open(&parts, 2, plans[i]);
            lanes_train(&whole.lanes, whole.ids, whole.targets, MOST, TOKENS, &off, 0.1f, whole.losses);
            for (int32_t b = 0; b < MOST; b += pieces[j])
                lanes_train(&parts.lanes, parts.ids + b * TOKENS, parts.targets + b * TOKENS,
                            MOST - b < pieces[j] ? MOST - b : pieces[j], TOKENS, &off, 0.1f, parts.losses + b * TOKENS);
            double norm = lanes_gather(&whole.lanes);
            assert_true(norm > 0 && fabs(lanes_gather(&parts.lanes) / norm - 1) < 1e-6);
            assert_memory_equal(parts.losses, whole.losses, sizeof parts.losses);
            for (size_t n = 0; n < whole.table.elements; n++)
                assert_true(fabs((double)parts.gradients[n] - (double)whole.gradients[n]) < 1e-6 * norm);
            scene_close(&whole);
            scene_close(&parts);
        }
}

/* What the guard looks at is what the training pass made. */
static void test_looking_repeats_the_pass(void **state) {
    const gpt_dropout dropout = {.on = true, .key = 7};
    scene             s;
    float             again[MOST * TOKENS] = {0};
    int32_t           rows = 0;
    (void)state;
    scene_open(&s, 2, (lanes_plan){3, 2, false, 0});
    lanes_train(&s.lanes, s.ids, s.targets, MOST, TOKENS, &dropout, 0.1f, s.losses);
    for (int32_t number = 0; number < 3; number++)
        for (int32_t group = 0;; group++) {
            const gpt_activations *acts =
                lanes_look(&s.lanes, s.ids, s.targets, MOST, TOKENS, &dropout, number, group, again);
            if (!acts) break;
            assert_int_equal(acts->first * TOKENS, rows);
            rows += acts->b * acts->t;
        }
    assert_int_equal(rows, MOST * TOKENS);
    assert_memory_equal(again, s.losses, sizeof again);
    scene_close(&s);
}

/* q, k and v of a file may lie one behind the other with their weights, and apart with their biases. */
static void test_biases_apart(void **state) {
    scene s;
    float joined[MOST * TOKENS], keys[16];
    (void)state;
    scene_open(&s, 1, (lanes_plan){1, MOST, false, 0});
    lanes_evaluate(&s.lanes, s.ids, s.targets, MOST, TOKENS, joined);
    lanes_close(&s.lanes);
    memcpy(keys, s.layers[1].k_bias.data, sizeof keys);
    s.layers[1].k_bias.data = keys;
    ok(lanes_open(s.threads, kernels_choose(""), &s.weights, NULL, NULL, (lanes_plan){4, 2, false, 0}, MOST, TOKENS,
                  &s.lanes));
    lanes_evaluate(&s.lanes, s.ids, s.targets, MOST, TOKENS, s.losses);
    assert_memory_equal(s.losses, joined, sizeof joined);
    scene_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sequence_once), cmocka_unit_test(test_threads_change_no_byte),
        cmocka_unit_test(test_cuts_agree),          cmocka_unit_test(test_looking_repeats_the_pass),
        cmocka_unit_test(test_biases_apart),        cmocka_unit_test(test_pieces_add_up),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
