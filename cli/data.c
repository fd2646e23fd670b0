/* data.c - canto data prepare: texts -> a token file, and beside it the tokenizer that made it. */
#include <string.h>

#include "command.h"

static const option_entry entries[] = {
    {"output", 'o', OPTION_FILE, "FILE", "the token file to write; its tokenizer goes to FILE.tokenizer/ (needed)", 0,
     0},
    {"tokenizer", 0, OPTION_PATH, "char|byte|word|PATH",
     "a new tokenizer of this kind, or a folder or file with one (default: char)", 0, 0},
    {"numbers", 0, OPTION_TEXT, "TOKEN", "word: what every number becomes, e.g. '<NUM>'", 0, 0},
    {"unknown", 0, OPTION_TEXT, "TOKEN", "char, word: what everything unseen becomes, e.g. '<UNK>'", 0, 0},
    {"specials", 0, OPTION_TEXT, "A,B,...", "tokens at the vocabulary's head, e.g. '<PAD>,<BOS>'", 0, 0},
    {0},
};

static const option_group groups[] = {{"Preparing", entries}, {"Text", text_entries}, {"Common", common_entries}, {0}};

static void print_prepared(const canto_data *data, const char *path, bool json) {
    if (!json) {
        terminal_note("%s: %s tokens of a vocabulary of %s, from %s of text", path,
                      number_grouped(canto_data_count(data)).text,
                      number_grouped((uint64_t)canto_data_vocabulary(data)).text,
                      number_bytes((double)canto_data_source_bytes(data)).text);
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "file", json_text(path, strlen(path)));
    json_object_set_new(o, "tokens", json_whole(canto_data_count(data)));
    json_object_set_new(o, "vocabulary", json_integer(canto_data_vocabulary(data)));
    json_object_set_new(o, "source_bytes", json_whole(canto_data_source_bytes(data)));
    json_print(o);
}

static int run_prepare(option_set *options) {
    const char *path = options_text(options, "output", NULL);
    char        folder[4200];
    if (!options->count) return support_usage("which texts? canto data prepare TEXT... -o FILE");
    if (!path || !*path) return support_usage("where to? add -o FILE");
    snprintf(folder, sizeof folder, "%s.tokenizer", path);
    for (size_t i = 0; i < options->count; i++)
        if (!strcmp(options->operands[i], path)) return support_usage("-o %s is one of the texts", path);

    support_catch_interrupts(); /* a file that is half written is to be removed again */
    int              code = FAILED;
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    canto_data      *data = NULL;
    if (!context ||
        !support_tokenizer(context, options, options_text(options, "tokenizer", "char"), options->operands,
                           options->count, &tokenizer) ||
        !support_good(
            canto_data_from_texts(context, tokenizer, (const char *const *)options->operands, options->count, &data)) ||
        !support_make_folder(folder) || !support_good(canto_tokenizer_save(tokenizer, folder)) ||
        !support_good(canto_data_save(data, path)))
        goto done;
    print_prepared(data, path, options_flag(options, "json"));
    code = DONE;
done:
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto data prepare book.txt other.txt -o books.tokens",
    "encode texts once: canto train books.tokens -o RUN then begins at once",
    "canto data prepare other.txt -o other.tokens --tokenizer run --json",
    "with a model's own tokenizer, for canto eval",
    NULL,
};

const command command_data_prepare = {
    .name = "data prepare",
    .operands = "TEXT... -o FILE [OPTIONS]",
    .about = "turn texts into a token file that train and eval read",
    .groups = groups,
    .run = run_prepare,
    .section = "Texts and tokens",
    .examples = examples,
};
