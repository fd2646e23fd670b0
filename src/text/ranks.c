/* ranks.c - reading files of ranks. Such a file has no pattern and no special tokens: they are known for OpenAI's own
 * files alone. What is read is not trusted. */
#include "text/ranks.h"

#include "text/encodings.h"

#include <string.h>

/* The value of a base64 digit, or 64. */
static unsigned digit_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26u;
    if (c >= '0' && c <= '9') return c - '0' + 52u;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

enum { AHEAD = 16 };

typedef struct reader {
    const unsigned char *at, *end;
    const char          *file;
    size_t               line;
    unsigned char        digits[256];
    uint32_t             entered;       /* tokens of lower ids are found by their bytes already */
    uint64_t             hashes[AHEAD]; /* of the others: [id % AHEAD] */
} reader;

static canto_status bad(const reader *r, const char *what) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' line %zu: %s; a line is a token in base64, a space and its rank",
                        r->file, r->line, what);
}

/* Behind the digits at r->at and what fills them up; how many they are. */
static size_t skip_token(reader *r) {
    const unsigned char *start = r->at;
    while (r->at < r->end && r->digits[*r->at] < 64) r->at++;
    size_t count = (size_t)(r->at - start);
    for (int i = 0; i < 2 && r->at < r->end && *r->at == '='; i++) r->at++;
    return count;
}

/* The bytes of digits[count] at out, where there is room for three quarters of count; how many they are. */
static size_t decode(const reader *r, const unsigned char *digits, size_t count, char *out) {
    char    *start = out;
    uint32_t bits;
    for (; count >= 4; digits += 4, count -= 4, out += 3) {
        bits = (uint32_t)r->digits[digits[0]] << 18 | (uint32_t)r->digits[digits[1]] << 12 |
               (uint32_t)r->digits[digits[2]] << 6 | r->digits[digits[3]];
        out[0] = (char)(unsigned char)(bits >> 16);
        out[1] = (char)(unsigned char)(bits >> 8);
        out[2] = (char)(unsigned char)bits;
    }
    if (count > 1) {
        bits = (uint32_t)r->digits[digits[0]] << 12 | (uint32_t)r->digits[digits[1]] << 6;
        if (count > 2) bits |= r->digits[digits[2]];
        *out++ = (char)(unsigned char)(bits >> 10);
        if (count > 2) *out++ = (char)(unsigned char)(bits >> 2);
    }
    return (size_t)(out - start);
}

/* A space, digits and the line's end; or what is wrong with them. */
static const char *read_rank(reader *r, uint32_t *rank) {
    uint64_t number = 0;
    if (r->at == r->end || *r->at != ' ') return "no space follows the token";
    const unsigned char *start = ++r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        number = number * 10 + (uint64_t)(*r->at - '0');
        if (number > VOCABULARY_MOST) return "the rank is too large";
    }
    if (r->at == start) return "there is no rank";
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at != '\n') return "something follows the rank";
    if (r->at < r->end) r->at++;
    *rank = (uint32_t)number;
    return NULL;
}

/* Ids up to this one, so that the next token gets it: those of special tokens, and gaps. */
static canto_status fill_up(vocabulary *tokens, uint32_t id, const encoding_facts *facts) {
    canto_status status = status_ok();
    while (tokens->count < id) {
        const char *special = facts ? encoding_special_at(facts, tokens->count) : NULL;
        if (special) TRY(vocabulary_add(tokens, special, strlen(special), NULL));
        else TRY(vocabulary_add_gap(tokens));
    }
done:
    return status;
}

/* Lets tokens up to an id be found. */
static canto_status enter(reader *r, vocabulary *tokens, uint32_t end) {
    for (; r->entered < end; r->entered++) {
        uint32_t id = vocabulary_enter(tokens, r->entered, r->hashes[r->entered % AHEAD]);
        if (id != r->entered)
            return status_error(CANTO_ERROR_FORMAT, "'%.300s' line %zu: the token has rank %lu already", r->file,
                                r->line - (tokens->count - 1 - r->entered), (unsigned long)id);
    }
    return status_ok();
}

enum { GAPS_MOST = 65536 }; /* ids in a row without a token */

/* What comes before a rank that is not the next one. */
static canto_status fill_gap(reader *r, vocabulary *tokens, uint32_t rank, const encoding_facts *facts) {
    canto_status status = status_ok();
    if (rank < tokens->count)
        FAIL(CANTO_ERROR_FORMAT, "'%.300s' line %zu: rank %lu comes twice or too late; ranks must ascend", r->file,
             r->line, (unsigned long)rank);
    if (rank - tokens->count > GAPS_MOST) TRY(bad(r, "ranks before it are missing"));
    r->line--; /* those to be entered are of the lines before */
    TRY(enter(r, tokens, tokens->count));
    r->line++;
    TRY(fill_up(tokens, rank, facts));
    r->entered = rank;
done:
    return status;
}

static canto_status read_lines(reader *r, vocabulary *tokens, const encoding_facts *facts) {
    canto_status status = status_ok();
    while (r->at < r->end) {
        const unsigned char *token = r->at;
        size_t               digits = skip_token(r);
        uint32_t             rank = 0;
        r->line++;
        if (digits == 0 || digits % 4 == 1) TRY(bad(r, "there is no token in base64"));
        const char *wrong = read_rank(r, &rank);
        if (wrong) TRY(bad(r, wrong));
        if (rank != tokens->count) TRY(fill_gap(r, tokens, rank, facts));
        if (!vocabulary_fits(tokens, digits)) TRY(vocabulary_reserve(tokens, 1, digits));
        r->hashes[rank % AHEAD] = vocabulary_put(tokens, decode(r, token, digits, vocabulary_next(tokens)));
        if (rank - r->entered == AHEAD - 1) TRY(enter(r, tokens, r->entered + AHEAD / 2));
    }
    TRY(enter(r, tokens, tokens->count));
    if (tokens->count == 0) FAIL(CANTO_ERROR_FORMAT, "'%.300s' holds no token", r->file);
done:
    return status;
}

bool ranks_fit(const file_map *map) {
    size_t at = 0;
    while (at < map->bytes && (digit_of(map->data[at]) < 64 || map->data[at] == '=')) at++;
    return at > 0 && at + 1 < map->bytes && map->data[at] == ' ' && map->data[at + 1] >= '0' &&
           map->data[at + 1] <= '9';
}

canto_status ranks_read(canto_context *context, const file_map *map, const char *file, canto_tokenizer **tokenizer) {
    reader       r = {.at = map->data, .end = map->data + map->bytes, .file = file};
    bpe_parts    parts = {.tokens.context = context};
    uint32_t     specials[ENCODING_SPECIALS];
    canto_status status;
    for (int c = 0; c < 256; c++) r.digits[c] = (unsigned char)digit_of((unsigned char)c);
    TRY(vocabulary_reserve(&parts.tokens, map->bytes / 16, map->bytes / 2));
    const encoding_facts *facts = encoding_of(map->data, map->bytes);
    TRY(read_lines(&r, &parts.tokens, facts));
    if (!facts)
        FAIL(
            CANTO_ERROR_UNSUPPORTED,
            "'%.300s' is none of the files of ranks known here, and does not say itself where its pattern cuts a text; "
            "take the tokenizer.json of the same vocabulary",
            file);
    TRY(pattern_open(context, facts->pattern, &parts.cutter));
    TRY(fill_up(&parts.tokens, (uint32_t)facts->face.vocabulary, facts));
    for (; facts->specials[parts.special_count].text; parts.special_count++)
        specials[parts.special_count] = facts->specials[parts.special_count].id;
    parts.specials = specials;
    status = tokenizer_bpe_new(context, &parts, tokenizer);
done:
    vocabulary_close(&parts.tokens);
    pattern_close(&parts.cutter);
    return status;
}
