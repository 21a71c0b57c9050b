/* lstm, gru, rnn: what reshape finds out, and the parts of a run. SPDX-License-Identifier:
 * Apache-2.0 One product gives what x adds to the gates of all steps; then each task takes one
 * direction of a few sequences through time. Gates are padded one by one to Hp = H rounded up to
 * 16, so products need no masks. */
#ifndef NNRT_OPS_RECURRENT_H
#define NNRT_OPS_RECURRENT_H

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/rop.h"

/* Sequences that a task takes through time together: rows of the product kernels. */
#define NNRT_RECURRENT_ROWS 6u

typedef struct nnrt_recurrent nnrt_recurrent;
typedef struct nnrt_recurrent_task nnrt_recurrent_task;

/* One step of a task: gates (filled with what x adds) -> h (and c). */
typedef void nnrt_cell_fn(const nnrt_recurrent_task *task);

/* The node's state. Offsets are in floats of scratch. */
struct nnrt_recurrent {
    const nnrt_kernel *gemm;
    nnrt_k_unary_f32_fn *unary;
    nnrt_cell_fn *cell;
    size_t gates, steps, batch, input, hidden, padded; /* G, T, B, I, H, Hp */
    size_t width;                                      /* G * Hp */
    size_t directions;
    int bias, lengths, h0, c0, peephole; /* indices of inputs, -1 for none */
    size_t w_pack, r_pack;               /* packed copies of weights that are not constant */
    size_t start;                        /* [D][width] bias of the products over x */
    size_t reset;   /* [D][Hp] gru, linear_before_reset: bias behind the reset gate */
    size_t peep;    /* [D][3][Hp] */
    size_t product; /* [D][T*B][width] */
    size_t work;    /* [D][B][width + 3 * Hp]: gates, h, c, spare */
};

/* A group of sequences and where its rows lie. */
struct nnrt_recurrent_task {
    const nnrt_node_ctx *ctx;
    const nnrt_recurrent *s;
    const nnrt_recurrent_params *p;
    const nnrt_cell_function *function; /* of this direction */
    size_t direction, rows;
    const float *r;                            /* packed */
    const float *reset;                        /* [Hp] */
    const float *peep;                         /* [3][Hp] or NULL */
    const float *product[NNRT_RECURRENT_ROWS]; /* what x adds at this step; NULL once the sequence
                                                  has ended */
    float *gates;                              /* [rows][width] */
    float *h, *c, *spare;                      /* [rows][Hp] */
};

nnrt_cell_fn nnrt_lstm_cell, nnrt_gru_cell, nnrt_gru_linear_cell, nnrt_rnn_cell;

/* y[rows][cols] continues its chains over x [rows][k] times the panels w; cols a multiple of 16. */
void nnrt_recurrent_product(const nnrt_recurrent_task *task, float *y, size_t y_row, const float *x,
                            const float *w, size_t cols);

void nnrt_recurrent_run(const nnrt_node_ctx *ctx);

#endif
