/* optimizer.c - GRADIENTS -> WEIGHTS: Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).
 *
 * Each element is read and written once, in the order of operations that PyTorch's single-tensor Adam has, so that a run
 * can follow PyTorch's. Invariant: what a unit of work computes depends on the table's shapes alone, never on threads. */
#include "train/optimizer.h"

#include <math.h>

#define CHUNK 16384 /* elements of one unit */

typedef struct update_job {
    const kernels      *k;
    const tensor_table *table;
    bool                matrices_only;
    adam                with, without; /* weight decay */
    float              *weights, *gradients, *m, *v;
} update_job;

static size_t chunks_of(const tensor *t) { return t->frozen ? 0 : (t->count + CHUNK - 1) / CHUNK; }

/* Units are numbered through the tensors in the table's order. */
static void update_unit(void *shared, size_t unit, int worker) {
    const update_job *job = shared;
    const tensor     *t = job->table->list;
    (void)worker;
    while (unit >= chunks_of(t)) unit -= chunks_of(t++);
    size_t from = unit * CHUNK, left = t->count - from, at = t->gradient + from;
    bool   decay = t->decay || !job->matrices_only;
    job->k->adam_update(decay ? &job->with : &job->without, (int64_t)(left < CHUNK ? left : CHUNK),
                        job->weights + t->offset + from, job->gradients + at, job->m + at, job->v + at);
}

void optimizer_update(const exec *e, const kernels *k, const tensor_table *table, const optimizer_settings *settings,
                      int64_t t, float *weights, float *gradients, float *m, float *v, float clip_scale) {
    const optimizer_settings *s = settings;
    double                    correction1 = 1 - pow(s->beta1, (double)t), correction2 = 1 - pow(s->beta2, (double)t);
    update_job                job = {.k = k,
                                     .table = table,
                                     .matrices_only = s->matrices_only,
                                     .weights = weights,
                                     .gradients = gradients,
                                     .m = m,
                                     .v = v};
    size_t                    units = 0;
    job.without = (adam){.keep = 1,
                         .clip = clip_scale,
                         .beta1 = (float)s->beta1,
                         .rest1 = (float)(1 - s->beta1),
                         .beta2 = (float)s->beta2,
                         .rest2 = (float)(1 - s->beta2),
                         .step = -(float)(s->lr / correction1),
                         .root = (float)sqrt(correction2),
                         .eps = (float)s->eps};
    job.with = job.without;
    if (s->adamw) job.with.keep = (float)(1 - s->lr * s->weight_decay);
    else job.with.coupled = (float)s->weight_decay;
    for (size_t i = 0; i < table->count; i++) units += chunks_of(&table->list[i]);
    exec_run(e, units, update_unit, &job);
}

/* ------------------------------------------------------------------------------------------------------- the norm */

/* The squares of n elements, in eight interleaved sums that are then added as a tree. */
static double squares_sum(const float *g, size_t n) {
    double s[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) s[j] += (double)g[i + j] * (double)g[i + j];
    for (; i < n; i++) s[i % 8] += (double)g[i] * (double)g[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

void norm_begin(norm_sums *n, size_t elements) {
    size_t part = (elements + NORM_PARTS - 1) / NORM_PARTS;
    n->elements = elements;
    n->part = part < CHUNK ? CHUNK : part;
    n->parts = (elements + n->part - 1) / n->part;
}

size_t norm_part(const norm_sums *n, size_t number, size_t *first) {
    size_t left = n->elements - number * n->part;
    *first = number * n->part;
    return left < n->part ? left : n->part;
}

void norm_add(norm_sums *n, size_t number, const float *elements) {
    size_t first, count = norm_part(n, number, &first);
    n->sums[number] = squares_sum(elements, count);
}

double norm_end(norm_sums *n) {
    for (size_t stride = 1; stride < n->parts; stride *= 2)
        for (size_t i = 0; i + stride < n->parts; i += 2 * stride) n->sums[i] += n->sums[i + stride];
    return n->parts ? sqrt(n->sums[0]) : 0;
}

typedef struct norm_job {
    const float *gradients;
    norm_sums    norm;
} norm_job;

static void norm_unit(void *shared, size_t unit, int worker) {
    norm_job *job = shared;
    (void)worker;
    norm_add(&job->norm, unit, job->gradients + unit * job->norm.part);
}

double gradient_norm(const exec *e, const tensor_table *table, const float *gradients) {
    norm_job job = {.gradients = gradients};
    norm_begin(&job.norm, table->gradients);
    exec_run(e, job.norm.parts, norm_unit, &job);
    return norm_end(&job.norm);
}
