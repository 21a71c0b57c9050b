/* dwconv_f32: every row against the reference row, to the bit; the reference against a chain written out here.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernels/f32_case.h"
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"

/* count outputs of a 1-D convolution with S taps, stride, and `pad` zeros before; the input ends where it ends. */
typedef struct dw_case {
    size_t count, channels, taps, stride, pad, width;
    unsigned flags; /* 1 bias, 2 residual, 4 clamp */
    uint64_t seed;
} dw_case;

#define MAX_TAPS 25

typedef struct operands {
    nnrt_k_dwconv_f32_params params;
    nnrt_k_dwconv_f32_tap tap[MAX_TAPS];
    float *x, *w, *bias, *residual;
    size_t y_count;
} operands;

static operands make(const dw_case *g)
{
    operands o;
    nnc_rng rng;
    nnc_rng_init(&rng, g->seed, 2);
    o.params = (nnrt_k_dwconv_f32_params){
        .taps = g->taps,
        .channels = g->channels,
        .x_step = g->stride * g->channels,
        .y_step = g->channels + 5,
        .lo = g->flags & 4 ? 0.0f : -INFINITY,
        .hi = g->flags & 4 ? 6.0f : INFINITY,
    };
    o.y_count = (g->count - 1) * o.params.y_step + g->channels;
    o.x = f32_random(g->width * g->channels, &rng);
    o.w = f32_random((g->channels + 15) / 16 * 16 * g->taps, &rng);
    o.bias = f32_random(g->channels, &rng);
    o.residual = f32_random(o.y_count, &rng);
    for (size_t t = 0; t < g->taps; t++) {
        nnrt_k_dwconv_f32_tap *tap = &o.tap[t];
        const ptrdiff_t at = (ptrdiff_t)t - (ptrdiff_t)g->pad;
        tap->offset = at * (ptrdiff_t)g->channels;
        tap->first = tap->end = 0;
        for (size_t i = 0; i < g->count; i++) {
            const ptrdiff_t ix = (ptrdiff_t)(i * g->stride) + at;
            if (ix < 0 || ix >= (ptrdiff_t)g->width)
                continue;
            if (tap->end == 0)
                tap->first = i;
            tap->end = i + 1;
        }
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
    ((nnrt_k_dwconv_f32_fn *)kernel->fn)(y, o->x, o->tap, o->w, g->flags & 1 ? o->bias : NULL,
                                         g->flags & 2 ? o->residual : NULL, g->count, &o->params);
    return y;
}

static void compare(const nnrt_kernel *kernel, const dw_case *g)
{
    const nnrt_kernel *ref = nnrt_kernel_find(NNRT_K_dwconv_f32, NNRT_ISA_REF);
    operands o = make(g);
    float *want = run(ref, g, &o), *got = run(kernel, g, &o);
    if (!f32_guarded_equal(want, got, o.y_count))
        fail_msg("%s differs from %s: count %zu channels %zu taps %zu stride %zu pad %zu width %zu "
                 "flags %u seed %llu",
                 kernel->name, ref->name, g->count, g->channels, g->taps, g->stride, g->pad,
                 g->width, g->flags, (unsigned long long)g->seed);
    f32_guarded_free(want);
    f32_guarded_free(got);
    drop(&o);
}

static void rows_equal_ref(void **state)
{
    static const size_t taps[] = {1, 3, 9, 25};
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
                for (size_t t = 0; t < 4; t++)
                    for (size_t stride = 1; stride <= 2; stride++, seed++) {
                        const size_t pad = seed % 3 * taps[t] / 4;
                        const size_t span = (counts[a] - 1) * stride + taps[t];
                        const size_t right = seed / 3 % 3 * taps[t] / 4;
                        const size_t width = span > pad + right ? span - pad - right : 1;
                        const dw_case g = {counts[a], channels[b], taps[t], stride, pad, width,
                                           (unsigned)(seed % 8), seed};
                        compare(kernel, &g);
                    }
    }
}

static void ref_is_the_chain(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 8; flags++) {
        const dw_case g = {9, 19, 5, 2, 2, 18, flags, flags + 50};
        operands o = make(&g);
        float *y = run(nnrt_kernel_find(NNRT_K_dwconv_f32, NNRT_ISA_REF), &g, &o);
        for (size_t i = 0; i < g.count; i++)
            for (size_t c = 0; c < g.channels; c++) {
                const size_t at = i * o.params.y_step + c;
                float v = flags & 1 ? o.bias[c] : 0.0f;
                for (size_t t = 0; t < g.taps; t++) {
                    const ptrdiff_t ix = (ptrdiff_t)(i * g.stride + t) - (ptrdiff_t)g.pad;
                    const int inside = ix >= 0 && ix < (ptrdiff_t)g.width;
                    v = fmaf(inside ? o.x[(size_t)ix * g.channels + c] : 0.0f,
                             o.w[(c / 16 * g.taps + t) * 16 + c % 16], v);
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
