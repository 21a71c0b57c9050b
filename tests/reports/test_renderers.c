/* Renderers: widths, hostile names, self-contained HTML. SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cmocka_all.h"
#include "reports/html.h"
#include "sample_report.h"

#define HOSTILE                                                                                    \
    "<script>alert(1)</script>\"'&|`%n%s\x1b[31m\r\n\xe2\x80\xae\xc2\x9b"                          \
    "31m\xff=cmd()\xe6\x97\xa5\xe6\x9c\xac"

static char *rendered(const char *name, const sample_options *o, const nnc_render_options *r)
{
    nnc_str text = {0};
    nnc_report *report = sample_report(o);
    assert_non_null(report);
    const nnc_renderer *renderer = nnc_renderer_find(name);
    assert_non_null(renderer);
    assert_int_equal(renderer->render(&text, report, r), NNC_OK);
    nnc_report_destroy(report);
    assert_int_equal(strlen(text.data), text.len);
    assert_true(nnc_utf8_valid(text.data, text.len));
    return text.data;
}

static void test_table(void **state)
{
    (void)state;
    assert_string_equal(nnc_renderer_find("html")->extension, ".html");
    assert_null(nnc_renderer_find("pdf"));
    size_t n = 0;
    while (nnc_renderer_row(n)) {
        assert_ptr_equal(nnc_renderer_find(nnc_renderer_row(n)->name), nnc_renderer_row(n));
        n++;
    }
    assert_int_equal(n, 1 + NNC_OUTPUT_COUNT);
}

static size_t columns(const char *line, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)line[i];
        n += c < 0x80 || c >= 0xc0 ? (c >= 0xe3 && c < 0xf0 ? 2 : 1) : 0; /* wide from U+3000 on */
    }
    return n;
}

static void check_terminal(const char *text, size_t width, bool unicode)
{
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        assert_true(columns(line, n) <= width);
        line += n + 1;
    }
    for (const char *c = text; *c; c++) {
        assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
        assert_true(unicode || (unsigned char)*c < 0x80);
    }
    assert_null(strstr(text, "\xe2\x80\xae")); /* right-to-left override */
    assert_null(strstr(text, "\xc2\x9b"));     /* one-character CSI */
}

static void test_terminal(void **state)
{
    (void)state;
    char name[600] = "/a_very_long_scope";
    while (strlen(name) < 500) {
        strcat(name, "/another_scope");
    }
    const char *const names[] = {NULL, name, HOSTILE,
                                 "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac"};
    for (size_t i = 0; i < 16; i++) {
        const sample_options o = {.layers = 25, .verified = i & 1, .name = names[i >> 2]};
        const nnc_render_options r = {.unicode = i & 2};
        char *text = rendered("terminal", &o, &r);
        check_terminal(text, 80, r.unicode);
        const char *last = strrchr(text, '\n');
        assert_true(last && last[1] == 0);
        const char *result = strstr(text, "\nnncompress: ");
        assert_non_null(result);
        assert_ptr_equal(strchr(result + 1, '\n'), last);
        const char *expected =
            o.verified  ? "nncompress: DONE drop=0.19% size=3.97x p50=3.44x\n"
            : r.unicode ? "nncompress: DONE accuracy=UNVERIFIED agreement=98.3%\xc2\xb1"
                          "4.3 size=3.97x p50=3.44x\n"
                        : "nncompress: DONE accuracy=UNVERIFIED agreement=98.3%+-4.3 size=3.97x "
                          "p50=3.44x\n";
        assert_string_equal(result + 1, expected);
        free(text);
    }
}

/* Numbers without a usable exponent: nothing is computed from them. */
static void test_odd_numbers(void **state)
{
    (void)state;
    const struct {
        double value;
        const char *text;
    } cases[] = {{NAN, "-"}, {INFINITY, "-"}, {-INFINITY, "-"}, {0, "0"}, {5e-324, "0"}, {-1e-310, "0"}, {1e308, "1.00e308"},
                 {2.5e-5, "2.50e-5"}, {12.34, "12.3"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        nnc_str text = {0};
        nnc_text_short(&text, cases[i].value);
        assert_string_equal(nnc_str_get(&text), cases[i].text);
        nnc_str_deinit(&text);
    }
}

/* A name of thousands of characters does not fill the page; characters stay whole. */
static void test_long_text(void **state)
{
    (void)state;
    char name[5001];
    for (size_t i = 0; i < sizeof(name) - 1; i += 2) {
        memcpy(name + i, "\xc3\xa4", 2);
    }
    memmove(name + 1, name, sizeof(name) - 2);
    name[0] = '<';
    name[sizeof(name) - 2] = 0;
    nnc_str text = {0};
    nnc_html_text(&text, name);
    assert_true(text.len < 500 && strncmp(nnc_str_get(&text), "&lt;\xc3\xa4", 6) == 0);
    const char *cut = strstr(nnc_str_get(&text), "\xe2\x80\xa6");
    assert_true(cut && cut[-1] == '\xa4');
    assert_non_null(strstr(cut, "4999 bytes"));
    nnc_str_deinit(&text);
}

/* Every gate is shown with its verdict, at the top; the last line names the one that counts. */
static void test_gates(void **state)
{
    (void)state;
    static const char *const shown[] = {"PASSED     max-drop", "FAILED     min-speedup",
                                        "UNDECIDED  min-agreement", "SKIPPED    baseline-size"};
    const sample_options o = {.layers = 3, .verified = true, .review = true};
    const nnc_render_options r = {0};
    char *text = rendered("terminal", &o, &r);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        assert_non_null(strstr(text, shown[i]));
        assert_true(strstr(text, shown[i]) < strstr(text, "  accuracy"));
    }
    assert_non_null(strstr(text, "\nnncompress: FAILED gate=min-speedup drop=0.19% size=3.97x p50=3.44x "
                                 "agreement=97.41%\n"));
    free(text);
    text = rendered("junit", &o, &r);
    assert_non_null(strstr(text, "tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""));
    free(text);
    /* Reasons hold names from elsewhere: escaped, within the width. */
    const sample_options hostile = {.layers = 1, .review = true, .name = HOSTILE};
    text = rendered("terminal", &hostile, &r);
    strstr(text, "\nnncompress: ")[0] = 0;
    check_terminal(text, 80, false);
    free(text);
}

/* Colours on request only, and always switched off again. */
static void test_colour(void **state)
{
    (void)state;
    const sample_options o = {.layers = 5, .verified = true, .name = HOSTILE};
    const nnc_render_options r = {.color = true};
    char *text = rendered("terminal", &o, &r);
    int on = 0;
    for (const char *c = strchr(text, 27); c; c = strchr(c + 1, 27)) {
        assert_true(c[1] == '[');
        on = strncmp(c, "\033[0m", 4) == 0 ? 0 : 1;
        assert_null(strstr(text, "\033[31m"));
    }
    assert_int_equal(on, 0);
    assert_non_null(strstr(text, "\nnncompress: DONE")); /* the last line is plain */
    free(text);
}

/* A report without most of its parts renders too. */
static void test_sparse(void **state)
{
    (void)state;
    const nnc_render_options r = {0};
    for (size_t i = 0; nnc_renderer_row(i); i++) {
        nnc_report *report;
        nnc_str text = {0};
        assert_int_equal(nnc_report_create(&report, "compress"), NNC_OK);
        assert_int_equal(nnc_renderer_row(i)->render(&text, report, &r), NNC_OK);
        assert_true(!strstr(nnc_str_get(&text), " nan") && !strstr(nnc_str_get(&text), ">nan") &&
                    !strstr(nnc_str_get(&text), "=nan"));
        nnc_str_deinit(&text);
        /* Parts of the wrong type are no parts. */
        nnc_report_row *root = nnc_report_root(report);
        nnc_report_int(root, "layers", 3);
        nnc_report_string(root, "latency", "fast");
        nnc_report_append_string(root, "warnings", NULL);
        nnc_report_doubles(root, "not_checked", (const double[]){1, NAN}, 2);
        nnc_report_append_string(root, "accuracy.changed", "x");
        nnc_report_int(root, "verdict", 1);
        assert_int_equal(nnc_renderer_row(i)->render(&text, report, &r), NNC_OK);
        nnc_str_deinit(&text);
        nnc_report_int(root, "layers.x", 1); /* a failed document is not rendered */
        assert_int_equal(nnc_renderer_row(i)->render(&text, report, &r), NNC_ERR_INTERNAL);
        nnc_str_deinit(&text);
        nnc_report_destroy(report);
    }
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

/* Every tag that opens an element closes it, in order; nothing else looks like a tag. */
static void check_nesting(const char *html)
{
    static const char *const single[] = {"!DOCTYPE", "meta", "br", "line", "rect", "polyline", "circle"};
    const char *open[64];
    size_t lengths[64], depth = 0;
    for (const char *at = strchr(html, '<'); at; at = strchr(at, '<')) {
        const bool closing = at[1] == '/';
        const char *name = at + 1 + closing, *end = strchr(at, '>');
        const size_t n = strcspn(name, " />");
        assert_non_null(end);
        bool alone = end[-1] == '/';
        for (size_t i = 0; i < sizeof(single) / sizeof(single[0]) && end[-1] != '>'; i++) {
            /* rect has a title inside only where it is not closed by itself */
            alone = alone || (i < 3 && strncmp(name, single[i], n) == 0 && strlen(single[i]) == n);
        }
        if (closing) {
            assert_true(depth > 0);
            depth--;
            assert_true(lengths[depth] == n && strncmp(open[depth], name, n) == 0);
        } else if (!alone) {
            assert_true(depth < 64);
            open[depth] = name;
            lengths[depth++] = n;
        }
        at = end + 1;
        if (!closing && (strncmp(name, "style>", 6) == 0 || strncmp(name, "script>", 7) == 0)) {
            at = strstr(at, "</s");
            assert_non_null(at);
        }
    }
    assert_int_equal(depth, 0);
}

static void check_html(const char *html)
{
    static const char *const outside[] = {
        "http:", "https:",  "src=",    "href=",   "url(",     "@import",  "<link",
        "<img",  "<iframe", "<object", "<embed",  "onclick=", "onload=",  "javascript:",
        "<base", "<form",   "fetch(",  "XMLHttp", "eval(",    "innerHTML"};
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        if (strstr(html, outside[i])) {
            fail_msg("the page holds '%s'", outside[i]);
        }
    }
    assert_non_null(strstr(html, "default-src 'none'"));
    assert_non_null(strstr(html, "prefers-color-scheme:dark"));
    assert_int_equal(count(html, "<script"), 1);
    check_nesting(html);
    for (const char *c = html; *c; c++) {
        assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
    }
}

static void test_html(void **state)
{
    (void)state;
    const nnc_render_options r = {0};
    const char *const names[] = {NULL, HOSTILE,
                                 "</script></style></svg><img src=x onerror=alert(1)>"};
    for (size_t i = 0; i < 6; i++) {
        const sample_options o = {.layers = 30, .verified = i & 1, .review = i & 1, .name = names[i >> 1]};
        char *html = rendered("html", &o, &r);
        if (i < 4) {
            check_html(html);
        }
        assert_null(strstr(html, "<script>alert"));
        assert_null(strstr(html, "<img"));
        assert_int_equal(count(html, "</script>"), 1);
        assert_int_equal(count(html, "</style>"), 1);
        assert_null(strstr(html, ">nan"));
        assert_null(strstr(html, "inf<"));
        assert_int_equal(strstr(html, "accuracy unverified") != NULL, !o.verified);
        free(html);
    }
}

/* The content policy names the hash of the one script, so that it and nothing else runs. */
static void test_html_policy(void **state)
{
    (void)state;
    const sample_options o = {.layers = 1};
    const nnc_render_options r = {0};
    char *html = rendered("html", &o, &r);
    const char *script = strstr(html, "<script>") + 8, *end = strstr(html, "</script>");
    const char *policy = strstr(html, "script-src 'sha256-") + 19;
    uint8_t digest[33] = {0};
    nnc_sha256 hash;
    nnc_sha256_init(&hash);
    nnc_sha256_update(&hash, script, (size_t)(end - script));
    nnc_sha256_final(&hash, digest);
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t bit = 0; bit < 258; bit += 6) {
        const unsigned pair =
            (unsigned)digest[bit / 8] << 8 | (bit / 8 < 31 ? digest[bit / 8 + 1] : 0u);
        assert_int_equal(policy[bit / 6], digits[pair >> (10 - bit % 8) & 63]);
    }
    assert_memory_equal(policy + 43, "='", 2);
    free(html);
}

static void test_html_size(void **state)
{
    (void)state;
    const sample_options o = {.layers = 1000, .verified = true};
    const nnc_render_options r = {0};
    char *html = rendered("html", &o, &r);
    assert_true(strlen(html) < 2000000);
    check_html(html);
    free(html);
}

/* Fields of one CSV line; quotes respected. */
static size_t csv_fields(const char **line)
{
    size_t fields = 1;
    bool quoted = false;
    const char *c = *line;
    for (; *c && (quoted || *c != '\r'); c++) {
        quoted = *c == '"' ? !quoted : quoted;
        fields += *c == ',' && !quoted;
        assert_true(*c != '\n');
    }
    assert_memory_equal(c, "\r\n", 2);
    *line = c + 2;
    return fields;
}

static void test_csv(void **state)
{
    (void)state;
    const nnc_render_options r = {0};
    const char *const names[] = {NULL, "=1+1\",\n\"", HOSTILE};
    for (size_t i = 0; i < 3; i++) {
        const sample_options o = {.layers = 12, .name = names[i]};
        char *csv = rendered("csv", &o, &r);
        const char *line = csv;
        const size_t fields = csv_fields(&line);
        assert_true(fields > 20);
        for (size_t k = 0; k < o.layers; k++) {
            assert_true(*line == '"' && !strchr("=+-@", line[1]));
            assert_int_equal(csv_fields(&line), fields);
        }
        assert_int_equal(*line, 0);
        free(csv);
    }
}

static void test_locale(void **state)
{
    (void)state;
    const nnc_render_options r = {.unicode = true};
    const sample_options o = {.layers = 12, .verified = true};
    for (size_t i = 0; nnc_renderer_row(i); i++) {
        char *plain = rendered(nnc_renderer_row(i)->name, &o, &r);
        if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
            print_message("no locale with a decimal comma is installed\n");
        }
        char *other = rendered(nnc_renderer_row(i)->name, &o, &r);
        setlocale(LC_NUMERIC, "C");
        assert_string_equal(plain, other);
        free(plain);
        free(other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),     cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_gates), cmocka_unit_test(test_odd_numbers), cmocka_unit_test(test_long_text), cmocka_unit_test(test_colour),    cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_html),      cmocka_unit_test(test_html_policy),
        cmocka_unit_test(test_html_size), cmocka_unit_test(test_csv),
        cmocka_unit_test(test_locale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
