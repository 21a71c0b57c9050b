/* How much slower than its canonical form each form of a quantized block runs. All forms take turns in every round; the least
 * time of each counts. usage: bench_qdq_variants [rounds] SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "bench/clock.h"
#include "exec/exec.h"
#include "ops/qdq_variants.h"

#define ROWS_MAX 32
#define RUNS 8 /* per turn */

typedef nnc_graph *block_fn(const qdq_variant *variant, int64_t size);

typedef struct lane {
    const qdq_variant *variant;
    nnc_graph *graph;
    nnc_exec *exec;
    double least;
} lane;

static void die(const char *what)
{
    fprintf(stderr, "bench_qdq_variants: %s: %s\n", what, nnc_error_message());
    exit(1);
}

static void open_lane(lane *l, const qdq_variant *v, block_fn *block, int64_t size)
{
    const nnc_exec_options options = {.threads = 1, .isa_max = NNRT_ISA_BEST};
    nnc_tensor x = {0};
    *l = (lane){.variant = v, .graph = block(v, size), .least = 1e9};
    if (!l->graph || nnc_exec_create(&l->exec, l->graph, &options) != NNC_OK) {
        die(v->name);
    }
    const nnc_shape *shape = &nnc_graph_value_const(l->graph, nnc_graph_input(l->graph, 0))->shape;
    if (nnc_tensor_create(&x, NNC_DTYPE_FLOAT, shape) != NNC_OK) {
        die(v->name);
    }
    for (size_t i = 0; i < nnc_tensor_count(&x); i++) {
        ((float *)nnc_tensor_data(&x))[i] = (float)(i * 7 % 31) / 16.0f - 0.9f;
    }
    if (nnc_exec_run(l->exec, &x, 1) != NNC_OK) {
        die(v->name);
    }
    nnc_tensor_deinit(&x);
}

static void turn(lane *l)
{
    double start = bench_now();
    for (int i = 0; i < RUNS; i++) {
        if (nnrt_session_rerun(nnc_exec_session(l->exec)) != NNRT_OK) {
            die(l->variant->name);
        }
    }
    double seconds = (bench_now() - start) / RUNS;
    l->least = seconds < l->least ? seconds : l->least;
}

static const lane *find(const lane *lanes, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (strcmp(lanes[i].variant->name, name) == 0) {
            return &lanes[i];
        }
    }
    return &lanes[0];
}

static void measure(const char *title, const qdq_variant *rows, block_fn *block, int64_t size, int rounds)
{
    static const qdq_variant wide[2] = {{.name = "u16 activations", .activation = NNC_DTYPE_UINT16},
                                        {.name = "s16 activations", .activation = NNC_DTYPE_INT16}};
    lane lanes[ROWS_MAX];
    size_t n = 0;
    for (; rows[n].name && n < ROWS_MAX - 2; n++) {
        open_lane(&lanes[n], &rows[n], block, size);
    }
    for (size_t i = 0; i < 2; i++) {
        open_lane(&lanes[n++], &wide[i], block, size);
    }
    for (int r = 0; r < rounds; r++) {
        for (size_t i = 0; i < n; i++) {
            turn(&lanes[i]);
        }
    }
    printf("%s\n", title);
    for (size_t i = 0; i < n; i++) {
        const lane *like = find(lanes, n, lanes[i].variant->like);
        printf("  %-36s %8.1f us  %5.2fx of %s\n", lanes[i].variant->name, 1e6 * lanes[i].least,
               lanes[i].least / like->least, like->variant->name);
    }
    for (size_t i = 0; i < n; i++) {
        nnc_exec_destroy(lanes[i].exec);
        nnc_graph_destroy(lanes[i].graph);
    }
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    measure("convolution + Relu + Add, 32 channels of 56 x 56", qdq_conv_variants, qdq_conv_block, 56, rounds);
    measure("product + Relu + Add, 256 x 128 by 128 x 128", qdq_matmul_variants, qdq_matmul_block, 256, rounds);
    return 0;
}
