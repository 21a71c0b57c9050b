/* Runtime op descriptor: check (hostile plan) -> reshape (sizes, scratch, kernel) -> run. SPDX-License-Identifier: Apache-2.0
 * One op = runtime_int8/ops/<name>.c ending in `const nnrt_rop nnrt_rop_<name>`, plus a row in rops.def and, if it has
 * parameters, a struct in params.h. */
#ifndef NNRT_OPS_ROP_H
#define NNRT_OPS_ROP_H

#include <stdbool.h>

#include "base/error.h"
#include "nnrt.h"
#include "runtime_int8/ops/params.h"
#include "runtime_int8/threads.h"

/* No parameters: params_bytes is 0. */
typedef struct nnrt_no_params {
    uint32_t reserved;
} nnrt_no_params;

#define NNRT_ROP_ALIAS 1u
#define NNRT_ROP_INPLACE 2u
#define NNRT_ROP_HOST 4u
#define NNRT_ROP_CONTROL 8u /* runs blocks of the plan in its reshape, which reads the data of all inputs; run copies the results */

#define NNRT_OUT_ANY 65535u /* out_count: the plan's node says */

typedef enum nnrt_rop_id {
#define ROP(id, number, name, params, min_in, max_in, n_out, host, flags) NNRT_ROP_ID_##id = number,
#include "runtime_int8/ops/rops.def"
#undef ROP
    NNRT_ROP_ID_COUNT = 256
} nnrt_rop_id;

/* A value as a node sees it. data is set for run, and at reshape for constants and host-known values; else NULL. */
typedef struct nnrt_tensor {
    void *data;
    size_t bytes;
    nnrt_dtype dtype;
    nnrt_shape shape; /* all dims >= 0 at reshape and run */
} nnrt_tensor;

/* Everything a node needs. In check only params, counts, dtypes, ranks and constants' shapes are valid. */
typedef struct nnrt_node_ctx {
    const char *name;   /* source node, for messages */
    const void *params; /* the rop's struct, aligned to 8 */
    uint32_t in_count, out_count;
    nnrt_tensor *in;    /* [in_count] */
    nnrt_tensor *out;   /* [out_count]; reshape sets shape and dtype */
    nnrt_isa isa;       /* tier to choose kernels from */
    size_t scratch_bytes; /* set by reshape: 64-byte aligned bytes wanted during run, shared by all nodes */
    void *scratch;
    void *state;        /* reshape may keep nnrt_ctx_state(ctx, bytes) here: node-private, 64-byte aligned, lives until the next reshape */
    const char *kernel; /* set by reshape: name of the chosen kernel row, or NULL */
    uint64_t macs;      /* set by reshape */
    nnrt_pool *pool;
    void *session;      /* opaque, for callback and nnrt_ctx_state */
    const void *impl;   /* free for the rop: chosen kernel row */
} nnrt_node_ctx;

/* Allocates (or reuses) the node's private memory during reshape; fails with NNC_ERR_LIMIT. Zeroed. */
nnc_status nnrt_ctx_state(nnrt_node_ctx *ctx, size_t bytes);

/* For control flow, in reshape. Private buffer `k` (0, 1, ...) of the node: grows to at least `bytes`, keeps its contents,
 * lives as long as the session. NNC_ERR_LIMIT. */
nnc_status nnrt_ctx_buffer(void **out, nnrt_node_ctx *ctx, uint32_t k, size_t bytes);
/* Runs a block of the plan on its inputs, whose data must stay until the block has been run again or will not be. */
nnc_status nnrt_ctx_run_block(nnrt_node_ctx *ctx, uint32_t block, const nnrt_tensor *in, uint32_t count);
/* Type of input and output i of a block as the plan declares it; unknown dims are -1. */
nnrt_tensor nnrt_ctx_block_input(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i);
nnrt_tensor nnrt_ctx_block_declared(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i);
/* Output i of a block's last run. */
nnrt_tensor nnrt_ctx_block_output(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i);
/* Output i lies in memory of the block's own, which stays where it is up to the block's next run. */
bool nnrt_ctx_block_owns(const nnrt_node_ctx *ctx, uint32_t block, uint32_t i);
/* Counts an iteration of a loop against the budget of a run; NNC_ERR_LIMIT. */
nnc_status nnrt_ctx_count_iteration(nnrt_node_ctx *ctx);
#define NNRT_ITERATIONS_MAX (1u << 22)

/* Hands a tensor to the session's callback, if one is set. */
void nnrt_ctx_callback(const nnrt_node_ctx *ctx, uint32_t tag, const nnrt_tensor *tensor);

typedef struct nnrt_rop {
    const char *name;
    uint32_t params_bytes;
    uint32_t min_in, max_in, out_count;
    uint32_t host_inputs; /* bit i: input i must be host-known */
    uint32_t flags;
    /* Validates parameters and what is known of the inputs (dtypes, ranks, sizes of constants). NNC_ERR_MODEL. */
    nnc_status (*check)(const nnrt_node_ctx *ctx);
    /* Output dtypes and shapes, scratch, kernel. Input shapes are known. NNC_ERR_MODEL when they do not fit. */
    nnc_status (*reshape)(nnrt_node_ctx *ctx);
    /* Computes. Cannot fail, allocates nothing. ALIAS rops may have run == NULL: output shares the input's bytes. */
    void (*run)(const nnrt_node_ctx *ctx);
} nnrt_rop;

/* Row of rops.def by number; NULL if unknown. */
const nnrt_rop *nnrt_rop_find(uint32_t number);

#define ROP(id, number, name, params, min_in, max_in, n_out, host, flags) extern const nnrt_rop nnrt_rop_##name;
#include "runtime_int8/ops/rops.def"
#undef ROP

#endif
