/* encodings.h - the vocabularies that are known by name, and how they are recognized. */
#ifndef CANTO_ENCODINGS_H
#define CANTO_ENCODINGS_H

#include "text/tokenizer_bpe.h"

enum { ENCODING_SPECIALS = 6 };

typedef struct encoding_special {
    const char *text;
    uint32_t    id;
} encoding_special;

/* What a file of ranks does not say. */
typedef struct encoding_facts {
    canto_encoding   face;
    uint64_t         hash;                        /* of the file, as encodings.c makes it */
    const char      *pattern;                     /* a name for pattern_open */
    encoding_special specials[ENCODING_SPECIALS]; /* ended by one without text; ids ascending */
} encoding_facts;

/* Those of the file with these bytes, or NULL. */
const encoding_facts *encoding_of(const void *data, size_t bytes);
const char           *encoding_special_at(const encoding_facts *facts, uint32_t id); /* or NULL */

#endif
