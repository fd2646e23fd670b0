/* fuzz_npz.c - the input is an archive of NumPy's, read as a model. What is accepted, written and read again, is
 * the same to the bit. */
#include "exported.h"

void fuzz_seeds(void) {
    write_model(CANTO_FORMAT_NPZ, CANTO_F32, NULL, 5, false);
    fuzz_seed_file("float32", "seed", 1000);
    write_model(CANTO_FORMAT_NPZ, CANTO_F16, NULL, 5, true);
    fuzz_seed_file("float16", "seed", 0);
}

void fuzz_one(const uint8_t *data, size_t bytes) { read_model(npz_read, CANTO_FORMAT_NPZ, data, bytes); }
