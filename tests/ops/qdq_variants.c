/* Two quantized blocks in the forms in which exporters write them. SPDX-License-Identifier:
 * Apache-2.0 */
#include "ops/qdq_variants.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "ops/gen_graphs.h"
#include "nnrt.h"
#include "passes/pass.h"

#define CHANNELS 32
#define WIDTH 128

const qdq_variant qdq_conv_variants[] = {
    {.name = "canonical"},
    {.name = "s8 activations", .activation = NNC_DTYPE_INT8},
    {.name = "bias on another scale", .bias = QDQ_BIAS_OTHER_SCALE},
    {.name = "float bias", .bias = QDQ_BIAS_FLOAT},
    {.name = "one weight scale", .weight = QDQ_WEIGHT_TENSOR},
    {.name = "u8 weights", .weight = QDQ_WEIGHT_U8},
    {.name = "weights quantized in the graph", .weight = QDQ_WEIGHT_FLOAT},
    {.name = "no output grid", .no_output_grid = true, .more = "dequantize binary"},
    {.name = "no grid before the Add", .no_inner_grid = true},
    {.name = "a pair per reader", .per_user = true},
    {.name = "Relu behind its grid", .relu_behind_grid = true, .more = "lut_u8"},
    {.name = "Clip", .clip = true},
    {.name = "MaxPool", .moved = QDQ_MOVED_MAXPOOL, .more = "maxpool"},
    {.name = "MaxPool between grids",
     .like = "MaxPool",
     .moved = QDQ_MOVED_MAXPOOL,
     .grid_behind_moved = true},
    {.name = "Transpose", .moved = QDQ_MOVED_TRANSPOSE, .more = "transpose transpose"},
    {.name = "Transpose between grids",
     .like = "Transpose",
     .moved = QDQ_MOVED_TRANSPOSE,
     .grid_behind_moved = true},
    {.name = "Reshape", .moved = QDQ_MOVED_RESHAPE, .more = "reshape transpose"},
    {.name = "Reshape between grids",
     .like = "Reshape",
     .moved = QDQ_MOVED_RESHAPE,
     .grid_behind_moved = true},
    {.name = "Concat", .moved = QDQ_MOVED_CONCAT, .more = "concat slice transpose"},
    {.name = "Concat between grids",
     .like = "Concat",
     .moved = QDQ_MOVED_CONCAT,
     .grid_behind_moved = true},
    {0},
};

const qdq_variant qdq_matmul_variants[] = {
    {.name = "canonical"},
    {.name = "s8 activations", .activation = NNC_DTYPE_INT8},
    {.name = "bias on another scale", .bias = QDQ_BIAS_OTHER_SCALE},
    {.name = "float bias", .bias = QDQ_BIAS_FLOAT},
    {.name = "one weight scale", .weight = QDQ_WEIGHT_TENSOR},
    {.name = "u8 weights", .weight = QDQ_WEIGHT_U8},
    {.name = "weights quantized in the graph", .weight = QDQ_WEIGHT_FLOAT},
    {.name = "Transpose behind the weight's DQ", .weight = QDQ_WEIGHT_TRANSPOSED},
    {.name = "Transpose before the weight's DQ", .weight = QDQ_WEIGHT_MOVED},
    {.name = "transB", .trans_b = true},
    {.name = "MatMul and Add", .matmul_add = true},
    {.name = "MatMul and Add, float bias", .matmul_add = true, .bias = QDQ_BIAS_FLOAT},
    {.name = "MatMul and Add, transposed", .matmul_add = true, .weight = QDQ_WEIGHT_TRANSPOSED},
    {.name = "no output grid", .no_output_grid = true, .more = "dequantize binary"},
    {.name = "no grid before the Add", .no_inner_grid = true},
    {.name = "a pair per reader", .per_user = true},
    {.name = "Relu behind its grid", .relu_behind_grid = true, .more = "lut_u8"},
    {.name = "Clip", .clip = true},
    {.name = "Reshape", .moved = QDQ_MOVED_RESHAPE, .more = "reshape"},
    {.name = "Reshape between grids",
     .like = "Reshape",
     .moved = QDQ_MOVED_RESHAPE,
     .grid_behind_moved = true},
    {.name = "Transpose", .moved = QDQ_MOVED_TRANSPOSE, .more = "transpose"},
    {.name = "Transpose between grids",
     .like = "Transpose",
     .moved = QDQ_MOVED_TRANSPOSE,
     .grid_behind_moved = true},
    {.name = "Concat", .moved = QDQ_MOVED_CONCAT, .more = "concat slice"},
    {.name = "Concat between grids",
     .like = "Concat",
     .moved = QDQ_MOVED_CONCAT,
     .grid_behind_moved = true},
    {0},
};

/* ---- grids ---- */

typedef struct grid {
    float scale;
    int32_t zero; /* of u8 */
} grid;

static const grid input_grid = {0.02f, 117}, middle_grid = {0.025f, 0}, product_grid = {0.03f, 131},
                  sum_grid = {0.04f, 122};

static nnc_dtype type_of(const qdq_variant *v)
{
    return v->activation ? v->activation : NNC_DTYPE_UINT8;
}

static nnc_value_id pair(nnc_gen *g, const qdq_variant *v, nnc_value_id x, grid q)
{
    nnc_dtype dtype = type_of(v);
    int32_t zero = dtype == NNC_DTYPE_INT8 || dtype == NNC_DTYPE_INT16 ? q.zero - 128 : q.zero;
    return nnc_gen_dequantize(g, nnc_gen_quantize(g, x, q.scale, zero, dtype), q.scale, zero,
                              dtype);
}

/* A second pair on the same value, for another reader. */
static nnc_value_id again(nnc_gen *g, const qdq_variant *v, nnc_value_id raw, nnc_value_id on_grid,
                          grid q)
{
    return v->per_user ? pair(g, v, raw, q) : on_grid;
}

/* ---- weights ---- */

/* A constant DequantizeLinear of `dtype`: integers of `rank` dims, `count` scales along `axis`. */
static nnc_value_id stored(nnc_gen *g, const char *name, nnc_dtype dtype, const nnc_shape *shape,
                           const float *scales, size_t count, int64_t axis,
                           const nnc_tensor *integers)
{
    const int64_t dims[1] = {(int64_t)count};
    nnc_shape list = nnc_shape_make(count > 1 ? 1 : 0, dims);
    nnc_tensor zero = {0};
    nnc_value_id in[3];
    (void)shape;
    if (nnc_graph_add_const(&in[0], g->graph, name, integers) != NNC_OK ||
        nnc_tensor_create(&zero, dtype, &list) != NNC_OK) {
        return NNC_ID_NONE;
    }
    for (size_t i = 0; dtype == NNC_DTYPE_UINT8 && i < count; i++) {
        ((uint8_t *)nnc_tensor_data(&zero))[i] = 128;
    }
    in[1] = nnc_gen_floats(g, "w_scale", list.rank, dims, scales);
    nnc_status status = nnc_graph_add_const(&in[2], g->graph, "w_zero_point", &zero);
    nnc_tensor_deinit(&zero);
    nnc_value_id y = status == NNC_OK ? nnc_gen_op(g, "DequantizeLinear", in, 3) : NNC_ID_NONE;
    nnc_gen_set_int(g, y, "axis", axis);
    return y;
}

/* Random integers; one channel along `axis` in four is a little larger than the others. */
static nnc_status random_integers(nnc_tensor *out, nnc_gen *g, nnc_dtype dtype,
                                  const nnc_shape *shape)
{
    NNC_TRY(nnc_tensor_create(out, dtype, shape));
    for (size_t i = 0; i < nnc_tensor_count(out); i++) {
        int q = (int)nnc_rng_below(&g->rng, 161) - 80;
        ((uint8_t *)nnc_tensor_data(out))[i] = (uint8_t)(dtype == NNC_DTYPE_UINT8 ? q + 128 : q);
    }
    return NNC_OK;
}

static nnc_value_id quantized_in_graph(nnc_gen *g, const nnc_shape *shape, const float *scales,
                                       size_t count, int64_t axis)
{
    const int64_t dims[1] = {(int64_t)count};
    nnc_shape list = nnc_shape_make(1, dims);
    nnc_tensor zero = {0};
    nnc_value_id in[3], back[3];
    in[0] = nnc_gen_weight(g, "w", shape->rank, shape->dims, 0.1f);
    in[1] = nnc_gen_floats(g, "w_scale", 1, dims, scales);
    if (nnc_tensor_create(&zero, NNC_DTYPE_INT8, &list) != NNC_OK ||
        nnc_graph_add_const(&in[2], g->graph, "w_zero_point", &zero) != NNC_OK) {
        return NNC_ID_NONE;
    }
    nnc_tensor_deinit(&zero);
    back[0] = nnc_gen_op(g, "QuantizeLinear", in, 3);
    nnc_gen_set_int(g, back[0], "axis", axis);
    back[1] = in[1];
    back[2] = in[2];
    nnc_value_id y = nnc_gen_op(g, "DequantizeLinear", back, 3);
    nnc_gen_set_int(g, y, "axis", axis);
    return y;
}

/* The weight of a product with `count` output channels along `axis` of `shape`. */
static nnc_value_id weight(nnc_gen *g, const qdq_variant *v, const nnc_shape *shape, int64_t axis)
{
    size_t channels = (size_t)shape->dims[axis];
    bool one = v->weight == QDQ_WEIGHT_TENSOR || v->weight == QDQ_WEIGHT_U8;
    bool turned = v->weight == QDQ_WEIGHT_TRANSPOSED || v->weight == QDQ_WEIGHT_MOVED;
    nnc_dtype dtype = v->weight == QDQ_WEIGHT_U8 ? NNC_DTYPE_UINT8 : NNC_DTYPE_INT8;
    float scales[WIDTH];
    nnc_tensor t = {0};
    for (size_t c = 0; c < channels; c++) {
        scales[c] = 0.0015f + 0.0001f * (float)(c % 7);
    }
    if (v->weight == QDQ_WEIGHT_FLOAT) {
        return quantized_in_graph(g, shape, scales, channels, axis);
    }
    nnc_shape own = *shape;
    if (turned) {
        own.dims[0] = shape->dims[1];
        own.dims[1] = shape->dims[0];
        axis = 1 - axis;
    }
    if (random_integers(&t, g, dtype, &own) != NNC_OK) {
        return NNC_ID_NONE;
    }
    nnc_value_id y;
    if (v->weight == QDQ_WEIGHT_MOVED) {
        nnc_value_id raw;
        nnc_status status = nnc_graph_add_const(&raw, g->graph, "w", &t);
        nnc_value_id moved = status == NNC_OK ? nnc_gen_op1(g, "Transpose", raw) : NNC_ID_NONE;
        const int64_t dims[1] = {(int64_t)channels};
        const nnc_value_id in[2] = {moved, nnc_gen_floats(g, "w_scale", 1, dims, scales)};
        y = nnc_gen_op(g, "DequantizeLinear", in, 2);
        nnc_gen_set_int(g, y, "axis", 1 - axis);
    } else {
        y = stored(g, "w", dtype, &own, scales, one ? 1 : channels, axis, &t);
        y = turned ? nnc_gen_op1(g, "Transpose", y) : y;
    }
    nnc_tensor_deinit(&t);
    return y;
}

static nnc_value_id bias(nnc_gen *g, const qdq_variant *v, size_t channels, grid x)
{
    const int64_t dims[1] = {(int64_t)channels};
    float scales[WIDTH], reals[WIDTH];
    nnc_shape list = nnc_shape_make(1, dims);
    nnc_tensor t = {0};
    nnc_value_id in[2];
    bool one = v->weight == QDQ_WEIGHT_TENSOR || v->weight == QDQ_WEIGHT_U8;
    for (size_t c = 0; c < channels; c++) {
        scales[c] = x.scale * (0.0015f + 0.0001f * (float)(c % 7));
        scales[c] *= v->bias == QDQ_BIAS_OTHER_SCALE ? 1.37f : 1.0f;
        reals[c] = 0.3f * nnc_rng_normal(&g->rng);
    }
    if (v->bias == QDQ_BIAS_FLOAT) {
        return nnc_gen_floats(g, "bias", 1, dims, reals);
    }
    if (nnc_tensor_create(&t, NNC_DTYPE_INT32, &list) != NNC_OK) {
        return NNC_ID_NONE;
    }
    for (size_t c = 0; c < channels; c++) {
        ((int32_t *)nnc_tensor_data(&t))[c] = (int32_t)lrintf(reals[c] / scales[one ? 0 : c]);
    }
    nnc_status status = nnc_graph_add_const(&in[0], g->graph, "bias", &t);
    nnc_tensor_deinit(&t);
    in[1] = nnc_gen_floats(g, "bias_scale", one ? 0 : 1, dims, scales);
    nnc_value_id y = status == NNC_OK ? nnc_gen_op(g, "DequantizeLinear", in, 2) : NNC_ID_NONE;
    nnc_gen_set_int(g, y, "axis", 0);
    return y;
}

/* ---- blocks ---- */

static nnc_value_id conv(nnc_gen *g, const qdq_variant *v, nnc_value_id x, grid q, int64_t kernel)
{
    const int64_t dims[4] = {CHANNELS, CHANNELS, kernel, kernel}, pad = kernel / 2;
    const int64_t pads[4] = {pad, pad, pad, pad};
    nnc_shape shape = nnc_shape_make(4, dims);
    const nnc_value_id in[3] = {x, weight(g, v, &shape, 0), bias(g, v, CHANNELS, q)};
    nnc_value_id y = nnc_gen_op(g, "Conv", in, 3);
    nnc_gen_set_ints(g, y, "pads", pads, 4);
    return y;
}

static nnc_value_id gemm(nnc_gen *g, const qdq_variant *v, nnc_value_id x, grid q)
{
    const int64_t dims[2] = {WIDTH, WIDTH};
    nnc_shape shape = nnc_shape_make(2, dims);
    nnc_value_id w = weight(g, v, &shape, v->trans_b ? 0 : 1), b = bias(g, v, WIDTH, q);
    if (v->matmul_add) {
        return nnc_gen_op2(g, "Add", nnc_gen_op2(g, "MatMul", x, w), b);
    }
    const nnc_value_id in[3] = {x, w, b};
    nnc_value_id y = nnc_gen_op(g, "Gemm", in, 3);
    nnc_gen_set_int(g, y, "transB", v->trans_b);
    return y;
}

static nnc_value_id product(nnc_gen *g, const qdq_variant *v, nnc_value_id x, grid q,
                            int64_t kernel)
{
    return kernel ? conv(g, v, x, q, kernel) : gemm(g, v, x, q);
}

static nnc_value_id clamp(nnc_gen *g, const qdq_variant *v, nnc_value_id x)
{
    if (!v->clip) {
        return nnc_gen_op1(g, "Relu", x);
    }
    const nnc_value_id in[3] = {x, nnc_gen_scalar(g, "lo", 0.0f), nnc_gen_scalar(g, "hi", 6.0f)};
    return nnc_gen_op(g, "Clip", in, 3);
}

/* The op in front of the block; x is on its grid. */
static nnc_value_id moved(nnc_gen *g, const qdq_variant *v, nnc_value_id x, int64_t size,
                          bool image)
{
    const int64_t perm[4] = {0, 1, 3, 2}, one[4] = {1, 1, 1, 1}, kernel[2] = {3, 3};
    const int64_t to[4] = {1, CHANNELS, size, size}, flat[2] = {size, WIDTH};
    const int64_t start[1] = {0}, end[1] = {image ? CHANNELS : size}, axis[1] = {image ? 1 : 0};
    nnc_value_id y = x;
    switch (v->moved) {
    case QDQ_MOVED_MAXPOOL:
        y = nnc_gen_op1(g, "MaxPool", x);
        nnc_gen_set_ints(g, y, "kernel_shape", kernel, 2);
        nnc_gen_set_ints(g, y, "pads", one, 4);
        break;
    case QDQ_MOVED_TRANSPOSE:
        y = nnc_gen_op1(g, "Transpose", x);
        if (image) {
            nnc_gen_set_ints(g, y, "perm", perm, 4);
        }
        break;
    case QDQ_MOVED_RESHAPE:
        y = nnc_gen_op2(g, "Reshape", x, nnc_gen_ints(g, "to", image ? to : flat, image ? 4 : 2));
        break;
    case QDQ_MOVED_CONCAT: {
        y = nnc_gen_op2(g, "Concat", x, x);
        nnc_gen_set_int(g, y, "axis", axis[0]);
        y = v->grid_behind_moved ? pair(g, v, y, input_grid) : y;
        const nnc_value_id in[4] = {y, nnc_gen_ints(g, "start", start, 1),
                                    nnc_gen_ints(g, "end", end, 1),
                                    nnc_gen_ints(g, "axes", axis, 1)};
        y = nnc_gen_op(g, "Slice", in, 4);
        break;
    }
    default:
        return x;
    }
    return v->grid_behind_moved ? pair(g, v, y, input_grid) : y;
}

static nnc_value_id block_input(nnc_gen *g, const qdq_variant *v, int64_t size, bool image)
{
    const int64_t plain[4] = {1, CHANNELS, size, size}, rows[3] = {size, WIDTH, 0};
    const int64_t flat[3] = {1, CHANNELS, size * size}, deep[3] = {1, size, WIDTH},
                  turned[2] = {WIDTH, size};
    bool reshape = v->moved == QDQ_MOVED_RESHAPE, turn = v->moved == QDQ_MOVED_TRANSPOSE;
    if (image) {
        return nnc_gen_input(g, "x", NNC_DTYPE_FLOAT, reshape ? 3 : 4, reshape ? flat : plain);
    }
    return nnc_gen_input(g, "x", NNC_DTYPE_FLOAT, reshape ? 3 : 2,
                         reshape ? deep
                         : turn  ? turned
                                 : rows);
}

static nnc_graph *block(const qdq_variant *v, int64_t size, bool image)
{
    nnc_gen gen, *g = &gen;
    nnc_gen_init(g, 7);
    /* The Relu makes a value inside of the block, whose grid every form can have. */
    nnc_value_id raw = nnc_gen_op1(g, "Tanh", block_input(g, v, size, image));
    nnc_value_id x = pair(g, v, raw, input_grid);
    nnc_value_id a = moved(g, v, x, size, image);
    nnc_value_id other = v->moved ? a : again(g, v, raw, x, input_grid);
    nnc_value_id m = product(g, v, a, input_grid, image ? 3 : 0);
    m = v->relu_behind_grid ? pair(g, v, m, product_grid) : m;
    m = pair(g, v, clamp(g, v, m), middle_grid);
    nnc_value_id p = product(g, v, m, middle_grid, image ? 1 : 0);
    p = v->no_inner_grid ? p : pair(g, v, p, product_grid);
    nnc_value_id y = nnc_gen_op2(g, "Add", p, other);
    y = v->no_output_grid ? y : pair(g, v, y, sum_grid);
    nnc_gen_output(g, y, "y");
    nnc_graph *graph = nnc_gen_finish(g);
    nnc_pass_ctx ctx = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    if (graph && nnc_passes_prepare(graph, &ctx) != NNC_OK) {
        nnc_graph_destroy(graph);
        return NULL;
    }
    return graph;
}

nnc_graph *qdq_conv_block(const qdq_variant *variant, int64_t size)
{
    return block(variant, size, true);
}

nnc_graph *qdq_matmul_block(const qdq_variant *variant, int64_t size)
{
    return block(variant, size, false);
}
