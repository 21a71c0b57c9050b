/* Generated models for tests. SPDX-License-Identifier: Apache-2.0 */
#include "ops/gen_graphs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/op.h"

void nnc_gen_init(nnc_gen *g, uint64_t seed)
{
    memset(g, 0, sizeof *g);
    nnc_rng_init(&g->rng, seed, 0);
    g->status = nnc_graph_create(&g->graph);
}

nnc_graph *nnc_gen_finish(nnc_gen *g)
{
    if (g->status == NNC_OK) {
        g->status = nnc_graph_infer(g->graph, NULL);
    }
    if (g->status == NNC_OK) {
        g->status = nnc_graph_verify(g->graph);
    }
    if (g->status != NNC_OK) {
        nnc_graph_destroy(g->graph);
        g->graph = NULL;
    }
    return g->graph;
}

static bool failed(nnc_gen *g, nnc_status status)
{
    g->status = g->status == NNC_OK ? status : g->status;
    return g->status != NNC_OK;
}

nnc_value_id nnc_gen_input(nnc_gen *g, const char *name, nnc_dtype dtype, uint32_t rank,
                           const int64_t *dims)
{
    nnc_value_id v = NNC_ID_NONE;
    nnc_shape shape = nnc_shape_make(rank, dims);
    if (failed(g, NNC_OK)) {
        return v;
    }
    if (rank > 0 && dims[0] < 0 && failed(g, nnc_graph_symbol(&shape.dims[0], g->graph, "N"))) {
        return v;
    }
    if (!failed(g, nnc_graph_add_value(&v, g->graph, name, NNC_VALUE_INPUT, dtype, &shape))) {
        failed(g, nnc_graph_add_input(g->graph, v));
    }
    return v;
}

void nnc_gen_output(nnc_gen *g, nnc_value_id value, const char *name)
{
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_graph_add_output(g->graph, value, name));
    }
}

nnc_value_id nnc_gen_floats(nnc_gen *g, const char *name, uint32_t rank, const int64_t *dims,
                            const float *data)
{
    nnc_value_id v = NNC_ID_NONE;
    nnc_shape shape = nnc_shape_make(rank, dims);
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_graph_add_const_f32(&v, g->graph, name, data, &shape));
    }
    return v;
}

nnc_value_id nnc_gen_weight(nnc_gen *g, const char *name, uint32_t rank, const int64_t *dims,
                            float scale)
{
    size_t count = 1;
    for (uint32_t d = 0; d < rank; d++) {
        count *= (size_t)dims[d];
    }
    float *data = nnc_calloc(count, sizeof *data);
    if (failed(g, data ? NNC_OK : NNC_ERR_LIMIT)) {
        nnc_free(data);
        return NNC_ID_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        data[i] = nnc_rng_normal(&g->rng) * scale;
    }
    nnc_value_id v = nnc_gen_floats(g, name, rank, dims, data);
    nnc_free(data);
    return v;
}

nnc_value_id nnc_gen_ints(nnc_gen *g, const char *name, const int64_t *data, size_t n)
{
    nnc_value_id v = NNC_ID_NONE;
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_graph_add_const_i64(&v, g->graph, name, data, n, false));
    }
    return v;
}

nnc_value_id nnc_gen_scalar(nnc_gen *g, const char *name, float value)
{
    const int64_t none[1] = {0};
    return nnc_gen_floats(g, name, 0, none, &value);
}

nnc_value_id nnc_gen_op(nnc_gen *g, const char *op, const nnc_value_id *inputs, uint32_t count)
{
    nnc_value_id y = NNC_ID_NONE;
    nnc_node_id node;
    char name[64], out[80];
    snprintf(name, sizeof name, "%s_%u", op, g->layers++);
    snprintf(out, sizeof out, "%s_y", name);
    if (failed(g, NNC_OK) ||
        failed(g,
               nnc_graph_add_value(&y, g->graph, out, NNC_VALUE_TEMP, NNC_DTYPE_UNDEFINED, NULL)) ||
        failed(g, nnc_graph_add_node(&node, g->graph, name, "", op, inputs, count, &y, 1))) {
        return NNC_ID_NONE;
    }
    /* Bound without validation: attributes come after; nnc_gen_finish infers and so checks. */
    nnc_graph_node(g->graph, node)->op = nnc_op_find("", op);
    return y;
}

nnc_value_id nnc_gen_op1(nnc_gen *g, const char *op, nnc_value_id x)
{
    return nnc_gen_op(g, op, &x, 1);
}

nnc_value_id nnc_gen_op2(nnc_gen *g, const char *op, nnc_value_id a, nnc_value_id b)
{
    const nnc_value_id in[2] = {a, b};
    return nnc_gen_op(g, op, in, 2);
}

nnc_node_id nnc_gen_node(const nnc_gen *g, nnc_value_id value)
{
    return g->status == NNC_OK ? nnc_graph_value_const(g->graph, value)->producer : NNC_ID_NONE;
}

void nnc_gen_set_int(nnc_gen *g, nnc_value_id value, const char *name, int64_t i)
{
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_node_set_int(g->graph, nnc_gen_node(g, value), name, i));
    }
}

void nnc_gen_set_ints(nnc_gen *g, nnc_value_id value, const char *name, const int64_t *data,
                      size_t n)
{
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_node_set_ints(g->graph, nnc_gen_node(g, value), name, data, n));
    }
}

void nnc_gen_set_float(nnc_gen *g, nnc_value_id value, const char *name, float f)
{
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_node_set_float(g->graph, nnc_gen_node(g, value), name, f));
    }
}

void nnc_gen_set_string(nnc_gen *g, nnc_value_id value, const char *name, const char *s)
{
    if (!failed(g, NNC_OK)) {
        failed(g, nnc_node_set_string(g->graph, nnc_gen_node(g, value), name, s));
    }
}

nnc_value_id nnc_gen_conv(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out, int64_t kernel,
                          int64_t stride, int64_t groups, bool bias)
{
    char name[64];
    const int64_t dims[4] = {out, channels / groups, kernel, kernel};
    const int64_t pad = kernel / 2, pads[4] = {pad, pad, pad, pad};
    const int64_t strides[2] = {stride, stride}, shape[2] = {kernel, kernel};
    float scale = sqrtf(2.0f / (float)(dims[1] * kernel * kernel));
    snprintf(name, sizeof name, "w%u", g->layers);
    nnc_value_id in[3] = {x, nnc_gen_weight(g, name, 4, dims, scale), NNC_ID_NONE};
    if (bias) {
        snprintf(name, sizeof name, "b%u", g->layers);
        in[2] = nnc_gen_weight(g, name, 1, dims, 0.1f);
    }
    nnc_value_id y = nnc_gen_op(g, "Conv", in, bias ? 3 : 2);
    nnc_gen_set_ints(g, y, "kernel_shape", shape, 2);
    nnc_gen_set_ints(g, y, "pads", pads, 4);
    nnc_gen_set_ints(g, y, "strides", strides, 2);
    nnc_gen_set_int(g, y, "group", groups);
    return y;
}

nnc_value_id nnc_gen_batchnorm(nnc_gen *g, nnc_value_id x, int64_t channels)
{
    static const char *const parts[4] = {"scale", "bias", "mean", "var"};
    nnc_value_id in[5] = {x};
    float *data = nnc_calloc((size_t)channels, sizeof *data);
    if (failed(g, data ? NNC_OK : NNC_ERR_LIMIT)) {
        nnc_free(data);
        return NNC_ID_NONE;
    }
    for (int part = 0; part < 4; part++) {
        char name[64];
        for (int64_t c = 0; c < channels; c++) {
            float u = nnc_rng_uniform(&g->rng);
            data[c] = part == 0 || part == 3 ? 0.5f + u : u - 0.5f;
        }
        snprintf(name, sizeof name, "bn%u_%s", g->layers, parts[part]);
        in[part + 1] = nnc_gen_floats(g, name, 1, &channels, data);
    }
    nnc_free(data);
    return nnc_gen_op(g, "BatchNormalization", in, 5);
}

static nnc_value_id zero_point(nnc_gen *g, int32_t zero, nnc_dtype dtype)
{
    const nnc_shape scalar = {.rank = 0};
    nnc_tensor wide = {0}, t = {0};
    nnc_value_id v = NNC_ID_NONE;
    if (failed(g, nnc_tensor_create_from(&wide, NNC_DTYPE_INT32, &scalar, &zero))) {
        return v;
    }
    if (!failed(g, nnc_tensor_convert(&t, &wide, dtype))) {
        failed(g, nnc_graph_add_const(&v, g->graph, "zero", &t));
    }
    nnc_tensor_deinit(&t);
    nnc_tensor_deinit(&wide);
    return v;
}

nnc_value_id nnc_gen_quantize(nnc_gen *g, nnc_value_id x, float scale, int32_t zero,
                              nnc_dtype dtype)
{
    const nnc_value_id in[3] = {x, nnc_gen_scalar(g, "scale", scale), zero_point(g, zero, dtype)};
    return nnc_gen_op(g, "QuantizeLinear", in, 3);
}

nnc_value_id nnc_gen_dequantize(nnc_gen *g, nnc_value_id q, float scale, int32_t zero,
                                nnc_dtype dtype)
{
    const nnc_value_id in[3] = {q, nnc_gen_scalar(g, "scale", scale), zero_point(g, zero, dtype)};
    return nnc_gen_op(g, "DequantizeLinear", in, 3);
}

/* ---- models ---- */

static nnc_value_id conv_bn(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out,
                            int64_t kernel, int64_t stride, int64_t groups)
{
    nnc_value_id y = nnc_gen_conv(g, x, channels, out, kernel, stride, groups, false);
    return nnc_gen_batchnorm(g, y, out);
}

static nnc_value_id residual_block(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out,
                                   int64_t stride)
{
    nnc_value_id a = nnc_gen_op1(g, "Relu", conv_bn(g, x, channels, out, 3, stride, 1));
    a = conv_bn(g, a, out, out, 3, 1, 1);
    nnc_value_id skip = channels == out ? x : conv_bn(g, x, channels, out, 1, stride, 1);
    return nnc_gen_op1(g, "Relu", nnc_gen_op2(g, "Add", a, skip));
}

nnc_graph *nnc_gen_resnet(uint64_t seed, int64_t batch)
{
    nnc_gen g;
    const int64_t dims[4] = {batch, 3, 32, 32}, w[2] = {10, 32};
    nnc_gen_init(&g, seed);
    nnc_value_id x = nnc_gen_input(&g, "x", NNC_DTYPE_FLOAT, 4, dims);
    x = nnc_gen_op1(&g, "Relu", conv_bn(&g, x, 3, 16, 3, 1, 1));
    x = residual_block(&g, x, 16, 16, 1);
    x = residual_block(&g, x, 16, 32, 2);
    x = nnc_gen_op1(&g, "GlobalAveragePool", x);
    x = nnc_gen_op1(&g, "Flatten", x);
    const nnc_value_id in[3] = {x, nnc_gen_weight(&g, "fc_w", 2, w, 0.2f),
                                nnc_gen_weight(&g, "fc_b", 1, w, 0.1f)};
    nnc_value_id y = nnc_gen_op(&g, "Gemm", in, 3);
    nnc_gen_set_int(&g, y, "transB", 1);
    nnc_gen_output(&g, y, "logits");
    return nnc_gen_finish(&g);
}

static nnc_value_id relu6(nnc_gen *g, nnc_value_id x)
{
    const nnc_value_id in[3] = {x, nnc_gen_scalar(g, "lo", 0.0f), nnc_gen_scalar(g, "hi", 6.0f)};
    return nnc_gen_op(g, "Clip", in, 3);
}

static nnc_value_id inverted_residual(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out,
                                      int64_t stride)
{
    int64_t wide = channels * 2;
    nnc_value_id y = relu6(g, conv_bn(g, x, channels, wide, 1, 1, 1));
    y = relu6(g, conv_bn(g, y, wide, wide, 3, stride, wide));
    y = conv_bn(g, y, wide, out, 1, 1, 1);
    return channels == out && stride == 1 ? nnc_gen_op2(g, "Add", x, y) : y;
}

nnc_graph *nnc_gen_mobilenet(uint64_t seed, int64_t batch)
{
    nnc_gen g;
    const int64_t dims[4] = {batch, 3, 32, 32}, w[2] = {24, 10}, b[1] = {10}, flat[2] = {0, -1};
    nnc_gen_init(&g, seed);
    nnc_value_id x = nnc_gen_input(&g, "x", NNC_DTYPE_FLOAT, 4, dims);
    x = relu6(&g, conv_bn(&g, x, 3, 16, 3, 2, 1));
    x = inverted_residual(&g, x, 16, 16, 1);
    x = inverted_residual(&g, x, 16, 24, 2);
    x = inverted_residual(&g, x, 24, 24, 1);
    x = nnc_gen_op1(&g, "GlobalAveragePool", x);
    x = nnc_gen_op2(&g, "Reshape", x, nnc_gen_ints(&g, "flat", flat, 2));
    x = nnc_gen_op2(&g, "MatMul", x, nnc_gen_weight(&g, "fc_w", 2, w, 0.2f));
    x = nnc_gen_op2(&g, "Add", x, nnc_gen_weight(&g, "fc_b", 1, b, 0.1f));
    nnc_gen_output(&g, nnc_gen_op1(&g, "Softmax", x), "probs");
    return nnc_gen_finish(&g);
}

static nnc_value_id excite(nnc_gen *g, nnc_value_id x, int64_t channels)
{
    nnc_value_id s = nnc_gen_op1(g, "GlobalAveragePool", x);
    s = nnc_gen_op1(g, "Relu", nnc_gen_conv(g, s, channels, channels / 4, 1, 1, 1, true));
    s = nnc_gen_op1(g, "HardSigmoid", nnc_gen_conv(g, s, channels / 4, channels, 1, 1, 1, true));
    return nnc_gen_op2(g, "Mul", x, s);
}

static nnc_value_id upsample(nnc_gen *g, nnc_value_id x)
{
    const int64_t four[1] = {4};
    const float twice[4] = {1, 1, 2, 2};
    const nnc_value_id in[3] = {x, NNC_ID_NONE, nnc_gen_floats(g, "scales", 1, four, twice)};
    nnc_value_id y = nnc_gen_op(g, "Resize", in, 3);
    nnc_gen_set_string(g, y, "mode", "nearest");
    nnc_gen_set_string(g, y, "coordinate_transformation_mode", "asymmetric");
    nnc_gen_set_string(g, y, "nearest_mode", "floor");
    return y;
}

static nnc_value_id concat(nnc_gen *g, nnc_value_id a, nnc_value_id b, int64_t axis)
{
    nnc_value_id y = nnc_gen_op2(g, "Concat", a, b);
    nnc_gen_set_int(g, y, "axis", axis);
    return y;
}

/* [N,k,H,W] -> [N,H*W,k] */
static nnc_value_id head(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out)
{
    const int64_t perm[3] = {0, 2, 1}, shape[3] = {0, out, -1};
    nnc_value_id y = nnc_gen_conv(g, x, channels, out, 3, 1, 1, true);
    y = nnc_gen_op2(g, "Reshape", y, nnc_gen_ints(g, "head_shape", shape, 3));
    y = nnc_gen_op1(g, "Transpose", y);
    nnc_gen_set_ints(g, y, "perm", perm, 3);
    return y;
}

nnc_graph *nnc_gen_detector(uint64_t seed, int64_t batch)
{
    nnc_gen g;
    const int64_t dims[4] = {batch, 3, 64, 64}, kernel[2] = {5, 5}, pads[4] = {2, 2, 2, 2};
    nnc_gen_init(&g, seed);
    nnc_value_id x = nnc_gen_input(&g, "x", NNC_DTYPE_FLOAT, 4, dims);
    x = nnc_gen_op1(&g, "HardSwish", conv_bn(&g, x, 3, 8, 3, 2, 1));
    nnc_value_id fine = nnc_gen_op1(&g, "HardSwish", conv_bn(&g, x, 8, 16, 3, 2, 1));
    nnc_value_id deep = nnc_gen_op1(&g, "HardSwish", conv_bn(&g, fine, 16, 32, 3, 2, 1));
    deep = excite(&g, deep, 32);
    nnc_value_id pooled = nnc_gen_op1(&g, "MaxPool", deep);
    nnc_gen_set_ints(&g, pooled, "kernel_shape", kernel, 2);
    nnc_gen_set_ints(&g, pooled, "pads", pads, 4);
    deep = conv_bn(&g, concat(&g, deep, pooled, 1), 64, 32, 1, 1, 1);
    deep = nnc_gen_op1(&g, "HardSwish", deep);
    nnc_value_id mixed = concat(&g, upsample(&g, deep), fine, 1);
    mixed = nnc_gen_op1(&g, "HardSwish", conv_bn(&g, mixed, 48, 16, 3, 1, 1));
    nnc_value_id boxes = concat(&g, head(&g, mixed, 16, 4), head(&g, deep, 32, 4), 1);
    nnc_value_id scores = concat(&g, head(&g, mixed, 16, 3), head(&g, deep, 32, 3), 1);
    nnc_gen_output(&g, boxes, "boxes");
    nnc_gen_output(&g, nnc_gen_op1(&g, "Sigmoid", scores), "scores");
    return nnc_gen_finish(&g);
}
