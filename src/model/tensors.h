/* tensors.h - the one tensor table of a model: name, shape, initializer, decay or not, place in the block.
 *
 * It is built from the config alone and drives allocation, initialization, saving, counting and printing. Weights are one
 * block with this layout; gradients and both moments one each, which hold the tensors that are trained. Linear weights are [out, in], y = x W^T + b. */
#ifndef CANTO_TENSORS_H
#define CANTO_TENSORS_H

#include "base/context.h"

typedef enum tensor_role {
    TENSOR_TOKEN_EMBEDDING,    /* [V, C] */
    TENSOR_POSITION_EMBEDDING, /* [T, C], learned positions */
    TENSOR_NORM1_WEIGHT,       /* [C] before (pre) or after (post) the attention; absent without attention or norm */
    TENSOR_NORM1_BIAS,
    TENSOR_QKV_WEIGHT,        /* [3C, C]: rows of q, then k, then v; head h has rows h D .. (h + 1) D of each third */
    TENSOR_QKV_BIAS,          /* [3C] */
    TENSOR_PROJECTION_WEIGHT, /* [C, C] */
    TENSOR_PROJECTION_BIAS,   /* [C] */
    TENSOR_NORM2_WEIGHT,      /* [C] of the feed-forward; absent without feed-forward or norm */
    TENSOR_NORM2_BIAS,
    TENSOR_FFN_UP_WEIGHT,   /* [F, C] */
    TENSOR_FFN_UP_BIAS,     /* [F] */
    TENSOR_FFN_DOWN_WEIGHT, /* [C, F] */
    TENSOR_FFN_DOWN_BIAS,   /* [C] */
    TENSOR_QKV_A,           /* [r, in], [out, r]: adapters, in a training with LoRA alone */
    TENSOR_QKV_B,
    TENSOR_PROJECTION_A,
    TENSOR_PROJECTION_B,
    TENSOR_FFN_UP_A,
    TENSOR_FFN_UP_B,
    TENSOR_FFN_DOWN_A,
    TENSOR_FFN_DOWN_B,
    TENSOR_FINAL_NORM_WEIGHT, /* [C] */
    TENSOR_FINAL_NORM_BIAS,
    TENSOR_HEAD_WEIGHT, /* [V, C]; absent when tied */
    TENSOR_HEAD_BIAS,   /* [V] */
    TENSOR_ROLES
} tensor_role;

typedef struct tensor {
    tensor_role role;
    int32_t     layer;         /* -1 outside the blocks */
    int64_t     rows, columns; /* columns 1 for a vector of rows elements */
    bool        vector;
    bool        decay;    /* a matrix: weight decay touches it also under decay_matrices_only */
    bool        frozen;   /* not trained: it has no gradient and no moments */
    size_t      offset;   /* in elements, from the start of the block of weights; a multiple of 16 */
    size_t      gradient; /* the same in the blocks of gradients and moments, where a frozen tensor has no place */
    size_t      count;    /* rows * columns */
} tensor;

#define TUNING_RANGES 8

/* What of a model is trained (model/tuning.h); zeroed: all of it. */
typedef struct tuning {
    uint32_t parts; /* that are frozen, by their bits */
    int      ranges;
    int32_t  from[TUNING_RANGES], to[TUNING_RANGES]; /* blocks that are frozen */
    int32_t  rank;                                   /* of adapters; 0: there are none */
    uint32_t adapted; /* the weights that have one: bits of 1 << number, of QKV, PROJECTION, UP, DOWN */
    double   scale;   /* alpha / rank */
} tuning;

typedef struct tensor_table {
    canto_config config;
    size_t       count;
    tensor      *list; /* in the order of the data's way: embeddings, blocks, final norm, head */
    tuning       tuning;
    size_t       elements;    /* of the block of weights, padding included */
    size_t       gradients;   /* of a block of gradients or moments, padding included */
    uint64_t     parameters;  /* without padding */
    uint64_t     trained;     /* of them: those that are not frozen */
    size_t       block_first; /* where the blocks' tensors begin in the list */
    size_t       block_count; /* tensors of one block; every block has the same */
} tensor_table;

/* config must have passed canto_config_check. */
canto_status tensor_table_open(canto_context *context, const canto_config *config, tensor_table *table);
/* The same without a list, for which nothing is allocated: counts alone. */
void tensor_table_measure(const canto_config *config, tensor_table *table);
/* Both for a model of which some tensors are frozen. */
canto_status tensor_table_open_tuned(canto_context *context, const canto_config *config, const tuning *tuning,
                                     tensor_table *table);
void         tensor_table_measure_tuned(const canto_config *config, const tuning *tuning, tensor_table *table);
void         tensor_table_close(canto_context *context, tensor_table *table);
/* NULL when the model has no such tensor. layer is -1 outside the blocks. */
const tensor *tensor_find(const tensor_table *table, tensor_role role, int32_t layer);
/* The shape that role has under config; false when absent. Needs no table, so it counts models of any size. */
bool tensor_shape(const canto_config *config, tensor_role role, int64_t *rows, int64_t *columns, bool *vector);
bool tensor_role_in_block(tensor_role role);
bool tensor_is_adapter(tensor_role role);
/* The weight that an adapter's A or B stands beside; another role as it is. */
tensor_role tensor_adapted(tensor_role role);
/* "blocks.3.ffn_up.weight": canto's own name, into out[96]. */
void tensor_name(tensor_role role, int32_t layer, char out[96]);

#endif
