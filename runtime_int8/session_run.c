/* Runs a planned session; profile and callback. SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "runtime_int8/session.h"
#include "runtime_int8/session_device.h"

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void run_node(nnrt_session *s, session_node *node)
{
    if (!s->profile) {
        node->rop->run(&node->ctx);
        return;
    }
    uint64_t start = now_ns();
    node->rop->run(&node->ctx);
    node->ns += now_ns() - start;
    node->runs++;
}

/* The nodes of a region. The workers rest behind the graph's last node that uses them. */
static void run_region(nnrt_session *s, const session_region *region, bool graph, uint32_t *last)
{
    for (uint32_t i = region->first; i < region->end; i++) {
        session_node *node = &s->nodes[i];
        if (node->skip)
            continue;
        uint64_t regions = nnrt_pool_regions(s->pool);
        if (graph && i == s->last_parallel)
            nnrt_pool_set_rest(s->pool, true);
        run_node(s, node);
        if (nnrt_pool_regions(s->pool) != regions)
            *last = i;
    }
}

static nnc_status run_regions(nnrt_session *s, session_frame *f, uint32_t *last)
{
    for (uint32_t r = 0;; r++) {
        if (r > 0)
            NNC_TRY(nnrt_frame_region(s, f, r));
        nnrt_frame_place(s, f, &f->regions[r]);
        run_region(s, &f->regions[r], f == &s->frames[0], last);
        if (r + 1 == f->region_count && nnrt_frame_complete(f))
            return NNC_OK;
    }
}

nnc_status nnrt_frame_run(nnrt_session *s, session_frame *f)
{
    uint32_t last;
    return run_regions(s, f, &last);
}

nnrt_status nnrt_session_run(nnrt_session *s)
{
    nnc_status status = nnrt_session_ready(s);
    if (status != NNC_OK)
        return (nnrt_status)status;
    if (s->device != NULL)
        return (nnrt_status)nnrt_session_device_run(s, true);
    uint32_t last = SESSION_END;
    s->iterations = 0;
    status = run_regions(s, &s->frames[0], &last);
    nnrt_pool_set_rest(s->pool, false);
    nnrt_pool_settle(s->pool);
    s->last_parallel = last;
    return (nnrt_status)status;
}

nnrt_status nnrt_session_rerun(nnrt_session *s)
{
    if (s->device == NULL)
        return nnrt_session_run(s);
    nnc_status status = nnrt_session_ready(s);
    return (nnrt_status)(status == NNC_OK ? nnrt_session_device_run(s, false) : status);
}

void nnrt_ctx_callback(const nnrt_node_ctx *ctx, uint32_t tag, const nnrt_tensor *tensor)
{
    const nnrt_session *s = ctx->session;
    if (s->callback == NULL)
        return;
    nnrt_view view = {tensor->data, tensor->bytes, tensor->dtype, tensor->shape};
    s->callback(s->callback_user, tag, &view);
}

void nnrt_session_set_callback(nnrt_session *session, nnrt_callback_fn *fn, void *user)
{
    session->callback = fn;
    session->callback_user = user;
}

uint32_t nnrt_session_node_count(const nnrt_session *session)
{
    return (uint32_t)session->plan->node_count;
}

nnrt_status nnrt_session_node(const nnrt_session *session, uint32_t i, nnrt_node_info *info)
{
    if (i >= session->plan->node_count)
        return (nnrt_status)nnc_error_set(NNC_ERR_USAGE, "node %u of %zu", i,
                                          session->plan->node_count);
    const session_node *node = &session->nodes[i];
    *info = (nnrt_node_info){
        .name = node->ctx.name,
        .rop = node->rop->name,
        .kernel = node->ctx.kernel != NULL ? node->ctx.kernel : "",
        .macs = node->ctx.macs,
        .bytes = node->bytes,
        .ns = node->ns,
        .runs = node->runs,
    };
    return NNRT_OK;
}

void nnrt_session_profile_reset(nnrt_session *session)
{
    for (size_t i = 0; i < session->plan->node_count; i++) {
        session->nodes[i].ns = 0;
        session->nodes[i].runs = 0;
    }
}
