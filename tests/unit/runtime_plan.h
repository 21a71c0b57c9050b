/* A small plan with constants, a branch, in-place, alias, host arithmetic and a variable.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_RUNTIME_PLAN_H
#define NNC_TESTS_RUNTIME_PLAN_H

#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"

static inline uint32_t plan_temp(nnrt_builder *b, const char *name, nnrt_dtype dtype, uint32_t rank)
{
    nnrt_shape any = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        any.dims[i] = NNRT_DIM_UNKNOWN;
    return nnrt_builder_value(b, NNRT_VALUE_TEMP, name, dtype, &any, 0, NULL);
}

#define PLAN_NODE(b, id, name, params, ins, out)                                                   \
    nnrt_builder_node(b, NNRT_ROP_ID_##id, name, params, (params) != NULL ? sizeof *(params) : 0,  \
                      ins, sizeof(ins) / sizeof *(ins), &(out), 1)

/* x [batch,3,8,8] -> q (channels-last u8) -> maxpool -> dequantize -> + bias -> tanh -> reshape by
 * host-known shape ->
 * + variable -> softmax -> y [batch,48]; the callback taps the pooled value. */
static inline void plan_build(void **image, size_t *bytes)
{
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    int64_t batch = nnrt_builder_symbol(b, "batch");
    nnrt_shape xs = {4, {batch, 3, 8, 8}}, none = {.rank = 0}, c3 = {1, {3}}, two = {1, {2}},
               row = {1, {48}}, ys = {2, {batch, 48}};
    const nnrt_plan_quant quant = {0.05f, 128, 0, 255, 1, {0}};
    uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &xs, 0, NULL);
    nnrt_shape any4 = {4, {NNRT_DIM_UNKNOWN, NNRT_DIM_UNKNOWN, NNRT_DIM_UNKNOWN, NNRT_DIM_UNKNOWN}};
    uint32_t q = nnrt_builder_value(b, NNRT_VALUE_TEMP, "q", NNRT_U8, &any4, 1, &quant);
    uint32_t pooled = plan_temp(b, "pooled", NNRT_U8, 4), f = plan_temp(b, "f", NNRT_F32, 4),
             sum = plan_temp(b, "sum", NNRT_F32, 4), t = plan_temp(b, "t", NNRT_F32, 4);
    uint32_t dims = plan_temp(b, "dims", NNRT_I64, 1), rest = plan_temp(b, "rest", NNRT_I64, 1),
             flat = plan_temp(b, "flat", NNRT_F32, 2), added = plan_temp(b, "added", NNRT_F32, 2);
    uint32_t y = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_F32, &ys, 0, NULL);
    const float scale = 0.05f, bias[3] = {0.1f, -0.2f, 0.3f};
    float state[48];
    const int32_t zero = 128;
    const int64_t tail[1] = {-1};
    for (int i = 0; i < 48; i++)
        state[i] = 0.01f * (float)i;
    nnrt_shape one = {1, {1}};
    uint32_t cs = nnrt_builder_const(b, "scale", NNRT_F32, &none, &scale, sizeof scale),
             cz = nnrt_builder_const(b, "zero", NNRT_I32, &none, &zero, sizeof zero);
    uint32_t cb = nnrt_builder_const(b, "bias", NNRT_F32, &c3, bias, sizeof bias),
             ct = nnrt_builder_const(b, "tail", NNRT_I64, &one, tail, sizeof tail);
    uint32_t v = nnrt_builder_variable(b, "state", NNRT_F32, &row, state, sizeof state);
    (void)two;
    nnrt_builder_input(b, x);
    const nnrt_quantize_params qp = {0.05f, 128, 0, 255, 1};
    const nnrt_maxpool_params mp = {{2, {2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 0, 0}};
    const nnrt_dequantize_params dp = {-1};
    const nnrt_binary_params add = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
    const nnrt_unary_params tanh_params = {NNRT_UNARY_TANH, 0, 0};
    const nnrt_shape_params sp = {0, 1};
    const nnrt_axis_params cat = {0};
    const nnrt_reshape_params rp = {0};
    const nnrt_softmax_params soft = {1, 0};
    const nnrt_callback_params tap = {42};
    PLAN_NODE(b, QUANTIZE, "quantize", &qp, ((uint32_t[]){x}), q);
    PLAN_NODE(b, MAXPOOL, "pool", &mp, ((uint32_t[]){q}), pooled);
    nnrt_builder_node(b, NNRT_ROP_ID_CALLBACK, "tap", &tap, sizeof tap, &pooled, 1, NULL, 0);
    PLAN_NODE(b, DEQUANTIZE, "dequantize", &dp, ((uint32_t[]){pooled, cs, cz}), f);
    PLAN_NODE(b, BINARY, "bias", &add, ((uint32_t[]){f, cb}), sum);
    PLAN_NODE(b, UNARY, "tanh", &tanh_params, ((uint32_t[]){sum}), t);
    PLAN_NODE(b, SHAPE, "shape", &sp, ((uint32_t[]){x}), dims);
    PLAN_NODE(b, CONCAT, "concat", &cat, ((uint32_t[]){dims, ct}), rest);
    PLAN_NODE(b, RESHAPE, "reshape", &rp, ((uint32_t[]){t, rest}), flat);
    PLAN_NODE(b, BINARY, "state", &add, ((uint32_t[]){flat, v}), added);
    PLAN_NODE(b, SOFTMAX, "softmax", &soft, ((uint32_t[]){added}), y);
    nnrt_builder_output(b, y, "probabilities");
    nnrt_builder_metadata(b, "SIGN", "preprocess", "none");
    nnrt_builder_metadata(b, "PROV", "source", "test");
    if (nnrt_builder_finish(b, image, bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
}

static inline void plan_input(nnrt_session *session, int64_t batch)
{
    nnrt_shape s = {4, {batch, 3, 8, 8}};
    nnrt_view view;
    if (nnrt_session_reshape(session, &s, 1) != NNRT_OK)
        fail_msg("reshape: %s", nnrt_error_message());
    assert_int_equal(nnrt_session_input(session, 0, &view), NNRT_OK);
    for (size_t i = 0; i < view.bytes / sizeof(float); i++)
        ((float *)view.data)[i] = sinf((float)i * 0.7f) * 4.0f;
}

#endif
