/* Messages, progress and cancellation through the caller's table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>

#include "base/str.h"

enum { LINE_BYTES = 4096 };

static void emit(const nnc_log *log, nnc_log_level level, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static void emit(const nnc_log *log, nnc_log_level level, const char *fmt, va_list args)
{
    if (log == NULL || log->message == NULL) {
        return;
    }
    char raw[LINE_BYTES], line[LINE_BYTES];
    if (vsnprintf(raw, sizeof raw, fmt, args) < 0) {
        snprintf(raw, sizeof raw, "%s", fmt);
    }
    nnc_escape_control(line, sizeof line, raw);
    log->message(log->user, level, line);
}

void nnc_log_info(const nnc_log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(log, NNC_LOG_INFO, fmt, args);
    va_end(args);
}

void nnc_log_warn(const nnc_log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(log, NNC_LOG_WARN, fmt, args);
    va_end(args);
}

void nnc_log_debug(const nnc_log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(log, NNC_LOG_DEBUG, fmt, args);
    va_end(args);
}

void nnc_log_progress(const nnc_log *log, const char *stage, uint64_t done, uint64_t total,
                      const char *unit)
{
    if (log != NULL && log->progress != NULL) {
        log->progress(log->user, stage, done, total, unit);
    }
}

nnc_status nnc_log_poll(const nnc_log *log)
{
    if (log != NULL && log->cancelled != NULL && log->cancelled(log->user)) {
        NNC_FAIL(NNC_ERR_CANCELLED, "interrupted");
    }
    return NNC_OK;
}
