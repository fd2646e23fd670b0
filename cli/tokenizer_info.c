/* tokenizer_info.c - canto tokenizer info: what a tokenizer is and what its vocabulary covers. */
#include <stdlib.h>
#include <string.h>

#include "tokenizer_command.h"

enum { LONGEST = 10, SCRIPTS = 64 };

static const option_entry which_entries[] = {
    {"tokenizer", 0, OPTION_PATH, "byte|gpt2|p50k|cl100k|o200k|PATH", "the same as the operand T", 0, 0},
    {0},
};
static const option_group groups[] = {{"Tokenizer", which_entries}, {"Common", common_entries}, {0}};

typedef struct coverage {
    uint32_t longest[LONGEST]; /* ids, the longest token first */
    size_t   longest_count;
    struct script {
        const char *name;
        uint32_t    tokens;
    } scripts[SCRIPTS]; /* the commonest first */
    size_t scripts_count;
} coverage;

static void count_script(coverage *c, const char *name) {
    size_t i = 0;
    while (i < c->scripts_count && strcmp(c->scripts[i].name, name) != 0) i++;
    if (i == SCRIPTS) return;
    if (i == c->scripts_count) c->scripts[c->scripts_count++].name = name;
    c->scripts[i].tokens++;
}

static size_t token_bytes(const canto_tokenizer *t, uint32_t id) {
    size_t bytes = 0;
    canto_tokenizer_token(t, id, &bytes);
    return bytes;
}

/* Keeps the longest, of equal length those with the smaller ids. */
static void count_length(const canto_tokenizer *t, coverage *c, uint32_t id) {
    size_t at = c->longest_count, bytes = token_bytes(t, id);
    while (at > 0 && token_bytes(t, c->longest[at - 1]) < bytes) at--;
    if (at == LONGEST) return;
    if (c->longest_count < LONGEST) c->longest_count++;
    memmove(c->longest + at + 1, c->longest + at, (c->longest_count - 1 - at) * sizeof *c->longest);
    c->longest[at] = id;
}

static int by_tokens(const void *a, const void *b) {
    const struct script *x = a, *y = b;
    if (x->tokens != y->tokens) return x->tokens < y->tokens ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void cover(const canto_tokenizer *t, coverage *c) {
    memset(c, 0, sizeof *c);
    for (uint32_t id = 0; id < (uint32_t)canto_tokenizer_vocabulary(t); id++) {
        size_t      bytes = 0;
        const char *token = canto_tokenizer_token(t, id, &bytes);
        count_script(c, script_of(token ? token : "", bytes));
        count_length(t, c, id);
    }
    qsort(c->scripts, c->scripts_count, sizeof *c->scripts, by_tokens);
}

static json_t *token_json(const canto_tokenizer *t, uint32_t id) {
    size_t      bytes = 0;
    const char *token = canto_tokenizer_token(t, id, &bytes);
    return json_text(token ? token : "", bytes);
}

static void print_json(const canto_tokenizer *t, const coverage *c, const char *hash) {
    json_t *o = json_object(), *tokens = json_array(), *longest = json_array(), *scripts = json_object();
    for (uint32_t id = 0; id < (uint32_t)canto_tokenizer_vocabulary(t); id++)
        json_array_append_new(tokens, token_json(t, id));
    for (size_t i = 0; i < c->longest_count; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "id", json_integer(c->longest[i]));
        json_object_set_new(one, "bytes", json_whole(token_bytes(t, c->longest[i])));
        json_object_set_new(one, "token", token_json(t, c->longest[i]));
        json_array_append_new(longest, one);
    }
    for (size_t i = 0; i < c->scripts_count; i++)
        json_object_set_new(scripts, c->scripts[i].name, json_integer(c->scripts[i].tokens));
    json_object_set_new(o, "kind", json_string(canto_tokenizer_kind(t)));
    json_object_set_new(o, "vocabulary", json_integer(canto_tokenizer_vocabulary(t)));
    json_object_set_new(o, "hash", json_string(hash));
    json_object_set_new(o, "scripts", scripts);
    json_object_set_new(o, "longest", longest);
    json_object_set_new(o, "tokens", tokens);
    json_print(o);
}

static void print_text(const canto_tokenizer *t, const coverage *c, const char *hash) {
    uint32_t vocabulary = (uint32_t)canto_tokenizer_vocabulary(t);
    char     seen[400];
    printf("kind        %s\nvocabulary  %s\nhash        %s\nfirst      ", canto_tokenizer_kind(t),
           number_grouped(vocabulary).text, hash);
    for (uint32_t id = 0; id < vocabulary && id < 16; id++) {
        size_t      bytes = 0;
        const char *token = canto_tokenizer_token(t, id, &bytes);
        tokenizer_visible(token ? token : "", bytes, true, seen, sizeof seen);
        printf(" %s", seen);
    }
    printf("\nscripts     tokens\n");
    for (size_t i = 0; i < c->scripts_count; i++)
        printf("  %-20s %s\n", c->scripts[i].name, number_grouped(c->scripts[i].tokens).text);
    printf("longest     bytes\n");
    for (size_t i = 0; i < c->longest_count; i++) {
        size_t      bytes = 0;
        const char *token = canto_tokenizer_token(t, c->longest[i], &bytes);
        tokenizer_visible(token ? token : "", bytes, true, seen, sizeof seen);
        printf("  %-6lu %5zu  %s\n", (unsigned long)c->longest[i], bytes, seen);
    }
}

void tokenizer_print_info(const canto_tokenizer *t, bool json) {
    coverage c;
    char     hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)canto_tokenizer_hash(t));
    cover(t, &c);
    if (json) print_json(t, &c, hash);
    else print_text(t, &c, hash);
}

static int run_info(option_set *options) {
    const char *which = options->count ? options->operands[0] : options_text(options, "tokenizer", NULL);
    if (!which || options->count > 1) return support_usage("which tokenizer? canto tokenizer info T");
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    bool             good = context && tokenizer_named(context, which, &tokenizer);
    if (good) tokenizer_print_info(tokenizer, options_flag(options, "json"));
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const examples[] = {
    "canto tokenizer info run",
    "kind and vocabulary of a model's tokenizer, the scripts it covers, its longest tokens",
    "canto tokenizer info run --json",
    "with all of its tokens",
    NULL,
};

const command command_tokenizer_info = {
    .name = "tokenizer info",
    .operands = "T [OPTIONS]",
    .about = "tell what a tokenizer is and what it covers",
    .details =
        "T is a file, model or run that has a tokenizer, or byte. A token belongs to the script of its first letter. "
        "With --json all of its tokens are printed.\n",
    .groups = groups,
    .run = run_info,
    .section = "Texts and tokens",
    .examples = examples,
};
