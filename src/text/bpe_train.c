/* bpe_train.c - training a byte-pair tokenizer: texts are cut into pieces, distinct pieces counted, pairs merged.
 *
 * Ids: the special tokens, then the 256 bytes in the order of their characters in tokenizer.json (byte_level.h), then a token
 * a merge. Hugging Face's trainer numbers them alike, and ids break ties. */
#include "text/bpe_train.h"

#include "text/bpe_learn.h"
#include "text/byte_level.h"
#include "text/corpus.h"
#include "text/piece_count.h"
#include "text/tokenizer_bpe.h"

#include <stdio.h>
#include <string.h>

/* Without a size there are no more tokens than the texts bear: each pair that becomes one occurs often enough to be learnt from. */
enum { SIZE = 4096, ENOUGH = 50, LEAST = 2, PORTION = 1 << 18 };

#define MEMORY ((size_t)256 << 20)

/* What a training has open. */
typedef struct training {
    canto_context                 *context;
    const canto_tokenizer_options *options;
    size_t                         memory;
    pattern                        cutter;
    piece_counter                 *counter;
    uint32_t                       named; /* special tokens */
    vocabulary                     tokens;
    uint32_t                       ids[256]; /* of the bytes */
    piece_list                     pieces;
    bpe_learning                   learning;
} training;

/* --------------------------------------------------------------------------------------------------- reading */

static canto_status count_document(void *user, const char *text, size_t bytes, const char *from) {
    training    *t = user;
    canto_status status;
    (void)from;
    TRY(piece_counter_add(t->counter, text, bytes));
    TRY(piece_counter_end_text(t->counter));
done:
    return status;
}

static canto_status count_file(training *t, const char *path) {
    corpus       c = {0};
    byte_list    text = {t->context, NULL, 0, 0};
    corpus_piece piece;
    progress     p = {.next = UINT64_MAX};
    bool         any = true, begun = false;
    canto_status status;
    TRY(corpus_open(&c, t->context, NULL, &path, 1, t->options->field, NULL));
    for (;; begun = true) {
        TRY(corpus_next(&c, &text, &piece, &any));
        if (!any) break;
        if (!begun) p = progress_begin(t->context, c.file.bytes, PROGRESS_BYTES, "reading '%.150s'", path);
        if (progress_due(&p, corpus_consumed(&c))) TRY(progress_tell(&p, corpus_consumed(&c)));
        if (piece.lines)
            TRY(corpus_documents(t->context, path, t->options->field, &piece, text.data, text.count, count_document,
                                 t));
        else TRY(piece_counter_add(t->counter, text.data, text.count));
    }
    TRY(piece_counter_end_text(t->counter));
done:
    context_release(t->context, text.data);
    corpus_close(&c);
    return status;
}

/* The text that a callback hands out, whose length nobody knows. */
static canto_status count_stream(training *t) {
    canto_status status;
    progress     p = progress_begin(t->context, PROGRESS_UNKNOWN, PROGRESS_BYTES, "reading a text");
    uint64_t     done = 0;
    char        *portion = context_allocate(t->context, PORTION);
    if (!portion) TRY(context_no_memory(PORTION, "reading"));
    for (size_t got = 0;; done += got) {
        if (progress_due(&p, done)) TRY(progress_tell(&p, done));
        TRY(t->options->read(t->options->read_user, portion, PORTION, &got));
        if (got == 0) break;
        if (got > PORTION) FAIL(CANTO_ERROR_VALUE, "read gave more bytes of text than there was room for");
        TRY(piece_counter_add(t->counter, portion, got));
    }
    TRY(piece_counter_end_text(t->counter));
done:
    context_release(t->context, portion);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ words */

static void warn_of_dropped(training *t) {
    const piece_table *table = piece_counter_table(t->counter);
    if (table->dropped)
        context_log(
            t->context, CANTO_LOG_WARNING,
            "the texts have more distinct words than %.0f MiB of memory hold: %llu that had been seen %llu times "
            "at most were left out, %.1f MiB of text; more memory takes them in",
            (double)t->memory / 1048576.0, (unsigned long long)table->dropped, (unsigned long long)table->dropped_count,
            (double)table->dropped_bytes / 1048576.0);
}

static void tell_result(const training *t) {
    const bpe_learning *l = &t->learning;
    if (l->text_tokens)
        context_log(t->context, CANTO_LOG_INFO, "%lu tokens: %.3f bytes a token", (unsigned long)t->tokens.count,
                    (double)l->text_bytes / (double)l->text_tokens);
    if (t->options->size && t->tokens.count < l->size)
        context_log(t->context, CANTO_LOG_WARNING,
                    "%lu tokens, not the %lu asked for: no two neighbours occur %llu times any more; a longer text, or "
                    "a lower min_frequency, gives more",
                    (unsigned long)t->tokens.count, (unsigned long)l->size, (unsigned long long)l->least);
}

/* --------------------------------------------------------------------------------------------------- training */

static canto_status check(const training *t, const vocabulary *specials) {
    const canto_tokenizer_options *o = t->options;
    canto_status                   status = status_ok();
    size_t                         bytes;
    int64_t                        least = 256 + (int64_t)specials->count;
    if (o->size && (o->size < least || o->size > BPE_MOST))
        FAIL(CANTO_ERROR_VALUE,
             "size is %ld; a tokenizer of kind bpe has %ld tokens at least (256 bytes, %lu special ones) and %ld at "
             "most",
             (long)o->size, (long)least, (unsigned long)specials->count, (long)BPE_MOST);
    if (o->min_frequency < 0)
        FAIL(CANTO_ERROR_VALUE, "min_frequency is %lld; it must be at least 1, or 0 for the default",
             (long long)o->min_frequency);
    for (uint32_t id = 0; id < specials->count; id++) {
        const char *token = vocabulary_token(specials, id, &bytes);
        if (bytes < 2)
            FAIL(CANTO_ERROR_VALUE, "the special token '%.60s' is a single byte, which is a token of its own", token);
    }
done:
    return status;
}

static canto_status add_bytes(training *t) {
    canto_status status = status_ok();
    byte_level   level;
    byte_level_open(&level);
    for (size_t point = 0; point < sizeof level.bytes / sizeof *level.bytes; point++) {
        char byte = (char)level.bytes[point];
        if (level.bytes[point] >= 0) TRY(vocabulary_add(&t->tokens, &byte, 1, &t->ids[level.bytes[point]]));
    }
done:
    return status;
}

static canto_status read_texts(training *t, const char *const *paths, size_t count) {
    canto_status status;
    TRY(piece_counter_open(t->context, &t->cutter, t->memory / 4 * 3, &t->counter));
    for (size_t i = 0; i < count; i++) TRY(count_file(t, paths[i]));
    if (t->options->read) TRY(count_stream(t));
    if (!piece_counter_table(t->counter)->count)
        FAIL(CANTO_ERROR_VALUE, "%s%.200s%s holds nothing to make a vocabulary of; name a text that is not empty",
             count ? "the text '" : "the text that was read", count ? paths[0] : "", count ? "'" : "");
    warn_of_dropped(t);
    TRY(piece_table_list(piece_counter_table(t->counter), t->ids, &t->pieces));
    piece_counter_close(t->counter);
    t->counter = NULL;
done:
    return status;
}

static canto_status learn(training *t) {
    const canto_tokenizer_options *o = t->options;
    size_t                         taken = t->pieces.cell_count * sizeof *t->pieces.cells;
    uint64_t                       least = o->size ? LEAST : ENOUGH;
    t->learning = (bpe_learning){.context = t->context,
                                 .pieces = &t->pieces,
                                 .tokens = &t->tokens,
                                 .named = t->named,
                                 .size = o->size ? (uint32_t)o->size : SIZE + t->named,
                                 .least = o->min_frequency ? (uint64_t)o->min_frequency : least,
                                 .memory = t->memory > 2 * taken ? t->memory - taken : t->memory / 2};
    return bpe_learn(&t->learning);
}

/* The tokenizer of what was learnt, which takes tokens and pattern over. */
static canto_status make(training *t, canto_tokenizer **tokenizer) {
    canto_status           status;
    uint32_t              *specials = context_allocate(t->context, (t->named + (size_t)1) * sizeof *specials);
    static const bpe_merge none = {0};
    if (!specials) TRY(context_no_memory(t->named * sizeof *specials, "special tokens"));
    for (uint32_t id = 0; id < t->named; id++) specials[id] = id;
    bpe_parts parts = {.cutter = t->cutter,
                       .tokens = t->tokens,
                       .merges = t->learning.merges ? t->learning.merges : &none,
                       .merge_count = t->learning.merge_count,
                       .specials = specials,
                       .special_count = t->named};
    t->tokens = (vocabulary){.context = t->context};
    t->cutter = (pattern){0};
    TRY(tokenizer_bpe_new(t->context, &parts, tokenizer));
done:
    context_release(t->context, specials);
    return status;
}

canto_status bpe_train(canto_context *context, const canto_tokenizer_options *options, vocabulary *specials,
                       const char *const *paths, size_t count, canto_tokenizer **tokenizer) {
    training     t = {.context = context, .options = options, .memory = options->memory ? options->memory : MEMORY};
    canto_status status;
    t.tokens = *specials;
    t.named = specials->count;
    *specials = (vocabulary){.context = context};
    TRY(check(&t, &t.tokens));
    TRY(pattern_open(context, options->pattern ? options->pattern : "gpt2", &t.cutter));
    TRY(add_bytes(&t));
    TRY(read_texts(&t, paths, count));
    TRY(learn(&t));
    tell_result(&t);
    TRY(make(&t, tokenizer));
done:
    context_release(context, t.learning.merges);
    piece_list_close(context, &t.pieces);
    piece_counter_close(t.counter);
    pattern_close(&t.cutter);
    vocabulary_close(&t.tokens);
    return status;
}
