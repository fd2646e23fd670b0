/* machine.c - what only the operating system and the processor know: time, cores, instruction sets. */
#define _GNU_SOURCE
#include "base/machine.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef CANTO_HAVE_AVX2
#include <cpuid.h>
#endif

double clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int machine_cores(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        int cores = CPU_COUNT(&set);
        if (cores > 0) return cores;
    }
#endif
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (int)cores : 1;
}

#ifdef CANTO_HAVE_AVX2
/* Conversion to and from 16 bits, of which clang's __builtin_cpu_supports knows nothing before version 15. */
static bool has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

bool machine_has_kernels(const char *name) {
    if (strcmp(name, "portable") == 0) return true;
#ifdef CANTO_HAVE_AVX512
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
#endif
#ifdef CANTO_HAVE_AVX2
    if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
#endif
#ifdef CANTO_HAVE_NEON
    if (strcmp(name, "neon") == 0) return true;
#endif
    return false;
}
