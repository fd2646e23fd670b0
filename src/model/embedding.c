/* embedding.c - token and position embeddings. The backward pass cuts the columns into units, so that each sum ascends
 * over the batch's positions. */
#include "model/embedding.h"

#include <math.h>
#include <string.h>

#define ROWS 16
#define COLUMNS 32

typedef struct embedding_job {
    const gpt_weights     *w;
    const gpt_activations *acts;
    real                  *x;
    const real            *dx;
    real                  *dtoken, *dposition;
} embedding_job;

void sinusoid_row(int64_t position, int64_t C, real *row) {
    for (int64_t c = 0; c < C; c += 2) {
        float rate = expf((float)c * (float)(-log(10000.0) / (double)C));
        float angle = (float)position * rate;
        row[c] = (real)sinf(angle);
        if (c + 1 < C) row[c + 1] = (real)cosf(angle);
    }
}

static void forward_unit(void *job, size_t unit, int worker) {
    const embedding_job *j = job;
    int64_t              rows = (int64_t)j->acts->b * j->acts->t, C = j->w->config->width;
    int64_t              r1 = (int64_t)(unit + 1) * ROWS < rows ? (int64_t)(unit + 1) * ROWS : rows;
    (void)worker;
    for (int64_t r = (int64_t)unit * ROWS; r < r1; r++) {
        real   *x = j->x + r * C;
        int64_t t = j->acts->start + r % j->acts->t;
        if (j->acts->sinusoid != NULL) memcpy(x, j->acts->sinusoid + t * C, (size_t)C * sizeof(real));
        else if (j->w->config->positions == CANTO_POSITIONS_SINUSOIDAL) sinusoid_row(t, C, x);
        else memset(x, 0, (size_t)C * sizeof(real));
        view_add_row(&j->w->token_embedding, j->acts->ids[r], x);
        if (j->w->position_embedding.type != VIEW_NONE) view_add_row(&j->w->position_embedding, t, x);
    }
}

void embedding_forward(const exec *e, const gpt_weights *w, const gpt_activations *acts, real *x) {
    embedding_job job = {w, acts, x, NULL, NULL, NULL};
    exec_run(e, (size_t)(((int64_t)acts->b * acts->t + ROWS - 1) / ROWS), forward_unit, &job);
}

static void backward_unit(void *job, size_t unit, int worker) {
    const embedding_job *j = job;
    int64_t              C = j->w->config->width, from = (int64_t)unit * COLUMNS;
    int64_t              to = from + COLUMNS < C ? from + COLUMNS : C, rows = (int64_t)j->acts->b * j->acts->t;
    (void)worker;
    for (int64_t r = 0; r < rows; r++) {
        const real *dx = j->dx + r * C;
        if (j->dtoken != NULL) {
            real *dt = j->dtoken + (int64_t)j->acts->ids[r] * C;
            for (int64_t c = from; c < to; c++) dt[c] += dx[c];
        }
        if (j->dposition == NULL) continue;
        real *dp = j->dposition + r % j->acts->t * C;
        for (int64_t c = from; c < to; c++) dp[c] += dx[c];
    }
}

void embedding_backward(const exec *e, const gpt_weights *w, const gpt_activations *acts, const real *dx, real *dtoken,
                        real *dposition) {
    embedding_job job = {w, acts, NULL, dx, dtoken, dposition};
    exec_run(e, (size_t)((w->config->width + COLUMNS - 1) / COLUMNS), backward_unit, &job);
}
