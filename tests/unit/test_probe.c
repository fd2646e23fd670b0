/* test_probe.c - the probes do what they say that they count; how fast is not a test's business. */
#include "unit.h"

#include "math/kernels.h"

#include <math.h>

/* Every chain x = 0.999 x + 0.001 ends near 1, so the chains' sum says how many numbers took part. */
static void test_operations_are_done(void **state) {
    static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        real           sink = 0;
        if (k == NULL) continue;
        double operations = k->fma_probe(100000, &sink);
        assert_true(fabs((double)sink / (operations / 2 / 100000) - 1) < 1e-2);
        assert_true(fabs(k->fma_probe(7, &sink) * 100000 - operations * 7) < 1);
    }
}

static void test_results(void **state) {
    double result = -1;
    (void)state;
    ok(canto_probe(context, CANTO_PROBE_FMA, 0, &result));
    assert_true(result > 0 && isfinite(result));
    ok(canto_probe(context, CANTO_PROBE_READ, 1, &result));
    assert_true(result > 0 && isfinite(result));
    fails(canto_probe(context, CANTO_PROBE_FMA, 2, &result), CANTO_ERROR_VALUE, "the context has 1");
    fails(canto_probe(context, CANTO_PROBE_FMA, -1, &result), CANTO_ERROR_VALUE, "-1 threads");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operations_are_done), cmocka_unit_test(test_results)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
