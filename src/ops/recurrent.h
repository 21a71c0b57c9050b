/* LSTM, GRU and RNN: what inference and lowering share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_OPS_RECURRENT_H
#define NNC_OPS_RECURRENT_H

#include "ops/op_util.h"

/* Input slots of all three. */
enum {
    NNC_RECURRENT_X,
    NNC_RECURRENT_W,
    NNC_RECURRENT_R,
    NNC_RECURRENT_B,
    NNC_RECURRENT_LENS,
    NNC_RECURRENT_H0,
    NNC_RECURRENT_C0,
    NNC_RECURRENT_P
};

/* A cell by its operator: gates, functions and states of each direction. */
typedef struct nnc_cell {
    uint32_t gates, functions, states;
    nnrt_rop_id rop;
    const char *defaults[3]; /* names of its functions */
} nnc_cell;
const nnc_cell *nnc_cell_of(const nnc_node *node);
uint32_t nnc_recurrent_directions(const nnc_node *node);

/* The functions of all directions from the activation attributes. Returns NULL, or what is wrong
 * (static text). */
const char *nnc_cell_functions(nnrt_cell_function out[6], const nnc_node *node);

nnc_status nnc_recurrent_lower(nnc_lower_ctx *ctx);

#endif
