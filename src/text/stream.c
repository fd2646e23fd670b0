/* stream.c - decoding token by token. Bytes that may still become a character are held back; bytes that cannot any more
 * come out as U+FFFD. Text that may still become a stop text waits; after a stop text nothing comes out. */
#include "base/utf8.h"
#include "text/tokenizer.h"

#include <string.h>

struct canto_stream {
    const canto_tokenizer *tokenizer;
    byte_list              held;    /* at most three bytes between calls */
    byte_list              waiting; /* whole characters; between calls the beginning of a stop text */
    byte_list              out;
    byte_list              stops; /* stop texts, each ended by a zero byte */
    bool                   begun, stopped;
};

canto_status canto_stream_open(const canto_tokenizer *tokenizer, canto_stream **stream) {
    canto_stream *s = context_allocate_zeroed(tokenizer->context, 1, sizeof *s);
    *stream = s;
    if (!s) return context_no_memory(sizeof *s, "a stream");
    s->tokenizer = tokenizer;
    s->held.context = s->waiting.context = s->out.context = s->stops.context = tokenizer->context;
    return status_ok();
}

void canto_stream_close(canto_stream *s) {
    if (!s) return;
    canto_context *context = s->held.context;
    context_release(context, s->held.data);
    context_release(context, s->waiting.data);
    context_release(context, s->out.data);
    context_release(context, s->stops.data);
    context_release(context, s);
}

canto_status canto_stream_stop(canto_stream *s, const char *text) {
    size_t bytes = strlen(text);
    if (bytes == 0)
        return status_error(CANTO_ERROR_VALUE, "A stop text is empty, but must have at least one character.");
    if (utf8_valid_prefix(text, bytes) != bytes)
        return status_error(CANTO_ERROR_TEXT, "A stop text is not valid UTF-8: no text would ever contain it.");
    return byte_list_add(&s->stops, text, bytes + 1);
}

bool canto_stream_stopped(const canto_stream *stream) { return stream->stopped; }

/* Moves what is decided from held to waiting; at the end everything is. */
static canto_status settle(canto_stream *s, bool end) {
    size_t       at = 0;
    canto_status status = status_ok();
    while (at < s->held.count) {
        const char *rest = s->held.data + at;
        size_t      bytes = s->held.count - at;
        uint32_t    point;
        size_t      length = utf8_read(rest, bytes, &point);
        if (length == 0) {
            size_t bad = utf8_broken(rest, bytes);
            if (!end && bad == bytes && utf8_is_beginning(rest, bad)) break;
            TRY(byte_list_add(&s->waiting, "\xEF\xBF\xBD", 3));
            at += bad;
        } else {
            TRY(byte_list_add(&s->waiting, rest, length));
            at += length;
        }
    }
    if (s->held.count) memmove(s->held.data, s->held.data + at, s->held.count - at);
    s->held.count -= at;
done:
    return status;
}

/* How many bytes of waiting come before the first stop text in it; all of them when there is none. */
static size_t before_stop(const canto_stream *s) {
    const byte_list *w = &s->waiting;
    size_t           first = w->count;
    for (size_t at = 0; at < s->stops.count; at += strlen(s->stops.data + at) + 1) {
        const char *stop = s->stops.data + at;
        size_t      bytes = strlen(stop);
        for (size_t i = 0; i + bytes <= w->count && i < first; i++)
            if (memcmp(w->data + i, stop, bytes) == 0) first = i;
    }
    return first;
}

/* How many bytes at waiting's end are the beginning of a stop text. */
static size_t maybe_stop(const canto_stream *s) {
    const byte_list *w = &s->waiting;
    size_t           most = 0;
    for (size_t at = 0; at < s->stops.count; at += strlen(s->stops.data + at) + 1) {
        size_t n = strlen(s->stops.data + at) - 1;
        if (n > w->count) n = w->count;
        while (n > most && memcmp(w->data + w->count - n, s->stops.data + at, n) != 0) n--;
        if (n > most) most = n;
    }
    return most;
}

/* Hands out what is decided of waiting; at the end everything is. */
static canto_status give(canto_stream *s, bool end, const char **text, size_t *bytes) {
    canto_status status;
    size_t       n = s->stopped ? 0 : before_stop(s);
    if (n < s->waiting.count) s->stopped = true;
    else if (!end) n -= maybe_stop(s);
    s->out.count = 0;
    TRY(byte_list_add(&s->out, s->waiting.data, n));
    TRY(byte_list_add(&s->out, "", 1));
    s->waiting.count = s->stopped ? 0 : s->waiting.count - n;
    if (s->waiting.count) memmove(s->waiting.data, s->waiting.data + n, s->waiting.count);
    *text = s->out.data;
    if (bytes) *bytes = n;
done:
    return status;
}

canto_status canto_stream_push(canto_stream *s, uint32_t id, const char **text, size_t *bytes) {
    size_t       length;
    const char  *token = canto_tokenizer_token(s->tokenizer, id, &length), *joint = s->tokenizer->kind->joint;
    canto_status status;
    if (!token)
        return status_error(CANTO_ERROR_VALUE, "token id %lu is outside the vocabulary of %lu tokens",
                            (unsigned long)id, (unsigned long)s->tokenizer->tokens.count);
    if (s->begun) TRY(byte_list_add(&s->held, joint, strlen(joint)));
    TRY(byte_list_add(&s->held, token, length));
    s->begun = true;
    TRY(settle(s, false));
    TRY(give(s, false, text, bytes));
done:
    return status;
}

canto_status canto_stream_finish(canto_stream *s, const char **text, size_t *bytes) {
    canto_status status;
    TRY(settle(s, true));
    TRY(give(s, true, text, bytes));
done:
    return status;
}
