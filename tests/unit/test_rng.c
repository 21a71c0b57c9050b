/* Philox against the known answers of the Random123 distribution.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "cmocka_all.h"

static const struct {
    uint32_t counter[4], key[2], out[4];
} known[] = {{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
             {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
              {0xffffffff, 0xffffffff},
              {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
             {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
              {0xa4093822, 0x299f31d0},
              {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};

static void test_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        nnc_rng rng;
        nnc_rng_init(&rng, 0, 0);
        memcpy(rng.counter, known[i].counter, sizeof rng.counter);
        memcpy(rng.key, known[i].key, sizeof rng.key);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(nnc_rng_u32(&rng), known[i].out[k]);
        }
    }
}

static void test_seed_and_stream(void **state)
{
    (void)state;
    nnc_rng a, b;
    nnc_rng_init(&a, 0x299f31d0a4093822ull, 0x0370734413198a2eull);
    assert_int_equal(a.key[0], 0xa4093822);
    assert_int_equal(a.key[1], 0x299f31d0);
    assert_int_equal(a.counter[2], 0x13198a2e);
    assert_int_equal(a.counter[3], 0x03707344);
    nnc_rng_init(&a, 1, 7);
    nnc_rng_init(&b, 1, 7);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(nnc_rng_u32(&a), nnc_rng_u32(&b));
    }
    nnc_rng_init(&b, 1, 8);
    nnc_rng_init(&a, 1, 7);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        same += nnc_rng_u32(&a) == nnc_rng_u32(&b);
    }
    assert_true(same < 3);
}

static void test_counter_carries(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 0, 5);
    rng.counter[0] = UINT32_MAX;
    nnc_rng_u32(&rng);
    assert_int_equal(rng.counter[0], 0);
    assert_int_equal(rng.counter[1], 1);
    assert_int_equal(rng.counter[2], 5);
}

static void test_below(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 3, 0);
    enum { N = 7, DRAWS = 70000 };
    int counts[N] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint32_t x = nnc_rng_below(&rng, N);
        assert_true(x < N);
        counts[x]++;
    }
    for (int i = 0; i < N; i++) {
        /* Binomial: sd = sqrt(70000 * 1/7 * 6/7) = 93; five of them. */
        assert_in_range(counts[i], DRAWS / N - 465, DRAWS / N + 465);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(nnc_rng_below(&rng, 1), 0);
        assert_true(nnc_rng_below(&rng, 0x80000001u) <= 0x80000000u);
    }
}

static void test_floats(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 4, 0);
    enum { N = 100000 };
    double sum = 0, normal = 0, square = 0, third = 0;
    for (int i = 0; i < N; i++) {
        float u = nnc_rng_uniform(&rng);
        assert_true(u >= 0 && u < 1);
        sum += (double)u;
        double z = (double)nnc_rng_normal(&rng);
        assert_true(isfinite(z));
        normal += z;
        square += z * z;
        third += z * z * z;
    }
    /* Five standard errors each: 0.2887, 1, sqrt(2), sqrt(15) over sqrt(N). */
    assert_true(fabs(sum / N - 0.5) < 5 * 0.2887 / sqrt(N));
    assert_true(fabs(normal / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(third / N) < 5 * sqrt(15.0 / N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers),
                                       cmocka_unit_test(test_seed_and_stream),
                                       cmocka_unit_test(test_counter_carries),
                                       cmocka_unit_test(test_below), cmocka_unit_test(test_floats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
