/* golden_check.c - is what canto computes what PyTorch computed?
 *
 * usage: golden_check FOLDER...        (CANTO_CPU=portable|avx2|avx512|neon picks the kernels)
 *
 * Each folder is one fixture. One line a folder: the largest differences and `ok` or `FAILED`; what failed stands on
 * standard error. Exit status 0: all hold, 1: one does not, 2: usage.
 *
 * Tolerances are those that the reference data names; PyTorch differs from itself by about a tenth of them. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "infer/sampler.h"
#include "model/init.h"
#include "store/model.h"
#include "train/optimizer.h"

#define STEPS 10
#define LR 3e-4
#define NEAR_ZERO 1e-5 /* a gradient below it may have either sign, and Adam steps by lr either way */

typedef struct outcome {
    const char *folder;
    bool        failed;
    double      logits, loss, gradients, adamw, adam, after, dropout;
    int         texts, texts_compared, written; /* written: by a session */
} outcome;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
failed(outcome *o, const char *form, ...);

static void failed(outcome *o, const char *form, ...) {
    va_list arguments;
    va_start(arguments, form);
    fprintf(stderr, "%s: ", o->folder);
    vfprintf(stderr, form, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    o->failed = true;
}

/* ------------------------------------------------------------------------------------- comparing numbers */

typedef struct tolerance {
    double absolute, relative;
} tolerance;

static const tolerance LOGITS = {2e-5, 1e-5}, LOSS = {2e-6, 0}, GRADIENTS = {5e-6, 1e-4}, CURVE = {5e-5, 0};

/* Compares one number; raises *worst to the difference. NaN is never near. */
static bool near(double have, double want, tolerance t, double *worst) {
    double difference = fabs(have - want);
    if (!(difference <= *worst)) *worst = difference;
    return difference <= t.absolute + t.relative * fabs(want);
}

static void compare_number(outcome *o, const char *what, double have, double want, tolerance t, double *worst) {
    if (!near(have, want, t, worst)) failed(o, "%s is %.9g, PyTorch has %.9g", what, have, want);
}

static void compare_numbers(outcome *o, const char *what, const float *have, const float *want, size_t n, tolerance t,
                            double *worst) {
    for (size_t i = 0; i < n; i++) {
        if (near((double)have[i], (double)want[i], t, worst)) continue;
        failed(o, "%s[%zu] is %.9g, PyTorch has %.9g", what, i, (double)have[i], (double)want[i]);
        return;
    }
}

static void compare_tensors(outcome *o, const char *what, const tensor_table *table, const float *have,
                            const float *want, tolerance t, double *worst) {
    for (size_t i = 0; i < table->count; i++) {
        const tensor *x = &table->list[i];
        char          name[96], text[160];
        tensor_name(x->role, x->layer, name);
        snprintf(text, sizeof text, "%s of %s", what, name);
        compare_numbers(o, text, have + x->offset, want + x->offset, x->count, t, worst);
    }
}

static void compare_bits(outcome *o, const char *what, const tensor_table *table, const float *have,
                         const float *want) {
    for (size_t i = 0; i < table->count; i++) {
        const tensor *x = &table->list[i];
        char          name[96];
        tensor_name(x->role, x->layer, name);
        if (memcmp(have + x->offset, want + x->offset, x->count * sizeof *have) != 0)
            failed(o, "%s: %s has other bits", what, name);
    }
}

/* --------------------------------------------------------------------------------------- running a model */

/* A model over its own copy of the weights, with room for a batch. */
typedef struct runner {
    fixture        *f;
    canto_config    config;
    tensor_table    table; /* the fixture's, under this config */
    gpt_weights     views;
    gpt_activations acts;
    float          *weights, *gradients, *m, *v, *losses, *logits;
} runner;

static canto_status runner_open(fixture *f, const canto_config *config, int32_t B, int32_t T, runner *r) {
    canto_status status = status_ok();
    size_t       bytes = f->table.elements * sizeof(float), rows = (size_t)B * (size_t)T;
    void        *acts;
    *r = (runner){.f = f, .config = *config, .table = f->table};
    r->table.config = *config;
    TRY(fixture_block(f, bytes, &r->weights));
    TRY(fixture_block(f, bytes, &r->gradients));
    TRY(fixture_block(f, bytes, &r->m));
    TRY(fixture_block(f, bytes, &r->v));
    TRY(fixture_block(f, rows * sizeof(float), &r->losses));
    TRY(fixture_block(f, rows * (size_t)config->vocab * sizeof(float), &r->logits));
    TRY(fixture_block(f, gpt_activations_bytes(&r->config, B, T, GPT_KEEP_ALL), &acts));
    gpt_activations_bind(&r->config, B, T, GPT_KEEP_ALL, acts, &r->acts);
    gpt_weights_of_block(&r->table, r->weights, f->layers, &r->views);
done:
    return status;
}

static const gpt_dropout NO_DROPOUT = {.on = false};

static double mean_of(const float *losses, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)losses[i];
    return sum / (double)n;
}

/* Forward and backward of the fixture's batch; returns the mean loss. */
static double run_batch(runner *r, const gpt_dropout *dropout) {
    const fixture *f = r->f;
    size_t         rows = (size_t)f->B * (size_t)f->T;
    gpt_forward(&f->exec, f->kernels, &r->views, &r->acts, f->ids, f->B, f->T, dropout);
    gpt_logits(&f->exec, f->kernels, &r->views, &r->acts, 0, (int64_t)rows, r->logits);
    gpt_backward(&f->exec, f->kernels, &r->table, &r->views, &r->acts, f->targets, dropout, 1.0f / (float)rows,
                 r->losses, r->gradients);
    return mean_of(r->losses, rows);
}

static void load_weights(runner *r) { memcpy(r->weights, r->f->weights, r->table.elements * sizeof(float)); }

/* ---------------------------------------------------------------------------------------------- the checks */

static canto_status check_initialization(fixture *f, outcome *o) {
    const char *init = json_string_value(json_object_get(f->info, "init"));
    if (!init || strcmp(init, "torch_default") != 0) return status_ok();
    float       *drawn;
    torch_rng    rng;
    canto_status status = fixture_block(f, f->table.elements * sizeof *drawn, &drawn);
    if (status.code != CANTO_OK) return status;
    torch_seed(&rng, (uint64_t)json_integer_value(json_object_get(f->info, "seed")));
    model_initialize(&f->table, CANTO_INIT_TORCH, &rng, drawn);
    compare_bits(o, "initial weights", &f->table, drawn, f->weights);
    return status;
}

static void check_pass(runner *r, outcome *o) {
    fixture *f = r->f;
    size_t   count = (size_t)f->B * (size_t)f->T * (size_t)f->config.vocab;
    load_weights(r);
    double loss = run_batch(r, &NO_DROPOUT);
    compare_numbers(o, "logits", r->logits, f->logits, count, LOGITS, &o->logits);
    compare_number(o, "the loss", loss, json_number_value(json_object_get(f->info, "loss")), LOSS, &o->loss);
    compare_tensors(o, "the gradient", &f->table, r->gradients, f->gradients, GRADIENTS, &o->gradients);
}

/* Weights after the steps: tight where the gradient has a sign to speak of, else within what Adam can move. */
static void check_after(runner *r, outcome *o) {
    const fixture *f = r->f;
    for (size_t i = 0; f->after && i < f->table.count; i++) {
        const tensor *x = &f->table.list[i];
        char          name[96];
        tensor_name(x->role, x->layer, name);
        for (size_t at = x->offset; at < x->offset + x->count; at++) {
            bool      vague = fabs((double)f->gradients[at]) < NEAR_ZERO;
            double    ignored = 0, *worst = vague ? &ignored : &o->after;
            tolerance t = {vague ? STEPS * LR : 1e-4, 0};
            if (near((double)r->weights[at], (double)f->after[at], t, worst)) continue;
            failed(o, "after ten steps %s[%zu] is %.9g, PyTorch has %.9g", name, at - x->offset, (double)r->weights[at],
                   (double)f->after[at]);
            return;
        }
    }
}

static void check_steps(runner *r, outcome *o, bool adamw) {
    const fixture     *f = r->f;
    optimizer_settings s = {
        .adamw = adamw, .lr = LR, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = adamw ? 0.01 : 0.0};
    const json_t *losses = json_object_get(f->info, adamw ? "adamw_losses" : "adam_losses");
    size_t        bytes = r->table.elements * sizeof(float);
    load_weights(r);
    memset(r->m, 0, bytes);
    memset(r->v, 0, bytes);
    for (int64_t t = 0; t <= STEPS; t++) {
        memset(r->gradients, 0, bytes);
        char   what[64];
        double loss = run_batch(r, &NO_DROPOUT), want = json_number_value(json_array_get(losses, (size_t)t));
        snprintf(what, sizeof what, "the loss after %d steps of %s", (int)t, adamw ? "AdamW" : "Adam");
        compare_number(o, what, loss, want, CURVE, adamw ? &o->adamw : &o->adam);
        if (t < STEPS)
            optimizer_update(&f->exec, f->kernels, &r->table, &s, t + 1, r->weights, r->gradients, r->m, r->v, 1.0f);
    }
    if (adamw) check_after(r, o);
}

/* ------------------------------------------------------------------------------------------- generated text */

/* The next token after ids[count] under the source's own window. */
static uint32_t next_token(runner *r, const uint32_t *ids, size_t count, size_t window, const canto_generate_options *g,
                           torch_rng *torch) {
    const fixture *f = r->f;
    size_t         n = count < window ? count : window;
    stream_rng     unused = {0, 0};
    gpt_forward(&f->exec, f->kernels, &r->views, &r->acts, ids + count - n, 1, (int32_t)n, &NO_DROPOUT);
    gpt_logits(&f->exec, f->kernels, &r->views, &r->acts, (int64_t)n - 1, 1, r->logits);
    return sampler_pick(r->logits, f->config.vocab, g, torch, &unused);
}

static canto_generate_options options_of(const json_t *text) {
    canto_generate_options g = canto_generate_options_default();
    const json_t          *temperature = json_object_get(text, "temperature");
    g.greedy = strcmp(json_string_value(json_object_get(text, "kind")), "greedy") == 0;
    if (temperature) g.temperature = json_number_value(temperature);
    g.top_k = (int32_t)json_integer_value(json_object_get(text, "top_k"));
    g.top_p = 1;
    g.parity_torch = true;
    return g;
}

typedef struct written {
    uint32_t ids[256];
    size_t   count;
} written;

static bool keep_token(void *user, uint32_t id, double logprob) {
    written *w = user;
    (void)logprob;
    w->ids[w->count++] = id;
    return w->count < sizeof w->ids / sizeof *w->ids;
}

/* The same text from a session, whose window is always the model's context. */
static canto_status check_session(fixture *f, const json_t *text, outcome *o) {
    canto_status           status;
    const json_t          *want = json_object_get(text, "tokens");
    size_t                 count = json_array_size(json_object_get(text, "prompt")), total = json_array_size(want);
    canto_generate_options g = options_of(text);
    canto_model           *model = NULL;
    canto_session         *session = NULL;
    written                w = {.count = 0};
    uint32_t               prompt[256];
    for (size_t i = 0; i < count && i < sizeof prompt / sizeof *prompt; i++)
        prompt[i] = (uint32_t)json_integer_value(json_array_get(want, i));
    g.tokens = (int64_t)(total - count);
    g.seed = (uint64_t)json_integer_value(json_object_get(text, "manual_seed"));
    TRY(model_borrow(f->context, &f->config, f->weights, NULL, &model));
    TRY(canto_session_open(f->context, model, &session));
    TRY(canto_generate(session, prompt, count, &g, keep_token, &w));
    o->written++;
    for (size_t i = 0; i < total - count; i++) {
        uint32_t expected = (uint32_t)json_integer_value(json_array_get(want, count + i));
        if (w.ids[i] == expected) continue;
        failed(o, "token %zu of a %s text from a session is %u, PyTorch has %u", count + i,
               g.greedy ? "greedy" : "sampled", (unsigned)w.ids[i], (unsigned)expected);
        break;
    }
done:
    canto_session_close(session);
    canto_model_close(model);
    return status;
}

static bool is_decided(const json_t *text) { return json_number_value(json_object_get(text, "min_margin")) > 1e-4; }

static void check_text(runner *r, const json_t *text, outcome *o) {
    const json_t          *want = json_object_get(text, "tokens");
    size_t                 prompt = json_array_size(json_object_get(text, "prompt")), count = json_array_size(want);
    size_t                 window = r->config.family == CANTO_FAMILY_DANTE ? prompt : (size_t)r->config.context;
    uint32_t               ids[256];
    torch_rng              torch;
    canto_generate_options g = options_of(text);
    torch_seed(&torch, (uint64_t)json_integer_value(json_object_get(text, "manual_seed")));
    o->texts++;
    if (!is_decided(text)) return;
    o->texts_compared++;
    for (size_t i = 0; i < count && i < sizeof ids / sizeof *ids; i++) {
        uint32_t expected = (uint32_t)json_integer_value(json_array_get(want, i));
        ids[i] = i < prompt ? expected : next_token(r, ids, i, window, &g, &torch);
        if (ids[i] == expected) continue;
        failed(o, "token %zu of a %s text is %u, PyTorch has %u", i, g.greedy ? "greedy" : "sampled", (unsigned)ids[i],
               (unsigned)expected);
        return;
    }
}

static canto_status check_texts(fixture *f, outcome *o) {
    runner        r;
    canto_status  status = runner_open(f, &f->config, 1, f->config.context, &r);
    const json_t *texts = json_object_get(f->info, "generate");
    if (status.code != CANTO_OK) return status;
    load_weights(&r);
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i);
        check_text(&r, text, o);
        if (f->config.family != CANTO_FAMILY_DANTE && is_decided(text)) TRY(check_session(f, text, o));
    }
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- dropout */

static double norm_of(const float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static void check_gradient_norms(runner *r, const json_t *norms, outcome *o) {
    layout_item item;
    for (size_t i = 0; layout_item_at(&r->f->config, LAYOUT_SOURCE, i, &item); i++) {
        const json_t *want = json_object_get(norms, item.name);
        if (!want) want = json_object_get(norms, item.alias);
        const tensor *t = tensor_find(&r->table, item.role, item.layer);
        size_t        at = t->offset + (size_t)(item.row * item.columns), n = (size_t)(item.rows * item.columns);
        if (!want) failed(o, "no gradient norm of %s is recorded", item.name);
        compare_number(o, item.name, norm_of(r->gradients + at, n), json_number_value(want), GRADIENTS, &o->dropout);
    }
}

static void compare_dropout(runner *r, const json_t *check, double loss, outcome *o) {
    const json_t   *first = json_object_get(check, "logits_row0_first");
    size_t          count = (size_t)r->f->B * (size_t)r->f->T * (size_t)r->config.vocab;
    const tolerance norms = {2e-5, 1e-6};
    compare_number(o, "the loss with dropout", loss, json_number_value(json_object_get(check, "loss")), LOSS,
                   &o->dropout);
    compare_number(o, "the norm of the logits with dropout", norm_of(r->logits, count),
                   json_number_value(json_object_get(check, "logits_l2")), norms, &o->dropout);
    for (size_t i = 0; i < json_array_size(first); i++)
        compare_number(o, "a logit with dropout", (double)r->logits[i], json_number_value(json_array_get(first, i)),
                       LOGITS, &o->dropout);
    check_gradient_norms(r, json_object_get(check, "grad_l2"), o);
}

static canto_status check_dropout(fixture *f, outcome *o) {
    canto_status  status = status_ok();
    const json_t *check = json_object_get(f->info, "dropout_check");
    runner        r;
    torch_rng     rng;
    uint8_t      *bits;
    if (!json_is_object(check)) goto done;
    canto_config config = fixture_with_dropout(f, json_number_value(json_object_get(check, "p")));
    TRY(runner_open(f, &config, f->B, f->T, &r));
    TRY(fixture_block(f, gpt_dropout_bytes(&config, f->B, f->T), &bits));
    torch_seed(&rng, (uint64_t)json_integer_value(json_object_get(check, "manual_seed_before_forward")));
    gpt_draw_dropout(&config, f->B, f->T, &rng, bits);
    gpt_dropout dropout = {.on = true, .bits = bits};
    load_weights(&r);
    double loss = run_batch(&r, &dropout);
    compare_dropout(&r, check, loss, o);
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ the whole */

static canto_status check_all(fixture *f, outcome *o) {
    canto_status status = status_ok();
    runner       r;
    TRY(runner_open(f, &f->config, f->B, f->T, &r));
    if ((json_int_t)f->table.parameters != json_integer_value(json_object_get(f->info, "n_params")))
        failed(o, "%llu parameters, PyTorch has another number of them", (unsigned long long)f->table.parameters);
    if (f->from_hf) compare_bits(o, "weights_hf.safetensors", &f->table, f->from_hf, f->weights);
    TRY(check_initialization(f, o));
    check_pass(&r, o);
    check_steps(&r, o, true);
    check_steps(&r, o, false);
    TRY(check_texts(f, o));
    TRY(check_dropout(f, o));
done:
    return status;
}

static bool check_folder(canto_context *context, const char *folder) {
    fixture      f;
    outcome      o = {.folder = folder};
    const char  *name = strrchr(folder, '/') && strrchr(folder, '/')[1] ? strrchr(folder, '/') + 1 : folder;
    canto_status status = fixture_open(context, folder, &f);
    if (status.code == CANTO_OK) {
        status = check_all(&f, &o);
        fixture_close(&f);
    }
    if (status.code != CANTO_OK) failed(&o, "%s", status.text);
    printf("%-26s logits %.1e loss %.1e gradients %.1e adamw %.1e adam %.1e weights %.1e texts %d/%d written %d "
           "dropout %.1e %s\n",
           name, o.logits, o.loss, o.gradients, o.adamw, o.adam, o.after, o.texts_compared, o.texts, o.written,
           o.dropout, o.failed ? "FAILED" : "ok");
    return !o.failed;
}

int main(int argc, char **argv) {
    canto_context *context;
    bool           all = true;
    if (argc < 2) {
        fprintf(stderr, "usage: golden_check FOLDER...\n");
        return 2;
    }
    canto_context_options options = canto_context_options_default();
    options.cpu = getenv("CANTO_CPU");
    canto_status status = canto_context_open(&options, &context);
    if (status.code != CANTO_OK) {
        fprintf(stderr, "golden_check: %s\n", status.text);
        return 1;
    }
    for (int i = 1; i < argc; i++) all = check_folder(context, argv[i]) && all;
    canto_context_close(context);
    return all ? 0 : 1;
}
