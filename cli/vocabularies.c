/* vocabularies.c - the vocabularies known by name, and the folder in which the program looks for their files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

/* $CANTO_HOME, else canto in $XDG_CACHE_HOME, else in ~/.cache; false when the environment has none of them. */
static bool find_home(char home[4096]) {
    const char *own = getenv("CANTO_HOME"), *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
    int         bytes = -1;
    if (own && *own) bytes = snprintf(home, 4096, "%s", own);
    else if (cache && *cache) bytes = snprintf(home, 4096, "%s/canto", cache);
    else if (user && *user) bytes = snprintf(home, 4096, "%s/.cache/canto", user);
    return bytes > 0 && bytes < 4096;
}

bool vocabulary_named(const char *name) {
    canto_encoding encoding;
    return access(name, F_OK) != 0 && canto_encoding_find(name, &encoding);
}

bool vocabulary_path(const char *name, char path[4200]) {
    canto_encoding encoding;
    char           home[4096];
    if (!canto_encoding_find(name, &encoding)) return false;
    if (!find_home(home)) {
        terminal_error("%s: there is no folder to look for %s in; set CANTO_HOME", name, encoding.file);
        return false;
    }
    snprintf(path, 4200, "%s/%s", home, encoding.file);
    if (access(path, F_OK) == 0) return true;
    terminal_error(
        "%s: %s is missing. Get OpenAI's %s (SHA-256 %s) and put it there, set CANTO_HOME to the folder that has "
        "it, or name a file or folder with the vocabulary instead of %s",
        name, path, encoding.file, encoding.sha256, name);
    return false;
}
