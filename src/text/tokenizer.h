/* tokenizer.h - what every kind of tokenizer has in common, and what a kind must bring.
 *
 * A token is a byte string (of kind "byte" it may be part of a character). Decoding is the same for all kinds: the
 * tokens' bytes in order, with the kind's joint between them. A kind brings how its vocabulary is learned, how text is
 * cut into tokens, and its form in tokenizer.json. */
#ifndef CANTO_TOKENIZER_H
#define CANTO_TOKENIZER_H

#include "base/json.h"
#include "base/progress.h"
#include "text/vocabulary.h"

/* Growing lists; release data with context_release. */
typedef struct id_list {
    canto_context *context;
    uint32_t      *data;
    size_t         count, room;
    bool           narrow; /* data holds two bytes an id, little endian, as a token file does: ids are below 65536 */
} id_list;

typedef struct byte_list {
    canto_context *context;
    char          *data;
    size_t         count, room;
} byte_list;

canto_status id_list_add(id_list *list, uint32_t id);
canto_status byte_list_add(byte_list *list, const char *bytes, size_t count);
canto_status byte_list_room(byte_list *list, size_t count); /* for so many bytes more */
/* Makes room for so many ids more; to be called only when id_list_fits says no. */
canto_status id_list_grow(id_list *list, size_t more);
/* Adds one for which there is room. */
static inline void id_list_put(id_list *list, uint32_t id) {
    if (list->narrow) {
        unsigned char *at = (unsigned char *)list->data + 2 * list->count++;
        at[0] = (unsigned char)id;
        at[1] = (unsigned char)(id >> 8);
    } else list->data[list->count++] = id;
}
static inline bool id_list_fits(const id_list *list, size_t more) { return list->room - list->count >= more; }

typedef struct tokenizer_kind {
    const char *name;
    const char *joint;          /* written between decoded tokens */
    const char *text_separator; /* between text files that are encoded together */
    bool        takes_numbers, takes_specials;
    bool        takes_bytes; /* any bytes are text: nothing is invalid */
    /* Adds the symbols of a text to the vocabulary, unsorted. `from` says in errors where the text is from. NULL: the
     * vocabulary needs no texts, and `begin` has filled it. */
    canto_status (*learn)(canto_tokenizer *t, const char *text, size_t bytes, const char *from);
    canto_status (*begin)(canto_tokenizer *t); /* NULL: nothing to fill in before the texts */
    canto_status (*encode)(const canto_tokenizer *t, const char *text, size_t bytes, const char *from, id_list *ids);
    /* The same with special tokens as the caller says; NULL: a text has none. */
    canto_status (*encode_special)(const canto_tokenizer *t, const char *text, size_t bytes, canto_special special,
                                   const char *from, id_list *ids);
    /* How many of the first bytes of text may be encoded, and learnt from, apart from whatever follows them: what both parts give
     * is what the whole gives. 0: no place was found. NULL: whole texts alone. */
    size_t (*cut)(const canto_tokenizer *t, const char *text, size_t bytes);
    /* Hugging Face's tokenizer.json: fills in the parts that differ from kind to kind; false without memory. */
    bool (*write)(const canto_tokenizer *t, json_t *root);
    /* Reads them again into an empty tokenizer of this kind. *fits is false when the file is of another kind. NULL: both kinds of
     * byte-level encodings are read by tokenizer_bpe_read. */
    canto_status (*read)(canto_tokenizer *t, const json_t *root, const char *file, bool *fits);
} tokenizer_kind;

struct canto_tokenizer {
    canto_context        *context;
    const tokenizer_kind *kind;
    vocabulary            tokens;
    char                 *numbers; /* the token of digit runs, or NULL */
    uint32_t              unknown; /* the token of what is unseen, or VOCABULARY_NONE */
    uint64_t              hash;
    struct bpe_tokenizer *bpe; /* kind "bpe": merges, pattern and special tokens */
};

extern const tokenizer_kind tokenizer_char, tokenizer_byte, tokenizer_word, tokenizer_bpe;

/* The kinds in the order they are tried; NULL past the last. */
const tokenizer_kind *tokenizer_kind_at(size_t index);
/* An empty tokenizer; tokenizer_finish sets its hash when the vocabulary is complete. */
canto_status tokenizer_new(canto_context *context, const tokenizer_kind *kind, canto_tokenizer **tokenizer);
void         tokenizer_finish(canto_tokenizer *t);

/* As canto_tokenizer_encode, appending to ids; `from` (a path, or NULL) is named in errors. Places in errors count the bytes
 * of the text as it was repaired, when it was. */
canto_status tokenizer_encode_from(const canto_tokenizer *t, const char *text, size_t bytes, const char *from,
                                   id_list *ids);

/* The telling of what is done to a text: `deed` says what. */
progress tokenizer_progress(const canto_tokenizer *t, const char *deed, size_t bytes, const char *from);

/* A kind's cut where texts may be parted before any character, and before ASCII's white space. */
size_t tokenizer_cut_character(const canto_tokenizer *t, const char *text, size_t bytes);
size_t tokenizer_cut_space(const canto_tokenizer *t, const char *text, size_t bytes);

/* Errors of encoding: bytes that are no UTF-8; a symbol or word that the vocabulary lacks. */
canto_status tokenizer_not_utf8(size_t at, const char *from);
canto_status tokenizer_unseen(const canto_tokenizer *t, const char *text, size_t bytes, size_t at, const char *from);

/* Parts of tokenizer.json that kinds share: the WordLevel model. */
bool         tokenizer_write_word_level(const canto_tokenizer *t, json_t *root);
canto_status tokenizer_read_word_level(canto_tokenizer *t, const json_t *root, const char *file);
/* Fills the vocabulary from a {"token": id} object whose ids must be 0 .. V-1, each once. */
canto_status tokenizer_read_vocabulary(canto_tokenizer *t, const json_t *object, const char *file);
/* True when value is an object whose "type" is that text. */
bool json_has_type(const json_t *value, const char *type);
/* True when value is {"type": type, "pattern": {"Regex": regex}}, whatever else it holds. */
bool json_has_pattern(const json_t *value, const char *type, const char *regex);

#endif
