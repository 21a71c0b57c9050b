/* The gates as JUnit XML, one test case each; without gates the checks that were done.
 * SPDX-License-Identifier: Apache-2.0 A failed gate is a failure; one that the data cannot decide is
 * an error: the test could not be completed. */
#include <string.h>

#include "reports/render.h"

/* Escaped for content and attributes. Two characters that XML 1.0 does not have become visible. */
static void xml_text(nnc_str *out, const char *text)
{
    static const struct {
        const char *from, *to;
    } rows[] = {{"&", "&amp;"},  {"<", "&lt;"},  {">", "&gt;"},
                {"\"", "&quot;"}, {"'", "&#39;"}, {"\n", "&#10;"},
                {"\xef\xbf\xbe", "\\u{fffe}"}, {"\xef\xbf\xbf", "\\u{ffff}"}};
    while (*text) {
        size_t n = strcspn(text, "&<>\"'\n\xef");
        nnc_str_append_n(out, text, n);
        text += n;
        size_t i = 0;
        const size_t count = sizeof(rows) / sizeof(rows[0]);
        while (*text && i < count && strncmp(text, rows[i].from, strlen(rows[i].from)) != 0) {
            i++;
        }
        if (*text && i < count) {
            nnc_str_append(out, rows[i].to);
            text += strlen(rows[i].from);
        } else if (*text) {
            nnc_str_append_n(out, text++, 1);
        }
    }
}

static void attribute(nnc_str *out, const char *name, const char *value)
{
    nnc_str_appendf(out, " %s=\"", name);
    xml_text(out, value);
    nnc_str_append(out, "\"");
}

static void property(nnc_str *out, const nnc_report_row *root, const char *path)
{
    const char *value = nnc_row_string(root, path);
    if (*value) {
        nnc_str_append(out, "      <property");
        attribute(out, "name", path);
        attribute(out, "value", value);
        nnc_str_append(out, "/>\n");
    }
}

static void open_case(nnc_str *out, const char *suite, const char *name)
{
    nnc_str_append(out, "    <testcase");
    attribute(out, "name", *name ? name : "unnamed");
    attribute(out, "classname", suite);
    nnc_str_append(out, " time=\"0\"");
}

static void gate_case(nnc_str *out, const nnc_report_row *gate)
{
    const char *verdict = nnc_gate_verdict(gate), *reason = nnc_row_string(gate, "reason");
    nnc_str text = {0};
    nnc_gate_text(&text, gate);
    open_case(out, "nncompress.gates", nnc_row_string(gate, "name"));
    nnc_str_append(out, ">\n");
    if (strcmp(verdict, "PASSED") == 0) {
        nnc_str_append(out, "      <system-out>");
        xml_text(out, nnc_str_get(&text));
        nnc_str_append(out, "</system-out>\n");
    } else if (strcmp(verdict, "SKIPPED") == 0) {
        nnc_str_append(out, "      <skipped");
        attribute(out, "message", reason);
        nnc_str_append(out, "/>\n");
    } else {
        const bool failed = strcmp(verdict, "FAILED") == 0;
        nnc_str_append(out, failed ? "      <failure" : "      <error");
        attribute(out, "message", *reason ? reason : nnc_str_get(&text));
        attribute(out, "type", verdict);
        nnc_str_append(out, ">");
        xml_text(out, nnc_row_string(gate, "name"));
        nnc_str_append(out, ": ");
        xml_text(out, nnc_str_get(&text));
        nnc_str_append(out, failed ? "</failure>\n" : "</error>\n");
    }
    nnc_str_append(out, "    </testcase>\n");
    nnc_str_deinit(&text);
}

static void check_case(nnc_str *out, const nnc_report_row *check)
{
    const char *detail = nnc_row_string(check, "detail");
    open_case(out, "nncompress.checks", nnc_row_string(check, "name"));
    nnc_str_append(out, ">\n");
    if (nnc_row_bool(check, "passed")) {
        nnc_str_append(out, "      <system-out>");
        xml_text(out, detail);
        nnc_str_append(out, "</system-out>\n");
    } else {
        nnc_str_append(out, "      <failure");
        attribute(out, "message", *detail ? detail : "failed");
        attribute(out, "type", "FAILED");
        nnc_str_append(out, "/>\n");
    }
    nnc_str_append(out, "    </testcase>\n");
}

/* Cases, failures, errors and skipped ones of the suite that is written. */
typedef struct totals {
    size_t tests, failures, errors, skipped;
} totals;

static totals count(const nnc_report_row *root, bool gates)
{
    const char *path = gates ? "gates" : "checks";
    totals t = {0};
    for (size_t i = 0; i < nnc_report_count(root, path); i++) {
        const nnc_report_row *row = nnc_report_at(root, path, i);
        const char *verdict = nnc_gate_verdict(row);
        t.tests++;
        t.failures += gates ? strcmp(verdict, "FAILED") == 0 : !nnc_row_bool(row, "passed");
        t.errors += gates && strcmp(verdict, "UNDECIDED") == 0;
        t.skipped += gates && strcmp(verdict, "SKIPPED") == 0;
    }
    return t;
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    static const char *const facts[] = {"tool.version",   "source.path",   "source.sha256",
                                        "output.path",    "output.sha256", "recipe.sha256",
                                        "environment.cpu", "environment.isa"};
    (void)options;
    NNC_TRY(nnc_report_status(report));
    const nnc_report_row *root = &report->root;
    const bool gates = nnc_report_count(root, "gates") > 0;
    const totals t = count(root, gates);
    nnc_str line = {0};
    nnc_str_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    nnc_str_appendf(out,
                    "<testsuites name=\"nncompress\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" "
                    "time=\"0\">\n  <testsuite",
                    t.tests, t.failures, t.errors);
    const char *output = nnc_text_basename(nnc_row_string(root, "output.path"));
    attribute(out, "name", *output ? output : "nncompress");
    nnc_str_appendf(out,
                    " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\">\n"
                    "    <properties>\n",
                    t.tests, t.failures, t.errors, t.skipped);
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        property(out, root, facts[i]);
    }
    nnc_str_append(out, "    </properties>\n");
    for (size_t i = 0; i < t.tests; i++) {
        if (gates) {
            gate_case(out, nnc_report_at(root, "gates", i));
        } else {
            check_case(out, nnc_report_at(root, "checks", i));
        }
    }
    nnc_text_result(&line, root, false);
    nnc_str_append(out, "    <system-out>");
    xml_text(out, nnc_str_get(&line));
    nnc_str_append(out, "</system-out>\n  </testsuite>\n</testsuites>\n");
    nnc_str_deinit(&line);
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_junit = {
    .name = "junit", .extension = ".junit.xml", .render = render};
