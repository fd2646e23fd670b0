/* main.c - the table of commands, help and versions. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const command *const commands[] = {
    &command_train,
    &command_generate,
    &command_eval,
    &command_inspect,
    &command_tokenizer_train,
    &command_tokenizer_encode,
    &command_tokenizer_decode,
    &command_tokenizer_info,
    &command_data_prepare,
    &command_bench_train,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* The first word of a command's name, and what follows it or NULL: "tokenizer encode" is a family's member. */
static const char *family(const command *one, char first[32], size_t *bytes) {
    *bytes = strcspn(one->name, " ");
    memcpy(first, one->name, *bytes);
    first[*bytes] = 0;
    return one->name[*bytes] ? one->name + *bytes + 1 : NULL;
}

static void print_overview(FILE *file) {
    fputs("canto trains GPT language models from texts, and lets them write.\n\n"
          "usage: canto COMMAND [ARGUMENTS] [OPTIONS]\n\n",
          file);
    for (size_t i = 0; i < COMMANDS; i++) fprintf(file, "  %-18s %s\n", commands[i]->name, commands[i]->about);
    fputs("\n  canto help COMMAND   all about one of them\n  canto --version      which canto this is\n\n"
          "A first model:\n  canto train TEXT.txt -o RUN --steps 500\n  canto generate RUN -p \"Once\"\n",
          file);
}

static void print_command(FILE *file, const command *one) {
    fprintf(file, "canto %s: %s\n\nusage: canto %s %s\n", one->name, one->about, one->name, one->operands);
    if (one->details) fprintf(file, "\n%s", one->details);
    options_help(file, one->groups);
}

static void print_family(FILE *file, const char *name) {
    char   first[32];
    size_t bytes;
    fprintf(file, "usage: canto %s COMMAND ...\n\n", name);
    for (size_t i = 0; i < COMMANDS; i++)
        if (family(commands[i], first, &bytes) && !strcmp(first, name))
            fprintf(file, "  %-18s %s\n", commands[i]->name, commands[i]->about);
    fprintf(file, "\n  canto help %s COMMAND   all about one of them\n", name);
}

/* The command named by words[0] and perhaps words[1]; *used says how many words. When there is none: *a_family is
 * true if words[0] begins the names of some. */
static const command *find_command(char **words, int count, int *used, bool *a_family) {
    *a_family = false;
    for (size_t i = 0; i < COMMANDS; i++) {
        char        first[32];
        size_t      bytes;
        const char *second = family(commands[i], first, &bytes);
        if (strcmp(first, words[0])) continue;
        *used = second ? 2 : 1;
        if (!second || (count > 1 && !strcmp(second, words[1]))) return commands[i];
        *a_family = true;
    }
    return NULL;
}

static int unknown_command(const char *word, const char *of) {
    const char *names[COMMANDS + 1];
    char        firsts[COMMANDS][32];
    size_t      count = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t      bytes;
        const char *second = family(commands[i], firsts[i], &bytes);
        if (!of) names[count++] = firsts[i];
        else if (second && !strcmp(firsts[i], of)) names[count++] = second;
    }
    if (!of) names[count++] = "help";
    const char *near = nearest_word(word, names, count);
    const char *space = of ? " " : "";
    if (near)
        return support_usage("unknown command %s%s%s; did you mean %s%s%s?", of ? of : "", space, word, of ? of : "",
                             space, near);
    return support_usage("unknown command %s%s%s; canto help lists them", of ? of : "", space, word);
}

static int help(char **words, int count) {
    int  used;
    bool a_family;
    if (!count) {
        print_overview(stdout);
        return DONE;
    }
    const command *one = find_command(words, count, &used, &a_family);
    if (one) print_command(stdout, one);
    else if (a_family && count == 1) print_family(stdout, words[0]);
    else return unknown_command(words[a_family ? 1 : 0], a_family ? words[0] : NULL);
    return DONE;
}

static int run(const command *one, int argc, char **argv) {
    option_set options;
    int        code = WRONG_USAGE;
    terminal_open(one->name, false);
    if (options_parse(&options, one->groups, argc, argv)) {
        terminal_set_quiet(options_flag(&options, "quiet"));
        if (options.help) {
            print_command(stdout, one);
            code = DONE;
        } else code = one->run(&options);
    }
    options_free(&options);
    if (code == WRONG_USAGE) fprintf(stderr, "canto help %s tells all about it\n", one->name);
    return code;
}

static int dispatch(int argc, char **argv) {
    int  used;
    bool a_family;
    if (argc < 2) {
        print_overview(stderr);
        return WRONG_USAGE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
        printf("canto %s\n", canto_version());
        return DONE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help(argv + 2, argc - 2);
    if (argv[1][0] == '-') return support_usage("unknown option %s; options stand after the command", argv[1]);
    const command *one = find_command(argv + 1, argc - 1, &used, &a_family);
    if (one) return run(one, argc - used, argv + used);
    if (!a_family) return unknown_command(argv[1], NULL);
    if (argc > 2 && strcmp(argv[2], "--help") && strcmp(argv[2], "-h")) return unknown_command(argv[2], argv[1]);
    print_family(argc > 2 ? stdout : stderr, argv[1]);
    return argc > 2 ? DONE : WRONG_USAGE;
}

int main(int argc, char **argv) {
    terminal_open(NULL, false);
    int code = dispatch(argc, argv);
    terminal_clear();
    if (fflush(stdout) || ferror(stdout)) {
        terminal_error("standard output cannot be written");
        if (code == DONE) code = FAILED;
    }
    return code;
}
