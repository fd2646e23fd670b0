/* sweep_folder.h - the folder of a sweep: what it was begun with, and how far it is.
 *
 * FOLDER/sweep.json is {"version", "options": what all runs share, "runs": {NAME: {"options": its own, "done": true|false,
 * "error": ...?}, ...}}, replaced whole after every run. */
#ifndef CANTO_CLI_SWEEP_FOLDER_H
#define CANTO_CLI_SWEEP_FOLDER_H

#include "command.h"
#include "variants.h"

typedef struct sweep_folder {
    const char *path;
    json_t     *record;
    int         lock; /* a descriptor, -1: none */
} sweep_folder;

/* Makes the folder, or takes up the sweep in it: options must be the same then, and so must those of runs that have the same
 * name; other runs join. Says what is wrong; sweep_folder_close in either case. shared: what all runs share; released here. */
bool sweep_folder_open(sweep_folder *f, const char *path, json_t *shared, const variants *v);
void sweep_folder_close(sweep_folder *f);

/* Whether a run came to its end. */
bool sweep_folder_done(const sweep_folder *f, const char *name);
/* What is known of its failure, or NULL. */
const char *sweep_folder_error(const sweep_folder *f, const char *name);
/* Writes down that it did, or that it failed and why. */
bool sweep_folder_note(sweep_folder *f, const char *name, const char *error);
/* FOLDER/name, to be freed; NULL after a message. */
char *sweep_folder_file(const sweep_folder *f, const char *name);

#endif
