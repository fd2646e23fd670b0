/* small_gpt.h - a small model of GPT-2's kind with all of its parts, which tests then change. */
#ifndef CANTO_SMALL_GPT_H
#define CANTO_SMALL_GPT_H

#include <canto.h>

/* Two blocks of three heads, pre-norm, learned positions, tanh GELU, a head of its own without bias. */
static inline canto_config small_gpt(int32_t vocab, int32_t context, int32_t width, int32_t ffn) {
    return (canto_config){.family = CANTO_FAMILY_GPT2,
                          .vocab = vocab,
                          .context = context,
                          .width = width,
                          .heads = 3,
                          .layers = 2,
                          .ffn = ffn,
                          .attention = true,
                          .qkv_bias = true,
                          .projection = true,
                          .projection_bias = true,
                          .residuals = true,
                          .final_norm = true,
                          .norm_eps = 1e-5,
                          .pattern = "g"};
}

#endif
