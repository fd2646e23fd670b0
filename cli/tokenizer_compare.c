/* tokenizer_compare.c - canto tokenizer compare: how many tokens several tokenizers make of the same text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizer_command.h"

static const option_group groups[] = {{"Text", text_entries}, {"Common", common_entries}, {0}};

/* Words are what white space parts. */
static size_t count_words(const char *text, size_t bytes) {
    size_t words = 0;
    bool   inside = false;
    for (size_t i = 0; i < bytes; i++) {
        bool space = text[i] && strchr(" \t\n\v\f\r", text[i]);
        words += !space && !inside;
        inside = !space;
    }
    return words;
}

typedef struct comparison {
    const char *name, *kind;
    int32_t     vocabulary;
    size_t      tokens;
} comparison;

static bool compare_one(canto_context *context, const char *which, const char *text, size_t bytes, comparison *c) {
    canto_tokenizer *t = NULL;
    uint32_t        *ids = NULL;
    bool             good =
        tokenizer_named(context, which, &t) && support_good(canto_tokenizer_encode(t, text, bytes, &ids, &c->tokens));
    if (good) {
        c->name = which;
        c->vocabulary = canto_tokenizer_vocabulary(t);
        c->kind = canto_tokenizer_kind(t);
    }
    canto_free(context, ids);
    canto_tokenizer_close(t);
    return good;
}

static double ratio(size_t a, size_t b) { return b ? (double)a / (double)b : NAN; }

static void print_table(const comparison *all, size_t count, size_t bytes, size_t words, bool json) {
    json_t *o = json_object(), *list = json_array();
    json_object_set_new(o, "bytes", json_whole(bytes));
    json_object_set_new(o, "words", json_whole(words));
    if (!json)
        printf("%s bytes, %s words\n\n%12s %12s %12s %10s  tokenizer\n", number_grouped(bytes).text,
               number_grouped(words).text, "tokens", "bytes/token", "tokens/word", "vocabulary");
    for (size_t i = 0; i < count; i++) {
        const comparison *c = &all[i];
        json_t           *one = json_object();
        json_object_set_new(one, "tokenizer", json_text(c->name, strlen(c->name)));
        json_object_set_new(one, "kind", json_string(c->kind));
        json_object_set_new(one, "vocabulary", json_integer(c->vocabulary));
        json_object_set_new(one, "tokens", json_whole(c->tokens));
        json_object_set_new(one, "bytes_per_token", json_number(ratio(bytes, c->tokens)));
        json_object_set_new(one, "tokens_per_word", json_number(ratio(c->tokens, words)));
        json_array_append_new(list, one);
        if (!json)
            printf("%12s %12.3f %12.3f %10s  %s (%s)\n", number_grouped(c->tokens).text, ratio(bytes, c->tokens),
                   ratio(c->tokens, words), number_grouped((uint64_t)c->vocabulary).text, c->name, c->kind);
    }
    json_object_set_new(o, "tokenizers", list);
    if (json) json_print(o);
    else json_decref(o);
}

static int run_compare(option_set *options) {
    if (options->count < 3) return support_usage("which two, on what? canto tokenizer compare A B TEXT");
    size_t         count = options->count - 1, bytes = 0;
    char          *text = NULL;
    comparison    *all = calloc(count, sizeof *all);
    canto_context *context = all ? support_context(options) : NULL;
    bool           good = context && support_read(options->operands[count], &text, &bytes);
    if (!all) terminal_error("out of memory");
    for (size_t i = 0; good && i < count; i++) good = compare_one(context, options->operands[i], text, bytes, &all[i]);
    if (good) print_table(all, count, bytes, count_words(text, bytes), options_flag(options, "json"));
    free(text);
    free(all);
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const examples[] = {
    "canto tokenizer compare run byte other.txt",
    "how many tokens a model's tokenizer makes of a text, beside one token a byte",
    "canto tokenizer compare run byte poem.txt --json",
    "the same for another program, on another text",
    NULL,
};

const command command_tokenizer_compare = {
    .name = "tokenizer compare",
    .operands = "A B... TEXT [OPTIONS]",
    .about = "compare tokenizers on a text",
    .details = "A and B are files, models or runs that have a tokenizer, or byte. Words are what white space parts.\n",
    .groups = groups,
    .run = run_compare,
    .section = "Texts and tokens",
    .examples = examples,
};
