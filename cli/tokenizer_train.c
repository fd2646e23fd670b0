/* tokenizer_train.c - canto tokenizer train: texts, in files or from standard input, -> a folder with a tokenizer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "tokenizer_command.h"

static const option_entry shape_entries[] = {
    {"output", 'o', OPTION_FOLDER, "FOLDER", "where tokenizer.json goes (needed)", 0, 0},
    {"kind", 0, OPTION_CHOICE, "char|byte|word|bpe", "its kind (default: bpe)", 0, 0},
    {"tokenizer", 0, OPTION_TEXT, "char|byte|word|bpe:SIZE", "the same, written as for canto train", 0, 0},
    {"numbers", 0, OPTION_TEXT, "TOKEN", "word: what every number becomes, e.g. '<NUM>'", 0, 0},
    {"unknown", 0, OPTION_TEXT, "TOKEN", "char, word: what everything unseen becomes, e.g. '<UNK>'", 0, 0},
    {"specials", 0, OPTION_TEXT, "A,B,...", "tokens at the vocabulary's head, e.g. '<PAD>,<BOS>'", 0, 0},
    {"field", 0, OPTION_TEXT, "KEY",
     "of files named .jsonl or .ndjson: what the text of a line is called (default: text)", 0, 0},
    {0},
};
static const option_entry merge_entries[] = {
    {"size", 0, OPTION_INTEGER, "N",
     "tokens wanted, the 256 bytes and special ones included (default: what the texts bear, 4096 at most)", 256,
     2147483647},
    {"pattern", 0, OPTION_TEXT, "gpt2|cl100k|o200k|none|REGEX",
     "how texts are cut into pieces, over which no token reaches; a regular expression finds pieces (default: gpt2)", 0,
     0},
    {"min-frequency", 0, OPTION_INTEGER, "N",
     "neighbours that occur less often are not merged (default: 2; without --size: 50)", 1, 9007199254740992.0},
    {"memory", 0, OPTION_INTEGER, "MIB",
     "memory to get along with; where it is too little, rare words are left out (default: 256)", 1, 1048576},
    {0},
};
static const option_group train_groups[] = {{"Tokenizer", shape_entries},
                                            {"Byte pairs (bpe)", merge_entries},
                                            {"Text", text_entries},
                                            {"Common", common_entries},
                                            {0}};

static bool is_standard_input(const char *path) { return !strcmp(path, "-"); }

static canto_status read_standard_input(void *user, char *buffer, size_t bytes, size_t *got) {
    canto_status status = {CANTO_OK, ""};
    ssize_t      count;
    (void)user;
    do count = read(STDIN_FILENO, buffer, bytes);
    while (count < 0 && errno == EINTR);
    *got = count > 0 ? (size_t)count : 0;
    if (count < 0) {
        status.code = CANTO_ERROR_FILE;
        snprintf(status.text, sizeof status.text, "standard input: %s", strerror(errno));
    }
    return status;
}

/* Takes "-" out of the operands; whether it was there. */
static bool take_standard_input(option_set *options) {
    size_t kept = 0, count = options->count;
    for (size_t i = 0; i < count; i++)
        if (!is_standard_input(options->operands[i])) options->operands[kept++] = options->operands[i];
    options->count = kept;
    return kept < count;
}

static bool train(canto_context *context, const option_set *options, const char *kind, bool from_input,
                  canto_tokenizer **tokenizer) {
    canto_tokenizer_options wanted = canto_tokenizer_options_default();
    if (!support_kind(options, kind, &wanted)) {
        terminal_error("--tokenizer %s: neither char, byte, word nor bpe:SIZE", kind);
        return false;
    }
    if (from_input) wanted.read = read_standard_input;
    return support_good(
        canto_tokenizer_train(context, &wanted, (const char *const *)options->operands, options->count, tokenizer));
}

static int run_tokenizer_train(option_set *options) {
    const char *folder = options_text(options, "output", NULL),
               *kind = options_text(options, "kind", options_text(options, "tokenizer", SUPPORT_KIND));
    if (!folder || !*folder) return support_usage("where to? add -o FOLDER");
    if (options_given(options, "kind") && options_given(options, "tokenizer"))
        return support_usage("--kind and --tokenizer say the same: give one of them");
    if (!options->count && strcmp(kind, "byte"))
        return support_usage("which texts (- is standard input)? canto tokenizer train TEXT... -o FOLDER");
    bool             from_input = take_standard_input(options);
    canto_tokenizer *tokenizer = NULL;
    canto_context   *context = support_context(options);
    support_catch_interrupts();
    bool good = context && train(context, options, kind, from_input, &tokenizer) && support_make_folder(folder) &&
                support_good(canto_tokenizer_save(tokenizer, folder));
    if (good && options_flag(options, "json")) tokenizer_print_info(tokenizer, true);
    else if (good)
        terminal_note("%s: %s tokens", folder, number_grouped((uint64_t)canto_tokenizer_vocabulary(tokenizer)).text);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const train_examples[] = {
    "canto tokenizer train book.txt other.txt -o pairs --size 1000",
    "byte pairs: the strings of bytes that occur most often, a thousand tokens in all",
    "cat book.txt | canto tokenizer train - -o pairs --pattern cl100k",
    "as many as the text bears, from standard input, cut into pieces as OpenAI's cl100k is",
    "canto tokenizer train book.txt other.txt -o symbols --kind char",
    "one token for every character that the texts have",
    "canto tokenizer train poem.txt -o words --tokenizer word --numbers '<NUM>'",
    "one for every word; all numbers share one",
    NULL,
};

const command command_tokenizer_train = {
    .name = "tokenizer train",
    .operands = "TEXT... -o FOLDER [OPTIONS]",
    .about = "make a tokenizer from texts",
    .details =
        "FOLDER gets tokenizer.json and tokenizer_config.json in the form of Hugging Face. canto train makes its own "
        "tokenizer; this one is for several models that are to share it: --tokenizer FOLDER.\n"
        "Byte pairs are learnt of texts of any size, and TEXT may be -, standard input. The tokenizer depends on the "
        "texts and the options alone, never on the threads. Of pairs that occur equally often the one whose tokens "
        "have "
        "the lower ids becomes a token first, as in Hugging Face's trainer. Text of special tokens is text like any "
        "other here.\n",
    .groups = train_groups,
    .run = run_tokenizer_train,
    .section = "Texts and tokens",
    .examples = train_examples,
};
