/* panels.c - which matrices have panels, where these lie, and making them. One matrix and direction is a unit of work. */
#include "model/panels.h"

enum { MATRICES = 4 }; /* of a layer: q k v together, projection, up, down; after all layers the head */

/* Number `which` of the model, with its rows and columns; false when the model has no such matrix. */
static bool find(const canto_config *c, int64_t which, int64_t *rows, int64_t *columns) {
    int64_t C = c->width, F = c->ffn, part = which % MATRICES;
    bool    head = which == (int64_t)c->layers * MATRICES;
    *rows = head ? c->vocab : part == 0 ? 3 * C : part == 2 ? F : C;
    *columns = !head && part == 3 ? F : C;
    if (head) return true;
    return part == 0 ? c->attention : part == 1 ? c->attention && c->projection : F > 0;
}

static view *view_at(gpt_weights *w, int64_t which) {
    if (which == (int64_t)w->config->layers * MATRICES) return &w->head_weight;
    layer_weights *l = &w->layers[which / MATRICES];
    view          *all[MATRICES] = {&l->q_weight, &l->projection_weight, &l->up_weight, &l->down_weight};
    return all[which % MATRICES];
}

/* q, k and v are read where they are, one by one, when their weights or their biases lie in three places. */
static bool has_panels(const gpt_weights *w, int64_t which, int64_t *rows, int64_t *columns) {
    view weights, biases;
    if (!find(w->config, which, rows, columns)) return false;
    if (number_is_block(view_numbers(view_at((gpt_weights *)w, which)))) return false; /* these are panels already */
    if (which % MATRICES != 0 || which == (int64_t)w->config->layers * MATRICES) return true;
    const layer_weights *l = &w->layers[which / MATRICES];
    return view_join(&l->q_weight, &l->k_weight, &l->v_weight, &weights) &&
           view_join(&l->q_bias, &l->k_bias, &l->v_bias, &biases);
}

static int64_t matrices_of(const canto_config *c) { return (int64_t)c->layers * MATRICES + 1; }

size_t panels_elements(const canto_config *config, bool backward) {
    size_t  n = 0;
    int64_t rows, columns;
    for (int64_t i = 0; i < matrices_of(config); i++)
        if (find(config, i, &rows, &columns))
            n += gemm_panels(columns, rows) + (backward ? gemm_panels(rows, columns) : 0);
    return n;
}

void panels_bind(const gpt_weights *weights, bool backward, real *block, layer_weights *layers, gpt_weights *views) {
    int64_t rows, columns;
    *views = *weights;
    views->layers = layers;
    for (int32_t i = 0; i < weights->config->layers; i++) layers[i] = weights->layers[i];
    for (int64_t i = 0; i < matrices_of(weights->config); i++) {
        if (!has_panels(weights, i, &rows, &columns)) continue;
        view *v = view_at(views, i);
        v->panels = block;
        block += gemm_panels(columns, rows);
        v->panels_back = backward ? block : NULL;
        if (backward) block += gemm_panels(rows, columns);
    }
}

typedef struct fill_job {
    const kernels *k;
    gpt_weights   *w;
} fill_job;

static void fill_unit(void *shared, size_t unit, int worker) {
    const fill_job *job = shared;
    int64_t         rows, columns;
    (void)worker;
    if (!has_panels(job->w, (int64_t)unit / 2, &rows, &columns)) return;
    const view *v = view_at(job->w, (int64_t)unit / 2);
    bool        back = unit % 2 == 1;
    gemm        g = {.N = back ? columns : rows, .K = back ? rows : columns, .b = v->data, .b_type = view_numbers(v)};
    g.b_row = back ? v->row_stride : v->column_stride;
    g.b_column = back ? v->column_stride : v->row_stride;
    real *panels = (real *)(back ? v->panels_back : v->panels);
    if (panels != NULL) job->k->gemm_pack(&g, panels);
}

void panels_fill(const exec *e, const kernels *k, const gpt_weights *views) {
    fill_job job = {k, (gpt_weights *)views};
    exec_run(e, 2 * (size_t)matrices_of(views->config), fill_unit, &job);
}
