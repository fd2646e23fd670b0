/* test_vmath.c - exp, tanh and erf of every instruction set that this machine has against a table of exact values:
 * within 2 units in the last place, signs and what is not a number kept, and the same bits wherever
 * an element stands. */
#include "math/kernels.h"
#include "unit/vmath_table.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const names[] = {"portable", "avx2", "avx512", "neon"};

typedef struct table {
    const char     *name;
    elementary_kind kind;
    const point    *points;
    size_t          count;
} table;

static const table tables[] = {{"exp", ELEMENTARY_EXP, exp_points, COUNT(exp_points)},
                               {"tanh", ELEMENTARY_TANH, tanh_points, COUNT(tanh_points)},
                               {"erf", ELEMENTARY_ERF, erf_points, COUNT(erf_points)}};

/* How far y is from the exact value, in units of the last place of floats next to it. */
static double distance(float y, double exact) {
    int exponent;
    frexp(exact, &exponent);
    if (exponent < FLT_MIN_EXP) exponent = FLT_MIN_EXP; /* subnormal numbers lie as close as the smallest normal ones */
    return fabs((double)y - exact) / ldexp(1, exponent - FLT_MANT_DIG);
}

static void check_table(const kernels *k, const table *t) {
    float *x = malloc(t->count * sizeof *x), *y = malloc(t->count * sizeof *y), *again = malloc(t->count * sizeof *y);
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < t->count; i++) x[i] = t->points[i].x;
    k->elementary(t->kind, x, y, (int64_t)t->count);
    for (size_t i = 0; i < t->count; i++) {
        double d = distance(y[i], t->points[i].y);
        if (!(d <= worst)) worst = d, where = i;
        assert_true(!signbit(y[i]) == !signbit(t->points[i].y));
    }
    printf("%s %s: %.2f units in the last place, at %a\n", k->name, t->name, worst, (double)x[where]);
    if (!(worst <= 2)) fail_msg("%s %s is %.2f units away at %a", k->name, t->name, worst, (double)x[where]);
    for (size_t from = 1, n = 1; from + n < t->count; from += n, n = n % 37 + 1)
        k->elementary(t->kind, x + from, again + from, (int64_t)n);
    for (size_t i = 1; i < t->count - 37; i++) assert_memory_equal(&again[i], &y[i], sizeof *y);
    free(x), free(y), free(again);
}

static void test_tables(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t t = 0; k != NULL && t < COUNT(tables); t++) check_table(k, &tables[t]);
    }
}

static float value(const kernels *k, elementary_kind kind, float x) {
    float y;
    k->elementary(kind, &x, &y, 1);
    return y;
}

static void test_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        const kernels *k = kernels_choose(names[i]);
        if (k == NULL) continue;
        for (size_t t = 0; t < COUNT(tables); t++) {
            assert_true(isnan(value(k, tables[t].kind, NAN)));
            assert_true(isnan(value(k, tables[t].kind, -NAN)));
        }
        assert_true(value(k, ELEMENTARY_EXP, -INFINITY) == 0 && value(k, ELEMENTARY_EXP, -FLT_MAX) == 0);
        assert_true(isinf(value(k, ELEMENTARY_EXP, INFINITY)) && isinf(value(k, ELEMENTARY_EXP, FLT_MAX)));
        assert_true(isinf(value(k, ELEMENTARY_EXP, 88.73f)) && isfinite(value(k, ELEMENTARY_EXP, 88.72f)));
        for (float x = -88; x < -86; x += 0.001f) { /* no subnormal number comes out */
            float y = value(k, ELEMENTARY_EXP, x);
            assert_true(y == 0 ? x < -86.98f : y >= FLT_MIN);
        }
        for (int kind = ELEMENTARY_TANH; kind <= ELEMENTARY_ERF; kind++) {
            assert_true(value(k, (elementary_kind)kind, INFINITY) == 1);
            assert_true(value(k, (elementary_kind)kind, -INFINITY) == -1);
            for (float x = 0; x < 11; x += 0.0007f) assert_true(value(k, (elementary_kind)kind, x) <= 1);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
