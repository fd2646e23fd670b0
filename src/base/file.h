/* file.h - files: mapped for reading, written whole or not at all. Errors name the path and the system's reason. */
#ifndef CANTO_FILE_H
#define CANTO_FILE_H

#include "base/context.h"

/* A file mapped for reading. bytes may be 0, data is then "". */
typedef struct file_map {
    const unsigned char *data;
    size_t               bytes;
    void                *mapping; /* private */
} file_map;

canto_status file_map_open(const char *path, file_map *map); /* a folder or special file is an error */
/* Bytes of the map that are not needed soon: they no longer count as memory of this process, and come from the file again
 * when they are read. */
void file_map_drop(const void *data, size_t bytes);
void file_map_close(file_map *map); /* also on a zeroed one */

/* A file read from its beginning or another place on. bytes and modified (nanoseconds) tell it from another one. */
typedef struct file_reader {
    int      descriptor;
    bool     open;
    uint64_t bytes;
    int64_t  modified;
} file_reader;

canto_status file_reader_open(file_reader *r, const char *path); /* a folder or special file is an error */
/* Up to `bytes` of them; *got is 0 at the end alone. path is named in errors. */
canto_status file_reader_read(file_reader *r, const char *path, void *data, size_t bytes, size_t *got);
canto_status file_reader_seek(file_reader *r, const char *path, uint64_t at);
void         file_reader_close(file_reader *r); /* also on a zeroed one */

/* Writing beside: bytes go to a temporary name in the same folder; commit fsyncs, renames and fsyncs the folder;
 * discard removes the temporary. Either ends the writer; discard after commit does nothing. */
typedef struct file_writer {
    int  descriptor;
    char path[4096], temporary[4096 + 32];
    bool open;
} file_writer;

canto_status file_writer_open(file_writer *w, const char *path);
canto_status file_writer_write(file_writer *w, const void *data, size_t bytes);
canto_status file_writer_commit(file_writer *w);
void         file_writer_discard(file_writer *w);

canto_status file_write_whole(const char *path, const void *data, size_t bytes); /* the three above in one */
/* Writes behind the first `at` bytes, which must be there; what stood behind them goes. Created when missing and at is 0. */
canto_status file_append(const char *path, uint64_t at, const void *data, size_t bytes);
/* Writes over the first bytes of a file that has at least so many. */
canto_status file_overwrite(const char *path, const void *data, size_t bytes);
/* Shortens a file to its first bytes; *left is what it then has: less when it was shorter, 0 when there is none. */
canto_status file_cut(const char *path, uint64_t bytes, uint64_t *left);
canto_status file_sync(const char *path);   /* a missing file is fine */
canto_status file_remove(const char *path); /* a missing file is fine */

/* Takes the lock that the file stands for (it is created when missing): *taken false when another process, or another
 * descriptor of this one, has it. It ends with file_unlock and with the process, however that ends. */
canto_status file_lock(const char *path, int *descriptor, bool *taken);
void         file_unlock(int *descriptor); /* -1: nothing */

/* Bytes that a user may still write on the disk of path, which must exist; false when that is not known. */
bool disk_free(const char *path, uint64_t *bytes);

canto_status folder_create(const char *path);                    /* with its parents; an existing folder is fine */
canto_status folder_create_new(const char *path);                /* must not exist, its parent must */
canto_status folder_sync(const char *path);                      /* fsync of a folder */
canto_status folder_remove(const char *path);                    /* with the files in it, no deeper */
canto_status file_rename(const char *from, const char *to);      /* and fsync of to's folder */
canto_status link_replace(const char *target, const char *path); /* symbolic link, replaced by rename */
bool         file_exists(const char *path);
bool         folder_exists(const char *path);
/* An error unless path is a folder: the system's reason, or, of something else, what a folder is wanted for. */
canto_status folder_expect(const char *path, const char *what);
/* Where a symbolic link points to, as a path; another path as it is, without the slash at its end. */
canto_status link_follow(const char *path, char out[4096]);
/* "folder/name" into out[4096]; an error when it does not fit. */
canto_status path_join(char out[4096], const char *folder, const char *name);

/* A failure of `deed` ("open", "list") with path: the system's reason for this errno, and a way out where there is one.
 * CANTO_ERROR_MEMORY when it is memory. */
canto_status file_fault(const char *deed, const char *path, int error);

uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed); /* 64-bit FNV-1a, seed 0 for the standard start */

#endif
