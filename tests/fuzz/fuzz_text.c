/* fuzz_text.c - the first byte of the input chooses a tokenizer, the rest is a text that it learns from and encodes.
 *
 * A char tokenizer takes valid UTF-8 without zero bytes alone, a byte tokenizer takes anything: both give the text back. A
 * word tokenizer gives back words that encode to the same tokens. A stream gives what decoding gives, in whole
 * characters. */
#include "fuzz.h"

#include "base/utf8.h"
#include "text/tokenizer.h"

#include <string.h>

void fuzz_seeds(void) {
    fuzz_seed_text("char", "0h\xC3\xA9 \xE2\x82\xAC\xF0\x9F\x98\x80\n");
    fuzz_seed_text("byte", "1 any \xF0\x9F\x98\x80 \xFF\xC3 bytes \xE2\x82");
    fuzz_seed_text("word", "2 one two  3 c4f\xC3\xA9\xC2\xA0 \xE1\x9A\x80 ");
    fuzz_seed_text("numbers", "3 in 1999 and \xD9\xA1\xD9\xA2x7 \x1C more");
    fuzz_seed_text("specials", "4 text with <UNK> and <PAD>");
}

static canto_tokenizer_options options_of(unsigned choice) {
    static const char *const kinds[] = {"char", "byte", "word", "word", "char"};
    canto_tokenizer_options  options = canto_tokenizer_options_default();
    options.kind = kinds[choice];
    if (choice == 3) options.numbers = "<NUM>";
    if (choice == 4) options.specials = "<PAD>,<UNK>", options.unknown = "<UNK>";
    return options;
}

static void check_stream(const canto_tokenizer *t, const uint32_t *ids, size_t count, const char *text, size_t bytes) {
    canto_stream *stream;
    const char   *piece;
    size_t        length, at = 0;
    bool          valid = utf8_valid_prefix(text, bytes) == bytes;
    fuzz_good(canto_stream_open(t, &stream));
    for (size_t i = 0; i <= count; i++) {
        if (i < count) fuzz_good(canto_stream_push(stream, ids[i], &piece, &length));
        else fuzz_good(canto_stream_finish(stream, &piece, &length));
        CHECK(piece[length] == 0 && utf8_valid_prefix(piece, length) == length);
        if (valid) CHECK(length <= bytes - at && memcmp(piece, text + at, length) == 0);
        at += length;
    }
    if (valid) CHECK(at == bytes);
    canto_stream_close(stream);
}

/* The same ids for what was decoded, unless it has become something else by an unknown or a number token. */
static void check_again(const canto_tokenizer *t, const char *text, size_t bytes, const uint32_t *ids, size_t count) {
    uint32_t *again;
    size_t    more;
    fuzz_good(canto_tokenizer_encode(t, text, bytes, &again, &more));
    CHECK(more == count && memcmp(again, ids, count * sizeof *ids) == 0);
    canto_free(fuzz_context(), again);
}

static void check_text(const canto_tokenizer *t, const char *text, size_t bytes) {
    uint32_t *ids;
    size_t    count, back_bytes;
    char     *back;
    fuzz_good(canto_tokenizer_encode(t, text, bytes, &ids, &count));
    fuzz_good(canto_tokenizer_decode(t, ids, count, &back, &back_bytes));
    if (strcmp(canto_tokenizer_kind(t), "word") != 0) CHECK(back_bytes == bytes && memcmp(back, text, bytes) == 0);
    else if (!t->numbers) check_again(t, back, back_bytes, ids, count);
    check_stream(t, ids, count, back, back_bytes);
    canto_free(fuzz_context(), back);
    canto_free(fuzz_context(), ids);
}

void fuzz_one(const uint8_t *data, size_t bytes) {
    if (bytes < 1) return;
    const char             *text = (const char *)data + 1, *path = fuzz_path("text");
    canto_tokenizer_options options = options_of(data[0] % 48 % 5); /* '0' is the first */
    canto_tokenizer        *t, *again;
    bytes--;
    fuzz_write("text", text, bytes);
    bool accepted = fuzz_accepts(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    if (data[0] % 48 % 5 == 0)
        CHECK(accepted == (bytes > 0 && utf8_valid_prefix(text, bytes) == bytes && !memchr(text, 0, bytes)));
    if (!accepted) return;
    check_text(t, text, bytes);
    fuzz_good(canto_tokenizer_save(t, fuzz_folder()));
    fuzz_good(canto_tokenizer_open(fuzz_context(), fuzz_folder(), &again));
    CHECK(canto_tokenizer_hash(again) == canto_tokenizer_hash(t));
    canto_tokenizer_close(again);
    canto_tokenizer_close(t);
}
