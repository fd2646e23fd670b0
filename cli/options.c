/* options.c - parsing, suggestions and records from one table.
 *
 * Numbers are taken whole or not at all: trailing letters, overflow, NaN and infinity are refused with the option's
 * name and the value as it was written. Unambiguous beginnings of long names are taken, as everywhere in GNU.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { FIRST_LONG = 256, HELP_LONG = FIRST_LONG + OPTIONS_MAX };

/* ------------------------------------------------------------------------------------------- nearest words */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Damerau-Levenshtein distance (adjacent transpositions) of words shorter than 64 bytes. */
static size_t distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n >= 64 || m >= 64) return SIZE_MAX;
    size_t  rows[3][65];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++) last[j] = before[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = smaller(smaller(last[j] + 1, row[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = smaller(best, before[j - 2] + 1);
            row[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[m];
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count) {
    const char *best = NULL;
    size_t      least = 2 + strlen(word) / 5; /* more changes than this are another word */
    if (strlen(word) < 3) least = 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, candidates[i]);
        if (d > least || (best && d == least)) continue;
        best = candidates[i];
        least = d;
    }
    return best;
}

/* ------------------------------------------------------------------------------------------------- values */

static const option_value *find(const option_set *set, const char *name) {
    for (size_t i = 0; i < set->total; i++)
        if (!strcmp(set->values[i].entry->name, name)) return &set->values[i];
    return NULL;
}

static bool parse_integer(const char *text, int64_t *value) {
    size_t digits = strspn(text + (*text == '-' || *text == '+'), "0123456789");
    if (!digits || text[digits + (*text == '-' || *text == '+')]) return false;
    errno = 0;
    long long n = strtoll(text, NULL, 10);
    *value = n;
    return errno == 0;
}

static bool parse_real(const char *text, double *value) {
    if (!*text || text[strspn(text, "0123456789+-.eE")]) return false; /* neither spaces, hex, inf nor nan */
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value) && !(errno == ERANGE && fabs(*value) > 1);
}

/* The number of text among the words of "a|b|c", or -1. */
static int choice_index(const char *words, const char *text) {
    size_t length = strlen(text);
    for (int i = 0; *words; i++) {
        size_t word = strcspn(words, "|");
        if (word == length && !memcmp(words, text, word)) return i;
        words += word;
        if (*words == '|') words++;
    }
    return -1;
}

static void range_error(const option_entry *entry, const char *text) {
    bool whole = entry->kind == OPTION_INTEGER;
    if (entry->high >= 9e15)
        terminal_usage("--%s %s: must be a %s of at least %.10g", entry->name, text, whole ? "whole number" : "number",
                       entry->low);
    else
        terminal_usage("--%s %s: must be a %s from %.10g to %.10g", entry->name, text,
                       whole ? "whole number" : "number", entry->low, entry->high);
}

static void choice_error(const option_entry *entry, const char *text) {
    enum { WORDS = 16 };
    char        words[WORDS][48];
    const char *names[WORDS], *rest = entry->value;
    size_t      count = 0;
    while (count < WORDS && option_next_choice(&rest, words[count])) names[count] = words[count], count++;
    const char *near = nearest_word(text, names, count);
    terminal_usage("--%s %s: must be one of %s%s%s%s", entry->name, text, entry->value, near ? "; did you mean " : "",
                   near ? near : "", near ? "?" : "");
}

/* Whether the real lies in the entry's range. */
static bool within(const option_entry *entry, double x) { return x >= entry->low && x <= entry->high; }

/* Reads text into value by its entry's kind; says what is wrong. */
static bool take(option_value *value, const char *text) {
    const option_entry *entry = value->entry;
    int                 index = 0;
    switch (entry->kind) {
    case OPTION_FLAG:
        value->integer = 1;
        break;
    case OPTION_SWITCH:
        if (strcmp(text, "on") && strcmp(text, "off")) {
            terminal_usage("--%s %s: must be on or off", entry->name, text);
            return false;
        }
        value->integer = !strcmp(text, "on");
        break;
    case OPTION_INTEGER:
        if (!parse_integer(text, &value->integer) || !within(entry, (double)value->integer)) {
            range_error(entry, text);
            return false;
        }
        break;
    case OPTION_REAL:
        if (!parse_real(text, &value->real[0]) || !within(entry, value->real[0])) {
            range_error(entry, text);
            return false;
        }
        break;
    case OPTION_PAIR: {
        char        first[64];
        const char *comma = strchr(text, ',');
        size_t      bytes = comma ? (size_t)(comma - text) : sizeof first;
        if (bytes < sizeof first) {
            memcpy(first, text, bytes);
            first[bytes] = 0;
        }
        if (bytes >= sizeof first || !parse_real(first, &value->real[0]) || !parse_real(comma + 1, &value->real[1]) ||
            !within(entry, value->real[0]) || !within(entry, value->real[1])) {
            terminal_usage("--%s %s: must be two numbers from %.10g to %.10g with a comma between them", entry->name,
                           text, entry->low, entry->high);
            return false;
        }
        break;
    }
    case OPTION_CHOICE:
        index = choice_index(entry->value, text);
        if (index < 0) {
            choice_error(entry, text);
            return false;
        }
        value->integer = index;
        break;
    default: /* the kinds of text: their meaning is the command's */
        break;
    }
    size_t kept = entry->kind == OPTION_TEXTS ? value->bytes : 0, bytes = strlen(text) + 1;
    char  *copy = realloc(value->text, kept + bytes);
    if (!copy) {
        terminal_error("out of memory");
        return false;
    }
    memcpy(copy + kept, text, bytes);
    value->text = copy;
    value->bytes = kept + bytes;
    value->given = true;
    return true;
}

/* ------------------------------------------------------------------------------------------------ parsing */

static void list_entries(option_set *set, const option_group *groups) {
    for (; groups->title; groups++)
        for (const option_entry *entry = groups->entries; entry->name; entry++) {
            assert(set->total < OPTIONS_MAX);
            set->values[set->total++] = (option_value){.entry = entry};
        }
}

/* An option that the table lacks: argument is "--name", "--name=value" or a cluster with the bad letter. */
static void unknown_option(const option_set *set, const char *argument, int letter) {
    if (letter) {
        terminal_usage("unknown option -%c", letter);
        return;
    }
    char   name[64];
    size_t bytes = strcspn(argument + 2, "=");
    if (bytes >= sizeof name) bytes = sizeof name - 1;
    memcpy(name, argument + 2, bytes);
    name[bytes] = 0;
    const char *names[OPTIONS_MAX + 1];
    char        list[400] = "";
    size_t      beginnings = 0, used = 0;
    for (size_t i = 0; i < set->total; i++) {
        names[i] = set->values[i].entry->name;
        if (strncmp(names[i], name, bytes)) continue;
        beginnings++;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s--%s", used ? ", " : "", names[i]);
    }
    names[set->total] = "help";
    if (beginnings > 1 && bytes) {
        terminal_usage("--%s could be several options: %s", name, list);
        return;
    }
    const char *near = nearest_word(name, names, set->total + 1);
    if (near) terminal_usage("unknown option --%s; did you mean --%s?", name, near);
    else terminal_usage("unknown option --%s", name);
}

/* Fills getopt's two tables; an option's code is FIRST_LONG + its index. */
static void getopt_tables(const option_set *set, struct option *longs, char *shorts) {
    *shorts++ = ':'; /* a missing value is told from an unknown option */
    *shorts++ = 'h';
    for (size_t i = 0; i < set->total; i++) {
        const option_entry *entry = set->values[i].entry;
        bool                takes = entry->kind != OPTION_FLAG;
        longs[i] = (struct option){entry->name, takes ? required_argument : no_argument, NULL, FIRST_LONG + (int)i};
        if (!entry->letter) continue;
        *shorts++ = entry->letter;
        if (takes) *shorts++ = ':';
    }
    longs[set->total] = (struct option){"help", no_argument, NULL, HELP_LONG};
    longs[set->total + 1] = (struct option){0};
    *shorts = 0;
}

static option_value *value_of_code(option_set *set, int code) {
    if (code >= FIRST_LONG && code < FIRST_LONG + (int)set->total) return &set->values[code - FIRST_LONG];
    for (size_t i = 0; i < set->total; i++)
        if (code && set->values[i].entry->letter == code) return &set->values[i];
    return NULL;
}

bool options_parse(option_set *set, const option_group *groups, int argc, char **argv) {
    *set = (option_set){0};
    list_entries(set, groups);
    struct option longs[OPTIONS_MAX + 2];
    char          shorts[2 * OPTIONS_MAX + 4];
    getopt_tables(set, longs, shorts);
    int code;
    optind = 1;
    opterr = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        option_value *value = value_of_code(set, code);
        if (code == 'h' || code == HELP_LONG) {
            set->help = true;
            return true;
        }
        if (code == ':') {
            value = value_of_code(set, optopt);
            terminal_usage("--%s needs a value (%s)", value ? value->entry->name : "?",
                           value ? option_value_name(value->entry) : "?");
            return false;
        }
        if (code == '?') {
            value = value_of_code(set, optopt);
            if (optopt == HELP_LONG) terminal_usage("--help takes no value");
            else if (value && optopt >= FIRST_LONG) terminal_usage("--%s takes no value", value->entry->name);
            else unknown_option(set, argv[optind - 1], optopt);
            return false;
        }
        if (!take(value, optarg ? optarg : "on")) return false;
    }
    set->operands = argv + optind;
    set->count = (size_t)(argc - optind);
    return true;
}

void options_begin(option_set *set, const option_group *groups) {
    *set = (option_set){0};
    list_entries(set, groups);
}

/* The name in the table that is nearest to one that is not there, or NULL. */
static const char *nearest_name(const option_set *set, const char *name) {
    const char *names[OPTIONS_MAX];
    for (size_t i = 0; i < set->total; i++) names[i] = set->values[i].entry->name;
    return nearest_word(name, names, set->total);
}

void options_unset(option_set *set, const char *name) {
    option_value *value = (option_value *)find(set, name);
    assert(value);
    free(value->text);
    *value = (option_value){.entry = value->entry};
}

bool options_set(option_set *set, const char *name, const char *text) {
    option_value *value = (option_value *)find(set, name);
    if (!value) {
        const char *near = nearest_name(set, name);
        terminal_usage("there is no option --%s%s%s%s", name, near ? "; did you mean --" : "", near ? near : "",
                       near ? "?" : "");
        return false;
    }
    if (value->entry->kind != OPTION_TEXTS) options_unset(set, name);
    if (value->entry->kind == OPTION_FLAG && strcmp(text, "on") != 0) {
        if (!strcmp(text, "off")) return true;
        terminal_usage("--%s is on or off, not %s", name, text);
        return false;
    }
    return take(value, text);
}

bool options_copy(option_set *set, const option_set *from) {
    for (size_t i = 0; i < from->total; i++) {
        const option_value *value = &from->values[i];
        const char         *name = value->entry->name;
        if (!value->given || !find(set, name)) continue;
        options_unset(set, name);
        for (size_t at = 0; at < value->bytes; at += strlen(value->text + at) + 1)
            if (!options_set(set, name, value->text + at)) return false;
    }
    return true;
}

void options_free(option_set *set) {
    for (size_t i = 0; i < set->total; i++) free(set->values[i].text);
    if (set->owned_operands)
        for (size_t i = 0; i < set->count; i++) free(set->owned_operands[i]);
    free(set->owned_operands);
    *set = (option_set){0};
}

void options_forget(option_set *set, const char *name) {
    for (size_t i = 0; i < set->total; i++) {
        option_value *value = &set->values[i];
        if (strcmp(value->entry->name, name) != 0) continue;
        free(value->text);
        *value = (option_value){.entry = value->entry};
    }
}

/* ---------------------------------------------------------------------------------------- a file of options */

/* The text that a JSON value would have on the command line, in out[64] or its own; NULL when it has none. */
static const char *json_as_text(const json_t *json, char out[64]) {
    if (json_is_string(json)) return json_string_value(json);
    if (json_is_boolean(json)) return json_is_true(json) ? "on" : "off";
    if (json_is_integer(json)) snprintf(out, 64, "%lld", (long long)json_integer_value(json));
    else if (json_is_real(json)) snprintf(out, 64, "%.17g", json_real_value(json));
    else if (json_is_array(json) && json_array_size(json) == 2 && json_is_number(json_array_get(json, 0)) &&
             json_is_number(json_array_get(json, 1)))
        snprintf(out, 64, "%.17g,%.17g", json_number_value(json_array_get(json, 0)),
                 json_number_value(json_array_get(json, 1)));
    else return NULL;
    return out;
}

/* Makes the strings of a JSON array the operands. */
static bool take_texts(option_set *set, const json_t *texts, const char *path) {
    if (set->count) return true; /* the command line's own win */
    size_t count = json_array_size(texts);
    if (!json_is_array(texts) || !count) {
        terminal_usage("%s: \"texts\" must be an array of paths", path);
        return false;
    }
    set->owned_operands = calloc(count, sizeof *set->owned_operands);
    if (!set->owned_operands) {
        terminal_error("out of memory");
        return false;
    }
    set->operands = set->owned_operands;
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        char       *copy = text ? malloc(strlen(text) + 1) : NULL;
        if (!copy) {
            terminal_usage("%s: \"texts\" must be an array of paths", path);
            return false;
        }
        set->operands[i] = strcpy(copy, text);
    }
    return true;
}

/* The strings of an array for an option that may be given several times. */
static bool take_list(option_value *value, const json_t *list, const char *path) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && take(value, text)) continue;
        if (!text) terminal_usage("%s: \"%s\" must be an array of strings", path, value->entry->name);
        return false;
    }
    return true;
}

static bool take_member(option_set *set, const char *name, const json_t *json, const char *path) {
    if (!strcmp(name, "texts")) return take_texts(set, json, path);
    option_value *value = (option_value *)find(set, name);
    if (!value || !strcmp(name, "config")) {
        const char *near = nearest_name(set, name);
        terminal_usage("%s: unknown option \"%s\"%s%s%s", path, name, near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
        return false;
    }
    if (value->given) return true;
    if (value->entry->kind == OPTION_TEXTS && json_is_array(json)) return take_list(value, json, path);
    char        scratch[64];
    const char *text = json_as_text(json, scratch);
    if (!text || (value->entry->kind == OPTION_FLAG && !json_is_boolean(json))) {
        terminal_usage("%s: the value of \"%s\" does not fit", path, name);
        return false;
    }
    if (value->entry->kind == OPTION_FLAG && json_is_false(json)) return true;
    return take(value, text);
}

bool options_take(option_set *set, const json_t *object, const char *path) {
    const char   *name;
    const json_t *member;
    json_object_foreach((json_t *)object, name, member) {
        if (!take_member(set, name, member, path)) return false;
    }
    return true;
}

bool options_read_config(option_set *set, const char *path) {
    json_error_t error;
    json_t      *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        if (error.line > 0) terminal_usage("--config %s: line %d: %s", path, error.line, error.text);
        else terminal_usage("--config %s: %s", path, error.text);
        return false;
    }
    bool good = json_is_object(root);
    if (!good) terminal_usage("--config %s: must be a JSON object of options, {\"width\": 64, ...}", path);
    if (good) good = options_take(set, root, path);
    json_decref(root);
    return good;
}

/* ------------------------------------------------------------------------------------------------- asking */

bool options_know(const option_set *set, const char *name) { return find(set, name) != NULL; }

bool options_is(const option_set *set, const char *name, option_kind kind) {
    const option_value *value = find(set, name);
    return value && value->entry->kind == kind;
}

static const option_value *given(const option_set *set, const char *name) {
    const option_value *value = find(set, name);
    assert(value); /* the table has every option that its command asks for */
    return value && value->given ? value : NULL;
}

bool options_given(const option_set *set, const char *name) { return given(set, name) != NULL; }

bool options_int64(const option_set *set, const char *name, int64_t *value) {
    const option_value *found = given(set, name);
    if (found) *value = found->integer;
    return found != NULL;
}

bool options_int32(const option_set *set, const char *name, int32_t *value) {
    const option_value *found = given(set, name);
    if (found) *value = (int32_t)found->integer; /* the entry's range is that of int32_t */
    return found != NULL;
}

bool options_real(const option_set *set, const char *name, double *value) {
    const option_value *found = given(set, name);
    if (found) *value = found->real[0];
    return found != NULL;
}

bool options_pair(const option_set *set, const char *name, double *first, double *second) {
    const option_value *found = given(set, name);
    if (found) *first = found->real[0], *second = found->real[1];
    return found != NULL;
}

bool options_switch(const option_set *set, const char *name, bool *value) {
    const option_value *found = given(set, name);
    if (found) *value = found->integer != 0;
    return found != NULL;
}

bool options_choice(const option_set *set, const char *name, int *index) {
    const option_value *found = given(set, name);
    if (found) *index = (int)found->integer;
    return found != NULL;
}

const char *options_text(const option_set *set, const char *name, const char *otherwise) {
    const option_value *found = given(set, name);
    return found ? found->text : otherwise;
}

const char *options_text_at(const option_set *set, const char *name, size_t index) {
    const option_value *found = find(set, name);
    if (!found) return NULL;
    for (size_t at = 0; at < found->bytes; at += strlen(found->text + at) + 1)
        if (index-- == 0) return found->text + at;
    return NULL;
}

bool options_flag(const option_set *set, const char *name) {
    const option_value *value = find(set, name);
    return value && value->given && value->integer;
}

/* ------------------------------------------------------------------------------------------------ record */

json_t *options_record(const option_set *set) {
    json_t *record = json_object();
    for (size_t i = 0; i < set->total; i++) {
        const option_value *value = &set->values[i];
        if (!value->given || !strcmp(value->entry->name, "config")) continue;
        json_t *json = NULL;
        switch (value->entry->kind) {
        case OPTION_FLAG:
            json = json_true();
            break;
        case OPTION_INTEGER:
            json = json_integer(value->integer);
            break;
        case OPTION_REAL:
            json = json_real(value->real[0]);
            break;
        case OPTION_PAIR:
            json = json_pack("[f,f]", value->real[0], value->real[1]);
            break;
        case OPTION_TEXTS:
            json = json_array();
            for (size_t at = 0; at < value->bytes; at += strlen(value->text + at) + 1)
                json_array_append_new(json, json_string(value->text + at));
            break;
        default:
            json = json_string(value->text);
            break;
        }
        json_object_set_new(record, value->entry->name, json);
    }
    if (set->count) {
        json_t *texts = json_array();
        for (size_t i = 0; i < set->count; i++) json_array_append_new(texts, json_string(set->operands[i]));
        json_object_set_new(record, "texts", texts);
    }
    return record;
}

/* --------------------------------------------------------------------------------- what others make of a table */

const char *option_value_name(const option_entry *entry) {
    if (entry->kind == OPTION_FLAG) return "";
    if (entry->kind == OPTION_SWITCH) return "on|off";
    return entry->value;
}

const char *option_next_choice(const char **rest, char word[48]) {
    while (**rest) {
        size_t bytes = strcspn(*rest, "|");
        bool   usable = bytes < 48;
        for (size_t i = 0; i < bytes && usable; i++) usable = !((*rest)[i] >= 'A' && (*rest)[i] <= 'Z');
        if (usable) memcpy(word, *rest, bytes), word[bytes] = 0;
        *rest += bytes + ((*rest)[bytes] == '|');
        if (usable) return word;
    }
    return NULL;
}
