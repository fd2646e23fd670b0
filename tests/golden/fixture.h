/* fixture.h - a folder of reference numbers (tests/golden/fixtures/NAME) in memory: the source's config as ours, weights,
 * gradients and the rest as blocks of our layout. */
#ifndef CANTO_TEST_FIXTURE_H
#define CANTO_TEST_FIXTURE_H

#include "base/json.h"
#include "base/rng.h"
#include "model/gpt.h"
#include "store/weights.h"

enum { FIXTURE_BLOCKS = 32 };

typedef struct fixture {
    canto_context *context;
    const kernels *kernels;
    const char    *folder;
    json_t        *info;   /* config.json */
    canto_config   config; /* without dropout */
    tensor_table   table;
    float         *weights, *gradients, *after; /* after: of ten AdamW steps, or NULL */
    float         *from_hf;                     /* weights once more, out of weights_hf.safetensors, or NULL */
    int32_t        B, T;                        /* what goes through the model: T is the fixture's seq_out */
    uint32_t      *ids, *targets;               /* [B, T] */
    float         *logits;                      /* [B, T, V] */
    exec           exec;
    layer_weights *layers;
    void          *bases[FIXTURE_BLOCKS];
    int            blocks;
} fixture;

canto_status fixture_open(canto_context *context, const char *folder, fixture *f);
void         fixture_close(fixture *f); /* also a zeroed one */
/* A zeroed block that fixture_close releases. */
canto_status fixture_block(fixture *f, size_t bytes, void *block);
/* The config with dropout p in every place that the source has. */
canto_config fixture_with_dropout(const fixture *f, double p);

#endif
