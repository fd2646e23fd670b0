/* heads_isa.c - attention of one head over one sequence: forward, from a cache, and backward.
 *
 * The products have LANES positions side by side in vectors and everything else as broadcast numbers, so that nothing is
 * summed across lanes and neither T nor D has to be a multiple of anything. There is never more of the scores than a tile:
 *
 *     forward: lanes are queries i      keys j ->  [ chunk | chunk | .. ]    scores[j][i] of one chunk at a time; a running
 *                                       queries i  [   tile            ]     softmax goes down the columns; out transposed
 *     backward: lanes are keys j        p[i][j] of CHUNK queries at a time; d k and d v, transposed, stay near over them;
 *                                       d q alone gathers in memory, block by block
 *
 * Tiles that nobody in them sees, ahead of the diagonal or behind the window, are never made.
 *
 * Running softmax (Milakov and Gimelshein 2018; Dao 2022): m is the largest score so far, sum and out are relative to it,
 * and when a chunk brings a larger one they are multiplied by e^(old m - new m) before they go on. Chunks begin at
 * multiples of CHUNK positions wherever a query's first visible key lies, so that the order of operations is the query's own.
 *
 * Invariants: every sum is one chain in ascending order (over d, over j, over i; dout . out alone is VL chains), so a
 * result does not depend on how the queries are cut: the pass from a cache, whose lanes are keys and then d, has the same
 * bits. What position i does not see counts as exactly 0. Nothing here allocates, and nothing depends on addresses. */
#include "math/edges.h"
#include "math/micro.h"

#define LANES (2 * VL)
#define CHUNK 64         /* rows at a time, so that they stay in the first cache; panels of a cache fit into it */
_Static_assert(CHUNK % LANES == 0, "a chunk of keys is whole panels");
#define EXTEND_ROWS 12   /* queries at a time from a cache */
#define SCRATCH_PIECE 16 /* pieces of scratch begin at multiples of so many elements */

/* How a mask is made: not at all, VL elements at once, or one by one. */
typedef enum mask_way { MASK_NONE, MASK_LANES, MASK_SINGLY } mask_way;

/* One by one: stored bits, and a hash whose elements [first, last] do not share the upper half of their numbers. */
static mask_way mask_way_of(const mask *m, uint64_t first, uint64_t last) {
    if (m == NULL) return MASK_NONE;
    return m->bits != NULL || (first ^ last) >> 32 != 0 ? MASK_SINGLY : MASK_LANES;
}

static vec mask_singly(const mask *m, uint64_t first, uint64_t step) {
    vec x = {0};
    for (int i = 0; i < VL; i++) x[i] = mask_part_vec(m, first + (uint64_t)i * step, 1)[0];
    return x;
}

/* Mask elements first, first + step, ...: rows_mask's. */
INLINE vec mask_apart(mask_way way, const mask *m, uint64_t first, uint64_t step) {
    if (way == MASK_SINGLY) return mask_singly(m, first, step);
    uvec index = (uint32_t)first + uvec_lanes() * (uint32_t)step, high = (uint32_t)(first >> 32) - (uvec){0};
    return mask_of_hash(m, mask_hash(index, m->key, high));
}

/* ----------------------------------------------------------------------------------------------- products and places */

static void multiply_1(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row, ptrdiff_t a_column, const real *b,
                       ptrdiff_t b_row, real *c, ptrdiff_t c_row, bool load) {
    micro_all(rows, 1, kc, a, a_row, a_column, b, b_row, c, c_row, load);
}

/* Once for all: the tiles of every height are much code. */
static __attribute__((noinline)) void multiply_2(int64_t rows, int64_t kc, const real *a, ptrdiff_t a_row,
                                                 ptrdiff_t a_column, const real *b, ptrdiff_t b_row, real *c,
                                                 ptrdiff_t c_row, bool load) {
    micro_all(rows, 2, kc, a, a_row, a_column, b, b_row, c, c_row, load);
}

/* Rows of c are LANES wide, a lies by rows or by columns. */
static void product_by_rows(int64_t rows, int64_t steps, const real *a, ptrdiff_t a_row, const real *b, real *c) {
    multiply_2(rows, steps, a, a_row, 1, b, LANES, c, LANES, false);
}

static void product_by_columns(int64_t rows, int64_t steps, const real *a, ptrdiff_t a_step, const real *b, real *c,
                               bool load) {
    multiply_2(rows, steps, a, 1, a_step, b, LANES, c, LANES, load);
}

/* c[rows, Dp] += a[rows, steps] b[steps, Dp], rows of a LANES apart, Dp a multiple of VL. */
static void product_gather(int64_t rows, int64_t steps, const real *a, const real *b, int64_t Dp, real *c) {
    int64_t d = 0;
    for (; d + 2 * VL <= Dp; d += 2 * VL) multiply_2(rows, steps, a, LANES, 1, b + d, Dp, c + d, Dp, true);
    for (; d < Dp; d += VL) multiply_1(rows, steps, a, LANES, 1, b + d, Dp, c + d, Dp, true);
}

INLINE int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

INLINE int64_t clamp(int64_t n, int64_t low, int64_t high) { return n < low ? low : n > high ? high : n; }

static real *take(real **p, int64_t n) {
    real *piece = *p;
    *p += round_up(n, SCRATCH_PIECE);
    return piece;
}

/* x[rows, D] -> out[D][LANES], lanes from `rows` on 0. */
static void lanes_from_rows(const real *x, ptrdiff_t stride, int64_t rows, int64_t D, real *out) {
    int64_t d = 0;
    for (; d + VL <= D; d += VL)
        for (int64_t l = 0; l < LANES; l += VL) {
            vec v[VECTOR_BYTES / sizeof(real)];
            for (int i = 0; i < VL; i++) v[i] = l + i < rows ? vec_load(x + (l + i) * stride + d) : (vec){0};
            vec_transpose(v);
            for (int i = 0; i < VL; i++) vec_store(out + (d + i) * LANES + l, v[i]);
        }
    for (; d < D; d++)
        for (int64_t l = 0; l < LANES; l++) out[d * LANES + l] = l < rows ? x[l * stride + d] : 0;
}

/* out[rows, D] = in[D][LANES] transposed, lane l times scale[l]. */
static void rows_from_lanes(const real *in, const real *scale, int64_t rows, int64_t D, real *out, ptrdiff_t stride) {
    int64_t d = 0;
    for (; d + VL <= D; d += VL)
        for (int64_t l = 0; l < rows; l += VL) {
            vec v[VECTOR_BYTES / sizeof(real)], f = vec_load(scale + l);
            for (int i = 0; i < VL; i++) v[i] = vec_load(in + (d + i) * LANES + l) * f;
            vec_transpose(v);
            for (int i = 0; i < VL; i++)
                if (l + i < rows) vec_store(out + (l + i) * stride + d, v[i]);
        }
    for (; d < D; d++)
        for (int64_t l = 0; l < rows; l++) out[l * stride + d] = in[d * LANES + l] * scale[l];
}

/* out[rows, width] = scale x[rows, D], zeros from D on; or of out alone D elements a row when width is D. */
static void put_rows(const real *x, ptrdiff_t stride, int64_t rows, int64_t D, real scale, real *out, ptrdiff_t width) {
    for (int64_t i = 0; i < rows; i++, x += stride, out += width) {
        int64_t d = 0;
        for (; d + VL <= D; d += VL) vec_store(out + d, vec_load(x + d) * vec_set(scale));
        for (; d < D; d++) out[d] = x[d] * scale;
    }
}

/* ---------------------------------------------------------------------------------------------------- what is seen */

/* i sees j when j <= i < j + window. */
INLINE int64_t window_of(const attention_head *a) { return a->window > 0 && a->window < a->T ? a->window : a->T; }

/* Rows [at[0], at[5]) beside VL lanes: from at[2] to at[3] all lanes are seen (or see), from at[1] and to at[4] some, at
 * the ends none. */
typedef struct span {
    int64_t at[6];
} span;

INLINE span span_of(int64_t from, int64_t some, int64_t all, int64_t all_end, int64_t some_end, int64_t to) {
    span s = {{from, some, all, all_end, some_end, to}};
    for (int k = 1; k < 5; k++) s.at[k] = clamp(s.at[k], s.at[k - 1], to);
    return s;
}

/* Lanes l with low <= l < high. */
INLINE ivec lanes_between(int64_t low, int64_t high) {
    ivec lane = {0};
    for (int i = 0; i < VL; i++) lane[i] = (lane_bits)i;
    return (lane >= (lane_bits)clamp(low, 0, VL)) & (lane < (lane_bits)clamp(high, 0, VL));
}

INLINE void clear_lanes(real *x, int64_t from, int64_t to) {
    for (int64_t r = from; r < to; r++) vec_store(x + r * LANES, (vec){0});
}

/* ------------------------------------------------------------------------------------------------------------ forward */

#define LOWEST ((real)-1e30) /* below every score's worth */

/* The largest of rows [from, to) of s. */
INLINE vec largest_of(const real *s, int64_t from, int64_t to, bool edge, int64_t i, int64_t window, vec m) {
    for (int64_t j = from; j < to; j++) {
        vec x = vec_load(s + j * LANES);
        if (edge) {
            ivec seen = lanes_between(j - i, j - i + window);
            x = (vec)((seen & (ivec)x) | (~seen & (ivec)vec_set(LOWEST)));
        }
        m = vec_max(x, m);
    }
    return m;
}

/* s = mask e^(scale s + shift) in rows j .. j + n - 1; returns sum + their sum before the mask. mask_first: of row 0. */
INLINE vec weigh_rows(int n, const attention_head *a, real *s, int64_t j, bool edge, int64_t i, int64_t window,
                      mask_way way, const mask *m, vec shift, vec sum) {
    vec e[VECS], scale = vec_set(a->scale);
    UNROLLED
    for (int r = 0; r < n; r++) e[r] = vec_fma(vec_load(s + (j + r) * LANES), scale, shift);
    vec_exps(n, e);
    UNROLLED
    for (int r = 0; r < n; r++) {
        if (edge) e[r] = vec_if(lanes_between(j + r - i, j + r - i + window), e[r]);
        sum += e[r];
        if (way != MASK_NONE) e[r] *= mask_apart(way, m, a->mask_first + (uint64_t)(i * a->T + j + r), (uint64_t)a->T);
        vec_store(s + (j + r) * LANES, e[r]);
    }
    return sum;
}

/* Rows [from, to), two at a time: their exponentials do not wait for each other. */
INLINE vec weigh(const attention_head *a, real *s, int64_t from, int64_t to, bool edge, int64_t i, int64_t window,
                 mask_way way, vec shift, vec sum) {
    mask    m = way != MASK_NONE ? *a->dropout : (mask){0}; /* a copy: the stores cannot change it */
    int64_t j = from;
    for (; j + 2 <= to; j += 2) sum = weigh_rows(2, a, s, j, edge, i, window, way, &m, shift, sum);
    if (j < to) sum = weigh_rows(1, a, s, j, edge, i, window, way, &m, shift, sum);
    return sum;
}

INLINE vec weigh_span(const attention_head *a, real *s, span p, int64_t i, int64_t window, mask_way way, vec shift,
                      vec sum) {
    sum = weigh(a, s, p.at[1], p.at[2], true, i, window, way, shift, sum);
    sum = weigh(a, s, p.at[2], p.at[3], false, i, window, way, shift, sum);
    return weigh(a, s, p.at[3], p.at[4], true, i, window, way, shift, sum);
}

#define SOFTMAX_ROWS (LANES > EXTEND_ROWS ? LANES : EXTEND_ROWS)

/* What is known of LANES queries, or EXTEND_ROWS, after some chunks of keys: the largest scale s, the sum of
 * e^(scale s - most), and what the last chunk has made of all before it. */
typedef struct softmax {
    real most[SOFTMAX_ROWS], sum[SOFTMAX_ROWS], again[SOFTMAX_ROWS];
} softmax;

static void softmax_begin(softmax *x) {
    for (int l = 0; l < SOFTMAX_ROWS; l++) x->most[l] = LOWEST, x->sum[l] = 0, x->again[l] = 1;
}

static bool all_once(const real *again) {
    for (int l = 0; l < LANES; l++)
        if (again[l] != 1) return false;
    return true;
}

/* Queries i to i + VL - 1, lanes l on, rows [0, rows) of s being keys from `from` on:  s = mask e^(scale s - most). */
static void weigh_lanes(const attention_head *a, int64_t from, int64_t rows, int64_t i, real *s, softmax *x,
                        int64_t l) {
    int64_t window = window_of(a);
    s -= from * LANES;
    span p = span_of(from, i - window + 1, i + VL - window, i + 1, i + VL, from + rows);
    vec  m = vec_set(LOWEST), before = vec_load(x->most + l);
    m = largest_of(s, p.at[1], p.at[2], true, i, window, m);
    m = largest_of(s, p.at[2], p.at[3], false, i, window, m);
    m = largest_of(s, p.at[3], p.at[4], true, i, window, m) * vec_set(a->scale);
    m = vec_max(m, before);
    vec again = vec_exp(before - m), sum = vec_load(x->sum + l) * again;
    uint64_t first = a->mask_first + (uint64_t)(i * a->T + from);
    mask_way way = mask_way_of(a->dropout, first, first + (uint64_t)((VL - 1) * a->T + rows));
    if (way == MASK_NONE) sum = weigh_span(a, s, p, i, window, MASK_NONE, -m, sum);
    else if (way == MASK_LANES) sum = weigh_span(a, s, p, i, window, MASK_LANES, -m, sum);
    else sum = weigh_span(a, s, p, i, window, MASK_SINGLY, -m, sum);
    clear_lanes(s, p.at[0], p.at[1]);
    clear_lanes(s, p.at[4], p.at[5]);
    vec_store(x->most + l, m);
    vec_store(x->sum + l, sum);
    vec_store(x->again + l, again);
}

/* factor = 1 / sum, lse = most + log sum: p = e^(scale s - lse) */
static void softmax_end(const softmax *x, real *factor, real *lse) {
    for (int64_t l = 0; l < LANES; l += VL) {
        vec sum = vec_load(x->sum + l);
        vec_store(factor + l, vec_set(1) / sum);
        vec_store(lse + l, vec_load(x->most + l) + vec_log(sum));
    }
}

/* out[D][LANES] so far *= again */
static void scale_lanes(int64_t D, const real *again, real *out) {
    if (all_once(again)) return;
    for (int64_t d = 0; d < D; d++)
        for (int64_t l = 0; l < LANES; l += VL)
            vec_store(out + d * LANES + l, vec_load(out + d * LANES + l) * vec_load(again + l));
}

/* The end of the chunk that position j is in, or of the last position. */
INLINE int64_t chunk_end(int64_t j, int64_t to) { return clamp((j / CHUNK + 1) * CHUNK, 0, to); }

/* For a block of queries i, chunk by chunk of keys j:  s = k q^T;  p = softmax(scale s) over the j that i sees;
 * out = (mask p) v. */
void ISA(heads_forward)(const attention_head *a, real *scratch) {
    int64_t T = a->T, D = a->D;
    real   *k = take(&scratch, T * D), *v = take(&scratch, T * D), *q = take(&scratch, D * LANES);
    real   *s = take(&scratch, CHUNK * LANES), *out = take(&scratch, D * LANES), factor[LANES], lse[LANES];
    softmax x;
    put_rows(a->k, a->stride, T, D, 1, k, D);
    put_rows(a->v, a->stride, T, D, 1, v, D);
    for (int64_t i0 = 0; i0 < T; i0 += LANES) {
        int64_t n = clamp(T - i0, 0, LANES), from = clamp(i0 - window_of(a) + 1, 0, T);
        lanes_from_rows(a->q + i0 * a->stride, a->stride, n, D, q);
        softmax_begin(&x);
        for (int64_t j = from, end; j < i0 + n; j = end) {
            end = chunk_end(j, i0 + n);
            product_by_rows(end - j, D, k + j * D, D, q, s);
            for (int64_t l = 0; l < LANES; l += VL) weigh_lanes(a, j, end - j, i0 + l, s + l, &x, l);
            if (j > from) scale_lanes(D, x.again, out);
            product_by_columns(D, end - j, v + j * D, D, s, out, j > from);
        }
        softmax_end(&x, factor, lse);
        rows_from_lanes(out, factor, n, D, a->out + i0 * a->out_stride, a->out_stride);
        if (a->lse != NULL) memcpy(a->lse + i0, lse, (size_t)n * sizeof(real));
    }
}

/* ------------------------------------------------------------------------------------------------------- from a cache */

/* k and v of the rows at hand go into the cache: keys in panels [D][LANES] over j, values as they are. */
static void cache_rows(const attention_head *a) {
    for (int64_t j = a->first; j < a->T; j++) {
        const real *k = a->k + (j - a->first) * a->stride, *v = a->v + (j - a->first) * a->stride;
        real       *panel = a->keys + j / LANES * LANES * a->D + j % LANES;
        for (int64_t d = 0; d < a->D; d++) panel[d * LANES] = k[d];
        memcpy(a->values + j * a->D, v, (size_t)a->D * sizeof(real));
    }
}

/* weigh_lanes for one query, number r of the softmax: s[0, n) are the scores of a chunk that it sees, if any. */
static void weigh_row(const attention_head *a, real *s, int64_t n, softmax *of, int64_t r) {
    real    m = LOWEST, sum, x[VECTOR_BYTES / sizeof(real)] = {0};
    vec     most = vec_set(m), scale = vec_set(a->scale);
    int64_t j = 0;
    for (; j + VL <= n; j += VL) most = vec_max(vec_load(s + j), most);
    for (int l = 0; l < VL; l++) m = most[l] > m ? most[l] : m;
    for (; j < n; j++) m = s[j] > m ? s[j] : m;
    m *= a->scale;
    if (m < of->most[r]) m = of->most[r];
    of->again[r] = vec_exp(vec_set(of->most[r] - m))[0];
    of->most[r] = m;
    sum = of->sum[r] * of->again[r];
    vec shift = vec_set(-m);
    for (j = 0; j + VL <= n; j += VL) vec_store(s + j, vec_exp(vec_fma(vec_load(s + j), scale, shift)));
    memcpy(x, s + j, (size_t)(n - j) * sizeof(real));
    vec_store(x, vec_exp(vec_fma(vec_load(x), scale, shift)));
    memcpy(s + j, x, (size_t)(n - j) * sizeof(real));
    for (j = 0; j < n; j++) sum += s[j];
    of->sum[r] = sum;
}

/* Row r of the weights of a chunk [j, end): zeros where its query, at position i, does not see. */
static void weigh_chunk_row(const attention_head *a, real *s, int64_t j, int64_t end, int64_t i, softmax *x,
                            int64_t r) {
    int64_t low = clamp(i - window_of(a) + 1, j, end), high = clamp(i + 1, low, end);
    weigh_row(a, s + (low - j), high - low, x, r);
    for (int64_t at = j; at < low; at++) s[at - j] = 0;
    for (int64_t at = high; at < end; at++) s[at - j] = 0;
}

/* heads_forward's chains, other lanes. The last columns of a product are thrown away: they belong to the next position, or
 * to the room after the last. */
void ISA(heads_extend)(const attention_head *a, real *scratch) {
    int64_t D = a->D, Dp = round_up(D, LANES), window = window_of(a);
    real   *s = take(&scratch, EXTEND_ROWS * CHUNK), *out = take(&scratch, EXTEND_ROWS * Dp);
    softmax x;
    cache_rows(a);
    for (int64_t i0 = a->first; i0 < a->T; i0 += EXTEND_ROWS) {
        int64_t     n = clamp(a->T - i0, 0, EXTEND_ROWS), from = clamp(i0 - window + 1, 0, a->T);
        const real *q = a->q + (i0 - a->first) * a->stride;
        softmax_begin(&x);
        for (int64_t j = from, end; j < i0 + n; j = end) {
            int64_t chunk = j / CHUNK * CHUNK;
            end = chunk_end(j, i0 + n);
            for (int64_t panel = j / LANES * LANES; panel < end; panel += LANES)
                multiply_2(n, D, q, a->stride, 1, a->keys + panel * D, LANES, s + (panel - chunk), CHUNK, false);
            for (int64_t r = 0; r < n; r++) {
                weigh_chunk_row(a, s + r * CHUNK + (j - chunk), j, end, i0 + r, &x, r);
                for (int64_t d = 0; j > from && x.again[r] != 1 && d < D; d++) out[r * Dp + d] *= x.again[r];
            }
            for (int64_t d = 0; d < D; d += LANES)
                multiply_2(n, end - j, s + (j - chunk), CHUNK, 1, a->values + j * D + d, D, out + d, Dp, j > from);
        }
        for (int64_t r = 0; r < n; r++)
            put_rows(out + r * Dp, Dp, 1, D, 1 / x.sum[r], a->out + (i0 + r - a->first) * a->out_stride,
                     a->out_stride);
    }
}

/* ----------------------------------------------------------------------------------------------------------- backward */

/* Rows i .. i + n - 1 of s and w, VL keys j in the lanes:  p = e^(scale s - lse);  s = mask p;  w = p (mask w - delta).
 * element: mask element (0, j). */
INLINE void weigh_back_rows(int n, const attention_head *a, const real *lse, const real *delta, real *s, real *w,
                            int64_t i, bool edge, int64_t j, int64_t window, mask_way way, const mask *m,
                            uint64_t element) {
    vec p[VECS], scale = vec_set(a->scale);
    UNROLLED
    for (int r = 0; r < n; r++) p[r] = vec_fma(vec_load(s + (i + r) * LANES), scale, -vec_set(lse[i + r]));
    vec_exps(n, p);
    UNROLLED
    for (int r = 0; r < n; r++) {
        int64_t at = i + r;
        vec     dp = vec_load(w + at * LANES), minus = vec_set(-delta[at]), kept;
        if (edge) p[r] = vec_if(lanes_between(at - j - window + 1, at - j + 1), p[r]);
        kept = p[r];
        if (way != MASK_NONE) {
            vec keep = mask_apart(way, m, element + (uint64_t)(at * a->T), 1);
            kept = p[r] * keep;
            dp = vec_fma(dp, keep, minus);
        } else dp += minus;
        vec_store(s + at * LANES, kept);
        vec_store(w + at * LANES, p[r] * dp);
    }
}

/* Rows [from, to), two at a time. */
INLINE void weigh_back(const attention_head *a, const real *delta, real *s, real *w, int64_t from, int64_t to,
                       bool edge, int64_t j, int64_t window, mask_way way) {
    mask        m = way != MASK_NONE ? *a->dropout : (mask){0}; /* copies: the stores cannot change them */
    const real *lse = a->lse;
    uint64_t    element = a->mask_first + (uint64_t)j;
    int64_t     i = from;
    for (; i + 2 <= to; i += 2) weigh_back_rows(2, a, lse, delta, s, w, i, edge, j, window, way, &m, element);
    if (i < to) weigh_back_rows(1, a, lse, delta, s, w, i, edge, j, window, way, &m, element);
}

INLINE void weigh_back_span(const attention_head *a, const real *delta, real *s, real *w, span p, int64_t j,
                            int64_t window, mask_way way) {
    weigh_back(a, delta, s, w, p.at[1], p.at[2], true, j, window, way);
    weigh_back(a, delta, s, w, p.at[2], p.at[3], false, j, window, way);
    weigh_back(a, delta, s, w, p.at[3], p.at[4], true, j, window, way);
}

static void weigh_back_lanes(const attention_head *a, const real *delta, real *s, real *w, int64_t from, int64_t rows,
                             int64_t j) {
    int64_t window = window_of(a);
    s -= from * LANES;
    w -= from * LANES;
    span     p = span_of(from, j, j + VL - 1, j + window, j + VL - 1 + window, from + rows);
    uint64_t first = a->mask_first + (uint64_t)(from * a->T + j);
    mask_way way = mask_way_of(a->dropout, first, first + (uint64_t)(rows * a->T + VL));
    if (way == MASK_NONE) weigh_back_span(a, delta, s, w, p, j, window, MASK_NONE);
    else if (way == MASK_LANES) weigh_back_span(a, delta, s, w, p, j, window, MASK_LANES);
    else weigh_back_span(a, delta, s, w, p, j, window, MASK_SINGLY);
    clear_lanes(s, p.at[0], p.at[1]);
    clear_lanes(w, p.at[0], p.at[1]);
    clear_lanes(s, p.at[4], p.at[5]);
    clear_lanes(w, p.at[4], p.at[5]);
}

/* delta[i] = dout . out of row i, VL rows at a time: transposed, their lanes' sums are sums of vectors. Where fewer are left
 * the last one stands in for the missing ones. */
static void dot_rows(const attention_head *a, real *delta) {
    for (int64_t i = 0; i < a->T; i += VL) {
        ptrdiff_t at[VECTOR_BYTES / sizeof(real)];
        vec       x[VECTOR_BYTES / sizeof(real)] = {{0}}, sum = {0};
        int64_t   n = clamp(a->T - i, 0, VL), d = 0;
        for (int r = 0; r < VL; r++) at[r] = (r < n ? i + r : a->T - 1) * a->out_stride;
        for (; d + VL <= a->D; d += VL)
#pragma GCC unroll 16
            for (int r = 0; r < VL; r++)
                x[r] = vec_fma(vec_load(a->dout + at[r] + d), vec_load(a->out + at[r] + d), x[r]);
        vec_transpose(x);
        for (int l = 0; l < VL; l++) sum += x[l];
        for (; d < a->D; d++)
            for (int r = 0; r < VL; r++) sum[r] = real_fma(a->dout[at[r] + d], a->out[at[r] + d], sum[r]);
        real sums[VECTOR_BYTES / sizeof(real)];
        vec_store(sums, sum);
        memcpy(delta + i, sums, (size_t)n * sizeof(real));
    }
}

/* Restating the forward pass:  p = e^(scale q k^T - lse);  w = mask p;  out = w v.
 *   dv = w^T dout;  dw = dout v^T;  dp = mask dw;  ds = p (dp - sum_j p dp),  and  sum_j p dp = sum_j w dw = dout . out
 *   dq = ds (scale k);  dk = scale ds^T q.
 * For a block of keys j, all the queries that see some of them pass by, CHUNK at a time. */
void ISA(heads_backward)(const attention_head *a, real *scratch) {
    int64_t T = a->T, D = a->D, Dp = round_up(D, VL), window = window_of(a);
    real   *q = take(&scratch, T * D), *dout = take(&scratch, T * D), *dq = take(&scratch, T * Dp);
    real   *kt = take(&scratch, D * LANES), *vt = take(&scratch, D * LANES), *k = take(&scratch, LANES * Dp);
    real   *s = take(&scratch, CHUNK * LANES), *w = take(&scratch, CHUNK * LANES), *delta = take(&scratch, T);
    real   *dk = take(&scratch, D * LANES), *dv = take(&scratch, D * LANES), one[LANES], scale[LANES];
    for (int l = 0; l < LANES; l++) one[l] = 1, scale[l] = a->scale;
    put_rows(a->q, a->stride, T, D, 1, q, D);
    put_rows(a->dout, a->out_stride, T, D, 1, dout, D);
    dot_rows(a, delta);
    memset(dq, 0, (size_t)(T * Dp) * sizeof(real));
    memset(k, 0, (size_t)(LANES * Dp) * sizeof(real));
    for (int64_t j0 = 0; j0 < T; j0 += LANES) {
        int64_t n = clamp(T - j0, 0, LANES), end = clamp(j0 + n - 1 + window, 0, T);
        lanes_from_rows(a->k + j0 * a->stride, a->stride, n, D, kt);
        lanes_from_rows(a->v + j0 * a->stride, a->stride, n, D, vt);
        put_rows(a->k + j0 * a->stride, a->stride, n, D, a->scale, k, Dp);
        for (int64_t i = j0; i < end; i += CHUNK) {
            int64_t rows = clamp(end - i, 0, CHUNK);
            product_by_rows(rows, D, q + i * D, D, kt, s);
            product_by_rows(rows, D, dout + i * D, D, vt, w);
            for (int64_t l = 0; l < LANES; l += VL) weigh_back_lanes(a, delta, s + l, w + l, i, rows, j0 + l);
            product_by_columns(D, rows, dout + i * D, D, s, dv, i > j0);
            product_by_columns(D, rows, q + i * D, D, w, dk, i > j0);
            product_gather(rows, n, w, k, Dp, dq + i * Dp);
        }
        rows_from_lanes(dk, scale, n, D, a->dk + j0 * a->stride, a->stride);
        rows_from_lanes(dv, one, n, D, a->dv + j0 * a->stride, a->stride);
    }
    put_rows(dq, Dp, T, D, 1, a->dq, a->stride);
}
