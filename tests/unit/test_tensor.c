/* Shapes, buffers, tensors. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmocka_all.h"
#include "tensor/tensor.h"

#define SHAPE(...)                                                                                 \
    nnc_shape_make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                             \
                   (const int64_t[]){__VA_ARGS__})

static void test_shape(void **state)
{
    (void)state;
    size_t count = 77;
    nnc_shape scalar = nnc_shape_make(0, NULL);
    assert_true(nnc_shape_count(&count, &scalar));
    assert_int_equal(count, 1);
    nnc_shape shape = SHAPE(64, 3, 7, 7);
    assert_true(nnc_shape_count(&count, &shape));
    assert_int_equal(count, 9408);
    nnc_shape huge = SHAPE(INT64_MAX, INT64_MAX);
    assert_false(nnc_shape_count(&count, &huge));
    nnc_shape zero = SHAPE(INT64_MAX, INT64_MAX, 0);
    assert_true(nnc_shape_count(&count, &zero));
    assert_int_equal(count, 0);
    nnc_shape symbolic = SHAPE(-1, 3);
    assert_false(nnc_shape_count(&count, &symbolic));
    assert_false(nnc_shape_is_static(&symbolic));
    assert_true(nnc_shape_is_static(&huge));
    nnc_shape other = SHAPE(64, 3, 7);
    assert_false(nnc_shape_equal(&shape, &other));
    assert_true(nnc_shape_equal(&shape, &shape));
    other = SHAPE(64, 3, 7, 8);
    assert_false(nnc_shape_equal(&shape, &other));
}

static void test_format(void **state)
{
    (void)state;
    char buf[512];
    nnc_shape scalar = nnc_shape_make(0, NULL);
    assert_string_equal(nnc_shape_format(buf, sizeof buf, &scalar), "[]");
    nnc_shape shape = SHAPE(64, -3, 7);
    assert_string_equal(nnc_shape_format(buf, sizeof buf, &shape), "[64,?,7]");
    int64_t dims[NNC_RANK_MAX];
    for (int i = 0; i < NNC_RANK_MAX; i++) {
        dims[i] = INT64_MAX;
    }
    nnc_shape large = nnc_shape_make(NNC_RANK_MAX, dims);
    assert_int_equal(strlen(nnc_shape_format(buf, sizeof buf, &large)), 16 * 20 + 1);
    assert_int_equal(strlen(nnc_shape_format(buf, 10, &large)), 9);
    assert_string_equal(nnc_shape_format(buf, 1, &large), "");
}

static void on_release(void *owner)
{
    ++*(int *)owner;
}

static void test_buffer(void **state)
{
    (void)state;
    nnc_buffer *b = nnc_buffer_create(100);
    assert_non_null(b);
    assert_int_equal((uintptr_t)nnc_buffer_data(b) % 64, 0);
    assert_int_equal(nnc_buffer_bytes(b), 100);
    const unsigned char *p = nnc_buffer_data(b);
    for (int i = 0; i < 164; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_ptr_equal(nnc_buffer_ref(b), b);
    nnc_buffer_unref(b);
    assert_int_equal(nnc_buffer_bytes(b), 100);
    nnc_buffer_unref(b);
    assert_null(nnc_buffer_ref(NULL));
    nnc_buffer_unref(NULL);
    assert_null(nnc_buffer_create(SIZE_MAX));
    assert_null(nnc_buffer_create(SIZE_MAX - 70));
    static const char view[4] = "abc";
    int released = 0;
    b = nnc_buffer_wrap(view, sizeof view, on_release, &released);
    assert_ptr_equal(nnc_buffer_data(b), view);
    nnc_buffer_ref(b);
    nnc_buffer_unref(b);
    assert_int_equal(released, 0);
    nnc_buffer_unref(b);
    assert_int_equal(released, 1);
    nnc_buffer_unref(nnc_buffer_wrap(view, 4, NULL, NULL));
}

static void test_create(void **state)
{
    (void)state;
    nnc_tensor t;
    nnc_shape shape = SHAPE(2, 3);
    const float data[6] = {1, 2, 3, 4, 5, 6};
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &shape), NNC_OK);
    assert_int_equal(nnc_tensor_count(&t), 6);
    assert_int_equal(nnc_tensor_bytes(&t), 24);
    assert_true(((float *)nnc_tensor_data(&t))[5] == 0);
    nnc_tensor_deinit(&t);
    assert_null(t.buffer);
    nnc_tensor_deinit(&t);
    assert_int_equal(nnc_tensor_create_from(&t, NNC_DTYPE_FLOAT, &shape, data), NNC_OK);
    assert_memory_equal(nnc_tensor_data(&t), data, sizeof data);
    nnc_tensor second = nnc_tensor_ref(&t);
    assert_ptr_equal(nnc_tensor_data(&second), nnc_tensor_data(&t));
    nnc_tensor_deinit(&t);
    assert_memory_equal(nnc_tensor_data(&second), data, sizeof data);
    nnc_tensor_deinit(&second);
    nnc_shape empty = SHAPE(0, 5);
    assert_int_equal(nnc_tensor_create_from(&t, NNC_DTYPE_INT8, &empty, NULL), NNC_OK);
    assert_int_equal(nnc_tensor_count(&t), 0);
    assert_non_null(nnc_tensor_data(&t));
    nnc_tensor_deinit(&t);
}

static void test_create_fails(void **state)
{
    (void)state;
    nnc_tensor t;
    nnc_shape shape = SHAPE(2);
    nnc_shape huge = SHAPE(INT64_MAX, 4);
    nnc_shape large = SHAPE(INT64_MAX / 8);
    nnc_shape symbolic = SHAPE(-1);
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_STRING, &shape), NNC_ERR_UNSUPPORTED);
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_UNDEFINED, &shape), NNC_ERR_UNSUPPORTED);
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_FLOAT, &huge), NNC_ERR_LIMIT);
    assert_null(t.buffer);
    assert_non_null(strstr(nnc_error_message(), "[9223372036854775807,4]"));
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_INT8, &large), NNC_ERR_LIMIT);
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_DOUBLE, &large), NNC_ERR_LIMIT);
    assert_int_equal(nnc_tensor_create(&t, NNC_DTYPE_DOUBLE, &symbolic), NNC_ERR_LIMIT);
}

static void test_equal(void **state)
{
    (void)state;
    nnc_tensor a, b;
    nnc_shape three = SHAPE(3);
    nnc_shape column = SHAPE(3, 1);
    assert_int_equal(nnc_tensor_create_from(&a, NNC_DTYPE_UINT4, &three, "\x21\x03"), NNC_OK);
    assert_int_equal(nnc_tensor_create_from(&b, NNC_DTYPE_UINT4, &three, "\x21\xF3"), NNC_OK);
    assert_true(nnc_tensor_equal(&a, &b)); /* the upper half of the last byte is padding */
    ((unsigned char *)nnc_tensor_data(&b))[1] = 4;
    assert_false(nnc_tensor_equal(&a, &b));
    nnc_tensor_deinit(&b);
    assert_int_equal(nnc_tensor_create_from(&b, NNC_DTYPE_UINT4, &column, "\x21\x03"), NNC_OK);
    assert_false(nnc_tensor_equal(&a, &b));
    nnc_tensor_deinit(&b);
    assert_int_equal(nnc_tensor_create_from(&b, NNC_DTYPE_INT4, &three, "\x21\x03"), NNC_OK);
    assert_false(nnc_tensor_equal(&a, &b));
    nnc_tensor_deinit(&b);
    assert_false(nnc_tensor_equal(&a, &b));
    assert_true(nnc_tensor_equal(&b, &b));
    nnc_tensor_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),        cmocka_unit_test(test_format),
        cmocka_unit_test(test_buffer),       cmocka_unit_test(test_create),
        cmocka_unit_test(test_create_fails), cmocka_unit_test(test_equal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
