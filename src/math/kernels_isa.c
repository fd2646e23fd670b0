/* kernels_isa.c - every kernel, compiled once for each instruction set (-DCANTO_ISA=portable, avx2, avx512, neon).
 *
 * Invariants: a sum runs in ascending order inside vectors of VL lanes, then over the lanes in a fixed tree; an element of
 * a product is one chain over k. Nothing here allocates, and nothing depends on addresses. */
#include "math/kernels.h"
#include "math/simd.h"

#define NAME_OF2(isa) kernels_##isa
#define NAME_OF(isa) NAME_OF2(isa)
#define TEXT_OF2(isa) #isa
#define TEXT_OF(isa) TEXT_OF2(isa)

#define INLINE static inline __attribute__((always_inline))

/* ---------------------------------------------------------------------------------------- matrix products */

/* rows x MICRO_COLUMNS elements of C += A B over kc steps; b's rows are b_row elements apart. The chain of an element
 * starts from c when load is set, else from 0. rows is a constant wherever this is inlined. */
INLINE void micro_rows(int rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                       ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    vec acc[MICRO_ROWS][MICRO_VECTORS];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < MICRO_VECTORS; v++) acc[i][v] = load ? vec_load(c + i * c_row + v * VL) : (vec){0};
    for (int64_t k = 0; k < kc; k++) {
        vec bv[MICRO_VECTORS];
        for (int v = 0; v < MICRO_VECTORS; v++) bv[v] = vec_load(b + v * VL);
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(a[i * a_row]);
            for (int v = 0; v < MICRO_VECTORS; v++) acc[i][v] = vec_fma(x, bv[v], acc[i][v]);
        }
        a += a_column;
        b += b_row;
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < MICRO_VECTORS; v++) vec_store(c + i * c_row + v * VL, acc[i][v]);
}

INLINE void micro_any(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                      ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    while (rows >= MICRO_ROWS) {
        micro_rows(MICRO_ROWS, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += MICRO_ROWS * a_row;
        c += MICRO_ROWS * c_row;
        rows -= MICRO_ROWS;
    }
    while (rows >= 4) {
        micro_rows(4, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += 4 * a_row;
        c += 4 * c_row;
        rows -= 4;
    }
    while (rows >= 1) {
        micro_rows(1, kc, a, a_row, a_column, b, b_row, c, c_row, load);
        a += a_row;
        c += c_row;
        rows -= 1;
    }
}

/* b is packed [kc][MICRO_COLUMNS]. */
static void micro(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b, real *c,
                  ptrdiff_t c_row, bool load) {
    micro_any(rows, kc, a, a_row, a_column, b, MICRO_COLUMNS, c, c_row, load);
}

/* B's rows [k0, k0 + kc) and columns [n, n + MICRO_COLUMNS) -> packed [kc][MICRO_COLUMNS], zeros past column n1. */
static void pack_panel(const gemm *g, int64_t k0, int64_t kc, int64_t n, int64_t n1, real *packed) {
    int64_t     columns = n1 - n < MICRO_COLUMNS ? n1 - n : MICRO_COLUMNS;
    const real *b = g->b + k0 * g->b_row + n * g->b_column;
    if (columns < MICRO_COLUMNS) memset(packed, 0, (size_t)(kc * MICRO_COLUMNS) * sizeof(real));
    if (g->b_column == 1) {
        if (columns == MICRO_COLUMNS)
            for (int64_t k = 0; k < kc; k++)
                memcpy(packed + k * MICRO_COLUMNS, b + k * g->b_row, MICRO_COLUMNS * sizeof(real));
        else
            for (int64_t k = 0; k < kc; k++)
                memcpy(packed + k * MICRO_COLUMNS, b + k * g->b_row, (size_t)columns * sizeof(real));
        return;
    }
    for (int64_t k = 0; k < kc; k++)
        for (int64_t j = 0; j < columns; j++) packed[k * MICRO_COLUMNS + j] = b[k * g->b_row + j * g->b_column];
}

/* A panel at the right edge: through a full-width copy of C, block by block of rows. */
static void edge_panel(const gemm *g, int64_t m0, int64_t m1, int64_t n, int64_t columns, int64_t k0, int64_t kc,
                       const real *packed, bool load, real *edge) {
    for (int64_t m = m0; m < m1; m += MICRO_ROWS) {
        int64_t rows = m1 - m < MICRO_ROWS ? m1 - m : MICRO_ROWS;
        if (load)
            for (int64_t i = 0; i < rows; i++)
                memcpy(edge + i * MICRO_COLUMNS, g->c + (m + i) * g->c_row + n, (size_t)columns * sizeof(real));
        micro(rows, kc, g->a + m * g->a_row + k0 * g->a_column, g->a_row, g->a_column, packed, edge, MICRO_COLUMNS,
              load);
        for (int64_t i = 0; i < rows; i++)
            memcpy(g->c + (m + i) * g->c_row + n, edge + i * MICRO_COLUMNS, (size_t)columns * sizeof(real));
    }
}

static void gemm_tile(const gemm *g, int64_t m0, int64_t m1, int64_t n0, int64_t n1, real *scratch) {
    real *edge = scratch + GEMM_COLUMNS * GEMM_DEPTH;
    memset(edge, 0, 2 * 32 * 16 * sizeof(real));
    for (int64_t k0 = 0; k0 < g->K || k0 == 0; k0 += GEMM_DEPTH) {
        int64_t kc = g->K - k0 < GEMM_DEPTH ? g->K - k0 : GEMM_DEPTH;
        bool    load = g->accumulate || k0 > 0;
        for (int64_t n = n0; n < n1; n += MICRO_COLUMNS) {
            int64_t columns = n1 - n < MICRO_COLUMNS ? n1 - n : MICRO_COLUMNS;
            pack_panel(g, k0, kc, n, n1, scratch);
            if (columns < MICRO_COLUMNS) edge_panel(g, m0, m1, n, columns, k0, kc, scratch, load, edge);
            else
                micro(m1 - m0, kc, g->a + m0 * g->a_row + k0 * g->a_column, g->a_row, g->a_column, scratch,
                      g->c + m0 * g->c_row + n, g->c_row, load);
        }
    }
    if (g->bias == NULL) return;
    for (int64_t m = m0; m < m1; m++)
        for (int64_t n = n0; n < n1; n++) g->c[m * g->c_row + n] += g->bias[n];
}

/* ------------------------------------------------------------------------------------------- row by row */

static void norm_rows(const real *x, const real *weight, const real *bias, real *y, real *mean, real *rstd,
                      int64_t rows, int64_t C, real eps) {
    for (int64_t r = 0; r < rows; r++, x += C, y += C) {
        real m = sum_row(x, C) / (real)C;
        for (int64_t c = 0; c < C; c++) y[c] = x[c] - m;
        real s = 1 / (real)sqrt((double)(dot_row(y, y, C) / (real)C + eps));
        for (int64_t c = 0; c < C; c++) y[c] = real_fma(y[c] * s, weight[c], bias[c]);
        mean[r] = m;
        rstd[r] = s;
    }
}

/* With n = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - n mean(g n)). */
static void norm_rows_backward(const real *dy, const real *x, const real *weight, const real *mean, const real *rstd,
                               real *dx, int64_t rows, int64_t C) {
    for (int64_t r = 0; r < rows; r++, dy += C, x += C, dx += C) {
        vec     sg = {0}, sgn = {0}, m = vec_set(mean[r]), s = vec_set(rstd[r]);
        int64_t c = 0;
        for (; c + VL <= C; c += VL) {
            vec g = vec_load(dy + c) * vec_load(weight + c);
            sg += g;
            sgn = vec_fma(g, (vec_load(x + c) - m) * s, sgn);
        }
        real tg = vec_sum(sg), tgn = vec_sum(sgn);
        for (; c < C; c++) {
            real g = dy[c] * weight[c];
            tg += g;
            tgn = real_fma(g, (x[c] - mean[r]) * rstd[r], tgn);
        }
        tg /= (real)C;
        tgn /= (real)C;
        for (c = 0; c < C; c++) dx[c] = rstd[r] * (dy[c] * weight[c] - tg - (x[c] - mean[r]) * rstd[r] * tgn);
    }
}

#define GELU_C ((real)0.7978845608028654) /* sqrt(2 / pi) */
#define GELU_A ((real)0.044715)
#define HALF_ROOT ((real)0.7071067811865476)   /* 1 / sqrt(2) */
#define NORMAL_PEAK ((real)0.3989422804014327) /* 1 / sqrt(2 pi) */

/* 0.5 x (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
static void activate(activation_kind kind, const real *restrict x, real *restrict y, int64_t n) {
    if (kind == ACTIVATION_GELU_TANH)
        for (int64_t i = 0; i < n; i++) {
            real u = GELU_C * real_fma(GELU_A * x[i] * x[i], x[i], x[i]);
            y[i] = x[i] / (1 + real_exp(-2 * u));
        }
    else if (kind == ACTIVATION_GELU_EXACT)
        for (int64_t i = 0; i < n; i++) y[i] = (real)0.5 * x[i] * (1 + real_erf(x[i] * HALF_ROOT));
    else
        for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

static void activate_backward(activation_kind kind, const real *x, const real *dy, real *dx, int64_t n) {
    if (kind == ACTIVATION_GELU_TANH)
        for (int64_t i = 0; i < n; i++) {
            real u = GELU_C * real_fma(GELU_A * x[i] * x[i], x[i], x[i]);
            real e = real_exp(-2 * u), s = 1 / (1 + e); /* 1 - s = e s, without cancellation */
            real du = GELU_C * real_fma(3 * GELU_A * x[i], x[i], 1);
            dx[i] = dy[i] * (s + x[i] * s * (e * s) * 2 * du);
        }
    else if (kind == ACTIVATION_GELU_EXACT)
        for (int64_t i = 0; i < n; i++) {
            real phi = (real)0.5 * (1 + real_erf(x[i] * HALF_ROOT));
            dx[i] = dy[i] * real_fma(x[i], NORMAL_PEAK * real_exp((real)-0.5 * x[i] * x[i]), phi);
        }
    else
        for (int64_t i = 0; i < n; i++) dx[i] = x[i] > 0 ? dy[i] : 0;
}

static real largest(const real *x, int64_t n) {
    real m = x[0];
    for (int64_t i = 1; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

/* loss = log sum e^(z - m) + m - z[target]; d loss / d z = softmax(z) - one-hot(target). */
static real cross_entropy(real *logits, int64_t V, uint32_t target, bool gradient, real scale) {
    real m = largest(logits, V), z = logits[target];
    for (int64_t i = 0; i < V; i++) logits[i] = real_exp(logits[i] - m);
    real sum = sum_row(logits, V);
    real loss = (real)log((double)sum) + m - z;
    if (!gradient) return loss;
    real f = scale / sum;
    for (int64_t i = 0; i < V; i++) logits[i] *= f;
    logits[target] -= scale;
    return loss;
}

/* Two rounds of a 32-bit mix, keyed in between: whether an element is kept depends on (key, index) alone. */
static void mask_row(const mask *m, uint64_t first, int64_t n, real *out) {
    if (m->bits != NULL) {
        for (int64_t i = 0; i < n; i++) {
            uint64_t bit = m->first_bit + first + (uint64_t)i;
            out[i] = (m->bits[bit >> 3] >> (bit & 7)) & 1 ? m->scale : 0;
        }
        return;
    }
    uint32_t k0 = (uint32_t)m->key, k1 = (uint32_t)(m->key >> 32) ^ (uint32_t)(first >> 32), base = (uint32_t)first;
    uint32_t threshold = m->threshold;
    real     scale = m->scale;
    for (int64_t i = 0; i < n; i++) {
        uint32_t x = (base + (uint32_t)i) ^ k0;
        x ^= x >> 16;
        x *= 0x7feb352dU;
        x ^= x >> 15;
        x *= 0x846ca68bU;
        x ^= x >> 16;
        x += k1;
        x ^= x >> 16;
        x *= 0x7feb352dU;
        x ^= x >> 15;
        x *= 0x846ca68bU;
        x ^= x >> 16;
        out[i] = x >= threshold ? scale : 0;
    }
}

/* ------------------------------------------------------------------------------------------- attention */

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
        mask_row(a->dropout, a->mask_first + (uint64_t)(i * a->T + lo), seen, h->m);
        for (int64_t j = 0; j < seen; j++) s[lo + j] *= h->m[j];
    }
    return from;
}

/* Over blocks of rows i:  s = scale q k^T;  p = softmax(s) over the j that i sees;  out = (mask p) v. */
static void attention_forward(const attention_head *a, real *scratch) {
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
static void attention_extend(const attention_head *a, real *scratch) {
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
static void attention_backward(const attention_head *a, real *scratch) {
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
                mask_row(a->dropout, a->mask_first + (uint64_t)(i * a->T + lo), seen, m);
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

/* ------------------------------------------------------------------------------------------- the machine's limit */

/* Chains x = a x + b that do not wait for each other: enough to hide the latency, few enough for 16 registers. */
static double fma_probe(int64_t rounds, real *sink) {
    enum { CHAINS = 12 };
    vec x[CHAINS], a = vec_set((real)0.999), b = vec_set((real)0.001), s = {0};
    for (int i = 0; i < CHAINS; i++) x[i] = vec_set((real)i);
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++) x[i] = vec_fma(x[i], a, b);
    for (int i = 0; i < CHAINS; i++) s += x[i];
    *sink = vec_sum(s);
    return 2.0 * CHAINS * VL * (double)rounds;
}

extern const kernels NAME_OF(CANTO_ISA);
const kernels        NAME_OF(CANTO_ISA) = {
           .name = TEXT_OF(CANTO_ISA),
           .gemm_tile = gemm_tile,
           .norm_rows = norm_rows,
           .norm_rows_backward = norm_rows_backward,
           .activate = activate,
           .activate_backward = activate_backward,
           .attention_forward = attention_forward,
           .attention_extend = attention_extend,
           .attention_backward = attention_backward,
           .cross_entropy = cross_entropy,
           .mask_row = mask_row,
           .fma_probe = fma_probe,
};
