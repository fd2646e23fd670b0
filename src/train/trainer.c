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

static torch_rng *parity(canto_trainer *t) { return t->options.parity_torch ? &t->state.torch : NULL; }

/* ------------------------------------------------------------------------------------------------------- telling */

static double seconds_left(const canto_trainer *t, double seconds) {
    int64_t step = t->state.step;
    double  left = step > 0 ? seconds / (double)step * (double)(t->updates - step) : NAN;
    double  limit = t->options.max_seconds - (clock_seconds() - t->sitting);
    if (t->options.max_seconds > 0 && !(left < limit)) left = limit;
    return left < 0 ? 0 : left;
}

static canto_event event_of(const canto_trainer *t, canto_event_kind kind) {
    double seconds = clock_seconds() - t->start;
    return (canto_event){.kind = kind,
                         .step = t->state.step,
                         .steps = t->updates,
                         .epoch = t->state.epoch,
                         .epochs = t->options.epochs,
                         .tokens = t->state.tokens,
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
    if (part.count <= (uint64_t)T) return NAN; /* no window */
    for (int32_t i = 0; i < n; i++) {
        if (t->options.parity_torch) loader_draw(&t->eval_batches[which], &t->state.torch, t->x, t->y);
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
    if (t->options.parity_torch && t->validation.count > 0) torch_random_i64(&t->state.torch);
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
    run_state *s = &t->state;
    s->row_eval_train_loss = train_loss;
    s->row_val_loss = val_loss;
    s->row_due = true;
    s->last_val_loss = val_loss;
    s->last_val_step = s->step;
    t->unsaved = true;
    guard_look_at_evaluation(t->context, &s->guard, s->step, train_loss, val_loss);
}

static bool on_schedule(const canto_trainer *t) {
    int64_t every = t->options.eval_every;
    return t->state.step == 0 || (every > 0 && t->state.step % every == 0);
}

/* The evaluation after the last update may be one that a longer run would not make: it then leaves the stream of parity mode
 * as it was, so that the run can be made longer. */
static void evaluate(canto_trainer *t) {
    torch_rng before = t->state.torch;
    double    train_loss = estimate(t, 0, t->train), val_loss = estimate(t, 1, t->validation);
    if (!on_schedule(t)) t->state.torch = before;
    note_evaluation(t, train_loss, val_loss);
    canto_event event = event_of(t, CANTO_EVENT_EVALUATION);
    event.eval_train_loss = train_loss;
    event.val_loss = val_loss;
    tell(t, &event);
}

/* By steps: at the start, every so many updates, after the last. By epochs their ends evaluate; in parity nothing else may
 * draw from the stream. */
static bool evaluation_due(const canto_trainer *t) {
    bool last = t->state.step == t->updates;
    if (t->state.last_val_step == t->state.step) return false;
    if (t->options.epochs > 0) return on_schedule(t) && !last && !t->options.parity_torch;
    return on_schedule(t) || last;
}

/* --------------------------------------------------------------------------------------------------------- saving */

/* Brings the state up to now: what is not kept there all the time. */
static const run_state *state_now(canto_trainer *t) {
    run_state *s = &t->state;
    s->seconds = clock_seconds() - t->start;
    s->epoch_seconds = clock_seconds() - t->epoch_start;
    s->metrics_bytes = t->journal.metrics_bytes;
    s->samples_bytes = t->journal.samples_bytes;
    s->has_torch = t->options.parity_torch;
    s->has_loader = t->batches.data != NULL;
    s->loader = t->batches.state;
    return s;
}

static bool save_due(const canto_trainer *t) {
    if (t->state.step == 0) return false;
    if (t->options.save_every > 0) return t->state.step % t->options.save_every == 0;
    return t->state.last_val_step == t->state.step;
}

/* Only a checkpoint that an uninterrupted run has too can be the best one. */
static bool is_best(const canto_trainer *t) {
    const run_state *s = &t->state;
    return (save_due(t) || s->step == t->updates) && s->last_val_step == s->step && s->last_val_loss < s->best_loss;
}

/* A checkpoint of numbers that are none would be worse than no checkpoint. */
static canto_status check_blocks(const canto_trainer *t) {
    static const char *const kinds[3] = {"weight", "first moment of the weight", "second moment of the weight"};
    const float             *blocks[3] = {t->weights, t->m, t->v};
    char                     name[96];
    for (int i = 0; i < 3; i++)
        if (!guard_is_finite(t->table, blocks[i], i > 0, name))
            return status_error(
                CANTO_ERROR_NUMBER,
                "After step %lld the %s %s holds a number that is not finite: nothing was saved, and the "
                "checkpoints before it are untouched. Try a smaller learning rate, warm-up, or clipping.",
                (long long)t->state.step, kinds[i], name);
    return status_ok();
}

/* The journal reaches the disk before the checkpoint that counts on it. */
static canto_status save(canto_trainer *t) {
    canto_status status = status_ok();
    run_state   *s = &t->state;
    char         path[4096];
    if (!t->folder[0] || (t->saved_step == s->step && !t->unsaved)) goto done;
    TRY(check_blocks(t));
    TRY(journal_sync(&t->journal));
    if (is_best(t)) {
        s->best_loss = s->last_val_loss;
        s->best_step = s->step;
    }
    if (t->saved_step == s->step) TRY(checkpoint_restate(t->folder, state_now(t), path));
    else TRY(checkpoint_save(t->folder, t->model, &t->from, t->m, t->v, state_now(t), path));
    t->saved_step = s->step;
    t->unsaved = false;
    TRY(checkpoint_link(t->folder, "last", s->step));
    if (s->best_step == s->step) TRY(checkpoint_link(t->folder, "best", s->step));
    TRY(checkpoint_prune(t->folder, t->options.keep, s->best_step, s->step));
    canto_event event = event_of(t, CANTO_EVENT_CHECKPOINT);
    event.path = path;
    tell(t, &event);
done:
    return status;
}

/* -------------------------------------------------------------------------------------------------- one update */

/* What one update saw. */
typedef struct update {
    double      loss_sum; /* over its positions */
    uint64_t    positions;
    double      scale;         /* what the gradients are multiplied by to be of the mean loss */
    double      norm, lr;      /* norm: of the gradients, after scale */
    int32_t     rows, columns; /* of its last micro-batch: x, y, and its dropout */
    gpt_dropout dropout;
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
    uint64_t    key = rng_mix(rng_mix(t->options.seed, RNG_DROPOUT), (uint64_t)t->state.step);
    dropout.key = rng_mix(key, (uint64_t)micro);
    if (t->bits) {
        gpt_draw_dropout(&t->config, rows, columns, &t->state.torch, t->bits);
        dropout.bits = t->bits;
    }
    return dropout;
}

/* Micro-batches of one update: forward, loss, backward. The mean is over all their positions; how many those are is known
 * only at the end when an epoch's last windows are short, so the gradients are made for full ones and corrected. */
static void accumulate_gradients(canto_trainer *t, update *u) {
    int32_t micro = 0;
    double  full = (double)t->options.batch * t->config.context * t->options.accumulate;
    *u = (update){0};
    for (; micro < t->options.accumulate && next_batch(t, &u->rows, &u->columns); micro++) {
        size_t positions = (size_t)u->rows * (size_t)u->columns;
        if (t->options.accumulate == 1) full = (double)positions;
        u->dropout = draw_dropout(t, micro, u->rows, u->columns);
        lanes_train(&t->lanes, t->x, t->y, u->rows, u->columns, &u->dropout, (float)(1 / full), t->losses);
        u->loss_sum += losses_sum(t->losses, positions);
        u->positions += positions;
        if (!isfinite(u->loss_sum)) break; /* this micro-batch is the one to look into */
    }
    u->scale = full / (double)u->positions;
    u->norm = lanes_gather(&t->lanes) * u->scale;
    loader_epoch_end(&t->batches);
}

/* The update is refused before it touches a weight. */
static canto_status check_finite(canto_trainer *t, const update *u) {
    double      loss = u->loss_sum / (double)u->positions;
    char        where[160];
    guard_scene scene = {t->table, t->weights, t->gradients, &t->lanes,   t->x,
                         t->y,     u->rows,    u->columns,   &u->dropout, t->losses};
    if (isfinite(loss) && isfinite(u->norm)) return status_ok();
    guard_find(&scene, where);
    return status_error(
        CANTO_ERROR_NUMBER,
        "At step %lld the loss is %g and the gradient's norm %g: the first tensor with a number that is "
        "not finite is %s. Training stopped, and the checkpoints before it are untouched. Try a smaller "
        "learning rate (it was %g), warm-up, or clipping.",
        (long long)t->state.step, loss, u->norm, *where ? where : "none (their sum is too large)", u->lr);
}

/* gradients -> clip -> weights. As PyTorch's clip_grad_norm_: the norm is brought to clip when it is larger. */
static canto_status apply_gradients(canto_trainer *t, update *u) {
    canto_status               status;
    const canto_train_options *o = &t->options;
    optimizer_settings         settings = {o->optimizer == CANTO_ADAMW, 0, o->beta1, o->beta2, o->eps, o->weight_decay,
                                           o->decay_matrices_only};
    double                     scale = u->scale;
    u->lr = settings.lr = schedule_lr(o, t->state.step, t->updates);
    TRY(check_finite(t, u));
    if (o->clip > 0 && u->norm + 1e-6 > o->clip) scale *= o->clip / (u->norm + 1e-6);
    optimizer_update(&t->lanes.pool_exec, t->kernels, t->table, &settings, t->state.step + 1, t->weights, t->gradients,
                     t->m, t->v, (float)scale);
done:
    return status;
}

/* The row of this step: with the loss of the update to come, when there is one, and with the evaluation that waited. */
static canto_status write_row(canto_trainer *t, const update *u, double speed) {
    const run_state *s = &t->state;
    journal_row      row = {.step = s->step, .epoch = s->epoch, .tokens = s->tokens, .tokens_per_second = speed};
    row.train_loss = u ? u->loss_sum / (double)u->positions : NAN;
    row.lr = u ? u->lr : NAN;
    row.grad_norm = u ? u->norm : NAN;
    row.eval_train_loss = s->row_due ? s->row_eval_train_loss : NAN;
    row.val_loss = s->row_due ? s->row_val_loss : NAN;
    row.seconds = clock_seconds() - t->start;
    return journal_write(&t->journal, &row);
}

/* One update is done: its row, its count, its event. */
static canto_status note_update(canto_trainer *t, const update *u, double seconds) {
    canto_status status;
    run_state   *s = &t->state;
    double       speed = (double)u->positions / seconds;
    if (s->row_due || s->step % t->options.log_every == 0) TRY(write_row(t, u, speed));
    s->row_due = false;
    s->step++;
    s->tokens += u->positions;
    s->epoch_loss_sum += u->loss_sum;
    s->epoch_tokens += u->positions;
    guard_look_at_loss(t->context, &s->guard, s->step, u->loss_sum / (double)u->positions);
    canto_event event = event_of(t, CANTO_EVENT_STEP);
    event.train_loss = u->loss_sum / (double)u->positions;
    event.lr = u->lr;
    event.grad_norm = u->norm;
    event.tokens_per_second = speed;
    tell(t, &event);
    TRY(t->failed);
done:
    return status;
}

static canto_status run_update(canto_trainer *t) {
    canto_status status;
    update       u;
    double       start = clock_seconds();
    accumulate_gradients(t, &u);
    TRY(apply_gradients(t, &u));
    TRY(note_update(t, &u, clock_seconds() - start));
    if (t->options.max_seconds > 0 && clock_seconds() - t->sitting >= t->options.max_seconds) t->stopping = true;
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------------- the run */

/* Wherever the state stands, each turn of these loops does what comes next: a run that goes on enters them as one that
 * begins. */
static canto_status run_steps(canto_trainer *t) {
    canto_status status = status_ok();
    for (;;) {
        if (evaluation_due(t)) evaluate(t);
        if (save_due(t)) TRY(save(t));
        if (t->stopping || t->state.step == t->updates) break;
        TRY(run_update(t));
    }
done:
    return status;
}

static canto_status begin_epoch(canto_trainer *t) {
    t->state.epoch_loss_sum = 0;
    t->state.epoch_tokens = 0;
    t->epoch_start = clock_seconds();
    return loader_epoch_begin(&t->batches, parity(t));
}

/* A pass over the training split is done: the whole validation split is read. */
static canto_status finish_epoch(canto_trainer *t) {
    run_state *s = &t->state;
    double     train_loss = s->epoch_loss_sum / (double)s->epoch_tokens;
    s->epoch++;
    note_evaluation(t, train_loss, validate_all(t));
    canto_event event = event_of(t, CANTO_EVENT_EPOCH);
    event.train_loss = event.eval_train_loss = train_loss;
    event.val_loss = s->last_val_loss;
    event.seconds = clock_seconds() - t->epoch_start;
    tell(t, &event);
    return save_due(t) ? save(t) : status_ok();
}

static canto_status run_epochs(canto_trainer *t) {
    canto_status status = status_ok();
    while (t->state.epoch < t->options.epochs && !t->stopping) {
        if (t->batches.state.epoch > (uint64_t)t->state.epoch) {
            TRY(finish_epoch(t));
            continue;
        }
        if (!t->batches.state.running) TRY(begin_epoch(t));
        if (evaluation_due(t)) evaluate(t);
        if (save_due(t)) TRY(save(t));
        if (!t->stopping) TRY(run_update(t));
    }
done:
    return status;
}

/* The checkpoint counts on the journal without the closing row: a run that goes on writes it again, with a loss. */
static canto_status finish_run(canto_trainer *t) {
    canto_status status;
    char         path[4096] = "";
    TRY(save(t));
    if (t->state.row_due) TRY(write_row(t, NULL, NAN));
    TRY(journal_flush(&t->journal));
    t->row_closed = t->state.row_due;
    canto_event event = event_of(t, CANTO_EVENT_DONE);
    if (t->folder[0]) {
        TRY(path_join(path, t->folder, "last"));
        event.path = path;
    }
    if (!t->stopped) tell(t, &event);
done:
    return status;
}

/* What a failed write means for the run. */
static canto_status explain(const canto_trainer *t, canto_status status) {
    long long step = t->state.step;
    if (status.code != CANTO_ERROR_FILE || !t->folder[0]) return status;
    if (!folder_exists(t->folder))
        return status_error(
            CANTO_ERROR_FILE,
            "The run folder '%.300s' is gone: it was moved or removed while step %lld was trained. If it "
            "was moved, go on with it at its new place.",
            t->folder, step);
    if (t->saved_step < 0)
        return status_error(CANTO_ERROR_FILE, "%.300s. Training stopped after step %lld; there is no checkpoint yet.",
                            status.text, step);
    return status_error(CANTO_ERROR_FILE,
                        "%.300s. Training stopped after step %lld; the checkpoint of step %lld is untouched.",
                        status.text, step, (long long)t->saved_step);
}

static canto_status begin_sitting(canto_trainer *t) {
    double now = clock_seconds();
    t->sitting = now;
    t->start = now - t->state.seconds;
    t->epoch_start = now - t->state.epoch_seconds;
    t->stopping = t->stopped = false;
    t->failed = status_ok();
    if (!t->row_closed) return status_ok();
    t->row_closed = false;
    return journal_take_back(&t->journal, t->state.metrics_bytes);
}

canto_status canto_trainer_run(canto_trainer *trainer, canto_event_fn on_event, void *user) {
    canto_status   status;
    canto_trainer *t = trainer;
    t->on_event = on_event;
    t->user = user;
    TRY(begin_sitting(t));
    if (t->options.epochs > 0) TRY(run_epochs(t));
    else if (t->updates > 0) TRY(run_steps(t));
    TRY(finish_run(t));
    if (t->stopped)
        FAIL(CANTO_STOPPED, "Training was stopped after %lld of %lld updates; a checkpoint is saved.",
             (long long)t->state.step, (long long)t->updates);
done:
    if (status.code != CANTO_OK && status.code != CANTO_STOPPED) {
        journal_flush(&t->journal);
        status = explain(t, status);
    }
    return status;
}

canto_status canto_trainer_sample(canto_trainer *trainer, const char *text, size_t bytes) {
    return trainer->failed = journal_sample(&trainer->journal, trainer->state.step, text, bytes);
}

int64_t canto_trainer_step(const canto_trainer *trainer) { return trainer->state.step; }
