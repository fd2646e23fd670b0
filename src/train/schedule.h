/* schedule.h - the learning rate, update by update. */
#ifndef CANTO_SCHEDULE_H
#define CANTO_SCHEDULE_H

#include "canto.h"

/* The rate of update s (from 0) of a run of `updates`: linear warm-up to lr, then the schedule down to min_lr at the last. */
double schedule_lr(const canto_train_options *options, int64_t s, int64_t updates);

#endif
