/* pattern.c - patterns by name, and the seam to the caller's engine for regular expressions. */
#include "text/pattern.h"

#include "base/utf8.h"

#include <string.h>

static const char *const names[] = {"gpt2", "cl100k", "o200k", "none"};

canto_status pattern_open(canto_context *context, const char *name, pattern *p) {
    char         fault[200] = "";
    canto_status status = status_ok();
    *p = (pattern){.context = context, .kind = PRETOKENIZER_CUSTOM};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i])) {
            p->kind = (pretokenizer)i;
            return status;
        }
    if (!*name)
        FAIL(CANTO_ERROR_VALUE, "the pattern is empty; give gpt2, cl100k, o200k, none, or a regular expression");
    if (utf8_valid_prefix(name, strlen(name)) != strlen(name))
        FAIL(CANTO_ERROR_VALUE, "the pattern is not valid UTF-8");
    if (!context->regex.open)
        FAIL(CANTO_ERROR_UNSUPPORTED,
             "the pattern '%.200s' is none of gpt2, cl100k, o200k and none, and there is no engine for regular "
             "expressions here: build canto with PCRE2 (Debian's libpcre2-dev), or choose one of these",
             name);
    p->regex = context_copy_text(context, name);
    if (!p->regex) TRY(context_no_memory(strlen(name) + 1, "a pattern"));
    if (!context->regex.open(context->regex.user, name, &p->compiled, fault, sizeof fault)) {
        p->compiled = NULL;
        FAIL(CANTO_ERROR_VALUE, "the pattern '%.150s' is no regular expression: %s", name, fault);
    }
done:
    if (status.code != CANTO_OK) pattern_close(p);
    return status;
}

const char *pattern_name(const pattern *p) { return p->kind == PRETOKENIZER_CUSTOM ? p->regex : names[p->kind]; }

canto_status pattern_piece(const pattern *p, const char *text, size_t bytes, size_t at, size_t *length) {
    size_t start = bytes, end = bytes;
    if (p->kind != PRETOKENIZER_CUSTOM) {
        *length = pretokenize_piece(p->kind, text + at, bytes - at);
        return status_ok();
    }
    int found = p->context->regex.find(p->compiled, text, bytes, at, &start, &end);
    if (found < 0)
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "the pattern '%.150s' takes too long, or too much memory, on the text at byte %zu; make it "
                            "simpler",
                            p->regex, at);
    if (!found) start = bytes;
    if (found && (start < at || end <= start || end > bytes))
        return status_error(CANTO_ERROR_VALUE, "the engine of the pattern '%.150s' found what is not in the text",
                            p->regex);
    *length = start > at ? start - at : end - at;
    return status_ok();
}

void pattern_close(pattern *p) {
    if (p->compiled) p->context->regex.close(p->compiled);
    if (p->context) context_release(p->context, p->regex);
    *p = (pattern){0};
}
