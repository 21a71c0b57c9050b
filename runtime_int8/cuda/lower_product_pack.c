/* Layouts of the product kernels. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime_int8/cuda/lower_product.h"
#include "runtime_int8/pack.h"

#define LAYOUT_FRAGMENTS 0x40000000u /* plus the words of K */
#define LAYOUT_MERGED 0x80000000u    /* plus a hash of the parameters */

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

uint32_t nnrt_cuda_k_steps(const nnrt_cuda_k *k)
{
    return (uint32_t)ceil_div((size_t)k->r * k->s * k->run, NNRT_CUDA_STEP);
}

nnrt_cuda_divisor nnrt_cuda_divide_by(uint32_t by)
{
    /* 2^(31 + s) / by rounded up, by <= 2^s: too large by less than 2^s / 2^(31 + s) of n, so below
     * 2^31 the quotient is exact; and by > 2^(s - 1) keeps it in 32 bits. */
    uint32_t s = 0;
    while ((UINT64_C(1) << s) < by)
        s++;
    if (s == 0)
        return (nnrt_cuda_divisor){.by = 1};
    return (nnrt_cuda_divisor){
        .by = by,
        .multiplier = (uint32_t)(((UINT64_C(1) << (31 + s)) + by - 1) / by),
        .shift = s - 1,
    };
}

void nnrt_cuda_k_pieces(nnrt_cuda_k *k, uint32_t channels, bool bytes)
{
    const bool gather = bytes || channels % 4 != 0;
    k->piece = gather || channels % 8 != 0 ? 4 : channels % 16 != 0 ? 8 : 16;
    k->grain = gather ? 1 : k->piece == 16 ? 16 : 4;
    k->unit = gather ? 1 : k->pixel_bytes;
}

void nnrt_cuda_k_taps(nnrt_cuda_tap *taps, const nnrt_cuda_k *k)
{
    const size_t pieces = (size_t)nnrt_cuda_k_steps(k) * NNRT_CUDA_STEP / k->piece;
    const size_t per_tap = k->run / k->piece, used = per_tap * k->s * k->r;
    for (size_t i = 0; i < pieces; i++) {
        const size_t at = i < used ? i : 0;
        const int32_t c = (int32_t)(at % per_tap * k->piece);
        const int32_t dy = (int32_t)(at / per_tap / k->s) * k->down;
        const int32_t dx = (int32_t)(at / per_tap % k->s) * k->right;
        const int32_t right = dx * (int32_t)k->pixel_bytes + c;
        taps[i] = (nnrt_cuda_tap){
            .offset = (dy * (int32_t)k->row_bytes + right) / (int32_t)k->grain,
            .dy = dy,
            .dx = k->unit == 1 ? right : dx,
        };
    }
}

static size_t fragment_steps(size_t quads)
{
    return ceil_div(quads * 4, NNRT_CUDA_STEP);
}

/* Offset of word q of K of column n in a panel of fragments. */
static size_t fragment_at(size_t q, size_t n)
{
    const size_t lane = n % 8 * 4 + q % 4;
    return q / 8 * 512 + lane * 16 + n / 8 * 8 + q / 4 % 2 * 4;
}

void nnrt_cuda_fragments(uint8_t *out, const uint8_t *w, size_t panels, size_t quads)
{
    const size_t bytes = fragment_steps(quads) * NNRT_CUDA_PANEL;
    for (size_t p = 0; p < panels; p++, out += bytes)
        for (size_t q = 0; q < quads; q++)
            for (size_t n = 0; n < 16; n++, w += 4)
                memcpy(out + fragment_at(q, n), w, 4);
}

static size_t conv_quads(const nnrt_conv_q8_params *p)
{
    const size_t c = p->c_in / p->groups, r = p->window.kernel[0], s = p->window.kernel[1];
    return p->pack == NNRT_CONV_PACK_ROWS ? r * ceil_div(s * c, 4) : r * s * ceil_div(c, 4);
}

static void pack_conv(void *out, const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_conv_q8_params *p = ctx->params;
    nnrt_cuda_fragments(out, ctx->in[i].data, p->groups * ceil_div(p->c_out / p->groups, 16),
                        conv_quads(p));
}

static void pack_gemm(void *out, const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_gemm_q8_params *p = ctx->params;
    nnrt_cuda_fragments(out, ctx->in[i].data, ceil_div(p->n, 16), ceil_div(p->k, 4));
}

/* Bytes of K of one tap of `merge` groups. */
static size_t merged_run(const nnrt_conv_q8_params *p, uint32_t merge)
{
    return ceil_div((size_t)p->c_in / p->groups * merge, 4) * 4;
}

uint32_t nnrt_cuda_conv_merge(const nnrt_conv_q8_params *params)
{
    const nnrt_conv_q8_params *p = params;
    const size_t n = p->c_out / p->groups, c = p->c_in / p->groups;
    const size_t taps = (size_t)p->window.kernel[0] * p->window.kernel[1];
    uint32_t best = 1;
    double least = 0;
    if (p->pack == NNRT_CONV_PACK_ROWS)
        return 1;
    for (uint32_t m = 1; m <= p->groups && (m == 1 || m * n <= 128); m++) {
        if (p->groups % m != 0)
            continue;
        /* Products of all tiles of 32 columns; narrow pieces of K cost more to copy. */
        const size_t width = m * c;
        const double copies = width % 16 == 0 ? 1 : width % 8 == 0 ? 1.3 : width % 4 == 0 ? 2 : 6;
        const double work = (double)(p->groups / m) * (double)(ceil_div(m * n, 32) * 32) *
                            (double)(ceil_div(taps * merged_run(p, m), 64) * 64) * copies;
        if (m == 1 || work < least) {
            least = work;
            best = m;
        }
    }
    return best;
}

/* Byte by byte: the groups' weights lie on the diagonal of the merged group's. */
static void pack_merged(void *out, const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const uint32_t merge = nnrt_cuda_conv_merge(p);
    const size_t n_group = p->c_out / p->groups, c_group = p->c_in / p->groups;
    const size_t taps = (size_t)p->window.kernel[0] * p->window.kernel[1];
    const size_t quads = ceil_div(c_group, 4), run = merged_run(p, merge);
    const size_t panel = fragment_steps(taps * run / 4) * NNRT_CUDA_PANEL;
    const size_t panels = ceil_div(n_group * merge, 16);
    const uint8_t *w = ctx->in[i].data;
    for (size_t g = 0; g < p->groups; g++) {
        uint8_t *group = (uint8_t *)out + g / merge * panels * panel;
        for (size_t n = 0; n < n_group; n++) {
            const size_t column = g % merge * n_group + n;
            const uint8_t *from =
                w + ((g * ceil_div(n_group, 16) + n / 16) * taps * quads * 16 + n % 16) * 4;
            for (size_t t = 0; t < taps; t++)
                for (size_t c = 0; c < c_group; c++) {
                    const size_t k = t * run + g % merge * c_group + c;
                    group[column / 16 * panel + fragment_at(k / 4, column % 16) + k % 4] =
                        from[(t * quads + c / 4) * 64 + c % 4];
                }
        }
    }
}

/* acc0 or mult, four bytes each. */
static void pack_channels(void *out, const nnrt_node_ctx *ctx, uint32_t i)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const uint32_t merge = nnrt_cuda_conv_merge(p);
    const size_t n = p->c_out / p->groups, channels = ceil_div(n * merge, 16) * 16;
    const uint8_t *from = ctx->in[i].data;
    for (size_t g = 0; g < p->groups; g++, from += ceil_div(n, 16) * 16 * 4)
        memcpy((uint8_t *)out + (g / merge * channels + g % merge * n) * 4, from, n * 4);
}

static nnc_status plain_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                const nnrt_node_ctx *ctx, size_t panels, size_t quads,
                                nnrt_cuda_pack_fn *pack)
{
    if (quads >= LAYOUT_FRAGMENTS || fragment_steps(quads) > UINT32_MAX / NNRT_CUDA_PANEL / panels)
        NNC_FAIL(NNC_ERR_UNSUPPORTED,
                 "CUDA: '%s': weights of %zu times %zu words, the limit is 2^32 bytes", ctx->name,
                 panels * 16, quads);
    NNC_TRY(nnrt_cuda_constant(&out->w, low, 1, LAYOUT_FRAGMENTS + (uint32_t)quads,
                               panels * fragment_steps(quads) * NNRT_CUDA_PANEL, pack));
    NNC_TRY(nnrt_cuda_input(&out->acc0, low, 2));
    return nnrt_cuda_input(&out->mult, low, 3);
}

static nnc_status merged_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                 const nnrt_node_ctx *ctx, uint32_t merge)
{
    const nnrt_conv_q8_params *p = ctx->params;
    const size_t taps = (size_t)p->window.kernel[0] * p->window.kernel[1];
    const size_t panels = ceil_div((size_t)p->c_out / p->groups * merge, 16);
    const size_t groups = p->groups / merge,
                 steps = fragment_steps(taps * merged_run(p, merge) / 4);
    const uint32_t key[] = {p->groups, p->c_in, p->c_out, p->window.kernel[0], p->window.kernel[1]};
    uint32_t layout = 0;
    for (unsigned i = 0; i < 5; i++)
        layout = (layout ^ key[i]) * 16777619u;
    layout |= LAYOUT_MERGED;
    if (steps > UINT32_MAX / NNRT_CUDA_PANEL / panels / groups)
        NNC_FAIL(NNC_ERR_UNSUPPORTED, "CUDA: '%s': weights of %zu groups of %zu times %zu bytes",
                 ctx->name, groups, panels * 16, steps * NNRT_CUDA_STEP);
    NNC_TRY(nnrt_cuda_constant(&out->w, low, 1, layout, groups * panels * steps * NNRT_CUDA_PANEL,
                               pack_merged));
    const size_t channels = groups * panels * 16 * sizeof(float);
    NNC_TRY(nnrt_cuda_constant(&out->acc0, low, 2, layout, channels, pack_channels));
    return nnrt_cuda_constant(&out->mult, low, 3, layout, channels, pack_channels);
}

nnc_status nnrt_cuda_conv_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                  const nnrt_node_ctx *ctx, uint32_t merge)
{
    const nnrt_conv_q8_params *p = ctx->params;
    if (merge > 1)
        return merged_weights(out, low, ctx, merge);
    return plain_weights(out, low, ctx, p->groups * ceil_div(p->c_out / p->groups, 16),
                         conv_quads(p), pack_conv);
}

nnc_status nnrt_cuda_gemm_weights(nnrt_cuda_weights *out, nnrt_cuda_lowering *low,
                                  const nnrt_node_ctx *ctx)
{
    const nnrt_gemm_q8_params *p = ctx->params;
    return plain_weights(out, low, ctx, ceil_div(p->n, 16), ceil_div(p->k, 4), pack_gemm);
}
