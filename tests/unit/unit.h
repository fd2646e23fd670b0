/* unit.h - what unit tests share: cmocka, a context and an empty folder of the run's own, and words for statuses. */
#ifndef CANTO_UNIT_H
#define CANTO_UNIT_H

#include "base/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern canto_context *context;    /* of one thread */
extern char           folder[64]; /* under /tmp, empty at the start */

/* For cmocka_run_group_tests: open and close both. The folder may hold files at the end, and no folders. */
int unit_set_up(void **state);
int unit_tear_down(void **state);

void ok(canto_status status);
/* The status has this code, and its text speaks of part. */
void fails(canto_status status, canto_code code, const char *part);

/* A name in the run's folder, good for the next 15 calls. */
const char *in_folder(const char *name);
/* The same, after writing text to it. */
const char *write_file(const char *name, const char *text);

#endif
