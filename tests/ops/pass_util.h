/* Shared by the pass tests: running graphs, counting nodes, comparing outputs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_OPS_PASS_UTIL_H
#define NNC_TESTS_OPS_PASS_UTIL_H

#include <math.h>
#include <string.h>

#include "exec/exec.h"
#include "ops/gen_graphs.h"
#include "ops/op.h"
#include "passes/pass.h"

static const nnc_pass_ctx pass_ctx = {.threads = 1, .isa_max = NNRT_ISA_BEST};

#define assert_ok(expr)                                                                            \
    do {                                                                                           \
        nnc_status assert_ok_status = (expr);                                                      \
        if (assert_ok_status != NNC_OK) {                                                          \
            fail_msg("%s: %s", #expr, nnc_error_message());                                        \
        }                                                                                          \
    } while (0)

static inline size_t count_nodes(const nnc_graph *g, const char *op)
{
    size_t count = 0;
    for (uint32_t n = 0; n < nnc_graph_node_count(g); n++) {
        const nnc_node *node = nnc_graph_node_const(g, n);
        count += !node->dead && (!op || strcmp(node->op_type, op) == 0);
    }
    return count;
}

/* Runs a graph with one float input "x" (batch 2 where it is symbolic) of seeded numbers; outputs
 * [output count], caller frees. */
static inline nnc_tensor *run_graph(const nnc_graph *g, uint64_t seed)
{
    nnc_exec *exec;
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    nnc_tensor x = {0};
    nnc_rng rng;
    size_t outputs = nnc_graph_output_count(g);
    nnc_tensor *y = nnc_calloc(outputs, sizeof *y);
    nnc_shape shape = nnc_graph_value_const(g, nnc_graph_input(g, 0))->shape;
    shape.dims[0] = shape.dims[0] < 0 ? 2 : shape.dims[0];
    assert_ok(nnc_tensor_create(&x, NNC_DTYPE_FLOAT, &shape));
    nnc_rng_init(&rng, seed, 1);
    for (size_t i = 0; i < nnc_tensor_count(&x); i++) {
        ((float *)nnc_tensor_data(&x))[i] = nnc_rng_normal(&rng);
    }
    assert_ok(nnc_exec_create(&exec, g, &options));
    assert_ok(nnc_exec_run(exec, &x, 1));
    for (size_t i = 0; i < outputs; i++) {
        assert_ok(nnc_exec_output(&y[i], exec, i));
    }
    nnc_exec_destroy(exec);
    nnc_tensor_deinit(&x);
    return y;
}

static inline void free_outputs(nnc_tensor *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nnc_tensor_deinit(&y[i]);
    }
    nnc_free(y);
}

/* Greatest difference between the outputs of two graphs, relative to their greatest number; -1 when
 * shapes or types differ. */
static inline double outputs_differ(const nnc_graph *a, const nnc_graph *b, uint64_t seed)
{
    size_t n = nnc_graph_output_count(a);
    double worst = 0;
    assert_int_equal(n, nnc_graph_output_count(b));
    nnc_tensor *ya = run_graph(a, seed), *yb = run_graph(b, seed);
    for (size_t i = 0; i < n; i++) {
        double top = 1e-30, diff = 0;
        assert_string_equal(nnc_graph_output_name(a, i), nnc_graph_output_name(b, i));
        bool same = ya[i].dtype == yb[i].dtype && nnc_shape_equal(&ya[i].shape, &yb[i].shape);
        for (size_t k = 0; same && k < nnc_tensor_count(&ya[i]); k++) {
            double u = nnc_tensor_get_double(&ya[i], k), v = nnc_tensor_get_double(&yb[i], k);
            top = fmax(top, fabs(u));
            diff = fmax(diff, fabs(u - v));
            assert_true(isfinite(u) && isfinite(v));
        }
        worst = !same ? -1 : worst < 0 ? worst : fmax(worst, diff / top);
    }
    free_outputs(ya, n);
    free_outputs(yb, n);
    return worst;
}

#endif
