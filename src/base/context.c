/* context.c - opening and closing a context, and memory from its allocator. */
#include "base/context.h"

#include "base/machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 256 };

static void *standard_resize(void *user, void *old, size_t bytes) {
    (void)user;
    if (bytes > 0) return realloc(old, bytes);
    free(old);
    return NULL;
}

canto_context_options canto_context_options_default(void) {
    canto_context_options options;
    memset(&options, 0, sizeof options);
    return options;
}

static bool is_kernel_name(const char *name) {
    static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

canto_status canto_context_open(const canto_context_options *options, canto_context **context) {
    canto_context_options chosen = options ? *options : canto_context_options_default();
    *context = NULL;
    if (!chosen.allocator.resize) chosen.allocator.resize = standard_resize;
    if (chosen.threads < 0 || chosen.threads > MOST_THREADS)
        return status_error(CANTO_ERROR_VALUE, "threads is %d; it must lie in 1 .. %d, or be 0 for the machine's cores",
                            chosen.threads, MOST_THREADS);
    if (chosen.cpu && !is_kernel_name(chosen.cpu))
        return status_error(CANTO_ERROR_VALUE,
                            "there are no kernels called '%.40s'; choose portable, avx2, avx512 or neon", chosen.cpu);
    if (chosen.cpu && !machine_has_kernels(chosen.cpu))
        return status_error(CANTO_ERROR_UNSUPPORTED,
                            "this machine, or this build, does not have the %s kernels; leave the choice open for the "
                            "best it has",
                            chosen.cpu);
    if (chosen.invalid != CANTO_INVALID_REFUSE && chosen.invalid != CANTO_INVALID_REPLACE)
        return status_error(CANTO_ERROR_VALUE, "invalid is %d, which is neither refuse (0) nor replace (1)",
                            (int)chosen.invalid);
    canto_context *made = chosen.allocator.resize(chosen.allocator.user, NULL, sizeof *made);
    if (!made) return context_no_memory(sizeof *made, "a context");
    memset(made, 0, sizeof *made);
    made->allocator = chosen.allocator;
    made->log = chosen.log;
    made->log_user = chosen.log_user;
    made->invalid = chosen.invalid;
    made->regex = chosen.regex;
    made->on_progress = chosen.progress;
    made->progress_user = chosen.progress_user;
    memcpy(made->readers, chosen.readers, sizeof made->readers);
    if (chosen.cpu) snprintf(made->cpu, sizeof made->cpu, "%s", chosen.cpu);
    made->threads = chosen.threads ? chosen.threads : machine_cores();
    if (made->threads > MOST_THREADS) made->threads = MOST_THREADS;
    made->pool = pool_open(&made->allocator, made->threads);
    if (!made->pool) {
        int threads = made->threads;
        context_release(made, made);
        return status_error(CANTO_ERROR_MEMORY, "cannot start %d threads; ask for fewer", threads);
    }
    *context = made;
    return status_ok();
}

void canto_context_close(canto_context *context) {
    if (!context) return;
    canto_allocator allocator = context->allocator;
    pool_close(context->pool);
    allocator.resize(allocator.user, context, 0);
}

int canto_context_threads(const canto_context *context) { return context->threads; }

void canto_free(canto_context *context, void *memory) { context_release(context, memory); }

const char *canto_version(void) { return CANTO_VERSION; }

void *context_allocate(canto_context *context, size_t bytes) {
    return context->allocator.resize(context->allocator.user, NULL, bytes);
}

void *context_allocate_zeroed(canto_context *context, size_t count, size_t size) {
    size_t bytes;
    if (!size_multiply(count, size, &bytes)) return NULL;
    void *memory = context_allocate(context, bytes ? bytes : 1);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

void *context_resize(canto_context *context, void *old, size_t bytes) {
    return context->allocator.resize(context->allocator.user, old, bytes);
}

void context_release(canto_context *context, void *memory) {
    if (memory) context->allocator.resize(context->allocator.user, memory, 0);
}

char *context_copy_text(canto_context *context, const char *text) {
    size_t bytes = strlen(text) + 1;
    char  *copy = context_allocate(context, bytes);
    if (copy) memcpy(copy, text, bytes);
    return copy;
}

canto_status context_no_memory(size_t bytes, const char *what) {
    if (bytes >= (size_t)1 << 20)
        return status_error(CANTO_ERROR_MEMORY, "no memory for %s: %.1f MiB are needed", what,
                            (double)bytes / 1048576.0);
    return status_error(CANTO_ERROR_MEMORY, "no memory for %s: %zu bytes are needed", what, bytes);
}

canto_status context_reserve(canto_context *context, void **block, size_t *room, size_t need, size_t size,
                             const char *what) {
    size_t wanted = *room ? *room : 64, bytes;
    if (need <= *room) return status_ok();
    while (wanted < need) wanted = wanted > SIZE_MAX / 2 ? need : wanted + wanted / 2;
    if (!size_multiply(wanted, size, &bytes)) return context_no_memory(SIZE_MAX, what);
    void *moved = context_resize(context, *block, bytes);
    if (!moved) return context_no_memory(bytes, what);
    *block = moved;
    *room = wanted;
    return status_ok();
}

void context_log(canto_context *context, canto_log_level level, const char *form, ...) {
    if (!context->log) return;
    char    text[1024];
    va_list arguments;
    va_start(arguments, form);
    vsnprintf(text, sizeof text, form, arguments);
    va_end(arguments);
    context->log(context->log_user, level, text);
}

canto_status context_block(canto_context *context, size_t bytes, const char *what, void **base, void **block) {
    enum { ALIGNMENT = 64 };
    size_t total;
    *base = *block = NULL;
    if (!size_add(bytes, ALIGNMENT, &total)) return context_no_memory(SIZE_MAX, what);
    char *memory = context_allocate(context, total);
    if (!memory) return context_no_memory(total, what);
    size_t past = (size_t)((uintptr_t)memory % ALIGNMENT);
    char  *start = past ? memory + (ALIGNMENT - past) : memory;
    memset(start, 0, bytes);
    *base = memory;
    *block = start;
    return status_ok();
}

canto_status context_exec_open(canto_context *context, size_t scratch_bytes, exec *e) {
    canto_status status;
    size_t       threads = (size_t)pool_threads(context->pool), all = 0;
    void        *block;
    *e = (exec){.pool = context->pool, .scratch_bytes = (scratch_bytes + 63) / 64 * 64};
    e->scratch = context_allocate_zeroed(context, threads, sizeof(void *));
    if (!e->scratch) return context_no_memory(threads * sizeof(void *), "scratch memory");
    if (!size_multiply(e->scratch_bytes, threads, &all)) TRY(context_no_memory(scratch_bytes, "scratch memory"));
    TRY(context_block(context, all ? all : 64, "scratch memory", &e->base, &block));
    for (size_t i = 0; i < threads; i++) e->scratch[i] = (char *)block + i * e->scratch_bytes;
done:
    if (status.code != CANTO_OK) context_exec_close(context, e);
    return status;
}

void context_exec_close(canto_context *context, exec *e) {
    context_release(context, e->base);
    context_release(context, e->scratch);
    *e = (exec){0};
}

bool size_multiply(size_t a, size_t b, size_t *product) {
    if (b && a > SIZE_MAX / b) return false;
    *product = a * b;
    return true;
}

bool size_add(size_t a, size_t b, size_t *sum) {
    if (a > SIZE_MAX - b) return false;
    *sum = a + b;
    return true;
}
