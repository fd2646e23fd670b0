/* trainer.h - what a run of training owns. The calls are those of canto.h. */
#ifndef CANTO_TRAINER_H
#define CANTO_TRAINER_H

#include "data/loader.h"
#include "store/model.h"
#include "train/journal.h"
#include "train/lanes.h"
#include "train/optimizer.h"

struct canto_trainer {
    canto_context      *context;
    canto_config        config;
    canto_train_options options;
    const canto_data   *data;
    const kernels      *kernels;
    canto_model        *model; /* borrows the weight block; has the tensor table and the views */
    const tensor_table *table;

    float *weights, *gradients, *m, *v; /* one block each, the table's layout */
    void  *bases[4];
    lanes  lanes;

    data_split train, validation; /* validation.count 0: none */
    loader     batches;           /* of training */
    loader     eval_batches[2];   /* parity: of evaluation, training split and validation split */
    torch_rng  torch;             /* parity: the one stream */
    uint32_t  *x, *y;             /* [B T] of the larger of both batch sizes */
    float     *losses;            /* [B T] */
    uint8_t   *bits;              /* parity dropout; NULL: none */
    bool       dropout;

    char    folder[4096]; /* "": nothing is written */
    journal journal;

    int64_t        step, updates; /* done, and planned */
    int64_t        epoch;         /* done */
    uint64_t       tokens;        /* trained on */
    double         best_loss;
    int64_t        best_step, saved_step; /* -1: none */
    double         last_val_loss;         /* of the evaluation at last_val_step */
    int64_t        last_val_step;
    double         epoch_loss_sum, epoch_start;
    uint64_t       epoch_tokens;
    journal_row    row;     /* of the update to come: evaluations wait here for its loss */
    bool           row_due; /* row holds an evaluation */
    double         start;   /* clock_seconds */
    canto_event_fn on_event;
    void          *user;
    bool           stopping; /* a callback asked to stop, or the time is up */
    bool           stopped;  /* a callback asked */
};

/* B of evaluation. */
int32_t trainer_eval_batch(const canto_trainer *t);

#endif
