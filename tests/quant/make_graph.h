/* Small graphs with pseudo-random weights for tests. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_QUANT_MAKE_GRAPH_H
#define NNC_TESTS_QUANT_MAKE_GRAPH_H

#include <assert.h>
#include <math.h>

#include "base/rng.h"
#include "ops/op.h"

/* Everything here asserts success: a test that cannot build its input cannot go on. */
#define MG_OK(expr) assert_int_equal((expr), NNC_OK)

static inline nnc_value_id mg_input(nnc_graph *g, const char *name, uint32_t rank, const int64_t *dims)
{
    nnc_value_id v;
    nnc_shape shape = nnc_shape_make(rank, dims);
    MG_OK(nnc_graph_add_value(&v, g, name, NNC_VALUE_INPUT, NNC_DTYPE_FLOAT, &shape));
    MG_OK(nnc_graph_add_input(g, v));
    return v;
}

/* One node with one output; the value gets the node's name. */
static inline nnc_value_id mg_node(nnc_graph *g, const char *op, const char *name, const nnc_value_id *in,
                                   uint32_t n)
{
    nnc_value_id y;
    nnc_node_id node;
    MG_OK(nnc_graph_add_value(&y, g, name, NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, NULL));
    MG_OK(nnc_graph_add_node(&node, g, name, "", op, in, n, &y, 1));
    return y;
}

static inline nnc_node_id mg_producer(const nnc_graph *g, nnc_value_id v)
{
    return nnc_graph_value_const(g, v)->producer;
}

/* Normal numbers of standard deviation `sigma`. */
static inline nnc_value_id mg_weight(nnc_graph *g, const char *name, uint32_t rank, const int64_t *dims,
                                     float sigma, uint64_t seed)
{
    nnc_tensor t = {0};
    nnc_shape shape = nnc_shape_make(rank, dims);
    MG_OK(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &shape));
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 0);
    float *w = nnc_tensor_data(&t);
    for (size_t i = 0; i < nnc_tensor_count(&t); i++) {
        w[i] = sigma * nnc_rng_normal(&rng);
    }
    nnc_value_id v;
    MG_OK(nnc_graph_add_const(&v, g, name, &t));
    nnc_tensor_deinit(&t);
    return v;
}

/* k x k convolution with padding k/2 and a bias. */
static inline nnc_value_id mg_conv(nnc_graph *g, const char *name, nnc_value_id x, int64_t in, int64_t out,
                                   int64_t k, int64_t stride, int64_t group, uint64_t seed)
{
    int64_t wd[4] = {out, in / group, k, k}, bd[1] = {out};
    nnc_value_id ids[3] = {x, NNC_ID_NONE, NNC_ID_NONE};
    float sigma = 1.0f / sqrtf((float)(in / group * k * k));
    ids[1] = mg_weight(g, NULL, 4, wd, sigma, seed);
    ids[2] = mg_weight(g, NULL, 1, bd, 0.1f, seed + 1);
    nnc_value_id y = mg_node(g, "Conv", name, ids, 3);
    int64_t pads[4] = {k / 2, k / 2, k / 2, k / 2}, strides[2] = {stride, stride}, kernel[2] = {k, k};
    MG_OK(nnc_node_set_ints(g, mg_producer(g, y), "pads", pads, 4));
    MG_OK(nnc_node_set_ints(g, mg_producer(g, y), "strides", strides, 2));
    MG_OK(nnc_node_set_ints(g, mg_producer(g, y), "kernel_shape", kernel, 2));
    MG_OK(nnc_node_set_int(g, mg_producer(g, y), "group", group));
    return y;
}

static inline nnc_value_id mg_unary(nnc_graph *g, const char *op, const char *name, nnc_value_id x)
{
    return mg_node(g, op, name, &x, 1);
}

static inline nnc_value_id mg_binary(nnc_graph *g, const char *op, const char *name, nnc_value_id a,
                                     nnc_value_id b)
{
    nnc_value_id in[2] = {a, b};
    return mg_node(g, op, name, in, 2);
}

/* Fully connected, x [N, in] -> [N, out], with a bias. */
static inline nnc_value_id mg_gemm(nnc_graph *g, const char *name, nnc_value_id x, int64_t in, int64_t out,
                                   uint64_t seed)
{
    int64_t wd[2] = {out, in}, bd[1] = {out};
    nnc_value_id ids[3] = {x, NNC_ID_NONE, NNC_ID_NONE};
    ids[1] = mg_weight(g, NULL, 2, wd, 1.0f / sqrtf((float)in), seed);
    ids[2] = mg_weight(g, NULL, 1, bd, 0.1f, seed + 1);
    nnc_value_id y = mg_node(g, "Gemm", name, ids, 3);
    MG_OK(nnc_node_set_int(g, mg_producer(g, y), "transB", 1));
    return y;
}

/* Declares the output, binds ops, infers shapes, verifies. */
static inline void mg_finish(nnc_graph *g, nnc_value_id y)
{
    MG_OK(nnc_graph_add_output(g, y, nnc_graph_value_const(g, y)->name));
    for (nnc_node_id i = 0; i < nnc_graph_node_count(g); i++) {
        MG_OK(nnc_node_bind(g, i));
    }
    MG_OK(nnc_graph_infer(g, NULL));
    MG_OK(nnc_graph_verify(g));
}

#endif
