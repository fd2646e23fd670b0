/* score.c - how likely a model finds a given text: WEIGHTS, TEXT -> log-probabilities.
 *
 * The timeline takes all tokens but the last; what it shares with the one before is not computed again, so that many endings of
 * one beginning cost the beginning once. Each row is the one that writing token by token would have seen, to the bit. */
#include "base/status.h"
#include "infer/sampler.h"
#include "infer/session.h"

#include <math.h>

#define ROWS 16 /* of logits at a time */

/* ids[n] after rows [row, row + n) of the last pass. */
static canto_status score_rows(canto_session *s, int64_t row, int32_t n, const uint32_t *ids, float *logits,
                               double *logprobs, bool *greedy) {
    int32_t V = s->model->config.vocab;
    gpt_logits(&s->exec, s->kernels, &s->model->weights, &s->acts, row, n, logits);
    for (int32_t i = 0; i < n; i++) {
        const float *l = logits + (size_t)i * (size_t)V;
        double       log_sum = sampler_log_sum(l, V);
        if (!isfinite(log_sum)) return model_not_finite(s->context, s->model);
        logprobs[i] = (double)l[ids[i]] - log_sum;
        if (!greedy) continue;
        greedy[i] = true;
        for (int32_t v = 0; v < V && greedy[i]; v++)
            greedy[i] = l[v] < l[ids[i]] || (l[v] == l[ids[i]] && (uint32_t)v >= ids[i]);
    }
    return status_ok();
}

static canto_status check(const canto_session *s, const uint32_t *ids, size_t count, size_t from) {
    int32_t T = s->model->config.context;
    if (from < 1 || from >= count)
        return status_error(CANTO_ERROR_VALUE,
                            "Of %zu tokens those from number %zu on cannot be scored: at least one must stand before "
                            "them, and one must be among them.",
                            count, from);
    if (count - from > (size_t)T)
        return status_error(CANTO_ERROR_VALUE,
                            "%zu tokens are to be scored, but the model's context is %d tokens: score fewer at once.",
                            count - from, T);
    return model_check_ids(s->model, ids, count);
}

canto_status canto_session_score(canto_session *session, const uint32_t *ids, size_t count, size_t from,
                                 double *logprobs, bool *greedy) {
    canto_status   status;
    canto_session *s = session;
    float         *logits = NULL;
    size_t         V = (size_t)s->model->config.vocab, T = (size_t)s->model->config.context;
    TRY(check(s, ids, count, from));
    logits = context_allocate_zeroed(s->context, ROWS * V, sizeof *logits);
    if (!logits) TRY(context_no_memory(ROWS * V * sizeof *logits, "the logits of a score"));
    size_t  dropped = count - 1 > T ? count - 1 - T : 0;         /* the timeline's position 0 is this token */
    int32_t first = (int32_t)(from - 1 - dropped), done = first; /* rows from first on foretell */
    session_start(s, ids, count - 1);
    if (s->cache.length > first) s->cache.length = first;
    while (s->cache.length < s->length) {
        int32_t begin = s->cache.length, rows = s->length - begin;
        if (rows > s->acts.T) rows = s->acts.T;
        gpt_extend(&s->exec, s->kernels, &s->model->weights, &s->acts, &s->cache, s->window + begin, rows);
        while (done < begin + rows) {
            int32_t n = begin + rows - done < ROWS ? begin + rows - done : ROWS;
            TRY(score_rows(s, done - begin, n, ids + dropped + (size_t)done + 1, logits, logprobs + (done - first),
                           greedy ? greedy + (done - first) : NULL));
            done += n;
        }
    }
done:
    context_release(s->context, logits);
    return status;
}
