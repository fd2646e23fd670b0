/* speed.c - how long an update takes, found by trying.
 *
 * A model that is small enough is tried as it is. Of a larger one a try has fewer sequences and few layers, and then some
 * more: what these add, every further one adds. An update of `a` micro-batches through L layers takes
 *
 *     U(a, L) = a (head + L block) + parameters(L) w
 *
 * w being the optimizer's time for a parameter, so that U(1, l), U(2, l) and U(1, 3 l) tell head, block and w. */
#include "speed.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"

#define SECONDS 3.0           /* of trying, in all */
#define LONGEST_STEP 0.6      /* a step that is longer is shortened */
#define USUAL_SHARE 0.65      /* of the peak that a step reaches, to foresee its length */
#define MOST_PARAMETERS 3.0e7 /* more take too long to begin */
#define LEAST_ROWS 512        /* positions of a shortened batch: fewer are slower than their share */
enum { MOST_STEPS = 4096 };

bool speed_random_data(canto_context *context, const canto_config *config, canto_data **data) {
    size_t    count = 65536 + 2 * (size_t)config->context;
    uint32_t *ids = malloc(count * sizeof *ids);
    uint64_t  x = 1337;
    if (!ids) {
        terminal_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        ids[i] = (uint32_t)((x >> 33) % (uint64_t)config->vocab);
    }
    bool good = support_good(canto_data_from_ids(context, ids, count, config->vocab, data));
    free(ids);
    return good;
}

/* ----------------------------------------------------------------------------------------------------- one try */

typedef struct trial {
    double  seconds[MOST_STEPS];
    int64_t count;
    double  started, begun, last, limit; /* begun: the evaluation before the first step is over */
} trial;

static bool on_event(void *user, const canto_trainer *trainer, const canto_event *event) {
    trial *t = user;
    double now = terminal_seconds();
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && t->count < MOST_STEPS) t->seconds[t->count++] = now - t->last;
    else t->begun = now;
    t->last = now;
    return !support_interrupted() && (t->count == 0 || now - t->begun < t->limit);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of an update's steps within so many seconds, the first left out where others follow; and a batch of the evaluation
 * before them. */
static bool try_update(canto_context *context, const canto_config *config, const canto_train_options *training,
                       const canto_data *data, double limit, double *seconds, double *evaluation) {
    canto_trainer *trainer = NULL;
    trial         *t = calloc(1, sizeof *t);
    canto_status   status;
    if (!t) {
        terminal_error("out of memory");
        return false;
    }
    t->limit = limit;
    terminal_progress(false, "measuring the speed of training");
    status = canto_trainer_open(context, config, training, NULL, data, NULL, NULL, &trainer);
    t->started = terminal_seconds();
    if (status.code == CANTO_OK) status = canto_trainer_run(trainer, on_event, t);
    canto_trainer_close(trainer);
    terminal_clear();
    bool good = (status.code == CANTO_STOPPED && !support_interrupted() && t->count > 0) || support_good(status);
    if (good) {
        int64_t first = t->count > 1, n = t->count - first;
        qsort(t->seconds + first, (size_t)n, sizeof *t->seconds, by_size);
        *seconds = t->seconds[first + n / 2];
        *evaluation = (t->begun - t->started) / training->eval_batches;
    }
    free(t);
    return good;
}

/* ------------------------------------------------------------------------------------------- what to try, and how often */

/* Floating-point operations of a micro-batch, and parameters. */
static double operations(const canto_config *config, int32_t B, double *parameters) {
    canto_report report;
    *parameters = 0;
    if (canto_config_report(config, 1, 0, &report).code != CANTO_OK) return 0;
    *parameters = (double)report.total;
    return report.training_flops_per_token * config->context * B;
}

/* Fewer sequences, as far as they stay LEAST_ROWS positions, until a step is no longer than it may be. */
static int32_t shorter_batch(const canto_config *config, int32_t B, double rate) {
    double  parameters;
    int32_t least = (LEAST_ROWS + config->context - 1) / config->context;
    while (B > least && operations(config, B, &parameters) / rate > LONGEST_STEP) B = B / 2 > least ? B / 2 : least;
    return B;
}

/* Gradient blocks of a run: small models have several, and run in another way. */
static uint64_t lanes_of(const canto_config *config, int32_t B) {
    canto_report report;
    if (canto_config_report(config, B, 0, &report).code != CANTO_OK || report.weights_bytes == 0) return 0;
    return report.gradients_bytes / report.weights_bytes;
}

/* The fewest layers that still run in the model's own way. */
static int32_t fewest_layers(const canto_config *config, int32_t B) {
    canto_config shorter = *config;
    for (shorter.layers = 1; shorter.layers < config->layers; shorter.layers++)
        if (lanes_of(&shorter, B) == lanes_of(config, B)) break;
    return shorter.layers;
}

typedef struct probe {
    canto_context      *context;
    canto_config        config;
    canto_train_options training;
    canto_data         *data;
    double              limit;
    double              evaluation; /* of the last try: one batch */
} probe;

static bool update_of(probe *p, int32_t layers, int32_t accumulate, double *seconds, double *parameters) {
    p->config.layers = layers;
    p->training.accumulate = accumulate;
    operations(&p->config, 1, parameters);
    return try_update(p->context, &p->config, &p->training, p->data, p->limit, seconds, &p->evaluation);
}

static double not_below(double x, double least) { return x > least ? x : least; }

/* From `layers` layers, and where those are not all of them three times as many: -> one micro-batch and one batch of an evaluation
 * through all L of them, and the optimizer. */
static bool parts_of_update(probe *p, int32_t layers, int32_t L, bool apart, double *micro, double *optimizer) {
    int32_t deep = 3 * layers < L ? 3 * layers : L;
    double  once, twice, deeper, parameters = 0, more = 0, all;
    p->config.layers = L;
    operations(&p->config, 1, &all);
    if (!update_of(p, layers, 1, &once, &parameters)) return false;
    *micro = once;
    *optimizer = 0;
    if (!apart && layers == L) return true;
    if (!update_of(p, layers, 2, &twice, &parameters)) return false;
    *micro = not_below(twice - once, once / 2); /* noise may not make an update of nothing but the optimizer */
    double weigh = not_below(once - *micro, 0) / not_below(parameters, 1);
    double share = p->evaluation / *micro;
    if (layers < L) {
        if (!update_of(p, deep, 1, &deeper, &more)) return false;
        *micro += (double)(L - layers) / (deep - layers) * not_below(deeper - once - weigh * (more - parameters), 0);
        p->evaluation = share * *micro;
    }
    *optimizer = weigh * all;
    return true;
}

bool speed_measure(canto_context *context, const canto_config *config, const canto_train_options *training,
                   speed *out) {
    probe   p = {context, *config, *training, NULL, SECONDS, 0};
    double  peak, parameters, micro, optimizer;
    int32_t layers = config->layers, a = training->accumulate, B = training->batch;
    if (!support_good(canto_probe(context, CANTO_PROBE_FMA, 0, &peak)) || !speed_random_data(context, config, &p.data))
        return false;
    double rate = USUAL_SHARE * peak * 1e9;
    p.training.steps = MOST_STEPS;
    p.training.epochs = p.training.eval_every = 0;
    p.training.split = 1;
    p.training.eval_batches = 1;
    p.training.log_every = 1;
    p.training.max_seconds = 0;
    p.training.warmup = 0;
    p.training.batch = shorter_batch(config, B, rate);
    p.training.eval_batch = 0;
    double length = operations(config, p.training.batch, &parameters) / rate;
    if (length > LONGEST_STEP || parameters > MOST_PARAMETERS) layers = fewest_layers(config, p.training.batch);
    out->shortened = layers < config->layers || p.training.batch < B;
    bool apart = a > 1 || out->shortened;
    p.limit = apart ? SECONDS / 3 : SECONDS;
    bool good = parts_of_update(&p, layers, config->layers, apart, &micro, &optimizer);
    canto_data_close(p.data);
    if (!good) return false;
    micro *= (double)B / p.training.batch;
    out->update = a * micro + optimizer;
    out->evaluation = p.evaluation * (training->eval_batch > 0 ? training->eval_batch : B) / p.training.batch;
    return true;
}
