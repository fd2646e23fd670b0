/* machine.h - the clock, and what the machine has. */
#ifndef CANTO_MACHINE_H
#define CANTO_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

double   clock_seconds(void);            /* monotonic */
uint64_t machine_available_memory(void); /* bytes that can be had without swapping; 0: not known */
int      machine_cores(void);            /* that this process may run on, at least 1 */

/* Whether this build has kernels of that name ("portable", "avx2", "avx512", "neon") and this processor runs them. */
bool machine_has_kernels(const char *name);

#endif
