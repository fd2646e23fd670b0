/* crash.h - what the tests of interrupted runs share: a tiny run with everything in it, and whether two folders hold the same
 * one. */
#ifndef CANTO_CRASH_H
#define CANTO_CRASH_H

#include "canto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct job {
    canto_context      *context;
    canto_tokenizer    *tokenizer;
    canto_data         *data;
    canto_config        config;
    canto_train_options training;
    char                base[64], text[128]; /* a folder of its own, and the text in it */
    int64_t             stop_at;             /* a step at which the callback stops the run; 0: never */
    int                 sample_every;        /* 0: none */
    canto_trainer      *trainer;             /* the open one */
    int                 warnings;
    char                warning[600]; /* the latest */
} job;

/* A model with dropout of about a thousand weights; 12 steps, with checkpoints, evaluations and samples on the way. */
void job_open(job *j);
void job_close(job *j); /* removes the folder and all in it */

/* base/name, good for the next 15 calls. */
const char *in_base(const job *j, const char *name);
/* Begins, or goes on with, the run base/name, and trains until its end or stop_at. options NULL: those of run.json. */
canto_status job_train(job *j, const char *name);
canto_status job_resume(job *j, const char *name, const canto_train_options *options);

/* What they call: samples, and stops. */
bool job_event(void *user, const canto_trainer *trainer, const canto_event *event);

/* Fails unless both runs have the same last and best checkpoint, byte for byte, the same metrics.csv and trainer.json (times
 * and speeds apart) and the same samples.txt. */
void same_runs(const job *j, const char *one, const char *other);
/* The content of base/name with a zero byte after it; release with free. "" when there is none. */
char *content(const job *j, const char *name, size_t *bytes);
void  overwrite(const job *j, const char *name, const char *text, size_t bytes);
bool  has(const job *j, const char *name);

void ok(canto_status status);
/* The status has this code, and its text speaks of part. */
void fails(canto_status status, canto_code code, const char *part);

#endif
