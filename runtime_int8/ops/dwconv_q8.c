/* dwconv_q8: depthwise NHWC convolution. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/ops/product_q8.h"
#include "runtime_int8/ops/util.h"
#include "runtime_int8/ops/window.h"
#include "runtime_int8/pack.h"

#define CHANNELS_MAX (1u << 20)
#define BLOCK 64u          /* channels of one kernel call: the contract's step */
#define TASK_MACS 600000u  /* about 5 us of one core */
#define TASKS_MAX 16u

typedef struct dwconv_state {
    nnrt_k_dwconv_q8_args args;
    nnrt_k_dwconv_q8_fn *fn;
    size_t images, blocks, tasks;
    size_t x_image, y_image, out_bytes; /* bytes, elements, bytes per element */
    uint8_t pad[];
} dwconv_state;

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    NNC_TRY(nnrt_window_check(ctx, &p->window));
    if (p->c_out < 1 || p->c_out > CHANNELS_MAX || p->groups != p->c_out || p->c_in != p->c_out)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': %u channels to %u in %u groups is not depthwise", ctx->name,
                 p->c_in, p->c_out, p->groups);
    return nnrt_product_q8_check(
        ctx, &p->epilogue,
        nnrt_pack_dwconv_q8_bytes(p->c_out, p->window.kernel[0], p->window.kernel[1]),
        ((size_t)p->c_out + 15) / 16 * 16);
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_conv_q8_params *p = ctx->params;
    nnrt_window_dims d;
    NNC_TRY(check(ctx)); /* inputs that are no constants have sizes only now */
    NNC_TRY(nnrt_window_resolve(&d, ctx, &p->window, &ctx->in[0].shape));
    if (d.c != (int64_t)p->c_out)
        NNC_FAIL(NNC_ERR_MODEL, "'%s': input has %lld channels, expected %u", ctx->name,
                 (long long)d.c, p->c_out);
    const nnrt_shape shape = nnrt_window_shape(&d, &p->window, p->c_out);
    NNC_TRY(nnrt_product_q8_output(ctx, &p->epilogue, 4, &shape));
    const size_t pad_bytes = (size_t)p->c_out + BLOCK;
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(dwconv_state) + pad_bytes));
    dwconv_state *state = ctx->state;
    memset(state->pad, p->epilogue.zx, pad_bytes);
    const nnrt_kernel *kernel = nnrt_kernel_find(NNRT_K_dwconv_q8, ctx->isa);
    state->fn = (nnrt_k_dwconv_q8_fn *)kernel->fn;
    state->args = (nnrt_k_dwconv_q8_args){
        .height = (size_t)d.h, .width = (size_t)d.w, .channels = p->c_out,
        .out_height = (size_t)d.oh, .out_width = (size_t)d.ow,
        .r = (size_t)d.r, .s = (size_t)d.s,
        .stride_h = (size_t)d.sh, .stride_w = (size_t)d.sw,
        .dilation_h = (size_t)d.dh, .dilation_w = (size_t)d.dw,
        .pad_top = (size_t)d.top, .pad_left = (size_t)d.left,
        .pad = state->pad, .epilogue = &p->epilogue,
    };
    state->images = (size_t)d.n;
    state->blocks = ((size_t)p->c_out + BLOCK - 1) / BLOCK;
    state->x_image = (size_t)(d.h * d.w * d.c);
    state->y_image = (size_t)(d.oh * d.ow * d.c);
    state->out_bytes = nnrt_dtype_bytes(ctx->out[0].dtype);
    ctx->macs = (uint64_t)d.n * state->y_image * (uint64_t)d.r * (uint64_t)d.s;
    const uint64_t tasks = ctx->macs / TASK_MACS < TASKS_MAX ? ctx->macs / TASK_MACS : TASKS_MAX;
    const size_t units = state->images * state->blocks * (size_t)d.oh;
    state->tasks = tasks > units ? units : tasks ? (size_t)tasks : 1;
    ctx->kernel = kernel->name;
    ctx->impl = kernel;
    return NNC_OK;
}

/* Units are (image, channel block, output row), the last fastest. */
static void run_task(void *user, size_t i)
{
    const dwconv_state *state = user;
    const size_t high = state->args.out_height, channels = state->args.channels;
    const size_t units = state->images * state->blocks * high;
    size_t begin = i * units / state->tasks;
    const size_t end = (i + 1) * units / state->tasks;
    while (begin < end) {
        const size_t image = begin / (state->blocks * high), block = begin / high % state->blocks;
        const size_t oy = begin % high;
        const size_t run = high - oy < end - begin ? high - oy : end - begin;
        const size_t c1 = (block + 1) * BLOCK < channels ? (block + 1) * BLOCK : channels;
        nnrt_k_dwconv_q8_args args = state->args;
        args.x += image * state->x_image;
        args.y = (uint8_t *)args.y + image * state->y_image * state->out_bytes;
        if (args.residual)
            args.residual += image * state->y_image;
        state->fn(&args, oy, oy + run, block * BLOCK, c1);
        begin += run;
    }
}

static void run(const nnrt_node_ctx *ctx)
{
    dwconv_state state = *(const dwconv_state *)ctx->state;
    state.args.x = ctx->in[0].data;
    state.args.weight = ctx->in[1].data;
    state.args.acc0 = ctx->in[2].data;
    state.args.mult = ctx->in[3].data;
    state.args.residual = ctx->in_count > 4 ? ctx->in[4].data : NULL;
    state.args.y = ctx->out[0].data;
    if (state.images * state.y_image > 0)
        nnrt_parallel(ctx->pool, run_task, &state, state.tasks);
}

const nnrt_rop nnrt_rop_dwconv_q8 = {
    .name = "dwconv_q8",
    .params_bytes = sizeof(nnrt_conv_q8_params),
    .min_in = 4,
    .max_in = 5,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
