/* test_preparing.c - texts made a token file as canto data prepare does it, again and again, each time with another of its system
 * calls broken: the process ends there, or the call fails. The same work done again leaves, byte for byte, the files of one
 * without a fault, whether it begins anew or goes on behind what is good. */
#define _XOPEN_SOURCE 700
#include "crash.h"
#include "fault.h"

#include "base/context.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

enum {
    SAID_SO = 7,
    WORDS = 180000,
    LINES = 3000
}; /* SAID_SO: exit code of a child whose work failed with a clear error */

typedef struct work {
    job              j; /* its folder, its context */
    canto_tokenizer *pairs;
    char             book[128], lines[128];
} work;

/* About a megabyte in words, and lines of JSON: several pieces, each of which is a write. */
static void write_texts(work *w) {
    static const char *const words[] = {"the", "moon", "rose", "over", "hills", "caf\xC3\xA9", "\n", "12", "and", "of"};
    unsigned                 random = 1;
    snprintf(w->book, sizeof w->book, "%s", in_base(&w->j, "book.txt"));
    snprintf(w->lines, sizeof w->lines, "%s", in_base(&w->j, "lines.ndjson"));
    FILE *book = fopen(w->book, "w"), *lines = fopen(w->lines, "w");
    assert_true(book && lines);
    for (int i = 0; i < WORDS; i++) {
        random = random * 1103515245u + 12345u;
        fprintf(book, "%s%s", words[random >> 16 & 7], random >> 20 & 3 ? " " : words[8 + (random >> 22 & 1)]);
    }
    for (int i = 0; i < LINES; i++)
        fprintf(lines, "{\"id\": %d, \"text\": \"line %d\\nsays little\"}\n", i, i * i % 97);
    assert_int_equal(fclose(book) | fclose(lines), 0);
}

static void begin(work *w) {
    canto_tokenizer_options options = canto_tokenizer_options_default();
    job_open(&w->j);
    write_texts(w);
    const char *paths[] = {w->book};
    options.kind = "bpe";
    ok(canto_tokenizer_train(w->j.context, &options, paths, 1, &w->pairs));
}

static void end(work *w) {
    canto_tokenizer_close(w->pairs);
    job_close(&w->j);
}

/* base/NAME and base/NAME.tokenizer. */
static canto_status prepare(work *w, const char *name, canto_prepared *made) {
    const char *paths[] = {w->book, w->lines}, *folder;
    char        beside[64];
    snprintf(beside, sizeof beside, "%s.tokenizer", name);
    folder = in_base(&w->j, beside);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        canto_status status = {.code = CANTO_ERROR_FILE};
        snprintf(status.text, sizeof status.text, "%s: %s", folder, strerror(errno));
        return status;
    }
    canto_status status = canto_tokenizer_save(w->pairs, folder);
    if (status.code != CANTO_OK) return status;
    return canto_data_prepare(w->j.context, w->pairs, NULL, paths, 2, in_base(&w->j, name), made);
}

static int child(work *w, fault_kind kind, long call) {
    int   code;
    pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        fault_arm(kind, call);
        canto_status status = prepare(w, "piece", NULL);
        if (status.code == CANTO_OK) _exit(0);
        bool clear = status.code == CANTO_ERROR_FILE && strstr(status.text, w->j.base) &&
                     strstr(status.text, kind == FAULT_FULL ? "No space left" : "Input/output error");
        if (!clear) fprintf(stderr, "code %d: %s\n", status.code, status.text);
        _exit(clear ? SAID_SO : 1);
    }
    assert_int_equal(waitpid(process, &code, 0), process);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static void same_files(const job *j, const char *one, const char *other) {
    size_t bytes[2];
    char  *text[2] = {content(j, one, &bytes[0]), content(j, other, &bytes[1])};
    if (bytes[0] == 0 || bytes[0] != bytes[1] || memcmp(text[0], text[1], bytes[0]) != 0)
        fail_msg("%s and %s differ", one, other);
    free(text[0]);
    free(text[1]);
}

/* A file that has its name is complete. Then the work is done (again), and nothing is left but what it is to leave. */
static uint64_t go_on(work *w) {
    canto_prepared made;
    if (has(&w->j, "piece")) same_files(&w->j, "whole", "piece");
    fault_arm(FAULT_NONE, 0);
    ok(prepare(w, "piece", &made));
    same_files(&w->j, "whole", "piece");
    same_files(&w->j, "whole.tokenizer/tokenizer.json", "piece.tokenizer/tokenizer.json");
    same_files(&w->j, "whole.tokenizer/tokenizer_config.json", "piece.tokenizer/tokenizer_config.json");
    assert_false(has(&w->j, "piece.part"));
    assert_false(has(&w->j, "piece.part.json"));
    return made.resumed;
}

static void remove_piece(const job *j) {
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'*", in_base(j, "piece"));
    assert_int_equal(system(command), 0);
}

static int allowed; /* calls of the progress callback until it stops the work */

static bool stop_soon(void *user, const char *what, double share) {
    (void)user, (void)what, (void)share;
    return allowed-- > 0;
}

/* A part of the work, stopped as by Ctrl-C: its record says how much is good. */
static void prepare_half(work *w) {
    w->j.context->on_progress = stop_soon;
    for (int calls = 0; !has(&w->j, "piece.part.json"); calls++) {
        allowed = calls;
        assert_int_equal(prepare(w, "piece", NULL).code, CANTO_STOPPED);
    }
    w->j.context->on_progress = NULL;
}

/* Every fault at each call in turn, from nothing or from half the work on. */
static void test_faults(bool from_half) {
    static const fault_kind kinds[] = {FAULT_STOP, FAULT_AFTER, FAULT_ONCE, FAULT_FULL};
    work                    w;
    uint64_t                resumed = 0;
    begin(&w);
    fault_arm(FAULT_NONE, 0);
    ok(prepare(&w, "whole", NULL));
    long calls = fault_calls();
    assert_true(calls >= 20);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        long ended = 0, passed = 0, call = 0;
        for (int code = -1; code != 0 || (kinds[k] >= FAULT_ONCE && call < calls); ended += code != 0) {
            if (from_half) prepare_half(&w);
            code = child(&w, kinds[k], ++call);
            int told = kinds[k] >= FAULT_ONCE ? SAID_SO : FAULT_EXIT;
            if (code != told && code != 0) fail_msg("kind %d, call %ld: exit code %d", (int)kinds[k], call, code);
            passed += code == 0;
            resumed += go_on(&w) > 0;
            remove_piece(&w.j);
        }
        assert_true(ended >= 10 && (kinds[k] < FAULT_ONCE || passed <= calls / 2));
    }
    assert_true(!from_half || resumed > 20);
    end(&w);
}

static void test_from_nothing(void **state) {
    (void)state;
    test_faults(false);
}

static void test_from_half(void **state) {
    (void)state;
    test_faults(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_from_nothing), cmocka_unit_test(test_from_half)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
