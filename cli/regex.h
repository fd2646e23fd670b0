/* regex.h - regular expressions of a user's own, for the library: PCRE2 where the build has it. */
#ifndef CANTO_CLI_REGEX_H
#define CANTO_CLI_REGEX_H

#include <canto.h>

/* The engine; its open is NULL when there is none. */
canto_regex regex_engine(void);
/* The version in use, or "none". */
const char *regex_version(void);

#endif
