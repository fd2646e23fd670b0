/* sweep_folder.c - see sweep_folder.h. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "sweep_folder.h"

#include <canto_plot.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *sweep_folder_file(const sweep_folder *f, const char *name) {
    size_t room = strlen(f->path) + strlen(name) + 2;
    char  *path = malloc(room);
    if (path) snprintf(path, room, "%s/%s", f->path, name);
    else terminal_error("out of memory");
    return path;
}

static bool save(const sweep_folder *f) {
    char *path = sweep_folder_file(f, "sweep.json"),
         *text = json_dumps(f->record, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    bool good = path && text && support_good(canto_plot_save(path, text, strlen(text)));
    if (path && !text) terminal_error("the sweep cannot be recorded: out of memory, or a path is not UTF-8");
    free(text);
    free(path);
    return good;
}

/* ---------------------------------------------------------------------------------------- the same command? */

/* A value as it would be written behind its option. */
static char *said(const json_t *value) {
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    return text;
}

static bool differs(const sweep_folder *f, const char *where, const char *key, const json_t *then, const json_t *now) {
    char *before = said(then), *after = said(now);
    terminal_error("%s: %s was begun with%s %s%s%s, and now it is %s%s; the same command goes on, another one needs "
                   "another folder",
                   f->path, where, before ? "" : "out", key, before ? " " : "", before ? before : "",
                   after ? "" : "not given", after ? after : "");
    free(before);
    free(after);
    return false;
}

/* Says which option is not the same, and returns false. */
static bool same(const sweep_folder *f, const char *where, json_t *then, json_t *now) {
    const char *key;
    json_t     *value;
    json_object_foreach(now, key, value) if (!json_equal(json_object_get(then, key), value)) return differs(
        f, where, key, json_object_get(then, key), value);
    json_object_foreach(then, key, value) if (!json_object_get(now, key)) return differs(f, where, key, value, NULL);
    return true;
}

/* ------------------------------------------------------------------------------------------------- opening */

/* One sweep at a time; the lock ends with the process. */
static bool lock(sweep_folder *f) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char        *path = sweep_folder_file(f, ".lock");
    if (!path) return false;
    f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool good = f->lock >= 0 && fcntl(f->lock, F_SETLK, &whole) == 0;
    if (!good && (f->lock < 0 || (errno != EACCES && errno != EAGAIN))) terminal_error("%s: %s", path, strerror(errno));
    else if (!good) terminal_error("%s: another canto sweep is at work in this folder", f->path);
    free(path);
    return good;
}

static bool is_empty(const char *folder) {
    DIR           *entries = opendir(folder);
    struct dirent *entry;
    bool           empty = true;
    while (entries && (entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && strcmp(entry->d_name, ".lock") != 0)
            empty = false;
    if (entries) closedir(entries);
    return empty;
}

/* f->record becomes what sweep.json says, or stays NULL when there is none yet. */
static bool load(sweep_folder *f) {
    json_error_t error;
    char        *path = sweep_folder_file(f, "sweep.json");
    bool         good = path != NULL;
    if (good && access(path, F_OK) == 0) {
        f->record = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
        good =
            json_is_object(json_object_get(f->record, "runs")) && json_is_object(json_object_get(f->record, "options"));
        if (!good)
            terminal_error("%s: is not what canto sweep writes%s%s", path, f->record ? "" : ": ",
                           f->record ? "" : error.text);
    } else if (good && !is_empty(f->path)) {
        terminal_error("-o %s: the folder is not empty, and there is no sweep in it; choose another name", f->path);
        good = false;
    }
    free(path);
    return good;
}

/* The variant's place in the record: there already, and then it must be the same, or now. */
static bool join(sweep_folder *f, const variant *one) {
    json_t *runs = json_object_get(f->record, "runs"), *own = options_record(&one->settings);
    json_t *there = json_object_get(json_object_get(runs, one->name), "options");
    bool    good = own && (!there || same(f, one->name, there, own));
    if (!own) terminal_error("out of memory");
    if (good && !there) {
        json_t *run = json_object();
        json_object_set(run, "options", own);
        json_object_set_new(run, "done", json_false());
        json_object_set_new(runs, one->name, run);
    }
    json_decref(own);
    return good;
}

bool sweep_folder_open(sweep_folder *f, const char *path, json_t *shared, const variants *v) {
    *f = (sweep_folder){.path = path, .lock = -1};
    bool good = shared && support_make_folder(path) && lock(f) && load(f);
    if (good && f->record) good = same(f, "this sweep", json_object_get(f->record, "options"), shared);
    if (good && !f->record) {
        f->record = json_object();
        json_object_set_new(f->record, "version", json_string(canto_version()));
        json_object_set(f->record, "options", shared);
        json_object_set_new(f->record, "runs", json_object());
    }
    for (size_t i = 0; good && i < v->count; i++) good = join(f, &v->list[i]);
    json_decref(shared);
    return good && save(f);
}

void sweep_folder_close(sweep_folder *f) {
    json_decref(f->record);
    if (f->lock >= 0) close(f->lock);
    *f = (sweep_folder){.lock = -1};
}

/* ------------------------------------------------------------------------------------------------- the runs */

static json_t *run_of(const sweep_folder *f, const char *name) {
    return json_object_get(json_object_get(f->record, "runs"), name);
}

bool sweep_folder_done(const sweep_folder *f, const char *name) {
    return json_is_true(json_object_get(run_of(f, name), "done"));
}

const char *sweep_folder_error(const sweep_folder *f, const char *name) {
    return json_string_value(json_object_get(run_of(f, name), "error"));
}

bool sweep_folder_note(sweep_folder *f, const char *name, const char *error) {
    json_t *run = run_of(f, name);
    json_object_set_new(run, "done", json_boolean(!error));
    if (error) json_object_set_new(run, "error", json_text(error, strlen(error)));
    else json_object_del(run, "error");
    return save(f);
}
