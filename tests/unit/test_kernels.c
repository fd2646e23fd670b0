/* test_kernels.c - every instruction set that this machine has against plain double-precision sums, and the promise that
 * an element of a product does not depend on M, N, the tile or the number of threads. */
#include "base/context.h"
#include "base/rng.h"
#include "math/half.h"
#include "math/product.h"
#include "model/layernorm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"portable", "avx2", "avx512", "neon"};

static float *numbers(size_t n, uint64_t seed) {
    float     *x = aligned_alloc(64, (n * sizeof(float) + 64) / 64 * 64);
    stream_rng r = stream_seed(seed, 1);
    for (size_t i = 0; i < n; i++) x[i] = (float)(stream_uniform(&r) * 2 - 1);
    return x;
}

static void run_product(const gemm *g, const kernels *k, int threads) {
    canto_context_options options = canto_context_options_default();
    canto_context        *context;
    options.threads = threads;
    assert_int_equal(canto_context_open(&options, &context).code, CANTO_OK);
    void *scratch[8];
    for (int i = 0; i < threads; i++) scratch[i] = aligned_alloc(64, GEMM_SCRATCH * sizeof(real));
    exec e = {.pool = context->pool, .scratch = scratch, .scratch_bytes = GEMM_SCRATCH * sizeof(real)};
    product_run(&e, k, g);
    for (int i = 0; i < threads; i++) free(scratch[i]);
    canto_context_close(context);
}

/* One shape in the three forms of a linear layer, with and without bias and accumulation. */
static void check_product(const kernels *k, int64_t M, int64_t N, int64_t K, int form, int threads) {
    float *a = numbers((size_t)(M * K), 1), *b = numbers((size_t)(K * N), 2), *bias = numbers((size_t)N, 3);
    float *c = numbers((size_t)(M * N), 4), *before = numbers((size_t)(M * N), 4);
    gemm   g = {.M = M,
                .N = N,
                .K = K,
                .a = a,
                .a_row = form == 2 ? 1 : K,
                .a_column = form == 2 ? M : 1,
                .b = b,
                .b_row = form == 0 ? 1 : N,
                .b_column = form == 0 ? K : 1,
                .c = c,
                .c_row = N,
                .edge.bias = form == 0 ? bias : NULL,
                .accumulate = form == 2};
    run_product(&g, k, threads);
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 0; n < N; n++) {
            double s = form == 2 ? (double)before[m * N + n] : 0;
            for (int64_t i = 0; i < K; i++)
                s += (double)a[m * g.a_row + i * g.a_column] * (double)b[i * g.b_row + n * g.b_column];
            if (form == 0) s += (double)bias[n];
            if (fabs(s - (double)c[m * N + n]) > 1e-6 * (double)(K + 8))
                fail_msg("%s %ldx%ldx%ld form %d at (%ld, %ld): %g, expected %g", k->name, (long)M, (long)N, (long)K,
                         form, (long)m, (long)n, (double)c[m * N + n], s);
        }
    free(a), free(b), free(bias), free(c), free(before);
}

static void test_products(void **state) {
    static const int64_t shapes[][3] = {{1, 1, 1},    {1, 7, 3},    {5, 33, 17},     {12, 32, 64},
                                        {13, 31, 65}, {64, 64, 16}, {100, 130, 300}, {97, 257, 513},
                                        {193, 64, 7}, {2, 500, 1},  {521, 200, 260}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        if (k == NULL) continue;
        printf("products: %s\n", k->name);
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int form = 0; form < 6; form++)
                check_product(k, shapes[s][0], shapes[s][1], shapes[s][2], form % 3, 1 + form / 3);
    }
}

/* Rows and columns cut out of a large product equal the same elements of a small one, bit for bit, on 1 to 3 threads. */
static void test_products_do_not_depend_on_their_cut(void **state) {
    enum { M = 450, N = 300, K = 400 };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        if (k == NULL) continue;
        float *a = numbers(M * K, 1), *b = numbers(N * K, 2), *whole = numbers(M * N, 3), *part = numbers(M * N, 3);
        gemm   g = {.M = M,
                    .N = N,
                    .K = K,
                    .a = a,
                    .a_row = K,
                    .a_column = 1,
                    .b = b,
                    .b_row = 1,
                    .b_column = K,
                    .c = whole,
                    .c_row = N};
        run_product(&g, k, 1);
        for (int threads = 1; threads <= 3; threads++) {
            g.c = part;
            run_product(&g, k, threads);
            assert_memory_equal(whole, part, M * N * sizeof(float));
        }
        int64_t cuts[][4] = {{0, 0, 1, 1}, {3, 5, 1, 40}, {7, 11, 100, 1}, {17, 29, 31, 77}, {449, 299, 1, 1}};
        for (size_t s = 0; s < sizeof cuts / sizeof *cuts; s++) {
            int64_t m = cuts[s][0], n = cuts[s][1];
            gemm    cut = {.M = cuts[s][2],
                           .N = cuts[s][3],
                           .K = K,
                           .a = a + m * K,
                           .a_row = K,
                           .a_column = 1,
                           .b = b + n * K,
                           .b_row = 1,
                           .b_column = K,
                           .c = part,
                           .c_row = N};
            run_product(&cut, k, 1);
            for (int64_t r = 0; r < cut.M; r++)
                assert_memory_equal(part + r * N, whole + (m + r) * N + n, (size_t)cut.N * sizeof(float));
        }
        free(a), free(b), free(whole), free(part);
    }
}

/* Products of few rows, where the weights lie, against the tiles that large ones are made of: the same bits. */
static void check_thin(const kernels *k, int64_t M, int64_t N, int64_t K, bool turned, bool accumulate) {
    float *a = numbers((size_t)(M * (K + 1)), 1), *b = numbers((size_t)(K * N + 1), 2), *bias = numbers((size_t)N, 3);
    float *c = numbers((size_t)(M * N), 4), *tile = numbers((size_t)(M * N), 4);
    float *slope = numbers((size_t)(M * N), 6), *slope_tile = numbers((size_t)(M * N), 6);
    real  *scratch = aligned_alloc(64, GEMM_SCRATCH * sizeof(real));
    gemm   g = {.M = M,
                .N = N,
                .K = K,
                .a = a,
                .a_row = K + 1,
                .a_column = 1,
                .b = b,
                .b_row = turned ? 1 : N,
                .b_column = turned ? K : 1,
                .c = tile,
                .c_row = N,
                .accumulate = accumulate};
    g.edge = (gemm_edge){.bias = bias, .activate = true, .slope = slope_tile};
    assert_true(gemm_is_thin(&g));
    k->gemm_tile(&g, 0, M, 0, N, scratch);
    g.c = c;
    g.edge.slope = slope;
    int64_t cut = N > 40 ? 40 : N; /* in two strips */
    k->gemm_thin(&g, 0, cut);
    if (cut < N) k->gemm_thin(&g, cut, N);
    assert_memory_equal(c, tile, (size_t)(M * N) * sizeof *c);
    assert_memory_equal(slope, slope_tile, (size_t)(M * N) * sizeof *c);
    free(a), free(b), free(bias), free(c), free(tile), free(slope), free(slope_tile), free(scratch);
}

static void test_thin_products(void **state) {
    static const int64_t shapes[][2] = {{1, 1}, {7, 3}, {16, 8}, {33, 17}, {40, 64}, {97, 300}, {131, 259}, {50, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof shapes / sizeof *shapes; s++)
            for (int64_t M = 1; M <= THIN_ROWS; M++)
                for (int way = 0; way < 4; way++)
                    if (way < 2 || M <= THIN_TURNED_ROWS)
                        check_thin(k, M, shapes[s][0], shapes[s][1], way >= 2, way % 2 != 0);
    }
}

/* Weights of 16 bits: every product is that of the same numbers as reals, to the bit. */
static void check_sixteen_bits(const kernels *k, number_type type, int64_t M, int64_t N, int64_t K, bool turned) {
    float    *a = numbers((size_t)(M * K), 1), *b = numbers((size_t)(K * N + 1), 2);
    float    *c = numbers((size_t)(M * N), 4), *expected = numbers((size_t)(M * N), 4);
    uint16_t *small = malloc((size_t)(K * N + 1) * sizeof *small);
    real     *scratch = aligned_alloc(64, GEMM_SCRATCH * sizeof(real));
    gemm      g = {.M = M,
                   .N = N,
                   .K = K,
                   .a = a,
                   .a_row = K,
                   .a_column = 1,
                   .b = b,
                   .b_row = turned ? 1 : N,
                   .b_column = turned ? K : 1,
                   .c = expected,
                   .c_row = N};
    for (int64_t i = 0; i < K * N; i++) {
        small[i] = (uint16_t)rng_mix(7, (uint64_t)i);
        if (type == NUMBER_F16 && (small[i] & 0x7c00) == 0x7c00) small[i] &= 0xbfff; /* finite */
        if (type == NUMBER_BF16) small[i] = (uint16_t)((small[i] & 0x83ff) | 0x3c00);
        b[i] = type == NUMBER_F16 ? half_to_float(small[i]) : bfloat_to_float(small[i]);
        assert_true(isfinite(b[i]));
    }
    k->gemm_tile(&g, 0, M, 0, N, scratch);
    g.b = small, g.b_type = type, g.c = c;
    k->gemm_tile(&g, 0, M, 0, N, scratch);
    assert_memory_equal(c, expected, (size_t)(M * N) * sizeof *c);
    if (gemm_is_thin(&g)) {
        memset(c, 0, (size_t)(M * N) * sizeof *c);
        k->gemm_thin(&g, 0, N);
        assert_memory_equal(c, expected, (size_t)(M * N) * sizeof *c);
    }
    real *panels = aligned_alloc(64, (gemm_panels(K, N) * sizeof(real) + 64) / 64 * 64);
    k->gemm_pack(&g, panels);
    g.panels = panels;
    memset(c, 0, (size_t)(M * N) * sizeof *c);
    k->gemm_tile(&g, 0, M, 0, N, scratch);
    assert_memory_equal(c, expected, (size_t)(M * N) * sizeof *c);
    free(a), free(b), free(c), free(expected), free(small), free(scratch), free(panels);
}

static void test_products_of_sixteen_bits(void **state) {
    static const int64_t shapes[][3] = {{1, 1, 1},   {1, 33, 17},   {2, 97, 300}, {4, 131, 259},
                                        {5, 40, 64}, {16, 50, 513}, {40, 77, 30}, {100, 49, 300}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof shapes / sizeof *shapes; s++)
            for (int way = 0; way < 4; way++)
                check_sixteen_bits(k, way / 2 ? NUMBER_F16 : NUMBER_BF16, shapes[s][0], shapes[s][1], shapes[s][2],
                                   way % 2 != 0);
    }
}

/* y = f(x), slope = f'(x) (NULL: not wanted): the edge of a product without steps, whose sums are x. */
static void activate(const kernels *k, activation_kind kind, const float *x, float *y, float *slope, int64_t n) {
    gemm g = {.M = 1, .N = n, .c = y, .c_row = n, .accumulate = true};
    g.edge = (gemm_edge){.activate = true, .activation = kind, .slope = slope};
    memcpy(y, x, (size_t)n * sizeof *y);
    run_product(&g, k, 1);
}

/* Every part of an edge, on whole and on cut vectors, against the same operations one by one; masks of sequences of 7. */
static void check_edge(const kernels *k, int masks, bool factor, bool residual, const uint8_t *bits) {
    enum { M = 37, N = 61, K = 19, T = 7, B = 6 };
    float *a = numbers(M * K, 1), *b = numbers(K * N, 2), *plain = numbers(M * N, 3), *c = numbers(M * N, 3);
    float *bias = numbers(N, 4), *times = numbers(M * N, 5), *stream = numbers(M * N, 6), part[N];
    mask   list[2][B];
    gemm   g = {.M = M, .N = N, .K = K, .a = a, .a_row = K, .a_column = 1, .b = b, .b_row = N, .b_column = 1};
    for (int i = 0; i < 2 * B; i++)
        list[i / B][i % B] = (mask){.key = rng_mix(5, (uint64_t)i),
                                    .threshold = 1u << 30,
                                    .scale = 1.25f,
                                    .bits = bits,
                                    .first_bit = (uint64_t)(i * T * N)};
    g.c_row = N;
    g.c = plain;
    run_product(&g, k, 2);
    g.c = c;
    g.edge = (gemm_edge){
        .bias = bias, .factor = factor ? times : NULL, .mask_rows = T, .residual = residual ? stream : NULL};
    for (int i = 0; i < masks; i++) g.edge.masks[i] = list[i];
    run_product(&g, k, 2);
    for (int64_t m = 0; m < M; m++) {
        float *row = plain + m * N;
        for (int64_t n = 0; n < N; n++) row[n] = (row[n] + bias[n]) * (factor ? times[m * N + n] : 1);
        for (int i = 0; i < masks; i++) {
            k->mask_row(&list[i][m / T], (uint64_t)(m % T * N), N, part);
            for (int64_t n = 0; n < N; n++) row[n] *= part[n];
        }
        for (int64_t n = 0; n < N && residual; n++) row[n] += stream[m * N + n];
        for (int64_t n = 0; n < N; n++)
            if (!(row[n] == c[m * N + n]))
                fail_msg("%s, %d masks, factor %d, residual %d: (%ld, %ld) is %g, not %g", k->name, masks, factor,
                         residual, (long)m, (long)n, (double)c[m * N + n], (double)row[n]);
    }
    free(a), free(b), free(plain), free(c), free(bias), free(times), free(stream);
}

static void test_edges(void **state) {
    uint8_t bits[(12 * 7 * 61 + 7) / 8];
    (void)state;
    for (size_t i = 0; i < sizeof bits; i++) bits[i] = (uint8_t)(rng_mix(9, i) >> 11);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int way = 0; k != NULL && way < 24; way++)
            check_edge(k, way % 3, way / 3 % 2, way / 6 % 2, way / 12 ? bits : NULL);
    }
}

static double gelu_tanh(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

static double gelu_exact(double x) { return 0.5 * x * (1 + erf(x / sqrt(2.0))); }

static void test_activations(void **state) {
    enum { N = 40001 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *dy = malloc(N * sizeof *dy),
          *again = malloc(N * sizeof *again);
    (void)state;
    for (int i = 0; i < N; i++) x[i] = (float)(i - N / 2) / 2000.0f;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        if (k == NULL) continue;
        for (int kind = 0; kind < 2; kind++) {
            double (*f)(double) = kind == ACTIVATION_GELU_TANH ? gelu_tanh : gelu_exact;
            double worst = 0, slope = 0;
            activate(k, (activation_kind)kind, x, y, NULL, N);
            for (int j = 0; j < N; j++) {
                double error = fabs((double)y[j] - f((double)x[j])) / (1 + fabs((double)x[j]));
                worst = error > worst ? error : worst;
            }
            activate(k, (activation_kind)kind, x, again, dy, N);
            assert_memory_equal(y, again, N * sizeof *y); /* whether the slope is wanted or not */
            for (int j = 0; j < N; j++) {
                double h = 1e-5, d = (f((double)x[j] + h) - f((double)x[j] - h)) / (2 * h);
                slope = fabs(d - (double)dy[j]) > slope ? fabs(d - (double)dy[j]) : slope;
            }
            printf("%s gelu %d: worst %.1e, slope %.1e\n", k->name, kind, worst, slope);
            assert_true(worst < 1.5e-7 && slope < 5e-7);
        }
        activate(k, ACTIVATION_RELU, x, y, dy, N);
        for (int j = 0; j < N; j++) assert_true(y[j] == (x[j] > 0 ? x[j] : 0) && dy[j] == (x[j] > 0));
    }
    free(x), free(y), free(dy), free(again);
}

static void test_norm(void **state) {
    enum { R = 5 };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int64_t C = 1; k != NULL && C < 80; C += 13) {
            float *x = numbers((size_t)(R * C), 5), *w = numbers((size_t)C, 6), *b = numbers((size_t)C, 7),
                  *y = numbers((size_t)(R * C), 8);
            float mean[R], rstd[R];
            k->norm_rows(x, w, b, y, mean, rstd, R, C, 1e-5f);
            for (int64_t r = 0; r < R; r++) {
                double m = 0, v = 0;
                for (int64_t c = 0; c < C; c++) m += (double)x[r * C + c] / (double)C;
                for (int64_t c = 0; c < C; c++)
                    v += ((double)x[r * C + c] - m) * ((double)x[r * C + c] - m) / (double)C;
                for (int64_t c = 0; c < C; c++) {
                    double e = ((double)x[r * C + c] - m) / sqrt(v + 1e-5) * (double)w[c] + (double)b[c];
                    assert_true(fabs(e - (double)y[r * C + c]) < 1e-5);
                }
            }
            free(x), free(w), free(b), free(y);
        }
    }
}

/* The backward pass of a norm against its formula in double; with and without something to add, in place, and serially
 * or on a pool to the same bits. */
static void check_norm_backward(const kernels *k, canto_context *context, int64_t C) {
    enum { R = 67 };
    size_t n = (size_t)(R * C);
    float *x = numbers(n, 1), *w = numbers((size_t)C, 2), *dy = numbers(n, 3), *add = numbers(n, 4);
    float *y = numbers(n, 5), mean[R], rstd[R], *out[3], *dw[3], *db[3];
    view   weight = {.data = w, .type = VIEW_REAL, .rows = C, .columns = 1};
    k->norm_rows(x, w, w, y, mean, rstd, R, C, 1e-5f);
    for (int way = 0; way < 3; way++) { /* serial; on a pool; nothing to add, dx in dy's place */
        exec e = {.pool = way == 1 ? context->pool : NULL};
        out[way] = numbers(n, way == 2 ? 3 : 4), dw[way] = numbers((size_t)C, 6), db[way] = numbers((size_t)C, 7);
        layernorm_backward(&e, k, &weight, x, mean, rstd, R, way == 2 ? out[2] : dy, way == 2 ? NULL : out[way],
                           out[way], dw[way], db[way]);
    }
    assert_memory_equal(out[0], out[1], n * sizeof(float));
    for (int way = 1; way < 3; way++) {
        assert_memory_equal(dw[0], dw[way], (size_t)C * sizeof(float));
        assert_memory_equal(db[0], db[way], (size_t)C * sizeof(float));
    }
    float *before_w = numbers((size_t)C, 6), *before_b = numbers((size_t)C, 7);
    for (int64_t c = 0; c < C; c++) {
        double sum_w = (double)before_w[c], sum_b = (double)before_b[c];
        for (int64_t r = 0; r < R; r++) {
            const float *d = dy + r * C, *v = x + r * C;
            double       g = 0, gn = 0, m = (double)mean[r], s = (double)rstd[r];
            for (int64_t j = 0; j < C; j++) {
                g += (double)d[j] * (double)w[j] / (double)C;
                gn += (double)d[j] * (double)w[j] * ((double)v[j] - m) * s / (double)C;
            }
            double normed = ((double)v[c] - m) * s, dx = s * ((double)d[c] * (double)w[c] - g - normed * gn);
            sum_w += (double)d[c] * normed;
            sum_b += (double)d[c];
            assert_true(fabs(dx - (double)out[2][r * C + c]) < 1e-5 * (1 + s));
            assert_true(fabs(dx + (double)add[r * C + c] - (double)out[0][r * C + c]) < 1e-5 * (1 + s));
        }
        assert_true(fabs(sum_w - (double)dw[0][c]) < 1e-4 && fabs(sum_b - (double)db[0][c]) < 1e-4);
    }
    for (int way = 0; way < 3; way++) free(out[way]), free(dw[way]), free(db[way]);
    free(x), free(w), free(dy), free(add), free(y), free(before_w), free(before_b);
}

static void test_norm_backward(void **state) {
    canto_context_options options = canto_context_options_default();
    canto_context        *context;
    (void)state;
    options.threads = 2;
    assert_int_equal(canto_context_open(&options, &context).code, CANTO_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int64_t C = 1; k != NULL && C < 140; C += 21) check_norm_backward(k, context, C);
        if (k != NULL) check_norm_backward(k, context, 64);
    }
    canto_context_close(context);
}
/* Positions, width and window of attention: odd ones, more than a block, more than a chunk of rows. */
static const int64_t sizes[][3] = {{1, 4, 0},    {7, 3, 0},   {64, 16, 0}, {65, 5, 9},   {100, 64, 33},
                                   {130, 40, 1}, {65, 17, 0}, {150, 8, 0}, {97, 33, 70}, {40, 1, 3}};

/* Attention against the textbook: scores, softmax over what is seen, weighted sum; with a window and a mask. */
static void test_attention(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof sizes / sizeof *sizes; s++) {
            int64_t T = sizes[s][0], D = sizes[s][1], W = sizes[s][2], S = 3 * D;
            float  *qkv = numbers((size_t)(T * S), 9), *out = numbers((size_t)(T * D), 1), *lse = numbers((size_t)T, 1);
            float  *scratch = aligned_alloc(64, (attention_scratch(T, D) * sizeof(float) + 63) / 64 * 64);
            float  *drop = malloc((size_t)(T * T) * sizeof(float));
            mask    m = {.key = 99, .threshold = 1u << 30, .scale = 4.0f / 3};
            for (int64_t r = 0; r < T; r++) k->mask_row(&m, (uint64_t)(r * T), T, drop + r * T);
            attention_head a = {.T = T,
                                .D = D,
                                .window = W,
                                .scale = 0.7f,
                                .stride = S,
                                .q = qkv,
                                .k = qkv + D,
                                .v = qkv + 2 * D,
                                .out_stride = D,
                                .out = out,
                                .lse = lse,
                                .dropout = &m};
            k->attention_forward(&a, scratch);
            for (int64_t r = 0; r < T; r++) {
                double p[256], sum = 0;
                for (int64_t j = 0; j <= r; j++) {
                    double z = 0;
                    for (int64_t d = 0; d < D; d++) z += (double)qkv[r * S + d] * (double)qkv[j * S + D + d];
                    p[j] = W == 0 || r - j < W ? exp(0.7 * z) : 0;
                    sum += p[j];
                }
                assert_true(fabs(log(sum) - (double)lse[r]) < 1e-5);
                for (int64_t d = 0; d < D; d++) {
                    double e = 0;
                    for (int64_t j = 0; j <= r; j++)
                        e += p[j] / sum * (double)drop[r * T + j] * (double)qkv[j * S + 2 * D + d];
                    if (fabs(e - (double)out[r * D + d]) > 1e-5)
                        fail_msg("%s T %ld D %ld W %ld row %ld: %g, expected %g", k->name, (long)T, (long)D, (long)W,
                                 (long)r, (double)out[r * D + d], e);
                }
            }
            free(qkv), free(out), free(lse), free(scratch), free(drop);
        }
    }
}

/* sum of dout . out, q, k and v being rows of qkv, S apart. */
static double attention_loss(const double *qkv, int64_t S, int64_t T, int64_t D, int64_t W, const float *drop,
                             const float *dout) {
    double loss = 0;
    for (int64_t r = 0; r < T; r++) {
        double sum = 0, part = 0;
        for (int64_t j = W > 0 && r >= W ? r - W + 1 : 0; j <= r; j++) {
            double z = 0, gain = 0;
            for (int64_t d = 0; d < D; d++) {
                z += qkv[r * S + d] * qkv[j * S + D + d];
                gain += (double)dout[r * D + d] * qkv[j * S + 2 * D + d];
            }
            sum += exp(0.7 * z);
            part += exp(0.7 * z) * gain * (drop != NULL ? (double)drop[r * T + j] : 1);
        }
        loss += part / sum;
    }
    return loss;
}

/* The gradients against differences of the textbook's loss in double precision, at some of the numbers; what lies between
 * the rows stays as it was. mask_first makes the numbers of a mask's elements pass 2^32. */
static void check_attention_backward(const kernels *k, const int64_t *size, const mask *m) {
    int64_t  T = size[0], D = size[1], W = size[2], S = 3 * D + 1;
    size_t   n = (size_t)(T * S);
    uint64_t first = (1ull << 32) - (uint64_t)(T * T / 2);
    float   *qkv = numbers(n, 9), *grad = numbers(n, 4), *before = numbers(n, 4), *drop = numbers((size_t)(T * T), 1);
    float   *out = numbers((size_t)(T * D), 1), *dout = numbers((size_t)(T * D), 2), *lse = numbers((size_t)T, 1);
    float   *scratch = aligned_alloc(64, (attention_scratch(T, D) * sizeof(float) + 63) / 64 * 64);
    double  *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = (double)qkv[i];
    for (int64_t e = 0; m != NULL && e < T * T; e++) k->mask_row(m, first + (uint64_t)e, 1, drop + e);
    attention_head a = {.T = T, .D = D, .window = W, .scale = 0.7f, .stride = S, .out_stride = D, .out = out};
    a.q = qkv, a.k = qkv + D, a.v = qkv + 2 * D, a.lse = lse, a.dropout = m, a.mask_first = first;
    a.dout = dout, a.dq = grad, a.dk = grad + D, a.dv = grad + 2 * D;
    k->attention_forward(&a, scratch);
    k->attention_backward(&a, scratch);
    size_t step = n / 150 + 1;
    while ((3 * D + 1) % (int64_t)step == 0 && step > 1) step++;
    for (size_t i = 0; i < n; i += step) {
        const double h = 1e-4, was = x[i];
        x[i] = was + h;
        double more = attention_loss(x, S, T, D, W, m != NULL ? drop : NULL, dout);
        x[i] = was - h;
        double wanted = (more - attention_loss(x, S, T, D, W, m != NULL ? drop : NULL, dout)) / (2 * h);
        x[i] = was;
        if ((int64_t)i % S == 3 * D) wanted = (double)before[i];
        if (!(fabs(wanted - (double)grad[i]) < 1e-5 * (1 + fabs(wanted))))
            fail_msg("%s T %ld D %ld W %ld mask %d, position %ld, number %ld: %g, expected %g", k->name, (long)T,
                     (long)D, (long)W, m != NULL, (long)i / S, (long)i % S, (double)grad[i], wanted);
    }
    for (int64_t r = 0; r < T; r++) assert_true(grad[r * S + 3 * D] == before[r * S + 3 * D]);
    free(qkv), free(grad), free(before), free(drop), free(out), free(dout), free(lse), free(scratch), free(x);
}

static void test_attention_backward(void **state) {
    uint8_t *bits = malloc(1u << 20);
    mask     hash = {.key = 0x123456789abcdef, .threshold = 1u << 30, .scale = 4.0f / 3};
    mask     stored = {.bits = bits, .scale = 2};
    (void)state;
    for (int i = 0; i < 1 << 20; i++) bits[i] = (uint8_t)(i * 37 + i / 11);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof sizes / sizeof *sizes; s++) {
            check_attention_backward(k, sizes[s], NULL);
            check_attention_backward(k, sizes[s], &hash);
            stored.first_bit = 0 - ((1ull << 32) - (uint64_t)(sizes[s][0] * sizes[s][0] / 2)); /* mask_first is bit 0 */
            check_attention_backward(k, sizes[s], &stored);
        }
    }
    free(bits);
}

/* The same head through a cache, in pieces of 1, 2, 3, ... positions, and the last ones once more after a step back. */
static void test_attention_extends(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < sizeof sizes / sizeof *sizes; s++) {
            int64_t T = sizes[s][0], D = sizes[s][1], S = 3 * D;
            float  *qkv = numbers((size_t)(T * S), 9), *whole = numbers((size_t)(T * D), 1),
                  *out = numbers((size_t)(T * D), 2), *lse = numbers((size_t)T, 1);
            float *scratch = aligned_alloc(64, (attention_scratch(T, D) * sizeof(float) + 63) / 64 * 64);
            float *keys = calloc(attention_keys(T, D), sizeof(float));
            float *values = calloc((size_t)(T * D) + ATTENTION_PANEL, sizeof(float));

            attention_head a = {.T = T, .D = D, .window = sizes[s][2], .scale = 0.7f, .stride = S, .out_stride = D};
            a.q = qkv, a.k = qkv + D, a.v = qkv + 2 * D, a.out = whole, a.lse = lse;
            k->attention_forward(&a, scratch);
            a.lse = NULL, a.keys = keys, a.values = values;
            for (int64_t at = 0, n = 1, again = 1; at < T; n++) {
                a.first = at;
                a.T = at + n < T ? at + n : T;
                a.q = qkv + at * S, a.k = a.q + D, a.v = a.q + 2 * D, a.out = out + at * D;
                k->attention_extend(&a, scratch);
                at = a.T == T && again-- > 0 ? T / 2 : a.T;
            }
            for (int64_t e = 0; e < T * D; e++)
                if (!(out[e] == whole[e]))
                    fail_msg("%s T %ld D %ld, position %ld: %g, whole %g", k->name, (long)T, (long)D, (long)(e / D),
                             (double)out[e], (double)whole[e]);
            free(qkv), free(whole), free(out), free(lse), free(scratch), free(keys), free(values);
        }
    }
}

static void test_masks(void **state) {
    enum { N = 1000000 };
    float *m = malloc(N * sizeof *m);
    (void)state;
    for (int p = 1; p < 10; p += 2) {
        mask drop = {
            .key = rng_mix(7, (uint64_t)p), .threshold = (uint32_t)(p * 429496729.6), .scale = 10.0f / (float)(10 - p)};
        double kept = 0, pairs = 0;
        kernels_choose("portable")->mask_row(&drop, 0, N, m);
        for (int i = 0; i < N; i++) kept += m[i] > 0;
        for (int i = 1; i < N; i++) pairs += m[i] > 0 && m[i - 1] > 0;
        double q = 1 - p / 10.0;
        assert_true(fabs(kept / N - q) < 0.003 && fabs(pairs / N - q * q) < 0.003);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const kernels *k = kernels_choose(names[i]);
            float          part[100];
            if (k == NULL) continue;
            k->mask_row(&drop, 12345, 100, part);
            assert_memory_equal(part, m + 12345, sizeof part);
        }
    }
    free(m);
}

/* Masks of other keys (of the next steps and sequences, as dropout.c makes them) and of the same key elsewhere: two are
 * kept together as often as if by chance, at the same index, at shifted ones and at ones with a bit turned. */
static void test_masks_do_not_know_each_other(void **state) {
    enum { N = 1 << 18 };
    const double q = 0.8, bound = 5 * sqrt(q * q * (1 - q * q) / N); /* 5 deviations; the keys are fixed */
    float       *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b);
    (void)state;
    for (uint64_t number = 0; number < 64; number++) {
        mask of = {.key = rng_mix(rng_mix(7, 3), 5), .threshold = (uint32_t)((1 - q) * 4294967296.0), .scale = 1};
        mask other = of;
        if (number < 32)
            other.key = rng_mix(rng_mix(7, 3 + number / 4), 5 + number % 4 + (number < 4)); /* another key */
        uint64_t shift = number < 32 ? 0 : number % 2 ? (uint64_t)1 << (number - 32) : number - 31;
        kernels_choose(NULL)->mask_row(&of, 0, N, a);
        kernels_choose(NULL)->mask_row(&other, shift, N, b);
        for (int turned = 0; turned < N; turned = turned ? 2 * turned : 1) {
            if (number >= 32 && turned > 0) break;
            double together = 0;
            for (int i = 0; i < N; i++) together += a[i] > 0 && b[i ^ turned] > 0;
            if (fabs(together / N - q * q) > bound)
                fail_msg("pair %d, bit %d: %.5f, by chance %.5f", (int)number, turned, together / N, q * q);
        }
    }
    for (uint64_t number = 0; number < 8; number++) { /* a key is more than another order of the same indices */
        mask     of = {.key = rng_mix(7, 1), .threshold = (uint32_t)((1 - q) * 4294967296.0), .scale = 1}, other = of;
        uint32_t turn = (uint32_t)((other.key = rng_mix(7, 2 + number)) ^ of.key);
        double   together = 0;
        kernels_choose(NULL)->mask_row(&of, 0, N, a);
        kernels_choose(NULL)->mask_row(&other, turn & ~(uint32_t)(N - 1), N, b);
        for (uint32_t i = 0; i < N; i++) together += a[i] > 0 && b[i ^ (turn & (N - 1))] > 0;
        assert_true(fabs(together / N - q * q) < bound);
    }
    for (int turned = 1; turned < N; turned *= 2) { /* within one mask; every pair counts twice */
        double together = 0;
        for (int i = 0; i < N; i++) together += a[i] > 0 && a[i ^ turned] > 0;
        assert_true(fabs(together / N - q * q) < sqrt(2.0) * bound);
    }
    free(a), free(b);
}

/* An element is the same whatever the vector that it comes in: from bits, from the hash, and where the index passes
 * 2^32. */
static void test_masks_anywhere(void **state) {
    enum { N = 200 };
    static const uint64_t starts[] = {0, 12345, 4294967296u - N / 2, (uint64_t)7 << 32};
    uint8_t               bits[N / 8 + 1];
    (void)state;
    for (size_t i = 0; i < sizeof bits; i++) bits[i] = (uint8_t)rng_mix(1, i);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (size_t s = 0; k != NULL && s < 4; s++)
            for (int of_bits = 0; of_bits < 2; of_bits++) {
                mask  m = {.key = 0x123456789abcdef, .threshold = 1u << 31, .scale = 2};
                float whole[N], one, portable;
                if (of_bits) m.bits = bits, m.first_bit = 3 - starts[s];
                k->mask_row(&m, starts[s], N, whole);
                for (uint64_t e = 0; e < N; e++) {
                    k->mask_row(&m, starts[s] + e, 1, &one);
                    kernels_choose("portable")->mask_row(&m, starts[s] + e, 1, &portable);
                    assert_true(one == whole[e] && one == portable && (one == 0 || one == 2));
                    if (of_bits) assert_true((one > 0) == ((bits[(e + 3) / 8] >> ((e + 3) % 8)) & 1));
                }
            }
    }
}

/* The slope takes the place of what went in: it must be as finite, also far out. */
static void test_slope_tells(void **state) {
    static const float finite[] = {0,   -0.0f, 1e-40f, 3,      -3,    12,      -12,
                                   100, -100,  1e13f,  -1e13f, 1e25f, 3.4e38f, -3.4e38f};
    static const float others[] = {NAN, -NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int kind = 0; k != NULL && kind < 3; kind++) {
            float y, slope;
            for (size_t j = 0; j < sizeof finite / sizeof *finite; j++) {
                activate(k, (activation_kind)kind, &finite[j], &y, &slope, 1);
                assert_true(isfinite(y) && isfinite(slope));
                if (fabsf(finite[j]) < 12) continue;
                float far = finite[j] > 0;
                assert_true(fabsf(slope - far) < 1e-20f && y == far * finite[j]);
            }
            for (size_t j = 0; j < sizeof others / sizeof *others; j++) {
                activate(k, (activation_kind)kind, &others[j], &y, &slope, 1);
                assert_true(!isfinite(slope) && (!isnan(others[j]) || isnan(y)));
            }
        }
    }
}

static void test_cross_entropy(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        for (int64_t V = 1; k != NULL && V < 100; V += 9) {
            float *z = numbers((size_t)V, 10), *g = numbers((size_t)V, 10);
            double sum = 0;
            for (int64_t v = 0; v < V; v++) sum += exp((double)z[v]);
            float loss = k->cross_entropy(g, V, (uint32_t)(V / 2), true, 0.5f);
            assert_true(fabs((double)loss - (log(sum) - (double)z[V / 2])) < 2e-6);
            for (int64_t v = 0; v < V; v++)
                assert_true(fabs((double)g[v] - 0.5 * (exp((double)z[v]) / sum - (v == V / 2))) < 1e-6);
            free(z), free(g);
        }
    }
}

/* Every instruction set updates to the same bits as the portable one, whose numbers are checked in double. */
static void test_adam(void **state) {
    enum { N = 1003 };
    static const adam with = {.keep = 0.99f,
                              .coupled = 0.01f,
                              .clip = 0.5f,
                              .beta1 = 0.9f,
                              .rest1 = 0.1f,
                              .beta2 = 0.95f,
                              .rest2 = 0.05f,
                              .step = -0.01f,
                              .root = 0.3f,
                              .eps = 1e-8f};
    float            *wanted[4] = {NULL}, *got[4];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const kernels *k = kernels_choose(names[i]);
        if (k == NULL) continue;
        for (int j = 0; j < 4; j++) got[j] = numbers(N, (uint64_t)j + 1);
        for (int e = 0; e < N; e++) got[3][e] *= got[3][e]; /* the second moment is not negative */
        k->adam_update(&with, N, got[0], got[1], got[2], got[3]);
        if (wanted[0] == NULL) {
            float *p = numbers(N, 1), *g = numbers(N, 2), *m = numbers(N, 3), *v = numbers(N, 4);
            for (int e = 0; e < N; e++) {
                double gradient = 0.5 * (double)g[e] + 0.01 * (double)p[e], mean = 0.9 * (double)m[e] + 0.1 * gradient;
                double square = 0.95 * (double)v[e] * (double)v[e] + 0.05 * gradient * gradient;
                double weight = 0.99 * (double)p[e] - 0.01 * mean / (sqrt(square) / 0.3 + 1e-8);
                assert_true(fabs(weight - (double)got[0][e]) < 1e-5 && fabs(mean - (double)got[2][e]) < 1e-6 &&
                            fabs(square - (double)got[3][e]) < 1e-6 && got[1][e] == 0);
            }
            free(p), free(g), free(m), free(v);
            memcpy(wanted, got, sizeof wanted);
            continue;
        }
        for (int j = 0; j < 4; j++) {
            assert_memory_equal(wanted[j], got[j], N * sizeof(float));
            free(got[j]);
        }
    }
    for (int j = 0; j < 4; j++) free(wanted[j]);
}

/* A context with kernels that this machine lacks does not open. */
static void test_choice(void **state) {
    static const char *const all[] = {"portable", "avx2", "avx512", "neon"};
    int                      missing = 0;
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        canto_context_options options = canto_context_options_default();
        canto_context        *context;
        const kernels        *k = kernels_choose(all[i]);
        options.cpu = all[i];
        canto_status status = canto_context_open(&options, &context);
        assert_int_equal(status.code, k ? CANTO_OK : CANTO_ERROR_UNSUPPORTED);
        missing += k == NULL;
        if (k) assert_string_equal(canto_context_cpu(context), all[i]);
        else assert_non_null(strstr(status.text, all[i]));
        canto_context_close(context);
    }
    assert_true(missing > 0); /* no machine has both avx512 and neon */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_products_do_not_depend_on_their_cut),
        cmocka_unit_test(test_thin_products),
        cmocka_unit_test(test_products_of_sixteen_bits),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_attention_extends),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_adam),
        cmocka_unit_test(test_norm_backward),
        cmocka_unit_test(test_masks_do_not_know_each_other),
        cmocka_unit_test(test_masks_anywhere),
        cmocka_unit_test(test_slope_tells),
        cmocka_unit_test(test_attention_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
