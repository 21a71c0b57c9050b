/* Quantized forms beyond pairs of Q and DQ: grids found at every run, weights in blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "graph/print.h"
#include "ops/pass_util.h"

static size_t count_rops(const nnc_graph *g, const char *rop)
{
    nnc_exec *exec;
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    size_t count = 0;
    assert_ok(nnc_exec_create(&exec, g, &options));
    nnrt_session *session = nnc_exec_session(exec);
    for (uint32_t i = 0; i < nnrt_session_node_count(session); i++) {
        nnrt_node_info info;
        assert_int_equal(nnrt_session_node(session, i, &info), NNRT_OK);
        count += strcmp(info.rop, rop) == 0;
    }
    nnc_exec_destroy(exec);
    return count;
}

static void fold(nnc_graph *g)
{
    size_t changed;
    assert_ok(nnc_pass_qdq_fold.run(g, &pass_ctx, &changed));
    assert_ok(nnc_graph_verify(g));
}

/* ---- DynamicQuantizeLinear, MatMulInteger, Cast, Mul ---- */

static nnc_value_id bytes_const(nnc_gen *g, const char *name, nnc_dtype dtype, uint32_t rank,
                                const int64_t *dims, int spread)
{
    nnc_shape shape = nnc_shape_make(rank, dims);
    nnc_tensor t = {0};
    nnc_value_id v;
    assert_ok(nnc_tensor_create(&t, dtype, &shape));
    for (size_t i = 0; i < nnc_tensor_count(&t); i++) {
        int value = (int)nnc_rng_below(&g->rng, (uint32_t)spread);
        ((uint8_t *)nnc_tensor_data(&t))[i] =
            (uint8_t)(dtype == NNC_DTYPE_INT8 ? value - spread / 2 : value);
    }
    assert_ok(nnc_graph_add_const(&v, g->graph, name, &t));
    nnc_tensor_deinit(&t);
    return v;
}

typedef struct dynamic_form {
    nnc_dtype dtype;     /* of the weight */
    bool per_column;     /* scales */
    bool apart;          /* the scales are multiplied one after the other: no match */
    bool escape;         /* the accumulator is an output, too: no match */
    bool wide;           /* a weight minus its zero point needs 9 bits */
    unsigned products;   /* sharing one DynamicQuantizeLinear */
} dynamic_form;

static nnc_value_id dynamic_product(nnc_gen *g, const nnc_value_id grid[3], const dynamic_form *form)
{
    const int64_t dims[2] = {24, 10};
    float scales[10];
    for (int i = 0; i < 10; i++) {
        scales[i] = 0.01f + 0.002f * (float)i;
    }
    nnc_value_id w = bytes_const(g, "w", form->dtype, 2, dims, form->wide ? 256 : 120);
    nnc_value_id zero = bytes_const(g, "zero", form->dtype, 0, NULL, 1);
    const nnc_value_id in[4] = {grid[0], w, grid[2], zero};
    nnc_value_id sw = nnc_gen_floats(g, "sw", form->per_column, &dims[1], scales);
    nnc_value_id acc = nnc_gen_op(g, "MatMulInteger", in, 4);
    nnc_value_id real = nnc_gen_op1(g, "Cast", acc);
    nnc_gen_set_int(g, real, "to", NNC_DTYPE_FLOAT);
    if (form->escape) {
        nnc_gen_output(g, acc, "accumulator");
    }
    if (form->apart) {
        return nnc_gen_op2(g, "Mul", nnc_gen_op2(g, "Mul", real, grid[1]), sw);
    }
    return nnc_gen_op2(g, "Mul", real, nnc_gen_op2(g, "Mul", grid[1], sw));
}

static nnc_graph *dynamic_graph(const dynamic_form *form)
{
    nnc_gen gen;
    const int64_t dims[3] = {2, 5, 24};
    nnc_value_id grid[3];
    nnc_node_id node;
    nnc_gen_init(&gen, 3);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 3, dims);
    static const char *const names[3] = {"integers", "scale", "zero_point"};
    for (int i = 0; i < 3; i++) {
        assert_ok(nnc_graph_add_value(&grid[i], gen.graph, names[i], NNC_VALUE_TEMP,
                                      NNC_DTYPE_UNDEFINED, NULL));
    }
    assert_ok(
        nnc_graph_add_node(&node, gen.graph, "dq", "", "DynamicQuantizeLinear", &x, 1, grid, 3));
    assert_ok(nnc_node_bind(gen.graph, node));
    for (unsigned i = 0; i < form->products; i++) {
        char name[16];
        snprintf(name, sizeof name, "y%u", i);
        nnc_gen_output(&gen, dynamic_product(&gen, grid, form), name);
    }
    nnc_graph *g = nnc_gen_finish(&gen);
    if (!g) {
        fail_msg("%s", nnc_error_message());
    }
    return g;
}

/* The numbers are those of the nodes, bit for bit, folded and written again. */
static void test_dynamic(void **state)
{
    static const dynamic_form forms[] = {
        {.dtype = NNC_DTYPE_INT8, .products = 1},
        {.dtype = NNC_DTYPE_INT8, .per_column = true, .products = 3},
        {.dtype = NNC_DTYPE_UINT8, .products = 1},
        {.dtype = NNC_DTYPE_UINT8, .per_column = true, .products = 2},
        {.dtype = NNC_DTYPE_UINT8, .wide = true, .products = 1},
    };
    const nnc_emit_options options = {.bias_int32 = true};
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        nnc_graph *plain = dynamic_graph(&forms[i]), *g;
        assert_int_equal(count_rops(plain, "matmul_integer"), forms[i].products);
        assert_ok(nnc_graph_clone(&g, plain));
        fold(g);
        assert_int_equal(count_nodes(g, "Quant"), 1);
        assert_int_equal(count_nodes(g, "MatMul"), forms[i].products);
        assert_int_equal(count_nodes(g, NULL), 1 + forms[i].products);
        assert_int_equal(count_rops(g, "gemm_dynamic"), forms[i].products);
        assert_int_equal(count_rops(g, "dynamic_quantize"), 1);
        assert_true(outputs_differ(plain, g, 5) == 0);
        assert_ok(nnc_qdq_emit(g, &options));
        assert_ok(nnc_graph_verify(g));
        assert_int_equal(count_nodes(g, "Quant"), 0);
        assert_int_equal(count_nodes(g, "MatMulInteger"), forms[i].products);
        assert_int_equal(count_nodes(g, "DynamicQuantizeLinear"), 1);
        assert_true(outputs_differ(plain, g, 5) == 0);
        fold(g);
        assert_int_equal(count_rops(g, "gemm_dynamic"), forms[i].products);
        nnc_graph_destroy(plain);
        nnc_graph_destroy(g);
    }
}

/* What does not match stays nodes, in integers. */
static void test_dynamic_unmatched(void **state)
{
    static const dynamic_form forms[] = {
        {.dtype = NNC_DTYPE_INT8, .products = 1, .apart = true},
        {.dtype = NNC_DTYPE_INT8, .products = 1, .escape = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        nnc_graph *plain = dynamic_graph(&forms[i]), *g;
        assert_ok(nnc_graph_clone(&g, plain));
        fold(g);
        assert_int_equal(count_nodes(g, "Quant"), 0);
        assert_int_equal(count_nodes(g, "MatMulInteger"), 1);
        assert_int_equal(count_rops(g, "matmul_integer"), 1);
        assert_true(outputs_differ(plain, g, 5) == 0);
        nnc_graph_destroy(plain);
        nnc_graph_destroy(g);
    }
}

/* ---- weights in blocks ---- */

/* x [3,K] times a weight of `dtype` in blocks of 8 along K, stored [N,K] and transposed, or [K,N]. */
static nnc_graph *blocked_graph(nnc_dtype dtype, bool transposed)
{
    enum { K = 20, N = 6, BLOCKS = 3 };
    nnc_gen gen;
    const int64_t rows[2] = {3, K}, kn[2] = {K, N}, nk[2] = {N, K}, bn[2] = {BLOCKS, N},
                  nb[2] = {N, BLOCKS};
    float scales[BLOCKS * N];
    nnc_tensor t = {0}, z = {0};
    nnc_value_id w[3];
    nnc_gen_init(&gen, 3);
    nnc_value_id x = nnc_gen_input(&gen, "x", NNC_DTYPE_FLOAT, 2, rows);
    nnc_shape shape = nnc_shape_make(2, transposed ? nk : kn);
    nnc_shape blocks = nnc_shape_make(2, transposed ? nb : bn);
    assert_ok(nnc_tensor_create(&t, dtype, &shape));
    assert_ok(nnc_tensor_create(&z, dtype, &blocks));
    for (size_t i = 0; i < nnc_tensor_bytes(&t); i++) {
        ((uint8_t *)nnc_tensor_data(&t))[i] = (uint8_t)nnc_rng_below(&gen.rng, 256);
    }
    ((uint8_t *)nnc_tensor_data(&z))[0] = 1;
    for (size_t i = 0; i < BLOCKS * N; i++) {
        scales[i] = 0.1f + 0.03f * (float)i;
    }
    assert_ok(nnc_graph_add_const(&w[0], gen.graph, "w", &t));
    w[1] = nnc_gen_floats(&gen, "scales", 2, blocks.dims, scales);
    assert_ok(nnc_graph_add_const(&w[2], gen.graph, "zeros", &z));
    nnc_tensor_deinit(&t);
    nnc_tensor_deinit(&z);
    nnc_value_id d = nnc_gen_op(&gen, "DequantizeLinear", w, 3);
    nnc_gen_set_int(&gen, d, "axis", transposed ? 1 : 0);
    nnc_gen_set_int(&gen, d, "block_size", 8);
    d = transposed ? nnc_gen_op1(&gen, "Transpose", d) : d;
    nnc_gen_output(&gen, nnc_gen_op2(&gen, "MatMul", x, d), "y");
    nnc_graph *g = nnc_gen_finish(&gen);
    if (!g) {
        fail_msg("%s", nnc_error_message());
    }
    return g;
}

/* The constant keeps its integers and blocks, through Transpose, and is written as they are. */
static void test_blocks(void **state)
{
    static const nnc_dtype types[] = {NNC_DTYPE_INT4, NNC_DTYPE_UINT4, NNC_DTYPE_INT2,
                                      NNC_DTYPE_UINT2, NNC_DTYPE_INT8, NNC_DTYPE_UINT8};
    const nnc_emit_options options = {.bias_int32 = true};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof types / sizeof *types; i++) {
        nnc_dtype dtype = types[i / 2];
        nnc_graph *plain = blocked_graph(dtype, i % 2), *g;
        assert_ok(nnc_graph_clone(&g, plain));
        fold(g);
        assert_int_equal(count_nodes(g, NULL), 1);
        const nnc_node *node = NULL;
        for (uint32_t n = 0; n < nnc_graph_node_count(g); n++) {
            node = nnc_graph_node_const(g, n)->dead ? node : nnc_graph_node_const(g, n);
        }
        const nnc_value *w = nnc_graph_value_const(g, node->inputs[1]);
        assert_int_equal(w->kind, NNC_VALUE_CONST);
        assert_int_equal(w->tensor.dtype, dtype);
        assert_int_equal(w->qparams->group, 8);
        assert_int_equal(w->qparams->axis, 0);
        assert_int_equal(w->qparams->count, 18);
        assert_int_equal(count_rops(g, "gemm_f32"), 1);
        assert_int_equal(count_rops(g, "dequantize_linear"), 0);
        /* The product's order of sums is another than that of an operand at run time. */
        assert_true(outputs_differ(plain, g, 5) < 1e-6);
        assert_ok(nnc_qdq_emit(g, &options));
        assert_int_equal(count_nodes(g, "DequantizeLinear"), 1);
        assert_true(outputs_differ(plain, g, 5) < 1e-6);
        fold(g);
        assert_int_equal(count_nodes(g, NULL), 1);
        nnc_graph_destroy(plain);
        nnc_graph_destroy(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dynamic),
        cmocka_unit_test(test_dynamic_unmatched),
        cmocka_unit_test(test_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
