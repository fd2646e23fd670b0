/* help.c - canto help: what people read on the terminal, the tables as JSON, and the files that an installation brings
 * along. Every line is at most 80 columns wide; tables are ASCII, so a byte is a column. */
#include "help.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80, COLUMN = 30 };

const char *const help_environment[] = {
    "CANTO_CPU",
    "the kernels to compute with: portable, avx2, avx512 or neon (default: the best; canto doctor lists them)",
    "NO_COLOR",
    "when set and not empty, messages have no colours",
    "TERM",
    "when it is dumb or not set, progress is plain lines rather than one line that is rewritten",
    NULL,
};

/* ------------------------------------------------------------------------------------------------- pieces */

/* Prints words from column at on, breaking lines before WIDTH; further lines begin at column indent. */
static void wrapped(FILE *file, const char *text, int at, int indent) {
    bool fresh = true; /* nothing stands on this line yet that a blank must part from */
    while (*text) {
        int bytes = (int)strcspn(text, " ");
        if (!fresh && at + 1 + bytes > WIDTH) {
            fprintf(file, "\n%*s", indent, "");
            at = indent;
            fresh = true;
        }
        at += fprintf(file, "%s%.*s", fresh ? "" : " ", bytes, text);
        fresh = false;
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

/* A name at the left, and what it means from column on. */
static void named(FILE *file, const char *name, int column, const char *about) {
    int at = fprintf(file, "  %s", name);
    if (at + 2 > column) fputc('\n', file), at = 0;
    fprintf(file, "%*s", column - at, "");
    wrapped(file, about, column, column);
}

/* A paragraph a line; a line that begins with a blank is printed as it is. */
static void paragraphs(FILE *file, const char *text) {
    char line[1024];
    while (*text) {
        size_t bytes = strcspn(text, "\n");
        size_t kept = bytes < sizeof line ? bytes : sizeof line - 1;
        memcpy(line, text, kept);
        line[kept] = 0;
        if (*line == ' ') fprintf(file, "%s\n", line);
        else wrapped(file, line, 0, 0);
        text += bytes + (text[bytes] == '\n');
    }
}

const char *help_sentence(const char *phrase, char *out, size_t bytes) {
    snprintf(out, bytes, "%s.", phrase);
    *out = (char)toupper((unsigned char)*out);
    return out;
}

const char *help_section_begun(size_t index) {
    for (size_t i = 0; i < index; i++)
        if (!strcmp(commands[i]->section, commands[index]->section)) return NULL;
    return commands[index]->section;
}

/* --------------------------------------------------------------------------------------------- for reading */

void help_overview(FILE *file) {
    fputs("canto trains GPT language models from scratch on this machine's processor, lets\n"
          "them write, and shows what is inside them.\n\n"
          "usage: canto COMMAND [ARGUMENTS] [OPTIONS]\n\n"
          "First use, with any text of yours:\n"
          "  canto train book.txt -o run --max-time 5   learn from it for five minutes\n"
          "  canto generate run -p \"It was\"             let the model write\n"
          "  canto inspect run                          see what it consists of\n",
          file);
    for (size_t i = 0; i < commands_count; i++) {
        const char *section = help_section_begun(i);
        if (!section) continue;
        fprintf(file, "\n%s:\n", section);
        for (size_t j = i; j < commands_count; j++)
            if (!strcmp(commands[j]->section, section)) named(file, commands[j]->name, 21, commands[j]->about);
    }
    fputs("\ncanto help COMMAND (or canto COMMAND --help) tells all about one of them.\n"
          "canto --version says which canto this is.\n\n"
          "Results go to standard output, messages to standard error. Exit status: 0 done,\n"
          "1 failed, 2 wrong usage, 130 interrupted.\n\nEnvironment:\n",
          file);
    for (size_t i = 0; help_environment[i]; i += 2) named(file, help_environment[i], 21, help_environment[i + 1]);
}

void help_family(FILE *file, const char *name) {
    char first[32];
    fprintf(file, "usage: canto %s COMMAND [ARGUMENTS] [OPTIONS]\n\n", name);
    for (size_t i = 0; i < commands_count; i++)
        if (command_family(commands[i], first) && !strcmp(first, name))
            named(file, commands[i]->name, 21, commands[i]->about);
    fprintf(file, "\ncanto help %s COMMAND tells all about one of them.\n", name);
}

static void print_options(FILE *file, const option_group *groups) {
    for (; groups->title; groups++) {
        fprintf(file, "\n%s:\n", groups->title);
        for (const option_entry *entry = groups->entries; entry->name; entry++) {
            char        name[160];
            const char *value = option_value_name(entry);
            snprintf(name, sizeof name, "%c%c%c --%s%s%s", entry->letter ? '-' : ' ',
                     entry->letter ? entry->letter : ' ', entry->letter ? ',' : ' ', entry->name, *value ? " " : "",
                     value);
            named(file, name, COLUMN, entry->about);
        }
    }
}

void help_command(FILE *file, const command *one) {
    char sentence[256], usage[256];
    wrapped(file, help_sentence(one->about, sentence, sizeof sentence), 0, 0);
    fputs("\nusage: ", file);
    snprintf(usage, sizeof usage, "canto %s %s", one->name, one->operands);
    wrapped(file, usage, 7, 11);
    if (one->examples) fputs("\nexamples:\n", file);
    for (size_t i = 0; one->examples && one->examples[i]; i += 2) {
        fprintf(file, "  %s\n      ", one->examples[i]);
        wrapped(file, one->examples[i + 1], 6, 6);
    }
    if (one->details) {
        fputc('\n', file);
        paragraphs(file, one->details);
    }
    print_options(file, one->groups);
}

/* ---------------------------------------------------------------------------------------------- as JSON */

static json_t *option_json(const option_entry *entry, const char *group) {
    static const char *const kinds[] = {
        [OPTION_FLAG] = "flag", [OPTION_SWITCH] = "switch", [OPTION_INTEGER] = "integer", [OPTION_REAL] = "real",
        [OPTION_PAIR] = "pair", [OPTION_CHOICE] = "choice", [OPTION_TEXT] = "text",       [OPTION_TEXTS] = "texts",
        [OPTION_FILE] = "file", [OPTION_FOLDER] = "folder", [OPTION_PATH] = "path",       [OPTION_PRESET] = "preset"};
    char        letter[2] = {entry->letter, 0}, word[48];
    json_t     *o = json_object(), *choices = json_array();
    const char *value = option_value_name(entry), *rest = value;
    while ((entry->kind == OPTION_CHOICE || entry->kind == OPTION_PATH || entry->kind == OPTION_SWITCH) &&
           option_next_choice(&rest, word))
        json_array_append_new(choices, json_string(word));
    json_object_set_new(o, "name", json_string(entry->name));
    json_object_set_new(o, "letter", *letter ? json_string(letter) : json_null());
    json_object_set_new(o, "kind", json_string(kinds[entry->kind]));
    json_object_set_new(o, "value", *value ? json_string(value) : json_null());
    json_object_set_new(o, "choices", choices);
    json_object_set_new(o, "about", json_string(entry->about));
    json_object_set_new(o, "group", json_string(group));
    return o;
}

static json_t *command_json(const command *one) {
    json_t *o = json_object(), *options = json_array(), *examples = json_array();
    for (const option_group *group = one->groups; group->title; group++)
        for (const option_entry *entry = group->entries; entry->name; entry++)
            json_array_append_new(options, option_json(entry, group->title));
    for (size_t i = 0; one->examples && one->examples[i]; i += 2) {
        json_t *example = json_object();
        json_object_set_new(example, "command", json_string(one->examples[i]));
        json_object_set_new(example, "about", json_string(one->examples[i + 1]));
        json_array_append_new(examples, example);
    }
    json_object_set_new(o, "name", json_string(one->name));
    json_object_set_new(o, "section", json_string(one->section));
    json_object_set_new(o, "operands", json_string(one->operands));
    json_object_set_new(o, "about", json_string(one->about));
    json_object_set_new(o, "details", one->details ? json_string(one->details) : json_null());
    json_object_set_new(o, "examples", examples);
    json_object_set_new(o, "options", options);
    return o;
}

/* One command, or those of a family, or all when both are NULL. */
static void print_tables(const command *only, const char *family) {
    char    first[32];
    json_t *o = json_object(), *all = json_array();
    if (only) {
        json_decref(o);
        json_decref(all);
        json_print(command_json(only));
        return;
    }
    for (size_t i = 0; i < commands_count; i++) {
        command_family(commands[i], first);
        if (!family || !strcmp(first, family)) json_array_append_new(all, command_json(commands[i]));
    }
    json_object_set_new(o, "version", json_string(canto_version()));
    json_object_set_new(o, "commands", all);
    json_print(o);
}

/* ------------------------------------------------------------------------------- files of an installation */

/* Writes FOLDER/PATH (its folder too): a shell's completion, or the page of a command or of canto itself. Its path is
 * added to written. */
static bool write_file(const char *folder, const char *path, const char *shell, const command *one, json_t *written) {
    char whole[4400];
    if (snprintf(whole, sizeof whole, "%s/%s", folder, path) >= (int)sizeof whole) {
        terminal_error("%.40s...: the path is too long", folder);
        return false;
    }
    char *end = strrchr(whole, '/');
    *end = 0;
    if (!support_make_folder(whole)) return false;
    *end = '/';
    FILE *file = fopen(whole, "w");
    if (file && shell) completion_print(file, shell);
    else if (file) manual_print(file, one);
    bool bad = !file || ferror(file);
    if (file && fclose(file)) bad = true;
    if (bad) terminal_error("%s: %s", whole, strerror(errno));
    json_array_append_new(written, json_text(whole, strlen(whole)));
    return !bad;
}

static bool write_files(const char *folder, bool json) {
    json_t *written = json_array();
    bool    good = write_file(folder, "man/man1/canto.1", NULL, NULL, written) &&
                write_file(folder, "bash-completion/completions/canto", "bash", NULL, written) &&
                write_file(folder, "zsh/site-functions/_canto", "zsh", NULL, written) &&
                write_file(folder, "fish/vendor_completions.d/canto.fish", "fish", NULL, written);
    for (size_t i = 0; good && i < commands_count; i++) {
        char path[128];
        int  bytes = snprintf(path, sizeof path, "man/man1/canto-%s.1", commands[i]->name);
        for (int j = 0; j < bytes; j++)
            if (path[j] == ' ') path[j] = '-';
        good = write_file(folder, path, NULL, commands[i], written);
    }
    if (good && json) json_print(written);
    else json_decref(written);
    return good;
}

/* ------------------------------------------------------------------------------------------------ command */

static const option_entry entries[] = {
    {"man", 0, OPTION_FLAG, NULL, "the manual page instead, for man -l", 0, 0},
    {"complete", 0, OPTION_CHOICE, "bash|zsh|fish", "print what lets this shell complete canto's words", 0, 0},
    {"files", 0, OPTION_FOLDER, "FOLDER", "write all manual pages and completions below this folder", 0, 0},
    {0},
};

static const option_group groups[] = {{"Other forms", entries}, {"Common", common_entries}, {0}};

/* A completion script, or a page when shell is NULL, with --json as the text of an object. */
static int print_form(const char *shell, const command *one, bool json) {
    char  *text = NULL;
    size_t bytes = 0;
    FILE  *file = open_memstream(&text, &bytes);
    if (file && shell) completion_print(file, shell);
    else if (file) manual_print(file, one);
    bool bad = !file || ferror(file);
    if (file && fclose(file)) bad = true;
    if (bad) terminal_error("out of memory");
    else if (json) {
        json_t *o = json_object();
        json_object_set_new(o, shell ? "script" : "page", json_text(text, bytes));
        json_print(o);
    } else fwrite(text, 1, bytes, stdout);
    free(text);
    return bad ? FAILED : DONE;
}

static int run_help(option_set *options) {
    const char    *files = options_text(options, "files", NULL), *shell = options_text(options, "complete", NULL);
    int            used = 0;
    bool           a_family = false, json = options_flag(options, "json");
    const command *one = NULL;
    if (shell) return print_form(shell, NULL, json);
    if (files) return write_files(files, json) ? DONE : FAILED;
    if (options->count) {
        char **words = options->operands;
        one = command_find(words, (int)options->count, &used, &a_family);
        if (!one && (!a_family || options->count > 1))
            return command_unknown(words[a_family], a_family ? *words : NULL);
        if (one && options->count > (size_t)used) return support_usage("one command: canto help %s", one->name);
    }
    if (options_flag(options, "man")) return print_form(NULL, one, json);
    if (json) print_tables(one, a_family ? options->operands[0] : NULL);
    else if (one) help_command(stdout, one);
    else if (a_family) help_family(stdout, options->operands[0]);
    else help_overview(stdout);
    return DONE;
}

static const char *const examples[] = {
    "canto help train",
    "every option of one command",
    "canto help tokenizer",
    "the commands of a family",
    "canto help --complete bash",
    "a script: source <(canto help --complete bash) lets bash complete commands, options and their values",
    NULL,
};

const command command_help = {
    .name = "help",
    .operands = "[COMMAND] [OPTIONS]",
    .about = "tell about canto or one of its commands",
    .details = "make install puts the manual pages (man canto, man canto-train) and the completions for bash, zsh and "
               "fish where the shells look for them. --json prints the tables of commands and options.\n",
    .groups = groups,
    .run = run_help,
    .section = "This program",
    .examples = examples,
    .completes = OPERANDS_COMMANDS,
};
