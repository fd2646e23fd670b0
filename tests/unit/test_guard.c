/* test_guard.c - a run stops at the first number that is none and names where it was; its warnings come when they should,
 * once, survive a checkpoint, and change nothing. */
#include "base/file.h"
#include "train/trainer.h"
#include "unit.h"

#include <math.h>

static int  warnings;
static char warning[600];

static void keep_warning(void *user, canto_log_level level, const char *text) {
    (void)user;
    if (level != CANTO_LOG_WARNING) return;
    warnings++;
    snprintf(warning, sizeof warning, "%s", text);
}

static void says(int times, const char *part) {
    if (warnings != times || (part && !strstr(warning, part)))
        fail_msg("%d warnings instead of %d, or no '%s' in: %s", warnings, times, part ? part : "", warning);
    warnings = 0;
    warning[0] = 0;
}

/* --------------------------------------------------------------------------------------------- numbers that are none */

/* A run of the tiny model whose block is spoiled after the second update. */
typedef struct spoiling {
    enum { WEIGHT, GRADIENT } what;
    tensor_role    role;
    int32_t        layer;
    float          value;
    canto_trainer *trainer;
} spoiling;

static bool spoil(void *user, const canto_trainer *trainer, const canto_event *event) {
    spoiling *s = user;
    if (event->kind != CANTO_EVENT_STEP || event->step != 2) return true;
    const tensor *t = tensor_find(trainer->table, s->role, s->layer);
    float        *block = s->what == WEIGHT ? s->trainer->weights : s->trainer->gradients;
    for (size_t i = 0; i < t->count; i++) block[t->offset + i] = s->value;
    return true;
}

static void open_tiny(canto_norm norm, int32_t accumulate, const char *run, canto_data **data,
                      canto_trainer **trainer) {
    canto_config            config;
    canto_train_options     options;
    canto_tokenizer        *tokenizer;
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    char                    text[3001];
    for (size_t i = 0; i < 3000; i++) text[i] = (char)('a' + i * i % 23 % 11);
    text[3000] = 0;
    const char *path = write_file("text", text);
    ok(canto_tokenizer_train(context, &symbols, &path, 1, &tokenizer));
    ok(canto_data_from_texts(context, tokenizer, &path, 1, data));
    ok(canto_preset("mini", &config, &options));
    config.vocab = canto_tokenizer_vocabulary(tokenizer);
    config.width = 16;
    config.heads = 2;
    config.ffn = 32;
    config.layers = 2;
    config.context = 8;
    config.norm = norm;
    config.final_norm = true;
    config.tied = false;
    canto_config_dropout(&config, 0.1);
    options.steps = 6;
    options.batch = 3;
    options.accumulate = accumulate;
    options.save_every = 1;
    options.eval_every = 0;
    options.eval_batches = 1;
    canto_tokenizer_close(tokenizer);
    ok(canto_trainer_open(context, &config, &options, NULL, *data, run, NULL, trainer));
}

/* The run stops at step 2 and its text names the tensor. */
static void stops(canto_norm norm, int32_t accumulate, spoiling s, const char *name) {
    canto_data *data;
    open_tiny(norm, accumulate, NULL, &data, &s.trainer);
    fails(canto_trainer_run(s.trainer, spoil, &s), CANTO_ERROR_NUMBER, name);
    assert_int_equal(canto_trainer_step(s.trainer), 2);
    canto_trainer_close(s.trainer);
    canto_data_close(data);
}

static void test_the_first_tensor_is_named(void **state) {
    (void)state;
    stops(CANTO_NORM_PRE, 1, (spoiling){WEIGHT, TENSOR_FFN_UP_WEIGHT, 1, NAN, NULL},
          "the weight blocks.1.ffn_up.weight");
    stops(CANTO_NORM_PRE, 2, (spoiling){WEIGHT, TENSOR_NORM1_BIAS, 0, INFINITY, NULL},
          "the weight blocks.0.norm1.bias");
    stops(CANTO_NORM_PRE, 1, (spoiling){WEIGHT, TENSOR_QKV_WEIGHT, 1, 3e38f, NULL}, "the activation blocks.1.qkv");
    stops(CANTO_NORM_PRE, 1, (spoiling){WEIGHT, TENSOR_QKV_BIAS, 1, 3e30f, NULL}, "the activation blocks.1.attention");
    stops(CANTO_NORM_PRE, 3, (spoiling){WEIGHT, TENSOR_FFN_UP_WEIGHT, 0, -3e38f, NULL},
          "the activation blocks.0.ffn_up");
    stops(CANTO_NORM_POST, 1, (spoiling){WEIGHT, TENSOR_NORM1_WEIGHT, 0, 3e38f, NULL}, "the activation blocks.0.norm1");
    stops(CANTO_NORM_PRE, 1, (spoiling){WEIGHT, TENSOR_FINAL_NORM_WEIGHT, -1, 3.4e38f, NULL},
          "the activation final_norm");
    stops(CANTO_NORM_PRE, 1, (spoiling){WEIGHT, TENSOR_HEAD_WEIGHT, -1, 3e38f, NULL}, "the logits");
    stops(CANTO_NORM_PRE, 1, (spoiling){GRADIENT, TENSOR_PROJECTION_WEIGHT, 1, INFINITY, NULL},
          "the gradient of blocks.1.projection.weight");
    stops(CANTO_NORM_PRE, 2, (spoiling){GRADIENT, TENSOR_POSITION_EMBEDDING, -1, NAN, NULL},
          "the gradient of position_embedding");
}

static bool spoil_at_the_end(void *user, const canto_trainer *trainer, const canto_event *event) {
    canto_trainer *t = user;
    if (event->kind == CANTO_EVENT_STEP && event->step == 6)
        t->v[tensor_find(trainer->table, TENSOR_QKV_WEIGHT, 1)->offset] = INFINITY;
    return true;
}

/* What is saved is finite, and what is not does not touch what was saved. */
static void test_nothing_is_overwritten(void **state) {
    canto_trainer *trainer;
    canto_data    *data;
    canto_model   *model;
    char           run[200], command[300];
    (void)state;
    for (int i = 0; i < 2; i++) {
        spoiling s = {WEIGHT, TENSOR_FFN_UP_WEIGHT, 1, 3e38f, NULL};
        snprintf(run, sizeof run, "%s", in_folder("run"));
        open_tiny(CANTO_NORM_PRE, 1, run, &data, &trainer);
        s.trainer = trainer;
        if (i == 0) fails(canto_trainer_run(trainer, spoil, &s), CANTO_ERROR_NUMBER, "At step 2");
        else
            fails(canto_trainer_run(trainer, spoil_at_the_end, trainer), CANTO_ERROR_NUMBER,
                  "second moment of the weight blocks.1.qkv.weight");
        canto_trainer_close(trainer);
        canto_data_close(data);
        assert_true(folder_exists(in_folder(i == 0 ? "run/step-00000001" : "run/step-00000005")));
        assert_false(folder_exists(in_folder(i == 0 ? "run/step-00000003" : "run/step-00000006")));
        ok(canto_model_open(context, run, &model));
        canto_model_close(model);
        snprintf(command, sizeof command, "rm -r '%s'", run);
        assert_int_equal(system(command), 0);
    }
}

/* -------------------------------------------------------------------------------------------------------- warnings */

static void test_spikes(void **state) {
    guard_state g;
    (void)state;
    guard_begin(&g);
    int64_t step = 1;
    for (; step <= 300; step++) /* falling, with noise: no word */
        guard_look_at_loss(context, &g, step, 4 - 0.005 * (double)step + 0.05 * (double)(step * 7 % 11 - 5) / 5);
    says(0, NULL);
    guard_look_at_loss(context, &g, step, 2.7); /* a little above, though many deviations: no word */
    guard_look_at_loss(context, &g, step++, 2.5);
    says(0, NULL);
    guard_look_at_loss(context, &g, 310, 9);
    says(1, "At step 310 the loss jumps to 9.0000");
    guard_look_at_loss(context, &g, 311, 12);
    guard_look_at_loss(context, &g, 400, 30);
    says(0, NULL);
    for (step = 401; step < 700; step++) guard_look_at_loss(context, &g, step, 2);
    guard_look_at_loss(context, &g, 700, 9);
    says(1, "try a smaller learning rate");
    guard_begin(&g);
    guard_look_at_loss(context, &g, 1, 4);
    guard_look_at_loss(context, &g, 2, 40); /* too early to tell */
    says(0, NULL);
}

static void test_rising_validation(void **state) {
    guard_state g;
    (void)state;
    guard_begin(&g);
    for (int i = 0; i < 20; i++) guard_look_at_evaluation(context, &g, 10 * i, 4 - 0.1 * i, 4.1 - 0.05 * i);
    says(0, NULL); /* both fall */
    for (int i = 0; i < 20; i++) guard_look_at_evaluation(context, &g, 200 + i, 3, 4);
    says(0, NULL); /* both rise */
    guard_begin(&g);
    guard_look_at_evaluation(context, &g, 0, 4, 4);
    guard_look_at_evaluation(context, &g, 100, 3, 3.2);
    guard_look_at_evaluation(context, &g, 200, 2.9, 3.21);
    guard_look_at_evaluation(context, &g, 300, 2.8, 3.22);
    guard_look_at_evaluation(context, &g, 400, 2.7, 3.2); /* not by a hundredth */
    guard_look_at_evaluation(context, &g, 500, 2.6, NAN);
    says(0, NULL);
    guard_look_at_evaluation(context, &g, 600, 2.5, 3.3);
    says(1, "Validation was best at step 100 (3.2000) and is 3.3000 now");
    guard_look_at_evaluation(context, &g, 700, 2.4, 3.4);
    says(0, NULL);
}

/* What was said is remembered on disk, to the bit. */
static void test_state_survives(void **state) {
    guard_state g, read;
    (void)state;
    for (int round = 0; round < 2; round++) {
        guard_begin(&g);
        if (round == 1) {
            for (int i = 0; i < 60; i++) guard_look_at_loss(context, &g, i, 3 + 0.1 * (i % 3));
            guard_look_at_loss(context, &g, 61, 9);
            for (int i = 0; i < 5; i++) guard_look_at_evaluation(context, &g, i, 3 - i, 3 + i);
            says(2, "Validation was best at step 0");
        }
        json_t *object = guard_state_write(&g);
        memset(&read, 0, sizeof read);
        ok(guard_state_read(object, "trainer.json", &read));
        assert_true(read.losses == g.losses && read.loss_mean == g.loss_mean && read.loss_variance == g.loss_variance);
        assert_true(read.spike_quiet == g.spike_quiet && read.best_val_step == g.best_val_step &&
                    read.worse == g.worse);
        assert_true(read.rise_told == g.rise_told && (read.best_val == g.best_val || isnan(g.best_val)));
        assert_true(isnan(read.best_val) == isnan(g.best_val) && isnan(read.train_then) == isnan(g.train_then));
        json_object_del(object, "worse");
        fails(guard_state_read(object, "trainer.json", &read), CANTO_ERROR_FORMAT, "\"worse\"");
        json_decref(object);
    }
}

static void test_small_data(void **state) {
    (void)state;
    guard_look_at_data(context, 1000, (data_split){0, 100}, (data_split){100, 20}, 16);
    says(0, NULL);
    guard_look_at_data(context, 1000, (data_split){0, 99}, (data_split){99, 0}, 16);
    says(1, "99 tokens to train on and 1000 parameters, 0.099 tokens a parameter");
    guard_look_at_data(context, 1000, (data_split){0, 500}, (data_split){500, 16}, 16);
    says(1, "for validation has 16 tokens, less than the 17 of one window");
}

/* A validation split without a window: the run goes without it, by steps and by epochs, with one word. */
static void test_short_validation(void **state) {
    canto_tokenizer        *tokenizer;
    canto_data             *data;
    canto_trainer          *trainer;
    canto_config            config;
    canto_train_options     options;
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    char                    text[201];
    (void)state;
    for (size_t i = 0; i < 200; i++) text[i] = (char)('a' + i * i % 7);
    text[200] = 0;
    const char *path = write_file("text", text);
    ok(canto_tokenizer_train(context, &symbols, &path, 1, &tokenizer));
    ok(canto_data_from_texts(context, tokenizer, &path, 1, &data));
    ok(canto_preset("mini", &config, &options));
    config.vocab = canto_tokenizer_vocabulary(tokenizer);
    config.width = 4;
    config.heads = 1;
    config.ffn = 4;
    config.layers = 1;
    config.context = 30; /* 20 tokens validate */
    options.steps = 3;
    options.batch = 2;
    options.eval_every = 1;
    options.eval_batches = 1;
    for (int way = 0; way < 4; way++) {
        options.parity_torch = way % 2 == 1;
        options.epochs = way / 2 * 2;
        ok(canto_trainer_open(context, &config, &options, tokenizer, data, NULL, NULL, &trainer));
        says(1, "for validation has 20 tokens");
        ok(canto_trainer_run(trainer, NULL, NULL));
        assert_true(isfinite(trainer->state.last_val_loss) == (way >= 2)); /* an epoch reads all there is */
        canto_trainer_close(trainer);
    }
    says(0, NULL);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
}

static int set_up(void **state) {
    if (unit_set_up(state) != 0) return -1;
    context->log = keep_warning;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_tensor_is_named),
        cmocka_unit_test(test_nothing_is_overwritten),
        cmocka_unit_test(test_spikes),
        cmocka_unit_test(test_rising_validation),
        cmocka_unit_test(test_state_survives),
        cmocka_unit_test(test_small_data),
        cmocka_unit_test(test_short_validation),
    };
    return cmocka_run_group_tests(tests, set_up, unit_tear_down);
}
