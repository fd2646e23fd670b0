/* completion.c - what bash, zsh and fish offer at the TAB key, written from the tables of commands and options: commands,
 * options, choices, presets, files and folders. An option's kind (options.h) decides what is offered for its value. */
#include "help.h"

#include <string.h>

/* Puts the words that an option's value can be into out, with blanks between; "" when it has none. */
static const char *value_words(const option_entry *entry, char *out, size_t room) {
    char        word[48];
    const char *name, *rest = option_value_name(entry);
    size_t      used = 0;
    *out = 0;
    if (entry->kind == OPTION_PRESET) {
        for (size_t i = 0; (name = canto_preset_name(i, NULL)) && used < room; i++)
            used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "", name);
    } else if (entry->kind == OPTION_CHOICE || entry->kind == OPTION_SWITCH || entry->kind == OPTION_PATH) {
        while (option_next_choice(&rest, word) && used < room)
            used += (size_t)snprintf(out + used, room - used, "%s%s", used ? " " : "", word);
    }
    return out;
}

static bool takes_path(const option_entry *entry) { return entry->kind == OPTION_FILE || entry->kind == OPTION_PATH; }

/* Text within single quotes; sh: 'it'\''s', fish: 'it\'s'. Characters of special get a backslash more. */
static void quoted(FILE *file, const char *text, const char *apostrophe, const char *special) {
    for (; *text; text++) {
        if (*text == '\'') fputs(apostrophe, file);
        else {
            if (strchr(special, *text)) fputc('\\', file);
            fputc(*text, file);
        }
    }
}

/* -------------------------------------------------------------------------------------------------- bash */

static const char bash_begin[] =
    "# Completion of canto for bash, made by: canto help --complete bash\n"
    "\n"
    "# _canto_value COMMAND OPTION: sets words or paths (-f files, -d folders) for its value; 1: it takes none.\n";

static const char bash_end[] =
    "\n"
    "_canto() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command=${COMP_WORDS[1]} words='' paths='' first=2 i\n"
    "    COMPREPLY=()\n"
    "    if [[ $cur == = ]]; then cur='' # --name=value comes as three words\n"
    "    elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        words=\"$(_canto_commands) --help --version\"\n"
    "    else\n"
    "        if [[ -n $(_canto_commands \"$command\") ]]; then\n"
    "            first=3\n"
    "            ((COMP_CWORD > 2)) && command+=\" ${COMP_WORDS[2]}\"\n"
    "        fi\n"
    "        for ((i = first; i < COMP_CWORD; i++)); do # after -- there are operands alone\n"
    "            [[ ${COMP_WORDS[i]} == -- ]] && before=-- && break\n"
    "        done\n"
    "        if ((COMP_CWORD < first)); then words=\"$(_canto_commands \"$command\") --help\"\n"
    "        elif [[ $before != -- ]] && _canto_value \"$command\" \"$before\"; then :\n"
    "        elif [[ $before != -- && $cur == -* ]]; then words=$(_canto_options \"$command\")\n"
    "        elif [[ $command == help ]]; then\n"
    "            if ((COMP_CWORD == 2)); then words=$(_canto_commands)\n"
    "            elif ((COMP_CWORD == 3)); then words=$(_canto_commands \"${COMP_WORDS[2]}\")\n"
    "            fi\n"
    "        else _canto_operands \"$command\"\n"
    "        fi\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(\n"
    "        [[ -n $words ]] && compgen -W \"$words\" -- \"$cur\"\n"
    "        [[ -n $paths ]] && compgen \"$paths\" -- \"$cur\"\n"
    "    )\n"
    "    [[ -n $paths ]] && compopt -o filenames 2>/dev/null\n"
    "    return 0\n"
    "}\n"
    "complete -F _canto canto\n";

/* _canto_commands [FAMILY]: the first words of all commands, or the second ones of a family; nothing when it is none. */
static void bash_commands(FILE *file) {
    char first[32], other[32];
    fputs("\n# _canto_commands [FAMILY]: the commands, or those of a family.\n_canto_commands() {\n    case ${1-} in\n"
          "        '') echo",
          file);
    for (size_t i = 0; i < commands_count; i++)
        if (command_begins(i, first)) fprintf(file, " %s", first);
    fputs(" ;;\n", file);
    for (size_t i = 0; i < commands_count; i++) {
        if (!command_family(commands[i], first) || !command_begins(i, first)) continue;
        fprintf(file, "        %s) echo", first);
        for (size_t j = i; j < commands_count; j++) {
            const char *second = command_family(commands[j], other);
            if (second && !strcmp(first, other)) fprintf(file, " %s", second);
        }
        fputs(" ;;\n", file);
    }
    fputs("    esac\n}\n", file);
}

static void bash_values(FILE *file, const command *one) {
    char words[1024];
    for (const option_group *group = one->groups; group->title; group++)
        for (const option_entry *entry = group->entries; entry->name; entry++) {
            if (entry->kind == OPTION_FLAG) continue;
            fprintf(file, "        '%s --%s'", one->name, entry->name);
            if (entry->letter) fprintf(file, " | '%s -%c'", one->name, entry->letter);
            fputc(')', file);
            if (*value_words(entry, words, sizeof words)) fprintf(file, " words='%s'", words);
            if (takes_path(entry)) fprintf(file, "%spaths=-f", *words ? " " : " ");
            else if (entry->kind == OPTION_FOLDER) fputs(" paths=-d", file);
            fputs(" ;;\n", file);
        }
}

static void bash_options(FILE *file, const command *one) {
    fprintf(file, "        '%s') echo --help", one->name);
    for (const option_group *group = one->groups; group->title; group++)
        for (const option_entry *entry = group->entries; entry->name; entry++) fprintf(file, " --%s", entry->name);
    fputs(" ;;\n", file);
}

static void bash_print(FILE *file) {
    fputs(bash_begin, file);
    fputs("_canto_value() {\n    case \"$1 $2\" in\n", file);
    for (size_t i = 0; i < commands_count; i++) bash_values(file, commands[i]);
    fputs("        *) return 1 ;;\n    esac\n}\n\n# _canto_options COMMAND: the names of its options.\n"
          "_canto_options() {\n    case $1 in\n",
          file);
    for (size_t i = 0; i < commands_count; i++) bash_options(file, commands[i]);
    fputs("    esac\n}\n\n# _canto_operands COMMAND: sets paths when its operands are files or folders.\n"
          "_canto_operands() {\n    case $1 in\n",
          file);
    for (size_t i = 0; i < commands_count; i++)
        if (commands[i]->completes == OPERANDS_PATHS) fprintf(file, "        '%s') paths=-f ;;\n", commands[i]->name);
    fputs("    esac\n}\n", file);
    bash_commands(file);
    fputs(bash_end, file);
}

/* --------------------------------------------------------------------------------------------------- zsh */

static void zsh_quoted(FILE *file, const char *text) { quoted(file, text, "'\\''", ":[]\\"); }

static void zsh_option(FILE *file, const option_entry *entry) {
    char words[1024];
    bool takes = entry->kind != OPTION_FLAG;
    fputs("                ", file);
    if (entry->letter)
        fprintf(file, "'(-%c --%s)'{-%c%s,--%s%s}", entry->letter, entry->name, entry->letter, takes ? "+" : "",
                entry->name, takes ? "=" : "");
    else fprintf(file, "'%s--%s%s'", entry->kind == OPTION_TEXTS ? "*" : "", entry->name, takes ? "=" : "");
    fputs("'[", file);
    zsh_quoted(file, entry->about);
    fputc(']', file);
    if (takes) {
        fputc(':', file);
        zsh_quoted(file, entry->kind == OPTION_CHOICE || entry->kind == OPTION_SWITCH ? entry->name
                                                                                      : option_value_name(entry));
        fputc(':', file);
        value_words(entry, words, sizeof words);
        if (takes_path(entry) && *words) fprintf(file, " _canto_words_or_files %s", words);
        else if (takes_path(entry)) fputs("_files", file);
        else if (entry->kind == OPTION_FOLDER) fputs("_files -/", file);
        else if (*words) fprintf(file, "(%s)", words);
    }
    fputs("' \\\n", file);
}

static void zsh_command(FILE *file, const command *one) {
    fprintf(
        file,
        "        '%s')\n            _arguments -s -S \\\n                '(- *)'{-h,--help}'[tell all about it]' \\\n",
        one->name);
    for (const option_group *group = one->groups; group->title; group++)
        for (const option_entry *entry = group->entries; entry->name; entry++) zsh_option(file, entry);
    if (one->completes == OPERANDS_COMMANDS)
        fputs("                '1:command: _canto_commands' '2:command: _canto_commands \"$words[2]\"' ;;\n", file);
    else if (one->completes == OPERANDS_PATHS) fputs("                '*:file:_files' ;;\n", file);
    else fputs("                && : ;;\n", file);
}

/* 'name:about' of a command, or of a family by what its commands are called. */
static void zsh_described(FILE *file, const char *name, const char *about) {
    fprintf(file, "            '%s:", name);
    quoted(file, about, "'\\''", "\\");
    fputs("'\n", file);
}

/* What all of a family's commands do, in few words: their names. */
static const char *family_about(const char *family, char *out, size_t room) {
    char   first[32];
    size_t used = 0;
    for (size_t i = 0; i < commands_count && used < room; i++) {
        const char *second = command_family(commands[i], first);
        if (second && !strcmp(first, family))
            used += (size_t)snprintf(out + used, room - used, "%s%s", used ? ", " : "", second);
    }
    return out;
}

static void zsh_commands(FILE *file) {
    char first[32], other[32], about[256];
    fputs("\n# _canto_commands [FAMILY]: offers the commands, or those of a family.\n_canto_commands() {\n"
          "    local -a commands\n    case ${1-} in\n",
          file);
    for (size_t i = 0; i < commands_count; i++) {
        if (!command_family(commands[i], first) || !command_begins(i, first)) continue;
        fprintf(file, "        %s) commands=(\n", first);
        for (size_t j = i; j < commands_count; j++) {
            const char *second = command_family(commands[j], other);
            if (second && !strcmp(first, other)) zsh_described(file, second, commands[j]->about);
        }
        fputs("        ) ;;\n", file);
    }
    fputs("        '') commands=(\n", file);
    for (size_t i = 0; i < commands_count; i++)
        if (command_begins(i, first))
            zsh_described(file, first,
                          command_family(commands[i], other) ? family_about(first, about, sizeof about)
                                                             : commands[i]->about);
    fputs("        ) ;;\n        *) return 1 ;;\n    esac\n    _describe -t commands 'canto command' commands\n}\n"
          "\n_canto_words_or_files() {\n    _alternative \"words:word:($*)\" 'files:file:_files'\n}\n",
          file);
}

static void zsh_print(FILE *file) {
    char first[32];
    fputs("#compdef canto\n# Completion of canto for zsh, made by: canto help --complete zsh\n", file);
    zsh_commands(file);
    fputs("\n_canto() {\n    local command=$words[2]\n    if ((CURRENT == 2)); then\n"
          "        _arguments '(- *)'{-h,--help}'[tell about canto]' '(- *)'{-V,--version}'[say which canto this is]' "
          "\\\n"
          "            '1:command: _canto_commands'\n        return\n    fi\n    case $command in\n        ",
          file);
    bool some = false;
    for (size_t i = 0; i < commands_count; i++)
        if (command_family(commands[i], first) && command_begins(i, first)) {
            fprintf(file, "%s%s", some ? " | " : "", first);
            some = true;
        }
    fputs(")\n            if ((CURRENT == 3)); then\n                _canto_commands $command\n                return\n"
          "            fi\n            command+=\" $words[3]\"\n            shift words\n            ((CURRENT--)) ;;\n"
          "    esac\n    shift words\n    ((CURRENT--))\n    case $command in\n",
          file);
    for (size_t i = 0; i < commands_count; i++) zsh_command(file, commands[i]);
    fputs("    esac\n}\n\n_canto \"$@\"\n", file);
}

/* -------------------------------------------------------------------------------------------------- fish */

static void fish_quoted(FILE *file, const char *text) { quoted(file, text, "\\'", "\\"); }

static void fish_option(FILE *file, const command *one, const option_entry *entry) {
    char words[1024];
    fprintf(file, "complete -c canto -n '__canto_is %s' -l %s", one->name, entry->name);
    if (entry->letter) fprintf(file, " -s %c", entry->letter);
    value_words(entry, words, sizeof words);
    if (takes_path(entry)) fputs(" -r -F", file);
    else if (entry->kind != OPTION_FLAG) fputs(" -x", file);
    if (entry->kind == OPTION_FOLDER) fputs(" -a '(__fish_complete_directories)'", file);
    else if (*words) fprintf(file, " -a '%s'", words);
    fputs(" -d '", file);
    fish_quoted(file, entry->about);
    fputs("'\n", file);
}

static void fish_word(FILE *file, const char *condition, const char *word, const char *about) {
    fprintf(file, "complete -c canto -n '%s' -a %s -d '", condition, word);
    fish_quoted(file, about);
    fputs("'\n", file);
}

static const char fish_begin[] =
    "# Completion of canto for fish, made by: canto help --complete fish\n"
    "\n"
    "function __canto_is --description 'whether the line goes on after these words'\n"
    "    set -l line (commandline -opc)\n"
    "    set -l at 1\n"
    "    for word in $argv\n"
    "        set at (math $at + 1)\n"
    "        test \"$line[$at]\" = $word; or return 1\n"
    "    end\n"
    "end\n"
    "\n"
    "function __canto_ends --description 'whether these words are all that the line has before the cursor'\n"
    "    set -l line (commandline -opc)\n"
    "    test \"$line[2..]\" = \"$argv\"\n"
    "end\n"
    "\n"
    "complete -c canto -f\n"
    "complete -c canto -n __canto_ends -l version -s V -d 'say which canto this is'\n"
    "complete -c canto -l help -s h -d 'tell all about it'\n";

static void fish_print(FILE *file) {
    char first[32], condition[64], about[256];
    fputs(fish_begin, file);
    for (size_t i = 0; i < commands_count; i++) {
        const command *one = commands[i];
        const char    *second = command_family(one, first), *word = second ? second : first;
        snprintf(condition, sizeof condition, "__canto_ends%s%s", second ? " " : "", second ? first : "");
        fputc('\n', file);
        fish_word(file, condition, word, one->about);
        snprintf(condition, sizeof condition, "__canto_ends help%s%s", second ? " " : "", second ? first : "");
        fish_word(file, condition, word, one->about);
        if (second && command_begins(i, first)) {
            fish_word(file, "__canto_ends", first, family_about(first, about, sizeof about));
            fish_word(file, "__canto_ends help", first, about);
        }
        if (one->completes == OPERANDS_PATHS) fprintf(file, "complete -c canto -n '__canto_is %s' -F\n", one->name);
        for (const option_group *group = one->groups; group->title; group++)
            for (const option_entry *entry = group->entries; entry->name; entry++) fish_option(file, one, entry);
    }
}

void completion_print(FILE *file, const char *shell) {
    if (!strcmp(shell, "bash")) bash_print(file);
    else if (!strcmp(shell, "zsh")) zsh_print(file);
    else fish_print(file);
}
