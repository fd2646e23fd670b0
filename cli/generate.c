/* generate.c - canto generate: a model continues a prompt. */
#include <stdlib.h>
#include <string.h>

#include "generate.h"

const option_entry writing_entries[] = {
    {"prompt", 'p', OPTION_TEXT, "TEXT", "what to continue (default: standard input; of nothing: a newline)", 0, 0},
    {"tokens", 'n', OPTION_INTEGER, "N", "how many tokens to write (default: 200)", 0, 9223372036854775807.0},
    {"temperature", 't', OPTION_REAL, "X",
     "below 1 the likely tokens become likelier, above 1 the others; 0: greedy (default: 1)", 0, 1e300},
    {"top-k", 0, OPTION_INTEGER, "K", "sample from the K likeliest tokens; 0: all (default: 0)", 0, 2147483647},
    {"top-p", 0, OPTION_REAL, "P", "sample from the likeliest tokens that reach P together; 1: all (default: 1)", 0, 1},
    {"min-p", 0, OPTION_REAL, "P",
     "sample from tokens at least P times as likely as the likeliest; 0: all (default: 0)", 0, 1},
    {"repeat-penalty", 0, OPTION_REAL, "R",
     "tokens of prompt and text: positive logits / R, others * R; 1: none (default: 1)", 0.001, 1000},
    {"repeat-window", 0, OPTION_INTEGER, "N", "the penalty looks at the last N tokens; 0: at all of them (default: 0)",
     0, 2147483647},
    {"greedy", 0, OPTION_FLAG, NULL, "always the likeliest token", 0, 0},
    {"stop", 0, OPTION_TEXTS, "TEXT", "end before this text is written; may be given several times", 0, 0},
    {"count", 0, OPTION_INTEGER, "N", "texts to write, with seeds S, S + 1, ... (default: 1)", 1, 1e9},
    {"stream", 0, OPTION_SWITCH, NULL, "print while writing (default: on)", 0, 0},
    {0},
};

static const option_entry parity_entries[] = {
    {"parity", 0, OPTION_CHOICE, "torch", "sample with PyTorch's own random stream", 0, 0},
    {0},
};

const option_group        generate_groups[] = {{"Writing", writing_entries},
                                               {"Random stream", parity_entries},
                                               {"Text", text_entries},
                                               {"Common", common_entries},
                                               {0}};
static const option_group groups[] = {{"Writing", writing_entries}, {"Random stream", parity_entries},
                                      {"Model", weights_entries},   {"Text", text_entries},
                                      {"Common", common_entries},   {0}};

json_t *generate_json(const writing *w, uint64_t seed) {
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
    json_object_set_new(o, "ended_by", json_string(w->stopped ? "interruption" : w->found_stop ? "stop" : "length"));
    return o;
}

/* What the texts of one command share. */
typedef struct writer {
    canto_context         *context;
    canto_session         *session;
    const canto_tokenizer *tokenizer;
    int32_t                most; /* T */
    const char            *prompt;
    size_t                 bytes;
    const char           **stops; /* ended by NULL */
    canto_generate_options how;
    bool                   json, stream;
} writer;

/* What the model does not get to see as it was given. */
static void note_prompt(const writer *r, const writing *w) {
    if (!r->bytes && w->begin == w->prompt) terminal_note("there is no prompt: the text begins with a newline");
    else if (!r->bytes) terminal_note("there is no prompt: the text begins with the first token of the vocabulary");
    if (w->prompt_count > (size_t)r->most)
        terminal_note("the prompt has %zu tokens, the model sees the last %d of them", w->prompt_count, (int)r->most);
}

/* One text; an exit code. */
static int write_one(const writer *r, bool first) {
    writing w = {0};
    bool    good = writing_start(&w, r->context, r->tokenizer, r->prompt, r->bytes);
    if (good && first) note_prompt(r, &w);
    if (r->json || !r->stream) w.told = r->how.tokens;
    good = good && writing_continue(&w, r->session, &r->how, r->stops, r->json || !r->stream ? NULL : stdout);
    bool stopped = w.stopped;
    terminal_clear();
    if (good && r->json) json_print(generate_json(&w, r->how.seed));
    else if (good) {
        if (!r->stream) fwrite(w.text, 1, w.bytes, stdout);
        putchar('\n');
    } else if (!r->json && r->stream && w.count) putchar('\n');
    writing_end(&w);
    return !good ? FAILED : stopped ? INTERRUPTED : DONE;
}

/* A text for each seed from how.seed on; an exit code. */
static int write_all(writer *r, int64_t count) {
    int code = DONE;
    for (int64_t i = 0; i < count && code == DONE; i++, r->how.seed++) {
        if (count > 1 && !r->json)
            printf("%s--- %lld of %lld (seed %llu) ---\n", i ? "\n" : "", (long long)i + 1, (long long)count,
                   (unsigned long long)r->how.seed);
        code = write_one(r, i == 0);
        if (code == DONE && ferror(stdout)) code = FAILED; /* main.c says so */
    }
    return code;
}

const char **generate_stops(const option_set *options) {
    size_t n = 0;
    while (options_text_at(options, "stop", n)) n++;
    const char **stops = calloc(n + 1, sizeof *stops);
    for (size_t i = 0; stops && i < n; i++) stops[i] = options_text_at(options, "stop", i);
    if (!stops) terminal_error("out of memory");
    return stops;
}

void generate_options(const option_set *options, canto_generate_options *how) {
    int64_t seed;
    *how = canto_generate_options_default();
    options_int64(options, "tokens", &how->tokens);
    options_real(options, "temperature", &how->temperature);
    options_int32(options, "top-k", &how->top_k);
    options_real(options, "top-p", &how->top_p);
    options_real(options, "min-p", &how->min_p);
    options_real(options, "repeat-penalty", &how->repeat_penalty);
    options_int32(options, "repeat-window", &how->repeat_window);
    if (options_int64(options, "seed", &seed)) how->seed = (uint64_t)seed;
    how->greedy = options_flag(options, "greedy");
    how->parity_torch = options_given(options, "parity");
}

static int run_generate(option_set *options) {
    writer       r = {0};
    int64_t      count = 1;
    int          code = FAILED;
    canto_model *model = NULL;
    char        *owned = NULL;
    if (options->count != 1) return support_usage("which model? canto generate MODEL");
    generate_options(options, &r.how);
    r.json = options_flag(options, "json");
    r.stream = true;
    options_switch(options, "stream", &r.stream);
    options_int64(options, "count", &count);
    if (!(r.stops = generate_stops(options)) || !(r.context = support_context(options))) goto done;
    if (!support_model(r.context, options, options->operands[0], &model)) goto done;
    r.most = canto_model_config(model)->context;
    r.tokenizer = canto_model_tokenizer(model);
    if (!r.tokenizer) {
        terminal_error("%s has no tokenizer.json: it cannot read a prompt", options->operands[0]);
        goto done;
    }
    if (!support_prompt(options, &r.prompt, &r.bytes, &owned)) goto done;
    if (!support_good(canto_session_open(r.context, model, &r.session))) goto done;
    support_catch_interrupts();
    code = write_all(&r, count);
done:
    free(owned);
    free(r.stops);
    canto_session_close(r.session);
    canto_model_close(model);
    canto_context_close(r.context);
    return code;
}

static const char *const examples[] = {
    "canto generate run -p \"It was\" -n 300 -t 0.8",
    "300 tokens after these words, a little more careful than the model is by itself",
    "canto generate run/last --top-k 40 --count 3 --seed 1",
    "three texts of the latest checkpoint, the same ones each time",
    "canto generate run -p \"It was\" --stop . --stop ! --min-p 0.05",
    "the rest of a sentence, without the stop or the mark at its end",
    "head -c 100 book.txt | canto generate run --json",
    "the prompt from standard input, the result for another program",
    NULL,
};

const command command_generate = {
    .name = "generate",
    .operands = "MODEL [-p PROMPT] [OPTIONS]",
    .about = "let a model continue a prompt",
    .details =
        "MODEL is a model folder (canto's, or Hugging Face's of GPT-2 or GPT-Neo), a run folder (its best checkpoint), "
        "a "
        "checkpoint, or a file of weights (docs/formats.md). The prompt is printed, then "
        "what the model makes of it. From standard input the prompt loses one newline at its end, if anything "
        "precedes it; -p wins over it. Of nothing the text begins with a newline, or with the vocabulary's first token "
        "if it lacks one. The model sees at most its context of a long prompt: the end. Text comes out in whole "
        "characters; what may still become a stop text waits.\n"
        "The order of choosing a token: repetition penalty, temperature, top-k, top-p, min-p, draw. --json prints one "
        "object a text with the log-probabilities that the model itself gives to the tokens; ids are all that was "
        "written, those of a stop text too.\n",
    .groups = groups,
    .run = run_generate,
    .section = "Models",
    .examples = examples,
};
