/* What changed between two reports, for terminals and for comments. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "reports/markdown.h"

#define LAYERS_SHOWN 40

typedef struct page {
    nnc_str *out;
    const nnc_report_row *root;
    bool markdown, unicode;
} page;

static void name(const page *p, const char *text)
{
    if (p->markdown) {
        nnc_md_code(p->out, text, 120);
    } else {
        nnc_text_terminal(p->out, text, 40, p->unicode);
    }
}

static void words(const page *p, const char *text)
{
    if (p->markdown) {
        nnc_md_text(p->out, text, 400);
    } else {
        nnc_text_terminal(p->out, text, 0, p->unicode);
    }
}

static void value(nnc_str *out, double x, const char *unit)
{
    if (strcmp(unit, "share") == 0) {
        nnc_text_percent(out, x, 2);
    } else if (strcmp(unit, "bytes") == 0) {
        nnc_text_bytes(out, x);
    } else if (isfinite(x)) {
        nnc_text_fixed(out, x, strcmp(unit, "ms") == 0 ? 3 : 2);
        nnc_str_append(out, strcmp(unit, "x") == 0 ? "" : " ");
        nnc_text_terminal(out, unit, 12, false);
    } else {
        nnc_str_append(out, "-");
    }
}

/* Points for shares, percent of the old value for amounts, plain for the rest. */
static void change(nnc_str *out, double before, double after, const char *unit)
{
    const double delta = after - before;
    const bool share = strcmp(unit, "share") == 0;
    const bool amount = strcmp(unit, "bytes") == 0 || strcmp(unit, "ms") == 0;
    if (!isfinite(delta)) {
        nnc_str_append(out, isfinite(after) ? "new" : "gone");
    } else if (delta == 0) {
        nnc_str_append(out, "same");
    } else {
        nnc_str_append(out, delta > 0 ? "+" : "");
        nnc_text_fixed(out, share ? 100 * delta : amount ? 100 * delta / before : delta,
                       share || !amount ? 2 : 1);
        nnc_str_append(out, share ? " points" : amount ? " %" : "");
    }
}

static void title(const page *p)
{
    static const char *const sides[] = {"diff.before", "diff.after"};
    nnc_str_append(p->out, p->markdown ? "## nncompress: what changed\n\n" : "");
    for (size_t i = 0; i < 2; i++) {
        const nnc_report_row *side = nnc_report_find(p->root, sides[i]);
        const char *sha = nnc_row_string(side, "output_sha256");
        nnc_str_append(p->out, p->markdown ? "- " : "");
        nnc_str_append(p->out, i ? "after:  " : "before: ");
        name(p, nnc_text_basename(nnc_row_string(side, "output")));
        nnc_str_append(p->out, " ");
        words(p, nnc_row_string(side, "verdict"));
        if (*sha) {
            nnc_str start = {0};
            nnc_str_append_n(&start, sha, strnlen(sha, 12));
            nnc_str_append(p->out, ", SHA-256 ");
            words(p, nnc_str_get(&start));
            nnc_str_deinit(&start);
        }
        nnc_str_append(p->out, "\n");
    }
    const char *x = nnc_row_string(p->root, "diff.before.output_sha256"),
               *y = nnc_row_string(p->root, "diff.after.output_sha256");
    if (*x && strcmp(x, y) == 0) {
        nnc_str_appendf(p->out, "%sThe model files are the same, byte by byte.\n", p->markdown ? "\n" : "");
    }
    nnc_str_append(p->out, "\n");
}

static void notes(const page *p)
{
    const size_t n = nnc_report_count(p->root, "diff.notes");
    for (size_t i = 0; i < n; i++) {
        const char *text = nnc_report_string_at(p->root, "diff.notes", i);
        nnc_str_append(p->out, p->markdown ? "- **note:** " : "note: ");
        words(p, text ? text : "");
        nnc_str_append(p->out, "\n");
    }
    nnc_str_append(p->out, n ? "\n" : "");
}

/* Four cells; on a terminal in columns. */
static void cells(const page *p, const char *first, const nnc_str *a, const nnc_str *b, const nnc_str *c)
{
    if (p->markdown) {
        nnc_str_appendf(p->out, "| %s | %s | %s | %s |\n", first, nnc_str_get(a), nnc_str_get(b),
                        nnc_str_get(c));
    } else {
        nnc_str_appendf(p->out, "  %-30s %12s %12s  %s\n", first, nnc_str_get(a), nnc_str_get(b),
                        nnc_str_get(c));
    }
}

static void numbers(const page *p)
{
    const size_t n = nnc_report_count(p->root, "diff.numbers");
    if (n && p->markdown) {
        nnc_str_append(p->out, "| | Before | After | Change |\n|---|--:|--:|--:|\n");
    }
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *row = nnc_report_at(p->root, "diff.numbers", i);
        const double before = nnc_row_double(row, "before"), after = nnc_row_double(row, "after");
        const char *unit = nnc_row_string(row, "unit");
        nnc_str first = {0}, a = {0}, b = {0}, c = {0};
        nnc_text_terminal(&first, nnc_row_string(row, "name"), 30, false);
        value(&a, before, unit);
        value(&b, after, unit);
        change(&c, before, after, unit);
        cells(p, nnc_str_get(&first), &a, &b, &c);
        nnc_str_deinit(&first);
        nnc_str_deinit(&a);
        nnc_str_deinit(&b);
        nnc_str_deinit(&c);
    }
    nnc_str_append(p->out, n ? "\n" : "");
}

static void gates(const page *p)
{
    const size_t n = nnc_report_count(p->root, "diff.gates");
    nnc_str_append(p->out, n == 0 ? "" : p->markdown ? "**Gates**\n\n" : "gates\n");
    for (size_t i = 0; i < n; i++) {
        const nnc_report_row *row = nnc_report_at(p->root, "diff.gates", i);
        const char *x = nnc_row_string(row, "verdict_before"), *y = nnc_row_string(row, "verdict_after");
        const char *unit = nnc_row_string(row, "unit");
        nnc_str_append(p->out, p->markdown ? "- " : "  ");
        name(p, nnc_row_string(row, "name"));
        nnc_str_append(p->out, ": ");
        words(p, *x ? x : "absent");
        nnc_str_append(p->out, " ");
        value(p->out, nnc_row_double(row, "before"), unit);
        nnc_str_append(p->out, " to ");
        words(p, *y ? y : "absent");
        nnc_str_append(p->out, " ");
        value(p->out, nnc_row_double(row, "after"), unit);
        const double before = nnc_row_double(row, "limit_before"), after = nnc_row_double(row, "limit_after");
        if (isfinite(before) && isfinite(after) && before != after) {
            nnc_str_append(p->out, "; limit ");
            value(p->out, before, unit);
            nnc_str_append(p->out, " to ");
            value(p->out, after, unit);
        }
        nnc_str_append(p->out, "\n");
    }
    nnc_str_append(p->out, n ? "\n" : "");
}

static void bits(nnc_str *out, double x)
{
    nnc_text_fixed(out, x, 0);
    nnc_str_append(out, isfinite(x) ? "" : " (absent)");
}

static void layers(const page *p)
{
    const size_t n = nnc_report_count(p->root, "diff.layers");
    if (n == 0) {
        nnc_str_append(p->out, "No layer changed its bits.\n");
        return;
    }
    nnc_str_appendf(p->out, p->markdown ? "**Layers whose bits changed: %zu**\n\n" : "layers whose bits changed: %zu\n",
                    n);
    for (size_t i = 0; i < n && i < LAYERS_SHOWN; i++) {
        const nnc_report_row *row = nnc_report_at(p->root, "diff.layers", i);
        const char *reason = nnc_row_string(row, "reason");
        nnc_str_append(p->out, p->markdown ? "- " : "  ");
        name(p, nnc_row_string(row, "name"));
        nnc_str_append(p->out, ": ");
        bits(p->out, nnc_row_double(row, "bits_before"));
        nnc_str_append(p->out, " to ");
        bits(p->out, nnc_row_double(row, "bits_after"));
        nnc_str_append(p->out, *reason ? ", " : "");
        words(p, reason);
        nnc_str_append(p->out, "\n");
    }
    if (n > LAYERS_SHOWN) {
        nnc_str_appendf(p->out, "%s%zu more in the JSON form\n", p->markdown ? "- " : "  ", n - LAYERS_SHOWN);
    }
}

nnc_status nnc_report_diff_text(nnc_str *out, const nnc_report *diff, bool markdown, bool unicode)
{
    NNC_TRY(nnc_report_status(diff));
    const page p = {.out = out, .root = &diff->root, .markdown = markdown, .unicode = unicode};
    title(&p);
    notes(&p);
    numbers(&p);
    gates(&p);
    layers(&p);
    return nnc_str_status(out);
}
