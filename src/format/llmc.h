/* llmc.h - the form of llm.c's checkpoints (llmc.c says it whole), for reading and writing. */
#ifndef CANTO_LLMC_H
#define CANTO_LLMC_H

#include "model/tensors.h"

enum { LLMC_MAGIC = 20240326, LLMC_HEADER = 1024, LLMC_TENSORS = 16 };

extern const tensor_role LLMC_ORDER[LLMC_TENSORS]; /* each of all layers, before the next */

bool llmc_detect(const unsigned char *data, size_t bytes);

#endif
