/* test_config.c - blueprints: what is refused and how it is said, every preset's counts, dropout places, FLOPs. */
#include "canto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static canto_config preset(const char *name) {
    canto_config config;
    canto_status status = canto_preset(name, &config, NULL);
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
    return config;
}

static void refused(const canto_config *config, const char *part) {
    canto_status status = canto_config_check(config);
    assert_int_equal(status.code, CANTO_ERROR_VALUE);
    if (!strstr(status.text, part)) fail_msg("\"%s\" does not say \"%s\"", status.text, part);
}

static void test_every_preset_passes(void **state) {
    const char *name, *about;
    size_t      n = 0;
    (void)state;
    for (; (name = canto_preset_name(n, &about)) != NULL; n++) {
        canto_config        config;
        canto_train_options training;
        canto_report        report;
        assert_non_null(about);
        assert_int_equal(canto_preset(name, &config, &training).code, CANTO_OK);
        assert_string_equal(config.preset, name);
        assert_int_equal(canto_config_check(&config).code, CANTO_OK);
        assert_int_equal(canto_train_options_check(&training).code, CANTO_OK);
        assert_int_equal(canto_config_report(&config, 1, 0, &report).code, CANTO_OK);
    }
    assert_int_equal(n, 17);
}

static void test_preset_counts(void **state) {
    static const struct {
        const char *name;
        uint64_t    total;
    } known[] = {
        {"shakespeare-tiny", 211777}, {"shakespeare-small", 1237057}, {"shakespeare-medium", 10788929},
        {"gpt2", 124439808},          {"gpt2-medium", 354823168},     {"gpt2-large", 774030080},
        {"gpt2-xl", 1557611200},      {"gpt2-untied", 163037184},     {"gpt3", 174604259328},
        {"gpt-neo-lite", 6835456},    {"gpt-neo-125m", 125198592},    {"gpt-neo-1.3b", 1315575808},
        {"gpt-neo-2.7b", 2651307520}, {"dante", 109803832},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        canto_config config = preset(known[i].name);
        canto_report report;
        assert_int_equal(canto_config_report(&config, 1, 0, &report).code, CANTO_OK);
        if (report.total != known[i].total)
            print_error("%s: %llu, expected %llu\n", known[i].name, (unsigned long long)report.total,
                        (unsigned long long)known[i].total);
        assert_true(report.total == known[i].total);
    }
}

static void test_modules_add_up(void **state) {
    static const char *const names[] = {"mini",  "shakespeare-tiny", "gpt2-untied",    "gpt-neo-lite",
                                        "dante", "dante-basic",      "dante-attention"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        canto_config config = preset(names[i]);
        canto_report report;
        canto_module module;
        uint64_t     sum = 0;
        assert_int_equal(canto_config_report(&config, 1, 0, &report).code, CANTO_OK);
        for (size_t n = 0; n < report.modules; n++) {
            assert_int_equal(canto_config_module(&config, n, &module).code, CANTO_OK);
            sum += module.parameters;
        }
        assert_true(sum == report.total);
        assert_int_equal(canto_config_module(&config, report.modules, &module).code, CANTO_ERROR_VALUE);
    }
}

static void test_numbers_of_source_002(void **state) {
    canto_config config = preset("gpt2-untied");
    canto_report report;
    (void)state;
    assert_int_equal(canto_config_report(&config, 2, 0, &report).code, CANTO_OK);
    assert_true(report.without_token_embedding == 124439808);
    assert_true(report.without_embeddings == 124439808 - 1024 * 768);
    assert_true(report.weights_bytes == 163037184ull * 4); /* 621.94 MB of 2^20 bytes */
    config.qkv_bias = false;
    assert_int_equal(canto_config_report(&config, 2, 0, &report).code, CANTO_OK);
    assert_true(report.total == 163009536);
}

static void test_flops_of_a_gpt2_block(void **state) {
    canto_config config = preset("gpt2");
    canto_report report;
    double       C = 768, L = 12, V = 50257, T = 1024;
    (void)state;
    assert_int_equal(canto_config_report(&config, 1, 0, &report).code, CANTO_OK);
    double expected = 6 * (12 * C * C * L + C * V) + 6 * C * (T + 1) * L;
    assert_true(report.training_flops_per_token == expected);
    assert_true(report.forward_flops_per_token == expected / 3);
}

static void test_typo_names_the_nearest(void **state) {
    canto_config config;
    canto_status status = canto_preset("shakespear-tiny", &config, NULL);
    (void)state;
    assert_int_equal(status.code, CANTO_ERROR_VALUE);
    assert_non_null(strstr(status.text, "\"shakespeare-tiny\""));
    assert_null(canto_preset_name(1000, NULL));
}

static void test_refusals(void **state) {
    canto_config config = preset("shakespeare-tiny");
    (void)state;
    config.heads = 5;
    refused(&config, "Use 4 or 8 heads");
    config = preset("mini");
    config.vocab = 0;
    refused(&config, "vocab is 0");
    config = preset("mini");
    config.width = -4;
    refused(&config, "width is -4");
    config = preset("mini");
    config.dropout_attention = 1;
    refused(&config, "dropout_attention is 1");
    config = preset("mini");
    config.pattern[0] = 'x';
    refused(&config, "'x'");
    config = preset("mini");
    config.pattern[0] = 'l';
    refused(&config, "window");
    config = preset("mini");
    config.norm_eps = 0;
    refused(&config, "norm_eps");
    config = preset("mini");
    config.width = config.ffn = 1 << 24;
    config.heads = 1;
    config.layers = 1 << 20;
    refused(&config, "parameters");
}

static void test_training_refusals(void **state) {
    canto_config        config;
    canto_train_options training;
    (void)state;
    assert_int_equal(canto_preset("mini", &config, &training).code, CANTO_OK);
    training.split = 0;
    assert_non_null(strstr(canto_train_options_check(&training).text, "split is 0"));
    training.split = 0.9;
    training.batch = 0;
    assert_non_null(strstr(canto_train_options_check(&training).text, "batch is 0"));
    training.batch = 1;
    training.min_lr = 1;
    assert_non_null(strstr(canto_train_options_check(&training).text, "min_lr is 1"));
}

static void test_dropout_places(void **state) {
    canto_config config = preset("gpt2");
    (void)state;
    canto_config_dropout(&config, 0.5);
    assert_true(config.dropout_embedding == 0.5 && config.dropout_attention == 0.5 && config.dropout_residual == 0.5);
    assert_true(config.dropout_ffn == 0 && config.dropout_block == 0);
    config = preset("gpt2-untied");
    assert_true(config.dropout_embedding == 0 && config.dropout_attention == 0.1 && config.dropout_residual == 0.1);
    assert_true(config.dropout_ffn == 0.1);
    config = preset("shakespeare-tiny");
    assert_true(config.dropout_attention == 0.1 && config.dropout_residual == 0.1 && config.dropout_ffn == 0);
    config = preset("dante");
    assert_true(config.dropout_block == 0.25 && config.dropout_attention == 0 && config.dropout_residual == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_preset_passes),
        cmocka_unit_test(test_preset_counts),
        cmocka_unit_test(test_modules_add_up),
        cmocka_unit_test(test_numbers_of_source_002),
        cmocka_unit_test(test_flops_of_a_gpt2_block),
        cmocka_unit_test(test_typo_names_the_nearest),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_training_refusals),
        cmocka_unit_test(test_dropout_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
