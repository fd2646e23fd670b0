/* pretokenize.c - OpenAI's three patterns as scanners.
 *
 * Every scanner tries the pattern's alternatives in their order at one place; what its regular expression would find by
 * going back is worked out in a comment. Letters and numbers are disjoint from white space and from all else, so a run is
 * taken whole: giving a character back never helps an alternative to match. Classes are tested as bits of a set. */
#include "text/pretokenize.h"

#include "base/utf8.h"
#include "text/unicode.h"

#include <stdbool.h>
#include <string.h>

enum {
    OTHER = 1 << UNICODE_OTHER,
    SPACE = 1 << UNICODE_SPACE,
    NUMBER = 1 << UNICODE_NUMBER,
    MARK = 1 << UNICODE_MARK,
    EITHER = MARK | 1 << UNICODE_LETTER, /* in both U and W */
    UPPER = EITHER | 1 << UNICODE_UPPER, /* U */
    LOWER = EITHER | 1 << UNICODE_LOWER, /* W */
    LETTER = (UPPER | LOWER) & ~MARK,    /* \p{L} */
    SYMBOL = OTHER | MARK                /* [^\s\p{L}\p{N}] */
};

/* The set with the class of the character at `at`, and its length; 0 at the end. */
static inline unsigned look(const char *at, const char *end, size_t *length) {
    const unsigned char *b = (const unsigned char *)at;
    uint32_t             point;
    *length = 0;
    if (at == end) return 0;
    *length = 1;
    if (b[0] < 0x80) return 1u << unicode_class_of_ascii(b[0]);
    if (b[0] >= 0xC2 && b[0] < 0xE0 && end - at > 1 && (b[1] & 0xC0) == 0x80) {
        *length = 2;
        return 1u << unicode_class_of((b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu));
    }
    size_t bytes = utf8_read(at, (size_t)(end - at), &point);
    if (bytes == 0) return OTHER;
    *length = bytes;
    return 1u << unicode_class_of(point);
}

/* The end of the run of characters of a set. */
static inline const char *skip(const char *at, const char *end, unsigned set) {
    size_t length;
    while (look(at, end, &length) & set) at += length;
    return at;
}

/* The number of the first byte, from the lowest on, that is not 0. */
static inline unsigned first_byte(uint64_t bits) {
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(bits) / 8;
#else
    unsigned byte = 0;
    for (; !(bits & 0xFF); bits >>= 8) byte++;
    return byte;
#endif
}

/* The end of the run of letters first .. first + 25 of ASCII; after `fold` is put into each byte. Eight bytes at once: the
 * upper bit of one says whether it is outside. */
static inline const char *skip_ascii(const char *at, const char *end, unsigned char first, unsigned char fold) {
    const uint64_t ones = UINT64_C(0x0101010101010101), low = 127 * ones, high = 128 * ones;
    while (end - at >= 8) {
        uint64_t eight;
        memcpy(&eight, at, 8);
        uint64_t folded = (eight & low) | fold * ones;
        uint64_t letters = (folded + (128 - first) * ones) & ~(folded + (128 - first - 26) * ones) & ~eight;
        uint64_t others = ~letters & high;
        if (others) return at + first_byte(others);
        at += 8;
    }
    while (at < end && (unsigned char)((*at | fold) - first) < 26) at++;
    return at;
}

/* The length of 's 't 're 've 'm 'll 'd at `at`, or 0. In either case U+017F, the long s, is an s to (?i: ). */
static size_t contraction(const char *at, const char *end, bool any_case) {
    if (end - at < 2 || at[0] != '\'') return 0;
    char fold = any_case ? 0x20 : 0, a = (char)(at[1] | fold), b = (char)(end - at > 2 ? at[2] | fold : 0);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e')) return 3;
    return any_case && end - at > 2 && at[1] == '\xC5' && at[2] == '\xBF' ? 3 : 0;
}

/* \s+(?!\S)|\s+ where white space begins: all of it at the text's end, otherwise all but its last character, which a word
 * may take; when there is only one, that. */
static const char *spaces(const char *at, const char *end) {
    const char *last = at, *next = at;
    size_t      length;
    while (look(next, end, &length) & SPACE) {
        last = next;
        next += length;
    }
    return next == end || last == at ? next : last;
}

/* The same after \s*[\r\n]+: white space up to its last line end, when it has one. */
static const char *lines_or_spaces(const char *at, const char *end) {
    const char *after = NULL, *next = at;
    size_t      length;
    while (look(next, end, &length) & SPACE) {
        if (*next == '\n' || *next == '\r') after = next + 1;
        next += length;
    }
    return after ? after : spaces(at, end);
}

/* A word of ASCII's letters with or without a space before it, which most pieces are; NULL when none is here or something
 * else may belong to it. */
static inline const char *plain_word(const char *at, const char *end) {
    const char *word = at + (*at == ' '), *after = skip_ascii(word, end, 'a', 0x20);
    return after > word && (after == end || (unsigned char)*after < 0x80) ? after : NULL;
}

static const char *gpt2(const char *at, const char *end) {
    const char *plain = plain_word(at, end);
    if (plain) return plain;
    size_t length = contraction(at, end, false);
    if (length) return at + length;
    const char *word = *at == ' ' ? at + 1 : at;
    unsigned    set = look(word, end, &length);
    if (set & LETTER) return skip(word + length, end, LETTER);
    if (set & NUMBER) return skip(word + length, end, NUMBER);
    if (set & SYMBOL) return skip(word + length, end, SYMBOL);
    return spaces(at, end);
}

/* \p{N}{1,3} */
static const char *numbers(const char *at, const char *end) {
    size_t length;
    for (int i = 0; i < 3 && look(at, end, &length) & NUMBER; i++) at += length;
    return at;
}

/* [^\r\n\p{L}\p{N}] at `at`: a character that a word may begin with. */
static inline bool may_lead(const char *at, unsigned set) {
    return set & (SYMBOL | SPACE) && *at != '\n' && *at != '\r';
}

/* What follows the alternatives for words: numbers, symbols with the line ends (or one more character) behind them, white
 * space. NULL is never the answer. */
static const char *no_word(const char *at, const char *end, unsigned set, char tail) {
    size_t length;
    if (set & NUMBER) return numbers(at, end);
    const char *symbol = *at == ' ' ? at + 1 : at;
    if (look(symbol, end, &length) & SYMBOL) {
        symbol = skip(symbol + length, end, SYMBOL);
        while (symbol < end && (*symbol == '\n' || *symbol == '\r' || *symbol == tail)) symbol++;
        return symbol;
    }
    return lines_or_spaces(at, end);
}

static const char *cl100k(const char *at, const char *end) {
    const char *plain = plain_word(at, end);
    if (plain) return plain;
    size_t length = contraction(at, end, true), next;
    if (length) return at + length;
    unsigned set = look(at, end, &length);
    if (set & LETTER) return skip(at + length, end, LETTER);
    if (may_lead(at, set) && look(at + length, end, &next) & LETTER) return skip(at + length + next, end, LETTER);
    return no_word(at, end, set, '\n');
}

/* U*W+ at `at`, or U+W* when `upper` is true and the first does not match; NULL when none does. U* takes its whole run.
 * When W can go on there, it does. When it cannot, U* gives back down to the last character that W takes too: W+ is then
 * that character alone, for what follows it in the run is no W. When there is none, the run is U+, and W* is empty. */
static const char *mixed_word(const char *at, const char *end, bool upper) {
    const char *next = at, *shared = NULL;
    size_t      length;
    for (unsigned set; (set = look(next, end, &length)) & UPPER;) {
        next += length;
        if (set & EITHER) shared = next;
    }
    const char *lower = skip(next, end, LOWER);
    if (lower > next) return lower;
    if (shared) return shared;
    return upper && next > at ? next : NULL;
}

/* At first what most pieces are: a space or none, a capital letter or none, small letters, all of ASCII.
 * A leading character is tried first, then none. A mark can be either; being a W, it makes U*W+ match without a leading
 * character, and that comes before U+W* with one. */
static const char *o200k(const char *at, const char *end) {
    const char *lower = at + (*at == ' ');
    if (lower < end && *lower >= 'A' && *lower <= 'Z') lower++;
    const char *plain = skip_ascii(lower, end, 'a', 0);
    if (plain > lower && (plain == end || ((unsigned char)*plain < 0x80 && *plain != '\''))) return plain;
    size_t      length;
    unsigned    set = look(at, end, &length);
    const char *word = NULL;
    if (may_lead(at, set)) word = mixed_word(at + length, end, !(set & MARK));
    if (!word) word = mixed_word(at, end, true);
    return word ? word + contraction(word, end, true) : no_word(at, end, set, '/');
}

size_t pretokenize_piece(pretokenizer kind, const char *text, size_t bytes) {
    const char *end = text + bytes;
    switch (kind) {
    case PRETOKENIZER_GPT2:
        return (size_t)(gpt2(text, end) - text);
    case PRETOKENIZER_CL100K:
        return (size_t)(cl100k(text, end) - text);
    case PRETOKENIZER_O200K:
        return (size_t)(o200k(text, end) - text);
    case PRETOKENIZER_NONE:
    case PRETOKENIZER_CUSTOM:
        break;
    }
    return bytes;
}
