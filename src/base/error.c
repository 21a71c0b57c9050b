/* Thread-local error message. SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { MESSAGE_BYTES = 2048 };

static _Thread_local char nnc_error_text[MESSAGE_BYTES];

/* Formats and escapes into buf. The arguments may point into nnc_error_text, so buf must not be it.
 */
static void format_line(char *buf, size_t bytes, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static void format_line(char *buf, size_t bytes, const char *fmt, va_list args)
{
    char raw[MESSAGE_BYTES];
    if (vsnprintf(raw, sizeof raw, fmt, args) < 0) {
        snprintf(raw, sizeof raw, "%s", fmt);
    }
    nnc_escape_control(buf, bytes, raw);
}

nnc_status nnc_error_set(nnc_status status, const char *fmt, ...)
{
    char line[MESSAGE_BYTES];
    va_list args;
    va_start(args, fmt);
    format_line(line, sizeof line, fmt, args);
    va_end(args);
    memcpy(nnc_error_text, line, sizeof line);
    return status;
}

nnc_status nnc_error_prepend(nnc_status status, const char *fmt, ...)
{
    char line[MESSAGE_BYTES];
    va_list args;
    va_start(args, fmt);
    format_line(line, sizeof line, fmt, args);
    va_end(args);
    size_t used = strlen(line);
    if (strncmp(nnc_error_text, line, used) == 0 &&
        (nnc_error_text[used] == ':' || nnc_error_text[used] == '/')) {
        return status; /* it names the object, or a file in that folder, already */
    }
    if (used + 3 < sizeof line) {
        memcpy(line + used, ": ", 2);
        nnc_escape_control(line + used + 2, sizeof line - used - 2, nnc_error_text);
    }
    memcpy(nnc_error_text, line, sizeof line);
    return status;
}

const char *nnc_error_message(void)
{
    return nnc_error_text;
}

void nnc_error_clear(void)
{
    nnc_error_text[0] = '\0';
}

const char *nnc_status_name(nnc_status status)
{
    switch (status) {
    case NNC_OK:
        return "ok";
    case NNC_ERR_GATE:
        return "gate";
    case NNC_ERR_USAGE:
        return "usage";
    case NNC_ERR_MODEL:
        return "model";
    case NNC_ERR_UNSUPPORTED:
        return "unsupported";
    case NNC_ERR_DATA:
        return "data";
    case NNC_ERR_IO:
        return "io";
    case NNC_ERR_LIMIT:
        return "limit";
    case NNC_ERR_DEVICE:
        return "device";
    case NNC_ERR_VERIFY:
        return "verify";
    case NNC_ERR_INTERNAL:
        return "internal";
    case NNC_ERR_CANCELLED:
        return "cancelled";
    }
    return "unknown";
}
