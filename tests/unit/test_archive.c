/* Graphs and lists as archives: the same bytes again, damage is refused. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/archive.h"
#include "onnx/onnx.h"
#include "onnx/rich.h"

static nnc_status read_graph(nnc_graph **graph, const void *data, size_t bytes)
{
    nnc_archive a = {.data = data, .bytes = bytes, .arena = nnc_arena_create(0)};
    *graph = NULL;
    nnc_status status = nnc_graph_archive(graph, &a);
    nnc_arena_destroy(a.arena);
    return status;
}

static void write_graph(nnc_str *out, nnc_graph *graph)
{
    nnc_archive a = {.out = out};
    assert_int_equal(nnc_graph_archive(&graph, &a), NNC_OK);
}

/* Subgraphs, symbols, sparse and quantized constants, every kind of attribute. */
static nnc_graph *rich_graph(void)
{
    wire m = rich_model();
    nnc_graph *graph;
    nnc_onnx_load_options options = {.keep_unsupported = true};
    if (nnc_onnx_load_memory(&graph, m.data, m.len, "rich", &options, NULL, NULL) != NNC_OK) {
        fail_msg("%s", nnc_error_message());
    }
    wire_free(&m);
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        nnc_value *value = nnc_graph_value(graph, v);
        const float scale = 0.5f;
        const int32_t zero = 3;
        nnc_qparams *q;
        if (!value->dead && value->kind == NNC_VALUE_TEMP && v % 2) {
            assert_int_equal(nnc_qparams_create(&q, NNC_DTYPE_UINT8, -1, 1, &scale, &zero), NNC_OK);
            q->qmax = 200;
            nnc_value_set_qparams(value, q);
        }
    }
    return graph;
}

static void graph_again(void **state)
{
    (void)state;
    nnc_graph *graph = rich_graph(), *copy;
    nnc_str first = {0}, second = {0};
    write_graph(&first, graph);
    assert_int_equal(read_graph(&copy, first.data, first.len), NNC_OK);
    write_graph(&second, copy);
    assert_int_equal(second.len, first.len);
    assert_memory_equal(second.data, first.data, first.len);
    assert_int_equal(nnc_graph_value_count(copy), nnc_graph_value_count(graph));
    assert_int_equal(nnc_graph_node_count(copy), nnc_graph_node_count(graph));
    for (nnc_value_id v = 0; v < nnc_graph_value_count(graph); v++) {
        const nnc_value *a = nnc_graph_value_const(graph, v), *b = nnc_graph_value_const(copy, v);
        assert_string_equal(a->name, b->name);
        assert_true(nnc_graph_find_value(graph, a->name) == nnc_graph_find_value(copy, a->name));
        assert_true(!a->tensor.buffer || nnc_tensor_equal(&a->tensor, &b->tensor));
        assert_true(!a->qparams == !b->qparams && (!a->qparams || nnc_qparams_equal(a->qparams, b->qparams)));
    }
    nnc_str_deinit(&first);
    nnc_str_deinit(&second);
    nnc_graph_destroy(copy);
    nnc_graph_destroy(graph);
}

/* Nothing crashes on an archive that was cut or changed; what is cut is refused. */
static void damaged(void **state)
{
    (void)state;
    nnc_graph *graph = rich_graph(), *copy;
    nnc_str bytes = {0};
    write_graph(&bytes, graph);
    for (size_t n = 0; n < bytes.len; n++) {
        assert_int_not_equal(read_graph(&copy, bytes.data, n), NNC_OK);
    }
    for (size_t n = 0; n < bytes.len; n++) {
        bytes.data[n] = (char)(bytes.data[n] ^ (1 << n % 8));
        if (read_graph(&copy, bytes.data, bytes.len) == NNC_OK) {
            nnc_graph_destroy(copy);
        }
        bytes.data[n] = (char)(bytes.data[n] ^ (1 << n % 8));
    }
    nnc_str_deinit(&bytes);
    nnc_graph_destroy(graph);
}

/* A lock excludes within one process as between two, and goes with its owner. */
static void file_lock(void **state)
{
    (void)state;
    char dir[] = "/tmp/nnc-lock-XXXXXX", path[64], hidden[80];
    nnc_file_lock *one, *two;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/out.onnx", dir);
    snprintf(hidden, sizeof(hidden), "%s/.out.onnx.nnc-lock", dir);
    assert_int_equal(nnc_file_lock_create(&one, path), NNC_OK);
    assert_true(nnc_file_exists(hidden));
    assert_int_equal(nnc_file_lock_create(&two, path), NNC_ERR_IO);
    assert_null(two);
    assert_non_null(strstr(nnc_error_message(), "is being written by another run (process "));
    nnc_file_lock_destroy(one);
    assert_false(nnc_file_exists(hidden));
    assert_int_equal(nnc_file_lock_create(&two, path), NNC_OK);
    nnc_file_lock_destroy(two);
    snprintf(path, sizeof(path), "%s/none/out.onnx", dir);
    assert_int_equal(nnc_file_lock_create(&one, path), NNC_ERR_IO);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graph_again),
        cmocka_unit_test(damaged),
        cmocka_unit_test(file_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
