/* fuzz_learn.c - the input's first line is "SIZE FREQUENCY REPEAT PATTERN", what follows is a text, from which, repeated, byte
 * pairs are learnt. PATTERN is the name of a known one, none, or a regular expression.
 *
 * A tokenizer that is made has no more tokens than were asked for and gives the text back; other threads make the same one,
 * and so does text that comes in portions; saved and opened again it is the same. */
#include "fuzz.h"

#include "cli/regex.h"
#include "text/tokenizer.h"

#include <string.h>

enum { LINE = 200, LONG = 1 << 13, MOST = 270000, LARGE = 60000 /* repetitions: enough text for two threads */ };

/* How a text is handed out piece by piece. */
typedef struct portions {
    const char *text;
    size_t      bytes, at;
} portions;

static canto_context *threads; /* a context with more than one */

static void close_threads(void) { canto_context_close(threads); }

static canto_context *context_with_threads(void) {
    canto_context_options options = canto_context_options_default();
    options.threads = 3;
    options.regex = regex_engine();
    if (threads) return threads;
    fuzz_good(canto_context_open(&options, &threads));
    atexit(close_threads);
    return threads;
}

void fuzz_seeds(void) {
    fuzz_seed_text("gpt2", "300 2 1 gpt2\nthe moon rose, the moon's hill: 12 12 12  \n the");
    fuzz_seed_text("cl100k", "280 1 3 cl100k\nI'M here, I'm there 1234567\r\n\r\n caf\xC3\xA9 caf\xC3\xA9");
    fuzz_seed_text("o200k", "400 1 2 o200k\nCamelCase and/or camelCase \xC3\x89t\xC3\xA9//\n \xFF\xC3( aaaaaaa");
    fuzz_seed_text("none", "270 2 40 none\nabababab bcbcbc\n");
    fuzz_seed_text("mine", "290 1 2 [a-z]+|\\d{1,2}\nabc12345abc--abc \xE2\x82");
    const char *large = "260 3 60000 gpt2\n a bb\nccc";
    fuzz_seed("large", large, strlen(large), 0);
    fuzz_seed_text("default", "0 0 30 gpt2\nthere and there and there");
}

static canto_status read_portion(void *user, char *buffer, size_t room, size_t *bytes) {
    portions *p = user;
    size_t    most = 1 + p->at % 977, left = p->bytes - p->at;
    *bytes = left < most ? left : most;
    if (*bytes > room) *bytes = room;
    memcpy(buffer, p->text + p->at, *bytes);
    p->at += *bytes;
    return status_ok();
}

/* The options of the first line, and the text behind it. */
static bool read_line(const uint8_t *data, size_t bytes, char line[LINE], canto_tokenizer_options *options,
                      unsigned *repeat, size_t *begins) {
    const uint8_t *end = bytes ? memchr(data, '\n', bytes) : NULL;
    unsigned       size, frequency;
    int            used = 0;
    if (!end || end - data >= LINE || memchr(data, 0, (size_t)(end - data))) return false;
    memcpy(line, data, (size_t)(end - data));
    line[end - data] = 0;
    if (sscanf(line, "%5u %5u %5u %n", &size, &frequency, repeat, &used) < 3 || used == 0) return false;
    options->kind = "bpe";
    options->specials = frequency % 3 == 1 ? "<|endoftext|>" : NULL;
    options->size = (int32_t)size;
    options->min_frequency = frequency;
    options->pattern = line + used;
    options->memory = size % 2 ? 1 << 16 : 0;
    *begins = (size_t)(end - data) + 1;
    return true;
}

static void check_text(const canto_tokenizer *t, const char *text, size_t bytes) {
    canto_special first = bytes > LONG ? CANTO_SPECIAL_ALLOW : CANTO_SPECIAL_TEXT;
    for (canto_special special = first; special <= CANTO_SPECIAL_ALLOW; special++) {
        uint32_t *ids;
        size_t    count, length;
        char     *back;
        /* A regular expression may take too long over a text; it has not, while it was learnt from. */
        fuzz_good(canto_tokenizer_encode_special(t, text, bytes, special, &ids, &count));
        fuzz_good(canto_tokenizer_decode(t, ids, count, &back, &length));
        CHECK(length == bytes && memcmp(back, text, bytes) == 0);
        canto_free(fuzz_context(), back);
        canto_free(fuzz_context(), ids);
    }
}

/* The same tokenizer from the same text, made in another way. */
static void check_again(canto_context *context, const canto_tokenizer *t, const canto_tokenizer_options *options,
                        const char *path) {
    canto_tokenizer *again;
    size_t           count = path ? 1 : 0;
    fuzz_good(canto_tokenizer_train(context, options, &path, count, &again));
    CHECK(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    canto_tokenizer_close(again);
}

static void check_saved(const canto_tokenizer *t, const char *text, size_t bytes) {
    canto_tokenizer *again;
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    fuzz_good(canto_tokenizer_open(fuzz_context(), fuzz_path("tokenizer.json"), &again));
    CHECK(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    check_text(again, text, bytes < LONG ? bytes : LONG);
    canto_tokenizer_close(again);
}

/* bytes > 0 of data, `repeat` times or as often as fits; release with free. */
static char *repeated(const uint8_t *data, size_t bytes, unsigned repeat, size_t *length) {
    size_t most = (repeat == LARGE ? MOST : LONG) / bytes + 1;
    if (repeat > most) repeat = (unsigned)most;
    char *text = malloc(bytes * repeat + 1);
    CHECK(text);
    for (unsigned i = 0; i < repeat; i++) memcpy(text + i * bytes, data, bytes);
    *length = bytes * repeat;
    return text;
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    canto_tokenizer_options options = canto_tokenizer_options_default(), other;
    canto_tokenizer        *t;
    char                    line[LINE];
    unsigned                repeat;
    size_t                  begins, length;
    const char             *path = fuzz_path("text");
    if (!read_line(data, bytes, line, &options, &repeat, &begins) || begins == bytes) return;
    fuzz_context()->regex = regex_engine();
    char *text = repeated(data + begins, bytes - begins, repeat, &length);
    fuzz_write("text", text, length);
    if (fuzz_accepts(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t))) {
        CHECK(canto_tokenizer_vocabulary(t) >= 256);
        CHECK(!options.size || canto_tokenizer_vocabulary(t) <= options.size);
        check_text(t, text, length);
        check_again(context_with_threads(), t, &options, path);
        portions p = {text, length, 0};
        other = options;
        other.read = read_portion;
        other.read_user = &p;
        check_again(fuzz_context(), t, &other, NULL);
        check_saved(t, text, length);
        canto_tokenizer_close(t);
    } else {
        CHECK(!t);
    }
    free(text);
}
