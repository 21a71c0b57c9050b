/* dwconv_f32: every row against the reference row, to the bit; the reference against a chain
 * written out here. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernels/f32_case.h"
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"

/* One output row of a convolution with an R x S kernel: `pad` zeros before each input row of
 * `width` columns; row `empty` of the kernel is in the padding. */
typedef struct dw_case {
    size_t count, channels, r, s, stride, dilation, pad, width, empty;
    unsigned flags; /* 1 bias, 2 residual, 4 clamp */
    uint64_t seed;
} dw_case;

#define MAX_ROWS 5

typedef struct operands {
    nnrt_k_dwconv_f32_params params;
    nnrt_k_dwconv_f32_row row[MAX_ROWS];
    float *x, *w, *bias, *residual;
    size_t y_count;
} operands;

static operands make(const dw_case *g)
{
    operands o;
    nnc_rng rng;
    nnc_rng_init(&rng, g->seed, 2);
    o.params = (nnrt_k_dwconv_f32_params){
        .r = g->r,
        .s = g->s,
        .stride = g->stride,
        .dilation = g->dilation,
        .channels = g->channels,
        .x_step = g->channels,
        .y_step = g->channels + 5,
        .lo = g->flags & 4 ? 0.0f : -INFINITY,
        .hi = g->flags & 4 ? 6.0f : INFINITY,
    };
    o.y_count = (g->count - 1) * o.params.y_step + g->channels;
    o.x = f32_random(g->r * g->width * g->channels, &rng);
    o.w = f32_random((g->channels + 15) / 16 * 16 * g->r * g->s, &rng);
    o.bias = f32_random(g->channels, &rng);
    o.residual = f32_random(o.y_count, &rng);
    for (size_t r = 0; r < g->r; r++) {
        o.row[r].offset = ((ptrdiff_t)(r * g->width) - (ptrdiff_t)g->pad) * (ptrdiff_t)g->channels;
        o.row[r].first = g->pad;
        o.row[r].end = r == g->empty ? g->pad : g->pad + g->width;
    }
    return o;
}

static void drop(operands *o)
{
    free(o->x);
    free(o->w);
    free(o->bias);
    free(o->residual);
}

static float *run(const nnrt_kernel *kernel, const dw_case *g, const operands *o)
{
    float *y = f32_guarded(o->y_count);
    ((nnrt_k_dwconv_f32_fn *)kernel->fn)(y, o->x, o->row, o->w, g->flags & 1 ? o->bias : NULL,
                                         g->flags & 2 ? o->residual : NULL, g->count, &o->params);
    return y;
}

static void compare(const nnrt_kernel *kernel, const dw_case *g)
{
    const nnrt_kernel *ref = nnrt_kernel_find(NNRT_K_dwconv_f32, NNRT_ISA_REF);
    operands o = make(g);
    float *want = run(ref, g, &o), *got = run(kernel, g, &o);
    if (!f32_guarded_equal(want, got, o.y_count))
        fail_msg(
            "%s differs from %s: count %zu channels %zu kernel %zux%zu stride %zu dilation %zu "
            "pad %zu width %zu empty %zu flags %u seed %llu",
            kernel->name, ref->name, g->count, g->channels, g->r, g->s, g->stride, g->dilation,
            g->pad, g->width, g->empty, g->flags, (unsigned long long)g->seed);
    f32_guarded_free(want);
    f32_guarded_free(got);
    drop(&o);
}

static void rows_equal_ref(void **state)
{
    static const size_t forms[][4] = {{1, 1, 1, 1}, {1, 3, 1, 1}, {3, 3, 1, 1}, {3, 3, 2, 1},
                                      {5, 5, 1, 1}, {5, 5, 2, 1}, {2, 3, 3, 1}, {2, 3, 1, 2},
                                      {1, 4, 2, 3}, {4, 2, 1, 1}};
    const nnrt_kernel *kernel;
    uint64_t seed = 1;
    (void)state;
    for (uint32_t i = 0; (kernel = nnrt_kernel_row(i)) != NULL; i++) {
        if (kernel->contract != NNRT_K_dwconv_f32 || !nnrt_isa_supported(kernel->isa))
            continue;
        const size_t n = kernel->tile[0], c = kernel->tile[1];
        const size_t counts[] = {1, 2, 3, 5, n > 1 ? n - 1 : 4, n, n + 1, 2 * n, 4 * n + 1};
        const size_t channels[] = {1, c > 1 ? c - 1 : 2, c, c + 1, 2 * c, 4 * c + 1, 3};
        for (size_t a = 0; a < sizeof(counts) / sizeof(counts[0]); a++)
            for (size_t b = 0; b < sizeof(channels) / sizeof(channels[0]); b++)
                for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++, seed++) {
                    const size_t *k = forms[f];
                    const size_t span = (counts[a] - 1) * k[2] + (k[1] - 1) * k[3] + 1;
                    const size_t pad = seed % 3 * k[1] / 4, right = seed / 3 % 3 * k[1] / 4;
                    const size_t width = span > pad + right ? span - pad - right : 1;
                    const dw_case g = {
                        counts[a],    channels[b],          k[0], k[1], k[2], k[3], pad, width,
                        seed / 7 % 8, (unsigned)(seed % 8), seed};
                    compare(kernel, &g);
                }
    }
}

static void ref_is_the_chain(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 8; flags++) {
        const dw_case g = {9, 19, 3, 5, 2, 1, 2, 18, flags % 4, flags, flags + 50};
        operands o = make(&g);
        float *y = run(nnrt_kernel_find(NNRT_K_dwconv_f32, NNRT_ISA_REF), &g, &o);
        for (size_t i = 0; i < g.count; i++)
            for (size_t c = 0; c < g.channels; c++) {
                const size_t at = i * o.params.y_step + c;
                float v = flags & 1 ? o.bias[c] : 0.0f;
                for (size_t k = 0; k < g.r * g.s; k++) {
                    const ptrdiff_t ix = (ptrdiff_t)(i * g.stride + k % g.s) - (ptrdiff_t)g.pad;
                    const int inside = k / g.s != g.empty && ix >= 0 && ix < (ptrdiff_t)g.width;
                    const size_t xi = k / g.s * g.width + (size_t)ix;
                    v = fmaf(inside ? o.x[xi * g.channels + c] : 0.0f,
                             o.w[(c / 16 * g.r * g.s + k) * 16 + c % 16], v);
                }
                if (flags & 2)
                    v += o.residual[at];
                v = fminf(fmaxf(v, o.params.lo), o.params.hi);
                assert_memory_equal(&v, &y[at], sizeof(v));
            }
        f32_guarded_free(y);
        drop(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_equal_ref),
        cmocka_unit_test(ref_is_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
