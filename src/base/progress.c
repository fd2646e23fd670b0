/* progress.c - see progress.h. */
#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>

progress progress_begin(canto_context *context, uint64_t total, uint64_t stride, const char *form, ...) {
    progress p = {.context = context, .total = total, .stride = stride, .next = UINT64_MAX};
    if (!context->on_progress) return p;
    va_list arguments;
    va_start(arguments, form);
    vsnprintf(p.what, sizeof p.what, form, arguments);
    va_end(arguments);
    p.next = stride;
    return p;
}

canto_status progress_tell(progress *p, uint64_t done) {
    double share = p->total > 0 && done < p->total ? (double)done / (double)p->total : 1;
    if (p->total == PROGRESS_UNKNOWN) share = -1;
    if (p->context->on_progress(p->context->progress_user, p->what, share)) {
        p->next = done + p->stride;
        return status_ok();
    }
    if (share < 0) return status_error(CANTO_STOPPED, "%s was stopped", p->what);
    return status_error(CANTO_STOPPED, "%s was stopped after %.0f %%", p->what, 100 * share);
}
