/* session.c - WEIGHTS -> TEXT: one timeline over a shared model.
 *
 * Every token runs the whole forward pass over the last T tokens and computes the logits of the last row alone.
 * Invariants: a session allocates when it is opened, never while it writes; the model is only read, so that sessions of
 * many threads can share it. */
#include "base/status.h"
#include "infer/sampler.h"
#include "store/model.h"
#include "train/lanes.h"

#include <string.h>

struct canto_session {
    canto_context     *context;
    const canto_model *model;
    lanes              lanes;  /* one lane of one sequence */
    uint32_t          *window; /* [T] the last tokens */
    int32_t            length; /* of them in use */
    float             *logits; /* [V] */
};

canto_generate_options canto_generate_options_default(void) {
    return (canto_generate_options){.tokens = 200, .temperature = 1, .top_p = 1, .seed = 1337};
}

canto_status canto_session_open(canto_context *context, const canto_model *model, canto_session **session) {
    canto_status        status;
    const canto_config *config = &model->config;
    const kernels      *k = kernels_choose(context->cpu);
    canto_session      *s = context_allocate_zeroed(context, 1, sizeof *s);
    *session = NULL;
    if (!s) return context_no_memory(sizeof *s, "a session");
    s->context = context;
    s->model = model;
    if (!k) FAIL(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", context->cpu);
    TRY(lanes_open(context, k, &model->weights, NULL, NULL, 1, 1, config->context, &s->lanes));
    s->window = context_allocate_zeroed(context, (size_t)config->context, sizeof *s->window);
    s->logits = context_allocate_zeroed(context, (size_t)config->vocab, sizeof *s->logits);
    if (!s->window || !s->logits)
        TRY(context_no_memory(((size_t)config->context + (size_t)config->vocab) * 4, "a session's logits"));
    *session = s;
    s = NULL;
done:
    canto_session_close(s);
    return status;
}

void canto_session_close(canto_session *session) {
    if (!session) return;
    lanes_close(&session->lanes);
    context_release(session->context, session->window);
    context_release(session->context, session->logits);
    context_release(session->context, session);
}

static canto_status check_ids(const canto_model *model, const uint32_t *ids, size_t count) {
    if (count == 0) return status_error(CANTO_ERROR_VALUE, "There is no token to continue: give at least one.");
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= (uint32_t)model->config.vocab)
            return status_error(CANTO_ERROR_VALUE,
                                "Token id %u (number %zu of %zu) is not in the model's vocabulary of "
                                "%d: ids are from 0 to %d.",
                                ids[i], i, count, model->config.vocab, model->config.vocab - 1);
    return status_ok();
}

/* The last T of ids[count] become the window. */
static void set_window(canto_session *s, const uint32_t *ids, size_t count) {
    size_t T = (size_t)s->model->config.context, n = count < T ? count : T;
    memcpy(s->window, ids + (count - n), n * sizeof *ids);
    s->length = (int32_t)n;
}

static void push_token(canto_session *s, uint32_t id) {
    if (s->length == s->model->config.context) {
        s->length--;
        memmove(s->window, s->window + 1, (size_t)s->length * sizeof *s->window);
    }
    s->window[s->length++] = id;
}

static void window_logits(canto_session *s, float *logits) {
    const gpt_dropout off = {0};
    lanes            *l = &s->lanes;
    gpt_activations  *acts = &l->list[0].acts;
    acts->first = 0;
    acts->batch = 1;
    gpt_forward(&l->pool_exec, l->kernels, l->weights, acts, s->window, 1, s->length, &off);
    gpt_logits(&l->pool_exec, l->kernels, l->weights, acts, s->length - 1, 1, logits);
}

canto_status canto_session_logits(canto_session *session, const uint32_t *ids, size_t count, float *logits) {
    canto_status status;
    TRY(check_ids(session->model, ids, count));
    set_window(session, ids, count);
    window_logits(session, logits);
done:
    return status;
}

static canto_status check_options(const canto_generate_options *o) {
    if (o->tokens < 0)
        return status_error(CANTO_ERROR_VALUE, "The number of tokens to write is %lld, but cannot be negative.",
                            (long long)o->tokens);
    if (!(o->temperature >= 0 && o->temperature <= 1e30))
        return status_error(CANTO_ERROR_VALUE,
                            "The temperature is %g, but must be 0 (greedy) or above; 1 leaves the "
                            "model's own probabilities.",
                            o->temperature);
    if (o->top_k < 0)
        return status_error(CANTO_ERROR_VALUE, "top_k is %d, but must be 0 (all tokens) or above.", o->top_k);
    if (!(o->top_p > 0 && o->top_p <= 1))
        return status_error(CANTO_ERROR_VALUE, "top_p is %g, but must be above 0 and at most 1 (all tokens).",
                            o->top_p);
    return status_ok();
}

canto_status canto_generate(canto_session *session, const uint32_t *prompt, size_t count,
                            const canto_generate_options *options, canto_token_fn on_token, void *user) {
    canto_status           status;
    canto_generate_options chosen = options ? *options : canto_generate_options_default();
    torch_rng              torch;
    stream_rng             stream = stream_seed(chosen.seed, RNG_SAMPLING);
    TRY(check_options(&chosen));
    TRY(check_ids(session->model, prompt, count));
    torch_seed(&torch, chosen.seed);
    set_window(session, prompt, count);
    for (int64_t i = 0; i < chosen.tokens; i++) {
        double logprob;
        window_logits(session, session->logits);
        uint32_t id = sampler_pick(session->logits, session->model->config.vocab, &chosen, &torch, &stream, &logprob);
        push_token(session, id);
        if (on_token && !on_token(user, id, logprob))
            FAIL(CANTO_STOPPED, "Writing was stopped after %lld of %lld tokens.", (long long)i + 1,
                 (long long)chosen.tokens);
    }
done:
    return status;
}
