/* fixture.c - reading a folder of reference numbers. The keys are the sources' own; README of the reference data says what
 * each file holds. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

canto_status fixture_block(fixture *f, size_t bytes, void *block) {
    if (f->blocks == FIXTURE_BLOCKS) return status_error(CANTO_ERROR_MEMORY, "more than %d blocks", FIXTURE_BLOCKS);
    void        *made = NULL;
    canto_status status = context_block(f->context, bytes ? bytes : 64, "a fixture", &f->bases[f->blocks], &made);
    if (status.code != CANTO_OK) return status;
    f->blocks++;
    memcpy(block, &made, sizeof made); /* block is the address of a pointer of any type */
    return status;
}

/* ------------------------------------------------------------------------------------------- the config */

static int32_t number(const json_t *o, const char *key) { return (int32_t)json_integer_value(json_object_get(o, key)); }

static bool truth(const json_t *o, const char *key) { return json_is_true(json_object_get(o, key)); }

static void whole_block(canto_config *c) {
    c->attention = c->projection = c->projection_bias = c->residuals = c->final_norm = true;
    c->positions = CANTO_POSITIONS_LEARNED;
    c->norm = CANTO_NORM_PRE;
    c->ffn = 4 * c->width;
}

static void read_gpt2(const json_t *o, canto_config *c) {
    c->family = CANTO_FAMILY_GPT2;
    c->context = number(o, "context_length");
    c->width = number(o, "emb_dim");
    c->heads = number(o, "n_heads");
    c->layers = number(o, "n_layers");
    whole_block(c);
    c->activation = CANTO_GELU_TANH;
    c->qkv_bias = truth(o, "qkv_bias");
    c->tied = truth(o, "tied");
}

static void read_neo(const json_t *o, canto_config *c) {
    const json_t *layers = json_object_get(o, "attention_layers");
    c->family = CANTO_FAMILY_GPT_NEO;
    c->context = number(o, "context_size");
    c->width = number(o, "hidden_size");
    c->heads = number(o, "num_heads");
    c->layers = number(o, "num_layers");
    whole_block(c);
    c->activation = CANTO_GELU_TANH;
    c->attention_scale = CANTO_SCALE_NONE;
    if (json_is_integer(json_object_get(o, "intermediate_size"))) c->ffn = number(o, "intermediate_size");
    for (size_t i = 0; i < json_array_size(layers) && i < CANTO_PATTERN_MAX - 1; i++)
        c->pattern[i] = json_string_value(json_array_get(layers, i))[0]; /* "global", "local" */
    if (strchr(c->pattern, 'l')) c->window = number(o, "window_size");
    c->norm_eps = json_number_value(json_object_get(o, "layer_norm_epsilon"));
}

/* The stages basic, ffn, attention, blocks. */
static void read_dante(const json_t *o, canto_config *c) {
    const char *stage = json_string_value(json_object_get(o, "stage"));
    bool        basic = strcmp(stage, "basic") == 0, blocks = strcmp(stage, "blocks") == 0;
    bool        several = truth(o, "use_multiple_head");
    c->family = CANTO_FAMILY_DANTE;
    c->context = number(o, "max_len");
    c->width = number(o, "d_model");
    c->heads = several ? number(o, "num_heads") : 1;
    c->layers = basic ? 0 : blocks ? number(o, "n_layers") : 1;
    c->ffn = basic ? 4 * c->width : number(o, "hidden_dim");
    c->positions = basic ? CANTO_POSITIONS_NONE : CANTO_POSITIONS_SINUSOIDAL;
    c->norm = blocks ? CANTO_NORM_POST : CANTO_NORM_NONE;
    c->activation = blocks ? CANTO_GELU_EXACT : CANTO_RELU;
    c->attention = basic || strcmp(stage, "ffn") != 0;
    c->qkv_bias = c->final_norm = c->head_bias = true;
    c->projection = c->projection_bias = several;
    c->residuals = blocks;
    c->attention_scale = several ? CANTO_SCALE_HEAD : CANTO_SCALE_WIDTH;
}

static void read_shakespeare(const json_t *o, canto_config *c) {
    c->family = CANTO_FAMILY_SHAKESPEARE;
    c->context = number(o, "block_size");
    c->width = number(o, "n_embed");
    c->heads = number(o, "n_head");
    c->layers = number(o, "n_layer");
    whole_block(c);
    c->activation = CANTO_GELU_EXACT;
    c->attention_scale = CANTO_SCALE_WIDTH;
    c->head_bias = true;
}

static canto_status read_config(fixture *f) {
    static const struct {
        const char *arch;
        void (*read)(const json_t *o, canto_config *c);
    } KNOWN[] = {
        {"gpt2", read_gpt2},
        {"gptneo", read_neo},
        {"dante", read_dante},
        {"shakespeare", read_shakespeare},
    };
    canto_status status = status_ok();
    const char  *arch;
    json_t      *o;
    TRY(json_get_text(f->info, f->folder, "arch", &arch));
    TRY(json_get_object(f->info, f->folder, "config", &o));
    f->config.vocab = number(o, "vocab_size");
    f->config.norm_eps = 1e-5;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (strcmp(KNOWN[i].arch, arch) != 0) continue;
        KNOWN[i].read(o, &f->config);
        if (!f->config.pattern[0]) strcpy(f->config.pattern, "g");
        return canto_config_check(&f->config);
    }
    FAIL(CANTO_ERROR_UNSUPPORTED, "the arch \"%s\" is none of gpt2, gptneo, dante, shakespeare", arch);
done:
    return status;
}

canto_config fixture_with_dropout(const fixture *f, double p) {
    canto_config c = f->config;
    const char  *style = json_string_value(json_object_get(json_object_get(f->info, "config"), "style"));
    if (c.family == CANTO_FAMILY_DANTE) {
        c.dropout_block = p;
        return c;
    }
    c.dropout_attention = c.dropout_residual = p;
    if (c.family == CANTO_FAMILY_GPT2) {
        bool first = style && strcmp(style, "001") == 0;
        c.dropout_embedding = first ? p : 0;
        c.dropout_ffn = first ? 0 : p;
    }
    return c;
}

/* --------------------------------------------------------------------------------------------- the files */

/* A file of tensors into a fresh block; a missing one leaves *block NULL. */
static canto_status read_block(fixture *f, const char *name, layout_kind kind, float **block) {
    canto_status  status = status_ok();
    tensor_source file = {0};
    char          path[4096];
    TRY(path_join(path, f->folder, name));
    if (!file_exists(path)) goto done;
    TRY(fixture_block(f, f->table.elements * sizeof **block, block));
    TRY(safetensors_open(f->context, path, &file));
    TRY(weights_read(f->context, &file, &f->table, kind, *block));
done:
    source_close(&file);
    return status;
}

/* Columns [0, T) of an I64 tensor [B, columns] as ids. */
static canto_status read_ids(fixture *f, const tensor_source *file, const char *name, uint32_t **ids) {
    canto_status         status = status_ok();
    const source_tensor *t = source_find(file, name);
    if (!t || t->rank != 2 || t->type != SOURCE_I64 || t->shape[0] != f->B || t->shape[1] < f->T)
        FAIL(CANTO_ERROR_FORMAT, "io.safetensors has no \"%s\" of at least [%d, %d]", name, f->B, f->T);
    TRY(fixture_block(f, (size_t)f->B * (size_t)f->T * sizeof **ids, ids));
    for (int64_t b = 0; b < f->B; b++)
        for (int64_t i = 0; i < f->T; i++) {
            int64_t id;
            memcpy(&id, t->data + (size_t)(b * t->shape[1] + i) * sizeof id, sizeof id);
            if (id < 0 || id >= f->config.vocab)
                FAIL(CANTO_ERROR_FORMAT, "\"%s\" holds the id %lld", name, (long long)id);
            (*ids)[b * f->T + i] = (uint32_t)id;
        }
done:
    return status;
}

static canto_status read_io(fixture *f) {
    canto_status  status = status_ok();
    tensor_source file = {0};
    char          path[4096];
    TRY(path_join(path, f->folder, "io.safetensors"));
    TRY(safetensors_open(f->context, path, &file));
    const source_tensor *logits = source_find(&file, "logits");
    if (!logits || logits->rank != 3) FAIL(CANTO_ERROR_FORMAT, "io.safetensors has no \"logits\" [B, T, V]");
    f->B = (int32_t)logits->shape[0];
    f->T = (int32_t)logits->shape[1];
    TRY(source_expect_type(&file, logits, SOURCE_F32));
    TRY(source_expect_shape(&file, logits, (int64_t[]){f->B, f->T, f->config.vocab}, 3));
    TRY(fixture_block(f, logits->bytes, &f->logits));
    memcpy(f->logits, logits->data, logits->bytes);
    TRY(read_ids(f, &file, "input_ids", &f->ids));
    TRY(read_ids(f, &file, "targets", &f->targets));
done:
    source_close(&file);
    return status;
}

static canto_status open_exec(fixture *f) {
    canto_status status = status_ok();
    size_t       threads = (size_t)f->context->threads;
    size_t       bytes = (gpt_scratch_bytes(&f->config, f->config.context) + 63) / 64 * 64;
    char        *scratch;
    f->exec.pool = f->context->pool;
    f->exec.scratch_bytes = bytes;
    TRY(fixture_block(f, threads * sizeof(void *), &f->exec.scratch));
    TRY(fixture_block(f, threads * bytes, &scratch));
    for (size_t i = 0; i < threads; i++) f->exec.scratch[i] = scratch + i * bytes;
    f->kernels = kernels_choose(f->context->cpu);
    if (!f->kernels) FAIL(CANTO_ERROR_UNSUPPORTED, "no kernels for this machine");
done:
    return status;
}

canto_status fixture_open(canto_context *context, const char *folder, fixture *f) {
    canto_status status = status_ok();
    char         path[4096];
    memset(f, 0, sizeof *f);
    f->context = context;
    f->folder = folder;
    TRY(path_join(path, folder, "config.json"));
    TRY(json_read_file(context, path, &f->info));
    TRY(read_config(f));
    TRY(tensor_table_open(context, &f->config, &f->table));
    TRY(read_block(f, "weights.safetensors", LAYOUT_SOURCE, &f->weights));
    TRY(read_block(f, "grads.safetensors", LAYOUT_SOURCE, &f->gradients));
    TRY(read_block(f, "after10_adamw.safetensors", LAYOUT_SOURCE, &f->after));
    TRY(read_block(f, "weights_hf.safetensors", LAYOUT_HF_GPT2, &f->from_hf));
    if (!f->weights || !f->gradients) FAIL(CANTO_ERROR_FILE, "weights.safetensors or grads.safetensors is missing");
    TRY(read_io(f));
    TRY(open_exec(f));
    TRY(fixture_block(f, (size_t)(f->config.layers + 1) * sizeof *f->layers, &f->layers));
done:
    if (status.code != CANTO_OK) fixture_close(f);
    return status;
}

void fixture_close(fixture *f) {
    for (int i = 0; i < f->blocks; i++) context_release(f->context, f->bases[i]);
    if (f->table.list) tensor_table_close(f->context, &f->table);
    json_decref(f->info);
    memset(f, 0, sizeof *f);
}
