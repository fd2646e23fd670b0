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

static size_t chunks_of(const tensor *t) { return (t->count + CHUNK - 1) / CHUNK; }

/* Units are numbered through the tensors in the table's order. */
static void update_unit(void *shared, size_t unit, int worker) {
    const update_job *job = shared;
    const tensor     *t = job->table->list;
    (void)worker;
    while (unit >= chunks_of(t)) unit -= chunks_of(t++);
    size_t from = unit * CHUNK, left = t->count - from, at = t->offset + from;
    bool   decay = t->decay || !job->matrices_only;
    job->k->adam_update(decay ? &job->with : &job->without, (int64_t)(left < CHUNK ? left : CHUNK), job->weights + at,
                        job->gradients + at, job->m + at, job->v + at);
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

#define NORM_UNITS 1024 /* most parts of the sum, so that their results fit on the stack */

typedef struct norm_job {
    const float *gradients;
    size_t       elements, part;
    double       sums[NORM_UNITS];
} norm_job;

/* The squares of one part, in eight interleaved sums that are then added as a tree. */
static void norm_unit(void *shared, size_t unit, int worker) {
    norm_job    *job = shared;
    const float *g = job->gradients + unit * job->part;
    size_t       left = job->elements - unit * job->part, n = left < job->part ? left : job->part, i = 0;
    double       s[8] = {0};
    (void)worker;
    for (; i + 8 <= n; i += 8)
        for (size_t j = 0; j < 8; j++) s[j] += (double)g[i + j] * (double)g[i + j];
    for (; i < n; i++) s[i % 8] += (double)g[i] * (double)g[i];
    job->sums[unit] = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

double gradient_norm(const exec *e, const tensor_table *table, const float *gradients) {
    norm_job job;
    size_t   part = (table->elements + NORM_UNITS - 1) / NORM_UNITS;
    job.gradients = gradients;
    job.elements = table->elements;
    job.part = part < CHUNK ? CHUNK : part;
    size_t units = (table->elements + job.part - 1) / job.part;
    if (units == 0) return 0;
    exec_run(e, units, norm_unit, &job);
    for (size_t stride = 1; stride < units; stride *= 2)
        for (size_t i = 0; i + stride < units; i += 2 * stride) job.sums[i] += job.sums[i + stride];
    return sqrt(job.sums[0]);
}
