/* tokenizer_save.c - canto tokenizer save: a vocabulary in any form that is read, in Hugging Face's form. */
#include "tokenizer_command.h"

static const option_entry save_entries[] = {
    {"output", 'o', OPTION_FOLDER, "FOLDER", "where tokenizer.json goes (needed)", 0, 0},
    {0},
};
static const option_group groups[] = {{"Saving", save_entries}, {"Common", common_entries}, {0}};

static int run_save(option_set *options) {
    const char *folder = options_text(options, "output", NULL);
    if (options->count != 1) return support_usage("which tokenizer? canto tokenizer save T -o FOLDER");
    if (!folder || !*folder) return support_usage("where to? add -o FOLDER");
    canto_context   *context = support_context(options);
    canto_tokenizer *tokenizer = NULL;
    bool             good = context && support_tokenizer_open(context, options->operands[0], &tokenizer) &&
                support_make_folder(folder) && support_good(canto_tokenizer_save(tokenizer, folder));
    if (good)
        terminal_note("%s: %s tokens", folder, number_grouped((uint64_t)canto_tokenizer_vocabulary(tokenizer)).text);
    if (good && options_flag(options, "json")) tokenizer_print_info(tokenizer, true);
    canto_tokenizer_close(tokenizer);
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const save_examples[] = {
    "canto tokenizer save gpt2 -o gpt2-tokenizer",
    "GPT-2's vocabulary as a folder that Hugging Face's libraries open",
    "canto tokenizer save vocab.json -o mine",
    "the same from vocab.json and the merges.txt beside it",
    NULL,
};

const command command_tokenizer_save = {
    .name = "tokenizer save",
    .operands = "T -o FOLDER [OPTIONS]",
    .about = "write a tokenizer in Hugging Face's form",
    .details = "T is what --tokenizer takes: gpt2, p50k, cl100k or o200k, one of OpenAI's .tiktoken files, vocab.json "
               "or encoder.json "
               "with merges.txt or vocab.bpe beside it, a tokenizer.json, or a folder with one of these. FOLDER gets "
               "tokenizer.json "
               "and tokenizer_config.json.\n",
    .groups = groups,
    .run = run_save,
    .section = "Texts and tokens",
    .examples = save_examples,
};
