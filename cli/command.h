/* command.h - what a command is, and what all of them share: a context, exit codes, interruption, JSON, texts.
 *
 * A command is added in three places: its `const command` in a file of its own, its declaration here, its line in the
 * table of main.c. From these tables come parsing, suggestions, help, man pages, shell completion and the tests that go
 * over all commands: nothing of a command or an option is written down a second time.
 *   - Its groups end with {"Common", common_entries}; the kind of an entry (options.h) says how its value is completed.
 *   - Its examples are run by tests/cli/test_contract.sh, in table order, in a folder with the texts book.txt, poem.txt
 *     and other.txt; `run` is what train's first example makes. */
#ifndef CANTO_CLI_COMMAND_H
#define CANTO_CLI_COMMAND_H

#include <canto.h>

#include "options.h"
#include "terminal.h"

enum { DONE = 0, FAILED = 1, WRONG_USAGE = 2, INTERRUPTED = 130 };

typedef enum operands { OPERANDS_PATHS, OPERANDS_COMMANDS, OPERANDS_NONE } operands;

typedef struct command {
    const char         *name;     /* "train", "tokenizer encode" */
    const char         *operands; /* for the usage line */
    const char         *about;    /* one phrase: lower case at its beginning, no full stop */
    const char         *details;  /* what the help says below the examples, or NULL: a paragraph a line */
    const option_group *groups;
    int (*run)(option_set *options); /* returns the exit code */
    const char        *section;      /* the title under which canto help lists it */
    const char *const *examples;     /* a command line, what it does, ..., NULL */
    operands           completes;    /* what a shell offers for an operand */
} command;

extern const command command_train, command_plan, command_generate, command_eval, command_inspect, command_convert,
    command_quantize, command_attention, command_tokenizer_train, command_tokenizer_encode, command_tokenizer_decode,
    command_tokenizer_info, command_tokenizer_compare, command_tokenizer_save, command_data_prepare,
    command_bench_train, command_bench_tokenize, command_bench_decode, command_bench_prompt, command_plot,
    command_sweep, command_doctor, command_help;

/* The table of main.c; COMMANDS_MAX is room enough for it. */
#define COMMANDS_MAX 48
extern const command *const commands[];
extern const size_t         commands_count;

/* The command named by words[0] and perhaps words[1]; *used says how many words. When there is none: *a_family is
 * true if words[0] begins the names of some. */
const command *command_find(char **words, int count, int *used, bool *a_family);
/* Says that there is no such command (of a family, or NULL), suggests the nearest one, returns WRONG_USAGE. */
int command_unknown(const char *word, const char *of);
/* The first word of a command's name in first, and what follows it or NULL: "tokenizer encode" is a family's member. */
const char *command_family(const command *one, char first[32]);
/* Whether first is the first word of no earlier command: so every family is met once. */
bool command_begins(size_t index, char first[32]);

/* --threads, --seed, --quiet, --json: every command has them. */
extern const option_entry common_entries[];
/* --invalid: commands that read texts or prompts have it, and support_context heeds it. */
extern const option_entry text_entries[];

/* --heads, --map: commands that open a MODEL have them, and support_model heeds them. */
extern const option_entry weights_entries[];

/* Opens a context as the options and CANTO_CPU say; says what is wrong and returns NULL. */
canto_context *support_context(const option_set *options);
/* The same without the library's messages and warnings. */
canto_context *support_context_silent(const option_set *options);
/* Says how far a work is, once it has taken a second: what is done, and which share (0 .. 1) of it. The library's own
 * works do so through every context. */
void support_progress(const char *what, double share);
/* True when the status is CANTO_OK; otherwise its text goes to standard error. */
bool support_good(canto_status status);
/* Opens a model as the options say of its weights. */
bool support_model(canto_context *context, const option_set *options, const char *path, canto_model **model);
/* The exit code of wrong operands, after a line saying so and where the help is. */
int support_usage(const char *form, ...) TERMINAL_PRINTF(1, 2);

/* Ctrl-C, SIGTERM and a terminal that is closed leave at once with exit code 130: main says so before all commands. */
void support_leave_on_interrupts(void);
/* From here the first of them only sets a flag, which the context's progress callback obeys too; the second leaves. A
 * command that failed because of it ends with 130. */
void support_catch_interrupts(void);
bool support_interrupted(void);
/* From here a reader of standard output that goes away ends nothing: for work whose result is a folder. */
void support_outlive_readers(void);

/* Everything that can be read from a file (NULL: standard input), with a zero byte after it; release with free. */
bool support_read(const char *path, char **text, size_t *bytes);
/* The text of --prompt, or standard input without its last newline, or nothing: *bytes is 0. *owned is to be freed. */
bool support_prompt(const option_set *options, const char **prompt, size_t *bytes, char **owned);
/* Creates a folder and its parents; an existing one is fine. */
bool support_make_folder(const char *path);

/* The kind that new tokenizers are of unless the user or a preset's source wants another. */
#define SUPPORT_KIND "bpe"
/* Whether it is char, byte, word, bpe or bpe:SIZE: a tokenizer to be made of the texts. */
bool support_is_kind(const char *name);
/* The same; fills wanted in, with the options that shape a new tokenizer. */
bool support_kind(const option_set *options, const char *kind, canto_tokenizer_options *wanted);
/* char|byte|word|bpe:SIZE|FOLDER: a tokenizer of that kind trained on the texts, or one read from a folder or a file. */
bool support_tokenizer(canto_context *context, const option_set *options, const char *kind, char **texts, size_t count,
                       canto_tokenizer **tokenizer);
/* Reads a tokenizer of a file, a model folder or a run folder (its best checkpoint, else its last). */
bool support_tokenizer_open(canto_context *context, const char *path, canto_tokenizer **tokenizer);

/* True when name is no file but the name of a known vocabulary: gpt2, p50k, ... */
bool vocabulary_named(const char *name);
/* The file of a vocabulary known by name; says what to get and where to put it when it is missing. */
bool vocabulary_path(const char *name, char path[4200]);
/* Whether the files are token files; says what is wrong when some of them alone are. */
bool support_texts(char **texts, size_t count, bool *prepared);
/* The tokens of text files, or of token files that this tokenizer made. */
bool support_data(canto_context *context, const canto_tokenizer *tokenizer, char **texts, size_t count,
                  canto_data **data);

/* A JSON string of UTF-8; bytes that are not UTF-8 become U+FFFD. A number; null when it is not finite. */
json_t *json_text(const char *text, size_t bytes);
json_t *json_number(double x);
json_t *json_whole(uint64_t n);
/* Prints a value on one line of standard output, flushes and releases it. */
void json_print(json_t *value);

#endif
