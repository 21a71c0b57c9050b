/* nms: greedy suppression of boxes, per sample and class. SPDX-License-Identifier: Apache-2.0
 * The number of results depends on the data: boxes are chosen at reshape, run hands them out. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runtime_int8/ops/order.h"
#include "runtime_int8/ops/util.h"

#define BLOCK 16u /* boxes compared at once */

enum { BOXES, SCORES, MAX_OUT, IOU, THRESHOLD };

/* Corners in order, and the area; one list per number. */
typedef struct boxes {
    float *y0, *x0, *y1, *x1, *area;
} boxes;

typedef struct class_result {
    uint32_t *index;
    size_t count;
    bool failed;
} class_result;

typedef struct nms_job {
    const nnrt_node_ctx *ctx;
    size_t classes, count, limit;
    boxes all; /* of every sample */
    class_result *results;
} nms_job;

typedef struct nms_state {
    size_t count;
    int64_t rows[];
} nms_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_nms_params *p = ctx->params;
    static const nnrt_dtype types[5] = {NNRT_F32, NNRT_F32, NNRT_I64, NNRT_F32, NNRT_F32};
    for (uint32_t i = 0; i < 5; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(types[i])));
    if (p->center_point_box > 1 || p->has_threshold > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': center_point_box %u, threshold %u, expected 0 or 1",
                 ctx->name, p->center_point_box, p->has_threshold);
    NNC_TRY(nnrt_check_rank(ctx, BOXES, 3));
    return nnrt_check_rank(ctx, SCORES, 3);
}

static nnc_status check_shapes(const nnrt_node_ctx *ctx)
{
    const nnrt_shape *b = &ctx->in[BOXES].shape, *s = &ctx->in[SCORES].shape;
    if (b->dims[0] != s->dims[0] || b->dims[1] != s->dims[2] || b->dims[2] != 4) {
        char tb[NNRT_SHAPE_TEXT], ts[NNRT_SHAPE_TEXT];
        NNC_FAIL(NNC_ERR_MODEL, "'%s': boxes %s and scores %s, expected [N,B,4] and [N,C,B]",
                 ctx->name, nnrt_shape_text(tb, b), nnrt_shape_text(ts, s));
    }
    for (uint32_t i = 0; i < 5; i++) {
        size_t n = nnrt_shape_count(&ctx->in[i].shape);
        if (i >= MAX_OUT && n != 1)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u has %zu elements, expected 1", ctx->name, i, n);
        if (ctx->in[i].data == NULL && n != 0)
            NNC_FAIL(NNC_ERR_MODEL, "'%s': input %u is not known before the run", ctx->name, i);
    }
    return NNC_OK;
}

static void lay_out(boxes *b, float *data, size_t n)
{
    *b = (boxes){data, data + n, data + 2 * n, data + 3 * n, data + 4 * n};
}

static void read_boxes(const boxes *b, const float *x, size_t n, bool center)
{
    for (size_t i = 0; i < n; i++, x += 4) {
        float y0 = x[0], x0 = x[1], y1 = x[2], x1 = x[3];
        if (center) {
            float w = x[2] / 2.0f, h = x[3] / 2.0f;
            y0 = x[1] - h;
            y1 = x[1] + h;
            x0 = x[0] - w;
            x1 = x[0] + w;
        }
        b->y0[i] = y0 < y1 ? y0 : y1;
        b->y1[i] = y0 < y1 ? y1 : y0;
        b->x0[i] = x0 < x1 ? x0 : x1;
        b->x1[i] = x0 < x1 ? x1 : x0;
        b->area[i] = (b->y1[i] - b->y0[i]) * (b->x1[i] - b->x0[i]);
    }
}

static void copy_box(const boxes *to, size_t i, const boxes *from, size_t k)
{
    to->y0[i] = from->y0[k];
    to->x0[i] = from->x0[k];
    to->y1[i] = from->y1[k];
    to->x1[i] = from->x1[k];
    to->area[i] = from->area[k];
}

/* True if box k of `all` overlaps one of the boxes [i, i + BLOCK) of b too much. Boxes without area
 * overlap nothing. */
static bool block_overlaps(const boxes *b, size_t i, const boxes *all, size_t k, float limit)
{
    float y0 = all->y0[k], x0 = all->x0[k], y1 = all->y1[k], x1 = all->x1[k], area = all->area[k];
    int any = 0;
    for (size_t j = i; j < i + BLOCK; j++) {
        float top = b->y0[j] > y0 ? b->y0[j] : y0, left = b->x0[j] > x0 ? b->x0[j] : x0;
        float bottom = b->y1[j] < y1 ? b->y1[j] : y1, right = b->x1[j] < x1 ? b->x1[j] : x1;
        float h = bottom - top, w = right - left;
        float common = (h > 0.0f ? h : 0.0f) * (w > 0.0f ? w : 0.0f);
        float whole = b->area[j] + area - common;
        any |= (common > 0.0f) & (b->area[j] > 0.0f) & (area > 0.0f) & (whole > 0.0f) &
               (common / whole > limit);
    }
    return any != 0;
}

/* Boxes of a class that may be chosen, best first, equal ones by index. */
static size_t candidates(nnrt_order_item *items, const nms_job *job, size_t first)
{
    const nnrt_nms_params *p = job->ctx->params;
    const nnrt_tensor *scores = &job->ctx->in[SCORES];
    const float *s = scores->data;
    float threshold = *(const float *)job->ctx->in[THRESHOLD].data;
    size_t n = 0;
    for (size_t i = 0; i < job->count; i++) {
        float score = s[first + i];
        if (isnan(score) || (p->has_threshold && !(score > threshold)))
            continue;
        nnrt_order_keys(&items[n].key, scores, first + i, 1, 1, true);
        items[n++].index = (uint32_t)i;
    }
    nnrt_order_sort(items, items + job->count, n, 32);
    return n;
}

static size_t suppress(uint32_t *chosen, const boxes *b, const boxes *all, float iou,
                       const nnrt_order_item *items, size_t n, size_t limit)
{
    size_t count = 0;
    for (size_t i = 0; i < n && count < limit; i++) {
        size_t k = items[i].index;
        bool overlaps = false;
        for (size_t j = 0; j < count && !overlaps; j += BLOCK)
            overlaps = block_overlaps(b, j, all, k, iou);
        if (overlaps)
            continue;
        copy_box(b, count, all, k);
        chosen[count++] = (uint32_t)k;
    }
    return count;
}

static void run_class(void *user, size_t index)
{
    const nms_job *job = user;
    class_result *r = &job->results[index];
    size_t offset = index / job->classes * job->count;
    boxes all = {job->all.y0 + offset, job->all.x0 + offset, job->all.y1 + offset,
                 job->all.x1 + offset, job->all.area + offset},
          b;
    nnrt_order_item *items = nnc_calloc(2 * job->count + 1, sizeof *items);
    size_t n = items != NULL ? candidates(items, job, index * job->count) : 0;
    size_t limit = job->limit < n ? job->limit : n;
    /* Boxes behind the last one have no area, so that whole blocks can be compared. */
    float *data = nnc_calloc(limit + BLOCK, 5 * sizeof *data);
    r->index = nnc_calloc(limit + 1, sizeof *r->index);
    r->failed = items == NULL || data == NULL || r->index == NULL;
    if (!r->failed) {
        lay_out(&b, data, limit + BLOCK);
        float iou = *(const float *)job->ctx->in[IOU].data;
        r->count = suppress(r->index, &b, &all, iou, items, n, limit);
    }
    nnc_free(items);
    nnc_free(data);
}

static nnc_status collect(nnrt_node_ctx *ctx, const nms_job *job, size_t tasks)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < tasks; i++) {
        if (job->results[i].failed)
            NNC_FAIL(NNC_ERR_LIMIT, "'%s': no memory for %zu boxes", ctx->name, job->count);
        count += job->results[i].count;
    }
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nms_state) + count * 3 * sizeof(int64_t)));
    nms_state *state = ctx->state;
    state->count = count;
    for (size_t i = 0; i < tasks; i++) {
        for (size_t k = 0; k < job->results[i].count; k++) {
            state->rows[at++] = (int64_t)(i / job->classes);
            state->rows[at++] = (int64_t)(i % job->classes);
            state->rows[at++] = job->results[i].index[k];
        }
    }
    nnrt_shape y = {.rank = 2, .dims = {(int64_t)count, 3}};
    nnrt_set_output(ctx, NNRT_I64, &y);
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_nms_params *p = ctx->params;
    NNC_TRY(check_shapes(ctx));
    const nnrt_shape *s = &ctx->in[SCORES].shape;
    int64_t most = *(const int64_t *)ctx->in[MAX_OUT].data;
    size_t tasks = nnrt_shape_span(s, 0, 2), total = (size_t)s->dims[0] * (size_t)s->dims[2];
    nms_job job = {.ctx = ctx, .classes = (size_t)s->dims[1], .count = (size_t)s->dims[2]};
    job.limit = most < 0 ? 0 : most > s->dims[2] ? job.count : (size_t)most;
    float *data = nnc_calloc(total + 1, 5 * sizeof *data);
    job.results = nnc_calloc(tasks + 1, sizeof *job.results);
    nnc_status status = NNC_ERR_LIMIT;
    if (data != NULL && job.results != NULL) {
        lay_out(&job.all, data, total);
        read_boxes(&job.all, ctx->in[BOXES].data, total, p->center_point_box);
        if (job.limit != 0)
            nnrt_parallel(ctx->pool, run_class, &job, tasks);
        status = collect(ctx, &job, tasks);
    }
    for (size_t i = 0; i < tasks && job.results != NULL; i++)
        nnc_free(job.results[i].index);
    nnc_free(job.results);
    nnc_free(data);
    return status;
}

static void run(const nnrt_node_ctx *ctx)
{
    const nms_state *state = ctx->state;
    memcpy(ctx->out[0].data, state->rows, state->count * 3 * sizeof(int64_t));
}

const nnrt_rop nnrt_rop_nms = {
    .name = "nms",
    .params_bytes = sizeof(nnrt_nms_params),
    .min_in = 5,
    .max_in = 5,
    .out_count = 1,
    .host_inputs = 0x1f,
    .flags = NNRT_ROP_HOST,
    .check = check,
    .reshape = reshape,
    .run = run,
};
