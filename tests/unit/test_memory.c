/* test_memory.c - every allocation fails once, in turn: those of the C library's allocator (jansson's among them), of the
 * threads, of listed folders and mapped files, and then those of a caller's allocator.
 *
 * Each part of the work (a context, a tokenizer, tokens, a run, going on with it, a run from its model, writing, evaluating,
 * opening others' models) is done again and again; the n-th allocation fails, for n = 1, 2, ... until all of it succeeds; then
 * all of them from some n on. A failure is a CANTO_ERROR_MEMORY with a
 * text, nothing stays allocated, and every checkpoint in sight opens. The calls are counted by the linker's --wrap. */
#include "base/file.h"
#include "base/json.h"
#include "store/model.h"
#include "text/byte_level.h"
#include "text/tokenizer_bpe.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* ------------------------------------------------------------------------------------------ what fails, and when */

static long stride;        /* between the allocations that fail, one at a time: 1 for all of them */
static long calls, doomed; /* counted, and the one that fails; 0: none. doomed < 0: all from -doomed on */
static long live;          /* blocks held */

static bool fails_now(void) {
    calls++;
    return doomed > 0 ? calls == doomed : doomed < 0 && calls >= -doomed;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t bytes);
void  __real_free(void *memory);
DIR  *__real_opendir(const char *path);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset);
int   __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t bytes);
void  __wrap_free(void *memory);
DIR  *__wrap_opendir(const char *path);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset);
int   __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int   __wrap_fsync(int descriptor);

static void *held(void *memory) {
    live += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t bytes) { return fails_now() ? NULL : held(__real_malloc(bytes)); }

void *__wrap_calloc(size_t count, size_t size) { return fails_now() ? NULL : held(__real_calloc(count, size)); }

void *__wrap_realloc(void *old, size_t bytes) {
    if (fails_now()) return NULL;
    void *memory = __real_realloc(old, bytes);
    live += memory != NULL && old == NULL;
    return memory;
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

DIR *__wrap_opendir(const char *path) {
    errno = ENOMEM;
    return fails_now() ? NULL : __real_opendir(path);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset) {
    errno = ENOMEM;
    return fails_now() ? MAP_FAILED : __real_mmap(at, bytes, protection, flags, descriptor, offset);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return fails_now() ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

int __wrap_fsync(int descriptor) { return descriptor < 0; } /* thousands of runs need no disk */

/* jansson's own calls do not pass the linker's wrap: they come here. */
static void *for_json(size_t bytes) { return __wrap_malloc(bytes); }

/* The caller's allocator has a size in front of each block, so that one passed to the wrong allocator is seen. */
static void *own_resize(void *user, void *old, size_t bytes) {
    size_t *block = old ? (size_t *)old - 2 : NULL;
    (void)user;
    if (block) assert_true(block[1] == 0xC0FFEE);
    if (bytes == 0) {
        if (block) block[1] = 0;
        live -= block != NULL;
        __real_free(block);
        return NULL;
    }
    if (fails_now()) return NULL;
    size_t *moved = __real_realloc(block, bytes + 2 * sizeof *moved);
    assert_non_null(moved);
    live += block == NULL;
    moved[0] = bytes;
    moved[1] = 0xC0FFEE;
    return moved + 2;
}

/* -------------------------------------------------------------------------------------------- the parts of the work */

static void must(canto_status status) {
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
}

static char root[64], run_folder[128], tuned_folder[128], adapted_folder[128], text_path[128], token_path[128],
    tokenizer_folder[128], ranks_path[128], files_folder[128];

typedef struct world {
    bool             own; /* the caller's allocator */
    canto_context   *context;
    canto_tokenizer *tokenizer;
    canto_data      *data;
    int              parity;
    int64_t          stop_at;
} world;

static canto_status open_context(const world *w, canto_context **context) {
    canto_context_options options = canto_context_options_default();
    options.threads = 2;
    if (w->own) options.allocator.resize = own_resize;
    return canto_context_open(&options, context);
}

static canto_status open_tokenizer(const world *w, canto_tokenizer **tokenizer) {
    canto_tokenizer_options options = {
        .kind = "word", .numbers = "<NUM>", .unknown = "<UNK>", .specials = "<PAD>,<BOS>"};
    const char *paths[] = {text_path};
    return canto_tokenizer_train(w->context, &options, paths, 1, tokenizer);
}

static canto_status open_data(const world *w, canto_data **data) {
    const char *paths[] = {text_path, text_path};
    return canto_data_from_texts(w->context, w->tokenizer, paths, 2, data);
}

static canto_status part_context(world *w) {
    canto_context *context = NULL;
    canto_status   status = open_context(w, &context);
    canto_context_close(context);
    return status;
}

static canto_status part_tokenizer(world *w) {
    canto_status     status;
    canto_tokenizer *first = NULL, *again = NULL;
    canto_stream    *stream = NULL;
    uint32_t        *ids = NULL;
    char            *text = NULL;
    const char      *piece;
    size_t           count = 0;
    TRY(open_tokenizer(w, &first));
    TRY(canto_tokenizer_save(first, tokenizer_folder));
    TRY(canto_tokenizer_open(w->context, tokenizer_folder, &again));
    assert_true(canto_tokenizer_hash(again) == canto_tokenizer_hash(first));
    TRY(canto_tokenizer_encode(again, "one 22 x33 unseen", 17, &ids, &count));
    assert_int_equal(count, 4);
    TRY(canto_tokenizer_decode(again, ids, count, &text, NULL));
    TRY(canto_stream_open(again, &stream));
    for (size_t i = 0; i < count; i++) TRY(canto_stream_push(stream, ids[i], &piece, NULL));
    TRY(canto_stream_finish(stream, &piece, NULL));
done:
    canto_stream_close(stream);
    canto_free(w->context, text);
    canto_free(w->context, ids);
    canto_tokenizer_close(again);
    canto_tokenizer_close(first);
    return status;
}

/* The bytes themselves, saved and read again. */
static canto_status part_bytes(world *w) {
    canto_status            status;
    canto_tokenizer_options options = canto_tokenizer_options_default();
    canto_tokenizer        *first = NULL, *again = NULL;
    options.kind = "byte";
    TRY(canto_tokenizer_train(w->context, &options, NULL, 0, &first));
    TRY(canto_tokenizer_save(first, tokenizer_folder));
    TRY(canto_tokenizer_open(w->context, tokenizer_folder, &again));
    assert_true(canto_tokenizer_hash(again) == canto_tokenizer_hash(first));
done:
    canto_tokenizer_close(again);
    canto_tokenizer_close(first);
    return status;
}

/* Byte pairs in the form of two files. */
static canto_status part_files(world *w) {
    canto_status     status;
    canto_tokenizer *t = NULL;
    uint32_t        *ids = NULL;
    size_t           count;
    TRY(canto_tokenizer_open(w->context, files_folder, &t));
    TRY(canto_tokenizer_encode(t, "one", 3, &ids, &count));
    assert_int_equal(count, 1);
done:
    canto_free(w->context, ids);
    canto_tokenizer_close(t);
    return status;
}

/* A file of ranks is read, and then refused, for it is none of those that are known; what becomes of one that is. */
static canto_status part_ranks(world *w) {
    static const char *const texts[] = {"on", "ne", "one", "twoo", "wo", "woo"}; /* "twoo": by higher ranks */
    canto_status             status;
    canto_tokenizer         *t = NULL;
    uint32_t                *ids = NULL;
    size_t                   count;
    bpe_parts                parts = {.tokens.context = w->context};
    status = canto_tokenizer_open(w->context, ranks_path, &t);
    if (status.code != CANTO_ERROR_UNSUPPORTED) goto done;
    for (int byte = 0; byte < 256; byte++) TRY(vocabulary_add(&parts.tokens, &(char){(char)byte}, 1, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        TRY(vocabulary_add(&parts.tokens, texts[i], strlen(texts[i]), NULL));
    TRY(pattern_open(w->context, "none", &parts.cutter));
    TRY(tokenizer_bpe_new(w->context, &parts, &t));
    TRY(canto_tokenizer_encode(t, "oneonetwoo", 10, &ids, &count));
    assert_int_equal(count, 3);
done:
    canto_free(w->context, ids);
    canto_tokenizer_close(t);
    vocabulary_close(&parts.tokens);
    pattern_close(&parts.cutter);
    return status;
}

/* Byte pairs of a text, saved, read again and used. */
static canto_status part_pairs(world *w) {
    canto_status            status;
    canto_tokenizer_options options = canto_tokenizer_options_default();
    const char             *path = text_path;
    canto_tokenizer        *first = NULL, *again = NULL;
    uint32_t               *ids = NULL;
    size_t                  count;
    options.kind = "bpe";
    options.specials = "<s>,on";
    options.size = 280;
    TRY(canto_tokenizer_train(w->context, &options, &path, 1, &first));
    TRY(canto_tokenizer_save(first, tokenizer_folder));
    TRY(canto_tokenizer_open(w->context, tokenizer_folder, &again));
    assert_true(canto_tokenizer_hash(again) == canto_tokenizer_hash(first));
    TRY(canto_tokenizer_encode(again, "one two", 7, &ids, &count));
done:
    canto_free(w->context, ids);
    canto_tokenizer_close(again);
    canto_tokenizer_close(first);
    return status;
}

static canto_status part_data(world *w) {
    canto_status status;
    canto_data  *first = NULL, *again = NULL;
    TRY(open_data(w, &first));
    TRY(canto_data_save(first, token_path));
    TRY(canto_data_open(w->context, token_path, &again));
    assert_true(canto_data_count(again) == canto_data_count(first));
done:
    canto_data_close(again);
    canto_data_close(first);
    return status;
}

static canto_status part_preparing(world *w) {
    const char *paths[] = {text_path, text_path};
    return canto_data_prepare(w->context, w->tokenizer, NULL, paths, 2, token_path, NULL);
}

static void settings(const world *w, canto_config *config, canto_train_options *training) {
    must(canto_preset("mini", config, training));
    config->vocab = canto_tokenizer_vocabulary(w->tokenizer);
    config->width = 4;
    config->heads = 2;
    config->ffn = 4;
    config->layers = 1;
    config->context = 4;
    canto_config_dropout(config, 0.1);
    training->split = 0.8;
    training->steps = 2;
    training->batch = 2;
    training->eval_every = training->eval_batches = 1;
    training->save_every = 2;
    training->keep = 1;
    training->parity_torch = w->parity;
}

static bool stop_there(void *user, const canto_trainer *trainer, const canto_event *event) {
    const world *w = user;
    (void)trainer;
    return event->kind != CANTO_EVENT_STEP || event->step != w->stop_at;
}

/* Two steps, or one and a checkpoint. */
static canto_status train_once(world *w, int64_t stop_at) {
    canto_config        config;
    canto_train_options training;
    canto_trainer      *trainer = NULL;
    canto_status        status;
    settings(w, &config, &training);
    w->stop_at = stop_at;
    TRY(canto_trainer_open(w->context, &config, &training, w->tokenizer, w->data, run_folder, "{\"a\":[1]}", &trainer));
    TRY(canto_trainer_run(trainer, stop_there, w));
done:
    canto_trainer_close(trainer);
    return status;
}

static void remove_run(const char *folder) {
    char path[400];
    DIR *list = __real_opendir(folder);
    for (struct dirent *entry = list ? readdir(list) : NULL; entry; entry = readdir(list)) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (folder_exists(path) && entry->d_name[strspn(entry->d_name, ".")]) folder_remove(path);
    }
    if (!list) return;
    closedir(list);
    must(folder_remove(folder));
}

static void nothing(world *w) { (void)w; }

static void no_run(world *w) {
    (void)w;
    remove_run(run_folder);
}

static canto_status part_training(world *w) { return train_once(w, 0); }

/* A run that has its first checkpoint and not its second. */
static void stopped_run(world *w) {
    char first[160], second[160];
    snprintf(first, sizeof first, "%s/step-00000001", run_folder);
    snprintf(second, sizeof second, "%s/step-00000002", run_folder);
    if (folder_exists(first) && !folder_exists(second)) return;
    remove_run(run_folder);
    assert_int_equal(train_once(w, 1).code, CANTO_STOPPED);
}

static canto_status part_going_on(world *w) {
    canto_trainer *trainer = NULL;
    canto_status   status;
    char          *record = NULL;
    w->stop_at = 0;
    TRY(canto_run_read(w->context, run_folder, NULL, NULL, &record));
    TRY(canto_trainer_resume(w->context, run_folder, NULL, w->tokenizer, w->data, NULL, &trainer));
    TRY(canto_trainer_run(trainer, stop_there, w));
done:
    canto_free(w->context, record);
    canto_trainer_close(trainer);
    return status;
}

static void no_tuned_run(world *w) {
    (void)w;
    remove_run(tuned_folder);
}

/* Another run, from the model of the run of the part before, which is done; and gone on with before its first step. */
static canto_status part_tuning(world *w) {
    canto_status        status;
    canto_model        *model = NULL;
    canto_trainer      *trainer = NULL;
    canto_train_options options = canto_train_options_tuning();
    TRY(canto_model_open(w->context, run_folder, &model));
    TRY(canto_trainer_open_from(w->context, model, canto_model_config(model), &options, w->tokenizer, w->data,
                                tuned_folder, NULL, &trainer));
    canto_trainer_close(trainer);
    trainer = NULL;
    TRY(canto_trainer_resume_from(w->context, tuned_folder, model, NULL, w->tokenizer, w->data, NULL, &trainer));
done:
    canto_trainer_close(trainer);
    canto_model_close(model);
    return status;
}

/* Adapters beside the same model, made once. */
static void adapters_there(world *w) {
    canto_model        *model = NULL;
    canto_trainer      *trainer = NULL;
    canto_train_options options = canto_train_options_tuning();
    if (folder_exists(adapted_folder)) return;
    options.steps = 1;
    options.batch = 2;
    options.eval_batches = 1;
    options.lora_rank = 2;
    must(canto_model_open(w->context, run_folder, &model));
    must(canto_trainer_open_from(w->context, model, canto_model_config(model), &options, w->tokenizer, w->data,
                                 adapted_folder, NULL, &trainer));
    must(canto_trainer_run(trainer, NULL, NULL));
    canto_trainer_close(trainer);
    canto_model_close(model);
}

static canto_status part_adapters(world *w) {
    canto_model *model = NULL;
    canto_status status = canto_model_open(w->context, adapted_folder, &model);
    canto_model_close(model);
    return status;
}

/* The run of the part before is done. */
static canto_status part_writing(world *w) {
    canto_status           status;
    canto_model           *model = NULL, *fresh = NULL;
    canto_session         *session = NULL;
    canto_generate_options how = canto_generate_options_default();
    uint32_t               prompt[] = {3, 4};
    float                  logits[64];
    double                 logprob;
    char                  *json = NULL;
    how.tokens = 6;
    TRY(canto_model_open(w->context, run_folder, &model));
    assert_true(canto_model_config(model)->vocab <= 64);
    TRY(canto_config_json(w->context, canto_model_config(model), &json));
    TRY(canto_session_open(w->context, model, &session));
    TRY(canto_generate(session, prompt, 2, &how, NULL, NULL));
    TRY(canto_session_logits(session, prompt, 2, logits));
    TRY(canto_session_score(session, prompt, 2, 1, &logprob, NULL));
    TRY(canto_model_save(model, tokenizer_folder));
    TRY(canto_model_quantize(w->context, model, CANTO_INT8, &fresh));
    TRY(canto_model_save(fresh, tokenizer_folder));
    canto_model_close(fresh);
    TRY(canto_model_new(w->context, canto_model_config(model), CANTO_INIT_TORCH, 1, &fresh));
done:
    canto_free(w->context, json);
    canto_model_close(fresh);
    canto_session_close(session);
    canto_model_close(model);
    return status;
}

/* The model in the forms of other programs, and back from each. */
static canto_status part_converting(world *w) {
    static const char *const names[] = {"m.gguf", "m.npz", "m.safetensors", "m.bin"};
    canto_status             status;
    canto_model             *model = NULL, *again = NULL;
    canto_tokenizer         *bytes = NULL;
    canto_tokenizer_options  options = canto_tokenizer_options_default();
    canto_config             config;
    char                     path[256];
    options.kind = "bpe";
    options.size = 258;
    const char *text = text_path;
    TRY(canto_preset("gpt2", &config, NULL));
    config.vocab = 260;
    config.context = config.width = 8;
    config.heads = config.layers = 1;
    config.ffn = 32;
    TRY(canto_tokenizer_train(w->context, &options, &text, 1, &bytes));
    TRY(canto_model_new(w->context, &config, CANTO_INIT_TORCH, 1, &model));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        canto_export_options how = {CANTO_FORMAT_BY_NAME, CANTO_F32, bytes};
        snprintf(path, sizeof path, "%s/%s", tokenizer_folder, names[i]);
        TRY(canto_model_export(w->context, model, path, &how));
        TRY(canto_model_open(w->context, path, &again));
        canto_model_close(again);
        again = NULL;
    }
    snprintf(path, sizeof path, "%s/half", tokenizer_folder);
    canto_export_options half = {CANTO_FORMAT_FOLDER, CANTO_F16, bytes};
    TRY(canto_model_export(w->context, model, path, &half));
done:
    canto_model_close(again);
    canto_model_close(model);
    canto_tokenizer_close(bytes);
    return status;
}

static bool look_on(void *user, const canto_captured *captured) {
    (void)user;
    return captured->rows > 0;
}

static canto_status part_evaluating(world *w) {
    canto_status     status;
    uint32_t         ids[] = {3, 4};
    canto_model     *model = NULL;
    canto_evaluation evaluation;
    TRY(canto_model_open(w->context, run_folder, &model));
    TRY(canto_evaluate(w->context, model, w->data, NULL, &evaluation));
    TRY(canto_capture(w->context, model, ids, 2, NULL, look_on, NULL));
done:
    canto_model_close(model);
    return status;
}

/* What others have written: tests/formats. */
static canto_status open_foreign(world *w, const char *name, const char *map) {
    char                path[4096], map_path[4096];
    canto_model        *model = NULL;
    canto_model_options how = canto_model_options_default();
    const char         *source = getenv("CANTO_SOURCE");
    snprintf(path, sizeof path, "%s/tests/formats/%s", source ? source : ".", name);
    snprintf(map_path, sizeof map_path, "%s/tests/formats/%s", source ? source : ".", map ? map : "");
    how.map = map ? map_path : NULL;
    canto_status status = canto_model_open_with(w->context, path, &how, &model);
    canto_model_close(model);
    return status;
}

static canto_status part_opening(world *w) {
    canto_status status;
    TRY(open_foreign(w, "nanogpt.pt", NULL));
    TRY(open_foreign(w, "gpt2-old", NULL));
    TRY(open_foreign(w, "gpt2-half", NULL));
    TRY(open_foreign(w, "own.pth", "own.map.json"));
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------ one failure each */

typedef canto_status (*part_fn)(world *w);
typedef void (*prepare_fn)(world *w);

/* Whatever happened: what is called a checkpoint opens, and the links point at one. */
static void check_run(void) {
    canto_context        *context;
    canto_context_options options = canto_context_options_default();
    DIR                  *list = __real_opendir(run_folder);
    if (!list) return;
    options.threads = 1;
    must(canto_context_open(&options, &context));
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        char         path[400];
        canto_model *model;
        json_t      *state;
        bool         link = !strcmp(entry->d_name, "last") || !strcmp(entry->d_name, "best");
        snprintf(path, sizeof path, "%s/%s", run_folder, entry->d_name);
        if (link) assert_true(folder_exists(path));
        if (strncmp(entry->d_name, "step-", 5) != 0) continue;
        must(canto_model_open(context, path, &model));
        canto_model_close(model);
        snprintf(path, sizeof path, "%s/%s/trainer.json", run_folder, entry->d_name);
        must(json_read_file(context, path, &state));
        json_decref(state);
    }
    closedir(list);
    canto_context_close(context);
}

/* Fails allocation n of the part, or all from n on; true when there was no such allocation. */
static bool try_part(const char *name, world *w, prepare_fn prepare, part_fn part, long n, bool from_there_on) {
    prepare(w);
    long before = live;
    calls = 0;
    doomed = from_there_on ? -n : n;
    canto_status status = part(w);
    long         seen = calls;
    bool         reached = seen >= n;
    doomed = 0;
    if (status.code != CANTO_OK && status.code != CANTO_ERROR_MEMORY)
        fail_msg("%s, allocation %ld: code %d, %s", name, n, (int)status.code, status.text);
    if (reached && status.code == CANTO_OK) fail_msg("%s, allocation %ld: its failure went unnoticed", name, n);
    if (!reached) must(status);
    if (reached && strlen(status.text) < 10) fail_msg("%s, allocation %ld: no text", name, n);
    if (live != before) fail_msg("%s, allocation %ld: %ld blocks stay", name, n, live - before);
    check_run();
    calls = seen;
    return !reached;
}

/* least: allocations that there must be, so that the counting itself is seen to work. */
static void every_failure(const char *name, world *w, prepare_fn prepare, part_fn part, long least) {
    long n = 1;
    while (!try_part(name, w, prepare, part, n, false)) n += stride;
    if (calls < least) fail_msg("%s: only %ld allocations", name, calls);
    for (long m = 1; m < n; m += 1 + n / 50) try_part(name, w, prepare, part, m, true);
}

static void every_part(bool own) {
    world w = {.own = own};
    long  before = live;
    must(open_context(&w, &w.context));
    must(open_tokenizer(&w, &w.tokenizer));
    must(open_data(&w, &w.data));
    remove_run(run_folder);
    every_failure("context", &w, nothing, part_context, 3);
    every_failure("tokenizer", &w, nothing, part_tokenizer, 50);
    every_failure("bytes", &w, nothing, part_bytes, 50);
    every_failure("byte pairs", &w, nothing, part_pairs, 50);
    every_failure("byte pairs in two files", &w, nothing, part_files, 10);
    every_failure("byte pairs by ranks", &w, nothing, part_ranks, 10);
    every_failure("data", &w, nothing, part_data, 6);
    every_failure("preparing", &w, nothing, part_preparing, 8);
    every_failure("training", &w, no_run, part_training, 20);
    every_failure("going on", &w, stopped_run, part_going_on, 100);
    every_failure("tuning", &w, no_tuned_run, part_tuning, 100);
    every_failure("adapters", &w, adapters_there, part_adapters, 50);
    remove_run(adapted_folder);
    every_failure("writing", &w, nothing, part_writing, 100);
    every_failure("converting", &w, nothing, part_converting, 100);
    every_failure("evaluating", &w, nothing, part_evaluating, 100);
    every_failure("opening others' models", &w, nothing, part_opening, 300);
    w.parity = 1;
    if (!own) every_failure("training in parity", &w, no_run, part_training, 1000);
    canto_data_close(w.data);
    canto_tokenizer_close(w.tokenizer);
    canto_context_close(w.context);
    assert_int_equal(live, before);
}

static void test_the_standard_allocator(void **state) {
    (void)state;
    every_part(false);
}

static void test_the_callers_allocator(void **state) {
    (void)state;
    json_set_alloc_funcs(__real_malloc, __real_free);
    every_part(true);
    json_set_alloc_funcs(for_json, __wrap_free);
}

/* vocab.json and merges.txt: the bytes, "on" and "one". */
static bool write_files(void) {
    static const char merges[] = "#version: 0.2\no n\non e\n";
    char              names[256][4], path[200];
    bool              good = true;
    FILE             *file;
    byte_level_names(names);
    snprintf(path, sizeof path, "%s/vocab.json", files_folder);
    if (!(file = fopen(path, "w"))) return false;
    for (int byte = 0; byte < 256; byte++)
        fprintf(file, "%s\"%s%s\":%d", byte ? "," : "{", byte == '"' || byte == '\\' ? "\\" : "", names[byte], byte);
    fprintf(file, ",\"on\":256,\"one\":257}");
    good = fclose(file) == 0;
    snprintf(path, sizeof path, "%s/merges.txt", files_folder);
    return good && file_write_whole(path, merges, sizeof merges - 1).code == CANTO_OK;
}

static int set_up(void **state) {
    static const char ranks[] = "IQ== 0\nIg== 1\nIyM= 2\nIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMj 300\n";
    static const char text[] = "one two three four one 1 22 two a333b three one four two one three two\n";
    (void)state;
    snprintf(root, sizeof root, "/tmp/canto-memory-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(run_folder, sizeof run_folder, "%s/run", root);
    snprintf(tuned_folder, sizeof tuned_folder, "%s/tuned", root);
    snprintf(adapted_folder, sizeof adapted_folder, "%s/adapted", root);
    snprintf(text_path, sizeof text_path, "%s/text", root);
    snprintf(token_path, sizeof token_path, "%s/tokens", root);
    snprintf(tokenizer_folder, sizeof tokenizer_folder, "%s/folder", root);
    snprintf(ranks_path, sizeof ranks_path, "%s/ranks.tiktoken", root);
    snprintf(files_folder, sizeof files_folder, "%s/files", root);
    json_set_alloc_funcs(for_json, __wrap_free);
    if (folder_create(files_folder).code != CANTO_OK || !write_files()) return -1;
    if (file_write_whole(ranks_path, ranks, sizeof ranks - 1).code != CANTO_OK) return -1;
    if (folder_create(tokenizer_folder).code != CANTO_OK) return -1;
    return file_write_whole(text_path, text, sizeof text - 1).code == CANTO_OK ? 0 : -1;
}

static int tear_down(void **state) {
    char command[200];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

/* With the word "all": every single allocation; without: one in thirty-one. */
int main(int argc, char **argv) {
    stride = argc > 1 && strcmp(argv[1], "all") == 0 ? 1 : 31;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_standard_allocator),
                                       cmocka_unit_test(test_the_callers_allocator)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
