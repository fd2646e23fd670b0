/* fuzz_llmc.c - the input is a checkpoint of llm.c, read as a model. What is accepted, written and read again,
 * is the same to the bit. */
#include "exported.h"

void fuzz_seeds(void) {
    write_model(CANTO_FORMAT_LLMC, CANTO_F32, NULL, 5, true);
    fuzz_seed_file("float32", "seed", 40);
    write_model(CANTO_FORMAT_LLMC, CANTO_BF16, NULL, 5, true);
    fuzz_seed_file("bfloat16", "seed", 40);
}

void fuzz_one(const uint8_t *data, size_t bytes) { read_model(llmc_read, CANTO_FORMAT_LLMC, data, bytes); }
