/* tokenizer_bpe_json.h - byte-pair encodings in Hugging Face's tokenizer.json. */
#ifndef CANTO_TOKENIZER_BPE_JSON_H
#define CANTO_TOKENIZER_BPE_JSON_H

#include "text/tokenizer_bpe.h"

bool tokenizer_bpe_write(const canto_tokenizer *t, json_t *root); /* false without memory */
/* root: the document, of which vocab and merges, the model's, have been left apart. Bytes that nothing joins become a
 * tokenizer of kind "byte". */
canto_status tokenizer_bpe_read(canto_context *context, const json_t *root, const json_part *vocab,
                                const json_part *merges, const char *file, canto_tokenizer **tokenizer);

#endif
