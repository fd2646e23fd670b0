/* lanes.c - BATCH -> LOSS -> GRADIENTS on all cores.
 *
 * A small model's layers are too short to share: its micro-batch is cut into lanes of whole sequences, each with a gradient
 * block, and a lane into groups of a few sequences, which go all the way from ids to gradients on one core. A worker has
 * activations of its own, as large as a group, so that they stay in its cache; it takes a lane that nobody has, runs the
 * lane's next group, and stays in the lane as long as it has groups. A large model has one lane whose layers cut their own
 * work. Invariants: how many lanes and groups there are, which sequences each has, the order in which a lane's groups are
 * added up and the tree in which the lanes are depend on the model and the batch alone, never on threads or on who runs
 * what; nothing here allocates once it is open. */
#include "train/lanes.h"

#include "model/panels.h"
#include "train/optimizer.h"

#include <sched.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------------ the plan */

/* The rule's numbers, found by measuring (docs/performance.md). */
#define LARGEST_WEIGHTS (48u << 20) /* bytes; a larger model is cut into output tiles */
#define CACHED (3u << 19)           /* bytes of a group's activations that stay near a core */
#define GROUP_ROWS 128              /* B T of a group whose activations do not: its weights pass less often */
#define MOST_GRADIENTS (16u << 20)  /* bytes of all lanes' blocks, which are read once a step to add them up */
#define MOST_LANES 8                /* <= LANES_MAX */
#define LEAST_LANES 4 /* so that two threads can share out the work when one of them is slow; 2 of large blocks */

static int32_t divide_up(int32_t a, int32_t b) { return a / b + (a % b != 0); }

static int32_t clamp(int64_t n, int32_t least, int32_t most) {
    return n < least ? least : n > most ? most : (int32_t)n;
}

/* Sequences of a group: as many as have their activations near; when not even one has, as many as GROUP_ROWS. */
static int32_t group_of(const canto_config *config, int32_t B, int32_t T) {
    size_t one = gpt_activations_bytes(config, 1, T, GPT_KEEP_ALL);
    return clamp((int64_t)(one <= CACHED ? CACHED / one : (size_t)(GROUP_ROWS / T)), 1, B);
}

/* The largest power of two up to n: so many lanes are shared out evenly over two threads, or four. */
static int32_t power_up_to(int32_t n) {
    int32_t p = 1;
    while (2 * p <= n) p *= 2;
    return p;
}

/* Weights beyond LARGEST_WEIGHTS: one lane. Otherwise as many lanes as there are groups, at least LEAST_LANES where B has
 * the sequences, as far as MOST_LANES and MOST_GRADIENTS go, which leave two; a power of two. A lane's sequences are shared
 * out evenly over the fewest groups that are no larger than group_of. */
lanes_plan lanes_plan_of(const canto_config *config, uint64_t parameters, int32_t B, int32_t T) {
    uint64_t bytes = parameters * sizeof(float);
    int32_t  group, count, share, most;
    if (bytes > LARGEST_WEIGHTS || B == 1) return (lanes_plan){.count = 1, .group = B};
    group = group_of(config, B, T);
    most = clamp((int64_t)(MOST_GRADIENTS / (bytes + 1)), 2, MOST_LANES);
    count = clamp(divide_up(B, group), most < LEAST_LANES ? most : LEAST_LANES, most);
    count = power_up_to(count < B ? count : B);
    share = divide_up(B, count);
    return (lanes_plan){.count = count, .group = divide_up(share, divide_up(share, group))};
}

static int32_t share_of(lanes_plan plan, int32_t B, int32_t number, int32_t *first) {
    int32_t to = (int32_t)((int64_t)B * (number + 1) / plan.count);
    *first = (int32_t)((int64_t)B * number / plan.count);
    return to - *first;
}

static int32_t groups_of(lanes_plan plan, int32_t B, int32_t number) {
    int32_t first, share = share_of(plan, B, number, &first);
    if (plan.count == 1) return 1;
    return divide_up(share, plan.group);
}

bool lanes_group(lanes_plan plan, int32_t B, int32_t number, int32_t group, int32_t *first, int32_t *sequences) {
    int32_t share = share_of(plan, B, number, first), from;
    if (group >= groups_of(plan, B, number)) return false;
    from = plan.count == 1 ? 0 : group * plan.group;
    *first += from;
    *sequences = share - from;
    if (plan.count > 1 && *sequences > plan.group) *sequences = plan.group;
    return true;
}

/* ------------------------------------------------------------------------------------------------ open and close */

static int32_t workers_of(lanes_plan plan, int threads) { return threads < plan.count ? threads : plan.count; }

/* Sequences that a worker has before it at most. */
static int32_t most_at_once(lanes_plan plan, int32_t most_B) { return plan.count == 1 ? most_B : plan.group; }

static gpt_keep keep_of(lanes_plan plan, bool training) {
    if (!training) return GPT_KEEP_NOTHING;
    return plan.recompute ? GPT_KEEP_INPUTS : GPT_KEEP_ALL;
}

lanes_bytes lanes_measure(const canto_config *config, uint64_t block_bytes, lanes_plan plan, int32_t most_B, int32_t T,
                          bool training, int threads) {
    uint64_t    one = gpt_adapted_bytes(config, plan.rank, most_at_once(plan, most_B), T, keep_of(plan, training));
    lanes_bytes bytes = {0};
    bytes.activations = one * (uint64_t)workers_of(plan, threads);
    bytes.gradients = training ? block_bytes * (uint64_t)(plan.count - 1) : 0;
    bytes.scratch = gpt_scratch_bytes(config, T) * (uint64_t)threads;
    if (plan.count > 1) bytes.panels = panels_elements(config, training) * sizeof(real);
    return bytes;
}

static canto_status open_worker(lanes *l, lanes_worker *own, int32_t B, int32_t T) {
    canto_status        status;
    const canto_config *config = l->weights->config;
    void               *block;
    gpt_keep            keep = keep_of(l->plan, l->table != NULL);
    TRY(context_block(l->context, gpt_adapted_bytes(config, l->plan.rank, B, T, keep), "activations", &own->base,
                      &block));
    gpt_adapted_bind(config, l->plan.rank, B, T, keep, block, &own->acts);
done:
    return status;
}

static canto_status open_gradients(lanes *l, lane *one) {
    canto_status status;
    void        *block;
    TRY(context_block(l->context, l->table->gradients * sizeof(float), "gradients", &one->base, &block));
    one->gradients = block;
done:
    return status;
}

static canto_status open_panels(lanes *l) {
    canto_status        status;
    const canto_config *config = l->weights->config;
    bool                backward = l->table != NULL;
    void               *block;
    TRY(context_block(l->context, panels_elements(config, backward) * sizeof(real), "panels", &l->panels, &block));
    l->layers = context_allocate_zeroed(l->context, (size_t)config->layers, sizeof(layer_weights));
    if (!l->layers) TRY(context_no_memory((size_t)config->layers * sizeof(layer_weights), "views"));
    panels_bind(l->weights, backward, block, l->layers, &l->views);
    l->stale = true;
done:
    return status;
}

canto_status lanes_open(canto_context *context, const kernels *k, const gpt_weights *weights, const tensor_table *table,
                        float *gradients, lanes_plan plan, int32_t most_B, int32_t T, lanes *l) {
    canto_status status;
    memset(l, 0, sizeof *l);
    l->context = context;
    l->kernels = k;
    l->weights = weights;
    l->views = *weights;
    l->table = table;
    l->plan = plan;
    l->workers = workers_of(plan, pool_threads(context->pool));
    atomic_init(&l->waiting, 0);
    for (int32_t i = 0; i < plan.count; i++) atomic_init(&l->list[i].state, 0);
    TRY(context_exec_open(context, gpt_scratch_bytes(weights->config, T), &l->pool_exec));
    for (int32_t i = 0; i < l->workers; i++) TRY(open_worker(l, &l->own[i], most_at_once(plan, most_B), T));
    if (plan.count > 1) TRY(open_panels(l));
    l->list[0].gradients = gradients;
    for (int32_t i = 1; table && i < plan.count; i++) TRY(open_gradients(l, &l->list[i]));
done:
    if (status.code != CANTO_OK) lanes_close(l);
    return status;
}

void lanes_close(lanes *l) {
    if (!l->context) return;
    for (int32_t i = 0; i < LANES_MAX; i++) {
        context_release(l->context, l->own[i].base);
        context_release(l->context, l->list[i].base);
    }
    context_release(l->context, l->panels);
    context_release(l->context, l->layers);
    context_exec_close(l->context, &l->pool_exec);
    memset(l, 0, sizeof *l);
}

/* ------------------------------------------------------------------------------------------------------ the passes */

typedef struct pass {
    lanes             *l;
    const uint32_t    *ids, *targets;
    int32_t            B, T;
    const gpt_dropout *dropout;
    bool               backward;
    float              scale;
    float             *losses;
} pass;

/* A group's sequences, all the way from ids to losses and gradients. false: there is no such group. */
static bool run_group(const pass *p, const exec *e, gpt_activations *acts, int32_t number, int32_t group) {
    lanes  *l = p->l;
    int32_t first, sequences;
    if (!lanes_group(l->plan, p->B, number, group, &first, &sequences)) return false;
    size_t at = (size_t)first * (size_t)p->T;
    acts->first = first;
    acts->batch = p->B;
    gpt_forward(e, l->kernels, &l->views, acts, p->ids + at, sequences, p->T, p->dropout);
    if (p->backward)
        gpt_backward(e, l->kernels, l->table, &l->views, acts, p->targets + at, p->dropout, p->scale, p->losses + at,
                     l->list[number].gradients);
    else gpt_loss(e, l->kernels, &l->views, acts, p->targets + at, p->losses + at);
    return true;
}

/* What a lane's state says: groups that nobody has begun. */
static int32_t groups_left(const lane *one, int state) { return one->groups - state / 2 - state % 2; }

static bool take(lane *one) {
    int state = atomic_load_explicit(&one->state, memory_order_relaxed);
    return state % 2 == 0 && groups_left(one, state) > 0 &&
           atomic_compare_exchange_strong_explicit(&one->state, &state, state + 1, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* The first free lane with groups, from lane `from` on and around; -1: there is none. */
static int32_t take_any(lanes *l, int32_t from) {
    for (int32_t i = 0; i < l->plan.count; i++) {
        int32_t number = (from + i) % l->plan.count;
        if (take(&l->list[number])) return number;
    }
    return -1;
}

static bool any_left(lanes *l) {
    for (int32_t i = 0; i < l->plan.count; i++)
        if (groups_left(&l->list[i], atomic_load_explicit(&l->list[i].state, memory_order_relaxed)) > 0) return true;
    return false;
}

/* As take_any, but while lanes that others have hold groups it waits for one of those; -1: every group is begun. */
static int32_t await_any(lanes *l, int32_t from) {
    int32_t number = take_any(l, from);
    if (number >= 0) return number;
    atomic_fetch_add(&l->waiting, 1);
    while ((number = take_any(l, from)) < 0 && any_left(l)) sched_yield();
    atomic_fetch_sub(&l->waiting, 1);
    return number;
}

/* Group by group as long as there are any. Somebody waits when there are fewer lanes left than workers: a worker that comes
 * to the end of a group then leaves its lane to him, who is the faster one, and goes. */
static void work_unit(void *job, size_t unit, int worker) {
    const pass *p = job;
    lanes      *l = p->l;
    exec        alone = l->pool_exec;
    int32_t     number = (int32_t)unit * l->plan.count / l->workers;
    bool        leave = false;
    alone.pool = NULL;
    alone.worker = worker;
    while (!leave && (number = await_any(l, number)) >= 0) {
        lane *one = &l->list[number];
        int   state = atomic_load_explicit(&one->state, memory_order_relaxed);
        run_group(p, &alone, &l->own[unit].acts, number, state / 2);
        leave = atomic_load(&l->waiting) > 0 && groups_left(one, state) > 0;
        atomic_store_explicit(&one->state, state + 1, memory_order_release);
    }
}

static void run_pass(pass *p) {
    lanes *l = p->l;
    for (int32_t i = 0; i < l->plan.count; i++) {
        l->list[i].groups = groups_of(l->plan, p->B, i);
        l->list[i].used |= p->backward && l->list[i].groups > 0;
        atomic_store_explicit(&l->list[i].state, 0, memory_order_relaxed);
    }
    if (l->stale) panels_fill(&l->pool_exec, l->kernels, &l->views);
    l->stale = false;
    if (l->plan.count == 1) run_group(p, &l->pool_exec, &l->own[0].acts, 0, 0);
    else pool_run(l->context->pool, (size_t)l->workers, work_unit, p);
}

void lanes_train(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                 const gpt_dropout *dropout, float scale, float *losses) {
    pass p = {l, ids, targets, B, T, dropout, true, scale, losses};
    run_pass(&p);
}

void lanes_evaluate(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T, float *losses) {
    const gpt_dropout off = {0};
    pass              p = {l, ids, targets, B, T, &off, false, 0, losses};
    run_pass(&p);
}

gpt_activations *lanes_look(lanes *l, const uint32_t *ids, const uint32_t *targets, int32_t B, int32_t T,
                            const gpt_dropout *dropout, int32_t number, int32_t group, float *losses) {
    pass p = {l, ids, targets, B, T, dropout, false, 0, losses};
    return run_group(&p, &l->pool_exec, &l->own[0].acts, number, group) ? &l->own[0].acts : NULL;
}

/* ---------------------------------------------------------------------------------------------------- the sums */

#define TILE 512 /* elements of all lanes' blocks that are in the first cache together */

typedef struct gather_job {
    lanes    *l;
    norm_sums norm;
} gather_job;

/* into += from, from = 0 */
static void gather_pair(float *restrict into, float *restrict from, size_t n) {
    for (size_t i = 0; i < n; i++) into[i] += from[i];
    memset(from, 0, n * sizeof *from);
}

/* n elements of all blocks from `at` on: neighbours, then neighbours of neighbours, ..., into lane 0's. A block that nothing
 * was added to holds zeros and is left out. */
static void gather_tile(lanes *l, size_t at, size_t n) {
    bool used[LANES_MAX];
    for (int32_t i = 0; i < l->plan.count; i++) used[i] = l->list[i].used;
    for (int32_t stride = 1; stride < l->plan.count; stride *= 2)
        for (int32_t i = 0; i + stride < l->plan.count; i += 2 * stride) {
            if (!used[i + stride]) continue;
            gather_pair(l->list[i].gradients + at, l->list[i + stride].gradients + at, n);
            used[i] = true;
        }
}

/* One part of the norm, whose squares are summed while it is in the cache. */
static void gather_unit(void *shared, size_t unit, int worker) {
    gather_job *job = shared;
    size_t      at, n = norm_part(&job->norm, unit, &at);
    (void)worker;
    for (size_t i = 0; i < n; i += TILE) gather_tile(job->l, at + i, n - i < TILE ? n - i : TILE);
    norm_add(&job->norm, unit, job->l->list[0].gradients + at);
}

double lanes_gather(lanes *l) {
    gather_job job = {.l = l};
    norm_begin(&job.norm, l->table->gradients);
    exec_run(&l->pool_exec, job.norm.parts, gather_unit, &job);
    for (int32_t i = 0; i < l->plan.count; i++) l->list[i].used = false;
    l->stale = l->panels != NULL;
    return norm_end(&job.norm);
}

double losses_sum(const float *losses, size_t n) {
    double s[8] = {0};
    for (size_t i = 0; i < n; i++) s[i % 8] += (double)losses[i];
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}
