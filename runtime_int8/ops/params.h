/* Parameters of the runtime ops: plain structs that are their own on-disk form. SPDX-License-Identifier: Apache-2.0
 *
 * Physical tensors are dense and row-major. Activations of convolution-like ops are NHWC ([N,H,W,C], 1-D: [N,W,C]); all
 * other ops see whatever dims the tensor has. Quantized activations are always stored as u8 (signed grids are
 * shifted by +128 together with their zero point). Every field is little-endian, no padding, no pointers.
 * Per-channel constants are arrays padded with zeros to a multiple of 16 channels. */
#ifndef NNRT_OPS_PARAMS_H
#define NNRT_OPS_PARAMS_H

#include <stdint.h>

#define NNRT_SPATIAL_MAX 6 /* spatial dims of a tensor of 8 dims */

/* Fused float activation: y = min(max(x, lo), hi) with lo/hi = -+INFINITY for none. */
typedef struct nnrt_clamp {
    float lo, hi;
} nnrt_clamp;

/* Geometry of a convolution or pooling window over 1 or 2 spatial dims (1-D uses index 1 and leaves [0] = 1/0). */
typedef struct nnrt_window {
    uint32_t spatial;     /* 1: x is [N,W,C]; 2: x is [N,H,W,C] */
    uint32_t kernel[2];   /* R, S */
    uint32_t stride[2];
    uint32_t dilation[2];
    uint32_t pad[4];      /* top, left, bottom, right */
    uint32_t auto_pad;    /* 0 explicit, 1 SAME_UPPER, 2 SAME_LOWER (computed at reshape; pad[] ignored) */
    uint32_t ceil_mode;   /* pooling */
} nnrt_window;

/* The same over 1 to 6 spatial dims, outermost first; dims from `spatial` on are neutral (1, and no padding). */
typedef struct nnrt_window_nd {
    uint32_t spatial;
    uint32_t kernel[NNRT_SPATIAL_MAX], stride[NNRT_SPATIAL_MAX], dilation[NNRT_SPATIAL_MAX];
    uint32_t begin[NNRT_SPATIAL_MAX], end[NNRT_SPATIAL_MAX]; /* padding */
    uint32_t auto_pad, ceil_mode;                            /* as nnrt_window */
} nnrt_window_nd;

/* conv_f32: x f32 NHWC, w packed (nnrt_pack_conv_f32), [bias f32 [Npad]], [residual f32 like y] -> y f32 NHWC.
 * y = clamp(bias + sum x*w (ascending (r,s,c) fmaf chain started at bias, padding read as +0) + residual).
 * dwconv_f32: depthwise, c_out == c_in == groups, w packed by nnrt_pack_dwconv_f32. */
typedef struct nnrt_conv_f32_params {
    nnrt_window window;
    uint32_t groups, c_in, c_out; /* c_in, c_out are totals over groups */
    uint32_t has_bias, has_residual;
    nnrt_clamp clamp;
} nnrt_conv_f32_params;

/* gemm_f32: x f32 [..., K] with constant packed B (nnrt_pack_conv_f32 with one tap), [bias f32 [Npad]],
 * [residual f32 [..., N]] -> y f32 [..., N]. */
typedef struct nnrt_gemm_f32_params {
    uint32_t k, n;
    uint32_t has_bias, has_residual;
    nnrt_clamp clamp;
} nnrt_gemm_f32_params;

/* matmul_f32: a f32 [..., M, K], b f32 [..., K, N] (both run-time; numpy matmul broadcasting of leading dims; 1-D operands
 * as numpy) -> y = alpha * op(a) op(b), optional clamp. trans_*: swap the last two dims first. */
typedef struct nnrt_matmul_f32_params {
    uint32_t trans_a, trans_b;
    float alpha;
    nnrt_clamp clamp;
} nnrt_matmul_f32_params;

/* How an int32 accumulator becomes the output (docs/arithmetic.md). All q bounds are integers minus their zero point. */
typedef enum nnrt_q8_out {
    NNRT_Q8_OUT_U8 = 0, /* requantize to u8 */
    NNRT_Q8_OUT_F32 = 1 /* y = clamp((float)acc * mult) as float; mult = sx*sw, no residual */
} nnrt_q8_out;
typedef enum nnrt_q8_residual {
    NNRT_Q8_RES_NONE = 0,
    NNRT_Q8_RES_DIRECT = 1, /* t = (float)acc*mult + (float)(r-zr)*mult_r */
    NNRT_Q8_RES_TWICE = 2   /* a = round_clamp((float)acc*mult, lo_mid, hi_mid); t = (float)a*mult_a + (float)(r-zr)*mult_r */
} nnrt_q8_residual;
typedef struct nnrt_q8_epilogue {
    uint32_t out;           /* nnrt_q8_out */
    int32_t zx;             /* zero point of x (u8) */
    int32_t zy;             /* zero point of y (u8) */
    float lo, hi;           /* clamp of t before rounding: integer bounds minus zy; for F32 out: real bounds */
    uint32_t residual;      /* nnrt_q8_residual */
    int32_t zr;
    float mult_r;           /* sr / sy */
    float lo_mid, hi_mid;   /* TWICE: integer bounds of the intermediate grid minus its zero point */
    float mult_a;           /* TWICE: s_mid / sy */
} nnrt_q8_epilogue;

/* conv_q8: x u8 NHWC, w packed s8 (nnrt_pack_conv_q8), acc0 i32 [groups*Npad] = bias - zx*sum(w), mult f32 [groups*Npad],
 * [residual u8 like y] -> y u8 or f32 NHWC. Padding reads zx.
 * dwconv_q8: depthwise, w packed by nnrt_pack_dwconv_q8. */
typedef struct nnrt_conv_q8_params {
    nnrt_window window;
    uint32_t groups, c_in, c_out;
    uint32_t pack; /* nnrt_conv_pack: layout of w */
    nnrt_q8_epilogue epilogue;
} nnrt_conv_q8_params;

/* gemm_q8: x u8 [..., K], w packed (one tap), acc0, mult as above -> y u8 or f32 [..., N]. */
typedef struct nnrt_gemm_q8_params {
    uint32_t k, n;
    nnrt_q8_epilogue epilogue;
} nnrt_gemm_q8_params;

/* matmul_q8: a u8 [..., M, K], b u8 [..., K, N] (both run-time; numpy matmul broadcasting of leading dims; 1-D operands as
 * numpy), [residual u8 like y] -> y u8 or f32. trans_b: the last two dims of b swapped first. epilogue.zx is a's zero point;
 * acc = sum (a-zx)*(b-zb), mult = sa*sb/sy or sa*sb. K is at most 33025, so that no sum leaves int32. */
#define NNRT_MATMUL_Q8_K_MAX 33025
typedef struct nnrt_matmul_q8_params {
    uint32_t trans_b;
    int32_t zb;
    float mult;
    nnrt_q8_epilogue epilogue;
} nnrt_matmul_q8_params;

/* add_q8: a, b u8 (numpy broadcasting) -> y u8 = round_clamp((a-za)*ma + (b-zb)*mb). */
typedef struct nnrt_add_q8_params {
    int32_t za, zb, zy;
    float ma, mb; /* sa/sy, sb/sy; b is subtracted when mb < 0 */
    float lo, hi;
} nnrt_add_q8_params;

/* mul_q8: y = round_clamp((float)((a-za)*(b-zb)) * m), m = (sa*sb)/sy. */
typedef struct nnrt_mul_q8_params {
    int32_t za, zb, zy;
    float m;
    float lo, hi;
} nnrt_mul_q8_params;

/* lut_u8: x u8, table u8 [256] or f32 [256] -> y of the table's type, same shape. No params. */

/* quantize: x f32 -> y u8 (per tensor), true division. With nchw_to_nhwc, x is [N,C,H,W] (or [N,C,W]) and y channels-last. */
typedef struct nnrt_quantize_params {
    float scale;
    int32_t zero_point; /* of the u8 storage */
    int32_t qmin, qmax; /* u8 storage bounds */
    uint32_t nchw_to_nhwc;
} nnrt_quantize_params;

/* dequantize: x u8, scale f32 [1] or [dim(axis)], zero i32 likewise -> y f32 = (x - zero) * scale. x may be i8, u8 or i32. */
typedef struct nnrt_dequantize_params {
    int32_t axis; /* -1: per tensor */
} nnrt_dequantize_params;

/* quantize_axis: x f32, scale f32 [dim(axis)], zero i32 -> y u8/i8/i32 (`dtype`), for QuantizeLinear that does not fold. */
typedef struct nnrt_quantize_axis_params {
    int32_t axis; /* -1: per tensor */
    uint32_t dtype;
    int32_t qmin, qmax;
} nnrt_quantize_axis_params;

/* maxpool: x u8 or f32 NHWC -> y. Padding never wins. */
typedef struct nnrt_maxpool_params {
    nnrt_window window;
} nnrt_maxpool_params;

/* avgpool_f32 / avgpool_q8 on NHWC. global: window is all of H,W and y is [N,1,1,C].
 * q8: acc = sum(x - zx) int32; y = round_clamp((float)acc * (sx / (sy * count))). f32: 16-lane fixed order sums, divided by count. */
typedef struct nnrt_avgpool_params {
    nnrt_window window;
    uint32_t global;
    uint32_t count_include_pad;
    int32_t zx, zy;  /* q8 */
    float sx, sy;    /* q8 */
    float lo, hi;    /* q8: bounds minus zy; f32: clamp */
} nnrt_avgpool_params;

/* conv_nd: x f32 [N,spatial...,C], w, [bias f32 [c_out]], [residual like y] -> y f32 channels-last; the chain of conv_f32.
 * w: packed, constant, as conv_f32's with all taps in one row (depthwise, groups == c_in == c_out: [taps][C]); else the plain
 * f32 [c_out, c_in/groups, kernel...] of any value, whose dims are the kernel. */
typedef struct nnrt_conv_nd_params {
    nnrt_window_nd window;
    uint32_t groups, c_in, c_out; /* totals over groups */
    uint32_t packed, has_bias, has_residual;
    nnrt_clamp clamp;
} nnrt_conv_nd_params;
/* conv_transpose_nd: x f32 [N,spatial...,C], w, [bias f32 [c_out]] -> y f32 channels-last; per output an ascending
 * (tap, c) fmaf chain over the inputs that its window covers, started at the bias. w: packed, constant
 * (nnrt_pack_conv_transpose; depthwise [taps][C]), else plain f32 [c_in, c_out/groups, kernel...]. Sizes: ONNX, where an
 * output_shape of 0 is none and padding that would be negative is none. */
typedef struct nnrt_conv_transpose_nd_params {
    nnrt_window_nd window;
    uint32_t groups, c_in, c_out;
    uint32_t output_padding[NNRT_SPATIAL_MAX], output_shape[NNRT_SPATIAL_MAX];
    uint32_t packed, has_bias;
    nnrt_clamp clamp;
} nnrt_conv_transpose_nd_params;
/* conv_f64, conv_transpose_f64: the same in ONNX order on f64: x [N,C,spatial...], plain w, [bias] -> y; products and sums
 * are rounded one by one, (c, tap) ascending. packed, has_residual 0, clamp none. */

typedef enum nnrt_pool_kind { NNRT_POOL_MAX, NNRT_POOL_AVERAGE, NNRT_POOL_LP, NNRT_POOL_COUNT } nnrt_pool_kind;
/* pool_nd: x [N,C,spatial...] in ONNX order, f32 or f64 (MAX also i8, u8) -> y, one ascending chain per output. global: the
 * window is all of the spatial dims. pool_max_index: MAX with a second output, the flat i64 index of each maximum (the
 * first of equals) in x; column_major: spatial dims counted from the first. */
typedef struct nnrt_pool_nd_params {
    nnrt_window_nd window;
    uint32_t kind, global;
    uint32_t count_include_pad; /* AVERAGE */
    uint32_t p;                 /* LP: the norm, 1.. */
    uint32_t column_major;      /* pool_max_index */
    nnrt_clamp clamp;           /* AVERAGE of f32 */
} nnrt_pool_nd_params;
#define NNRT_CONTRACT_LABELS 16
/* contract: y[its labels] = sum over the labels that y lacks of a[...] * b[...], or of a alone. Any number type but f16 and
 * bf16. Labels are below NNRT_CONTRACT_LABELS; one may stand twice in an operand (its diagonal), once in y, whose labels are
 * all in an operand. A dim of 1 is broadcast against the label's other dims. rank, label: of a, b, y. */
typedef struct nnrt_contract_params {
    uint32_t rank[3];
    uint8_t label[3][8];
} nnrt_contract_params;
typedef enum nnrt_nll_reduction { NNRT_NLL_NONE, NNRT_NLL_SUM, NNRT_NLL_MEAN } nnrt_nll_reduction;
/* nll: x f32 or f64 [N,C,...] (log-probabilities), labels i32 or i64 [N,...], [weight [C]] -> -x[label] * weight per label,
 * their sum, or the sum divided by that of the weights (a scalar). */
typedef struct nnrt_nll_params {
    uint32_t reduction, has_ignore;
    int64_t ignore_index;
} nnrt_nll_params;
/* dft: x f32 or f64 [..., 1 or 2], length i64 host-known (0: the dim's own), axis i64 host-known -> y [..., 2]. onesided:
 * length/2 + 1 bins of a real signal, or with inverse a real signal [..., 1] from those. inverse divides by the length. */
typedef struct nnrt_dft_params {
    uint32_t inverse, onesided;
} nnrt_dft_params;
/* stft: signal f32 or f64 [N, L, 1 or 2], step i64 host-known, length i64 host-known (0: the window's, else L), [window] ->
 * [N, frames, bins, 2]. */
typedef struct nnrt_stft_params {
    uint32_t onesided;
} nnrt_stft_params;
/* deform_conv: x f32 [N,spatial...,C], w f32 [c_out, c_in/groups, kernel...], offset f32 [N, offset_groups * taps * dims,
 * out...], [bias [c_out]], [mask [N, offset_groups * taps, out...]] -> y f32 channels-last. */
typedef struct nnrt_deform_conv_params {
    nnrt_window_nd window; /* the kernel is w's */
    uint32_t groups, offset_groups, c_in, c_out;
    uint32_t has_bias, has_mask;
} nnrt_deform_conv_params;
/* causal_conv: x f32 or f64 [N,C,L], w [C,1,K], [bias [C]], [past [N,C,K-1]] -> y like x, and the last K-1 elements of past
 * and x. */
typedef struct nnrt_causal_conv_params {
    uint32_t has_bias, has_past;
} nnrt_causal_conv_params;
typedef enum nnrt_linear_rule {
    NNRT_LINEAR_PLAIN, NNRT_LINEAR_GATED, NNRT_LINEAR_DELTA, NNRT_LINEAR_GATED_DELTA
} nnrt_linear_rule;
/* linear_attention: q f32 [B,T,q_heads*dk], k [B,T,kv_heads*dk], v [B,T,kv_heads*dv], [past [B,kv_heads,dk,dv]],
 * [decay [B,T,kv_heads or kv_heads*dk]], [beta [B,T,kv_heads or 1]] -> y [B,T,q_heads*dv] and the state after the last
 * token. decay goes with the gated rules, beta with the delta rules. scale 0: 1/sqrt(dk). */
typedef struct nnrt_linear_attention_params {
    uint32_t rule, q_heads, kv_heads, has_past, has_decay, has_beta;
    float scale;
} nnrt_linear_attention_params;
/* max_unpool: x f32, f64, i8 or u8 [N,C,spatial...], i64 indices like x into the tensor that was pooled
 * ((in - 1) * stride + kernel - pads per dim), [its shape to be, i64 host-known] -> zeros, and x at those places. */
typedef struct nnrt_max_unpool_params {
    nnrt_window_nd window;
} nnrt_max_unpool_params;

typedef enum nnrt_unary_op {
    NNRT_UNARY_ABS, NNRT_UNARY_NEG, NNRT_UNARY_FLOOR, NNRT_UNARY_CEIL, NNRT_UNARY_ROUND, NNRT_UNARY_SIGN,
    NNRT_UNARY_SQRT, NNRT_UNARY_RECIPROCAL, NNRT_UNARY_EXP, NNRT_UNARY_LOG, NNRT_UNARY_SIN, NNRT_UNARY_COS,
    NNRT_UNARY_TANH, NNRT_UNARY_SIGMOID, NNRT_UNARY_ERF, NNRT_UNARY_RELU, NNRT_UNARY_CLIP /* [a, b] */,
    NNRT_UNARY_LEAKY_RELU /* a */, NNRT_UNARY_ELU /* a */, NNRT_UNARY_SELU /* a, b=gamma */,
    NNRT_UNARY_CELU /* a */, NNRT_UNARY_SOFTPLUS, NNRT_UNARY_SOFTSIGN, NNRT_UNARY_HARD_SIGMOID /* a*x+b */,
    NNRT_UNARY_HARD_SWISH, NNRT_UNARY_GELU, NNRT_UNARY_GELU_TANH, NNRT_UNARY_SILU, NNRT_UNARY_MISH,
    NNRT_UNARY_THRESHOLDED_RELU /* a */, NNRT_UNARY_NOT, NNRT_UNARY_IS_NAN, NNRT_UNARY_IS_INF,
    NNRT_UNARY_IS_NEG_INF, NNRT_UNARY_IS_POS_INF, NNRT_UNARY_BIT_NOT,
    NNRT_UNARY_ACOS, NNRT_UNARY_ACOSH, NNRT_UNARY_ASIN, NNRT_UNARY_ASINH, NNRT_UNARY_ATAN, NNRT_UNARY_ATANH,
    NNRT_UNARY_COSH, NNRT_UNARY_SINH, NNRT_UNARY_TAN, NNRT_UNARY_SHRINK /* a=lambda, b=bias */,
    NNRT_UNARY_SWISH /* a */, NNRT_UNARY_COUNT
} nnrt_unary_op;
/* unary: x f32 f16 bf16 f64 -> y like x; ABS NEG SIGN CLIP RELU SHRINK also on integers, BIT_NOT on them alone, NOT on bool, IS_* floats ->
 * bool. f32 values to the bit on all tiers; f16 and bf16 are f32 rounded at the end; f64 functions are the C library's. */
typedef struct nnrt_unary_params {
    uint32_t op;
    float a, b;
} nnrt_unary_params;

typedef enum nnrt_binary_op {
    NNRT_BINARY_ADD, NNRT_BINARY_SUB, NNRT_BINARY_MUL, NNRT_BINARY_DIV, NNRT_BINARY_POW, NNRT_BINARY_MIN, NNRT_BINARY_MAX,
    NNRT_BINARY_MOD /* sign of divisor */, NNRT_BINARY_FMOD, NNRT_BINARY_PRELU /* x>=0 ? x : x*slope */,
    NNRT_BINARY_EQUAL, NNRT_BINARY_LESS, NNRT_BINARY_LESS_EQUAL, NNRT_BINARY_GREATER, NNRT_BINARY_GREATER_EQUAL,
    NNRT_BINARY_AND, NNRT_BINARY_OR, NNRT_BINARY_XOR,
    NNRT_BINARY_BIT_AND, NNRT_BINARY_BIT_OR, NNRT_BINARY_BIT_XOR,
    NNRT_BINARY_SHIFT_LEFT, NNRT_BINARY_SHIFT_RIGHT /* arithmetic on signed types */, NNRT_BINARY_COUNT
} nnrt_binary_op;
/* binary: a, b same dtype (floats, integers; bool for logic and EQUAL; integers alone for BIT_* and SHIFT_*), numpy broadcasting -> y same
 * dtype, or bool for comparisons. Integers wrap; division by 0 gives 0; a shift by less than 0 or all bits leaves the sign alone.
 * f16 and bf16 are f32 rounded at the end. clamp applies to float results (fused Relu/Clip). */
typedef struct nnrt_binary_params {
    uint32_t op;
    nnrt_clamp clamp;
} nnrt_binary_params;

/* where: cond bool, a, b any equal dtype; broadcasting. No params. */
/* cast: x any -> dtype, one of f32 f16 bf16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool. */
typedef struct nnrt_cast_params {
    uint32_t dtype;
} nnrt_cast_params;
/* cast_small: x any -> a type of 8 bits and less: float8, float8e8m0, float4, integers of 4 and 2 bits. saturate and round_mode as ONNX's
 * Cast: the former for float8, the latter for float8e8m0. */
typedef struct nnrt_cast_small_params {
    uint32_t dtype;
    uint32_t saturate;
    uint32_t round_mode; /* 0 up, 1 down, 2 nearest */
    uint32_t reserved;
} nnrt_cast_small_params;

/* transpose: y.dims[i] = x.dims[perm[i]]; any dtype. */
typedef struct nnrt_transpose_params {
    uint32_t rank;
    uint32_t perm[8];
} nnrt_transpose_params;

/* reshape: x, shape i64 (host-known; 0 = copy unless allow_zero, -1 = infer) -> same bytes. */
typedef struct nnrt_reshape_params {
    uint32_t allow_zero;
} nnrt_reshape_params;
/* flatten: [d0..d(axis-1)] x [rest]. */
/* unsqueeze / squeeze: axes bit mask over the output / input rank; squeeze with mask 0 removes all ones. */
typedef struct nnrt_axes_params {
    uint32_t mask;
} nnrt_axes_params;
/* concat (variadic, any equal dtype), split helper slices, softmax, argmax, cumsum, gather: axis >= 0. */
typedef struct nnrt_axis_params {
    int32_t axis;
} nnrt_axis_params;
/* slice: x, starts, ends, axes, steps (all four i64, host-known, numpy/ONNX semantics; steps may be negative). No params. */
/* pad: x, pads i64 host-known [2*rank], [value scalar of x's dtype]. */
typedef struct nnrt_pad_params {
    uint32_t mode; /* 0 constant, 1 reflect, 2 edge, 3 wrap */
    float value;   /* used when no third input: f32, or the integer it rounds to */
} nnrt_pad_params;
/* gather: x any dtype, indices i32/i64 (negative wraps) along axis. gather_elements likewise. */
/* expand: x, shape i64 host-known (ONNX broadcasting). tile: x, repeats i64 host-known. */
/* shape: x -> i64 [end-start], host value. end INT32_MAX: the rank of x. */
typedef struct nnrt_shape_params {
    int32_t start, end;
} nnrt_shape_params;
/* fill (ConstantOfShape): shape i64 host-known -> dtype filled with value (raw bits in low bytes). */
typedef struct nnrt_fill_params {
    uint32_t dtype;
    uint32_t pad;
    uint64_t value;
} nnrt_fill_params;
/* range: start, limit, delta host-known scalars of one number type. No params. */

typedef enum nnrt_reduce_op {
    NNRT_REDUCE_SUM, NNRT_REDUCE_MEAN, NNRT_REDUCE_MAX, NNRT_REDUCE_MIN, NNRT_REDUCE_PROD, NNRT_REDUCE_L1, NNRT_REDUCE_L2,
    NNRT_REDUCE_SUM_SQUARE, NNRT_REDUCE_LOG_SUM, NNRT_REDUCE_LOG_SUM_EXP, NNRT_REDUCE_COUNT
} nnrt_reduce_op;
/* reduce: x f32, f64 or integers (MAX MIN also bool) over the axes in mask (0 = all). f32: fixed 16-lane tree. */
typedef struct nnrt_reduce_params {
    uint32_t op, mask, keepdims;
} nnrt_reduce_params;
/* reduce_axes: the same with the axes as host-known i64 input 1 (negative ones count from the end). No axes: all, or
 * with noop each element is reduced alone. */
typedef struct nnrt_reduce_axes_params {
    uint32_t op, keepdims, noop;
} nnrt_reduce_axes_params;
/* softmax: x f32 along axis; log: log-softmax. */
typedef struct nnrt_softmax_params {
    int32_t axis;
    uint32_t log;
} nnrt_softmax_params;
/* arg: ArgMax/ArgMin of floats and integers along axis -> i64. */
typedef struct nnrt_arg_params {
    int32_t axis;
    uint32_t min, keepdims, select_last;
} nnrt_arg_params;
/* layernorm: x f32, [scale f32 [prod of dims from axis]], [bias] -> y; rms: no mean subtraction. */
typedef struct nnrt_layernorm_params {
    int32_t axis;
    float epsilon;
    uint32_t rms;
} nnrt_layernorm_params;
/* channel_affine: x f32 [..., C], a f32 [C], b f32 [C] -> y = fma-free x*a[c] + b[c], clamped (BatchNormalization that does not fold). */
typedef struct nnrt_channel_affine_params {
    nnrt_clamp clamp;
} nnrt_channel_affine_params;
/* instancenorm: x f32 [N,...,C] channels-last, scale [C], bias [C]. groups: GroupNormalization when > 0. */
typedef struct nnrt_instancenorm_params {
    float epsilon;
    uint32_t groups;
} nnrt_instancenorm_params;
/* lrn: x f32 channels-last. */
typedef struct nnrt_lrn_params {
    uint32_t size;
    float alpha, beta, bias;
} nnrt_lrn_params;
/* resize on NHWC f32 or u8: modes nearest, linear; coordinate transforms of ONNX Resize; sizes i64 host-known [H,W] or
 * scales f32 host-known [2] as input 1 (by dtype). */
typedef struct nnrt_resize_params {
    uint32_t mode;       /* 0 nearest, 1 linear, 2 cubic */
    uint32_t coordinate; /* 0 half_pixel, 1 asymmetric, 2 align_corners, 3 pytorch_half_pixel, 4 tf_half_pixel_for_nn, 5 half_pixel_symmetric */
    uint32_t nearest;    /* 0 round_prefer_floor, 1 round_prefer_ceil, 2 floor, 3 ceil */
    float cubic_a;
    uint32_t exclude_outside;
} nnrt_resize_params;
/* conv_transpose_f32: x f32 NHWC, w f32 [taps][C_in][C_out/groups] plain, [bias [C_out]] -> y NHWC. */
typedef struct nnrt_conv_transpose_f32_params {
    nnrt_window window;
    uint32_t groups, c_in, c_out;
    uint32_t output_padding[2];
    uint32_t has_bias;
    nnrt_clamp clamp;
} nnrt_conv_transpose_f32_params;
/* nonzero: x any -> i64 [rank, found]; x host-known. No params. */
/* lstm, gru, rnn. Functions of a cell; a and b are its alpha and beta where it has them. */
typedef enum nnrt_cell_op {
    NNRT_CELL_RELU, NNRT_CELL_TANH, NNRT_CELL_SIGMOID, NNRT_CELL_AFFINE /* a*x+b */, NNRT_CELL_LEAKY_RELU /* a */,
    NNRT_CELL_THRESHOLDED_RELU /* a */, NNRT_CELL_SCALED_TANH /* a*tanh(b*x) */, NNRT_CELL_HARD_SIGMOID /* a*x+b */,
    NNRT_CELL_ELU /* a */, NNRT_CELL_SOFTSIGN, NNRT_CELL_SOFTPLUS, NNRT_CELL_OP_COUNT
} nnrt_cell_op;
typedef struct nnrt_cell_function {
    uint32_t op; /* nnrt_cell_op */
    float a, b;
} nnrt_cell_function;
/* What follows x, w, r in the inputs, in this order; PACKED says how w and r are given. */
enum {
    NNRT_RECURRENT_PACKED = 1,  /* w, r as nnrt_pack_recurrent makes them, for each direction; else [D,G*H,I], [D,G*H,H] */
    NNRT_RECURRENT_BIAS = 2,    /* f32 [D,2*G*H] */
    NNRT_RECURRENT_LENGTHS = 4, /* i32 [B], taken into 0..T */
    NNRT_RECURRENT_H0 = 8,      /* f32 [D,B,H] */
    NNRT_RECURRENT_C0 = 16,     /* lstm: f32 [D,B,H] */
    NNRT_RECURRENT_PEEPHOLE = 32, /* lstm: f32 [D,3*H], gates i, o, f */
    NNRT_RECURRENT_INPUTS = 64
};
/* lstm (gates i o f c, G = 4), gru (z r h, 3), rnn (i, 1): x f32 [T,B,I], w, r, ... -> y [T,D,B,H], y_h [D,B,H] and, lstm, y_c.
 * batch_first: x [B,T,I], y [B,T,D,H], states [B,D,H]. As ONNX defines; a gate is one fmaf chain from its bias over x, then h. */
typedef struct nnrt_recurrent_params {
    uint32_t hidden, input;  /* H, I */
    uint32_t directions;     /* 1 or 2 (forward, reverse) */
    uint32_t reverse;        /* the one direction runs backwards */
    uint32_t batch_first;
    uint32_t inputs;         /* NNRT_RECURRENT_* */
    uint32_t linear_before_reset; /* gru */
    uint32_t input_forget;        /* lstm */
    float clip;                   /* bound of what goes into the gates' functions; INFINITY for none */
    nnrt_cell_function function[6]; /* of each direction: lstm f g h, gru f g, rnn f; the rest zero */
} nnrt_recurrent_params;
/* attention: q, k, v, [mask], [past_k, past_v], [lengths i64 [B]] -> y, present_k, present_v, scores. */
enum {
    NNRT_ATTENTION_MASK = 1,    /* f32 to be added, or bool (false: not attended); broadcasts to [B,Hq,L,T], columns that it
                                   lacks are not attended */
    NNRT_ATTENTION_PAST = 2,    /* two inputs f32 [B,Hk,P,D], [B,Hk,P,Dv] before the keys and values */
    NNRT_ATTENTION_LENGTHS = 4, /* keys of each sequence; the rest is padding */
    NNRT_ATTENTION_TOTAL = 8,   /* attention_cached: input 3, before the others: i32 or i64 scalar, host-known */
    NNRT_ATTENTION_INPUTS = 16
};
enum { NNRT_ATTENTION_PRESENT = 1, NNRT_ATTENTION_SCORES = 2, NNRT_ATTENTION_OUTPUTS = 4 };
/* q f32 [B,L,Hq*D] or [B,Hq,L,D], k [B,S,Hk*D] or [B,Hk,S,D], v likewise with Dv; Hq a multiple of Hk; T = P + S keys.
 * y like q with Dv: softmax(softcap(scale * q k^T) + mask) v, a row without keys is 0. Query i stands at key i + P, or, with
 * LENGTHS and no PAST, at key i + length - L. present [B,Hk,T,D] and [B,Hk,T,Dv]; scores [B,Hq,L,T]. Outputs whose bit is not set
 * have no elements.
 * attention_cached: with TOTAL, LENGTHS and causal; T = max(P, total, S), and the new keys of a sequence stand at max(0, length - S)
 * on, behind the past's; 0 follows. */
typedef struct nnrt_attention_params {
    uint32_t q_heads, kv_heads; /* of 3-D inputs; 0 for 4-D ones */
    uint32_t has_scale;         /* else 1 / sqrt(D) */
    float scale;
    float softcap;              /* 0: none */
    uint32_t causal;            /* keys behind the query's own place are not attended */
    int32_t left, right;        /* keys attended before and behind it; -1: all */
    uint32_t inputs, outputs;   /* NNRT_ATTENTION_* */
    uint32_t scores;            /* 0 after scaling, 1 after the soft cap, 2 after the mask, 3 after softmax */
} nnrt_attention_params;
/* rotary: x f32 [B,L,H*D] or [B,H,L,D], cos, sin f32 [max,R/2] with positions i64 [B,L], or [B,L,R/2] without -> like x: pairs of the
 * first R elements of each head turned by their angle. */
typedef struct nnrt_rotary_params {
    uint32_t heads;       /* of 3-D input; 0 for 4-D */
    uint32_t dims;        /* R, even; 0: D */
    uint32_t interleaved; /* pairs are neighbours, else R/2 apart */
} nnrt_rotary_params;
/* bitcast: x any -> the same bits under a type of the same size (nnrt_cast_params). */
/* eye: x any [M,N] (for its shape) -> dtype [M,N] with ones where column = row + k. */
typedef struct nnrt_eye_params {
    uint32_t dtype;
    int32_t k;
} nnrt_eye_params;
/* trilu: x any [...,M,N], [k i64 scalar] -> what lies on and above (upper) or below diagonal k; the rest is 0. */
typedef struct nnrt_trilu_params {
    uint32_t upper;
    uint32_t reserved;
} nnrt_trilu_params;
/* one_hot: indices (numbers), depth (host-known scalar), values [off, on] of any type -> a new axis (nnrt_axis_params) of `depth`.
 * hardmax: x floats along axis (nnrt_axis_params): 1 at the first maximum. */
/* cumulative: x numbers, axis (host-known scalar i32 or i64) -> running sums or products; halves accumulate in f32. */
typedef struct nnrt_cumulative_params {
    uint32_t product, exclusive, reverse;
    uint32_t reserved;
} nnrt_cumulative_params;
/* random: shape i64 host-known -> dtype, uniform in [a, b) or normal of mean a and deviation b.
 * bernoulli: x floats (probabilities) -> 1 or 0 in dtype; a, b, normal unused.
 * Everything random is a function of seed and position: the same in every run, on every device. */
typedef struct nnrt_random_params {
    uint64_t seed;
    uint32_t dtype, normal;
    float a, b;
} nnrt_random_params;
/* multinomial: x floats [N,C] (log probabilities up to a constant) -> i32 or i64 [N,samples]. */
typedef struct nnrt_multinomial_params {
    uint64_t seed;
    uint32_t dtype, samples;
} nnrt_multinomial_params;
/* dropout: x floats, ratio float scalar, training bool scalar -> y, mask bool. Outside of training y is x. */
typedef struct nnrt_seed_params {
    uint64_t seed;
} nnrt_seed_params;
/* window_function: size (host-known scalar i32 or i64) -> dtype [size]: a0 - a1 cos t + a2 cos 2t over one period. */
typedef struct nnrt_window_function_params {
    uint32_t dtype, periodic;
    float a[3];
    uint32_t reserved;
} nnrt_window_function_params;
/* mel_weights: bins, DFT length, sample rate (i32, i64), lower and upper edge in Hz (floats), all host-known scalars -> dtype
 * [length / 2 + 1, bins] (nnrt_cast_params). det: x floats [...,M,M] -> [...]. No params. */
/* if: cond (bool, one element), captures... -> the outputs of one of the blocks, which take the captures. */
typedef struct nnrt_if_params {
    uint32_t then_block, else_block;
} nnrt_if_params;
/* loop: trips (i64, one element each, equal), [cond (bool)], carried..., captures... -> carried..., scans...
 * The body takes iteration (i64), cond (bool), carried..., captures... and gives cond, carried..., scans (one element each). Runs
 * while iteration < trip (if given) and cond. A body with ignore_cond gives no cond. */
typedef struct nnrt_loop_params {
    uint32_t body;
    uint32_t trips, has_cond, ignore_cond;
    uint32_t carried, scans;
} nnrt_loop_params;
/* tfidf: x i32 or i64 [C] or [N,C], and host-known lists: pool i64 of all n-grams by length, starts i64 of each length in it, column i64
 * and weight f32 of each n-gram -> f32 [width] or [N,width]. Lengths least..most, gaps of up to `skips` tokens. */
enum { NNRT_TFIDF_TF, NNRT_TFIDF_IDF, NNRT_TFIDF_TFIDF };
typedef struct nnrt_tfidf_params {
    uint32_t mode, least, most, skips, width;
    uint32_t reserved;
} nnrt_tfidf_params;
/* Sequences and optionals are u8 [bytes], see sequence.c. seq_construct: tensors of dtype... -> sequence (absent: an optional
 * without a value). seq_at: sequence, position (i32, i64; negative from the end) -> tensor of dtype, of the element's shape. */
typedef struct nnrt_sequence_params {
    uint32_t dtype, absent;
} nnrt_sequence_params;
/* seq_edit: sequence, tensor, [position] -> with the tensor before position; erase: sequence, [position] -> without that element. */
typedef struct nnrt_seq_edit_params {
    uint32_t erase, reserved;
} nnrt_seq_edit_params;
/* seq_length: sequence -> i64 scalar; present: bool scalar, false for an optional without a value. */
typedef struct nnrt_seq_length_params {
    uint32_t present, reserved;
} nnrt_seq_length_params;
/* seq_split: x any, [lengths (list) or length of all parts (scalar), i32 or i64] -> sequence of parts along axis, of one index each
 * when not given: then without the axis unless keepdims. */
typedef struct nnrt_seq_split_params {
    int32_t axis;
    uint32_t keepdims;
} nnrt_seq_split_params;
/* seq_concat: sequence -> tensor of dtype, joined along axis (negative: from the end), or along a new axis there. */
typedef struct nnrt_seq_concat_params {
    uint32_t dtype;
    int32_t axis;
    uint32_t new_axis, reserved;
} nnrt_seq_concat_params;
/* callback: x any -> (no output). The session's callback gets a view of x. */
typedef struct nnrt_callback_params {
    uint32_t tag;
} nnrt_callback_params;


/* quantize_linear: x f32, scale f32 [1], one per index of the axis, or with block > 0 of x's shape with dim `axis` cut into
 * blocks; [zero of `dtype`, shaped alike] -> y of `dtype`: u8 i8 u16 i16 u4 i4 u2 i2 float8 float4.
 * y = saturate(round(x / scale) + zero); float8 and float4: x / scale rounded to the type, zero is not read. */
typedef struct nnrt_quantize_linear_params {
    int32_t axis;       /* -1: per tensor */
    uint32_t block;     /* elements of the axis that share a scale; 0: one scale per index */
    uint32_t dtype;
    uint32_t saturate;  /* float8: out of range gives the largest number, not infinity or NaN */
    uint32_t precision; /* type of the quotient: NNRT_F32, NNRT_F16 or NNRT_BF16 */
} nnrt_quantize_linear_params;

/* dequantize_linear: x as above or i32, scale, [zero of x's type] -> y f32 = (x - zero) * scale. */
typedef struct nnrt_dequantize_linear_params {
    int32_t axis;
    uint32_t block;
} nnrt_dequantize_linear_params;

/* dynamic_quantize: x f32 -> y u8, scale f32 [], zero u8 []: the grid of 0..255 over x's range and 0. A range of 0 has
 * scale 1. NaN is not part of the range. No params. */

/* matmul_integer: a, b u8 or i8 (numpy matmul) -> y i32 = sum (a - za)(b - zb), wrapping. Zero points: one, one per row of a
 * (column of b), or one per row (column) of every matrix of the operand. */
typedef struct nnrt_matmul_integer_params {
    uint32_t has_za, has_zb; /* inputs 2.., in this order */
} nnrt_matmul_integer_params;

/* conv_integer: x [N,C,...], w [M,C/groups,...] u8 or i8, 1 to 3 spatial dims -> y i32, wrapping. Padding reads the zero
 * point. zw: one, or one per output channel. */
typedef struct nnrt_conv_integer_params {
    uint32_t spatial, groups;
    uint32_t stride[3], dilation[3];
    uint32_t pad_begin[3], pad_end[3];
    uint32_t auto_pad;       /* 0 explicit, 1 SAME_UPPER, 2 SAME_LOWER */
    uint32_t has_zx, has_zw; /* inputs 2.., in this order */
} nnrt_conv_integer_params;

/* requantize: acc i32, sa f32 [1], sb f32 [1] or one per index of the axis, sy f32 [1], zy i32 [1], [bias i32 of as many as
 * the axis has] -> y u8 or i8 = saturate(round((float)(acc + bias) * ((sa * sb) / sy)) + zy). */
typedef struct nnrt_requantize_params {
    int32_t axis; /* of sb and bias */
    uint32_t dtype;
    uint32_t has_bias;
} nnrt_requantize_params;

/* gemm_q8_zero: as gemm_q8, for weights w - zw: acc0 holds bias - zx*sum(w) + K*zx*zw. */
typedef struct nnrt_gemm_q8_zero_params {
    uint32_t k, n;
    int32_t zw;
    nnrt_q8_epilogue epilogue;
} nnrt_gemm_q8_zero_params;

/* gemm_dynamic: x u8 [..., K], sx f32 [1], zx u8 [1], w packed (one tap), sum i32 [Npad] = sum over k of w, sw f32 [Npad],
 * [bias f32 [Npad]] -> y f32 [..., N] = clamp((float)(sum (x - zx)(w - zw)) * (sx * sw) + bias). */
typedef struct nnrt_gemm_dynamic_params {
    uint32_t k, n;
    int32_t zw;
    uint32_t has_bias;
    nnrt_clamp clamp;
} nnrt_gemm_dynamic_params;

#include "runtime_int8/ops/params_move.h"

#endif
