/* eval.c - canto eval: how well a model predicts texts. */
#include "eval_lines.h"

static const option_entry entries[] = {
    {"form", 0, OPTION_CHOICE, "text|choices|last-word", "what the files are: see below (default: text)", 0, 0},
    {"stride", 0, OPTION_INTEGER, "N",
     "text: a window begins N tokens after the one before it; the smaller, the more of the text the model sees before "
     "each token, and the longer it takes (default: the model's context)",
     1, 2147483647},
    {"limit", 0, OPTION_INTEGER, "N", "choices, last-word: the first N questions alone (default: all)", 1, 1e15},
    {"each", 0, OPTION_SWITCH, NULL, "choices, last-word: print every question's result too (default: off)", 0, 0},
    {0},
};

static const option_group groups[] = {
    {"Evaluation", entries}, {"Model", weights_entries}, {"Text", text_entries}, {"Common", common_entries}, {0}};

static void print_evaluation(const canto_evaluation *e, bool json) {
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "loss", json_number(e->loss));
        json_object_set_new(o, "perplexity", json_number(e->perplexity));
        json_object_set_new(o, "bits_per_byte", e->bits_per_byte > 0 ? json_number(e->bits_per_byte) : json_null());
        json_object_set_new(o, "tokens", json_whole(e->tokens));
        json_print(o);
        return;
    }
    printf("loss           %.6f\nperplexity     %.4f\n", e->loss, e->perplexity);
    if (e->bits_per_byte > 0) printf("bits per byte  %.4f\n", e->bits_per_byte);
    printf("tokens         %s\n", number_grouped(e->tokens).text);
}

static bool eval_text(canto_context *context, const canto_model *model, const option_set *options) {
    canto_data            *data = NULL;
    canto_evaluation       evaluation;
    canto_evaluate_options how = {0};
    const canto_tokenizer *tokenizer = canto_model_tokenizer(model);
    options_int32(options, "stride", &how.stride);
    bool good = support_data(context, tokenizer, options->operands + 1, options->count - 1, &data) &&
                support_good(canto_evaluate(context, model, data, &how, &evaluation));
    if (good) print_evaluation(&evaluation, options_flag(options, "json"));
    canto_data_close(data);
    return good;
}

/* Options of one form with another would be passed over in silence. */
static bool check_form(const option_set *options, eval_form form) {
    const char *stray = form == EVAL_TEXT ? (options_given(options, "limit")  ? "limit"
                                             : options_given(options, "each") ? "each"
                                                                              : NULL)
                                          : (options_given(options, "stride") ? "stride" : NULL);
    if (stray)
        terminal_error("--%s is not of --form %s: canto help eval", stray, options_text(options, "form", "text"));
    return !stray;
}

static int run_eval(option_set *options) {
    if (options->count < 2) return support_usage("which model and texts? canto eval MODEL TEXT...");
    int  code = FAILED, form = EVAL_TEXT;
    bool each = false;
    options_choice(options, "form", &form);
    options_switch(options, "each", &each);
    if (!check_form(options, (eval_form)form)) return WRONG_USAGE;
    int64_t        most = 0;
    canto_context *context = support_context(options);
    canto_model   *model = NULL;
    if (!context || !support_model(context, options, options->operands[0], &model)) goto done;
    options_int64(options, "limit", &most);
    if (!canto_model_tokenizer(model) && (form != EVAL_TEXT || !canto_data_is_token_file(options->operands[1]))) {
        terminal_error("%s has no tokenizer.json: it can be evaluated on token files only", options->operands[0]);
        goto done;
    }
    support_catch_interrupts();
    if (form == EVAL_TEXT ? eval_text(context, model, options)
                          : eval_lines(context, model, (eval_form)form, options->operands + 1, options->count - 1,
                                       (uint64_t)most, each, options_flag(options, "json")))
        code = DONE;
done:
    canto_model_close(model);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto eval run other.txt",
    "how well the model foretells a text that it has not seen",
    "canto eval run/last book.txt other.txt --json",
    "the latest checkpoint on two texts, for another program",
    "canto eval run other.txt --stride 16",
    "every token after more of the text: a lower loss, and more work",
    NULL,
};

const command command_eval = {
    .name = "eval",
    .operands = "MODEL TEXT... [OPTIONS]",
    .about = "measure how well a model foretells texts",
    .details =
        "Prints the loss (nats a token), the perplexity and the bits a byte of text. TEXT are UTF-8 files, or "
        "token files of canto data prepare. Every token but the first is foretold once.\n"
        "--form choices asks the questions of files of JSON, one a line, as HellaSwag has them: {\"ctx\": \"She opened "
        "the door and\", \"endings\": [\"sang.\", \"went in.\"], \"label\": 1}. The answer is the ending with the "
        "highest log-probability: of the whole ending, by byte, and by token. --form last-word asks for the last "
        "word of texts, as LAMBADA does: {\"text\": \"... in went the cat\"}; right is a word that greedy writing "
        "would write. Endings and words are encoded apart from what stands before them, a space between going to "
        "them.\n",
    .groups = groups,
    .run = run_eval,
    .section = "Models",
    .examples = examples,
};
