/* guard.c - the run speaks up. Nothing here changes a number of the training.
 *
 * Invariant: a warning is given once, or, about spikes, at steps that at least double; what was said is in guard_state. */
#include "train/guard.h"

#include "model/linear.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FADE = 50,       /* losses that count: the mean and the deviation are theirs, exponentially */
    SPIKE = 6,       /* deviations above the mean that are a spike */
    WORSE_ENOUGH = 3 /* evaluations in a row above the best one */
};
#define SPIKE_SHARE 0.1        /* of the mean, that a spike is above it at least */
#define RISE_SHARE 0.01        /* of the best, that validation is above it at least */
#define TOKENS_A_PARAMETER 0.1 /* fewer are too few */

/* ------------------------------------------------------------------------------------------------------ the state */

void guard_begin(guard_state *g) {
    memset(g, 0, sizeof *g);
    g->best_val = g->train_then = NAN;
    g->best_val_step = -1;
}

static json_t *real_or_null(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *guard_state_write(const guard_state *g) {
    json_build b = json_build_object();
    json_build_integer(&b, "losses", g->losses);
    json_build_real(&b, "loss_mean", g->loss_mean);
    json_build_real(&b, "loss_variance", g->loss_variance);
    json_build_integer(&b, "spike_quiet", g->spike_quiet);
    json_build_set(&b, "best_val", real_or_null(g->best_val));
    json_build_set(&b, "train_then", real_or_null(g->train_then));
    json_build_integer(&b, "best_val_step", g->best_val_step);
    json_build_integer(&b, "worse", g->worse);
    json_build_bool(&b, "rise_told", g->rise_told);
    return json_build_end(&b);
}

static canto_status real_or_nan(const json_t *object, const char *file, const char *key, double *number) {
    *number = NAN;
    if (json_is_null(json_object_get(object, key))) return status_ok();
    return json_get_real(object, file, key, number);
}

canto_status guard_state_read(const json_t *object, const char *file, guard_state *g) {
    canto_status status;
    TRY(json_get_integer(object, file, "losses", 0, INT64_MAX, &g->losses));
    TRY(json_get_real(object, file, "loss_mean", &g->loss_mean));
    TRY(json_get_real(object, file, "loss_variance", &g->loss_variance));
    TRY(json_get_integer(object, file, "spike_quiet", 0, INT64_MAX, &g->spike_quiet));
    TRY(real_or_nan(object, file, "best_val", &g->best_val));
    TRY(real_or_nan(object, file, "train_then", &g->train_then));
    TRY(json_get_integer(object, file, "best_val_step", -1, INT64_MAX, &g->best_val_step));
    TRY(json_get_integer(object, file, "worse", 0, INT64_MAX, &g->worse));
    TRY(json_get_bool(object, file, "rise_told", &g->rise_told));
done:
    return status;
}

/* -------------------------------------------------------------------------------------------------- the warnings */

void guard_look_at_data(canto_context *context, uint64_t parameters, data_split train, data_split validation,
                        int32_t length) {
    double ratio = (double)train.count / (double)parameters;
    if (ratio < TOKENS_A_PARAMETER)
        context_log(
            context, CANTO_LOG_WARNING,
            "The text is small for the model: %" PRIu64 " tokens to train on and %" PRIu64
            " parameters, %.2g tokens a parameter. It will learn this text by heart rather than how such texts go. "
            "Try a smaller model (width, layers), more text, or more dropout.",
            train.count, parameters, ratio);
    if (validation.count > 0 && validation.count <= (uint64_t)length)
        context_log(context, CANTO_LOG_WARNING,
                    "The part of the text for validation has %" PRIu64
                    " tokens, less than the %d of one window: there is no "
                    "validation loss between epochs, and none at all when training by steps. Try more text, a shorter "
                    "context, or a smaller split.",
                    validation.count, length + 1);
}

void guard_look_at_loss(canto_context *context, guard_state *g, int64_t step, double loss) {
    double distance = loss - g->loss_mean, deviation = sqrt(g->loss_variance), rate = 1.0 / FADE;
    bool   spike = g->losses >= FADE && distance > SPIKE * deviation && distance > SPIKE_SHARE * g->loss_mean;
    if (spike && step >= g->spike_quiet) {
        context_log(
            context, CANTO_LOG_WARNING,
            "At step %" PRId64 " the loss jumps to %.4f; the latest %d were %.4f with a deviation of %.4f, so it is "
            "%.0f deviations away. One jump does no harm when the loss comes back; if it does not, try a smaller "
            "learning rate, a longer warm-up, or stronger clipping.",
            step, loss, (int)FADE, g->loss_mean, deviation, deviation > 0 ? distance / deviation : INFINITY);
        g->spike_quiet = 2 * step > step + FADE ? 2 * step : step + FADE;
    }
    g->losses++;
    if (g->losses < FADE) rate = 1.0 / (double)g->losses; /* the plain mean, until there are enough */
    g->loss_mean += rate * distance;
    g->loss_variance = (1 - rate) * (g->loss_variance + rate * distance * distance);
}

void guard_look_at_evaluation(canto_context *context, guard_state *g, int64_t step, double train_loss,
                              double val_loss) {
    if (!isfinite(val_loss) || !isfinite(train_loss)) return;
    if (g->best_val_step < 0 || val_loss < g->best_val) {
        g->best_val = val_loss;
        g->train_then = train_loss;
        g->best_val_step = step;
        g->worse = 0;
        return;
    }
    g->worse++;
    bool rises = g->worse >= WORSE_ENOUGH && val_loss > (1 + RISE_SHARE) * g->best_val && train_loss < g->train_then;
    if (!rises || g->rise_told) return;
    g->rise_told = true;
    context_log(
        context, CANTO_LOG_WARNING,
        "Validation was best at step %" PRId64 " (%.4f) and is %.4f now, while the loss on the training text has "
        "fallen from %.4f to %.4f: since then the model learns the text by heart. Stop here and take the checkpoint "
        "'best', or try more dropout or weight decay, a smaller model, or more text.",
        g->best_val_step, g->best_val, val_loss, g->train_then, train_loss);
}

/* ---------------------------------------------------------------------------------------- numbers that are none */

static bool all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

bool guard_is_finite(const tensor_table *table, const float *block, bool moments, char name[96]) {
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        if (moments && t->frozen) continue;
        if (all_finite(block + (moments ? t->gradient : t->offset), t->count)) continue;
        tensor_name(t->role, t->layer, name);
        return false;
    }
    return true;
}

/* What a layer makes, in the order in which it does. */
typedef struct stop {
    const char *name;
    int64_t     width;
    const real *data;
} stop;

enum { STOPS = 11 };

/* data NULL: this model's layers do not make it. */
static void stops_of(const canto_config *c, const layer_activations *l, const real *up, stop list[STOPS]) {
    const int64_t C = c->width;
    const bool    pre = c->norm == CANTO_NORM_PRE, post = c->norm == CANTO_NORM_POST;
    const stop    all[STOPS] = {
           {"norm1", C, pre && c->attention ? l->normed1 : NULL},
           {"qkv", 3 * C, l->qkv},
           {"attention", C, l->attended},
           {"attention's sum", C, c->attention ? l->sum1 : NULL},
           {"norm1", C, post && c->attention ? l->normed1 : NULL},
           {"norm2", C, pre && c->ffn > 0 ? l->normed2 : NULL},
           {"ffn_up", c->ffn, c->ffn > 0 ? up : NULL},
           {"activation", c->ffn, l->active},
           {"feed-forward's sum", C, c->ffn > 0 ? l->sum2 : NULL},
           {"norm2", C, post && c->ffn > 0 ? l->normed2 : NULL},
           {"output", C, l->out},
    };
    memcpy(list, all, sizeof all);
}

/* The first stop found so far that is not finite, over the groups looked at: stops are numbered in the data's order through
 * all layers. */
typedef struct search {
    int64_t best; /* INT64_MAX: none yet */
    char   *out;  /* [160] its name */
} search;

/* Whether stop `number` is worth looking at and bad. */
static bool is_first(const search *s, int64_t number, const real *data, int64_t n) {
    return number < s->best && !all_finite(data, (size_t)n);
}

static void found(search *s, int64_t number, const char *name) {
    s->best = number;
    snprintf(s->out, 160, "%s", name);
}

/* The activation's input, made again: a pass for training keeps only what its backward pass needs of it. */
static const real *make_up(const guard_scene *s, gpt_activations *acts, int32_t layer, int64_t rows) {
    const canto_config      *c = acts->config;
    const layer_activations *l = &acts->layers[layer];
    const layer_weights     *w = &s->lanes->weights->layers[layer];
    const real              *x = c->norm == CANTO_NORM_PRE ? l->normed2 : l->middle;
    if (c->ffn == 0) return NULL;
    linear_forward(&s->lanes->pool_exec, s->lanes->kernels, &w->up_weight, &w->up_bias, x, c->width, rows, acts->dffn,
                   c->ffn, NULL);
    return acts->dffn;
}

static void look_at_layer(const guard_scene *s, gpt_activations *acts, int32_t layer, int64_t rows, search *first) {
    const lanes *l = s->lanes;
    stop         list[STOPS];
    char         name[64];
    gpt_restore(&l->pool_exec, l->kernels, l->weights, acts, s->dropout, layer);
    stops_of(acts->config, &acts->layers[layer], make_up(s, acts, layer, rows), list);
    for (int64_t i = 0; i < STOPS; i++) {
        int64_t number = 1 + layer * STOPS + i;
        if (!list[i].data || !is_first(first, number, list[i].data, rows * list[i].width)) continue;
        snprintf(name, sizeof name, "the activation blocks.%d.%s", (int)layer, list[i].name);
        found(first, number, name);
    }
}

static void look_at_logits(const guard_scene *s, gpt_activations *acts, int64_t number, int64_t rows, search *first) {
    for (int64_t row = 0; row < rows; row += acts->chunk_rows) {
        int64_t n = rows - row < acts->chunk_rows ? rows - row : acts->chunk_rows;
        gpt_logits(&s->lanes->pool_exec, s->lanes->kernels, s->lanes->weights, acts, row, n, acts->chunk);
        if (is_first(first, number, acts->chunk, n * acts->config->vocab)) found(first, number, "the logits");
    }
}

/* What the head reads is the final norm, or the last block's output, which has been looked at. */
static void look_at_group(const guard_scene *s, gpt_activations *acts, search *first) {
    const canto_config *c = acts->config;
    int64_t             rows = (int64_t)acts->b * acts->t, last = 1 + (int64_t)c->layers * STOPS;
    if (is_first(first, 0, acts->embedded, rows * c->width)) found(first, 0, "the activation embedding");
    for (int32_t i = 0; i < c->layers; i++) look_at_layer(s, acts, i, rows, first);
    if (is_first(first, last, acts->hidden, rows * c->width)) found(first, last, "the activation final_norm");
    look_at_logits(s, acts, last + 1, rows, first);
    if (is_first(first, last + 2, s->losses + (int64_t)acts->first * acts->t, rows))
        found(first, last + 2, "the losses");
}

/* Every stop of the whole batch comes before the next stop: a group that goes wrong earlier wins over those before it. */
static bool activations_are_finite(const guard_scene *s, char out[160]) {
    search           first = {INT64_MAX, out};
    gpt_activations *acts;
    for (int32_t number = 0; number < s->lanes->plan.count; number++)
        for (int32_t group = 0;; group++) {
            acts = lanes_look(s->lanes, s->ids, s->targets, s->B, s->T, s->dropout, number, group, s->losses);
            if (!acts) break;
            look_at_group(s, acts, &first);
        }
    return first.best == INT64_MAX;
}

/* The table holds the tensors in the data's order: backwards is the order of the backward pass. */
static bool gradients_are_finite(const guard_scene *s, char out[160]) {
    char name[96];
    for (size_t i = s->table->count; i-- > 0;) {
        const tensor *t = &s->table->list[i];
        if (t->frozen || all_finite(s->gradients + t->gradient, t->count)) continue;
        tensor_name(t->role, t->layer, name);
        snprintf(out, 160, "the gradient of %s", name);
        return false;
    }
    return true;
}

void guard_find(const guard_scene *scene, char out[160]) {
    char name[96];
    out[0] = 0;
    if (!guard_is_finite(scene->table, scene->weights, false, name)) {
        snprintf(out, 160, "the weight %s", name);
        return;
    }
    if (activations_are_finite(scene, out)) gradients_are_finite(scene, out);
}
