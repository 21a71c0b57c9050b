/* Errors: a status plus one thread-local message line. SPDX-License-Identifier: Apache-2.0
 * The message is set where the failure is detected and is propagated, never overwritten. */
#ifndef NNC_BASE_ERROR_H
#define NNC_BASE_ERROR_H

#include <stdarg.h>

#include "nncompress/status.h"

/* Sets the calling thread's message (printf format, one line, no final newline; control bytes that came
 * in through arguments are escaped as \xNN) and returns `status`. The message is cut at 2047 bytes. */
nnc_status nnc_error_set(nnc_status status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "<formatted>: " in front of the current message, unless it starts with that object (or with a
 * file in that folder) already, and returns `status`. For adding the object
 * (file, node) that only a caller knows. */
nnc_status nnc_error_prepend(nnc_status status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The calling thread's last message; "" if none. Valid until the next failure on this thread. */
const char *nnc_error_message(void);

/* Clears the message of the calling thread. */
void nnc_error_clear(void);

/* Short constant name of a status: "model", "usage", "io", ... */
const char *nnc_status_name(nnc_status status);

/* The only two control-flow macros of the project. */
#define NNC_FAIL(status, ...) return nnc_error_set((status), __VA_ARGS__)
#define NNC_TRY(expr)                                                                              \
    do {                                                                                           \
        nnc_status nnc_try_status = (nnc_status)(expr);                                            \
        if (nnc_try_status != NNC_OK)                                                              \
            return nnc_try_status;                                                                 \
    } while (0)

#endif
