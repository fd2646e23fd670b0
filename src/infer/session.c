/* session.c - WEIGHTS -> TEXT: one timeline over a shared model.
 *
 * A timeline is a sequence of at most T tokens and the keys and values of its first tokens. Each call says which tokens
 * it wants; what they share with the timeline is not computed again, so that a further token is one row, a longer prompt
 * costs what is new, and going back costs nothing. When the context is full, the last T tokens move down by one position:
 * all that was computed belongs to other positions, or has seen a token that is gone, and T rows are computed anew.
 * Invariants: a session allocates when it is opened, never while it writes; the model is only read, so that sessions of
 * many threads can share it; the cache holds positions 0 .. cache.length - 1 of window. */
#include "infer/session.h"

#include "base/machine.h"
#include "base/status.h"
#include "infer/sampler.h"

#include <math.h>
#include <string.h>

canto_generate_options canto_generate_options_default(void) {
    return (canto_generate_options){.tokens = 200, .temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1337};
}

/* ------------------------------------------------------------------------------------------------ open and close */

static int32_t rows_at_once(const canto_config *config) {
    return config->context < SESSION_ROWS ? config->context : SESSION_ROWS;
}

/* The parts of a session's block, measured (block NULL) or put in place. */
static size_t plan(const canto_config *config, int32_t rank, char *block, canto_session *s) {
    size_t T = (size_t)config->context, V = (size_t)config->vocab, used = 0;
    char  *parts[6] = {0};
    size_t bytes[6] = {gpt_cache_bytes(config, config->context),
                       gpt_extension_bytes(config, rank, rows_at_once(config)),
                       T * sizeof(uint32_t),
                       V * sizeof(float),
                       V * sizeof(float),
                       V};
    for (int i = 0; i < 6; i++) {
        if (block) parts[i] = block + used;
        used += (bytes[i] + 63) / 64 * 64;
    }
    if (!block) return used;
    gpt_cache_bind(config, config->context, parts[0], &s->cache);
    gpt_extension_bind(config, rank, rows_at_once(config), parts[1], &s->acts);
    s->window = (uint32_t *)(void *)parts[2];
    s->logits = (float *)(void *)parts[3];
    s->chosen = (float *)(void *)parts[4];
    s->seen = (uint8_t *)parts[5];
    return used;
}

size_t session_bytes(const canto_config *config, int32_t rank, int threads) {
    size_t scratch = (gpt_scratch_bytes(config, config->context) + 63) / 64 * 64;
    return sizeof(canto_session) + plan(config, rank, NULL, NULL) + (size_t)threads * (scratch + sizeof(void *));
}

/* The longest context with which the model could write; 0: none. */
static int32_t longest_context(const canto_config *config, int threads, uint64_t available) {
    canto_config shorter = *config;
    int32_t      fits = 0, beyond = config->context;
    while (beyond - fits > 1) {
        shorter.context = fits + (beyond - fits) / 2;
        if (session_bytes(&shorter, 0, threads) <= available) fits = shorter.context;
        else beyond = shorter.context;
    }
    return fits;
}

static canto_status check_memory(const canto_config *config, int threads) {
    uint64_t need = session_bytes(config, 0, threads), available = machine_available_memory();
    if (available == 0 || need <= available) return status_ok();
    return status_error(CANTO_ERROR_MEMORY,
                        "Writing with this model needs %.2f MB of memory for its context of %d tokens, and %.2f MB are "
                        "available: a context of %d would fit. End other programs, or use a smaller model.",
                        (double)need / 0x1p20, config->context, (double)available / 0x1p20,
                        longest_context(config, threads, available));
}

canto_status canto_session_open(canto_context *context, const canto_model *model, canto_session **session) {
    canto_status        status;
    const canto_config *config = &model->config;
    const kernels      *k = kernels_choose(context->cpu);
    canto_session      *s = NULL;
    void               *block;
    *session = NULL;
    if (!k) FAIL(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", context->cpu);
    TRY(check_memory(config, context->threads));
    s = context_allocate_zeroed(context, 1, sizeof *s);
    if (!s) TRY(context_no_memory(sizeof *s, "a session"));
    s->context = context;
    s->model = model;
    s->kernels = k;
    TRY(context_exec_open(context, gpt_scratch_bytes(config, config->context), &s->exec));
    TRY(context_block(context, plan(config, model->table.tuning.rank, NULL, NULL), "a session's keys and values",
                      &s->base, &block));
    plan(config, model->table.tuning.rank, block, s);
    *session = s;
    s = NULL;
done:
    canto_session_close(s);
    return status;
}

void canto_session_close(canto_session *session) {
    if (!session) return;
    context_exec_close(session->context, &session->exec);
    context_release(session->context, session->base);
    context_release(session->context, session);
}

/* -------------------------------------------------------------------------------------------------- the timeline */

static canto_status check_ids(const canto_model *model, const uint32_t *ids, size_t count) {
    if (count == 0) return status_error(CANTO_ERROR_VALUE, "There is no token to continue: give at least one.");
    return model_check_ids(model, ids, count);
}

/* ids[n] become the timeline; the cache keeps the positions whose tokens stay the same, and all before them. */
static void become(canto_session *s, const uint32_t *ids, int32_t n) {
    int32_t held = s->cache.length < n ? s->cache.length : n, same = 0;
    while (same < held && s->window[same] == ids[same]) same++;
    s->cache.length = same;
    s->length = n;
    memmove(s->window, ids, (size_t)n * sizeof *ids);
}

void session_start(canto_session *s, const uint32_t *ids, size_t count) {
    size_t T = (size_t)s->model->config.context, n = count < T ? count : T;
    if (s->model->borrowed) s->cache.length = 0; /* its weights may have changed since */
    become(s, ids + (count - n), (int32_t)n);
}

static void append(canto_session *s, uint32_t id) {
    if (s->length == s->model->config.context) become(s, s->window + 1, s->length - 1);
    s->window[s->length++] = id;
}

/* Logits of the timeline's last position: what the cache lacks goes through the model, the last position in any case. */
static void compute(canto_session *s, float *logits) {
    const gpt_weights *w = &s->model->weights;
    int32_t            rows = 0;
    if (s->cache.length == s->length) s->cache.length--;
    while (s->cache.length < s->length) {
        rows = s->length - s->cache.length;
        if (rows > s->acts.T) rows = s->acts.T;
        gpt_extend(&s->exec, s->kernels, w, &s->acts, &s->cache, s->window + s->cache.length, rows);
    }
    gpt_logits(&s->exec, s->kernels, w, &s->acts, rows - 1, 1, logits);
}

canto_status canto_session_logits(canto_session *session, const uint32_t *ids, size_t count, float *logits) {
    canto_status status;
    TRY(check_ids(session->model, ids, count));
    session_start(session, ids, count);
    compute(session, logits);
    for (int32_t i = 0; i < session->model->config.vocab; i++)
        if (!isfinite(logits[i])) TRY(model_not_finite(session->context, session->model));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------------- writing */

static canto_status check_options(const canto_generate_options *o, int32_t T) {
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
    if (!(o->min_p >= 0 && o->min_p <= 1))
        return status_error(CANTO_ERROR_VALUE, "min_p is %g, but must be from 0 (all tokens) to 1; 0.05 is usual.",
                            o->min_p);
    if (!(o->repeat_penalty >= 0.001 && o->repeat_penalty <= 1000))
        return status_error(CANTO_ERROR_VALUE,
                            "The repetition penalty is %g, but must be from 0.001 to 1000; 1 is none, 1.1 is usual.",
                            o->repeat_penalty);
    if (o->repeat_window < 0 || o->repeat_window > T)
        return status_error(CANTO_ERROR_VALUE,
                            "The repetition penalty's window is %d, but must be from 0 (all tokens) to the model's "
                            "context of %d.",
                            o->repeat_window, T);
    return status_ok();
}

/* Marks what the repetition penalty touches: fresh[count], or the timeline's last tokens. */
static void mark_seen(canto_session *s, const canto_generate_options *o, const uint32_t *fresh, size_t count) {
    if (o->repeat_window > 0) {
        int32_t n = o->repeat_window < s->length ? o->repeat_window : s->length;
        memset(s->seen, 0, (size_t)s->model->config.vocab);
        fresh = s->window + (s->length - n);
        count = (size_t)n;
    }
    for (size_t i = 0; i < count; i++) s->seen[fresh[i]] = 1;
}

/* The next token of the timeline, which it joins. */
static canto_status write_token(canto_session *s, const canto_generate_options *o, torch_rng *torch, stream_rng *stream,
                                uint32_t *id, double *logprob) {
    int32_t V = s->model->config.vocab;
    compute(s, s->logits);
    double log_sum = sampler_log_sum(s->logits, V);
    if (!isfinite(log_sum)) return model_not_finite(s->context, s->model);
    memcpy(s->chosen, s->logits, (size_t)V * sizeof(float));
    if (o->repeat_penalty != 1) sampler_penalize(s->chosen, V, s->seen, o->repeat_penalty);
    *id = sampler_pick(s->chosen, V, o, torch, stream);
    *logprob = (double)s->logits[*id] - log_sum;
    append(s, *id);
    mark_seen(s, o, id, 1);
    return status_ok();
}

canto_status canto_generate(canto_session *session, const uint32_t *prompt, size_t count,
                            const canto_generate_options *options, canto_token_fn on_token, void *user) {
    canto_status           status;
    canto_generate_options chosen = options ? *options : canto_generate_options_default();
    torch_rng              torch;
    stream_rng             stream = stream_seed(chosen.seed, RNG_SAMPLING);
    TRY(check_options(&chosen, session->model->config.context));
    TRY(check_ids(session->model, prompt, count));
    torch_seed(&torch, chosen.seed);
    session_start(session, prompt, count);
    memset(session->seen, 0, (size_t)session->model->config.vocab);
    mark_seen(session, &chosen, prompt, count);
    for (int64_t i = 0; i < chosen.tokens; i++) {
        uint32_t id = 0;
        double   logprob = 0;
        TRY(write_token(session, &chosen, &torch, &stream, &id, &logprob));
        if (on_token && !on_token(user, id, logprob))
            FAIL(CANTO_STOPPED, "Writing was stopped after %lld of %lld tokens.", (long long)i + 1,
                 (long long)chosen.tokens);
    }
done:
    return status;
}
