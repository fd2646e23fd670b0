/* progress.h - long work that tells the context's progress callback how far it is, and may be stopped by it.
 *
 *     progress p = progress_begin(context, bytes, PROGRESS_BYTES, "encoding '%.150s'", path);
 *     for (at = 0; at < bytes; at++) {
 *         if (progress_due(&p, at)) TRY(progress_tell(&p, at));
 *         ...
 * The first telling is one stride after the beginning: short work tells nothing. Without a callback nothing is ever due. */
#ifndef CANTO_PROGRESS_H
#define CANTO_PROGRESS_H

#include "base/context.h"

#define PROGRESS_BYTES (UINT64_C(1) << 18) /* a stride of text or tokens: some milliseconds of work */

typedef struct progress {
    canto_context *context;
    uint64_t       total, stride, next; /* next: the place at which to tell again; UINT64_MAX: never */
    char           what[200];
} progress;

#define PROGRESS_UNKNOWN UINT64_MAX /* a total that nobody knows */

/* Work of `total` units that is told every `stride` of them under the name that the printf form makes. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
progress
progress_begin(canto_context *context, uint64_t total, uint64_t stride, const char *form, ...);

static inline bool progress_due(const progress *p, uint64_t done) { return done >= p->next; }

/* Calls the callback; CANTO_STOPPED when it returns false. */
canto_status progress_tell(progress *p, uint64_t done);

#endif
