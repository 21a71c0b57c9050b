/* Generated models for tests: small float networks with BatchNormalization and random weights, from
 * a seed. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_OPS_GEN_GRAPHS_H
#define NNC_TESTS_OPS_GEN_GRAPHS_H

#include "base/rng.h"
#include "graph/graph.h"

/* Builder with a sticky status: after a failure every call gives NNC_ID_NONE. */
typedef struct nnc_gen {
    nnc_graph *graph;
    nnc_rng rng;
    nnc_status status;
    unsigned layers;
} nnc_gen;

void nnc_gen_init(nnc_gen *g, uint64_t seed);
/* Infers shapes, verifies, and hands the graph over; NULL when anything failed (nnc_error_message
 * tells what). */
nnc_graph *nnc_gen_finish(nnc_gen *g);

/* dims[0] < 0: a named symbol "N". */
nnc_value_id nnc_gen_input(nnc_gen *g, const char *name, nnc_dtype dtype, uint32_t rank,
                           const int64_t *dims);
void nnc_gen_output(nnc_gen *g, nnc_value_id value, const char *name);
/* Constants: normal numbers times `scale`, a filled list, integers. */
nnc_value_id nnc_gen_weight(nnc_gen *g, const char *name, uint32_t rank, const int64_t *dims,
                            float scale);
nnc_value_id nnc_gen_floats(nnc_gen *g, const char *name, uint32_t rank, const int64_t *dims,
                            const float *data);
nnc_value_id nnc_gen_ints(nnc_gen *g, const char *name, const int64_t *data, size_t n);
nnc_value_id nnc_gen_scalar(nnc_gen *g, const char *name, float value);

/* A bound node of the default domain with one output; name "<op>_<n>". */
nnc_value_id nnc_gen_op(nnc_gen *g, const char *op, const nnc_value_id *inputs, uint32_t count);
nnc_value_id nnc_gen_op1(nnc_gen *g, const char *op, nnc_value_id x);
nnc_value_id nnc_gen_op2(nnc_gen *g, const char *op, nnc_value_id a, nnc_value_id b);
/* Producer of a value, for attributes. */
nnc_node_id nnc_gen_node(const nnc_gen *g, nnc_value_id value);
void nnc_gen_set_int(nnc_gen *g, nnc_value_id value, const char *name, int64_t i);
void nnc_gen_set_ints(nnc_gen *g, nnc_value_id value, const char *name, const int64_t *data,
                      size_t n);
void nnc_gen_set_float(nnc_gen *g, nnc_value_id value, const char *name, float f);
void nnc_gen_set_string(nnc_gen *g, nnc_value_id value, const char *name, const char *s);

/* Square convolution, "same" padding; groups == channels: depthwise. With bias if `bias`. */
nnc_value_id nnc_gen_conv(nnc_gen *g, nnc_value_id x, int64_t channels, int64_t out, int64_t kernel,
                          int64_t stride, int64_t groups, bool bias);
nnc_value_id nnc_gen_batchnorm(nnc_gen *g, nnc_value_id x, int64_t channels);
/* QuantizeLinear and DequantizeLinear on a per-tensor grid of `dtype`. */
nnc_value_id nnc_gen_quantize(nnc_gen *g, nnc_value_id x, float scale, int32_t zero,
                              nnc_dtype dtype);
nnc_value_id nnc_gen_dequantize(nnc_gen *g, nnc_value_id q, float scale, int32_t zero,
                                nnc_dtype dtype);

/* Whole models. batch < 0: symbolic "N". Inputs "x" [batch,3,32,32] (detector 64). NULL on failure.
 */
nnc_graph *
nnc_gen_resnet(uint64_t seed,
               int64_t batch); /* residual blocks, one with a projection; "logits" [batch,10] */
nnc_graph *
nnc_gen_mobilenet(uint64_t seed,
                  int64_t batch); /* depthwise, ReLU6, inverted residual; "probs" [batch,10] */
/* HardSwish, squeeze-excitation, Resize, Concat, MaxPool; "boxes" [batch,320,4], "scores"
 * [batch,320,3]. */
nnc_graph *nnc_gen_detector(uint64_t seed, int64_t batch);

#endif
