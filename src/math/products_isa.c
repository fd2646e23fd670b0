/* products_isa.c - a tile of a matrix product.
 *
 * For every GEMM_DEPTH steps of k, and in them for every panel of up to MICRO_VECTORS vectors of columns, the panel's part of
 * B is brought into one row a step (transposed on the way when B lies by columns), and the register tile runs down the rows
 * of A, which are brought into slivers of MICRO_ROWS when enough panels will read them:
 *
 *     packed b: [k][columns of the panel]        packed a: [sliver][k][MICRO_ROWS]
 *
 * Invariant: an element is one chain over k in ascending order, whatever the tile. Nothing here allocates, and nothing
 * depends on addresses. */
#include "math/micro.h"

#define PANEL (MICRO_VECTORS * VL)
#define AHEAD 16 /* rows that packing asks for before it needs them */

/* ------------------------------------------------------------------------------------------------- packing */

/* out[k][out_row], columns wide, = b's rows k, column j at b[j * b_column]: VL columns and VL steps at a time. */
static void pack_transposed(const real *b, ptrdiff_t b_column, int64_t kc, int64_t columns, real *out,
                            ptrdiff_t out_row) {
    int64_t j = 0;
    for (; j + VL <= columns; j += VL) {
        const real *from = b + j * b_column;
        int64_t     k = 0;
        for (; k + VL <= kc; k += VL) {
            vec x[VECTOR_BYTES / sizeof(real)];
            for (int i = 0; i < VL; i++) x[i] = vec_load(from + i * b_column + k);
            vec_transpose(x, VL);
            for (int i = 0; i < VL; i++) vec_store(out + (k + i) * out_row + j, x[i]);
        }
        for (; k < kc; k++)
            for (int i = 0; i < VL; i++) out[k * out_row + j + i] = from[i * b_column + k];
    }
    for (int64_t k = 0; k < kc; k++)
        for (int64_t i = j; i < columns; i++) out[k * out_row + i] = b[i * b_column + k];
}

/* B's steps [k0, k0 + kc) of columns [n, n + columns) -> packed, zeros up to whole vectors. */
static void pack_b(const gemm *g, int64_t k0, int64_t kc, int64_t n, int64_t columns, int vectors, real *packed) {
    const real *b = g->b + k0 * g->b_row + n * g->b_column;
    int64_t     width = vectors * VL;
    if (columns < width) memset(packed, 0, (size_t)(kc * width) * sizeof(real));
    if (g->b_row == 1) pack_transposed(b, g->b_column, kc, columns, packed, width);
    else if (columns == PANEL && g->b_column == 1)
        for (int64_t k = 0; k < kc; k++) memcpy(packed + k * PANEL, b + k * g->b_row, PANEL * sizeof(real));
    else
        for (int64_t k = 0; k < kc; k++)
            for (int64_t j = 0; j < columns; j++) packed[k * width + j] = b[k * g->b_row + j * g->b_column];
}

/* MICRO_ROWS rows of A that lie by rows -> a sliver [kc][MICRO_ROWS]. */
static void pack_sliver(const real *a, ptrdiff_t a_row, int64_t kc, real *out) {
    int64_t k = 0;
    for (; k + VL <= kc; k += VL) {
        vec x[MICRO_ROWS];
        for (int i = 0; i < MICRO_ROWS; i++) x[i] = vec_load(a + i * a_row + k);
        vec_transpose(x, MICRO_ROWS);
        for (int i = 0; i < MICRO_ROWS; i++) vec_store(out + k * MICRO_ROWS + i * VL, x[i]);
    }
    for (; k < kc; k++)
        for (int i = 0; i < MICRO_ROWS; i++) out[k * MICRO_ROWS + i] = a[i * a_row + k];
}

#define TOGETHER 4 /* slivers of an A that lies by columns: whole cache lines are read once */

/* A's rows [m0, m1), steps [k0, k0 + kc) -> slivers; the last one's missing rows are left as they are. */
static void pack_a(const gemm *g, int64_t m0, int64_t m1, int64_t k0, int64_t kc, real *packed) {
    int64_t m = m0, sliver = kc * MICRO_ROWS;
    for (; g->a_row == 1 && m + TOGETHER * MICRO_ROWS <= m1; m += TOGETHER * MICRO_ROWS, packed += TOGETHER * sliver)
        for (int64_t k = 0; k < kc; k++) {
            const real *a = g->a + m + (k0 + k) * g->a_column;
            for (int s = 0; s < TOGETHER; s++)
                memcpy(packed + s * sliver + k * MICRO_ROWS, a + s * MICRO_ROWS, MICRO_ROWS * sizeof(real));
            __builtin_prefetch(a + AHEAD * g->a_column);
            __builtin_prefetch(a + AHEAD * g->a_column + 16);
        }
    for (; m < m1; m += MICRO_ROWS, packed += sliver) {
        const real *a = g->a + m * g->a_row + k0 * g->a_column;
        int64_t     rows = m1 - m < MICRO_ROWS ? m1 - m : MICRO_ROWS;
        if (rows == MICRO_ROWS && g->a_column == 1) pack_sliver(a, g->a_row, kc, packed);
        else
            for (int64_t k = 0; k < kc; k++)
                for (int64_t i = 0; i < rows; i++) packed[k * MICRO_ROWS + i] = a[i * g->a_row + k * g->a_column];
    }
}

/* -------------------------------------------------------------------------------------------------- the tile */

/* Vectors of the next panel when so many columns are left: four are two and two. */
static int panel_vectors(int64_t columns) {
    int64_t vectors = (columns + VL - 1) / VL;
    if (vectors <= MICRO_VECTORS) return (int)vectors;
    return vectors == MICRO_VECTORS + 1 && MICRO_VECTORS > 2 ? MICRO_VECTORS - 1 : MICRO_VECTORS;
}

/* One panel's part of the work at one depth. */
typedef struct panel {
    const gemm *g;
    int64_t     m0, m1, n, columns, k0, kc;
    const real *a; /* packed slivers, or NULL: A as it lies */
    const real *b;
    ptrdiff_t   b_row;
    bool        load, last; /* go on from c; no further depth follows */
    real       *edge;       /* [MICRO_ROWS][PANEL] */
    const real *next;       /* the next panel's part of B: next_rows rows of next_width, next_stride elements apart */
    int64_t     next_rows, next_width;
    ptrdiff_t   next_stride;
} panel;

#define LINE ((int64_t)(64 / sizeof(real)))

/* Brings a share of the next panel's rows near, while this one computes. */
INLINE void fetch_next(const panel *p, int64_t share, int64_t shares) {
    int64_t to = p->next_rows * (share + 1) / shares;
    for (int64_t r = p->next_rows * share / shares; r < to; r++)
        for (int64_t j = 0; j < p->next_width + LINE - 1; j += LINE)
            __builtin_prefetch(p->next + r * p->next_stride + j, 0, 2);
}

static void add_bias(const panel *p, int64_t m, int64_t rows) {
    const gemm *g = p->g;
    for (int64_t i = m; i < m + rows; i++)
        for (int64_t j = p->n; j < p->n + p->columns; j++) g->c[i * g->c_row + j] += g->bias[j];
}

INLINE void run_panel(const panel *p, int vectors) {
    const gemm *g = p->g;
    bool        whole = p->columns == vectors * VL;
    const real *sliver = p->a;
    for (int64_t m = p->m0; m < p->m1; m += MICRO_ROWS) {
        int64_t     rows = p->m1 - m < MICRO_ROWS ? p->m1 - m : MICRO_ROWS;
        const real *a = g->a + m * g->a_row + p->k0 * g->a_column;
        ptrdiff_t   a_row = g->a_row, a_column = g->a_column, c_row = g->c_row;
        real       *c = g->c + m * g->c_row + p->n, *to = c;
        fetch_next(p, (m - p->m0) / MICRO_ROWS, (p->m1 - p->m0 + MICRO_ROWS - 1) / MICRO_ROWS);
        for (int i = MICRO_ROWS; i < 2 * MICRO_ROWS; i++)
            for (int v = 0; v < vectors; v++) __builtin_prefetch(c + i * c_row + v * VL, 1, 2);
        if (p->a != NULL) a = sliver, a_row = 1, a_column = MICRO_ROWS, sliver += p->kc * MICRO_ROWS;
        if (!whole) {
            to = p->edge, c_row = PANEL;
            for (int64_t i = 0; i < rows && p->load; i++)
                memcpy(to + i * PANEL, c + i * g->c_row, (size_t)p->columns * sizeof(real));
        }
        micro_rows(rows, vectors, p->kc, a, a_row, a_column, p->b, p->b_row, to, c_row, p->load);
        if (!whole)
            for (int64_t i = 0; i < rows; i++)
                memcpy(c + i * g->c_row, to + i * PANEL, (size_t)p->columns * sizeof(real));
        if (p->last && g->bias != NULL) add_bias(p, m, rows);
    }
}

/* The panel after this one: to the right, or the first one at the next depth. */
static void plan_next(panel *p, int64_t n0, int64_t n1) {
    const gemm *g = p->g;
    bool        right = p->n + p->columns < n1;
    int64_t     n = right ? p->n + p->columns : n0, k = right ? p->k0 : p->k0 + p->kc;
    int64_t     kc = g->K - k < GEMM_DEPTH ? g->K - k : GEMM_DEPTH, columns = n1 - n < PANEL ? n1 - n : PANEL;
    p->next = g->b + k * g->b_row + n * g->b_column;
    p->next_rows = g->b_row == 1 ? columns : kc;
    p->next_width = g->b_row == 1 ? kc : columns;
    p->next_stride = g->b_row == 1 ? g->b_column : g->b_row;
    if (kc <= 0) p->next_rows = 0;
}

/* Whether B's rows are read where they are: few rows of A would not pay for a copy. A stride that is a multiple of 2 KiB
 * would put them all into the same few places of the caches. */
static bool lies_well(const gemm *g, int64_t rows) {
    return g->b_column == 1 && rows <= 256 && (size_t)g->b_row * sizeof(real) % 2048 != 0;
}

static void run_panel_3(const panel *p) { run_panel(p, MICRO_VECTORS); }

static void run_panel_2(const panel *p) { run_panel(p, 2); }

static void run_panel_1(const panel *p) { run_panel(p, 1); }

#define PACK_A_COLUMNS 192 /* so many columns, and a longer depth than the first caches like, pay for packing A */
#define PACK_A_DEPTH 128

void ISA(products_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch) {
    real *packed_a = scratch + GEMM_EDGE + GEMM_PANEL, *packed_b = scratch + GEMM_EDGE;
    bool  pack = n1 - n0 >= PACK_A_COLUMNS && g->K > PACK_A_DEPTH && m1 - m0 >= MICRO_ROWS;
    memset(scratch, 0, GEMM_EDGE * sizeof(real));
    for (int64_t k0 = 0; k0 < g->K || k0 == 0; k0 += GEMM_DEPTH) {
        int64_t kc = g->K - k0 < GEMM_DEPTH ? g->K - k0 : GEMM_DEPTH;
        panel   p = {.g = g,
                     .m0 = m0,
                     .m1 = m1,
                     .k0 = k0,
                     .kc = kc,
                     .a = pack ? packed_a : NULL,
                     .b = packed_b,
                     .load = g->accumulate || k0 > 0,
                     .last = k0 + kc == g->K,
                     .edge = scratch};
        if (pack) pack_a(g, m0, m1, k0, kc, packed_a);
        for (p.n = n0; p.n < n1; p.n += p.columns) {
            int vectors = panel_vectors(n1 - p.n);
            p.b_row = vectors * VL;
            p.columns = n1 - p.n < p.b_row ? n1 - p.n : p.b_row;
            if (p.columns == p.b_row && lies_well(g, m1 - m0)) {
                p.b = g->b + k0 * g->b_row + p.n;
                p.b_row = g->b_row;
            } else {
                p.b = packed_b;
                pack_b(g, k0, kc, p.n, p.columns, vectors, packed_b);
            }
            plan_next(&p, n0, n1);
            if (vectors == 1) run_panel_1(&p);
            else if (vectors == 2) run_panel_2(&p);
            else run_panel_3(&p);
        }
    }
}
