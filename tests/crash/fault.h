/* fault.h - the system calls beneath the library's files, counted, and broken at will. The linker puts them in the place of
 * the real ones (--wrap), so the library itself has nothing for it. fsync only counts: processes die here, not machines. */
#ifndef CANTO_FAULT_H
#define CANTO_FAULT_H

typedef enum fault_kind {
    FAULT_NONE,  /* calls are counted */
    FAULT_STOP,  /* the process ends at once in place of the call; of a write half is done */
    FAULT_AFTER, /* the process ends at once after the call */
    FAULT_ONCE,  /* the call fails with EIO; of a write half is done */
    FAULT_FULL   /* from this call on the disk is full: ENOSPC for all that would need room */
} fault_kind;

enum { FAULT_EXIT = 99 }; /* of a process that was ended */

/* From now on: counts from 0, breaks call number `call` (from 1). */
void fault_arm(fault_kind kind, long call);
long fault_calls(void);

#endif
