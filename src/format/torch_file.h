/* torch_file.h - what torch.save writes: a zip archive of a pickle and the storages, or, before PyTorch 1.6, pickles with the
 * storages behind them. Tensors are views on the mapped file, with their strides. */
#ifndef CANTO_TORCH_FILE_H
#define CANTO_TORCH_FILE_H

#include "base/json.h"
#include "store/tensor_source.h"

bool torch_detect(const unsigned char *data, size_t bytes);
/* Maps a file and adds the tensors of its state dictionary to a source that has begun: of the root, or of its item "state_dict",
 * "model_state_dict" or "model". settings, when it is not NULL, receives the whole numbers that stand beside
 * the weights, those of "config" and "model_args" among them (an object, the caller's; NULL on failure). */
canto_status torch_add(tensor_source *source, const char *path, json_t **settings);

#endif
