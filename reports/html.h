/* Parts of the HTML page. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_REPORTS_HTML_H
#define NNC_REPORTS_HTML_H

#include "reports/render.h"

/* Style sheet, and the script that makes tables sortable (the page is complete without it). */
extern const char nnc_html_style[];
extern const char nnc_html_script[];

/* Escaped for element content and attributes in double quotes; '\n' becomes a line break in
 * content. Of very long texts the beginning. */
void nnc_html_text(nnc_str *out, const char *text);
/* A number with a typographic minus, and a plus where `plus` asks for it. */
void nnc_html_signed(nnc_str *out, double value, int decimals, bool plus);
/* A cell of class `css` (constant). */
void nnc_html_cell_text(nnc_str *out, const char *css, const char *text);
typedef void nnc_html_number_fn(nnc_str *out, double value);
/* A right-aligned cell: data-v carries the exact number for sorting; a dash where there is none. */
void nnc_html_cell_number(nnc_str *out, double value, nnc_html_number_fn *write);

/* Of every table: lines and air where style sheets are blocked. */
#define NNC_HTML_TABLE "border=\"1\" cellpadding=\"4\""
/* A table's heading row, numeric columns marked by 'n', and its body's start. */
void nnc_html_head(nnc_str *out, const char *const *names, size_t n, const char *numeric);

/* Sections; each writes nothing where the document has nothing for it. */
void nnc_html_verdict(nnc_str *out, const nnc_report_row *root);
void nnc_html_gates(nnc_str *out, const nnc_report_row *root);
void nnc_html_hashes(nnc_str *out, const nnc_report_row *root);
void nnc_html_classes(nnc_str *out, const nnc_report_row *root);
void nnc_html_sizes(nnc_str *out, const nnc_report_row *root);
void nnc_html_pareto(nnc_str *out, const nnc_report_row *root);
void nnc_html_candidates(nnc_str *out, const nnc_report_row *root);
void nnc_html_trail(nnc_str *out, const nnc_report_row *root);
void nnc_html_targets(nnc_str *out, const nnc_report_row *root);
void nnc_html_numbers(nnc_str *out, const nnc_report_row *root);
void nnc_html_caveats(nnc_str *out, const nnc_report_row *root);
void nnc_html_latency(nnc_str *out, const nnc_report_row *root);
void nnc_html_errors(nnc_str *out, const nnc_report_row *root);
void nnc_html_histograms(nnc_str *out, const nnc_report_row *root);
void nnc_html_layers(nnc_str *out, const nnc_report_row *root);
void nnc_html_float_nodes(nnc_str *out, const nnc_report_row *root);
void nnc_html_changed(nnc_str *out, const nnc_report_row *root);
void nnc_html_provenance(nnc_str *out, const nnc_report_row *root);
void nnc_html_glossary(nnc_str *out);

#endif
