/* One INT8 product as a plan of one node, for tests and benchmarks. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_Q8_MODEL_H
#define NNC_TESTS_Q8_MODEL_H

#include <stdio.h>

#include "kernels/q8_case.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/pack.h"

/* A convolution (h == 0: 1-D) or, with r == 0, a GEMM of n*h*w rows. Padding by auto_pad or pad. */
typedef struct q8_layer {
    uint32_t n, h, w, c_in, c_out, groups;
    uint32_t r, s, sh, sw, dh, dw;
    uint32_t pad[4], auto_pad;
} q8_layer;

/* Everything about a layer; the arrays belong to it. Biases are folded into acc0 as the runtime wants them. */
typedef struct q8_model {
    q8_layer layer;
    uint32_t rop, oh, ow;
    int depthwise;
    nnrt_q8_epilogue epilogue;
    uint32_t top, left;
    size_t x_count, w_count, y_count, channels; /* channels: groups * Np */
    uint8_t *x, *residual;
    int8_t *w;      /* [c_out][c_in/groups][R][S] */
    int32_t *bias;  /* [c_out] */
    float *mult;    /* [channels] */
    void *image;
    nnrt_model *model;
} q8_model;

static inline uint32_t q8_out_size(uint32_t in, uint32_t k, uint32_t stride, uint32_t dilation,
                                   uint32_t begin, uint32_t end, uint32_t auto_pad, uint32_t *before)
{
    const uint32_t reach = (k - 1) * dilation + 1;
    *before = begin;
    if (auto_pad == 0)
        return (in + begin + end - reach) / stride + 1;
    const uint32_t out = (in + stride - 1) / stride;
    const uint32_t need = (out - 1) * stride + reach, total = need > in ? need - in : 0;
    *before = auto_pad == 1 ? total / 2 : total - total / 2;
    return out;
}

static inline nnrt_shape q8_shape(const q8_layer *l, uint32_t h, uint32_t w, uint32_t c)
{
    if (l->h == 0 && l->r != 0)
        return (nnrt_shape){3, {l->n, w, c}};
    return (nnrt_shape){4, {l->n, h, w, c}};
}

/* Weights packed, acc0 from bias and zero point. Returns the three constants' value ids in in[1..3]. */
static inline void q8_add_constants(q8_model *m, nnrt_builder *b, uint32_t in[5], uint32_t pack)
{
    const q8_layer *l = &m->layer;
    const uint32_t r = l->r ? l->r : 1, s = l->s ? l->s : 1, n_group = l->c_out / l->groups;
    const uint32_t np = (uint32_t)(m->channels / (m->depthwise ? 1 : l->groups));
    const size_t per = m->w_count / l->c_out;
    const size_t bytes =
        m->depthwise
            ? nnrt_pack_dwconv_q8_bytes(l->c_out, r, s)
            : nnrt_pack_conv_q8_bytes((nnrt_conv_pack)pack, l->groups, l->c_in, l->c_out, r, s);
    int8_t *packed = nnc_alloc_aligned(bytes);
    int32_t *acc0 = nnc_calloc(m->channels, sizeof(int32_t));
    if (m->depthwise)
        nnrt_pack_dwconv_q8(packed, m->w, l->c_out, r, s);
    else
        nnrt_pack_conv_q8(packed, (nnrt_conv_pack)pack, m->w, l->groups, l->c_in, l->c_out, r, s);
    for (uint32_t o = 0; o < l->c_out; o++) {
        int32_t sum = 0;
        for (size_t k = 0; k < per; k++)
            sum += m->w[o * per + k];
        acc0[m->depthwise ? o : o / n_group * np + o % n_group] =
            m->bias[o] - m->epilogue.zx * sum;
    }
    const nnrt_shape w_shape = {1, {(int64_t)bytes}}, c_shape = {1, {(int64_t)m->channels}};
    in[1] = nnrt_builder_const(b, "w", NNRT_I8, &w_shape, packed, bytes);
    in[2] = nnrt_builder_const(b, "acc0", NNRT_I32, &c_shape, acc0, m->channels * 4);
    in[3] = nnrt_builder_const(b, "mult", NNRT_F32, &c_shape, m->mult, m->channels * 4);
    nnc_free(packed);
    nnc_free(acc0);
}

/* The plan; NULL model with the runtime's message on failure. */
static inline void q8_build(q8_model *m)
{
    const q8_layer *l = &m->layer;
    uint32_t in[5], out;
    size_t bytes = 0;
    nnrt_conv_q8_params conv = {
        .window = {.spatial = l->h ? 2 : 1, .kernel = {l->r, l->s}, .stride = {l->sh, l->sw},
                   .dilation = {l->dh, l->dw}, .auto_pad = l->auto_pad},
        .groups = l->groups, .c_in = l->c_in, .c_out = l->c_out, .epilogue = m->epilogue};
    const nnrt_gemm_q8_params gemm = {l->c_in, l->c_out, m->epilogue};
    memcpy(conv.window.pad, l->pad, sizeof(l->pad));
    if (l->r && !m->depthwise)
        conv.pack = nnrt_conv_q8_pack_mode(&conv.window, l->groups, l->c_in, l->c_out);
    nnrt_builder *b = nnrt_builder_create();
    const nnrt_shape x = q8_shape(l, l->h, l->w, l->c_in), y = q8_shape(l, m->oh, m->ow, l->c_out);
    in[0] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_U8, &x, 0, NULL);
    nnrt_builder_input(b, in[0]);
    q8_add_constants(m, b, in, conv.pack);
    if (m->epilogue.residual) {
        in[4] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "r", NNRT_U8, &y, 0, NULL);
        nnrt_builder_input(b, in[4]);
    }
    out = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", m->epilogue.out ? NNRT_F32 : NNRT_U8, &y, 0,
                             NULL);
    nnrt_builder_node(b, m->rop, "node", l->r ? (const void *)&conv : &gemm,
                      l->r ? sizeof(conv) : sizeof(gemm), in, m->epilogue.residual ? 5 : 4, &out, 1);
    nnrt_builder_output(b, out, "y");
    if (nnrt_builder_finish(b, &m->image, &bytes) == NNC_OK &&
        nnrt_model_load_memory(&m->model, m->image, bytes, NNRT_VERIFY) != NNRT_OK)
        m->model = NULL;
    nnrt_builder_destroy(b);
}

static inline void q8_model_create(q8_model *m, const q8_layer *layer, nnrt_q8_epilogue epilogue,
                                   q8_fill fill, uint64_t seed)
{
    const q8_layer *l = layer;
    nnc_rng rng;
    nnc_rng_init(&rng, seed, 3);
    *m = (q8_model){.layer = *l, .epilogue = epilogue, .oh = l->r ? 1 : l->h, .ow = l->w};
    m->depthwise = l->groups > 1 && l->groups == l->c_in && l->groups == l->c_out;
    m->rop = l->r == 0       ? NNRT_ROP_ID_GEMM_Q8
             : m->depthwise  ? NNRT_ROP_ID_DWCONV_Q8
                             : NNRT_ROP_ID_CONV_Q8;
    if (l->r && l->h)
        m->oh = q8_out_size(l->h, l->r, l->sh, l->dh, l->pad[0], l->pad[2], l->auto_pad, &m->top);
    if (l->r)
        m->ow = q8_out_size(l->w, l->s, l->sw, l->dw, l->pad[1], l->pad[3], l->auto_pad, &m->left);
    const uint32_t h = l->h ? l->h : 1, taps = l->r ? l->r * l->s : 1;
    m->x_count = (size_t)l->n * h * l->w * l->c_in;
    m->y_count = (size_t)l->n * m->oh * m->ow * l->c_out;
    m->w_count = (size_t)l->c_out * (l->c_in / l->groups) * taps;
    m->channels = m->depthwise ? (l->c_out + 15) / 16 * 16
                               : (size_t)l->groups * ((l->c_out / l->groups + 15) / 16 * 16);
    m->x = nnc_alloc_aligned(m->x_count);
    m->residual = nnc_alloc_aligned(m->y_count);
    m->w = nnc_alloc_aligned(m->w_count);
    m->bias = nnc_calloc(l->c_out, sizeof(int32_t));
    m->mult = nnc_calloc(m->channels, sizeof(float));
    q8_fill_u8(m->x, m->x_count, fill, &rng);
    q8_fill_u8(m->residual, m->y_count, Q8_RANDOM, &rng);
    q8_fill_s8(m->w, m->w_count, fill, &rng);
    for (uint32_t i = 0; i < l->c_out; i++)
        m->bias[i] = (int32_t)nnc_rng_below(&rng, 20001) - 10000;
    q8_fill_mult(m->mult, m->channels, m->w_count / l->c_out, fill, &rng);
    q8_build(m);
}

static inline void q8_model_destroy(q8_model *m)
{
    nnrt_model_destroy(m->model);
    nnc_free(m->image);
    nnc_free(m->x);
    nnc_free(m->residual);
    nnc_free(m->w);
    nnc_free(m->bias);
    nnc_free(m->mult);
}

/* A session with its inputs written, or NULL. */
static inline nnrt_session *q8_session(const q8_model *m, uint32_t isa, uint32_t threads)
{
    const nnrt_session_options options = {
        .size = sizeof(options), .threads = threads, .isa_max = isa, .profile = 1};
    nnrt_session *session = NULL;
    nnrt_view view;
    if (nnrt_session_create(&session, m->model, &options) != NNRT_OK)
        return NULL;
    if (nnrt_session_input(session, 0, &view) != NNRT_OK) {
        nnrt_session_destroy(session);
        return NULL;
    }
    memcpy(view.data, m->x, m->x_count);
    if (m->epilogue.residual && nnrt_session_input(session, 1, &view) == NNRT_OK)
        memcpy(view.data, m->residual, m->y_count);
    return session;
}

#endif
