/* layouts.c - the lists of foreign names, and the walk over them.
 *
 * A list has three stretches: what comes before the blocks, one block, what comes after. Rows stand in the order in which
 * the foreign program creates its parameters; rows whose tensor the config lacks are passed over. Every block of a model
 * has the same rows, so an item is found by arithmetic, without walking the blocks before it.
 *
 * Sources: the modules of sources 000 to 004; Hugging Face's modeling_gpt2 and modeling_gpt_neo; nanoGPT's model.py;
 * llama.cpp's names of GPT-2's tensors. */
#include "model/layouts.h"

#include <stdio.h>
#include <string.h>

/* Which third of the qkv tensor a row is. */
typedef enum part { ALL, Q, K, V } part;

enum { TRANSPOSED = 1, ZEROS = 2, PER_HEAD = 4, OPTIONAL = 8 };

/* In a name '#' stands for the layer and '@' for the head. Neighbouring PER_HEAD rows repeat together, head by head. */
typedef struct row {
    const char *name; /* NULL: the table's own */
    tensor_role role;
    part        part;
    unsigned    flags;
} row;

typedef struct stretch {
    const row *rows;
    size_t     count;
} stretch;

typedef struct list {
    stretch before, block, after;
} list;

#define STRETCH(array)                                                                                                 \
    { array, sizeof(array) / sizeof *(array) }

/* ------------------------------------------------------------------------------------- sources 001 and 002 */

static const row GPT2_BEFORE[] = {
    {"tok_emb.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"pos_emb.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row GPT2_BLOCK[] = {
    {"trf_blocks.#.att.W_query.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"trf_blocks.#.att.W_query.bias", TENSOR_QKV_BIAS, Q, 0},
    {"trf_blocks.#.att.W_key.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"trf_blocks.#.att.W_key.bias", TENSOR_QKV_BIAS, K, 0},
    {"trf_blocks.#.att.W_value.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"trf_blocks.#.att.W_value.bias", TENSOR_QKV_BIAS, V, 0},
    {"trf_blocks.#.att.out_proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"trf_blocks.#.att.out_proj.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"trf_blocks.#.ff.layers.0.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"trf_blocks.#.ff.layers.0.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"trf_blocks.#.ff.layers.2.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"trf_blocks.#.ff.layers.2.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
    {"trf_blocks.#.norm1.scale", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"trf_blocks.#.norm1.shift", TENSOR_NORM1_BIAS, ALL, 0},
    {"trf_blocks.#.norm2.scale", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"trf_blocks.#.norm2.shift", TENSOR_NORM2_BIAS, ALL, 0},
};
static const row GPT2_AFTER[] = {
    {"final_norm.scale", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"final_norm.shift", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"out_head.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
    {"out_head.bias", TENSOR_HEAD_BIAS, ALL, 0},
};

/* -------------------------------------------------------------------------------------------- source 000 */

static const row NEO_BEFORE[] = {
    {"word_token_embedding.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"word_position_embedding.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row NEO_BLOCK[] = {
    {"blocks.#.ln_1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"blocks.#.ln_1.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"blocks.#.attn.attention.k_proj.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"blocks.#.attn.attention.k_proj.bias", TENSOR_QKV_BIAS, K, 0},
    {"blocks.#.attn.attention.v_proj.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"blocks.#.attn.attention.v_proj.bias", TENSOR_QKV_BIAS, V, 0},
    {"blocks.#.attn.attention.q_proj.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"blocks.#.attn.attention.q_proj.bias", TENSOR_QKV_BIAS, Q, 0},
    {"blocks.#.attn.attention.out_proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"blocks.#.attn.attention.out_proj.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"blocks.#.ln_2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"blocks.#.ln_2.bias", TENSOR_NORM2_BIAS, ALL, 0},
    {"blocks.#.mlp.c_fc.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"blocks.#.mlp.c_fc.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"blocks.#.mlp.c_proj.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"blocks.#.mlp.c_proj.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row NEO_AFTER[] = {
    {"norm.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"norm.bias", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"output.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
    {"output.bias", TENSOR_HEAD_BIAS, ALL, 0},
};

/* -------------------------------------------------------------------------------------------- source 003 */

static const row DANTE_BEFORE[] = {
    {"wte.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"wpe.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row DANTE_BLOCK[] = {
    {"blocks.#.attention.query.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"blocks.#.attention.query.bias", TENSOR_QKV_BIAS, Q, 0},
    {"blocks.#.attention.key.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"blocks.#.attention.key.bias", TENSOR_QKV_BIAS, K, 0},
    {"blocks.#.attention.value.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"blocks.#.attention.value.bias", TENSOR_QKV_BIAS, V, 0},
    {"blocks.#.attention.fc_out.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"blocks.#.attention.fc_out.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"blocks.#.ffn.0.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"blocks.#.ffn.0.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"blocks.#.ffn.2.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"blocks.#.ffn.2.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
    {"blocks.#.ln1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"blocks.#.ln1.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"blocks.#.ln2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"blocks.#.ln2.bias", TENSOR_NORM2_BIAS, ALL, 0},
};
/* The stages before there were blocks: one attention, one feed-forward, nothing around them. */
static const row DANTE_EARLY_BLOCK[] = {
    {"attention.query.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"attention.query.bias", TENSOR_QKV_BIAS, Q, 0},
    {"attention.key.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"attention.key.bias", TENSOR_QKV_BIAS, K, 0},
    {"attention.value.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"attention.value.bias", TENSOR_QKV_BIAS, V, 0},
    {"attention.fc_out.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"attention.fc_out.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"ffn.fc1.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"ffn.fc1.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"ffn.fc2.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"ffn.fc2.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row DANTE_AFTER[] = {
    {"ln_f.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"ln_f.bias", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"fc_out.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
    {"fc_out.bias", TENSOR_HEAD_BIAS, ALL, 0},
};

/* -------------------------------------------------------------------------------------------- source 004 */

static const row SHAKESPEARE_BEFORE[] = {
    {"token_emb.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"pos_emb.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row SHAKESPEARE_BLOCK[] = {
    {"blocks.#.sa.heads.@.key.weight", TENSOR_QKV_WEIGHT, K, PER_HEAD},
    {"blocks.#.sa.heads.@.key.bias", TENSOR_QKV_BIAS, K, PER_HEAD},
    {"blocks.#.sa.heads.@.query.weight", TENSOR_QKV_WEIGHT, Q, PER_HEAD},
    {"blocks.#.sa.heads.@.query.bias", TENSOR_QKV_BIAS, Q, PER_HEAD},
    {"blocks.#.sa.heads.@.value.weight", TENSOR_QKV_WEIGHT, V, PER_HEAD},
    {"blocks.#.sa.heads.@.value.bias", TENSOR_QKV_BIAS, V, PER_HEAD},
    {"blocks.#.sa.proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"blocks.#.sa.proj.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"blocks.#.ffwd.net.0.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"blocks.#.ffwd.net.0.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"blocks.#.ffwd.net.2.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"blocks.#.ffwd.net.2.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
    {"blocks.#.ln1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"blocks.#.ln1.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"blocks.#.ln2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"blocks.#.ln2.bias", TENSOR_NORM2_BIAS, ALL, 0},
};
static const row SHAKESPEARE_AFTER[] = {
    {"ln_f.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"ln_f.bias", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"lm_head.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
    {"lm_head.bias", TENSOR_HEAD_BIAS, ALL, 0},
};

/* ----------------------------------------------------------------------------------------- Hugging Face */

static const row HF_BEFORE[] = {
    {"transformer.wte.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"transformer.wpe.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row HF_GPT2_BLOCK[] = {
    {"transformer.h.#.ln_1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_1.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"transformer.h.#.attn.c_attn.weight", TENSOR_QKV_WEIGHT, ALL, TRANSPOSED},
    {"transformer.h.#.attn.c_attn.bias", TENSOR_QKV_BIAS, ALL, ZEROS},
    {"transformer.h.#.attn.c_proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, TRANSPOSED},
    {"transformer.h.#.attn.c_proj.bias", TENSOR_PROJECTION_BIAS, ALL, ZEROS},
    {"transformer.h.#.ln_2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_2.bias", TENSOR_NORM2_BIAS, ALL, 0},
    {"transformer.h.#.mlp.c_fc.weight", TENSOR_FFN_UP_WEIGHT, ALL, TRANSPOSED},
    {"transformer.h.#.mlp.c_fc.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"transformer.h.#.mlp.c_proj.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, TRANSPOSED},
    {"transformer.h.#.mlp.c_proj.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row HF_GPT_NEO_BLOCK[] = {
    {"transformer.h.#.ln_1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_1.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"transformer.h.#.attn.attention.k_proj.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"transformer.h.#.attn.attention.v_proj.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"transformer.h.#.attn.attention.q_proj.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"transformer.h.#.attn.attention.out_proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"transformer.h.#.attn.attention.out_proj.bias", TENSOR_PROJECTION_BIAS, ALL, ZEROS},
    {"transformer.h.#.ln_2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_2.bias", TENSOR_NORM2_BIAS, ALL, 0},
    {"transformer.h.#.mlp.c_fc.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"transformer.h.#.mlp.c_fc.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"transformer.h.#.mlp.c_proj.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"transformer.h.#.mlp.c_proj.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row HF_AFTER[] = {
    {"transformer.ln_f.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"transformer.ln_f.bias", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"lm_head.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
};

/* ---------------------------------------------------------------------------------------------- nanoGPT */

static const row NANOGPT_BLOCK[] = {
    {"transformer.h.#.ln_1.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_1.bias", TENSOR_NORM1_BIAS, ALL, OPTIONAL},
    {"transformer.h.#.attn.c_attn.weight", TENSOR_QKV_WEIGHT, ALL, 0},
    {"transformer.h.#.attn.c_attn.bias", TENSOR_QKV_BIAS, ALL, 0},
    {"transformer.h.#.attn.c_proj.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"transformer.h.#.attn.c_proj.bias", TENSOR_PROJECTION_BIAS, ALL, 0},
    {"transformer.h.#.ln_2.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"transformer.h.#.ln_2.bias", TENSOR_NORM2_BIAS, ALL, OPTIONAL},
    {"transformer.h.#.mlp.c_fc.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"transformer.h.#.mlp.c_fc.bias", TENSOR_FFN_UP_BIAS, ALL, OPTIONAL},
    {"transformer.h.#.mlp.c_proj.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"transformer.h.#.mlp.c_proj.bias", TENSOR_FFN_DOWN_BIAS, ALL, OPTIONAL},
};
static const row NANOGPT_AFTER[] = {
    {"transformer.ln_f.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"transformer.ln_f.bias", TENSOR_FINAL_NORM_BIAS, ALL, OPTIONAL},
    {"lm_head.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
};

/* ----------------------------------------------------------------------------------------- llama.cpp's GPT-2 */

static const row GGUF_BEFORE[] = {
    {"token_embd.weight", TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {"position_embd.weight", TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row GGUF_BLOCK[] = {
    {"blk.#.attn_norm.weight", TENSOR_NORM1_WEIGHT, ALL, 0},
    {"blk.#.attn_norm.bias", TENSOR_NORM1_BIAS, ALL, 0},
    {"blk.#.attn_qkv.weight", TENSOR_QKV_WEIGHT, ALL, 0},
    {"blk.#.attn_qkv.bias", TENSOR_QKV_BIAS, ALL, ZEROS},
    {"blk.#.attn_output.weight", TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {"blk.#.attn_output.bias", TENSOR_PROJECTION_BIAS, ALL, ZEROS},
    {"blk.#.ffn_norm.weight", TENSOR_NORM2_WEIGHT, ALL, 0},
    {"blk.#.ffn_norm.bias", TENSOR_NORM2_BIAS, ALL, 0},
    {"blk.#.ffn_up.weight", TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {"blk.#.ffn_up.bias", TENSOR_FFN_UP_BIAS, ALL, 0},
    {"blk.#.ffn_down.weight", TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {"blk.#.ffn_down.bias", TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row GGUF_AFTER[] = {
    {"output_norm.weight", TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {"output_norm.bias", TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {"output.weight", TENSOR_HEAD_WEIGHT, ALL, 0},
};

/* --------------------------------------------------------------------------- canto's own: the table itself */

static const row OWN_BEFORE[] = {
    {NULL, TENSOR_TOKEN_EMBEDDING, ALL, 0},
    {NULL, TENSOR_POSITION_EMBEDDING, ALL, 0},
};
static const row OWN_BLOCK[] = {
    {NULL, TENSOR_NORM1_WEIGHT, ALL, 0},      {NULL, TENSOR_NORM1_BIAS, ALL, 0},
    {NULL, TENSOR_QKV_WEIGHT, ALL, 0},        {NULL, TENSOR_QKV_BIAS, ALL, 0},
    {NULL, TENSOR_PROJECTION_WEIGHT, ALL, 0}, {NULL, TENSOR_PROJECTION_BIAS, ALL, 0},
    {NULL, TENSOR_NORM2_WEIGHT, ALL, 0},      {NULL, TENSOR_NORM2_BIAS, ALL, 0},
    {NULL, TENSOR_FFN_UP_WEIGHT, ALL, 0},     {NULL, TENSOR_FFN_UP_BIAS, ALL, 0},
    {NULL, TENSOR_FFN_DOWN_WEIGHT, ALL, 0},   {NULL, TENSOR_FFN_DOWN_BIAS, ALL, 0},
};
static const row OWN_AFTER[] = {
    {NULL, TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {NULL, TENSOR_FINAL_NORM_BIAS, ALL, 0},
    {NULL, TENSOR_HEAD_WEIGHT, ALL, 0},
    {NULL, TENSOR_HEAD_BIAS, ALL, 0},
};

static const row MAPPED_BLOCK[] = {
    {NULL, TENSOR_NORM1_WEIGHT, ALL, 0},      {NULL, TENSOR_NORM1_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_QKV_WEIGHT, ALL, 0},        {NULL, TENSOR_QKV_BIAS, ALL, 0},
    {NULL, TENSOR_PROJECTION_WEIGHT, ALL, 0}, {NULL, TENSOR_PROJECTION_BIAS, ALL, 0},
    {NULL, TENSOR_NORM2_WEIGHT, ALL, 0},      {NULL, TENSOR_NORM2_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_UP_WEIGHT, ALL, 0},     {NULL, TENSOR_FFN_UP_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_DOWN_WEIGHT, ALL, 0},   {NULL, TENSOR_FFN_DOWN_BIAS, ALL, OPTIONAL},
};
static const row MAPPED_PARTS_BLOCK[] = {
    {NULL, TENSOR_NORM1_WEIGHT, ALL, 0},
    {NULL, TENSOR_NORM1_BIAS, ALL, OPTIONAL},
    {"blocks.#.q.weight", TENSOR_QKV_WEIGHT, Q, 0},
    {"blocks.#.k.weight", TENSOR_QKV_WEIGHT, K, 0},
    {"blocks.#.v.weight", TENSOR_QKV_WEIGHT, V, 0},
    {"blocks.#.q.bias", TENSOR_QKV_BIAS, Q, 0},
    {"blocks.#.k.bias", TENSOR_QKV_BIAS, K, 0},
    {"blocks.#.v.bias", TENSOR_QKV_BIAS, V, 0},
    {NULL, TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {NULL, TENSOR_PROJECTION_BIAS, ALL, 0},
    {NULL, TENSOR_NORM2_WEIGHT, ALL, 0},
    {NULL, TENSOR_NORM2_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {NULL, TENSOR_FFN_UP_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {NULL, TENSOR_FFN_DOWN_BIAS, ALL, OPTIONAL},
};
static const row MAPPED_HEADS_BLOCK[] = {
    {NULL, TENSOR_NORM1_WEIGHT, ALL, 0},
    {NULL, TENSOR_NORM1_BIAS, ALL, OPTIONAL},
    {"blocks.#.q.@.weight", TENSOR_QKV_WEIGHT, Q, PER_HEAD},
    {"blocks.#.k.@.weight", TENSOR_QKV_WEIGHT, K, PER_HEAD},
    {"blocks.#.v.@.weight", TENSOR_QKV_WEIGHT, V, PER_HEAD},
    {"blocks.#.q.@.bias", TENSOR_QKV_BIAS, Q, PER_HEAD},
    {"blocks.#.k.@.bias", TENSOR_QKV_BIAS, K, PER_HEAD},
    {"blocks.#.v.@.bias", TENSOR_QKV_BIAS, V, PER_HEAD},
    {NULL, TENSOR_PROJECTION_WEIGHT, ALL, 0},
    {NULL, TENSOR_PROJECTION_BIAS, ALL, 0},
    {NULL, TENSOR_NORM2_WEIGHT, ALL, 0},
    {NULL, TENSOR_NORM2_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_UP_WEIGHT, ALL, 0},
    {NULL, TENSOR_FFN_UP_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_FFN_DOWN_WEIGHT, ALL, 0},
    {NULL, TENSOR_FFN_DOWN_BIAS, ALL, OPTIONAL},
};
static const row MAPPED_AFTER[] = {
    {NULL, TENSOR_FINAL_NORM_WEIGHT, ALL, 0},
    {NULL, TENSOR_FINAL_NORM_BIAS, ALL, OPTIONAL},
    {NULL, TENSOR_HEAD_WEIGHT, ALL, 0},
    {NULL, TENSOR_HEAD_BIAS, ALL, 0},
};

/* --------------------------------------------------------------------------------------- which list */

static bool dante_is_early(const canto_config *c) {
    return c->layers == 1 && !c->residuals && c->norm == CANTO_NORM_NONE;
}

static list dante_list(const canto_config *config) {
    static const list blocks = {STRETCH(DANTE_BEFORE), STRETCH(DANTE_BLOCK), STRETCH(DANTE_AFTER)};
    static const list early = {STRETCH(DANTE_BEFORE), STRETCH(DANTE_EARLY_BLOCK), STRETCH(DANTE_AFTER)};
    return dante_is_early(config) ? early : blocks;
}

static list source_list(const canto_config *config) {
    static const list gpt2 = {STRETCH(GPT2_BEFORE), STRETCH(GPT2_BLOCK), STRETCH(GPT2_AFTER)};
    static const list neo = {STRETCH(NEO_BEFORE), STRETCH(NEO_BLOCK), STRETCH(NEO_AFTER)};
    static const list shakespeare = {STRETCH(SHAKESPEARE_BEFORE), STRETCH(SHAKESPEARE_BLOCK),
                                     STRETCH(SHAKESPEARE_AFTER)};
    switch (config->family) {
    case CANTO_FAMILY_GPT_NEO:
        return neo;
    case CANTO_FAMILY_DANTE:
        return dante_list(config);
    case CANTO_FAMILY_SHAKESPEARE:
        return shakespeare;
    case CANTO_FAMILY_GPT2:
        break;
    }
    return gpt2;
}

static list list_of(const canto_config *config, layout_kind kind) {
    static const list hf_gpt2 = {STRETCH(HF_BEFORE), STRETCH(HF_GPT2_BLOCK), STRETCH(HF_AFTER)};
    static const list hf_neo = {STRETCH(HF_BEFORE), STRETCH(HF_GPT_NEO_BLOCK), STRETCH(HF_AFTER)};
    static const list nanogpt = {STRETCH(HF_BEFORE), STRETCH(NANOGPT_BLOCK), STRETCH(NANOGPT_AFTER)};
    static const list gguf = {STRETCH(GGUF_BEFORE), STRETCH(GGUF_BLOCK), STRETCH(GGUF_AFTER)};
    static const list own = {STRETCH(OWN_BEFORE), STRETCH(OWN_BLOCK), STRETCH(OWN_AFTER)};
    static const list mapped = {STRETCH(OWN_BEFORE), STRETCH(MAPPED_BLOCK), STRETCH(MAPPED_AFTER)};
    static const list parts = {STRETCH(OWN_BEFORE), STRETCH(MAPPED_PARTS_BLOCK), STRETCH(MAPPED_AFTER)};
    static const list heads = {STRETCH(OWN_BEFORE), STRETCH(MAPPED_HEADS_BLOCK), STRETCH(MAPPED_AFTER)};
    switch (kind) {
    case LAYOUT_HF_GPT2:
        return hf_gpt2;
    case LAYOUT_HF_GPT_NEO:
        return hf_neo;
    case LAYOUT_NANOGPT:
        return nanogpt;
    case LAYOUT_GGUF:
        return gguf;
    case LAYOUT_OWN:
        return own;
    case LAYOUT_MAPPED:
        return mapped;
    case LAYOUT_MAPPED_PARTS:
        return parts;
    case LAYOUT_MAPPED_HEADS:
        return heads;
    case LAYOUT_SOURCE:
        break;
    }
    return source_list(config);
}

/* ------------------------------------------------------------------------------------------- the walk */

/* The pattern with '#' and '@' replaced, into out[96]. */
static void fill_name(char out[96], const char *pattern, int32_t layer, int32_t head) {
    size_t n = 0;
    for (const char *c = pattern; *c && n < 84; c++) {
        if (*c == '#' || *c == '@') n += (size_t)snprintf(out + n, 12, "%d", (int)(*c == '#' ? layer : head));
        else out[n++] = *c;
    }
    out[n] = 0;
}

static void swap_names(layout_item *item) {
    char kept[96];
    memcpy(kept, item->name, sizeof kept);
    memcpy(item->name, item->alias, sizeof kept);
    memcpy(item->alias, kept, sizeof kept);
}

/* Sources 001 and 002 call the same list `layers` and `net`: 002's, which ends in a dropout, is `net`. */
static void name_feed_forward(const canto_config *config, layout_item *item, const char *found) {
    size_t before = (size_t)(found - item->name);
    snprintf(item->alias, sizeof item->alias, "%.*s.ff.net.%.24s", (int)before, item->name,
             found + strlen(".ff.layers."));
    if (config->dropout_ffn > 0) swap_names(item);
}

static void name_item(const canto_config *config, const row *r, int32_t layer, int32_t head, layout_item *item) {
    static const char prefix[] = "transformer.";
    item->alias[0] = 0;
    if (!r->name) {
        tensor_name(r->role, layer, item->name);
        return;
    }
    fill_name(item->name, r->name, layer, head);
    const char *feed_forward = strstr(item->name, ".ff.layers.");
    if (feed_forward) name_feed_forward(config, item, feed_forward);
    else if (strncmp(item->name, prefix, strlen(prefix)) == 0) strcpy(item->alias, item->name + strlen(prefix));
}

/* The shape of a tensor that the foreign format has and the model has not. */
static bool zeros_shape(const canto_config *config, tensor_role role, int64_t *rows) {
    *rows = role == TENSOR_QKV_BIAS ? (int64_t)3 * config->width : config->width;
    return config->attention && config->layers > 0;
}

/* Fills all of item but its names; false when the config has no such row. */
static bool shape_item(const canto_config *config, const row *r, int32_t layer, int32_t head, layout_item *item) {
    item->role = r->role;
    item->layer = layer;
    item->row = 0;
    item->zeros = false;
    item->transposed = (r->flags & TRANSPOSED) != 0;
    item->optional = (r->flags & OPTIONAL) != 0;
    if (!tensor_shape(config, r->role, &item->rows, &item->columns, &item->vector)) {
        if (!(r->flags & ZEROS) || !zeros_shape(config, r->role, &item->rows)) return false;
        item->columns = 1;
        item->vector = item->zeros = true;
        return true;
    }
    if (r->part == ALL) return true;
    item->rows = config->width;
    item->row = (int64_t)config->width * (r->part - Q);
    if (r->flags & PER_HEAD) {
        item->rows = config->width / config->heads;
        item->row += item->rows * head;
    }
    return true;
}

/* Row number *index of those present among rows[0, count), for one head; *index loses the rows passed. */
static const row *present_row(const canto_config *config, const row *rows, size_t count, size_t *index) {
    layout_item ignored;
    for (size_t i = 0; i < count; i++) {
        if (!shape_item(config, &rows[i], 0, 0, &ignored)) continue;
        if (*index == 0) return &rows[i];
        --*index;
    }
    return NULL;
}

/* Length of the group that begins at rows[0]: all neighbours per head, or one row. */
static size_t group_length(const row *rows, size_t count) {
    size_t n = 0;
    while (n < count && (rows[n].flags & PER_HEAD)) n++;
    return n ? n : 1;
}

/* Finds present row number *index of a stretch and its head, or subtracts the number of present rows from *index. */
static const row *stretch_row(const canto_config *config, stretch s, size_t *index, int32_t *head) {
    for (size_t at = 0, length; at < s.count; at += length) {
        const row *group = s.rows + at;
        length = group_length(group, s.count - at);
        size_t left = SIZE_MAX, repeats = (group->flags & PER_HEAD) ? (size_t)config->heads : 1;
        present_row(config, group, length, &left);
        size_t each = SIZE_MAX - left;
        if (*index < each * repeats) {
            size_t within = *index % each;
            *head = (int32_t)(*index / each);
            return present_row(config, group, length, &within);
        }
        *index -= each * repeats;
    }
    return NULL;
}

static size_t stretch_count(const canto_config *config, stretch s) {
    size_t  left = SIZE_MAX;
    int32_t head;
    stretch_row(config, s, &left, &head);
    return SIZE_MAX - left;
}

/* Finds row number index of the whole list, with its layer and head. */
static const row *list_row(const canto_config *config, const list *l, size_t index, int32_t *layer, int32_t *head) {
    *layer = -1;
    *head = 0;
    const row *found = stretch_row(config, l->before, &index, head);
    if (found) return found;
    size_t each = config->layers > 0 ? stretch_count(config, l->block) : 0;
    if (each > 0 && index / each < (size_t)config->layers) {
        *layer = (int32_t)(index / each);
        index %= each;
        return stretch_row(config, l->block, &index, head);
    }
    index -= each * (size_t)config->layers;
    return stretch_row(config, l->after, &index, head);
}

uint64_t layout_count(const canto_config *config, layout_kind kind) {
    list     l = list_of(config, kind);
    uint64_t block = config->layers > 0 ? stretch_count(config, l.block) : 0;
    return stretch_count(config, l.before) + block * (uint64_t)config->layers + stretch_count(config, l.after);
}

bool layout_item_at(const canto_config *config, layout_kind kind, size_t index, layout_item *item) {
    list       l = list_of(config, kind);
    int32_t    layer, head;
    const row *r = list_row(config, &l, index, &layer, &head);
    if (!r) return false;
    shape_item(config, r, layer, head, item);
    name_item(config, r, layer, head, item);
    return true;
}

/* ----------------------------------------------------------------------------------------- for saving */

static bool has_local_layers(const canto_config *c) {
    for (int32_t i = 0; i < c->layers && c->pattern[i]; i++)
        if (c->pattern[i] == 'l') return c->window > 0;
    return false;
}

/* What Hugging Face's GPT-2 and GPT-Neo have in common. */
static bool is_hf_like(const canto_config *c) {
    bool block = c->attention && c->ffn > 0 && c->projection && c->projection_bias && c->residuals;
    return block && c->norm == CANTO_NORM_PRE && c->positions == CANTO_POSITIONS_LEARNED && c->final_norm &&
           c->activation == CANTO_GELU_TANH && !c->head_bias;
}

layout_kind layout_for_saving(const canto_config *config) {
    if (!is_hf_like(config)) return LAYOUT_OWN;
    if (config->attention_scale == CANTO_SCALE_HEAD && !has_local_layers(config)) return LAYOUT_HF_GPT2;
    if (config->attention_scale == CANTO_SCALE_NONE && !config->qkv_bias) return LAYOUT_HF_GPT_NEO;
    return LAYOUT_OWN;
}
