/* adapters.c - adapters written as PEFT writes those of GPT-2 (names of Hugging Face's modules, fan_in_fan_out for its Conv1D);
 * of models of another shape under canto's own names. lora_A is [r, in], lora_B [out, r] in both. */
#include "store/adapters.h"

#include "base/file.h"
#include "model/adapter.h"
#include "model/gpt.h"
#include "model/layouts.h"
#include "model/tuning.h"
#include "store/numbers.h"
#include "store/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What target_modules calls the weights that can have adapters: ours of GPT-2's shape, ours of others, PEFT's short forms. */
static const struct target {
    const char *gpt2, *own, *brief;
} TARGETS[4] = {{"attn.c_attn", "qkv", "c_attn"},
                {"attn.c_proj", "projection", "c_proj"},
                {"mlp.c_fc", "ffn_up", "c_fc"},
                {"mlp.c_proj", "ffn_down", "c_proj"}};

bool adapters_are_in(const char *folder) {
    char path[4096];
    return path_join(path, folder, "adapter_config.json").code == CANTO_OK && file_exists(path);
}

/* "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight" */
static void name_of(const canto_config *config, const tensor *t, char out[192]) {
    const struct target *target = &TARGETS[(t->role - TENSOR_QKV_A) / 2];
    char                 letter = (t->role - TENSOR_QKV_A) % 2 == 0 ? 'A' : 'B';
    bool                 gpt2 = layout_for_saving(config) == LAYOUT_HF_GPT2;
    snprintf(out, 192, "base_model.model.%s.%d.%s.lora_%c.weight", gpt2 ? "transformer.h" : "blocks", t->layer,
             gpt2 ? target->gpt2 : target->own, letter);
}

/* -------------------------------------------------------------------------------------------------------- writing */

static json_t *targets_json(const tensor_table *table) {
    json_build list = json_build_array();
    bool       gpt2 = layout_for_saving(&table->config) == LAYOUT_HF_GPT2;
    for (int i = 0; i < 4; i++)
        if (table->tuning.adapted >> i & 1) json_build_add(&list, json_string(gpt2 ? TARGETS[i].gpt2 : TARGETS[i].own));
    return json_build_end(&list);
}

static json_t *about_json(const tensor_table *table, const char *base, uint64_t hash) {
    json_build b = json_build_object(), own = json_build_object();
    json_build_text(&b, "peft_type", "LORA");
    json_build_text(&b, "task_type", "CAUSAL_LM");
    json_build_text(&b, "base_model_name_or_path", base);
    json_build_integer(&b, "r", table->tuning.rank);
    json_build_real(&b, "lora_alpha", table->tuning.scale * table->tuning.rank);
    json_build_real(&b, "lora_dropout", 0);
    json_build_text(&b, "bias", "none");
    json_build_bool(&b, "fan_in_fan_out", layout_for_saving(&table->config) == LAYOUT_HF_GPT2);
    json_build_bool(&b, "inference_mode", true);
    json_build_set(&b, "target_modules", targets_json(table));
    json_build_u64(&own, "weights_hash", hash);
    json_build_set(&b, "canto", json_build_end(&own));
    return json_build_end(&b);
}

static canto_status write_tensors(const char *path, const tensor_table *table, const float *block) {
    canto_status       status;
    safetensors_writer w = {0};
    char               name[192];
    TRY(safetensors_writer_open(&w, path));
    TRY(safetensors_writer_metadata(&w, "format", "pt"));
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        int64_t       shape[2] = {t->rows, t->columns};
        if (!tensor_is_adapter(t->role)) continue;
        name_of(&table->config, t, name);
        TRY(safetensors_writer_add(&w, name, SOURCE_F32, shape, 2));
    }
    TRY(safetensors_writer_begin(&w));
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        if (tensor_is_adapter(t->role)) TRY(safetensors_writer_data(&w, block + t->offset, t->count * sizeof *block));
    }
    TRY(safetensors_writer_commit(&w));
done:
    safetensors_writer_discard(&w);
    return status;
}

canto_status adapters_save(canto_context *context, const char *folder, const tensor_table *table, const float *block,
                           const char *base, uint64_t hash) {
    canto_status status;
    char         path[4096];
    json_t      *about = NULL;
    (void)context;
    TRY(path_join(path, folder, "adapter_model.safetensors"));
    TRY(write_tensors(path, table, block));
    TRY(path_join(path, folder, "adapter_config.json"));
    about = about_json(table, base, hash);
    if (!about) FAIL(CANTO_ERROR_MEMORY, "no memory to write '%.300s'", path);
    TRY(json_write_file(path, about));
done:
    json_decref(about);
    return status;
}

/* -------------------------------------------------------------------------------------------------------- reading */

static canto_status read_targets(const json_t *root, const char *file, char out[CANTO_PARTS_MAX]) {
    canto_status status;
    json_t      *list;
    bool         wanted[4] = {false};
    size_t       n = 0;
    TRY(json_get_array(root, file, "target_modules", &list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        bool        known = false;
        for (int k = 0; k < 4 && word; k++) {
            const struct target *t = &TARGETS[k];
            if (strcmp(word, t->gpt2) != 0 && strcmp(word, t->own) != 0 && strcmp(word, t->brief) != 0) continue;
            wanted[k] = known = true;
        }
        if (!known)
            FAIL(CANTO_ERROR_UNSUPPORTED,
                 "'%.300s': \"target_modules\" names \"%.60s\", which cannot have adapters here", file,
                 word ? word : "no text");
    }
    out[0] = 0;
    for (int k = 0; k < 4; k++)
        if (wanted[k]) n += (size_t)snprintf(out + n, CANTO_PARTS_MAX - n, "%s%s", n > 0 ? "," : "", tuning_targets[k]);
    if (n == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"target_modules\" is empty", file);
done:
    return status;
}

static canto_status read_about(const json_t *root, const char *file, adapters_about *about) {
    canto_status status;
    const char  *text;
    int64_t      rank = 0;
    const char  *kind;
    json_t      *own;
    TRY(json_get_text(root, file, "peft_type", &kind));
    if (strcmp(kind, "LORA") != 0)
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s' holds adapters of type \"%.40s\", and canto reads LORA", file, kind);
    TRY(json_get_text(root, file, "base_model_name_or_path", &text));
    if (!text[0] || strlen(text) >= sizeof about->base)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"base_model_name_or_path\" is no path", file);
    memcpy(about->base, text, strlen(text) + 1);
    TRY(json_get_integer(root, file, "r", 1, 1 << 16, &rank));
    about->options.lora_rank = (int32_t)rank;
    TRY(json_get_real(root, file, "lora_alpha", &about->options.lora_alpha));
    if (!(about->options.lora_alpha > 0 && about->options.lora_alpha <= 1e6))
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"lora_alpha\" is %g", file, about->options.lora_alpha);
    if (json_is_true(json_object_get(root, "use_rslora")) || json_is_true(json_object_get(root, "use_dora")))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s' holds adapters of another kind (rslora or dora)", file);
    TRY(read_targets(root, file, about->options.lora_targets));
    if (json_object_get(root, "canto")) {
        TRY(json_get_object(root, file, "canto", &own));
        TRY(json_get_u64(own, file, "weights_hash", &about->hash));
        about->has_hash = true;
    }
done:
    return status;
}

canto_status adapters_read_about(canto_context *context, const char *folder, adapters_about *about) {
    canto_status status;
    char         path[4096];
    json_t      *root = NULL;
    memset(about, 0, sizeof *about);
    TRY(path_join(path, folder, "adapter_config.json"));
    TRY(json_read_file(context, path, &root));
    TRY(read_about(root, path, about));
done:
    json_decref(root);
    return status;
}

/* One tensor -> to[rows, columns]. */
static canto_status read_tensor(const tensor_source *file, const canto_config *config, const tensor *t, float *to) {
    canto_status         status = status_ok();
    int64_t              shape[2] = {t->rows, t->columns};
    char                 name[192];
    const source_tensor *found;
    name_of(config, t, name);
    found = source_find(file, name);
    if (!found) FAIL(CANTO_ERROR_FORMAT, "'%.250s' lacks the tensor \"%.150s\"", file->path, name);
    TRY(source_expect_shape(file, found, shape, 2));
    if (!numbers_readable(found->type))
        FAIL(CANTO_ERROR_UNSUPPORTED, "'%.250s': tensor \"%.150s\" is of type %s", file->path, name,
             source_type_name(found->type));
    for (int64_t r = 0; r < t->rows; r++)
        numbers_read(found->type, found->data, r * found->stride[0], found->stride[1], (size_t)t->columns,
                     to + r * t->columns);
    for (size_t i = 0; i < t->count; i++)
        if (!isfinite(to[i]))
            FAIL(CANTO_ERROR_FORMAT, "'%.250s': tensor \"%.150s\" holds a number that is not finite", file->path, name);
done:
    return status;
}

static bool is_known(const tensor_table *table, const char *name) {
    char own[192];
    for (size_t i = 0; i < table->count; i++) {
        if (!tensor_is_adapter(table->list[i].role)) continue;
        name_of(&table->config, &table->list[i], own);
        if (!strcmp(name, own)) return true;
    }
    return false;
}

/* What else adapters can change, biases and whole modules, would be lost without a word. */
static canto_status refuse_others(const tensor_source *file, const tensor_table *table) {
    for (size_t i = 0; i < file->count; i++)
        if (!is_known(table, file->list[i].name))
            return status_error(CANTO_ERROR_UNSUPPORTED,
                                "'%.250s' holds the tensor \"%.150s\", which belongs to none of the adapters that "
                                "adapter_config.json names",
                                file->path, file->list[i].name);
    return status_ok();
}

/* The adapters of a tuned table. */
static canto_status open_file(canto_context *context, const char *folder, const tensor_table *table,
                              tensor_source *file) {
    canto_status status;
    char         path[4096];
    TRY(path_join(path, folder, "adapter_model.safetensors"));
    TRY(safetensors_open(context, path, file));
    TRY(refuse_others(file, table));
done:
    return status;
}

canto_status adapters_read(canto_context *context, const char *folder, const tensor_table *table, float *block) {
    canto_status  status;
    tensor_source file = {0};
    TRY(open_file(context, folder, table, &file));
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        if (tensor_is_adapter(t->role)) TRY(read_tensor(&file, &table->config, t, block + t->offset));
    }
done:
    source_close(&file);
    return status;
}

/* A and B, which follow each other in the table, join their weight. */
static canto_status merge_one(canto_context *context, const tensor_source *file, const tensor_table *tuned,
                              const tensor *a, float *weight) {
    canto_status  status;
    const tensor *b = a + 1;
    size_t        bytes = (a->count + b->count) * sizeof(float);
    float        *both = context_allocate(context, bytes);
    if (!both) return context_no_memory(bytes, "an adapter");
    TRY(read_tensor(file, &tuned->config, a, both));
    TRY(read_tensor(file, &tuned->config, b, both + a->count));
    tensor  at_a = *a, at_b = *b;
    adapter ad;
    at_a.offset = 0;
    at_b.offset = a->count;
    ad = (adapter){gpt_view_of_block(&at_a, both), gpt_view_of_block(&at_b, both), (float)tuned->tuning.scale};
    adapter_merge(&ad, weight);
done:
    context_release(context, both);
    return status;
}

canto_status adapters_merge(canto_context *context, const char *folder, const tensor_table *tuned,
                            const tensor_table *table, float *block) {
    canto_status  status;
    tensor_source file = {0};
    TRY(open_file(context, folder, tuned, &file));
    for (size_t i = 0; i < tuned->count; i++) {
        const tensor *t = &tuned->list[i];
        if (!tensor_is_adapter(t->role) || (t->role - TENSOR_QKV_A) % 2 != 0) continue;
        TRY(merge_one(context, &file, tuned, t, block + tensor_find(table, tensor_adapted(t->role), t->layer)->offset));
    }
done:
    source_close(&file);
    return status;
}
