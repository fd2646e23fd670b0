/* vocabulary_files.h - GPT-2's pair of files: vocab.json with merges.txt, or encoder.json with vocab.bpe. */
#ifndef CANTO_VOCABULARY_FILES_H
#define CANTO_VOCABULARY_FILES_H

#include "text/tokenizer.h"

/* The pair that path is one of, or that lies in the folder path; *found false: there is none. */
canto_status vocabulary_files_find(const char *path, char words[4096], char merges[4096], bool *found);
canto_status vocabulary_files_read(canto_context *context, const char *words, const char *merges,
                                   canto_tokenizer **tokenizer);

#endif
