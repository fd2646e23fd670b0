/* layouts.h - how others name and cut our tensors. A layout is an ordered list of foreign tensors, each a rectangle of one
 * of ours; reading, writing, counting and seeded initialization walk it. */
#ifndef CANTO_LAYOUTS_H
#define CANTO_LAYOUTS_H

#include "model/tensors.h"

typedef enum layout_kind {
    LAYOUT_SOURCE,     /* the family's own PyTorch module names, in the order in which PyTorch creates them */
    LAYOUT_HF_GPT2,    /* Hugging Face GPT-2: `transformer.` prefix, Conv1D [in, out] */
    LAYOUT_HF_GPT_NEO, /* Hugging Face GPT-Neo */
    LAYOUT_GGUF,    /* llama.cpp's names of a GPT-2 */
    LAYOUT_NANOGPT, /* nanoGPT: Hugging Face's names, weights [out, in]; of a model without biases these read as zeros */
    LAYOUT_OWN,     /* canto's own names, one to one with the tensor table */
    LAYOUT_MAPPED, /* the same, as a map of a user's names gives them: biases of norms and feed-forward may be missing */
    LAYOUT_MAPPED_PARTS, /* with q, k and v apart */
    LAYOUT_MAPPED_HEADS  /* and each head's apart */
} layout_kind;

/* One foreign tensor: rows [row, row + rows) of our tensor, all columns. */
typedef struct layout_item {
    char        name[96];
    char        alias[96]; /* another name that readers accept; "" when there is none */
    tensor_role role;
    int32_t     layer;
    int64_t     row, rows, columns; /* in our tensor; columns 1 for a vector */
    bool        vector;
    bool        transposed; /* the foreign tensor is [columns, rows] */
    bool        optional;   /* where a file lacks it, it is read as zeros */
    bool        zeros;      /* the foreign format wants it, our model has none: written as zeros, ignored on reading */
} layout_item;

/* Walks a layout: index from 0; false past the last. config decides which items are present. Computed on the fly,
 * so a model of any size can be listed. */
bool layout_item_at(const canto_config *config, layout_kind kind, size_t index, layout_item *item);
/* How many items there are; no walk, as hostile sizes have billions. */
uint64_t layout_count(const canto_config *config, layout_kind kind);
/* Which Hugging Face shape the config has, or LAYOUT_OWN. */
layout_kind layout_for_saving(const canto_config *config);

#endif
