/* A small model y = relu(x + c) over four numbers, and data sets for it in a temporary folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_EVAL_EVAL_CASE_H
#define NNC_TESTS_EVAL_EVAL_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "eval/eval.h"
#include "ops/op.h"

#define CASE_CLASSES 4

static inline void ok(nnc_status status)
{
    if (status != NNC_OK) {
        fail_msg("%s: %s", nnc_status_name(status), nnc_error_message());
    }
}

/* Values "sum" (x + c) and "y" (relu of it); y is the output. */
static inline nnc_graph *case_graph(const float c[CASE_CLASSES])
{
    nnc_graph *graph;
    nnc_value_id ids[2], sum, y;
    nnc_node_id node;
    nnc_tensor tensor = {0};
    const nnc_shape shape = nnc_shape_make(2, (const int64_t[]){1, CASE_CLASSES});
    ok(nnc_graph_create(&graph));
    ok(nnc_graph_add_value(&ids[0], graph, "x", NNC_VALUE_INPUT, NNC_DTYPE_FLOAT, &shape));
    ok(nnc_graph_add_input(graph, ids[0]));
    ok(nnc_tensor_create_from(&tensor, NNC_DTYPE_FLOAT, &shape, c));
    ok(nnc_graph_add_const(&ids[1], graph, "c", &tensor));
    nnc_tensor_deinit(&tensor);
    ok(nnc_graph_add_value(&sum, graph, "sum", NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, &shape));
    ok(nnc_graph_add_value(&y, graph, "y", NNC_VALUE_TEMP, NNC_DTYPE_FLOAT, &shape));
    ok(nnc_graph_add_node(&node, graph, "add", "", "Add", ids, 2, &sum, 1));
    ok(nnc_node_bind(graph, node));
    ok(nnc_graph_add_node(&node, graph, "relu", "", "Relu", &sum, 1, &y, 1));
    ok(nnc_node_bind(graph, node));
    ok(nnc_graph_add_output(graph, y, "y"));
    ok(nnc_graph_infer(graph, NULL));
    return graph;
}

static inline nnc_exec *case_exec(const nnc_graph *graph)
{
    nnc_exec *exec;
    const nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    ok(nnc_exec_create(&exec, graph, &options));
    return exec;
}

typedef struct case_data {
    char folder[64], array[96], labels[96];
    nnc_dataset *set;
} case_data;

/* n rows of four numbers; labels may be NULL. */
static inline void case_data_create(case_data *d, const float *rows, size_t n, const int *labels)
{
    strcpy(d->folder, "/tmp/nnc-eval-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->array, sizeof(d->array), "%s/x.npy", d->folder);
    snprintf(d->labels, sizeof(d->labels), "%s/labels.txt", d->folder);
    char header[128], dict[118];
    snprintf(dict, sizeof(dict), "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %d), }",
             n, CASE_CLASSES);
    snprintf(header, sizeof(header), "%-117s\n", dict);
    FILE *file = fopen(d->array, "wb");
    assert_non_null(file);
    const unsigned char magic[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    assert_int_equal(fwrite(magic, 1, 10, file), 10);
    assert_int_equal(fwrite(header, 1, 118, file), 118);
    assert_int_equal(fwrite(rows, sizeof(float) * CASE_CLASSES, n, file), n);
    fclose(file);
    if (labels) {
        file = fopen(d->labels, "w");
        assert_non_null(file);
        for (size_t i = 0; i < n; i++) {
            fprintf(file, "%d\n", labels[i]);
        }
        fclose(file);
    }
    const nnc_dataset_input input = {.name = "x",
                                     .dtype = NNC_DTYPE_FLOAT,
                                     .shape =
                                         nnc_shape_make(2, (const int64_t[]){1, CASE_CLASSES})};
    const nnc_dataset_options options = {.inputs = &input,
                                         .input_count = 1,
                                         .labels = labels ? d->labels : NULL,
                                         .no_labels = !labels};
    ok(nnc_dataset_open(&d->set, d->array, &options, NULL));
    assert_int_equal(nnc_dataset_count(d->set), n);
}

static inline void case_data_destroy(case_data *d)
{
    nnc_dataset_destroy(d->set);
    unlink(d->array);
    unlink(d->labels);
    rmdir(d->folder);
}

#endif
