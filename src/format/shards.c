/* shards.c - reading an index, and each of its files once. */
#include "format/shards.h"

#include "base/json.h"
#include "format/beside.h"

#include <string.h>

/* A name of a file in the index' own folder. */
static bool is_plain_name(const char *name) { return name && name[0] && name[0] != '.' && !strpbrk(name, "/\\"); }

/* The path of a shard; *seen when it was asked for before. names remembers them. */
static canto_status shard_path(const char *index, const char *folder, const char *key, const json_t *file,
                               json_t *names, char path[4096], bool *seen) {
    const char *name = json_string_value(file);
    if (!is_plain_name(name))
        return status_error(
            CANTO_ERROR_FORMAT,
            "'%.250s': tensor \"%.80s\" is said to be in \"%.80s\", which is no name of a file in the same "
            "folder: such an index is not to be trusted",
            index, key, name ? name : "");
    *seen = json_object_get(names, name) != NULL;
    if (!*seen && json_object_set_new(names, name, json_true()) != 0)
        return context_no_memory(strlen(name), "the names of a model's files");
    return path_join(path, folder, name);
}

static canto_status add_files(tensor_source *source, const char *index, json_t *map, json_t *names, shard_add_fn add) {
    canto_status status;
    char         folder[4096], path[4096];
    const char  *key;
    json_t      *file;
    TRY(beside_folder(index, folder));
    json_object_foreach(map, key, file) {
        bool seen = false;
        TRY(shard_path(index, folder, key, file, names, path, &seen));
        if (!seen) TRY(add(source, path));
    }
done:
    return status;
}

canto_status shards_add(tensor_source *source, const char *index, shard_add_fn add) {
    canto_status status;
    json_t      *root = NULL, *map, *names = json_object(), *file;
    const char  *key;
    if (!names) return context_no_memory(64, "the names of a model's files");
    TRY(json_read_file(source->context, index, &root));
    TRY(json_get_object(root, index, "weight_map", &map));
    TRY(add_files(source, index, map, names, add));
    TRY(source_end(source));
    json_object_foreach(map, key, file) if (!source_find(source, key))
        FAIL(CANTO_ERROR_FORMAT, "'%.200s': the tensor \"%.80s\" is not in \"%.80s\": copy the folder again", index,
             key, json_string_value(file));
done:
    json_decref(root);
    json_decref(names);
    return status;
}
