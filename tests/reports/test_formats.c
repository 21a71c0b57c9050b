/* JUnit, Markdown, metrics, bill of materials and model card: well-formed, complete, harmless with
 * hostile names. SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "sample_report.h"

#define HOSTILE                                                                                    \
    "<script>alert(1)</script>\"'&|`*_[x](javascript:alert(1)) @team #12 http://evil.example www.evil.example " \
    "]]>\x1b[31m\r\n---\n\xe2\x80\xae\xef\xbf\xbe=cmd()"

static const char *const names[] = {NULL, HOSTILE, "]]><![CDATA[&#0;<!-- --"};

static char *rendered(const char *name, const sample_options *o)
{
    nnc_str text = {0};
    const nnc_render_options r = {0};
    nnc_report *report = sample_report(o);
    assert_non_null(report);
    assert_int_equal(nnc_renderer_find(name)->render(&text, report, &r), NNC_OK);
    nnc_report_destroy(report);
    assert_true(nnc_utf8_valid(text.data, text.len));
    return text.data;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

/* ---- JUnit ---- */

static const char *check_attributes(const char *at)
{
    while (*at == ' ') {
        at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz");
        assert_memory_equal(at, "=\"", 2);
        at += 2 + strcspn(at + 2, "\"<\n");
        assert_int_equal(*at++, '"');
    }
    return at;
}

/* Tags nest, attributes are quoted, '&' starts a known entity, no character that XML 1.0 lacks. */
static void check_xml(const char *xml)
{
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#10;"};
    const char *open[16];
    size_t depth = 0, roots = 0;
    static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    assert_memory_equal(xml, head, strlen(head));
    for (const char *c = xml + strlen(head); *c; c++) {
        assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
        assert_true(strncmp(c, "\xef\xbf\xbe", 3) != 0 && strncmp(c, "]]>", 3) != 0);
        if (*c == '&') {
            bool known = false;
            for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
                known = known || strncmp(c, entities[i], strlen(entities[i])) == 0;
            }
            assert_true(known);
        }
        if (*c != '<') {
            continue;
        }
        const bool closing = c[1] == '/';
        const char *name = c + 1 + closing;
        const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
        assert_true(n > 0);
        c = check_attributes(name + n);
        if (closing) {
            assert_true(depth > 0 && strncmp(open[--depth], name, n) == 0);
        } else if (*c == '/') {
            c++;
        } else {
            roots += depth == 0;
            assert_true(depth < 16);
            open[depth++] = name;
        }
        assert_int_equal(*c, '>');
    }
    assert_int_equal(depth, 0);
    assert_int_equal(roots, 1);
}

static void test_junit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        const sample_options o = {.layers = 3, .verified = true, .review = i < 3, .name = names[i % 3]};
        char *xml = rendered("junit", &o);
        check_xml(xml);
        if (o.review) {
            assert_int_equal(count(xml, "<testcase "), 4);
            assert_int_equal(count(xml, "tests=\"4\" failures=\"1\" errors=\"1\" "), 2);
            assert_int_equal(count(xml, "<failure "), 1);
            assert_int_equal(count(xml, "<error "), 1);
        }
        free(xml);
    }
    const sample_options plain = {.layers = 1, .review = true};
    char *xml = rendered("junit", &plain);
    assert_non_null(strstr(xml, "<testcase name=\"min-speedup\" classname=\"nncompress.gates\""));
    assert_non_null(strstr(xml, "message=\"too slow\" type=\"FAILED\""));
    free(xml);
}

/* Without gates the checks that were done are the cases. */
static void test_junit_checks(void **state)
{
    (void)state;
    nnc_report *report;
    nnc_str text = {0};
    const nnc_render_options r = {0};
    assert_int_equal(nnc_report_create(&report, "compress"), NNC_OK);
    for (int i = 0; i < 2; i++) {
        nnc_report_row *row = nnc_report_append(nnc_report_root(report), "checks");
        nnc_report_string(row, "name", i ? "measured" : "reopened");
        nnc_report_bool(row, "passed", i == 0);
    }
    assert_int_equal(nnc_renderer_find("junit")->render(&text, report, &r), NNC_OK);
    check_xml(text.data);
    assert_int_equal(count(text.data, "classname=\"nncompress.checks\""), 2);
    assert_int_equal(count(text.data, "tests=\"2\" failures=\"1\" errors=\"0\""), 2);
    nnc_str_deinit(&text);
    nnc_report_destroy(report);
}

/* ---- Markdown ---- */

/* Nothing from a name is markup, a link or a mention: only our own tags, and no raw special character in rows of tables. */
static void check_markdown(const char *text)
{
    static const char *const tags[] = {"<code>", "</code>", "<details>", "</details>", "<summary>", "</summary>"};
    static const char *const never[] = {"://", "javascript:", "@", "](", "<script", "<!--", "www.", " #12"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (strstr(text, never[i])) {
            fail_msg("holds '%s'", never[i]);
        }
    }
    for (const char *c = strchr(text, '<'); c; c = strchr(c + 1, '<')) {
        bool own = false;
        for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
            own = own || strncmp(c, tags[i], strlen(tags[i])) == 0;
        }
        assert_true(own);
    }
    assert_int_equal(count(text, "<code>"), count(text, "</code>"));
    assert_int_equal(count(text, "<details>"), count(text, "</details>"));
    size_t columns = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t bars = 0;
        for (const char *c = line; *c != '\n'; c++) {
            bars += *c == '|';
        }
        assert_true(columns == 0 || bars == 0 || bars == columns);
        columns = bars;
    }
}

static void test_markdown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        const sample_options o = {.layers = 30, .verified = i & 1, .review = i & 1, .name = names[i >> 1]};
        char *text = rendered("md", &o);
        check_markdown(text);
        assert_true(strlen(text) < 60000);
        assert_memory_equal(text, "## nncompress: ", 15); /* the verdict comes first */
        assert_null(strstr(text, "Cut here"));
        free(text);
    }
}

/* More than a comment takes: cut between lines, with a word about it. */
static void test_markdown_cut(void **state)
{
    (void)state;
    const sample_options o = {.layers = 30, .verified = true, .review = true};
    const nnc_render_options r = {0};
    for (size_t warnings = 100; warnings < 240; warnings += 7) {
        nnc_report *report = sample_report(&o);
        nnc_str text = {0};
        for (size_t i = 0; i < warnings; i++) {
            char line[460];
            memset(line, 'x', sizeof(line) - 1);
            line[sizeof(line) - 1] = 0;
            nnc_report_append_string(nnc_report_root(report), "warnings", line);
        }
        assert_int_equal(nnc_renderer_find("md")->render(&text, report, &r), NNC_OK);
        assert_true(text.len <= 60000);
        check_markdown(text.data);
        if (warnings < 105 || warnings > 135) {
            assert_int_equal(strstr(text.data, "Cut here") != NULL, warnings > 135);
        }
        assert_int_equal(text.data[text.len - 1], '\n');
        nnc_str_deinit(&text);
        nnc_report_destroy(report);
    }
}

static void test_card(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        const sample_options o = {.layers = 3, .verified = i & 1, .review = true, .name = names[i >> 1]};
        char *text = rendered("card", &o);
        assert_memory_equal(text, "---\nlibrary_name: onnx\n", 23);
        const char *end = strstr(text, "\n---\n");
        assert_non_null(end);
        /* One key per line: nothing from a name begins a line of the header. */
        for (const char *line = text + 4; line < end; line += strcspn(line, "\n") + 1) {
            assert_true(strspn(line, " ") % 2 == 0 && (strchr(line, ':') < line + 30 || strstr(line, "- ") < line + 12));
        }
        const char *body = strstr(end, "# ");
        assert_non_null(body);
        char *copy = strdup(body);
        char *own = strstr(copy, "`nncompress verify"); /* our own code */
        assert_non_null(own);
        *own = '\n';
        own[1] = 0;
        check_markdown(copy);
        free(copy);
        free(text);
    }
}

/* ---- metrics ---- */

static void test_metrics(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const sample_options o = {.layers = 12, .verified = true, .review = true, .name = names[i]};
        char *text = rendered("metrics", &o);
        size_t top1 = 0, layers = 0, lines = 0;
        for (char *line = text, *end; *line; line = end + 1, lines++) {
            end = strchr(line, '\n');
            assert_non_null(end);
            json_t *value = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
            assert_non_null(value);
            assert_int_equal(json_object_size(value), 4);
            const char *key = json_string_value(json_object_get(value, "key"));
            assert_non_null(key);
            assert_true(strlen(key) <= 250);
            assert_int_equal(strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."), strlen(key));
            assert_true(json_is_real(json_object_get(value, "value")));
            assert_true(json_is_integer(json_object_get(value, "step")));
            assert_int_equal(json_integer_value(json_object_get(value, "timestamp")), 1767225600123);
            top1 += strcmp(key, "accuracy.top1_int8") == 0;
            layers += strcmp(key, "layer.time_int8_us") == 0;
            json_decref(value);
        }
        assert_int_equal(top1, 1);
        assert_int_equal(layers, 12);
        free(text);
    }
}

/* ---- bill of materials ---- */

/* Members of CycloneDX 1.6 at each place that we use; a star marks required ones. */
static const char *const members[][2] = {
    {"", "bomFormat* specVersion* serialNumber* version* metadata* components* dependencies*"},
    {".metadata", "timestamp tools* component*"},
    {".metadata.tools", "components*"},
    {".metadata.tools.components[]", "type* bom-ref name* version"},
    {".metadata.component", "type* bom-ref* name* hashes* pedigree* modelCard* properties"},
    {".metadata.component.hashes[]", "alg* content*"},
    {".metadata.component.properties[]", "name* value*"},
    {".metadata.component.pedigree", "ancestors* notes"},
    {".metadata.component.pedigree.ancestors[]", "type* bom-ref name* hashes properties"},
    {".metadata.component.pedigree.ancestors[].hashes[]", "alg* content*"},
    {".metadata.component.pedigree.ancestors[].properties[]", "name* value*"},
    {".metadata.component.modelCard", "bom-ref modelParameters* quantitativeAnalysis* considerations*"},
    {".metadata.component.modelCard.modelParameters", "datasets* inputs"},
    {".metadata.component.modelCard.modelParameters.datasets[]", "ref*"},
    {".metadata.component.modelCard.modelParameters.inputs[]", "format*"},
    {".metadata.component.modelCard.quantitativeAnalysis", "performanceMetrics*"},
    {".metadata.component.modelCard.quantitativeAnalysis.performanceMetrics[]", "type* value* slice confidenceInterval"},
    {".metadata.component.modelCard.quantitativeAnalysis.performanceMetrics[].confidenceInterval", "lowerBound* upperBound*"},
    {".metadata.component.modelCard.considerations", "technicalLimitations* performanceTradeoffs*"},
    {".components[]", "type* bom-ref* name* data* properties"},
    {".components[].data[]", "type* name"},
    {".components[].properties[]", "name* value*"},
    {".dependencies[]", "ref*"},
};

static bool listed(const char *list, const char *key, bool *required)
{
    const size_t n = strlen(key);
    for (const char *at = list; *at; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, key, n) == 0 && strchr(" *", at[n])) {
            *required = at[n] == '*';
            return true;
        }
    }
    return false;
}

static void check_members(const json_t *value, const char *path)
{
    char below[256];
    const char *key, *list = NULL;
    json_t *child;
    size_t i, required = 0, found = 0;
    for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
        list = strcmp(members[k][0], path) == 0 ? members[k][1] : list;
    }
    if (json_is_object(value) && !list) {
        fail_msg("no object is expected at '%s'", path);
    }
    for (const char *c = list ? list : ""; *c; c++) {
        required += *c == '*';
    }
    json_object_foreach((json_t *)value, key, child)
    {
        bool needed = false;
        if (!listed(list, key, &needed)) {
            fail_msg("'%s' has the member '%s'", path, key);
        }
        found += needed;
        snprintf(below, sizeof(below), "%s.%s", path, key);
        check_members(child, below);
    }
    assert_true(!json_is_object(value) || found == required);
    json_array_foreach((json_t *)value, i, child)
    {
        snprintf(below, sizeof(below), "%s[]", path);
        check_members(child, below);
    }
    if (json_is_string(value)) {
        assert_true(json_string_length(value) > 0);
    }
}

static void test_sbom(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < 6; i++) {
        const sample_options o = {.layers = 3, .verified = i & 1, .review = i & 1, .name = names[i >> 1]};
        char *text = rendered("sbom", &o);
        json_t *bom = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(bom);
        if (!o.name) {
            check_members(bom, "");
        }
        assert_string_equal(json_string_value(json_object_get(bom, "bomFormat")), "CycloneDX");
        assert_string_equal(json_string_value(json_object_get(bom, "specVersion")), "1.6");
        const char *serial = json_string_value(json_object_get(bom, "serialNumber"));
        assert_int_equal(strlen(serial), 45);
        assert_memory_equal(serial, "urn:uuid:", 9);
        assert_int_equal(strspn(serial + 9, "0123456789abcdef-"), 36);
        const json_t *model = json_object_get(json_object_get(bom, "metadata"), "component");
        assert_string_equal(json_string_value(json_object_get(model, "type")), "machine-learning-model");
        json_t *hash, *hashes = json_object_get(model, "hashes");
        size_t k;
        assert_int_equal(json_array_size(hashes), o.name ? 0 : 1);
        json_array_foreach(hashes, k, hash)
        {
            assert_string_equal(json_string_value(json_object_get(hash, "alg")), "SHA-256");
            assert_int_equal(strspn(json_string_value(json_object_get(hash, "content")), hex), 64);
        }
        json_decref(bom);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_junit),    cmocka_unit_test(test_junit_checks),
                                       cmocka_unit_test(test_markdown), cmocka_unit_test(test_markdown_cut),
                                       cmocka_unit_test(test_card),     cmocka_unit_test(test_metrics),
                                       cmocka_unit_test(test_sbom)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
