/* trainer.c - the data's way, run: batch -> logits -> loss -> gradients -> clip -> weights -> checkpoint.
 *
 * Invariants: row s of the journal is the state after s updates, with the loss of the batch of update s + 1; a loss or
 * gradient that is not finite stops the run before it touches a weight; a step allocates nothing. In parity mode one
 * PyTorch stream serves, in this order, the weights, each evaluation, the batch of a step, and its dropout. */
#include "train/trainer.h"

#include "base/file.h"
#include "base/machine.h"
#include "train/checkpoint.h"
#include "train/schedule.h"

#include <math.h>
#include <string.h>

static torch_rng *parity(canto_trainer *t) { return t->options.parity_torch ? &t->torch : NULL; }

/* ------------------------------------------------------------------------------------------------------- telling */

static void clear_row(canto_trainer *t) {
    t->row = (journal_row){.train_loss = NAN,
                           .eval_train_loss = NAN,
                           .val_loss = NAN,
                           .lr = NAN,
                           .grad_norm = NAN,
                           .tokens_per_second = NAN,
                           .seconds = NAN};
    t->row_due = false;
}

static double seconds_left(const canto_trainer *t, double seconds) {
    double left = t->step > 0 ? seconds / (double)t->step * (double)(t->updates - t->step) : NAN;
    if (t->options.max_seconds > 0 && !(left < t->options.max_seconds - seconds))
        left = t->options.max_seconds - seconds;
    return left < 0 ? 0 : left;
}

static canto_event event_of(const canto_trainer *t, canto_event_kind kind) {
    double seconds = clock_seconds() - t->start;
    return (canto_event){.kind = kind,
                         .step = t->step,
                         .steps = t->updates,
                         .epoch = t->epoch,
                         .epochs = t->options.epochs,
                         .tokens = t->tokens,
                         .train_loss = NAN,
                         .eval_train_loss = NAN,
                         .val_loss = NAN,
                         .lr = NAN,
                         .grad_norm = NAN,
                         .tokens_per_second = NAN,
                         .seconds = seconds,
                         .seconds_left = seconds_left(t, seconds)};
}

static void tell(canto_trainer *t, const canto_event *event) {
    if (t->on_event && !t->on_event(t->user, t, event)) t->stopping = t->stopped = true;
}

/* ----------------------------------------------------------------------------------------------------- evaluating */

/* Mean loss over eval_batches batches: drawn from the one stream in parity mode, otherwise always the same windows. */
static double estimate(canto_trainer *t, int which, data_split part) {
    int32_t B = trainer_eval_batch(t), T = t->config.context, n = t->options.eval_batches;
    size_t  rows = (size_t)B * (size_t)T;
    double  sum = 0;
    if (part.count == 0) return NAN;
    for (int32_t i = 0; i < n; i++) {
        if (t->options.parity_torch) loader_draw(&t->eval_batches[which], &t->torch, t->x, t->y);
        else loader_spread(t->data, part, T, B, n, i, t->x, t->y);
        lanes_evaluate(&t->lanes, t->x, t->y, B, T, t->losses);
        sum += losses_sum(t->losses, rows) / (double)rows;
    }
    return sum / n;
}

/* Mean loss over every token of the validation split. PyTorch's DataLoader draws a number (and throws it away) whenever a
 * pass begins, shuffled or not: the one stream of parity mode loses it too. */
static double validate_all(canto_trainer *t) {
    uint64_t window = 0, tokens = 0;
    int32_t  rows, columns;
    double   sum = 0;
    if (t->options.parity_torch && t->validation.count > 0) torch_random_i64(&t->torch);
    while (loader_sequence(t->data, t->validation, t->config.context, trainer_eval_batch(t), &window, t->x, t->y, &rows,
                           &columns)) {
        size_t n = (size_t)rows * (size_t)columns;
        lanes_evaluate(&t->lanes, t->x, t->y, rows, columns, t->losses);
        sum += losses_sum(t->losses, n);
        tokens += n;
    }
    return tokens > 0 ? sum / (double)tokens : NAN;
}

/* What an evaluation found waits for the row of this step, and for the checkpoint of this step. */
static void note_evaluation(canto_trainer *t, double train_loss, double val_loss) {
    t->row.eval_train_loss = train_loss;
    t->row.val_loss = val_loss;
    t->row_due = true;
    t->last_val_loss = val_loss;
    t->last_val_step = t->step;
}

static void evaluate(canto_trainer *t) {
    double train_loss = estimate(t, 0, t->train), val_loss = estimate(t, 1, t->validation);
    note_evaluation(t, train_loss, val_loss);
    canto_event event = event_of(t, CANTO_EVENT_EVALUATION);
    event.eval_train_loss = train_loss;
    event.val_loss = val_loss;
    tell(t, &event);
}

/* By steps: at the start, every so many updates, after the last. By epochs their ends evaluate; in parity nothing else may
 * draw from the stream. */
static bool evaluation_due(const canto_trainer *t) {
    const canto_train_options *o = &t->options;
    if (t->last_val_step == t->step) return false;
    if (o->epochs > 0 && (o->parity_torch || t->step == t->updates)) return false;
    return t->step == 0 || t->step == t->updates || (o->eval_every > 0 && t->step % o->eval_every == 0);
}

/* --------------------------------------------------------------------------------------------------------- saving */

static canto_status save(canto_trainer *t) {
    canto_status status = status_ok();
    char         path[4096];
    json_t      *loader_json = NULL;
    if (!t->folder[0] || t->saved_step == t->step) goto done;
    TRY(journal_flush(&t->journal));
    bool best = t->last_val_step == t->step && t->last_val_loss < t->best_loss;
    if (best) {
        t->best_loss = t->last_val_loss;
        t->best_step = t->step;
    }
    loader_json = loader_state_write(&t->batches.state);
    checkpoint_state state = {t->step, t->epoch, t->tokens, t->best_loss, t->best_step, parity(t), loader_json};
    TRY(checkpoint_save(t->folder, t->model, t->table, t->m, t->v, &state, path));
    t->saved_step = t->step;
    TRY(checkpoint_link(t->folder, "last", t->step));
    if (best) TRY(checkpoint_link(t->folder, "best", t->step));
    TRY(checkpoint_prune(t->folder, t->options.keep, t->best_step, t->step));
    canto_event event = event_of(t, CANTO_EVENT_CHECKPOINT);
    event.path = path;
    tell(t, &event);
done:
    json_decref(loader_json);
    return status;
}

static bool save_due(const canto_trainer *t) {
    if (t->step == 0) return false;
    if (t->options.save_every > 0) return t->step % t->options.save_every == 0;
    return t->last_val_step == t->step;
}

/* -------------------------------------------------------------------------------------------------- one update */

/* What one update saw. */
typedef struct update {
    double   loss_sum; /* over its positions */
    uint64_t positions;
    double   scale; /* what the gradients are multiplied by to be of the mean loss */
    double   norm, lr;
} update;

/* loader -> (x, y): rows sequences of columns tokens; false at an epoch's end. */
static bool next_batch(canto_trainer *t, int32_t *rows, int32_t *columns) {
    if (t->options.epochs > 0) return loader_epoch_next(&t->batches, t->x, t->y, rows, columns);
    loader_draw(&t->batches, parity(t), t->x, t->y);
    *rows = t->options.batch;
    *columns = t->config.context;
    return true;
}

static gpt_dropout draw_dropout(canto_trainer *t, int32_t micro, int32_t rows, int32_t columns) {
    gpt_dropout dropout = {.on = t->dropout};
    uint64_t    key = rng_mix(rng_mix(t->options.seed, RNG_DROPOUT), (uint64_t)t->step);
    dropout.key = rng_mix(key, (uint64_t)micro);
    if (t->bits) {
        gpt_draw_dropout(&t->config, rows, columns, &t->torch, t->bits);
        dropout.bits = t->bits;
    }
    return dropout;
}

/* Micro-batches of one update: forward, loss, backward. The mean is over all their positions; how many those are is known
 * only at the end when an epoch's last windows are short, so the gradients are made for full ones and corrected. */
static bool accumulate_gradients(canto_trainer *t, update *u) {
    int32_t rows, columns, micro = 0;
    double  full = (double)t->options.batch * t->config.context * t->options.accumulate;
    *u = (update){0};
    for (; micro < t->options.accumulate && next_batch(t, &rows, &columns); micro++) {
        size_t positions = (size_t)rows * (size_t)columns;
        if (t->options.accumulate == 1) full = (double)positions;
        gpt_dropout dropout = draw_dropout(t, micro, rows, columns);
        lanes_train(&t->lanes, t->x, t->y, rows, columns, &dropout, (float)(1 / full), t->losses);
        u->loss_sum += losses_sum(t->losses, positions);
        u->positions += positions;
    }
    if (micro == 0) return false;
    lanes_gather(&t->lanes);
    u->scale = full / (double)u->positions;
    return true;
}

static canto_status check_finite(const canto_trainer *t, const update *u) {
    double loss = u->loss_sum / (double)u->positions;
    if (isfinite(loss) && isfinite(u->norm)) return status_ok();
    return status_error(CANTO_ERROR_NUMBER,
                        "At step %lld the loss is %g and the gradient's norm %g: training stopped, and the checkpoints "
                        "before it are untouched. Try a smaller learning rate (it was %g), warm-up, or clipping.",
                        (long long)t->step, loss, u->norm, u->lr);
}

/* gradients -> clip -> weights. As PyTorch's clip_grad_norm_: the norm is brought to clip when it is larger. */
static canto_status apply_gradients(canto_trainer *t, update *u) {
    canto_status               status;
    const canto_train_options *o = &t->options;
    optimizer_settings         settings = {o->optimizer == CANTO_ADAMW, 0, o->beta1, o->beta2, o->eps, o->weight_decay,
                                           o->decay_matrices_only};
    double                     scale = u->scale;
    u->lr = settings.lr = schedule_lr(o, t->step, t->updates);
    u->norm = gradient_norm(&t->lanes.pool_exec, t->table, t->gradients) * u->scale;
    TRY(check_finite(t, u));
    if (o->clip > 0 && u->norm + 1e-6 > o->clip) scale *= o->clip / (u->norm + 1e-6);
    optimizer_update(&t->lanes.pool_exec, t->kernels, t->table, &settings, t->step + 1, t->weights, t->gradients, t->m,
                     t->v, (float)scale);
done:
    return status;
}

static canto_status finish_row(canto_trainer *t, bool due) {
    canto_status status = status_ok();
    t->row.step = t->step;
    t->row.epoch = t->epoch;
    t->row.tokens = t->tokens;
    t->row.seconds = clock_seconds() - t->start;
    if (due || t->row_due) status = journal_write(&t->journal, &t->row);
    clear_row(t);
    return status;
}

/* One update is done: its row, its count, its event. */
static canto_status note_update(canto_trainer *t, const update *u, double seconds) {
    canto_status status;
    double       loss = u->loss_sum / (double)u->positions, speed = (double)u->positions / seconds;
    t->row.train_loss = loss;
    t->row.lr = u->lr;
    t->row.grad_norm = u->norm;
    t->row.tokens_per_second = speed;
    TRY(finish_row(t, t->step % t->options.log_every == 0));
    t->step++;
    t->tokens += u->positions;
    t->epoch_loss_sum += u->loss_sum;
    t->epoch_tokens += u->positions;
    canto_event event = event_of(t, CANTO_EVENT_STEP);
    event.train_loss = loss;
    event.lr = u->lr;
    event.grad_norm = u->norm;
    event.tokens_per_second = speed;
    tell(t, &event);
done:
    return status;
}

/* *done false: the epoch had no batch left. */
static canto_status run_update(canto_trainer *t, bool *done_one) {
    canto_status status = status_ok();
    update       u;
    double       start = clock_seconds();
    *done_one = accumulate_gradients(t, &u);
    if (!*done_one) goto done;
    TRY(apply_gradients(t, &u));
    TRY(note_update(t, &u, clock_seconds() - start));
    if (t->options.max_seconds > 0 && clock_seconds() - t->start >= t->options.max_seconds) t->stopping = true;
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------------- the run */

static canto_status run_steps(canto_trainer *t) {
    canto_status status = status_ok();
    bool         done_one = true;
    for (;;) {
        if (evaluation_due(t)) evaluate(t);
        if (save_due(t)) TRY(save(t));
        if (t->stopping || t->step == t->updates) break;
        TRY(run_update(t, &done_one));
    }
done:
    return status;
}

static void begin_epoch(canto_trainer *t) {
    t->epoch_loss_sum = 0;
    t->epoch_tokens = 0;
    t->epoch_start = clock_seconds();
}

/* A pass over the training split is done: the whole validation split is read. */
static canto_status finish_epoch(canto_trainer *t) {
    double train_loss = t->epoch_loss_sum / (double)t->epoch_tokens;
    t->epoch++;
    note_evaluation(t, train_loss, validate_all(t));
    canto_event event = event_of(t, CANTO_EVENT_EPOCH);
    event.train_loss = event.eval_train_loss = train_loss;
    event.val_loss = t->last_val_loss;
    event.seconds = clock_seconds() - t->epoch_start;
    tell(t, &event);
    return save_due(t) ? save(t) : status_ok();
}

static canto_status run_epochs(canto_trainer *t) {
    canto_status status = status_ok();
    while (t->epoch < t->options.epochs && !t->stopping) {
        bool more = true;
        TRY(loader_epoch_begin(&t->batches, parity(t)));
        begin_epoch(t);
        while (more && !t->stopping) {
            if (evaluation_due(t)) evaluate(t);
            if (save_due(t)) TRY(save(t));
            TRY(run_update(t, &more));
        }
        if (!more) TRY(finish_epoch(t));
    }
done:
    return status;
}

static canto_status finish_run(canto_trainer *t) {
    canto_status status;
    char         path[4096] = "";
    if (t->row_due) TRY(finish_row(t, true));
    TRY(journal_flush(&t->journal));
    TRY(save(t));
    canto_event event = event_of(t, CANTO_EVENT_DONE);
    if (t->folder[0]) {
        TRY(path_join(path, t->folder, "last"));
        event.path = path;
    }
    if (!t->stopped) tell(t, &event);
done:
    return status;
}

canto_status canto_trainer_run(canto_trainer *trainer, canto_event_fn on_event, void *user) {
    canto_status   status = status_ok();
    canto_trainer *t = trainer;
    t->on_event = on_event;
    t->user = user;
    t->start = clock_seconds();
    t->stopping = t->stopped = false;
    clear_row(t);
    if (t->options.epochs > 0) TRY(run_epochs(t));
    else if (t->updates > 0) TRY(run_steps(t));
    TRY(finish_run(t));
    if (t->stopped)
        FAIL(CANTO_STOPPED, "Training was stopped after %lld of %lld updates; a checkpoint is saved.",
             (long long)t->step, (long long)t->updates);
done:
    journal_flush(&t->journal);
    return status;
}
