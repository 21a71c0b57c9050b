/* --log-file: every message with its time, whatever the terminal shows. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_LOGFILE_H
#define NNC_CLI_LOGFILE_H

#include "base/log.h"

typedef struct nnc_logfile nnc_logfile;

/* Opens `path` for appending and writes a heading with the version and the command. An existing regular file must be such a log
 * (or empty): a model named by mistake is not touched. Fails: NNC_ERR_IO, NNC_ERR_LIMIT. */
nnc_status nnc_logfile_open(nnc_logfile **out, const char *path, const char *command);
/* One line: time (UTC, ms), level ("info", "warn", "debug", "stage", "error", "exit"), text. NULL is accepted. */
void nnc_logfile_line(nnc_logfile *file, const char *level, const char *text);
/* Closes; false if some line could not be written. NULL: true. */
bool nnc_logfile_close(nnc_logfile *file);

#endif
