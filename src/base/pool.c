/* pool.c - threads that wait at a gate, take tickets while it is open, and sleep when nothing comes.
 *
 * The gate is one word: bit 0 says closed, the rest counts (in twos) the threads inside. The caller of pool_run writes
 * the work while the gate is closed and empty, opens it, takes tickets like everyone, closes it when the tickets are
 * gone, and waits until it is empty. A thread that wakes late finds the gate closed and goes back to waiting: nobody
 * ever waits for a sleeper. */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { CLOSED = 1, INSIDE = 2, SPINS = 2000, LINE = 64 };

typedef struct worker {
    pool     *pool;
    int       number;
    pthread_t thread;
} worker;

struct pool {
    /* the work: written only while the gate is closed and empty */
    unit_fn         fn;
    void           *job;
    size_t          units;
    char            apart1[LINE];
    atomic_size_t   ticket;
    char            apart2[LINE];
    atomic_size_t   gate;
    atomic_size_t   round;    /* counts pool_run calls: a thread waits for it to change */
    atomic_int      sleepers; /* threads on `work` */
    atomic_bool     waiting;  /* the caller is on `empty` */
    atomic_bool     ending;
    char            apart3[LINE];
    pthread_mutex_t lock;
    pthread_cond_t  work, empty;
    int             threads, started;
    worker         *workers;
    canto_allocator allocator;
};

static void *allocate_zeroed(const canto_allocator *allocator, size_t bytes) {
    void *memory = allocator->resize(allocator->user, NULL, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_tickets(pool *p, int number) {
    for (;;) {
        size_t unit = atomic_fetch_add_explicit(&p->ticket, 1, memory_order_relaxed);
        if (unit >= p->units) return;
        p->fn(p->job, unit, number);
    }
}

static bool gate_enter(pool *p) {
    size_t seen = atomic_load(&p->gate);
    while (!(seen & CLOSED))
        if (atomic_compare_exchange_weak(&p->gate, &seen, seen + INSIDE)) return true;
    return false;
}

static void gate_leave(pool *p) {
    size_t before = atomic_fetch_sub(&p->gate, INSIDE);
    if (before != (INSIDE | CLOSED) || !atomic_load(&p->waiting)) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->empty);
    pthread_mutex_unlock(&p->lock);
}

/* Returns the new round once it is not `round`. */
static size_t await_round(pool *p, size_t round) {
    for (int i = 0; i < SPINS; i++) {
        size_t now = atomic_load(&p->round);
        if (now != round) return now;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->round) == round) pthread_cond_wait(&p->work, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
    return atomic_load(&p->round);
}

static void *worker_main(void *argument) {
    worker *w = argument;
    pool   *p = w->pool;
    size_t  round = 0;
    for (;;) {
        round = await_round(p, round);
        if (atomic_load(&p->ending)) return NULL;
        if (!gate_enter(p)) continue;
        take_tickets(p, w->number);
        gate_leave(p);
    }
}

static void next_round(pool *p) {
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

pool *pool_open(const canto_allocator *allocator, int threads) {
    if (threads < 1) return NULL;
    pool *p = allocate_zeroed(allocator, sizeof *p);
    if (!p) return NULL;
    p->allocator = *allocator;
    p->workers = allocate_zeroed(allocator, (size_t)threads * sizeof *p->workers);
    if (!p->workers) {
        allocator->resize(allocator->user, p, 0);
        return NULL;
    }
    atomic_init(&p->ticket, 0);
    atomic_init(&p->gate, CLOSED);
    atomic_init(&p->round, 0);
    atomic_init(&p->sleepers, 0);
    atomic_init(&p->waiting, false);
    atomic_init(&p->ending, false);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->empty, NULL);
    p->threads = threads;
    for (int i = 1; i < threads; i++) {
        p->workers[i].pool = p;
        p->workers[i].number = i;
        if (pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]) != 0) {
            pool_close(p);
            return NULL;
        }
        p->started = i;
    }
    return p;
}

void pool_close(pool *p) {
    if (!p) return;
    atomic_store(&p->ending, true);
    next_round(p);
    for (int i = 1; i <= p->started; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->empty);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    canto_allocator allocator = p->allocator;
    allocator.resize(allocator.user, p->workers, 0);
    allocator.resize(allocator.user, p, 0);
}

int pool_threads(const pool *p) { return p->threads; }

/* Closes the gate and waits until every thread has left it. */
static void gate_close(pool *p) {
    atomic_fetch_or(&p->gate, CLOSED);
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(&p->gate) == CLOSED) return;
        relax();
    }
    pthread_mutex_lock(&p->lock);
    /* An exchange and not a store, which qemu lets the next load pass: the last one to leave would not be seen, nor see. */
    (void)atomic_exchange(&p->waiting, true);
    while (atomic_load(&p->gate) != CLOSED) pthread_cond_wait(&p->empty, &p->lock);
    atomic_store(&p->waiting, false);
    pthread_mutex_unlock(&p->lock);
}

void pool_run(pool *p, size_t units, unit_fn fn, void *job) {
    if (p->threads == 1 || units < 2) {
        for (size_t unit = 0; unit < units; unit++) fn(job, unit, 0);
        return;
    }
    p->fn = fn;
    p->job = job;
    p->units = units;
    atomic_store(&p->ticket, 0);
    atomic_store(&p->gate, 0);
    next_round(p);
    take_tickets(p, 0);
    gate_close(p);
}

void exec_run(const exec *e, size_t units, unit_fn fn, void *job) {
    if (e->pool) {
        pool_run(e->pool, units, fn, job);
        return;
    }
    for (size_t unit = 0; unit < units; unit++) fn(job, unit, e->worker);
}
