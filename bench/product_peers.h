/* product_peers.h - other libraries' matrix products, those that were there at configure time. */
#ifndef CANTO_BENCH_PRODUCT_PEERS_H
#define CANTO_BENCH_PRODUCT_PEERS_H

#include <stdbool.h>
#include <stdint.h>

/* A linear layer y[M, N] = x[M, K] W[N, K]^T and its gradients. All matrices are dense and row-major. */
typedef enum product_form {
    FORM_FORWARD, /* y = x W^T */
    FORM_INPUT,   /* dx[M, K] = dy[M, N] W */
    FORM_WEIGHT,  /* dW[N, K] += dy^T x */
    FORMS
} product_form;

/* c[m, n] = a b (+ c for FORM_WEIGHT), the form's own orientation of a and b; m, n, k are the product's sizes. */
typedef struct product_call {
    product_form form;
    int64_t      m, n, k;
    const float *a, *b;
    float       *c;
} product_call;

typedef struct product_peer {
    const char *name;
    const char *(*about)(void);            /* version, core */
    void (*set_threads)(int count);        /* NULL: one thread only */
    bool (*run)(const product_call *call); /* false: this library has no such product */
} product_peer;

extern const product_peer product_peers[]; /* ends with a NULL name */

#endif
