/* fuzz_gguf.c - the input is a GGUF file, read as a model. What is accepted, written as GGUF and read again,
 * is the same to the bit, tokenizer included, unless writing it is refused. */
#include "exported.h"

static canto_tokenizer *made(const char *kind, const char *text, int32_t size, const char *specials) {
    canto_tokenizer        *t;
    const char             *path = fuzz_path("text");
    canto_tokenizer_options options = canto_tokenizer_options_default();
    options.kind = kind;
    options.size = size;
    options.specials = specials;
    fuzz_write("text", text, strlen(text));
    fuzz_good(canto_tokenizer_train(fuzz_context(), &options, &path, 1, &t));
    return t;
}

/* Bytes before the tensors of the file "seed", more or less. */
enum { HEAD = 1200 };

static void seed(const char *name, canto_tokenizer *t, canto_type type, bool tied, size_t head) {
    write_model(CANTO_FORMAT_GGUF, type, t, canto_tokenizer_vocabulary(t), tied);
    fuzz_seed_file(name, "seed", head);
    canto_tokenizer_close(t);
}

void fuzz_seeds(void) {
    seed("characters", made("char", "a small text\n", 0, NULL), CANTO_F32, true, HEAD);
    seed("named", made("char", "text", 0, "<EOS>"), CANTO_F16, false, 0);
    seed("bytes", made("byte", "", 0, NULL), CANTO_INT8, true, 0);
    seed("pairs", made("bpe", "a text of a text of a text", 262, "<|endoftext|>"), CANTO_INT4, true, 0);
}

void fuzz_one(const uint8_t *data, size_t bytes) { read_model(gguf_read, CANTO_FORMAT_GGUF, data, bytes); }
