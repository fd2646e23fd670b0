/* crash.c - a tiny run, and comparing runs. */
#include "crash.h"

void ok(canto_status status) {
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
}

void fails(canto_status status, canto_code code, const char *part) {
    if (status.code != code || !strstr(status.text, part))
        fail_msg("code %d instead of %d, or no '%s' in: %s", status.code, code, part, status.text);
}

static void keep_warning(void *user, canto_log_level level, const char *text) {
    job *j = user;
    if (level != CANTO_LOG_WARNING) return;
    j->warnings++;
    snprintf(j->warning, sizeof j->warning, "%s", text);
}

void job_open(job *j) {
    canto_context_options   options = canto_context_options_default();
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    const char             *texts[] = {j->text};
    memset(j, 0, sizeof *j);
    options.threads = 1;
    options.log = keep_warning;
    options.log_user = j;
    snprintf(j->base, sizeof j->base, "/tmp/canto-crash-XXXXXX");
    assert_non_null(mkdtemp(j->base));
    snprintf(j->text, sizeof j->text, "%s/text.txt", j->base);
    FILE *file = fopen(j->text, "w");
    assert_non_null(file);
    for (int i = 0; i < 40; i++) fprintf(file, "line %d says little\n", i * i % 17);
    fclose(file);
    ok(canto_context_open(&options, &j->context));
    ok(canto_tokenizer_train(j->context, &symbols, texts, 1, &j->tokenizer));
    ok(canto_data_from_texts(j->context, j->tokenizer, texts, 1, &j->data));
    ok(canto_preset("mini", &j->config, &j->training));
    j->config.vocab = canto_tokenizer_vocabulary(j->tokenizer);
    j->config.width = 8;
    j->config.heads = 2;
    j->config.ffn = 16;
    j->config.layers = 1;
    j->config.context = 8;
    canto_config_dropout(&j->config, 0.2);
    j->training.steps = 12;
    j->training.batch = 3;
    j->training.warmup = 2;
    j->training.eval_every = 4;
    j->training.eval_batches = 2;
    j->training.save_every = 3;
    j->training.log_every = 1;
    j->training.keep = 1;
    j->sample_every = 2;
}

void job_close(job *j) {
    char command[128];
    canto_data_close(j->data);
    canto_tokenizer_close(j->tokenizer);
    canto_context_close(j->context);
    snprintf(command, sizeof command, "rm -rf '%s'", j->base);
    assert_int_equal(system(command), 0);
}

const char *in_base(const job *j, const char *name) {
    static char paths[16][256];
    static int  next;
    char       *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", j->base, name);
    return path;
}

/* A sample shows what it is made of: the loss of its step. */
bool job_event(void *user, const canto_trainer *trainer, const canto_event *event) {
    job *j = user;
    char text[64];
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && j->sample_every && event->step % j->sample_every == 0) {
        int n = snprintf(text, sizeof text, "loss %.9g", event->train_loss);
        canto_trainer_sample(j->trainer, text, (size_t)n);
    }
    return j->stop_at == 0 || event->step != j->stop_at;
}

static canto_status run(job *j, canto_status status) {
    if (status.code != CANTO_OK) return status;
    status = canto_trainer_run(j->trainer, job_event, j);
    canto_trainer_close(j->trainer);
    return status;
}

canto_status job_train(job *j, const char *name) {
    return run(j, canto_trainer_open(j->context, &j->config, &j->training, j->tokenizer, j->data, in_base(j, name),
                                     "{\"made by\":\"a test\"}", &j->trainer));
}

canto_status job_resume(job *j, const char *name, const canto_train_options *options) {
    return run(j,
               canto_trainer_resume(j->context, in_base(j, name), options, j->tokenizer, j->data, NULL, &j->trainer));
}

/* ------------------------------------------------------------------------------------------------------ comparing */

char *content(const job *j, const char *name, size_t *bytes) {
    FILE  *file = fopen(in_base(j, name), "rb");
    size_t room = 1 << 20;
    char  *text = calloc(1, room);
    assert_non_null(text);
    *bytes = file ? fread(text, 1, room - 1, file) : 0;
    assert_true(*bytes < room - 1);
    if (file) fclose(file);
    return text;
}

void overwrite(const job *j, const char *name, const char *text, size_t bytes) {
    FILE *file = fopen(in_base(j, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    fclose(file);
}

bool has(const job *j, const char *name) { return access(in_base(j, name), F_OK) == 0; }

/* Takes the last two columns out of every row. */
static void without_times(char *text) {
    char *to = text;
    for (char *line = text; *line;) {
        char *end = line + strcspn(line, "\n"), *cut = end;
        for (int commas = 0; cut > line && commas < 2; commas += *cut == ',') cut--;
        memmove(to, line, (size_t)(cut - line));
        to += cut - line;
        *to++ = '\n';
        line = *end ? end + 1 : end;
    }
    *to = 0;
}

/* Takes the lines of trainer.json out that are times, or lengths of rows with times in them. */
static void without_time_keys(char *text) {
    char *to = text;
    for (char *line = text; *line;) {
        size_t bytes = strcspn(line, "\n") + 1;
        char  *key = strchr(line, '"');
        bool   timely = key && (strncmp(key, "\"seconds", 8) == 0 || strncmp(key, "\"epoch_seconds", 14) == 0 ||
                              strncmp(key, "\"metrics_bytes", 14) == 0);
        if (!timely) {
            memmove(to, line, bytes);
            to += bytes;
        }
        line += bytes;
    }
    *to = 0;
}

static void same_file(const job *j, const char *one, const char *other, const char *name, void (*without)(char *text)) {
    char   path[128];
    size_t bytes[2];
    char  *text[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", i ? other : one, name);
        text[i] = content(j, path, &bytes[i]);
        if (!without) continue;
        without(text[i]);
        bytes[i] = strlen(text[i]);
    }
    if (bytes[0] == 0 && strncmp(name, "last/", 5) == 0) fail_msg("%s/%s is empty", one, name);
    if (bytes[0] != bytes[1] || memcmp(text[0], text[1], bytes[0]) != 0)
        fail_msg("%s of %s and %s differ%s%s%s%s", name, one, other, without ? ":\n" : "", without ? text[0] : "",
                 without ? "\n" : "", without ? text[1] : "");
    free(text[0]);
    free(text[1]);
}

void same_runs(const job *j, const char *one, const char *other) {
    same_file(j, one, other, "last/model.safetensors", NULL);
    same_file(j, one, other, "last/optimizer.safetensors", NULL);
    same_file(j, one, other, "best/model.safetensors", NULL);
    same_file(j, one, other, "best/optimizer.safetensors", NULL);
    same_file(j, one, other, "metrics.csv", without_times);
    same_file(j, one, other, "last/trainer.json", without_time_keys);
    same_file(j, one, other, "samples.txt", NULL);
}
