/* test_sampler.c - choosing a token: what each step makes of a small distribution, exactly; the order of the steps; and
 * draws against their probabilities by chi-square, with fixed seeds. */
#include "infer/sampler.h"

#include "unit.h"

#include <math.h>

#define V 6

static const double base[V] = {0.05, 0.4, 0.1, 0.2, 0.2, 0.05};

static void logits_of(const double *p, float *logits) {
    for (int i = 0; i < V; i++) logits[i] = (float)log(p[i]);
}

/* The distribution that is sampled from, into p. */
static uint32_t pick_from(const double *given, const canto_generate_options *options, uint64_t seed, float *p) {
    stream_rng stream = stream_seed(seed, RNG_SAMPLING);
    torch_rng  torch;
    torch_seed(&torch, seed);
    logits_of(given, p);
    uint32_t pick = sampler_pick(p, V, options, &torch, &stream);
    assert_true(pick < V);
    return pick;
}

/* The options leave these weights, scaled to sum 1. */
static void leaves(const canto_generate_options *options, const double *weights) {
    float  p[V];
    double sum = 0;
    pick_from(base, options, 1, p);
    for (int i = 0; i < V; i++) sum += weights[i];
    for (int i = 0; i < V; i++)
        if (fabs((double)p[i] - weights[i] / sum) > 1e-6 || (weights[i] == 0) != (p[i] == 0))
            fail_msg("token %d: %g, expected %g", i, (double)p[i], weights[i] / sum);
}

static void test_nothing_changes_nothing(void **state) {
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    leaves(&o, base);
    o.top_k = 100;
    leaves(&o, base);
}

static void test_temperature(void **state) {
    canto_generate_options o = canto_generate_options_default();
    double                 w[V];
    (void)state;
    for (o.temperature = 0.25; o.temperature < 5; o.temperature *= 2) {
        for (int i = 0; i < V; i++) w[i] = pow(base[i], 1 / o.temperature);
        leaves(&o, w);
    }
}

static void test_top_k_keeps_ties(void **state) {
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    o.top_k = 1;
    leaves(&o, (double[V]){0, 1});
    o.top_k = 2; /* the second largest stands twice */
    leaves(&o, (double[V]){0, 0.4, 0, 0.2, 0.2});
    o.top_k = 4;
    leaves(&o, (double[V]){0, 0.4, 0.1, 0.2, 0.2});
}

static void test_top_p_keeps_the_smallest_set(void **state) {
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    o.top_p = 0.3;
    leaves(&o, (double[V]){0, 1});
    o.top_p = 0.5; /* 0.4 does not reach it; the next stands twice */
    leaves(&o, (double[V]){0, 0.4, 0, 0.2, 0.2});
    o.top_p = 0.85;
    leaves(&o, (double[V]){0, 0.4, 0.1, 0.2, 0.2});
    o.top_p = 0.95;
    leaves(&o, base);
}

static void test_min_p_is_relative_to_the_likeliest(void **state) {
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    o.min_p = 0.1;
    leaves(&o, base);
    o.min_p = 0.2; /* 0.08 */
    leaves(&o, (double[V]){0, 0.4, 0.1, 0.2, 0.2});
    o.min_p = 0.3; /* 0.12 */
    leaves(&o, (double[V]){0, 0.4, 0, 0.2, 0.2});
    o.min_p = 1;
    leaves(&o, (double[V]){0, 1});
}

/* Each case comes out otherwise when two neighbours of the order change places. */
static void test_order_of_the_filters(void **state) {
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    /* temperature before top-p: at 0.5 the weights are 16 : 4 : 4 : 1 : 0.25 : 0.25, and 0.6 is reached by the first */
    o.temperature = 0.5, o.top_p = 0.6;
    leaves(&o, (double[V]){0, 1});
    /* temperature before min-p: of 0.4 and 0.1, 0.25 becomes 0.0625 */
    o.top_p = 1, o.min_p = 0.2;
    leaves(&o, (double[V]){0, 16, 0, 4, 4});
    /* top-k before top-p: 0.4 of 0.8 reaches 0.5, 0.4 of 1 does not */
    o.temperature = 1, o.min_p = 0, o.top_k = 3, o.top_p = 0.5;
    leaves(&o, (double[V]){0, 1});
}

static void test_penalty(void **state) {
    const uint8_t seen[V] = {1, 0, 1, 1, 0, 0};
    float         l[V] = {2, 2, -3, 0, -1, 4};
    const float   expected[V] = {1.6f, 2, -3.75f, 0, -1, 4};
    (void)state;
    sampler_penalize(l, V, seen, 1.25);
    for (int i = 0; i < V; i++) assert_true(fabsf(l[i] - expected[i]) < 1e-6f);
    sampler_penalize(l, V, seen, 1);
    for (int i = 0; i < V; i++) assert_true(fabsf(l[i] - expected[i]) < 1e-6f);
}

static void test_log_sum(void **state) {
    float l[V] = {1000, 1001, -INFINITY, 999, 0, -1000};
    (void)state;
    assert_true(fabs(sampler_log_sum(l, V) - (1001 + log(1 + exp(-1) + exp(-2)))) < 1e-6);
    l[3] = NAN;
    assert_false(isfinite(sampler_log_sum(l, V)));
    l[3] = INFINITY;
    assert_false(isfinite(sampler_log_sum(l, V)));
}

static void test_greedy_takes_the_lowest_id(void **state) {
    const float            given[V] = {0, 2, 1, 2, -1, 2};
    float                  l[V];
    canto_generate_options o = canto_generate_options_default();
    (void)state;
    for (int way = 0; way < 3; way++) {
        o.greedy = way == 0;
        o.temperature = way == 1 ? 0 : 1e-45; /* the last is below what a float can divide by */
        memcpy(l, given, sizeof l);
        assert_int_equal(sampler_pick(l, V, &o, NULL, NULL), 1);
    }
}

static void test_one_token(void **state) {
    float                  logit = -3;
    canto_generate_options o = canto_generate_options_default();
    stream_rng             stream = stream_seed(1, RNG_SAMPLING);
    (void)state;
    o.top_k = 1, o.top_p = 0.1, o.min_p = 1;
    assert_int_equal(sampler_pick(&logit, 1, &o, NULL, &stream), 0);
    assert_true(logit == 1);
}

/* ---------------------------------------------------------------------------------------------------- frequencies */

/* The 0.999 quantiles of chi-square by degrees of freedom. */
static const double quantiles[] = {0, 10.83, 13.82, 16.27, 18.47, 20.52};

/* n draws from one stream fit the weights, scaled to sum 1. */
static void draws_fit(const canto_generate_options *options, const double *weights) {
    enum { N = 30000 };
    stream_rng stream = stream_seed(options->seed, RNG_SAMPLING);
    torch_rng  torch;
    int        counts[V] = {0}, freedom = -1;
    double     sum = 0, chi = 0;
    torch_seed(&torch, options->seed);
    for (int n = 0; n < N; n++) {
        float l[V];
        logits_of(base, l);
        counts[sampler_pick(l, V, options, &torch, &stream)]++;
    }
    for (int i = 0; i < V; i++) sum += weights[i];
    for (int i = 0; i < V; i++) {
        double expected = N * weights[i] / sum;
        if (weights[i] == 0) assert_int_equal(counts[i], 0);
        else chi += (counts[i] - expected) * (counts[i] - expected) / expected, freedom++;
    }
    if (chi > quantiles[freedom]) fail_msg("chi-square %g at %d degrees of freedom", chi, freedom);
}

static void test_draws_follow_the_distribution(void **state) {
    (void)state;
    for (int parity = 0; parity < 2; parity++)
        for (uint64_t seed = 1; seed <= 3; seed++) {
            canto_generate_options o = canto_generate_options_default();
            double                 w[V];
            o.parity_torch = parity;
            o.seed = seed;
            draws_fit(&o, base);
            o.temperature = 2;
            for (int i = 0; i < V; i++) w[i] = sqrt(base[i]);
            draws_fit(&o, w);
            o.temperature = 1;
            o.top_k = 4;
            draws_fit(&o, (double[V]){0, 0.4, 0.1, 0.2, 0.2});
            o.top_k = 0, o.top_p = 0.5;
            draws_fit(&o, (double[V]){0, 0.4, 0, 0.2, 0.2});
            o.top_p = 1, o.min_p = 0.2;
            draws_fit(&o, (double[V]){0, 0.4, 0.1, 0.2, 0.2});
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_changes_nothing),
        cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_top_k_keeps_ties),
        cmocka_unit_test(test_top_p_keeps_the_smallest_set),
        cmocka_unit_test(test_min_p_is_relative_to_the_likeliest),
        cmocka_unit_test(test_order_of_the_filters),
        cmocka_unit_test(test_penalty),
        cmocka_unit_test(test_log_sum),
        cmocka_unit_test(test_greedy_takes_the_lowest_id),
        cmocka_unit_test(test_one_token),
        cmocka_unit_test(test_draws_follow_the_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
