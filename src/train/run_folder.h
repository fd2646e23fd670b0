/* run_folder.h - one run at a time in a folder, and nothing left over in it. */
#ifndef CANTO_RUN_FOLDER_H
#define CANTO_RUN_FOLDER_H

#include "base/context.h"

/* Locks folder/.lock; *lock is to be released with file_unlock. An error when another run has it. */
canto_status run_folder_lock(const char *folder, int *lock);
/* Removes the temporary files, links and folders that a killed run has left. Only under the lock. */
canto_status run_folder_clean(const char *folder);
/* An error with the numbers and the way out when the disk of folder has no room for `count` more files sets of `bytes` each.
 * folder need not exist yet. */
canto_status run_folder_check_disk(const char *folder, uint64_t bytes, uint64_t count, bool keeps_all);

#endif
