/* rng.h - random numbers: PyTorch's CPU stream (mt19937) bit for bit, and a counter-based generator. All of it is plain
 * data: copy a state to save it.
 *
 * Source: at::CPUGeneratorImpl of PyTorch 1.13 without MKL; tests/golden/rng.json holds what it computes. */
#ifndef CANTO_RNG_H
#define CANTO_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct torch_rng {
    uint32_t state[624];
    uint32_t next;       /* index of the next word; 624: twist first */
    bool     has_cached; /* the second value of the last scalar normal */
    double   cached;
} torch_rng;

void     torch_seed(torch_rng *r, uint64_t seed); /* manual_seed: the low 32 bits count */
uint32_t torch_u32(torch_rng *r);
uint64_t torch_u64(torch_rng *r);                 /* the first word drawn is the high half */
double   torch_uniform_double(torch_rng *r);      /* 53 bits, [0, 1) */
uint64_t torch_random_i64(torch_rng *r);          /* Tensor.random_() of int64: below 2^63 */
uint32_t torch_randint(torch_rng *r, uint32_t n); /* below n >= 1 */
void     torch_uniform(torch_rng *r, float *out, size_t n, double from, double to); /* Tensor.uniform_ */
void     torch_normal(torch_rng *r, float *out, size_t n, double mean, double std); /* Tensor.normal_, contiguous */
void     torch_exponential(torch_rng *r, float *out, size_t n);                     /* Tensor.exponential_(1) */
void     torch_randperm(torch_rng *r, uint32_t *out, uint32_t n);
size_t   torch_multinomial(torch_rng *r, const float *p, size_t n); /* one sample; p need not sum to 1 */
/* One dropout decision an element in order: bit i of bits is set when element first + i is kept with probability 1 - p. */
void torch_dropout_bits(torch_rng *r, uint8_t *bits, size_t first, size_t n, double p);
/* nn.Linear's default bounds for fan_in inputs: weight and bias are uniform in [-bound, bound]. */
double torch_linear_weight_bound(int64_t fan_in);
double torch_linear_bias_bound(int64_t fan_in);

/* A counter-based stream: number n of the stream is a hash of (key, n). */
typedef struct stream_rng {
    uint64_t key, count;
} stream_rng;

/* purpose: one of the RNG_ numbers, so that streams of one seed are apart. */
enum { RNG_BATCHES = 1, RNG_EVALUATION, RNG_DROPOUT, RNG_SAMPLING, RNG_SHUFFLE };
stream_rng stream_seed(uint64_t seed, uint64_t purpose);
uint64_t   stream_u64(stream_rng *r);
uint64_t   stream_below(stream_rng *r, uint64_t n); /* unbiased, n >= 1 */
double     stream_uniform(stream_rng *r);           /* [0, 1) */
/* A key derived from another one and a number: for (seed, step, sequence, place). */
uint64_t rng_mix(uint64_t key, uint64_t number);

#endif
