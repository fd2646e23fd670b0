/* corpus.h - FILES -> TEXT: many files as one stream of pieces, unpacked on the way, never a whole file in memory.
 *
 * A document is a plain file, or a line of a file named .jsonl or .ndjson. A plain file comes in pieces that end where the tokenizer's
 * kind may cut; lines are never cut. Which pieces there are depends on the files alone. */
#ifndef CANTO_CORPUS_H
#define CANTO_CORPUS_H

#include "text/tokenizer.h"

/* Before a piece: which file, how many of its (unpacked) bytes are behind, and the number of the next line. */
typedef struct corpus_place {
    size_t   file;
    uint64_t offset, line;
} corpus_place;

typedef struct corpus_piece {
    corpus_place from, after;
    bool         lines;  /* whole lines of JSON; otherwise text */
    bool         begins; /* text that is the beginning of a document */
} corpus_piece;

typedef struct corpus {
    canto_context         *context;   /* its readers unpack */
    const canto_tokenizer *tokenizer; /* its kind cuts; NULL: pieces end anywhere */
    const char *const     *paths;
    size_t                 count;
    const char            *field; /* of lines of JSON; NULL: such files are plain text */
    corpus_place           place; /* of the next byte to be given out */
    byte_list              rest;  /* bytes read behind it */
    file_reader            file;
    const canto_reader    *packed; /* how the file that is open is unpacked; NULL: it is plain */
    void                  *stream; /* of packed */
    bool                   reading;
    uint64_t               done; /* bytes of the files before this one */
} corpus;

/* Begins at *place (NULL: the beginning). paths and tokenizer (NULL: the pieces of plain files end anywhere) must outlive it. */
canto_status corpus_open(corpus *c, canto_context *context, const canto_tokenizer *tokenizer, const char *const *paths,
                         size_t count, const char *field, const corpus_place *place);
/* The next piece into text; *any is false when there is none any more. */
canto_status corpus_next(corpus *c, byte_list *text, corpus_piece *piece, bool *any);
/* Bytes of the files, as they lie on the disk, that have been read. */
uint64_t corpus_consumed(const corpus *c);
void     corpus_close(corpus *c); /* also a zeroed one */

/* Whether a file comes as it is: neither packed nor, with a field, lines of JSON. */
bool corpus_is_plain(const canto_context *context, const char *path, const char *field);
/* Whether it is lines of JSON, each a document. */
bool corpus_has_lines(const canto_context *context, const char *path, const char *field);

/* Calls fn for every document of a piece, or for the part of one that a piece of text is; `from` names it in errors. */
typedef canto_status (*corpus_fn)(void *user, const char *text, size_t bytes, const char *from);
canto_status corpus_documents(canto_context *context, const char *path, const char *field, const corpus_piece *piece,
                              const char *text, size_t bytes, corpus_fn fn, void *user);
/* The same of a whole file, telling how far it is: `deed` says what is done. */
canto_status corpus_file(canto_context *context, const canto_tokenizer *tokenizer, const char *path, const char *field,
                         const char *deed, corpus_fn fn, void *user);

#endif
