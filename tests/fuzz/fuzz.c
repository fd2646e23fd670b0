/* fuzz.c - the frame of a fuzz target: libFuzzer's entry points when CANTO_LIBFUZZER is defined, else a main that replays.
 *
 * fuzz_NAME --seeds FOLDER     writes the seeds there
 * fuzz_NAME CASE...            (replay) the cases, the seeds, and the seeds damaged byte by byte
 * A case named *.hex is hexadecimal text whose lines may begin with # for a remark; any other is taken as it is. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include "base/file.h"
#include "base/utf8.h"

#include <string.h>
#include <unistd.h>

static struct {
    canto_context *context;
    char           folder[512];
    const char    *seeds; /* where seeds are written; NULL: they are tried and damaged */
    unsigned long  runs;
} state;

/* ------------------------------------------------------------------------------------------- what targets use */

static void remove_all(void) {
    canto_context_close(state.context);
    folder_remove(state.folder);
}

canto_context *fuzz_context(void) {
    if (state.context) return state.context;
    canto_context_options options = canto_context_options_default();
    options.threads = 1;
    fuzz_good(canto_context_open(&options, &state.context));
    const char *root = getenv("TMPDIR"); /* in memory where that is possible: every input is written and read */
    if (!root) root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    CHECK(snprintf(state.folder, sizeof state.folder, "%s/canto-fuzz-XXXXXX", root) < (int)sizeof state.folder);
    CHECK(mkdtemp(state.folder));
    atexit(remove_all);
    return state.context;
}

const char *fuzz_folder(void) {
    fuzz_context();
    return state.folder;
}

const char *fuzz_path(const char *name) {
    static char paths[16][4096];
    static int  next;
    char       *path = paths[next++ % 16];
    fuzz_good(path_join(path, fuzz_folder(), name));
    return path;
}

/* Neither synced nor renamed: a fuzzer writes thousands in a second. */
void fuzz_write(const char *name, const void *data, size_t bytes) {
    FILE *file = fopen(fuzz_path(name), "wb");
    CHECK(file && (bytes == 0 || fwrite(data, 1, bytes, file) == bytes));
    CHECK(fclose(file) == 0);
}

void fuzz_good(canto_status status) {
    if (status.code == CANTO_OK) return;
    fprintf(stderr, "%s\n", status.text);
    abort();
}

bool fuzz_accepts(canto_status status) {
    size_t bytes = strlen(status.text);
    if (status.code == CANTO_OK) return true;
    CHECK(bytes > 0 && utf8_valid_prefix(status.text, bytes) == bytes);
    for (size_t i = 0; i < bytes; i++) CHECK((unsigned char)status.text[i] >= 32 && status.text[i] != 127);
    return false;
}

/* ------------------------------------------------------------------------------------------------------ seeds */

static void write_seed(const char *name, const void *data, size_t bytes) {
    char path[4096];
    fuzz_good(path_join(path, state.seeds, name));
    FILE *file = fopen(path, "wb");
    CHECK(file && (bytes == 0 || fwrite(data, 1, bytes, file) == bytes));
    CHECK(fclose(file) == 0);
}

/* Runs a copy whose end is the end of its memory, so that reading past it is seen. */
static void run_copy(const uint8_t *data, size_t bytes) {
    uint8_t *copy = malloc(bytes ? bytes : 1);
    CHECK(copy);
    memcpy(copy, data, bytes);
    fuzz_one(copy, bytes);
    free(copy);
    state.runs++;
}

/* Each of the first bytes with one bit turned, as 0, as 0xff, and as the end of the input. */
static void damage(const uint8_t *data, size_t bytes, size_t head) {
    uint8_t *changed = malloc(bytes);
    CHECK(changed);
    memcpy(changed, data, bytes);
    for (size_t i = 0; i < bytes && i < head; i++) {
        const uint8_t values[3] = {(uint8_t)(data[i] ^ 1u << i % 8), 0, 0xff};
        for (int v = 0; v < 3; v++) {
            changed[i] = values[v];
            run_copy(changed, bytes);
        }
        changed[i] = data[i];
        run_copy(data, i);
    }
    free(changed);
}

void fuzz_seed(const char *name, const void *data, size_t bytes, size_t head) {
    if (state.seeds) {
        write_seed(name, data, bytes);
        return;
    }
    run_copy(data, bytes);
    damage(data, bytes, head);
}

void fuzz_seed_text(const char *name, const char *text) { fuzz_seed(name, text, strlen(text), SIZE_MAX); }

void fuzz_seed_file(const char *name, const char *file, size_t head) {
    file_map map;
    fuzz_good(file_map_open(fuzz_path(file), &map));
    uint8_t *copy = malloc(map.bytes ? map.bytes : 1);
    size_t   bytes = map.bytes;
    CHECK(copy);
    memcpy(copy, map.data, bytes);
    file_map_close(&map); /* the target writes the same file */
    fuzz_seed(name, copy, bytes, head);
    free(copy);
}

static bool seeds_wanted(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "--seeds") != 0) return false;
    state.seeds = argv[2];
    fuzz_seeds();
    return true;
}

/* ----------------------------------------------------------------------------------------------- entry points */

#ifdef CANTO_LIBFUZZER

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    if (seeds_wanted(*argc, *argv)) exit(0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    fuzz_one(data, bytes);
    return 0;
}

#else

static unsigned digit(char c) {
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);
    CHECK(c && at);
    return (unsigned)(at - digits);
}

/* Turns hexadecimal text into bytes, in place; returns their number. */
static size_t from_hex(char *text, size_t bytes) {
    size_t digits = 0;
    bool   remark = false;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '#') remark = true;
        if (text[i] == '\n') remark = false;
        if (!remark && !strchr(" \t\r\n", text[i])) text[digits++] = text[i];
    }
    CHECK(digits % 2 == 0);
    for (size_t i = 0; i < digits; i += 2) text[i / 2] = (char)(digit(text[i]) << 4 | digit(text[i + 1]));
    return digits / 2;
}

static void replay(const char *path) {
    file_map map;
    size_t   length = strlen(path);
    fuzz_good(file_map_open(path, &map));
    char  *data = malloc(map.bytes + 1);
    size_t bytes = map.bytes;
    CHECK(data);
    memcpy(data, map.data, bytes);
    file_map_close(&map);
    if (length > 4 && strcmp(path + length - 4, ".hex") == 0) bytes = from_hex(data, bytes);
    fprintf(stderr, "%s: %zu bytes\n", path, bytes);
    run_copy((const uint8_t *)data, bytes);
    free(data);
}

int main(int argc, char **argv) {
    if (seeds_wanted(argc, argv)) return 0;
    for (int i = 1; i < argc; i++) replay(argv[i]);
    run_copy((const uint8_t *)"", 0);
    fuzz_seeds();
    printf("%lu inputs\n", state.runs);
    return 0;
}

#endif
