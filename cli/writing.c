/* writing.c - prompt, continuation, and the text of both, up to a stop text. A token that the tokenizer does not know (a
 * model may have a larger vocabulary) is shown as U+FFFD. */
#include "writing.h"

#include <stdlib.h>
#include <string.h>

static bool append(writing *w, const char *text, size_t bytes) {
    if (w->bytes + bytes + 1 > w->room) {
        size_t room = 2 * (w->bytes + bytes) + 256;
        char  *more = realloc(w->text, room);
        if (!more) {
            terminal_error("out of memory");
            return false;
        }
        w->text = more;
        w->room = room;
    }
    memcpy(w->text + w->bytes, text, bytes);
    w->bytes += bytes;
    w->text[w->bytes] = 0;
    /* Nobody reads any more, or the disk is full: main.c says so. */
    return !w->out || !bytes || (fwrite(text, 1, bytes, w->out) == bytes && !fflush(w->out));
}

/* As support_good, which takes the progress line away: that is for the end of a work, and this is amidst it. */
static bool fine(canto_status status) { return status.code == CANTO_OK || support_good(status); }

static bool push(writing *w, uint32_t id) {
    const char *text;
    size_t      bytes;
    if (id >= (uint32_t)canto_tokenizer_vocabulary(w->tokenizer))
        return fine(canto_stream_finish(w->stream, &text, &bytes)) && append(w, text, bytes) &&
               append(w, "\xef\xbf\xbd", 3);
    return fine(canto_stream_push(w->stream, id, &text, &bytes)) && append(w, text, bytes);
}

bool writing_start(writing *w, canto_context *context, const canto_tokenizer *tokenizer, const char *prompt,
                   size_t bytes) {
    *w = (writing){.context = context, .tokenizer = tokenizer};
    bool         given = prompt && bytes;
    canto_status status =
        canto_tokenizer_encode(tokenizer, given ? prompt : "\n", given ? bytes : 1, &w->prompt, &w->prompt_count);
    if (status.code != CANTO_OK && given) return support_good(status);
    if (given && !w->prompt_count) {
        terminal_error("the prompt has no tokens");
        return false;
    }
    if (!support_good(canto_stream_open(tokenizer, &w->stream)) || !append(w, "", 0)) return false;
    w->begin = w->prompt_count ? w->prompt : &w->first; /* no newline in this vocabulary: its first token, 0 */
    if (!w->prompt_count) w->prompt_count = 1;
    return true;
}

static bool on_token(void *user, uint32_t id, double logprob) {
    writing *w = user;
    if (w->count == w->ids_room) {
        size_t    room = 2 * w->ids_room + 64;
        uint32_t *ids = realloc(w->ids, room * sizeof *ids);
        double   *logprobs = ids ? realloc(w->logprobs, room * sizeof *logprobs) : NULL;
        if (ids) w->ids = ids;
        if (logprobs) w->logprobs = logprobs;
        if (!logprobs) {
            terminal_error("out of memory");
            w->failed = true;
            return false;
        }
        w->ids_room = room;
    }
    w->ids[w->count] = id;
    w->logprobs[w->count++] = logprob;
    if (!push(w, id)) w->failed = true;
    if (w->told) support_progress("writing", (double)w->count / (double)w->told);
    w->stopped = !w->patient && support_interrupted();
    return !w->failed && !w->stopped && !canto_stream_stopped(w->stream);
}

bool writing_continue(writing *w, canto_session *session, const canto_generate_options *how, const char *const *stops,
                      FILE *out) {
    const char *text;
    size_t      bytes;
    w->out = out;
    for (size_t i = 0; i < w->prompt_count; i++)
        if (!push(w, w->begin[i])) return false;
    w->prompt_bytes = w->bytes;
    for (; stops && *stops; stops++)
        if (!support_good(canto_stream_stop(w->stream, *stops))) return false;
    canto_status status = canto_generate(session, w->begin, w->prompt_count, how, on_token, w);
    if (w->failed || (status.code != CANTO_OK && status.code != CANTO_STOPPED))
        return !w->failed && support_good(status);
    if (!support_good(canto_stream_finish(w->stream, &text, &bytes)) || !append(w, text, bytes)) return false;
    w->found_stop = canto_stream_stopped(w->stream);
    return true;
}

void writing_end(writing *w) {
    canto_stream_close(w->stream);
    if (w->context) canto_free(w->context, w->prompt);
    free(w->text);
    free(w->ids);
    free(w->logprobs);
    *w = (writing){0};
}
