/* state_dict.h - weights whose files say nothing, or not all, of the model that they are of: its config from the names and
 * shapes of the tensors. */
#ifndef CANTO_STATE_DICT_H
#define CANTO_STATE_DICT_H

#include "base/json.h"
#include "store/model.h"

/* What is known of a model besides its tensors. */
typedef struct fit_settings {
    json_t *object;   /* fields of our config, or others' names of the number of heads and of the context; NULL: none */
    const char *path; /* it comes from, for errors */
    bool        strict; /* a key that is neither is an error */
} fit_settings;

/* Finds out which of the known layouts parts->source has (it has ended), and fills config and kind: sizes from shapes, parts by what
 * is there, the rest from the settings, else from the layout's preset. A number of heads that nothing tells is
 * an error that says what to do. */
canto_status state_dict_fit(canto_context *context, const fit_settings *settings, model_parts *parts);
/* Takes off what wrappers put before every name: "_orig_mod.", "module.", "model.". */
canto_status state_dict_strip(tensor_source *source);
/* A whole config is known: finds the layout whose names the source has. parts->kind is tried first. */
canto_status state_dict_match(canto_context *context, model_parts *parts);

#endif
