/* libFuzzer target: any bytes as a report. What is accepted is rendered in every format, compared with itself, used as a baseline
 * and its numbers verified; the HTML page holds the one script that is ours and no control character. SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s: %s\n", what, nnc_error_message());
        abort();
    }
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at++) {
        n++;
    }
    return n;
}

static void check_text(const char *name, const nnc_str *text)
{
    const char *s = nnc_str_get(text);
    for (size_t i = 0; i < text->len; i++) {
        check((uint8_t)s[i] >= 0x20 || s[i] == '\n' || s[i] == '\r', name);
    }
    check(strcmp(name, "html") != 0 || (count(s, "<script") == 1 && count(s, "</script") == 1 && count(s, "<style") == 1), "html tags");
    check(strcmp(name, "junit") != 0 || count(s, "<!") == 0, "junit markup");
    check(strcmp(name, "md") != 0 || text->len <= 60000, "md size");
}

static void render(const nnc_report *report)
{
    for (size_t i = 0; nnc_renderer_row(i); i++) {
        const nnc_renderer *r = nnc_renderer_row(i);
        const nnc_render_options options = {.width = 40 + 40 * (i % 3), .unicode = i % 2};
        nnc_str text = {0};
        if (r->render(&text, report, &options) == NNC_OK) {
            check_text(r->name, &text);
        }
        nnc_str_deinit(&text);
    }
}

static void read_again(const nnc_report *report)
{
    nnc_str json = {0};
    nnc_report *again = NULL, *diff = NULL;
    check(nnc_report_json(&json, report) == NNC_OK, "json");
    check(nnc_report_parse(&again, nnc_str_get(&json), json.len) == NNC_OK, "read again");
    nnc_str_clear(&json);
    if (nnc_report_diff(&diff, report, again) == NNC_OK) {
        check(nnc_report_diff_text(&json, diff, json.cap % 2 == 0, true) == NNC_OK, "diff");
    }
    nnc_report_destroy(diff);
    nnc_report_destroy(again);
    nnc_str_deinit(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nnc_report *report = NULL;
    if (nnc_report_parse(&report, (const char *)data, size) == NNC_OK && nnc_report_check(report) == NNC_OK) {
        render(report);
        read_again(report);
    } else {
        check(!strchr(nnc_error_message(), '\n'), "message");
    }
    nnc_report_destroy(report);
    return 0;
}
