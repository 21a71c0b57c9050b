/* random, bernoulli, multinomial, dropout: numbers drawn from a seed of the plan. SPDX-License-Identifier: Apache-2.0
 * Block b of the output comes from stream b of the seed, so results depend neither on threads nor on earlier runs. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "runtime_int8/ops/elements.h"
#include "runtime_int8/ops/util.h"

#define BLOCK NNRT_CHUNK

/* n elements of the block that begins at `at`. */
typedef void block_fn(const nnrt_node_ctx *ctx, size_t at, size_t n, nnc_rng *rng);

typedef struct block_task {
    const nnrt_node_ctx *ctx;
    block_fn *fn;
    uint64_t seed;
    size_t count;
} block_task;

static void block_tile(void *user, size_t begin, size_t count)
{
    const block_task *task = user;
    for (size_t b = begin; b < begin + count; b++) {
        nnc_rng rng;
        size_t at = b * BLOCK, left = task->count - at;
        nnc_rng_init(&rng, task->seed, b);
        task->fn(task->ctx, at, left < BLOCK ? left : BLOCK, &rng);
    }
}

static void each_block(const nnrt_node_ctx *ctx, size_t count, uint64_t seed, block_fn *fn)
{
    block_task task = {ctx, fn, seed, count};
    nnrt_parallel_tiles(ctx->pool, block_tile, &task, (count + BLOCK - 1) / BLOCK, 16);
}

static void store(const nnrt_tensor *y, size_t at, const double *v, size_t n)
{
    int64_t whole[BLOCK];
    if (nnrt_wide_of(y->dtype) != NNRT_WIDE_INT) {
        nnrt_store_doubles(y->data, y->dtype, at, v, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        whole[i] = nnrt_double_to_int(v[i], y->dtype);
    nnrt_store_ints(y->data, y->dtype, at, whole, n);
}

/* ---- random: shape -> uniform or normal numbers ---- */

static nnc_status random_check(const nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_FLOAT >> p->dtype & 1u) || p->normal > 1)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': random numbers of type %u, normal %u", ctx->name, p->dtype, p->normal);
    NNC_TRY(nnrt_check_rank(ctx, 0, 1));
    return nnrt_check_dtype(ctx, 0, NNRT_SET(NNRT_I64));
}

static nnc_status random_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    nnrt_shape y;
    NNC_TRY(nnrt_host_shape(&y, ctx, 0));
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static void random_block(const nnrt_node_ctx *ctx, size_t at, size_t n, nnc_rng *rng)
{
    const nnrt_random_params *p = ctx->params;
    double v[BLOCK], a = (double)p->a, b = (double)p->b;
    for (size_t i = 0; i < n; i++)
        v[i] = p->normal ? a + b * (double)nnc_rng_normal(rng) : a + (b - a) * (double)nnc_rng_uniform(rng);
    store(&ctx->out[0], at, v, n);
}

static void random_run(const nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    each_block(ctx, nnrt_shape_count(&ctx->out[0].shape), p->seed, random_block);
}

const nnrt_rop nnrt_rop_random = {
    .name = "random",
    .params_bytes = sizeof(nnrt_random_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .host_inputs = 0x1,
    .check = random_check,
    .reshape = random_reshape,
    .run = random_run,
};

/* ---- bernoulli: 1 with the probability in x ---- */

static nnc_status bernoulli_check(const nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    if (p->dtype > 31 || !(NNRT_SET_WIDE >> p->dtype & 1u))
        NNC_FAIL(NNC_ERR_MODEL, "'%s': drawn numbers of type %u", ctx->name, p->dtype);
    return nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT);
}

static nnc_status bernoulli_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &ctx->in[0].shape);
    return NNC_OK;
}

static void bernoulli_block(const nnrt_node_ctx *ctx, size_t at, size_t n, nnc_rng *rng)
{
    double v[BLOCK];
    nnrt_load_doubles(v, ctx->in[0].data, ctx->in[0].dtype, at, 1, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (double)nnc_rng_uniform(rng) < v[i] ? 1.0 : 0.0;
    store(&ctx->out[0], at, v, n);
}

static void bernoulli_run(const nnrt_node_ctx *ctx)
{
    const nnrt_random_params *p = ctx->params;
    each_block(ctx, nnrt_shape_count(&ctx->out[0].shape), p->seed, bernoulli_block);
}

const nnrt_rop nnrt_rop_bernoulli = {
    .name = "bernoulli",
    .params_bytes = sizeof(nnrt_random_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = bernoulli_check,
    .reshape = bernoulli_reshape,
    .run = bernoulli_run,
};

/* ---- multinomial: classes drawn from unnormalised log probabilities ---- */

static nnc_status multinomial_check(const nnrt_node_ctx *ctx)
{
    const nnrt_multinomial_params *p = ctx->params;
    if ((p->dtype != NNRT_I32 && p->dtype != NNRT_I64) || p->samples > INT32_MAX)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u samples of type %u", ctx->name, p->samples, p->dtype);
    NNC_TRY(nnrt_check_rank(ctx, 0, 2));
    return nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT);
}

static nnc_status multinomial_reshape(nnrt_node_ctx *ctx)
{
    const nnrt_multinomial_params *p = ctx->params;
    nnrt_shape y = {.rank = 2, .dims = {ctx->in[0].shape.dims[0], p->samples}};
    if (ctx->in[0].shape.dims[1] == 0)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': no classes to draw from", ctx->name);
    nnrt_set_output(ctx, (nnrt_dtype)p->dtype, &y);
    return NNC_OK;
}

static double class_weight(const nnrt_tensor *x, size_t at, double most)
{
    double v;
    nnrt_load_doubles(&v, x->data, x->dtype, at, 1, 1);
    return exp(v - most);
}

/* One draw by walking the cumulative weights. */
static int64_t draw(const nnrt_tensor *x, size_t row, size_t classes, double u)
{
    double most = -(double)INFINITY, total = 0.0, v, sum = 0.0;
    for (size_t c = 0; c < classes; c++) {
        nnrt_load_doubles(&v, x->data, x->dtype, row * classes + c, 1, 1);
        most = v > most ? v : most;
    }
    for (size_t c = 0; c < classes; c++)
        total += class_weight(x, row * classes + c, most);
    for (size_t c = 0; c + 1 < classes; c++) {
        sum += class_weight(x, row * classes + c, most);
        if (u * total < sum)
            return (int64_t)c;
    }
    return (int64_t)classes - 1;
}

static void multinomial_block(const nnrt_node_ctx *ctx, size_t at, size_t n, nnc_rng *rng)
{
    const nnrt_multinomial_params *p = ctx->params;
    size_t classes = (size_t)ctx->in[0].shape.dims[1];
    for (size_t i = at; i < at + n; i++) {
        int64_t c = draw(&ctx->in[0], i / p->samples, classes, (double)nnc_rng_uniform(rng));
        nnrt_store_ints(ctx->out[0].data, ctx->out[0].dtype, i, &c, 1);
    }
}

static void multinomial_run(const nnrt_node_ctx *ctx)
{
    const nnrt_multinomial_params *p = ctx->params;
    each_block(ctx, nnrt_shape_count(&ctx->out[0].shape), p->seed, multinomial_block);
}

const nnrt_rop nnrt_rop_multinomial = {
    .name = "multinomial",
    .params_bytes = sizeof(nnrt_multinomial_params),
    .min_in = 1,
    .max_in = 1,
    .out_count = 1,
    .check = multinomial_check,
    .reshape = multinomial_reshape,
    .run = multinomial_run,
};

/* ---- dropout: x, ratio, training -> y, mask ---- */

static nnc_status dropout_check(const nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_dtype(ctx, 0, NNRT_SET_FLOAT));
    NNC_TRY(nnrt_check_dtype(ctx, 1, NNRT_SET_FLOAT));
    return nnrt_check_dtype(ctx, 2, NNRT_SET(NNRT_BOOL));
}

static nnc_status dropout_reshape(nnrt_node_ctx *ctx)
{
    NNC_TRY(nnrt_check_count(ctx, 1, 1));
    NNC_TRY(nnrt_check_count(ctx, 2, 1));
    nnrt_set_output_like(ctx, 0);
    ctx->out[1].shape = ctx->in[0].shape;
    ctx->out[1].dtype = NNRT_BOOL;
    return NNC_OK;
}

static void dropout_block(const nnrt_node_ctx *ctx, size_t at, size_t n, nnc_rng *rng)
{
    double v[BLOCK], ratio;
    uint8_t *mask = (uint8_t *)ctx->out[1].data + at;
    bool training = ((const uint8_t *)ctx->in[2].data)[0] != 0;
    nnrt_load_doubles(&ratio, ctx->in[1].data, ctx->in[1].dtype, 0, 1, 1);
    nnrt_load_doubles(v, ctx->in[0].data, ctx->in[0].dtype, at, 1, n);
    for (size_t i = 0; i < n; i++) {
        mask[i] = !training || ratio == 0.0 || (double)nnc_rng_uniform(rng) >= ratio;
        if (training && ratio != 0.0)
            v[i] = mask[i] ? v[i] / (1.0 - ratio) : 0.0;
    }
    nnrt_store_doubles(ctx->out[0].data, ctx->out[0].dtype, at, v, n);
}

static void dropout_run(const nnrt_node_ctx *ctx)
{
    const nnrt_seed_params *p = ctx->params;
    each_block(ctx, nnrt_shape_count(&ctx->out[0].shape), p->seed, dropout_block);
}

const nnrt_rop nnrt_rop_dropout = {
    .name = "dropout",
    .params_bytes = sizeof(nnrt_seed_params),
    .min_in = 3,
    .max_in = 3,
    .out_count = 2,
    .check = dropout_check,
    .reshape = dropout_reshape,
    .run = dropout_run,
};
