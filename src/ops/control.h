/* If, Loop, Scan: what their two files share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_CONTROL_H
#define NNC_OPS_CONTROL_H

#include "ops/lower.h"

nnc_status nnc_if_lower(nnc_lower_ctx *ctx);
nnc_status nnc_loop_lower(nnc_lower_ctx *ctx);
nnc_status nnc_scan_lower(nnc_lower_ctx *ctx);
/* Entry i of a list attribute of Scan; 0 where it is left out. */
int64_t nnc_scan_entry(const nnc_node *node, const char *attr, size_t i);

#endif
