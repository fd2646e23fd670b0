/* variants.c - see variants.h. Nothing is run here: a name or a value that cannot be is refused before anything begins. */
#include "variants.h"

#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum { RUNS_MAX = 1000, NAME_BYTES = 200, WORDS_MAX = 256 };

/* What belongs to the sweep, and cannot be another one in each of its runs. */
static const char *const fixed[] = {"output", "resume", "config", "json", "quiet"};

typedef struct axis {
    const char  *name;
    const char **values; /* [count] */
    option_set  *sets;   /* [count] what each value stands for; NULL: the option name itself */
    size_t       count;
} axis;

/* ------------------------------------------------------------------------------------------------- memory */

/* Zeroed memory that lives as long as the variants; says when there is none. */
static void *take(variants *v, size_t bytes) {
    void **more = realloc(v->owned, (v->owned_count + 1) * sizeof *more);
    void  *block = more ? calloc(1, bytes ? bytes : 1) : NULL;
    if (more) v->owned = more;
    if (!block) terminal_error("out of memory");
    else v->owned[v->owned_count++] = block;
    return block;
}

static char *take_text(variants *v, const char *text, size_t bytes) {
    char *copy = take(v, bytes + 1);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

void variants_free(variants *v) {
    for (size_t i = 0; i < v->count; i++) options_free(&v->list[i].settings);
    for (size_t i = 0; i < v->owned_count; i++) free(v->owned[i]);
    free(v->owned);
    *v = (variants){0};
}

/* ------------------------------------------------------------------------------------------------- an axis */

static bool is_fixed(const char *name) {
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!strcmp(fixed[i], name)) return true;
    return false;
}

/* "NAME=A,B,C": the values lie between commas, or between semicolons when there are any. */
static bool read_vary(variants *v, const char *text, const option_set *table, axis *a) {
    size_t bytes = strcspn(text, "=");
    if (!bytes || !text[bytes] || !text[bytes + 1]) {
        terminal_usage("--vary %s: must be an option's name and its values, as in --vary dropout=0,0.1,0.3", text);
        return false;
    }
    if (!strncmp(text, "--", 2)) text += 2, bytes -= 2;
    char *name = take_text(v, text, bytes), *rest = take_text(v, text + bytes + 1, strlen(text + bytes + 1));
    if (!name || !rest) return false;
    bool  pair = options_is(table, name, OPTION_PAIR) || options_is(table, name, OPTION_TEXTS);
    char  comma = strchr(rest, ';') ? ';' : pair ? 0 : ',';
    char *end;
    *a = (axis){.name = name, .values = take(v, (strlen(rest) + 1) * sizeof *a->values)};
    if (!a->values) return false;
    for (char *at = rest; at; at = end) {
        end = comma ? strchr(at, comma) : NULL;
        if (end) *end++ = 0;
        for (size_t i = 0; i < a->count; i++)
            if (!strcmp(a->values[i], at)) {
                terminal_usage("--vary %s: %s stands there twice", name, at);
                return false;
            }
        a->values[a->count++] = at;
    }
    return true;
}

/* Cuts text into words as a shell does: blanks part them, quotes and backslashes hold together. Returns how many, or -1. */
static int cut(char *text, char **words) {
    int   count = 0;
    char *out = text;
    while (*(text += strspn(text, " \t\n"))) {
        char quote = 0;
        if (count == WORDS_MAX) return -1;
        words[count++] = out;
        for (; *text && (quote || !strchr(" \t\n", *text)); text++) {
            if (quote ? *text == quote : *text == '\'' || *text == '"') quote = quote ? 0 : *text;
            else if (*text == '\\' && quote != '\'' && text[1]) *out++ = *++text;
            else *out++ = *text;
        }
        if (quote) return -1;
        text += *text != 0;
        *out++ = 0;
    }
    return count;
}

/* "NAME: OPTIONS" into value number a->count. */
static bool read_variant(variants *v, const char *text, const option_group *groups, axis *a) {
    static char program[] = "variant";
    char       *words[WORDS_MAX + 2] = {program};
    const char *colon = strchr(text, ':');
    option_set *set = &a->sets[a->count];
    char       *rest = colon ? take_text(v, colon + 1, strlen(colon + 1)) : NULL;
    char       *name = colon ? take_text(v, text, (size_t)(colon - text)) : NULL;
    if (!colon || colon == text || *text == '-') {
        terminal_usage("--variant %s: must be a name, a colon and options, as in --variant 'wide: --width 256'", text);
        return false;
    }
    if (!rest || !name) return false;
    int count = cut(rest, words + 1);
    if (count < 0) {
        terminal_usage("--variant %s: a quotation mark is not closed, or there are more than %d words", text,
                       WORDS_MAX);
        return false;
    }
    a->values[a->count++] = name;
    for (size_t i = 0; i + 1 < a->count; i++)
        if (!strcmp(a->values[i], name)) {
            terminal_usage("--variant %s: two variants have this name", name);
            return false;
        }
    if (!options_parse(set, groups, count + 1, words)) return false;
    if (set->count || set->help) {
        terminal_usage("--variant %s: %s is no option with its value", name, set->help ? "--help" : set->operands[0]);
        return false;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (options_know(set, fixed[i]) && options_given(set, fixed[i])) {
            terminal_usage("--variant %s: --%s is one for the whole sweep", name, fixed[i]);
            return false;
        }
    return true;
}

/* All of --variant are one axis. */
static bool read_variants(variants *v, const option_set *options, const option_group *groups, axis *a) {
    size_t      count = 0;
    const char *text;
    *a = (axis){.name = "variant"};
    while (options_text_at(options, "variant", count)) count++;
    if (!count) return true;
    a->values = take(v, count * sizeof *a->values);
    a->sets = take(v, count * sizeof *a->sets);
    for (size_t i = 0; a->values && a->sets && (text = options_text_at(options, "variant", i)); i++)
        if (!read_variant(v, text, groups, a)) return false;
    return a->values && a->sets;
}

/* An option is set in one place: by --vary, once, and neither in a variant nor for all. */
static bool set_once(const option_set *options, const axis *axes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *name = axes[i].name, *also = NULL;
        if (axes[i].sets) continue;
        if (options_know(options, name) && options_given(options, name)) also = "given for all runs";
        for (size_t k = 0; k < i; k++) {
            if (!strcmp(axes[k].name, name)) also = "varied twice";
            for (size_t j = 0; axes[k].sets && j < axes[k].count; j++)
                if (options_know(&axes[k].sets[j], name) && options_given(&axes[k].sets[j], name))
                    also = "set by a variant";
        }
        if (!also) continue;
        terminal_usage("--vary %s: --%s is also %s; leave one of the two out", name, name, also);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------- the grid */

/* Adds text to a name that a file can have: what could be misunderstood there becomes _, and of a path its last part stays. */
static void add_name(char *name, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-=@%,:";
    const char       *slash = strrchr(text, '/');
    size_t            at = strlen(name);
    if (slash && slash[1]) text = slash + 1;
    for (; *text && at < NAME_BYTES; text++, at++)
        name[at] = (unsigned char)*text >= 0x80 || strchr(plain, *text) ? *text : '_';
    if (*name == '.' || *name == '-') *name = '_';
    name[at] = 0;
}

static bool make(variants *v, const axis *axes, size_t count, size_t index, const option_group *groups) {
    variant *one = &v->list[v->count];
    size_t   digits[OPTIONS_MAX];
    one->name = take(v, NAME_BYTES + 8);
    options_begin(&one->settings, groups);
    v->count++;
    if (!one->name) return false;
    for (size_t k = count; k-- > 0;) {
        digits[k] = index % axes[k].count;
        index /= axes[k].count;
    }
    for (size_t k = 0; k < count; k++) {
        const char *value = axes[k].values[digits[k]];
        one->at[k] = value;
        if (k) add_name(one->name, ",");
        if (!axes[k].sets) {
            add_name(one->name, axes[k].name);
            add_name(one->name, "=");
        }
        add_name(one->name, value);
        if (axes[k].sets ? !options_copy(&one->settings, &axes[k].sets[digits[k]])
                         : !options_set(&one->settings, axes[k].name, value))
            return false;
    }
    for (size_t i = 0; i + 1 < v->count; i++)
        if (!strcmp(v->list[i].name, one->name)) {
            terminal_usage("two runs would be called %s; give them names: --variant 'NAME: OPTIONS'", one->name);
            return false;
        }
    if (strlen(one->name) < NAME_BYTES) return true;
    terminal_usage("%.40s...: a run's name is too long; give it another: --variant 'NAME: OPTIONS'", one->name);
    return false;
}

static bool make_all(variants *v, const axis *axes, size_t count, const option_group *groups) {
    size_t total = 1;
    for (size_t i = 0; i < count; i++) {
        v->axes[v->axes_count++] = axes[i].name;
        if (axes[i].count > RUNS_MAX / total) {
            terminal_usage("these are more than %d runs", RUNS_MAX);
            return false;
        }
        total *= axes[i].count;
    }
    v->list = take(v, total * sizeof *v->list);
    for (size_t i = 0; v->list && i < total; i++)
        if (!make(v, axes, count, i, groups)) return false;
    return v->list != NULL;
}

bool variants_read(const option_set *options, const option_group *groups, variants *v) {
    axis        axes[OPTIONS_MAX] = {{0}};
    size_t      count = 0;
    option_set  table;
    const char *text;
    *v = (variants){0};
    options_begin(&table, groups);
    bool good = read_variants(v, options, groups, &axes[0]);
    count = axes[0].count > 0;
    for (size_t i = 0; good && (text = options_text_at(options, "vary", i)); i++) {
        if (count == OPTIONS_MAX) terminal_usage("--vary: more than %d of them", OPTIONS_MAX);
        good = count < OPTIONS_MAX && read_vary(v, text, &table, &axes[count]);
        if (good && is_fixed(axes[count].name)) {
            terminal_usage("--vary %s: it is one for the whole sweep", axes[count].name);
            good = false;
        }
        count++;
    }
    if (good && !count)
        terminal_usage("what changes from run to run? add --vary NAME=A,B,C or --variant 'NAME: OPTIONS'");
    good = good && count && set_once(options, axes, count) && make_all(v, axes, count, groups);
    for (size_t i = 0; axes[0].sets && i < axes[0].count; i++) options_free(&axes[0].sets[i]);
    options_free(&table);
    return good;
}

bool variants_options(const option_set *options, const variant *one, const option_group *groups, option_set *set) {
    options_begin(set, groups);
    set->operands = options->operands;
    set->count = options->count;
    if (!options_copy(set, options)) return false;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (options_know(set, fixed[i]) && strcmp(fixed[i], "quiet") != 0) options_unset(set, fixed[i]);
    return options_copy(set, &one->settings);
}
