/* state_dict.c - each known layout is tried: a fit explains every tensor, so at most one is found.
 *
 * A layout's names do not depend on sizes, so they are asked of a config with all parts and one layer; a row of layer l
 * is found by arithmetic. */
#include "format/state_dict.h"

#include "store/config_json.h"
#include "store/weights.h"

#include <string.h>

typedef struct candidate {
    layout_kind kind;
    const char *preset; /* what no name and no shape tells */
} candidate;

static const candidate CANDIDATES[] = {
    {LAYOUT_HF_GPT2, "gpt2"},
    {LAYOUT_NANOGPT, "gpt2"},
    {LAYOUT_HF_GPT_NEO, "gpt-neo-125m"},
    {LAYOUT_SOURCE, "gpt2-untied"},
    {LAYOUT_SOURCE, "gpt-neo-lite"},
    {LAYOUT_SOURCE, "dante"},
    {LAYOUT_SOURCE, "dante-attention"},
    {LAYOUT_SOURCE, "dante-basic"},
    {LAYOUT_SOURCE, "shakespeare-tiny"},
    {LAYOUT_MAPPED, "gpt2"},
    {LAYOUT_MAPPED_PARTS, "gpt2"},
    {LAYOUT_MAPPED_HEADS, "gpt2"},
};

/* A candidate under trial. */
typedef struct trial {
    const tensor_source *source;
    layout_kind          kind;
    canto_config         names;               /* one layer, one head, all parts: what is asked for names */
    size_t               first, each;         /* items before the blocks, items of a block */
    const source_tensor *found[TENSOR_ROLES]; /* of the first layer */
    bool                 transposed[TENSOR_ROLES];
    size_t               known; /* how many were found */
    canto_config         config;
} trial;

/* ----------------------------------------------------------------------------------------------- what is there */

static const source_tensor *find_item(const trial *t, const layout_item *item) {
    const source_tensor *found = source_find(t->source, item->name);
    return found || !item->alias[0] ? found : source_find(t->source, item->alias);
}

static void look_for_roles(trial *t) {
    layout_item item;
    for (size_t i = 0; layout_item_at(&t->names, t->kind, i, &item); i++) {
        const source_tensor *found = find_item(t, &item);
        if (item.layer == 0) t->each++;
        else if (t->each == 0) t->first++;
        if (!found) continue;
        t->known++;
        t->found[item.role] = found;
        t->transposed[item.role] = item.transposed;
    }
}

static bool has(const trial *t, tensor_role role) { return t->found[role] != NULL; }

/* Size d (0: rows, 1: columns, whatever the orientation) of a tensor that was found; 0 when that cannot be. */
static int32_t size_of(const trial *t, tensor_role role, int d) {
    const source_tensor *found = t->found[role];
    if (!found || found->rank < 1 || found->rank > 2 || (found->rank == 1 && d == 1)) return 0;
    int64_t size = found->shape[found->rank == 2 && t->transposed[role] ? 1 - d : d];
    return size > 0 && size <= INT32_MAX ? (int32_t)size : 0;
}

/* Layers whose tensors are there, one behind the other; with at least one row of each. */
static int32_t count_layers(const trial *t) {
    canto_config deep = t->names;
    layout_item  item;
    size_t       row = 0;
    while (row < t->each && layout_item_at(&t->names, t->kind, t->first + row, &item) && !find_item(t, &item)) row++;
    if (row == t->each) return 0;
    for (deep.layers = 2; deep.layers < INT32_MAX; deep.layers++)
        if (!layout_item_at(&deep, t->kind, t->first + (size_t)(deep.layers - 1) * t->each + row, &item) ||
            item.layer != deep.layers - 1 || !find_item(t, &item))
            break;
    return deep.layers - 1;
}

/* Heads that have tensors of their own in the first layer; 0 when the layout has one for all. */
static int32_t count_heads(const trial *t) {
    canto_config wide = t->names;
    layout_item  item, other;
    size_t       row = 0;
    wide.heads = 2;
    size_t group = (size_t)(layout_count(&wide, t->kind) - layout_count(&t->names, t->kind));
    if (group == 0) return 0;
    while (row < t->each && layout_item_at(&t->names, t->kind, t->first + row, &item) &&
           (item.role != TENSOR_QKV_WEIGHT || !find_item(t, &item)))
        row++;
    if (row == t->each) return 0;
    for (; wide.heads < INT32_MAX; wide.heads++)
        if (!layout_item_at(&wide, t->kind, t->first + row + (size_t)(wide.heads - 1) * group, &other) ||
            other.role != TENSOR_QKV_WEIGHT || !find_item(t, &other))
            break;
    return wide.heads - 1;
}

/* ---------------------------------------------------------------------------------------------------- the config */

/* A config whose names are all that the layout can have. */
static canto_config all_names(const canto_config *preset) {
    canto_config c = *preset;
    c.heads = 1;
    c.layers = 1;
    c.ffn = 1;
    c.attention = c.projection = c.projection_bias = c.qkv_bias = c.final_norm = c.head_bias = true;
    c.tied = false;
    if (c.positions == CANTO_POSITIONS_NONE) c.positions = CANTO_POSITIONS_LEARNED;
    return c;
}

/* A user's map may leave out what every known layout has. */
static void fit_mapped_parts(trial *t) {
    canto_config *c = &t->config;
    bool          normed = has(t, TENSOR_NORM1_WEIGHT) || has(t, TENSOR_NORM2_WEIGHT);
    c->final_norm = has(t, TENSOR_FINAL_NORM_WEIGHT);
    if (!normed && c->layers > 0) c->norm = CANTO_NORM_NONE;
    if (has(t, TENSOR_POSITION_EMBEDDING)) c->positions = CANTO_POSITIONS_LEARNED;
    else if (c->positions == CANTO_POSITIONS_LEARNED) c->positions = CANTO_POSITIONS_NONE;
}

static void fit_parts(trial *t) {
    canto_config *c = &t->config;
    c->attention = has(t, TENSOR_QKV_WEIGHT);
    c->qkv_bias = has(t, TENSOR_QKV_BIAS);
    c->projection = has(t, TENSOR_PROJECTION_WEIGHT);
    c->projection_bias = has(t, TENSOR_PROJECTION_BIAS);
    c->tied = !has(t, TENSOR_HEAD_WEIGHT);
    c->head_bias = has(t, TENSOR_HEAD_BIAS);
    if (t->kind >= LAYOUT_MAPPED) fit_mapped_parts(t);
}

/* What a family's source does that neither names nor a preset of another size tell. */
static void fit_family(trial *t) {
    canto_config *c = &t->config;
    if (t->kind == LAYOUT_NANOGPT) c->activation = CANTO_GELU_EXACT;                         /* nn.GELU() */
    if (t->kind == LAYOUT_SOURCE && c->family == CANTO_FAMILY_GPT_NEO) c->window = c->width; /* source 000 */
    if (t->kind == LAYOUT_SOURCE && c->family == CANTO_FAMILY_DANTE) {
        c->attention_scale = CANTO_SCALE_HEAD;                   /* of one head the same as its width */
        if (c->layers == 0) c->positions = CANTO_POSITIONS_NONE; /* its first stage */
    }
}

static void fit_sizes(trial *t) {
    canto_config *c = &t->config;
    c->vocab = size_of(t, TENSOR_TOKEN_EMBEDDING, 0);
    c->width = size_of(t, TENSOR_TOKEN_EMBEDDING, 1);
    c->layers = count_layers(t);
    c->ffn = size_of(t, TENSOR_FFN_UP_WEIGHT, 0);
    if (has(t, TENSOR_POSITION_EMBEDDING)) c->context = size_of(t, TENSOR_POSITION_EMBEDDING, 0);
}

/* The number of heads, 0 when nothing says it. One head needs no projection (source 003). */
static canto_status fit_heads(trial *t, const fit_settings *settings) {
    static const char *const names[] = {"heads", "n_head", "n_heads", "num_heads", "num_attention_heads"};
    canto_status             status = status_ok();
    int64_t                  heads = 0;
    for (size_t i = 0; heads == 0 && i < sizeof names / sizeof *names; i++)
        if (json_is_integer(json_object_get(settings->object, names[i])))
            TRY(json_get_integer_or(settings->object, settings->path, names[i], 1, INT32_MAX, 0, &heads));
    if (heads == 0) heads = count_heads(t);
    if (heads == 0 && (!t->config.attention || (t->kind == LAYOUT_SOURCE && !t->config.projection))) heads = 1;
    t->config.heads = (int32_t)heads;
done:
    return status;
}

static canto_status fit_context(trial *t, const fit_settings *settings) {
    static const char *const names[] = {"context", "context_length", "block_size"};
    canto_status             status = status_ok();
    int64_t                  context = t->config.context;
    for (size_t i = 0; t->config.positions != CANTO_POSITIONS_LEARNED && i < sizeof names / sizeof *names; i++)
        if (json_is_integer(json_object_get(settings->object, names[i])))
            TRY(json_get_integer_or(settings->object, settings->path, names[i], 1, INT32_MAX, 0, &context));
    t->config.context = (int32_t)context;
done:
    return status;
}

static canto_status heads_missing(const trial *t) {
    return status_error(
        CANTO_ERROR_UNSUPPORTED,
        "'%.200s': no shape tells how many heads the %d columns are cut into: say it with --heads N, or "
        "with {\"heads\": N} in a config.json beside the file",
        t->source->path, (int)t->config.width);
}

/* The settings first, for what is there has the last word. */
static canto_status fit(canto_context *context, trial *t, const fit_settings *settings) {
    canto_status status;
    fit_sizes(t);
    fit_family(t);
    if (settings->object) TRY(config_overlay(settings->object, settings->path, settings->strict, &t->config));
    fit_sizes(t);
    fit_parts(t);
    TRY(fit_heads(t, settings));
    TRY(fit_context(t, settings));
    bool unknown = t->config.heads == 0;
    if (unknown) t->config.heads = 1;
    TRY(canto_config_check(&t->config));
    TRY(weights_check(context, t->source, &t->config, t->kind));
    if (unknown) TRY(heads_missing(t));
done:
    return status;
}

/* A head that holds the token embedding's own numbers is tied: the second name goes. */
static void drop_tied_head(tensor_source *source, const trial *t) {
    const source_tensor *head = t->found[TENSOR_HEAD_WEIGHT], *tokens = t->found[TENSOR_TOKEN_EMBEDDING];
    if (!head || !tokens || head->type != tokens->type || head->bytes != tokens->bytes || head->rank != 2 ||
        tokens->rank != 2 || memcmp(head->shape, tokens->shape, 2 * sizeof *head->shape) != 0 ||
        memcmp(head->stride, tokens->stride, 2 * sizeof *head->stride) != 0)
        return;
    if (head->data == tokens->data || memcmp(head->data, tokens->data, head->bytes) == 0)
        source_remove(source, (size_t)(head - source->list));
}

static canto_status begin_trial(const candidate *k, const tensor_source *source, trial *t) {
    memset(t, 0, sizeof *t);
    canto_status status = canto_preset(k->preset, &t->config, NULL);
    if (status.code != CANTO_OK) return status;
    t->source = source;
    t->kind = k->kind;
    t->names = all_names(&t->config);
    look_for_roles(t);
    return status;
}

/* Source 003's first stage has no blocks, the others have. */
static bool is_other_stage(const trial *t) {
    return t->config.family == CANTO_FAMILY_DANTE && (t->config.layers == 0) != (count_layers(t) == 0);
}

canto_status state_dict_fit(canto_context *context, const fit_settings *settings, model_parts *parts) {
    canto_status status = status_ok(), first = status_ok();
    size_t       most = 0;
    for (size_t i = 0; i < sizeof CANDIDATES / sizeof *CANDIDATES; i++) {
        trial t;
        TRY(begin_trial(&CANDIDATES[i], &parts->source, &t));
        if (!has(&t, TENSOR_TOKEN_EMBEDDING) || is_other_stage(&t)) continue;
        drop_tied_head(&parts->source, &t);
        TRY(begin_trial(&CANDIDATES[i], &parts->source, &t));
        status = fit(context, &t, settings);
        if (status.code == CANTO_OK) {
            parts->config = t.config;
            parts->kind = t.kind;
            return status;
        }
        if (status.code == CANTO_ERROR_MEMORY) return status;
        if (t.known > most) most = t.known, first = status;
    }
    if (most > 0) return first;
    FAIL(CANTO_ERROR_UNSUPPORTED,
         "'%.200s' names its %zu tensors in a way that canto does not know (the first is \"%.80s\"): say what is what "
         "with "
         "--map FILE (docs/formats.md)",
         parts->source.path, parts->source.count, parts->source.count ? parts->source.list[0].name : "none");
done:
    return status;
}

canto_status state_dict_match(canto_context *context, model_parts *parts) {
    static const layout_kind kinds[] = {LAYOUT_SOURCE, LAYOUT_HF_GPT2, LAYOUT_HF_GPT_NEO,   LAYOUT_NANOGPT,
                                        LAYOUT_OWN,    LAYOUT_MAPPED,  LAYOUT_MAPPED_PARTS, LAYOUT_MAPPED_HEADS};
    canto_status             status = weights_check(context, &parts->source, &parts->config, parts->kind);
    if (status.code == CANTO_OK || status.code == CANTO_ERROR_MEMORY) return status;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        canto_status other = weights_check(context, &parts->source, &parts->config, kinds[i]);
        if (other.code == CANTO_ERROR_MEMORY) return other;
        if (other.code != CANTO_OK) continue;
        parts->kind = kinds[i];
        return other;
    }
    return status;
}

/* ---------------------------------------------------------------------------------------------------- the names */

static bool all_begin_with(const tensor_source *source, const char *prefix, size_t bytes) {
    for (size_t i = 0; i < source->count; i++)
        if (strncmp(source->list[i].name, prefix, bytes) != 0) return false;
    return source->count > 0;
}

canto_status state_dict_strip(tensor_source *source) {
    static const char *const prefixes[] = {"_orig_mod.", "module.", "model."};
    canto_status             status = status_ok();
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        size_t bytes = strlen(prefixes[p]);
        if (!all_begin_with(source, prefixes[p], bytes)) continue;
        for (size_t i = 0; i < source->count; i++) TRY(source_rename(source, i, source->list[i].name + bytes));
        p = (size_t)-1; /* another may stand behind it */
    }
    TRY(source_end(source));
done:
    return status;
}
