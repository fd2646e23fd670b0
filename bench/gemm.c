/* gemm.c - canto's matrix products beside other libraries', on the shapes that training has.
 *
 *     gemm [--rounds N] [--threads N] [--shape M,N,K] [--json]
 *
 * For each shape, form and number of threads the libraries take turns, round after round, so that all of them meet the
 * same moods of the machine; the medians count. The peak of multiply-adds is measured before and after. Sampled elements
 * of every result are checked against sums in double. */
#include "base/context.h"
#include "base/machine.h"
#include "math/product.h"
#include "product_peers.h"

#include <jansson.h>

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PEERS = 8, MOST_ROUNDS = 99, SAMPLES = 64, MOST_RESULTS = 256 };

static const int64_t shapes[][3] = {
    {2048, 64, 64},    {2048, 192, 64},    {2048, 256, 64},    {2048, 64, 256},  {64, 64, 16},
    {256, 768, 768},   {256, 2304, 768},   {256, 3072, 768},   {256, 768, 3072}, {256, 50257, 768},
    {1024, 3072, 768}, {1024, 1024, 1024}, {2048, 2048, 2048},
};
static const char *const form_names[FORMS] = {"x W^T", "dy W", "dy^T x"};

typedef struct settings {
    int     rounds, threads; /* threads 0: one and all */
    int64_t shape[3];        /* shape[0] 0: all of the table */
    bool    json;
    double  seconds; /* of one turn */
} settings;

/* One row of the table: GFLOP/s of canto (0) and the peers (1 ..), NAN when a library lacks the product. */
typedef struct result {
    int64_t      M, N, K;
    product_form form;
    int          threads;
    double       speed[MOST_PEERS + 1], peak[2];
} result;

typedef struct bench {
    settings       set;
    canto_context *context[2]; /* of one thread, of all */
    const kernels *kernels;
    void         **scratch;
    float         *x, *w, *y; /* the largest shape's operands */
    int            results;
    result         list[MOST_RESULTS];
} bench;

/* ------------------------------------------------------------------------------------------------ one product */

static product_call call_of(const bench *b, const result *r) {
    switch (r->form) {
    case FORM_FORWARD:
        return (product_call){r->form, r->M, r->N, r->K, b->x, b->w, b->y};
    case FORM_INPUT:
        return (product_call){r->form, r->M, r->K, r->N, b->y, b->w, b->x};
    default:
        return (product_call){r->form, r->N, r->K, r->M, b->y, b->x, b->w};
    }
}

static void run_canto(const bench *b, const product_call *p, int threads) {
    exec e = {.pool = b->context[threads > 1]->pool, .scratch = b->scratch};
    gemm g = {.M = p->m,
              .N = p->n,
              .K = p->k,
              .a = p->a,
              .a_row = p->form == FORM_WEIGHT ? 1 : p->k,
              .a_column = p->form == FORM_WEIGHT ? p->m : 1,
              .b = p->b,
              .b_row = p->form == FORM_FORWARD ? 1 : p->n,
              .b_column = p->form == FORM_FORWARD ? p->k : 1,
              .c = p->c,
              .c_row = p->n,
              .accumulate = p->form == FORM_WEIGHT};
    product_run(&e, b->kernels, &g);
}

/* Library number `which` does the product once; false when it cannot. */
static bool run_one(const bench *b, const product_call *p, int which, int threads) {
    if (which > 0) return product_peers[which - 1].run(p);
    run_canto(b, p, threads);
    return true;
}

static int libraries(void) {
    int n = 1;
    while (product_peers[n - 1].name != NULL) n++;
    return n;
}

static const char *name_of(int which) { return which > 0 ? product_peers[which - 1].name : "canto"; }

/* What an element of the result should be: the same operands in double. */
static double element(const product_call *p, int64_t m, int64_t n, double before) {
    double s = p->form == FORM_WEIGHT ? before : 0;
    for (int64_t i = 0; i < p->k; i++) {
        double a = (double)(p->form == FORM_WEIGHT ? p->a[i * p->m + m] : p->a[m * p->k + i]);
        s += a * (double)(p->form == FORM_FORWARD ? p->b[n * p->k + i] : p->b[i * p->n + n]);
    }
    return s;
}

/* Runs the product once and checks sampled elements. */
static bool check(const bench *b, const result *r, int which) {
    product_call p = call_of(b, r);
    double       wanted[SAMPLES];
    uint64_t     at[SAMPLES], state = 1;
    for (int i = 0; i < SAMPLES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        at[i] = (state >> 20) % (uint64_t)(p.m * p.n);
        int64_t m = (int64_t)at[i] / p.n, n = (int64_t)at[i] % p.n;
        wanted[i] = element(&p, m, n, (double)p.c[at[i]]);
    }
    if (!run_one(b, &p, which, r->threads)) return true;
    for (int i = 0; i < SAMPLES; i++)
        if (!(fabs((double)p.c[at[i]] - wanted[i]) <= 1e-5 * (8 + fabs(wanted[i]) + sqrt((double)p.k)))) {
            fprintf(stderr, "gemm: %s, %lld x %lld x %lld, %s: element %llu is %g, not %g\n", name_of(which),
                    (long long)r->M, (long long)r->N, (long long)r->K, form_names[r->form], (unsigned long long)at[i],
                    (double)p.c[at[i]], wanted[i]);
            return false;
        }
    return true;
}

/* --------------------------------------------------------------------------------------------------- measuring */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* GFLOP/s of one turn: repeated for a while after one product that does not count. */
static double turn(const bench *b, const result *r, int which) {
    product_call          p = call_of(b, r);
    const struct timespec pause = {.tv_nsec = 2000000}; /* other run-times' threads stop spinning */
    double                seconds = 0;
    int64_t               times = 1;
    nanosleep(&pause, NULL);
    if (!run_one(b, &p, which, r->threads)) return NAN;
    while (seconds < b->set.seconds) {
        double start = clock_seconds();
        for (int64_t i = 0; i < times; i++) run_one(b, &p, which, r->threads);
        seconds = clock_seconds() - start;
        if (seconds < b->set.seconds)
            times = seconds < b->set.seconds / 10 ? times * 8 : (int64_t)((double)times * b->set.seconds / seconds) + 1;
    }
    return 2.0 * (double)p.m * (double)p.n * (double)p.k * (double)times / seconds / 1e9;
}

static void fill(float *x, size_t n, uint64_t state) {
    for (size_t i = 0; i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
}

/* The operands of one row, and zero where the result will be. */
static void prepare(const bench *b, const result *r) {
    fill(b->x, (size_t)(r->M * r->K), 1);
    fill(b->w, (size_t)(r->N * r->K), 2);
    fill(b->y, (size_t)(r->M * r->N), 3);
}

static bool measure(bench *b, result *r) {
    double speeds[MOST_PEERS + 1][MOST_ROUNDS];
    int    all = libraries();
    prepare(b, r);
    for (int which = 1; which < all; which++)
        if (product_peers[which - 1].set_threads) product_peers[which - 1].set_threads(r->threads);
    for (int which = 0; which < all; which++)
        if (!check(b, r, which)) return false;
    prepare(b, r);
    canto_probe(b->context[1], CANTO_PROBE_FMA, r->threads, &r->peak[0]);
    for (int round = 0; round < b->set.rounds; round++)
        for (int which = 0; which < all; which++) {
            bool can = which == 0 || r->threads == 1 || product_peers[which - 1].set_threads != NULL;
            speeds[which][round] = can ? turn(b, r, which) : NAN;
        }
    canto_probe(b->context[1], CANTO_PROBE_FMA, r->threads, &r->peak[1]);
    for (int which = 0; which < all; which++)
        r->speed[which] = isnan(speeds[which][0]) ? NAN : median(speeds[which], b->set.rounds);
    return true;
}

/* --------------------------------------------------------------------------------------------------- reporting */

/* canto's speed beside the best peer's; NAN without a peer. */
static double ratio(const result *r) {
    double best = NAN;
    for (int which = 1; which < libraries(); which++)
        if (!isnan(r->speed[which]) && !(best >= r->speed[which])) best = r->speed[which];
    return r->speed[0] / best;
}

static void print_head(const bench *b) {
    if (b->set.json) return;
    for (int which = 1; which < libraries(); which++)
        printf("%s: %s\n", name_of(which), product_peers[which - 1].about());
    printf("canto: %s\n\nGFLOP/s, medians of %d rounds\n%-20s %-7s %7s", b->kernels->name, b->set.rounds, "M x N x K",
           "form", "threads");
    for (int which = 0; which < libraries(); which++) printf(" %9s", name_of(which));
    printf(" %7s %15s\n", "ratio", "peak");
}

static void print_row(const bench *b, const result *r) {
    char shape[64];
    if (b->set.json) return;
    snprintf(shape, sizeof shape, "%lld x %lld x %lld", (long long)r->M, (long long)r->N, (long long)r->K);
    printf("%-20s %-7s %7d", shape, form_names[r->form], r->threads);
    for (int which = 0; which < libraries(); which++)
        if (isnan(r->speed[which])) printf(" %9s", "-");
        else printf(" %9.1f", r->speed[which]);
    if (isnan(ratio(r))) printf(" %7s", "-");
    else printf(" %7.2f", ratio(r));
    printf(" %7.0f/%7.0f\n", r->peak[0], r->peak[1]);
    fflush(stdout);
}

static json_t *row_json(const result *r) {
    json_t *o = json_object(), *speeds = json_object();
    json_object_set_new(o, "shape", json_pack("[III]", (json_int_t)r->M, (json_int_t)r->N, (json_int_t)r->K));
    json_object_set_new(o, "form", json_string(form_names[r->form]));
    json_object_set_new(o, "threads", json_integer(r->threads));
    for (int which = 0; which < libraries(); which++)
        if (!isnan(r->speed[which])) json_object_set_new(speeds, name_of(which), json_real(r->speed[which]));
    json_object_set_new(o, "gflops", speeds);
    if (!isnan(ratio(r))) json_object_set_new(o, "ratio", json_real(ratio(r)));
    json_object_set_new(o, "peak_gflops", json_pack("[ff]", r->peak[0], r->peak[1]));
    return o;
}

static void print_end(const bench *b) {
    double  ratios[MOST_RESULTS], read[2] = {0, 0};
    int     n = 0;
    json_t *rows = json_array();
    canto_probe(b->context[1], CANTO_PROBE_READ, 1, &read[0]);
    canto_probe(b->context[1], CANTO_PROBE_READ, 0, &read[1]);
    for (int i = 0; i < b->results; i++) {
        json_array_append_new(rows, row_json(&b->list[i]));
        if (!isnan(ratio(&b->list[i]))) ratios[n++] = ratio(&b->list[i]);
    }
    double middle = n > 0 ? median(ratios, n) : NAN;
    if (b->set.json) {
        json_t *o = json_pack("{s:s, s:i, s:o, s:[ff]}", "cpu", b->kernels->name, "rounds", b->set.rounds, "products",
                              rows, "read_gb_s", read[0], read[1]);
        if (n > 0) json_object_set_new(o, "ratio", json_pack("{s:f, s:f}", "least", ratios[0], "median", middle));
        json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(o);
        return;
    }
    if (n > 0) printf("\nratio to the best peer: least %.2f, median %.2f\n", ratios[0], middle);
    printf("memory read: %.1f GB/s on one thread, %.1f on all\n", read[0], read[1]);
    json_decref(rows);
}

/* -------------------------------------------------------------------------------------------------------- main */

static bool open_bench(bench *b) {
    size_t                most[3] = {0, 0, 0};
    canto_context_options options = canto_context_options_default();
    size_t                count = sizeof shapes / sizeof *shapes;
    options.cpu = getenv("CANTO_CPU");
    if (canto_context_open(&options, &b->context[1]).code != CANTO_OK) return false;
    options.threads = 1;
    if (canto_context_open(&options, &b->context[0]).code != CANTO_OK) return false;
    b->kernels = kernels_choose(options.cpu);
    for (size_t i = 0; i < count; i++) {
        const int64_t *s = b->set.shape[0] ? b->set.shape : shapes[i];
        size_t         need[3] = {(size_t)(s[0] * s[2]), (size_t)(s[1] * s[2]), (size_t)(s[0] * s[1])};
        for (int j = 0; j < 3; j++)
            if (need[j] > most[j]) most[j] = need[j];
    }
    float **operands[3] = {&b->x, &b->w, &b->y};
    for (int j = 0; j < 3; j++)
        if (!(*operands[j] = aligned_alloc(64, (most[j] * sizeof(float) + 63) / 64 * 64))) return false;
    int threads = canto_context_threads(b->context[1]);
    b->scratch = calloc((size_t)threads, sizeof *b->scratch);
    for (int i = 0; b->scratch && i < threads; i++)
        if (!(b->scratch[i] = aligned_alloc(64, (GEMM_SCRATCH * sizeof(real) + 63) / 64 * 64))) return false;
    return b->scratch != NULL && b->kernels != NULL;
}

static bool run_all(bench *b) {
    int most = canto_context_threads(b->context[1]);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t *s = b->set.shape[0] ? b->set.shape : shapes[i];
        for (int form = 0; form < FORMS; form++)
            for (int threads = 1; threads <= most; threads += most > 1 ? most - 1 : 1) {
                result *r = &b->list[b->results];
                if (b->set.threads && threads != b->set.threads) continue;
                *r = (result){.M = s[0], .N = s[1], .K = s[2], .form = (product_form)form, .threads = threads};
                if (!measure(b, r)) return false;
                print_row(b, r);
                b->results++;
            }
        if (b->set.shape[0]) break;
    }
    return true;
}

static bool read_options(int argc, char **argv, settings *set) {
    static const struct option table[] = {{"rounds", 1, NULL, 'r'}, {"threads", 1, NULL, 't'}, {"shape", 1, NULL, 's'},
                                          {"json", 0, NULL, 'j'},   {"seconds", 1, NULL, 'd'}, {NULL, 0, NULL, 0}};
    long long                  s[3];
    int                        letter;
    *set = (settings){.rounds = 9, .seconds = 0.02};
    while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (letter == 'r') set->rounds = atoi(optarg);
        else if (letter == 't') set->threads = atoi(optarg);
        else if (letter == 'd') set->seconds = atof(optarg);
        else if (letter == 'j') set->json = true;
        else if (letter == 's' && sscanf(optarg, "%lld,%lld,%lld", &s[0], &s[1], &s[2]) == 3 && s[0] > 0 && s[1] > 0 &&
                 s[2] > 0 && s[0] < 100000 && s[1] < 100000 && s[2] < 100000)
            for (int i = 0; i < 3; i++) set->shape[i] = s[i];
        else return false;
    }
    return optind == argc && set->rounds >= 1 && set->rounds <= MOST_ROUNDS && set->seconds > 0;
}

int main(int argc, char **argv) {
    static bench b;
    if (!read_options(argc, argv, &b.set)) {
        fprintf(stderr, "usage: gemm [--rounds 1..%d] [--threads N] [--shape M,N,K] [--seconds S] [--json]\n",
                MOST_ROUNDS);
        return 2;
    }
    bool good = open_bench(&b);
    if (!good) fprintf(stderr, "gemm: no memory, or no kernels called as CANTO_CPU says\n");
    if (good) print_head(&b);
    good = good && run_all(&b);
    if (good) print_end(&b);
    for (int i = 0; b.scratch && i < canto_context_threads(b.context[1]); i++) free(b.scratch[i]);
    free(b.scratch);
    free(b.x), free(b.w), free(b.y);
    canto_context_close(b.context[0]);
    canto_context_close(b.context[1]);
    return good ? 0 : 1;
}
