/* Checked sizes, heap, arenas. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/mem.h"
#include "cmocka_all.h"

static void test_size_arithmetic(void **state)
{
    (void)state;
    size_t s = 77;
    assert_true(nnc_size_mul(&s, SIZE_MAX / 2, 2));
    assert_true(s == SIZE_MAX - 1);
    assert_false(nnc_size_mul(&s, SIZE_MAX / 2 + 1, 2));
    assert_true(s == SIZE_MAX - 1);
    assert_true(nnc_size_add(&s, SIZE_MAX - 1, 1));
    assert_false(nnc_size_add(&s, SIZE_MAX, 1));
    assert_true(s == SIZE_MAX);
    int64_t i = 5;
    assert_false(nnc_i64_mul(&i, INT64_MIN, -1));
    assert_false(nnc_i64_add(&i, INT64_MAX, 1));
    assert_int_equal(i, 5);
    assert_true(nnc_i64_mul(&i, -3, 4));
    assert_int_equal(i, -12);
    assert_true(nnc_i64_add(&i, INT64_MIN, INT64_MAX));
    assert_int_equal(i, -1);
}

static void test_heap(void **state)
{
    (void)state;
    unsigned char *p = nnc_calloc(1000, 3);
    assert_non_null(p);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(p[i], 0);
    }
    p[2999] = 9;
    p = nnc_realloc(p, 2000, 3);
    assert_non_null(p);
    assert_int_equal(p[2999], 9);
    nnc_free(p);
    void *a = nnc_calloc(0, 8), *b = nnc_calloc(8, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    nnc_free(a);
    nnc_free(b);
}

static void test_heap_fails_with_message(void **state)
{
    (void)state;
    nnc_error_clear();
    assert_null(nnc_calloc(SIZE_MAX / 2, 3));
    assert_string_not_equal(nnc_error_message(), "");
    nnc_error_clear();
    assert_null(nnc_calloc(SIZE_MAX, 1));
    assert_string_not_equal(nnc_error_message(), "");
    nnc_error_clear();
    assert_null(nnc_alloc_aligned(SIZE_MAX - 3));
    assert_string_not_equal(nnc_error_message(), "");
    /* Passes the size check and has to be refused by the heap: half of the address space. */
    nnc_error_clear();
    assert_null(nnc_calloc((size_t)1 << 61, 2));
    assert_string_equal(nnc_error_message(), "out of memory: 4.6 EB asked for");
    nnc_error_clear();
    assert_null(nnc_alloc_aligned((size_t)1 << 62));
    assert_string_not_equal(nnc_error_message(), "");
    char *p = nnc_calloc(4, 1);
    assert_null(nnc_realloc(p, SIZE_MAX / 4, 8));
    p[3] = 1; /* still valid */
    nnc_free(p);
}

static void test_aligned(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes += 7) {
        unsigned char *p = nnc_alloc_aligned(bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < bytes + 64; i++) {
            assert_int_equal(p[i], 0);
        }
        nnc_free(p);
    }
}

static void test_grow(void **state)
{
    (void)state;
    int *items = NULL;
    size_t cap = 0;
    for (size_t n = 1; n <= 10000; n++) {
        size_t before = cap;
        assert_int_equal(nnc_grow(&items, &cap, n, sizeof *items), NNC_OK);
        assert_true(cap >= n);
        assert_true(cap == before || cap >= 2 * before);
        items[n - 1] = (int)n;
    }
    assert_int_equal(items[0], 1);
    assert_int_equal(items[9999], 10000);
    size_t before = cap;
    assert_int_equal(nnc_grow(&items, &cap, SIZE_MAX, sizeof *items), NNC_ERR_LIMIT);
    assert_int_equal(nnc_grow(&items, &cap, SIZE_MAX / 2 + 2, 1), NNC_ERR_LIMIT);
    assert_int_equal(cap, before);
    assert_int_equal(items[9999], 10000);
    nnc_free(items);
}

static void test_arena(void **state)
{
    (void)state;
    nnc_arena *arena = nnc_arena_create(0);
    assert_non_null(arena);
    unsigned char *previous = NULL;
    for (size_t i = 0; i < 20000; i++) {
        size_t bytes = i % 97;
        unsigned char *p = nnc_arena_alloc(arena, bytes, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, previous);
        for (size_t k = 0; k < bytes; k++) {
            assert_int_equal(p[k], 0);
            p[k] = 0xEE;
        }
        previous = p;
    }
    size_t before = nnc_arena_bytes(arena);
    unsigned char *large = nnc_arena_alloc(arena, 3, (size_t)10 << 20);
    assert_non_null(large);
    assert_int_equal(large[((size_t)30 << 20) - 1], 0);
    assert_true(nnc_arena_bytes(arena) >= before + ((size_t)30 << 20));
    assert_null(nnc_arena_alloc(arena, SIZE_MAX, 2));
    assert_null(nnc_arena_alloc(arena, SIZE_MAX - 8, 1));
    assert_null(nnc_arena_alloc(arena, (size_t)1 << 62, 1));
    nnc_arena_destroy(arena);
    nnc_arena_destroy(NULL);
}

static void test_arena_small_after_large(void **state)
{
    (void)state;
    nnc_arena *arena = nnc_arena_create(0);
    assert_non_null(nnc_arena_alloc(arena, 1, 16));
    size_t before = nnc_arena_bytes(arena);
    assert_non_null(nnc_arena_alloc(arena, 1, 100000));
    size_t with_large = nnc_arena_bytes(arena);
    assert_true(with_large > before);
    /* The first block goes on being filled. */
    assert_non_null(nnc_arena_alloc(arena, 1, 30000));
    assert_int_equal(nnc_arena_bytes(arena), with_large);
    nnc_arena_destroy(arena);
}

static void test_arena_budget(void **state)
{
    (void)state;
    enum { BUDGET = 200000 };
    nnc_arena *arena = nnc_arena_create(BUDGET);
    size_t used = 0;
    nnc_error_clear();
    while (nnc_arena_alloc(arena, 1, 1000) != NULL) {
        used += 1000;
        assert_true(nnc_arena_bytes(arena) <= BUDGET);
        assert_true(used <= BUDGET);
    }
    assert_true(used > BUDGET * 9 / 10);
    assert_non_null(strstr(nnc_error_message(), "200000 allowed"));
    assert_null(nnc_arena_alloc(arena, 1, 100000));
    nnc_arena_destroy(arena);
    assert_null(nnc_arena_create(1));
}

static void test_arena_text(void **state)
{
    (void)state;
    nnc_arena *arena = nnc_arena_create(0);
    assert_string_equal(nnc_arena_strdup(arena, ""), "");
    assert_string_equal(nnc_arena_strdup(arena, "conv1"), "conv1");
    assert_string_equal(nnc_arena_strndup(arena, "conv1", 3), "con");
    assert_string_equal(nnc_arena_strndup(arena, "ab", 100), "ab");
    assert_string_equal(nnc_arena_printf(arena, "%s#%d", "g:v", 12), "g:v#12");
    char *long_text = nnc_arena_printf(arena, "%0200000d", 7);
    assert_int_equal(strlen(long_text), 200000);
    nnc_arena_destroy(arena);
    arena = nnc_arena_create(1000);
    assert_null(nnc_arena_printf(arena, "%0200000d", 7));
    nnc_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size_arithmetic),
                                       cmocka_unit_test(test_heap),
                                       cmocka_unit_test(test_heap_fails_with_message),
                                       cmocka_unit_test(test_aligned),
                                       cmocka_unit_test(test_grow),
                                       cmocka_unit_test(test_arena),
                                       cmocka_unit_test(test_arena_small_after_large),
                                       cmocka_unit_test(test_arena_budget),
                                       cmocka_unit_test(test_arena_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
