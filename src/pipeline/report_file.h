/* A report document from its JSON file. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_REPORT_FILE_H
#define NNC_PIPELINE_REPORT_FILE_H

#include "reports/report.h"

/* Reads a report of kind "compress", checked against the published schema; the file may be hostile. Fails: NNC_ERR_IO, NNC_ERR_DATA (the
 * message starts with the path), NNC_ERR_LIMIT. */
nnc_status nnc_report_load(nnc_report **out, const char *path);

#endif
