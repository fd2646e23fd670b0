/* file.c - POSIX files. What is written appears whole or not at all: temporary name, fsync, rename, fsync the folder. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* flock, madvise */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

canto_status file_fault(const char *deed, const char *path, int error) {
    char        reason[128];
    const char *advice = "";
    if (strerror_r(error, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", error);
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) advice = "; free some space, or choose another disk";
    else if (error == ENOENT || error == ENOTDIR || error == ELOOP) advice = "; check the name";
    else if (error == EACCES || error == EPERM || error == EROFS)
        advice = "; check the permissions, or choose another place";
    return status_error(error == ENOMEM ? CANTO_ERROR_MEMORY : CANTO_ERROR_FILE, "cannot %s '%.300s': %s%s", deed, path,
                        reason, advice);
}

/* Opens a regular file for reading. */
static canto_status open_regular(const char *path, int *descriptor, struct stat *facts) {
    canto_status status = status_ok();
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang */
    if (*descriptor < 0) return file_fault("open", path, errno);
    if (fstat(*descriptor, facts) != 0) status = file_fault("look at", path, errno);
    else if (S_ISDIR(facts->st_mode))
        status = status_error(CANTO_ERROR_FILE, "cannot read '%.300s': it is a folder; name a file in it", path);
    else if (!S_ISREG(facts->st_mode))
        status = status_error(CANTO_ERROR_FILE,
                              "cannot read '%.300s': it is no regular file; save its content to a file first", path);
    if (status.code != CANTO_OK) close(*descriptor);
    return status;
}

canto_status file_map_open(const char *path, file_map *map) {
    struct stat facts;
    int         descriptor;
    memset(map, 0, sizeof *map);
    canto_status status = open_regular(path, &descriptor, &facts);
    if (status.code != CANTO_OK) return status;
    map->data = (const unsigned char *)"";
    map->bytes = (size_t)facts.st_size;
    if (map->bytes == 0) goto done;
    void *mapping = mmap(NULL, map->bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED) {
        status = file_fault("map", path, errno);
        memset(map, 0, sizeof *map);
        goto done;
    }
    map->mapping = mapping;
    map->data = mapping;
done:
    close(descriptor);
    return status;
}

void file_map_drop(const void *data, size_t bytes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)data + page - 1, to = (uintptr_t)data + bytes;
    const char *first = (const char *)data + (from / page * page - (uintptr_t)data);
    if (to / page > from / page) madvise((void *)(uintptr_t)first, (to / page - from / page) * page, MADV_DONTNEED);
}

void file_map_close(file_map *map) {
    if (map->mapping) munmap(map->mapping, map->bytes);
    memset(map, 0, sizeof *map);
}

canto_status file_reader_open(file_reader *r, const char *path) {
    struct stat  facts;
    canto_status status = open_regular(path, &r->descriptor, &facts);
    r->open = status.code == CANTO_OK;
    if (!r->open) return status;
    r->bytes = (uint64_t)facts.st_size;
    r->modified = (int64_t)facts.st_mtim.tv_sec * 1000000000 + facts.st_mtim.tv_nsec;
    return status;
}

canto_status file_reader_read(file_reader *r, const char *path, void *data, size_t bytes, size_t *got) {
    for (*got = 0; *got < bytes;) {
        ssize_t part = read(r->descriptor, (char *)data + *got, bytes - *got);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return file_fault("read", path, errno);
        if (part == 0) break;
        *got += (size_t)part;
    }
    return status_ok();
}

canto_status file_reader_seek(file_reader *r, const char *path, uint64_t at) {
    if (at > INT64_MAX || lseek(r->descriptor, (off_t)at, SEEK_SET) < 0) return file_fault("read", path, errno);
    return status_ok();
}

void file_reader_close(file_reader *r) {
    if (r->open) close(r->descriptor);
    r->open = false;
}

static canto_status write_all(int descriptor, const char *path, const void *data, size_t bytes) {
    const char *rest = data;
    while (bytes > 0) {
        size_t  piece = bytes < (size_t)1 << 30 ? bytes : (size_t)1 << 30;
        ssize_t written = write(descriptor, rest, piece);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return file_fault("write", path, errno);
        rest += written;
        bytes -= (size_t)written;
    }
    return status_ok();
}

canto_status file_writer_open(file_writer *w, const char *path) {
    struct stat facts;
    memset(w, 0, sizeof *w);
    w->descriptor = -1;
    size_t length = strlen(path);
    if (length >= sizeof w->path) return file_fault("write", path, ENAMETOOLONG);
    if (length == 0) return file_fault("write", path, ENOENT);
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return status_error(CANTO_ERROR_FILE, "cannot write '%.300s': %s; choose another name", path,
                            S_ISDIR(facts.st_mode) ? "it is a folder" : "it is no regular file");
    memcpy(w->path, path, length + 1);
    for (int attempt = 0; attempt < 1000; attempt++) {
        snprintf(w->temporary, sizeof w->temporary, "%s.tmp-%ld-%d", path, (long)getpid(), attempt);
        w->descriptor = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (w->descriptor >= 0 || errno != EEXIST) break;
    }
    if (w->descriptor < 0) return file_fault("write", path, errno);
    w->open = true;
    return status_ok();
}

canto_status file_writer_write(file_writer *w, const void *data, size_t bytes) {
    return write_all(w->descriptor, w->path, data, bytes);
}

void file_writer_discard(file_writer *w) {
    if (!w->open) return;
    close(w->descriptor);
    unlink(w->temporary);
    w->open = false;
}

/* The folder that path lies in. */
static canto_status parent_sync(const char *path) {
    char        folder[4096];
    const char *slash = strrchr(path, '/');
    if (!slash) return folder_sync(".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof folder) return file_fault("sync the folder of", path, ENAMETOOLONG);
    memcpy(folder, path, length);
    folder[length] = 0;
    return folder_sync(folder);
}

/* 0, or the reason; a file system without fsync has none. */
static int sync_descriptor(int descriptor) {
    int error = fsync(descriptor) != 0 ? errno : 0;
    return error == EINVAL || error == ENOTSUP ? 0 : error;
}

canto_status file_writer_commit(file_writer *w) {
    int error = sync_descriptor(w->descriptor);
    if (close(w->descriptor) != 0 && !error) error = errno;
    if (!error && rename(w->temporary, w->path) != 0) error = errno;
    w->open = false;
    if (!error) return parent_sync(w->path);
    unlink(w->temporary);
    return file_fault("write", w->path, error);
}

canto_status file_write_whole(const char *path, const void *data, size_t bytes) {
    file_writer  writer;
    canto_status status = file_writer_open(&writer, path);
    if (status.code != CANTO_OK) return status;
    status = file_writer_write(&writer, data, bytes);
    if (status.code == CANTO_OK) return file_writer_commit(&writer);
    file_writer_discard(&writer);
    return status;
}

/* What a failed attempt left behind `at` is written over; less than that is the work of somebody else. */
static canto_status append_at(int descriptor, const char *path, uint64_t at, const void *data, size_t bytes) {
    struct stat facts;
    if (fstat(descriptor, &facts) != 0) return file_fault("look at", path, errno);
    if ((uint64_t)facts.st_size < at)
        return status_error(CANTO_ERROR_FILE,
                            "'%.300s' has %lld bytes, but %llu were written: somebody has cut it or put another file "
                            "in its place",
                            path, (long long)facts.st_size, (unsigned long long)at);
    if ((uint64_t)facts.st_size > at && ftruncate(descriptor, (off_t)at) != 0) return file_fault("cut", path, errno);
    if (lseek(descriptor, (off_t)at, SEEK_SET) < 0) return file_fault("write", path, errno);
    return write_all(descriptor, path, data, bytes);
}

canto_status file_append(const char *path, uint64_t at, const void *data, size_t bytes) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) return file_fault("open", path, errno);
    canto_status status = append_at(descriptor, path, at, data, bytes);
    if (close(descriptor) != 0 && status.code == CANTO_OK) status = file_fault("write", path, errno);
    return status;
}

canto_status file_overwrite(const char *path, const void *data, size_t bytes) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return file_fault("open", path, errno);
    canto_status status = write_all(descriptor, path, data, bytes);
    if (close(descriptor) != 0 && status.code == CANTO_OK) status = file_fault("write", path, errno);
    return status;
}

canto_status file_cut(const char *path, uint64_t bytes, uint64_t *left) {
    struct stat facts;
    *left = 0;
    if (stat(path, &facts) != 0) return errno == ENOENT ? status_ok() : file_fault("look at", path, errno);
    if ((uint64_t)facts.st_size > bytes && truncate(path, (off_t)bytes) != 0) return file_fault("cut", path, errno);
    *left = (uint64_t)facts.st_size < bytes ? (uint64_t)facts.st_size : bytes;
    return status_ok();
}

canto_status file_sync(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? status_ok() : file_fault("open", path, errno);
    int error = sync_descriptor(descriptor);
    close(descriptor);
    return error ? file_fault("sync", path, error) : status_ok();
}

canto_status file_lock(const char *path, int *descriptor, bool *taken) {
    *taken = false;
    *descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*descriptor < 0) return file_fault("open", path, errno);
    *taken = flock(*descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* some file systems have no locks */
    if (*taken) return status_ok();
    close(*descriptor);
    *descriptor = -1;
    return status_ok();
}

void file_unlock(int *descriptor) {
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
}

bool disk_free(const char *path, uint64_t *bytes) {
    struct statvfs facts;
    if (statvfs(path, &facts) != 0) return false;
    *bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    return true;
}

canto_status folder_create_new(const char *path) {
    return mkdir(path, 0777) != 0 ? file_fault("create", path, errno) : status_ok();
}

canto_status file_remove(const char *path) {
    return unlink(path) != 0 && errno != ENOENT ? file_fault("remove", path, errno) : status_ok();
}

canto_status folder_create(const char *path) {
    char   part[4096];
    size_t length = strlen(path);
    if (length == 0) return file_fault("create", path, ENOENT);
    if (length >= sizeof part) return file_fault("create", path, ENAMETOOLONG);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        char kept = part[i];
        part[i] = 0;
        int error = mkdir(part, 0777) != 0 ? errno : 0;
        if (error && !folder_exists(part))
            return file_exists(part)
                       ? status_error(CANTO_ERROR_FILE,
                                      "cannot create the folder '%.300s': '%.100s' is a file; choose another name",
                                      path, part)
                       : file_fault("create", path, error);
        part[i] = kept;
    }
    return status_ok();
}

canto_status folder_sync(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return file_fault("open", path, errno);
    int error = sync_descriptor(descriptor);
    close(descriptor);
    return error ? file_fault("sync", path, error) : status_ok();
}

canto_status folder_remove(const char *path) {
    char         inner[4096];
    canto_status status = status_ok();
    DIR         *folder = opendir(path);
    if (!folder) return file_fault("open", path, errno);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        TRY(path_join(inner, path, entry->d_name));
        if (unlink(inner) != 0) {
            status = file_fault("remove", inner, errno);
            goto done;
        }
    }
    if (rmdir(path) != 0) status = file_fault("remove", path, errno);
done:
    closedir(folder);
    return status;
}

canto_status file_rename(const char *from, const char *to) {
    if (rename(from, to) != 0) return file_fault("rename to", to, errno);
    return parent_sync(to);
}

canto_status link_replace(const char *target, const char *path) {
    char temporary[4096 + 32];
    int  made = -1;
    if (strlen(path) >= 4096) return file_fault("link", path, ENAMETOOLONG);
    for (int attempt = 0; attempt < 1000; attempt++) {
        snprintf(temporary, sizeof temporary, "%s.tmp-%ld-%d", path, (long)getpid(), attempt);
        made = symlink(target, temporary);
        if (made == 0 || errno != EEXIST) break;
    }
    if (made != 0) return file_fault("link", path, errno);
    if (rename(temporary, path) != 0) {
        int error = errno;
        unlink(temporary);
        return file_fault("link", path, error);
    }
    return parent_sync(path);
}

bool file_exists(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

canto_status folder_expect(const char *path, const char *what) {
    struct stat facts;
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) return status_ok();
    if (stat(path, &facts) == 0) return status_error(CANTO_ERROR_FILE, "'%.300s' is no folder: %s", path, what);
    if (errno != ENOENT) return file_fault("open", path, errno);
    return status_error(CANTO_ERROR_FILE, "'%.300s' does not exist; check the name", path);
}

bool folder_exists(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

canto_status link_follow(const char *path, char out[4096]) {
    canto_status status;
    char         target[4096];
    TRY(path_join(out, path, ""));
    for (size_t n = strlen(out); n > 1 && out[n - 1] == '/'; n--) out[n - 1] = 0;
    ssize_t bytes = readlink(out, target, sizeof target - 1);
    if (bytes < 0) goto done; /* it is no link */
    target[bytes] = 0;
    char  *slash = target[0] == '/' ? NULL : strrchr(out, '/');
    size_t folder = slash ? (size_t)(slash + 1 - out) : 0;
    if (folder + (size_t)bytes >= 4096) FAIL(CANTO_ERROR_FILE, "the path '%.200s...' is too long", out);
    memcpy(out + folder, target, (size_t)bytes + 1);
done:
    return status;
}

canto_status path_join(char out[4096], const char *folder, const char *name) {
    size_t length = strlen(folder), rest = strlen(name);
    bool   bare = length == 0 || folder[length - 1] == '/';
    if (length >= 4096 || rest >= 4096 || length + !bare + rest >= 4096)
        return status_error(CANTO_ERROR_FILE, "the path '%.200s...' is too long; choose a shorter folder", folder);
    memmove(out, folder, length);
    if (!bare) out[length++] = '/';
    memcpy(out + length, name, rest + 1);
    return status_ok();
}

uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed) {
    const unsigned char *b = data;
    uint64_t             hash = seed ? seed : UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ b[i]) * UINT64_C(1099511628211);
    return hash;
}
