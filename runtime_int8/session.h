/* State of a session, shared by session*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NNRT_SESSION_H
#define NNRT_SESSION_H

#include "base/mem.h"
#include "runtime_int8/memory.h"
#include "runtime_int8/model.h"
#include "runtime_int8/ops/rop.h"
#include "runtime_int8/pool.h"

#define SESSION_END UINT32_MAX      /* last use: readable after the run */
#define SESSION_NO_BLOCK UINT32_MAX /* constant, variable, host value or memory of others */
#define SESSION_NO_NODE UINT32_MAX

typedef struct session_value {
    nnrt_tensor tensor;
    uint32_t node;     /* that computes it, or SESSION_NO_NODE */
    uint32_t last_use; /* last node that reads it, or SESSION_END */
    bool read;         /* last_use is set */
    bool known;        /* data is there at reshape, and depends on shapes alone */
    uint32_t block;    /* block of the frame's arena, or SESSION_NO_BLOCK */
    uint32_t source;   /* without a block: the value whose bytes these are; mostly its own id */
} session_value;

typedef struct session_buffer {
    void *data;
    size_t bytes;
} session_buffer;

typedef struct session_node {
    const nnrt_rop *rop;
    nnrt_node_ctx ctx;
    void *state; /* node-private memory, kept between reshapes */
    size_t state_bytes;
    uint8_t *host; /* outputs that were computed at reshape */
    size_t host_cap;
    session_buffer *buffers; /* of control flow */
    uint32_t buffer_count;
    size_t buffer_cap;
    bool late_check; /* ranks are known at reshape only: check is called there */
    bool skip;    /* computed at reshape, or shares its input's bytes */
    bool dynamic; /* its reshape reads data of a run, so every run calls it */
    uint64_t bytes, ns, runs;
} session_node;

typedef struct session_symbol {
    uint32_t name;
    int64_t value;
} session_symbol;

/* Nodes [first, end) of a frame, reshaped together: those whose shapes follow from the inputs'
 * shapes and from the data of the regions before. */
typedef struct session_region {
    uint32_t first, end;
    uint32_t block_count, block_end; /* its memory blocks are [block_count, block_end) */
    size_t total, scratch, bytes; /* arena: values alive here, scratch behind them, both */
    uint64_t layout;       /* of the frame when the nodes' addresses were set */
} session_region;

/* A block of the plan with its shapes, regions and memory. Frame 0 is the graph. */
typedef struct session_frame {
    const nnrt_plan_block *block;
    nnrt_shape *shapes;      /* [inputs] of the last reshape */
    session_symbol *symbols; /* [8 * inputs] */
    nnrt_memory_block *blocks; /* [inputs + outputs of all nodes] */
    void *work; /* for planning them */
    uint32_t block_count;
    session_region *regions;
    uint32_t region_count; /* that are planned */
    size_t region_cap;
    bool split;       /* has more than one region: inputs have memory of their own */
    bool inner;       /* a block of a node, which gives the inputs' addresses */
    bool planned;     /* region 0 fits shapes */
    uint32_t fresh;   /* node that was reshaped in this run just now, or SESSION_NO_NODE */
    uint64_t layout;  /* counts the changes of addresses */
    void **inputs;    /* [inputs]: memory of the inputs of a split frame */
    size_t *input_caps;
    uint8_t *arena, *base; /* base: the arena, or its address on the device */
    size_t arena_cap;
} session_frame;

typedef struct nnrt_session_device nnrt_session_device;

typedef enum session_phase { SESSION_NEW, SESSION_READY, SESSION_FAILED } session_phase;

struct nnrt_session {
    const nnrt_plan *plan;
    nnrt_pool *pool;
    nnrt_isa isa;
    bool profile;
    session_phase phase;
    session_value *values;  /* [plan values] */
    session_node *nodes;    /* [plan nodes] */
    nnrt_tensor *tensors;   /* [plan io]: inputs, then outputs of each node */
    session_frame *frames;  /* [plan blocks] */
    size_t arena_limit;
    uint8_t **variables;    /* [plan values], NULL for other kinds */
    uint32_t iterations;    /* of loops, in this run */
    uint32_t last_parallel; /* node that used the workers last; SESSION_END before the first run */
    nnrt_session_device *device; /* NULL: on the CPU */
    bool device_auto;            /* may go back to the CPU */
    char *device_note;           /* why it did */
    nnrt_callback_fn *callback;
    void *callback_user;
};

/* ---- session_plan.c ---- */

/* Plans the first region of frame->shapes. Fails as nnrt_session_reshape. */
nnc_status nnrt_frame_plan(nnrt_session *session, session_frame *frame);
/* Makes region r ready to run, those before it having run: keeps its plan where the data led to the
 * same shapes, else plans it and forgets those behind. Fails: MODEL, LIMIT, UNSUPPORTED. */
nnc_status nnrt_frame_region(nnrt_session *session, session_frame *frame, uint32_t r);
/* Sets addresses of values and nodes after a change. */
void nnrt_frame_place(nnrt_session *session, session_frame *frame, session_region *region);
/* Inputs have new addresses. */
void nnrt_frame_move(nnrt_session *session, session_frame *frame);
/* All regions are planned: shapes of all values are known. */
bool nnrt_frame_complete(const session_frame *frame);

/* ---- session_reshape.c ---- */

/* Calls the node's reshape with the inputs' shapes and the host-known data, and checks its outputs against the
 * plan. data: also the data of a run in the inputs that the rop needs. */
nnc_status nnrt_node_reshape(nnrt_session *session, uint32_t index, bool data);
/* Computes the node on the host if it can be, from known inputs. */
nnc_status nnrt_node_try_host(bool *done, nnrt_session *session, uint32_t index);
/* Input i of the node is needed at reshape. */
bool nnrt_node_needs(const session_node *node, uint32_t i);
/* Sizes a tensor; dims were set by an operator or by the caller. */
nnc_status nnrt_tensor_size(nnrt_tensor *tensor, const char *name);

session_node *nnrt_node_of(nnrt_node_ctx *ctx);

/* ---- session_run.c ---- */

/* Runs a frame whose first region is planned. Fails as nnrt_frame_region. */
nnc_status nnrt_frame_run(nnrt_session *session, session_frame *frame);

/* ---- session.c ---- */

/* frame->shapes fit the signature of its block; USAGE. */
nnc_status nnrt_frame_check(const nnrt_session *session, session_frame *frame);
/* Plans for session->frames[0].shapes; fails as nnrt_session_reshape. */
nnc_status nnrt_session_plan(nnrt_session *session);
/* Gives the device up and notes the current error message as the reason. LIMIT. */
nnc_status nnrt_session_leave_device(nnrt_session *session);
/* Plans the default shapes if nothing was planned yet. USAGE after a reshape that failed. */
nnc_status nnrt_session_ready(nnrt_session *session);

#endif
