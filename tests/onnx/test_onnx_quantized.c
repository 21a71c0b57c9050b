/* Quantized operators from the file to the numbers. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "exec/exec.h"
#include "onnx/harness.h"
#include "passes/pass.h"

#define MS "com.microsoft"

/* The loaded and prepared model. */
static nnc_graph *prepare(wire g, const char *domain)
{
    nnc_graph *graph;
    nnc_pass_ctx ctx = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    wire m = w_model(g, 8, 17);
    if (domain) {
        wire_msg(&m, 8, w_opset(domain, 1));
    }
    ACCEPT(graph, m, NULL, NULL);
    expect_status(nnc_passes_prepare(graph, &ctx), NNC_OK, NULL, __FILE__, __LINE__);
    return graph;
}

/* Output 0 on `count` inputs; *rops: how many nodes of the plan are `rop`. */
static nnc_tensor run(nnc_graph *graph, const nnc_tensor *inputs, size_t count, const char *rop,
                      size_t *rops)
{
    nnc_exec *exec;
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    nnc_tensor y = {0};
    expect_status(nnc_exec_create(&exec, graph, &options), NNC_OK, NULL, __FILE__, __LINE__);
    expect_status(nnc_exec_run(exec, inputs, count), NNC_OK, NULL, __FILE__, __LINE__);
    expect_status(nnc_exec_output(&y, exec, 0), NNC_OK, NULL, __FILE__, __LINE__);
    nnrt_session *session = nnc_exec_session(exec);
    *rops = 0;
    for (uint32_t i = 0; i < nnrt_session_node_count(session); i++) {
        nnrt_node_info info;
        assert_int_equal(nnrt_session_node(session, i, &info), NNRT_OK);
        *rops += strcmp(info.rop, rop) == 0;
    }
    nnc_exec_destroy(exec);
    nnc_graph_destroy(graph);
    return y;
}

static nnc_tensor tensor(nnc_dtype dtype, uint32_t rank, const int64_t *dims, const void *data)
{
    nnc_shape shape = nnc_shape_make(rank, dims);
    nnc_tensor t = {0};
    assert_int_equal(nnc_tensor_create_from(&t, dtype, &shape, data), NNC_OK);
    return t;
}

static wire ms_node(const char *op, const char *inputs)
{
    wire n = w_node(op, "n", inputs, "y");
    wire_str(&n, 7, MS);
    return n;
}

static long clamp(long q, long lo, long hi)
{
    return q < lo ? lo : q > hi ? hi : q;
}

/* Two activations, or a constant whose zero point needs 9 bits: the integers of the definition, by
 * the integer kernels. */
static void check_qlinear_matmul(bool constant)
{
    static const uint8_t a[6] = {1, 200, 30, 255, 0, 90},
                         b[12] = {5, 9, 250, 7, 100, 3, 66, 8, 31, 255, 0, 128};
    const float as = 0.5f, bs = 0.25f, ys = 7.0f;
    const int64_t da[2] = {2, 3}, db[2] = {3, 4};
    size_t rops;
    wire g = {0};
    g_input(&g, w_value("a", W_UINT8, "2,3"));
    if (constant) {
        g_init(&g, w_tensor("b", W_UINT8, "3,4", b, 12));
    } else {
        g_input(&g, w_value("b", W_UINT8, "3,4"));
    }
    g_output(&g, w_value("y", W_UINT8, NULL));
    g_init(&g, w_tensor("as", W_FLOAT, "", &as, 4));
    g_init(&g, w_tensor("bs", W_FLOAT, "", &bs, 4));
    g_init(&g, w_tensor("ys", W_FLOAT, "", &ys, 4));
    g_init(&g, w_tensor("az", W_UINT8, "", "\x64", 1));
    g_init(&g, w_tensor("bz", W_UINT8, "", "\x30", 1));
    g_init(&g, w_tensor("yz", W_UINT8, "", "\x50", 1));
    g_node(&g, w_node("QLinearMatMul", "n", "a,as,az,b,bs,bz,ys,yz", "y"));
    nnc_tensor in[2] = {tensor(NNC_DTYPE_UINT8, 2, da, a), tensor(NNC_DTYPE_UINT8, 2, db, b)};
    nnc_tensor y =
        run(prepare(g, NULL), in, constant ? 1 : 2, constant ? "gemm_q8_zero" : "matmul_q8", &rops);
    assert_int_equal(rops, 1);
    for (int i = 0; i < 8; i++) {
        int32_t acc = 0;
        for (int k = 0; k < 3; k++) {
            acc += (a[i / 4 * 3 + k] - 100) * (b[k * 4 + i % 4] - 48);
        }
        long q = clamp(lrintf((float)acc * ((as * bs) / ys)) + 80, 0, 255);
        assert_int_equal(((uint8_t *)nnc_tensor_data(&y))[i], q);
    }
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&in[0]);
    nnc_tensor_deinit(&in[1]);
}

static void test_qlinear_matmul(void **state)
{
    (void)state;
    check_qlinear_matmul(false);
    check_qlinear_matmul(true);
}

/* A weight that comes at run time: the node stays, in exact integers. */
static void test_qlinear_conv_stays(void **state)
{
    static const int8_t x[5] = {-3, 100, 7, -128, 60}, w[2] = {5, -7};
    const float s = 0.5f, ys = 1.5f;
    const int32_t bias = 33;
    const int64_t dx[3] = {1, 1, 5}, dw[3] = {1, 1, 2};
    size_t rops;
    wire g = {0};
    (void)state;
    g_input(&g, w_value("x", W_INT8, "1,1,5"));
    g_input(&g, w_value("w", W_INT8, "1,1,2"));
    g_output(&g, w_value("y", W_INT8, NULL));
    g_init(&g, w_tensor("s", W_FLOAT, "", &s, 4));
    g_init(&g, w_tensor("ys", W_FLOAT, "", &ys, 4));
    g_init(&g, w_tensor("z", W_INT8, "", "\x02", 1));
    g_init(&g, w_tensor("b", W_INT32, "1", &bias, 4));
    g_node(&g, w_node("QLinearConv", "n", "x,s,z,w,s,z,ys,z,b", "y"));
    nnc_tensor in[2] = {tensor(NNC_DTYPE_INT8, 3, dx, x), tensor(NNC_DTYPE_INT8, 3, dw, w)};
    nnc_tensor y = run(prepare(g, NULL), in, 2, "conv_integer", &rops);
    assert_int_equal(rops, 1);
    for (int i = 0; i < 4; i++) {
        int32_t acc = bias + (x[i] - 2) * (w[0] - 2) + (x[i + 1] - 2) * (w[1] - 2);
        long q = clamp(lrintf((float)acc * ((s * s) / ys)) + 2, -128, 127);
        assert_int_equal(((int8_t *)nnc_tensor_data(&y))[i], q);
    }
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&in[0]);
    nnc_tensor_deinit(&in[1]);
}

/* Float in, weight of integers: the u8 kernels with the grid of the run. */
static void test_dynamic_quantize_matmul(void **state)
{
    const float x[4] = {-1.0f, 0.5f, 4.1f, 0.0f}, ws[2] = {0.5f, 0.25f}, bias[2] = {1.0f, -2.0f};
    static const int8_t w[4] = {3, -4, 100, 7};
    const int64_t dx[2] = {2, 2};
    size_t rops;
    wire g = {0};
    (void)state;
    g_input(&g, w_value("x", W_FLOAT, "2,2"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_tensor("w", W_INT8, "2,2", w, 4));
    g_init(&g, w_tensor("ws", W_FLOAT, "2", ws, 8));
    g_init(&g, w_tensor("b", W_FLOAT, "2", bias, 8));
    g_node(&g, ms_node("DynamicQuantizeMatMul", "x,w,ws,,b"));
    nnc_tensor in = tensor(NNC_DTYPE_FLOAT, 2, dx, x);
    nnc_tensor y = run(prepare(g, MS), &in, 1, "gemm_dynamic", &rops);
    assert_int_equal(rops, 1);
    float scale = (4.1f - -1.0f) / 255.0f;
    int zero = (int)lrintf(1.0f / scale);
    for (int i = 0; i < 4; i++) {
        int32_t acc = 0;
        for (int k = 0; k < 2; k++) {
            long q = clamp(lrintf(x[i / 2 * 2 + k] / scale) + zero, 0, 255);
            acc += (int32_t)(q - zero) * w[k * 2 + i % 2];
        }
        float want = (float)acc * (scale * ws[i % 2]) + bias[i % 2];
        assert_true(((float *)nnc_tensor_data(&y))[i] == want);
    }
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&in);
}

/* One operator of integers on x [1,2,3]; the grids are 0.5 around 100 and 0.25 around 20. */
static void check_unary(const char *op, const char *attr, int64_t value, const uint8_t *want,
                        size_t count)
{
    static const uint8_t x[6] = {100, 104, 90, 255, 101, 0};
    const float xs = 0.5f, ys = 0.25f;
    const int64_t dims[3] = {1, 2, 3};
    size_t rops;
    wire g = {0}, n = ms_node(op, "x,xs,xz,ys,yz");
    char text[8];
    snprintf(text, sizeof text, "%d", (int)value);
    if (strcmp(attr, "axes") == 0) {
        w_attr_ints(&n, attr, text);
    } else {
        w_attr_int(&n, attr, value);
    }
    g_input(&g, w_value("x", W_UINT8, "1,2,3"));
    g_output(&g, w_value("y", W_UINT8, NULL));
    g_init(&g, w_tensor("xs", W_FLOAT, "", &xs, 4));
    g_init(&g, w_tensor("ys", W_FLOAT, "", &ys, 4));
    g_init(&g, w_tensor("xz", W_UINT8, "", "\x64", 1));
    g_init(&g, w_tensor("yz", W_UINT8, "", "\x14", 1));
    g_node(&g, n);
    nnc_tensor in = tensor(NNC_DTYPE_UINT8, 3, dims, x);
    nnc_tensor y = run(prepare(g, MS), &in, 1, "", &rops);
    assert_int_equal(nnc_tensor_count(&y), count);
    assert_memory_equal(nnc_tensor_data(&y), want, count);
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&in);
}

static void test_contributed(void **state)
{
    /* Means -1 and 9.333, in steps of 0.25 around 20; softmax in steps of 0.25. */
    static const uint8_t mean[2] = {16, 57}, softmax[6] = {20, 24, 20, 24, 20, 20};
    (void)state;
    check_unary("QLinearReduceMean", "axes", 2, mean, 2);
    check_unary("QLinearSoftmax", "axis", 2, softmax, 6);
}

/* Two heads of one number, two positions, the second masked: the first alone answers. */
static void test_qattention(void **state)
{
    static const uint8_t x[4] = {138, 128, 100, 150};
    static const int8_t w[12] = {1, 2, 3, 4, 10, 20, -1, 5, 2, 7, 30, 40};
    static const float bias[6] = {0.0f, 0.1f, 0.2f, 0.3f, 0.5f, -0.5f};
    static const int32_t mask[2] = {1, 0};
    const float xs = 0.1f, ws = 0.01f;
    const int64_t dx[3] = {1, 2, 2}, dm[2] = {1, 2};
    size_t rops;
    wire g = {0}, n = ms_node("QAttention", "x,w,b,xs,ws,m,xz,wz");
    (void)state;
    w_attr_int(&n, "num_heads", 2);
    g_input(&g, w_value("x", W_UINT8, "1,2,2"));
    g_input(&g, w_value("m", W_INT32, "1,2"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_tensor("w", W_INT8, "2,6", w, 12));
    g_init(&g, w_tensor("b", W_FLOAT, "6", bias, 24));
    g_init(&g, w_tensor("xs", W_FLOAT, "", &xs, 4));
    g_init(&g, w_tensor("ws", W_FLOAT, "", &ws, 4));
    g_init(&g, w_tensor("xz", W_UINT8, "", "\x80", 1));
    g_init(&g, w_tensor("wz", W_INT8, "", "\0", 1));
    g_node(&g, n);
    nnc_tensor in[2] = {tensor(NNC_DTYPE_UINT8, 3, dx, x), tensor(NNC_DTYPE_INT32, 2, dm, mask)};
    nnc_tensor y = run(prepare(g, MS), in, 2, "gemm_q8", &rops);
    assert_int_equal(rops, 1);
    assert_int_equal(nnc_tensor_count(&y), 4);
    for (int i = 0; i < 4; i++) {
        /* The value of position 0: columns 4 and 5 of the weight. */
        double want =
            (double)bias[4 + i % 2] + 0.1 * 0.01 * (10.0 * w[4 + i % 2] + 0.0 * w[10 + i % 2]);
        assert_true(fabs((double)((float *)nnc_tensor_data(&y))[i] - want) < 1e-6);
    }
    nnc_tensor_deinit(&y);
    nnc_tensor_deinit(&in[0]);
    nnc_tensor_deinit(&in[1]);
}

/* The same numbers as LSTM of what the weights stand for, stored the other way round. */
static void test_dynamic_quantize_lstm(void **state)
{
    static const int8_t w[8] = {10, -20, 30, 40, -50, 60, 70, -80}, r[4] = {5, -6, 7, 8};
    const float ws[4] = {0.01f, 0.02f, 0.03f, 0.04f}, rs = 0.05f, x[4] = {0.5f, -1.0f, 2.0f, 0.25f};
    const int64_t dx[3] = {2, 1, 2};
    float wf[8], rf[4];
    nnc_tensor y[2];
    (void)state;
    for (int i = 0; i < 8; i++) {
        wf[i] = ((float)w[i % 2 * 4 + i / 2] - 3.0f) * ws[i / 2];
        rf[i / 2] = (float)r[i / 2] * rs;
    }
    for (int quantized = 0; quantized < 2; quantized++) {
        wire g = {0}, n = quantized ? ms_node("DynamicQuantizeLSTM", "x,w,r,,,,,,ws,wz,rs,rz")
                                    : w_node("LSTM", "n", "x,w,r", "y");
        size_t rops;
        w_attr_int(&n, "hidden_size", 1);
        g_input(&g, w_value("x", W_FLOAT, "2,1,2"));
        g_output(&g, w_value("y", W_FLOAT, NULL));
        g_init(&g, quantized ? w_tensor("w", W_INT8, "1,2,4", w, 8)
                             : w_tensor("w", W_FLOAT, "1,4,2", wf, 32));
        g_init(&g, quantized ? w_tensor("r", W_INT8, "1,1,4", r, 4)
                             : w_tensor("r", W_FLOAT, "1,4,1", rf, 16));
        g_init(&g, w_tensor("ws", W_FLOAT, "1,4", ws, 16));
        g_init(&g, w_tensor("wz", W_INT8, "1,4", "\3\3\3\3", 4));
        g_init(&g, w_tensor("rs", W_FLOAT, "1", &rs, 4));
        g_init(&g, w_tensor("rz", W_INT8, "1", "\0", 1));
        g_node(&g, n);
        nnc_tensor in = tensor(NNC_DTYPE_FLOAT, 3, dx, x);
        y[quantized] = run(prepare(g, MS), &in, 1, "lstm", &rops);
        assert_int_equal(rops, 1);
        nnc_tensor_deinit(&in);
    }
    assert_true(nnc_tensor_equal(&y[0], &y[1]));
    nnc_tensor_deinit(&y[0]);
    nnc_tensor_deinit(&y[1]);
}

/* A packed weight in blocks leaves as it came. */
static void test_blocked_round_trip(void **state)
{
    static const uint8_t w[6] = {0x21, 0x43, 0x65, 0x87, 0xa9, 0xcb}, zero[2] = {0x12, 0x03};
    const float scale[4] = {0.5f, 0.25f, 1.0f, 2.0f};
    nnc_graph *graph, *again;
    wire g = {0}, n = w_node("DequantizeLinear", "dq", "w,s,z", "wf");
    char path[128];
    (void)state;
    w_attr_int(&n, "axis", 1);
    w_attr_int(&n, "block_size", 4);
    g_input(&g, w_value("x", W_FLOAT, "2,2"));
    g_output(&g, w_value("y", W_FLOAT, NULL));
    g_init(&g, w_tensor("w", NNC_DTYPE_INT4, "2,6", w, 6));
    g_init(&g, w_tensor("s", W_FLOAT, "2,2", scale, 16));
    g_init(&g, w_tensor("z", NNC_DTYPE_INT4, "2,2", zero, 2));
    g_node(&g, n);
    g_node(&g, w_node("MatMul", "m", "x,wf", "y"));
    ACCEPT(graph, w_model(g, 10, 21), NULL, NULL);
    snprintf(path, sizeof path, "%s/blocks.onnx", folder);
    expect_status(nnc_onnx_save(graph, path, NULL, NULL, NULL), NNC_OK, NULL, __FILE__, __LINE__);
    expect_status(nnc_onnx_load(&again, path, NULL, NULL, NULL), NNC_OK, NULL, __FILE__, __LINE__);
    static const char *const names[] = {"w", "s", "z"};
    for (int i = 0; i < 3; i++) {
        const nnc_value *a = nnc_graph_value_const(graph, nnc_graph_find_value(graph, names[i]));
        const nnc_value *b = nnc_graph_value_const(again, nnc_graph_find_value(again, names[i]));
        assert_true(nnc_tensor_equal(&a->tensor, &b->tensor));
    }
    nnc_graph_destroy(graph);
    nnc_graph_destroy(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qlinear_matmul),
        cmocka_unit_test(test_qlinear_conv_stays),
        cmocka_unit_test(test_dynamic_quantize_matmul),
        cmocka_unit_test(test_contributed),
        cmocka_unit_test(test_qattention),
        cmocka_unit_test(test_dynamic_quantize_lstm),
        cmocka_unit_test(test_blocked_round_trip),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
