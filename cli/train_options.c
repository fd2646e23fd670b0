/* train_options.c - from options to the settings of a training, and from operands to its tokenizer and tokens. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "train_options.h"

#include <string.h>
#include <unistd.h>

#include "model_options.h"

#define INT32_HIGH 2147483647.0
#define INT64_HIGH 9223372036854775807.0
#define REAL_HIGH 1e300

static const option_entry run_entries[] = {
    {"output", 'o', OPTION_FOLDER, "RUN", "the run folder to make (needed, but for --resume)", 0, 0},
    {"resume", 0, OPTION_FOLDER, "RUN", "go on with this run where it stopped; texts and options come from it", 0, 0},
    {"from", 0, OPTION_PATH, "MODEL",
     "begin with this model's weights and tokenizer: a model folder, a run, or a file that canto reads", 0, 0},
    {"config", 0, OPTION_FILE, "FILE", "a JSON object of these options; the command line wins", 0, 0},
    {0},
};

const option_entry tokenizer_entries[] = {
    {"tokenizer", 0, OPTION_PATH, "char|byte|word|bpe|gpt2|PATH",
     "a new tokenizer of this kind (bpe:SIZE says how many tokens), the vocabulary of gpt2, p50k, cl100k or o200k, or "
     "a folder or file with a tokenizer (default: bpe, up to 4096 tokens; shakespeare-*: char, dante*: word)",
     0, 0},
    {"numbers", 0, OPTION_TEXT, "TOKEN", "word: what every number becomes, e.g. '<NUM>'", 0, 0},
    {"unknown", 0, OPTION_TEXT, "TOKEN", "char, word: what everything unseen becomes, e.g. '<UNK>'", 0, 0},
    {"specials", 0, OPTION_TEXT, "A,B,...", "tokens at the vocabulary's head, e.g. '<PAD>,<BOS>'", 0, 0},
    {0},
};

const option_entry training_entries[] = {
    {"steps", 0, OPTION_INTEGER, "N", "updates; 0 saves the untrained model (mini: 2000)", 0, INT64_HIGH},
    {"epochs", 0, OPTION_INTEGER, "N", "passes over the training part, instead of --steps", 1, INT64_HIGH},
    {"max-time", 0, OPTION_REAL, "MINUTES", "finish the step and save after this long (default: no limit)", 1e-6,
     REAL_HIGH},
    {"batch", 0, OPTION_INTEGER, "N", "sequences of a batch (mini: 16)", 1, INT32_HIGH},
    {"eval-batch", 0, OPTION_INTEGER, "N", "sequences of a batch in evaluations (mini: as --batch)", 1, INT32_HIGH},
    {"accumulate", 0, OPTION_INTEGER, "N", "batches of one update (mini: 1)", 1, INT32_HIGH},
    {"recompute", 0, OPTION_SWITCH, NULL,
     "make most activations again rather than keep them: less memory, more time (default: off)", 0, 0},
    {"lr", 0, OPTION_REAL, "X", "learning rate, at its peak (mini: 0.001)", 0, REAL_HIGH},
    {"min-lr", 0, OPTION_REAL, "X", "where cosine and linear end (mini: 0.0001)", 0, REAL_HIGH},
    {"schedule", 0, OPTION_CHOICE, "constant|cosine|linear", "of the learning rate (mini: cosine)", 0, 0},
    {"warmup", 0, OPTION_INTEGER, "N", "updates in which the rate rises to its peak (mini: 100)", 0, INT64_HIGH},
    {"optimizer", 0, OPTION_CHOICE, "adamw|adam", "with decoupled or coupled weight decay (mini: adamw)", 0, 0},
    {"betas", 0, OPTION_PAIR, "A,B", "decay of the optimizer's two moments (mini: 0.9,0.99)", 0, 0.99999999},
    {"eps", 0, OPTION_REAL, "X", "the optimizer's epsilon (mini: 1e-08)", 0, REAL_HIGH},
    {"weight-decay", 0, OPTION_REAL, "X", "weight decay (mini: 0.1)", 0, REAL_HIGH},
    {"decay", 0, OPTION_CHOICE, "all|matrices", "what weight decay touches (mini: matrices)", 0, 0},
    {"clip", 0, OPTION_REAL, "X", "largest norm of the gradient; 0: any (mini: 1)", 0, REAL_HIGH},
    {"split", 0, OPTION_REAL, "R", "share of the tokens that is trained on; the rest evaluates (mini: 0.9)", 0, 1},
    {"freeze", 0, OPTION_TEXT, "LIST",
     "parts that stay as they are: embeddings, positions, norms, attention, ffn, head, blocks:0-3, with commas between "
     "them (default: none)",
     0, 0},
    {"lora", 0, OPTION_INTEGER, "RANK",
     "with --from: freeze the model and train adapters of this rank beside its weights (default: none)", 1, 65536},
    {"lora-alpha", 0, OPTION_REAL, "A", "adapters count A / RANK times (default: twice the rank)", 1e-6, 1e6},
    {"lora-targets", 0, OPTION_TEXT, "LIST", "weights with adapters: qkv, projection, up, down (default: qkv)", 0, 0},
    {"init", 0, OPTION_CHOICE, "torch|gpt2", "how weights begin: as PyTorch's modules, or as GPT-2 (mini: gpt2)", 0, 0},
    {"parity", 0, OPTION_CHOICE, "torch", "PyTorch's own random streams, in the source's order", 0, 0},
    {0},
};

const option_entry journal_entries[] = {
    {"eval-every", 0, OPTION_INTEGER, "N", "updates between evaluations; 0: start and end (mini: 250)", 0, INT64_HIGH},
    {"eval-batches", 0, OPTION_INTEGER, "N", "batches of each part in an evaluation (mini: 20)", 1, INT32_HIGH},
    {"save-every", 0, OPTION_INTEGER, "N", "updates between checkpoints; 0: with evaluations (mini: 0)", 0, INT64_HIGH},
    {"log-every", 0, OPTION_INTEGER, "N", "updates between rows of metrics.csv (mini: 1)", 1, INT64_HIGH},
    {"keep", 0, OPTION_INTEGER, "N", "checkpoints kept beside best and last; 0: all (mini: 3)", 0, INT32_HIGH},
    {"sample-every", 0, OPTION_INTEGER, "N", "updates between samples, in RUN/samples.txt too; 0: none (default: 0)", 0,
     INT64_HIGH},
    {"sample-prompt", 0, OPTION_TEXT, "TEXT", "how samples begin (default: a newline)", 0, 0},
    {0},
};

const option_group train_groups[] = {
    {"Run", run_entries},         {"Tokens", tokenizer_entries},  {"Model", shape_entries},
    {"Dropout", dropout_entries}, {"Training", training_entries}, {"Looking on", journal_entries},
    {"Text", text_entries},       {"Common", common_entries},     {0},
};

static const option_entry plan_entries[] = {
    {"measure", 0, OPTION_SWITCH, NULL, "train on random tokens for some seconds, to tell the time (default: on)", 0,
     0},
    {0},
};

const option_group plan_groups[] = {
    {"Planning", plan_entries},      {"Run", run_entries},
    {"Tokens", tokenizer_entries},   {"Model", shape_entries},
    {"Dropout", dropout_entries},    {"Training", training_entries},
    {"Looking on", journal_entries}, {"Text", text_entries},
    {"Common", common_entries},      {0},
};

static bool take_parts(const option_set *options, const char *name, char parts[CANTO_PARTS_MAX]) {
    const char *text = options_text(options, name, NULL);
    if (text && strlen(text) >= CANTO_PARTS_MAX) {
        terminal_error("--%s: at most %d bytes", name, CANTO_PARTS_MAX - 1);
        return false;
    }
    if (text) memcpy(parts, text, strlen(text) + 1);
    return true;
}

bool train_options_apply(const option_set *options, canto_train_options *t) {
    int     choice;
    double  minutes;
    int64_t seed;
    if (options_given(options, "steps") && options_given(options, "epochs")) {
        terminal_error("--steps and --epochs are two ways to say how long: give one of them");
        return false;
    }
    if (options_int64(options, "steps", &t->steps)) t->epochs = 0;
    options_int64(options, "epochs", &t->epochs);
    if (options_real(options, "max-time", &minutes)) t->max_seconds = 60 * minutes;
    if (options_int64(options, "seed", &seed)) t->seed = (uint64_t)seed;
    options_int32(options, "batch", &t->batch);
    options_int32(options, "eval-batch", &t->eval_batch);
    options_int32(options, "accumulate", &t->accumulate);
    options_switch(options, "recompute", &t->recompute);
    if (options_real(options, "lr", &t->lr) && !options_given(options, "min-lr") && t->min_lr > t->lr)
        t->min_lr = t->lr;
    options_real(options, "min-lr", &t->min_lr);
    if (options_choice(options, "schedule", &choice)) t->schedule = (canto_schedule)choice;
    options_int64(options, "warmup", &t->warmup);
    if (options_choice(options, "optimizer", &choice)) t->optimizer = (canto_optimizer)choice;
    options_pair(options, "betas", &t->beta1, &t->beta2);
    options_real(options, "eps", &t->eps);
    options_real(options, "weight-decay", &t->weight_decay);
    if (options_choice(options, "decay", &choice)) t->decay_matrices_only = choice == 1;
    options_real(options, "clip", &t->clip);
    options_real(options, "split", &t->split);
    options_int64(options, "eval-every", &t->eval_every);
    options_int32(options, "eval-batches", &t->eval_batches);
    options_int64(options, "save-every", &t->save_every);
    options_int64(options, "log-every", &t->log_every);
    options_int32(options, "keep", &t->keep);
    if (options_choice(options, "init", &choice)) t->init = (canto_init)choice;
    if (options_given(options, "parity")) t->parity_torch = true;
    options_int32(options, "lora", &t->lora_rank);
    options_real(options, "lora-alpha", &t->lora_alpha);
    if (!t->lora_rank && (options_given(options, "lora-alpha") || options_given(options, "lora-targets"))) {
        terminal_error("--lora-alpha and --lora-targets shape adapters: add --lora RANK");
        return false;
    }
    return take_parts(options, "freeze", t->freeze) && take_parts(options, "lora-targets", t->lora_targets);
}

/* The presets of sources 003 and 004 are for words and for characters, as those have them. */
const char *train_options_tokenizer(const option_set *options, const canto_config *config) {
    const char *kind = SUPPORT_KIND;
    if (config->family == CANTO_FAMILY_DANTE) kind = "word";
    if (config->family == CANTO_FAMILY_SHAKESPEARE) kind = "char";
    return options_text(options, "tokenizer", kind);
}

bool train_options_texts(canto_context *context, const option_set *options, const canto_config *config,
                         canto_tokenizer **tokenizer, canto_data **data) {
    const char *kind = train_options_tokenizer(options, config);
    char        beside[4200];
    bool        prepared;
    if (!support_texts(options->operands, options->count, &prepared)) return false;
    if (prepared && !options_given(options, "tokenizer")) {
        snprintf(beside, sizeof beside, "%s.tokenizer", options->operands[0]);
        if (access(beside, F_OK)) {
            terminal_error("%s: its tokenizer is not in %s; say where it is with --tokenizer FOLDER",
                           options->operands[0], beside);
            return false;
        }
        kind = beside;
    }
    return support_tokenizer(context, options, kind, options->operands, options->count, tokenizer) &&
           support_data(context, *tokenizer, options->operands, options->count, data);
}
