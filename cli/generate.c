/* generate.c - canto generate: a model continues a prompt. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "writing.h"

static const option_entry entries[] = {
    {"prompt", 'p', OPTION_TEXT, "TEXT", "what to continue (default: standard input; at a terminal a newline)", 0, 0},
    {"tokens", 'n', OPTION_INTEGER, "N", "how many tokens to write (default: 200)", 0, 9223372036854775807.0},
    {"temperature", 't', OPTION_REAL, "X",
     "below 1 the likely tokens become likelier, above 1 the others; 0: greedy (default: 1)", 0, 1e300},
    {"top-k", 0, OPTION_INTEGER, "K", "sample from the K likeliest tokens; 0: all (default: 0)", 0, 2147483647},
    {"top-p", 0, OPTION_REAL, "P", "sample from the likeliest tokens that reach P together; 1: all (default: 1)", 0, 1},
    {"greedy", 0, OPTION_FLAG, NULL, "always the likeliest token", 0, 0},
    {"count", 0, OPTION_INTEGER, "N", "texts to write, with seeds S, S + 1, ... (default: 1)", 1, 1e9},
    {"stream", 0, OPTION_SWITCH, NULL, "print while writing (default: on)", 0, 0},
    {"parity", 0, OPTION_CHOICE, "torch", "sample with PyTorch's own random stream", 0, 0},
    {0},
};

static const option_group groups[] = {{"Writing", entries}, {"Common", common_entries}, {0}};

static json_t *sample_json(const writing *w, uint64_t seed) {
    json_t *o = json_object(), *ids = json_array(), *logprobs = json_array();
    for (size_t i = 0; i < w->count; i++) {
        json_array_append_new(ids, json_integer(w->ids[i]));
        json_array_append_new(logprobs, json_number(w->logprobs[i]));
    }
    const char *text = w->text + w->prompt_bytes;
    size_t      bytes = w->bytes - w->prompt_bytes;
    if (!strcmp(canto_tokenizer_kind(w->tokenizer), "word") && bytes && *text == ' ') text++, bytes--;
    json_object_set_new(o, "prompt", json_text(w->text, w->prompt_bytes));
    json_object_set_new(o, "text", json_text(text, bytes));
    json_object_set_new(o, "ids", ids);
    json_object_set_new(o, "logprobs", logprobs);
    json_object_set_new(o, "seed", json_whole(seed));
    return o;
}

/* One text; an exit code. */
static int write_one(canto_context *context, canto_session *session, const canto_tokenizer *tokenizer,
                     const option_set *options, const char *prompt, size_t bytes, const canto_generate_options *how) {
    bool json = options_flag(options, "json"), stream = true;
    options_switch(options, "stream", &stream);
    writing w = {0};
    bool    good = writing_start(&w, context, tokenizer, prompt, bytes) &&
                writing_continue(&w, session, how, json || !stream ? NULL : stdout);
    bool stopped = w.stopped;
    if (good && json) json_print(sample_json(&w, how->seed));
    else if (good) {
        if (!stream) fwrite(w.text, 1, w.bytes, stdout);
        putchar('\n');
    } else if (!json && stream && w.count) putchar('\n');
    writing_end(&w);
    return !good ? FAILED : stopped ? INTERRUPTED : DONE;
}

/* The prompt: -p, or standard input without its last newline, or nothing. *owned is to be freed. */
static bool read_prompt(const option_set *options, const char **prompt, size_t *bytes, char **owned) {
    *owned = NULL;
    *prompt = options_text(options, "prompt", NULL);
    *bytes = *prompt ? strlen(*prompt) : 0;
    if (*prompt || isatty(STDIN_FILENO)) return true;
    if (!support_read(NULL, owned, bytes)) return false;
    *prompt = *owned;
    if (*bytes > 1 && (*owned)[*bytes - 1] == '\n') --*bytes;
    return true;
}

static int run_generate(option_set *options) {
    canto_generate_options how = canto_generate_options_default();
    int64_t                count = 1, seed;
    if (options->count != 1) return support_usage("which model? canto generate MODEL");
    options_int64(options, "tokens", &how.tokens);
    options_real(options, "temperature", &how.temperature);
    options_int32(options, "top-k", &how.top_k);
    options_real(options, "top-p", &how.top_p);
    options_int64(options, "count", &count);
    if (options_int64(options, "seed", &seed)) how.seed = (uint64_t)seed;
    how.greedy = options_flag(options, "greedy");
    how.parity_torch = options_given(options, "parity");

    int            code = FAILED;
    canto_context *context = support_context(options);
    canto_model   *model = NULL;
    canto_session *session = NULL;
    const char    *prompt;
    char          *owned = NULL;
    size_t         bytes;
    if (!context || !support_good(canto_model_open(context, options->operands[0], &model))) goto done;
    const canto_tokenizer *tokenizer = canto_model_tokenizer(model);
    if (!tokenizer) {
        terminal_error("%s has no tokenizer.json: it cannot read a prompt", options->operands[0]);
        goto done;
    }
    if (!read_prompt(options, &prompt, &bytes, &owned)) goto done;
    if (!support_good(canto_session_open(context, model, &session))) goto done;
    support_catch_interrupts();
    for (int64_t i = 0; i < count; i++, how.seed++) {
        if (count > 1 && !options_flag(options, "json"))
            printf("%s--- %lld of %lld (seed %llu) ---\n", i ? "\n" : "", (long long)i + 1, (long long)count,
                   (unsigned long long)how.seed);
        code = write_one(context, session, tokenizer, options, prompt, bytes, &how);
        if (code != DONE) break;
    }
done:
    free(owned);
    canto_session_close(session);
    canto_model_close(model);
    canto_context_close(context);
    return code;
}

static const char *const examples[] = {
    "canto generate run -p \"It was\" -n 300 -t 0.8",
    "300 tokens after these words, a little more careful than the model is by itself",
    "canto generate run/last --top-k 40 --count 3 --seed 1",
    "three texts of the latest checkpoint, the same ones each time",
    "head -c 100 book.txt | canto generate run --json",
    "the prompt from standard input, the result for another program",
    NULL,
};

const command command_generate = {
    .name = "generate",
    .operands = "MODEL [-p PROMPT] [OPTIONS]",
    .about = "let a model continue a prompt",
    .details =
        "MODEL is a model folder, a run folder (its best checkpoint) or a checkpoint. The prompt is printed, then "
        "what the model makes of it. From standard input the prompt loses one newline at its end, if anything "
        "precedes it.\n",
    .groups = groups,
    .run = run_generate,
    .section = "Models",
    .examples = examples,
};
