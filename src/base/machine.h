/* machine.h - the clock and the machine's memory. */
#ifndef CANTO_MACHINE_H
#define CANTO_MACHINE_H

#include <stdint.h>

double   clock_seconds(void);            /* monotonic */
uint64_t machine_available_memory(void); /* bytes that can be had without swapping; 0: not known */
int      machine_cores(void);            /* that this process may run on, at least 1 */

#endif
