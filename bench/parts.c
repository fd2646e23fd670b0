/* parts.c - two parts of a training step by themselves: attention, global and through a window, and the optimizer.
 *
 *     parts [--rounds N] [--parameters MILLIONS]
 *
 * Attention: all heads of one sequence, forward and backward, as GPT-2's (H 12, D 64); the windows take turns, medians
 * count. Optimizer: AdamW over one tensor, beside the memory that a plain sum reads just before and just after. It reads
 * weight, gradient and two moments of each parameter, and writes all four (the gradient becomes 0): 32 bytes. */
#include "base/machine.h"
#include "model/attention.h"
#include "train/optimizer.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 99 };

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, int n) {
    qsort(list, (size_t)n, sizeof *list, by_size);
    return list[n / 2];
}

static void stop(canto_status status) {
    if (status.code == CANTO_OK) return;
    fprintf(stderr, "parts: %s\n", status.text);
    exit(1);
}

static float *block_of(canto_context *context, size_t elements) {
    void *base, *block;
    stop(context_block(context, elements * sizeof(float), "a block", &base, &block)); /* goes with the program */
    return block;
}

/* Small numbers without a pattern. */
static void fill(float *x, size_t n) {
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
}

/* ------------------------------------------------------------------------------------------------------ attention */

typedef struct scene {
    canto_config    config;
    gpt_activations acts;
    exec            e;
    const kernels  *k;
    float          *qkv, *out, *lse, *dout, *dqkv;
} scene;

static void scene_open(scene *s, canto_context *context, int32_t T) {
    size_t rows = (size_t)T, C;
    stop(canto_preset("gpt2", &s->config, NULL));
    C = (size_t)s->config.width;
    s->config.context = T;
    s->k = kernels_choose(NULL);
    s->acts = (gpt_activations){.config = &s->config, .B = 1, .T = T, .batch = 1, .b = 1, .t = T};
    stop(context_exec_open(context, gpt_scratch_bytes(&s->config, T), &s->e));
    s->qkv = block_of(context, rows * 3 * C), s->dqkv = block_of(context, rows * 3 * C);
    s->out = block_of(context, rows * C), s->dout = block_of(context, rows * C);
    s->lse = block_of(context, rows * (size_t)s->config.heads);
    fill(s->qkv, rows * 3 * C);
    fill(s->dout, rows * C);
}

/* Milliseconds of both passes through a window; 0: global. */
static void turn(scene *s, int32_t window, double *forward, double *backward) {
    const gpt_dropout off = {0};
    double            start = clock_seconds(), middle;
    s->config.window = window;
    s->config.pattern[0] = window > 0 ? 'l' : 'g';
    attention_forward(&s->e, s->k, &s->config, 0, &s->acts, &off, s->qkv, s->out, s->lse);
    middle = clock_seconds();
    attention_backward(&s->e, s->k, &s->config, 0, &s->acts, &off, s->qkv, s->out, s->lse, s->dout, s->dqkv);
    *forward = 1e3 * (middle - start);
    *backward = 1e3 * (clock_seconds() - middle);
}

static void measure_attention(canto_context *context, int32_t T, int rounds) {
    static const int32_t windows[] = {0, 1024, 512, 256, 128};
    enum { WAYS = sizeof windows / sizeof *windows };
    scene  s;
    double ms[WAYS][2][MOST_ROUNDS], whole = 0;
    scene_open(&s, context, T);
    turn(&s, 0, &ms[0][0][0], &ms[0][1][0]); /* warms up */
    for (int r = 0; r < rounds; r++)
        for (int w = 0; w < WAYS; w++) turn(&s, windows[w], &ms[w][0][r], &ms[w][1][r]);
    printf("attention, H %d, D %d, T %d; ms\n%8s %9s %9s %9s %10s\n", (int)s.config.heads,
           (int)(s.config.width / s.config.heads), (int)T, "window", "forward", "backward", "both", "of global");
    for (int w = 0; w < WAYS; w++) {
        double forward = median(ms[w][0], rounds), backward = median(ms[w][1], rounds);
        if (w == 0) whole = forward + backward;
        if (windows[w] == 0) printf("%8s", "global");
        else printf("%8d", (int)windows[w]);
        printf(" %9.2f %9.2f %9.2f %10.3f\n", forward, backward, forward + backward, (forward + backward) / whole);
    }
}

/* ------------------------------------------------------------------------------------------------------ optimizer */

static void measure_optimizer(canto_context *context, size_t parameters, int rounds) {
    tensor             one = {.count = parameters, .decay = true};
    tensor_table       table = {.list = &one, .count = 1, .elements = parameters};
    optimizer_settings settings = {true, 1e-4, 0.9, 0.95, 1e-8, 0.1, true};
    float             *blocks[4];
    double             ms[MOST_ROUNDS], norm[MOST_ROUNDS], before = 0, after = 0;
    exec               e;
    stop(context_exec_open(context, 64, &e));
    for (int i = 0; i < 4; i++) fill(blocks[i] = block_of(context, parameters), i < 2 ? parameters : 0);
    stop(canto_probe(context, CANTO_PROBE_READ, 0, &before));
    for (int r = 0; r < rounds; r++) {
        double start = clock_seconds(), middle;
        if (!isfinite(gradient_norm(&e, &table, blocks[1]))) exit(1);
        middle = clock_seconds();
        optimizer_update(&e, kernels_choose(NULL), &table, &settings, r + 1, blocks[0], blocks[1], blocks[2], blocks[3],
                         1);
        norm[r] = 1e3 * (middle - start);
        ms[r] = 1e3 * (clock_seconds() - middle);
    }
    stop(canto_probe(context, CANTO_PROBE_READ, 0, &after));
    double update = median(ms, rounds), read = median(norm, rounds), n = (double)parameters;
    printf("\nAdamW of %.0fM parameters: %.1f ms, %.1f GB/s read and written; the gradient's norm: %.1f ms, %.1f GB/s; "
           "a plain sum reads %.1f GB/s before, %.1f after\n",
           n / 1e6, update, 32 * n / update / 1e6, read, 4 * n / read / 1e6, before, after);
}

int main(int argc, char **argv) {
    static const struct option table[] = {{"rounds", 1, NULL, 'r'}, {"parameters", 1, NULL, 'p'}, {NULL, 0, NULL, 0}};
    canto_context             *context;
    int                        letter, rounds = 9, millions = 124;
    double                     peak = 0;
    while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1)
        if (letter == 'r') rounds = atoi(optarg);
        else if (letter == 'p') millions = atoi(optarg);
        else break;
    if (letter != -1 || optind != argc || rounds < 1 || rounds > MOST_ROUNDS || millions < 1 || millions > 1000) {
        fprintf(stderr, "usage: parts [--rounds 1..%d] [--parameters MILLIONS (1..1000)]\n", MOST_ROUNDS);
        return 2;
    }
    stop(canto_context_open(NULL, &context));
    stop(canto_probe(context, CANTO_PROBE_FMA, 0, &peak));
    printf("%s, %d threads, peak %.0f GFLOP/s; medians of %d\n", canto_context_cpu(context),
           canto_context_threads(context), peak, rounds);
    measure_attention(context, 2048, rounds);
    measure_optimizer(context, (size_t)millions * 1000000, rounds);
    return 0;
}
