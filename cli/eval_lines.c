/* eval_lines.c - questions in lines of JSON, answered by a model.
 *
 *     choices     {"ctx": "She opened the door and", "endings": ["sang.", "went in."], "label": 1}     (HellaSwag's form)
 *     last word   {"text": "... and when the door opened, in went the cat"}                            (LAMBADA's)
 *
 * Context and ending are encoded apart, a space between them going to the ending. The model's choice is the ending of the highest
 * log-probability: of the whole ending, or of it divided by its bytes, or by its tokens. */
#include "eval_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ENDINGS_MAX = 64 };

typedef struct ending {
    double sum;    /* log-probability, natural */
    size_t tokens; /* scored */
    size_t bytes;  /* of its text */
    bool   greedy; /* greedy writing would have written it */
} ending;

typedef struct exam {
    const canto_tokenizer *tokenizer;
    canto_context         *context;
    canto_session         *session;
    eval_form              form;
    bool                   each, json;
    const char            *file;
    size_t                 line;
    uint64_t               asked, most; /* questions; most 0: no end */
    uint64_t               right, right_by_byte, right_by_token;
    double                 sum; /* of the right endings' log-probabilities */
    uint64_t               tokens;
} exam;

static bool wrong(const exam *x, const char *what) {
    terminal_error("line %zu of '%s': %s", x->line, x->file, what);
    return false;
}

static bool fine(const exam *x, canto_status status) {
    return status.code == CANTO_OK || status.code == CANTO_STOPPED ? support_good(status) : wrong(x, status.text);
}

/* Scores text[bytes] after head[before]; a space parts them unless there is one. */
static bool score(exam *x, const char *head, size_t before, const char *text, size_t bytes, ending *e) {
    bool      good = false, *greedy = NULL;
    uint32_t *ids = NULL, *more = NULL, *all = NULL;
    double   *logprobs = NULL;
    size_t    n = 0, m = 0;
    char     *spaced = malloc(bytes + 2);
    if (!spaced) goto memory;
    bool space = before && head[before - 1] != ' ' && head[before - 1] != '\n' && *text != ' ' && *text != '\n';
    if (space) spaced[0] = ' ';
    memcpy(spaced + space, text, bytes);
    if (!fine(x, canto_tokenizer_encode(x->tokenizer, head, before, &ids, &n)) ||
        !fine(x, canto_tokenizer_encode(x->tokenizer, spaced, bytes + space, &more, &m)))
        goto done;
    if (!n || !m) {
        wrong(x, n ? "an ending has no tokens" : "what stands before the ending has no tokens");
        goto done;
    }
    all = malloc((n + m) * sizeof *all);
    logprobs = malloc(m * sizeof *logprobs);
    greedy = malloc(m * sizeof *greedy);
    if (!all || !logprobs || !greedy) goto memory;
    memcpy(all, ids, n * sizeof *ids);
    memcpy(all + n, more, m * sizeof *more);
    if (!fine(x, canto_session_score(x->session, all, n + m, n, logprobs, greedy))) goto done;
    *e = (ending){.tokens = m, .bytes = bytes, .greedy = true};
    for (size_t i = 0; i < m; i++) e->sum += logprobs[i], e->greedy = e->greedy && greedy[i];
    good = true;
    goto done;
memory:
    terminal_error("out of memory");
done:
    canto_free(x->context, ids);
    canto_free(x->context, more);
    free(all), free(logprobs), free(greedy), free(spaced);
    return good;
}

static void count(exam *x, const ending *right) {
    x->asked++;
    x->sum += right->sum;
    x->tokens += right->tokens;
}

/* The label as HellaSwag has it: a number, or a number as text. -1: neither. */
static int64_t label_of(const json_t *label) {
    if (json_is_integer(label)) return json_integer_value(label);
    const char *text = json_string_value(label);
    if (!text || strlen(text) < 1 || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text)) return -1;
    return strtol(text, NULL, 10);
}

/* The index of the largest; the first of equals. */
static size_t best(const ending *e, size_t n, double (*of)(const ending *)) {
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        if (of(&e[i]) > of(&e[at])) at = i;
    return at;
}
static double whole(const ending *e) { return e->sum; }
static double by_byte(const ending *e) { return e->sum / (double)e->bytes; }
static double by_token(const ending *e) { return e->sum / (double)e->tokens; }

static bool ask_choices(exam *x, const json_t *o) {
    const json_t *ctx = json_object_get(o, "ctx"), *endings = json_object_get(o, "endings");
    size_t        n = json_array_size(endings);
    int64_t       label = label_of(json_object_get(o, "label"));
    ending        found[ENDINGS_MAX];
    if (!json_is_string(ctx)) return wrong(x, "\"ctx\", the text before the endings, is missing or no text");
    if (n < 2 || n > ENDINGS_MAX) return wrong(x, "\"endings\" must be a list of 2 to 64 texts");
    if (label < 0 || (size_t)label >= n) return wrong(x, "\"label\" must be the number of the right ending, from 0 on");
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_array_get(endings, i);
        if (!json_string_length(text)) return wrong(x, "an ending is empty, or no text");
        if (!score(x, json_string_value(ctx), json_string_length(ctx), json_string_value(text),
                   json_string_length(text), &found[i]))
            return false;
    }
    size_t a = best(found, n, whole), b = best(found, n, by_byte), t = best(found, n, by_token), want = (size_t)label;
    count(x, &found[want]);
    x->right += a == want, x->right_by_byte += b == want, x->right_by_token += t == want;
    if (!x->each) return true;
    if (x->json) {
        json_t *line = json_object(), *sums = json_array(), *tokens = json_array();
        for (size_t i = 0; i < n; i++) {
            json_array_append_new(sums, json_number(found[i].sum));
            json_array_append_new(tokens, json_whole(found[i].tokens));
        }
        json_object_set_new(line, "label", json_whole(want));
        json_object_set_new(line, "choice", json_whole(a));
        json_object_set_new(line, "choice_by_byte", json_whole(b));
        json_object_set_new(line, "choice_by_token", json_whole(t));
        json_object_set_new(line, "logprobs", sums);
        json_object_set_new(line, "tokens", tokens);
        json_print(line);
    } else {
        printf("%6llu  %s  by byte %s:", (unsigned long long)x->asked, a == want ? "right" : "wrong",
               b == want ? "right" : "wrong");
        for (size_t i = 0; i < n; i++) printf(" %s%.3f%s", i == want ? "[" : "", found[i].sum, i == want ? "]" : "");
        putchar('\n');
    }
    return true;
}

static bool ask_last_word(exam *x, const json_t *o) {
    const json_t *text = json_object_get(o, "text");
    const char   *s = json_string_value(text);
    size_t        bytes = json_string_length(text), begin;
    ending        e;
    if (!s) return wrong(x, "\"text\" is missing, or no text");
    while (bytes && strchr(" \t\r\n", s[bytes - 1])) bytes--;
    for (begin = bytes; begin && !strchr(" \t\r\n", s[begin - 1]);) begin--;
    size_t before = begin;
    while (before && strchr(" \t\r\n", s[before - 1])) before--;
    if (!before) return wrong(x, "there is no word before the last one");
    if (!score(x, s, before, s + before, bytes - before, &e)) return false;
    count(x, &e);
    x->right += e.greedy;
    if (!x->each) return true;
    if (x->json) {
        json_t *line = json_object();
        json_object_set_new(line, "word", json_text(s + begin, bytes - begin));
        json_object_set_new(line, "right", json_boolean(e.greedy));
        json_object_set_new(line, "logprob", json_number(e.sum));
        json_object_set_new(line, "tokens", json_whole(e.tokens));
        json_print(line);
    } else
        printf("%6llu  %s  %.3f  %.*s\n", (unsigned long long)x->asked, e.greedy ? "right" : "wrong", e.sum,
               (int)(bytes - begin < 100 ? bytes - begin : 100), s + begin);
    return true;
}

static bool ask(exam *x, const char *line, size_t bytes) {
    json_error_t error;
    json_t      *o = json_loadb(line, bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    bool         good = false;
    if (!o) wrong(x, error.text);
    else if (!json_is_object(o)) wrong(x, "it is no JSON object");
    else good = x->form == EVAL_CHOICES ? ask_choices(x, o) : ask_last_word(x, o);
    json_decref(o);
    return good;
}

static bool ask_file(exam *x, const char *path) {
    char  *text;
    size_t bytes, at = 0;
    bool   good = true;
    if (!support_read(path, &text, &bytes)) return false;
    x->file = path, x->line = 0;
    while (good && at < bytes && (!x->most || x->asked < x->most)) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t      n = end ? (size_t)(end - (text + at)) : bytes - at, blank = 0;
        x->line++;
        while (blank < n && strchr(" \t\r", text[at + blank])) blank++;
        if (blank < n) good = ask(x, text + at, n);
        at += n + 1;
        if (good && support_interrupted()) good = false;
        support_progress("asking", (double)(at < bytes ? at : bytes) / (double)bytes);
    }
    free(text);
    return good;
}

static void print_exam(const exam *x) {
    double n = (double)x->asked;
    bool   choices = x->form == EVAL_CHOICES;
    if (x->json) {
        json_t *o = json_object();
        json_object_set_new(o, "questions", json_whole(x->asked));
        json_object_set_new(o, "accuracy", json_number((double)x->right / n));
        if (choices) {
            json_object_set_new(o, "accuracy_by_byte", json_number((double)x->right_by_byte / n));
            json_object_set_new(o, "accuracy_by_token", json_number((double)x->right_by_token / n));
        }
        json_object_set_new(o, "perplexity", json_number(exp(-x->sum / n)));
        json_object_set_new(o, "token_perplexity", json_number(exp(-x->sum / (double)x->tokens)));
        json_print(o);
        return;
    }
    printf("questions         %s\n", number_grouped(x->asked).text);
    printf("accuracy          %.4f%s\n", (double)x->right / n, choices ? "  by the likeliest ending" : "");
    if (choices)
        printf("  by byte         %.4f  by log-probability a byte (acc_norm)\n"
               "  by token        %.4f  by log-probability a token\n",
               (double)x->right_by_byte / n, (double)x->right_by_token / n);
    printf("perplexity        %.4f  of the right %s\n", exp(-x->sum / n), choices ? "ending" : "word");
    printf("  of a token      %.4f\n", exp(-x->sum / (double)x->tokens));
}

bool eval_lines(canto_context *context, const canto_model *model, eval_form form, char **files, size_t count,
                uint64_t most, bool each, bool json) {
    exam x = {.tokenizer = canto_model_tokenizer(model),
              .context = context,
              .form = form,
              .most = most,
              .each = each,
              .json = json};
    bool good = support_good(canto_session_open(context, model, &x.session));
    for (size_t i = 0; good && i < count; i++) good = ask_file(&x, files[i]);
    terminal_clear();
    if (good && !x.asked) {
        terminal_error("'%s' holds no question", files[0]);
        good = false;
    }
    if (good) print_exam(&x);
    canto_session_close(x.session);
    return good;
}
