/* tokenizer_command.c - canto tokenizer encode, decode. */
#include <stdlib.h>
#include <string.h>

#include "tokenizer_command.h"

static const option_entry which_entries[] = {
    {"tokenizer", 0, OPTION_PATH, "byte|gpt2|p50k|cl100k|o200k|PATH",
     "bytes, one of OpenAI's vocabularies, or a file, model or run that has a tokenizer (needed)", 0, 0},
    {0},
};
static const option_entry encode_entries[] = {
    {"ids", 0, OPTION_FLAG, NULL, "ids separated by spaces (the default unless it is shown on a terminal)", 0, 0},
    {"pieces", 0, OPTION_FLAG, NULL, "the text's pieces above their ids, for the eye (the default on a terminal)", 0,
     0},
    {"lines", 0, OPTION_FLAG, NULL, "one line in, one line out", 0, 0},
    {"jsonl", 0, OPTION_FLAG, NULL, "with --lines: a line is a JSON string", 0, 0},
    {"special", 0, OPTION_CHOICE, "allow|text|refuse",
     "special tokens such as <|endoftext|> in the text: tokens, text like "
     "any other (the default), or an error",
     0, 0},
    {0},
};
static const option_entry decode_entries[] = {
    {"lines", 0, OPTION_FLAG, NULL, "one line in, one line out (with --json: a JSON string each)", 0, 0},
    {0},
};
static const option_group encode_groups[] = {{"Tokenizer", which_entries},
                                             {"Encoding", encode_entries},
                                             {"Text", text_entries},
                                             {"Common", common_entries},
                                             {0}};
static const option_group decode_groups[] = {
    {"Tokenizer", which_entries}, {"Decoding", decode_entries}, {"Common", common_entries}, {0}};

/* What the two have open; ending takes a zeroed one. */
typedef struct work {
    canto_context   *context;
    canto_tokenizer *tokenizer;
    char            *text;
    size_t           bytes;
} work;

static void work_end(work *w) {
    free(w->text);
    canto_tokenizer_close(w->tokenizer);
    canto_context_close(w->context);
}

bool tokenizer_named(canto_context *context, const char *which, canto_tokenizer **tokenizer) {
    if (strcmp(which, "byte")) return support_tokenizer_open(context, which, tokenizer);
    canto_tokenizer_options bytes = canto_tokenizer_options_default();
    bytes.kind = "byte";
    return support_good(canto_tokenizer_train(context, &bytes, NULL, 0, tokenizer));
}

static bool work_begin(work *w, const option_set *options, const char *which) {
    *w = (work){0};
    w->context = support_context(options);
    return w->context && tokenizer_named(w->context, which, &w->tokenizer);
}

/* Calls each(w, line, bytes) for every line of the text, or once for the whole of it. */
static bool each_piece(work *w, const option_set *options,
                       bool (*each)(work *, const option_set *, const char *, size_t)) {
    if (!options_flag(options, "lines")) return each(w, options, w->text, w->bytes);
    for (size_t at = 0; at < w->bytes;) {
        const char *end = memchr(w->text + at, '\n', w->bytes - at);
        size_t      bytes = end ? (size_t)(end - (w->text + at)) : w->bytes - at;
        if (!each(w, options, w->text + at, bytes)) return false;
        at += bytes + 1;
    }
    return true;
}

static int run_pieces(option_set *options, bool (*each)(work *, const option_set *, const char *, size_t)) {
    const char *which = options_text(options, "tokenizer", NULL);
    if (!which) return support_usage("which tokenizer? add --tokenizer T");
    if (options->count > 1) return support_usage("one FILE, or standard input");
    work w;
    bool good = work_begin(&w, options, which) &&
                support_read(options->count ? options->operands[0] : NULL, &w.text, &w.bytes) &&
                each_piece(&w, options, each);
    work_end(&w);
    return good ? DONE : FAILED;
}

/* ------------------------------------------------------------------------------------------------- encode */

static bool encode_text(work *w, const option_set *options, const char *text, size_t bytes) {
    uint32_t     *ids;
    size_t        count;
    const char   *wanted = options_text(options, "special", "text");
    canto_special special = !strcmp(wanted, "allow")    ? CANTO_SPECIAL_ALLOW
                            : !strcmp(wanted, "refuse") ? CANTO_SPECIAL_REFUSE
                                                        : CANTO_SPECIAL_TEXT;
    if (!support_good(canto_tokenizer_encode_special(w->tokenizer, text, bytes, special, &ids, &count))) return false;
    bool ids_wanted = options_flag(options, "ids"), json = options_flag(options, "json");
    if (options_flag(options, "pieces") || (!ids_wanted && !json && terminal_output_is_one()))
        tokenizer_show(w->tokenizer, ids, count);
    else if (json && !ids_wanted) {
        json_t *all = json_array();
        for (size_t i = 0; i < count; i++) json_array_append_new(all, json_integer(ids[i]));
        json_print(all);
    } else {
        for (size_t i = 0; i < count; i++) printf("%s%lu", i ? " " : "", (unsigned long)ids[i]);
        putchar('\n');
    }
    canto_free(w->context, ids);
    return true;
}

static bool encode_piece(work *w, const option_set *options, const char *text, size_t bytes) {
    if (!options_flag(options, "jsonl")) return encode_text(w, options, text, bytes);
    json_error_t error;
    json_t      *line = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool         good = json_is_string(line);
    if (!good) terminal_error("not a JSON string: %.*s", (int)(bytes < 60 ? bytes : 60), text);
    else good = encode_text(w, options, json_string_value(line), json_string_length(line));
    json_decref(line);
    return good;
}

static int run_encode(option_set *options) {
    if (options_flag(options, "pieces") && (options_flag(options, "ids") || options_flag(options, "json")))
        return support_usage("--pieces is for the eye: give it, or --ids or --json");
    if (options_flag(options, "jsonl") && !options_flag(options, "lines"))
        return support_usage("--jsonl goes with --lines");
    return run_pieces(options, encode_piece);
}

/* ------------------------------------------------------------------------------------------------- decode */

/* The numbers of a text that has nothing but them, white space, commas and brackets; the caller's, NULL on error. */
static uint32_t *read_ids(const char *text, size_t bytes, size_t *count) {
    uint32_t *ids = malloc((bytes / 2 + 1) * sizeof *ids);
    *count = 0;
    if (!ids) terminal_error("out of memory");
    for (size_t i = 0; ids && i < bytes;) {
        if (memchr(" \t\r\n,[]", text[i], 8)) {
            i++;
            continue;
        }
        uint64_t id = 0;
        size_t   start = i;
        while (i < bytes && text[i] >= '0' && text[i] <= '9' && id <= UINT32_MAX)
            id = 10 * id + (uint64_t)(text[i++] - '0');
        if (i == start || id > UINT32_MAX || (i < bytes && !memchr(" \t\r\n,[]", text[i], 8))) {
            terminal_error("not a token id: %.*s", (int)strcspn(text + start, " \t\r\n,[]"), text + start);
            free(ids);
            return NULL;
        }
        ids[(*count)++] = (uint32_t)id;
    }
    return ids;
}

static bool decode_piece(work *w, const option_set *options, const char *text, size_t bytes) {
    size_t    count;
    uint32_t *ids = read_ids(text, bytes, &count);
    if (!ids) return false;
    char  *out = NULL;
    size_t size = 0;
    bool   good = support_good(canto_tokenizer_decode(w->tokenizer, ids, count, &out, &size));
    if (good && options_flag(options, "json")) json_print(json_text(out, size));
    else if (good) {
        fwrite(out, 1, size, stdout);
        if (options_flag(options, "lines")) putchar('\n');
    }
    canto_free(w->context, out);
    free(ids);
    return good;
}

static int run_decode(option_set *options) { return run_pieces(options, decode_piece); }

static const char *const encode_examples[] = {
    "canto tokenizer encode --tokenizer run other.txt",
    "the token ids of a text, as a trained model sees them",
    "echo hello | canto tokenizer encode --tokenizer byte --json",
    "standard input, one token a byte, as a JSON array",
    NULL,
};

const command command_tokenizer_encode = {
    .name = "tokenizer encode",
    .operands = "--tokenizer T [FILE] [OPTIONS]",
    .about = "turn text into token ids",
    .details =
        "The text is FILE, or standard input. On a terminal its pieces are shown, in colours, above their ids; into a "
        "file or a pipe go ids, separated by spaces.\n",
    .groups = encode_groups,
    .run = run_encode,
    .section = "Texts and tokens",
    .examples = encode_examples,
};

static const char *const decode_examples[] = {
    "echo 104 105 | canto tokenizer decode --tokenizer byte",
    "two token ids back to text",
    "canto tokenizer decode --tokenizer run ids.txt",
    "the text of the ids in a file",
    NULL,
};

const command command_tokenizer_decode = {
    .name = "tokenizer decode",
    .operands = "--tokenizer T [FILE] [OPTIONS]",
    .about = "turn token ids into text",
    .details = "The ids are in FILE, or on standard input; commas and brackets between them do no harm.\n",
    .groups = decode_groups,
    .run = run_decode,
    .section = "Texts and tokens",
    .examples = decode_examples,
};
