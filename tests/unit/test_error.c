/* Error messages. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "cmocka_all.h"

static void test_set_and_clear(void **state)
{
    (void)state;
    assert_int_equal(
        nnc_error_set(NNC_ERR_MODEL, "Conv '%s': weight has %d dims, expected %d", "c1", 3, 4),
        NNC_ERR_MODEL);
    assert_string_equal(nnc_error_message(), "Conv 'c1': weight has 3 dims, expected 4");
    nnc_error_clear();
    assert_string_equal(nnc_error_message(), "");
}

static void test_control_bytes(void **state)
{
    (void)state;
    nnc_error_set(NNC_ERR_MODEL, "name '%s'", "a\n\x1b[31m\x7f\x01z");
    assert_string_equal(nnc_error_message(), "name 'a\\x0a\\x1b[31m\\x7f\\x01z'");
    nnc_error_set(NNC_ERR_MODEL, "name '%s'", "Gr\xc3\xbc\xc3\x9f");
    assert_string_equal(nnc_error_message(), "name 'Gr\xc3\xbc\xc3\x9f'");
}

static void test_own_message_as_argument(void **state)
{
    (void)state;
    nnc_error_set(NNC_ERR_IO, "inner");
    nnc_error_set(NNC_ERR_IO, "outer: %s", nnc_error_message());
    assert_string_equal(nnc_error_message(), "outer: inner");
}

static void test_prepend(void **state)
{
    (void)state;
    nnc_error_set(NNC_ERR_MODEL, "bad\ttype");
    assert_int_equal(nnc_error_prepend(NNC_ERR_MODEL, "'%s'", "m\r.onnx"), NNC_ERR_MODEL);
    assert_string_equal(nnc_error_message(), "'m\\x0d.onnx': bad\\x09type");
    /* Nothing is named twice. */
    nnc_error_set(NNC_ERR_DATA, "%s", "d.h5: no array");
    nnc_error_prepend(NNC_ERR_DATA, "%s", "d.h5");
    assert_string_equal(nnc_error_message(), "d.h5: no array");
    nnc_error_prepend(NNC_ERR_DATA, "%s", "d");
    assert_string_equal(nnc_error_message(), "d: d.h5: no array");
    nnc_error_prepend(NNC_ERR_DATA, "%s", "d");
    assert_string_equal(nnc_error_message(), "d: d.h5: no array");
    nnc_error_set(NNC_ERR_DATA, "%s", "set/input_0.pb: cut");
    nnc_error_prepend(NNC_ERR_DATA, "%s", "set");
    assert_string_equal(nnc_error_message(), "set/input_0.pb: cut");
}

static void test_cut(void **state)
{
    (void)state;
    static char longer[5000];
    memset(longer, 'x', sizeof longer - 1);
    nnc_error_set(NNC_ERR_MODEL, "%s", longer);
    assert_int_equal(strlen(nnc_error_message()), 2047);
    nnc_error_prepend(NNC_ERR_MODEL, "%s", "file");
    assert_int_equal(strlen(nnc_error_message()), 2047);
    assert_memory_equal(nnc_error_message(), "file: xxx", 9);
    nnc_error_prepend(NNC_ERR_MODEL, "%s", longer);
    assert_int_equal(strlen(nnc_error_message()), 2047);
    /* Escapes are four bytes and never cut in the middle: 511 fit into 2047. */
    memset(longer, '\n', sizeof longer - 1);
    nnc_error_set(NNC_ERR_MODEL, "%s", longer);
    assert_int_equal(strlen(nnc_error_message()), 2044);
}

static void *set_in_thread(void *arg)
{
    assert_string_equal(nnc_error_message(), "");
    nnc_error_set(NNC_ERR_IO, "thread");
    return arg;
}

static void test_per_thread(void **state)
{
    (void)state;
    pthread_t thread;
    nnc_error_set(NNC_ERR_IO, "main");
    assert_int_equal(pthread_create(&thread, NULL, set_in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(nnc_error_message(), "main");
}

static nnc_status fail_or_pass(nnc_status inner, int *reached)
{
    NNC_TRY(inner);
    (*reached)++;
    NNC_FAIL(NNC_ERR_DATA, "%d samples", 0);
}

static void test_macros(void **state)
{
    (void)state;
    int reached = 0;
    assert_int_equal(fail_or_pass(NNC_ERR_DEVICE, &reached), NNC_ERR_DEVICE);
    assert_int_equal(reached, 0);
    assert_int_equal(fail_or_pass(NNC_OK, &reached), NNC_ERR_DATA);
    assert_int_equal(reached, 1);
    assert_string_equal(nnc_error_message(), "0 samples");
}

static void test_status_names(void **state)
{
    (void)state;
    static const nnc_status all[] = {NNC_OK,         NNC_ERR_GATE,        NNC_ERR_USAGE,
                                     NNC_ERR_MODEL,  NNC_ERR_UNSUPPORTED, NNC_ERR_DATA,
                                     NNC_ERR_IO,     NNC_ERR_LIMIT,       NNC_ERR_DEVICE,
                                     NNC_ERR_VERIFY, NNC_ERR_INTERNAL,    NNC_ERR_CANCELLED};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_string_not_equal(nnc_status_name(all[i]), "unknown");
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(nnc_status_name(all[i]), nnc_status_name(all[j]));
        }
    }
    assert_string_equal(nnc_status_name((nnc_status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_set_and_clear),
                                       cmocka_unit_test(test_control_bytes),
                                       cmocka_unit_test(test_own_message_as_argument),
                                       cmocka_unit_test(test_prepend),
                                       cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_per_thread),
                                       cmocka_unit_test(test_macros),
                                       cmocka_unit_test(test_status_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
