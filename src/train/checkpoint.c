/* checkpoint.c - a checkpoint is a model folder with optimizer.safetensors (both moments under canto's own names, of what is trained) and
 * trainer.json beside the model.
 *
 * Invariant: a folder called step-XXXXXXXX is whole. It is made under .step-XXXXXXXX.tmp, its files and itself are
 * synced, then it is renamed; before it is removed it gets such a name again. `last` and `best` are only ever pointed at
 * folders that are whole. */
#include "train/checkpoint.h"

#include "store/adapters.h"
#include "store/config_json.h"
#include "store/model_folder.h"
#include "store/weights.h"

#include <dirent.h>
#include <errno.h>
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
        if (t->frozen) continue;
        moment_name(t, prefix, name);
        TRY(safetensors_writer_add(w, name, SOURCE_F32, shape, t->vector ? 1 : 2));
    }
done:
    return status;
}

static canto_status write_moments(safetensors_writer *w, const tensor_table *table, const float *block) {
    canto_status status = status_ok();
    for (size_t i = 0; i < table->count; i++)
        if (!table->list[i].frozen)
            TRY(safetensors_writer_data(w, block + table->list[i].gradient, table->list[i].count * sizeof(float)));
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

/* ------------------------------------------------------------------------------------------------- the folder */

static void step_name(int64_t step, char out[64]) { snprintf(out, 64, "step-%08" PRId64, step); }

/* run/step-XXXXXXXX and run/.step-XXXXXXXX.tmp */
static canto_status step_paths(const char *run, int64_t step, char path[4096], char temporary[4096]) {
    canto_status status;
    char         name[64], hidden[96];
    step_name(step, name);
    snprintf(hidden, sizeof hidden, ".%s.tmp", name);
    TRY(path_join(path, run, name));
    TRY(path_join(temporary, run, hidden));
done:
    return status;
}

static canto_status save_state(const char *folder, const run_state *state) {
    canto_status status;
    char         path[4096];
    TRY(path_join(path, folder, "trainer.json"));
    TRY(run_state_write(path, state));
done:
    return status;
}

static canto_status save_adapters(const char *folder, const canto_model *model, const run_origin *from) {
    canto_status status;
    TRY(adapters_save(model->context, folder, &model->table, model->block, from->path, from->weights_hash));
    if (model->tokenizer) TRY(canto_tokenizer_save(model->tokenizer, folder));
done:
    return status;
}

/* Every file of the folder, which is at its temporary place. Its parent must be there: a run folder that somebody has removed
 * is not made again. */
static canto_status fill_folder(const char *folder, const canto_model *model, const run_origin *from, const float *m,
                                const float *v, const run_state *state) {
    canto_status status;
    TRY(folder_create_new(folder));
    if (model->table.tuning.rank > 0) TRY(save_adapters(folder, model, from));
    else TRY(model_folder_save(model->context, folder, &model->table, model->block, model->tokenizer));
    TRY(save_optimizer(folder, &model->table, m, v));
    TRY(save_state(folder, state));
    TRY(folder_sync(folder));
done:
    return status;
}

/* Takes a checkpoint away; it is never seen half. temporary is its hidden name. */
static canto_status remove_whole(const char *path, const char *temporary) {
    canto_status status = status_ok();
    if (folder_exists(temporary)) TRY(folder_remove(temporary)); /* of a run that was killed here */
    if (!folder_exists(path)) goto done;
    TRY(file_rename(path, temporary));
    TRY(folder_remove(temporary));
done:
    return status;
}

canto_status checkpoint_save(const char *run, const canto_model *model, const run_origin *from, const float *m,
                             const float *v, const run_state *state, char *path) {
    canto_status status;
    char         temporary[4096];
    TRY(step_paths(run, state->step, path, temporary));
    TRY(remove_whole(path, temporary)); /* one that was damaged, or the run would have gone on from it */
    status = fill_folder(temporary, model, from, m, v, state);
    if (status.code == CANTO_OK) status = file_rename(temporary, path);
    if (status.code != CANTO_OK && folder_exists(temporary)) folder_remove(temporary);
done:
    return status;
}

canto_status checkpoint_restate(const char *run, const run_state *state, char *path) {
    canto_status status;
    char         temporary[4096];
    TRY(step_paths(run, state->step, path, temporary));
    TRY(save_state(path, state));
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

/* ------------------------------------------------------------------------------------------- which there are */

typedef struct survey {
    int64_t count, oldest, newest; /* of those that were looked for; count 0: neither */
} survey;

/* The checkpoints of steps below `before` but for best and last. */
static canto_status look_around(const char *run, int64_t before, int64_t best, int64_t last, survey *found) {
    DIR *folder = opendir(run);
    if (!folder) return file_fault("list", run, errno);
    *found = (survey){0, INT64_MAX, -1};
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        long long step;
        int       used = 0;
        if (sscanf(entry->d_name, "step-%lld%n", &step, &used) != 1 || entry->d_name[used]) continue;
        if (step < 0 || step >= before || step == best || step == last) continue;
        found->count++;
        if (step < found->oldest) found->oldest = step;
        if (step > found->newest) found->newest = step;
    }
    closedir(folder);
    return status_ok();
}

canto_status checkpoint_newest(const char *run, int64_t before, int64_t *step) {
    survey       found = {0, 0, -1};
    canto_status status = look_around(run, before, -1, -1, &found);
    *step = found.newest;
    return status;
}

canto_status checkpoint_count(const char *run, int64_t *count) {
    survey       found = {0};
    canto_status status = look_around(run, INT64_MAX, -1, -1, &found);
    *count = found.count;
    return status;
}

canto_status checkpoint_prune(const char *run, int32_t keep, int64_t best, int64_t last) {
    canto_status status = status_ok();
    survey       found;
    char         path[4096], temporary[4096];
    while (keep > 0) {
        TRY(look_around(run, INT64_MAX, best, last, &found));
        if (found.count <= keep) break;
        TRY(step_paths(run, found.oldest, path, temporary));
        TRY(remove_whole(path, temporary));
    }
done:
    return status;
}

/* -------------------------------------------------------------------------------------------------------- reading */

static canto_status read_moments(const tensor_source *file, const tensor_table *table, const char *prefix,
                                 float *block) {
    canto_status status = status_ok();
    char         name[128];
    for (size_t i = 0; i < table->count; i++) {
        const tensor *t = &table->list[i];
        int64_t       shape[2] = {t->rows, t->columns};
        float        *to = block + t->gradient;
        if (t->frozen) continue;
        moment_name(t, prefix, name);
        const source_tensor *found = source_find(file, name);
        if (!found) FAIL(CANTO_ERROR_FORMAT, "'%.300s' lacks the tensor \"%s\"", file->path, name);
        TRY(source_expect_type(file, found, SOURCE_F32));
        TRY(source_expect_shape(file, found, shape, t->vector ? 1 : 2));
        memcpy(to, found->data, t->count * sizeof *to);
        file_map_drop(found->data, t->count * sizeof *to);
        for (size_t k = 0; k < t->count; k++)
            if (!isfinite(to[k]))
                FAIL(CANTO_ERROR_FORMAT, "'%.300s': tensor \"%s\" holds a number that is not finite", file->path, name);
    }
done:
    return status;
}

static canto_status load_optimizer(canto_context *context, const char *folder, const tensor_table *table, float *m,
                                   float *v) {
    canto_status  status;
    tensor_source file = {0};
    char          path[4096];
    TRY(path_join(path, folder, "optimizer.safetensors"));
    TRY(safetensors_open(context, path, &file));
    TRY(read_moments(&file, table, "m", m));
    TRY(read_moments(&file, table, "v", v));
done:
    source_close(&file);
    return status;
}

static canto_status load_weights(canto_context *context, const char *folder, const tensor_table *table, float *block) {
    canto_status  status;
    canto_config  config;
    layout_kind   kind;
    tensor_source file = {0};
    json_t       *here = NULL, *run = NULL;
    TRY(model_folder_read_config(context, folder, &config, &kind, NULL));
    here = config_to_json(&config);
    run = config_to_json(&table->config);
    if (!here || !run) FAIL(CANTO_ERROR_MEMORY, "no memory to compare the config of '%.300s'", folder);
    if (!json_equal(here, run)) FAIL(CANTO_ERROR_FORMAT, "'%.300s' is of another model than its run.json says", folder);
    TRY(model_folder_open_weights(context, folder, &config, kind, &file));
    TRY(weights_read(context, &file, table, kind, block));
done:
    source_close(&file);
    json_decref(here);
    json_decref(run);
    return status;
}

canto_status checkpoint_load(canto_context *context, const char *run, int64_t step, const tensor_table *table,
                             float *block, float *m, float *v, run_state *state) {
    canto_status status;
    char         folder[4096], path[4096];
    TRY(step_paths(run, step, folder, path));
    TRY(path_join(path, folder, "trainer.json"));
    TRY(run_state_read(context, path, state));
    if (state->step != step) FAIL(CANTO_ERROR_FORMAT, "'%.300s' says that it is of step %" PRId64, path, state->step);
    if (table->tuning.rank > 0) TRY(adapters_read(context, folder, table, block));
    else TRY(load_weights(context, folder, table, block));
    TRY(load_optimizer(context, folder, table, m, v));
done:
    return status;
}

uint64_t checkpoint_bytes(const tensor_table *table) {
    uint64_t weights = table->tuning.rank > 0 ? table->trained : table->parameters;
    return 4 * weights + 8 * table->trained + (UINT64_C(1) << 16);
}
