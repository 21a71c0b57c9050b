/* What --dry-run prints. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_DRY_RUN_H
#define NNC_CLI_DRY_RUN_H

#include "cli/common.h"

/* "prediction" of a report as text on standard output. */
nnc_status nnc_cli_print_dry_run(const nnc_report *report);

#endif
