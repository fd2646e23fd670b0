/* manual.c - man pages (the language of groff_man(7)) from the tables of commands and options. Source lines stay below
 * 80 bytes and none begins with a full stop or an apostrophe of the text's own: mandoc -T lint finds nothing. */
#include "help.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WIDTH = 78 };

/* One byte of text as roff has it; *column counts the bytes of the source line. */
static void letter(FILE *file, char c, int *column) {
    if (c == '\\') *column += fprintf(file, "\\e");
    else if (c == '-') *column += fprintf(file, "\\-"); /* an ASCII minus, so that options can be copied */
    else if ((c == '.' || c == '\'') && !*column) *column += fprintf(file, "\\&%c", c);
    else *column += fprintf(file, "%c", c);
}

/* The bytes of the source that a word takes at most. */
static int room_of(const char *word, int bytes) {
    int room = 2;
    for (int i = 0; i < bytes; i++) room += word[i] == '\\' || word[i] == '-' ? 2 : 1;
    return room;
}

/* Text that is filled into lines by the reader of the page. */
static void filled(FILE *file, const char *text) {
    int column = 0;
    while (*text) {
        int bytes = (int)strcspn(text, " ");
        if (column && column + 1 + room_of(text, bytes) > WIDTH) fputc('\n', file), column = 0;
        if (column) column += fprintf(file, " ");
        for (int i = 0; i < bytes; i++) letter(file, text[i], &column);
        text += bytes;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

/* Text in a font of its own ('B' or 'I') within a line. */
static void in_font(FILE *file, char font, const char *text) {
    int column = 1;
    fprintf(file, "\\f%c", font);
    while (*text) letter(file, *text++, &column);
    fputs("\\fR", file);
}

/* As it stands, a line of an example. */
static void verbatim(FILE *file, const char *text) {
    int column = 0;
    fputs(".PP\n.RS 4\n.nf\n", file);
    while (*text) letter(file, *text++, &column);
    fputs("\n.fi\n.RE\n", file);
}

/* A paragraph a line; one that begins with a blank is an example. */
static void paragraphs(FILE *file, const char *text) {
    char line[1024];
    while (*text) {
        size_t bytes = strcspn(text, "\n"), kept = bytes < sizeof line ? bytes : sizeof line - 1;
        memcpy(line, text, kept);
        line[kept] = 0;
        if (*line == ' ') verbatim(file, line + strspn(line, " "));
        else if (*line) {
            fputs(".PP\n", file);
            filled(file, line);
        }
        text += bytes + (text[bytes] == '\n');
    }
}

/* "canto-tokenizer-encode" */
static const char *page_name(const command *one, char out[64]) {
    snprintf(out, 64, "canto%s%s", one ? "-" : "", one ? one->name : "");
    for (char *c = out; *c; c++)
        if (*c == ' ') *c = '-';
    return out;
}

/* The day that SOURCE_DATE_EPOCH names, for builds that are to come out the same; otherwise this one. */
static void print_title(FILE *file, const command *one) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t      now = epoch && *epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm  *day = gmtime(&now);
    char        name[64], date[32] = "1970-01-01";
    if (day) strftime(date, sizeof date, "%Y-%m-%d", day);
    page_name(one, name);
    for (char *c = name; *c; c++) *c = (char)toupper((unsigned char)*c);
    fprintf(file, ".\\\" Made by canto help --files from the program's own tables.\n.TH ");
    for (char *c = name; *c; c++) fprintf(file, *c == '-' ? "\\-" : "%c", *c);
    fprintf(file, " 1 %s \"canto %s\" \"User commands\"\n.nh\n.ad l\n.SH NAME\n", date, canto_version());
    for (const char *c = page_name(one, name); *c; c++) fprintf(file, *c == '-' ? "\\-" : "%c", *c);
    fputs(" \\- ", file);
    filled(file, one ? one->about : "train GPT language models, let them write, look inside");
}

static void print_environment(FILE *file) {
    fputs(".SH ENVIRONMENT\n", file);
    for (size_t i = 0; help_environment[i]; i += 2) {
        fputs(".TP\n", file);
        in_font(file, 'B', help_environment[i]);
        fputc('\n', file);
        filled(file, help_environment[i + 1]);
    }
}

static void print_status(FILE *file) {
    static const char *const codes[] = {"0", "done", "1", "failed", "2", "wrong usage", "130", "interrupted", NULL};
    fputs(".SH EXIT STATUS\n", file);
    for (size_t i = 0; codes[i]; i += 2) fprintf(file, ".TP\n\\fB%s\\fR\n%s\n", codes[i], codes[i + 1]);
}

static void print_example(FILE *file, const char *line, const char *about, bool first) {
    char sentence[256];
    if (!first) fputs(".PP\n", file); /* a section begins with a paragraph anyway */
    filled(file, help_sentence(about, sentence, sizeof sentence));
    verbatim(file, line);
}

static void print_option(FILE *file, const option_entry *entry) {
    char        name[96];
    const char *value = option_value_name(entry);
    fputs(".TP\n", file);
    if (entry->letter) {
        snprintf(name, sizeof name, "-%c", entry->letter);
        in_font(file, 'B', name);
        fputs(", ", file);
    }
    snprintf(name, sizeof name, "--%s", entry->name);
    in_font(file, 'B', name);
    if (*value) {
        fputc(' ', file);
        in_font(file, 'I', value);
    }
    fputc('\n', file);
    filled(file, entry->about);
}

static void print_command_page(FILE *file, const command *one) {
    char usage[512];
    fputs(".SH SYNOPSIS\n", file);
    snprintf(usage, sizeof usage, "canto %s", one->name);
    in_font(file, 'B', usage);
    fputc('\n', file);
    filled(file, one->operands);
    fputs(".SH DESCRIPTION\n", file);
    filled(file, help_sentence(one->about, usage, sizeof usage));
    if (one->details) paragraphs(file, one->details);
    fputs(".SH OPTIONS\n", file);
    for (const option_group *group = one->groups; group->title; group++) {
        fprintf(file, ".SS %s\n", group->title);
        for (const option_entry *entry = group->entries; entry->name; entry++) print_option(file, entry);
    }
    fputs(".SH EXAMPLES\n", file);
    for (size_t i = 0; one->examples && one->examples[i]; i += 2)
        print_example(file, one->examples[i], one->examples[i + 1], !i);
    print_status(file);
    print_environment(file);
    fputs(".SH SEE ALSO\n.BR canto (1)\n", file);
}

static void print_main_page(FILE *file) {
    char name[64];
    fputs(".SH SYNOPSIS\n\\fBcanto\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n.br\n"
          "\\fBcanto help\\fR [\\fICOMMAND\\fR]\n.br\n\\fBcanto \\-\\-version\\fR\n.SH DESCRIPTION\n",
          file);
    filled(file,
           "canto trains GPT language models from scratch on this machine's processor, lets them write, and shows "
           "what is inside them.");
    paragraphs(
        file, "MODEL is a model folder (canto's, or Hugging Face's of GPT-2 or GPT-Neo), a run folder (its best "
              "checkpoint), a "
              "checkpoint, or a file of weights (.safetensors, .pt, .pth, .bin); RUN is the folder that "
              "canto train makes; TEXT is a file of UTF-8 text.\n"
              "An option's value follows as --name VALUE or --name=VALUE, and -- ends the options. The beginning of an "
              "option's name will do when no other option begins so.\n"
              "Results go to standard output, messages and progress to standard error.\n");
    for (size_t i = 0; i < commands_count; i++) {
        const char *section = help_section_begun(i);
        if (!section) continue;
        fprintf(file, i ? ".SS %s\n" : ".SH COMMANDS\n.SS %s\n", section);
        for (size_t j = i; j < commands_count; j++) {
            if (strcmp(commands[j]->section, section)) continue;
            fputs(".TP\n", file);
            in_font(file, 'B', commands[j]->name);
            fputc('\n', file);
            filled(file, commands[j]->about);
        }
    }
    fputs(".SH EXAMPLES\n", file);
    print_example(file, "canto train book.txt -o run --max-time 5", "learn from a text of yours for five minutes",
                  true);
    print_example(file, "canto generate run -p \"It was\"", "let the model write", false);
    print_example(file, "canto inspect run", "see what it consists of", false);
    print_status(file);
    print_environment(file);
    fputs(".SH FILES\n", file);
    static const char *const files[] = {
        "RUN/run.json",
        "every setting of the run, enough to repeat it",
        "RUN/metrics.csv",
        "the losses, step by step",
        "RUN/samples.txt",
        "what the model wrote on the way",
        "RUN/step-00000200/",
        "a checkpoint: a model folder with tokenizer, and what training needs to go on",
        "RUN/best, RUN/last",
        "links to two of the checkpoints",
        NULL,
    };
    for (size_t i = 0; files[i]; i += 2) {
        fputs(".TP\n", file);
        in_font(file, 'I', files[i]);
        fputc('\n', file);
        filled(file, files[i + 1]);
    }
    fputs(".SH SEE ALSO\n", file);
    for (size_t i = 0; i < commands_count; i++) {
        fputs(".BR ", file);
        for (const char *c = page_name(commands[i], name); *c; c++) fprintf(file, *c == '-' ? "\\-" : "%c", *c);
        fprintf(file, " (1)%s\n", i + 1 < commands_count ? "," : "");
    }
}

void manual_print(FILE *file, const command *one) {
    print_title(file, one);
    if (one) print_command_page(file, one);
    else print_main_page(file);
}
