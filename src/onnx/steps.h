/* The rewrites named in versions.def, and what they share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_ONNX_STEPS_H
#define NNC_ONNX_STEPS_H

#include "onnx/versions.h"

/* Tensor of input i; NULL if omitted or not constant. */
const nnc_tensor *nnc_step_const(const nnc_graph *graph, nnc_node_id node, uint32_t i);
/* True if input i is there. */
bool nnc_step_has(const nnc_graph *graph, nnc_node_id node, uint32_t i);
/* Puts `value` into input slot i; slots before it that were not there are omitted inputs. */
nnc_status nnc_step_set_input(nnc_graph *graph, nnc_node_id node, uint32_t i, nnc_value_id value);
/* Cuts the input list to `count` and then drops omitted inputs at its end. */
nnc_status nnc_step_cut_inputs(nnc_graph *graph, nnc_node_id node, uint32_t count);
/* An INTS attribute becomes a constant input; nothing happens if it is not there. */
nnc_status nnc_step_ints_to_input(nnc_graph *graph, nnc_node_id node, const char *attr, uint32_t i);
/* The inverse. Fails: NNC_ERR_UNSUPPORTED if the input is there and not a constant of at most 1024
 * integers. */
nnc_status nnc_step_input_to_ints(nnc_graph *graph, nnc_node_id node, uint32_t i, const char *attr);
/* Fails with NNC_ERR_UNSUPPORTED unless an INT attribute has this value or is not there; removes
 * it. */
nnc_status nnc_step_drop_int(nnc_graph *graph, nnc_node_id node, const char *attr, int64_t value);
/* Shape of input i; NULL if its rank is unknown. */
const nnc_shape *nnc_step_shape(const nnc_graph *graph, nnc_node_id node, uint32_t i);
/* Name for a constant of this node: "<first output>_<what>". buf >= 300 bytes; returns buf. */
char *nnc_step_name(char *buf, size_t bytes, const nnc_graph *graph, nnc_node_id node,
                    const char *what);

nnc_onnx_step nnc_up_axes, nnc_up_bn_14, nnc_up_bn_9, nnc_up_clip_11, nnc_up_dft_20,
    nnc_up_dropout_12, nnc_up_grid_sample_20, nnc_up_group_norm_21, nnc_up_layer_norm_17, nnc_up_pad_11, nnc_up_refused,
    nnc_up_resize_11, nnc_up_roi_align_16, nnc_up_scatter_11, nnc_up_slice_10, nnc_up_softmax_13,
    nnc_up_split_13, nnc_up_split_18, nnc_up_topk_10, nnc_up_upsample_10, nnc_up_upsample_9;
nnc_onnx_step nnc_up_broadcast_7, nnc_up_cast_6, nnc_up_concat_4, nnc_up_gemm_7, nnc_up_is_test_7, nnc_up_lp_pool_2,
    nnc_up_pad_2, nnc_up_prelu_7, nnc_up_recurrent_7, nnc_up_reshape_5, nnc_up_upsample_7;

nnc_onnx_step nnc_down_allowzero, nnc_down_attention_24, nnc_down_attention_25, nnc_down_axes, nnc_down_axis, nnc_down_axis_any,
    nnc_down_batch_dims, nnc_down_bn_14, nnc_down_broadcast, nnc_down_ceil_mode, nnc_down_clip_11,
    nnc_down_depth_to_space, nnc_down_dequantize_21, nnc_down_dft_20, nnc_down_dilations,
    nnc_down_dropout_12, nnc_down_gemm_11, nnc_down_grid_sample_20, nnc_down_layout,
    nnc_down_lp_pool_18, nnc_down_max_pool_10, nnc_down_max_pool_8, nnc_down_output_dtype,
    nnc_down_pad_11, nnc_down_pad_18, nnc_down_pad_19, nnc_down_precision, nnc_down_quant_axis,
    nnc_down_quantize_21, nnc_down_reduce_axes, nnc_down_reduction_16, nnc_down_reduction_18,
    nnc_down_resize_11, nnc_down_resize_13, nnc_down_resize_18, nnc_down_resize_19,
    nnc_down_roi_align_16, nnc_down_round_mode, nnc_down_saturate, nnc_down_select_last,
    nnc_down_shape_15, nnc_down_slice_10, nnc_down_softmax_13, nnc_down_split_13, nnc_down_split_18,
    nnc_down_squeeze_13, nnc_down_topk_10, nnc_down_topk_11;

#endif
