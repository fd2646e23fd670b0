/* test_train.c - the optimizer against PyTorch's formulas in double, the schedule, and whole runs: journal, checkpoints,
 * epochs, stopping, refusal of numbers that are not finite, independence of the number of threads. */
#include "base/file.h"
#include "train/optimizer.h"
#include "train/schedule.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void must(canto_status status) {
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
}

/* ---------------------------------------------------------------------------------------------------- optimizer */

static void run_optimizer(optimizer_settings settings, float g, float expected_after_1, float expected_after_2) {
    canto_context *context;
    canto_config   config;
    tensor_table   table;
    must(canto_context_open(NULL, &context));
    must(canto_preset("shakespeare-tiny", &config, NULL));
    must(tensor_table_open(context, &config, &table));
    size_t n = table.elements, last = table.list[0].offset + table.list[0].count - 1; /* the last of a matrix */
    float *blocks = calloc(4 * n, sizeof *blocks);
    exec   serial = {0};
    blocks[last] = 0.5f;
    for (int t = 1; t <= 2; t++) {
        blocks[n + last] = g;
        optimizer_update(&serial, kernels_choose(""), &table, &settings, t, blocks, blocks + n, blocks + 2 * n,
                         blocks + 3 * n, 1);
        assert_true(blocks[n + last] == 0); /* gradients are left zeroed */
        assert_true(fabsf(blocks[last] - (t == 1 ? expected_after_1 : expected_after_2)) < 1e-6f);
    }
    free(blocks);
    tensor_table_close(context, &table);
    canto_context_close(context);
}

/* With a constant gradient both moments are exact: every step is lr * sign, beside the decay. */
static void test_adamw_by_hand(void **state) {
    (void)state;
    optimizer_settings settings = {true, 0.1, 0.9, 0.999, 1e-8, 0.01, false};
    run_optimizer(settings, 2.0f, 0.5f * 0.999f - 0.1f, (0.5f * 0.999f - 0.1f) * 0.999f - 0.1f);
}

/* Coupled decay joins the gradient: g + 0.1 * 0.5 has the same sign, so the first step is lr again. */
static void test_adam_by_hand(void **state) {
    (void)state;
    optimizer_settings settings = {false, 0.1, 0.9, 0.999, 1e-8, 0.1, false};
    double             g1 = 2 + 0.1 * 0.5, g2 = 2 + 0.1 * 0.4;
    double             m = (0.09 * g1 + 0.1 * g2) / (1 - 0.81);
    double             v = (0.999 * 0.001 * g1 * g1 + 0.001 * g2 * g2) / (1 - 0.999 * 0.999);
    run_optimizer(settings, 2.0f, 0.4f, (float)(0.4 - 0.1 * m / sqrt(v)));
}

static void test_norm(void **state) {
    canto_context *context;
    canto_config   config;
    tensor_table   table;
    exec           serial = {0};
    (void)state;
    must(canto_context_open(NULL, &context));
    must(canto_preset("shakespeare-tiny", &config, NULL));
    must(tensor_table_open(context, &config, &table));
    float *g = calloc(table.elements, sizeof *g);
    g[0] = 3;
    g[table.list[table.count - 1].offset] = -4;
    assert_true(gradient_norm(&serial, &table, g) == 5);
    free(g);
    tensor_table_close(context, &table);
    canto_context_close(context);
}

static void test_schedule(void **state) {
    canto_train_options o = {.lr = 1, .min_lr = 0.1, .schedule = CANTO_SCHEDULE_COSINE, .warmup = 10};
    (void)state;
    assert_true(fabs(schedule_lr(&o, 0, 110) - 0.1) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 9, 110) - 1) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 10, 110) - 1) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 60, 110) - 0.55) < 1e-12);
    assert_true(fabs(schedule_lr(&o, 110, 110) - 0.1) < 1e-12);
    o.schedule = CANTO_SCHEDULE_LINEAR;
    assert_true(fabs(schedule_lr(&o, 35, 110) - 0.775) < 1e-12);
    o.schedule = CANTO_SCHEDULE_CONSTANT;
    assert_true(schedule_lr(&o, 100, 110) == 1);
}

/* --------------------------------------------------------------------------------------------------- whole runs */

typedef struct run {
    canto_context      *context;
    canto_tokenizer    *tokenizer;
    canto_data         *data;
    canto_config        config;
    canto_train_options training;
    char                folder[256], text[300];
    int                 seen[5];
    double              last_train_loss, last_norm;
    int64_t             stop_at; /* a step; 0: never */
} run;

static void run_open(run *r, int threads) {
    canto_context_options   options = canto_context_options_default();
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    const char             *texts[] = {r->text};
    memset(r, 0, sizeof *r);
    options.threads = threads;
    snprintf(r->folder, sizeof r->folder, "/tmp/canto-train-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->text, sizeof r->text, "%s/text.txt", r->folder);
    FILE *file = fopen(r->text, "w");
    for (int i = 0; i < 200; i++) fprintf(file, "line %d of a text that repeats itself\n", i % 7);
    fclose(file);
    must(canto_context_open(&options, &r->context));
    must(canto_tokenizer_train(r->context, &symbols, texts, 1, &r->tokenizer));
    must(canto_data_from_texts(r->context, r->tokenizer, texts, 1, &r->data));
    must(canto_preset("mini", &r->config, &r->training));
    r->config.vocab = canto_tokenizer_vocabulary(r->tokenizer);
    r->config.width = 32;
    r->config.ffn = 64;
    r->config.layers = 2;
    r->config.context = 16;
    r->training.steps = 20;
    r->training.batch = 6;
    r->training.warmup = 0;
    r->training.eval_every = 10;
    r->training.eval_batches = 2;
    canto_config_dropout(&r->config, 0.1);
}

static void run_close(run *r) {
    char command[400];
    canto_data_close(r->data);
    canto_tokenizer_close(r->tokenizer);
    canto_context_close(r->context);
    snprintf(command, sizeof command, "rm -rf '%s'", r->folder);
    assert_int_equal(system(command), 0);
}

static bool note(void *user, const canto_trainer *trainer, const canto_event *event) {
    run *r = user;
    (void)trainer;
    r->seen[event->kind]++;
    if (event->kind == CANTO_EVENT_STEP) {
        r->last_train_loss = event->train_loss;
        r->last_norm = event->grad_norm;
    }
    return r->stop_at == 0 || event->step < r->stop_at;
}

static canto_status run_train(run *r, const char *name) {
    char           folder[300];
    canto_trainer *trainer;
    snprintf(folder, sizeof folder, "%s/%s", r->folder, name ? name : "");
    canto_status status = canto_trainer_open(r->context, &r->config, &r->training, r->tokenizer, r->data,
                                             name ? folder : NULL, "{\"a\":1}", &trainer);
    if (status.code != CANTO_OK) return status;
    status = canto_trainer_run(trainer, note, r);
    canto_trainer_close(trainer);
    return status;
}

static bool run_has(const run *r, const char *name) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", r->folder, name);
    return access(path, F_OK) == 0;
}

/* Lines of metrics.csv; the last one into last. */
static int count_rows(const run *r, const char *name, char *last, size_t bytes) {
    char path[400];
    int  n = 0;
    snprintf(path, sizeof path, "%s/%s/metrics.csv", r->folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(last, (int)bytes, file)) n++;
    fclose(file);
    return n;
}

static void test_a_run_by_steps(void **state) {
    run  r;
    char last[600];
    (void)state;
    run_open(&r, 2);
    must(run_train(&r, "run"));
    assert_int_equal(r.seen[CANTO_EVENT_STEP], 20);
    assert_int_equal(r.seen[CANTO_EVENT_EVALUATION], 3);
    assert_int_equal(r.seen[CANTO_EVENT_CHECKPOINT], 2);
    assert_int_equal(r.seen[CANTO_EVENT_DONE], 1);
    assert_true(r.last_train_loss < 3);
    assert_int_equal(count_rows(&r, "run", last, sizeof last), 22);
    assert_true(strncmp(last, "20,0,1920,,", 11) == 0);
    assert_true(run_has(&r, "run/run.json") && run_has(&r, "run/step-00000010/trainer.json"));
    assert_true(run_has(&r, "run/last/optimizer.safetensors") && run_has(&r, "run/best/model.safetensors"));
    canto_status status = run_train(&r, "run");
    assert_int_equal(status.code, CANTO_ERROR_FILE);
    run_close(&r);
}

static void test_a_run_by_epochs(void **state) {
    run  r;
    char last[600];
    (void)state;
    for (int parity = 0; parity < 2; parity++) {
        run_open(&r, 2);
        r.training.epochs = 3;
        r.training.steps = 0;
        r.training.accumulate = 2;
        r.training.parity_torch = parity;
        r.training.eval_every = 0;
        must(run_train(&r, "run"));
        assert_int_equal(r.seen[CANTO_EVENT_EPOCH], 3);
        assert_int_equal(r.seen[CANTO_EVENT_CHECKPOINT], 3);
        assert_int_equal(r.seen[CANTO_EVENT_EVALUATION], parity ? 0 : 1);
        assert_int_equal(count_rows(&r, "run", last, sizeof last), r.seen[CANTO_EVENT_STEP] + 2);
        run_close(&r);
    }
}

/* Two micro-batches of three sequences are the six of one batch: the same windows, means and norms, but for rounding. */
static void test_accumulation(void **state) {
    double loss[2], norm[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        run r;
        run_open(&r, 2);
        canto_config_dropout(&r.config, 0); /* masks know their micro-batch */
        r.training.steps = 5;
        r.training.batch = i == 0 ? 6 : 3;
        r.training.accumulate = i == 0 ? 1 : 2;
        must(run_train(&r, NULL));
        loss[i] = r.last_train_loss;
        norm[i] = r.last_norm;
        run_close(&r);
    }
    assert_true(norm[0] > 0.1 && fabs(norm[1] - norm[0]) < 1e-4 * norm[0]);
    assert_true(loss[0] > 0.1 && fabs(loss[1] - loss[0]) < 1e-5 * loss[0]);
}

/* A host program may write its decimals with a comma: the locale is made here, of its numbers alone. */
static bool comma_locale(const run *r) {
    char command[900];
    snprintf(command, sizeof command,
             "cd '%s' && printf 'LC_NUMERIC\\ndecimal_point \",\"\\nthousands_sep \".\"\\ngrouping 3;3\\nEND "
             "LC_NUMERIC\\n' >numbers"
             " && { localedef --no-archive -c -i numbers ./xx_XX >localedef.log 2>&1; test -d xx_XX; }",
             r->folder);
    return system(command) == 0 && setenv("LOCPATH", r->folder, 1) == 0 && setlocale(LC_NUMERIC, "xx_XX") != NULL;
}

static void test_the_host_s_locale_changes_no_file(void **state) {
    run  r;
    char plain[600], last[600], command[900], digits[16];
    (void)state;
    run_open(&r, 1);
    must(run_train(&r, "plain"));
    assert_int_equal(count_rows(&r, "plain", plain, sizeof plain), 22);
    if (!comma_locale(&r)) skip();
    snprintf(digits, sizeof digits, "%.1f", 0.5);
    assert_string_equal(digits, "0,5");
    must(run_train(&r, "run"));
    assert_int_equal(count_rows(&r, "run", last, sizeof last), 22);
    setlocale(LC_NUMERIC, "C");
    *strrchr(plain, ',') = *strrchr(last, ',') = 0; /* but for the seconds */
    assert_string_equal(last, plain);
    snprintf(command, sizeof command, "! grep -E '[0-9],[0-9]' '%s'/run/last/trainer.json '%s'/run/run.json", r.folder,
             r.folder);
    assert_int_equal(system(command), 0);
    run_close(&r);
}

static void test_untrained_model_is_saved(void **state) {
    run r;
    (void)state;
    run_open(&r, 1);
    r.training.steps = 0;
    must(run_train(&r, "run"));
    assert_true(run_has(&r, "run/step-00000000/model.safetensors") && run_has(&r, "run/last/tokenizer.json"));
    run_close(&r);
}

static void test_stopping_saves(void **state) {
    run r;
    (void)state;
    run_open(&r, 1);
    r.stop_at = 7;
    assert_int_equal(run_train(&r, "run").code, CANTO_STOPPED);
    assert_true(run_has(&r, "run/step-00000007/model.safetensors"));
    run_close(&r);
}

static void test_a_loss_that_is_not_finite_stops(void **state) {
    run r;
    (void)state;
    run_open(&r, 1);
    r.training.clip = 0;
    r.training.lr = 1e6;
    r.training.weight_decay = 1e6;
    r.training.save_every = 1;
    r.training.keep = 0;
    r.training.steps = 500;
    canto_status status = run_train(&r, NULL);
    assert_int_equal(status.code, CANTO_ERROR_NUMBER);
    assert_non_null(strstr(status.text, "At step"));
    run_close(&r);
}

static void test_old_checkpoints_go(void **state) {
    run r;
    (void)state;
    run_open(&r, 1);
    r.training.save_every = 2;
    r.training.keep = 1;
    must(run_train(&r, "run"));
    assert_true(run_has(&r, "run/step-00000018") && run_has(&r, "run/step-00000020"));
    assert_false(run_has(&r, "run/step-00000002"));
    assert_false(run_has(&r, "run/step-00000016"));
    run_close(&r);
}

static void test_threads_change_nothing(void **state) {
    double losses[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        run r;
        run_open(&r, i == 0 ? 1 : 3);
        must(run_train(&r, NULL));
        losses[i] = r.last_train_loss;
        run_close(&r);
    }
    assert_true(losses[0] == losses[1]);
}

static void test_too_large_is_refused(void **state) {
    run r;
    (void)state;
    run_open(&r, 1);
    must(canto_preset("gpt3", &r.config, NULL));
    canto_status status = run_train(&r, NULL);
    assert_int_equal(status.code, CANTO_ERROR_MEMORY);
    assert_non_null(strstr(status.text, "available"));
    run_close(&r);
}

static void test_writing_and_evaluating(void **state) {
    run                    r;
    canto_model           *model;
    canto_session         *session;
    char                   folder[300];
    float                  logits[256];
    uint32_t               prompt[40] = {1, 2, 3}, bad = 255;
    canto_evaluation       evaluation;
    canto_generate_options options = canto_generate_options_default();
    (void)state;
    run_open(&r, 2);
    must(run_train(&r, "run"));
    snprintf(folder, sizeof folder, "%s/run", r.folder);
    must(canto_model_open(r.context, folder, &model));
    must(canto_session_open(r.context, model, &session));
    options.tokens = 30; /* beyond the context of 16 */
    must(canto_generate(session, prompt, 3, &options, NULL, NULL));
    must(canto_session_logits(session, prompt, 40, logits));
    canto_status status = canto_generate(session, &bad, 1, &options, NULL, NULL);
    assert_int_equal(status.code, CANTO_ERROR_VALUE);
    assert_non_null(strstr(status.text, "255"));
    must(canto_evaluate(r.context, model, r.data, NULL, &evaluation));
    assert_true(evaluation.tokens == canto_data_count(r.data) - 1);
    assert_true(evaluation.loss > 0 && evaluation.loss < 3 && evaluation.bits_per_byte > 0);
    canto_session_close(session);
    canto_model_close(model);
    run_close(&r);
}

/* The windows of a stride, one prediction after the other: HF's way of a perplexity with a sliding window. */
static void check_stride(run *r, const canto_model *model, canto_session *session, int32_t stride) {
    enum { COUNT = 150, T = 16 };
    static uint32_t        ids[COUNT];
    canto_evaluate_options how = {stride};
    canto_evaluation       evaluation;
    canto_data            *data;
    size_t                 counted = 0;
    double                 sum = 0, logprobs[T];
    canto_data_read(r->data, 7, COUNT, ids);
    must(canto_data_from_ids(r->context, ids, COUNT, canto_model_config(model)->vocab, &data));
    must(canto_evaluate(r->context, model, data, &how, &evaluation));
    for (size_t at = 0; counted < COUNT - 1; at += (size_t)(stride ? stride : T)) {
        size_t end = at + T < COUNT - 1 ? at + T : COUNT - 1; /* predictions [at, end) */
        must(canto_session_score(session, ids + at, end + 1 - at, counted + 1 - at, logprobs, NULL));
        for (size_t i = 0; i < end - counted; i++) sum -= logprobs[i];
        counted = end;
    }
    assert_true(evaluation.tokens == COUNT - 1);
    if (fabs(evaluation.loss - sum / (COUNT - 1)) > 2e-6)
        fail_msg("stride %d: %.9g, not %.9g", (int)stride, evaluation.loss, sum / (COUNT - 1));
    canto_data_close(data);
}

static void test_strides(void **state) {
    run                    r;
    canto_model           *model;
    canto_session         *session;
    char                   folder[300];
    canto_evaluate_options how = {17};
    canto_evaluation       evaluation;
    (void)state;
    run_open(&r, 2);
    must(run_train(&r, "run"));
    snprintf(folder, sizeof folder, "%s/run", r.folder);
    must(canto_model_open(r.context, folder, &model));
    must(canto_session_open(r.context, model, &session));
    for (int32_t stride = 0; stride <= 16; stride++) check_stride(&r, model, session, stride);
    canto_status status = canto_evaluate(r.context, model, r.data, &how, &evaluation);
    assert_int_equal(status.code, CANTO_ERROR_VALUE);
    assert_non_null(strstr(status.text, "17"));
    canto_session_close(session);
    canto_model_close(model);
    run_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adamw_by_hand),
        cmocka_unit_test(test_adam_by_hand),
        cmocka_unit_test(test_norm),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_a_run_by_steps),
        cmocka_unit_test(test_a_run_by_epochs),
        cmocka_unit_test(test_accumulation),
        cmocka_unit_test(test_the_host_s_locale_changes_no_file),
        cmocka_unit_test(test_untrained_model_is_saved),
        cmocka_unit_test(test_stopping_saves),
        cmocka_unit_test(test_a_loss_that_is_not_finite_stops),
        cmocka_unit_test(test_old_checkpoints_go),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_too_large_is_refused),
        cmocka_unit_test(test_writing_and_evaluating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
