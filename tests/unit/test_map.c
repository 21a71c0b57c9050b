/* Hash map. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "cmocka_all.h"

static void test_put_get(void **state)
{
    (void)state;
    nnc_map *map = nnc_map_create();
    assert_non_null(map);
    uint32_t value = 99;
    bool existed = true;
    assert_false(nnc_map_get(map, "a", &value));
    assert_int_equal(value, 99);
    char key[] = "a";
    assert_int_equal(nnc_map_put(map, key, 1, &existed), NNC_OK);
    assert_false(existed);
    key[0] = 'b'; /* the map has its own copy */
    assert_true(nnc_map_get(map, "a", &value));
    assert_int_equal(value, 1);
    assert_int_equal(nnc_map_put(map, "a", 2, &existed), NNC_OK);
    assert_true(existed);
    assert_int_equal(nnc_map_put(map, "", UINT32_MAX, NULL), NNC_OK);
    assert_true(nnc_map_get(map, "", &value));
    assert_true(value == UINT32_MAX);
    assert_true(nnc_map_get(map, "a", &value));
    assert_int_equal(value, 2);
    assert_int_equal(nnc_map_count(map), 2);
    nnc_map_destroy(map);
    nnc_map_destroy(NULL);
}

static void test_many(void **state)
{
    (void)state;
    enum { N = 200000 };
    nnc_map *map = nnc_map_create();
    char key[32];
    for (uint32_t i = 0; i < N; i++) {
        snprintf(key, sizeof key, "node/%u", (unsigned)i);
        bool existed = true;
        assert_int_equal(nnc_map_put(map, key, i * 3, &existed), NNC_OK);
        assert_false(existed);
    }
    assert_int_equal(nnc_map_count(map), N);
    uint32_t value;
    for (uint32_t i = 0; i < N; i++) {
        snprintf(key, sizeof key, "node/%u", (unsigned)i);
        assert_true(nnc_map_get(map, key, &value));
        assert_int_equal(value, i * 3);
    }
    assert_false(nnc_map_get(map, "node/200000", &value));
    assert_false(nnc_map_get(map, "node/", &value));
    nnc_map_destroy(map);
}

static void test_long_keys(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    static char key[N + 1];
    memset(key, 'k', N);
    nnc_map *map = nnc_map_create();
    uint32_t value;
    assert_int_equal(nnc_map_put(map, key, 5, NULL), NNC_OK);
    key[N - 1] = 'x';
    assert_false(nnc_map_get(map, key, &value));
    key[N - 1] = 'k';
    assert_true(nnc_map_get(map, key, &value));
    assert_int_equal(value, 5);
    nnc_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_put_get), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_long_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
