/* Tiers by name and environment, and the table of kernel rows. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include "runtime_int8/kernels/cpu.h"
#include "runtime_int8/kernels/kernel.h"

static void the_variable_caps_the_tier(void **state)
{
    (void)state;
    nnrt_isa best, isa;
    unsetenv("NNRT_MAX_ISA");
    assert_int_equal(nnrt_isa_detect(&best), NNC_OK);
    assert_true(nnrt_isa_supported(best));
    for (uint32_t cap = 0; nnrt_isa_name(cap); cap++) {
        setenv("NNRT_MAX_ISA", nnrt_isa_name(cap), 1);
        assert_int_equal(nnrt_isa_detect(&isa), NNC_OK);
        assert_true(isa <= cap && isa <= best && nnrt_isa_supported(isa));
        if (nnrt_isa_supported((nnrt_isa)cap))
            assert_int_equal(isa, cap);
        assert_int_equal(nnrt_isa_best(), isa);
    }
    setenv("NNRT_MAX_ISA", "", 1);
    assert_int_equal(nnrt_isa_detect(&isa), NNC_OK);
    assert_int_equal(isa, best);
    unsetenv("NNRT_MAX_ISA");
}

static void an_unknown_name_is_an_error(void **state)
{
    (void)state;
    nnrt_isa isa;
    setenv("NNRT_MAX_ISA", "avx9", 1);
    assert_int_equal(nnrt_isa_detect(&isa), NNC_ERR_USAGE);
    assert_non_null(strstr(nnc_error_message(), "avx9"));
    unsetenv("NNRT_MAX_ISA");
    assert_true(nnrt_isa_supported(nnrt_isa_best()));
    assert_null(nnrt_isa_name(4));
}

static void every_contract_has_rows_newest_first(void **state)
{
    (void)state;
    for (int contract = 0; contract < NNRT_CONTRACT_COUNT; contract++) {
        const nnrt_kernel *row;
        int last = NNRT_ISA_AVX512VNNI;
        for (uint32_t i = 0; (row = nnrt_kernel_row(i)) != NULL; i++) {
            if ((int)row->contract != contract)
                continue;
            if ((int)row->isa > last)
                fail_msg("%s comes after a row of a lower tier", row->name);
            last = (int)row->isa;
            assert_non_null(row->fn);
            assert_true(row->tile[0] > 0);
        }
        if (last != NNRT_ISA_REF)
            fail_msg("contract %d has no ref row at its end", contract);
        for (uint32_t cap = 0; nnrt_isa_name(cap); cap++) {
            row = nnrt_kernel_find((nnrt_contract)contract, (nnrt_isa)cap);
            assert_true((int)row->contract == contract && row->isa <= cap &&
                        nnrt_isa_supported(row->isa));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_variable_caps_the_tier),
        cmocka_unit_test(an_unknown_name_is_an_error),
        cmocka_unit_test(every_contract_has_rows_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
