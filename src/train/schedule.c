/* schedule.c - warm-up, then constant, cosine (Loshchilov and Hutter 2017, without restarts) or linear decay.
 *
 * Invariant: 0 < rate <= lr during the run; the last update of a decaying schedule uses a rate just above min_lr, which
 * is reached when all updates are done. */
#include "train/schedule.h"

#include <math.h>

/* How far the decay has come, 0 at the end of the warm-up, 1 after the last update. */
static double decay_progress(int64_t s, int64_t warmup, int64_t updates) {
    if (updates <= warmup) return 1;
    double part = (double)(s - warmup) / (double)(updates - warmup);
    return part < 1 ? part : 1;
}

double schedule_lr(const canto_train_options *options, int64_t s, int64_t updates) {
    const double pi = 3.14159265358979323846;
    double       lr = options->lr, least = options->min_lr;
    if (s < options->warmup) return lr * (double)(s + 1) / (double)options->warmup;
    switch (options->schedule) {
    case CANTO_SCHEDULE_COSINE:
        return least + (lr - least) * 0.5 * (1 + cos(pi * decay_progress(s, options->warmup, updates)));
    case CANTO_SCHEDULE_LINEAR:
        return lr - (lr - least) * decay_progress(s, options->warmup, updates);
    case CANTO_SCHEDULE_CONSTANT:
        break;
    }
    return lr;
}
