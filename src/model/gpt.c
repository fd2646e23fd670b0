/* gpt.c - the model from ids to loss, and back. Reads top to bottom as the data travels; every layer's forward and
 * backward stand together in its own file.
 *
 * A block, by its config (f is attention or feed-forward, m a dropout mask, s the residual stream or nothing):
 *     pre:  x = s + m f(norm(x))      post:  x = norm(s + m f(x))      none:  x = s + m f(x) */
#include "model/gpt.h"

#include "model/attention.h"
#include "model/dropout.h"
#include "model/embedding.h"
#include "model/head.h"
#include "model/layernorm.h"
#include "model/linear.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------- views */

/* Where the view of a role stands in layer_weights, or in gpt_weights. */
static const size_t views_at[TENSOR_ROLES] = {
    [TENSOR_TOKEN_EMBEDDING] = offsetof(gpt_weights, token_embedding),
    [TENSOR_POSITION_EMBEDDING] = offsetof(gpt_weights, position_embedding),
    [TENSOR_NORM1_WEIGHT] = offsetof(layer_weights, norm1_weight),
    [TENSOR_NORM1_BIAS] = offsetof(layer_weights, norm1_bias),
    [TENSOR_QKV_WEIGHT] = offsetof(layer_weights, q_weight),
    [TENSOR_QKV_BIAS] = offsetof(layer_weights, q_bias),
    [TENSOR_PROJECTION_WEIGHT] = offsetof(layer_weights, projection_weight),
    [TENSOR_PROJECTION_BIAS] = offsetof(layer_weights, projection_bias),
    [TENSOR_NORM2_WEIGHT] = offsetof(layer_weights, norm2_weight),
    [TENSOR_NORM2_BIAS] = offsetof(layer_weights, norm2_bias),
    [TENSOR_FFN_UP_WEIGHT] = offsetof(layer_weights, up_weight),
    [TENSOR_FFN_UP_BIAS] = offsetof(layer_weights, up_bias),
    [TENSOR_FFN_DOWN_WEIGHT] = offsetof(layer_weights, down_weight),
    [TENSOR_FFN_DOWN_BIAS] = offsetof(layer_weights, down_bias),
    [TENSOR_QKV_A] = offsetof(layer_weights, qkv.a),
    [TENSOR_QKV_B] = offsetof(layer_weights, qkv.b),
    [TENSOR_PROJECTION_A] = offsetof(layer_weights, projection.a),
    [TENSOR_PROJECTION_B] = offsetof(layer_weights, projection.b),
    [TENSOR_FFN_UP_A] = offsetof(layer_weights, up.a),
    [TENSOR_FFN_UP_B] = offsetof(layer_weights, up.b),
    [TENSOR_FFN_DOWN_A] = offsetof(layer_weights, down.a),
    [TENSOR_FFN_DOWN_B] = offsetof(layer_weights, down.b),
    [TENSOR_FINAL_NORM_WEIGHT] = offsetof(gpt_weights, final_norm_weight),
    [TENSOR_FINAL_NORM_BIAS] = offsetof(gpt_weights, final_norm_bias),
    [TENSOR_HEAD_WEIGHT] = offsetof(gpt_weights, head_weight),
    [TENSOR_HEAD_BIAS] = offsetof(gpt_weights, head_bias),
};

view *gpt_weights_view(gpt_weights *w, tensor_role role, int32_t layer) {
    void *at = tensor_role_in_block(role) ? (void *)&w->layers[layer] : (void *)w;
    return (view *)(void *)((char *)at + views_at[role]);
}

void gpt_weights_empty(const tensor_table *table, layer_weights *layers, gpt_weights *w) {
    *w = (gpt_weights){.config = &table->config, .layers = layers};
    const real scale = (real)table->tuning.scale;
    for (int32_t i = 0; i < table->config.layers; i++)
        layers[i] =
            (layer_weights){.qkv.scale = scale, .projection.scale = scale, .up.scale = scale, .down.scale = scale};
}

void gpt_weights_put(gpt_weights *w, const tensor *t, const view *v) {
    view *to = gpt_weights_view(w, t->role, t->layer);
    bool  thirds = t->role == TENSOR_QKV_WEIGHT || t->role == TENSOR_QKV_BIAS;
    for (int64_t which = 0; which < 3 && thirds; which++) to[which] = view_cut(v, which * (v->rows / 3), v->rows / 3);
    if (!thirds) *to = *v;
    if (t->role == TENSOR_TOKEN_EMBEDDING && w->config->tied) w->head_weight = *v;
}

view gpt_view_of_block(const tensor *t, const real *block) {
    return (view){.data = block + t->offset,
                  .type = VIEW_REAL,
                  .rows = t->rows,
                  .columns = t->columns,
                  .row_stride = t->columns,
                  .column_stride = 1};
}

void gpt_weights_of_block(const tensor_table *table, const real *block, layer_weights *layers, gpt_weights *w) {
    gpt_weights_empty(table, layers, w);
    for (size_t i = 0; i < table->count; i++) {
        view v = gpt_view_of_block(&table->list[i], block);
        gpt_weights_put(w, &table->list[i], &v);
    }
}

/* -------------------------------------------------------------------------------------- passes over elements */

#define PART 8192

typedef struct element_job {
    const real *a, *b;
    real       *out;
    int64_t     n;
} element_job;

static void add_unit(void *job, size_t unit, int worker) {
    const element_job *j = job;
    int64_t            from = (int64_t)unit * PART, to = from + PART < j->n ? from + PART : j->n;
    (void)worker;
    for (int64_t i = from; i < to; i++) j->out[i] = j->a[i] + j->b[i];
}

/* out = a + b, n elements; out may be a or b. a NULL: out = b. */
static void add_elements(const exec *e, const real *a, const real *b, real *out, int64_t n) {
    element_job job = {.a = a, .b = b, .out = out, .n = n};
    if (a != NULL) exec_run(e, (size_t)((n + PART - 1) / PART), add_unit, &job);
    else if (out != b) memcpy(out, b, (size_t)n * sizeof(real));
}

static activation_kind kind_of(canto_activation a) {
    return a == CANTO_GELU_TANH    ? ACTIVATION_GELU_TANH
           : a == CANTO_GELU_EXACT ? ACTIVATION_GELU_EXACT
                                   : ACTIVATION_RELU;
}

/* ----------------------------------------------------------------------------------------------- a pass */

/* What every step of a pass needs. */
typedef struct pass {
    const exec         *e;
    const kernels      *k;
    const canto_config *c;
    const tensor_table *table;
    const gpt_weights  *w;
    gpt_activations    *a;
    const gpt_dropout  *dropout;
    real               *gradients;
    int64_t             rows, C, F;
    gpt_cache          *cache;  /* gpt_extend's */
    int64_t             lowest; /* gpt_backward's: where it ends */
} pass;

static real *gradient_of(const pass *p, tensor_role role, int32_t layer) {
    const tensor *t = tensor_find(p->table, role, layer);
    return t != NULL && !t->frozen ? p->gradients + t->gradient : NULL;
}

/* Places of the backward pass: the embeddings, then for each block these, then the final norm and the head. */
enum {
    PLACE_NORM1,
    PLACE_QKV,
    PLACE_PROJECTION,
    PLACE_NORM1_POST,
    PLACE_NORM2,
    PLACE_UP,
    PLACE_DOWN,
    PLACE_NORM2_POST,
    PLACES
};

static int place_in_block(const canto_config *c, tensor_role kind) {
    tensor_role role = tensor_adapted(kind);
    bool        post = c->norm == CANTO_NORM_POST;
    if (role <= TENSOR_NORM1_BIAS) return post ? PLACE_NORM1_POST : PLACE_NORM1;
    if (role <= TENSOR_QKV_BIAS) return PLACE_QKV;
    if (role <= TENSOR_PROJECTION_BIAS) return PLACE_PROJECTION;
    if (role <= TENSOR_NORM2_BIAS) return post ? PLACE_NORM2_POST : PLACE_NORM2;
    return role <= TENSOR_FFN_UP_BIAS ? PLACE_UP : PLACE_DOWN;
}

static int64_t place_of(const canto_config *c, const tensor *t) {
    if (t->role <= TENSOR_POSITION_EMBEDDING) return -1;
    if (tensor_role_in_block(t->role)) return (int64_t)t->layer * PLACES + place_in_block(c, t->role);
    return (int64_t)c->layers * PLACES + (t->role >= TENSOR_HEAD_WEIGHT);
}

/* The lowest place with a tensor that is trained: no gradient is wanted below it. */
static int64_t lowest_place(const tensor_table *table) {
    int64_t lowest = INT64_MAX;
    for (size_t i = 0; i < table->count; i++) {
        int64_t place = table->list[i].frozen ? INT64_MAX : place_of(&table->config, &table->list[i]);
        if (place < lowest) lowest = place;
    }
    return lowest;
}

/* Whether a gradient is to be handed on below a place of a block. */
static bool goes_below(const pass *p, int32_t layer, int place) { return p->lowest < (int64_t)layer * PLACES + place; }

/* A block's linear layer with its adapter, if it has one: linear_backward's arguments. */
static void matrix_backward(const pass *p, int32_t layer, const view *weight, const adapter *ad, tensor_role role,
                            const real *x, ptrdiff_t x_row, int64_t rows, const real *dy, ptrdiff_t dy_row, real *dx,
                            ptrdiff_t dx_row, const real *factor) {
    tensor_role a = role == TENSOR_QKV_WEIGHT          ? TENSOR_QKV_A
                    : role == TENSOR_PROJECTION_WEIGHT ? TENSOR_PROJECTION_A
                    : role == TENSOR_FFN_UP_WEIGHT     ? TENSOR_FFN_UP_A
                                                       : TENSOR_FFN_DOWN_A;
    if (ad->a.type == VIEW_NONE)
        linear_backward(p->e, p->k, weight, x, x_row, rows, dy, dy_row, dx, dx_row, factor, gradient_of(p, role, layer),
                        gradient_of(p, (tensor_role)(role + 1), layer));
    else
        adapter_backward(p->e, p->k, weight, ad, x, x_row, rows, dy, dy_row, p->a->low, dx, dx_row, factor,
                         gradient_of(p, a, layer), gradient_of(p, (tensor_role)(a + 1), layer));
}

static void norm_forward(const pass *p, const view *weight, const view *bias, const real *x, real *y, real *mean,
                         real *rstd) {
    layernorm_forward(p->e, p->k, weight, bias, x, y, mean, rstd, p->rows, (real)p->c->norm_eps);
}

static void norm_backward(const pass *p, const view *weight, tensor_role role, int32_t layer, const real *x,
                          const real *mean, const real *rstd, const real *dy, const real *add, real *dx) {
    layernorm_backward(p->e, p->k, weight, x, mean, rstd, p->rows, dy, add, dx, gradient_of(p, role, layer),
                       gradient_of(p, (tensor_role)(role + 1), layer));
}

/* x times the mask of a place, if it drops anything. */
static void drop(const pass *p, int32_t layer, dropout_place place, real *x) {
    dropout_apply(p->e, p->k, p->c, p->dropout, layer, place, p->a, x, x);
}

/* The gradient behind up to two masks (DROPOUT_PLACES: none): x itself where nothing is dropped, else in out. */
static const real *behind_masks(const pass *p, int32_t layer, dropout_place one, dropout_place other, const real *x,
                                real *out) {
    if (dropout_apply(p->e, p->k, p->c, p->dropout, layer, one, p->a, x, out)) x = out;
    if (dropout_apply(p->e, p->k, p->c, p->dropout, layer, other, p->a, x, out)) x = out;
    return x;
}

/* What a product that ends a branch does on top: masks, and the stream that the branch joins. */
static gemm_edge branch_edge(const pass *p, int32_t layer, dropout_place one, dropout_place other, const real *stream) {
    gemm_edge           edge = {.residual = p->c->residuals ? stream : NULL, .mask_rows = p->a->t};
    const dropout_place places[2] = {one, other};
    int                 n = 0;
    for (int i = 0; i < 2; i++)
        if (dropout_masks(p->c, p->dropout, layer, places[i], p->a, p->a->masks[n]))
            edge.masks[n] = p->a->masks[n], n++;
    return edge;
}

static void qkv_forward(const pass *p, const layer_weights *w, const real *x, real *qkv) {
    view weight, bias;
    if (view_join(&w->q_weight, &w->k_weight, &w->v_weight, &weight) &&
        view_join(&w->q_bias, &w->k_bias, &w->v_bias, &bias)) {
        adapter_forward(p->e, p->k, &weight, &bias, &w->qkv, x, p->C, p->rows, p->a->low[0], qkv, 3 * p->C, NULL);
        return;
    }
    linear_forward(p->e, p->k, &w->q_weight, &w->q_bias, x, p->C, p->rows, qkv, 3 * p->C, NULL);
    linear_forward(p->e, p->k, &w->k_weight, &w->k_bias, x, p->C, p->rows, qkv + p->C, 3 * p->C, NULL);
    linear_forward(p->e, p->k, &w->v_weight, &w->v_bias, x, p->C, p->rows, qkv + 2 * p->C, 3 * p->C, NULL);
}

/* sum1 = stream + mask projection(attended), or without a projection */
static void attention_branch(const pass *p, int32_t i, const layer_weights *w, layer_activations *l) {
    if (p->c->projection) {
        gemm_edge edge = branch_edge(p, i, DROPOUT_RESIDUAL1, DROPOUT_PLACES, l->in);
        adapter_forward(p->e, p->k, &w->projection_weight, &w->projection_bias, &w->projection, l->attended, p->C,
                        p->rows, p->a->low[0], l->sum1, p->C, &edge);
        return;
    }
    const real *branch = behind_masks(p, i, DROPOUT_RESIDUAL1, DROPOUT_PLACES, l->attended, p->a->branch);
    add_elements(p->e, p->c->residuals ? l->in : NULL, branch, l->sum1, p->rows * p->C);
}

/* x -> l->middle */
static void attention_half_forward(const pass *p, int32_t i, const layer_weights *w, layer_activations *l) {
    const real *x = l->in;
    if (p->c->norm == CANTO_NORM_PRE) {
        norm_forward(p, &w->norm1_weight, &w->norm1_bias, x, l->normed1, l->mean1, l->rstd1);
        x = l->normed1;
    }
    qkv_forward(p, w, x, l->qkv);
    if (p->cache != NULL) attention_extend(p->e, p->k, p->c, i, p->a, p->cache, l->qkv, l->attended);
    else attention_forward(p->e, p->k, p->c, i, p->a, p->dropout, l->qkv, l->attended, l->lse);
    attention_branch(p, i, w, l);
    if (p->c->norm == CANTO_NORM_POST)
        norm_forward(p, &w->norm1_weight, &w->norm1_bias, l->sum1, l->normed1, l->mean1, l->rstd1);
}

/* d middle in a->dx -> d in in a->dx */
static void attention_half_backward(const pass *p, int32_t i, const layer_weights *w, layer_activations *l) {
    gpt_activations *a = p->a;
    int64_t          n = p->rows * p->C;
    if (p->c->norm == CANTO_NORM_POST)
        norm_backward(p, &w->norm1_weight, TENSOR_NORM1_WEIGHT, i, l->sum1, l->mean1, l->rstd1, a->dx, NULL, a->dx);
    if (!goes_below(p, i, PLACE_NORM1_POST)) return;
    bool        below = goes_below(p, i, PLACE_PROJECTION);
    const real *dattended = behind_masks(p, i, DROPOUT_RESIDUAL1, DROPOUT_PLACES, a->dx, a->dbranch);
    if (p->c->projection) {
        matrix_backward(p, i, &w->projection_weight, &w->projection, TENSOR_PROJECTION_WEIGHT, l->attended, p->C,
                        p->rows, dattended, p->C, below ? a->dnormed : NULL, p->C, NULL);
        dattended = a->dnormed;
    }
    if (!below) return;
    attention_backward(p->e, p->k, p->c, i, a, p->dropout, l->qkv, l->attended, l->lse, dattended, a->dqkv);
    /* The trainer's block holds q, k and v as one tensor: one weight of 3C rows. */
    view weight, bias;
    view_join(&w->q_weight, &w->k_weight, &w->v_weight, &weight);
    view_join(&w->q_bias, &w->k_bias, &w->v_bias, &bias);
    bool pre = p->c->norm == CANTO_NORM_PRE;
    below = goes_below(p, i, PLACE_QKV);
    matrix_backward(p, i, &weight, &w->qkv, TENSOR_QKV_WEIGHT, pre ? l->normed1 : l->in, p->C, p->rows, a->dqkv,
                    3 * p->C, below ? a->dbranch : NULL, p->C, NULL);
    if (!below) return;
    const real *rest = p->c->residuals ? a->dx : NULL;
    if (pre)
        norm_backward(p, &w->norm1_weight, TENSOR_NORM1_WEIGHT, i, l->in, l->mean1, l->rstd1, a->dbranch, rest, a->dx);
    else add_elements(p->e, rest, a->dbranch, a->dx, n);
}

/* l->middle -> sum2 (pre, none) or normed2 (post) */
static void ffn_half_forward(const pass *p, int32_t i, const layer_weights *w, layer_activations *l) {
    const real *x = l->middle;
    if (p->c->norm == CANTO_NORM_PRE) {
        norm_forward(p, &w->norm2_weight, &w->norm2_bias, x, l->normed2, l->mean2, l->rstd2);
        x = l->normed2;
    }
    gemm_edge activation = {.activate = true, .activation = kind_of(p->c->activation), .slope = l->up};
    adapter_forward(p->e, p->k, &w->up_weight, &w->up_bias, &w->up, x, p->C, p->rows, p->a->low[0], l->active, p->F,
                    &activation);
    gemm_edge branch = branch_edge(p, i, DROPOUT_FFN, DROPOUT_RESIDUAL2, l->middle);
    adapter_forward(p->e, p->k, &w->down_weight, &w->down_bias, &w->down, l->active, p->F, p->rows, p->a->low[0],
                    l->sum2, p->C, &branch);
    if (p->c->norm == CANTO_NORM_POST)
        norm_forward(p, &w->norm2_weight, &w->norm2_bias, l->sum2, l->normed2, l->mean2, l->rstd2);
}

/* d out in a->dx -> d middle in a->dx */
static void ffn_half_backward(const pass *p, int32_t i, const layer_weights *w, layer_activations *l) {
    gpt_activations *a = p->a;
    int64_t          n = p->rows * p->C;
    bool             pre = p->c->norm == CANTO_NORM_PRE;
    if (p->c->norm == CANTO_NORM_POST)
        norm_backward(p, &w->norm2_weight, TENSOR_NORM2_WEIGHT, i, l->sum2, l->mean2, l->rstd2, a->dx, NULL, a->dx);
    if (!goes_below(p, i, PLACE_NORM2_POST)) return;
    bool        below = goes_below(p, i, PLACE_DOWN);
    const real *dbranch = behind_masks(p, i, DROPOUT_RESIDUAL2, DROPOUT_FFN, a->dx, a->dbranch);
    matrix_backward(p, i, &w->down_weight, &w->down, TENSOR_FFN_DOWN_WEIGHT, l->active, p->F, p->rows, dbranch, p->C,
                    below ? a->dffn : NULL, p->F, l->up);
    if (!below) return;
    below = goes_below(p, i, PLACE_UP);
    matrix_backward(p, i, &w->up_weight, &w->up, TENSOR_FFN_UP_WEIGHT, pre ? l->normed2 : l->middle, p->C, p->rows,
                    a->dffn, p->F, below ? a->dnormed : NULL, p->C, NULL);
    if (!below) return;
    const real *rest = p->c->residuals ? a->dx : NULL;
    if (pre)
        norm_backward(p, &w->norm2_weight, TENSOR_NORM2_WEIGHT, i, l->middle, l->mean2, l->rstd2, a->dnormed, rest,
                      a->dx);
    else add_elements(p->e, rest, a->dnormed, a->dx, n);
}

static void block_forward(const pass *p, int32_t i) {
    layer_activations *l = &p->a->layers[i];
    if (p->c->attention) attention_half_forward(p, i, &p->w->layers[i], l);
    if (p->F > 0) ffn_half_forward(p, i, &p->w->layers[i], l);
    if (!p->c->attention && p->F == 0 && l->out != l->in)
        memcpy(l->out, l->in, (size_t)(p->rows * p->C) * sizeof(real));
    drop(p, i, DROPOUT_BLOCK, l->out);
}

static void block_backward(const pass *p, int32_t i) {
    layer_activations *l = &p->a->layers[i];
    drop(p, i, DROPOUT_BLOCK, p->a->dx);
    if (p->F > 0) ffn_half_backward(p, i, &p->w->layers[i], l);
    if (p->c->attention && goes_below(p, i, PLACE_NORM2)) attention_half_backward(p, i, &p->w->layers[i], l);
}

static const real *last_out(const gpt_activations *a) {
    return a->config->layers > 0 ? a->layers[a->config->layers - 1].out : a->embedded;
}

static bool seen(const pass *p, int32_t layer) {
    const gpt_watch *w = &p->a->watch;
    return w->see == NULL || w->see(w->user, layer);
}

static void forward(const pass *p) {
    embedding_forward(p->e, p->w, p->a, p->a->embedded);
    drop(p, 0, DROPOUT_EMBEDDING, p->a->embedded);
    if (!seen(p, -1)) return;
    for (int32_t i = 0; i < p->c->layers; i++) {
        block_forward(p, i);
        if (!seen(p, i)) return;
    }
    if (p->c->final_norm)
        norm_forward(p, &p->w->final_norm_weight, &p->w->final_norm_bias, last_out(p->a), p->a->normed, p->a->mean,
                     p->a->rstd);
}

void gpt_forward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *ids,
                 int32_t B, int32_t T, const gpt_dropout *dropout) {
    acts->b = B;
    acts->t = T;
    acts->start = 0;
    acts->ids = ids;
    pass p = {e, k, w->config, NULL, w, acts, dropout, NULL, (int64_t)B * T, w->config->width, w->config->ffn, NULL, 0};
    forward(&p);
}

void gpt_extend(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, gpt_cache *cache,
                const uint32_t *ids, int32_t rows) {
    const gpt_dropout off = {0};
    acts->b = 1;
    acts->t = rows;
    acts->start = cache->length;
    acts->ids = ids;
    pass p = {e, k, w->config, NULL, w, acts, &off, NULL, rows, w->config->width, w->config->ffn, cache, 0};
    forward(&p);
    cache->length += rows;
}

void gpt_logits(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, int64_t row, int64_t rows,
                real *logits) {
    linear_forward(e, k, &w->head_weight, &w->head_bias, acts->hidden + row * w->config->width, w->config->width, rows,
                   logits, w->config->vocab, NULL);
}

void gpt_loss(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *targets,
              real *losses) {
    head_forward(e, k, w, acts, targets, losses);
}

void gpt_restore(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts,
                 const gpt_dropout *dropout, int32_t layer) {
    const canto_config *c = w->config;
    pass p = {e, k, c, NULL, w, acts, dropout, NULL, (int64_t)acts->b * acts->t, c->width, c->ffn, NULL, 0};
    if (acts->keep == GPT_KEEP_INPUTS) block_forward(&p, layer);
}

void gpt_backward(const exec *e, const kernels *k, const tensor_table *table, const gpt_weights *w,
                  gpt_activations *acts, const uint32_t *targets, const gpt_dropout *dropout, real scale, real *losses,
                  real *gradients) {
    const canto_config *c = w->config;
    pass                p = {e,
                             k,
                             c,
                             table,
                             w,
                             acts,
                             dropout,
                             gradients,
                             (int64_t)acts->b * acts->t,
                             c->width,
                             c->ffn,
                             NULL,
                             lowest_place(table)};
    bool                below = goes_below(&p, c->layers, 1);
    head_backward(e, k, w, acts, targets, scale, losses, below ? acts->dx : NULL,
                  gradient_of(&p, c->tied ? TENSOR_TOKEN_EMBEDDING : TENSOR_HEAD_WEIGHT, -1),
                  gradient_of(&p, TENSOR_HEAD_BIAS, -1));
    if (c->final_norm && below)
        norm_backward(&p, &w->final_norm_weight, TENSOR_FINAL_NORM_WEIGHT, -1, last_out(acts), acts->mean, acts->rstd,
                      acts->dx, NULL, acts->dx);
    for (int32_t i = c->layers - 1; i >= 0 && goes_below(&p, i, PLACES); i--) {
        if (acts->keep == GPT_KEEP_INPUTS && i + 1 < c->layers)
            block_forward(&p, i); /* the last one's are still there */
        block_backward(&p, i);
    }
    if (p.lowest >= 0) return;
    drop(&p, 0, DROPOUT_EMBEDDING, acts->dx);
    embedding_backward(e, w, acts, acts->dx, gradient_of(&p, TENSOR_TOKEN_EMBEDDING, -1),
                       gradient_of(&p, TENSOR_POSITION_EMBEDDING, -1));
}
