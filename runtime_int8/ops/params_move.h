/* Parameters of the runtime ops that move, select and sample. SPDX-License-Identifier: Apache-2.0
 * On-disk forms like those of params.h, which includes this file. */
#ifndef NNRT_OPS_PARAMS_MOVE_H
#define NNRT_OPS_PARAMS_MOVE_H

#include <stdint.h>

/* gather_nd: x any dtype, indices i32/i64 [b.., k.., q] -> [b.., k.., rest of x], batch_dims leading dims shared. */
typedef struct nnrt_gather_nd_params {
    uint32_t batch_dims;
} nnrt_gather_nd_params;

/* What a scatter does with an element that several updates name: the last one wins, or all are joined in order. */
typedef enum nnrt_scatter_op {
    NNRT_SCATTER_NONE, NNRT_SCATTER_ADD, NNRT_SCATTER_MUL, NNRT_SCATTER_MIN, NNRT_SCATTER_MAX, NNRT_SCATTER_COUNT
} nnrt_scatter_op;
/* scatter_elements: x, indices i32/i64 of x's rank, updates like indices -> y like x. */
typedef struct nnrt_scatter_elements_params {
    int32_t axis;
    uint32_t op;
} nnrt_scatter_elements_params;
/* scatter_nd: x, indices i32/i64 [k.., q], updates [k.., rest of x] -> y like x. */
typedef struct nnrt_scatter_nd_params {
    uint32_t op;
} nnrt_scatter_nd_params;
/* tensor_scatter: cache, update (cache's dims but for `axis`), [write_indices i64 [batch]] -> cache with the update at
 * the sample's index along axis; circular: positions wrap. */
typedef struct nnrt_tensor_scatter_params {
    int32_t axis;
    uint32_t circular;
} nnrt_tensor_scatter_params;

/* topk: x, k i64 [1] host-known -> values, indices i64; best first, equal ones by index. NaN is the greatest. */
typedef struct nnrt_topk_params {
    int32_t axis;
    uint32_t smallest;
} nnrt_topk_params;
/* unique: x host-known -> values, first indices, inverse indices, counts (i64). flat: whole tensor, else slices along axis. */
typedef struct nnrt_unique_params {
    int32_t axis;
    uint32_t flat, sorted;
} nnrt_unique_params;
/* compress: x, condition bool [n] host-known -> the chosen slices along axis; flat: the chosen elements. */
typedef struct nnrt_compress_params {
    int32_t axis;
    uint32_t flat;
} nnrt_compress_params;
/* nms: boxes f32 [N,B,4], scores f32 [N,C,B], max boxes i64 [1], iou f32 [1], score threshold f32 [1], all host-known ->
 * i64 [n,3] (batch, class, box). has_threshold 0: every score counts. */
typedef struct nnrt_nms_params {
    uint32_t center_point_box;
    uint32_t has_threshold;
} nnrt_nms_params;

/* reverse_sequence: x, lengths i64 [dim(batch_axis)] -> the first lengths[b] steps along time_axis turned round. */
typedef struct nnrt_reverse_sequence_params {
    uint32_t batch_axis, time_axis;
} nnrt_reverse_sequence_params;
/* split_part: x, [lengths i64 host-known [count]] -> part `index` of `count` along axis; without lengths, equal parts
 * of which the last ones may be shorter. */
typedef struct nnrt_split_part_params {
    int32_t axis;
    uint32_t index, count;
} nnrt_split_part_params;
/* center_crop_pad: x, shape i64 host-known [axes] -> middle of x, or x in the middle of zeros. mask: axes, 0 = all; the
 * shape lists them in the order of `axes`. */
typedef struct nnrt_center_crop_pad_params {
    uint32_t axis_count;
    uint32_t axes[8];
    uint32_t pad;
} nnrt_center_crop_pad_params;
/* col2im: x f32 [N, C*prod(block), L], image shape i64 host-known [d], block shape i64 host-known [d] -> [N, C, image..]. */
typedef struct nnrt_col2im_params {
    uint32_t spatial;
    uint32_t pad;
    int32_t stride[6], dilation[6], pad_begin[6], pad_end[6];
} nnrt_col2im_params;

/* resize_nd: x any numeric dtype in ONNX order, i64 sizes or f32 scales host-known [axes], [roi f32 host-known
 * [2*axes]] -> y. */
typedef struct nnrt_resize_nd_params {
    uint32_t mode;       /* 0 nearest, 1 linear, 2 cubic */
    uint32_t coordinate; /* as nnrt_resize_params, and 6 tf_crop_and_resize */
    uint32_t nearest;    /* as nnrt_resize_params */
    uint32_t policy;     /* sizes: 0 stretch, 1 not larger, 2 not smaller */
    uint32_t antialias, exclude_outside;
    float cubic_a, extrapolation;
    uint32_t axis_count;
    uint32_t axes[8];
    uint32_t pad;
} nnrt_resize_nd_params;
/* grid_sample: x f32 [N,C,spatial..], or channels-last, grid f32 [N,out..,d] -> y [N,C,out..] in x's layout. */
typedef struct nnrt_grid_sample_params {
    uint32_t mode;    /* 0 nearest, 1 linear, 2 cubic */
    uint32_t padding; /* 0 zeros, 1 border, 2 reflection */
    uint32_t align_corners;
    uint32_t channels_last;
} nnrt_grid_sample_params;
/* affine_grid: theta f32 [N,2,3] or [N,3,4], size i64 host-known [4] or [5] -> grid f32 [N,spatial..,d]. */
typedef struct nnrt_affine_grid_params {
    uint32_t align_corners;
} nnrt_affine_grid_params;
/* roi_align: x f32 NHWC, rois f32 [R,4], batch indices i64 [R] -> y f32 [R,oh,ow,C]. */
typedef struct nnrt_roi_align_params {
    uint32_t out_h, out_w;
    uint32_t sampling; /* samples per bin and direction, 0: by the roi's size */
    uint32_t max;      /* else average */
    uint32_t half_pixel;
    float scale;
} nnrt_roi_align_params;
/* max_roi_pool: x f32 NHWC, rois f32 [R,5] -> y f32 [R,oh,ow,C]. */
typedef struct nnrt_max_roi_pool_params {
    uint32_t out_h, out_w;
    float scale;
} nnrt_max_roi_pool_params;

#endif
