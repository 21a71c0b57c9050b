/* Report files: their names, and writing them. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_PIPELINE_OUTPUTS_H
#define NNC_PIPELINE_OUTPUTS_H

#include "base/str.h"
#include "reports/report.h"

typedef struct nnc_output_names {
    nnc_output_files files;         /* NULL: not written */
    nnc_str text[NNC_OUTPUT_COUNT]; /* owns the names that were made up */
} nnc_output_names;

/* Names of the report files of the model file `output`. asked: names given by the user. reports: NULL, "all" (every format beside the output)
 * or a folder (every format there). defaults: HTML and JSON beside the output where nothing else is said. The strings of `asked` are borrowed. */
nnc_status nnc_output_names_init(nnc_output_names *out, const nnc_output_files *asked, const char *reports,
                                 bool defaults, const char *output);
void nnc_output_names_deinit(nnc_output_names *names);

/* Renders and writes every file that has a name. output: the model that is complete already, for the message; NULL if there is none. Fails:
 * NNC_ERR_IO, NNC_ERR_LIMIT; the files before stay. */
nnc_status nnc_outputs_write(const nnc_report *report, const nnc_output_files *files, const char *output,
                             bool force);
/* One file, complete or not there. */
nnc_status nnc_output_write_text(const char *path, const nnc_str *text, bool force);
nnc_status nnc_output_write(const nnc_report *report, const nnc_renderer *renderer, const char *path, bool force);

#endif
