/* data.c - canto data prepare: texts -> a token file, and beside it the tokenizer that made it. */
#include <string.h>

#include "command.h"

static const option_entry entries[] = {
    {"output", 'o', OPTION_FILE, "FILE", "the token file to write; its tokenizer goes to FILE.tokenizer/ (needed)", 0,
     0},
    {"tokenizer", 0, OPTION_PATH, "char|byte|word|bpe|gpt2|PATH",
     "a new tokenizer of this kind (bpe:SIZE says how many tokens), the vocabulary of gpt2, p50k, cl100k or o200k, or "
     "a folder or file with a tokenizer (default: bpe, up to 4096 tokens)",
     0, 0},
    {"numbers", 0, OPTION_TEXT, "TOKEN", "word: what every number becomes, e.g. '<NUM>'", 0, 0},
    {"unknown", 0, OPTION_TEXT, "TOKEN", "char, word: what everything unseen becomes, e.g. '<UNK>'", 0, 0},
    {"specials", 0, OPTION_TEXT, "A,B,...", "tokens at the vocabulary's head, e.g. '<PAD>,<BOS>'", 0, 0},
    {"field", 0, OPTION_TEXT, "KEY",
     "of files named .jsonl or .ndjson: what the text of a line is called (default: text)", 0, 0},
    {"end-of-text", 0, OPTION_TEXT, "TOKEN",
     "what stands between documents; none: nothing (default: <|endoftext|>, <EOS> or </s> if the vocabulary has it, "
     "otherwise a newline, and between words nothing)",
     0, 0},
    {0},
};

static const option_group groups[] = {{"Preparing", entries}, {"Text", text_entries}, {"Common", common_entries}, {0}};

static void print_prepared(const canto_prepared *made, int32_t vocabulary, const char *path, bool json) {
    if (!json) {
        if (made->resumed) terminal_note("going on behind %s tokens", number_grouped(made->resumed).text);
        terminal_note("%s: %s tokens of a vocabulary of %s, from %s of text in %s document%s", path,
                      number_grouped(made->tokens).text, number_grouped((uint64_t)vocabulary).text,
                      number_bytes((double)made->source_bytes).text, number_grouped(made->documents).text,
                      made->documents == 1 ? "" : "s");
        return;
    }
    json_t *o = json_object();
    json_object_set_new(o, "file", json_text(path, strlen(path)));
    json_object_set_new(o, "documents", json_whole(made->documents));
    json_object_set_new(o, "tokens", json_whole(made->tokens));
    json_object_set_new(o, "vocabulary", json_integer(vocabulary));
    json_object_set_new(o, "source_bytes", json_whole(made->source_bytes));
    json_object_set_new(o, "resumed", json_whole(made->resumed));
    json_print(o);
}

static int run_prepare(option_set *options) {
    const char           *path = options_text(options, "output", NULL);
    char                  folder[4200];
    canto_prepare_options how = canto_prepare_options_default();
    canto_prepared        made;
    how.field = options_text(options, "field", how.field);
    how.end_of_text = options_text(options, "end-of-text", NULL);
    if (how.end_of_text && !strcmp(how.end_of_text, "none")) how.end_of_text = "";
    if (!options->count) return support_usage("which texts? canto data prepare TEXT... -o FILE");
    if (!path || !*path) return support_usage("where to? add -o FILE");
    snprintf(folder, sizeof folder, "%s.tokenizer", path);
    for (size_t i = 0; i < options->count; i++)
        if (!strcmp(options->operands[i], path)) return support_usage("-o %s is one of the texts", path);

    support_catch_interrupts(); /* what is done is to be kept for another time */
    int              code = FAILED;
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    if (!context ||
        !support_tokenizer(context, options, options_text(options, "tokenizer", SUPPORT_KIND), options->operands,
                           options->count, &tokenizer) ||
        !support_make_folder(folder) || !support_good(canto_tokenizer_save(tokenizer, folder)) ||
        !support_good(canto_data_prepare(context, tokenizer, &how, (const char *const *)options->operands,
                                         options->count, path, &made)))
        goto done;
    print_prepared(&made, canto_tokenizer_vocabulary(tokenizer), path, options_flag(options, "json"));
    code = DONE;
done:
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
    .details =
        "TEXT are UTF-8 files of any size, each a document, or files named .jsonl or .ndjson with a JSON object a "
        "line, whose text (--field) is a document; all of them may be packed: .gz, .zst.\n"
        "The texts are read in pieces, encoded by all threads, and never lie in memory as a whole. FILE appears when "
        "it "
        "is complete. Until then there are FILE.part and FILE.part.json: after Ctrl-C, a kill or a full disk the same "
        "command goes on from there, and FILE becomes, byte for byte, what it would have been.\n",
    .groups = groups,
    .run = run_prepare,
    .section = "Texts and tokens",
    .examples = examples,
};
