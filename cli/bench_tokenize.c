/* bench_tokenize.c - canto bench tokenize: how fast a vocabulary loads, and encodes and decodes a text. */
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { MOST_ROUNDS = 1000 };

static const option_entry entries[] = {
    {"tokenizer", 0, OPTION_PATH, "gpt2|p50k|cl100k|o200k|PATH",
     "one of OpenAI's vocabularies, or a file, model or run that has a tokenizer (needed)", 0, 0},
    {"rounds", 0, OPTION_INTEGER, "N", "how often; the median counts (default: 5)", 1, MOST_ROUNDS},
    {0},
};
static const option_group groups[] = {{"Measuring", entries}, {"Common", common_entries}, {0}};

/* Seconds of each round. */
typedef struct measurement {
    double  load[MOST_ROUNDS], encode[MOST_ROUNDS], decode[MOST_ROUNDS];
    int64_t rounds;
    size_t  bytes, tokens;
} measurement;

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds, int64_t rounds) {
    qsort(seconds, (size_t)rounds, sizeof *seconds, by_size);
    return rounds % 2 ? seconds[rounds / 2] : (seconds[rounds / 2 - 1] + seconds[rounds / 2]) / 2;
}

/* One round; the text must come back. */
static bool measure(canto_context *context, const char *which, const char *text, measurement *m, int64_t round) {
    canto_tokenizer *tokenizer = NULL;
    uint32_t        *ids = NULL;
    char            *back = NULL;
    size_t           bytes = 0;
    double           start = terminal_seconds();
    bool             good = support_tokenizer_open(context, which, &tokenizer);
    m->load[round] = terminal_seconds() - start;
    start = terminal_seconds();
    good = good && support_good(canto_tokenizer_encode(tokenizer, text, m->bytes, &ids, &m->tokens));
    m->encode[round] = terminal_seconds() - start;
    start = terminal_seconds();
    good = good && support_good(canto_tokenizer_decode(tokenizer, ids, m->tokens, &back, &bytes));
    m->decode[round] = terminal_seconds() - start;
    if (good && strcmp(canto_tokenizer_kind(tokenizer), "word") && (bytes != m->bytes || memcmp(back, text, bytes))) {
        terminal_error("%s: the text does not come back from its tokens", which);
        good = false;
    }
    canto_free(context, back);
    canto_free(context, ids);
    canto_tokenizer_close(tokenizer);
    return good;
}

static void print_measurement(measurement *m, const char *which, bool json) {
    double load = median(m->load, m->rounds), encode = median(m->encode, m->rounds),
           decode = median(m->decode, m->rounds);
    double megabytes = (double)m->bytes / 1e6;
    if (json) {
        json_t *o = json_object();
        json_object_set_new(o, "load_ms", json_number(1e3 * load));
        json_object_set_new(o, "encode_mb_per_second", json_number(megabytes / encode));
        json_object_set_new(o, "decode_mb_per_second", json_number(megabytes / decode));
        json_object_set_new(o, "bytes", json_whole(m->bytes));
        json_object_set_new(o, "tokens", json_whole(m->tokens));
        json_object_set_new(o, "bytes_per_token", json_number((double)m->bytes / (double)m->tokens));
        json_object_set_new(o, "tokenizer", json_string(which));
        json_object_set_new(o, "rounds", json_integer(m->rounds));
        json_object_set_new(o, "threads", json_integer(1));
        json_print(o);
        return;
    }
    printf("%s, %s bytes, %s tokens, one thread, median of %lld\n", which, number_grouped(m->bytes).text,
           number_grouped(m->tokens).text, (long long)m->rounds);
    printf("  load     %.1f ms\n  encode   %.1f MB/s\n  decode   %.1f MB/s\n", 1e3 * load, megabytes / encode,
           megabytes / decode);
}

static int run_bench_tokenize(option_set *options) {
    const char *which = options_text(options, "tokenizer", NULL);
    if (!which) return support_usage("which tokenizer? add --tokenizer T");
    if (options->count > 1) return support_usage("one FILE, or standard input");
    canto_context *context = support_context(options);
    measurement   *m = calloc(1, sizeof *m);
    char          *text = NULL;
    bool           good = context && m && support_read(options->count ? options->operands[0] : NULL, &text, &m->bytes);
    if (good && m->bytes == 0) {
        terminal_error("the text is empty: there is nothing to measure");
        good = false;
    }
    if (m) m->rounds = 5;
    if (good) options_int64(options, "rounds", &m->rounds);
    for (int64_t round = 0; good && round < m->rounds; round++) good = measure(context, which, text, m, round);
    if (good) print_measurement(m, which, options_flag(options, "json"));
    free(text);
    free(m);
    canto_context_close(context);
    return good ? DONE : FAILED;
}

static const char *const tokenize_examples[] = {
    "canto bench tokenize --tokenizer gpt2 book.txt",
    "megabytes a second to and from GPT-2's tokens",
    "canto bench tokenize --tokenizer run book.txt --rounds 20 --json",
    "the same of a model's own tokenizer, for another program",
    NULL,
};

const command command_bench_tokenize = {
    .name = "bench tokenize",
    .operands = "--tokenizer T [FILE] [OPTIONS]",
    .about = "measure how fast text becomes tokens",
    .details =
        "Loads the vocabulary, encodes the text in one call and decodes the tokens, in each round anew and on one "
        "thread. Nothing is kept from one round to the next.\n",
    .groups = groups,
    .run = run_bench_tokenize,
    .section = "This program",
    .examples = tokenize_examples,
};
