/* generate.h - the options that say how a model writes, shared by generate and sweep. */
#ifndef CANTO_CLI_GENERATE_H
#define CANTO_CLI_GENERATE_H

#include "writing.h"

extern const option_group generate_groups[];
extern const option_entry writing_entries[];

/* The library's defaults, changed as the options say. */
void generate_options(const option_set *options, canto_generate_options *how);
/* --stop's texts, ended by NULL; release with free. NULL after a message. */
const char **generate_stops(const option_set *options);
/* A text that was written, as --json prints it. */
json_t *generate_json(const writing *w, uint64_t seed);

#endif
