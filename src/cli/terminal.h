/* Messages and progress on standard error. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_TERMINAL_H
#define NNC_CLI_TERMINAL_H

#include <stddef.h>

#include "base/log.h"
#include "cli/logfile.h"

typedef struct nnc_terminal nnc_terminal;

/* level: -1 quiet (warnings only), 0 default, 1 verbose. Progress is a rewritten line on a terminal, a plain line every 10 % or 10 s elsewhere. */
nnc_terminal *nnc_terminal_create(int level, bool progress);
void nnc_terminal_destroy(nnc_terminal *terminal);
/* Everything also goes to this log (NULL: to none), which stays the caller's. */
void nnc_terminal_set_log(nnc_terminal *terminal, nnc_logfile *file);
const nnc_log *nnc_terminal_log(nnc_terminal *terminal);
/* Removes a progress line that is on the screen. */
void nnc_terminal_clear(nnc_terminal *terminal);

/* Colours allowed on this stream: a terminal, TERM not dumb, NO_COLOR unset or empty; CLICOLOR_FORCE overrides. */
bool nnc_terminal_color(int fd);
bool nnc_terminal_unicode(void);
/* Columns of the terminal that standard output is; 0 when it is none or does not say. */
size_t nnc_terminal_columns(void);

/* SIGINT, SIGTERM, SIGHUP: the first one asks running work to stop (nnc_log.cancelled), the second one ends the process after removing
 * temporaries. SIGBUS (a mapped file was cut meanwhile) ends with exit code 6. SIGPIPE and SIGXFSZ are ignored: writes report them. */
void nnc_signals_install(void);
/* Number of the signal that asked to stop; 0 if none. */
int nnc_signals_caught(void);

#endif
