/* gpt.h - the whole model: BATCH -> LOGITS -> LOSS -> GRADIENTS.
 *
 * Shapes: B sequences, T positions, C width, H heads, D = C / H, F feed-forward width, L layers, V vocabulary.
 * Activations are planned from (config, B, T) and live in one block that the caller allocates; a pass never allocates.
 * A pass runs its units of work on an exec (base/pool.h): a whole pool, or serially as one lane of many. */
#ifndef CANTO_GPT_H
#define CANTO_GPT_H

#include "base/pool.h"
#include "base/rng.h"
#include "math/kernels.h"
#include "model/adapter.h"
#include "model/tensors.h"
#include "model/view.h"

/* Weights as views, looked up by tensor. Built over a trainer's block or over a mapped file. */
typedef struct layer_weights {
    view    norm1_weight, norm1_bias, q_weight, k_weight, v_weight, q_bias, k_bias, v_bias;
    view    projection_weight, projection_bias, norm2_weight, norm2_bias;
    view    up_weight, up_bias, down_weight, down_bias;
    adapter qkv, projection, up, down; /* of a training with LoRA */
} layer_weights;

typedef struct gpt_weights {
    const canto_config *config;
    view                token_embedding, position_embedding, final_norm_weight, final_norm_bias;
    view                head_weight, head_bias; /* head_weight is token_embedding's when tied */
    layer_weights      *layers;                 /* [L] */
} gpt_weights;

/* No views yet. layers has config.layers entries (the caller's memory). */
void gpt_weights_empty(const tensor_table *table, layer_weights *layers, gpt_weights *weights);
/* v becomes the view of a tensor: of the thirds of q, k, v, and of a head that is the token embedding, too. */
void gpt_weights_put(gpt_weights *weights, const tensor *t, const view *v);
/* Where the view of a role stands; of q, k and v the first of three, which stand one after the other. */
view *gpt_weights_view(gpt_weights *weights, tensor_role role, int32_t layer);
view  gpt_view_of_block(const tensor *t, const real *block);
/* Views on block (table->elements reals). layers has config.layers entries (the caller's memory). */
void gpt_weights_of_block(const tensor_table *table, const real *block, layer_weights *layers, gpt_weights *weights);

/* Where dropout bits come from. Every mask is made of (key, sequence, place, element), so a lane computes the masks of its
 * own sequences; or, in parity mode, of bits drawn beforehand with gpt_draw_dropout. */
typedef struct gpt_dropout {
    bool           on;   /* false: evaluation */
    uint64_t       key;  /* of (seed, step, micro-batch) */
    const uint8_t *bits; /* parity: one bit an element of every place, all B sequences; NULL: the counter hash */
} gpt_dropout;

/* Bytes of bits that gpt_draw_dropout fills for B sequences of T; 0 when the model has no dropout. */
size_t gpt_dropout_bytes(const canto_config *config, int32_t B, int32_t T);
/* Draws all masks of one forward pass from PyTorch's stream in the source's order. */
void gpt_draw_dropout(const canto_config *config, int32_t B, int32_t T, torch_rng *rng, uint8_t *bits);

/* What one block keeps for its backward pass; b t rows each. Pointers may coincide where a part is switched off. */
typedef struct layer_activations {
    real *in;                      /* [C] the block's input */
    real *normed1, *mean1, *rstd1; /* [C], [1], [1] */
    real *qkv, *attended, *lse;    /* [3C], [C], [H] */
    real *sum1;                    /* [C] post-norm: input + branch, before the norm */
    real *middle;                  /* [C] after the attention's half */
    real *normed2, *mean2, *rstd2;
    real *up;     /* [F] training: the activation's slope where it was applied */
    real *active; /* [F] after the activation */
    real *sum2;
    real *out; /* [C] one of the above */
} layer_activations;

/* What a forward pass leaves behind. */
typedef enum gpt_keep {
    GPT_KEEP_NOTHING, /* evaluation: all blocks share one set of activations */
    GPT_KEEP_INPUTS, /* training in little memory: each block's input, from which the backward pass makes the rest again */
    GPT_KEEP_ALL     /* training */
} gpt_keep;

/* Somebody who looks on while a forward pass goes its way. see comes when the first block's input is there (layer -1), and when
 * a block has ended: whatever it has written, qkv too, is still there, and the next block may write over it. False ends
 * the pass, whose later activations are then nothing. */
typedef struct gpt_watch {
    bool (*see)(void *user, int32_t layer); /* NULL: nobody looks */
    void *user;
} gpt_watch;

/* Activations of B sequences of T: planned once, bound to a block. Callers set first and batch for a lane, and watch to look
 * inside, and may read b and t; the rest belongs to the passes. */
typedef struct gpt_activations {
    const canto_config *config;
    int32_t             B, T;  /* largest batch that fits */
    int32_t             first; /* the lane's first sequence in the micro-batch, for dropout */
    int32_t             batch; /* B of the whole micro-batch, for dropout */
    gpt_keep            keep;
    gpt_watch           watch;
    layer_activations  *layers;               /* [L] */
    real               *sinusoid;             /* [T, C] or NULL */
    real               *embedded;             /* [C] the first block's input */
    real               *normed, *mean, *rstd; /* [C], [1], [1] of the final norm */
    real               *hidden;               /* [C] what the head reads: normed, or the last block's out */
    real               *branch;               /* [C] without a projection: what the masks leave of the attention */
    real               *low[2];               /* [r] each: what adapters need; the second in training alone */
    mask               *masks[2];             /* [B] each: of the product under way */
    real               *chunk;                /* [rows, V] logits of a few rows */
    int64_t             chunk_rows;
    real               *dx, *dbranch, *dnormed, *dffn, *dqkv; /* [C], [C], [C], [F], [3C] */
    int32_t             b, t;                                 /* of the pass under way */
    int32_t             start;                                /* position of each sequence's first row */
    const uint32_t     *ids;
} gpt_activations;

/* Bytes of the block for activations. */
size_t gpt_activations_bytes(const canto_config *config, int32_t B, int32_t T, gpt_keep keep);
/* Binds activations to a zeroed block of that many bytes, aligned to 64. */
void gpt_activations_bind(const canto_config *config, int32_t B, int32_t T, gpt_keep keep, void *block,
                          gpt_activations *acts);
/* Both for a model with adapters of this rank. */
size_t gpt_adapted_bytes(const canto_config *config, int32_t rank, int32_t B, int32_t T, gpt_keep keep);
void   gpt_adapted_bind(const canto_config *config, int32_t rank, int32_t B, int32_t T, gpt_keep keep, void *block,
                        gpt_activations *acts);
/* Bytes of scratch that each worker of the exec needs. */
size_t gpt_scratch_bytes(const canto_config *config, int32_t T);

/* ids[B, T] -> the final hidden states (kept in acts). B <= acts->B, T <= acts->T; ids below V. */
void gpt_forward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *ids,
                 int32_t B, int32_t T, const gpt_dropout *dropout);

/* What the attention of later positions needs of a sequence's first `length` positions. To go back, lower length. */
typedef struct gpt_cache {
    int32_t T;      /* positions that fit */
    int32_t length; /* positions held */
    real   *keys;   /* [L, H] heads of attention_keys(T, D) each */
    real   *values; /* [L, H] heads of attention_values(T, D) each */
} gpt_cache;

/* Bytes of the block for a cache of T positions; 0 without attention. Bind to a zeroed block aligned to 64. */
size_t gpt_cache_bytes(const canto_config *config, int32_t T);
void   gpt_cache_bind(const canto_config *config, int32_t T, void *block, gpt_cache *cache);
/* Activations of gpt_extend alone, for at most so many rows at once. */
size_t gpt_extension_bytes(const canto_config *config, int32_t rank, int32_t rows);
void   gpt_extension_bind(const canto_config *config, int32_t rank, int32_t rows, void *block, gpt_activations *acts);

/* ids[rows] at positions cache->length and up -> their final hidden states (kept in acts), without dropout; length grows
 * by rows. Each row is what gpt_forward over the whole sequence makes of it, to the bit, however the rows are cut into
 * calls: no sum of either depends on the number of rows. rows <= acts->T, length + rows <= cache->T <= the config's
 * context. */
void gpt_extend(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, gpt_cache *cache,
                const uint32_t *ids, int32_t rows);

/* Logits of rows [row, row + rows) of the B T positions of the last forward pass -> logits[rows, V]. */
void gpt_logits(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, int64_t row, int64_t rows,
                real *logits);

/* Head and loss over row chunks; losses[B T] receives each position's cross-entropy. */
void gpt_loss(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *targets,
              real *losses);

/* After gpt_forward with the same dropout, where inputs alone are kept: makes the other activations of one block again. */
void gpt_restore(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts,
                 const gpt_dropout *dropout, int32_t layer);

/* As gpt_loss, and then the whole backward pass: adds scale * d(sum of losses)/d(parameter) to gradients (a block with
 * the table's layout of them), and ends where nothing below is trained. After gpt_forward with the same ids and dropout. */
void gpt_backward(const exec *e, const kernels *k, const tensor_table *table, const gpt_weights *w,
                  gpt_activations *acts, const uint32_t *targets, const gpt_dropout *dropout, real scale, real *losses,
                  real *gradients);

#endif
