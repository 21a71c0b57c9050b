/* conv_q8, dwconv_q8 and gemm_q8 through a session, against a direct convolution, on every tier with 1, 2 and 3 threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"
#include "kernels/q8_model.h"
#include "kernels/rop_case.h"

/* {n, h, w, c_in, c_out, groups, r, s, sh, sw, dh, dw, pads, auto_pad} */
static const q8_layer layers[] = {
    {1, 7, 5, 16, 16, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {2, 5, 7, 33, 70, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 9, 9, 20, 40, 1, 1, 1, 2, 2, 1, 1, {0}, 0},
    {1, 1, 1, 19, 5, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 3, 3, 17, 9, 1, 1, 1, 1, 1, 1, 1, {1, 2, 0, 1}, 0},
    {1, 17, 15, 3, 64, 1, 7, 7, 2, 2, 1, 1, {3, 3, 3, 3}, 0},
    {2, 11, 13, 3, 24, 1, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0},
    {1, 12, 12, 1, 6, 1, 5, 5, 1, 1, 1, 1, {0}, 0},
    {3, 12, 9, 1, 32, 1, 3, 3, 1, 1, 2, 1, {2, 1, 2, 1}, 0},
    {1, 11, 9, 4, 17, 1, 3, 4, 2, 1, 1, 1, {1, 2, 0, 0}, 1},
    {1, 9, 11, 3, 20, 1, 3, 3, 1, 1, 2, 2, {2, 2, 2, 2}, 0},
    {1, 6, 9, 15, 17, 1, 3, 2, 1, 3, 2, 1, {4, 0, 2, 5}, 0},
    {1, 9, 8, 16, 17, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {3, 8, 9, 24, 31, 1, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0},
    {1, 10, 11, 18, 66, 1, 3, 3, 1, 2, 2, 3, {2, 3, 2, 3}, 0},
    {1, 10, 9, 20, 20, 1, 4, 3, 3, 2, 1, 1, {0}, 1},
    {1, 9, 10, 7, 20, 1, 4, 4, 2, 3, 1, 1, {0}, 2},
    {1, 5, 5, 5, 8, 1, 3, 3, 1, 1, 1, 1, {6, 7, 8, 9}, 0},
    {1, 7, 7, 32, 48, 4, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 6, 5, 6, 12, 6, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 6, 6, 40, 40, 2, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 6, 6, 30, 42, 6, 3, 3, 2, 1, 1, 2, {1, 2, 1, 2}, 0},
    {2, 0, 37, 16, 20, 1, 1, 5, 1, 2, 1, 2, {0, 3, 0, 1}, 0},
    {1, 0, 50, 2, 18, 1, 1, 9, 1, 1, 1, 1, {0, 4, 0, 4}, 0},
    {2, 0, 41, 1, 33, 1, 1, 16, 1, 8, 1, 1, {0, 3, 0, 9}, 0},
    {1, 0, 130, 16, 7, 1, 1, 101, 1, 1, 1, 1, {0, 50, 0, 50}, 0},
    {1, 0, 30, 12, 12, 3, 1, 3, 1, 1, 1, 1, {0}, 2},
    {1, 5, 4, 150, 50, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 4, 4, 1100, 33, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    {1, 20, 20, 64, 70, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {1, 28, 28, 128, 144, 1, 1, 1, 1, 1, 1, 1, {0}, 0},
    /* depthwise */
    {1, 9, 9, 3, 3, 3, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 14, 13, 32, 32, 32, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0},
    {2, 15, 14, 144, 144, 144, 3, 3, 2, 2, 1, 1, {0, 0, 1, 1}, 0},
    {1, 12, 12, 70, 70, 70, 5, 5, 1, 1, 1, 1, {2, 2, 2, 2}, 0},
    {1, 12, 12, 64, 64, 64, 5, 5, 2, 2, 1, 1, {0}, 1},
    {1, 11, 12, 24, 24, 24, 3, 3, 1, 1, 2, 2, {0}, 2},
    {2, 0, 77, 40, 40, 40, 1, 31, 1, 1, 1, 1, {0, 15, 0, 15}, 0},
    {1, 40, 40, 96, 96, 96, 7, 7, 1, 1, 1, 1, {3, 3, 3, 3}, 0},
    /* gemm: n*h*w rows */
    {1, 1, 1, 64, 10, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 1, 1, 2047, 1000, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {2, 3, 17, 33, 47, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
    {1, 8, 32, 192, 576, 1, 0, 0, 0, 0, 0, 0, {0}, 0},
};

/* acc of output (n, oy, ox, o) straight from the definition. */
static int32_t direct(const q8_model *m, size_t n, int64_t oy, int64_t ox, uint32_t o)
{
    const q8_layer *l = &m->layer;
    const int64_t h = l->h ? l->h : 1, r_end = l->r ? l->r : 1, s_end = l->s ? l->s : 1;
    const uint32_t c_group = l->c_in / l->groups, first = o / (l->c_out / l->groups) * c_group;
    int64_t acc = m->bias[o];
    for (int64_t r = 0; r < r_end; r++)
        for (int64_t s = 0; s < s_end; s++) {
            const int64_t iy = l->r ? oy * l->sh + r * l->dh - m->top : oy;
            const int64_t ix = l->r ? ox * l->sw + s * l->dw - m->left : ox;
            if (iy < 0 || iy >= h || ix < 0 || ix >= l->w)
                continue;
            for (uint32_t c = 0; c < c_group; c++)
                acc += (int64_t)(m->x[((n * (size_t)h + (size_t)iy) * l->w + (size_t)ix) * l->c_in +
                                      first + c] -
                                 m->epilogue.zx) *
                       m->w[((o * c_group + c) * (size_t)r_end + (size_t)r) * (size_t)s_end +
                            (size_t)s];
        }
    return (int32_t)(uint32_t)acc;
}

static float clamp_to(float t, float lo, float hi)
{
    t = t < hi ? t : hi;
    return t > lo ? t : lo;
}

static void expected_one(const q8_model *m, void *y, size_t i, int32_t acc, float mult)
{
    const nnrt_q8_epilogue *e = &m->epilogue;
    volatile float t = (float)acc * mult, tr = 0;
    if (e->out == NNRT_Q8_OUT_F32) {
        ((float *)y)[i] = clamp_to(t, e->lo, e->hi);
        return;
    }
    if (e->residual == NNRT_Q8_RES_TWICE) {
        t = rintf(clamp_to(t, e->lo_mid, e->hi_mid));
        t = t * e->mult_a;
    }
    if (e->residual) {
        tr = (float)(m->residual[i] - e->zr) * e->mult_r;
        t = t + tr;
    }
    ((uint8_t *)y)[i] = (uint8_t)((int)rintf(clamp_to(t, e->lo, e->hi)) + e->zy);
}

static void *expected(const q8_model *m, size_t bytes)
{
    const q8_layer *l = &m->layer;
    const uint32_t n_group = l->c_out / l->groups, np = (n_group + 15) / 16 * 16;
    void *y = nnc_alloc_aligned(bytes);
    assert_non_null(y);
    for (size_t i = 0; i < m->y_count; i++) {
        const uint32_t o = (uint32_t)(i % l->c_out);
        const size_t pixel = i / l->c_out, row = pixel / m->ow;
        expected_one(m, y, i,
                     direct(m, row / m->oh, (int64_t)(row % m->oh), (int64_t)(pixel % m->ow), o),
                     m->mult[m->depthwise ? o : o / n_group * np + o % n_group]);
    }
    return y;
}

static void check_tier(const q8_model *m, const void *want, size_t bytes, size_t layer, uint32_t isa,
                       uint32_t threads)
{
    nnrt_session *session = q8_session(m, isa, threads);
    nnrt_view y = {0};
    if (!session)
        fail_msg("layer %zu: %s", layer, nnrt_error_message());
    /* The second run finds used scratch and output memory. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(nnrt_session_run(session), NNRT_OK);
    assert_int_equal(nnrt_session_output(session, 0, &y), NNRT_OK);
    assert_int_equal(y.bytes, bytes);
    if (memcmp(y.data, want, bytes) != 0) {
        size_t at = 0;
        while (((const uint8_t *)y.data)[at] == ((const uint8_t *)want)[at])
            at++;
        fail_msg("layer %zu, isa %s, %u threads, zx %d, residual %u, out %u: byte %zu of %zu",
                 layer, nnrt_isa_name(isa), threads, m->epilogue.zx, m->epilogue.residual,
                 m->epilogue.out, at, bytes);
    }
    nnrt_session_destroy(session);
}

static void products_equal_direct_convolution(void **state)
{
    (void)state;
    const size_t count = sizeof(layers) / sizeof(layers[0]);
    for (size_t i = 0; i < count * 4; i++) {
        q8_model m;
        const size_t k = i % count;
        q8_model_create(&m, &layers[k], q8_epilogue((unsigned)((i + i / count) % Q8_EPILOGUES), i % 3 ? 93 : 0),
                        i / count == 3 ? (q8_fill)(1 + k % 2) : Q8_RANDOM, i);
        if (!m.model)
            fail_msg("layer %zu: %s", k, nnc_error_message());
        const size_t bytes = m.y_count * (m.epilogue.out == NNRT_Q8_OUT_F32 ? 4 : 1);
        void *want = expected(&m, bytes);
        for (uint32_t isa = NNRT_ISA_REF; isa <= NNRT_ISA_AVX512VNNI; isa++)
            for (uint32_t threads = 1; threads <= 3; threads++)
                check_tier(&m, want, bytes, k, isa, threads);
        nnc_free(want);
        q8_model_destroy(&m);
    }
}

/* A residual of another shape, a weight of another size, bad forms: refused with a message, never run. */
static void hostile_plans_are_refused(void **state)
{
    (void)state;
    const q8_layer layer = {1, 4, 4, 8, 8, 1, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0};
    nnrt_q8_epilogue bad[] = {{.out = 2, .hi = 255},
                              {.zy = 256, .hi = 1},
                              {.zx = -1, .hi = 255},
                              {.hi = 256},
                              {.lo = 3, .hi = 2},
                              {.lo = NAN, .hi = 2},
                              {.out = 1, .residual = 1, .hi = 1, .mult_r = 1},
                              {.hi = 255, .residual = 2, .mult_r = 1, .mult_a = 1, .hi_mid = 1e9f},
                              {.hi = 255, .residual = 1, .mult_r = NAN},
                              {.hi = 255, .residual = 1, .mult_r = 1, .zr = 300}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        q8_model m;
        q8_model_create(&m, &layer, bad[i], Q8_RANDOM, i);
        nnrt_session *session = m.model ? q8_session(&m, NNRT_ISA_BEST, 1) : NULL;
        if (session)
            fail_msg("epilogue %zu was accepted", i);
        q8_model_destroy(&m);
    }
}

/* Weights, sums and multipliers that are no constants have the sizes of constants too. */
static void short_inputs_are_refused(void **state)
{
    (void)state;
    static const uint8_t zeros[4096];
    const nnrt_q8_epilogue epilogue = {.hi = 255};
    const nnrt_window window = {
        .spatial = 2, .kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}};
    const nnrt_gemm_q8_params gemm = {16, 16, epilogue};
    const nnrt_conv_q8_params conv = {
        .window = window, .groups = 1, .c_in = 16, .c_out = 16, .epilogue = epilogue};
    const nnrt_conv_q8_params depthwise = {
        .window = window, .groups = 16, .c_in = 16, .c_out = 16, .epilogue = epilogue};
    const struct {
        nnrt_rop_id id;
        const void *params;
        nnrt_shape x;
        size_t w;
    } ops[] = {
        {NNRT_ROP_ID_GEMM_Q8, &gemm, {2, {2, 16}}, 256},
        {NNRT_ROP_ID_CONV_Q8, &conv, {4, {1, 3, 3, 16}},
         nnrt_pack_conv_q8_bytes(NNRT_CONV_PACK_TAPS, 1, 16, 16, 3, 3)},
        {NNRT_ROP_ID_DWCONV_Q8, &depthwise, {4, {1, 3, 3, 16}}, nnrt_pack_dwconv_q8_bytes(16, 3, 3)},
    };
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned bad = 1; bad < 4; bad++) {
            rop_case c = {ops[i].id,
                          ops[i].params,
                          4,
                          {{NNRT_U8, ops[i].x, zeros, false},
                           {NNRT_I8, {1, {(int64_t)ops[i].w}}, zeros, true},
                           {NNRT_I32, {1, {16}}, zeros, true},
                           {NNRT_F32, {1, {16}}, zeros, true}},
                          NNRT_U8,
                          ops[i].x.rank};
            c.in[bad].constant = false;
            c.in[bad].shape.dims[0] -= 1;
            rop_refuse(&c, NNRT_ERR_MODEL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_equal_direct_convolution),
        cmocka_unit_test(hostile_plans_are_refused),
        cmocka_unit_test(short_inputs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
