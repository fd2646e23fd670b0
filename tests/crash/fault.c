/* fault.c - system calls with a fault in them. */
#define _POSIX_C_SOURCE 200809L
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    fault_kind kind;
    long       call, calls;
} fault;

void fault_arm(fault_kind kind, long call) {
    fault.kind = kind;
    fault.call = call;
    fault.calls = 0;
}

long fault_calls(void) { return fault.calls; }

/* Counts a call; ends the process, or gives the error to fail with, or 0. */
static int strike(bool needs_room) {
    fault.calls++;
    if (fault.kind == FAULT_STOP && fault.calls == fault.call) _exit(FAULT_EXIT);
    if (fault.kind == FAULT_ONCE && fault.calls == fault.call) return EIO;
    return fault.kind == FAULT_FULL && needs_room && fault.calls >= fault.call ? ENOSPC : 0;
}

/* Ends the process when its hour has come; otherwise hands the result on. */
static int survive(int result) {
    if (fault.kind == FAULT_AFTER && fault.calls == fault.call) _exit(FAULT_EXIT);
    return result;
}

#define WRAP(needs_room, call)                                                                                         \
    do {                                                                                                               \
        int error = strike(needs_room);                                                                                \
        if (!error) return survive(call);                                                                              \
        errno = error;                                                                                                 \
        return -1;                                                                                                     \
    } while (0)

ssize_t __real_write(int descriptor, const void *data, size_t bytes);
ssize_t __wrap_write(int descriptor, const void *data, size_t bytes);
ssize_t __wrap_write(int descriptor, const void *data, size_t bytes) {
    bool half = fault.calls + 1 == fault.call && (fault.kind == FAULT_STOP || fault.kind == FAULT_ONCE);
    if (half && __real_write(descriptor, data, bytes / 2) < 0) return -1;
    int error = strike(true);
    if (error) {
        errno = error;
        return -1;
    }
    ssize_t written = __real_write(descriptor, data, bytes);
    survive(0);
    return written;
}

int __wrap_fsync(int descriptor);
int __wrap_fsync(int descriptor) {
    (void)descriptor;
    WRAP(true, 0);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) { WRAP(false, __real_rename(from, to)); }

int __real_symlink(const char *target, const char *path);
int __wrap_symlink(const char *target, const char *path);
int __wrap_symlink(const char *target, const char *path) { WRAP(true, __real_symlink(target, path)); }

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path) { WRAP(false, __real_unlink(path)); }

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode) { WRAP(true, __real_mkdir(path, mode)); }

int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);
int __wrap_rmdir(const char *path) { WRAP(false, __real_rmdir(path)); }

int __real_truncate(const char *path, off_t bytes);
int __wrap_truncate(const char *path, off_t bytes);
int __wrap_truncate(const char *path, off_t bytes) { WRAP(false, __real_truncate(path, bytes)); }

int __real_ftruncate(int descriptor, off_t bytes);
int __wrap_ftruncate(int descriptor, off_t bytes);
int __wrap_ftruncate(int descriptor, off_t bytes) { WRAP(false, __real_ftruncate(descriptor, bytes)); }

/* Only the creation of files counts. */
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    va_list rest;
    mode_t  mode = 0;
    if (!(flags & O_CREAT)) return __real_open(path, flags);
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
    WRAP(true, __real_open(path, flags, mode));
}
