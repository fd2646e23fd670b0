/* head.c - the output head fused with the loss over row chunks.
 *
 *     z = h W^T + b;   loss = log sum e^z - z[target]
 *     dz = scale (softmax(z) - one-hot(target));   dh = dz W;   dW += dz^T h;   db += sum of dz
 *
 * The chunk is a matter of shape alone; a sum over rows goes on from chunk to chunk in ascending order. */
#include "model/head.h"

#include "model/linear.h"

#define CHUNK_ELEMENTS (13 * 1024 * 1024)

int64_t head_chunk_rows(int64_t V, int64_t rows) {
    int64_t fit = CHUNK_ELEMENTS / V / 16 * 16;
    if (fit < 16) fit = 16;
    return fit < rows ? fit : rows;
}

typedef struct loss_job {
    const kernels  *k;
    real           *logits, *losses;
    const uint32_t *targets;
    int64_t         V;
    bool            gradient;
    real            scale;
} loss_job;

static void loss_unit(void *job, size_t unit, int worker) {
    const loss_job *j = job;
    (void)worker;
    j->losses[unit] =
        j->k->cross_entropy(j->logits + (int64_t)unit * j->V, j->V, j->targets[unit], j->gradient, j->scale);
}

/* Logits and losses of rows [row, row + n); the chunk holds dz afterwards when gradient is set. */
static void chunk_losses(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, int64_t row,
                         int64_t n, const uint32_t *targets, bool gradient, real scale, real *losses) {
    int64_t V = w->config->vocab, C = w->config->width;
    linear_forward(e, k, &w->head_weight, &w->head_bias, acts->hidden + row * C, C, n, acts->chunk, V, NULL);
    loss_job job = {k, acts->chunk, losses + row, targets + row, V, gradient, scale};
    exec_run(e, (size_t)n, loss_unit, &job);
}

void head_forward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts, const uint32_t *targets,
                  real *losses) {
    int64_t rows = (int64_t)acts->b * acts->t;
    for (int64_t row = 0; row < rows; row += acts->chunk_rows) {
        int64_t n = rows - row < acts->chunk_rows ? rows - row : acts->chunk_rows;
        chunk_losses(e, k, w, acts, row, n, targets, false, 0, losses);
    }
}

void head_backward(const exec *e, const kernels *k, const gpt_weights *w, gpt_activations *acts,
                   const uint32_t *targets, real scale, real *losses, real *dhidden, real *dweight, real *dbias) {
    int64_t rows = (int64_t)acts->b * acts->t, V = w->config->vocab, C = w->config->width;
    for (int64_t row = 0; row < rows; row += acts->chunk_rows) {
        int64_t n = rows - row < acts->chunk_rows ? rows - row : acts->chunk_rows;
        chunk_losses(e, k, w, acts, row, n, targets, true, scale, losses);
        linear_backward(e, k, &w->head_weight, acts->hidden + row * C, C, n, acts->chunk, V,
                        dhidden != NULL ? dhidden + row * C : NULL, C, NULL, dweight, dbias);
    }
}
