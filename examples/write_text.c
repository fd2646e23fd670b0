/* write_text.c - lets a trained model write, from C, with memory that this program keeps an eye on.
 *
 *     cc write_text.c $(pkg-config --cflags --libs canto) -o write_text
 *     ./write_text run "It was" 300         # run: a folder of train_text.c or of `canto train`; Ctrl-C ends the text
 *
 * One model may serve many threads: each opens a context and a session of its own over it. Here there is one of each. */
#include <canto.h>

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

static bool failed(canto_status status) {
    if (status.code == CANTO_OK) return false;
    fprintf(stderr, "write_text: %s\n", status.text);
    return true;
}

/* An allocator for the library: malloc, counted, and with a limit. Each block's size stands before it. */
typedef struct memory {
    size_t used, most, limit; /* bytes */
    size_t blocks;
} memory;

typedef union head {
    size_t      bytes;
    max_align_t for_alignment;
} head;

static void *resize(void *user, void *old, size_t bytes) {
    memory *m = user;
    head   *block = old ? (head *)old - 1 : NULL;
    size_t  before = block ? block->bytes : 0;
    if (bytes > before && bytes - before > m->limit - m->used) return NULL; /* "no memory": the call fails with words */
    if (bytes > 0) {
        head *moved = bytes > SIZE_MAX - sizeof *moved ? NULL : realloc(block, sizeof *moved + bytes);
        if (!moved) return NULL;
        moved->bytes = bytes;
        block = moved + 1;
    } else {
        free(block);
        block = NULL;
    }
    m->used = m->used - before + bytes;
    if (m->used > m->most) m->most = m->used;
    m->blocks += (old == NULL) - (bytes == 0);
    return block;
}

/* Called for each token as it is written. Tokens need not be whole characters: the stream holds bytes back until they
 * are. Returning false ends the text. */
static bool on_token(void *user, uint32_t id, double logprob) {
    canto_stream *stream = user;
    const char   *text;
    size_t        bytes;
    (void)logprob;
    if (failed(canto_stream_push(stream, id, &text, &bytes))) return false;
    fwrite(text, 1, bytes, stdout);
    fflush(stdout);
    return !interrupted;
}

int main(int count, char **words) {
    memory                 m = {.limit = (size_t)4 << 30};
    canto_context_options  options = canto_context_options_default();
    canto_generate_options how = canto_generate_options_default();
    canto_context         *context = NULL;
    canto_model           *model = NULL;
    canto_session         *session = NULL;
    canto_stream          *stream = NULL;
    uint32_t              *prompt = NULL;
    size_t                 tokens, bytes;
    const char            *rest;
    int                    code = EXIT_FAILURE;
    if (count < 2) {
        fprintf(stderr, "usage: write_text MODEL [PROMPT [TOKENS]]\n");
        return EXIT_FAILURE;
    }
    const char *text = count > 2 ? words[2] : "The ";
    how.tokens = count > 3 ? strtoll(words[3], NULL, 10) : 200;
    how.temperature = 0.8;
    signal(SIGINT, on_interrupt);

    options.allocator = (canto_allocator){resize, &m};
    if (failed(canto_context_open(&options, &context)) || failed(canto_model_open(context, words[1], &model)))
        goto done;
    const canto_tokenizer *tokenizer = canto_model_tokenizer(model); /* the model's, not ours to close */
    if (!tokenizer) {
        fprintf(stderr, "write_text: %s holds no tokenizer\n", words[1]);
        goto done;
    }
    if (failed(canto_session_open(context, model, &session)) || failed(canto_stream_open(tokenizer, &stream)) ||
        failed(canto_tokenizer_encode(tokenizer, text, strlen(text), &prompt, &tokens)))
        goto done;

    fputs(text, stdout);
    canto_status status = canto_generate(session, prompt, tokens, &how, on_token, stream);
    if (status.code != CANTO_STOPPED && failed(status)) goto done;
    if (failed(canto_stream_finish(stream, &rest, &bytes))) goto done;
    fwrite(rest, 1, bytes, stdout);
    putchar('\n');
    code = EXIT_SUCCESS;
done:
    if (context) canto_free(context, prompt); /* what the library hands out goes back to it */
    canto_stream_close(stream);
    canto_session_close(session);
    canto_model_close(model);
    canto_context_close(context);
    fprintf(stderr, "memory: %.1f MiB at most, %zu blocks left\n", (double)m.most / (1 << 20), m.blocks);
    return code;
}
