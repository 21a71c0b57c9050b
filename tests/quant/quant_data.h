/* Random samples for a generated graph. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_TESTS_QUANT_QUANT_DATA_H
#define NNC_TESTS_QUANT_QUANT_DATA_H

#include "datasets/dataset.h"
#include "graph/graph.h"

/* n samples of normal numbers for input 0 (batch 1). */
static inline nnc_dataset *qd_random(const nnc_graph *graph, size_t n)
{
    const nnc_value *x = nnc_graph_value_const(graph, nnc_graph_input(graph, 0));
    nnc_dataset_input input = {x->name, x->dtype, x->shape};
    nnc_dataset_options options = {.inputs = &input, .input_count = 1, .seed = 3};
    char spec[32];
    snprintf(spec, sizeof(spec), "random:%zu", n);
    nnc_dataset *data = NULL;
    assert_int_equal(nnc_dataset_open(&data, spec, &options, NULL), NNC_OK);
    return data;
}

static const size_t qd_indices[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

#endif
