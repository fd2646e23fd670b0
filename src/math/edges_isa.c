/* edges_isa.c - what is done to a matrix product's elements while a tile of them is in the first cache.
 *
 *     c += bias;  c = f(c) and slope = f'(c);  c *= factor;  c *= masks;  c += residual
 *
 * Each element by itself, so that the tile does not matter. */
#include "math/edges.h"
#include "math/isa.h"

/* Elements i .. i + VL - 1 of a row of n; what is beyond the row is 0, and is not written. */
INLINE vec load_at(const real *row, int64_t i, int64_t n) {
    return i + VL <= n ? vec_load(row + i) : vec_load_part(row + i, n - i);
}

INLINE void store_at(real *row, int64_t i, int64_t n, vec v) {
    if (i + VL <= n) vec_store(row + i, v);
    else vec_store_part(row + i, v, n - i);
}

/* c = f(c + bias) of one row; slope may be NULL. */
INLINE void activate_row(activation_kind kind, bool sloped, const real *bias, int64_t n, real *c, real *slope) {
    for (int64_t i = 0; i < n; i += VL) {
        vec x = load_at(c, i, n), y, s;
        if (bias != NULL) x += load_at(bias, i, n);
        activate_vec(kind, x, &y, &s);
        store_at(c, i, n, y);
        if (sloped) store_at(slope, i, n, s);
    }
}

/* The kind, and whether a slope is wanted, are constants inside the loops. */
INLINE void activate_kind(activation_kind kind, const real *bias, int64_t n, real *c, real *slope) {
    if (slope != NULL) activate_row(kind, true, bias, n, c, slope);
    else activate_row(kind, false, bias, n, c, NULL);
}

static void activate(activation_kind kind, const real *bias, int64_t n, real *c, real *slope) {
    if (kind == ACTIVATION_GELU_TANH) activate_kind(ACTIVATION_GELU_TANH, bias, n, c, slope);
    else if (kind == ACTIVATION_GELU_EXACT) activate_kind(ACTIVATION_GELU_EXACT, bias, n, c, slope);
    else activate_kind(ACTIVATION_RELU, bias, n, c, slope);
}

/* What one row of the tile is combined with; NULL: nothing. */
typedef struct row_edge {
    const real *bias, *factor, *residual;
    const mask *masks[2];
    uint64_t    first; /* mask element of the row's first one */
} row_edge;

INLINE vec mask_at(const mask *m, uint64_t first, int64_t i, int64_t n) {
    return i + VL <= n ? mask_vec(m, first + (uint64_t)i) : mask_part_vec(m, first + (uint64_t)i, n - i);
}

static void combine_row(const row_edge *e, int64_t n, real *c) {
    for (int64_t i = 0; i < n; i += VL) {
        vec x = load_at(c, i, n);
        if (e->bias != NULL) x += load_at(e->bias, i, n);
        if (e->factor != NULL) x *= load_at(e->factor, i, n);
        if (e->masks[0] != NULL) x *= mask_at(e->masks[0], e->first, i, n);
        if (e->masks[1] != NULL) x *= mask_at(e->masks[1], e->first, i, n);
        if (e->residual != NULL) x += load_at(e->residual, i, n);
        store_at(c, i, n, x);
    }
}

void ISA(edges_tile)(const gemm *g, int64_t m, int64_t rows, int64_t n, int64_t columns) {
    const gemm_edge *w = &g->edge;
    const real      *bias = w->bias != NULL ? w->bias + n : NULL;
    int64_t          at = m * g->c_row + n;
    bool             combined = w->factor != NULL || w->masks[0] != NULL || w->residual != NULL || !w->activate;
    for (int64_t r = 0; r < rows && w->activate; r++) {
        real *slope = w->slope != NULL ? w->slope + at + r * g->c_row : NULL;
        activate(w->activation, bias, columns, g->c + at + r * g->c_row, slope);
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
