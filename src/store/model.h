/* model.h - a loaded model: what canto_model is. */
#ifndef CANTO_MODEL_H
#define CANTO_MODEL_H

#include "model/gpt.h"
#include "model/layouts.h"
#include "store/tensor_source.h"

struct canto_model {
    canto_context         *context;
    canto_config           config;
    tensor_table           table;
    gpt_weights            weights;         /* views on block and on source's maps */
    layer_weights         *layers;          /* [L] */
    float                 *block;           /* table.elements, or what no kernel could read in the source; maybe NULL */
    bool                   whole;           /* the block has the table's layout */
    void                  *base;            /* what to release; NULL when the block is borrowed */
    layout_kind            kind;            /* the names that its tensors were read under */
    tensor_source          source;          /* whose maps the views look at; zeroed: none */
    uint64_t               bytes;           /* of all weights, as they are kept */
    bool                   borrowed;        /* block and tokenizer are another's */
    const canto_tokenizer *tokenizer;       /* NULL: none */
    canto_tokenizer       *owned_tokenizer; /* to close; NULL when borrowed or none */
    char                  *folder;          /* it was read from; NULL: none */
    char                  *origin;          /* the folder or file that it was read from, no link; NULL: none */
};

/* A model without weights: its table, and room for the views. */
canto_status model_empty(canto_context *context, const canto_config *config, canto_model **model);
/* A model over another's block, for sampling during training: nothing is copied, and both block (of a tensor table of the
 * same config) and tokenizer (or NULL) must outlive it. Close with canto_model_close. */
canto_status model_borrow(canto_context *context, const canto_config *config, float *block,
                          const canto_tokenizer *tokenizer, canto_model **model);
/* The same over the block of a table of which some tensors are frozen. */
canto_status model_borrow_tuned(canto_context *context, const canto_config *config, const tuning *tuned, float *block,
                                const canto_tokenizer *tokenizer, canto_model **model);
/* Another model with the same weights, in a block of its own, as one of a folder; without the tokenizer. */
canto_status model_copy(canto_context *context, const canto_model *model, const char *folder, canto_model **copy);
/* The weights of a model -> block of a table with the same config but for dropout and context: of learned positions that are
 * fewer the first ones; adapters stay as they are. */
void model_copy_weights(const canto_model *model, const tensor_table *table, float *block);
/* A number that changes with any weight; the same in whatever format the model is. */
canto_status model_weights_hash(const canto_model *model, uint64_t *hash);
/* CANTO_ERROR_VALUE names the first of ids[count] that is outside the vocabulary. */
canto_status model_check_ids(const canto_model *model, const uint32_t *ids, size_t count);

/* Rows [row, row + rows) of a tensor -> out[rows, columns], whatever it is kept in. */
void model_read(const canto_model *model, tensor_role role, int32_t layer, int64_t row, int64_t rows, float *out);
/* Why the model's results are not finite: CANTO_ERROR_NUMBER, naming the first tensor that holds such a value, if any. */
canto_status model_not_finite(canto_context *context, const canto_model *model);

/* What a reader of some format has found: a model that is yet to be read. */
typedef struct model_parts {
    const canto_model_options *options; /* what the caller said of the model; NULL: nothing */
    canto_config               config;
    layout_kind                kind; /* the names of the source's tensors */
    tensor_source              source;
    canto_tokenizer           *tokenizer;    /* owned; NULL: none */
    char                       folder[4096]; /* of a model folder; "": none */
    char                       origin[4096]; /* the folder or file, no link; canto_model_open says it */
} model_parts;

/* Makes a model of them; the tokenizer goes over to it. Nothing as large as the config says is allocated before the source
 * is known to hold as much. parts are to be closed in any case. */
canto_status model_from_parts(canto_context *context, model_parts *parts, canto_model **model);
void         model_parts_close(model_parts *parts); /* also zeroed ones */

#endif
