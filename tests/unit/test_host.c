/* test_host.c - what a program that embeds the library hands to it: its allocator, and the callback that is told how far
 * long work is and may stop it. */
#include "unit.h"

#include "base/file.h"

/* ------------------------------------------------------------------------------------------------- allocator */

/* Memory that is accounted for, always moves when it is resized, and is never clean. */
typedef struct account {
    long   blocks, calls;
    size_t bytes, most;
} account;

enum { HEAD = 64 }; /* the block's size stands before it */

static void *accounted(void *user, void *old, size_t bytes) {
    account       *a = user;
    unsigned char *from = old, *to = NULL;
    size_t         before = 0;
    a->calls++;
    if (old) memcpy(&before, from - HEAD, sizeof before);
    if (bytes) {
        to = (unsigned char *)malloc(bytes + HEAD) + HEAD;
        memcpy(to - HEAD, &bytes, sizeof bytes);
        memset(to, 0xA5, bytes);
        if (old) memcpy(to, old, before < bytes ? before : bytes);
        a->blocks++;
        a->bytes += bytes;
    }
    if (a->bytes > a->most) a->most = a->bytes;
    if (old) {
        memset(old, 0x5A, before);
        free(from - HEAD);
        a->blocks--;
        a->bytes -= before;
    }
    return to;
}

/* A small model for these texts, and the shortest training. */
static void small(const canto_tokenizer *tokenizer, canto_config *config, canto_train_options *training) {
    ok(canto_preset("mini", config, training));
    config->vocab = canto_tokenizer_vocabulary(tokenizer);
    config->width = 16;
    config->heads = 2;
    config->ffn = 32;
    config->layers = 1;
    config->context = 16;
    training->steps = 2;
    training->batch = 3;
    training->eval_batches = 1;
    training->split = 0.75;
    canto_config_dropout(config, 0.1);
}

static bool saved_nothing(void *user, const canto_trainer *trainer, const canto_event *event) {
    (void)user;
    (void)trainer;
    return event->kind != CANTO_EVENT_CHECKPOINT;
}

static void train_and_save(canto_context *c, const char *text, bool parity) {
    const char         *texts[] = {text};
    canto_tokenizer    *tokenizer;
    canto_data         *data;
    canto_config        config;
    canto_train_options training;
    canto_trainer      *trainer;
    ok(canto_tokenizer_train(c, NULL, texts, 1, &tokenizer));
    ok(canto_data_from_texts(c, tokenizer, texts, 1, &data));
    ok(canto_data_save(data, in_folder("text.tok")));
    small(tokenizer, &config, &training);
    training.parity_torch = parity;
    ok(canto_trainer_open(c, &config, &training, tokenizer, data, NULL, NULL, &trainer));
    ok(canto_trainer_run(trainer, saved_nothing, NULL));
    ok(canto_model_save(canto_trainer_model(trainer), folder));
    canto_trainer_close(trainer);
    canto_data_close(data);
    canto_tokenizer_close(tokenizer);
}

static void write_and_evaluate(canto_context *c) {
    canto_generate_options how = canto_generate_options_default();
    canto_model           *model;
    canto_data            *data;
    canto_session         *session;
    canto_stream          *stream;
    canto_evaluation       evaluation;
    uint32_t              *ids;
    size_t                 count, bytes;
    char                  *text, *json;
    const char            *piece;
    how.tokens = 20;
    ok(canto_model_open(c, folder, &model));
    ok(canto_session_open(c, model, &session));
    ok(canto_tokenizer_encode(canto_model_tokenizer(model), "a line", 6, &ids, &count));
    ok(canto_generate(session, ids, count, &how, NULL, NULL));
    ok(canto_tokenizer_decode(canto_model_tokenizer(model), ids, count, &text, &bytes));
    assert_string_equal(text, "a line");
    ok(canto_stream_open(canto_model_tokenizer(model), &stream));
    ok(canto_stream_push(stream, ids[0], &piece, &bytes));
    ok(canto_stream_finish(stream, &piece, &bytes));
    canto_stream_close(stream);
    ok(canto_data_open(c, in_folder("text.tok"), &data));
    ok(canto_evaluate(c, model, data, NULL, &evaluation));
    ok(canto_config_json(c, canto_model_config(model), &json));
    canto_free(c, json);
    canto_free(c, text);
    canto_free(c, ids);
    canto_session_close(session);
    canto_data_close(data);
    canto_model_close(model);
}

/* Every block comes from the caller and goes back to it; none is expected to be zeroed or to stay in its place. */
static void test_allocator(void **state) {
    const char *text =
        write_file("lines.txt", "a line of a text\nand another line of it\na third line, and the last one\n"
                                "0123456789 are all the digits that there are in it, every one of them\n");
    (void)state;
    for (int parity = 0; parity < 2; parity++) {
        account               a = {0};
        canto_context        *c;
        canto_context_options options = canto_context_options_default();
        options.allocator = (canto_allocator){accounted, &a};
        options.threads = 2;
        ok(canto_context_open(&options, &c));
        long opened = a.blocks;
        assert_true(opened >= 3); /* the context, its pool, the pool's threads */
        train_and_save(c, text, parity);
        assert_int_equal(a.blocks, opened);
        assert_true(a.most > 4 * 4 * 2000); /* weights, gradients and both moments of some 2000 parameters */
        write_and_evaluate(c);
        assert_int_equal(a.blocks, opened);
        canto_tokenizer *none;
        const char      *missing = in_folder("missing.txt");
        fails(canto_tokenizer_train(c, NULL, &missing, 1, &none), CANTO_ERROR_FILE, "missing.txt");
        assert_int_equal(a.blocks, opened);
        canto_context_close(c);
        assert_int_equal(a.blocks, 0);
        assert_int_equal(a.bytes, 0);
    }
}

/* -------------------------------------------------------------------------------------------------- progress */

typedef struct listener {
    int    calls, stop_at; /* stop_at: the call that answers false; 0: none */
    double share;
    char   what[300];
} listener;

static bool listen(void *user, const char *what, double share) {
    listener *l = user;
    if (strcmp(what, l->what) == 0) assert_true(share > l->share);
    assert_true(share > 0 && share < 1);
    l->share = share;
    snprintf(l->what, sizeof l->what, "%s", what);
    return ++l->calls != l->stop_at;
}

typedef struct subject {
    canto_context   *context;
    const char      *texts[1], *tokens;
    canto_tokenizer *tokenizer;
    canto_data      *data;
    canto_model     *model;
    char            *text;
    size_t           bytes;
} subject;

/* The calls that tell: each makes something and releases it. */
static canto_status learn_call(subject *s) {
    canto_tokenizer *made;
    canto_status     status = canto_tokenizer_train(s->context, NULL, s->texts, 1, &made);
    assert_true((made != NULL) == (status.code == CANTO_OK));
    canto_tokenizer_close(made);
    return status;
}

static canto_status learn_words_call(subject *s) {
    canto_tokenizer_options words = {.kind = "word"};
    canto_tokenizer        *made;
    canto_status            status = canto_tokenizer_train(s->context, &words, s->texts, 1, &made);
    assert_true((made != NULL) == (status.code == CANTO_OK));
    canto_tokenizer_close(made);
    return status;
}

static canto_status texts_call(subject *s) {
    canto_data  *made;
    canto_status status = canto_data_from_texts(s->context, s->tokenizer, s->texts, 1, &made);
    assert_true((made != NULL) == (status.code == CANTO_OK));
    canto_data_close(made);
    return status;
}

static canto_status encode_call(subject *s) {
    uint32_t    *ids;
    size_t       count;
    canto_status status = canto_tokenizer_encode(s->tokenizer, s->text, s->bytes, &ids, &count);
    assert_true((ids != NULL) == (status.code == CANTO_OK));
    canto_free(s->context, ids);
    return status;
}

static canto_status open_data_call(subject *s) {
    canto_data  *made;
    canto_status status = canto_data_open(s->context, s->tokens, &made);
    assert_true((made != NULL) == (status.code == CANTO_OK));
    canto_data_close(made);
    return status;
}

static canto_status open_model_call(subject *s) {
    canto_model *made;
    canto_status status = canto_model_open(s->context, folder, &made);
    assert_true((made != NULL) == (status.code == CANTO_OK));
    canto_model_close(made);
    return status;
}

static canto_status evaluate_call(subject *s) {
    canto_evaluation evaluation;
    return canto_evaluate(s->context, s->model, s->data, NULL, &evaluation);
}

/* A space more in the head of a safetensors file: its numbers lie at odd places, where no kernel reads them. */
static void push_aside(const char *path) {
    FILE         *file = fopen(path, "rb");
    unsigned char head[8];
    static char   rest[1 << 22];
    assert_non_null(file);
    assert_int_equal(fread(head, 1, 8, file), 8);
    size_t bytes = fread(rest, 1, sizeof rest, file), length = head[0] + 256u * head[1];
    assert_true(bytes > length && bytes < sizeof rest && !head[2] && head[0] < 255);
    fclose(file);
    head[0]++;
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fwrite(head, 1, 8, file) == 8 && fwrite(rest, 1, length, file) == length && fputc(' ', file) == ' ' &&
                fwrite(rest + length, 1, bytes - length, file) == bytes - length);
    assert_int_equal(fclose(file), 0);
}

/* A text of more than 2^18 bytes, its tokens, a model of more parameters that must be copied, and a short text to evaluate. */
static void open_subject(subject *s, listener *l) {
    canto_context_options options = canto_context_options_default();
    canto_config          config;
    canto_train_options   training;
    canto_trainer        *trainer;
    const char           *excerpt[] = {in_folder("excerpt.txt")};
    s->bytes = (size_t)9 << 15;
    s->text = malloc(s->bytes);
    for (size_t i = 0; i < s->bytes; i++) s->text[i] = i % 7 == 6 ? ' ' : (char)('a' + i / 7 % 20);
    s->texts[0] = in_folder("long.txt");
    ok(file_write_whole(s->texts[0], s->text, s->bytes));
    ok(file_write_whole(excerpt[0], s->text, 300));
    s->tokens = in_folder("long.tok");
    options.threads = 1;
    options.progress = listen;
    options.progress_user = l;
    ok(canto_context_open(&options, &s->context));
    ok(canto_tokenizer_train(s->context, NULL, s->texts, 1, &s->tokenizer));
    ok(canto_data_from_texts(s->context, s->tokenizer, s->texts, 1, &s->data));
    ok(canto_data_save(s->data, s->tokens));
    canto_data_close(s->data);
    l->calls = 0;
    ok(canto_data_from_texts(s->context, s->tokenizer, excerpt, 1, &s->data));
    assert_int_equal(l->calls, 0); /* short work tells nothing */
    small(s->tokenizer, &config, &training);
    config.width = 128;
    config.ffn = 512;
    config.layers = 2;
    training.steps = 0;
    ok(canto_trainer_open(s->context, &config, &training, s->tokenizer, s->data, NULL, NULL, &trainer));
    ok(canto_model_save(canto_trainer_model(trainer), folder));
    canto_trainer_close(trainer);
    push_aside(in_folder("model.safetensors"));
    ok(canto_model_open(s->context, folder, &s->model));
}

static void test_progress(void **state) {
    static const struct {
        canto_status (*call)(subject *s);
        const char *what;
    } cases[] = {
        {learn_call, "long.txt"},      {learn_words_call, "long.txt"}, {texts_call, "encoding '"},
        {encode_call, "encoding"},     {open_data_call, "long.tok"},   {open_model_call, "model.safetensors"},
        {evaluate_call, "evaluating"},
    };
    listener l = {0};
    subject  s;
    (void)state;
    open_subject(&s, &l);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        l = (listener){0};
        ok(cases[i].call(&s));
        assert_true(l.calls >= 1);
        assert_non_null(strstr(l.what, cases[i].what));
        int calls = l.calls;
        l = (listener){.stop_at = 1};
        fails(cases[i].call(&s), CANTO_STOPPED, "was stopped after");
        assert_int_equal(l.calls, 1);
        l = (listener){.stop_at = calls};
        fails(cases[i].call(&s), CANTO_STOPPED, cases[i].what);
        assert_int_equal(l.calls, calls);
    }
    canto_model_close(s.model);
    canto_data_close(s.data);
    canto_tokenizer_close(s.tokenizer);
    canto_context_close(s.context);
    free(s.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allocator), cmocka_unit_test(test_progress)};
    return cmocka_run_group_tests(tests, unit_set_up, unit_tear_down);
}
