/* test_machine.c - free memory by what the system's files say: made-up ones, of both versions of control groups. */
#include "base/file.h"
#include "base/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static char root[64], proc[100], groups[100];

static void put(const char *folder, const char *name, const char *text) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(folder_create(folder).code, CANTO_OK);
    assert_int_equal(file_write_whole(path, text, strlen(text)).code, CANTO_OK);
}

static void put_below(const char *folder, const char *below, const char *name, const char *text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, below);
    put(path, name, text);
}

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/canto-machine-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(groups, sizeof groups, "%s/cgroup", root);
    put(proc, "meminfo", "MemTotal:       2000 kB\nMemFree:  3 kB\nMemAvailable:    1000 kB\n");
    return 0;
}

static int tear_down(void **state) {
    char command[100];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void test_the_machine_alone(void **state) {
    (void)state;
    assert_true(machine_free_below(proc, groups) == 1024000);
    assert_true(machine_free_below("/nowhere", "/nowhere") == UINT64_MAX);
}

static void test_version_2(void **state) {
    (void)state;
    put_below(proc, "self", "cgroup", "0::/a/b\n");
    assert_true(machine_free_below(proc, groups) == 1024000); /* no such group is known */
    put_below(groups, "a/b", "memory.max", "max\n");
    put_below(groups, "a/b", "memory.current", "100\n");
    assert_true(machine_free_below(proc, groups) == 1024000);
    put_below(groups, "a", "memory.max", "900000\n");
    put_below(groups, "a", "memory.current", "500000\n");
    assert_true(machine_free_below(proc, groups) == 400000); /* the group above */
    put_below(groups, "a", "memory.stat", "anon 1\ninactive_file 300000\n");
    assert_true(machine_free_below(proc, groups) == 700000);
    put_below(groups, "a/b", "memory.max", "50\n");
    assert_true(machine_free_below(proc, groups) == 0);
}

static void test_version_1(void **state) {
    (void)state;
    put_below(proc, "self", "cgroup", "12:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/x\n");
    put_below(groups, "memory/docker/1", "memory.limit_in_bytes", "600000\n");
    put_below(groups, "memory/docker/1", "memory.usage_in_bytes", "500000\n");
    put_below(groups, "memory", "memory.limit_in_bytes", "9223372036854771712\n");
    put_below(groups, "memory", "memory.usage_in_bytes", "700000\n");
    assert_true(machine_free_below(proc, groups) == 100000);
    put_below(groups, "memory/docker/1", "memory.stat", "inactive_file 9\ntotal_inactive_file 100000\n");
    assert_true(machine_free_below(proc, groups) == 200000);
}

static void test_this_process(void **state) {
    (void)state;
    assert_true(machine_resident_memory() > 500000);
    assert_true(machine_peak_memory() >= 500000);
    assert_true(machine_available_memory() > 1);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit old, low, set;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = old;
    low.rlim_cur = 200 << 20;
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    assert_int_equal(getrlimit(RLIMIT_AS, &set), 0);
    uint64_t room = machine_available_memory();
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    if (set.rlim_cur == low.rlim_cur) assert_true(room < 200 << 20); /* qemu's emulation does not limit its guest */
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_machine_alone), cmocka_unit_test(test_version_2),
                                       cmocka_unit_test(test_version_1), cmocka_unit_test(test_this_process)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
