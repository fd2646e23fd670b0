/* context.h - what a context owns: the allocator, the log, the threads, the choice of kernels. */
#ifndef CANTO_CONTEXT_H
#define CANTO_CONTEXT_H

#include "base/pool.h"
#include "base/status.h"

struct canto_context {
    canto_allocator   allocator;
    canto_log_fn      log;
    void             *log_user;
    canto_invalid     invalid;     /* what becomes of text that is not valid UTF-8 */
    canto_regex       regex;       /* open NULL: there is none */
    canto_progress_fn on_progress; /* NULL: nobody listens */
    void             *progress_user;
    canto_reader      readers[CANTO_READERS_MAX]; /* the first without a suffix ends them */
    char              cpu[16];                    /* requested kernels; "" for the best */
    int               threads;
    pool             *pool;
};

/* bytes > 0, uninitialized, aligned for any type; NULL when there is no memory. */
void *context_allocate(canto_context *context, size_t bytes);
/* As context_allocate(count * size), zeroed; NULL also when the product overflows. */
void *context_allocate_zeroed(canto_context *context, size_t count, size_t size);
/* Moves old (NULL: allocates) to bytes > 0; on NULL old is unaltered. */
void *context_resize(canto_context *context, void *old, size_t bytes);
void  context_release(canto_context *context, void *memory);
char *context_copy_text(canto_context *context, const char *text); /* NULL when there is no memory */

/* Makes *block hold at least need elements of size bytes; it grows by half or more, so that adding one by one is cheap. *room is how
 * many it holds; what are those bytes for, in the failure's text. */
canto_status context_reserve(canto_context *context, void **block, size_t *room, size_t need, size_t size,
                             const char *what);

/* A failure that says how many bytes were wanted, and for what. */
canto_status context_no_memory(size_t bytes, const char *what);

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void context_log(canto_context *context, canto_log_level level, const char *form, ...);

/* A large zeroed block aligned to 64 bytes. *block is the start; release with context_release(context, *base). */
canto_status context_block(canto_context *context, size_t bytes, const char *what, void **base, void **block);

/* An exec over the context's threads, each with zeroed scratch memory of so many bytes (rounded up to 64). */
canto_status context_exec_open(canto_context *context, size_t scratch_bytes, exec *e);
void         context_exec_close(canto_context *context, exec *e); /* also a zeroed one */

/* a * b and a + b, or false when they do not fit. */
bool size_multiply(size_t a, size_t b, size_t *product);
bool size_add(size_t a, size_t b, size_t *sum);

#endif
