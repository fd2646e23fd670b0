/* cuts.c - a batch cut by sequences into lanes beside layers cut into output tiles, on both sides of the rule's switch.
 *
 *     cuts [--rounds N]
 *
 * For each model the ways take turns, round after round: tiles, and 2, 4 and 8 lanes in groups as large as the rule has
 * them. Medians of forward, backward and the sum of the gradients count, without batch and optimizer; the rule's own plan
 * is named. */
#include "base/machine.h"
#include "train/lanes.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 99, WAYS = 4 };

typedef struct model {
    const char *preset;
    int32_t     width, B, T, vocab; /* 0: the preset's */
} model;

static const model models[] = {
    {"mini", 64, 12, 64, 65},
    {"mini", 128, 12, 64, 65},
    {"mini", 192, 12, 64, 65},
    {"mini", 256, 12, 64, 65},
    {"mini", 320, 12, 64, 65},
    {"mini", 384, 12, 64, 65},
    {"mini", 512, 12, 64, 65},
    {"shakespeare-tiny", 0, 32, 64, 0},
    {"shakespeare-small", 0, 16, 256, 0},
    {"shakespeare-medium", 0, 8, 256, 0},
    {"gpt-neo-lite", 0, 8, 64, 0},
};

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool good(canto_status status) {
    if (status.code != CANTO_OK) fprintf(stderr, "cuts: %s\n", status.text);
    return status.code == CANTO_OK;
}

/* What all ways share: weights that are small and random, a batch, a zeroed block of gradients. */
typedef struct scene {
    canto_context *context;
    canto_config   config;
    tensor_table   table;
    gpt_weights    weights;
    layer_weights *layers;
    float         *block, *gradients, *losses;
    uint32_t      *ids;
    int32_t        B, T;
} scene;

static bool scene_open(scene *s, canto_context *context, const model *m) {
    void *base[2], *block[2];
    memset(s, 0, sizeof *s);
    s->context = context;
    s->B = m->B, s->T = m->T;
    if (!good(canto_preset(m->preset, &s->config, NULL))) return false;
    if (m->width) {
        s->config.width = m->width;
        s->config.ffn = 4 * m->width;
    }
    if (m->vocab) s->config.vocab = m->vocab;
    s->config.context = m->T;
    if (!good(canto_config_check(&s->config)) || !good(tensor_table_open(context, &s->config, &s->table))) return false;
    for (int i = 0; i < 2; i++)
        if (!good(context_block(context, s->table.elements * sizeof(float), "a block", &base[i], &block[i])))
            return false;
    s->block = block[0], s->gradients = block[1];
    size_t rows = (size_t)m->B * (size_t)m->T;
    s->layers = calloc((size_t)s->config.layers, sizeof *s->layers);
    s->losses = calloc(rows, sizeof *s->losses);
    s->ids = calloc(rows, sizeof *s->ids);
    if (!s->layers || !s->losses || !s->ids) return false;
    stream_rng r = stream_seed(1, 1);
    for (size_t i = 0; i < s->table.elements; i++) s->block[i] = (float)(stream_uniform(&r) - 0.5) * 0.1f;
    for (size_t i = 0; i < rows; i++) s->ids[i] = (uint32_t)(stream_uniform(&r) * s->config.vocab);
    gpt_weights_of_block(&s->table, s->block, s->layers, &s->weights);
    return true;
}

/* Milliseconds of one pass after one that does not count; < 0 when memory is short. */
static double turn(scene *s, const kernels *k, lanes_plan plan) {
    const gpt_dropout none = {0};
    lanes             l;
    double            start = 0;
    if (!good(lanes_open(s->context, k, &s->weights, &s->table, s->gradients, plan, s->B, s->T, &l))) return -1;
    for (int i = 0; i < 2; i++) {
        start = clock_seconds();
        lanes_train(&l, s->ids, s->ids, s->B, s->T, &none, 1e-6f, s->losses);
        lanes_gather(&l);
    }
    start = clock_seconds() - start;
    lanes_close(&l);
    return 1e3 * start;
}

static bool measure(canto_context *context, const kernels *k, const model *m, int rounds) {
    scene  s;
    double ms[WAYS][MOST_ROUNDS];
    if (!scene_open(&s, context, m)) return false;
    lanes_plan rule = lanes_plan_of(&s.config, s.table.parameters, s.B, s.T), plans[WAYS] = {{1, s.B, false, 0}};
    for (int i = 1; i < WAYS; i++) {
        int32_t share = (s.B + (1 << i) - 1) / (1 << i), group = rule.count > 1 ? rule.group
                                                                 : s.T < 128    ? 128 / s.T
                                                                                : 1;
        plans[i] = (lanes_plan){1 << i, group < share ? group : share, false, 0};
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < WAYS; i++)
            if ((ms[i][r] = turn(&s, k, plans[i])) < 0) return false;
    printf("%-18s C %-4d %3d x %-4d %6.1f MB", m->preset, (int)s.config.width, (int)s.B, (int)s.T,
           (double)s.table.parameters * 4e-6);
    for (int i = 0; i < WAYS; i++) {
        qsort(ms[i], (size_t)rounds, sizeof(double), by_size);
        printf(" %9.2f", ms[i][rounds / 2]);
    }
    if (rule.count == 1) printf("   tiles\n");
    else printf("   %d lanes, groups of %d\n", (int)rule.count, (int)rule.group);
    fflush(stdout);
    free(s.layers), free(s.losses), free(s.ids);
    tensor_table_close(context, &s.table);
    return true; /* the blocks go with the program */
}

int main(int argc, char **argv) {
    static const struct option table[] = {{"rounds", 1, NULL, 'r'}, {NULL, 0, NULL, 0}};
    canto_context             *context;
    int                        letter, rounds = 5;
    double                     peak = 0;
    while ((letter = getopt_long(argc, argv, "", table, NULL)) == 'r') rounds = atoi(optarg);
    if (letter != -1 || optind != argc || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: cuts [--rounds 1..%d]\n", MOST_ROUNDS);
        return 2;
    }
    if (!good(canto_context_open(NULL, &context))) return 1;
    canto_probe(context, CANTO_PROBE_FMA, 0, &peak);
    printf("%s, %d threads, peak %.0f GFLOP/s; ms of a pass, medians of %d\n", canto_context_cpu(context),
           canto_context_threads(context), peak, rounds);
    printf("%-18s %-6s %10s %9s %9s %9s %9s %9s   the rule\n", "model", "", "batch", "weights", "tiles", "2 lanes",
           "4 lanes", "8 lanes");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (!measure(context, kernels_choose(NULL), &models[i], rounds)) return 1;
    canto_probe(context, CANTO_PROBE_FMA, 0, &peak);
    printf("peak %.0f GFLOP/s afterwards\n", peak);
    canto_context_close(context);
    return 0;
}
