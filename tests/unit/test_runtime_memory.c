/* The arena planner's promises on random lifetimes. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdbool.h>

#include "base/rng.h"
#include "runtime_int8/memory.h"

#define BLOCKS 200

static size_t round_up(size_t bytes)
{
    return (bytes + NNRT_MEMORY_ALIGN - 1) / NNRT_MEMORY_ALIGN * NNRT_MEMORY_ALIGN;
}

static void test_invariants(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 11, 0);
    for (int round = 0; round < 200; round++) {
        nnrt_memory_block b[BLOCKS], again[BLOCKS];
        size_t n = 1 + nnc_rng_below(&rng, BLOCKS), total, total_again, live_most = 0, sum = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t first = nnc_rng_below(&rng, 60);
            b[i] = (nnrt_memory_block){
                .bytes = nnc_rng_below(&rng, 5) == 0 ? 0 : nnc_rng_below(&rng, 10000),
                .first = first,
                .last = first + nnc_rng_below(&rng, 8)};
            again[i] = b[i];
            sum += round_up(b[i].bytes);
        }
        assert_int_equal(nnrt_memory_plan(b, n, &total), NNC_OK);
        assert_int_equal(nnrt_memory_plan(again, n, &total_again), NNC_OK);
        assert_int_equal(total, total_again);
        for (uint32_t step = 0; step < 70; step++) {
            size_t live = 0;
            for (size_t i = 0; i < n; i++)
                live += b[i].first <= step && step <= b[i].last ? round_up(b[i].bytes) : 0;
            live_most = live > live_most ? live : live_most;
        }
        assert_true(total >= live_most && total <= sum);
        assert_true(total <= live_most + live_most / 2); /* greedy by size stays near the bound */
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(b[i].offset, again[i].offset);
            assert_int_equal(b[i].offset % NNRT_MEMORY_ALIGN, 0);
            assert_true(b[i].offset + b[i].bytes <= total);
            for (size_t k = 0; k < i; k++) {
                bool together = b[i].first <= b[k].last && b[k].first <= b[i].last;
                bool apart = b[i].offset + b[i].bytes <= b[k].offset ||
                             b[k].offset + b[k].bytes <= b[i].offset;
                assert_true(!together || apart || b[i].bytes == 0 || b[k].bytes == 0);
            }
        }
    }
}

static void test_limits(void **state)
{
    (void)state;
    size_t total;
    nnrt_memory_block huge[] = {{.bytes = SIZE_MAX / 2, .first = 0, .last = 1}};
    assert_int_equal(nnrt_memory_plan(huge, 1, &total), NNC_ERR_LIMIT);
    nnrt_memory_block many[4];
    for (int i = 0; i < 4; i++)
        many[i] = (nnrt_memory_block){.bytes = SIZE_MAX / 5, .first = 0, .last = 1};
    assert_int_equal(nnrt_memory_plan(many, 4, &total), NNC_ERR_LIMIT);
    assert_int_equal(nnrt_memory_plan(NULL, 0, &total), NNC_OK);
    assert_int_equal(total, 0);
}

/* A chain of equal tensors needs room for two. */
static void test_chain(void **state)
{
    (void)state;
    nnrt_memory_block b[10];
    size_t total;
    for (uint32_t i = 0; i < 10; i++)
        b[i] = (nnrt_memory_block){.bytes = 1000, .first = i, .last = i + 1};
    assert_int_equal(nnrt_memory_plan(b, 10, &total), NNC_OK);
    assert_int_equal(total, 2 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invariants),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
