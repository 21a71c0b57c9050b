/* Resize: what inference and lowering share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_RESIZE_H
#define NNC_OPS_RESIZE_H

#include "ops/op_util.h"

/* Attribute values, numbered as in nnrt_resize_nd_params; the first one is the default. */
extern const char *const nnc_resize_coordinates[], *const nnc_resize_modes[];
extern const char *const nnc_resize_roundings[], *const nnc_resize_policies[];

/* An input that is present and not the empty placeholder tensor. */
bool nnc_resize_given(const nnc_value *v);
/* Axis of list element i. */
uint32_t nnc_resize_axis(const nnc_node *node, uint32_t i, uint32_t rank);
/* Sizes under keep_aspect_ratio_policy: all named axes take one factor, the least or the greatest of the wanted ones. */
void nnc_resize_apply_policy(int64_t *sizes, const nnc_node *node, const nnc_shape *x, size_t count);
nnc_status nnc_resize_lower(nnc_lower_ctx *ctx);

#endif
