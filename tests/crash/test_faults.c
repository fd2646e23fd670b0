/* test_faults.c - a whole run, again and again, each time with another of its system calls broken: the process ends there, or
 * the call fails. What is left goes on and becomes the run without a fault, byte for byte. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "crash.h"
#include "fault.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

enum { SAID_SO = 7 }; /* exit code of a child whose run failed with a clear error */

/* The child: the run with its fault. Anything but a clear error or success is told by its exit code. */
static void run_with_fault(job *j, fault_kind kind, long call, bool goes_on) {
    fault_arm(kind, call);
    canto_status status = goes_on ? job_resume(j, "run", NULL) : job_train(j, "run");
    if (status.code == CANTO_OK) _exit(0);
    bool clear = status.code == CANTO_ERROR_FILE && strstr(status.text, j->base) &&
                 strstr(status.text, kind == FAULT_FULL ? "No space left" : "Input/output error");
    if (!clear) fprintf(stderr, "code %d: %s\n", status.code, status.text);
    _exit(clear ? SAID_SO : 1);
}

static int child(job *j, fault_kind kind, long call, bool goes_on) {
    int   code;
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0) run_with_fault(j, kind, call, goes_on);
    assert_int_equal(waitpid(process, &code, 0), process);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

/* Whatever has happened, a checkpoint that is there can be opened. */
static void check_model(job *j) {
    canto_model *model;
    if (!has(j, "run/last/config.json")) return;
    ok(canto_model_open(j->context, in_base(j, "run"), &model));
    canto_model_close(model);
}

static void go_on(job *j) {
    check_model(j);
    fault_arm(FAULT_NONE, 0);
    ok(has(j, "run/run.json") ? job_resume(j, "run", NULL) : job_train(j, "run"));
    same_runs(j, "whole", "run");
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place) {
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

static void remove_run(const job *j) {
    assert_int_equal(nftw(in_base(j, "run"), remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The process ends at each call in turn, until a whole run passes. */
static void end_everywhere(job *j, fault_kind kind) {
    long call = 0;
    for (int code = FAULT_EXIT; code != 0;) {
        code = child(j, kind, ++call, false);
        assert_true(code == FAULT_EXIT || code == 0);
        go_on(j);
        remove_run(j);
    }
    assert_true(call > 200);
}

/* Each call in turn fails. The run then fails with a clear error, or did not need the call: a folder that was there already. */
static void fail_everywhere(job *j, fault_kind kind, long calls) {
    long unneeded = 0;
    for (long call = 1; call <= calls; call++) {
        int code = child(j, kind, call, false);
        if (code != SAID_SO && code != 0) fail_msg("call %ld: exit code %d", call, code);
        unneeded += code == 0;
        go_on(j);
        remove_run(j);
    }
    assert_true(calls > 200 && unneeded < calls / 10);
}

/* Returns how many calls a whole run makes. */
static long begin(job *j) {
    job_open(j);
    j->training.steps = 6;
    j->training.save_every = 2;
    j->training.eval_every = 3;
    fault_arm(FAULT_NONE, 0);
    ok(job_train(j, "whole"));
    return fault_calls();
}

static void test_ended_instead_of_a_call(void **state) {
    job j;
    (void)state;
    begin(&j);
    end_everywhere(&j, FAULT_STOP);
    job_close(&j);
}

static void test_ended_after_a_call(void **state) {
    job j;
    (void)state;
    begin(&j);
    end_everywhere(&j, FAULT_AFTER);
    job_close(&j);
}

static void test_a_call_fails(void **state) {
    job j;
    (void)state;
    fail_everywhere(&j, FAULT_ONCE, begin(&j));
    job_close(&j);
}

static void test_the_disk_is_full(void **state) {
    job j;
    (void)state;
    fail_everywhere(&j, FAULT_FULL, begin(&j));
    job_close(&j);
}

/* The run that goes on is ended too, at each of its calls. */
static void test_ended_while_going_on(void **state) {
    job j;
    int code = -1;
    (void)state;
    begin(&j);
    for (long call = 1; code != 0; call++) {
        j.stop_at = 3; /* where an evaluation waits for its row */
        assert_int_equal(job_train(&j, "run").code, CANTO_STOPPED);
        j.stop_at = 0;
        code = child(&j, FAULT_STOP, call, true);
        assert_true(code == FAULT_EXIT || code == 0);
        go_on(&j);
        remove_run(&j);
    }
    job_close(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ended_instead_of_a_call),
        cmocka_unit_test(test_ended_after_a_call),
        cmocka_unit_test(test_a_call_fails),
        cmocka_unit_test(test_the_disk_is_full),
        cmocka_unit_test(test_ended_while_going_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
