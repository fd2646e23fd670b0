/* eval.c - canto eval: how well a model predicts texts. */
#include "command.h"

static const option_group groups[] = {{"Text", text_entries}, {"Common", common_entries}, {0}};

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

static int run_eval(option_set *options) {
    if (options->count < 2) return support_usage("which model and texts? canto eval MODEL TEXT...");
    int              code = FAILED;
    canto_context   *context = support_context(options);
    canto_model     *model = NULL;
    canto_data      *data = NULL;
    canto_evaluation evaluation;
    if (!context || !support_good(canto_model_open(context, options->operands[0], &model))) goto done;
    const canto_tokenizer *tokenizer = canto_model_tokenizer(model);
    if (!tokenizer && !canto_data_is_token_file(options->operands[1])) {
        terminal_error("%s has no tokenizer.json: it can be evaluated on token files only", options->operands[0]);
        goto done;
    }
    if (!support_data(context, tokenizer, options->operands + 1, options->count - 1, &data) ||
        !support_good(canto_evaluate(context, model, data, &evaluation)))
        goto done;
    print_evaluation(&evaluation, options_flag(options, "json"));
    code = DONE;
done:
    canto_data_close(data);
    canto_model_close(model);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto eval run other.txt",
    "how well the model foretells a text that it has not seen",
    "canto eval run/last book.txt other.txt --json",
    "the latest checkpoint on two texts, for another program",
    NULL,
};

const command command_eval = {
    .name = "eval",
    .operands = "MODEL TEXT... [OPTIONS]",
    .about = "measure how well a model foretells texts",
    .details = "Prints the loss (nats a token), the perplexity and the bits a byte of text. TEXT are UTF-8 files, or "
               "token files of canto data prepare. Every token but the first is foretold once.\n",
    .groups = groups,
    .run = run_eval,
    .section = "Models",
    .examples = examples,
};
