/* test_statistics.c - the numbers of tensors, and how two models differ, against numbers set by hand. */
#include "small_gpt.h"
#include "store/model.h"
#include "unit.h"

#include <math.h>

/* A model of one block whose weights are all 0. */
typedef struct subject {
    tensor_table table;
    float       *block;
    canto_model *model;
} subject;

static void subject_open(subject *s, int32_t width) {
    canto_config config = small_gpt(5, 4, width, 6);
    config.heads = 2;
    config.layers = 1;
    ok(canto_config_check(&config));
    ok(tensor_table_open(context, &config, &s->table));
    s->block = calloc(s->table.elements, sizeof *s->block);
    ok(model_borrow(context, &config, s->block, NULL, &s->model));
}

static void subject_close(subject *s) {
    canto_model_close(s->model);
    tensor_table_close(context, &s->table);
    free(s->block);
}

static float *values(subject *s, tensor_role role, int32_t layer) {
    return s->block + tensor_find(&s->table, role, layer)->offset;
}

/* The number of the module with this name. */
static size_t number_of(const subject *s, const char *name) {
    canto_module m;
    for (size_t i = 0; canto_config_module(canto_model_config(s->model), i, &m).code == CANTO_OK; i++)
        if (strcmp(m.name, name) == 0) return i;
    fail_msg("there is no module %s", name);
    return 0;
}

static void near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * (1 + fabs(b)))) fail_msg("%.17g, not %.17g", a, b);
}

static void test_statistics(void **state) {
    subject          s;
    canto_statistics x;
    (void)state;
    subject_open(&s, 4);
    float *bias = values(&s, TENSOR_FFN_UP_BIAS, 0); /* [6] */
    bias[0] = 3, bias[1] = -4, bias[2] = 1;
    ok(canto_model_statistics(s.model, number_of(&s, "trf_blocks.0.ff.layers.0.bias"), &x));
    assert_int_equal(x.count, 6);
    assert_int_equal(x.zeros, 3);
    near(x.mean, 0);
    near(x.norm, sqrt(26));
    near(x.deviation, sqrt(26.0 / 6));
    near(x.least, -4);
    near(x.most, 3);
    /* a third of our q, k, v, around a mean that dwarfs its spread */
    float *key = values(&s, TENSOR_QKV_WEIGHT, 0) + 16;
    for (int i = 0; i < 16; i++) key[i] = 1e6F + (float)(i % 2);
    ok(canto_model_statistics(s.model, number_of(&s, "trf_blocks.0.att.W_key.weight"), &x));
    near(x.mean, 1e6 + 0.5);
    near(x.deviation, 0.5);
    near(x.least, 1e6);
    ok(canto_model_statistics(s.model, number_of(&s, "trf_blocks.0.att.W_query.weight"), &x));
    assert_int_equal(x.zeros, 16);
    bias[5] = NAN;
    ok(canto_model_statistics(s.model, number_of(&s, "trf_blocks.0.ff.layers.0.bias"), &x));
    assert_true(isnan(x.norm) && isnan(x.mean) && isnan(x.deviation));
    fails(canto_model_statistics(s.model, 1000, &x), CANTO_ERROR_VALUE, "no module number 1000");
    subject_close(&s);
}

static void test_difference(void **state) {
    subject          a, b, wide;
    canto_difference d;
    (void)state;
    subject_open(&a, 4);
    subject_open(&b, 4);
    subject_open(&wide, 6);
    size_t up = number_of(&a, "trf_blocks.0.ff.layers.0.bias");
    ok(canto_model_difference(a.model, b.model, up, &d));
    assert_int_equal(d.count, 6);
    assert_true(d.norm == 0 && d.relative == 0 && d.most == 0 && d.cosine == 1 && d.changed == 0);
    float *x = values(&a, TENSOR_FFN_UP_BIAS, 0), *y = values(&b, TENSOR_FFN_UP_BIAS, 0);
    x[0] = 3, x[1] = 4;
    y[0] = 3, y[1] = -8, y[2] = 5;
    ok(canto_model_difference(a.model, b.model, up, &d));
    near(d.norm, 13);
    near(d.relative, 13.0 / 5);
    near(d.most, 12);
    near(d.cosine, (9.0 - 32) / (5 * sqrt(98)));
    assert_int_equal(d.changed, 2);
    ok(canto_model_difference(b.model, a.model, up, &d));
    near(d.relative, 13 / sqrt(98));
    fails(canto_model_difference(a.model, wide.model, 0, &d), CANTO_ERROR_VALUE, "4 here and 5 x 6 in the other");
    fails(canto_model_difference(a.model, b.model, 1000, &d), CANTO_ERROR_VALUE, "no module number 1000");
    subject_close(&a), subject_close(&b), subject_close(&wide);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statistics), cmocka_unit_test(test_difference)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
