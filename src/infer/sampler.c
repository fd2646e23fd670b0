/* sampler.c - repetition penalty, temperature, top-k, softmax, top-p (Holtzman et al. 2020), min-p (Nguyen et al. 2024),
 * draw.
 *
 * Invariant: sampling needs no memory: the k-th largest and the nucleus's edge are found by bisection over the floats'
 * own order, so that ties at the edge are kept all of them. */
#include "infer/sampler.h"

#include <math.h>
#include <string.h>

static uint32_t arg_max(const float *x, int32_t V) {
    int32_t best = 0;
    for (int32_t i = 1; i < V; i++)
        if (x[i] > x[best]) best = i;
    return (uint32_t)best;
}

double sampler_log_sum(const float *logits, int32_t V) {
    float  top = logits[arg_max(logits, V)];
    double sum = (double)expf(logits[0] - top);
    for (int32_t i = 1; i < V; i++) sum += (double)expf(logits[i] - top);
    return (double)top + log(sum);
}

void sampler_penalize(float *logits, int32_t V, const uint8_t *seen, double penalty) {
    float r = (float)penalty;
    for (int32_t i = 0; i < V; i++)
        if (seen[i]) logits[i] = logits[i] > 0 ? logits[i] / r : logits[i] * r;
}

/* Logits become probabilities; those at -inf become 0. */
static void softmax(float *x, int32_t V) {
    float  top = x[arg_max(x, V)];
    double sum = 0;
    for (int32_t i = 0; i < V; i++) {
        x[i] = expf(x[i] - top);
        sum += (double)x[i];
    }
    for (int32_t i = 0; i < V; i++) x[i] = (float)((double)x[i] / sum);
}

/* Floats as unsigned numbers of the same order, and back. */
static uint32_t order_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The k-th largest of x as an order number: the largest edge that at least k elements reach. */
static uint32_t kth_largest(const float *x, int32_t V, int32_t k) {
    uint32_t edge = 0;
    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        int32_t reach = 0;
        for (int32_t i = 0; i < V; i++) reach += order_of(x[i]) >= (edge | bit);
        if (reach >= k) edge |= bit;
    }
    return edge;
}

static void keep_top_k(float *x, int32_t V, int32_t k) {
    if (k <= 0 || k >= V) return;
    uint32_t edge = kth_largest(x, V, k);
    for (int32_t i = 0; i < V; i++)
        if (order_of(x[i]) < edge) x[i] = -INFINITY;
}

/* p of orders below edge become 0, the rest is scaled to sum 1. */
static void keep_from(float *p, int32_t V, uint32_t edge) {
    double kept = 0;
    for (int32_t i = 0; i < V; i++) {
        if (order_of(p[i]) < edge) p[i] = 0;
        kept += (double)p[i];
    }
    for (int32_t i = 0; i < V; i++) p[i] = (float)((double)p[i] / kept);
}

/* p becomes the smallest set of the likeliest whose probability reaches top_p, ties at its edge all kept. */
static void keep_top_p(float *p, int32_t V, double top_p) {
    if (top_p >= 1) return;
    uint32_t edge = 0;
    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        double reach = 0;
        for (int32_t i = 0; i < V; i++)
            if (order_of(p[i]) >= (edge | bit)) reach += (double)p[i];
        if (reach >= top_p && reach > 0) edge |= bit;
    }
    keep_from(p, V, edge);
}

/* p becomes what is at least min_p times as likely as the likeliest. */
static void keep_min_p(float *p, int32_t V, double min_p) {
    if (min_p > 0) keep_from(p, V, order_of((float)(min_p * (double)p[arg_max(p, V)])));
}

/* The element at which the running sum of p passes u times the whole sum. */
static uint32_t draw(const float *p, int32_t V, double u) {
    double  sum = 0, running = 0;
    int32_t last = 0;
    for (int32_t i = 0; i < V; i++) sum += (double)p[i];
    for (int32_t i = 0; i < V; i++) {
        if (!(p[i] > 0)) continue;
        last = i;
        running += (double)p[i];
        if (running > u * sum) break;
    }
    return (uint32_t)last;
}

uint32_t sampler_pick(float *logits, int32_t V, const canto_generate_options *options, torch_rng *torch,
                      stream_rng *stream) {
    float temperature = (float)options->temperature;
    bool  greedy = options->greedy || !(temperature > 0);
    /* so cold that the logits would leave the floats' range: the limit is greedy */
    greedy = greedy || !isfinite(logits[arg_max(logits, V)] / temperature);
    if (greedy) return arg_max(logits, V);
    for (int32_t i = 0; i < V; i++) logits[i] /= temperature;
    keep_top_k(logits, V, options->top_k);
    softmax(logits, V);
    keep_top_p(logits, V, options->top_p);
    keep_min_p(logits, V, options->min_p);
    if (options->parity_torch) return (uint32_t)torch_multinomial(torch, logits, (size_t)V);
    return draw(logits, V, stream_uniform(stream));
}
