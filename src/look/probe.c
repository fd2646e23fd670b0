/* probe.c - what the machine reaches at this moment: multiply-adds in registers, bytes read from memory.
 *
 * A try lasts a few milliseconds, so that a neighbour who comes and goes spoils some tries only; the best one counts. */
#include "base/context.h"
#include "base/machine.h"
#include "math/kernels.h"

#include <string.h>

enum { TRIES = 8, MOST_UNITS = 256 };
#define TRY_SECONDS 0.003
#define READ_BYTES ((size_t)256 << 20)

typedef struct probe_job {
    const kernels  *k;
    int64_t         rounds;
    const uint64_t *memory;
    size_t          words; /* of one unit */
    double          amounts[MOST_UNITS];
    real            sinks[MOST_UNITS];
    uint64_t        sums[MOST_UNITS];
} probe_job;

static void fma_unit(void *shared, size_t unit, int worker) {
    probe_job *job = shared;
    (void)worker;
    job->amounts[unit] = job->k->fma_probe(job->rounds, &job->sinks[unit]);
}

static void read_unit(void *shared, size_t unit, int worker) {
    probe_job      *job = shared;
    const uint64_t *words = job->memory + unit * job->words;
    uint64_t        sum = 0;
    (void)worker;
    for (size_t i = 0; i < job->words; i++) sum += words[i];
    job->sums[unit] = sum;
    job->amounts[unit] = (double)job->words * sizeof *words;
}

/* Operations or bytes per second of one try. */
static double measure(canto_context *context, probe_job *job, int units, unit_fn fn, double *seconds) {
    double start = clock_seconds(), amount = 0;
    pool_run(context->pool, (size_t)units, fn, job);
    *seconds = clock_seconds() - start;
    for (int i = 0; i < units; i++) amount += job->amounts[i];
    return *seconds > 0 ? amount / *seconds : 0;
}

static double best_of(canto_context *context, probe_job *job, int units, unit_fn fn) {
    double best = 0, seconds;
    for (int i = 0; i < TRIES; i++) {
        double speed = measure(context, job, units, fn, &seconds);
        if (speed > best) best = speed;
    }
    return best / 1e9;
}

static canto_status probe_fma(canto_context *context, probe_job *job, int units, double *result) {
    double seconds = 0;
    job->k = kernels_choose(context->cpu);
    if (!job->k)
        return status_error(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", context->cpu);
    for (job->rounds = 1024; seconds < TRY_SECONDS; job->rounds *= 2) measure(context, job, units, fma_unit, &seconds);
    *result = best_of(context, job, units, fma_unit);
    return status_ok();
}

static canto_status probe_read(canto_context *context, probe_job *job, int units, double *result) {
    void *base, *block;
    job->words = READ_BYTES / sizeof *job->memory / (size_t)units;
    canto_status status = context_block(context, READ_BYTES, "the memory probe", &base, &block);
    if (status.code != CANTO_OK) return status;
    job->memory = block;
    *result = best_of(context, job, units, read_unit);
    context_release(context, base);
    return status;
}

canto_status canto_probe(canto_context *context, canto_probe_kind kind, int threads, double *result) {
    probe_job job;
    int       units = threads == 0 ? context->threads : threads;
    memset(&job, 0, sizeof job);
    if (units < 1 || units > context->threads)
        return status_error(CANTO_ERROR_VALUE, "A probe with %d threads: the context has %d.", threads,
                            context->threads);
    return kind == CANTO_PROBE_FMA ? probe_fma(context, &job, units, result) : probe_read(context, &job, units, result);
}
