/* npz.h - NumPy's archives: a zip of stored entries, an array in each. */
#ifndef CANTO_NPZ_H
#define CANTO_NPZ_H

#include "store/tensor_source.h"

/* Whether bytes begin as canto's, and numpy.savez's, archives do. */
bool npz_detect(const unsigned char *data, size_t bytes);
/* Adds the arrays NAME.npy to a source that has begun. *config[*config_bytes]: the entry config.json, in the map; NULL when there is
 * none. Other entries are passed over. */
canto_status npz_add(tensor_source *source, const char *path, const char **config, size_t *config_bytes);

#endif
