/* checkpoint.c - a checkpoint is a model folder with optimizer.safetensors (both moments under canto's own names) and
 * trainer.json beside the model.
 *
 * Invariant: a folder called step-XXXXXXXX is whole. It is made under .step-XXXXXXXX.tmp, its files and itself are
 * synced, then it is renamed; `last` and `best` are only ever pointed at folders that are whole. */
#include "train/checkpoint.h"

#include "base/file.h"
#include "store/safetensors.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- optimizer.safetensors */

static void moment_name(const tensor *t, const char *prefix, char out[128]) {
    char name[96];
    tensor_name(t->role, t->layer, name);
    snprintf(out, 128, "%s.%s", prefix, name);
}

static canto_status announce_moments(safetensors_writer *w, const tensor_table *table, const char *prefix) {
    canto_status status = status_ok();
    char         name[128];
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        int64_t       shape[2] = {t->rows, t->columns};
        moment_name(t, prefix, name);
        TRY(safetensors_writer_add(w, name, "F32", shape, t->vector ? 1 : 2));
    }
done:
    return status;
}

static canto_status write_moments(safetensors_writer *w, const tensor_table *table, const float *block) {
    canto_status status = status_ok();
    for (size_t i = 0; i < table->count; i++)
        TRY(safetensors_writer_data(w, block + table->list[i].offset, table->list[i].count * sizeof(float)));
done:
    return status;
}

static canto_status save_optimizer(const char *folder, const tensor_table *table, const float *m, const float *v) {
    canto_status       status;
    char               path[4096];
    safetensors_writer w;
    memset(&w, 0, sizeof w);
    TRY(path_join(path, folder, "optimizer.safetensors"));
    TRY(safetensors_writer_open(&w, path));
    status = announce_moments(&w, table, "m");
    if (status.code == CANTO_OK) status = announce_moments(&w, table, "v");
    if (status.code == CANTO_OK) status = safetensors_writer_begin(&w);
    if (status.code == CANTO_OK) status = write_moments(&w, table, m);
    if (status.code == CANTO_OK) status = write_moments(&w, table, v);
    if (status.code == CANTO_OK) status = safetensors_writer_commit(&w);
    safetensors_writer_discard(&w);
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- trainer.json */

/* {"state": [624 words], "next", "has_cached", "cached"} */
static json_t *torch_json(const torch_rng *torch) {
    json_build o = json_build_object(), words = json_build_array();
    for (int i = 0; i < 624; i++) json_build_add(&words, json_integer(torch->state[i]));
    json_build_set(&o, "state", json_build_end(&words));
    json_build_integer(&o, "next", torch->next);
    json_build_bool(&o, "has_cached", torch->has_cached);
    json_build_real(&o, "cached", torch->has_cached ? torch->cached : 0);
    return json_build_end(&o);
}

static canto_status save_state(const char *folder, const checkpoint_state *s) {
    canto_status status;
    char         path[4096];
    json_build   b = json_build_object();
    json_build_integer(&b, "step", s->step);
    json_build_integer(&b, "epoch", s->epoch);
    json_build_integer(&b, "tokens", (int64_t)s->tokens);
    json_build_set(&b, "best_loss", isfinite(s->best_loss) ? json_real(s->best_loss) : json_null());
    json_build_integer(&b, "best_step", s->best_step);
    json_build_set(&b, "loader", json_incref(s->loader));
    if (s->torch) json_build_set(&b, "torch", torch_json(s->torch));
    json_t *o = json_build_end(&b);
    if (!o) FAIL(CANTO_ERROR_MEMORY, "There is no memory for trainer.json.");
    TRY(path_join(path, folder, "trainer.json"));
    TRY(json_write_file(path, o));
done:
    json_decref(o);
    return status;
}

/* ------------------------------------------------------------------------------------------------- the folder */

static void step_name(int64_t step, char out[64]) { snprintf(out, 64, "step-%08" PRId64, step); }

/* Every file of the folder, which is at its temporary place. */
static canto_status fill_folder(const char *folder, const canto_model *model, const tensor_table *table, const float *m,
                                const float *v, const checkpoint_state *state) {
    canto_status status;
    TRY(folder_create(folder));
    TRY(canto_model_save(model, folder));
    TRY(save_optimizer(folder, table, m, v));
    TRY(save_state(folder, state));
    TRY(folder_sync(folder));
done:
    return status;
}

canto_status checkpoint_save(const char *run, const canto_model *model, const tensor_table *table, const float *m,
                             const float *v, const checkpoint_state *state, char *path) {
    canto_status status;
    char         name[64], hidden[96], temporary[4096];
    step_name(state->step, name);
    snprintf(hidden, sizeof hidden, ".%s.tmp", name);
    TRY(path_join(path, run, name));
    TRY(path_join(temporary, run, hidden));
    if (folder_exists(temporary)) TRY(folder_remove(temporary)); /* of a run that was killed while saving */
    status = fill_folder(temporary, model, table, m, v, state);
    if (status.code == CANTO_OK) status = file_rename(temporary, path);
    if (status.code != CANTO_OK && folder_exists(temporary)) folder_remove(temporary);
done:
    return status;
}

canto_status checkpoint_link(const char *run, const char *name, int64_t step) {
    canto_status status;
    char         target[64], path[4096];
    step_name(step, target);
    TRY(path_join(path, run, name));
    TRY(link_replace(target, path));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- old ones go */

/* The oldest checkpoint that is neither best nor last into *oldest, and how many such there are. */
static canto_status survey(const char *run, int64_t best, int64_t last, int64_t *oldest, int32_t *count) {
    DIR *folder = opendir(run);
    if (!folder) return status_error(CANTO_ERROR_FILE, "The run folder '%.300s' cannot be listed.", run);
    *oldest = INT64_MAX;
    *count = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        long long step;
        int       used = 0;
        if (sscanf(entry->d_name, "step-%lld%n", &step, &used) != 1 || entry->d_name[used]) continue;
        if (step == best || step == last) continue;
        ++*count;
        if (step < *oldest) *oldest = step;
    }
    closedir(folder);
    return status_ok();
}

canto_status checkpoint_prune(const char *run, int32_t keep, int64_t best, int64_t last) {
    canto_status status = status_ok();
    int64_t      oldest = 0;
    int32_t      count = 0;
    char         name[64], path[4096];
    while (keep > 0) {
        TRY(survey(run, best, last, &oldest, &count));
        if (count <= keep) break;
        step_name(oldest, name);
        TRY(path_join(path, run, name));
        TRY(folder_remove(path));
    }
done:
    return status;
}
