/* tokens.h - what canto_data is inside, and the header of a token file. */
#ifndef CANTO_TOKENS_H
#define CANTO_TOKENS_H

#include "base/file.h"

/* A run of tokens that lie together: of a mapped file, or in memory. */
typedef struct data_part {
    const unsigned char *tokens; /* [count * width] little endian */
    uint64_t             from;   /* how many tokens the parts before it have */
    uint64_t             count, source_bytes, source_hash;
    uint32_t             width; /* bytes of a token: 2 or 4 */
    file_map             map;   /* zeroed when in memory */
} data_part;

struct canto_data {
    canto_context *context;
    data_part     *parts; /* [parts_count] in the stream's order */
    size_t         parts_count;
    unsigned char *owned;            /* the tokens of the only part, or NULL when mapped */
    uint32_t       vocabulary, used; /* used: 1 + the largest token, 0 without tokens */
    uint64_t       count, source_bytes, source_hash, tokenizer_hash;
};

/* Data with so many zeroed parts. */
canto_status data_new(canto_context *context, size_t parts, canto_data **data);
/* Fills in where each part begins, and the sums over the parts. The hash of one part is its own, that of several the hash of
 * theirs. */
void     data_join(canto_data *data);
uint32_t data_token(const data_part *part, uint64_t index); /* of the part, from 0 */

/* Bytes of a token of a vocabulary of so many. */
uint32_t token_width(uint32_t symbols);
/* A number of so many bytes, little endian. */
uint64_t token_number(const unsigned char *at, int bytes);
void     token_number_write(unsigned char *at, uint64_t number, int bytes);

enum { TOKEN_HEADER = 64 };

typedef struct token_header {
    uint32_t width, vocabulary;
    uint64_t count, source_bytes, source_hash, tokenizer_hash;
} token_header;

void token_header_write(const token_header *header, unsigned char out[TOKEN_HEADER]);

#endif
