/* variants.h - from --vary and --variant to the runs of a sweep. */
#ifndef CANTO_CLI_VARIANTS_H
#define CANTO_CLI_VARIANTS_H

#include "options.h"

/* What one run has of its own. */
typedef struct variant {
    char       *name;            /* "dropout=0.1,lr=0.001": a file's name too */
    const char *at[OPTIONS_MAX]; /* [axes] its value on each axis, as it was written */
    option_set  settings;
} variant;

/* Every value of every axis with every one of the others, the last axis running fastest. */
typedef struct variants {
    variant    *list;
    size_t      count;
    const char *axes[OPTIONS_MAX]; /* options' names; "variant" for those of --variant */
    size_t      axes_count;
    void      **owned;
    size_t      owned_count;
} variants;

/* Reads every --vary NAME=A,B,C (semicolons, when the values have commas) and --variant 'NAME: OPTIONS' of options; the
 * options they name are those of groups. Says what is wrong; variants_free in either case. */
bool variants_read(const option_set *options, const option_group *groups, variants *v);
/* set, of groups, becomes what options and the variant say together. Says what is wrong; options_free in either case. */
bool variants_options(const option_set *options, const variant *one, const option_group *groups, option_set *set);
void variants_free(variants *v);

#endif
