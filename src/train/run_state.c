/* run_state.c - trainer.json both ways. Numbers come back to the bit; one that is not finite is null. */
#include "train/run_state.h"

#include <math.h>
#include <string.h>

void run_state_begin(run_state *s) {
    memset(s, 0, sizeof *s);
    guard_begin(&s->guard);
    s->best_loss = INFINITY;
    s->best_step = s->last_val_step = -1;
    s->last_val_loss = s->row_eval_train_loss = s->row_val_loss = NAN;
}

/* -------------------------------------------------------------------------------------------------------- writing */

static json_t *real_or_null(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* {"state": [624 words], "next", "has_cached", "cached"} */
static json_t *torch_json(const torch_rng *torch) {
    json_build b = json_build_object(), words = json_build_array();
    for (int i = 0; i < 624; i++) json_build_add(&words, json_integer(torch->state[i]));
    json_build_set(&b, "state", json_build_end(&words));
    json_build_integer(&b, "next", torch->next);
    json_build_bool(&b, "has_cached", torch->has_cached);
    json_build_real(&b, "cached", torch->has_cached ? torch->cached : 0);
    return json_build_end(&b);
}

static json_t *state_json(const run_state *s) {
    json_build b = json_build_object();
    json_build_integer(&b, "step", s->step);
    json_build_integer(&b, "epoch", s->epoch);
    json_build_integer(&b, "tokens", (int64_t)s->tokens);
    json_build_set(&b, "best_loss", real_or_null(s->best_loss));
    json_build_integer(&b, "best_step", s->best_step);
    json_build_set(&b, "last_val_loss", real_or_null(s->last_val_loss));
    json_build_integer(&b, "last_val_step", s->last_val_step);
    json_build_real(&b, "epoch_loss_sum", s->epoch_loss_sum);
    json_build_integer(&b, "epoch_tokens", (int64_t)s->epoch_tokens);
    json_build_real(&b, "epoch_seconds", s->epoch_seconds);
    json_build_real(&b, "seconds", s->seconds);
    json_build_bool(&b, "row_due", s->row_due);
    json_build_set(&b, "row_eval_train_loss", real_or_null(s->row_eval_train_loss));
    json_build_set(&b, "row_val_loss", real_or_null(s->row_val_loss));
    json_build_integer(&b, "metrics_bytes", (int64_t)s->metrics_bytes);
    json_build_integer(&b, "samples_bytes", (int64_t)s->samples_bytes);
    json_build_set(&b, "guard", guard_state_write(&s->guard));
    json_build_set(&b, "loader", s->has_loader ? loader_state_write(&s->loader) : json_null());
    json_build_set(&b, "torch", s->has_torch ? torch_json(&s->torch) : json_null());
    return json_build_end(&b);
}

canto_status run_state_write(const char *path, const run_state *s) {
    json_t *object = state_json(s);
    if (!object) return status_error(CANTO_ERROR_MEMORY, "no memory to write '%.300s'", path);
    canto_status status = json_write_file(path, object);
    json_decref(object);
    return status;
}

/* -------------------------------------------------------------------------------------------------------- reading */

static canto_status get_u64(const json_t *object, const char *file, const char *key, uint64_t *number) {
    int64_t      found = 0;
    canto_status status = json_get_integer(object, file, key, 0, INT64_MAX, &found);
    *number = (uint64_t)found;
    return status;
}

static canto_status get_real_or_null(const json_t *object, const char *file, const char *key, double null,
                                     double *number) {
    *number = null;
    if (json_is_null(json_object_get(object, key))) return status_ok();
    return json_get_real(object, file, key, number);
}

static canto_status read_torch(const json_t *object, const char *file, torch_rng *torch) {
    canto_status status;
    json_t      *words;
    int64_t      next = 0;
    TRY(json_get_array(object, file, "state", &words));
    if (json_array_size(words) != 624) FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"state\" must have 624 words", file);
    for (size_t i = 0; i < 624; i++) {
        const json_t *word = json_array_get(words, i);
        if (!json_is_integer(word) || json_integer_value(word) < 0 || json_integer_value(word) > UINT32_MAX)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s': word %zu of \"state\" has no 32 bits", file, i);
        torch->state[i] = (uint32_t)json_integer_value(word);
    }
    TRY(json_get_integer(object, file, "next", 0, 624, &next));
    TRY(json_get_bool(object, file, "has_cached", &torch->has_cached));
    TRY(json_get_real(object, file, "cached", &torch->cached));
    torch->next = (uint32_t)next;
done:
    return status;
}

/* An object, or null: *has says which. */
static canto_status get_part(const json_t *root, const char *file, const char *key, bool *has, json_t **part) {
    *has = !json_is_null(json_object_get(root, key));
    return *has ? json_get_object(root, file, key, part) : status_ok();
}

static canto_status read_counts(const json_t *root, const char *file, run_state *s) {
    canto_status status;
    TRY(json_get_integer(root, file, "step", 0, INT64_MAX, &s->step));
    TRY(json_get_integer(root, file, "epoch", 0, INT64_MAX, &s->epoch));
    TRY(get_u64(root, file, "tokens", &s->tokens));
    TRY(get_real_or_null(root, file, "best_loss", INFINITY, &s->best_loss));
    TRY(json_get_integer(root, file, "best_step", -1, s->step, &s->best_step));
    TRY(get_real_or_null(root, file, "last_val_loss", NAN, &s->last_val_loss));
    TRY(json_get_integer(root, file, "last_val_step", -1, s->step, &s->last_val_step));
    TRY(json_get_real(root, file, "epoch_loss_sum", &s->epoch_loss_sum));
    TRY(get_u64(root, file, "epoch_tokens", &s->epoch_tokens));
    TRY(json_get_real(root, file, "epoch_seconds", &s->epoch_seconds));
    TRY(json_get_real(root, file, "seconds", &s->seconds));
    TRY(json_get_bool(root, file, "row_due", &s->row_due));
    TRY(get_real_or_null(root, file, "row_eval_train_loss", NAN, &s->row_eval_train_loss));
    TRY(get_real_or_null(root, file, "row_val_loss", NAN, &s->row_val_loss));
    TRY(get_u64(root, file, "metrics_bytes", &s->metrics_bytes));
    TRY(get_u64(root, file, "samples_bytes", &s->samples_bytes));
done:
    return status;
}

canto_status run_state_read(canto_context *context, const char *path, run_state *s) {
    canto_status status;
    json_t      *root = NULL, *part = NULL;
    run_state_begin(s);
    TRY(json_read_file(context, path, &root));
    TRY(read_counts(root, path, s));
    TRY(json_get_object(root, path, "guard", &part));
    TRY(guard_state_read(part, path, &s->guard));
    TRY(get_part(root, path, "loader", &s->has_loader, &part));
    if (s->has_loader) TRY(loader_state_read(part, path, &s->loader));
    TRY(get_part(root, path, "torch", &s->has_torch, &part));
    if (s->has_torch) TRY(read_torch(part, path, &s->torch));
done:
    json_decref(root);
    return status;
}
