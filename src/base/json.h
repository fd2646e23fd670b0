/* json.h - JSON read, built and written, as jansson's values; errors name the file and the key.
 *
 * `file` in every getter is what error texts call the document. Borrowed values (texts, objects) live as long as the
 * root. Getters come in two forms: without `_or` the key must be there; with it, a missing key gives the fallback
 * (a key of the wrong type is an error in both). */
#ifndef CANTO_JSON_H
#define CANTO_JSON_H

#include "base/file.h"

#include <jansson.h>

/* Parses bytes whole; a key given twice, or anything after the value, is an error that names the line. Release *root
 * with json_decref. */
canto_status json_parse(canto_context *context, const char *text, size_t bytes, const char *file, json_t **root);
/* The same of an object that stands in one line of a file, line number `line` of it. Zero bytes are allowed in its texts (use
 * json_string_length); halves of surrogate pairs become U+FFFD when `replace` says so. */
canto_status json_parse_line(canto_context *context, const char *text, size_t bytes, const char *file, uint64_t line,
                             bool replace, json_t **root);
canto_status json_read_file(canto_context *context, const char *path, json_t **root);

/* A list or an object that is large: it is read piece by piece, and no value is made of it. */
typedef struct json_part {
    const char *key;  /* what the member is called that holds it */
    const char *text; /* text[bytes], its first and last character the brackets; NULL: it was not there */
    size_t      bytes;
    uint64_t    line; /* of its first character */
} json_part;

/* As json_parse, but the first list or object that a part's key has anywhere in the document is put into the part and not looked
 * into; null stands in its place. The parts' texts lie in text. */
canto_status json_parse_apart(canto_context *context, const char *text, size_t bytes, const char *file,
                              json_part *parts, size_t count, json_t **root);
/* Calls each for the members of an object whose values are whole numbers. */
typedef canto_status (*json_number_fn)(void *user, const char *key, size_t bytes, int64_t number);
canto_status json_each_number(canto_context *context, const json_part *part, const char *file, json_number_fn each,
                              void *user);
/* Calls each for the elements of a list: texts, or lists of two texts, which are joined by a space. */
typedef canto_status (*json_text_fn)(void *user, const char *text, size_t bytes);
canto_status json_each_text(canto_context *context, const json_part *part, const char *file, json_text_fn each,
                            void *user);

/* Values of an object. object may be any value: what is no object is an error. */
canto_status json_get_object(const json_t *object, const char *file, const char *key, json_t **value);
canto_status json_get_array(const json_t *object, const char *file, const char *key, json_t **value);
canto_status json_get_text(const json_t *object, const char *file, const char *key, const char **text);
canto_status json_get_text_or(const json_t *object, const char *file, const char *key, const char *fallback,
                              const char **text);
canto_status json_get_integer(const json_t *object, const char *file, const char *key, int64_t low, int64_t high,
                              int64_t *number);
canto_status json_get_integer_or(const json_t *object, const char *file, const char *key, int64_t low, int64_t high,
                                 int64_t fallback, int64_t *number);
canto_status json_get_real(const json_t *object, const char *file, const char *key, double *number); /* integers too */
canto_status json_get_real_or(const json_t *object, const char *file, const char *key, double fallback, double *number);
canto_status json_get_bool(const json_t *object, const char *file, const char *key, bool *truth);
canto_status json_get_bool_or(const json_t *object, const char *file, const char *key, bool fallback, bool *truth);

/* 64 bits do not fit JSON's numbers everywhere: they travel as text, "0x0123456789abcdef". */
json_t      *json_new_u64(uint64_t number); /* NULL when there is no memory */
canto_status json_get_u64(const json_t *object, const char *file, const char *key, uint64_t *number);

/* An object made key by key, or an array element by element. A failure on the way (no memory) is remembered, and
 * json_build_end then gives NULL: nothing incomplete can be written. A value handed in is taken over, on failure too; a
 * missing one (NULL) is a failure. A build that is not ended leaks. */
typedef struct json_build {
    json_t *value; /* NULL: something has failed */
} json_build;

json_build json_build_object(void);
json_build json_build_array(void);
void       json_build_set(json_build *b, const char *key, json_t *value);
void       json_build_add(json_build *b, json_t *value); /* to an array */
void       json_build_text(json_build *b, const char *key, const char *text);
void       json_build_integer(json_build *b, const char *key, int64_t number);
void       json_build_real(json_build *b, const char *key, double number); /* a finite one */
void       json_build_bool(json_build *b, const char *key, bool truth);
void       json_build_u64(json_build *b, const char *key, uint64_t number);
json_t    *json_build_end(json_build *b); /* the caller's */

/* The value as text ending in a newline, keys in the order they were set, numbers exact; release *text with
 * context_release. indent 0: on one line. */
canto_status json_dump(canto_context *context, const json_t *value, int indent, char **text);
/* Writes the value on the way, with jansson's flags. */
canto_status json_write(file_writer *writer, const json_t *value, size_t flags);
canto_status json_write_file(const char *path, const json_t *value); /* indented by two; whole or not at all */

#endif
