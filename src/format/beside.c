/* beside.c - the neighbours of a file of weights. */
#include "format/beside.h"

#include "text/vocabulary_files.h"

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

canto_status beside_tokenizer(canto_context *context, const char *folder, bool own, canto_tokenizer **tokenizer) {
    canto_status status = status_ok();
    char         path[4096], merges[4096];
    bool         pair = false, whole = false;
    TRY(vocabulary_files_find(folder, path, merges, &pair));
    TRY(path_join(path, folder, "tokenizer.json"));
    whole = file_exists(path);
    if (!whole && !pair) goto done;
    TRY(canto_tokenizer_open(context, folder, tokenizer));
done:
    if (own || (status.code != CANTO_ERROR_UNSUPPORTED && (status.code != CANTO_ERROR_FORMAT || whole))) return status;
    context_log(context, CANTO_LOG_WARNING, "the model opens without a tokenizer: %s", status.text);
    return status_ok();
}
