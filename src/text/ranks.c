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

typedef struct reader {
    const unsigned char *at, *end;
    const char          *file;
    size_t               line;
    unsigned char        digits[256];
    byte_list            token;
} reader;

static canto_status bad(const reader *r, const char *what) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' line %zu: %s; a line is a token in base64, a space and its rank",
                        r->file, r->line, what);
}

/* The digits at r->at into r->token. */
static canto_status read_token(reader *r) {
    const unsigned char *start = r->at;
    while (r->at < r->end && r->digits[*r->at] < 64) r->at++;
    size_t       count = (size_t)(r->at - start), bytes = count * 3 / 4, used = 0;
    canto_status status;
    uint32_t     bits = 0;
    for (int i = 0; i < 2 && r->at < r->end && *r->at == '='; i++) r->at++;
    if (count == 0 || count % 4 == 1) return bad(r, "there is no token in base64");
    r->token.count = 0;
    TRY(byte_list_room(&r->token, bytes + 4));
    for (size_t i = 0; i < count; i++) {
        bits = bits << 6 | r->digits[start[i]];
        if (i % 4 == 0) continue;
        r->token.data[used++] = (char)(unsigned char)(bits >> (6 - i % 4 * 2));
    }
    r->token.count = used;
done:
    return status;
}

/* A space, digits and the line's end. */
static canto_status read_rank(reader *r, uint32_t *rank) {
    uint64_t number = 0;
    if (r->at == r->end || *r->at != ' ') return bad(r, "no space follows the token");
    const unsigned char *start = ++r->at;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        number = number * 10 + (uint64_t)(*r->at - '0');
        if (number > VOCABULARY_MOST) return bad(r, "the rank is too large");
    }
    if (r->at == start) return bad(r, "there is no rank");
    if (r->at < r->end && *r->at == '\r') r->at++;
    if (r->at < r->end && *r->at != '\n') return bad(r, "something follows the rank");
    if (r->at < r->end) r->at++;
    *rank = (uint32_t)number;
    return status_ok();
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

enum { GAPS_MOST = 65536 }; /* ids in a row without a token */

static canto_status read_lines(reader *r, vocabulary *tokens, const encoding_facts *facts) {
    canto_status status = status_ok();
    while (r->at < r->end) {
        uint32_t rank = 0, id = 0;
        r->line++;
        TRY(read_token(r));
        TRY(read_rank(r, &rank));
        if (rank < tokens->count)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s' line %zu: rank %lu comes twice or too late; ranks must ascend", r->file,
                 r->line, (unsigned long)rank);
        if (rank - tokens->count > GAPS_MOST) TRY(bad(r, "ranks before it are missing"));
        TRY(fill_up(tokens, rank, facts));
        TRY(vocabulary_add(tokens, r->token.data, r->token.count, &id));
        if (id != rank)
            FAIL(CANTO_ERROR_FORMAT, "'%.300s' line %zu: the token has rank %lu already", r->file, r->line,
                 (unsigned long)id);
    }
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
    reader       r = {.at = map->data, .end = map->data + map->bytes, .file = file, .token.context = context};
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
    context_release(context, r.token.data);
    return status;
}
