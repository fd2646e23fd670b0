/* model_open.c - opening a model: which format path is in, and the reader of that format.
 *
 * A file is known by its first bytes, never by its name. */
#include "format/formats.h"

#include "format/adapted.h"
#include "format/gguf.h"
#include "format/llmc.h"
#include "format/npz.h"
#include "format/torch_file.h"
#include "store/adapters.h"
#include "store/model_folder.h"

#include <stdio.h>
#include <string.h>

typedef canto_status (*read_fn)(canto_context *context, const char *path, model_parts *parts);

typedef struct format {
    const char *name;                                        /* as errors list them */
    bool (*detect)(const unsigned char *data, size_t bytes); /* the whole file */
    read_fn read;
    bool    whole; /* such a file says itself all of the model */
} format;

/* A header's length, and the header: a JSON object. */
static bool is_safetensors(const unsigned char *data, size_t bytes) {
    uint64_t length = 0;
    for (int i = 7; i >= 0 && bytes > 8; i--) length = length << 8 | data[i];
    return length > 0 && length <= bytes - 8 && data[8] == '{';
}

static const format FORMATS[] = {
    {"safetensors", is_safetensors, safetensors_read, false},
    {"NumPy (.npz)", npz_detect, npz_read, false},
    {"torch.save (.pt, .pth, .bin)", torch_detect, torch_read, false},
    {"GGUF", gguf_detect, gguf_read, true},
    {"llm.c's checkpoints", llmc_detect, llmc_read, true},
};

/* The reader of the format that the file is in. */
static canto_status find_reader(const char *path, const canto_model_options *options, read_fn *read) {
    file_map     map;
    canto_status status = file_map_open(path, &map);
    char         known[200];
    size_t       n = 0;
    if (status.code != CANTO_OK) return status;
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", FORMATS[i].name);
        if (!FORMATS[i].detect(map.data, map.bytes)) continue;
        *read = FORMATS[i].read;
        if (FORMATS[i].whole && options && (options->heads > 0 || options->map))
            FAIL(CANTO_ERROR_VALUE,
                 "'%.300s' says itself all of its model: a number of heads and a map of names are for files of weights "
                 "alone",
                 path);
        goto done;
    }
    FAIL(CANTO_ERROR_UNSUPPORTED, "'%.300s' is no model that canto reads: a folder, or a file of the form %s", path,
         known);
done:
    file_map_close(&map);
    return status;
}

canto_model_options canto_model_options_default(void) { return (canto_model_options){0, NULL}; }

canto_status model_open_below(canto_context *context, const char *path, const canto_model_options *options, int depth,
                              canto_model **model) {
    canto_status status = status_ok();
    model_parts  parts = {.options = options};
    read_fn      read = folder_read;
    *model = NULL;
    if (folder_exists(path) && model_folder_find(path, parts.folder).code == CANTO_OK && adapters_are_in(parts.folder))
        return adapted_open(context, parts.folder, depth, model);
    if (file_exists(path)) TRY(find_reader(path, options, &read));
    TRY(read(context, path, &parts));
    TRY(link_follow(parts.folder[0] ? parts.folder : path, parts.origin));
    TRY(model_from_parts(context, &parts, model));
done:
    model_parts_close(&parts);
    return status;
}

canto_status canto_model_open_with(canto_context *context, const char *path, const canto_model_options *options,
                                   canto_model **model) {
    return model_open_below(context, path, options, 0, model);
}

canto_status canto_model_open(canto_context *context, const char *path, canto_model **model) {
    return canto_model_open_with(context, path, NULL, model);
}
