/* What changed between two reports. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sample_report.h"

static char *diff_text(const nnc_report *a, const nnc_report *b, bool markdown)
{
    nnc_report *diff;
    nnc_str text = {0};
    assert_int_equal(nnc_report_diff(&diff, a, b), NNC_OK);
    assert_int_equal(nnc_report_check(diff), NNC_OK);
    assert_int_equal(nnc_report_diff_text(&text, diff, markdown, false), NNC_OK);
    nnc_report_destroy(diff);
    return text.data;
}

static void test_same(void **state)
{
    (void)state;
    const sample_options o = {.layers = 9, .verified = true, .review = true};
    nnc_report *a = sample_report(&o);
    char *text = diff_text(a, a, false);
    assert_non_null(strstr(text, "The model files are the same, byte by byte."));
    assert_non_null(strstr(text, "No layer changed its bits."));
    assert_null(strstr(text, "note:"));
    assert_null(strstr(text, "points"));
    free(text);
    nnc_report_destroy(a);
}

static void test_changes(void **state)
{
    (void)state;
    const sample_options o = {.layers = 9, .verified = true, .review = true}, fewer = {.layers = 8, .verified = true};
    nnc_report *a = sample_report(&o), *b = sample_report(&fewer);
    nnc_report_row *root = nnc_report_root(b), *layer = (nnc_report_row *)(uintptr_t)nnc_report_at(root, "layers", 0);
    nnc_report_string(root, "environment.cpu", "another CPU");
    nnc_report_double(root, "accuracy.top1_int8", 0.6907);
    nnc_report_int(root, "size.output_bytes", 11794112 / 2);
    nnc_report_int(layer, "bits", 32);
    nnc_report_bool(layer, "integer", false);
    nnc_report_string(layer, "reason", "excluded by --exclude");
    char *text = diff_text(a, b, false);
    static const char *const expected[] = {
        "note: CPU differs (Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz / another CPU): latencies were not measured on",
        "-0.50 points", "-50.0 %", "8 to 32, excluded by --exclude", "32 to - (absent)",
        "max-drop: PASSED 0.19 % to absent -", "layers whose bits changed: 2"};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        if (!strstr(text, expected[i])) {
            fail_msg("no '%s' in:\n%s", expected[i], text);
        }
    }
    free(text);
    text = diff_text(b, a, true);
    assert_non_null(strstr(text, "## nncompress: what changed"));
    assert_non_null(strstr(text, "| top-1 accuracy INT8 | 69.07 % | 69.57 % | +0.50 points |"));
    free(text);
    nnc_report_destroy(a);
    nnc_report_destroy(b);
}

static void test_hostile(void **state)
{
    (void)state;
    const sample_options o = {.layers = 4, .review = true, .name = "<b>|`@x\x1b[31m\n"}, p = {.layers = 4};
    nnc_report *a = sample_report(&o), *b = sample_report(&p);
    char *text = diff_text(a, b, true);
    assert_null(strstr(text, "<b>"));
    assert_null(strchr(text, '@'));
    assert_null(strchr(text, 27));
    free(text);
    text = diff_text(a, b, false);
    for (const char *c = text; *c; c++) {
        assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
    }
    free(text);
    nnc_report_destroy(a);
    nnc_report_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_changes),
                                       cmocka_unit_test(test_hostile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
