/* The caller's side of a long operation: messages, progress, cancellation. SPDX-License-Identifier: Apache-2.0
 * The library never prints: everything goes through this table. All members may be NULL. */
#ifndef NNC_BASE_LOG_H
#define NNC_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum nnc_log_level { NNC_LOG_DEBUG, NNC_LOG_INFO, NNC_LOG_WARN } nnc_log_level;

typedef struct nnc_log {
    void (*message)(void *user, nnc_log_level level, const char *text);
    /* stage: constant short name ("calibrate"); done of total units; unit: "samples". */
    void (*progress)(void *user, const char *stage, uint64_t done, uint64_t total, const char *unit);
    /* Polled at least every 200 ms of work; true asks the operation to stop. */
    bool (*cancelled)(void *user);
    void *user;
} nnc_log;

/* `log` may be NULL in all of these. Arguments' control bytes are escaped. */
void nnc_log_info(const nnc_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void nnc_log_warn(const nnc_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void nnc_log_debug(const nnc_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void nnc_log_progress(const nnc_log *log, const char *stage, uint64_t done, uint64_t total,
                      const char *unit);
/* NNC_OK, or NNC_ERR_CANCELLED with the message "interrupted". */
nnc_status nnc_log_poll(const nnc_log *log);

#endif
