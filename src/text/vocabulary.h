/* vocabulary.h - numbered byte strings, found by number or by content. */
#ifndef CANTO_VOCABULARY_H
#define CANTO_VOCABULARY_H

#include "base/context.h"

#define VOCABULARY_NONE UINT32_MAX
#define VOCABULARY_MOST INT32_MAX /* tokens */

/* Zero it and set context to make an empty one. Token id's bytes, and a zero byte after them, start at
 * text + starts[id]; starts[count] is where the next one would. */
typedef struct vocabulary {
    canto_context *context;
    uint32_t       count;
    char          *text;
    size_t         text_room;
    size_t        *starts;
    size_t         starts_room;
    uint32_t      *slots;      /* [slot_count] a hash table of ids, open addressing; VOCABULARY_NONE: free */
    size_t         slot_count; /* a power of two, at least twice count */
} vocabulary;

/* Appends a token unless it is there already; *id (may be NULL) is its number either way. */
canto_status vocabulary_add(vocabulary *v, const char *token, size_t bytes, uint32_t *id);
uint32_t     vocabulary_find(const vocabulary *v, const char *token, size_t bytes); /* or VOCABULARY_NONE */
const char  *vocabulary_token(const vocabulary *v, uint32_t id, size_t *bytes);     /* id < count */
/* Numbers the tokens from `first` on anew, by byte order, which is code point order. */
canto_status vocabulary_sort(vocabulary *v, uint32_t first);
void         vocabulary_close(vocabulary *v); /* leaves it empty */

#endif
