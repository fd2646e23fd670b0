/* trainer.h - what a run of training owns. The calls are those of canto.h. */
#ifndef CANTO_TRAINER_H
#define CANTO_TRAINER_H

#include "data/loader.h"
#include "store/model.h"
#include "train/journal.h"
#include "train/lanes.h"
#include "train/optimizer.h"
#include "train/run_record.h"
#include "train/run_state.h"

struct canto_trainer {
    canto_context      *context;
    canto_config        config;
    canto_train_options options;
    run_origin          from;
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
    uint32_t  *x, *y;             /* [B T] of the larger of both batch sizes */
    float     *losses;            /* [B T] */
    uint8_t   *bits;              /* parity dropout; NULL: none */
    bool       dropout;

    char    folder[4096]; /* "": nothing is written */
    int     lock;         /* of the folder; -1: none */
    journal journal;

    run_state state;      /* all that a checkpoint holds beside weights and moments; state.torch is the one stream */
    int64_t   updates;    /* planned */
    int64_t   saved_step; /* of the latest checkpoint; -1: none */
    bool      unsaved;    /* at that step, but an evaluation or an epoch's end has come since */
    bool      row_closed; /* the row that waits for a loss is in metrics.csv without one: the run stood still there */

    double         start, sitting, epoch_start; /* clock_seconds; start and epoch_start reach over sittings */
    canto_event_fn on_event;
    void          *user;
    bool           stopping; /* a callback asked to stop, or the time is up */
    bool           stopped;  /* a callback asked */
    canto_status   failed;   /* of a sample that could not be written: ends the run, which then repeats it */
};

/* B of evaluation. */
int32_t trainer_eval_batch(const canto_trainer *t);

/* Everything of canto_trainer_open but the folder: checks, memory, first weights: those of a model, or NULL: drawn. */
canto_status trainer_new(canto_context *context, const canto_model *from, const canto_config *config,
                         const canto_train_options *options, const canto_tokenizer *tokenizer, const canto_data *data,
                         canto_trainer **trainer);
/* Whether the disk of folder (or of the nearest parent that is there) holds the checkpoints to come. */
canto_status trainer_check_disk(const canto_trainer *t, const char *folder);

#endif
