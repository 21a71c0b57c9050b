/* The report as a comment on a merge request: verdict first, at most 60 KB. SPDX-License-Identifier: Apache-2.0
 * What does not fit is cut between lines, with a line that says so. */
#include <math.h>
#include <string.h>

#include "reports/markdown.h"

#define BYTES_MAX 60000
#define ROOM_FOR_NOTE 200 /* the line that tells of a cut, and a closing tag */

static void title(nnc_str *out, const nnc_report_row *root)
{
    const char *verdict = nnc_row_string(root, "verdict");
    nnc_str line = {0};
    nnc_str_append(out, "## nncompress: ");
    nnc_md_text(out, *verdict ? verdict : "UNKNOWN", 40);
    nnc_str_append(out, nnc_row_bool(root, "accuracy.verified") ? "" : ", accuracy unverified");
    nnc_str_append(out, "\n\n");
    nnc_md_code(out, nnc_text_basename(nnc_row_string(root, "source.path")), 120);
    nnc_str_append(out, " \u2192 ");
    nnc_md_code(out, nnc_text_basename(nnc_row_string(root, "output.path")), 120);
    nnc_str_append(out, ": ");
    nnc_text_accuracy(&line, root);
    nnc_md_text(out, nnc_str_get(&line), 0);
    nnc_str_append(out, ".\n\n");
    nnc_str_deinit(&line);
}

static void classes(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *one[1];
    if (nnc_worst_classes(one, 1, root)) {
        nnc_str_append(out, "<details><summary>Classes that lost most</summary>\n\n");
        nnc_md_classes(out, root);
        nnc_str_append(out, "</details>\n\n");
    }
}

static void layers(nnc_str *out, const nnc_report_row *root)
{
    const nnc_report_row *one[1];
    if (nnc_worst_layers(one, 1, root, false)) {
        nnc_str_append(out, "<details><summary>Layers with the largest error</summary>\n\n");
        nnc_md_layers(out, root);
        nnc_str_append(out, "</details>\n\n");
    }
}

static void limits(nnc_str *out, const nnc_report_row *root)
{
    nnc_md_list(out, root, "not_checked", "Not checked");
    nnc_md_list(out, root, "warnings", "Warnings");
}

static void footer(nnc_str *out, const nnc_report_row *root)
{
    const char *cpu = nnc_row_string(root, "environment.cpu");
    if (*cpu) {
        nnc_str_append(out, "Measured on ");
        nnc_md_text(out, cpu, 120);
        nnc_str_append(out, ", kernels ");
        nnc_md_text(out, nnc_row_string(root, "environment.isa"), 40);
        nnc_str_append(out, ", threads ");
        nnc_text_fixed(out, nnc_row_double(root, "environment.threads"), 0);
        nnc_str_append(out, ".\n");
    }
}

/* Adds `section`, or as many of its lines as fit and a note; false when nothing more fits. */
static bool add(nnc_str *out, const nnc_str *section)
{
    const char *text = nnc_str_get(section);
    if (out->len + section->len + ROOM_FOR_NOTE <= BYTES_MAX) {
        nnc_str_append(out, text);
        return true;
    }
    size_t cut = 0;
    for (size_t n = 0; (n = strcspn(text + cut, "\n")) && text[cut + n] &&
                       out->len + cut + n + 1 + ROOM_FOR_NOTE <= BYTES_MAX;) {
        cut += n + 1;
        cut += text[cut] == '\n';
    }
    nnc_str_append_n(out, text, cut);
    nnc_str_append(out, "\n");
    if (cut && strncmp(text, "<details>", 9) == 0) {
        nnc_str_append(out, "</details>\n\n");
    }
    nnc_str_append(out, "**Cut here: a comment takes 60 KB; the HTML and JSON reports hold the rest.**\n");
    return false;
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    static void (*const sections[])(nnc_str *, const nnc_report_row *) = {
        title, nnc_md_gates, nnc_md_numbers, limits, classes, layers, nnc_md_hashes, footer};
    (void)options;
    NNC_TRY(nnc_report_status(report));
    bool more = true;
    for (size_t i = 0; more && i < sizeof(sections) / sizeof(sections[0]); i++) {
        nnc_str section = {0};
        sections[i](&section, &report->root);
        more = add(out, &section);
        nnc_str_deinit(&section);
    }
    return nnc_str_status(out);
}

const nnc_renderer nnc_renderer_md = {.name = "md", .extension = ".md", .render = render};
