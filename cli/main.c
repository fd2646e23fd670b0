/* main.c - the table of commands, and the way from the command line to one of them. Exit codes: 0 done, 1 failed,
 * 2 wrong usage, 130 interrupted. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "help.h"

/* In the order in which they are listed; command.h says how one is added. */
const command *const commands[] = {
    &command_train,
    &command_plan,
    &command_generate,
    &command_eval,
    &command_quantize,
    &command_inspect,
    &command_convert,
    &command_attention,
    &command_plot,
    &command_sweep,
    &command_tokenizer_train,
    &command_tokenizer_encode,
    &command_tokenizer_decode,
    &command_tokenizer_info,
    &command_tokenizer_compare,
    &command_tokenizer_save,
    &command_data_prepare,
    &command_bench_train,
    &command_bench_decode,
    &command_bench_prompt,
    &command_bench_tokenize,
    &command_doctor,
    &command_help,
};
const size_t commands_count = sizeof commands / sizeof *commands;
_Static_assert(sizeof commands / sizeof *commands <= COMMANDS_MAX, "raise COMMANDS_MAX");

const char *command_family(const command *one, char first[32]) {
    size_t bytes = strcspn(one->name, " ");
    memcpy(first, one->name, bytes);
    first[bytes] = 0;
    return one->name[bytes] ? one->name + bytes + 1 : NULL;
}

bool command_begins(size_t index, char first[32]) {
    char earlier[32];
    command_family(commands[index], first);
    for (size_t i = 0; i < index; i++) {
        command_family(commands[i], earlier);
        if (!strcmp(earlier, first)) return false;
    }
    return true;
}

const command *command_find(char **words, int count, int *used, bool *a_family) {
    *a_family = false;
    for (size_t i = 0; i < commands_count; i++) {
        char        first[32];
        const char *second = command_family(commands[i], first);
        if (strcmp(first, words[0])) continue;
        *used = second ? 2 : 1;
        if (!second || (count > 1 && !strcmp(second, words[1]))) return commands[i];
        *a_family = true;
    }
    return NULL;
}

int command_unknown(const char *word, const char *of) {
    const char *names[COMMANDS_MAX];
    char        firsts[COMMANDS_MAX][32];
    size_t      count = 0;
    for (size_t i = 0; i < commands_count; i++) {
        const char *second = command_family(commands[i], firsts[i]);
        if (!of) names[count++] = firsts[i];
        else if (second && !strcmp(firsts[i], of)) names[count++] = second;
    }
    const char *near = nearest_word(word, names, count), *family = of ? of : "", *space = of ? " " : "";
    if (near)
        return support_usage("unknown command %s%s%s; did you mean %s%s%s?", family, space, word, family, space, near);
    return support_usage("unknown command %s%s%s; canto help%s%s lists them", family, space, word, space, family);
}

static int run(const command *one, int argc, char **argv) {
    option_set options;
    int        code = WRONG_USAGE;
    terminal_open(one->name, false);
    if (options_parse(&options, one->groups, argc, argv)) {
        terminal_set_quiet(options_flag(&options, "quiet"));
        if (options.help) {
            help_command(stdout, one);
            code = DONE;
        } else code = one->run(&options);
    }
    if (code == FAILED && support_interrupted()) code = INTERRUPTED;
    options_free(&options);
    return code;
}

static bool asks_for_help(const char *word) { return !strcmp(word, "--help") || !strcmp(word, "-h"); }

static int dispatch(int argc, char **argv) {
    int  used;
    bool a_family;
    if (argc < 2) {
        help_overview(stderr);
        return WRONG_USAGE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("canto %s\n", canto_version());
        return DONE;
    }
    if (asks_for_help(argv[1])) return run(&command_help, argc - 1, argv + 1);
    if (argv[1][0] == '-') return support_usage("unknown option %s; options stand after the command", argv[1]);
    const command *one = command_find(argv + 1, argc - 1, &used, &a_family);
    if (one) return run(one, argc - used, argv + used);
    if (!a_family) return command_unknown(argv[1], NULL);
    if (argc > 2 && !asks_for_help(argv[2])) return command_unknown(argv[2], argv[1]);
    help_family(argc > 2 ? stdout : stderr, argv[1]);
    return argc > 2 ? DONE : WRONG_USAGE;
}

/* Without this a file that is opened could become a closed standard stream, and receive what is meant for it. A closed
 * standard output stays one that cannot be written, so that it is noticed. */
static bool streams_are_open(void) {
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
        if (fcntl(stream, F_GETFD) != -1) continue;
        if (open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY) != stream) return false;
    }
    return true;
}

int main(int argc, char **argv) {
    if (!streams_are_open()) return FAILED;
    terminal_open(NULL, false);
    support_leave_on_interrupts();
    int code = dispatch(argc, argv);
    terminal_clear();
    if (fflush(stdout) || ferror(stdout)) {
        terminal_error("standard output cannot be written");
        if (code == DONE) code = FAILED;
    }
    return code;
}
