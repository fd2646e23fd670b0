/* capture.c - what a forward pass makes on its way: embeddings, attention weights, the blocks' outputs, logits.
 *
 * The pass is gpt_forward, whose watch (gpt.h) is asked between the blocks. There the activations of the block that has
 * ended are still in place; attention weights, which no kernel ever stores, are made again from its q and k, a few rows at
 * a time. Invariants: nothing is allocated once the pass has begun; the pass ends as soon as nothing more is wanted. */
#include "base/machine.h"
#include "base/status.h"
#include "model/attention.h"
#include "store/model.h"

enum { PIECE = 1 << 20 }; /* elements of a piece of attention weights, about */

canto_capture_options canto_capture_options_default(void) {
    return (canto_capture_options){.points = CANTO_POINT_ALL, .layer = -1, .head = -1};
}

typedef struct capture {
    const canto_model    *model;
    const kernels        *k;
    exec                  exec;
    gpt_activations       acts;
    real                 *weights; /* [weight_rows, T] */
    int64_t               T, weight_rows;
    canto_capture_options wanted;
    canto_capture_fn      on_captured;
    void                 *user;
    bool                  stopped; /* by on_captured */
} capture;

static bool wants(const capture *c, canto_point point) { return (c->wanted.points & (int)point) != 0; }

static bool wants_layer(const capture *c, int32_t layer) { return c->wanted.layer == -1 || c->wanted.layer == layer; }

static bool show(capture *c, canto_captured captured) {
    c->stopped = !c->on_captured(c->user, &captured);
    return !c->stopped;
}

/* All rows of x[T, C]. */
static bool show_rows(capture *c, canto_point point, int32_t layer, const real *x) {
    return show(c, (canto_captured){point, layer, -1, 0, c->T, c->model->config.width, x});
}

static bool show_head(capture *c, int32_t layer, int32_t head) {
    for (int64_t first = 0; first < c->T; first += c->weight_rows) {
        int64_t rows = c->T - first < c->weight_rows ? c->T - first : c->weight_rows;
        attention_weights(&c->exec, c->k, &c->model->config, layer, &c->acts, c->acts.layers[layer].qkv, head, first,
                          rows, c->weights);
        if (!show(c, (canto_captured){CANTO_POINT_ATTENTION, layer, head, first, rows, c->T, c->weights})) return false;
    }
    return true;
}

static bool show_layer(capture *c, int32_t layer) {
    const canto_config *config = &c->model->config;
    for (int32_t h = 0; config->attention && wants(c, CANTO_POINT_ATTENTION) && h < config->heads; h++)
        if ((c->wanted.head == -1 || c->wanted.head == h) && !show_head(c, layer, h)) return false;
    return !wants(c, CANTO_POINT_BLOCK) || show_rows(c, CANTO_POINT_BLOCK, layer, c->acts.layers[layer].out);
}

/* Whether anything is wanted from behind the layer. */
static bool goes_on(const capture *c, int32_t layer) {
    if (wants(c, CANTO_POINT_FINAL) || wants(c, CANTO_POINT_LOGITS)) return true;
    if (!wants(c, CANTO_POINT_ATTENTION) && !wants(c, CANTO_POINT_BLOCK)) return false;
    return c->wanted.layer == -1 || c->wanted.layer > layer;
}

static bool see(void *user, int32_t layer) {
    capture *c = user;
    if (layer == -1 && wants(c, CANTO_POINT_EMBEDDING) && !show_rows(c, CANTO_POINT_EMBEDDING, -1, c->acts.embedded))
        return false;
    if (layer >= 0 && wants_layer(c, layer) && !show_layer(c, layer)) return false;
    return goes_on(c, layer);
}

static bool show_logits(capture *c) {
    for (int64_t first = 0; first < c->T; first += c->acts.chunk_rows) {
        int64_t rows = c->T - first < c->acts.chunk_rows ? c->T - first : c->acts.chunk_rows;
        gpt_logits(&c->exec, c->k, &c->model->weights, &c->acts, first, rows, c->acts.chunk);
        canto_captured piece = {CANTO_POINT_LOGITS, -1, -1, first, rows, c->model->config.vocab, c->acts.chunk};
        if (!show(c, piece)) return false;
    }
    return true;
}

static void run(capture *c, const uint32_t *ids) {
    const gpt_dropout off = {0};
    gpt_forward(&c->exec, c->k, &c->model->weights, &c->acts, ids, 1, (int32_t)c->T, &off);
    if (c->stopped || (wants(c, CANTO_POINT_FINAL) && !show_rows(c, CANTO_POINT_FINAL, -1, c->acts.hidden))) return;
    if (wants(c, CANTO_POINT_LOGITS)) show_logits(c);
}

static canto_status check(const canto_model *model, const uint32_t *ids, size_t count, const canto_capture_options *o) {
    const canto_config *c = &model->config;
    if (o->points <= 0 || (o->points & ~CANTO_POINT_ALL) != 0)
        return status_error(CANTO_ERROR_VALUE, "The points to capture are %d, but must be some of canto_point's.",
                            o->points);
    if (o->layer < -1 || o->layer >= c->layers)
        return status_error(CANTO_ERROR_VALUE, "There is no layer %d to look at: the model has %d, counted from 0.",
                            o->layer, c->layers);
    if (o->head < -1 || o->head >= c->heads)
        return status_error(CANTO_ERROR_VALUE, "There is no head %d to look at: the model has %d a layer, from 0.",
                            o->head, c->heads);
    if (count == 0) return status_error(CANTO_ERROR_VALUE, "There is no token to look at: give at least one.");
    if (count > (size_t)c->context)
        return status_error(CANTO_ERROR_VALUE,
                            "There are %zu tokens to look at, and the model sees %d at once: give fewer.", count,
                            c->context);
    return model_check_ids(model, ids, count);
}

static canto_status check_memory(uint64_t need, size_t count) {
    uint64_t available = machine_available_memory();
    if (available == 0 || need <= available) return status_ok();
    return status_error(CANTO_ERROR_MEMORY,
                        "Looking inside this model with %zu tokens needs %.2f MB of memory, and %.2f MB are available: "
                        "give fewer tokens, or end other programs.",
                        count, (double)need / 0x1p20, (double)available / 0x1p20);
}

canto_status canto_capture(canto_context *context, const canto_model *model, const uint32_t *ids, size_t count,
                           const canto_capture_options *options, canto_capture_fn on_captured, void *user) {
    canto_status          status;
    canto_capture_options wanted = options ? *options : canto_capture_options_default();
    void                 *base = NULL, *block;
    capture c = {.model = model, .wanted = wanted, .on_captured = on_captured, .user = user, .T = (int64_t)count};
    TRY(check(model, ids, count, &wanted));
    c.k = kernels_choose(context->cpu);
    if (!c.k) FAIL(CANTO_ERROR_UNSUPPORTED, "This machine or build has no kernels called '%s'.", context->cpu);
    c.weight_rows = PIECE / c.T < 1 ? 1 : PIECE / c.T > c.T ? c.T : PIECE / c.T;
    size_t pass = gpt_adapted_bytes(&model->config, model->table.tuning.rank, 1, (int32_t)count, GPT_KEEP_NOTHING);
    size_t scratch = gpt_scratch_bytes(&model->config, (int32_t)count);
    size_t bytes = pass + (size_t)(c.weight_rows * c.T) * sizeof(real);
    TRY(check_memory(bytes + scratch * (size_t)context->threads, count));
    TRY(context_block(context, bytes, "a pass over the tokens", &base, &block));
    TRY(context_exec_open(context, scratch, &c.exec));
    gpt_adapted_bind(&model->config, model->table.tuning.rank, 1, (int32_t)count, GPT_KEEP_NOTHING, block, &c.acts);
    c.acts.watch = (gpt_watch){see, &c};
    c.weights = (real *)(void *)((char *)block + pass);
    run(&c, ids);
    if (c.stopped) FAIL(CANTO_STOPPED, "Looking inside the model was stopped.");
done:
    context_exec_close(context, &c.exec);
    context_release(context, base);
    return status;
}
