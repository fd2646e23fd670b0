/* run_record.c - run.json, written and read by one table of the training's options.
 *
 * Invariant: every field of canto_train_options stands in FIELDS once, with its part in the run: whether it may change when
 * the run goes on. */
#include "train/run_record.h"

#include "base/context.h"
#include "data/tokens.h"
#include "store/config_json.h"

#include <stdio.h>
#include <string.h>

typedef enum field_kind { WHOLE64, WHOLE32, SEED, BOOLEAN, REAL, CHOICE, WORDS } field_kind;

/* PAST: the steps already made were made with it. LIMIT: free. LOOK: free, but in parity mode evaluations draw from the one
 * stream. LENGTH: may not fall below what is done. */
typedef enum field_part { PAST, LIMIT, LOOK, LENGTH } field_part;

typedef struct field {
    const char        *key;
    field_kind         kind;
    field_part         part;
    size_t             offset;
    const char *const *choices; /* CHOICE: the words by value, then NULL */
} field;

static const char *const INITS[] = {"torch", "gpt2", NULL};
static const char *const OPTIMIZERS[] = {"adamw", "adam", NULL};
static const char *const SCHEDULES[] = {"constant", "cosine", "linear", NULL};

#define FIELD(kind, part, member)                                                                                      \
    { #member, kind, part, offsetof(canto_train_options, member), NULL }
#define CHOICE_FIELD(member, words)                                                                                    \
    { #member, CHOICE, PAST, offsetof(canto_train_options, member), words }

static const field FIELDS[] = {
    FIELD(SEED, PAST, seed),
    FIELD(BOOLEAN, PAST, parity_torch),
    CHOICE_FIELD(init, INITS),
    FIELD(WHOLE64, LENGTH, steps),
    FIELD(WHOLE64, LENGTH, epochs),
    FIELD(WHOLE32, PAST, batch),
    FIELD(WHOLE32, LOOK, eval_batch),
    FIELD(WHOLE32, PAST, accumulate),
    CHOICE_FIELD(optimizer, OPTIMIZERS),
    FIELD(REAL, PAST, lr),
    FIELD(REAL, PAST, min_lr),
    CHOICE_FIELD(schedule, SCHEDULES),
    FIELD(WHOLE64, PAST, warmup),
    FIELD(REAL, PAST, beta1),
    FIELD(REAL, PAST, beta2),
    FIELD(REAL, PAST, eps),
    FIELD(REAL, PAST, weight_decay),
    FIELD(BOOLEAN, PAST, decay_matrices_only),
    FIELD(REAL, PAST, clip),
    FIELD(WORDS, PAST, freeze),
    FIELD(WHOLE32, PAST, lora_rank),
    FIELD(REAL, PAST, lora_alpha),
    FIELD(WORDS, PAST, lora_targets),
    FIELD(REAL, PAST, split),
    FIELD(WHOLE64, LOOK, eval_every),
    FIELD(WHOLE32, LOOK, eval_batches),
    FIELD(BOOLEAN, LIMIT, recompute),
    FIELD(WHOLE64, LIMIT, save_every),
    FIELD(WHOLE64, LIMIT, log_every),
    FIELD(WHOLE32, LIMIT, keep),
    FIELD(REAL, LIMIT, max_seconds),
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

/* Enums have the size of int: their values start at 0 and are few. */
_Static_assert(sizeof(canto_init) == sizeof(int) && sizeof(canto_optimizer) == sizeof(int), "enums are read as int");

/* A whole number of either size, or a choice's number. */
static int64_t whole_of(const field *f, const canto_train_options *o) {
    const char *at = (const char *)o + f->offset;
    int32_t     small;
    int64_t     large;
    int         choice;
    if (f->kind == WHOLE64) return memcpy(&large, at, sizeof large), large;
    if (f->kind == WHOLE32) return memcpy(&small, at, sizeof small), small;
    return memcpy(&choice, at, sizeof choice), choice;
}

/* -------------------------------------------------------------------------------------------------------- writing */

static json_t *field_value(const field *f, const canto_train_options *o) {
    const void *at = (const char *)o + f->offset;
    switch (f->kind) {
    case SEED:
        return json_new_u64(*(const uint64_t *)at);
    case BOOLEAN:
        return json_boolean(*(const bool *)at);
    case REAL:
        return json_real(*(const double *)at);
    case CHOICE:
        return json_string(f->choices[whole_of(f, o)]);
    case WORDS:
        return json_string(at);
    case WHOLE32:
    case WHOLE64:
        return json_integer(whole_of(f, o));
    }
    return NULL;
}

static json_t *training_json(const canto_train_options *training) {
    json_build b = json_build_object();
    for (size_t i = 0; i < FIELD_COUNT; i++) json_build_set(&b, FIELDS[i].key, field_value(&FIELDS[i], training));
    return json_build_end(&b);
}

/* Of several token files each by itself, in the order of the record's texts. */
static json_t *files_json(const canto_data *data) {
    json_build all = json_build_array();
    for (size_t i = 0; i < data->parts_count; i++) {
        json_build one = json_build_object();
        json_build_integer(&one, "tokens", (int64_t)data->parts[i].count);
        json_build_integer(&one, "source_bytes", (int64_t)data->parts[i].source_bytes);
        json_build_u64(&one, "source_hash", data->parts[i].source_hash);
        json_build_add(&all, json_build_end(&one));
    }
    return json_build_end(&all);
}

static json_t *data_json(const canto_data *data) {
    json_build b = json_build_object();
    json_build_integer(&b, "tokens", (int64_t)canto_data_count(data));
    json_build_integer(&b, "vocabulary", canto_data_vocabulary(data));
    json_build_integer(&b, "source_bytes", (int64_t)canto_data_source_bytes(data));
    json_build_u64(&b, "source_hash", canto_data_source_hash(data));
    json_build_u64(&b, "tokenizer_hash", canto_data_tokenizer_hash(data));
    if (data->parts_count > 1) json_build_set(&b, "files", files_json(data));
    return json_build_end(&b);
}

static json_t *from_json(const run_origin *from) {
    json_build b = json_build_object();
    json_build_text(&b, "path", from->path);
    json_build_u64(&b, "weights_hash", from->weights_hash);
    return json_build_end(&b);
}

canto_status run_record_write(canto_context *context, const char *folder, const char *command,
                              const canto_config *config, const canto_train_options *training, const run_origin *from,
                              const canto_data *data, const char *cpu) {
    canto_status status;
    char         path[4096];
    json_t      *own = NULL, *run = NULL;
    json_build   b;
    TRY(path_join(path, folder, "run.json"));
    if (command) TRY(json_parse(context, command, strlen(command), "the run's record", &own));
    b = json_build_object();
    json_build_text(&b, "version", canto_version());
    if (own) json_build_set(&b, "command", json_incref(own));
    json_build_set(&b, "config", config_to_json(config));
    json_build_set(&b, "training", training_json(training));
    if (from->path[0]) json_build_set(&b, "from", from_json(from));
    json_build_set(&b, "data", data_json(data));
    json_build_text(&b, "cpu", cpu);
    json_build_integer(&b, "threads", canto_context_threads(context));
    run = json_build_end(&b);
    if (!run) FAIL(CANTO_ERROR_MEMORY, "no memory to write '%.300s'", path);
    TRY(json_write_file(path, run));
done:
    json_decref(own);
    json_decref(run);
    return status;
}

/* -------------------------------------------------------------------------------------------------------- reading */

static canto_status read_whole(const json_t *object, const char *file, const field *f, canto_train_options *o) {
    int64_t      number;
    char        *at = (char *)o + f->offset;
    bool         small = f->kind == WHOLE32;
    canto_status status =
        json_get_integer(object, file, f->key, small ? INT32_MIN : INT64_MIN, small ? INT32_MAX : INT64_MAX, &number);
    if (status.code != CANTO_OK) return status;
    int32_t narrow = (int32_t)number;
    if (small) memcpy(at, &narrow, sizeof narrow);
    else memcpy(at, &number, sizeof number);
    return status;
}

static canto_status read_choice(const json_t *object, const char *file, const field *f, canto_train_options *o) {
    const char  *text;
    canto_status status = json_get_text(object, file, f->key, &text);
    if (status.code != CANTO_OK) return status;
    for (int value = 0; f->choices[value]; value++) {
        if (strcmp(f->choices[value], text) != 0) continue;
        memcpy((char *)o + f->offset, &value, sizeof value);
        return status;
    }
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%s\" is \"%.40s\", which this version does not know", file,
                        f->key, text);
}

static canto_status read_words(const json_t *object, const char *file, const field *f, char *words) {
    const char  *text;
    canto_status status = json_get_text(object, file, f->key, &text);
    if (status.code != CANTO_OK) return status;
    if (strlen(text) >= CANTO_PARTS_MAX)
        return status_error(CANTO_ERROR_FORMAT, "'%.300s': \"%s\" is longer than %d bytes", file, f->key,
                            CANTO_PARTS_MAX - 1);
    memcpy(words, text, strlen(text) + 1);
    return status;
}

static canto_status read_field(const json_t *object, const char *file, const field *f, canto_train_options *o) {
    void *at = (char *)o + f->offset;
    switch (f->kind) {
    case SEED:
        return json_get_u64(object, file, f->key, at);
    case BOOLEAN:
        return json_get_bool(object, file, f->key, at);
    case REAL:
        return json_get_real(object, file, f->key, at);
    case CHOICE:
        return read_choice(object, file, f, o);
    case WORDS:
        return read_words(object, file, f, at);
    case WHOLE32:
    case WHOLE64:
        return read_whole(object, file, f, o);
    }
    return status_ok();
}

static canto_status read_training(const json_t *run, const char *file, canto_train_options *o) {
    canto_status status;
    json_t      *object;
    memset(o, 0, sizeof *o);
    TRY(json_get_object(run, file, "training", &object));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const field *f = &FIELDS[i];
        if ((f->kind == WORDS || strncmp(f->key, "lora_", 5) == 0 || (f->kind == BOOLEAN && f->part == LIMIT)) &&
            !json_object_get(object, f->key))
            continue; /* an older run: off, none */
        TRY(read_field(object, file, f, o));
    }
    TRY(canto_train_options_check(o));
done:
    return status;
}

static canto_status read_data(const json_t *run, const char *file, run_record *r) {
    canto_status status;
    json_t      *object;
    int64_t      tokens = 0, bytes = 0;
    TRY(json_get_object(run, file, "data", &object));
    TRY(json_get_integer(object, file, "tokens", 0, INT64_MAX, &tokens));
    TRY(json_get_integer(object, file, "source_bytes", 0, INT64_MAX, &bytes));
    TRY(json_get_u64(object, file, "source_hash", &r->source_hash));
    TRY(json_get_u64(object, file, "tokenizer_hash", &r->tokenizer_hash));
    if (json_object_get(object, "files")) {
        json_t *files;
        TRY(json_get_array(object, file, "files", &files));
        r->files = json_incref(files);
    }
    r->tokens = (uint64_t)tokens;
    r->source_bytes = (uint64_t)bytes;
done:
    return status;
}

static canto_status read_from(const json_t *run, const char *file, run_origin *from) {
    canto_status status = status_ok();
    json_t      *object;
    const char  *path;
    if (!json_object_get(run, "from")) goto done; /* the weights were drawn */
    TRY(json_get_object(run, file, "from", &object));
    TRY(json_get_text(object, file, "path", &path));
    TRY(json_get_u64(object, file, "weights_hash", &from->weights_hash));
    if (!path[0] || strlen(path) >= sizeof from->path)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s': \"path\" of \"from\" is no path", file);
    memcpy(from->path, path, strlen(path) + 1);
done:
    return status;
}

static canto_status read_all(json_t *run, const char *file, run_record *r) {
    canto_status status;
    const char  *version, *cpu;
    json_t      *config;
    TRY(json_get_text(run, file, "version", &version));
    TRY(json_get_text(run, file, "cpu", &cpu));
    snprintf(r->version, sizeof r->version, "%s", version);
    snprintf(r->cpu, sizeof r->cpu, "%s", cpu);
    TRY(json_get_object(run, file, "config", &config));
    TRY(config_from_json(config, file, &r->config));
    TRY(read_training(run, file, &r->training));
    TRY(read_from(run, file, &r->from));
    TRY(read_data(run, file, r));
    if (json_object_get(run, "command")) {
        json_t *command;
        TRY(json_get_object(run, file, "command", &command));
        r->command = json_incref(command);
    }
done:
    return status;
}

canto_status run_record_read(canto_context *context, const char *folder, run_record *record) {
    canto_status status;
    char         path[4096];
    json_t      *run = NULL;
    memset(record, 0, sizeof *record);
    TRY(path_join(path, folder, "run.json"));
    if (!file_exists(path))
        FAIL(CANTO_ERROR_FILE, "'%.300s' is no run to go on with: it has no run.json. Begin one in a folder of its own",
             folder);
    TRY(json_read_file(context, path, &run));
    TRY(read_all(run, path, record));
done:
    json_decref(run);
    if (status.code != CANTO_OK) run_record_close(record);
    return status;
}

void run_record_close(run_record *record) {
    json_decref(record->command);
    json_decref(record->files);
    memset(record, 0, sizeof *record);
}

/* ------------------------------------------------------------------------------------------------------- checking */

/* Which of several token files is another one than at the beginning. */
static canto_status check_files(const run_record *record, const char *folder, const canto_data *data) {
    size_t       count = record->files ? json_array_size(record->files) : 1;
    canto_status status = status_ok();
    if (count != data->parts_count)
        FAIL(CANTO_ERROR_VALUE,
             "'%.200s' was begun with %zu token files, and now there are %zu; name those of the beginning, in their "
             "order",
             folder, count, data->parts_count);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash;
        TRY(json_get_u64(json_array_get(record->files, i), "run.json", "source_hash", &hash));
        if (hash != data->parts[i].source_hash)
            FAIL(CANTO_ERROR_VALUE,
                 "Token file number %zu is not the one that '%.200s' was begun with (hash %016llx; now %016llx). Put "
                 "the old one back, in its place, or train on the new one in another folder.",
                 i + 1, folder, (unsigned long long)hash, (unsigned long long)data->parts[i].source_hash);
    }
done:
    return status;
}

canto_status run_record_check_data(const run_record *record, const char *folder, const canto_data *data) {
    if (record->files || data->parts_count > 1) {
        canto_status status = check_files(record, folder, data);
        if (status.code != CANTO_OK) return status;
    }
    if (canto_data_source_hash(data) != record->source_hash || canto_data_source_bytes(data) != record->source_bytes)
        return status_error(CANTO_ERROR_VALUE,
                            "The text is not the one that '%.200s' was begun with (%llu bytes with the hash %016llx; "
                            "now %llu with %016llx). Put the old text back, or train on the new one in another folder.",
                            folder, (unsigned long long)record->source_bytes, (unsigned long long)record->source_hash,
                            (unsigned long long)canto_data_source_bytes(data),
                            (unsigned long long)canto_data_source_hash(data));
    if (canto_data_tokenizer_hash(data) != record->tokenizer_hash || canto_data_count(data) != record->tokens)
        return status_error(
            CANTO_ERROR_VALUE,
            "The tokenizer is not the one that '%.200s' was begun with (hash %016llx; now %016llx). Put "
            "the old one back, or train with the new one in another folder.",
            folder, (unsigned long long)record->tokenizer_hash, (unsigned long long)canto_data_tokenizer_hash(data));
    return status_ok();
}

static bool same_field(const field *f, const canto_train_options *a, const canto_train_options *b) {
    const void *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    if (f->kind == SEED) return *(const uint64_t *)x == *(const uint64_t *)y;
    if (f->kind == BOOLEAN) return *(const bool *)x == *(const bool *)y;
    if (f->kind == REAL) return *(const double *)x == *(const double *)y;
    if (f->kind == WORDS) return strcmp(x, y) == 0;
    return whole_of(f, a) == whole_of(f, b);
}

canto_status run_record_check_options(const run_record *record, const canto_train_options *wanted, int64_t step) {
    const canto_train_options *old = &record->training;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const field *f = &FIELDS[i];
        if (same_field(f, old, wanted)) continue;
        if (f->part == PAST)
            return status_error(
                CANTO_ERROR_VALUE,
                "\"%s\" cannot change when a run goes on: the %lld steps already made were made with the "
                "old value. Begin another run for a new one.",
                f->key, (long long)step);
        if (f->part == LOOK && old->parity_torch)
            return status_error(
                CANTO_ERROR_VALUE,
                "\"%s\" cannot change when a run in parity mode goes on: evaluations draw from the same "
                "stream as the batches.",
                f->key);
        if (f->part == LENGTH && step > 0 && (old->epochs > 0) != (wanted->epochs > 0))
            return status_error(CANTO_ERROR_VALUE, "The run goes by %s and cannot go on by %s.",
                                old->epochs > 0 ? "epochs" : "steps", wanted->epochs > 0 ? "epochs" : "steps");
    }
    return status_ok();
}
