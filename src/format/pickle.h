/* pickle.h - Python's pickles, as data: nothing is ever called.
 *
 * A pickle is a program for a stack machine that builds values, and may name any function of Python to build one with.
 * This reader knows the instructions that numbers, texts, lists and dictionaries are made of, and a handful of harmless
 * names (pickle_class); it refuses every other by its name. What such a name makes of its arguments is
 * recorded, not done: a tensor is a value that holds the arguments of torch._utils._rebuild_tensor_v2.
 *
 * Source: Python's pickletools.py; torch/serialization.py, torch/_utils.py. */
#ifndef CANTO_PICKLE_H
#define CANTO_PICKLE_H

#include "base/context.h"
#include "store/tensor_source.h"

typedef enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_REAL,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_CLASS,
    PICKLE_STORAGE, /* items: of its persistent id, the tuple ("storage", class, key, place, elements) */
    PICKLE_TENSOR,  /* items: of _rebuild_tensor_v2: storage, first element, shape, strides, ... */
    PICKLE_OTHER,   /* harmless, of no use to a model */
    PICKLE_MARK     /* never seen from outside */
} pickle_kind;

typedef struct pickle_items pickle_items;

typedef struct pickle_value {
    pickle_kind kind;
    uint32_t    bytes; /* of text */
    union {
        bool          truth;
        int64_t       integer;
        double        real;
        const char   *text;  /* text[bytes], in the pickle */
        pickle_items *items; /* TUPLE, LIST, DICT (key, value, key, ...), STORAGE, TENSOR */
        int           name;  /* CLASS: pickle_storage_type knows more */
    };
} pickle_value;

/* In order. A list can hold itself: walks go down a bounded number of levels. */
typedef struct pickle_node {
    pickle_value        value;
    struct pickle_node *next;
} pickle_node;

struct pickle_items {
    size_t       count;
    pickle_node *first, *last;
};

typedef struct pickle {
    canto_context *context;
    pickle_value   root;
    pickle_items   storages; /* every STORAGE that it names, one as often as it is named */
    size_t         bytes;    /* that it took: others may follow it */
    struct chunk  *chunks;
} pickle;

/* Reads the pickle at data, which must outlive it. path: for errors. On failure *p is zeroed. Takes at most some 80 times the
 * pickle's bytes of memory. */
canto_status pickle_read(canto_context *context, const char *path, const unsigned char *data, size_t bytes, pickle *p);
void         pickle_close(pickle *p); /* also a zeroed one */

bool                pickle_is_text(const pickle_value *v, const char *text);
const pickle_value *pickle_get(const pickle_value *dict, const char *key); /* NULL: no dictionary, or no such key */
const pickle_value *pickle_at(const pickle_value *v, size_t index);        /* NULL past the last item */
/* Which type torch.FloatStorage and its like hold; false for another class. */
bool pickle_storage_type(const pickle_value *v, source_type *type);

#endif
