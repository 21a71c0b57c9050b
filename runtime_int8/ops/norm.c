/* layernorm, instancenorm (and GroupNormalization), channel_affine. SPDX-License-Identifier:
 * Apache-2.0 */
#include <math.h>

#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/ops/util.h"

#define TASK_WORK 16384u /* elements per task */

static size_t rows_per_task(size_t row)
{
    return row == 0 || row >= TASK_WORK ? 1 : TASK_WORK / row;
}

static nnc_status check_f32(const nnrt_node_ctx *ctx)
{
    for (uint32_t i = 0; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_dtype(ctx, i, NNRT_SET(NNRT_F32)));
    return NNC_OK;
}

static nnc_status check_epsilon(const nnrt_node_ctx *ctx, float epsilon)
{
    if (!(epsilon >= 0.0f) || epsilon == INFINITY)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': epsilon %g", ctx->name, (double)epsilon);
    return NNC_OK;
}

typedef struct layernorm_state {
    nnrt_k_layernorm_f32_fn *fn;
    size_t rows, n;
} layernorm_state;

static nnc_status layernorm_check(const nnrt_node_ctx *ctx)
{
    const nnrt_layernorm_params *p = ctx->params;
    NNC_TRY(check_f32(ctx));
    NNC_TRY(check_epsilon(ctx, p->epsilon));
    return nnrt_check_axis(ctx, p->axis, ctx->in[0].shape.rank);
}

static nnc_status layernorm_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_layernorm_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_layernorm_f32, ctx->isa);
    nnrt_set_output_like(ctx, 0);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(layernorm_state)));
    layernorm_state *state = ctx->state;
    state->fn = (nnrt_k_layernorm_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    state->rows = nnrt_shape_span(x, 0, (uint32_t)p->axis);
    state->n = nnrt_shape_span(x, (uint32_t)p->axis, x->rank);
    for (uint32_t i = 1; i < ctx->in_count; i++)
        NNC_TRY(nnrt_check_count(ctx, i, state->n));
    return NNC_OK;
}

static void layernorm_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_layernorm_params *p = ctx->params;
    const layernorm_state *state = ctx->state;
    const float *scale = ctx->in_count > 1 ? ctx->in[1].data : NULL;
    const float *bias = ctx->in_count > 2 ? ctx->in[2].data : NULL;
    for (size_t r = begin; r < begin + count; r++)
        state->fn((float *)ctx->out[0].data + r * state->n,
                  (const float *)ctx->in[0].data + r * state->n, state->n, scale, bias, p->epsilon,
                  p->rms != 0);
}

static void layernorm_run(const nnrt_node_ctx *ctx)
{
    const layernorm_state *state = ctx->state;
    if (state->n != 0)
        nnrt_parallel_tiles(ctx->pool, layernorm_tile, (void *)(uintptr_t)ctx, state->rows,
                            rows_per_task(state->n));
}

const nnrt_rop nnrt_rop_layernorm = {
    .name = "layernorm",
    .params_bytes = sizeof(nnrt_layernorm_params),
    .min_in = 1,
    .max_in = 3,
    .out_count = 1,
    .check = layernorm_check,
    .reshape = layernorm_reshape,
    .run = layernorm_run,
};

/* Per image: sums by channel, then per group of channels in ascending order; y = x * a[c] + b[c].
 */
typedef struct instancenorm_state {
    nnrt_k_reduce_f32_fn *reduce;
    nnrt_k_deviation_f32_fn *deviation;
    nnrt_k_affine_f32_fn *affine;
    size_t n, pixels, c, groups;
} instancenorm_state;

static nnc_status instancenorm_check(const nnrt_node_ctx *ctx)
{
    const nnrt_instancenorm_params *p = ctx->params;
    NNC_TRY(check_f32(ctx));
    if (ctx->in[0].shape.rank < 2)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': rank %u, expected at least 2", ctx->name,
                 ctx->in[0].shape.rank);
    return check_epsilon(ctx, p->epsilon);
}

static nnc_status instancenorm_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_instancenorm_params *p = ctx->params;
    const nnrt_shape *x = &ctx->in[0].shape;
    nnrt_set_output_like(ctx, 0);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(instancenorm_state)));
    instancenorm_state *state = ctx->state;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_affine_f32, ctx->isa);
    state->affine = (nnrt_k_affine_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    state->reduce = (nnrt_k_reduce_f32_fn *)nnrt_kernel_find(NNRT_K_reduce_f32, ctx->isa)->fn;
    state->deviation =
        (nnrt_k_deviation_f32_fn *)nnrt_kernel_find(NNRT_K_deviation_f32, ctx->isa)->fn;
    state->n = (size_t)x->dims[0];
    state->c = (size_t)x->dims[x->rank - 1];
    state->pixels = nnrt_shape_span(x, 1, x->rank - 1);
    state->groups = p->groups != 0 ? p->groups : state->c;
    if (state->groups != 0 && state->c % state->groups != 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %zu channels in %zu groups", ctx->name, state->c,
                 state->groups);
    NNC_TRY(nnrt_check_count(ctx, 1, state->c));
    NNC_TRY(nnrt_check_count(ctx, 2, state->c));
    ctx->scratch_bytes = state->n * state->c * 4 * sizeof(float);
    return NNC_OK;
}

/* Replaces per-channel values by their group's sum divided by `count`. */
static void group_mean(float *v, size_t c, size_t groups, float count)
{
    size_t size = c / groups;
    for (size_t g = 0; g < groups; g++) {
        float sum = 0.0f;
        for (size_t k = g * size; k < (g + 1) * size; k++)
            sum += v[k];
        for (size_t k = g * size; k < (g + 1) * size; k++)
            v[k] = sum / count;
    }
}

#define BLOCK 64u /* channels of one task */

/* Of image i: [mean][variance][a][b], each [C]. */
static float *image_vectors(const nnrt_node_ctx *ctx, size_t image)
{
    const instancenorm_state *state = ctx->state;
    return (float *)ctx->scratch + image * 4 * state->c;
}

/* Sums of a block of channels of one image into its vector; deviation: of squares, from the means. */
static void instancenorm_sums(const nnrt_node_ctx *ctx, size_t task, bool deviation)
{
    const instancenorm_state *state = ctx->state;
    const size_t blocks = (state->c + BLOCK - 1) / BLOCK, c = task % blocks * BLOCK;
    const size_t cols = state->c - c < BLOCK ? state->c - c : BLOCK;
    float *mean = image_vectors(ctx, task / blocks) + c;
    const float *x = (const float *)ctx->in[0].data + task / blocks * state->pixels * state->c + c;
    if (deviation)
        state->deviation(mean + state->c, x, mean, state->pixels, cols, state->c);
    else
        state->reduce(mean, x, state->pixels, cols, state->c, NNRT_REDUCE_SUM);
}

static void instancenorm_mean(void *user, size_t task)
{
    instancenorm_sums(user, task, false);
}

static void instancenorm_deviation(void *user, size_t task)
{
    instancenorm_sums(user, task, true);
}

/* Pixels [begin, begin + count) of all images. */
static void instancenorm_affine(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const instancenorm_state *state = ctx->state;
    while (count > 0) {
        const size_t left = state->pixels - begin % state->pixels, n = left < count ? left : count;
        const float *a = image_vectors(ctx, begin / state->pixels) + 2 * state->c;
        state->affine((float *)ctx->out[0].data + begin * state->c,
                      (const float *)ctx->in[0].data + begin * state->c, n, state->c, a,
                      a + state->c, -INFINITY, INFINITY);
        begin += n;
        count -= n;
    }
}

static void instancenorm_run(const nnrt_node_ctx *ctx)
{
    const nnrt_instancenorm_params *p = ctx->params;
    const instancenorm_state *state = ctx->state;
    const float *scale = ctx->in[1].data, *bias = ctx->in[2].data;
    void *user = (void *)(uintptr_t)ctx;
    if (state->pixels == 0 || state->c == 0)
        return;
    const size_t c = state->c, tasks = state->n * ((c + BLOCK - 1) / BLOCK);
    const float count = (float)(state->pixels * (c / state->groups));
    nnrt_parallel(ctx->pool, instancenorm_mean, user, tasks);
    for (size_t i = 0; i < state->n; i++)
        group_mean(image_vectors(ctx, i), c, state->groups, count);
    nnrt_parallel(ctx->pool, instancenorm_deviation, user, tasks);
    for (size_t i = 0; i < state->n; i++) {
        float *mean = image_vectors(ctx, i), *var = mean + c, *a = var + c, *b = a + c;
        group_mean(var, c, state->groups, count);
        for (size_t k = 0; k < c; k++) {
            a[k] = scale[k] / sqrtf(var[k] + p->epsilon);
            b[k] = bias[k] - mean[k] * a[k];
        }
    }
    nnrt_parallel_tiles(ctx->pool, instancenorm_affine, user, state->n * state->pixels,
                        rows_per_task(c) * 2);
}

const nnrt_rop nnrt_rop_instancenorm = {
    .name = "instancenorm",
    .params_bytes = sizeof(nnrt_instancenorm_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .check = instancenorm_check,
    .reshape = instancenorm_reshape,
    .run = instancenorm_run,
};

typedef struct affine_state {
    nnrt_k_affine_f32_fn *fn;
    size_t rows, c;
} affine_state;

static nnc_status affine_check(const nnrt_node_ctx *ctx)
{
    const nnrt_channel_affine_params *p = ctx->params;
    NNC_TRY(check_f32(ctx));
    if (ctx->in[0].shape.rank < 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': a scalar has no channels", ctx->name);
    return nnrt_check_clamp(ctx, p->clamp.lo, p->clamp.hi);
}

static nnc_status affine_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_shape *x = &ctx->in[0].shape;
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_affine_f32, ctx->isa);
    nnrt_set_output_like(ctx, 0);
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(affine_state)));
    affine_state *state = ctx->state;
    state->fn = (nnrt_k_affine_f32_fn *)kernel->fn;
    ctx->kernel = kernel->name;
    state->c = (size_t)x->dims[x->rank - 1];
    state->rows = nnrt_shape_span(x, 0, x->rank - 1);
    NNC_TRY(nnrt_check_count(ctx, 1, state->c));
    return nnrt_check_count(ctx, 2, state->c);
}

static void affine_tile(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    const nnrt_channel_affine_params *p = ctx->params;
    const affine_state *state = ctx->state;
    state->fn((float *)ctx->out[0].data + begin * state->c,
              (const float *)ctx->in[0].data + begin * state->c, count, state->c, ctx->in[1].data,
              ctx->in[2].data, p->clamp.lo, p->clamp.hi);
}

static void affine_run(const nnrt_node_ctx *ctx)
{
    const affine_state *state = ctx->state;
    nnrt_parallel_tiles(ctx->pool, affine_tile, (void *)(uintptr_t)ctx, state->rows,
                        rows_per_task(state->c) * 2);
}

const nnrt_rop nnrt_rop_channel_affine = {
    .name = "channel_affine",
    .params_bytes = sizeof(nnrt_channel_affine_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 1,
    .flags = NNRT_ROP_INPLACE,
    .check = affine_check,
    .reshape = affine_reshape,
    .run = affine_run,
};
