/* gemm_f32: every row against the reference row, to the bit; the reference against a chain written
 * out here. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernels/f32_case.h"
#include "runtime_int8/kernels/contracts.h"
#include "runtime_int8/kernels/kernel.h"

/* One call. flags: what is given. */
enum { BIAS = 1, RESIDUAL = 2, CLAMP = 4, ALPHA = 8, RESUME = 16, FLAGS = 32 };
typedef struct gemm_case {
    size_t rows, cols, taps, c;
    unsigned flags;
    uint64_t seed;
} gemm_case;

typedef struct operands {
    nnrt_k_gemm_f32_params params;
    float *x, *w, *start, *residual;
    const float **a;
    size_t y_count;
} operands;

static operands make(const gemm_case *g)
{
    operands o;
    nnc_rng rng;
    nnc_rng_init(&rng, g->seed, 1);
    const size_t k = g->taps * g->c, panels = (g->cols + 15) / 16, gap = 32;
    o.params = (nnrt_k_gemm_f32_params){
        .taps = g->taps,
        .c = g->c,
        .w_panel = k * 16 + gap,
        .y_row = g->cols + 3,
        .start_row = g->flags & RESUME ? g->cols + 3 : 0,
        .alpha = g->flags & ALPHA ? 0.3f : 1.0f,
        .lo = g->flags & CLAMP ? -1.5f : -INFINITY,
        .hi = g->flags & CLAMP ? 2.25f : INFINITY,
    };
    o.y_count = (g->rows - 1) * o.params.y_row + g->cols;
    o.x = f32_random(g->rows * k, &rng);
    o.w = f32_random(panels * (k * 16 + gap) - gap, &rng);
    o.start = f32_random(g->flags & RESUME ? o.y_count : g->cols, &rng);
    o.residual = f32_random(o.y_count, &rng);
    o.a = malloc(g->rows * g->taps * sizeof(*o.a));
    assert_non_null(o.a);
    /* The pointers of a tap in no order, as windows give them. */
    for (size_t t = 0; t < g->taps; t++)
        for (size_t i = 0; i < g->rows; i++)
            o.a[t * g->rows + i] = o.x + ((i * g->taps + t) * 7 % (g->rows * g->taps)) * g->c;
    return o;
}

static void drop(operands *o)
{
    free(o->x);
    free(o->w);
    free(o->start);
    free(o->residual);
    free(o->a);
}

static float *run(const nnrt_kernel *kernel, const gemm_case *g, const operands *o)
{
    float *y = f32_guarded(o->y_count);
    if (g->flags & RESUME)
        for (size_t i = 0; i < g->rows; i++)
            memcpy(y + i * o->params.y_row, o->start + i * o->params.y_row,
                   g->cols * sizeof(float));
    ((nnrt_k_gemm_f32_fn *)kernel->fn)(y, o->a, o->w,
                                       g->flags & RESUME ? y
                                       : g->flags & BIAS ? o->start
                                                         : NULL,
                                       g->flags & RESIDUAL ? o->residual : NULL, g->rows, g->cols,
                                       &o->params);
    return y;
}

static void compare(const nnrt_kernel *kernel, const gemm_case *g)
{
    const nnrt_kernel *ref = nnrt_kernel_find(NNRT_K_gemm_f32, NNRT_ISA_REF);
    operands o = make(g);
    float *want = run(ref, g, &o), *got = run(kernel, g, &o);
    if (!f32_guarded_equal(want, got, o.y_count))
        fail_msg("%s differs from %s: rows %zu cols %zu taps %zu c %zu flags %u seed %llu",
                 kernel->name, ref->name, g->rows, g->cols, g->taps, g->c, g->flags,
                 (unsigned long long)g->seed);
    f32_guarded_free(want);
    f32_guarded_free(got);
    drop(&o);
}

static void rows_equal_ref(void **state)
{
    static const size_t depth[][2] = {{1, 1},  {1, 3}, {1, 4}, {1, 17},
                                      {1, 64}, {2, 1}, {3, 5}, {9, 16}};
    const nnrt_kernel *kernel;
    uint64_t seed = 1;
    (void)state;
    for (uint32_t i = 0; (kernel = nnrt_kernel_row(i)) != NULL; i++) {
        if (kernel->contract != NNRT_K_gemm_f32 || !nnrt_isa_supported(kernel->isa))
            continue;
        for (size_t cols = 1; cols <= kernel->tile[1]; cols++)
            for (size_t rows = 1; rows <= kernel->tile[cols <= 16 ? 2 : 0]; rows++)
                for (size_t d = 0; d < sizeof(depth) / sizeof(depth[0]); d++, seed++) {
                    const gemm_case g = {rows, cols, depth[d][0], depth[d][1], seed * 5 % FLAGS,
                                         seed};
                    compare(kernel, &g);
                }
        static const size_t wide[] = {17, 63, 64, 65, 80, 127, 128, 129, 193, 255, 256};
        for (unsigned flags = 0; flags < FLAGS; flags++) /* of one row */
            for (size_t n = 0; n < sizeof(wide) / sizeof(wide[0]); n++, seed++) {
                const gemm_case g = {1, wide[n], 1 + n % 3, 1 + n * 5, flags, seed};
                assert_true(wide[n] <= kernel->tile[3]);
                compare(kernel, &g);
            }
        for (unsigned flags = 0; flags < FLAGS; flags++, seed++) {
            const gemm_case g = {kernel->tile[0], kernel->tile[1] - 3u, 2, 9, flags, seed};
            compare(kernel, &g);
        }
    }
}

static void ref_is_the_chain(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < FLAGS; flags++) {
        const gemm_case g = {3, 21, 4, 7, flags, flags + 100};
        operands o = make(&g);
        float *y = run(nnrt_kernel_find(NNRT_K_gemm_f32, NNRT_ISA_REF), &g, &o);
        for (size_t i = 0; i < g.rows; i++)
            for (size_t j = 0; j < g.cols; j++) {
                const size_t at = i * o.params.y_row + j;
                float v = flags & RESUME ? o.start[at] : flags & BIAS ? o.start[j] : 0.0f;
                for (size_t k = 0; k < g.taps * g.c; k++)
                    v = fmaf(o.a[k / g.c * g.rows + i][k % g.c],
                             o.w[j / 16 * o.params.w_panel + k * 16 + j % 16], v);
                v *= o.params.alpha;
                if (flags & RESIDUAL)
                    v += o.residual[at];
                v = fminf(fmaxf(v, o.params.lo), o.params.hi);
                assert_memory_equal(&v, &y[at], sizeof(v));
            }
        f32_guarded_free(y);
        drop(&o);
    }
}

/* NaN goes through the clamp, infinities are clamped, on every row. */
static void special_values(void **state)
{
    const nnrt_kernel *kernel;
    (void)state;
    for (uint32_t i = 0; (kernel = nnrt_kernel_row(i)) != NULL; i++) {
        if (kernel->contract != NNRT_K_gemm_f32 || !nnrt_isa_supported(kernel->isa))
            continue;
        const float x[4] = {NAN, INFINITY, -INFINITY, 1e-42f};
        float w[16] = {1.0f, -2.0f}, y[8];
        const float *a[4] = {x, x + 1, x + 2, x + 3};
        const nnrt_k_gemm_f32_params params = {1, 1, 16, 2, 0, 1.0f, 0.0f, 6.0f};
        ((nnrt_k_gemm_f32_fn *)kernel->fn)(y, a, w, NULL, NULL, 4, 2, &params);
        assert_true(isnan(y[0]) && isnan(y[1]));
        assert_true(y[2] == 6.0f && y[3] == 0.0f && y[4] == 0.0f && y[5] == 6.0f);
        assert_true(y[6] == 1e-42f && y[7] == 0.0f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_equal_ref),
        cmocka_unit_test(ref_is_the_chain),
        cmocka_unit_test(special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
