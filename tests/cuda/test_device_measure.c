/* Measured rates of a device. SPDX-License-Identifier: Apache-2.0
 * On the simulator the numbers mean nothing, but the kernels run, and what was copied is compared. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/device_case.h"
#include "nnrt.h"

static void rates_are_positive(void **state)
{
    (void)state;
    nnrt_device_facts facts;
    if (nnrt_device_measure(&facts, 0) != NNRT_OK)
        fail_msg("%s", nnrt_error_message());
    assert_true(facts.name[0] != '\0');
    assert_true(facts.multiprocessors > 0);
    assert_true(facts.int8_gmacs > 0);
    assert_true(facts.memory_gbps > 0);
    assert_true(facts.l2_gbps > 0);
}

static void failures_are_told(void **state)
{
    (void)state;
    static const char *const failures[] = {"device_open:3", "alloc:5", "alloc:5:2", "launch:7", "event_create:7:2",
                                           "stream_wait:6", "event_elapsed:7"};
    nnrt_device_facts facts;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        setenv("NNRT_SIM_FAIL", failures[i], 1);
        assert_int_equal(nnrt_device_measure(&facts, 0), NNRT_ERR_DEVICE);
        assert_non_null(strstr(nnrt_error_message(), "CUDA: "));
    }
    unsetenv("NNRT_SIM_FAIL");
}

static int few_resources(void **state)
{
    setenv("NNRT_SIM_MEMORY", "67108864", 1);
    setenv("NNRT_SIM_SMS", "2", 1);
    return device_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_positive),
        cmocka_unit_test(failures_are_told),
    };
    return cmocka_run_group_tests(tests, few_resources, NULL);
}
