/* heads_isa.c - attention of one head over one sequence, forward, from a cache, and backward, in blocks of rows.
 *
 * Invariants: sums as in rows_isa.c and products_isa.c; the forward pass from a cache does the same sums in the same
 * order. Nothing here allocates, and nothing depends on addresses. */
#include "math/micro.h"

#define MICRO_ROWS MICRO_ROWS_2
#define MICRO_COLUMNS (2 * VL) /* of a panel */

/* c[rows, MICRO_COLUMNS] += a b, b's rows b_row elements apart. */
static void micro_any(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                      ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    for (int64_t i = 0; i < rows; i += MICRO_ROWS)
        micro_rows(rows - i < MICRO_ROWS ? rows - i : MICRO_ROWS, 2, kc, a + i * a_row, a_row, a_column, b, b_row,
                   c + i * c_row, c_row, load);
}

/* b is packed [kc][MICRO_COLUMNS]. */
static void micro(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b, real *c,
                  ptrdiff_t c_row, bool load) {
    micro_any(rows, kc, a, a_row, a_column, b, MICRO_COLUMNS, c, c_row, load);
}

#define BLOCK (2 * MICRO_ROWS) /* rows of q handled at a time */

INLINE int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/* Where the pieces of one head lie in the scratch memory. Tp and Dp are T and D rounded up to whole panels. */
typedef struct head_scratch {
    int64_t Tp, Dp;
    real   *kt, *vt;   /* [Tp / MICRO_COLUMNS][D][MICRO_COLUMNS]: k, v transposed, in panels over j */
    real   *kd, *vd;   /* [Dp / MICRO_COLUMNS][T][MICRO_COLUMNS]: k, v in panels over d */
    real   *s, *w, *m; /* [BLOCK][Tp]: scores, their gradient, mask */
    real   *rows;      /* [BLOCK][Dp]: a block's result */
    real   *qd, *od;   /* [Dp / MICRO_COLUMNS][BLOCK][MICRO_COLUMNS]: q and d out of the block, in panels */
    real   *dk, *dv;   /* [T][Dp] */
} head_scratch;

static head_scratch head_scratch_of(const attention_head *a, real *p) {
    head_scratch s;
    s.Tp = round_up(a->T, MICRO_COLUMNS);
    s.Dp = round_up(a->D, MICRO_COLUMNS);
    s.kt = p, p += s.Tp * a->D;
    s.vt = p, p += s.Tp * a->D;
    s.kd = p, p += s.Dp * a->T;
    s.vd = p, p += s.Dp * a->T;
    s.s = p, p += BLOCK * s.Tp;
    s.w = p, p += BLOCK * s.Tp;
    s.m = p, p += BLOCK * s.Tp;
    s.rows = p, p += BLOCK * s.Dp;
    s.qd = p, p += BLOCK * s.Dp;
    s.od = p, p += BLOCK * s.Dp;
    s.dk = p, p += s.Dp * a->T;
    s.dv = p;
    return s;
}

/* x[T, D] -> panels over j of its transpose. */
static void panels_transposed(const attention_head *a, const real *x, int64_t Tp, real *out) {
    for (int64_t j0 = 0; j0 < Tp; j0 += MICRO_COLUMNS, out += a->D * MICRO_COLUMNS)
        for (int64_t j = 0; j < MICRO_COLUMNS; j++)
            for (int64_t d = 0; d < a->D; d++)
                out[d * MICRO_COLUMNS + j] = j0 + j < a->T ? x[(j0 + j) * a->stride + d] : 0;
}

/* x[rows, D] -> panels over d. */
static void panels_straight(const real *x, ptrdiff_t stride, int64_t rows, int64_t D, int64_t Dp, real *out) {
    for (int64_t d0 = 0; d0 < Dp; d0 += MICRO_COLUMNS, out += rows * MICRO_COLUMNS) {
        int64_t n = D - d0 < MICRO_COLUMNS ? D - d0 : MICRO_COLUMNS;
        for (int64_t i = 0; i < rows; i++) {
            memcpy(out + i * MICRO_COLUMNS, x + i * stride + d0, (size_t)n * sizeof(real));
            if (n < MICRO_COLUMNS) memset(out + i * MICRO_COLUMNS + n, 0, (size_t)(MICRO_COLUMNS - n) * sizeof(real));
        }
    }
}

INLINE int64_t first_seen(const attention_head *a, int64_t i) {
    return a->window > 0 && i - a->window + 1 > 0 ? i - a->window + 1 : 0;
}

/* out[rows, Tp] = x[rows, D] times the transposed panels, for columns [from, to) (whole panels). */
static void times_transposed(const real *x, ptrdiff_t x_row, int64_t rows, const attention_head *a, const real *panels,
                             int64_t Tp, int64_t from, int64_t to, real *out) {
    for (int64_t j = from; j < to; j += MICRO_COLUMNS)
        micro(rows, a->D, x, x_row, 1, panels + j * a->D, out + j, Tp, false);
}

/* Copies a block of rows, Dp wide, into place, D wide. */
static void put_rows(const real *rows, int64_t n, int64_t Dp, int64_t D, real *out, ptrdiff_t stride, real scale) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < D; d++) out[i * stride + d] = scale * rows[i * Dp + d];
}

/* Rows [i0, i0 + n):  s = scale q k^T;  s = mask softmax(s) over the j that i sees, 0 for the others from the returned j
 * on. keys: panels over j. */
static int64_t weigh_block(const attention_head *a, int64_t i0, int64_t n, const real *keys, const head_scratch *h) {
    int64_t from = first_seen(a, i0) / MICRO_COLUMNS * MICRO_COLUMNS, to = round_up(i0 + n, MICRO_COLUMNS);
    times_transposed(a->q + (i0 - a->first) * a->stride, a->stride, n, a, keys, h->Tp, from, to, h->s);
    for (int64_t r = 0; r < n; r++) {
        int64_t i = i0 + r, lo = first_seen(a, i), seen = i + 1 - lo;
        real   *s = h->s + r * h->Tp;
        for (int64_t j = lo; j <= i; j++) s[j] *= a->scale;
        real m = largest(s + lo, seen);
        for (int64_t j = lo; j <= i; j++) s[j] = real_exp(s[j] - m);
        real sum = sum_row(s + lo, seen), f = 1 / sum;
        for (int64_t j = lo; j <= i; j++) s[j] *= f;
        for (int64_t j = from; j < lo; j++) s[j] = 0;
        for (int64_t j = i + 1; j < to; j++) s[j] = 0;
        if (a->lse != NULL) a->lse[i] = m + (real)log((double)sum);
        if (a->dropout == NULL) continue;
        ISA(rows_mask)(a->dropout, a->mask_first + (uint64_t)(i * a->T + lo), seen, h->m);
        for (int64_t j = 0; j < seen; j++) s[lo + j] *= h->m[j];
    }
    return from;
}

/* Over blocks of rows i:  s = scale q k^T;  p = softmax(s) over the j that i sees;  out = (mask p) v. */
void ISA(heads_forward)(const attention_head *a, real *scratch) {
    head_scratch h = head_scratch_of(a, scratch);
    panels_transposed(a, a->k, h.Tp, h.kt);
    panels_straight(a->v, a->stride, a->T, a->D, h.Dp, h.vd);
    for (int64_t i0 = 0; i0 < a->T; i0 += BLOCK) {
        int64_t n = a->T - i0 < BLOCK ? a->T - i0 : BLOCK;
        int64_t from = weigh_block(a, i0, n, h.kt, &h), seen = i0 + n - from;
        for (int64_t d = 0; d < h.Dp; d += MICRO_COLUMNS)
            micro(n, seen, h.s + from, h.Tp, 1, h.vd + d * a->T + from * MICRO_COLUMNS, h.rows + d, h.Dp, false);
        put_rows(h.rows, n, h.Dp, a->D, a->out + i0 * a->out_stride, a->out_stride, 1);
    }
}

/* k and v of the rows at hand go into the cache. */
static void cache_rows(const attention_head *a) {
    for (int64_t j = a->first; j < a->T; j++) {
        const real *k = a->k + (j - a->first) * a->stride, *v = a->v + (j - a->first) * a->stride;
        real       *panel = a->keys + j / MICRO_COLUMNS * MICRO_COLUMNS * a->D + j % MICRO_COLUMNS;
        for (int64_t d = 0; d < a->D; d++) panel[d * MICRO_COLUMNS] = k[d];
        memcpy(a->values + j * a->D, v, (size_t)a->D * sizeof(real));
    }
}

/* attention_forward's sums in the same order, from the cache: the last columns of a row's sums are thrown away, they
 * belong to the next position (or to the room after the last). */
void ISA(heads_extend)(const attention_head *a, real *scratch) {
    head_scratch h = head_scratch_of(a, scratch);
    cache_rows(a);
    for (int64_t i0 = a->first; i0 < a->T; i0 += BLOCK) {
        int64_t n = a->T - i0 < BLOCK ? a->T - i0 : BLOCK;
        int64_t from = weigh_block(a, i0, n, a->keys, &h), seen = i0 + n - from;
        for (int64_t d = 0; d < a->D; d += MICRO_COLUMNS)
            micro_any(n, seen, h.s + from, h.Tp, 1, a->values + from * a->D + d, a->D, h.rows + d, h.Dp, false);
        put_rows(h.rows, n, h.Dp, a->D, a->out + (i0 - a->first) * a->out_stride, a->out_stride, 1);
    }
}

/* Restating the forward pass:  p = e^(scale q k^T - lse);  w = mask p;  out = w v.
 *   dv = w^T dout;  dw = dout v^T;  dp = mask dw;  ds = p (dp - sum_j p dp),  and  sum_j p dp = sum_j w dw = dout . out
 *   dq = scale ds k;  dk = scale ds^T q. */
void ISA(heads_backward)(const attention_head *a, real *scratch) {
    head_scratch h = head_scratch_of(a, scratch);
    panels_transposed(a, a->k, h.Tp, h.kt);
    panels_transposed(a, a->v, h.Tp, h.vt);
    panels_straight(a->k, a->stride, a->T, a->D, h.Dp, h.kd);
    memset(h.dk, 0, (size_t)(h.Dp * a->T) * sizeof(real));
    memset(h.dv, 0, (size_t)(h.Dp * a->T) * sizeof(real));
    for (int64_t i0 = 0; i0 < a->T; i0 += BLOCK) {
        int64_t     n = a->T - i0 < BLOCK ? a->T - i0 : BLOCK;
        int64_t     from = first_seen(a, i0) / MICRO_COLUMNS * MICRO_COLUMNS, to = round_up(i0 + n, MICRO_COLUMNS);
        const real *q = a->q + i0 * a->stride, *dout = a->dout + i0 * a->out_stride, *out = a->out + i0 * a->out_stride;
        times_transposed(q, a->stride, n, a, h.kt, h.Tp, from, to, h.s);
        times_transposed(dout, a->out_stride, n, a, h.vt, h.Tp, from, to, h.w);
        for (int64_t r = 0; r < n; r++) {
            int64_t i = i0 + r, lo = first_seen(a, i), seen = i + 1 - lo;
            real   *s = h.s + r * h.Tp, *w = h.w + r * h.Tp, lse = a->lse[i];
            real    delta = dot_row(dout + r * a->out_stride, out + r * a->out_stride, a->D);
            for (int64_t j = lo; j <= i; j++) s[j] = real_exp(real_fma(s[j], a->scale, -lse));
            if (a->dropout != NULL) {
                real *m = h.m;
                ISA(rows_mask)(a->dropout, a->mask_first + (uint64_t)(i * a->T + lo), seen, m);
                for (int64_t j = lo; j <= i; j++) {
                    real p = s[j];
                    s[j] = p * m[j - lo];                  /* w, for dv */
                    w[j] = p * (w[j] * m[j - lo] - delta); /* ds */
                }
            } else {
                for (int64_t j = lo; j <= i; j++) w[j] = s[j] * (w[j] - delta);
            }
            for (int64_t j = from; j < lo; j++) s[j] = w[j] = 0;
            for (int64_t j = i + 1; j < to; j++) s[j] = w[j] = 0;
        }
        int64_t seen = i0 + n - from;
        panels_straight(q, a->stride, n, a->D, h.Dp, h.qd);
        panels_straight(dout, a->out_stride, n, a->D, h.Dp, h.od);
        for (int64_t d = 0; d < h.Dp; d += MICRO_COLUMNS) {
            micro(n, seen, h.w + from, h.Tp, 1, h.kd + d * a->T + from * MICRO_COLUMNS, h.rows + d, h.Dp, false);
            micro(seen, n, h.w + from, 1, h.Tp, h.qd + d * n, h.dk + from * h.Dp + d, h.Dp, true);
            micro(seen, n, h.s + from, 1, h.Tp, h.od + d * n, h.dv + from * h.Dp + d, h.Dp, true);
        }
        put_rows(h.rows, n, h.Dp, a->D, a->dq + i0 * a->stride, a->stride, a->scale);
    }
    put_rows(h.dk, a->T, h.Dp, a->D, a->dk, a->stride, a->scale);
    put_rows(h.dv, a->T, h.Dp, a->D, a->dv, a->stride, 1);
}
