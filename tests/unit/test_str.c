/* Strings, text helpers, numbers. SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "cmocka_all.h"

static void test_append(void **state)
{
    (void)state;
    nnc_str s = {0};
    assert_string_equal(nnc_str_get(&s), "");
    nnc_str_append(&s, "ab");
    nnc_str_append_n(&s, "c\0d", 3);
    nnc_str_append_n(&s, NULL, 0);
    nnc_str_appendf(&s, "%d-%s", 42, "x");
    assert_int_equal(s.len, 9);
    assert_memory_equal(s.data, "abc\0d42-x", 10);
    nnc_str_clear(&s);
    assert_int_equal(s.len, 0);
    assert_string_equal(nnc_str_get(&s), "");
    for (int i = 0; i < 50000; i++) {
        nnc_str_append(&s, "0123456789");
    }
    assert_int_equal(s.len, 500000);
    assert_int_equal(strlen(s.data), 500000);
    assert_int_equal(nnc_str_status(&s), NNC_OK);
    nnc_str_deinit(&s);
    assert_null(s.data);
}

static void test_append_failure_sticks(void **state)
{
    (void)state;
    nnc_str s = {0};
    nnc_str_append(&s, "kept");
    nnc_str_append_n(&s, "x", SIZE_MAX - 2);
    assert_true(s.failed);
    nnc_str_append(&s, "more");
    nnc_str_appendf(&s, "%d", 1);
    assert_string_equal(nnc_str_get(&s), "kept");
    assert_int_equal(nnc_str_status(&s), NNC_ERR_LIMIT);
    nnc_str_deinit(&s);
}

static void check_printable(const char *text, size_t max, const char *expected)
{
    nnc_str s = {0};
    nnc_str_append_printable(&s, text, max);
    assert_string_equal(nnc_str_get(&s), expected);
    nnc_str_deinit(&s);
}

static void test_printable(void **state)
{
    (void)state;
    check_printable("plain", 0, "plain");
    check_printable("a\x1b]0;t\x07", 0, "a\\x1b]0;t\\x07");
    check_printable("\x7f\n", 0, "\\x7f\\x0a");
    check_printable("\xff\xc3", 0, "\\xff\\xc3");
    check_printable("\xc2\x9bm", 0, "\\xc2\\x9bm");
    check_printable("\xe2\x82\xac", 0, "\xe2\x82\xac");
    check_printable("abcdef", 3, "abc...");
    check_printable("abc", 3, "abc");
    check_printable("ab\xe2\x82\xac", 4, "ab...");
    check_printable("", 1, "");
}

static void test_escape_control(void **state)
{
    (void)state;
    char buf[8];
    nnc_escape_control(buf, sizeof buf, "a\tb");
    assert_string_equal(buf, "a\\x09b");
    nnc_escape_control(buf, sizeof buf, "abcd\t");
    assert_string_equal(buf, "abcd");
    nnc_escape_control(buf, sizeof buf, "12345\xe2\x82\xac");
    assert_string_equal(buf, "12345");
    nnc_escape_control(buf, sizeof buf, "a\xff");
    assert_string_equal(buf, "a\\xff");
    nnc_escape_control(buf, sizeof buf, "\xc2\x9bm");
    assert_string_equal(buf, "");
    char wide[16];
    nnc_escape_control(wide, sizeof wide, "\xe2\x80\xae" "a\xc3\xa9");
    assert_string_equal(wide, "\\xe2\\x80\\xae" "a\xc3\xa9");
    nnc_escape_control(buf, 1, "abc");
    assert_string_equal(buf, "");
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xc0\xaf",
                                      "\xc1\x81",
                                      "\xc3",
                                      "\xe0\x80\xaf",
                                      "\xed\xa0\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "a\xe2\x82",
                                      "\xe2\x28\xa1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(nnc_utf8_valid(bad[i], strlen(bad[i])));
    }
    static const char good[] =
        "a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";
    assert_true(nnc_utf8_valid(good, sizeof good - 1));
    assert_false(nnc_utf8_valid("a\0b", 3));
    assert_true(nnc_utf8_valid("", 0));
}

static void test_glob(void **state)
{
    (void)state;
    assert_true(nnc_glob_match("", ""));
    assert_false(nnc_glob_match("", "a"));
    assert_true(nnc_glob_match("*", ""));
    assert_true(nnc_glob_match("conv*", "conv1/weight"));
    assert_true(nnc_glob_match("*weight", "conv1/weight"));
    assert_true(nnc_glob_match("*v?/w*t", "conv1/weight"));
    assert_false(nnc_glob_match("conv?", "conv"));
    assert_false(nnc_glob_match("conv", "conv1"));
    assert_true(nnc_glob_match("a*b*c", "aXbXbXc"));
    assert_false(nnc_glob_match("a*b*c", "aXbXbX"));
    assert_true(nnc_glob_match("gr?n", "gr\xc3\xbcn"));
    assert_true(nnc_glob_match("**a**", "bab"));
    assert_false(nnc_glob_match("?", ""));
    /* Exponential for a backtracking matcher. */
    static char text[4001], pattern[201];
    memset(text, 'a', 4000);
    for (int i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[199] = 'b';
    assert_false(nnc_glob_match(pattern, text));
}

static void test_edit_distance(void **state)
{
    (void)state;
    assert_int_equal(nnc_edit_distance("", ""), 0);
    assert_int_equal(nnc_edit_distance("", "abc"), 3);
    assert_int_equal(nnc_edit_distance("abc", ""), 3);
    assert_int_equal(nnc_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(nnc_edit_distance("calib", "claib"), 1);
    assert_int_equal(nnc_edit_distance("ab", "ba"), 1);
    static char longer[301];
    memset(longer, 'x', 300);
    assert_int_equal(nnc_edit_distance(longer, "x"), 300);
    assert_int_equal(nnc_edit_distance(longer, longer), 0);
    longer[255] = '\0';
    assert_int_equal(nnc_edit_distance(longer, ""), 255);
    assert_int_equal(nnc_edit_distance(longer, longer + 1), 1);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"calib", "device", "output", "target", "dataset"};
    size_t n = sizeof names / sizeof *names;
    assert_string_equal(nnc_nearest("calbi", names, n), "calib");
    assert_string_equal(nnc_nearest("dev", names, n), "device");
    assert_string_equal(nnc_nearest("ouptut", names, n), "output");
    assert_string_equal(nnc_nearest("datset", names, n), "dataset");
    assert_null(nnc_nearest("bogus", names, n));
    assert_null(nnc_nearest("x", names, n));
    assert_null(nnc_nearest("", names, n));
    assert_null(nnc_nearest("calib", names, 0));
}

static void test_integers(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "+1",
                                      "0x10",
                                      "1.0",
                                      "-",
                                      "--1",
                                      "18446744073709551616",
                                      "99999999999999999999999999",
                                      "1e3",
                                      "\xd9\xa1"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_false(nnc_parse_u64(bad[k], &u));
        assert_false(nnc_parse_i64(bad[k], &i));
    }
    assert_int_equal(u, 7);
    assert_int_equal(i, 7);
    assert_false(nnc_parse_u64("-1", &u));
    assert_true(nnc_parse_u64("18446744073709551615", &u));
    assert_true(u == UINT64_MAX);
    assert_true(nnc_parse_u64("007", &u));
    assert_true(u == 7);
    assert_true(nnc_parse_i64("-9223372036854775808", &i));
    assert_true(i == INT64_MIN);
    assert_false(nnc_parse_i64("-9223372036854775809", &i));
    assert_true(nnc_parse_i64("9223372036854775807", &i));
    assert_true(i == INT64_MAX);
    assert_false(nnc_parse_i64("9223372036854775808", &i));
    assert_true(nnc_parse_i64("-0", &i));
    assert_int_equal(i, 0);
}

static void test_doubles(void **state)
{
    (void)state;
    double d = 7;
    static const char *const bad[] = {"",      " 1", "1 ", "+1", "nan", "inf",   "-inf", "0x1p3",
                                      "1e999", "1e", ".",  "-",  "1,5", "1.5.2", "e5",   "1-2"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        assert_false(nnc_parse_double(bad[k], &d));
    }
    assert_true(d == 7);
    assert_true(nnc_parse_double("-1.25e-3", &d));
    assert_true(d == -1.25e-3);
    assert_true(nnc_parse_double("5e-324", &d));
    assert_true(d == 5e-324);
    assert_true(nnc_parse_double("1e-999", &d));
    assert_true(d == 0);
    /* A locale with a decimal comma changes nothing (where one is installed). */
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL) {
        assert_true(nnc_parse_double("1.5", &d));
        assert_true(d == 1.5);
        setlocale(LC_ALL, "C");
    }
}

static void test_sizes(void **state)
{
    (void)state;
    uint64_t b = 7;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"512", 512},
                {"512B", 512},
                {"1k", 1024},
                {"64M", 67108864},
                {"64MiB", 67108864},
                {"64MB", 64000000},
                {"1G", 1073741824},
                {"2kB", 2000},
                {"3T", 3298534883328},
                {"16777215T", UINT64_MAX - 1099511627775ull}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(nnc_parse_size(good[i].text, &b));
        assert_true(b == good[i].bytes);
    }
    static const char *const bad[] = {"",   "M",   "-1M",   "1.5M",      "1 M",
                                      "1X", "1MM", "1Mi B", "16777216T", "1BB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(nnc_parse_size(bad[i], &b));
    }
}

static void check_format(uint64_t bytes, const char *expected)
{
    char buf[32];
    assert_ptr_equal(nnc_format_size(buf, bytes), buf);
    assert_string_equal(buf, expected);
}

static void test_format_size(void **state)
{
    (void)state;
    check_format(0, "0 B");
    check_format(999, "999 B");
    check_format(1000, "1.0 kB");
    check_format(25100000, "25.1 MB");
    check_format(999949, "999.9 kB");
    check_format(999950, "1.0 MB");
    check_format(999999999, "1.0 GB");
    check_format(UINT64_MAX, "18.4 EB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),        cmocka_unit_test(test_append_failure_sticks),
        cmocka_unit_test(test_printable),     cmocka_unit_test(test_escape_control),
        cmocka_unit_test(test_utf8),          cmocka_unit_test(test_glob),
        cmocka_unit_test(test_edit_distance), cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_integers),      cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_sizes),         cmocka_unit_test(test_format_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
