/* stream.c - decoding token by token. Bytes that may still become a character are held back; bytes that cannot any more
 * come out as U+FFFD, one for each longest beginning of a character (as Unicode recommends). */
#include "base/utf8.h"
#include "text/tokenizer.h"

#include <string.h>

struct canto_stream {
    const canto_tokenizer *tokenizer;
    byte_list              held; /* at most three bytes between calls */
    byte_list              out;
    bool                   begun;
};

/* True when bytes (1 to 3 of them) could be the beginning of a longer character. */
static bool is_beginning(const unsigned char *b, size_t bytes) {
    size_t length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || bytes >= length) return false;
    unsigned low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (bytes > 1 && (b[1] < low || b[1] > high)) return false;
    return bytes < 3 || (b[2] & 0xC0) == 0x80;
}

canto_status canto_stream_open(const canto_tokenizer *tokenizer, canto_stream **stream) {
    canto_stream *s = context_allocate_zeroed(tokenizer->context, 1, sizeof *s);
    *stream = s;
    if (!s) return context_no_memory(sizeof *s, "a stream");
    s->tokenizer = tokenizer;
    s->held.context = s->out.context = tokenizer->context;
    return status_ok();
}

void canto_stream_close(canto_stream *s) {
    if (!s) return;
    canto_context *context = s->held.context;
    context_release(context, s->held.data);
    context_release(context, s->out.data);
    context_release(context, s);
}

/* Moves what is decided from held to out; at the end everything is. */
static canto_status settle(canto_stream *s, bool end) {
    size_t       at = 0;
    canto_status status = status_ok();
    while (at < s->held.count) {
        const char *rest = s->held.data + at;
        size_t      bytes = s->held.count - at, bad = 1;
        uint32_t    point;
        size_t      length = utf8_read(rest, bytes, &point);
        if (length == 0) {
            while (bad < bytes && bad < 3 && is_beginning((const unsigned char *)rest, bad + 1)) bad++;
            if (!end && bad == bytes && is_beginning((const unsigned char *)rest, bad)) break;
            TRY(byte_list_add(&s->out, "\xEF\xBF\xBD", 3));
            at += bad;
        } else {
            TRY(byte_list_add(&s->out, rest, length));
            at += length;
        }
    }
    if (s->held.count) memmove(s->held.data, s->held.data + at, s->held.count - at);
    s->held.count -= at;
done:
    return status;
}

static canto_status give(canto_stream *s, const char **text, size_t *bytes) {
    canto_status status = byte_list_add(&s->out, "", 1);
    if (status.code != CANTO_OK) return status;
    *text = s->out.data;
    if (bytes) *bytes = s->out.count - 1;
    return status;
}

canto_status canto_stream_push(canto_stream *s, uint32_t id, const char **text, size_t *bytes) {
    size_t       length;
    const char  *token = canto_tokenizer_token(s->tokenizer, id, &length), *joint = s->tokenizer->kind->joint;
    canto_status status;
    s->out.count = 0;
    if (!token)
        return status_error(CANTO_ERROR_VALUE, "token id %lu is outside the vocabulary of %lu tokens",
                            (unsigned long)id, (unsigned long)s->tokenizer->tokens.count);
    if (s->begun) TRY(byte_list_add(&s->held, joint, strlen(joint)));
    TRY(byte_list_add(&s->held, token, length));
    s->begun = true;
    TRY(settle(s, false));
    TRY(give(s, text, bytes));
done:
    return status;
}

canto_status canto_stream_finish(canto_stream *s, const char **text, size_t *bytes) {
    canto_status status;
    s->out.count = 0;
    TRY(settle(s, true));
    TRY(give(s, text, bytes));
done:
    return status;
}
