/* contract: sums of products of one or two tensors whose dims have labels. SPDX-License-Identifier:
 * Apache-2.0 Of two float32 tensors with enough work it is a batch of matrix products: both are
 * copied into the order of the product and the result out of it, where they do not lie so already.
 * Everything else goes row by row along y's last label. Every element is one ascending chain over
 * the summed labels; of float32, of fused multiply-adds. */
#include "runtime_int8/ops/contract.h"

#include <string.h>

#include "base/mem.h"
#include "runtime_int8/kernels/float_math.h"
#include "runtime_int8/ops/product_f32.h"
#include "runtime_int8/ops/util.h"

/* Multiply-accumulates per matrix below which copies cost more than they save. */
#define PRODUCT_MIN 512.0
#define TASK_WORK 65536.0

static const uint32_t numbers = NNRT_SET(NNRT_F32) | NNRT_SET(NNRT_F64) | NNRT_SET(NNRT_I8) |
                                NNRT_SET(NNRT_U8) | NNRT_SET(NNRT_I16) | NNRT_SET(NNRT_U16) |
                                NNRT_SET(NNRT_I32) | NNRT_SET(NNRT_U32) | NNRT_SET(NNRT_I64) |
                                NNRT_SET(NNRT_U64);

static nnc_status check(const nnrt_node_ctx *ctx)
{
    const nnrt_contract_params *p = ctx->params;
    uint32_t seen = 0, out = 0;
    NNC_TRY(nnrt_check_dtype(ctx, 0, numbers));
    NNC_TRY(nnrt_check_dtype(ctx, ctx->in_count - 1, NNRT_SET(ctx->in[0].dtype)));
    for (uint32_t i = 0; i < 3; i++) {
        if (p->rank[i] > NNRT_RANK_MAX || (i == 1 && ctx->in_count == 1 && p->rank[1] != 0))
            NNC_FAIL(NNC_ERR_MODEL, "'%s': operand %u of rank %u", ctx->name, i, p->rank[i]);
        if (i < ctx->in_count)
            NNC_TRY(nnrt_check_rank(ctx, i, p->rank[i]));
        for (uint32_t d = 0; d < p->rank[i]; d++) {
            const uint32_t bit = p->label[i][d] < NNRT_CONTRACT_LABELS ? 1u << p->label[i][d] : 0;
            if (bit == 0 || (i == 2 && ((out & bit) || !(seen & bit))))
                NNC_FAIL(NNC_ERR_MODEL, "'%s': label %u of dim %u of operand %u", ctx->name,
                         p->label[i][d], d, i);
            *(i == 2 ? &out : &seen) |= bit;
        }
    }
    return NNC_OK;
}

/* Sizes of the labels and each operand's stride along them. */
static nnc_status read_labels(nnrt_contract_state *s, const nnrt_node_ctx *ctx)
{
    const nnrt_contract_params *p = ctx->params;
    for (uint32_t l = 0; l < NNRT_CONTRACT_LABELS; l++)
        s->dim[l] = 1;
    for (uint32_t i = 0; i < ctx->in_count; i++) {
        size_t step = 1;
        for (uint32_t d = p->rank[i]; d-- > 0;) {
            const uint32_t l = p->label[i][d];
            const size_t dim = (size_t)ctx->in[i].shape.dims[d];
            if (dim != 1) {
                if (s->dim[l] != 1 && s->dim[l] != dim)
                    NNC_FAIL(NNC_ERR_MODEL, "'%s': one label has dims %zu and %zu", ctx->name,
                             s->dim[l], dim);
                s->dim[l] = dim;
                s->stride[i][l] += step;
            }
            step *= dim;
        }
    }
    return NNC_OK;
}

/* Puts each label into its class. */
static void classify(nnrt_contract_state *s, const nnrt_node_ctx *ctx)
{
    const nnrt_contract_params *p = ctx->params;
    bool in_y[NNRT_CONTRACT_LABELS] = {false};
    for (uint32_t d = 0; d < p->rank[2]; d++) {
        const uint8_t l = p->label[2][d];
        in_y[l] = true;
        s->y_dims[d] = s->dim[l];
        s->y_label[d] = l;
    }
    s->y_rank = p->rank[2];
    s->batch = s->m = s->n = s->k = 1;
    for (uint32_t d = 0; d < p->rank[2]; d++) {
        const uint8_t l = p->label[2][d];
        const bool a = s->stride[0][l] != 0, b = s->stride[1][l] != 0;
        nnrt_label_list *list = a && b ? &s->batch_labels : b ? &s->n_labels : &s->m_labels;
        *(a && b ? &s->batch : b ? &s->n : &s->m) *= s->dim[l];
        list->label[list->count++] = l;
    }
    for (uint32_t l = 0; l < NNRT_CONTRACT_LABELS; l++) {
        if (!in_y[l] && s->dim[l] != 1) {
            s->k_labels.label[s->k_labels.count++] = (uint8_t)l;
            s->k *= s->dim[l];
        }
    }
}

/* Sum of strides times index, for the flat index over a list of labels. */
static size_t place(const nnrt_contract_state *s, const nnrt_label_list *list, size_t index,
                    const size_t *stride)
{
    size_t at = 0;
    for (uint32_t i = list->count; i-- > 0;) {
        const uint8_t l = list->label[i];
        at += index % s->dim[l] * stride[l];
        index /= s->dim[l];
    }
    return at;
}

/* Whether an operand lies as [outer][inner] in row-major order over the two lists, after the batch.
 */
static bool lies_so(const nnrt_contract_state *s, const size_t *stride,
                    const nnrt_label_list *const *lists, uint32_t count)
{
    size_t step = 1;
    for (uint32_t i = count; i-- > 0;) {
        for (uint32_t k = lists[i]->count; k-- > 0;) {
            const uint8_t l = lists[i]->label[k];
            if (s->dim[l] != 1 && stride[l] != step)
                return false;
            step *= s->dim[l];
        }
    }
    return true;
}

static nnc_status plan_product(nnrt_contract_state *s, nnrt_node_ctx *ctx)
{
    const nnrt_label_list *const a[3] = {&s->batch_labels, &s->m_labels, &s->k_labels};
    const nnrt_label_list *const y[3] = {&s->batch_labels, &s->m_labels, &s->n_labels};
    const nnrt_contract_params *p = ctx->params;
    size_t y_stride[NNRT_CONTRACT_LABELS] = {0}, step = 1, floats = 0, part;
    bool fits = true;
    for (uint32_t d = p->rank[2]; d-- > 0; step *= s->y_dims[d])
        y_stride[p->label[2][d]] = step;
    s->copy_a = !lies_so(s, s->stride[0], a, 3);
    s->copy_y = !lies_so(s, y_stride, y, 3);
    part = s->copy_a;
    fits = nnc_size_mul(&part, part, s->batch) && nnc_size_mul(&part, part, s->m) &&
           nnc_size_mul(&part, part, s->k) && nnc_size_add(&floats, floats, part);
    s->b_at = floats = (floats + 15) / 16 * 16;
    part = (s->n + 15) / 16 * 16;
    fits = fits && nnc_size_mul(&part, part, s->batch) && nnc_size_mul(&part, part, s->k) &&
           nnc_size_add(&floats, floats, part);
    s->y_at = floats;
    part = s->copy_y;
    fits = fits && nnc_size_mul(&part, part, s->batch) && nnc_size_mul(&part, part, s->m) &&
           nnc_size_mul(&part, part, s->n) && nnc_size_add(&floats, floats, part);
    if (!fits || !nnc_size_mul(&ctx->scratch_bytes, floats, sizeof(float)))
        NNC_FAIL(NNC_ERR_LIMIT, "'%s': operands of a product are too large", ctx->name);
    s->kernel = nnrt_kernel_find(NNRT_K_gemm_f32, ctx->isa);
    ctx->kernel = s->kernel->name;
    return NNC_OK;
}

static nnc_status reshape(nnrt_node_ctx *ctx)
{
    const nnrt_contract_params *p = ctx->params;
    nnrt_shape y = {.rank = p->rank[2]};
    NNC_TRY(nnrt_ctx_state(ctx, sizeof(nnrt_contract_state)));
    nnrt_contract_state *s = ctx->state;
    memset(s, 0, sizeof *s);
    NNC_TRY(read_labels(s, ctx));
    classify(s, ctx);
    for (uint32_t d = 0; d < y.rank; d++)
        y.dims[d] = (int64_t)s->y_dims[d];
    NNC_TRY(nnrt_check_shape(ctx, &y, ctx->in[0].dtype));
    nnrt_set_output(ctx, ctx->in[0].dtype, &y);
    s->outputs = nnrt_shape_count(&y);
    s->row = y.rank ? s->y_dims[y.rank - 1] : 1;
    ctx->macs = (uint64_t)s->outputs * s->k;
    if (ctx->in_count == 2 && ctx->in[0].dtype == NNRT_F32 && s->outputs != 0 && s->k != 0 &&
        (double)s->m * (double)s->n * (double)s->k >= PRODUCT_MIN)
        return plan_product(s, ctx);
    return NNC_OK;
}

/* ---- matrix products ---- */

typedef struct contract_run {
    const nnrt_node_ctx *ctx;
    const nnrt_contract_state *s;
    const float *a;             /* [batch][M][K] */
    float *a_copy, *b_pack, *y; /* ..., [batch][ceil(N/16)][K][16], [batch][M][N] */
} contract_run;

/* Rows [begin, begin + count) of a's copy. */
static void copy_a(void *user, size_t begin, size_t count)
{
    const contract_run *run = user;
    const nnrt_contract_state *s = run->s;
    const float *a = run->ctx->in[0].data;
    for (size_t i = begin; i < begin + count; i++) {
        const float *from = a + place(s, &s->batch_labels, i / s->m, s->stride[0]) +
                            place(s, &s->m_labels, i % s->m, s->stride[0]);
        float *to = run->a_copy + i * s->k;
        const uint8_t last = s->k_labels.count ? s->k_labels.label[s->k_labels.count - 1] : 0;
        const size_t len = s->k_labels.count ? s->dim[last] : 1;
        for (size_t k = 0; k < s->k; k += len) {
            const float *x = from + place(s, &s->k_labels, k, s->stride[0]);
            for (size_t j = 0; j < len; j++)
                to[k + j] = x[j * s->stride[0][last]];
        }
    }
}

/* Panels of b. */
static void pack_b(void *user, size_t begin, size_t count)
{
    const contract_run *run = user;
    const nnrt_contract_state *s = run->s;
    const size_t panels = (s->n + 15) / 16;
    for (size_t i = begin; i < begin + count; i++) {
        const size_t n = i % panels * 16, cols = s->n - n < 16 ? s->n - n : 16;
        const float *b = (const float *)run->ctx->in[1].data +
                         place(s, &s->batch_labels, i / panels, s->stride[1]);
        float *to = run->b_pack + i * s->k * 16;
        size_t column[16];
        for (size_t j = 0; j < cols; j++)
            column[j] = place(s, &s->n_labels, n + j, s->stride[1]);
        for (size_t k = 0; k < s->k; k++, to += 16) {
            const float *from = b + place(s, &s->k_labels, k, s->stride[1]);
            for (size_t j = 0; j < 16; j++)
                to[j] = j < cols ? from[column[j]] : 0.0f;
        }
    }
}

static void select_matrix(nnrt_product_f32 *one, size_t i)
{
    one->x += i * one->m * one->c;
    one->w += i * ((one->n + 15) / 16) * 16 * one->c;
    one->y += i * one->m * one->n;
}

/* Elements [begin, begin + count) of y from [batch][M][N]. */
static void copy_y(void *user, size_t begin, size_t count)
{
    const contract_run *run = user;
    const nnrt_contract_state *s = run->s;
    const nnrt_label_list *const lists[3] = {&s->batch_labels, &s->m_labels, &s->n_labels};
    size_t stride[NNRT_CONTRACT_LABELS] = {0}, step = 1;
    for (uint32_t i = 3; i-- > 0;) {
        for (uint32_t k = lists[i]->count; k-- > 0; step *= s->dim[lists[i]->label[k]])
            stride[lists[i]->label[k]] = step;
    }
    nnrt_label_list y = {.count = s->y_rank};
    memcpy(y.label, s->y_label, sizeof s->y_label);
    const uint8_t last = y.label[y.count - 1];
    for (size_t i = begin; i < begin + count; i++) {
        const float *from = run->y + place(s, &y, i * s->row, stride);
        float *to = (float *)run->ctx->out[0].data + i * s->row;
        for (size_t j = 0; j < s->row; j++)
            to[j] = from[j * stride[last]];
    }
}

static size_t tile_of(double work)
{
    return work >= TASK_WORK ? 1 : (size_t)(TASK_WORK / (work + 1.0)) + 1;
}

static void run_product(const nnrt_node_ctx *ctx)
{
    const nnrt_contract_state *s = ctx->state;
    float *scratch = ctx->scratch;
    contract_run run = {.ctx = ctx,
                        .s = s,
                        .a = s->copy_a ? scratch : ctx->in[0].data,
                        .a_copy = scratch,
                        .b_pack = scratch + s->b_at,
                        .y = s->copy_y ? scratch + s->y_at : ctx->out[0].data};
    if (s->copy_a)
        nnrt_parallel_tiles(ctx->pool, copy_a, &run, s->batch * s->m, tile_of((double)s->k));
    nnrt_parallel_tiles(ctx->pool, pack_b, &run, s->batch * ((s->n + 15) / 16),
                        tile_of((double)s->k * 16.0));
    const nnrt_product_f32 product = {
        .kernel = s->kernel,
        .m = s->m,
        .n = s->n,
        .taps = 1,
        .c = s->k,
        .batch = s->batch,
        .select = select_matrix,
        .rows = nnrt_product_rows_dense,
        .x = run.a,
        .x_row = s->k,
        .w = run.b_pack,
        .y = run.y,
        .y_row = s->n,
        .alpha = 1.0f,
        .lo = -INFINITY,
        .hi = INFINITY,
    };
    nnrt_product_f32_run(&product, ctx->pool);
    if (s->copy_y)
        nnrt_parallel_tiles(ctx->pool, copy_y, &run, s->outputs / s->row, tile_of((double)s->row));
}

static void run_scalar(void *user, size_t begin, size_t count)
{
    const nnrt_node_ctx *ctx = user;
    nnrt_contract_rows(ctx, begin, count);
}

static void run(const nnrt_node_ctx *ctx)
{
    const nnrt_contract_state *s = ctx->state;
    if (s->outputs == 0)
        return;
    if (s->kernel)
        run_product(ctx);
    else
        nnrt_parallel_tiles(ctx->pool, run_scalar, (void *)(uintptr_t)ctx, s->outputs / s->row,
                            tile_of((double)s->k * (double)s->row));
}

const nnrt_rop nnrt_rop_contract = {
    .name = "contract",
    .params_bytes = sizeof(nnrt_contract_params),
    .min_in = 1,
    .max_in = 2,
    .out_count = 1,
    .check = check,
    .reshape = reshape,
    .run = run,
};
