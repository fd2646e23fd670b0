/* test_blocks.c - weights of 8 and 4 bits: what packing loses, and their products: exact sums inside of groups on every
 * instruction set, and the same bits for a row alone, among many, and on several threads. */
#include "base/context.h"
#include "base/rng.h"
#include "math/blocks.h"
#include "math/half.h"
#include "math/product.h"
#include "unit.h"

#include <math.h>

static const char *const names[] = {"portable", "avx2", "avx512", "neon"};

static float *numbers(size_t n, uint64_t seed) {
    float     *x = calloc(n + 1, sizeof *x);
    stream_rng r = stream_seed(seed, 1);
    for (size_t i = 0; i < n; i++) x[i] = (float)(stream_uniform(&r) * 2 - 1) * (float)(1 + i % 7);
    return x;
}

/* W[N, K] in blocks. */
static void *packed(number_type type, const float *w, int64_t N, int64_t K) {
    char   *matrix = calloc(1, (size_t)block_matrix_bytes(type, N, K) + 1);
    int64_t each = block_panel_bytes(type, K);
    for (int64_t n = 0; n < N; n += BLOCK_OUTPUTS)
        blocks_pack(type, w + n * K, N - n < BLOCK_OUTPUTS ? N - n : BLOCK_OUTPUTS, K,
                    matrix + n / BLOCK_OUTPUTS * each);
    return matrix;
}

static void halves_come_back(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float x = half_to_float((uint16_t)h), y = bfloat_to_float((uint16_t)h);
        if (isnan(x)) assert_true(isnan(half_to_float(float_to_half(x))));
        else assert_int_equal(float_to_half(x), h);
        if (isnan(y)) assert_true(isnan(bfloat_to_float(float_to_bfloat(y))));
        else assert_int_equal(float_to_bfloat(y), h);
        if ((h & 0x7fff) >= 0x7bff) continue; /* between two neighbours: the nearer one, the even one in the middle */
        float next = half_to_float((uint16_t)(h + 1)), middle = (x + next) / 2;
        assert_int_equal(float_to_half(middle), h % 2 ? h + 1 : h);
        assert_int_equal(float_to_half(nextafterf(middle, x)), h);
        assert_int_equal(float_to_half(nextafterf(middle, next)), h + 1);
    }
    assert_int_equal(float_to_half(65519.0F), 0x7bff);
    assert_int_equal(float_to_half(65520.0F), 0x7c00);
    assert_int_equal(float_to_half(-1e30F), 0xfc00);
}

static void packing_loses_little(void **state) {
    enum { N = 37, K = 100 };
    (void)state;
    for (int way = 0; way < 2; way++) {
        number_type type = way ? NUMBER_INT4 : NUMBER_INT8;
        float      *w = numbers(N * K, 3);
        memset(w + 5 * K, 0, K * sizeof *w);
        void *matrix = packed(type, w, N, K);
        for (int64_t n = 0; n < N; n++)
            for (int64_t k = 0; k < K; k++) {
                float most = 0, back = blocks_number(type, matrix, K, n, k);
                for (int64_t i = k / 32 * 32; i < k / 32 * 32 + 32 && i < K; i++)
                    most = fmaxf(most, fabsf(w[n * K + i]));
                if (!(fabsf(back - w[n * K + k]) <= most * (way ? 0.19F : 0.0045F)))
                    fail_msg("%s (%ld, %ld): %g became %g; the group's largest is %g", way ? "int4" : "int8", (long)n,
                             (long)k, (double)w[n * K + k], (double)back, (double)most);
            }
        free(w), free(matrix);
    }
}

static void run(const gemm *g, const kernels *k, int threads) {
    canto_context_options options = canto_context_options_default();
    canto_context        *own;
    exec                  e;
    options.threads = threads;
    ok(canto_context_open(&options, &own));
    ok(context_exec_open(own, GEMM_SCRATCH * sizeof(real), &e));
    product_run(&e, k, g);
    context_exec_close(own, &e);
    canto_context_close(own);
}

/* The definition in double precision. */
static double element(const float *x, const void *matrix, number_type type, int64_t K, int64_t n) {
    double sum = 0;
    for (int64_t g = 0; g < K; g += 32) {
        float most = 0;
        for (int64_t k = g; k < K && k < g + 32; k++) most = fmaxf(most, fabsf(x[k]));
        float inverse = most > 0 ? 127 / most : 0;
        for (int64_t k = g; k < K && k < g + 32; k++)
            sum += (double)rintf(x[k] * inverse) * (double)(most / 127) * (double)blocks_number(type, matrix, K, n, k);
    }
    return sum;
}

static void check_product(const kernels *k, number_type type, int64_t M, int64_t N, int64_t K) {
    float *a = numbers((size_t)(M * K), 1), *w = numbers((size_t)(N * K), 2), *bias = numbers((size_t)N, 3);
    float *c = numbers((size_t)(M * N), 4), *again = numbers((size_t)(M * N), 5);
    void  *matrix = packed(type, w, N, K);
    gemm   g = {
          .M = M, .N = N, .K = K, .a = a, .a_row = K, .a_column = 1, .b = matrix, .b_type = type, .c = c, .c_row = N};
    g.edge.bias = bias;
    run(&g, k, 1);
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double expected = element(a + m * K, matrix, type, K, n) + (double)bias[n];
            if (!(fabs((double)c[m * N + n] - expected) <= 2e-5 * (double)(K + 8)))
                fail_msg("%s %ldx%ldx%ld (%ld, %ld): %g, not %g", k->name, (long)M, (long)N, (long)K, (long)m, (long)n,
                         (double)c[m * N + n], expected);
        }
    g.c = again;
    for (int threads = 2; threads <= 3; threads++) {
        memset(again, 0, (size_t)(M * N) * sizeof *c);
        run(&g, k, threads);
        assert_memory_equal(again, c, (size_t)(M * N) * sizeof *c);
    }
    g.M = 1;
    for (int64_t m = 0; m < M; m++, g.a += K) { /* a row alone */
        run(&g, k, 2);
        assert_memory_equal(again, c + m * N, (size_t)N * sizeof *c);
    }
    free(a), free(w), free(bias), free(c), free(again), free(matrix);
}

static void products_of_blocks(void **state) {
    static const int64_t shapes[][3] = {{1, 1, 1},    {1, 16, 32},  {3, 17, 33},  {4, 48, 64},
                                        {5, 100, 96}, {7, 31, 320}, {70, 40, 64}, {130, 900, 32}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof shapes / sizeof *shapes; s++)
            for (int way = 0; way < 2; way++)
                check_product(k, way ? NUMBER_INT4 : NUMBER_INT8, shapes[s][0], shapes[s][1], shapes[s][2]);
    }
}

/* The largest sums that can be, of either sign: nothing is cut off on the way. */
static void largest_sums(void **state) {
    enum { N = 16, K = 64 };
    float x[K], w[N * K], c[N];
    (void)state;
    for (int k = 0; k < K; k++) x[k] = k % 3 ? 2.0F : -2.0F;
    for (int i = 0; i < N * K; i++) w[i] = (i / K % 2 ? 1.0F : -1.0F) * (i % K % 3 ? 1.0F : -1.0F);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int way = 0; k != NULL && way < 2; way++) {
            number_type type = way ? NUMBER_INT4 : NUMBER_INT8;
            void       *matrix = packed(type, w, N, K);
            gemm g = {.M = 1, .N = N, .K = K, .a = x, .a_row = K, .a_column = 1, .b = matrix, .b_type = type, .c = c};
            run(&g, k, 1);
            for (int n = 0; n < N; n++)
                if (!(fabs((double)c[n] - element(x, matrix, type, K, n)) <= 1e-3))
                    fail_msg("%s, %s: output %d is %g, not %g", k->name, way ? "int4" : "int8", n, (double)c[n],
                             element(x, matrix, type, K, n));
            free(matrix);
        }
    }
}

/* A number that is none shows in every output, wherever it stands. */
static void what_is_not_finite_stays_so(void **state) {
    enum { N = 16, K = 64 };
    const float odd[] = {NAN, INFINITY, -INFINITY};
    float       x[K], c[N], *w = numbers(N * K, 1);
    (void)state;
    void *matrix = packed(NUMBER_INT8, w, N, K);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        gemm           g = {
                      .M = 1, .N = N, .K = K, .a = x, .a_row = K, .a_column = 1, .b = matrix, .b_type = NUMBER_INT8, .c = c};
        for (size_t o = 0; k != NULL && o < 3 * K; o++) {
            for (int j = 0; j < K; j++) x[j] = 1;
            x[o / 3] = odd[o % 3];
            run(&g, k, 1);
            for (int n = 0; n < N; n++) assert_false(isfinite(c[n]));
        }
    }
    w[3 * K + 40] = NAN;
    free(matrix);
    matrix = packed(NUMBER_INT4, w, N, K);
    assert_true(isnan(blocks_number(NUMBER_INT4, matrix, K, 3, 40)));
    assert_true(isfinite(blocks_number(NUMBER_INT4, matrix, K, 3, 4)));
    free(w), free(matrix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_come_back),
        cmocka_unit_test(packing_loses_little),
        cmocka_unit_test(products_of_blocks),
        cmocka_unit_test(largest_sums),
        cmocka_unit_test(what_is_not_finite_stays_so),
    };
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
