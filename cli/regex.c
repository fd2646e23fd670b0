/* regex.c - PCRE2 as the library's engine for regular expressions. What is no UTF-8 is matched by nothing, as the library wants
 * it. A compiled pattern does not change and serves all threads; each search has memory of its own. */
#include "regex.h"

#ifdef CANTO_HAVE_PCRE2

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

static bool regex_open(void *user, const char *pattern, void **compiled, char *fault, size_t room) {
    int           error;
    PCRE2_SIZE    at;
    unsigned char text[160];
    (void)user;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
    *compiled = code;
    if (!code) {
        pcre2_get_error_message(error, text, sizeof text);
        snprintf(fault, room, "%s, at its byte %zu", (const char *)text, (size_t)at);
        return false;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no such thing it goes slower */
    return true;
}

static int regex_find(void *compiled, const char *text, size_t bytes, size_t from, size_t *start, size_t *end) {
    const pcre2_code *code = compiled;
    pcre2_match_data *found = pcre2_match_data_create(1, NULL);
    if (!found) return -1;
    int count = pcre2_match(code, (PCRE2_SPTR)text, bytes, from, PCRE2_NOTEMPTY, found, NULL);
    if (count >= 0) {
        *start = pcre2_get_ovector_pointer(found)[0];
        *end = pcre2_get_ovector_pointer(found)[1];
    }
    pcre2_match_data_free(found);
    return count >= 0 ? 1 : count == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static void regex_close(void *compiled) { pcre2_code_free(compiled); }

canto_regex regex_engine(void) { return (canto_regex){regex_open, regex_find, regex_close, NULL}; }

const char *regex_version(void) {
    static char version[32];
    if (!*version && pcre2_config(PCRE2_CONFIG_VERSION, NULL) < (int)sizeof version)
        pcre2_config(PCRE2_CONFIG_VERSION, version);
    version[strcspn(version, " ")] = 0;
    return version;
}

#else

canto_regex regex_engine(void) { return (canto_regex){0}; }

const char *regex_version(void) { return "none"; }

#endif
