/* products_isa.c - a tile of a matrix product.
 *
 * For every GEMM_DEPTH steps of k, and in them for every panel of up to MICRO_VECTORS vectors of columns, the panel's part of
 * B is brought into one row a step (transposed on the way when B lies by columns), and the register tile runs down the rows
 * of A, which are brought into slivers as high as a tile of three vectors when that pays:
 *
 *     packed b: [k][columns of the panel]        packed a: [sliver][k][MICRO_ROWS_3]
 *
 * What is to be done to the result (edges_isa.c) is done to each register tile while it is in the first cache.
 *
 * Invariant: an element is one chain over k in ascending order, whatever the tile. Nothing here allocates, and nothing
 * depends on addresses. */
#include "math/micro.h"

#define PANEL (MICRO_VECTORS * VL)
#define LINE_BYTES 64
#define LINE ((int64_t)(LINE_BYTES / sizeof(real)))
#define FAR 32768          /* elements of a matrix that the nearer caches do not hold */
#define PACK_B_ROWS 32     /* so few rows of A read B where it lies */
#define PACK_A_COLUMNS 192 /* so many columns pay for packing an A that lies by rows, */
#define PACK_A_DEPTH 128   /* with a longer depth than the first cache likes; */
#define PACK_A_TURNED 48   /* and so many one that lies by columns, */
#define PACK_A_STRIDE 384  /* so far apart that its tile leaves the caches */

/* ------------------------------------------------------------------------------------------------- packing */

/* out[k][out_row], columns wide, = b's rows k, column j at b[j * b_column]: VL columns and LANE steps at a time. A lane holds
 * LANE steps of one column, so transposing within the lanes is all. */
static void pack_transposed(const real *b, ptrdiff_t b_column, int64_t kc, int64_t columns, real *out,
                            ptrdiff_t out_row) {
    int64_t j = 0;
    for (; j + VL <= columns; j += VL) {
        const real *from = b + j * b_column;
        int64_t     k = 0;
        for (; k + LANE <= kc; k += LANE) {
            vec x[LANE];
            UNROLLED
            for (int i = 0; i < LANE; i++) x[i] = vec_load_lanes(from + i * b_column + k, b_column);
            vec_transpose_lanes(x);
            UNROLLED
            for (int i = 0; i < LANE; i++) vec_store(out + (k + i) * out_row + j, x[i]);
        }
        for (; k < kc; k++)
            for (int i = 0; i < VL; i++) out[k * out_row + j + i] = from[i * b_column + k];
    }
    for (int64_t k = 0; k < kc; k++)
        for (int64_t i = j; i < columns; i++) out[k * out_row + i] = b[i * b_column + k];
}

/* out[k][vectors VL] = b's rows, as they lie. */
INLINE void pack_straight(const real *b, ptrdiff_t b_row, int64_t kc, int vectors, real *out) {
    for (int64_t k = 0; k < kc; k++, b += b_row, out += vectors * VL) {
        UNROLLED
        for (int v = 0; v < vectors; v++) vec_store(out + v * VL, vec_load(b + v * VL));
    }
}

/* n numbers from number `at` on as reals. */
INLINE void read_numbers(number_type type, const void *b, int64_t at, int64_t n, real *out) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vec_store(out + i, vec_load_numbers(type, b, at + i));
    for (; i < n; i++) out[i] = number_at(type, b, at + i);
}

/* pack_b of numbers of 16 bits: in rows as they lie, or VL columns at a time by way of reals. */
INLINE void pack_numbers(number_type type, const gemm *g, int64_t at, int64_t kc, int64_t columns, real *packed,
                         ptrdiff_t width) {
    real turned[VECTOR_BYTES / sizeof(real)][GEMM_DEPTH];
    for (int64_t k = 0; k < kc && g->b_column == 1; k++)
        read_numbers(type, g->b, at + k * g->b_row, columns, packed + k * width);
    for (int64_t j = 0; j < columns && g->b_column != 1; j += VL) {
        int64_t n = columns - j < VL ? columns - j : VL;
        for (int64_t i = 0; i < n; i++) read_numbers(type, g->b, at + (j + i) * g->b_column, kc, turned[i]);
        pack_transposed(turned[0], GEMM_DEPTH, kc, n, packed + j, width);
    }
}

/* B's steps [k0, k0 + kc) of columns [n, n + columns) -> packed, zeros up to whole vectors. */
static void pack_b(const gemm *g, int64_t k0, int64_t kc, int64_t n, int64_t columns, int vectors, real *packed) {
    const int64_t at = k0 * g->b_row + n * g->b_column;
    const real   *b = (const real *)g->b + at;
    int64_t       width = vectors * VL;
    if (columns < width) memset(packed, 0, (size_t)(kc * width) * sizeof(real));
    if (g->b_type == NUMBER_F16) pack_numbers(NUMBER_F16, g, at, kc, columns, packed, width);
    else if (g->b_type == NUMBER_BF16) pack_numbers(NUMBER_BF16, g, at, kc, columns, packed, width);
    else if (g->b_row == 1) pack_transposed(b, g->b_column, kc, columns, packed, width);
    else if (columns < width || g->b_column != 1)
        for (int64_t k = 0; k < kc; k++)
            for (int64_t j = 0; j < columns; j++) packed[k * width + j] = b[k * g->b_row + j * g->b_column];
    else if (vectors == 1) pack_straight(b, g->b_row, kc, 1, packed);
    else if (vectors == 2) pack_straight(b, g->b_row, kc, 2, packed);
    else pack_straight(b, g->b_row, kc, MICRO_VECTORS, packed);
}

/* LANE rows of A that lie by rows -> columns [0, LANE) of a sliver. */
static void pack_few_rows(const real *a, ptrdiff_t a_row, int64_t kc, real *out) {
    int64_t k = 0;
    for (; k + VL <= kc; k += VL) {
        vec x[LANE];
        UNROLLED
        for (int i = 0; i < LANE; i++) x[i] = vec_load(a + i * a_row + k);
        vec_transpose_lanes(x); /* lane l of x[i]: step l LANE + i */
        UNROLLED
        for (int l = 0; l < VL / LANE; l++) {
            UNROLLED
            for (int i = 0; i < LANE; i++)
                memcpy(out + (k + l * LANE + i) * MICRO_ROWS_3, (const real *)&x[i] + l * LANE, 16);
        }
    }
    for (; k < kc; k++)
        for (int i = 0; i < LANE; i++) out[k * MICRO_ROWS_3 + i] = a[i * a_row + k];
}

/* From sliver to sliver: not a power of two, which would put all of them into the same few places of the caches. */
static ptrdiff_t sliver_stride(int64_t kc) { return kc * MICRO_ROWS_3 + 16; }

#define TOGETHER 8 /* slivers of an A that lies by columns: whole cache lines are read once */

static void pack_columns(const real *a, ptrdiff_t a_column, int64_t kc, real *out) {
    ptrdiff_t stride = sliver_stride(kc);
    for (int64_t k = 0; k < kc; k++, a += a_column, out += MICRO_ROWS_3) {
        UNROLLED
        for (int s = 0; s < TOGETHER; s++) memcpy(out + s * stride, a + s * MICRO_ROWS_3, MICRO_ROWS_3 * sizeof(real));
    }
}

/* A's rows [m0, m1), steps [k0, k0 + kc) -> slivers; the last one's missing rows are left as they are. */
static void pack_a(const gemm *g, int64_t m0, int64_t m1, int64_t k0, int64_t kc, real *packed) {
    int64_t m = m0, sliver = sliver_stride(kc);
    for (; g->a_row == 1 && m + TOGETHER * MICRO_ROWS_3 <= m1;
         m += TOGETHER * MICRO_ROWS_3, packed += TOGETHER * sliver)
        pack_columns(g->a + m + k0 * g->a_column, g->a_column, kc, packed);
    for (; m < m1; m += MICRO_ROWS_3, packed += sliver) {
        const real *a = g->a + m * g->a_row + k0 * g->a_column;
        int64_t     rows = m1 - m < MICRO_ROWS_3 ? m1 - m : MICRO_ROWS_3, i = 0;
        for (; g->a_column == 1 && i + LANE <= rows; i += LANE)
            pack_few_rows(a + i * g->a_row, g->a_row, kc, packed + i);
        for (int64_t k = 0; k < kc && i < rows; k++)
            for (int64_t r = i; r < rows; r++) packed[k * MICRO_ROWS_3 + r] = a[r * g->a_row + k * g->a_column];
    }
}

/* -------------------------------------------------------------------------------------------------- the tile */

/* Vectors of the next panel when so many columns are left: four are two and two. */
static int panel_vectors(int64_t columns) {
    int64_t vectors = (columns + VL - 1) / VL;
    if (vectors <= MICRO_VECTORS) return (int)vectors;
    return vectors == MICRO_VECTORS + 1 && MICRO_VECTORS > 2 ? MICRO_VECTORS - 1 : MICRO_VECTORS;
}

static bool has_edge(const gemm_edge *e) {
    return e->bias != NULL || e->activate || e->factor != NULL || e->masks[0] != NULL || e->residual != NULL;
}

/* One panel's part of the work at one depth. */
typedef struct panel {
    const gemm *g;
    int64_t     m0, m1, n, columns, k0, kc;
    const real *a; /* packed slivers, or NULL: A as it lies */
    const real *b;
    ptrdiff_t   b_row;
    bool        load, last; /* go on from c; no further depth follows */
    real       *buffer;     /* [MICRO_MOST_ROWS][PANEL], for columns that do not fill their vectors */
    const char *next;       /* where the next panel's numbers come from: rows of so many bytes, so far apart */
    int64_t     next_rows, next_width;
    ptrdiff_t   next_stride;
} panel;

/* A tile of fewer rows, or of columns that do not fill their vectors: these go by way of a buffer. */
INLINE void run_rest(const panel *p, int vectors, int64_t rows, const real *a, ptrdiff_t a_row, ptrdiff_t a_column,
                     real *c) {
    const size_t    bytes = (size_t)p->columns * sizeof(real);
    const ptrdiff_t c_row = p->g->c_row;
    if (p->columns == vectors * VL) {
        micro_rows(rows, vectors, p->kc, a, a_row, a_column, p->b, p->b_row, c, c_row, p->load);
        return;
    }
    for (int64_t i = 0; i < rows && p->load; i++) memcpy(p->buffer + i * PANEL, c + i * c_row, bytes);
    micro_rows(rows, vectors, p->kc, a, a_row, a_column, p->b, p->b_row, p->buffer, PANEL, p->load);
    for (int64_t i = 0; i < rows; i++) memcpy(c + i * c_row, p->buffer + i * PANEL, bytes);
}

/* Asks for a matrix's part that the edge will read or write, columns wide, before the sums are made. */
INLINE void fetch(const real *x, ptrdiff_t x_row, int64_t rows, int64_t columns, int write) {
    for (int64_t i = 0; x != NULL && i < rows; i++, x += x_row)
        for (int64_t j = 0; j < columns + LINE - 1; j += LINE) {
            const real *at = x + (j < columns ? j : columns - 1);
            if (write) __builtin_prefetch(at, 1, 3);
            else __builtin_prefetch(at, 0, 3);
        }
}

static void fetch_edge(const gemm *g, int64_t m, int64_t rows, int64_t n, int64_t columns) {
    const gemm_edge *e = &g->edge;
    int64_t          at = m * g->c_row + n;
    fetch(e->factor != NULL ? e->factor + at : NULL, g->c_row, rows, columns, 0);
    fetch(e->residual != NULL ? e->residual + at : NULL, g->c_row, rows, columns, 0);
    fetch(e->slope != NULL ? e->slope + at : NULL, g->c_row, rows, columns, 1);
}

/* Brings a share of the next panel's rows near, while this one computes. */
INLINE void fetch_next(const panel *p, int64_t done) {
    int64_t rows = p->m1 - p->m0, from = p->next_rows * done / rows, to = p->next_rows * (done + MICRO_BLOCK) / rows;
    for (int64_t r = from; r < to && r < p->next_rows; r++)
        for (int64_t j = 0; j < p->next_width + LINE_BYTES - 1; j += LINE_BYTES)
            __builtin_prefetch(p->next + r * p->next_stride + j, 0, 2);
}

/* Down the rows of A, a block of rows at a time: whole register tiles of every kind. From slivers, when `packed` is set, all
 * tiles are as high as these. */
INLINE void run_panel(const panel *p, int vectors, bool packed) {
    const gemm     *g = p->g;
    const int       height = packed ? MICRO_ROWS_3 : micro_height(vectors);
    const int64_t   kc = p->kc;
    const real     *a = packed ? p->a : g->a + p->m0 * g->a_row + p->k0 * g->a_column, *b = p->b;
    const ptrdiff_t a_row = packed ? 1 : g->a_row, a_column = packed ? MICRO_ROWS_3 : g->a_column;
    const ptrdiff_t a_tile = packed ? sliver_stride(kc) : height * a_row, b_row = p->b_row, c_row = g->c_row;
    real           *c = g->c + p->m0 * c_row + p->n;
    const bool      whole = p->columns == vectors * VL, load = p->load, edge = p->last && has_edge(&g->edge);
    const bool      far = load && g->M * g->N > FAR; /* sums that go on from a large C: it comes from afar */
    for (int64_t m = p->m0; m < p->m1; m += MICRO_BLOCK, c += MICRO_BLOCK * c_row) {
        int64_t rows = p->m1 - m < MICRO_BLOCK ? p->m1 - m : MICRO_BLOCK;
        if (edge) fetch_edge(g, m, rows, p->n, p->columns);
        if (far && rows == MICRO_BLOCK) fetch(c + MICRO_BLOCK * c_row, c_row, MICRO_BLOCK, p->columns, 1);
        fetch_next(p, m - p->m0);
        if (whole && rows == MICRO_BLOCK)
            for (int i = 0; i < MICRO_BLOCK; i += height, a += a_tile)
                micro_tile(height, vectors, kc, a, a_row, a_column, b, b_row, c + i * c_row, c_row, load);
        else
            for (int64_t i = 0; i < rows; i += height, a += a_tile)
                run_rest(p, vectors, rows - i < height ? rows - i : height, a, a_row, a_column, c + i * c_row);
        if (edge) ISA(edges_tile)(g, m, rows, p->n, p->columns);
    }
}

/* Whether B's rows are read where they are: few rows of A would not pay for a copy. */
static bool lies_well(const gemm *g, int64_t rows) {
    return g->b_type == NUMBER_REAL && g->b_column == 1 && rows <= PACK_B_ROWS;
}

/* Whether A is copied into slivers. */
static bool worth_packing(const gemm *g, int64_t rows, int64_t columns) {
    if (rows < MICRO_BLOCK) return false;
    if (g->a_row == 1) return g->a_column > PACK_A_STRIDE && columns >= PACK_A_TURNED;
    return columns >= PACK_A_COLUMNS && g->K > PACK_A_DEPTH;
}

static int64_t filled(int64_t n) { return (n + VL - 1) / VL * VL; }

/* The panel after this one: to the right, or the first one at the next depth. */
static void plan_next(panel *p, int64_t n0, int64_t n1) {
    const gemm *g = p->g;
    bool        right = p->n + p->columns < n1;
    int64_t     n = right ? p->n + p->columns : n0, k = right ? p->k0 : p->k0 + p->kc;
    int64_t     kc = g->K - k < GEMM_DEPTH ? g->K - k : GEMM_DEPTH, columns = n1 - n < PANEL ? n1 - n : PANEL;
    p->next_rows = 0;
    if (kc <= 0) return;
    if (g->panels != NULL) {
        p->next = (const char *)(g->panels + k * filled(g->N) + kc * n);
        p->next_rows = (kc * columns + LINE - 1) / LINE; /* one piece, line by line */
        p->next_width = 1;
        p->next_stride = LINE_BYTES;
        return;
    }
    if (g->N * g->K <= FAR) return;
    int64_t each = (int64_t)number_size(g->b_type);
    p->next = (const char *)g->b + (k * g->b_row + n * g->b_column) * each;
    p->next_rows = g->b_row == 1 ? columns : kc;
    p->next_width = (g->b_row == 1 ? kc : columns) * each;
    p->next_stride = (g->b_row == 1 ? g->b_column : g->b_row) * each;
}

static void run_panel_3(const panel *p) {
    if (p->a != NULL) run_panel(p, MICRO_VECTORS, true);
    else run_panel(p, MICRO_VECTORS, false);
}

static void run_panel_2(const panel *p) {
    if (p->a != NULL) run_panel(p, 2, true);
    else run_panel(p, 2, false);
}

static void run_panel_1(const panel *p) {
    if (p->a != NULL) run_panel(p, 1, true);
    else run_panel(p, 1, false);
}

/* The panels of one depth lie one after the other, and so do the depths. */
void ISA(products_pack)(const gemm *g, real *panels) {
    for (int64_t k0 = 0; k0 < g->K; k0 += GEMM_DEPTH) {
        int64_t kc = g->K - k0 < GEMM_DEPTH ? g->K - k0 : GEMM_DEPTH;
        for (int64_t n = 0, columns; n < g->N; n += columns) {
            int vectors = panel_vectors(g->N - n);
            columns = g->N - n < vectors * VL ? g->N - n : vectors * VL;
            pack_b(g, k0, kc, n, columns, vectors, panels + k0 * filled(g->N) + kc * n);
        }
    }
}

void ISA(products_tile)(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch) {
    real *packed_b = scratch + GEMM_CUT, *packed_a = packed_b + GEMM_PANEL;
    bool  pack = worth_packing(g, m1 - m0, n1 - n0);
    memset(scratch, 0, GEMM_CUT * sizeof(real));
    for (int64_t k0 = 0; k0 < g->K || k0 == 0; k0 += GEMM_DEPTH) {
        int64_t kc = g->K - k0 < GEMM_DEPTH ? g->K - k0 : GEMM_DEPTH;
        panel   p = {.g = g,
                     .m0 = m0,
                     .m1 = m1,
                     .k0 = k0,
                     .kc = kc,
                     .a = pack ? packed_a : NULL,
                     .load = g->accumulate || k0 > 0,
                     .last = k0 + kc == g->K,
                     .buffer = scratch};
        if (pack) pack_a(g, m0, m1, k0, kc, packed_a);
        for (p.n = n0; p.n < n1; p.n += p.columns) {
            int vectors = panel_vectors(n1 - p.n);
            p.b_row = vectors * VL;
            p.columns = n1 - p.n < p.b_row ? n1 - p.n : p.b_row;
            if (g->panels != NULL) {
                p.b = g->panels + k0 * filled(g->N) + kc * p.n;
            } else if (p.columns == p.b_row && lies_well(g, m1 - m0)) {
                p.b = (const real *)g->b + k0 * g->b_row + p.n;
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

/* -------------------------------------------------------------------------------------------- sums of columns */

#define SUMS 8 /* vectors of columns at a time */

void ISA(products_sums)(const real *x, ptrdiff_t x_row, int64_t rows, int64_t n, real *out) {
    int64_t j = 0;
    for (; j + SUMS * VL <= n; j += SUMS * VL) {
        vec s[SUMS];
        UNROLLED
        for (int v = 0; v < SUMS; v++) s[v] = vec_load(out + j + v * VL);
        for (int64_t r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < SUMS; v++) s[v] += vec_load(x + r * x_row + j + v * VL);
        }
        UNROLLED
        for (int v = 0; v < SUMS; v++) vec_store(out + j + v * VL, s[v]);
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = j; i < n; i++) out[i] += x[r * x_row + i];
}
