/* The report document: builder, reader, JSON there and back. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sample_report.h"

static char *json_of(const nnc_report *report)
{
    nnc_str text = {0};
    assert_int_equal(nnc_report_json(&text, report), NNC_OK);
    return text.data;
}

static nnc_report *small_report(void)
{
    nnc_report *report;
    assert_int_equal(nnc_report_create(&report, "bench"), NNC_OK);
    nnc_report_row *root = nnc_report_root(report);
    nnc_report_double(root, "latency.fp32.p50_ms", 1.5);
    nnc_report_int(root, "latency.runs", 7);
    nnc_report_int(root, "latency.runs", 8); /* replaces */
    nnc_report_bool(root, "latency.ok", true);
    nnc_report_string(root, "note", NULL);
    nnc_report_doubles(root, "values", (const double[]){1, NAN, INFINITY, -0.25}, 4);
    nnc_report_append_string(root, "words", "a");
    nnc_report_row *row = nnc_report_append(root, "layers");
    nnc_report_string(row, "name", "conv");
    row = nnc_report_append(root, "layers");
    nnc_report_ints(row, "histogram", (const int64_t[]){3, INT64_MAX}, 2);
    return report;
}

static void test_read(void **state)
{
    (void)state;
    nnc_report *report = small_report();
    const nnc_report_row *root = nnc_report_root(report);
    double d;
    int64_t i;
    bool b;
    assert_true(nnc_report_get_double(root, "latency.fp32.p50_ms", &d) && d == 1.5);
    assert_true(nnc_report_get_int(root, "latency.runs", &i) && i == 8);
    assert_true(nnc_report_get_double(root, "latency.runs", &d) && d == 8);
    assert_true(nnc_report_get_bool(root, "latency.ok", &b) && b);
    assert_false(nnc_report_get_int(root, "latency.fp32.p50_ms", &i));
    assert_false(nnc_report_get_double(root, "latency.fp32", &d));
    assert_false(nnc_report_get_double(root, "latency.absent.p50_ms", &d));
    assert_false(nnc_report_get_double(root, "note", &d));
    assert_null(nnc_report_get_string(root, "note"));
    assert_int_equal(nnc_report_count(root, "values"), 4);
    assert_true(nnc_report_double_at(root, "values", 3, &d) && d == -0.25);
    assert_false(nnc_report_double_at(root, "values", 1, &d));
    assert_false(nnc_report_double_at(root, "values", 4, &d));
    assert_string_equal(nnc_report_string_at(root, "words", 0), "a");
    assert_null(nnc_report_at(root, "words", 0));
    assert_int_equal(nnc_report_count(root, "layers"), 2);
    assert_string_equal(nnc_report_get_string(nnc_report_at(root, "layers", 0), "name"), "conv");
    assert_null(nnc_report_at(root, "layers", 2));
    assert_null(nnc_report_get_string(NULL, "x"));
    nnc_report_destroy(report);
    nnc_report_destroy(NULL);
}

static void test_text(void **state)
{
    (void)state;
    nnc_report *report = small_report();
    char *text = json_of(report);
    assert_string_equal(text, "{\n"
                              "  \"schema\": \"nncompress.report\",\n"
                              "  \"schema_version\": 1,\n"
                              "  \"kind\": \"bench\",\n"
                              "  \"latency\": {\n"
                              "    \"fp32\": {\n"
                              "      \"p50_ms\": 1.5\n"
                              "    },\n"
                              "    \"runs\": 8,\n"
                              "    \"ok\": true\n"
                              "  },\n"
                              "  \"note\": null,\n"
                              "  \"values\": [1.0, null, null, -0.25],\n"
                              "  \"words\": [\n"
                              "    \"a\"\n"
                              "  ],\n"
                              "  \"layers\": [\n"
                              "    {\n"
                              "      \"name\": \"conv\"\n"
                              "    },\n"
                              "    {\n"
                              "      \"histogram\": [3, 9223372036854775807]\n"
                              "    }\n"
                              "  ]\n"
                              "}\n");
    free(text);
    nnc_report_destroy(report);
}

/* Misuse sticks and is told once, at the end. */
static void test_sticky_errors(void **state)
{
    (void)state;
    const char *const paths[] = {"kind.sub", "", "a..b", ".a"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        nnc_report *report;
        assert_int_equal(nnc_report_create(&report, "eval"), NNC_OK);
        nnc_report_row *root = nnc_report_root(report);
        nnc_report_int(root, paths[i], 1);
        assert_int_equal(nnc_report_status(report), NNC_ERR_INTERNAL);
        nnc_report_int(root, "fine", 1);
        int64_t value;
        assert_false(nnc_report_get_int(root, "fine", &value));
        nnc_report_row *row = nnc_report_append(root, "layers");
        assert_null(row);
        nnc_report_int(row, "x", 1);
        nnc_report_append_string(row, "x", "y");
        nnc_str text = {0};
        assert_int_equal(nnc_report_json(&text, report), NNC_ERR_INTERNAL);
        nnc_str_deinit(&text);
        nnc_report_destroy(report);
    }
    nnc_report *report;
    assert_int_equal(nnc_report_create(&report, "eval"), NNC_OK);
    nnc_report_append_string(nnc_report_root(report), "list", "x");
    nnc_report_int(nnc_report_root(report), "list", 1);
    assert_int_equal(nnc_report_status(report), NNC_ERR_INTERNAL);
    assert_non_null(strstr(nnc_error_message(), "list"));
    nnc_report_destroy(report);
}

static void test_strings(void **state)
{
    (void)state;
    nnc_report *report;
    assert_int_equal(nnc_report_create(&report, "eval"), NNC_OK);
    nnc_report_row *root = nnc_report_root(report);
    nnc_report_string(root, "a", "two\nlines \"and\\\" \x1b[31m \xff caf\xc3\xa9 \x7f");
    assert_string_equal(nnc_report_get_string(root, "a"),
                        "two\nlines \"and\\\" \\x1b[31m \\xff caf\xc3\xa9 \\x7f");
    char *text = json_of(report);
    assert_non_null(
        strstr(text, "two\\nlines \\\"and\\\\\\\" \\\\x1b[31m \\\\xff caf\xc3\xa9 \\\\x7f"));
    nnc_report *again;
    assert_int_equal(nnc_report_parse(&again, text, strlen(text)), NNC_OK);
    assert_string_equal(nnc_report_get_string(nnc_report_root(again), "a"),
                        nnc_report_get_string(root, "a"));
    free(text);
    nnc_report_destroy(again);
    nnc_report_destroy(report);
}

static void test_numbers_survive(void **state)
{
    (void)state;
    const double values[] = {0.1, 1.0 / 3, 1e300, 5e-324, DBL_MAX, -0.0, 123456789012345678.0,
                             3,   1e22,    2.5e-7};
    const size_t n = sizeof(values) / sizeof(values[0]);
    nnc_report *report, *again;
    assert_int_equal(nnc_report_create(&report, "eval"), NNC_OK);
    nnc_report_doubles(nnc_report_root(report), "v", values, n);
    nnc_report_int(nnc_report_root(report), "low", INT64_MIN);
    char *text = json_of(report);
    assert_non_null(strstr(text, "[0.1, 0.3333333333333333, "));
    assert_int_equal(nnc_report_parse(&again, text, strlen(text)), NNC_OK);
    for (size_t i = 0; i < n; i++) {
        double value;
        assert_true(nnc_report_double_at(nnc_report_root(again), "v", i, &value));
        assert_memory_equal(&value, &values[i], sizeof(value));
    }
    int64_t low;
    assert_true(nnc_report_get_int(nnc_report_root(again), "low", &low) && low == INT64_MIN);
    free(text);
    nnc_report_destroy(again);
    nnc_report_destroy(report);
}

static void test_round_trip(void **state)
{
    (void)state;
    const sample_options options = {.layers = 40, .verified = true};
    nnc_report *report = sample_report(&options), *again;
    assert_non_null(report);
    char *text = json_of(report);
    assert_int_equal(nnc_report_parse(&again, text, strlen(text)), NNC_OK);
    char *second = json_of(again);
    assert_string_equal(text, second);
    free(text);
    free(second);
    nnc_report_destroy(again);
    nnc_report_destroy(report);
}

static void test_bad_json(void **state)
{
    (void)state;
    const struct {
        const char *json, *message;
    } rows[] = {
        {"", "1:0"},
        {"{\n  \"schema\": oops}", "2:"},
        {"[1]", "schema is 'missing'"},
        {"{\"schema\": \"other\"}", "'other'"},
        {"{\"schema\": \"nncompress.report\"}", "schema_version"},
        {"{\"schema\": \"nncompress.report\", \"schema_version\": 1.0}", "schema_version"},
        {"{\"schema\": \"nncompress.report\", \"schema_version\": 2}", "is 2"},
        {"{\"schema\": \"nncompress.report\", \"schema_version\": 1, \"a\": 1, \"a\": 2}",
         "duplicate"},
        {"{\"schema\": \"nncompress.report\", \"schema_version\": 1, \"a\": 1e999}",
         "real number overflow"},
        {"{\"schema\": \"nncompress.report\", \"schema_version\": 1} x", "end of file expected"},
    };
    nnc_report *report;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(nnc_report_parse(&report, rows[i].json, strlen(rows[i].json)),
                         NNC_ERR_DATA);
        assert_null(report);
        if (!strstr(nnc_error_message(), rows[i].message)) {
            fail_msg("'%s' lacks '%s'", nnc_error_message(), rows[i].message);
        }
    }
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    assert_int_equal(nnc_report_parse(&report, deep, sizeof(deep)), NNC_ERR_DATA);
    /* Any cut of a good document is refused. */
    const sample_options options = {.layers = 2};
    nnc_report *good = sample_report(&options);
    char *text = json_of(good);
    for (size_t n = 0; n + 2 < strlen(text); n += 97) {
        assert_int_equal(nnc_report_parse(&report, text, n), NNC_ERR_DATA);
    }
    free(text);
    nnc_report_destroy(good);
}

/* A decimal comma of the program's locale must not reach any output. */
static void test_locale(void **state)
{
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    const sample_options options = {.layers = 12, .verified = true};
    nnc_report *report = sample_report(&options), *again;
    char *plain = json_of(report);
    bool set = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !set; i++) {
        set = setlocale(LC_NUMERIC, names[i]) != NULL;
    }
    if (!set) {
        print_message("no locale with a decimal comma is installed\n");
    }
    char *other = json_of(report);
    assert_string_equal(plain, other);
    assert_int_equal(nnc_report_parse(&again, other, strlen(other)), NNC_OK);
    setlocale(LC_NUMERIC, "C");
    free(plain);
    free(other);
    nnc_report_destroy(again);
    nnc_report_destroy(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read),
                                       cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_sticky_errors),
                                       cmocka_unit_test(test_strings),
                                       cmocka_unit_test(test_numbers_survive),
                                       cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_bad_json),
                                       cmocka_unit_test(test_locale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
