/* Window geometry of convolutions and pools from attributes. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_WINDOW_H
#define NNC_OPS_WINDOW_H

#include "ops/lower.h"

/* kernel: NULL = from kernel_shape. spatial: 1 or 2. Fails: NNC_ERR_UNSUPPORTED for negative pads. */
nnc_status nnc_window_from_node(nnrt_window *window, const nnc_graph *graph, nnc_node_id node,
                                uint32_t spatial, const int64_t *kernel);
/* The same over 1 to NNRT_SPATIAL_MAX spatial dims; a node without attributes gives a window of one element. */
nnc_status nnc_window_nd_from_node(nnrt_window_nd *window, const nnc_graph *graph, nnc_node_id node,
                                   uint32_t spatial, const int64_t *kernel);

#endif
