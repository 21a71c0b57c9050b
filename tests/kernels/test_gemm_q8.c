/* Every row of gemm_q8 against the ref row, bit for bit. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "runtime_int8/kernels/contracts_q8.h"
#include "runtime_int8/kernels/kernel.h"
#include "kernels/q8_case.h"

/* PLAIN rows follow each other; TABLE picks rows or padding per tap; STEP adds a step per tap to one table row. */
typedef enum layout { PLAIN, TABLE, STEP, LAYOUT_COUNT } layout;

typedef struct gemm_case {
    size_t m, n, quads, taps;
    layout layout;
    q8_fill fill;
    unsigned epilogue;
    int32_t zx;
    int zw; /* w has a zero point */
} gemm_case;

typedef struct gemm_data {
    uint8_t *x, *pad, *residual;
    int8_t *w;
    int32_t *offset, *acc0, *row_add;
    float *mult;
    nnrt_q8_epilogue epilogue;
    nnrt_k_gemm_q8_args args;
} gemm_data;

static void data_create(gemm_data *d, const gemm_case *c)
{
    nnc_rng rng;
    nnc_rng_init(&rng, 1, c->m * 1000003 + c->n * 1009 + c->quads * 31 + c->taps + c->epilogue);
    const size_t np = (c->n + 15) / 16 * 16, ldx = c->quads * 4 + 5, ldy = c->n + 3;
    const size_t x_bytes = (c->m + c->taps) * ldx;
    d->x = nnc_alloc_aligned(x_bytes);
    d->pad = nnc_alloc_aligned(c->quads * 4);
    d->residual = nnc_alloc_aligned(c->m * ldy);
    d->w = nnc_alloc_aligned(np * c->taps * c->quads * 4);
    d->offset = nnc_calloc(c->taps * c->m, sizeof(int32_t));
    d->acc0 = nnc_alloc_aligned(np * 4);
    d->row_add = nnc_calloc(c->m, sizeof(int32_t));
    d->mult = nnc_alloc_aligned(np * 4);
    assert_true(d->x && d->pad && d->residual && d->w && d->offset && d->acc0 && d->mult &&
                d->row_add);
    q8_fill_u8(d->x, x_bytes, c->fill, &rng);
    memset(d->pad, c->zx, c->quads * 4);
    q8_fill_u8(d->residual, c->m * ldy, Q8_RANDOM, &rng);
    q8_fill_s8(d->w, np * c->taps * c->quads * 4, c->fill, &rng);
    q8_fill_acc0(d->acc0, np, c->fill, &rng);
    q8_fill_acc0(d->row_add, c->m, c->fill, &rng);
    q8_fill_mult(d->mult, np, c->taps * c->quads * 4, c->fill, &rng);
    for (size_t t = 0; t < c->taps; t++)
        for (size_t m = 0; m < c->m; m++) {
            /* Half of the taps are padding for a run of rows, so that whole tiles are. */
            const int padded = t % 2 == 1 && (m / 16 + t) % 3 != 0;
            d->offset[t * c->m + m] =
                padded ? -1 : (int32_t)(nnc_rng_below(&rng, (uint32_t)c->m) * ldx);
        }
    d->epilogue = q8_epilogue(c->epilogue, c->zx);
    d->args = (nnrt_k_gemm_q8_args){
        .x = d->x, .ldx = ldx, .pad = d->pad, .w = d->w, .taps = c->taps, .quads = c->quads,
        .acc0 = d->acc0, .row_add = c->zw ? d->row_add : NULL, .mult = d->mult, .ldy = ldy, .epilogue = &d->epilogue,
        .residual = d->epilogue.residual ? d->residual : NULL,
        .offset = c->layout == PLAIN ? NULL : d->offset,
        .offset_stride = c->layout == TABLE ? c->m : 0,
        .tap_step = c->layout == STEP ? ldx : 0,
    };
}

static void data_destroy(gemm_data *d)
{
    nnc_free(d->x);
    nnc_free(d->pad);
    nnc_free(d->residual);
    nnc_free(d->w);
    nnc_free(d->offset);
    nnc_free(d->acc0);
    nnc_free(d->row_add);
    nnc_free(d->mult);
}

static void run_row(const nnrt_kernel *row, gemm_data *d, uint8_t *y, const gemm_case *c)
{
    d->args.y = y;
    /* As one block, or as two that meet inside a tile. */
    const size_t m = c->m / 3;
    ((nnrt_k_gemm_q8_fn *)row->fn)(&d->args, 0, m, 0, c->n);
    ((nnrt_k_gemm_q8_fn *)row->fn)(&d->args, m, c->m, 0, c->n);
}

static void check_case(const nnrt_kernel *row, const gemm_case *c)
{
    const nnrt_kernel *ref = nnrt_kernel_find(NNRT_K_gemm_q8, NNRT_ISA_REF);
    gemm_data d;
    data_create(&d, c);
    const size_t size = d.epilogue.out == NNRT_Q8_OUT_F32 ? 4 : 1;
    const size_t bytes = c->m * d.args.ldy * size;
    uint8_t *want = q8_guarded(bytes), *have = q8_guarded(bytes);
    assert_true(want && have);
    run_row(ref, &d, want, c);
    run_row(row, &d, have, c);
    if (!q8_guarded_equal(want, have, bytes))
        fail_msg("%s: m %zu n %zu quads %zu taps %zu layout %d fill %d epilogue %u zx %d zw %d",
                 row->name, c->m, c->n, c->quads, c->taps, (int)c->layout, (int)c->fill,
                 c->epilogue, c->zx, c->zw);
    q8_guarded_free(want);
    q8_guarded_free(have);
    data_destroy(&d);
}

static void check_sizes(const nnrt_kernel *row, size_t m, size_t n)
{
    static const size_t quads[] = {1, 2, 5, 16};
    for (unsigned i = 0; i < Q8_EPILOGUES * LAYOUT_COUNT; i++) {
        gemm_case c = {.m = m, .n = n, .quads = quads[(i + m + n) % 4],
                       .layout = (layout)(i % LAYOUT_COUNT), .epilogue = i / LAYOUT_COUNT,
                       .fill = (q8_fill)((i + n) % Q8_FILL_COUNT), .zx = i % 2 ? 0 : 77,
                       .zw = (i + m) % 3 == 0};
        c.taps = c.layout == PLAIN ? 1 : 1 + (i + m) % 9;
        check_case(row, &c);
    }
}

static void gemm_q8_rows_equal_ref(void **state)
{
    (void)state;
    const nnrt_kernel *row;
    for (uint32_t i = 0; (row = nnrt_kernel_row(i)) != NULL; i++) {
        if (row->contract != NNRT_K_gemm_q8 || row->isa == NNRT_ISA_REF)
            continue;
        if (!nnrt_isa_supported(row->isa)) {
            print_message("%s: not on this CPU\n", row->name);
            continue;
        }
        const size_t tm = row->tile[0], tn = row->tile[1];
        const size_t ms[] = {1, tm - 1, tm, tm + 1, 2 * tm, 4 * tm + 1};
        const size_t ns[] = {1, tn - 1, tn, tn + 1, 2 * tn, 4 * tn + 1, 16, 24, 33, 48};
        for (size_t a = 0; a < sizeof(ms) / sizeof(ms[0]); a++)
            for (size_t b = 0; b < sizeof(ns) / sizeof(ns[0]); b++)
                check_sizes(row, ms[a], ns[b]);
        /* Every row count of every register tile. */
        for (size_t m = 1; m <= 27; m++)
            for (size_t n = 16; n <= 64; n += 16)
                check_sizes(row, m, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gemm_q8_rows_equal_ref)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
