/* reverse_sequence, split_part, center_crop_pad, col2im, axes computed at run time: against index
 * oracles. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rop_case.h"

static nnc_rng rng;

static void test_reverse_sequence(void **state)
{
    (void)state;
    const nnrt_shape s = {3, {4, 6, 5}};
    const int64_t lengths[6] = {0, 1, 3, 6, 4, 100};
    uint8_t *x = rop_u8(&rng, 120 * 2);
    for (uint32_t batch = 0; batch < 2; batch++) {
        nnrt_reverse_sequence_params p = {batch, 1 - batch};
        nnrt_shape n = {1, {s.dims[batch]}};
        int64_t time = s.dims[1 - batch];
        rop_case c = {NNRT_ROP_ID_REVERSE_SEQUENCE,
                      &p,
                      2,
                      {{NNRT_F16, s, x, false}, {NNRT_I64, n, lengths, false}},
                      NNRT_F16,
                      3};
        uint8_t *y = rop_run(&c, NULL);
        for (int64_t i = 0; i < 4; i++) {
            for (int64_t k = 0; k < 6; k++) {
                int64_t t = batch == 0 ? k : i, b = batch == 0 ? i : k;
                int64_t length = lengths[b] > time ? time : lengths[b];
                int64_t from = t < length ? length - 1 - t : t;
                int64_t at = batch == 0 ? i * 6 + from : from * 6 + k;
                assert_memory_equal(y + (i * 6 + k) * 10, x + at * 10, 10);
            }
        }
        free(y);
        p.time_axis = batch;
        rop_refuse_plan(&c, "time_axis");
        p.time_axis = 1 - batch;
        c.in[1].shape.dims[0]--;
        rop_refuse(&c, NNRT_ERR_MODEL);
    }
    free(x);
}

static void test_split_part(void **state)
{
    (void)state;
    const nnrt_shape s = {3, {3, 10, 7}}, four = {1, {4}};
    const int64_t lengths[4] = {2, 0, 7, 1};
    int32_t *x = malloc(210 * sizeof *x);
    for (int32_t i = 0; i < 210; i++)
        x[i] = i;
    for (unsigned mode = 0; mode < 3; mode++) {
        int64_t start = 0;
        for (uint32_t part = 0; part < 4; part++) {
            nnrt_split_part_params p = {1, part, 4};
            rop_case c = {NNRT_ROP_ID_SPLIT_PART,
                          &p,
                          mode == 0 ? 1 : 2,
                          {{NNRT_I32, s, x, false}, {NNRT_I64, four, lengths, mode == 1}},
                          NNRT_I32,
                          3};
            nnrt_shape got;
            int32_t *y = rop_run(&c, &got);
            /* Equal parts of 10 by 4: 3, 3, 3, 1. */
            int64_t n = mode > 0 ? lengths[part] : part < 3 ? 3 : 1;
            assert_int_equal(got.dims[1], n);
            for (int64_t o = 0; o < 3; o++)
                assert_memory_equal(y + o * n * 7, x + (o * 10 + start) * 7, (size_t)n * 28);
            start += n;
            free(y);
        }
    }
    const int64_t wrong[4] = {2, 0, 7, 2}, negative[4] = {-1, 3, 7, 1};
    nnrt_split_part_params p = {1, 0, 4};
    rop_case c = {NNRT_ROP_ID_SPLIT_PART,
                  &p,
                  2,
                  {{NNRT_I32, s, x, false}, {NNRT_I64, four, wrong, true}},
                  NNRT_I32,
                  3};
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].data = negative;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.count = 3;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.index = 3;
    rop_refuse_plan(&c, "part 3 of 3");
    p = (nnrt_split_part_params){1, 0, 0};
    rop_refuse_plan(&c, "part 0 of 0");
    free(x);
}

static void test_center_crop_pad(void **state)
{
    (void)state;
    const nnrt_shape s = {3, {5, 4, 7}}, two = {1, {2}};
    const int64_t shapes[][2] = {{2, 3}, {8, 10}, {6, 2}, {0, 7}, {5, 7}};
    uint8_t *x = rop_u8(&rng, 140);
    for (size_t i = 0; i < 5; i++) {
        nnrt_center_crop_pad_params p = {.axis_count = 2, .axes = {2, 0}};
        rop_case c = {NNRT_ROP_ID_CENTER_CROP_PAD,
                      &p,
                      2,
                      {{NNRT_U8, s, x, false}, {NNRT_I64, two, shapes[i], i % 2 == 0}},
                      NNRT_U8,
                      3};
        nnrt_shape got;
        uint8_t *y = rop_run(&c, &got);
        assert_true(got.dims[2] == shapes[i][0] && got.dims[0] == shapes[i][1] && got.dims[1] == 4);
        for (size_t k = 0; k < nnrt_shape_count(&got); k++) {
            int64_t d[3] = {(int64_t)k / (4 * got.dims[2]), (int64_t)k / got.dims[2] % 4,
                            (int64_t)k % got.dims[2]};
            bool outside = false;
            for (unsigned a = 0; a < 3; a += 2) {
                int64_t n = s.dims[a], m = got.dims[a];
                d[a] += m < n ? (n - m) / 2 : -((m - n) / 2);
                outside = outside || d[a] < 0 || d[a] >= n;
            }
            assert_int_equal(y[k], outside ? 0 : x[(d[0] * 4 + d[1]) * 7 + d[2]]);
        }
        free(y);
        p.axes[1] = 2;
        rop_refuse_plan(&c, "given twice");
        p.axes[1] = 3;
        rop_refuse_plan(&c, "axis 3 of rank 3");
        p.axis_count = 4;
        rop_refuse_plan(&c, "4 axes of rank 3");
    }
    free(x);
}

static void test_col2im(void **state)
{
    (void)state;
    /* Two dims: image 7x5, block 3x2, stride 2x1, dilation 1x2, pads 1,0 and 0,1. */
    const int64_t image[2] = {7, 5}, block[2] = {3, 2};
    const int64_t stride[2] = {2, 1}, dilation[2] = {1, 2}, begin[2] = {1, 0}, end[2] = {0, 1};
    int64_t places[2];
    nnrt_col2im_params p = {.spatial = 2};
    for (unsigned d = 0; d < 2; d++) {
        places[d] =
            (image[d] + begin[d] + end[d] - dilation[d] * (block[d] - 1) - 1) / stride[d] + 1;
        p.stride[d] = (int32_t)stride[d];
        p.dilation[d] = (int32_t)dilation[d];
        p.pad_begin[d] = (int32_t)begin[d];
        p.pad_end[d] = (int32_t)end[d];
    }
    int64_t count = places[0] * places[1];
    const nnrt_shape xs = {3, {2, 18, count}}, two = {1, {2}};
    float *x = rop_floats(&rng, (size_t)(36 * count), 1.0f);
    double *want = calloc(2 * 3 * 35, sizeof *want);
    for (int64_t plane = 0; plane < 6; plane++) {
        for (int64_t b = 0; b < 6; b++) {
            for (int64_t at = 0; at < count; at++) {
                int64_t h = at / places[1] * stride[0] + b / 2 * dilation[0] - begin[0];
                int64_t w = at % places[1] * stride[1] + b % 2 * dilation[1] - begin[1];
                if (h >= 0 && h < 7 && w >= 0 && w < 5)
                    want[plane * 35 + h * 5 + w] += (double)x[(plane * 6 + b) * count + at];
            }
        }
    }
    rop_case c = {
        NNRT_ROP_ID_COL2IM,
        &p,
        3,
        {{NNRT_F32, xs, x, false}, {NNRT_I64, two, image, true}, {NNRT_I64, two, block, false}},
        NNRT_F32,
        4};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    assert_true(got.dims[0] == 2 && got.dims[1] == 3 && got.dims[2] == 7 && got.dims[3] == 5);
    for (size_t i = 0; i < 210; i++)
        rop_close("col2im", i, (double)y[i], want[i], 1e-6, 1e-6);
    free(y);
    free(want);
    c.in[2].constant = true;
    c.in[0].shape.dims[2]--;
    rop_refuse(&c, NNRT_ERR_MODEL);
    const int64_t huge[2] = {INT64_MAX, 5};
    c.in[1].data = huge;
    rop_refuse(&c, NNRT_ERR_MODEL);
    p.stride[1] = 0;
    rop_refuse_plan(&c, "stride 0");
    p.spatial = 7;
    rop_refuse_plan(&c, "7 spatial dims");
    free(x);
}

static void test_axes(void **state)
{
    (void)state;
    const nnrt_shape s = {4, {1, 3, 1, 2}}, two = {1, {2}};
    const float x[6] = {1, 2, 3, 4, 5, 6};
    const int64_t axes[2] = {-2, 0}, twice[2] = {0, -4}, wrong[2] = {1, 0}, far[2] = {6, 0};
    rop_case c = {NNRT_ROP_ID_SQUEEZE_AXES,
                  NULL,
                  2,
                  {{NNRT_F32, s, x, false}, {NNRT_I64, two, axes, false}},
                  NNRT_F32,
                  2};
    nnrt_shape got;
    float *y = rop_run(&c, &got);
    assert_true(got.dims[0] == 3 && got.dims[1] == 2);
    assert_memory_equal(y, x, sizeof x);
    free(y);
    c.in[1].constant = true;
    c.in[1].data = twice;
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.in[1].data = wrong;
    rop_refuse(&c, NNRT_ERR_MODEL);
    c.id = NNRT_ROP_ID_UNSQUEEZE_AXES;
    c.out_rank = 6;
    c.in[1].data = axes;
    y = rop_run(&c, &got);
    const int64_t want[6] = {1, 1, 3, 1, 1, 2};
    assert_memory_equal(got.dims, want, sizeof want);
    assert_memory_equal(y, x, sizeof x);
    free(y);
    c.in[1].data = far;
    rop_refuse(&c, NNRT_ERR_MODEL);
}

int main(void)
{
    nnc_rng_init(&rng, 23, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reverse_sequence),
        cmocka_unit_test(test_split_part),
        cmocka_unit_test(test_center_crop_pad),
        cmocka_unit_test(test_col2im),
        cmocka_unit_test(test_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
