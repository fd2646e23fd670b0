/* options.h - one table of options per command. The same table parses the command line (getopt_long), suggests the
 * nearest name for a mistyped one, writes the record of a run, and makes the help, the man page (manual.c) and what
 * shells complete (completion.c). An option is added by one line in a table, and nowhere else.
 *
 *     option_set set;
 *     int        code = options_parse(&set, groups, argc, argv);  // the operands are set.operands[0 .. set.count)
 *     options_int32(&set, "width", &config.width);                // written only when the option was given
 *     options_free(&set);
 */
#ifndef CANTO_CLI_OPTIONS_H
#define CANTO_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

typedef enum option_kind {
    OPTION_FLAG,    /* takes no value */
    OPTION_SWITCH,  /* on|off */
    OPTION_INTEGER, /* low .. high */
    OPTION_REAL,    /* low .. high */
    OPTION_PAIR,    /* two reals with a comma between them, each low .. high */
    OPTION_CHOICE,  /* one of value's words, which | separates */
    OPTION_TEXTS,   /* anything, and it may be given several times */
    OPTION_TEXT,    /* anything; the kinds below too, but shells know what to offer */
    OPTION_FILE,    /* a path to a file */
    OPTION_FOLDER,  /* a path to a folder */
    OPTION_PATH,    /* a path to either; value may also be words: "char|byte|PATH" */
    OPTION_PRESET   /* the name of a preset */
} option_kind;

typedef struct option_entry {
    const char *name;   /* without the dashes; NULL ends a table */
    char        letter; /* its one-letter form, or 0 */
    option_kind kind;
    const char *value; /* what the help calls its value; NULL for a flag and a switch */
    const char *about; /* what it does, lower case at its beginning, and its default: "(default: 200)" */
    double      low, high;
} option_entry;

typedef struct option_group {
    const char         *title;
    const option_entry *entries;
} option_group;

typedef struct option_value {
    bool                given;
    const option_entry *entry;
    char               *text;    /* as it was written; TEXTS: one after the other, each ended by a zero byte */
    size_t              bytes;   /* of text, its last zero byte included */
    int64_t             integer; /* also 1 and 0 of a switch, and the number of a choice's word */
    double              real[2];
} option_value;

#define OPTIONS_MAX 112

typedef struct option_set {
    size_t       total;
    option_value values[OPTIONS_MAX];
    char       **operands;
    size_t       count;
    bool         help;           /* --help or -h: every command has it */
    char       **owned_operands; /* operands that a --config file gave */
} option_set;

/* Parses argv[1 .. argc): groups ends with a NULL title. Says on standard error what is wrong and returns false.
 * The set is to be freed in either case. */
bool options_parse(option_set *set, const option_group *groups, int argc, char **argv);
/* An empty set of a table, to be filled by the two that follow. */
void options_begin(option_set *set, const option_group *groups);
/* Gives an option this value in place of what it had; one that may be given several times has it besides. A flag takes on and
 * off. Says what is wrong: an unknown name, a value that does not fit. */
bool options_set(option_set *set, const char *name, const char *text);
/* The same with everything that from gives and set's table has. */
bool options_copy(option_set *set, const option_set *from);
/* As if it had not been given. The name must be in the table. */
void options_unset(option_set *set, const char *name);
/* Takes the options of a JSON file that the command line did not give; "texts" become operands if there are none. */
bool options_read_config(option_set *set, const char *path);
/* The same of an object that was read from path. */
bool options_take(option_set *set, const json_t *object, const char *path);
void options_free(option_set *set);
/* As if it had not been given. The name must be in the table. */
void options_forget(option_set *set, const char *name);

/* Whether the table has an option of this name, and whether it is of this kind. */
bool options_know(const option_set *set, const char *name);
bool options_is(const option_set *set, const char *name, option_kind kind);
/* Each writes *value only when the option was given, and says whether it was. The name must be in the table. */
bool        options_given(const option_set *set, const char *name);
bool        options_int32(const option_set *set, const char *name, int32_t *value);
bool        options_int64(const option_set *set, const char *name, int64_t *value);
bool        options_real(const option_set *set, const char *name, double *value);
bool        options_pair(const option_set *set, const char *name, double *first, double *second);
bool        options_switch(const option_set *set, const char *name, bool *value);
bool        options_choice(const option_set *set, const char *name, int *index);
const char *options_text(const option_set *set, const char *name, const char *otherwise);
/* Number index of an option that may be given several times; NULL past the last. */
const char *options_text_at(const option_set *set, const char *name, size_t index);
/* A flag, or a switch whose value without the option is false. A name that the table lacks is false too. */
bool options_flag(const option_set *set, const char *name);

/* {option: value, ..., "texts": [operands]} of everything given; the caller's. NULL when memory ran out. */
json_t *options_record(const option_set *set);

/* What the help calls an entry's value: "", "on|off", "N", "pre|post|none". */
const char *option_value_name(const option_entry *entry);
/* The next word that can be typed as the value of a choice, or NULL: *rest begins as option_value_name. Words with
 * capital letters (PATH, bpe:SIZE) stand for others and are left out. */
const char *option_next_choice(const char **rest, char word[48]);

/* The candidate nearest to word (a transposition counts as one change), or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
