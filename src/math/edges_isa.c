/* edges_isa.c - what is done to a matrix product's elements while a tile of them is in the first cache.
 *
 *     c += bias;  c = f(c) and slope = f'(c);  c *= factor;  c *= masks;  c += residual
 *
 * Each element by itself, so that the tile does not matter. */
#include "math/edges.h"
#include "math/isa.h"

/* c = f(c + bias) of one row; slope may be NULL. */
INLINE void activate_row(activation_kind kind, const real *bias, int64_t n, real *c, real *slope) {
    int64_t i = 0;
    for (; i < n; i += VL) {
        bool whole = i + VL <= n;
        vec  x = whole ? vec_load(c + i) : vec_load_part(c + i, n - i), y, s;
        if (bias != NULL) x += whole ? vec_load(bias + i) : vec_load_part(bias + i, n - i);
        activate_vec(kind, x, &y, &s);
        if (whole) vec_store(c + i, y);
        else vec_store_part(c + i, y, n - i);
        if (slope == NULL) continue;
        if (whole) vec_store(slope + i, s);
        else vec_store_part(slope + i, s, n - i);
    }
}

static void activate_tanh(const real *bias, int64_t n, real *c, real *slope) {
    activate_row(ACTIVATION_GELU_TANH, bias, n, c, slope);
}

static void activate_exact(const real *bias, int64_t n, real *c, real *slope) {
    activate_row(ACTIVATION_GELU_EXACT, bias, n, c, slope);
}

static void activate_relu(const real *bias, int64_t n, real *c, real *slope) {
    activate_row(ACTIVATION_RELU, bias, n, c, slope);
}

/* What one row of the tile is combined with; NULL: nothing. */
typedef struct row_edge {
    const real *bias, *factor, *residual;
    const mask *masks[2];
    uint64_t    first; /* mask element of the row's first one */
} row_edge;

INLINE vec combine(const row_edge *e, int64_t i, int64_t n, vec x) {
    bool whole = i + VL <= n;
    if (e->bias != NULL) x += whole ? vec_load(e->bias + i) : vec_load_part(e->bias + i, n - i);
    if (e->factor != NULL) x *= whole ? vec_load(e->factor + i) : vec_load_part(e->factor + i, n - i);
    if (e->masks[0] != NULL) x *= mask_part_vec(e->masks[0], e->first + (uint64_t)i, whole ? VL : n - i);
    if (e->masks[1] != NULL) x *= mask_part_vec(e->masks[1], e->first + (uint64_t)i, whole ? VL : n - i);
    if (e->residual != NULL) x += whole ? vec_load(e->residual + i) : vec_load_part(e->residual + i, n - i);
    return x;
}

static void combine_row(const row_edge *e, int64_t n, real *c) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vec_store(c + i, combine(e, i, n, vec_load(c + i)));
    if (i < n) vec_store_part(c + i, combine(e, i, n, vec_load_part(c + i, n - i)), n - i);
}

void ISA(edges_tile)(const gemm *g, int64_t m, int64_t rows, int64_t n, int64_t columns) {
    const gemm_edge *w = &g->edge;
    const real      *bias = w->bias != NULL ? w->bias + n : NULL;
    int64_t          at = m * g->c_row + n;
    bool             combined = w->factor != NULL || w->masks[0] != NULL || w->residual != NULL || !w->activate;
    for (int64_t r = 0; r < rows && w->activate; r++) {
        real *c = g->c + at + r * g->c_row, *slope = w->slope != NULL ? w->slope + at + r * g->c_row : NULL;
        if (w->activation == ACTIVATION_GELU_TANH) activate_tanh(bias, columns, c, slope);
        else if (w->activation == ACTIVATION_GELU_EXACT) activate_exact(bias, columns, c, slope);
        else activate_relu(bias, columns, c, slope);
    }
    if (!combined) return;
    row_edge e = {.bias = w->activate ? NULL : bias};
    int64_t  sequence = w->masks[0] != NULL ? m / w->mask_rows : 0, t = m - sequence * w->mask_rows;
    for (int64_t r = 0; r < rows; r++, t++, at += g->c_row) {
        if (w->masks[0] != NULL && t == w->mask_rows) t = 0, sequence++;
        if (w->factor != NULL) e.factor = w->factor + at;
        if (w->residual != NULL) e.residual = w->residual + at;
        for (int i = 0; i < 2; i++)
            if (w->masks[i] != NULL) e.masks[i] = w->masks[i] + sequence;
        e.first = (uint64_t)(t * g->N + n);
        combine_row(&e, columns, g->c + at);
    }
}
