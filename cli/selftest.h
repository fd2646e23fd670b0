/* selftest.h - does canto compute here what it computes elsewhere? For canto doctor. */
#ifndef CANTO_CLI_SELFTEST_H
#define CANTO_CLI_SELFTEST_H

#include "command.h"

#define SELFTEST_MOST 8

typedef struct selftest_result {
    char name[48];
    bool good;
    char detail[600]; /* what was seen, or what is wrong */
    char advice[200]; /* the way out when it is not good */
} selftest_result;

/* Tries every kernel set that runs here, threads, saving and loading, and PyTorch's random stream, with tiny models in a
 * temporary folder that is removed again. threads 0: all cores. Returns the number of results. */
size_t selftest_run(selftest_result results[SELFTEST_MOST], int threads, uint64_t seed);

#endif
