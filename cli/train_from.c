/* train_from.c - canto train --from MODEL, and plan's: config and tokenizer are the model's.
 *
 * Invariant: what the weights were trained for cannot be given otherwise; the library names what contradicts. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "train_from.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model_options.h"
#include "train_options.h"

/* These say how a model begins, and this one has begun. */
static bool refuse_beginnings(const option_set *options) {
    static const char *const names[] = {"preset", "init"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!options_given(options, names[i])) continue;
        terminal_error("--%s says how a new model begins, and --from which one is trained on: give one of them",
                       names[i]);
        return false;
    }
    return true;
}

/* By its absolute path, which run.json gets: the run may go on from another folder. */
static bool open_model(canto_context *context, const option_set *options, canto_model **model) {
    const char *path = options_text(options, "from", NULL);
    char       *whole = realpath(path, NULL);
    bool        good = support_good(canto_model_open(context, whole ? whole : path, model));
    free(whole);
    return good;
}

int train_from_open(canto_context *context, const option_set *options, canto_config *config,
                    canto_train_options *settings, canto_model **model) {
    *model = NULL;
    if (!refuse_beginnings(options)) return WRONG_USAGE;
    if (!open_model(context, options, model)) return FAILED;
    *config = *canto_model_config(*model);
    *settings = canto_train_options_tuning();
    if (!model_options_apply(options, config) || !train_options_apply(options, settings) ||
        !support_good(canto_config_check_from(config, canto_model_config(*model))) ||
        !support_good(canto_train_options_check(settings)) || !support_good(canto_config_check(config)))
        return WRONG_USAGE;
    return DONE;
}

/* --tokenizer beside --from: the model's own once more, or one for a model that has none. */
static bool take_given(canto_context *context, const option_set *options, const canto_tokenizer *models,
                       canto_tokenizer **tokenizer) {
    const char *given = options_text(options, "tokenizer", NULL), *from = options_text(options, "from", NULL);
    if (support_is_kind(given)) {
        terminal_error("--tokenizer %s would make a new tokenizer, whose tokens mean something else than those that %s "
                       "was trained with: leave it out",
                       given, from);
        return false;
    }
    if (!support_tokenizer(context, options, given, NULL, 0, tokenizer)) return false;
    if (!models || canto_tokenizer_hash(*tokenizer) == canto_tokenizer_hash(models)) return true;
    terminal_error(
        "--tokenizer %s is another one (hash %016llx) than %s was trained with (hash %016llx), and its tokens "
        "mean something else: leave it out",
        given, (unsigned long long)canto_tokenizer_hash(*tokenizer), from,
        (unsigned long long)canto_tokenizer_hash(models));
    return false;
}

bool train_from_texts(canto_context *context, const option_set *options, const canto_model *model,
                      const canto_tokenizer **tokenizer, canto_tokenizer **own, canto_data **data) {
    *tokenizer = canto_model_tokenizer(model);
    if (!*tokenizer && !options_given(options, "tokenizer")) {
        terminal_error("--from %s: the model has no tokenizer beside it: say which one with --tokenizer",
                       options_text(options, "from", NULL));
        return false;
    }
    if (options_given(options, "tokenizer") && !take_given(context, options, *tokenizer, own)) return false;
    if (!*tokenizer) *tokenizer = *own;
    return support_data(context, *tokenizer, options->operands, options->count, data);
}

bool train_from_again(canto_context *context, const option_set *options, const char *folder, canto_model **model,
                      const canto_tokenizer **tokenizer, canto_tokenizer **own, canto_data **data) {
    char path[4200];
    snprintf(path, sizeof path, "%s/last/config.json", folder); /* of a whole model: adapters have none */
    if (access(path, F_OK))
        return open_model(context, options, model) && train_from_texts(context, options, *model, tokenizer, own, data);
    if (!support_tokenizer_open(context, folder, own)) return false;
    *tokenizer = *own;
    return support_data(context, *tokenizer, options->operands, options->count, data);
}
