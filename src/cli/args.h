/* Arguments from files: @FILE stands for the words in it. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_CLI_ARGS_H
#define NNC_CLI_ARGS_H

#include "base/option.h"

/* Appends argv[0..argc) to `out`, every "@FILE" in front of "--" replaced by the words of FILE: separated by spaces and line ends, '...' and
 * "..." as in a shell (with \ in front of " and \ within "..."), # starts a comment where a word could start. Files name files relative to
 * the working folder, at most four deep. argv[0] is taken as it is. Fails: NNC_ERR_USAGE with file:line, NNC_ERR_IO. */
nnc_status nnc_args_expand(nnc_option_list *out, int argc, char *const *argv);

#endif
