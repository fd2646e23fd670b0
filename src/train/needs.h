/* needs.h - how much memory a run of training takes: the one arithmetic behind inspect, plan and the refusal of what the
 * machine cannot hold. */
#ifndef CANTO_NEEDS_H
#define CANTO_NEEDS_H

#include "base/context.h"

/* Bytes that canto_trainer_open and canto_trainer_run allocate, and touch, beside data and tokenizer. */
typedef struct needs {
    uint64_t parameters;
    uint64_t trained;     /* of them: the others are frozen */
    uint64_t weights;     /* 4 a parameter */
    uint64_t gradients;   /* 4 a trained parameter and lane: small models have several */
    uint64_t moments;     /* 8 a trained parameter */
    uint64_t checkpoint;  /* on disk */
    uint64_t activations; /* of the larger of both batches; small models: of a few sequences for each thread */
    uint64_t other; /* batches, masks, an epoch's order, padding, scratch memory, what saving takes for a moment */
    uint64_t total;
} needs;

/* What a run is weighed with. */
typedef struct needs_of {
    const canto_config        *config;
    const canto_train_options *options;
    const canto_tokenizer     *tokenizer; /* saved with the model; NULL: none */
    uint64_t                   tokens;    /* of the data; 0: not known */
    int                        threads;
} needs_of;

/* Both config and options must have passed their checks. CANTO_ERROR_VALUE when no machine could count the bytes. */
canto_status needs_measure(const needs_of *of, needs *n);
/* CANTO_ERROR_MEMORY, with the numbers and with what would fit, when the run needs more than `available` bytes. */
canto_status needs_check(const needs_of *of, uint64_t available);
/* One sentence about what fits into `available` bytes: recompute, else the largest batch, context or preset. */
void needs_advice(const needs_of *of, uint64_t available, char out[160]);

/* "12.34 GB" or "56.70 MB", in units of 1024 */
typedef struct bytes_text {
    char text[32];
} bytes_text;
bytes_text needs_bytes(uint64_t bytes);

/* Updates of the run; 0 when that hangs on data that is not known. */
uint64_t needs_updates(const needs_of *of);
/* Evaluations of both splits: before the first update, on schedule, after the last or at each epoch's end. */
uint64_t needs_evaluations(const needs_of *of);

/* Bytes on disk of the checkpoints (one that is being written counted in) and the journal at the run's end. */
uint64_t needs_disk(const needs_of *of);

#endif
