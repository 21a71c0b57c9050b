/* Small things that the verbs share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_COMMON_H
#define NNC_CLI_COMMON_H

#include "cli/verb.h"
#include "eval/eval.h"
#include "pipeline/source.h"
#include "reports/report.h"

/* Parses the verb's options; exactly `min`..`max` positional words. The list is the caller's (nnc_option_list_deinit). */
nnc_status nnc_cli_parse(const nnc_cli *cli, const nnc_verb *verb, void *options,
                         nnc_option_list *words, size_t min, size_t max);
/* The report as JSON on standard output. */
nnc_status nnc_cli_print_json(const nnc_report *report);
/* Width for the first column of a table: `wide`, less where a terminal of `columns` (0: none) cannot hold it beside `others`. */
int nnc_cli_name_width(size_t columns, int wide, int others);
/* Index of the largest element; ties: the lower one. */
size_t nnc_argmax(const float *x, size_t n);
/* Releases an array of tensors and the array. */
void nnc_tensors_free(nnc_tensor *tensors, size_t count);

#endif
