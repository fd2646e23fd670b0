/* pool.h - a fixed set of threads that take units of work by ticket.
 *
 * What a unit computes depends on its number alone, so results do not depend on how many threads there are or which
 * of them takes a unit. */
#ifndef CANTO_POOL_H
#define CANTO_POOL_H

#include "canto.h"

#include <stddef.h>

typedef struct pool pool;
typedef void (*unit_fn)(void *job, size_t unit, int worker); /* worker: 0 .. threads - 1, for scratch memory */

/* Starts threads - 1 threads (the caller is worker 0). NULL when memory or threads are not to be had. */
pool *pool_open(const canto_allocator *allocator, int threads);
void  pool_close(pool *pool);
int   pool_threads(const pool *pool);

/* Runs fn(job, unit, worker) for every unit in [0, units) and returns when all are done. Not reentrant: a unit must
 * not call pool_run on its own pool. */
void pool_run(pool *pool, size_t units, unit_fn fn, void *job);

/* How a layer runs its units: on a pool, or one after another on the calling thread as the given worker. */
typedef struct exec {
    pool  *pool;    /* NULL: serially */
    int    worker;  /* the calling thread's worker number when pool is NULL */
    void **scratch; /* [threads] one block a worker, each of scratch_bytes, aligned to 64 */
    size_t scratch_bytes;
    void  *base; /* what context_exec_close releases */
} exec;

void exec_run(const exec *e, size_t units, unit_fn fn, void *job);

#endif
