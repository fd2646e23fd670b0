/* inspect_files.c - what lies around a saved model: its files and their types, and the history of its training. All of it is
 * a courtesy: what is missing or reads otherwise than expected is left out, and nothing here fails. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect.h"

/* A larger header of a safetensors file is none. */
#define HEADER_MAX ((uint64_t)100 << 20)

/* folder/name into path; false when it is too long. */
static bool join(char path[PATH_MAX], const char *folder, const char *name) {
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < PATH_MAX;
}

/* folder/name as JSON; NULL when there is no such thing. */
static json_t *read_json(const char *folder, const char *name) {
    char path[PATH_MAX];
    return join(path, folder, name) ? json_load_file(path, 0, NULL) : NULL;
}

/* -------------------------------------------------------------------------------------------------- files */

/* The header of a safetensors file (8 bytes of length, then JSON), and the file's size. */
static json_t *read_header(const char *path, uint64_t *size) {
    unsigned char length[8];
    uint64_t      bytes = 0;
    json_t       *header = NULL;
    FILE         *file = fopen(path, "rb");
    if (!file) return NULL;
    if (fread(length, 1, 8, file) == 8)
        for (int i = 7; i >= 0; i--) bytes = bytes << 8 | length[i];
    char *text = bytes > 0 && bytes <= HEADER_MAX ? malloc(bytes) : NULL;
    if (text && fread(text, 1, bytes, file) == bytes) header = json_loadb(text, bytes, 0, NULL);
    if (fseeko(file, 0, SEEK_END) == 0) *size = (uint64_t)ftello(file);
    free(text);
    fclose(file);
    return header;
}

/* How many tensors there are of each type. */
static json_t *count_types(const json_t *header, json_int_t *tensors) {
    json_t     *types = json_object(), *entry;
    const char *name;
    json_object_foreach((json_t *)header, name, entry) {
        const char *type = json_string_value(json_object_get(entry, "dtype"));
        if (!type || !strcmp(name, "__metadata__")) continue;
        json_object_set_new(types, type, json_integer(json_integer_value(json_object_get(types, type)) + 1));
        ++*tensors;
    }
    return types;
}

json_t *files_json(const canto_model *model, const char *opened) {
    const char            *folder = canto_model_folder(model);
    const canto_tokenizer *tokenizer = canto_model_tokenizer(model);
    char                   path[PATH_MAX], real[PATH_MAX];
    uint64_t               size = 0;
    json_int_t             tensors = 0;
    json_t                *o = json_object(), *header = NULL;
    if (!*folder) header = read_header(opened, &size);
    else if (join(path, folder, "model.safetensors")) header = read_header(path, &size);
    if (realpath(*folder ? folder : opened, real))
        json_object_set_new(o, *folder ? "folder" : "file", json_text(real, strlen(real)));
    if (header) {
        json_object_set_new(o, "types", count_types(header, &tensors));
        json_object_set_new(o, "tensors", json_integer(tensors));
        json_object_set_new(o, "weights_bytes", json_whole(size));
    }
    json_t *config = *folder ? read_json(folder, "config.json") : NULL;
    json_t *type = json_object_get(config, "model_type");
    if (json_is_string(type)) json_object_set(o, "model_type", type);
    if (tokenizer) {
        json_object_set_new(o, "tokenizer", json_string(canto_tokenizer_kind(tokenizer)));
        json_object_set_new(o, "tokens", json_integer(canto_tokenizer_vocabulary(tokenizer)));
    }
    json_decref(config);
    json_decref(header);
    return o;
}

static void print_label(const char *label) { printf("  %-17s ", label); }

/* Text of a file may hold anything: what would move the cursor does not come through. */
static void print_text(const json_t *text) {
    for (const char *at = json_string_value(text); at && *at; at++) putchar((unsigned char)*at < ' ' ? '?' : *at);
}

void files_print(const json_t *files) {
    json_t     *types = json_object_get(files, "types"), *count;
    const char *type;
    printf("\nFiles\n");
    const json_t *file = json_object_get(files, "file");
    print_label(file ? "file" : "folder");
    print_text(file ? file : json_object_get(files, "folder"));
    putchar('\n');
    if (types) {
        print_label("weights");
        printf("%s in %lld tensors of type",
               number_bytes(json_number_value(json_object_get(files, "weights_bytes"))).text,
               (long long)json_integer_value(json_object_get(files, "tensors")));
        json_object_foreach(types, type, count) printf(" %.16s", type);
        putchar('\n');
    }
    if (json_object_get(files, "model_type")) {
        print_label("form");
        printf("safetensors, model type ");
        print_text(json_object_get(files, "model_type"));
        putchar('\n');
    }
    print_label("tokenizer");
    if (!json_object_get(files, "tokenizer")) printf("none\n");
    else
        printf("%s, %s tokens\n", json_string_value(json_object_get(files, "tokenizer")),
               number_grouped((uint64_t)json_integer_value(json_object_get(files, "tokens"))).text);
}

/* ------------------------------------------------------------------------------------------------ history */

/* The training loss of the last row of metrics.csv that has one and is not behind step: NAN for none. */
static double last_train_loss(const char *folder, json_int_t step) {
    char   path[PATH_MAX], line[512], *end;
    double loss = NAN;
    FILE  *file = join(path, folder, "metrics.csv") ? fopen(path, "r") : NULL;
    while (file && fgets(line, sizeof line, file)) {
        char *field = line;
        for (int i = 0; i < 3 && field; i++) field = strchr(field, ',') ? strchr(field, ',') + 1 : NULL;
        double x = field ? strtod(field, &end) : 0;
        if (field && end != field && strtoll(line, NULL, 10) < step) loss = x;
    }
    if (file) fclose(file);
    return loss;
}

static void copy(json_t *to, const char *name, const json_t *from, const char *key) {
    json_t *value = json_object_get(from, key);
    if (value) json_object_set(to, name, value);
}

json_t *training_json(const canto_model *model) {
    char    folder[PATH_MAX], run[PATH_MAX];
    json_t *o = json_object();
    if (!realpath(canto_model_folder(model), folder)) return o;
    json_t *state = read_json(folder, "trainer.json"), *record = NULL;
    if (join(run, folder, "..")) record = read_json(run, "run.json");
    if (json_is_object(state)) {
        static const char *const same[] = {"step", "epoch", "tokens", "seconds", "best_loss", "best_step"};
        for (size_t i = 0; i < sizeof same / sizeof *same; i++) copy(o, same[i], state, same[i]);
        copy(o, "val_loss", state, "last_val_loss");
        copy(o, "val_step", state, "last_val_step");
        double loss = last_train_loss(run, json_integer_value(json_object_get(state, "step")));
        if (isfinite(loss)) json_object_set_new(o, "train_loss", json_real(loss));
        copy(o, "options", record, "training");
        copy(o, "texts", json_object_get(record, "command"), "texts");
        copy(o, "data", record, "data");
        copy(o, "version", record, "version");
    }
    json_decref(state);
    json_decref(record);
    return o;
}

static double number_at(const json_t *o, const char *key) {
    const json_t *x = json_object_get(o, key);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

static void print_steps(const json_t *t) {
    const json_t *options = json_object_get(t, "options");
    double        steps = number_at(options, "steps"), epochs = number_at(options, "epochs");
    print_label("updates");
    printf("%s", number_grouped((uint64_t)fmax(number_at(t, "step"), 0)).text);
    if (epochs > 0) printf(", %.0f epochs of %.0f", number_at(t, "epoch"), epochs);
    else if (steps > 0) printf(" of %s", number_grouped((uint64_t)steps).text);
    printf(", on %s tokens in %s\n", number_short(fmax(number_at(t, "tokens"), 0)).text,
           number_duration(number_at(t, "seconds")).text);
}

static void print_loss(const json_t *t, const char *label, const char *loss, const char *step) {
    double value = number_at(t, loss);
    if (!isfinite(value)) return;
    print_label(label);
    printf("%.4f", value);
    if (step) printf(" after %s updates", number_grouped((uint64_t)fmax(number_at(t, step), 0)).text);
    putchar('\n');
}

static void print_options(const json_t *t) {
    const json_t *o = json_object_get(t, "options");
    if (!json_is_object(o)) return;
    print_label("batch");
    printf("%.0f", number_at(o, "batch"));
    if (number_at(o, "accumulate") > 1) printf(" x %.0f", number_at(o, "accumulate"));
    putchar('\n');
    print_label("optimizer");
    print_text(json_object_get(o, "optimizer"));
    printf(", learning rate %g, ", number_at(o, "lr"));
    print_text(json_object_get(o, "schedule"));
    putchar('\n');
}

static void print_texts(const json_t *t) {
    const json_t *texts = json_object_get(t, "texts");
    size_t        count = json_array_size(texts);
    if (!count) return;
    print_label(count == 1 ? "text" : "texts");
    print_text(json_array_get(texts, 0));
    if (count > 1) printf(" and %zu more", count - 1);
    putchar('\n');
}

void training_print(const json_t *training) {
    printf("\nTraining\n");
    if (!json_object_size(training)) {
        print_label("history");
        printf("none in this folder\n");
        return;
    }
    print_steps(training);
    print_loss(training, "training loss", "train_loss", NULL);
    print_loss(training, "validation loss", "val_loss", "val_step");
    print_loss(training, "best of these", "best_loss", "best_step");
    print_options(training);
    print_texts(training);
}
