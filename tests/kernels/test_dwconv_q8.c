/* Every row of dwconv_q8 against the ref row, bit for bit. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "runtime_int8/kernels/contracts_q8.h"
#include "runtime_int8/kernels/kernel.h"
#include "runtime_int8/pack.h"
#include "kernels/q8_case.h"

typedef struct window_case {
    size_t r, s, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, pad_bottom, pad_right;
} window_case;

static const window_case windows[] = {
    {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, {3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, {3, 3, 2, 2, 1, 1, 0, 0, 1, 1},
    {3, 3, 1, 1, 1, 1, 0, 0, 0, 0}, {5, 5, 1, 1, 1, 1, 2, 2, 2, 2}, {5, 5, 2, 2, 1, 1, 2, 2, 2, 2},
    {5, 5, 1, 1, 1, 1, 0, 3, 4, 0}, {7, 7, 1, 1, 1, 1, 3, 3, 3, 3}, {1, 3, 1, 1, 1, 1, 0, 2, 0, 0},
    {1, 5, 1, 1, 1, 1, 0, 4, 0, 4}, {1, 9, 1, 2, 1, 1, 0, 4, 0, 4}, {3, 3, 1, 1, 2, 2, 2, 2, 2, 2},
    {3, 3, 1, 1, 2, 1, 2, 1, 2, 1}, {3, 3, 2, 1, 1, 1, 1, 1, 1, 1}, {2, 4, 1, 1, 1, 1, 0, 1, 1, 2},
    {1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, {1, 1, 2, 2, 1, 1, 0, 0, 0, 0}, {9, 3, 1, 1, 1, 1, 4, 1, 4, 1},
    {40, 3, 1, 1, 1, 1, 20, 1, 20, 1}, {17, 17, 1, 1, 1, 1, 8, 8, 8, 8}, {3, 3, 1, 1, 1, 1, 3, 3, 3, 3},
};

typedef struct dw_case {
    const window_case *window;
    size_t height, width, channels;
    q8_fill fill;
    unsigned epilogue;
    int32_t zx;
} dw_case;

typedef struct dw_data {
    uint8_t *x, *pad, *residual;
    int8_t *w, *packed;
    int32_t *acc0;
    float *mult;
    nnrt_q8_epilogue epilogue;
    nnrt_k_dwconv_q8_args args;
} dw_data;

static void data_create(dw_data *d, const dw_case *c, size_t oh, size_t ow)
{
    const window_case *k = c->window;
    const size_t cp = (c->channels + 15) / 16 * 16, taps = k->r * k->s;
    const size_t x_bytes = c->height * c->width * c->channels;
    nnc_rng rng;
    nnc_rng_init(&rng, 2, x_bytes + taps * 100003 + c->epilogue);
    d->x = nnc_alloc_aligned(x_bytes);
    d->pad = nnc_alloc_aligned(c->channels);
    d->residual = nnc_alloc_aligned(oh * ow * c->channels);
    d->w = nnc_alloc_aligned(c->channels * taps);
    d->packed = nnc_alloc_aligned(
        nnrt_pack_dwconv_q8_bytes((uint32_t)c->channels, (uint32_t)k->r, (uint32_t)k->s));
    d->acc0 = nnc_alloc_aligned(cp * 4);
    d->mult = nnc_alloc_aligned(cp * 4);
    assert_true(d->x && d->pad && d->residual && d->w && d->packed && d->acc0 && d->mult);
    q8_fill_u8(d->x, x_bytes, c->fill, &rng);
    memset(d->pad, c->zx, c->channels);
    q8_fill_u8(d->residual, oh * ow * c->channels, Q8_RANDOM, &rng);
    q8_fill_s8(d->w, c->channels * taps, c->fill, &rng);
    nnrt_pack_dwconv_q8(d->packed, d->w, (uint32_t)c->channels, (uint32_t)k->r, (uint32_t)k->s);
    q8_fill_acc0(d->acc0, cp, c->fill, &rng);
    q8_fill_mult(d->mult, cp, taps, c->fill, &rng);
    d->epilogue = q8_epilogue(c->epilogue, c->zx);
    d->args = (nnrt_k_dwconv_q8_args){
        .x = d->x, .height = c->height, .width = c->width, .channels = c->channels,
        .out_height = oh, .out_width = ow, .r = k->r, .s = k->s, .stride_h = k->stride_h,
        .stride_w = k->stride_w, .dilation_h = k->dilation_h, .dilation_w = k->dilation_w,
        .pad_top = k->pad_top, .pad_left = k->pad_left, .pad = d->pad, .weight = d->packed,
        .acc0 = d->acc0, .mult = d->mult, .epilogue = &d->epilogue,
        .residual = d->epilogue.residual ? d->residual : NULL,
    };
}

static void data_destroy(dw_data *d)
{
    nnc_free(d->x);
    nnc_free(d->pad);
    nnc_free(d->residual);
    nnc_free(d->w);
    nnc_free(d->packed);
    nnc_free(d->acc0);
    nnc_free(d->mult);
}

static void run_row(const nnrt_kernel *row, dw_data *d, uint8_t *y)
{
    d->args.y = y;
    const size_t cut = d->args.out_height / 3;
    nnrt_k_dwconv_q8_fn *fn = (nnrt_k_dwconv_q8_fn *)row->fn;
    fn(&d->args, 0, cut, 0, d->args.channels);
    for (size_t c = 0; c < d->args.channels; c += 64)
        fn(&d->args, cut, d->args.out_height, c,
           c + 64 < d->args.channels ? c + 64 : d->args.channels);
}

static void check_case(const nnrt_kernel *row, const dw_case *c)
{
    const window_case *k = c->window;
    const size_t reach_h = (k->r - 1) * k->dilation_h + 1, reach_w = (k->s - 1) * k->dilation_w + 1;
    const size_t room_h = c->height + k->pad_top + k->pad_bottom;
    const size_t room_w = c->width + k->pad_left + k->pad_right;
    if (room_h < reach_h || room_w < reach_w)
        return;
    dw_data d;
    data_create(&d, c, (room_h - reach_h) / k->stride_h + 1, (room_w - reach_w) / k->stride_w + 1);
    const size_t size = d.epilogue.out == NNRT_Q8_OUT_F32 ? 4 : 1;
    const size_t bytes = d.args.out_height * d.args.out_width * c->channels * size;
    uint8_t *want = q8_guarded(bytes), *have = q8_guarded(bytes);
    assert_true(want && have);
    run_row(nnrt_kernel_find(NNRT_K_dwconv_q8, NNRT_ISA_REF), &d, want);
    run_row(row, &d, have);
    if (!q8_guarded_equal(want, have, bytes))
        fail_msg("%s: %zux%zux%zu window %zu (%zux%zu) fill %d epilogue %u zx %d", row->name,
                 c->height, c->width, c->channels, (size_t)(k - windows), k->r, k->s, (int)c->fill,
                 c->epilogue, c->zx);
    q8_guarded_free(want);
    q8_guarded_free(have);
    data_destroy(&d);
}

static void dwconv_q8_rows_equal_ref(void **state)
{
    (void)state;
    static const size_t channels[] = {1, 8, 15, 16, 17, 32, 48, 63, 64, 65, 96, 144, 257};
    static const size_t sizes[][2] = {{1, 1}, {1, 7}, {2, 3}, {5, 9}, {8, 4}, {13, 14}};
    const nnrt_kernel *row;
    for (uint32_t i = 0; (row = nnrt_kernel_row(i)) != NULL; i++) {
        if (row->contract != NNRT_K_dwconv_q8 || row->isa == NNRT_ISA_REF)
            continue;
        if (!nnrt_isa_supported(row->isa)) {
            print_message("%s: not on this CPU\n", row->name);
            continue;
        }
        unsigned turn = 0;
        for (size_t k = 0; k < sizeof(windows) / sizeof(windows[0]); k++)
            for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
                for (size_t c = 0; c < sizeof(channels) / sizeof(channels[0]); c++)
                    for (unsigned e = 0; e < 3; e++, turn++)
                        check_case(row, &(dw_case){&windows[k], sizes[s][0], sizes[s][1],
                                                   channels[c], (q8_fill)(turn / 5 % Q8_FILL_COUNT),
                                                   turn % Q8_EPILOGUES, turn % 2 ? 0 : 201});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dwconv_q8_rows_equal_ref)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
