/* edges_isa.c - what is done to a matrix product's elements while a tile of them is in the first cache.
 *
 *     c += bias;  c = f(c) and slope = f'(c);  c *= factor;  c *= masks;  c += residual
 *
 * Each element by itself, so that the tile does not matter. Loops are made for a constant number of whole vectors; columns
 * that do not fill theirs go one vector at a time. */
#include "math/edges.h"
#include "math/isa.h"

/* A tile of the product: rows of `columns` elements, and the edge's matrices at the same place (NULL: none). */
typedef struct tile {
    int64_t     rows, columns;
    ptrdiff_t   row; /* of c and what lies as c */
    real       *c, *slope;
    const real *bias, *factor, *residual;
    const mask *masks[2];             /* of the first row's sequence */
    int64_t     place, mask_rows;     /* the first row's place among the rows of its sequence */
    uint64_t    mask_first, mask_row; /* mask element of a sequence's row 0 here, elements from row to row */
} tile;

/* Vector v of a row of whole vectors, or of its last one: what is beyond the row is 0, and is not written. */
INLINE vec load_at(bool whole, const real *row, int64_t n, int v) {
    return whole ? vec_load(row + v * VL) : vec_load_part(row, n);
}

INLINE void store_at(bool whole, real *row, int64_t n, int v, vec x) {
    if (whole) vec_store(row + v * VL, x);
    else vec_store_part(row, x, n);
}

/* ------------------------------------------------------------------------------------------------- activations */

/* Columns [at, at + n) of all rows: n is `vectors` whole vectors, or less than one. */
INLINE void activate_columns(const tile *t, activation_kind kind, bool sloped, bool whole, int vectors, int64_t at,
                             int64_t n) {
    vec bias[VECS] = {{0}}, x[VECS], slope[VECS];
    UNROLLED
    for (int v = 0; v < vectors; v++)
        if (t->bias != NULL) bias[v] = load_at(whole, t->bias + at, n, v);
    for (int64_t r = 0; r < t->rows; r++) {
        real *c = t->c + r * t->row + at;
        UNROLLED
        for (int v = 0; v < vectors; v++) x[v] = load_at(whole, c, n, v) + bias[v];
        activate_vecs(kind, sloped, vectors, x, slope);
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            store_at(whole, c, n, v, x[v]);
            if (sloped) store_at(whole, t->slope + r * t->row + at, n, v, slope[v]);
        }
    }
}

INLINE void activate_kind(const tile *t, activation_kind kind, bool sloped) {
    int64_t at = 0;
    for (; at + VECS * VL <= t->columns; at += VECS * VL) activate_columns(t, kind, sloped, true, VECS, at, 0);
    for (; at + VL <= t->columns; at += VL) activate_columns(t, kind, sloped, true, 1, at, 0);
    if (at < t->columns) activate_columns(t, kind, sloped, false, 1, at, t->columns - at);
}

static void activate_tanh(const tile *t) {
    if (t->slope != NULL) activate_kind(t, ACTIVATION_GELU_TANH, true);
    else activate_kind(t, ACTIVATION_GELU_TANH, false);
}

static void activate_exact(const tile *t) {
    if (t->slope != NULL) activate_kind(t, ACTIVATION_GELU_EXACT, true);
    else activate_kind(t, ACTIVATION_GELU_EXACT, false);
}

static void activate_relu(const tile *t) {
    if (t->slope != NULL) activate_kind(t, ACTIVATION_RELU, true);
    else activate_kind(t, ACTIVATION_RELU, false);
}

/* ------------------------------------------------------------------------------------ biases, factors, branches */

/* c = (c + bias) factor masks + residual; how many masks there are is a constant. */
INLINE void combine_columns(const tile *t, int masks, bool whole, int vectors, int64_t at, int64_t n) {
    const mask *one = t->masks[0], *other = t->masks[1];
    vec         bias[VECS] = {{0}};
    int64_t     place = t->place;
    UNROLLED
    for (int v = 0; v < vectors; v++)
        if (t->bias != NULL) bias[v] = load_at(whole, t->bias + at, n, v);
    for (int64_t r = 0; r < t->rows; r++, place++) {
        int64_t row = r * t->row + at;
        if (masks > 0 && place == t->mask_rows) place = 0, one++, other += masks > 1;
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            uint64_t first = t->mask_first + (uint64_t)place * t->mask_row + (uint64_t)(at + v * VL);
            vec      x = load_at(whole, t->c + row, n, v) + bias[v];
            if (t->factor != NULL) x *= load_at(whole, t->factor + row, n, v);
            if (masks > 0) x *= mask_part_vec(one, first, whole ? VL : n);
            if (masks > 1) x *= mask_part_vec(other, first, whole ? VL : n);
            if (t->residual != NULL) x += load_at(whole, t->residual + row, n, v);
            store_at(whole, t->c + row, n, v, x);
        }
    }
}

INLINE void combine_masked(const tile *t, int masks) {
    int64_t at = 0;
    for (; at + VECS * VL <= t->columns; at += VECS * VL) combine_columns(t, masks, true, VECS, at, 0);
    for (; at + VL <= t->columns; at += VL) combine_columns(t, masks, true, 1, at, 0);
    if (at < t->columns) combine_columns(t, masks, false, 1, at, t->columns - at);
}

static void combine_unmasked(const tile *t) { combine_masked(t, 0); }

static void combine_with_one(const tile *t) { combine_masked(t, 1); }

static void combine_with_two(const tile *t) { combine_masked(t, 2); }

/* -------------------------------------------------------------------------------------------------------- the tile */

void ISA(edges_tile)(const gemm *g, int64_t m, int64_t rows, int64_t n, int64_t columns) {
    const gemm_edge *e = &g->edge;
    const int64_t    at = m * g->c_row + n;
    tile             t = {.rows = rows, .columns = columns, .row = g->c_row, .c = g->c + at};
    if (e->bias != NULL) t.bias = e->bias + n;
    if (e->activate) {
        if (e->slope != NULL) t.slope = e->slope + at;
        if (e->activation == ACTIVATION_GELU_TANH) activate_tanh(&t);
        else if (e->activation == ACTIVATION_GELU_EXACT) activate_exact(&t);
        else activate_relu(&t);
        t.bias = NULL;
    }
    if (e->factor != NULL) t.factor = e->factor + at;
    if (e->residual != NULL) t.residual = e->residual + at;
    if (e->masks[0] != NULL) {
        int64_t sequence = m / e->mask_rows;
        t.place = m % e->mask_rows;
        t.mask_rows = e->mask_rows;
        t.mask_first = (uint64_t)n;
        t.mask_row = (uint64_t)g->N;
        t.masks[0] = e->masks[0] + sequence;
        if (e->masks[1] != NULL) t.masks[1] = e->masks[1] + sequence;
    }
    if (t.masks[1] != NULL) combine_with_two(&t);
    else if (t.masks[0] != NULL) combine_with_one(&t);
    else if (t.bias != NULL || t.factor != NULL || t.residual != NULL) combine_unmasked(&t);
}
