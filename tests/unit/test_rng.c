/* test_rng.c - the random streams against PyTorch's own numbers (tests/golden/rng.json), bit for bit: every entry of
 * every seed. An entry that no check knows is a failure. Also the counter stream's promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/rng.h"

#ifndef CANTO_TESTS_DIR
#define CANTO_TESTS_DIR "tests"
#endif

enum { MOST = 4096 };

static float number_at(const json_t *list, size_t i) {
    const json_t *value = json_array_get(list, i);
    assert_true(json_is_number(value));
    return (float)json_number_value(value);
}

static void same_floats(const char *name, const json_t *list, const float *have, size_t n) {
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++) {
        float want = number_at(list, i);
        if (memcmp(&want, &have[i], sizeof want) != 0)
            fail_msg("%s[%zu]: %.9g, PyTorch has %.9g", name, i, (double)have[i], (double)want);
    }
}

static void same_integers(const char *name, const json_t *list, const uint32_t *have, size_t n) {
    assert_int_equal(json_array_size(list), n);
    for (size_t i = 0; i < n; i++)
        if ((json_int_t)have[i] != json_integer_value(json_array_get(list, i)))
            fail_msg("%s[%zu]: %u", name, i, (unsigned)have[i]);
}

static void uniform_01(torch_rng *r, float *out, size_t n) { torch_uniform(r, out, n, 0.0, 1.0); }

static void check_randint(const char *name, const json_t *want, torch_rng *r) {
    uint32_t have[20];
    for (int i = 0; i < 20; i++) have[i] = torch_randint(r, 1000);
    same_integers(name, want, have, 20);
}

static void check_rand(const char *name, const json_t *want, torch_rng *r) {
    float  have[MOST];
    size_t n = json_array_size(want);
    uniform_01(r, have, n);
    same_floats(name, want, have, n);
}

static void check_normals(const char *name, const json_t *want, torch_rng *r) {
    float  have[MOST];
    size_t n = json_array_size(want);
    torch_normal(r, have, n, 0.0, 1.0);
    same_floats(name, want, have, n);
}

static void check_cache(const char *name, const json_t *want, torch_rng *r) {
    float have[14];
    torch_normal(r, have, 5, 0.0, 1.0);
    torch_normal(r, have + 5, 4, 0.0, 1.0);
    uniform_01(r, have + 9, 2);
    torch_normal(r, have + 11, 3, 0.0, 1.0);
    same_floats(name, want, have, 14);
}

static void check_randperm(const char *name, const json_t *want, torch_rng *r) {
    uint32_t have[10];
    torch_randperm(r, have, 10);
    same_integers(name, want, have, 10);
}

static void check_draws(const char *name, const json_t *entry, torch_rng *r) {
    const json_t *probabilities = json_object_get(entry, "probs");
    float         p[16];
    uint32_t      have[25];
    size_t        n = json_array_size(probabilities);
    for (size_t i = 0; i < n; i++) p[i] = number_at(probabilities, i);
    for (int i = 0; i < 25; i++) have[i] = (uint32_t)torch_multinomial(r, p, n);
    same_integers(name, json_object_get(entry, "draws_25"), have, 25);
}

static void softmax(float *p, size_t n) {
    float largest = p[0], sum = 0;
    for (size_t i = 1; i < n; i++) largest = fmaxf(largest, p[i]);
    for (size_t i = 0; i < n; i++) sum += p[i] = expf(p[i] - largest);
    for (size_t i = 0; i < n; i++) p[i] /= sum;
}

static void check_rows(const char *name, const json_t *entry, torch_rng *r) {
    float p[3 * 65];
    torch_normal(r, p, 3 * 65, 0.0, 1.0);
    for (int row = 0; row < 3; row++) softmax(p + 65 * row, 65);
    for (size_t draw = 0; draw < 8; draw++) {
        uint32_t have[3];
        for (int row = 0; row < 3; row++) have[row] = (uint32_t)torch_multinomial(r, p + 65 * row, 65);
        same_integers(name, json_array_get(entry, draw), have, 3);
    }
}

static void check_multinomial(const char *name, const json_t *want, torch_rng *r) {
    torch_rng   start = *r;
    const char *key;
    json_t     *entry;
    json_object_foreach((json_t *)(uintptr_t)want, key, entry) {
        *r = start;
        if (json_is_array(entry)) check_rows(name, entry, r);
        else check_draws(name, entry, r);
    }
}

static void check_exponential(const char *name, const json_t *want, torch_rng *r) {
    float have[20];
    torch_exponential(r, have, 20);
    same_floats(name, want, have, 20);
}

static void check_dropout(const char *name, const json_t *want, torch_rng *r) {
    double  p = strtod(strrchr(name, 'p') + 1, NULL);
    size_t  n = json_array_size(want);
    uint8_t bits[16];
    float   have[64];
    memset(bits, 0xA5, sizeof bits);
    torch_dropout_bits(r, bits, 3, n, p); /* an odd start: neighbours must stay */
    for (size_t i = 0; i < n; i++) have[i] = (bits[(i + 3) / 8] >> ((i + 3) % 8) & 1) ? 1.0f / (float)(1.0 - p) : 0.0f;
    same_floats(name, want, have, n);
    assert_int_equal(bits[0] & 7, 0xA5 & 7);
    assert_int_equal(bits[15], 0xA5);
}

static void check_random_i64(const char *name, const json_t *want, torch_rng *r) {
    (void)name;
    for (size_t i = 0; i < 3; i++) {
        char text[32];
        snprintf(text, sizeof text, "%llu", (unsigned long long)torch_random_i64(r));
        assert_string_equal(text, json_string_value(json_array_get(want, i)));
    }
}

/* An epoch of DataLoader(shuffle=True): one seed thrown away, one for the permutation. */
static void check_shuffle(const char *name, const json_t *want, torch_rng *r) {
    int      epochs = strstr(name, "epoch2") ? 2 : 1;
    uint32_t have[23];
    for (int epoch = 0; epoch < epochs; epoch++) {
        torch_rng own;
        torch_random_i64(r);
        torch_seed(&own, torch_random_i64(r));
        torch_randperm(&own, have, 23);
    }
    same_integers(name, want, have, 23);
}

static void check_linear(const char *name, const json_t *want, torch_rng *r) {
    int   in = 0, out = 0;
    float have[MOST];
    assert_int_equal(sscanf(name, "linear_%d_%d", &in, &out), 2);
    double weight = torch_linear_weight_bound(in), bias = torch_linear_bias_bound(in);
    torch_uniform(r, have, (size_t)(in * out), -weight, weight);
    same_floats(name, json_object_get(want, "weight"), have, (size_t)(in * out));
    torch_uniform(r, have, (size_t)out, -bias, bias);
    same_floats(name, json_object_get(want, "bias"), have, (size_t)out);
}

typedef void (*check_fn)(const char *name, const json_t *want, torch_rng *r);
typedef struct check {
    const char *prefix;
    check_fn    fn;
} check;

/* The longest fitting prefix comes first. */
static const check CHECKS[] = {
    {"randint_1000_x20", check_randint},
    {"randn5_randn4_rand2_randn3", check_cache},
    {"randn_", check_normals},
    {"randperm_10", check_randperm},
    {"rand_", check_rand},
    {"multinomial", check_multinomial},
    {"exponential_20", check_exponential},
    {"dropout_", check_dropout},
    {"random_i64_x3", check_random_i64},
    {"dataloader_shuffle_23_epoch", check_shuffle},
    {"linear_", check_linear},
    {"embedding_", check_normals},
};

static void check_entry(const char *name, const json_t *want, uint64_t seed) {
    for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
        if (strncmp(name, CHECKS[i].prefix, strlen(CHECKS[i].prefix)) != 0) continue;
        torch_rng r;
        torch_seed(&r, seed);
        CHECKS[i].fn(name, want, &r);
        return;
    }
    fail_msg("no check knows \"%s\"", name);
}

static json_t *load_numbers(json_error_t *error) {
    const char *source = getenv("CANTO_SOURCE"); /* the tree's root, from the test runner */
    char        path[4096];
    if (source) snprintf(path, sizeof path, "%s/tests/golden/rng.json", source);
    else snprintf(path, sizeof path, "%s", CANTO_TESTS_DIR "/golden/rng.json");
    return json_load_file(path, 0, error);
}

static void every_recorded_number(void **state) {
    (void)state;
    json_error_t error;
    json_t      *root = load_numbers(&error);
    if (!root) fail_msg("rng.json: %s", error.text);
    const char *key, *name;
    json_t     *entries, *want;
    int         seeds = 0, checked = 0;
    json_object_foreach(root, key, entries) {
        if (strncmp(key, "seed_", 5) != 0) continue;
        seeds++;
        json_object_foreach(entries, name, want) {
            check_entry(name, want, strtoull(key + 5, NULL, 10));
            checked++;
        }
    }
    assert_int_equal(seeds, 5);
    assert_true(checked >= 5 * 24);
    json_decref(root);
}

static void a_copied_state_continues(void **state) {
    (void)state;
    torch_rng a;
    float     x[7], y[7];
    torch_seed(&a, 5);
    torch_normal(&a, x, 7, 0.0, 1.0); /* odd: leaves a value in the cache */
    torch_rng b = a;
    torch_normal(&a, x, 7, 0.0, 1.0);
    torch_normal(&b, y, 7, 0.0, 1.0);
    assert_memory_equal(x, y, sizeof x);
}

static void no_dropout_draws_nothing(void **state) {
    (void)state;
    torch_rng r, same;
    uint8_t   bits[2] = {0, 0};
    torch_seed(&r, 1);
    same = r;
    torch_dropout_bits(&r, bits, 1, 9, 0.0);
    assert_int_equal(bits[0], 0xFE);
    assert_int_equal(bits[1], 0x03);
    assert_int_equal(torch_u32(&r), torch_u32(&same));
}

static void streams_are_apart_and_even(void **state) {
    (void)state;
    stream_rng a = stream_seed(1, RNG_BATCHES), b = stream_seed(1, RNG_DROPOUT), c = stream_seed(2, RNG_BATCHES);
    assert_true(stream_u64(&a) != stream_u64(&b));
    assert_true(stream_u64(&b) != stream_u64(&c));
    assert_true(rng_mix(1, 2) != rng_mix(2, 1));
    int    counts[7] = {0};
    double sum = 0;
    for (int i = 0; i < 70000; i++) counts[stream_below(&a, 7)]++;
    for (int i = 0; i < 7; i++) assert_in_range(counts[i], 9500, 10500);
    for (int i = 0; i < 10000; i++) {
        double u = stream_uniform(&b);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.02);
    assert_int_equal(stream_below(&a, 1), 0);
    assert_true(stream_below(&a, UINT64_MAX) < UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_number),
        cmocka_unit_test(a_copied_state_continues),
        cmocka_unit_test(no_dropout_draws_nothing),
        cmocka_unit_test(streams_are_apart_and_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
