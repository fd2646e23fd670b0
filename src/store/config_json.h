/* config_json.h - the blueprint as JSON: the `canto` object of config.json and run.json. Enums travel as words. */
#ifndef CANTO_CONFIG_JSON_H
#define CANTO_CONFIG_JSON_H

#include "base/json.h"

/* All fields of config as an object, the caller's; NULL when there is no memory. */
json_t *config_to_json(const canto_config *config);
/* Reads what config_to_json made, every field of it, and checks the whole with canto_config_check. file: for errors. */
canto_status config_from_json(const json_t *object, const char *file, canto_config *config);

/* Takes over those fields that the object has; a key that is no field is an error when strict. Checks nothing else. */
canto_status config_overlay(const json_t *object, const char *file, bool strict, canto_config *config);

#endif
