/* dropout.h - where masks come from, and applying them to rows. */
#ifndef CANTO_DROPOUT_H
#define CANTO_DROPOUT_H

#include "model/gpt.h"

typedef enum dropout_place {
    DROPOUT_EMBEDDING, /* [T, C] of a sequence, once */
    DROPOUT_ATTENTION, /* [H, T, T], after the softmax */
    DROPOUT_RESIDUAL1, /* [T, C], the attention's branch */
    DROPOUT_FFN,       /* [T, C], the feed-forward's output */
    DROPOUT_RESIDUAL2, /* [T, C], the feed-forward's branch */
    DROPOUT_BLOCK,     /* [T, C], after the block */
    DROPOUT_PLACES
} dropout_place;

double dropout_rate(const canto_config *config, dropout_place place);

/* The mask of one sequence (counted in the whole batch of B) at one place; false when nothing is dropped there. */
bool dropout_mask(const canto_config *config, const gpt_dropout *dropout, int32_t layer, dropout_place place, int32_t B,
                  int32_t T, int32_t sequence, mask *out);

/* The masks of sequences first .. first + b - 1 -> list[b], for the edge of a product; false when nothing is dropped. */
bool dropout_masks(const canto_config *config, const gpt_dropout *dropout, int32_t layer, dropout_place place,
                   const gpt_activations *acts, mask *list);

/* to[b, T, C] = from times the masks of sequences first .. first + b - 1 (the same call serves forward and backward: y = m x,
 * dx = m dy); to may be from. false when nothing is dropped: to is left as it is. */
bool dropout_apply(const exec *e, const kernels *k, const canto_config *config, const gpt_dropout *dropout,
                   int32_t layer, dropout_place place, const gpt_activations *acts, const real *from, real *to);

#endif
