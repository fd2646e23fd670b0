/* json_reader.c - text to JSON values (RFC 8259), strictly: UTF-8, no key twice, nothing after the value.
 *
 * The values are jansson's, its parser is not used: without memory it loses characters of a long token, or reads beyond
 * its end. Invariants: nothing is read past `end`; nesting is bounded; every value made is released on failure. */
#include "base/json.h"
#include "base/utf8.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 128, NUMBER_MAX = 512 };

typedef struct reader {
    canto_context *context;
    const char    *at, *end, *file;
    uint64_t       line;
    int            depth;
    bool           zeros;   /* zero bytes are allowed in texts that are no keys */
    bool           replace; /* halves of surrogate pairs become U+FFFD */
    char          *text;    /* the string read last, with a zero byte after it */
    size_t         room, bytes;
    json_part     *parts; /* [part_count] what is not looked into */
    size_t         part_count;
} reader;

static canto_status read_value(reader *r, json_t **value);

static canto_status bad(const reader *r, const char *what) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s' line %llu is not valid JSON: %s", r->file,
                        (unsigned long long)r->line, what);
}

static canto_status no_memory(const reader *r) {
    return status_error(CANTO_ERROR_MEMORY, "no memory to read '%.300s'", r->file);
}

static void skip_space(reader *r) {
    for (; r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'); r->at++)
        r->line += *r->at == '\n';
}

/* Takes a character when it comes next, after white space. */
static bool take(reader *r, char wanted) {
    skip_space(r);
    if (r->at == r->end || *r->at != wanted) return false;
    r->at++;
    return true;
}

/* ------------------------------------------------------------------------------------------------- strings */

/* Four hexadecimal digits at r->at, or -1. */
static int32_t read_hex(reader *r) {
    int32_t number = 0;
    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char c = r->at[i];
        if (c >= '0' && c <= '9') number = number * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f') number = number * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') number = number * 16 + (c - 'A' + 10);
        else return -1;
    }
    r->at += 4;
    return number;
}

/* What follows "\u": one code point, perhaps of two such escapes. */
static canto_status read_unicode(reader *r) {
    int32_t point = read_hex(r);
    if (point < 0) return bad(r, "\\u is not followed by four hexadecimal digits");
    if (point == 0 && !r->zeros) return bad(r, "\\u0000 is not allowed in a text");
    if (point >= 0xD800 && point < 0xE000) {
        const char *behind = r->at;
        bool        pair = point < 0xDC00 && r->end - r->at >= 2 && r->at[0] == '\\' && r->at[1] == 'u';
        int32_t     low = -1;
        if (pair) {
            r->at += 2;
            low = read_hex(r);
        }
        bool half = low < 0xDC00 || low >= 0xE000;
        if (half && !r->replace) return bad(r, "half of a surrogate pair");
        if (half) r->at = behind; /* what follows it stands for itself */
        point = half ? 0xFFFD : 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    r->bytes += utf8_write((uint32_t)point, r->text + r->bytes);
    return status_ok();
}

static canto_status read_escape(reader *r) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end) return bad(r, "it ends inside a text");
    char letter = *r->at++;
    if (letter == 'u') return read_unicode(r);
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (!found) return bad(r, "unknown escape in a text");
    r->text[r->bytes++] = meanings[found - letters];
    return status_ok();
}

/* Room for the string that begins at r->at: it is never longer than what stands in the file. */
static canto_status make_room(reader *r) {
    const char *at = r->at;
    while (at < r->end && *at != '"') at += *at == '\\' && r->end - at > 1 ? 2 : 1;
    size_t need = (size_t)(at - r->at) + 8;
    if (need <= r->room) return status_ok();
    char *text = context_resize(r->context, r->text, 2 * need);
    if (!text) return no_memory(r);
    r->text = text;
    r->room = 2 * need;
    return status_ok();
}

/* A character that stands for itself, and needs no further look. */
static inline bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

/* A string, its first quote taken already, into r->text. */
static canto_status read_text(reader *r) {
    canto_status status;
    TRY(make_room(r));
    r->bytes = 0;
    for (;;) {
        uint32_t point;
        while (r->at < r->end && is_plain(*r->at)) r->text[r->bytes++] = *r->at++;
        if (r->at == r->end) return bad(r, "it ends inside a text");
        if (*r->at == '"') break;
        if ((unsigned char)*r->at < 0x20) return bad(r, "a control character or line end inside a text");
        if (*r->at == '\\') {
            r->at++;
            TRY(read_escape(r));
            continue;
        }
        size_t length = utf8_read(r->at, (size_t)(r->end - r->at), &point);
        if (length == 0) return bad(r, "a text is not UTF-8");
        memcpy(r->text + r->bytes, r->at, length);
        r->bytes += length;
        r->at += length;
    }
    r->at++;
    r->text[r->bytes] = 0;
done:
    return status;
}

/* ------------------------------------------------------------------------------------------------- numbers */

static size_t skip_digits(const char *text, size_t at) { return at + strspn(text + at, "0123456789"); }

/* How many characters of text are a JSON number, and whether it is a whole one; 0: none. */
static size_t number_length(const char *text, bool *whole) {
    size_t start = text[0] == '-', at = skip_digits(text, start), from;
    *whole = true;
    if (at == start || (text[start] == '0' && at > start + 1)) return 0;
    if (text[at] == '.') {
        from = at + 1;
        at = skip_digits(text, from);
        *whole = false;
        if (at == from) return 0;
    }
    if (text[at] == 'e' || text[at] == 'E') {
        from = at + 1 + (text[at + 1] == '+' || text[at + 1] == '-');
        at = skip_digits(text, from);
        *whole = false;
        if (at == from) return 0;
    }
    return at;
}

/* strtod reads the point of the host's locale. */
static double real_of(const char *text) {
    char        local[NUMBER_MAX + 16];
    const char *dot = strchr(text, '.'), *point = localeconv()->decimal_point;
    if (!dot || strlen(point) > 8) return strtod(text, NULL);
    snprintf(local, sizeof local, "%.*s%s%s", (int)(dot - text), text, point, dot + 1);
    return strtod(local, NULL);
}

static canto_status read_number(reader *r, json_t **value) {
    char   text[NUMBER_MAX + 1];
    size_t bytes = 0, length;
    bool   whole;
    while (bytes < (size_t)(r->end - r->at) && r->at[bytes] && strchr("+-.0123456789eE", r->at[bytes])) {
        if (bytes == NUMBER_MAX) return bad(r, "a number has too many digits");
        text[bytes] = r->at[bytes];
        bytes++;
    }
    text[bytes] = 0;
    length = number_length(text, &whole);
    if (length == 0 || length != bytes) return bad(r, "there is no value where one must stand");
    r->at += length;
    errno = 0;
    long long integer = whole ? strtoll(text, NULL, 10) : 0;
    if (whole && errno != ERANGE) {
        *value = json_integer(integer);
    } else { /* a whole number that 64 bits do not hold is a real one: where an integer is wanted it is refused */
        double number = real_of(text);
        if (!isfinite(number)) return bad(r, "a number is too large");
        *value = json_real(number);
    }
    return *value ? status_ok() : no_memory(r);
}

/* ------------------------------------------------------------------------------------------ lists, objects */

static canto_status read_array(reader *r, json_t *array) {
    canto_status status = status_ok();
    if (take(r, ']')) goto done;
    do {
        json_t *element;
        TRY(read_value(r, &element));
        if (json_array_append_new(array, element) != 0) TRY(no_memory(r));
    } while (take(r, ','));
    if (!take(r, ']')) TRY(bad(r, "a list lacks , or ]"));
done:
    return status;
}

/* Past a list or an object whose bracket comes next, by its brackets alone: it is read in earnest later. */
static canto_status skip_container(reader *r) {
    size_t depth = 0;
    do {
        if (r->at == r->end) return bad(r, "it ends inside a list or an object");
        char c = *r->at++;
        if (c == '{' || c == '[') depth++;
        if (c == '}' || c == ']') depth--;
        r->line += c == '\n';
        if (c != '"') continue;
        while (r->at < r->end && *r->at != '"') r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
        if (r->at == r->end) return bad(r, "it ends inside a text");
        r->at++;
    } while (depth > 0);
    return status_ok();
}

/* Takes a member's value for a part, when it is one. */
static canto_status take_part(reader *r, const char *key, json_t **value) {
    *value = NULL;
    skip_space(r);
    if (r->at == r->end || (*r->at != '{' && *r->at != '[')) return status_ok();
    for (size_t i = 0; i < r->part_count; i++) {
        json_part *part = &r->parts[i];
        if (part->text || strcmp(part->key, key) != 0) continue;
        part->line = r->line;
        part->text = r->at;
        canto_status status = skip_container(r);
        part->bytes = (size_t)(r->at - part->text);
        if (status.code == CANTO_OK) *value = json_null();
        return status;
    }
    return status_ok();
}

static canto_status read_member(reader *r, json_t *object) {
    canto_status status;
    json_t      *value;
    char        *key = NULL;
    bool         zeros = r->zeros;
    if (!take(r, '"')) return bad(r, "an object lacks a key");
    r->zeros = false;
    TRY(read_text(r));
    r->zeros = zeros;
    if (json_object_get(object, r->text)) TRY(bad(r, "duplicate object key"));
    key = context_copy_text(r->context, r->text);
    if (!key) TRY(no_memory(r));
    if (!take(r, ':')) TRY(bad(r, "a key lacks :"));
    TRY(take_part(r, key, &value));
    if (!value) TRY(read_value(r, &value));
    if (json_object_set_new(object, key, value) != 0) TRY(no_memory(r));
done:
    context_release(r->context, key);
    return status;
}

static canto_status read_object(reader *r, json_t *object) {
    canto_status status = status_ok();
    if (take(r, '}')) goto done;
    do TRY(read_member(r, object));
    while (take(r, ','));
    if (!take(r, '}')) TRY(bad(r, "an object lacks , or }"));
done:
    return status;
}

static canto_status read_container(reader *r, bool object, json_t **value) {
    canto_status status;
    if (r->depth == DEPTH_MAX) return bad(r, "it is nested too deeply");
    json_t *made = object ? json_object() : json_array();
    if (!made) return no_memory(r);
    r->depth++;
    status = object ? read_object(r, made) : read_array(r, made);
    r->depth--;
    if (status.code == CANTO_OK) *value = made;
    else json_decref(made);
    return status;
}

static bool take_word(reader *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return false;
    r->at += length;
    return true;
}

static canto_status read_value(reader *r, json_t **value) {
    *value = NULL;
    if (take(r, '{')) return read_container(r, true, value);
    if (take(r, '[')) return read_container(r, false, value);
    if (take(r, '"')) {
        canto_status status = read_text(r);
        if (status.code != CANTO_OK) return status;
        *value = json_stringn(r->text, r->bytes);
        return *value ? status : no_memory(r);
    }
    if (take_word(r, "true")) *value = json_true();
    else if (take_word(r, "false")) *value = json_false();
    else if (take_word(r, "null")) *value = json_null();
    return *value ? status_ok() : read_number(r, value);
}

/* Reads all that there is as one value. */
static canto_status read_root(reader *r, json_t **root) {
    canto_status status;
    json_t      *value = NULL;
    *root = NULL;
    skip_space(r);
    if (r->at == r->end || (*r->at != '{' && *r->at != '[')) TRY(bad(r, "it must begin with { or ["));
    TRY(read_value(r, &value));
    skip_space(r);
    if (r->at != r->end) TRY(bad(r, "something follows after its end"));
    *root = value;
    value = NULL;
done:
    json_decref(value);
    context_release(r->context, r->text);
    return status;
}

canto_status json_parse(canto_context *context, const char *text, size_t bytes, const char *file, json_t **root) {
    reader r = {.context = context, .at = text, .end = text + bytes, .file = file, .line = 1};
    return read_root(&r, root);
}

canto_status json_parse_line(canto_context *context, const char *text, size_t bytes, const char *file, uint64_t line,
                             bool replace, json_t **root) {
    reader r = {.context = context, .at = text, .end = text + bytes, .file = file, .line = line, .zeros = true};
    r.replace = replace;
    return read_root(&r, root);
}

canto_status json_parse_apart(canto_context *context, const char *text, size_t bytes, const char *file,
                              json_part *parts, size_t count, json_t **root) {
    reader r = {.context = context, .at = text, .end = text + bytes, .file = file, .line = 1};
    r.parts = parts;
    r.part_count = count;
    return read_root(&r, root);
}

/* --------------------------------------------------------------------------------------------- large values */

/* A whole number of at most 18 digits. */
static bool read_whole(reader *r, int64_t *number) {
    skip_space(r);
    bool        minus = r->at < r->end && *r->at == '-';
    const char *start = r->at += minus;
    *number = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - start < 18)
        *number = *number * 10 + (*r->at++ - '0');
    if (minus) *number = -*number;
    return r->at > start && (*start != '0' || r->at - start == 1);
}

canto_status json_each_number(canto_context *context, const json_part *part, const char *file, json_number_fn each,
                              void *user) {
    reader r = {
        .context = context, .at = part->text, .end = part->text + part->bytes, .file = file, .line = part->line};
    canto_status status = status_ok();
    if (!take(&r, '{')) TRY(bad(&r, "there is no object where one must stand"));
    if (take(&r, '}')) goto done;
    do {
        int64_t number;
        if (!take(&r, '"')) TRY(bad(&r, "an object lacks a key"));
        TRY(read_text(&r));
        if (!take(&r, ':')) TRY(bad(&r, "a key lacks :"));
        if (!read_whole(&r, &number)) TRY(bad(&r, "a whole number must stand behind a key"));
        TRY(each(user, r.text, r.bytes, number));
    } while (take(&r, ','));
    if (!take(&r, '}')) TRY(bad(&r, "an object lacks , or }, or has a value that is no whole number"));
    skip_space(&r);
    if (r.at != r.end) TRY(bad(&r, "something follows after its end"));
done:
    context_release(context, r.text);
    return status;
}

/* Two texts in a list, its bracket taken already, with a space between them; *pair is the caller's to release. */
static canto_status read_pair(reader *r, char **pair, size_t *bytes) {
    canto_status status = status_ok();
    size_t       first;
    if (!take(r, '"')) TRY(bad(r, "a list of two texts lacks the first"));
    TRY(read_text(r));
    first = r->bytes;
    char *text = *pair = context_resize(r->context, *pair, first + 2);
    if (!text) TRY(no_memory(r));
    memcpy(text, r->text, first);
    text[first] = ' ';
    if (!take(r, ',') || !take(r, '"')) TRY(bad(r, "a list of two texts lacks the second"));
    TRY(read_text(r));
    *bytes = first + 1 + r->bytes;
    if (!(text = context_resize(r->context, *pair, *bytes + 1))) TRY(no_memory(r));
    *pair = text;
    memcpy(text + first + 1, r->text, r->bytes);
    if (!take(r, ']')) TRY(bad(r, "a list of two texts has something else"));
done:
    return status;
}

canto_status json_each_text(canto_context *context, const json_part *part, const char *file, json_text_fn each,
                            void *user) {
    reader r = {
        .context = context, .at = part->text, .end = part->text + part->bytes, .file = file, .line = part->line};
    canto_status status = status_ok();
    char        *pair = NULL;
    size_t       bytes;
    if (!take(&r, '[')) TRY(bad(&r, "there is no list where one must stand"));
    if (take(&r, ']')) goto done;
    do {
        if (take(&r, '[')) {
            TRY(read_pair(&r, &pair, &bytes));
            TRY(each(user, pair, bytes));
        } else {
            if (!take(&r, '"')) TRY(bad(&r, "there is no text where one must stand"));
            TRY(read_text(&r));
            TRY(each(user, r.text, r.bytes));
        }
    } while (take(&r, ','));
    if (!take(&r, ']')) TRY(bad(&r, "a list lacks , or ]"));
    skip_space(&r);
    if (r.at != r.end) TRY(bad(&r, "something follows after its end"));
done:
    context_release(context, pair);
    context_release(context, r.text);
    return status;
}
