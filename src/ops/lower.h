/* Lowering: how an op's `lower` emits runtime ops. Implemented by src/plan; op files only call it. SPDX-License-Identifier: Apache-2.0
 *
 * A graph value can exist in the plan in several physical forms; they are made on demand and shared:
 *   LOGICAL   dims in ONNX order, the value's own dtype (float32 when the value is quantized)
 *   NHWC      channels-last (rank 3 to 5; others equal LOGICAL), own dtype
 *   Q8        u8 integers of the value's annotation, ONNX order
 *   Q8_NHWC   u8 integers, channels-last
 * The plan inserts transposes, quantize and dequantize nodes as needed, never twice for one form. */
#ifndef NNC_OPS_LOWER_H
#define NNC_OPS_LOWER_H

#include "nnrt.h"
#include "ops/op.h"
#include "runtime_int8/ops/params.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/plan_format.h" /* NNRT_NONE */

typedef enum nnc_form { NNC_FORM_LOGICAL, NNC_FORM_NHWC, NNC_FORM_Q8, NNC_FORM_Q8_NHWC } nnc_form;

typedef struct nnc_lower_ctx nnc_lower_ctx;

const nnc_graph *nnc_lower_graph(const nnc_lower_ctx *ctx);
const nnc_node *nnc_lower_node(const nnc_lower_ctx *ctx);
nnc_node_id nnc_lower_node_id(const nnc_lower_ctx *ctx);
const nnc_value *nnc_lower_in_value(const nnc_lower_ctx *ctx, uint32_t i);  /* NULL if omitted */
const nnc_value *nnc_lower_out_value(const nnc_lower_ctx *ctx, uint32_t i); /* NULL if omitted or, for i > 0, never read */
nnc_value_id nnc_lower_in_id(const nnc_lower_ctx *ctx, uint32_t i);

/* True if legalize decided that this node runs in integers (graph and annotations alone decide). */
bool nnc_lower_integer(const nnc_lower_ctx *ctx);
/* The preferred layout of input i as things stand: true if it already exists channels-last and the op may keep it so. For AGNOSTIC and
 * AXIS ops: choose one layout for all inputs and outputs. */
bool nnc_lower_prefer_nhwc(const nnc_lower_ctx *ctx);
/* Maps an ONNX axis (may be negative) of a rank-`rank` value to its physical axis. */
int32_t nnc_lower_axis(int64_t axis, uint32_t rank, bool nhwc);

/* Runtime value of input i in a form; NNRT_NONE + message on failure. Constants are converted at plan time. */
nnc_status nnc_lower_input(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form);
/* The same for any value of the graph that is already produced (a fused residual). */
nnc_status nnc_lower_value(uint32_t *out, nnc_lower_ctx *ctx, nnc_value_id value, nnc_form form);
/* Constant input i in a form, expanded with leading ones to `rank` (for broadcasting in the channels-last layout). */
nnc_status nnc_lower_const_value(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form,
                                 uint32_t rank);
/* Declares output i as produced in this form (this node, or the last node fused behind it). dtype: of the runtime value. */
nnc_status nnc_lower_output(uint32_t *out, nnc_lower_ctx *ctx, uint32_t i, nnc_form form);
/* Output 0 of a dynamic nnc.Quant, and an input that is one: u8 integers in the ONNX order, their scale and zero point. */
nnc_status nnc_lower_dynamic_output(uint32_t out[3], nnc_lower_ctx *ctx);
nnc_status nnc_lower_dynamic_input(uint32_t out[3], nnc_lower_ctx *ctx, uint32_t i);
/* An intermediate runtime value, and constants. */
nnc_status nnc_lower_temp(uint32_t *out, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t rank);
nnc_status nnc_lower_const(uint32_t *out, nnc_lower_ctx *ctx, nnrt_dtype dtype, uint32_t rank,
                           const int64_t *dims, const void *data, size_t bytes);
nnc_status nnc_lower_const_i64(uint32_t *out, nnc_lower_ctx *ctx, const int64_t *data, size_t n);
/* Emits a runtime op. */
nnc_status nnc_lower_emit(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t params_bytes,
                          const uint32_t *in, uint32_t in_count, const uint32_t *out, uint32_t out_count);

/* The inputs of a Scan's body: `states` carried values, then `inputs` elements of scanned values, taken along axes[j] (>= 0 of the
 * scanned value), from the end if reverse[j]. */
typedef struct nnc_block_scan {
    uint32_t states, inputs;
    int64_t *axes;
    bool *reverse;
} nnc_block_scan;
/* Lowers a subgraph into a new block, whose number is for the params of the op that runs it. Inputs and the first `outputs` outputs are
 * the subgraph's, all in the form LOGICAL; with `scan` it is the body of a loop: iteration and condition come first and
 * the scanned inputs are whole. */
nnc_status nnc_lower_block(uint32_t *block, nnc_lower_ctx *ctx, const nnc_graph *graph, size_t outputs,
                           const nnc_block_scan *scan);

/* Most common shapes of lowering, for whole op families. */
/* y = rop(x0..): all inputs and output 0 in one layout (NHWC if preferred), own dtypes. */
nnc_status nnc_lower_elementwise(nnc_lower_ctx *ctx, nnrt_rop_id rop, const void *params, size_t params_bytes,
                                 uint32_t in_count);
/* Unary: float unary rop, or a u8 table when the node runs in integers (QUANT_TABLE, and PRESERVE when grids differ). */
nnc_status nnc_lower_unary(nnc_lower_ctx *ctx, nnrt_unary_op op, float a, float b);

/* What the plan fused behind this node (identity when nothing). Real bounds of a following Relu/Clip, and a residual operand. */
typedef struct nnc_fusion {
    float lo, hi;             /* real clamp, -+INFINITY for none */
    nnc_value_id residual;    /* NNC_ID_NONE: none; the other operand of a fused Add */
    nnc_value_id mid;         /* the fused Add's own-side operand = this node's output, annotated (TWICE) or not (DIRECT) */
    nnc_value_id final;       /* the value that this unit produces */
} nnc_fusion;
const nnc_fusion *nnc_lower_fusion(const nnc_lower_ctx *ctx);

#endif
