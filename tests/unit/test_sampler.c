/* test_sampler.c - picking a token: greedy, temperature, top-k with ties, top-p, frequencies, parity. */
#include "infer/sampler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define V 5

/* How often each token is picked in n draws from the same logits. */
static void count_picks(const float *logits, const canto_generate_options *options, int n, int *counts) {
    stream_rng stream = stream_seed(7, RNG_SAMPLING);
    torch_rng  torch;
    torch_seed(&torch, 7);
    memset(counts, 0, V * sizeof *counts);
    for (int i = 0; i < n; i++) {
        float copy[V];
        memcpy(copy, logits, sizeof copy);
        uint32_t pick = sampler_pick(copy, V, options, &torch, &stream, NULL);
        assert_true(pick < V);
        counts[pick]++;
    }
}

static void test_greedy_takes_the_lowest_id(void **state) {
    const float            logits[V] = {0, 2, 1, 2, -1};
    canto_generate_options options = canto_generate_options_default();
    int                    counts[V];
    (void)state;
    options.greedy = true;
    count_picks(logits, &options, 3, counts);
    assert_int_equal(counts[1], 3);
    options.greedy = false;
    options.temperature = 0;
    count_picks(logits, &options, 3, counts);
    assert_int_equal(counts[1], 3);
    options.temperature = 1e-45; /* below what a float can divide by */
    count_picks(logits, &options, 3, counts);
    assert_int_equal(counts[1], 3);
}

static void test_greedy_logprob(void **state) {
    float                  logits[V] = {0, 0, 0, 0, 0};
    canto_generate_options options = canto_generate_options_default();
    double                 logprob;
    (void)state;
    options.greedy = true;
    assert_int_equal(sampler_pick(logits, V, &options, NULL, NULL, &logprob), 0);
    assert_true(fabs(logprob + log(5)) < 1e-6);
}

static void test_top_k_keeps_ties(void **state) {
    const float            logits[V] = {1, 3, 2, 2, 0};
    canto_generate_options options = canto_generate_options_default();
    int                    counts[V];
    (void)state;
    options.top_k = 2; /* the second largest is 2, twice */
    count_picks(logits, &options, 2000, counts);
    assert_int_equal(counts[0] + counts[4], 0);
    assert_true(counts[1] > counts[2] && counts[2] > 0 && counts[3] > 0);
    options.top_k = 1;
    count_picks(logits, &options, 100, counts);
    assert_int_equal(counts[1], 100);
    options.top_k = 100;
    count_picks(logits, &options, 2000, counts);
    assert_true(counts[0] > 0 && counts[4] > 0);
}

static void test_top_p_keeps_the_smallest_set(void **state) {
    const float            p[V] = {0.5f, 0.05f, 0.3f, 0.1f, 0.05f};
    float                  logits[V];
    canto_generate_options options = canto_generate_options_default();
    int                    counts[V];
    (void)state;
    for (int i = 0; i < V; i++) logits[i] = logf(p[i]);
    options.top_p = 0.7; /* 0.5 does not reach it, 0.5 + 0.3 does */
    count_picks(logits, &options, 2000, counts);
    assert_int_equal(counts[1] + counts[3] + counts[4], 0);
    assert_true(counts[0] > 0 && counts[2] > 0);
    options.top_p = 0.3;
    count_picks(logits, &options, 100, counts);
    assert_int_equal(counts[0], 100);
}

static void test_frequencies_follow_the_softmax(void **state) {
    const float            p[V] = {0.5f, 0.05f, 0.3f, 0.1f, 0.05f};
    float                  logits[V];
    canto_generate_options options = canto_generate_options_default();
    int                    counts[V], n = 40000;
    (void)state;
    for (int i = 0; i < V; i++) logits[i] = logf(p[i]);
    for (int parity = 0; parity < 2; parity++) {
        options.parity_torch = parity;
        count_picks(logits, &options, n, counts);
        for (int i = 0; i < V; i++) assert_true(fabs((double)counts[i] / n - (double)p[i]) < 0.01);
    }
}

static void test_one_token(void **state) {
    float                  logit = -3;
    double                 logprob;
    canto_generate_options options = canto_generate_options_default();
    stream_rng             stream = stream_seed(1, RNG_SAMPLING);
    (void)state;
    assert_int_equal(sampler_pick(&logit, 1, &options, NULL, &stream, &logprob), 0);
    assert_true(logprob == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy_takes_the_lowest_id),
        cmocka_unit_test(test_greedy_logprob),
        cmocka_unit_test(test_top_k_keeps_ties),
        cmocka_unit_test(test_top_p_keeps_the_smallest_set),
        cmocka_unit_test(test_frequencies_follow_the_softmax),
        cmocka_unit_test(test_one_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
