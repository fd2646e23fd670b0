/* pair_table.h - pairs of neighbouring tokens: how often each occurs, where, and which occurs most often.
 *
 * A pair is the number left << 32 | right, so that pairs compare by left token, then by right token. */
#ifndef CANTO_PAIR_TABLE_H
#define CANTO_PAIR_TABLE_H

#include "base/context.h"

#define PAIR_NONE UINT32_MAX

static inline uint64_t pair_of(uint32_t left, uint32_t right) { return (uint64_t)left << 32 | right; }

typedef struct pair_entry {
    uint64_t pair, count;
    size_t   first; /* where its list begins */
    uint32_t size;  /* of its list */
    bool     listed;
} pair_entry;

typedef struct pair_rank {
    uint64_t count, pair;
} pair_rank;

/* Zero it and set context to make an empty one. The heap's counts are never below the pairs' own: those only fall between
 * two calls of pair_table_offer, and the first of the heap is put right when it is asked for. */
typedef struct pair_table {
    canto_context *context;
    pair_entry    *entries;
    uint32_t       count;
    size_t         room;
    uint32_t      *slots; /* [slot_count] a hash table of entries, open addressing; PAIR_NONE: free */
    size_t         slot_count;
    pair_rank     *heap;
    size_t         heap_count, heap_room;
} pair_table;

/* Its entry, made when it is new with all of it zero; *entry is good until the next addition. */
canto_status pair_table_add(pair_table *t, uint64_t pair, pair_entry **entry);
pair_entry  *pair_table_find(const pair_table *t, uint64_t pair); /* NULL: there is none */
/* Enters a pair, which the table has, into the heap with this count. */
canto_status pair_table_offer(pair_table *t, uint64_t pair, uint64_t count);
/* The pair that occurs most often, of several the smallest; NULL: none in the heap occurs. */
pair_entry *pair_table_best(pair_table *t);
void        pair_table_clear(pair_table *t); /* keeps the memory */
void        pair_table_close(pair_table *t);

#endif
