/* tokenizer.c - the public functions: choosing a kind, learning, encoding, decoding. */
#include "text/tokenizer_bpe.h"

#include "base/file.h"
#include "base/utf8.h"
#include "text/bpe_train.h"
#include "text/corpus.h"

#include <stdio.h>
#include <string.h>

canto_status id_list_grow(id_list *list, size_t more) {
    size_t need, bytes;
    if (!size_add(list->count, more, &need) || need > SIZE_MAX / 16) return context_no_memory(SIZE_MAX, "token ids");
    size_t room = list->room ? list->room * 2 : 256;
    if (room < need) room = need;
    bytes = room * (list->narrow ? 2 : sizeof *list->data);
    void *data = context_resize(list->context, list->data, bytes);
    if (!data) return context_no_memory(bytes, "token ids");
    list->data = data;
    list->room = room;
    return status_ok();
}

canto_status id_list_add(id_list *list, uint32_t id) {
    if (!id_list_fits(list, 1)) {
        canto_status status = id_list_grow(list, 1);
        if (status.code != CANTO_OK) return status;
    }
    id_list_put(list, id);
    return status_ok();
}

canto_status byte_list_room(byte_list *list, size_t count) {
    size_t need;
    if (!size_add(list->count, count, &need) || need > SIZE_MAX / 4) return context_no_memory(SIZE_MAX, "text");
    if (need <= list->room) return status_ok();
    size_t room = need * 2 < 256 ? 256 : need * 2;
    char  *data = context_resize(list->context, list->data, room);
    if (!data) return context_no_memory(room, "text");
    list->data = data;
    list->room = room;
    return status_ok();
}

canto_status byte_list_add(byte_list *list, const char *bytes, size_t count) {
    canto_status status = byte_list_room(list, count);
    if (status.code != CANTO_OK) return status;
    if (count) memcpy(list->data + list->count, bytes, count);
    list->count += count;
    return status;
}

canto_tokenizer_options canto_tokenizer_options_default(void) {
    canto_tokenizer_options options = {.kind = "char"};
    return options;
}

const tokenizer_kind *tokenizer_kind_at(size_t index) {
    static const tokenizer_kind *const kinds[] = {&tokenizer_char, &tokenizer_byte, &tokenizer_word, &tokenizer_bpe};
    return index < sizeof kinds / sizeof kinds[0] ? kinds[index] : NULL;
}

canto_status tokenizer_new(canto_context *context, const tokenizer_kind *kind, canto_tokenizer **tokenizer) {
    canto_tokenizer *t = context_allocate_zeroed(context, 1, sizeof *t);
    *tokenizer = t;
    if (!t) return context_no_memory(sizeof *t, "a tokenizer");
    t->context = context;
    t->kind = kind;
    t->tokens.context = context;
    t->unknown = VOCABULARY_NONE;
    return status_ok();
}

void canto_tokenizer_close(canto_tokenizer *t) {
    if (!t) return;
    vocabulary_close(&t->tokens);
    tokenizer_bpe_close(t->bpe);
    context_release(t->context, t->numbers);
    context_release(t->context, t);
}

/* hash_bytes of a token's length, in four bytes, and its role, in one. A zero byte multiplies and does no more. */
static uint64_t hash_mark(size_t bytes, unsigned role, uint64_t hash) {
    if (bytes < 256 && role == 0)
        return (hash ^ bytes) * UINT64_C(0x0CAEE32A7D4F6A63); /* the multiplier to the power of 5 */
    unsigned char mark[5] = {(unsigned char)bytes, (unsigned char)(bytes >> 8), (unsigned char)(bytes >> 16),
                             (unsigned char)(bytes >> 24), (unsigned char)role};
    return hash_bytes(mark, sizeof mark, hash);
}

void tokenizer_finish(canto_tokenizer *t) {
    const char *numbers = t->numbers ? t->numbers : "";
    uint64_t    hash = hash_bytes(t->kind->name, strlen(t->kind->name) + 1, 0);
    hash = hash_bytes(numbers, strlen(numbers) + 1, hash);
    const char *cutter = t->bpe ? pattern_name(&t->bpe->cutter) : "";
    hash = hash_bytes(cutter, strlen(cutter), hash);
    for (uint32_t id = 0; id < t->tokens.count; id++) {
        size_t      bytes;
        const char *token = vocabulary_token(&t->tokens, id, &bytes);
        unsigned    role = id == t->unknown;
        if (t->bpe) role |= t->bpe->flags[id] & (BPE_ADDED | BPE_SPECIAL);
        hash = hash_bytes(token, bytes, hash_mark(bytes, role, hash));
    }
    t->hash = hash;
}

/* ----------------------------------------------------------------------------------------------- learning */

static canto_status find_kind(const char *name, const tokenizer_kind **kind) {
    for (size_t i = 0; (*kind = tokenizer_kind_at(i)) != NULL; i++)
        if (strcmp((*kind)->name, name) == 0) return status_ok();
    return status_error(CANTO_ERROR_VALUE, "there is no tokenizer of kind '%.40s'; choose char, byte, word or bpe",
                        name);
}

/* A token that a user names: not empty, UTF-8, and without white space where white space separates tokens. */
static canto_status check_name(const tokenizer_kind *kind, const char *role, const char *name, size_t bytes) {
    if (bytes == 0) return status_error(CANTO_ERROR_VALUE, "a token of %s is empty; name it like '<UNK>'", role);
    for (size_t at = 0, length; at < bytes; at += length) {
        uint32_t point;
        length = utf8_read(name + at, bytes - at, &point);
        if (length == 0) return status_error(CANTO_ERROR_VALUE, "a token of %s is not valid UTF-8", role);
        if (kind->joint[0] && utf8_is_space(point))
            return status_error(CANTO_ERROR_VALUE, "the token '%.60s' of %s holds white space, which separates words",
                                name, role);
    }
    return status_ok();
}

static canto_status add_specials(canto_tokenizer *t, const char *specials) {
    for (const char *at = specials;; at++) {
        size_t       bytes = strcspn(at, ",");
        canto_status status = check_name(t->kind, "specials", at, bytes);
        if (status.code != CANTO_OK) return status;
        if (vocabulary_find(&t->tokens, at, bytes) != VOCABULARY_NONE)
            return status_error(CANTO_ERROR_VALUE, "specials name '%.*s' twice", (int)(bytes < 60 ? bytes : 60), at);
        status = vocabulary_add(&t->tokens, at, bytes, NULL);
        if (status.code != CANTO_OK) return status;
        at += bytes;
        if (*at == 0) return status_ok();
    }
}

/* What only kind bpe has, and what it has not. */
static canto_status check_pairs(const tokenizer_kind *kind, const canto_tokenizer_options *options) {
    bool pairs = kind == &tokenizer_bpe;
    if (!pairs && (options->pattern || options->size || options->min_frequency || options->memory))
        return status_error(
            CANTO_ERROR_VALUE,
            "a tokenizer of kind %s has no pattern, size, min_frequency or memory; leave them out, or choose bpe",
            kind->name);
    if (!pairs && options->read)
        return status_error(CANTO_ERROR_VALUE,
                            "a tokenizer of kind %s learns from files alone; save the text to one, or choose bpe",
                            kind->name);
    if (pairs && options->unknown)
        return status_error(
            CANTO_ERROR_VALUE,
            "a tokenizer of kind bpe knows all bytes and has no unknown token; leave it out, or choose char or word");
    return status_ok();
}

static canto_status apply_options(canto_tokenizer *t, const canto_tokenizer_options *options) {
    canto_status status = status_ok();
    TRY(check_pairs(t->kind, options));
    if (options->numbers && !t->kind->takes_numbers)
        FAIL(CANTO_ERROR_VALUE, "a tokenizer of kind %s has no token for numbers; leave numbers out, or choose word",
             t->kind->name);
    if ((options->unknown || options->specials) && !t->kind->takes_specials)
        FAIL(CANTO_ERROR_VALUE, "a tokenizer of kind %s has no unknown or special tokens; leave them out",
             t->kind->name);
    if (options->specials) TRY(add_specials(t, options->specials));
    if (options->unknown) {
        TRY(check_name(t->kind, "unknown", options->unknown, strlen(options->unknown)));
        TRY(vocabulary_add(&t->tokens, options->unknown, strlen(options->unknown), &t->unknown));
    }
    if (options->numbers) {
        TRY(check_name(t->kind, "numbers", options->numbers, strlen(options->numbers)));
        t->numbers = context_copy_text(t->context, options->numbers);
        if (!t->numbers) status = context_no_memory(strlen(options->numbers) + 1, "a token's name");
    }
done:
    return status;
}

/* Bytes that are no UTF-8 become U+FFFD where the context says so: *text[*bytes] is then a copy that repaired holds. */
static canto_status repair(const canto_tokenizer *t, const char **text, size_t *bytes, byte_list *repaired) {
    canto_status status = status_ok();
    size_t       good = 0;
    *repaired = (byte_list){t->context, NULL, 0, 0};
    if (t->kind->takes_bytes || t->context->invalid != CANTO_INVALID_REPLACE) return status;
    for (size_t at = 0;; at = good + utf8_broken(*text + good, *bytes - good)) {
        good = at + utf8_valid_prefix(*text + at, *bytes - at);
        if (at == 0 && good == *bytes) return status;
        TRY(byte_list_add(repaired, *text + at, good - at));
        if (good == *bytes) break;
        TRY(byte_list_add(repaired, "\xEF\xBF\xBD", 3));
    }
    *text = repaired->data;
    *bytes = repaired->count;
done:
    return status;
}

static canto_status learn_text(void *user, const char *text, size_t bytes, const char *from) {
    canto_tokenizer *t = user;
    byte_list        repaired;
    canto_status     status = repair(t, &text, &bytes, &repaired);
    if (status.code == CANTO_OK) status = t->kind->learn(t, text, bytes, from);
    context_release(t->context, repaired.data);
    return status;
}

canto_status canto_tokenizer_train(canto_context *context, const canto_tokenizer_options *options,
                                   const char *const *paths, size_t count, canto_tokenizer **tokenizer) {
    canto_tokenizer_options chosen = options ? *options : canto_tokenizer_options_default();
    const tokenizer_kind   *kind;
    canto_tokenizer        *t = NULL;
    canto_status            status;
    *tokenizer = NULL;
    TRY(find_kind(chosen.kind ? chosen.kind : "char", &kind));
    TRY(tokenizer_new(context, kind, &t));
    TRY(apply_options(t, &chosen));
    if (kind == &tokenizer_bpe) {
        TRY(bpe_train(context, &chosen, &t->tokens, paths, count, tokenizer));
        goto done;
    }
    if (kind->begin) TRY(kind->begin(t));
    uint32_t named = t->tokens.count;
    for (size_t i = 0; kind->learn && i < count; i++)
        TRY(corpus_file(context, t, paths[i], chosen.field, "reading", learn_text, t));
    if (kind->learn && (count > 1 || (count && corpus_has_lines(context, paths[0], chosen.field))))
        TRY(kind->learn(t, kind->text_separator, strlen(kind->text_separator), NULL));
    if (kind->learn && t->tokens.count == named)
        FAIL(CANTO_ERROR_VALUE,
             "the text '%.200s' holds nothing to make a vocabulary of; name a text that is not empty",
             count ? paths[0] : "");
    if (kind->learn) TRY(vocabulary_sort(&t->tokens, named));
    tokenizer_finish(t);
    *tokenizer = t;
    t = NULL;
done:
    canto_tokenizer_close(t);
    return status;
}

size_t tokenizer_cut_character(const canto_tokenizer *t, const char *text, size_t bytes) {
    (void)t;
    for (size_t back = 1; back <= 4 && back <= bytes; back++)
        if (((unsigned char)text[bytes - back] & 0xC0) != 0x80) return bytes - back;
    return bytes > 3 ? bytes : 0; /* no character has so many bytes that begin none: each of them is broken by itself */
}

size_t tokenizer_cut_space(const canto_tokenizer *t, const char *text, size_t bytes) {
    (void)t;
    while (bytes > 0 && !strchr(" \t\n", text[bytes - 1])) bytes--;
    return bytes ? bytes - 1 : 0;
}

/* ------------------------------------------------------------------------------------- encoding, decoding */

int32_t canto_tokenizer_vocabulary(const canto_tokenizer *t) { return (int32_t)t->tokens.count; }

const char *canto_tokenizer_kind(const canto_tokenizer *t) { return t->kind->name; }

uint64_t canto_tokenizer_hash(const canto_tokenizer *t) { return t->hash; }

const char *canto_tokenizer_token(const canto_tokenizer *t, uint32_t id, size_t *bytes) {
    return id < t->tokens.count ? vocabulary_token(&t->tokens, id, bytes) : NULL;
}

progress tokenizer_progress(const canto_tokenizer *t, const char *deed, size_t bytes, const char *from) {
    const char *quote = from ? "'" : "";
    return progress_begin(t->context, bytes, PROGRESS_BYTES, "%s %s%.150s%s", deed, quote, from ? from : "a text",
                          quote);
}

canto_status tokenizer_not_utf8(size_t at, const char *from) {
    return status_error(
        CANTO_ERROR_TEXT,
        "%s%.300s%s is not valid UTF-8 at byte %zu; convert it to UTF-8, set invalid to replace, or use a "
        "byte tokenizer",
        from ? "'" : "the text", from ? from : "", from ? "'" : "", at);
}

canto_status tokenizer_unseen(const canto_tokenizer *t, const char *text, size_t bytes, size_t at, const char *from) {
    uint32_t    point = 0;
    size_t      shown = utf8_valid_prefix(text, bytes < 80 ? bytes : 80);
    char        symbol[120];
    const char *noun = "word";
    if (!t->kind->joint[0] && utf8_read(text, bytes, &point) > 0) {
        bool visible = point > 32 && !(point >= 0x7F && point < 0xA1) && !utf8_is_space(point);
        noun = "symbol";
        if (visible) snprintf(symbol, sizeof symbol, "U+%04X '%.*s'", (unsigned)point, (int)shown, text);
        else snprintf(symbol, sizeof symbol, "U+%04X", (unsigned)point);
    } else {
        snprintf(symbol, sizeof symbol, "'%.*s%s'", (int)shown, text, shown < bytes ? "..." : "");
    }
    return status_error(
        CANTO_ERROR_TEXT,
        "the %s %s at byte %zu%s%.150s%s is not in the vocabulary of %lu tokens; change it, or train the "
        "tokenizer on this text too, or with an unknown token such as '<UNK>'",
        noun, symbol, at, from ? " of '" : "", from ? from : "", from ? "'" : "", (unsigned long)t->tokens.count);
}

canto_status tokenizer_encode_from(const canto_tokenizer *t, const char *text, size_t bytes, const char *from,
                                   id_list *ids) {
    byte_list    repaired;
    canto_status status = repair(t, &text, &bytes, &repaired);
    if (status.code == CANTO_OK) status = t->kind->encode(t, text, bytes, from, ids);
    context_release(t->context, repaired.data);
    return status;
}

/* The list's ids for the caller, when status is good. No id at all is still something to release. */
static canto_status hand_out(id_list *list, canto_status status, uint32_t **ids, size_t *count) {
    *ids = NULL;
    *count = 0;
    if (status.code == CANTO_OK && !list->data) status = id_list_grow(list, 1);
    if (status.code == CANTO_OK) {
        *ids = list->data;
        *count = list->count;
    } else context_release(list->context, list->data);
    return status;
}

canto_status canto_tokenizer_encode(const canto_tokenizer *t, const char *text, size_t bytes, uint32_t **ids,
                                    size_t *count) {
    id_list list = {.context = t->context};
    return hand_out(&list, tokenizer_encode_from(t, text, bytes, NULL, &list), ids, count);
}

canto_status canto_tokenizer_encode_special(const canto_tokenizer *t, const char *text, size_t bytes,
                                            canto_special special, uint32_t **ids, size_t *count) {
    id_list list = {.context = t->context};
    if (special < CANTO_SPECIAL_TEXT || special > CANTO_SPECIAL_REFUSE)
        return hand_out(&list,
                        status_error(CANTO_ERROR_VALUE, "special is %d, which is no canto_special", (int)special), ids,
                        count);
    if (!t->kind->encode_special) return canto_tokenizer_encode(t, text, bytes, ids, count);
    return hand_out(&list, t->kind->encode_special(t, text, bytes, special, NULL, &list), ids, count);
}

/* Bytes of the text of ids[count]. */
static canto_status decoded_bytes(const canto_tokenizer *t, const uint32_t *ids, size_t count, size_t *bytes) {
    const uint32_t *starts = t->tokens.starts;
    uint32_t        size = t->tokens.count;
    size_t          joint = strlen(t->kind->joint), total = count ? (count - 1) * joint : 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= size)
            return status_error(CANTO_ERROR_VALUE, "token id %lu (number %zu) is outside the vocabulary of %lu tokens",
                                (unsigned long)ids[i], i, (unsigned long)size);
        total += starts[ids[i] + 1] - starts[ids[i]] - (size_t)1;
        if (total > SIZE_MAX / 4) return context_no_memory(SIZE_MAX, "text");
    }
    *bytes = total;
    return status_ok();
}

/* The text of ids[count] at out, and zeros or more behind it; its end. Most tokens are short, and copies of fixed length are
 * fast. */
static char *write_tokens(const vocabulary *v, const uint32_t *ids, size_t count, const char *joint, char *out) {
    const size_t half = VOCABULARY_SLACK / 2, joint_bytes = strlen(joint);
    for (size_t i = 0; i < count; i++) {
        size_t      length;
        const char *token = vocabulary_token(v, ids[i], &length);
        if (i > 0 && joint_bytes) out = (char *)memcpy(out, joint, joint_bytes) + joint_bytes;
        memcpy(out, token, half);
        if (length > half) {
            memcpy(out + half, token + half, half);
            if (length > VOCABULARY_SLACK) memcpy(out, token, length);
        }
        out += length;
    }
    return out;
}

canto_status canto_tokenizer_decode(const canto_tokenizer *t, const uint32_t *ids, size_t count, char **text,
                                    size_t *bytes) {
    size_t total = 0;
    *text = NULL;
    if (bytes) *bytes = 0;
    canto_status status = decoded_bytes(t, ids, count, &total);
    if (status.code != CANTO_OK) return status;
    char *out = context_allocate(t->context, total + VOCABULARY_SLACK);
    if (!out) return context_no_memory(total + VOCABULARY_SLACK, "text");
    *write_tokens(&t->tokens, ids, count, t->kind->joint, out) = 0;
    *text = out;
    if (bytes) *bytes = total;
    return status;
}
