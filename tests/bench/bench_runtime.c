/* Runtime ops other than products: GB/s next to memcpy measured in the same run.
 * SPDX-License-Identifier: Apache-2.0 bench_runtime [threads]: one line per op, bytes read and
 * written over the best and the median time. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/clock.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/ops/util.h"

#define RUNS 201

typedef struct bench_op {
    const char *label;
    nnrt_rop_id id;
    const void *params;
    size_t params_bytes;
    uint32_t in_count; /* of the first input's type and shape; then the constant, if there is one */
    nnrt_dtype in_dtype;
    nnrt_shape in;
    const void *constant;
    nnrt_dtype constant_dtype;
    size_t constant_count;
    nnrt_dtype out_dtype;
    uint32_t out_rank;
} bench_op;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, nnrt_error_message());
    exit(1);
}

static nnrt_model *build(const bench_op *op, void **image)
{
    nnrt_builder *b = nnrt_builder_create();
    uint32_t in[3], out, n = 0;
    for (; n < op->in_count; n++) {
        in[n] = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", op->in_dtype, &op->in, 0, NULL);
        nnrt_builder_input(b, in[n]);
    }
    if (op->constant != NULL) {
        nnrt_shape s = {1, {(int64_t)op->constant_count}};
        in[n++] = nnrt_builder_const(b, "c", op->constant_dtype, &s, op->constant,
                                     op->constant_count * nnrt_dtype_bytes(op->constant_dtype));
    }
    nnrt_shape any = {.rank = op->out_rank};
    for (uint32_t i = 0; i < any.rank; i++)
        any.dims[i] = NNRT_DIM_UNKNOWN;
    out = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", op->out_dtype, &any, 0, NULL);
    nnrt_builder_node(b, op->id, "op", op->params, op->params_bytes, in, n, &out, 1);
    nnrt_builder_output(b, out, "y");
    size_t bytes;
    nnrt_model *model = NULL;
    if (nnrt_builder_finish(b, image, &bytes) != NNC_OK ||
        nnrt_model_load_memory(&model, *image, bytes, 0) != NNRT_OK)
        die(op->label);
    nnrt_builder_destroy(b);
    return model;
}

static void fill(nnrt_view *v)
{
    for (size_t i = 0; i < nnrt_shape_count(&v->shape); i++) {
        if (v->dtype == NNRT_F32)
            ((float *)v->data)[i] = sinf((float)i) * 3.0f;
        else
            ((uint8_t *)v->data)[i] = (uint8_t)(i * 37);
    }
}

/* Best and median seconds of a run, and the bytes it moves. */
static void measure(const bench_op *op, uint32_t threads, uint32_t isa)
{
    void *image;
    nnrt_model *model = build(op, &image);
    nnrt_session_options o = {.size = sizeof o, .threads = threads, .isa_max = isa};
    nnrt_session *session;
    nnrt_node_info info;
    nnrt_view v;
    static double times[RUNS];
    if (nnrt_session_create(&session, model, &o) != NNRT_OK)
        die(op->label);
    for (uint32_t i = 0; i < op->in_count; i++) {
        if (nnrt_session_input(session, i, &v) != NNRT_OK)
            die(op->label);
        fill(&v);
    }
    for (int i = 0; i < RUNS; i++) {
        double start = bench_now();
        nnrt_session_run(session);
        times[i] = bench_now() - start;
    }
    bench_sort(times, RUNS);
    nnrt_session_node(session, 0, &info);
    printf("%-28s %-24s %9.1f us %9.1f us %8.1f GB/s\n", op->label, info.kernel, times[0] * 1e6,
           times[RUNS / 2] * 1e6, (double)info.bytes / times[0] * 1e-9);
    nnrt_session_destroy(session);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static void measure_memcpy(size_t bytes)
{
    uint8_t *x = nnc_alloc_aligned(bytes), *y = nnc_alloc_aligned(bytes);
    static double times[RUNS];
    if (x == NULL || y == NULL)
        die("memcpy");
    memset(x, 1, bytes);
    for (int i = 0; i < RUNS; i++) {
        double start = bench_now();
        memcpy(y, x, bytes);
        __asm__ volatile("" : : "r"(y) : "memory");
        times[i] = bench_now() - start;
    }
    bench_sort(times, RUNS);
    printf("memcpy %9zu bytes %39.1f us %9.1f us %8.1f GB/s\n", bytes, times[0] * 1e6,
           times[RUNS / 2] * 1e6, 2.0 * (double)bytes / times[0] * 1e-9);
    nnc_free(x);
    nnc_free(y);
}

int main(int argc, char **argv)
{
    static const nnrt_quantize_params quantize_nhwc = {0.02f, 128, 0, 255, 1},
                                      quantize = {0.02f, 128, 0, 255, 0};
    static const nnrt_add_q8_params add_q8 = {128, 3, 120, 0.618f, 0.731f, -120, 100};
    static const nnrt_mul_q8_params mul_q8 = {128, 3, 10, 0.0021f, -10, 245};
    static const nnrt_maxpool_params maxpool = {{2, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 0, 0}};
    static const nnrt_avgpool_params gap = {
        .global = 1, .zx = 10, .zy = 3, .sx = 0.1f, .sy = 0.05f, .lo = -3, .hi = 252};
    static const nnrt_avgpool_params gap_f32 = {.global = 1, .lo = -INFINITY, .hi = INFINITY};
    static const nnrt_unary_params tanh_p = {NNRT_UNARY_TANH, 0, 0}, gelu = {NNRT_UNARY_GELU, 0, 0},
                                   relu = {NNRT_UNARY_RELU, 0, 0}, exp_p = {NNRT_UNARY_EXP, 0, 0};
    static const nnrt_binary_params add = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
    static const nnrt_transpose_params to_last = {4, {0, 2, 3, 1}}, to_first = {4, {0, 3, 1, 2}},
                                       heads = {4, {0, 2, 1, 3}};
    static const nnrt_softmax_params softmax = {3, 0};
    static const nnrt_layernorm_params norm = {2, 1e-5f, 0};
    static const nnrt_reduce_params mean = {NNRT_REDUCE_MEAN, 0x4, 1};
    static const nnrt_cast_params cast = {NNRT_I64};
    static uint8_t table[256];
    static float row[64];
    const nnrt_shape image = {4, {1, 3, 224, 224}}, wide = {4, {1, 56, 56, 256}},
                     stem = {4, {1, 112, 112, 64}}, last = {4, {1, 7, 7, 2048}};
    const nnrt_shape hidden = {3, {1, 128, 3072}}, model = {3, {1, 128, 768}},
                     scores = {4, {1, 12, 128, 128}}, planes = {4, {1, 64, 112, 112}},
                     split = {4, {1, 128, 12, 64}};
#define P(p) &(p), sizeof(p)
    const bench_op ops[] = {
        {"quantize nchw->nhwc 224", NNRT_ROP_ID_QUANTIZE, P(quantize_nhwc), 1, NNRT_F32, image,
         NULL, 0, 0, NNRT_U8, 4},
        {"quantize 128x3072", NNRT_ROP_ID_QUANTIZE, P(quantize), 1, NNRT_F32, hidden, NULL, 0, 0,
         NNRT_U8, 3},
        {"add_q8 56x56x256", NNRT_ROP_ID_ADD_Q8, P(add_q8), 2, NNRT_U8, wide, NULL, 0, 0, NNRT_U8,
         4},
        {"mul_q8 56x56x256", NNRT_ROP_ID_MUL_Q8, P(mul_q8), 2, NNRT_U8, wide, NULL, 0, 0, NNRT_U8,
         4},
        {"lut_u8 56x56x256", NNRT_ROP_ID_LUT_U8, NULL, 0, 1, NNRT_U8, wide, table, NNRT_U8, 256,
         NNRT_U8, 4},
        {"maxpool u8 3x3s2 112x112x64", NNRT_ROP_ID_MAXPOOL, P(maxpool), 1, NNRT_U8, stem, NULL, 0,
         0, NNRT_U8, 4},
        {"maxpool f32 3x3s2 112x112x64", NNRT_ROP_ID_MAXPOOL, P(maxpool), 1, NNRT_F32, stem, NULL,
         0, 0, NNRT_F32, 4},
        {"avgpool_q8 7x7x2048", NNRT_ROP_ID_AVGPOOL_Q8, P(gap), 1, NNRT_U8, last, NULL, 0, 0,
         NNRT_U8, 4},
        {"avgpool_f32 7x7x2048", NNRT_ROP_ID_AVGPOOL_F32, P(gap_f32), 1, NNRT_F32, last, NULL, 0, 0,
         NNRT_F32, 4},
        {"relu 128x3072", NNRT_ROP_ID_UNARY, P(relu), 1, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32, 3},
        {"exp 128x3072", NNRT_ROP_ID_UNARY, P(exp_p), 1, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32, 3},
        {"tanh 128x3072", NNRT_ROP_ID_UNARY, P(tanh_p), 1, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32,
         3},
        {"gelu 128x3072", NNRT_ROP_ID_UNARY, P(gelu), 1, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32, 3},
        {"add f32 128x3072", NNRT_ROP_ID_BINARY, P(add), 2, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32,
         3},
        {"add f32 + row 112x112x64", NNRT_ROP_ID_BINARY, P(add), 1, NNRT_F32, stem, row, NNRT_F32,
         64, NNRT_F32, 4},
        {"softmax 12x128x128", NNRT_ROP_ID_SOFTMAX, P(softmax), 1, NNRT_F32, scores, NULL, 0, 0,
         NNRT_F32, 4},
        {"layernorm 128x768", NNRT_ROP_ID_LAYERNORM, P(norm), 1, NNRT_F32, model, NULL, 0, 0,
         NNRT_F32, 3},
        {"mean 128x3072", NNRT_ROP_ID_REDUCE, P(mean), 1, NNRT_F32, hidden, NULL, 0, 0, NNRT_F32,
         3},
        {"transpose f32 nchw->nhwc", NNRT_ROP_ID_TRANSPOSE, P(to_last), 1, NNRT_F32, planes, NULL,
         0, 0, NNRT_F32, 4},
        {"transpose f32 nhwc->nchw", NNRT_ROP_ID_TRANSPOSE, P(to_first), 1, NNRT_F32, stem, NULL, 0,
         0, NNRT_F32, 4},
        {"transpose u8 nhwc->nchw", NNRT_ROP_ID_TRANSPOSE, P(to_first), 1, NNRT_U8, stem, NULL, 0,
         0, NNRT_U8, 4},
        {"transpose heads f32", NNRT_ROP_ID_TRANSPOSE, P(heads), 1, NNRT_F32, split, NULL, 0, 0,
         NNRT_F32, 4},
        {"cast f32->i64 128x768", NNRT_ROP_ID_CAST, P(cast), 1, NNRT_F32, model, NULL, 0, 0,
         NNRT_I64, 3},
    };
    uint32_t threads = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    printf("threads %u, tier %s; best and median of %d runs\n", threads,
           nnrt_isa_name(nnrt_isa_best()), RUNS);
    measure_memcpy(1 << 17);
    measure_memcpy(3 << 20);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        measure(&ops[i], threads, NNRT_ISA_BEST);
    measure_memcpy(3 << 20);
    return 0;
}
