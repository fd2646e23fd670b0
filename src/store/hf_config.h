/* hf_config.h - config.json as Hugging Face writes it for GPT-2 and GPT-Neo, to and from our blueprint. */
#ifndef CANTO_HF_CONFIG_H
#define CANTO_HF_CONFIG_H

#include "base/json.h"
#include "model/layouts.h"

/* config.json without the `canto` object, as the shape `kind` has it; other shapes get the model_type "canto". The
 * caller's; NULL when there is no memory. */
json_t *hf_config_to_json(const canto_config *config, layout_kind kind);
/* Reads model_type "gpt2" or "gpt_neo" (missing keys have Hugging Face's defaults). *kind is the layout of the weights.
 * CANTO_ERROR_UNSUPPORTED names another model_type, or a choice that canto's models do not have. */
canto_status hf_config_from_json(const json_t *object, const char *file, canto_config *config, layout_kind *kind);

#endif
