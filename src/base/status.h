/* status.h - making statuses, and the one way to hand them on. */
#ifndef CANTO_STATUS_H
#define CANTO_STATUS_H

#include "canto.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "canto reads weights straight from little-endian files: a big-endian machine is not supported"
#endif

/* CANTO_OK with an empty text. */
canto_status status_ok(void);

/* A failure whose text is the printf form given (cut to fit, never inside a UTF-8 character). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
canto_status
status_error(canto_code code, const char *form, ...);

/* The status with rest, a way out, at the end of its text when it has this code and there is room; otherwise as it is. */
canto_status status_add(canto_status status, canto_code code, const char *rest);

/* Runs a fallible call; on failure keeps its status in the local variable `status` and goes to `done:`. */
#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status.code != CANTO_OK) goto done;                                                                        \
    } while (0)

/* Sets the local `status` to a failure and goes to `done:`. */
#define FAIL(code, ...)                                                                                                \
    do {                                                                                                               \
        status = status_error(code, __VA_ARGS__);                                                                      \
        goto done;                                                                                                     \
    } while (0)

#endif
