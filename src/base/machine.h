/* machine.h - the clock, and what the machine has. */
#ifndef CANTO_MACHINE_H
#define CANTO_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

double clock_seconds(void); /* monotonic */
int    machine_cores(void); /* that this process may run on, at least 1 */

/* Bytes that this process can still take: free without swapping, within its control groups and its own limit of address
 * space. 0: not known; 1: nothing is left. */
uint64_t machine_available_memory(void);
/* The same without the address space, by the files below two folders ("/proc", "/sys/fs/cgroup"); UINT64_MAX: no limit. */
uint64_t machine_free_below(const char *proc, const char *groups);
uint64_t machine_resident_memory(void); /* bytes that this process holds now; 0: not known */
uint64_t machine_peak_memory(void);     /* the most that it has held; 0: not known */

/* Whether this build has kernels of that name ("portable", "avx2", "avx512", "neon") and this processor runs them. */
bool machine_has_kernels(const char *name);

#endif
