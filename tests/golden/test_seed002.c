/* test_seed002.c - every number that source 002's notebook prints: DummyGPTModel (72), GPTModel (72) and
 * ExampleWithShortcut (5), all from torch.manual_seed(123) and in train mode, so initialization, dropout masks and the
 * forward pass have to be PyTorch's. Printed are four decimals of the first and last three logits of each position. Source
 * 001 prints the shape alone: its 72 numbers here are those that PyTorch 1.13.1 gives for it under the same seed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/machine.h"
#include "math/product.h"
#include "model/gpt.h"
#include "model/init.h"

enum { B = 2, T = 6, SHOWN = 6 };
#define SEED 123
/* Half a unit of the last printed decimal, and room for the order of sums: PyTorch itself comes to 5.04e-5. */
#define PRINTED 5.2e-5

/* "Every effort moves you forward." and "Every day holds a lesson." as GPT-2's tokens. */
static const uint32_t IDS[B * T] = {6109, 3626, 6100, 345, 2651, 13, 6109, 1110, 6622, 257, 11483, 13};

/* DummyGPTModel */
static const double DUMMY[12][6] = {
    {-1.2034, 0.3201, -0.7130, -1.5548, -0.2390, -0.4667}, {-0.1192, 0.4539, -0.4432, 0.2392, 1.3469, 1.2430},
    {0.5307, 1.6720, -0.4695, 1.1966, 0.0111, 0.5835},     {0.0139, 1.6755, -0.3388, 1.1586, -0.0435, -1.0400},
    {0.0106, -1.6711, 0.7797, 0.3561, -0.0867, -0.5452},   {0.1821, 1.1189, 0.1641, 1.9012, 1.2240, 0.8853},
    {-1.0341, 0.2765, -1.1252, -0.8381, 0.0773, 0.1147},   {-0.2632, 0.5427, -0.2828, 0.1357, 0.3707, 1.3615},
    {0.9695, 1.2466, -0.3515, -0.0171, -0.3478, 0.2616},   {-0.0237, -0.7329, 0.3184, 1.5946, -0.1334, -0.2981},
    {-0.1876, -0.7909, 0.8811, 1.1121, -0.3781, -1.4438},  {0.0405, 1.2000, 0.0702, 1.4740, 1.1567, 1.2077},
};

/* GPTModel */
static const double GPT[12][6] = {
    {-0.7971, -0.6232, -0.1815, 0.1020, -0.0916, 0.1885},  {0.5491, -0.5220, 0.7559, -0.3137, -0.8780, 0.2182},
    {0.3107, 0.0346, -0.4637, -0.3700, -0.4346, -0.0747},  {0.5681, 0.3940, 0.5397, -0.1027, 0.5461, 0.4834},
    {-0.2948, -0.1605, -0.5878, 0.0054, -0.0207, -0.1100}, {-0.3096, -0.7744, -0.0254, 0.7480, 0.3515, 0.3208},
    {-0.6910, -0.3758, -0.1458, -0.1824, -0.5231, 0.0873}, {-0.2562, -0.4204, 1.5507, -0.7057, -0.3989, 0.0084},
    {-0.4263, -0.2257, -0.2074, -0.2160, -1.1648, 0.4744}, {-0.0245, 1.3792, 0.2234, -0.7153, -0.7858, -0.3762},
    {-0.4696, -0.4584, -0.4812, 0.5044, -0.8911, 0.1549},  {-0.7727, -0.6125, -0.3203, 1.0753, -0.0878, 0.2805},
};

/* Source 001's model: no biases of query, key and value, dropout after the embeddings too. */
static const double SOURCE_001[12][6] = {
    {0.3801, 0.2855, -0.3579, 0.1005, 0.0916, -0.4701},   {-0.0455, -0.6362, -0.7340, -0.1558, 0.5856, -0.3206},
    {0.9045, 0.0063, 0.2019, 0.0392, -0.2793, -0.2558},   {-0.9670, 0.3617, -0.1653, 0.6824, 0.2911, -0.1773},
    {1.2142, 0.3253, -0.0949, -0.5335, 0.4350, -0.3379},  {-0.3554, 0.1584, 0.6492, -0.5575, 0.9598, -0.6057},
    {0.0316, -0.1118, -0.1198, -0.0621, 0.1948, -0.4356}, {0.0673, -0.0885, 0.1555, 0.5726, -0.5030, 0.0783},
    {0.8927, 0.8442, -0.5061, 0.8456, 0.5123, -0.1726},   {-0.1488, 0.2326, 0.4123, 0.9617, -0.0359, 0.0617},
    {1.4604, 0.8328, -0.0077, 0.1570, 0.1194, -1.3293},   {-0.5347, 0.3360, 0.1091, -0.3316, 0.8168, -1.1208},
};

static const double SHORTCUT[5] = {-1.1785, -0.0278, -0.5737, -1.5400, 0.1513};

/* GPT_CONFIG of the notebook, without dropout. */
static canto_config notebook_config(void) {
    canto_config c;
    memset(&c, 0, sizeof c);
    c.family = CANTO_FAMILY_GPT2;
    c.vocab = 50257;
    c.context = 1024;
    c.width = 768;
    c.heads = 12;
    c.layers = 12;
    c.ffn = 4 * 768;
    c.activation = CANTO_GELU_TANH;
    c.attention = c.qkv_bias = c.projection = c.projection_bias = c.residuals = c.final_norm = true;
    strcpy(c.pattern, "g");
    c.norm_eps = 1e-5;
    return c;
}

/* Memory of one run. */
typedef struct run {
    canto_context *context;
    tensor_table   table;
    layer_weights *layers;
    void          *bases[5];
    int            count;
} run;

static void good(canto_status status) {
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
}

static void *run_block(run *r, size_t bytes) {
    void *block;
    good(context_block(r->context, bytes ? bytes : 64, "a test", &r->bases[r->count], &block));
    r->count++;
    return block;
}

static void run_open(run *r, const canto_config *config) {
    memset(r, 0, sizeof *r);
    good(canto_config_check(config));
    good(canto_context_open(NULL, &r->context));
    good(tensor_table_open(r->context, config, &r->table));
    r->layers = context_allocate_zeroed(r->context, (size_t)config->layers + 1, sizeof *r->layers);
    assert_non_null(r->layers);
}

static void run_close(run *r) {
    for (int i = 0; i < r->count; i++) context_release(r->context, r->bases[i]);
    context_release(r->context, r->layers);
    tensor_table_close(r->context, &r->table);
    canto_context_close(r->context);
}

static exec open_exec(run *r, size_t bytes) {
    size_t threads = (size_t)r->context->threads;
    exec   e = {.pool = r->context->pool, .scratch_bytes = (bytes + 63) / 64 * 64};
    e.scratch = run_block(r, threads * sizeof(void *));
    char *block = run_block(r, threads * e.scratch_bytes);
    for (size_t i = 0; i < threads; i++) e.scratch[i] = block + i * e.scratch_bytes;
    return e;
}

/* manual_seed, build, one forward pass in train mode: the drawn masks follow the drawn weights. logits[B T, V]. */
static const float *forward_in_train_mode(run *r, const canto_config *config) {
    torch_rng       rng;
    gpt_weights     views;
    gpt_activations acts;
    float          *weights = run_block(r, r->table.elements * sizeof *weights);
    torch_seed(&rng, SEED);
    model_initialize(&r->table, CANTO_INIT_TORCH, &rng, weights);
    gpt_weights_of_block(&r->table, weights, r->layers, &views);

    size_t room = gpt_activations_bytes(config, B, T, GPT_KEEP_NOTHING),
           logits_bytes = (size_t)B * T * (size_t)config->vocab * sizeof(float);
    char    *block = run_block(r, room + 64 + logits_bytes + gpt_dropout_bytes(config, B, T));
    float   *logits = (float *)(void *)(block + (room + 63) / 64 * 64);
    uint8_t *bits = (uint8_t *)logits + logits_bytes;
    gpt_draw_dropout(config, B, T, &rng, bits);
    gpt_dropout dropout = {.on = true, .bits = bits};

    exec           e = open_exec(r, gpt_scratch_bytes(config, T));
    const kernels *k = kernels_choose(r->context->cpu);
    gpt_activations_bind(config, B, T, GPT_KEEP_NOTHING, block, &acts);
    gpt_forward(&e, k, &views, &acts, IDS, B, T, &dropout);
    gpt_logits(&e, k, &views, &acts, 0, B * T, logits);
    return logits;
}

static void compare_printed(const float *logits, int64_t V, const double printed[B * T][SHOWN]) {
    for (int64_t row = 0; row < B * T; row++)
        for (int64_t i = 0; i < SHOWN; i++) {
            int64_t column = i < SHOWN / 2 ? i : V - SHOWN + i;
            double  have = (double)logits[row * V + column];
            if (!(fabs(have - printed[row][i]) <= PRINTED))
                fail_msg("row %d, column %d: %.6f, printed %.4f", (int)row, (int)column, have, printed[row][i]);
        }
}

static void check_model(const canto_config *config, uint64_t parameters, const double printed[B * T][SHOWN]) {
    run r;
    run_open(&r, config);
    assert_int_equal(r.table.parameters, parameters);
    compare_printed(forward_in_train_mode(&r, config), config->vocab, printed);
    run_close(&r);
}

static bool has_room(uint64_t bytes) {
    uint64_t available = machine_available_memory();
    return available == 0 || available > bytes;
}

/* Embeddings, their dropout, and the head: the blocks and norms of the dummy do nothing. */
static void dummy_model(void **state) {
    (void)state;
    if (!has_room(UINT64_C(700) << 20)) skip();
    canto_config c = notebook_config();
    c.layers = 0;
    c.final_norm = false;
    c.dropout_embedding = 0.1;
    check_model(&c, UINT64_C(2) * 50257 * 768 + 1024 * 768, DUMMY);
}

static void gpt_model(void **state) {
    (void)state;
    if (!has_room(UINT64_C(1000) << 20)) skip();
    canto_config c = notebook_config();
    c.dropout_attention = c.dropout_residual = c.dropout_ffn = 0.1;
    check_model(&c, UINT64_C(163037184), GPT);
}

/* Row 001-1: `gpt2-untied --qkv-bias off --dropout-embedding 0.1 --dropout-ffn 0` on the two sentences, logits [2, 6, 50257]. */
static void source_001(void **state) {
    (void)state;
    if (!has_room(UINT64_C(1000) << 20)) skip();
    canto_config c;
    good(canto_preset("gpt2-untied", &c, NULL));
    c.qkv_bias = false;
    c.dropout_embedding = 0.1;
    c.dropout_ffn = 0;
    assert_int_equal(c.vocab, 50257);
    check_model(&c, UINT64_C(163009536), SOURCE_001);
}

/* nn.Linear(in, out) of the stream: weight[out, in], then bias[out]. */
static void draw_linear(torch_rng *rng, int64_t in, int64_t out, float *weight, float *bias) {
    double weights = torch_linear_weight_bound(in), biases = torch_linear_bias_bound(in);
    torch_uniform(rng, weight, (size_t)(in * out), -weights, weights);
    torch_uniform(rng, bias, (size_t)out, -biases, biases);
}

static void linear(const exec *e, const kernels *k, const float *x, int64_t rows, int64_t in, int64_t out,
                   const float *weight, const float *bias, bool relu, float *y) {
    gemm g = {.M = rows,
              .N = out,
              .K = in,
              .a = x,
              .a_row = in,
              .a_column = 1,
              .b = weight,
              .b_row = 1,
              .b_column = in,
              .c = y,
              .c_row = out,
              .edge = {.bias = bias, .activate = relu, .activation = ACTIVATION_RELU}};
    product_run(e, k, &g);
}

static void example_with_shortcut(void **state) {
    (void)state;
    enum { ROWS = 5, WIDTH = 10 };
    run          r;
    canto_config c = notebook_config();
    torch_rng    rng;
    float        w1[100], b1[10], w2[100], b2[10], w3[10], b3[1], x[50], h1[50], h2[50], y[5];
    run_open(&r, &c);
    exec           e = open_exec(&r, GEMM_SCRATCH * sizeof(float));
    const kernels *k = kernels_choose(r.context->cpu);
    torch_seed(&rng, SEED);
    draw_linear(&rng, WIDTH, WIDTH, w1, b1);
    draw_linear(&rng, WIDTH, WIDTH, w2, b2);
    draw_linear(&rng, WIDTH, 1, w3, b3);
    torch_normal(&rng, x, ROWS * WIDTH, 0.0, 1.0);
    linear(&e, k, x, ROWS, WIDTH, WIDTH, w1, b1, true, h1);
    linear(&e, k, h1, ROWS, WIDTH, WIDTH, w2, b2, true, h2);
    for (int i = 0; i < ROWS * WIDTH; i++) h2[i] += x[i];
    linear(&e, k, h2, ROWS, WIDTH, 1, w3, b3, false, y);
    for (int i = 0; i < ROWS; i++)
        if (!(fabs((double)y[i] - SHORTCUT[i]) <= PRINTED))
            fail_msg("%d: %.6f, printed %.4f", i, (double)y[i], SHORTCUT[i]);
    run_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_with_shortcut),
        cmocka_unit_test(dummy_model),
        cmocka_unit_test(gpt_model),
        cmocka_unit_test(source_001),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
