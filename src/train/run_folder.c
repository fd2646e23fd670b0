/* run_folder.c - the lock of a run folder, its leftovers, and the room on its disk.
 *
 * Invariant: whoever holds the lock is the only one that writes into the folder, so every temporary name in it that is not
 * his own belongs to a run that is dead. */
#include "train/run_folder.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

canto_status run_folder_lock(const char *folder, int *lock) {
    canto_status status;
    char         path[4096];
    bool         taken = false;
    TRY(path_join(path, folder, ".lock"));
    TRY(file_lock(path, lock, &taken));
    if (!taken)
        FAIL(CANTO_ERROR_FILE,
             "Another run is writing into '%.300s' at this moment. Wait for it, stop it, or choose another folder.",
             folder);
done:
    return status;
}

/* ----------------------------------------------------------------------------------------------------- leftovers */

/* "NAME.tmp-PID-N", as files and links are called before they are renamed. */
static bool is_temporary(const char *name) {
    const char *tail = strstr(name, ".tmp-");
    long        process;
    int         attempt, used = 0;
    return tail && tail > name && sscanf(tail, ".tmp-%ld-%d%n", &process, &attempt, &used) == 2 && !tail[used];
}

/* ".step-XXXXXXXX.tmp", as checkpoints are called before they are whole and before they go. */
static bool is_temporary_folder(const char *name) {
    long long step;
    int       used = 0;
    return sscanf(name, ".step-%lld.tmp%n", &step, &used) == 1 && used && !name[used];
}

/* "step-XXXXXXXX": files in it may be under way too. */
static bool is_checkpoint(const char *name) {
    long long step;
    int       used = 0;
    return sscanf(name, "step-%lld%n", &step, &used) == 1 && !name[used];
}

static canto_status clean_entry(const char *folder, const char *name, bool inside) {
    canto_status status = status_ok();
    char         path[4096];
    TRY(path_join(path, folder, name));
    if (is_temporary(name)) TRY(file_remove(path));
    if (!inside && is_temporary_folder(name) && folder_exists(path)) TRY(folder_remove(path));
done:
    return status;
}

static canto_status clean(const char *folder, bool inside) {
    canto_status status = status_ok();
    char         path[4096];
    DIR         *list = opendir(folder);
    if (!list) return file_fault("list", folder, errno);
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        TRY(clean_entry(folder, entry->d_name, inside));
        if (inside || !is_checkpoint(entry->d_name)) continue;
        TRY(path_join(path, folder, entry->d_name));
        if (folder_exists(path)) TRY(clean(path, true)); /* one level down, no deeper */
    }
done:
    closedir(list);
    return status;
}

canto_status run_folder_clean(const char *folder) { return clean(folder, false); }

/* ---------------------------------------------------------------------------------------------------------- room */

/* The nearest folder above path that is there, path itself included. */
static bool existing_parent(const char *path, char out[4096]) {
    if (path_join(out, path, "").code != CANTO_OK) return false;
    while (!folder_exists(out)) {
        size_t length = strlen(out);
        while (length > 0 && out[length - 1] == '/') length--;
        while (length > 0 && out[length - 1] != '/') length--;
        if (length == 0) return path_join(out, ".", "").code == CANTO_OK;
        out[length] = 0;
    }
    return true;
}

canto_status run_folder_check_disk(const char *folder, uint64_t bytes, uint64_t count, bool keeps_all) {
    char     parent[4096];
    uint64_t room;
    if (!existing_parent(folder, parent) || !disk_free(parent, &room)) return status_ok();
    if (count == 0 || room / bytes >= count) return status_ok();
    return status_error(
        CANTO_ERROR_FILE,
        "The checkpoints of this run need %.1f MB of disk (%llu of %.1f MB each), and the disk of '%.200s' "
        "has %.1f MB free. Free some space, choose another disk, %s.",
        (double)bytes * (double)count / 1e6, (unsigned long long)count, (double)bytes / 1e6, folder, (double)room / 1e6,
        keeps_all ? "keep fewer checkpoints (keep is 0: all), or save less often"
                  : "keep fewer checkpoints, or train a smaller model");
}
