/* Element types. SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "cmocka_all.h"
#include "tensor/dtype.h"

static void test_rows(void **state)
{
    (void)state;
    assert_string_equal(nnc_dtype_name(NNC_DTYPE_FLOAT), "float32");
    assert_int_equal(nnc_dtype_bits(NNC_DTYPE_BFLOAT16), 16);
    assert_int_equal(nnc_dtype_bits(NNC_DTYPE_INT4), 4);
    assert_int_equal(nnc_dtype_bits(NNC_DTYPE_UINT2), 2);
    assert_int_equal(nnc_dtype_class_of(NNC_DTYPE_UINT64), NNC_DTYPE_CLASS_UINT);
    assert_int_equal(nnc_dtype_class_of(NNC_DTYPE_STRING), NNC_DTYPE_CLASS_OTHER);
    assert_int_equal(NNC_DTYPE_COUNT, 27);
    static const int outside[] = {-1, INT_MIN, NNC_DTYPE_COUNT, INT_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_string_equal(nnc_dtype_name(outside[i]), "undefined");
        assert_int_equal(nnc_dtype_bits(outside[i]), 0);
        assert_int_equal(nnc_dtype_class_of(outside[i]), NNC_DTYPE_CLASS_OTHER);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    size_t n = 7;
    assert_true(nnc_dtype_bytes(&n, NNC_DTYPE_INT64, 3));
    assert_int_equal(n, 24);
    assert_true(nnc_dtype_bytes(&n, NNC_DTYPE_UINT4, 3));
    assert_int_equal(n, 2);
    assert_true(nnc_dtype_bytes(&n, NNC_DTYPE_INT2, 5));
    assert_int_equal(n, 2);
    assert_true(nnc_dtype_bytes(&n, NNC_DTYPE_INT2, 0));
    assert_int_equal(n, 0);
    assert_true(nnc_dtype_bytes(&n, NNC_DTYPE_INT4, SIZE_MAX));
    assert_true(n == SIZE_MAX / 2 + 1);
    assert_false(nnc_dtype_bytes(&n, NNC_DTYPE_FLOAT, SIZE_MAX / 4 + 1));
    assert_false(nnc_dtype_bytes(&n, NNC_DTYPE_STRING, 1));
    assert_false(nnc_dtype_bytes(&n, NNC_DTYPE_UNDEFINED, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
