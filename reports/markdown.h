/* Markdown parts that the comment and the model card share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_REPORTS_MARKDOWN_H
#define NNC_REPORTS_MARKDOWN_H

#include "reports/render.h"

/* Text as plain words: nothing in it is markup, a link, a mention or a reference. '\n' becomes a
 * space. At most `max` bytes of it, the front is cut (0: all). */
void nnc_md_text(nnc_str *out, const char *text, size_t max);
/* The same as code. */
void nnc_md_code(nnc_str *out, const char *text, size_t max);

/* Sections; each writes nothing where the document has nothing for it. */
void nnc_md_gates(nnc_str *out, const nnc_report_row *root);
void nnc_md_numbers(nnc_str *out, const nnc_report_row *root);
void nnc_md_classes(nnc_str *out, const nnc_report_row *root);
void nnc_md_layers(nnc_str *out, const nnc_report_row *root);
void nnc_md_list(nnc_str *out, const nnc_report_row *root, const char *path, const char *title);
void nnc_md_hashes(nnc_str *out, const nnc_report_row *root);

#endif
