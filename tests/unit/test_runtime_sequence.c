/* Sequences in a plan: made, edited, read; bytes that are none. SPDX-License-Identifier: Apache-2.0 */
#include "unit/runtime_plan.h"

static void load(nnrt_model **model, void **image, nnrt_builder *b)
{
    size_t bytes;
    if (nnrt_builder_finish(b, image, &bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
    if (nnrt_model_load_memory(model, *image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
}

static nnrt_session *open_session(const nnrt_model *model)
{
    nnrt_session_options o = {.size = sizeof o, .threads = 1, .isa_max = NNRT_ISA_BEST};
    nnrt_session *session;
    if (nnrt_session_create(&session, model, &o) != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    return session;
}

static uint32_t any_rank(nnrt_builder *b, const char *name)
{
    const nnrt_shape any = {.rank = NNRT_RANK_ANY};
    return nnrt_builder_value(b, NNRT_VALUE_TEMP, name, NNRT_F32, &any, 0, NULL);
}

/* x [2,n], at (i64 scalar) -> parts of x along axis 1, each one column; the second x in front of place `at`, then the
 * last element goes; outputs: its length, element `at`, the rest joined when all are columns. */
static void test_edit(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    const nnrt_shape none = {.rank = 0}, xs = {2, {2, nnrt_builder_symbol(b, "n")}};
    uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &xs, 0, NULL),
             at = nnrt_builder_value(b, NNRT_VALUE_INPUT, "at", NNRT_I64, &none, 0, NULL);
    nnrt_builder_input(b, x);
    nnrt_builder_input(b, at);
    uint32_t parts = plan_temp(b, "parts", NNRT_U8, 1), more = plan_temp(b, "more", NNRT_U8, 1),
             less = plan_temp(b, "less", NNRT_U8, 1), length = plan_temp(b, "length", NNRT_I64, 0),
             element = any_rank(b, "element"), joined = any_rank(b, "joined");
    const nnrt_seq_split_params split = {1, 1};
    const nnrt_seq_edit_params insert = {0, 0}, erase = {1, 0};
    const nnrt_seq_length_params count = {0, 0};
    const nnrt_sequence_params f32 = {NNRT_F32, 0};
    const nnrt_seq_concat_params join = {NNRT_F32, -1, 0, 0};
    PLAN_NODE(b, SEQ_SPLIT, "split", &split, ((uint32_t[]){x}), parts);
    PLAN_NODE(b, SEQ_EDIT, "insert", &insert, ((uint32_t[]){parts, x, at}), more);
    PLAN_NODE(b, SEQ_EDIT, "erase", &erase, ((uint32_t[]){more}), less);
    PLAN_NODE(b, SEQ_LENGTH, "length", &count, ((uint32_t[]){less}), length);
    PLAN_NODE(b, SEQ_AT, "at", &f32, ((uint32_t[]){less, at}), element);
    PLAN_NODE(b, SEQ_CONCAT, "join", &join, ((uint32_t[]){less}), joined);
    nnrt_builder_output(b, length, "length");
    nnrt_builder_output(b, element, "element");
    nnrt_builder_output(b, joined, "joined");
    nnrt_model *model;
    void *image;
    load(&model, &image, b);
    nnrt_session *s = open_session(model);
    for (int64_t n = 1; n < 6; n++) {
        for (int64_t place = 0; place < n; place++) {
            const nnrt_shape shapes[2] = {{2, {2, n}}, {.rank = 0}};
            nnrt_view v, e, j;
            assert_int_equal(nnrt_session_reshape(s, shapes, 2), NNRT_OK);
            assert_int_equal(nnrt_session_input(s, 1, &v), NNRT_OK);
            *(int64_t *)v.data = place;
            assert_int_equal(nnrt_session_input(s, 0, &v), NNRT_OK);
            for (int64_t i = 0; i < 2 * n; i++)
                ((float *)v.data)[i] = (float)i;
            if (nnrt_session_run(s) != NNRT_OK)
                fail_msg("run: %s", nnrt_error_message());
            assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_OK);
            assert_int_equal(*(int64_t *)v.data, n);
            assert_int_equal(nnrt_session_output(s, 1, &e), NNRT_OK);
            assert_true(e.shape.rank == 2 && e.shape.dims[1] == n);
            for (int64_t i = 0; i < 2 * n; i++)
                assert_true(((float *)e.data)[i] == (float)i);
            assert_int_equal(nnrt_session_output(s, 2, &j), NNRT_OK);
            assert_true(j.shape.rank == 2 && j.shape.dims[0] == 2 && j.shape.dims[1] == 2 * n - 1);
            for (int64_t row = 0; row < 2; row++) {
                for (int64_t i = 0; i < 2 * n - 1; i++) {
                    const int64_t from = i < place ? i : i < place + n ? i - place : i - n;
                    assert_true(((float *)j.data)[row * (2 * n - 1) + i] == (float)(row * n + from));
                }
            }
        }
    }
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* Bytes from outside go where a sequence is read. */
static void read_bytes(nnrt_session *s, const uint8_t *bytes, size_t n, nnrt_status wanted)
{
    const nnrt_shape shape = {1, {(int64_t)n}};
    nnrt_view v;
    assert_int_equal(nnrt_session_reshape(s, &shape, 1), NNRT_OK);
    assert_int_equal(nnrt_session_input(s, 0, &v), NNRT_OK);
    if (n > 0)
        memcpy(v.data, bytes, n);
    nnrt_status status = nnrt_session_run(s);
    if (wanted != NNRT_OK)
        assert_int_equal(status, wanted);
    assert_true(status == NNRT_OK || status == NNRT_ERR_MODEL || status == NNRT_ERR_LIMIT);
}

static void test_hostile(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    const nnrt_shape any = {1, {nnrt_builder_symbol(b, "n")}}, none = {.rank = 0};
    const int64_t last = -1;
    uint32_t q = nnrt_builder_value(b, NNRT_VALUE_INPUT, "q", NNRT_U8, &any, 0, NULL),
             at = nnrt_builder_const(b, "at", NNRT_I64, &none, &last, sizeof last),
             less = plan_temp(b, "less", NNRT_U8, 1), element = any_rank(b, "element"),
             joined = any_rank(b, "joined");
    const nnrt_seq_edit_params erase = {1, 0};
    const nnrt_sequence_params f32 = {NNRT_F32, 0};
    const nnrt_seq_concat_params join = {NNRT_F32, 0, 1, 0};
    nnrt_builder_input(b, q);
    PLAN_NODE(b, SEQ_AT, "at", &f32, ((uint32_t[]){q, at}), element);
    PLAN_NODE(b, SEQ_CONCAT, "join", &join, ((uint32_t[]){q}), joined);
    PLAN_NODE(b, SEQ_EDIT, "erase", &erase, ((uint32_t[]){q}), less);
    nnrt_builder_output(b, element, "element");
    nnrt_builder_output(b, joined, "joined");
    nnrt_builder_output(b, less, "less");
    nnrt_model *model;
    void *image;
    load(&model, &image, b);
    nnrt_session *s = open_session(model);
    /* head: magic, count, type, present; items of 88 bytes; two tensors of [3] */
    uint8_t good[384] = {0};
    const uint32_t head[4] = {0x51455351u, 2, NNRT_F32, 1};
    memcpy(good, head, sizeof head);
    for (uint64_t k = 0; k < 2; k++) {
        const uint64_t place[2] = {256 + 64 * k, 12}, rank = 1, dim = 3;
        memcpy(good + 16 + 88 * k, place, 16);
        memcpy(good + 32 + 88 * k, &rank, 8);
        memcpy(good + 40 + 88 * k, &dim, 8);
    }
    read_bytes(s, good, sizeof good, NNRT_OK);
    assert_int_equal(nnrt_session_run(s), NNRT_OK);
    read_bytes(s, good, 0, NNRT_ERR_MODEL);
    read_bytes(s, good, 15, NNRT_ERR_MODEL);
    read_bytes(s, good, 200, NNRT_ERR_MODEL);
    static const uint32_t wild[] = {0, 1, 9, 255, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < 192; i += 4) {
        for (size_t w = 0; w < sizeof wild / sizeof *wild; w++) {
            uint8_t bad[sizeof good];
            memcpy(bad, good, sizeof good);
            memcpy(bad + i, &wild[w], 4);
            read_bytes(s, bad, sizeof bad, NNRT_OK);
        }
    }
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
