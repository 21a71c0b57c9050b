/* State of a session, shared by session.c, session_plan.c and session_run.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_SESSION_H
#define NNRT_SESSION_H

#include "base/mem.h"
#include "runtime_int8/memory.h"
#include "runtime_int8/model.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/pool.h"

#define SESSION_END UINT32_MAX      /* last use: readable after the run */
#define SESSION_NO_BLOCK UINT32_MAX /* constant, variable or host value */

typedef struct session_value {
    nnrt_tensor tensor;
    uint32_t last_use; /* last node that reads it, or SESSION_END */
    bool read;         /* last_use is set */
    bool known;        /* data is there at reshape */
    uint32_t block;    /* arena block, or SESSION_NO_BLOCK */
} session_value;

typedef struct session_node {
    const nnrt_rop *rop;
    nnrt_node_ctx ctx;
    void *state; /* node-private memory, kept between reshapes */
    size_t state_bytes;
    bool skip; /* computed at reshape, or shares its input's bytes */
    uint64_t bytes, ns, runs;
} session_node;

typedef struct session_symbol {
    uint32_t name;
    int64_t value;
} session_symbol;

typedef struct nnrt_session_device nnrt_session_device;

typedef enum session_phase { SESSION_NEW, SESSION_READY, SESSION_FAILED } session_phase;

struct nnrt_session {
    const nnrt_plan *plan;
    nnrt_pool *pool;
    nnrt_isa isa;
    bool profile;
    session_phase phase;
    nnrt_shape *shapes;        /* [inputs] of the last reshape */
    session_symbol *symbols;   /* [8 * inputs] */
    session_value *values;     /* [plan values] */
    session_node *nodes;       /* [plan nodes] */
    nnrt_tensor *tensors;      /* [plan io]: inputs, then outputs of each node */
    nnrt_memory_block *blocks; /* [plan values] */
    uint32_t block_count;
    nnc_arena *host; /* host-known values of the current shapes */
    uint8_t *arena;
    size_t arena_bytes, arena_cap, arena_limit;
    uint8_t **variables;    /* [plan values], NULL for other kinds */
    uint32_t last_parallel; /* node that used the workers last; SESSION_END before the first run */
    nnrt_session_device *device; /* NULL: on the CPU */
    bool device_auto;            /* may go back to the CPU */
    char *device_note;           /* why it did */
    nnrt_callback_fn *callback;
    void *callback_user;
};

/* Computes shapes, host-known values and memory for session->shapes. Fails as nnrt_session_reshape.
 */
nnc_status nnrt_session_plan(nnrt_session *session);
/* Gives the device up and notes the current error message as the reason. LIMIT. */
nnc_status nnrt_session_leave_device(nnrt_session *session);
/* Plans the default shapes if nothing was planned yet. USAGE after a reshape that failed. */
nnc_status nnrt_session_ready(nnrt_session *session);

#endif
