/* No valid form of a quantized block falls out of integers: the runtime ops that come out are those of the canonical form.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ops/pass_util.h"
#include "ops/qdq_variants.h"
#include "plan/plan.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the runtime ops of a graph, and of `more`, sorted, with spaces. */
static void list_rops(nnc_str *out, const nnc_graph *g, const char *more)
{
    nnc_exec *exec;
    nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    const char *names[64];
    char *copy = more ? strdup(more) : NULL, *save = NULL;
    size_t n = 0;
    assert_ok(nnc_exec_create(&exec, g, &options));
    nnrt_session *session = nnc_exec_session(exec);
    for (uint32_t i = 0; i < nnrt_session_node_count(session) && n < 40; i++) {
        nnrt_node_info info;
        assert_int_equal(nnrt_session_node(session, i, &info), NNRT_OK);
        names[n++] = info.rop;
    }
    for (char *word = copy ? strtok_r(copy, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save)) {
        names[n++] = word;
    }
    qsort(names, n, sizeof names[0], by_name);
    for (size_t i = 0; i < n; i++) {
        nnc_str_appendf(out, "%s ", names[i]);
    }
    nnc_exec_destroy(exec);
    free(copy);
}

typedef nnc_graph *block_fn(const qdq_variant *variant, int64_t size);

static const qdq_variant *named(const qdq_variant *rows, const char *name)
{
    for (const qdq_variant *v = rows; v->name; v++) {
        if (strcmp(v->name, name) == 0) {
            return v;
        }
    }
    fail_msg("no variant '%s'", name);
    return NULL;
}

static void check_variants(const qdq_variant *rows, block_fn *block)
{
    size_t wrong = 0;
    for (const qdq_variant *v = rows; v->name; v++) {
        const qdq_variant *like = v->like ? named(rows, v->like) : rows;
        nnc_graph *g = block(v, 8), *base = block(like, 8);
        nnc_str have = {0}, want = {0};
        if (!g || !base) {
            fail_msg("%s: %s", v->name, nnc_error_message());
        }
        list_rops(&have, g, NULL);
        list_rops(&want, base, v->more);
        if (strcmp(nnc_str_get(&have), nnc_str_get(&want)) != 0) {
            print_error("%s: %s\n    expected: %s\n", v->name, nnc_str_get(&have), nnc_str_get(&want));
            wrong++;
        }
        nnc_str_deinit(&have);
        nnc_str_deinit(&want);
        nnc_graph_destroy(g);
        nnc_graph_destroy(base);
    }
    assert_int_equal(wrong, 0);
}

static void test_conv(void **state)
{
    (void)state;
    check_variants(qdq_conv_variants, qdq_conv_block);
}

static void test_matmul(void **state)
{
    (void)state;
    check_variants(qdq_matmul_variants, qdq_matmul_block);
}

/* 16-bit activations run in float, and the reason says so. */
static void test_16_bit(void **state)
{
    static const nnc_dtype types[] = {NNC_DTYPE_UINT16, NNC_DTYPE_INT16};
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        const qdq_variant v = {.name = "16 bits", .activation = types[t / 2]};
        nnc_graph *g = t % 2 ? qdq_conv_block(&v, 8) : qdq_matmul_block(&v, 8);
        nnc_legal *legal;
        size_t products = 0;
        assert_non_null(g);
        assert_ok(nnc_legalize(&legal, g));
        for (uint32_t n = 0; n < nnc_graph_node_count(g); n++) {
            const nnc_node *node = nnc_graph_node_const(g, n);
            if (!node->dead && (nnc_node_is(node, "Conv") || nnc_node_is(node, "Gemm"))) {
                assert_string_equal(legal[n].reason, "input grid has 16 bits");
                products++;
            }
        }
        assert_int_equal(products, 2);
        nnc_free(legal);
        nnc_graph_destroy(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv),
        cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_16_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
