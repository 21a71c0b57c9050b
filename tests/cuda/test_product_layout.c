/* Host side of the products on a device: fragments, taps, division, choice of tiles.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "runtime_int8/cuda/lower_product.h"
#include "runtime_int8/pack.h"

/* Quotients next to every multiple that a wrong multiplier would miss, for divisors of all sizes.
 */
static void division_is_exact(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 7, 1);
    for (unsigned i = 0; i < 20000; i++) {
        const uint32_t random = nnc_rng_u32(&rng) >> (1 + i % 31);
        const uint32_t by = i < 3000 ? i + 1 : random ? random : 1;
        const nnrt_cuda_divisor d = nnrt_cuda_divide_by(by);
        assert_int_equal(d.by, by);
        const uint32_t largest = INT32_MAX / by * by,
                       some = nnc_rng_below(&rng, INT32_MAX / by + 1) * by;
        const uint32_t values[] = {0,
                                   by - 1,
                                   by,
                                   by + 1,
                                   largest - (largest > 0),
                                   largest,
                                   INT32_MAX,
                                   some,
                                   some + by / 2,
                                   INT32_MAX - 1,
                                   some - (some > 0)};
        for (unsigned k = 0; k < sizeof values / sizeof *values; k++) {
            const uint32_t n = values[k] > INT32_MAX ? INT32_MAX : values[k];
            const uint32_t q =
                d.multiplier ? (uint32_t)((uint64_t)n * d.multiplier >> 32) >> d.shift : n;
            if (q != n / by)
                fail_msg("%u / %u came out as %u", n, by, q);
        }
    }
}

/* Every byte of the fragments is the weight that the description in lower_product.h says, or
 * padding. */
static void check_fragments(uint32_t groups, uint32_t c_in, uint32_t c_out, uint32_t r, uint32_t s)
{
    const uint32_t c = c_in / groups, n = c_out / groups, taps = r * s;
    const size_t panels = (n + 15) / 16, quads = taps * ((c + 3) / 4),
                 steps = (quads * 4 + 63) / 64;
    const size_t count = (size_t)c_out * c * taps;
    const size_t packed_bytes =
        nnrt_pack_conv_q8_bytes(NNRT_CONV_PACK_TAPS, groups, c_in, c_out, r, s);
    const size_t bytes = groups * panels * steps * NNRT_CUDA_PANEL;
    int8_t *w = nnc_alloc_aligned(count), *packed = nnc_calloc(packed_bytes, 1);
    uint8_t *out = nnc_calloc(bytes, 1);
    size_t seen = 0;
    assert_non_null(w);
    assert_non_null(packed);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        w[i] = (int8_t)(i % 251 % 127 + 1); /* never 0, so that padding shows */
    nnrt_pack_conv_q8(packed, NNRT_CONV_PACK_TAPS, w, groups, c_in, c_out, r, s);
    nnrt_cuda_fragments(out, (const uint8_t *)packed, groups * panels, quads);
    for (size_t at = 0; at < bytes; at++) {
        const size_t byte = at % 4, word = at / 4 % 4, lane = at / 16 % 32, half = at / 512 % 2;
        const size_t step = at / 1024 % steps, panel = at / 1024 / steps;
        const size_t k = step * 64 + half * 32 + word % 2 * 16 + lane % 4 * 4 + byte;
        const size_t column = panel % panels * 16 + word / 2 * 8 + lane / 4, group = panel / panels;
        const size_t run = (c + 3) / 4 * 4, tap = k / run, channel = k % run;
        int8_t want = 0;
        if (tap < taps && channel < c && column < n) {
            want = w[((group * n + column) * c + channel) * taps + tap];
            seen++;
        }
        if ((int8_t)out[at] != want)
            fail_msg("%u groups, %u to %u, %ux%u: byte %zu is %d, expected %d", groups, c_in, c_out,
                     r, s, at, (int8_t)out[at], want);
    }
    assert_int_equal(seen, count);
    nnc_free(w);
    nnc_free(packed);
    nnc_free(out);
}

static void fragments_hold_every_weight(void **state)
{
    (void)state;
    static const uint32_t c[] = {1, 3, 4, 8, 12, 16, 20, 24, 32, 64, 100, 144};
    for (unsigned i = 0; i < 12; i++) {
        check_fragments(1, c[i], 1 + 7 * i, 1, 1);
        check_fragments(1, c[i], 16 + i, 3, 3);
        check_fragments(2 + i % 3, c[i] * (2 + i % 3), 5 * (2 + i % 3), 1 + i % 2, 3);
    }
}

/* Taps against the definition: byte k of K is channel c of tap (r, s). */
static void check_taps(uint32_t channels, uint32_t pixel, uint32_t width, uint32_t r, uint32_t s,
                       bool bytes)
{
    nnrt_cuda_k k = {.r = r,
                     .s = bytes ? 1 : s,
                     .down = 2,
                     .right = 3,
                     .row_bytes = width * pixel,
                     .pixel_bytes = pixel};
    k.run = ((bytes ? s * channels : channels) + 3) / 4 * 4;
    nnrt_cuda_k_pieces(&k, channels, bytes);
    const size_t steps = nnrt_cuda_k_steps(&k), count = steps * NNRT_CUDA_STEP / k.piece;
    assert_in_range(steps * NNRT_CUDA_STEP, (size_t)k.r * k.s * k.run,
                    (size_t)k.r * k.s * k.run + 63);
    nnrt_cuda_tap *taps = nnc_calloc(count, sizeof *taps);
    assert_non_null(taps);
    nnrt_cuda_k_taps(taps, &k);
    for (size_t i = 0; i < count; i++) {
        const size_t first = i * k.piece, tap = first / k.run, c = first % k.run;
        const int32_t dy = tap < (size_t)k.r * k.s ? (int32_t)(tap / k.s) * 2 : 0;
        const int32_t dx = tap < (size_t)k.r * k.s ? (int32_t)(tap % k.s) * 3 : 0;
        const int32_t from = tap < (size_t)k.r * k.s ? (int32_t)c : 0;
        assert_int_equal(taps[i].dy, dy);
        assert_int_equal(taps[i].dx, k.unit == 1 ? dx * (int32_t)pixel + from : dx);
        assert_int_equal(taps[i].offset * (int32_t)k.grain,
                         dy * (int32_t)k.row_bytes + dx * (int32_t)pixel + from);
    }
    nnc_free(taps);
}

static void taps_point_at_every_byte(void **state)
{
    (void)state;
    static const uint32_t c[] = {1, 3, 4, 8, 12, 16, 20, 24, 32, 64, 100, 144};
    for (unsigned i = 0; i < 12; i++) {
        check_taps(c[i], c[i], 9, 1, 1, false);
        check_taps(c[i], c[i], 31, 3, 3, false);
        check_taps(c[i], 4 * c[i], 7, 2, 5, false);
        check_taps(c[i], c[i], 12, 3, 4, true);
    }
}

static void narrow_groups_are_merged(void **state)
{
    (void)state;
    static const struct {
        uint32_t groups, c, n, r, merge;
    } cases[] = {
        {1, 64, 64, 3, 1},  {2, 64, 64, 3, 1}, {32, 4, 4, 3, 8},  {32, 8, 8, 3, 4},
        {32, 16, 16, 3, 2}, {7, 1, 2, 3, 7},   {4, 32, 32, 1, 1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const nnrt_conv_q8_params p = {.window = {.kernel = {cases[i].r, cases[i].r}},
                                       .groups = cases[i].groups,
                                       .c_in = cases[i].groups * cases[i].c,
                                       .c_out = cases[i].groups * cases[i].n};
        assert_int_equal(nnrt_cuda_conv_merge(&p), cases[i].merge);
    }
    for (uint32_t groups = 2; groups < 50; groups++) {
        const nnrt_conv_q8_params p = {.window = {.kernel = {3, 3}},
                                       .groups = groups,
                                       .c_in = groups * (1 + groups % 7),
                                       .c_out = groups * 3};
        assert_int_equal(groups % nnrt_cuda_conv_merge(&p), 0);
    }
}

static const nnrt_cuda_info devices[] = {
    {.major = 7, .minor = 5, .sm_count = 40, .shared_bytes = 65536},
    {.major = 8, .minor = 0, .sm_count = 108, .shared_bytes = 166912},
    {.major = 8, .minor = 6, .sm_count = 28, .shared_bytes = 101376},
    {.major = 9, .minor = 0, .sm_count = 132, .shared_bytes = 232448},
};

/* Whatever the sizes: a tile that fits, every step in one split, no split empty, counters and
 * scratch within bounds. */
static void every_problem_has_a_tile(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 11, 1);
    for (unsigned i = 0; i < 4000; i++) {
        const uint32_t piece = 4u << nnc_rng_below(&rng, 3);
        const nnrt_cuda_problem p = {
            .rows = 1 + (nnc_rng_u32(&rng) >> (8 + i % 24)),
            .cols = 1 + nnc_rng_below(&rng, 3000),
            .groups = i % 5 ? 1 : 1 + nnc_rng_below(&rng, 40),
            .steps = 1 + nnc_rng_below(&rng, 200),
            .piece = piece,
            .gather = piece == 4 && i % 2,
            .residual = i % 3 == 0,
        };
        const nnrt_cuda_info *device = &devices[i % 4];
        nnrt_cuda_choice c;
        assert_int_equal(nnrt_cuda_product_choose(&c, &p, device, NULL, "x"), NNC_OK);
        const uint64_t tiles = nnrt_cuda_tile_count(c.tile, &p);
        assert_int_equal(c.tile->fine, piece != 16);
        assert_true(nnrt_cuda_tile_shared(c.tile, p.residual) <= device->shared_bytes);
        assert_true((uint64_t)c.splits * c.split_steps >= p.steps);
        assert_true((uint64_t)(c.splits - 1) * c.split_steps < p.steps);
        assert_true(c.splits == 1 || tiles <= NNRT_CUDA_COUNTERS);
        assert_true(c.splits == 1 ||
                    tiles * c.splits * c.tile->rows * c.tile->cols * 4 <= 64u << 20);
    }
}

static void choice_suits_the_size(void **state)
{
    (void)state;
    const nnrt_cuda_problem large = {
        .rows = 200704, .cols = 512, .groups = 1, .steps = 8, .piece = 16};
    const nnrt_cuda_problem vector = {
        .rows = 1, .cols = 1000, .groups = 1, .steps = 32, .piece = 16};
    const nnrt_cuda_problem deep = {.rows = 49, .cols = 512, .groups = 1, .steps = 72, .piece = 16};
    nnrt_cuda_choice c;
    assert_int_equal(nnrt_cuda_product_choose(&c, &large, &devices[3], NULL, "x"), NNC_OK);
    assert_true(c.tile->rows * c.tile->cols >= 128 * 128 && c.splits == 1);
    assert_int_equal(nnrt_cuda_product_choose(&c, &vector, &devices[3], NULL, "x"), NNC_OK);
    assert_true(c.tile->rows == 16 && c.splits > 1);
    assert_int_equal(nnrt_cuda_product_choose(&c, &deep, &devices[3], NULL, "x"), NNC_OK);
    assert_true(c.splits > 1 && nnrt_cuda_tile_count(c.tile, &deep) * c.splits > 66);
    /* A grid that cannot be: more than 2^31 tiles. */
    const nnrt_cuda_problem huge = {
        .rows = INT32_MAX, .cols = 3000, .groups = 1000, .steps = 1, .piece = 16};
    assert_int_equal(nnrt_cuda_product_choose(&c, &huge, &devices[3], NULL, "x"),
                     NNC_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(division_is_exact),        cmocka_unit_test(fragments_hold_every_weight),
        cmocka_unit_test(taps_point_at_every_byte), cmocka_unit_test(narrow_groups_are_merged),
        cmocka_unit_test(every_problem_has_a_tile), cmocka_unit_test(choice_suits_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
