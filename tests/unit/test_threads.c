/* test_threads.c - many contexts in one process, and models, tokenizers and data that threads share. Under the thread
 * sanitizer these tests show that nothing shared is written; everywhere, that neighbours change no result. */
#include "unit.h"

#include <pthread.h>

enum { THREADS = 4, TOKENS = 20, ROUNDS = 3 };

/* What all threads read: opened once, before them, and closed after them. */
static canto_tokenizer *tokenizer;
static canto_data      *data;
static canto_model     *model;

static void small(canto_config *config, canto_train_options *training) {
    ok(canto_preset("mini", config, training));
    config->vocab = canto_tokenizer_vocabulary(tokenizer);
    config->width = 32;
    config->heads = 2;
    config->ffn = 64;
    config->layers = 2;
    config->context = 16;
    training->steps = 3;
    training->batch = 6;
    training->eval_every = 2;
    training->eval_batches = 2;
    canto_config_dropout(config, 0.1);
}

static canto_status context_of(int threads, canto_context **made) {
    canto_context_options options = canto_context_options_default();
    options.threads = threads;
    return canto_context_open(&options, made);
}

/* ------------------------------------------------------------------------------------- what each thread does */

/* cmocka's assertions belong to the main thread: a worker leaves its status, and what it made. */
typedef struct worker {
    pthread_t    thread;
    int          number;
    canto_status status;
    uint32_t     ids[ROUNDS][TOKENS];
    size_t       count;
    double       losses[ROUNDS];
    size_t       bytes; /* of text that a stream made of its tokens */
} worker;

typedef struct writing {
    uint32_t     *ids;
    size_t        count, bytes;
    canto_stream *stream;
    canto_status  status;
} writing;

static bool keep_token(void *user, uint32_t id, double logprob) {
    writing    *w = user;
    const char *text;
    size_t      bytes;
    (void)logprob;
    w->ids[w->count++] = id;
    w->status = canto_stream_push(w->stream, id, &text, &bytes);
    w->bytes += bytes;
    return w->status.code == CANTO_OK;
}

/* One text with this seed, over the shared model and its tokenizer, in a context of this thread. */
static canto_status write_text(canto_context *c, uint64_t seed, uint32_t ids[TOKENS], size_t *bytes) {
    canto_status           status;
    canto_generate_options how = canto_generate_options_default();
    const canto_tokenizer *symbols = canto_model_tokenizer(model);
    canto_session         *session = NULL;
    uint32_t              *prompt = NULL;
    size_t                 count;
    writing                w = {.ids = ids, .status = status_ok()};
    how.tokens = TOKENS;
    how.seed = seed;
    how.parity_torch = seed % 2;
    TRY(canto_tokenizer_encode(symbols, "a line", 6, &prompt, &count));
    TRY(canto_stream_open(symbols, &w.stream));
    TRY(canto_session_open(c, model, &session));
    TRY(canto_generate(session, prompt, count, &how, keep_token, &w));
    *bytes += w.bytes;
done:
    canto_session_close(session);
    canto_stream_close(w.stream);
    canto_free(c, prompt); /* every context here has the C library's allocator */
    return status;
}

static canto_status write_rounds(canto_context *c, worker *w) {
    canto_status status = status_ok();
    for (int round = 0; round < ROUNDS; round++)
        TRY(write_text(c, (uint64_t)(w->number * ROUNDS + round), w->ids[round], &w->bytes));
done:
    return status;
}

static canto_status train(canto_context *c, uint64_t seed, double *loss) {
    canto_status        status;
    canto_config        config;
    canto_train_options training;
    canto_trainer      *trainer = NULL;
    canto_evaluation    evaluation;
    small(&config, &training);
    training.seed = seed;
    training.parity_torch = seed % 2;
    TRY(canto_trainer_open(c, &config, &training, tokenizer, data, NULL, NULL, &trainer));
    TRY(canto_trainer_run(trainer, NULL, NULL));
    TRY(canto_evaluate(c, canto_trainer_model(trainer), data, NULL, &evaluation));
    *loss = evaluation.loss;
done:
    canto_trainer_close(trainer);
    return status;
}

static void *writer_main(void *argument) {
    worker        *w = argument;
    canto_context *c = NULL;
    w->status = context_of(1 + w->number % 2, &c);
    if (w->status.code == CANTO_OK) w->status = write_rounds(c, w);
    canto_context_close(c);
    return NULL;
}

static void *trainer_main(void *argument) {
    worker        *w = argument;
    canto_context *c = NULL;
    w->status = context_of(2, &c);
    if (w->status.code == CANTO_OK) w->status = train(c, (uint64_t)w->number, &w->losses[0]);
    canto_context_close(c);
    return NULL;
}

/* Everything that can be opened, opened and closed over and over. */
static void *churn_main(void *argument) {
    worker *w = argument;
    w->status = status_ok();
    for (int round = 0; round < ROUNDS && w->status.code == CANTO_OK; round++) {
        canto_context   *c = NULL;
        canto_model     *own = NULL;
        canto_tokenizer *symbols = NULL;
        canto_status     status;
        TRY(context_of(1 + (w->number + round) % 3, &c));
        TRY(canto_tokenizer_open(c, folder, &symbols));
        TRY(canto_model_open(c, folder, &own));
        TRY(write_text(c, 0, w->ids[round], &w->bytes));
    done:
        w->status = status;
        canto_model_close(own);
        canto_tokenizer_close(symbols);
        canto_context_close(c);
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------- tests */

static void run_all(worker workers[THREADS], void *(*body)(void *)) {
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    for (int i = 0; i < THREADS; i++) ok(workers[i].status);
}

static void test_sessions_over_one_model(void **state) {
    static worker workers[THREADS], alone;
    (void)state;
    run_all(workers, writer_main);
    for (int i = 0; i < THREADS; i++) {
        alone = (worker){.number = i};
        ok(write_rounds(context, &alone));
        assert_memory_equal(workers[i].ids, alone.ids, sizeof alone.ids);
        assert_int_equal(workers[i].bytes, alone.bytes);
    }
    assert_true(memcmp(workers[0].ids[0], workers[1].ids[0], sizeof alone.ids[0]) != 0); /* not by being all alike */
}

static void test_trainers_side_by_side(void **state) {
    static worker workers[THREADS];
    (void)state;
    run_all(workers, trainer_main);
    for (int i = 0; i < THREADS; i++) {
        double loss;
        ok(train(context, (uint64_t)i, &loss));
        assert_true(workers[i].losses[0] == loss);
    }
    assert_true(workers[0].losses[0] != workers[1].losses[0]);
}

static void test_opening_and_closing(void **state) {
    static worker workers[THREADS];
    uint32_t      ids[TOKENS];
    size_t        bytes = 0;
    (void)state;
    run_all(workers, churn_main);
    ok(write_text(context, 0, ids, &bytes));
    for (int i = 0; i < THREADS; i++)
        for (int round = 0; round < ROUNDS; round++) assert_memory_equal(workers[i].ids[round], ids, sizeof ids);
}

static int open_shared(void **state) {
    canto_config        config;
    canto_train_options training;
    canto_trainer      *trainer;
    if (unit_set_up(state) != 0) return -1;
    char text[4000] = "";
    for (size_t i = 0, at = 0; at + 40 < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "a line, %zu times over\n", i % 7);
    const char *texts[] = {write_file("text.txt", text)};
    ok(canto_tokenizer_train(context, NULL, texts, 1, &tokenizer));
    ok(canto_data_from_texts(context, tokenizer, texts, 1, &data));
    small(&config, &training);
    training.steps = 0;
    ok(canto_trainer_open(context, &config, &training, tokenizer, data, NULL, NULL, &trainer));
    ok(canto_model_save(canto_trainer_model(trainer), folder));
    canto_trainer_close(trainer);
    ok(canto_model_open(context, folder, &model));
    return 0;
}

static int close_shared(void **state) {
    canto_model_close(model);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
    return unit_tear_down(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_over_one_model),
        cmocka_unit_test(test_trainers_side_by_side),
        cmocka_unit_test(test_opening_and_closing),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
