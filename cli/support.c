/* support.c - what the commands share: the context, reading, tokenizers and tokens, interruption, JSON on a line. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "command.h"
#include "packed.h"
#include "regex.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const option_entry common_entries[] = {
    {"threads", 0, OPTION_INTEGER, "N", "threads to compute with; results do not depend on it (default: all cores)", 1,
     256},
    {"seed", 0, OPTION_INTEGER, "S", "the seed of everything random (default: 1337)", 0, 9223372036854775807.0},
    {"quiet", 'q', OPTION_FLAG, NULL, "errors and warnings alone, no progress and no notes", 0, 0},
    {"json", 0, OPTION_FLAG, NULL, "results as JSON on standard output", 0, 0},
    {0},
};

const option_entry text_entries[] = {
    {"invalid", 0, OPTION_CHOICE, "refuse|replace",
     "text that is not valid UTF-8 is an error, or what is broken becomes U+FFFD (default: refuse)", 0, 0},
    {0},
};

const option_entry weights_entries[] = {
    {"heads", 0, OPTION_INTEGER, "N", "attention heads, of a file of weights that does not say how many", 1,
     2147483647},
    {"map", 0, OPTION_FILE, "FILE", "what the names of a file's tensors mean, as JSON (docs/formats.md)", 0, 0},
    {0},
};

/* ----------------------------------------------------------------------------------------------- context */

static void on_log(void *user, canto_log_level level, const char *text) {
    (void)user;
    if (level == CANTO_LOG_WARNING) terminal_warning("%s", text);
    else terminal_note("%s", text);
}

void support_progress(const char *what, double share) {
    static char   current[200]; /* the work, and since when: there is one thread that makes calls, and one terminal */
    static double since, before;
    double        now = terminal_seconds();
    if (strcmp(what, current) != 0 || share < before) {
        snprintf(current, sizeof current, "%s", what);
        since = now;
    }
    before = share;
    if (now - since > 1 && share < 0) terminal_progress(false, "%s  %s", what, number_duration(now - since).text);
    else if (now - since > 1) {
        double left = share > 0 ? (now - since) * (1 - share) / share : NAN;
        terminal_progress(false, "%s  %.0f %%  %s left", what, 100 * share, number_duration(left).text);
    }
}

static bool on_progress(void *user, const char *what, double share) {
    (void)user;
    support_progress(what, share);
    return !support_interrupted();
}

static canto_context *open_context(const option_set *options, canto_log_fn log) {
    canto_context_options settings = canto_context_options_default();
    int32_t               threads = 0;
    if (options_int32(options, "threads", &threads)) settings.threads = threads;
    int invalid;
    if (options_know(options, "invalid") && options_choice(options, "invalid", &invalid))
        settings.invalid = (canto_invalid)invalid;
    const char *cpu = getenv("CANTO_CPU");
    if (cpu && *cpu) settings.cpu = cpu;
    settings.log = log;
    settings.progress = on_progress;
    packed_readers(settings.readers);
    settings.regex = regex_engine();
    canto_context *context = NULL;
    return support_good(canto_context_open(&settings, &context)) ? context : NULL;
}

canto_context *support_context(const option_set *options) { return open_context(options, on_log); }

canto_context *support_context_silent(const option_set *options) { return open_context(options, NULL); }

bool support_good(canto_status status) {
    terminal_clear(); /* the work is over */
    if (status.code == CANTO_STOPPED && support_interrupted()) terminal_note("interrupted: %s", status.text);
    else if (status.code != CANTO_OK) terminal_error("%s", status.text);
    return status.code == CANTO_OK;
}

bool support_model(canto_context *context, const option_set *options, const char *path, canto_model **model) {
    canto_model_options how = canto_model_options_default();
    options_int32(options, "heads", &how.heads);
    how.map = options_text(options, "map", NULL);
    return support_good(canto_model_open_with(context, path, &how, model));
}

int support_usage(const char *form, ...) {
    char    text[512];
    va_list values;
    va_start(values, form);
    vsnprintf(text, sizeof text, form, values);
    va_end(values);
    terminal_usage("%s", text);
    return WRONG_USAGE;
}

/* ------------------------------------------------------------------------------------------ interruption */

static volatile sig_atomic_t interrupts, patient;

static void on_signal(int number) {
    (void)number;
    if (patient && !interrupts++) return;
    terminal_leave();
    _exit(INTERRUPTED);
}

/* A signal that is ignored from the start (nohup) stays ignored, but for Ctrl-C, which a shell's script ignores for us. */
static void catch_signal(int number) {
    struct sigaction action = {0};
    if (number == SIGHUP && sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN) return;
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void support_leave_on_interrupts(void) {
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP);
    signal(SIGXFSZ, SIG_IGN); /* a file that outgrows its limit is an error like any other */
}

void support_catch_interrupts(void) { patient = 1; }

void support_outlive_readers(void) { signal(SIGPIPE, SIG_IGN); }

bool support_interrupted(void) { return interrupts != 0; }

/* ------------------------------------------------------------------------------------------------- files */

/* A device such as /dev/zero goes on for ever; /dev/null and a terminal do not. */
static bool is_endless(FILE *file) {
    struct stat about;
    return fstat(fileno(file), &about) == 0 && S_ISCHR(about.st_mode) && !isatty(fileno(file));
}

/* Reads to the end into *text, which grows; returns what is wrong, or NULL. */
static const char *read_all(FILE *file, char **text, size_t *bytes) {
    size_t room = 1 << 16;
    double most = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 4;
    *bytes = 0;
    *text = malloc(room);
    while (*text) {
        errno = 0;
        *bytes += fread(*text + *bytes, 1, room - 1 - *bytes, file);
        if (ferror(file)) return errno ? strerror(errno) : "cannot be read";
        if (*bytes && is_endless(file)) return "is a device, which may have no end; give a file";
        if (*bytes < room - 1) break;
        if ((double)room > most) return "is larger than a quarter of this machine's memory; give it in pieces";
        char *more = realloc(*text, room *= 2);
        if (!more) free(*text);
        *text = more;
    }
    if (!*text) return "out of memory";
    (*text)[*bytes] = 0;
    return NULL;
}

bool support_read(const char *path, char **text, size_t *bytes) {
    FILE *file = path ? fopen(path, "rb") : stdin;
    *text = NULL;
    const char *fault = file ? read_all(file, text, bytes) : strerror(errno);
    if (fault) {
        terminal_error("%s: %s", path ? path : "standard input", fault);
        free(*text);
        *text = NULL;
    }
    if (path && file) fclose(file);
    return !fault;
}

static bool is_folder(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

bool support_prompt(const option_set *options, const char **prompt, size_t *bytes, char **owned) {
    *owned = NULL;
    *prompt = options_text(options, "prompt", NULL);
    *bytes = *prompt ? strlen(*prompt) : 0;
    if (*prompt || isatty(STDIN_FILENO)) return true;
    if (!support_read(NULL, owned, bytes)) return false;
    *prompt = *owned;
    if (*bytes > 1 && (*owned)[*bytes - 1] == '\n') --*bytes;
    return true;
}

bool support_make_folder(const char *path) {
    char   part[4096];
    size_t bytes = strlen(path);
    if (!bytes || bytes >= sizeof part) {
        terminal_error("%.40s...: not a usable path", path);
        return false;
    }
    for (size_t i = 1; i <= bytes; i++) {
        if (path[i] != '/' && path[i]) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) && !is_folder(part)) {
            terminal_error("%s: %s", part, errno == EEXIST ? "is not a folder" : strerror(errno));
            return false;
        }
    }
    return true;
}

/* -------------------------------------------------------------------------------------- tokenizers, tokens */

bool support_tokenizer_open(canto_context *context, const char *path, canto_tokenizer **tokenizer) {
    static const char *const inside[] = {"", "/best", "/last"};
    char                     tried[4096], file[4200];
    if (vocabulary_named(path))
        return vocabulary_path(path, file) && support_good(canto_tokenizer_open(context, file, tokenizer));
    for (size_t i = 0; i < 3 && is_folder(path); i++) {
        if (snprintf(tried, sizeof tried, "%s%s", path, inside[i]) >= (int)sizeof tried) break;
        snprintf(file, sizeof file, "%s/tokenizer.json", tried);
        if (access(file, F_OK) == 0) return support_good(canto_tokenizer_open(context, tried, tokenizer));
    }
    return support_good(canto_tokenizer_open(context, path, tokenizer));
}

/* What follows "bpe": nothing, or ":" and a size; -1, which is refused as a size, when it is something else. */
static int32_t size_of(const char *rest) {
    char *end;
    if (!*rest) return 0;
    long size = strtol(rest + 1, &end, 10);
    return *rest == ':' && rest[1] >= '0' && rest[1] <= '9' && !*end && size > 0 && size <= INT32_MAX ? (int32_t)size
                                                                                                      : -1;
}

static bool is_pairs(const char *kind) { return !strncmp(kind, "bpe", 3) && (!kind[3] || kind[3] == ':'); }

bool support_is_kind(const char *name) {
    return is_pairs(name) || !strcmp(name, "char") || !strcmp(name, "byte") || !strcmp(name, "word");
}

bool support_kind(const option_set *options, const char *kind, canto_tokenizer_options *wanted) {
    int32_t mebibytes;
    bool    pairs = is_pairs(kind);
    *wanted = canto_tokenizer_options_default();
    wanted->kind = pairs ? "bpe" : kind;
    wanted->numbers = options_text(options, "numbers", NULL);
    wanted->unknown = options_text(options, "unknown", NULL);
    wanted->specials = options_text(options, "specials", NULL);
    if (options_know(options, "field")) wanted->field = options_text(options, "field", "text");
    if (pairs) wanted->size = size_of(kind + 3);
    if (options_know(options, "size")) {
        options_int32(options, "size", &wanted->size);
        options_int64(options, "min-frequency", &wanted->min_frequency);
        wanted->pattern = options_text(options, "pattern", NULL);
        if (options_int32(options, "memory", &mebibytes)) wanted->memory = (size_t)mebibytes << 20;
    }
    return support_is_kind(kind);
}

bool support_tokenizer(canto_context *context, const option_set *options, const char *kind, char **texts, size_t count,
                       canto_tokenizer **tokenizer) {
    static const char *const kinds[] = {"char", "byte", "word", "bpe"};
    canto_tokenizer_options  wanted;
    if (support_kind(options, kind, &wanted))
        return support_good(canto_tokenizer_train(context, &wanted, (const char *const *)texts, count, tokenizer));
    if (wanted.numbers || wanted.unknown || wanted.specials) {
        terminal_error("--numbers, --unknown and --specials shape a new tokenizer, but --tokenizer %s is read as it is",
                       kind);
        return false;
    }
    if (access(kind, F_OK) && !vocabulary_named(kind)) {
        const char *near = nearest_word(kind, kinds, sizeof kinds / sizeof *kinds);
        terminal_error(
            "--tokenizer %s: neither char, byte, word nor bpe:SIZE, and there is no such file or folder%s%s%s", kind,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
        return false;
    }
    return support_tokenizer_open(context, kind, tokenizer);
}

bool support_texts(char **texts, size_t count, bool *prepared) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += canto_data_is_token_file(texts[i]);
    *prepared = found > 0;
    if (found && found < count)
        terminal_error("token files and texts cannot be mixed: %zu of these %zu files are token files; prepare the "
                       "others too, with the same tokenizer: canto data prepare",
                       found, count);
    return !found || found == count;
}

bool support_data(canto_context *context, const canto_tokenizer *tokenizer, char **texts, size_t count,
                  canto_data **data) {
    bool prepared;
    if (!support_texts(texts, count, &prepared)) return false;
    if (!prepared)
        return support_good(canto_data_from_texts(context, tokenizer, (const char *const *)texts, count, data));
    if (!support_good(canto_data_open_files(context, (const char *const *)texts, count, data))) return false;
    if (!tokenizer || canto_data_tokenizer_hash(*data) == canto_tokenizer_hash(tokenizer)) return true;
    terminal_error("%s was made with another tokenizer; prepare the texts again with this one: canto data prepare "
                   "TEXT... -o FILE --tokenizer FOLDER",
                   texts[0]);
    canto_data_close(*data);
    *data = NULL;
    return false;
}

/* -------------------------------------------------------------------------------------------------- JSON */

json_t *json_text(const char *text, size_t bytes) {
    char *out = malloc(3 * bytes + 1);
    if (!out) return json_null();
    size_t at = 0;
    for (size_t i = 0; i < bytes;) {
        size_t size = terminal_character(text + i, bytes - i);
        memcpy(out + at, size ? text + i : "\xef\xbf\xbd", size ? size : 3);
        at += size ? size : 3;
        i += size ? size : 1;
    }
    json_t *json = json_stringn(out, at);
    free(out);
    return json;
}

json_t *json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *json_whole(uint64_t n) { return n <= INT64_MAX ? json_integer((json_int_t)n) : json_real((double)n); }

void json_print(json_t *value) {
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    putchar('\n');
    fflush(stdout);
    json_decref(value);
}
