/* beside.c - the neighbours of a file of weights. */
#include "format/beside.h"

#include <stdio.h>
#include <string.h>

canto_status beside_folder(const char *path, char folder[4096]) {
    const char *slash = strrchr(path, '/');
    if (!slash) return path_join(folder, ".", "");
    if ((size_t)(slash - path) >= 4096 - 1)
        return status_error(CANTO_ERROR_FILE, "the path '%.200s...' is too long", path);
    snprintf(folder, 4096, "%.*s", (int)(slash - path) + 1, path);
    return status_ok();
}

canto_status beside_tokenizer(canto_context *context, const char *folder, canto_tokenizer **tokenizer) {
    canto_status status = status_ok();
    char         path[4096];
    TRY(path_join(path, folder, "tokenizer.json"));
    if (file_exists(path)) TRY(canto_tokenizer_open(context, folder, tokenizer));
done:
    return status;
}
