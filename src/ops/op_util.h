/* Helpers of the op files: schema rows, shape arithmetic, known integers, lowering steps.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_OP_UTIL_H
#define NNC_OPS_OP_UTIL_H

#include "ops/lower.h"
#include "ops/op.h"

/* ---- schema rows ---- */
#define NNC_UNCHECKED 1.0, 0.0
#define NNC_DIM_LIMIT 2147483647.0
#define NNC_A_INT(name, lo, hi)                                                                    \
    {                                                                                              \
        name, NNC_ATTR_INT, false, lo, hi, NULL                                                    \
    }
#define NNC_A_INT_REQUIRED(name, lo, hi)                                                           \
    {                                                                                              \
        name, NNC_ATTR_INT, true, lo, hi, NULL                                                     \
    }
#define NNC_A_INT_ANY(name)                                                                        \
    {                                                                                              \
        name, NNC_ATTR_INT, false, NNC_UNCHECKED, NULL                                             \
    }
#define NNC_A_BOOL(name)                                                                           \
    {                                                                                              \
        name, NNC_ATTR_INT, false, 0, 1, NULL                                                      \
    }
#define NNC_A_AXIS(name)                                                                           \
    {                                                                                              \
        name, NNC_ATTR_INT, false, -NNC_RANK_MAX, NNC_RANK_MAX, NULL                               \
    }
#define NNC_A_FLOAT(name)                                                                          \
    {                                                                                              \
        name, NNC_ATTR_FLOAT, false, -3.4e38, 3.4e38, NULL                                         \
    }
#define NNC_A_INTS(name, lo, hi)                                                                   \
    {                                                                                              \
        name, NNC_ATTR_INTS, false, lo, hi, NULL                                                   \
    }
#define NNC_A_INTS_REQUIRED(name, lo, hi)                                                          \
    {                                                                                              \
        name, NNC_ATTR_INTS, true, lo, hi, NULL                                                    \
    }
#define NNC_A_ENUM(name, choices)                                                                  \
    {                                                                                              \
        name, NNC_ATTR_STRING, false, NNC_UNCHECKED, choices                                       \
    }
#define NNC_ATTRS(rows) rows, sizeof(rows) / sizeof(rows)[0]
#define NNC_NO_ATTRS NULL, 0
#define NNC_VARIADIC UINT32_MAX
extern const char *const nnc_auto_pad_choices[];

/* Elements of an INTS attribute; false if absent. */
bool nnc_node_ints(const nnc_node *node, const char *name, const int64_t **data, size_t *count);

/* Number of a string attribute's value among its choices; the first one is the default. */
uint32_t nnc_node_choice(const nnc_node *node, const char *name, const char *const *choices);

/* ---- inference ---- */
/* Most elements of a value that are followed through shape arithmetic. */
#define NNC_KNOWN_MAX 256
typedef struct nnc_ints {
    int64_t data[NNC_KNOWN_MAX];
    bool symbolic[NNC_KNOWN_MAX];
    size_t count;
} nnc_ints;
bool nnc_infer_known(const nnc_infer_ctx *ctx, uint32_t i, nnc_ints *out);
/* Records contents of output i, whose dtype and shape are already inferred (rank 0 or 1). */
nnc_status nnc_infer_set_known(nnc_infer_ctx *ctx, uint32_t i, const nnc_ints *ints);
/* Reads a known list without symbols; false if unknown or symbolic. */
bool nnc_infer_static_ints(const nnc_infer_ctx *ctx, uint32_t i, int64_t *data, size_t max,
                           size_t *count);
const nnc_node *nnc_infer_node(const nnc_infer_ctx *ctx);
uint32_t nnc_infer_input_count(const nnc_infer_ctx *ctx);
/* Input i with a known shape, or NULL when it is omitted or of unknown rank. */
const nnc_value *nnc_infer_shaped(const nnc_infer_ctx *ctx, uint32_t i);
nnc_dtype nnc_infer_dtype(const nnc_infer_ctx *ctx, uint32_t i); /* UNDEFINED if omitted */
/* Negative axes count from the end. Fails when out of -rank..rank-1. */
nnc_status nnc_infer_axis(const nnc_infer_ctx *ctx, uint32_t *out, int64_t axis, uint32_t rank);
/* Axes as a bit mask; a repeated axis fails. */
nnc_status nnc_infer_axes_mask(const nnc_infer_ctx *ctx, uint32_t *mask, const int64_t *axes,
                               size_t count, uint32_t rank);
/* Multidirectional broadcasting of `b` into `acc`. */
nnc_status nnc_infer_broadcast(nnc_infer_ctx *ctx, nnc_shape *acc, const nnc_shape *b);
/* All inputs broadcast; output 0 of `dtype`, unknown if an input is. */
nnc_status nnc_infer_broadcast_all(nnc_infer_ctx *ctx, nnc_dtype dtype);
/* The same dtype in inputs first..; unknown ones are ignored. */
nnc_status nnc_infer_same_dtype(const nnc_infer_ctx *ctx, uint32_t first);
/* Output 0 of input 0's type and shape; nothing is said of its contents. */
nnc_status nnc_infer_same(nnc_infer_ctx *ctx);
nnc_status nnc_infer_same_bool(nnc_infer_ctx *ctx);
/* Merges two dims that must agree; fails naming both. */
nnc_status nnc_infer_merge_dim(const nnc_infer_ctx *ctx, int64_t *dim, int64_t other,
                               const char *what);
/* Input i must be a 1-D list of `dim` elements (dim < 0: any length). */
nnc_status nnc_infer_check_vector(const nnc_infer_ctx *ctx, uint32_t i, int64_t dim,
                                  const char *what);
/* x [N,C,...] with per-channel vectors in inputs 1.. (scale, bias, mean, variance); output 0 like x. */
nnc_status nnc_infer_channel_vectors(nnc_infer_ctx *ctx);
/* Rank of input i must be lo..hi. An unknown one becomes lo where that is hi. */
nnc_status nnc_infer_check_rank(const nnc_infer_ctx *ctx, uint32_t i, uint32_t lo, uint32_t hi);

/* Output 0 of `dtype` and the shape of inputs ia times ib, numpy's matmul. */
nnc_status nnc_infer_matmul(nnc_infer_ctx *ctx, uint32_t ia, uint32_t ib, nnc_dtype dtype);
/* Input i must be int32 or int64. */
nnc_status nnc_infer_check_indices(const nnc_infer_ctx *ctx, uint32_t i);

/* Window of a convolution or pooling node over `spatial` dims: attributes with defaults. */
typedef struct nnc_window {
    uint32_t spatial;
    int64_t kernel[NNC_RANK_MAX], stride[NNC_RANK_MAX], dilation[NNC_RANK_MAX];
    int64_t pad_begin[NNC_RANK_MAX], pad_end[NNC_RANK_MAX];
    int auto_pad; /* 0 NOTSET, 1 SAME_UPPER, 2 SAME_LOWER, 3 VALID */
    bool ceil_mode;
} nnc_window;
/* kernel: dims of the weight, or NULL to read kernel_shape. Returns NULL, or what is wrong (static
 * text). */
const char *nnc_window_read(nnc_window *out, const nnc_node *node, uint32_t spatial,
                            const int64_t *kernel);
/* Output length of dim d for input length `in`; < 0 when the window does not fit. */
int64_t nnc_window_out(const nnc_window *w, uint32_t d, int64_t in);
/* Fills dims 2.. of y from x; symbolic where x is, unless the length stays. */
nnc_status nnc_infer_window(nnc_infer_ctx *ctx, nnc_shape *y, const nnc_shape *x,
                            const nnc_window *w);

/* ---- data propagation ---- */
typedef enum nnc_int_op {
    NNC_INT_ADD,
    NNC_INT_SUB,
    NNC_INT_MUL,
    NNC_INT_DIV,
    NNC_INT_MIN,
    NNC_INT_MAX,
    NNC_INT_MOD
} nnc_int_op;
/* Element-wise arithmetic of two known integer inputs into output 0; nothing when they are not
 * known. */
nnc_status nnc_infer_int_binary(nnc_infer_ctx *ctx, nnc_int_op op);
/* Copies known contents of input 0 to output 0. */
nnc_status nnc_infer_int_copy(nnc_infer_ctx *ctx);

/* ---- cost ---- */
/* Dims multiplied, symbols as 1; saturates. */
uint64_t nnc_cost_elements(const nnc_shape *shape);
uint64_t nnc_cost_mul(uint64_t a, uint64_t b);
/* One operation per output element. */
uint64_t nnc_cost_params(const nnc_graph *graph, const nnc_node *node);
const nnc_value *nnc_node_in(const nnc_graph *graph, nnc_node_id node, uint32_t i);
const nnc_value *nnc_node_out(const nnc_graph *graph, nnc_node_id node, uint32_t i);

/* ---- coupling of dims ---- */
/* Element-wise with broadcasting: every input dim with its output dim. */
nnc_status nnc_dims_elementwise(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node);
/* Input 0 and output 0 dim by dim, where their lengths agree; other inputs independent. */
nnc_status nnc_dims_same(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node);
/* As above, and dim 0 of inputs 1.. (per-channel vectors) with dim 1 of the output. */
nnc_status nnc_dims_channel_vectors(nnc_dim_links *links, const nnc_graph *graph, nnc_node_id node);
nnc_status nnc_dims_link(nnc_dim_links *links, uint32_t in_index, uint32_t in_dim,
                         uint32_t out_index, uint32_t out_dim);

/* ---- lowering ---- */
/* Static small integers of input i (constant); false when it is computed at run time. */
bool nnc_lower_static_ints(const nnc_lower_ctx *ctx, uint32_t i, int64_t *data, size_t max,
                           size_t *count);
nnc_status nnc_lower_fail(const nnc_lower_ctx *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Annotated with one 8-bit grid, so that integer forms exist. */
bool nnc_on_byte_grid(const nnc_value *v);
/* Form for an op that moves or selects data: integers when input i and all outputs lie on one 8-bit
 * grid. */
nnc_form nnc_lower_moving_form(const nnc_lower_ctx *ctx, uint32_t i, bool nhwc);
/* True if rank-`rank` values have a channels-last form that differs. */
bool nnc_rank_has_nhwc(uint32_t rank);
/* Physical dim d of the channels-last form is logical dim perm[d]; identity when !nhwc. */
void nnc_layout_perm(uint32_t perm[NNC_RANK_MAX], uint32_t rank, bool nhwc);
/* True if the ranks of all present inputs allow channels-last with broadcasting (equal to the
 * output's, or one element). */
bool nnc_lower_broadcast_nhwc(const nnc_lower_ctx *ctx);
/* The runtime dtype of a graph value. */
nnrt_dtype nnc_lower_dtype(const nnc_value *value);
/* One data-moving rop on input 0 (and extra inputs) to output 0. */
nnc_status nnc_lower_move(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t bytes,
                          const uint32_t *extra, uint32_t extra_count, nnc_form in, nnc_form out);
/* Input i in ONNX order as `dtype`, converted where it has another one. */
nnc_status nnc_lower_input_as(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype);
/* Output i in ONNX order; a value of this type and rank when the node does not name it or nobody reads it. */
nnc_status nnc_lower_any_output(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnrt_dtype dtype,
                                uint32_t rank);
/* Physical axis of input 0 (ONNX order) in a form; fails when it counts from the end of an unknown rank. */
nnc_status nnc_lower_input_axis(int32_t *out, const nnc_lower_ctx *ctx, int64_t axis, bool nhwc);
/* Rank of a value, or "known in a run only". */
uint32_t nnc_lower_rank(const nnc_value *v);
/* Fails, naming the value, when the rank of input i is unknown. */
nnc_status nnc_lower_check_rank(const nnc_lower_ctx *ctx, uint32_t i);
/* Output 0 shares the bytes of input 0. */
nnc_status nnc_lower_alias(nnc_lower_ctx *ctx);
/* `in` of type `from` as a new value of type `to` and this rank; `in` itself when they are equal. */
nnc_status nnc_lower_cast(uint32_t *out, nnc_lower_ctx *ctx, uint32_t in, nnc_dtype from,
                          nnc_dtype to, uint32_t rank);
/* Slice of `in` along physical axis. */
nnc_status nnc_lower_slice(nnc_lower_ctx *ctx, uint32_t in, uint32_t out, int64_t axis,
                           int64_t start, int64_t end, int64_t step);

#endif
