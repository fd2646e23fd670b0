/* prepare.c - TEXTS -> TOKEN FILE, of any size: read, encoded and written at once, a batch of pieces behind the other.
 *
 * While one batch is encoded by all threads, the next one is read and the one before is written. Pieces depend on the texts
 * alone, and are written in their order: so the file does not depend on the threads. It grows as FILE.part; now and then, and
 * when the work is stopped, FILE.part.json says how much of it is good and where in the texts to go on from there. The name
 * FILE it gets when it is complete.
 *
 * Threads take memory while they encode: through a lock, as a caller's allocator need not be made for that. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "data/prepare_record.h"
#include "data/tokens.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { UNITS_EACH = 4, ROOMY = 1 << 22 };
#define RECORD_EVERY ((uint64_t)16 << 20) /* bytes of text between two records */

/* A piece on its way. */
typedef struct unit {
    byte_list    raw;  /* as it was read */
    byte_list    text; /* of lines: their documents, what parts them between them */
    id_list      ids;
    corpus_piece piece;
    uint64_t     documents, text_bytes; /* text_bytes: without end-of-text tokens */
    canto_status status;
} unit;

typedef struct batch {
    unit        *units; /* [units_each] */
    size_t       count; /* of them filled */
    canto_status fault; /* of reading on behind them */
} batch;

/* What stands between documents: a token, or a text such as a newline. */
typedef struct separator {
    id_list     ids;
    const char *text;
    size_t      bytes;
    bool        counts; /* it is text */
} separator;

typedef struct preparation {
    canto_context                quiet; /* the context, but silent, and with an allocator for many threads */
    canto_allocator              allocator;
    pthread_mutex_t              lock;
    canto_tokenizer              tokenizer; /* the same, with quiet */
    const canto_prepare_options *options;
    const char *const           *paths;
    size_t                       count;
    size_t                       units_each;
    corpus                       texts;
    separator                    between;
    batch                        batches[3];
    batch                       *reading, *encoding, *writing;
    char                         part[4096], record[4096];
    json_t                      *settings;
    prepare_state                state;    /* of what is written */
    uint64_t                     recorded; /* source bytes at the last record */
    bool                         ended;    /* all is read */
    canto_status                 write_fault;
} preparation;

static void *locked_resize(void *user, void *old, size_t bytes) {
    preparation *p = user;
    pthread_mutex_lock(&p->lock);
    void *moved = p->allocator.resize(p->allocator.user, old, bytes);
    pthread_mutex_unlock(&p->lock);
    return moved;
}

/* ------------------------------------------------------------------------------------------------- reading */

/* A buffer that one large piece has made large is not kept. */
static void trim(byte_list *list) {
    if (list->room > ROOMY) {
        context_release(list->context, list->data);
        list->data = NULL;
        list->room = 0;
    }
    list->count = 0;
}

static void read_batch(preparation *p) {
    batch *b = p->reading;
    bool   any = true;
    b->fault = status_ok();
    for (b->count = 0; b->count < p->units_each; b->count++) {
        unit *u = &b->units[b->count];
        trim(&u->raw);
        b->fault = corpus_next(&p->texts, &u->raw, &u->piece, &any);
        if (b->fault.code != CANTO_OK || !any) break;
    }
    p->ended = !any || b->fault.code != CANTO_OK;
}

/* ------------------------------------------------------------------------------------------------ encoding */

typedef struct encoding {
    const preparation *p;
    unit              *u;
} encoding;

static canto_status add_separator(const preparation *p, unit *u) {
    canto_status status = status_ok();
    for (size_t i = 0; i < p->between.ids.count; i++) TRY(id_list_add(&u->ids, p->between.ids.data[i]));
    TRY(byte_list_add(&u->text, p->between.text, p->between.bytes));
    if (p->between.counts) u->text_bytes += p->between.bytes;
done:
    return status;
}

/* Every document has what parts it from the one before; the very first loses it when it is written. */
static canto_status encode_document(void *user, const char *text, size_t bytes, const char *from) {
    encoding    *e = user;
    unit        *u = e->u;
    canto_status status;
    if (u->piece.lines || u->piece.begins) {
        TRY(add_separator(e->p, u));
        u->documents++;
    }
    TRY(tokenizer_encode_from(&e->p->tokenizer, text, bytes, from, &u->ids));
    if (u->piece.lines) TRY(byte_list_add(&u->text, text, bytes));
    u->text_bytes += bytes;
done:
    return status;
}

static void encode_unit(preparation *p, unit *u) {
    encoding e = {p, u};
    trim(&u->text);
    if (u->ids.room > ROOMY) {
        context_release(&p->quiet, u->ids.data);
        u->ids.data = NULL;
        u->ids.room = 0;
    }
    u->ids.count = 0;
    u->documents = u->text_bytes = 0;
    u->status = corpus_documents(&p->quiet, p->paths[u->piece.from.file], p->options->field, &u->piece, u->raw.data,
                                 u->raw.count, encode_document, &e);
}

/* ------------------------------------------------------------------------------------------------- writing */

static canto_status write_record(preparation *p) {
    canto_status status;
    TRY(file_sync(p->part));
    TRY(prepare_record_write(p->record, p->settings, &p->state));
    p->recorded = p->state.source_bytes;
done:
    return status;
}

static canto_status write_unit(preparation *p, const unit *u) {
    uint32_t       width = u->ids.narrow ? 2 : 4;
    const char    *text = u->text.data;
    size_t         bytes = u->text.count, skipped = 0;
    prepare_state *s = &p->state;
    uint64_t       counted = u->text_bytes;
    if (u->documents > 0 && s->documents == 0) { /* nothing stands before the first document */
        skipped = p->between.ids.count;
        if (bytes) text += p->between.bytes;
        bytes -= p->between.bytes;
        if (p->between.counts) counted -= p->between.bytes;
    }
    const unsigned char *ids = (const unsigned char *)u->ids.data;
    size_t               count = u->ids.count - skipped;
    canto_status         status = status_ok();
    if (count > 0) TRY(file_append(p->part, TOKEN_HEADER + s->tokens * width, ids + skipped * width, count * width));
    s->source_hash = hash_bytes(text, bytes, s->source_hash);
    if (!u->piece.lines) s->source_hash = hash_bytes(u->raw.data, u->raw.count, s->source_hash);
    s->source_bytes += counted;
    s->documents += u->documents;
    s->tokens += count;
    s->place = u->piece.after;
done:
    return status;
}

static canto_status write_batch(preparation *p) {
    canto_status status = status_ok();
    for (size_t i = 0; i < p->writing->count; i++) TRY(write_unit(p, &p->writing->units[i]));
    if (p->state.source_bytes - p->recorded >= RECORD_EVERY) TRY(write_record(p));
done:
    p->writing->count = 0;
    return status;
}

/* ----------------------------------------------------------------------------------------- one after another */

static void run_stage(void *job, size_t stage, int worker) {
    preparation *p = job;
    (void)worker;
    if (stage == 0) p->write_fault = write_batch(p);
    else if (stage == 1) {
        if (!p->ended) read_batch(p);
        else p->reading->count = 0;
    } else encode_unit(p, &p->encoding->units[stage - 2]);
}

/* What went wrong first in the order of the texts. */
static canto_status encoding_fault(const batch *b) {
    for (size_t i = 0; i < b->count; i++)
        if (b->units[i].status.code != CANTO_OK) return b->units[i].status;
    return b->fault;
}

static uint64_t size_of(const char *path) {
    file_reader facts;
    if (file_reader_open(&facts, path).code != CANTO_OK) return 0;
    file_reader_close(&facts);
    return facts.bytes;
}

/* Reads, encodes and writes all there is. */
static canto_status run(preparation *p, canto_context *context) {
    canto_status status = status_ok();
    uint64_t     total = 0;
    for (size_t i = 0; i < p->count; i++) total += size_of(p->paths[i]);
    progress shown = progress_begin(context, total, PROGRESS_BYTES, "preparing '%.150s'%s", p->paths[0],
                                    p->count > 1 ? " and others" : "");
    while (!p->ended || p->encoding->count > 0 || p->writing->count > 0) {
        pool_run(context->pool, 2 + p->encoding->count, run_stage, p);
        TRY(p->write_fault);
        batch *written = p->writing;
        p->writing = p->encoding;
        p->encoding = p->reading;
        p->reading = written;
        TRY(encoding_fault(p->writing));
        p->writing->fault = status_ok();
        if (p->ended && p->encoding->count == 0) TRY(p->encoding->fault);
        uint64_t done = corpus_consumed(&p->texts);
        if (progress_due(&shown, done)) TRY(progress_tell(&shown, done));
    }
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- the whole */

/* The tokenizer's own token that ends a text, or VOCABULARY_NONE. */
static uint32_t own_end(const canto_tokenizer *t) {
    static const char *const names[] = {"<|endoftext|>", "<EOS>", "</s>"};
    uint32_t                 id = VOCABULARY_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names && id == VOCABULARY_NONE; i++)
        id = vocabulary_find(&t->tokens, names[i], strlen(names[i]));
    return id;
}

static canto_status open_separator(preparation *p) {
    const canto_tokenizer *t = &p->tokenizer;
    const char            *wanted = p->options->end_of_text;
    separator             *s = &p->between;
    s->text = "";
    if (wanted && !*wanted) return status_ok();
    uint32_t id = wanted ? vocabulary_find(&t->tokens, wanted, strlen(wanted)) : own_end(t);
    if (wanted && id == VOCABULARY_NONE)
        return status_error(CANTO_ERROR_VALUE,
                            "the vocabulary of %lu tokens has no '%.60s' to put between documents; name one that it "
                            "has, or make the tokenizer with it",
                            (unsigned long)t->tokens.count, wanted);
    if (id != VOCABULARY_NONE) {
        s->text = vocabulary_token(&t->tokens, id, &s->bytes);
        return id_list_add(&s->ids, id);
    }
    s->text = t->kind->text_separator;
    s->bytes = strlen(s->text);
    s->counts = true;
    return tokenizer_encode_from(t, s->text, s->bytes, "the newline between documents", &s->ids);
}

static canto_status open_batches(preparation *p, canto_context *context) {
    p->units_each = UNITS_EACH * (size_t)context->threads;
    for (size_t i = 0; i < 3; i++) {
        batch *b = &p->batches[i];
        b->units = context_allocate_zeroed(context, p->units_each, sizeof *b->units);
        if (!b->units) return context_no_memory(p->units_each * sizeof *b->units, "pieces of text");
        for (size_t k = 0; k < p->units_each; k++) {
            unit *u = &b->units[k];
            u->raw.context = u->text.context = u->ids.context = &p->quiet;
            u->ids.narrow = token_width(p->tokenizer.tokens.count) == 2;
        }
    }
    p->reading = &p->batches[0];
    p->encoding = &p->batches[1];
    p->writing = &p->batches[2];
    return status_ok();
}

/* How far the file is already; otherwise it begins with room for its header. */
static canto_status open_part(preparation *p, canto_context *context) {
    canto_status  status;
    unsigned char header[TOKEN_HEADER] = {0};
    uint64_t      left, bytes;
    bool          fits;
    TRY(prepare_record_read(context, p->record, p->settings, &p->state, &fits));
    if (fits) {
        bytes = TOKEN_HEADER + p->state.tokens * token_width(p->tokenizer.tokens.count);
        TRY(file_cut(p->part, bytes, &left));
        fits = left == bytes && p->state.place.file <= p->count;
    }
    if (!fits) {
        if (file_exists(p->record))
            context_log(context, CANTO_LOG_WARNING,
                        "'%.300s' was begun with other texts, times of theirs, or settings: it is begun anew.",
                        p->part);
        p->state = (prepare_state){.place = {0, 0, 1}};
        TRY(file_remove(p->record));
        TRY(file_append(p->part, 0, header, sizeof header));
    }
    p->recorded = p->state.source_bytes;
done:
    return status;
}

static canto_status finish(const preparation *p, const char *file) {
    uint32_t      symbols = p->tokenizer.tokens.count;
    token_header  h = {token_width(symbols), symbols,          p->state.tokens, p->state.source_bytes,
                       p->state.source_hash, p->tokenizer.hash};
    unsigned char header[TOKEN_HEADER];
    canto_status  status;
    if (p->state.source_hash == 0) h.source_hash = hash_bytes("", 0, 0);
    token_header_write(&h, header);
    TRY(file_overwrite(p->part, header, sizeof header));
    TRY(file_sync(p->part));
    TRY(file_rename(p->part, file));
    TRY(file_remove(p->record));
done:
    return status;
}

static canto_status name_parts(preparation *p, const char *file, int *lock) {
    canto_status status = status_ok();
    bool         taken;
    if (snprintf(p->part, sizeof p->part, "%s.part", file) >= (int)sizeof p->part ||
        snprintf(p->record, sizeof p->record, "%s.part.json", file) >= (int)sizeof p->record || !*file)
        FAIL(CANTO_ERROR_FILE, "the path '%.200s' is empty or too long; choose another name", file);
    if (folder_exists(file)) FAIL(CANTO_ERROR_FILE, "cannot write '%.300s': it is a folder; choose another name", file);
    TRY(file_lock(p->part, lock, &taken));
    if (!taken)
        FAIL(CANTO_ERROR_FILE, "'%.300s' is being written by another process; wait for it, or choose another name",
             p->part);
done:
    return status;
}

/* After a failure: what may be gone on with stays, and has its record. What is wrong with a text is mended in the text, and
 * then all of it is another one. */
static canto_status leave(preparation *p, canto_status why) {
    if (why.code == CANTO_STOPPED) p->write_fault = write_batch(p); /* it is encoded already */
    bool stays = why.code == CANTO_STOPPED || why.code == CANTO_ERROR_FILE || why.code == CANTO_ERROR_MEMORY;
    if (stays && p->state.tokens > 0) {
        if (p->write_fault.code == CANTO_OK) write_record(p); /* `why` is told, not that this fails too */
        return status_add(why, CANTO_STOPPED, "; the same command goes on from there");
    }
    file_remove(p->part);
    file_remove(p->record);
    return why;
}

static void close_all(preparation *p, canto_context *context) {
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; p->batches[i].units && k < p->units_each; k++) {
            context_release(context, p->batches[i].units[k].raw.data);
            context_release(context, p->batches[i].units[k].text.data);
            context_release(context, p->batches[i].units[k].ids.data);
        }
        context_release(context, p->batches[i].units);
    }
    corpus_close(&p->texts);
    context_release(context, p->between.ids.data);
    json_decref(p->settings);
    pthread_mutex_destroy(&p->lock);
}

canto_prepare_options canto_prepare_options_default(void) {
    canto_prepare_options options = {"text", NULL};
    return options;
}

canto_status canto_data_prepare(canto_context *context, const canto_tokenizer *tokenizer,
                                const canto_prepare_options *options, const char *const *paths, size_t count,
                                const char *file, canto_prepared *prepared) {
    canto_prepare_options chosen = options ? *options : canto_prepare_options_default();
    int                   lock = -1;
    uint64_t              before = 0;
    canto_status          status;
    preparation           p = {.quiet = *context, .allocator = context->allocator, .options = &chosen, .paths = paths};
    if (pthread_mutex_init(&p.lock, NULL) != 0) return context_no_memory(sizeof p.lock, "a lock");
    p.quiet.on_progress = NULL;
    p.quiet.allocator = (canto_allocator){locked_resize, &p};
    p.count = count;
    p.tokenizer = *tokenizer;
    p.tokenizer.context = p.between.ids.context = &p.quiet;
    if (count == 0) FAIL(CANTO_ERROR_VALUE, "no text was named; name at least one");
    TRY(open_separator(&p));
    TRY(prepare_settings(context, tokenizer, &chosen, paths, count, &p.settings));
    TRY(name_parts(&p, file, &lock));
    TRY(open_part(&p, context));
    before = p.state.tokens;
    TRY(open_batches(&p, context));
    TRY(corpus_open(&p.texts, &p.quiet, &p.tokenizer, paths, count, chosen.field, &p.state.place));
    TRY(run(&p, context));
    TRY(finish(&p, file));
    if (prepared) *prepared = (canto_prepared){p.state.documents, p.state.tokens, p.state.source_bytes, before};
done:
    if (status.code != CANTO_OK && lock >= 0) status = leave(&p, status);
    close_all(&p, context);
    file_unlock(&lock);
    return status;
}
