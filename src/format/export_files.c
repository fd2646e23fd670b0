/* export_files.c - a model as a folder, and as one safetensors file that says itself what it is. */
#include "format/export.h"

#include "store/config_json.h"
#include "store/model_folder.h"
#include "store/safetensors.h"

static canto_status announce(void *file, const export_tensor *t) {
    return safetensors_writer_add(file, t->name, t->type, t->shape, t->rank);
}

static canto_status begin(void *file) { return safetensors_writer_begin(file); }

static canto_status data(void *file, const void *bytes, size_t count) {
    return safetensors_writer_data(file, bytes, count);
}

static const export_format safetensors_form = {.announce = announce, .begin = begin, .data = data};

/* config: in the file's own metadata. */
static canto_status write_tensors(const export_job *job, const char *path, bool config) {
    safetensors_writer w = {0};
    canto_status       status;
    char              *text = NULL;
    layout_kind        kind = layout_for_saving(&job->model->config);
    TRY(safetensors_writer_open(&w, path));
    TRY(safetensors_writer_metadata(&w, "format", "pt"));
    if (config) {
        TRY(canto_config_json(job->context, &job->model->config, &text));
        TRY(safetensors_writer_metadata(&w, SAFETENSORS_CONFIG, text));
    }
    TRY(export_tensors(job, kind, &safetensors_form, &w));
    TRY(safetensors_writer_commit(&w));
done:
    if (text) canto_free(job->context, text);
    safetensors_writer_discard(&w);
    return status;
}

canto_status export_safetensors(const export_job *job) { return write_tensors(job, job->path, true); }

canto_status export_folder(const export_job *job) {
    canto_status status;
    char         path[4096];
    TRY(folder_create(job->path));
    TRY(path_join(path, job->path, "model.safetensors"));
    TRY(write_tensors(job, path, false));
    if (job->tokenizer) TRY(canto_tokenizer_save(job->tokenizer, job->path));
    TRY(model_folder_save_config(job->path, &job->model->config,
                                 job->type)); /* last: a folder with a config is a model */
done:
    return status;
}
