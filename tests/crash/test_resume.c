/* test_resume.c - a run that is stopped at any step and goes on is the run that was never stopped. And what is refused, what
 * is passed over, what is cleaned. */
#include "crash.h"

#include <sys/stat.h>

/* The ways to train. The first is stopped after every step, the others after steps 1, 4, 7, ...; each once more two steps
 * later, where there is a checkpoint already when they train by steps. */
static void by_steps(job *j) { (void)j; }
static void in_parity(job *j) { j->training.parity_torch = true; }
static void accumulating(job *j) { j->training.accumulate = 2; }
static void by_epochs(job *j) {
    j->training.steps = 0;
    j->training.epochs = 2;
    j->training.batch = 16;
}
static void by_epochs_accumulating(job *j) {
    by_epochs(j);
    j->training.accumulate = 3;
    j->training.save_every = 0;
}
static void by_epochs_in_parity(job *j) {
    by_epochs(j);
    j->training.parity_torch = true;
}
static void without_validation(job *j) {
    j->training.split = 1;
    j->training.save_every = 0;
    j->training.eval_every = 5;
}
static void logging_now_and_then(job *j) {
    j->training.log_every = 5;
    j->training.keep = 0;
}

static void test_stopped_anywhere(void **state) {
    void (*const ways[])(job *) = {
        by_steps,           in_parity,           accumulating, by_epochs, by_epochs_accumulating, by_epochs_in_parity,
        without_validation, logging_now_and_then};
    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        job j;
        job_open(&j);
        ways[w](&j);
        ok(job_train(&j, "whole"));
        for (j.stop_at = 1;; j.stop_at += w == 0 ? 1 : 3) {
            char name[32];
            snprintf(name, sizeof name, "cut-%d", (int)j.stop_at);
            canto_status status = job_train(&j, name);
            if (status.code == CANTO_OK) break; /* beyond the end */
            assert_int_equal(status.code, CANTO_STOPPED);
            int64_t first = j.stop_at;
            j.stop_at += 2;
            status = job_resume(&j, name, NULL);
            assert_true(status.code == CANTO_OK || status.code == CANTO_STOPPED);
            j.stop_at = 0;
            ok(job_resume(&j, name, NULL));
            same_runs(&j, "whole", name);
            ok(job_resume(&j, name, NULL)); /* nothing is left to do, and nothing is done twice */
            same_runs(&j, "whole", name);
            j.stop_at = first;
        }
        assert_true(j.stop_at > 3);
        assert_int_equal(j.warnings, 0);
        job_close(&j);
    }
}

/* A trainer that was stopped may simply run again. */
static void test_stopped_and_run_again(void **state) {
    job j;
    (void)state;
    job_open(&j);
    ok(job_train(&j, "whole"));
    ok(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "again"), NULL,
                          &j.trainer));
    j.stop_at = 4; /* where an evaluation waits for its row */
    assert_int_equal(canto_trainer_run(j.trainer, job_event, &j).code, CANTO_STOPPED);
    assert_int_equal(canto_trainer_step(j.trainer), 4);
    j.stop_at = 0;
    ok(canto_trainer_run(j.trainer, job_event, &j));
    canto_trainer_close(j.trainer);
    same_runs(&j, "whole", "again");
    job_close(&j);
}

/* run.json is all there is: the run begins at step 0. What it says is what it was given. */
static void test_without_a_checkpoint(void **state) {
    job                 j;
    canto_config        config;
    canto_train_options training;
    char               *record;
    (void)state;
    job_open(&j);
    j.training.seed = UINT64_MAX;
    j.training.beta2 = 0.1 + 0.2;
    ok(job_train(&j, "whole"));
    ok(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), "{\"a\": 1}",
                          &j.trainer));
    canto_trainer_close(j.trainer);
    ok(canto_run_read(j.context, in_base(&j, "run"), &config, &training, &record));
    assert_memory_equal(&training, &j.training, sizeof training);
    assert_int_equal(config.width, 8);
    assert_string_equal(record, "{\"a\": 1}\n");
    canto_free(j.context, record);
    overwrite(&j, "run/metrics.csv", "rows of another time\n", 21);
    overwrite(&j, "run/samples.txt", "old\n", 4);
    ok(job_resume(&j, "run", NULL));
    same_runs(&j, "whole", "run");
    overwrite(&j, "run/run.json", "{\"version\": 3", 13);
    fails(job_resume(&j, "run", NULL), CANTO_ERROR_FORMAT, "run.json");
    job_close(&j);
}

/* A run of 5 steps that is made one of 12 is a run of 12, in parity mode too, where evaluations draw from the stream. */
static void test_made_longer(void **state) {
    (void)state;
    for (int parity = 0; parity < 2; parity++) {
        job j;
        job_open(&j);
        j.training.parity_torch = parity;
        j.training.schedule = CANTO_SCHEDULE_CONSTANT;
        j.training.eval_every = 4;
        ok(job_train(&j, "whole"));
        canto_train_options longer = j.training;
        j.training.steps = 5;
        ok(job_train(&j, "short"));
        ok(job_resume(&j, "short", &longer));
        size_t bytes[2];
        char  *one = content(&j, "whole/last/model.safetensors", &bytes[0]);
        char  *two = content(&j, "short/last/model.safetensors", &bytes[1]);
        assert_int_equal(bytes[0], bytes[1]);
        assert_memory_equal(one, two, bytes[0]);
        free(one);
        free(two);
        canto_train_options read;
        ok(canto_run_read(j.context, in_base(&j, "short"), NULL, &read, NULL));
        assert_int_equal(read.steps, 12);
        assert_int_equal(j.warnings, 0);
        job_close(&j);
    }
}

static void test_changed_options(void **state) {
    job                 j;
    canto_train_options o;
    (void)state;
    job_open(&j);
    j.stop_at = 6;
    assert_int_equal(job_train(&j, "run").code, CANTO_STOPPED);
    j.stop_at = 0;
    o = j.training;
    o.lr *= 2;
    fails(job_resume(&j, "run", &o), CANTO_ERROR_VALUE, "\"lr\" cannot change");
    o = j.training;
    o.batch++;
    fails(job_resume(&j, "run", &o), CANTO_ERROR_VALUE, "\"batch\" cannot change");
    o = j.training;
    o.seed++;
    fails(job_resume(&j, "run", &o), CANTO_ERROR_VALUE, "\"seed\" cannot change");
    o = j.training;
    o.steps = 5;
    fails(job_resume(&j, "run", &o), CANTO_ERROR_VALUE, "has made 6 steps already and cannot end at 5");
    o = j.training;
    o.epochs = 3;
    fails(job_resume(&j, "run", &o), CANTO_ERROR_VALUE, "goes by steps");
    assert_int_equal(j.warnings, 0);
    o = j.training;
    o.keep = 0;
    o.save_every = 1;
    o.eval_every = 0;
    o.steps = 14; /* the preset's rate follows a cosine over the run */
    ok(job_resume(&j, "run", &o));
    assert_true(has(&j, "run/step-00000007") && has(&j, "run/step-00000014"));
    assert_int_equal(j.warnings, 1);
    assert_non_null(strstr(j.warning, "learning rate"));

    j.training.parity_torch = true;
    ok(job_train(&j, "parity"));
    o = j.training;
    o.eval_every = 1;
    fails(job_resume(&j, "parity", &o), CANTO_ERROR_VALUE, "\"eval_every\" cannot change when a run in parity mode");
    job_close(&j);
}

static void test_changed_data(void **state) {
    job                     j, other;
    canto_tokenizer_options symbols = canto_tokenizer_options_default();
    (void)state;
    job_open(&j);
    j.stop_at = 6;
    assert_int_equal(job_train(&j, "run").code, CANTO_STOPPED);
    const char *texts[] = {j.text};
    size_t      bytes;
    char       *text = content(&j, "text.txt", &bytes);
    other = j;
    text[5] = '1'; /* it was line 0 */
    overwrite(&j, "text.txt", text, bytes);
    ok(canto_data_from_texts(j.context, j.tokenizer, texts, 1, &other.data));
    fails(job_resume(&other, "run", NULL), CANTO_ERROR_VALUE, "The text is not the one");
    canto_data_close(other.data);

    text[5] = '0';
    overwrite(&j, "text.txt", text, bytes);
    symbols.specials = "<A>";
    ok(canto_tokenizer_train(j.context, &symbols, texts, 1, &other.tokenizer));
    ok(canto_data_from_texts(j.context, other.tokenizer, texts, 1, &other.data));
    fails(job_resume(&other, "run", NULL), CANTO_ERROR_VALUE, "The tokenizer is not the one");
    canto_data_close(other.data);
    canto_tokenizer_close(other.tokenizer);
    j.stop_at = 0;
    ok(job_resume(&j, "run", NULL));
    free(text);
    job_close(&j);
}

/* Cuts a file of the newest checkpoint short. */
static void damage(const job *j, const char *name) {
    size_t bytes;
    char  *text = content(j, name, &bytes);
    overwrite(j, name, text, bytes / 2);
    free(text);
}

static void test_damaged_checkpoints(void **state) {
    static const char *const files[] = {"model.safetensors", "optimizer.safetensors", "trainer.json", "config.json"};
    job                      j;
    (void)state;
    job_open(&j);
    j.training.keep = 0;
    ok(job_train(&j, "whole"));
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        char run[16];
        snprintf(run, sizeof run, "run-%d", (int)i);
        j.stop_at = 7;
        assert_int_equal(job_train(&j, run).code, CANTO_STOPPED);
        snprintf(name, sizeof name, "%s/step-00000007/%s", run, files[i]);
        damage(&j, name);
        j.stop_at = 0;
        j.warnings = 0;
        ok(job_resume(&j, run, NULL));
        assert_int_equal(j.warnings, 1);
        assert_non_null(strstr(j.warning, "step 7 is damaged"));
        same_runs(&j, "whole", run);
    }
    j.stop_at = 4;
    assert_int_equal(job_train(&j, "lost").code, CANTO_STOPPED);
    j.stop_at = 0;
    damage(&j, "lost/step-00000003/trainer.json");
    damage(&j, "lost/step-00000004/model.safetensors");
    fails(job_resume(&j, "lost", NULL), CANTO_ERROR_FORMAT, "To begin again from step 0, remove them: rm -r");
    assert_true(has(&j, "lost/step-00000004/model.safetensors"));
    job_close(&j);
}

static void test_one_run_at_a_time(void **state) {
    job            j;
    canto_trainer *second;
    (void)state;
    job_open(&j);
    ok(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), NULL,
                          &j.trainer));
    fails(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), NULL, &second),
          CANTO_ERROR_FILE, "Another run is writing");
    fails(canto_trainer_resume(j.context, in_base(&j, "run"), NULL, j.tokenizer, j.data, NULL, &second),
          CANTO_ERROR_FILE, "Another run is writing");
    assert_null(second);
    canto_trainer_close(j.trainer);
    fails(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), NULL, &second),
          CANTO_ERROR_FILE, "holds a run already");
    ok(job_resume(&j, "run", NULL));
    fails(canto_trainer_resume(j.context, in_base(&j, "none"), NULL, j.tokenizer, j.data, NULL, &second),
          CANTO_ERROR_FILE, "has no run.json");
    assert_false(has(&j, "none"));
    job_close(&j);
}

static void test_leftovers_go(void **state) {
    job j;
    (void)state;
    job_open(&j);
    ok(job_train(&j, "whole"));
    j.stop_at = 7;
    assert_int_equal(job_train(&j, "run").code, CANTO_STOPPED);
    assert_int_equal(mkdir(in_base(&j, "run/.step-00000009.tmp"), 0777), 0);
    overwrite(&j, "run/.step-00000009.tmp/model.safetensors.tmp-7-0", "half", 4);
    overwrite(&j, "run/run.json.tmp-123-0", "{", 1);
    overwrite(&j, "run/step-00000007/trainer.json.tmp-123-4", "{", 1);
    assert_int_equal(symlink("step-00000009", in_base(&j, "run/last.tmp-123-0")), 0);
    overwrite(&j, "run/notes.tmp-old", "mine", 4); /* no name of ours */
    char  line[] = "7,0,0,broken\n8,0";
    FILE *file = fopen(in_base(&j, "run/metrics.csv"), "a");
    fwrite(line, 1, sizeof line - 1, file);
    fclose(file);
    j.stop_at = 0;
    ok(job_resume(&j, "run", NULL));
    same_runs(&j, "whole", "run");
    assert_false(has(&j, "run/.step-00000009.tmp"));
    assert_false(has(&j, "run/run.json.tmp-123-0"));
    assert_false(has(&j, "run/step-00000007/trainer.json.tmp-123-4"));
    struct stat facts;
    assert_int_not_equal(lstat(in_base(&j, "run/last.tmp-123-0"), &facts), 0);
    assert_true(has(&j, "run/notes.tmp-old"));
    job_close(&j);
}

static void test_lost_lines_are_told(void **state) {
    job j;
    (void)state;
    job_open(&j);
    j.stop_at = 7;
    assert_int_equal(job_train(&j, "run").code, CANTO_STOPPED);
    unlink(in_base(&j, "run/metrics.csv"));
    j.stop_at = 0;
    ok(job_resume(&j, "run", NULL));
    assert_int_equal(j.warnings, 1);
    assert_non_null(strstr(j.warning, "has lost lines"));
    size_t bytes;
    char  *text = content(&j, "run/metrics.csv", &bytes);
    assert_true(strncmp(text, "step,epoch,", 11) == 0 && strstr(text, "\n7,0,") && strstr(text, "\n12,0,"));
    free(text);
    job_close(&j);
}

static bool take_the_folder_away(void *user, const canto_trainer *trainer, const canto_event *event) {
    job *j = user;
    (void)trainer;
    if (event->kind == CANTO_EVENT_STEP && event->step == 5)
        assert_int_equal(rename(in_base(j, "run"), in_base(j, "moved")), 0);
    return true;
}

static void test_a_folder_that_vanishes(void **state) {
    job j;
    (void)state;
    job_open(&j);
    j.sample_every = 0;
    ok(job_train(&j, "whole"));
    ok(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), NULL,
                          &j.trainer));
    fails(canto_trainer_run(j.trainer, take_the_folder_away, &j), CANTO_ERROR_FILE, "is gone");
    canto_trainer_close(j.trainer);
    assert_false(has(&j, "run"));
    ok(job_resume(&j, "moved", NULL)); /* its checkpoint of step 3 has stayed */
    same_runs(&j, "whole", "moved");
    job_close(&j);
}

/* Far more than any disk: nothing is created. */
static void test_needed_disk(void **state) {
    job j;
    (void)state;
    job_open(&j);
    j.training.steps = INT64_C(1000000000000);
    j.training.save_every = 1;
    j.training.keep = 0;
    fails(job_train(&j, "run/deeper"), CANTO_ERROR_FILE, "MB of disk");
    assert_false(has(&j, "run"));
    j.training.keep = 1; /* four of them fit */
    ok(canto_trainer_open(j.context, &j.config, &j.training, j.tokenizer, j.data, in_base(&j, "run"), NULL,
                          &j.trainer));
    canto_trainer_close(j.trainer);
    job_close(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stopped_anywhere),       cmocka_unit_test(test_stopped_and_run_again),
        cmocka_unit_test(test_without_a_checkpoint),   cmocka_unit_test(test_made_longer),
        cmocka_unit_test(test_changed_options),        cmocka_unit_test(test_changed_data),
        cmocka_unit_test(test_damaged_checkpoints),    cmocka_unit_test(test_one_run_at_a_time),
        cmocka_unit_test(test_leftovers_go),           cmocka_unit_test(test_lost_lines_are_told),
        cmocka_unit_test(test_a_folder_that_vanishes), cmocka_unit_test(test_needed_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
