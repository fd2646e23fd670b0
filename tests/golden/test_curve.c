/* test_curve.c - the whole of training against PyTorch: source 004 on tiny Shakespeare, dropout 0, seed 1337, one stream.
 *
 * Needs CANTO_TEST_DATA (a folder with tinyshakespeare.txt), else it skips and says so. CANTO_SOURCE: the top of this
 * tree (default: here). Expected numbers: curves/d0_steps.csv (the loss of each of 500 steps) and
 * curves/d0_eval.csv (evaluations every 100), computed by PyTorch 1.13. */
#include "canto.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 500
#define EVALS 6
#define TOLERANCE 5e-4

typedef struct curve {
    double steps[STEPS], train[EVALS], val[EVALS]; /* expected */
    int    seen_steps, seen_evals;
    double worst_step, worst_eval;
} curve;

static FILE *open_expected(const char *name) {
    const char *folder = getenv("CANTO_SOURCE");
    char        path[4096], line[256];
    snprintf(path, sizeof path, "%s/tests/golden/curves/%s", folder ? folder : ".", name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("cannot open %s", path);
    if (!fgets(line, sizeof line, file)) fail_msg("%s is empty", path);
    return file;
}

static void read_expected(curve *c) {
    int   step;
    FILE *file = open_expected("d0_steps.csv");
    for (int i = 0; i < STEPS; i++) assert_int_equal(fscanf(file, "%d,%lf", &step, &c->steps[i]), 2);
    fclose(file);
    file = open_expected("d0_eval.csv");
    for (int i = 0; i < EVALS; i++) assert_int_equal(fscanf(file, "%d,%lf,%lf", &step, &c->train[i], &c->val[i]), 3);
    fclose(file);
}

static double larger(double a, double b) { return a > b || isnan(a) ? a : b; }

static bool compare(void *user, const canto_trainer *trainer, const canto_event *event) {
    curve *c = user;
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && c->seen_steps < STEPS) {
        double gap = fabs(event->train_loss - c->steps[c->seen_steps++]);
        c->worst_step = larger(gap, c->worst_step);
    }
    if (event->kind == CANTO_EVENT_EVALUATION && c->seen_evals < EVALS) {
        int i = c->seen_evals++;
        c->worst_eval = larger(fabs(event->eval_train_loss - c->train[i]), c->worst_eval);
        c->worst_eval = larger(fabs(event->val_loss - c->val[i]), c->worst_eval);
    }
    return true;
}

static void must(canto_status status) {
    if (status.code != CANTO_OK) fail_msg("%s", status.text);
}

static void train_like_004(canto_context *context, const char *text, curve *c) {
    const char             *texts[] = {text};
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    canto_tokenizer        *tokenizer;
    canto_data             *data;
    canto_config            config;
    canto_train_options     training;
    canto_trainer          *trainer;
    must(canto_tokenizer_train(context, &symbols, texts, 1, &tokenizer));
    must(canto_data_from_texts(context, tokenizer, texts, 1, &data));
    must(canto_preset("shakespeare-tiny", &config, &training));
    canto_config_dropout(&config, 0);
    assert_int_equal(config.vocab, canto_tokenizer_vocabulary(tokenizer));
    training.parity_torch = true;
    training.steps = STEPS;
    training.eval_every = 100;
    training.eval_batches = 20;
    must(canto_trainer_open(context, &config, &training, tokenizer, data, NULL, NULL, &trainer));
    must(canto_trainer_run(trainer, compare, c));
    canto_trainer_close(trainer);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
}

static void test_tiny_shakespeare_follows_pytorch(void **state) {
    const char    *folder = getenv("CANTO_TEST_DATA");
    char           text[4096];
    curve          c = {0};
    canto_context *context;
    (void)state;
    snprintf(text, sizeof text, "%s/tinyshakespeare.txt", folder ? folder : "");
    FILE *file = folder ? fopen(text, "r") : NULL;
    if (!file) {
        print_message("SKIPPED: set CANTO_TEST_DATA to a folder with tinyshakespeare.txt\n");
        skip();
    }
    fclose(file);
    read_expected(&c);
    must(canto_context_open(NULL, &context));
    train_like_004(context, text, &c);
    canto_context_close(context);
    print_message("largest difference: %.2e over %d steps, %.2e over %d evaluations\n", c.worst_step, c.seen_steps,
                  c.worst_eval, c.seen_evals);
    assert_int_equal(c.seen_steps, STEPS);
    assert_int_equal(c.seen_evals, EVALS);
    assert_true(c.worst_step <= TOLERANCE);
    assert_true(c.worst_eval <= TOLERANCE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tiny_shakespeare_follows_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
