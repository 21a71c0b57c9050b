/* What the renderers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_REPORTS_RENDER_H
#define NNC_REPORTS_RENDER_H

#include "reports/document.h"

/* Numbers for people: a '.' in any locale; "-" where there is none (NaN, infinite). */
void nnc_text_fixed(nnc_str *out, double value, int decimals);
/* Three digits or so: "0.0123", "12.3", "4096". */
void nnc_text_short(nnc_str *out, double value);
/* "4.09 G", "530 M", "12.3 k", "7". */
void nnc_text_si(nnc_str *out, double value);
/* 0.7613 -> "76.13 %". */
void nnc_text_percent(nnc_str *out, double share, int decimals);
/* "3.44x faster", or "0.91x: slower" for a ratio below 1; `sign` is the x. */
void nnc_text_times(nnc_str *out, double ratio, const char *sign, const char *more,
                    const char *less);
/* A row of accuracy.figures: "41.20 % -> 41.05 %" with that arrow, or its one number. */
void nnc_text_figure(nnc_str *out, const nnc_report_row *row, const char *arrow);
/* A number of such a row in its unit. */
void nnc_text_unit(nnc_str *out, double value, const char *unit);
/* "25.1 MB". */
void nnc_text_bytes(nnc_str *out, double bytes);

/* `text` for a terminal line: control, direction and invisible characters escaped, everything but
 * ASCII too unless `unicode`; at most `columns` (0: any number) wide, the front is cut. Returns the
 * width. */
size_t nnc_text_terminal(nnc_str *out, const char *text, size_t columns, bool unicode);
/* When the report was made, "2026-12-01T15:13:04Z"; false where it does not say. */
bool nnc_text_created(nnc_str *out, const nnc_report_row *root);
/* The part behind the last '/'. */
const char *nnc_text_basename(const char *path);

/* Numbers of a row: NaN where absent. */
double nnc_row_double(const nnc_report_row *row, const char *path);
/* Text of a row; "" where absent. */
const char *nnc_row_string(const nnc_report_row *row, const char *path);
bool nnc_row_bool(const nnc_report_row *row, const char *path);

/* The node's name, or its output's where the node has none of its own; "" where absent. */
const char *nnc_layer_name(const nnc_report_row *layer);
/* "3.44x faster", "0.91x: slower", or "1.02x: uncertain" where the interval reaches over 1. */
void nnc_text_speed(nnc_str *out, const nnc_report_row *root, const char *sign);
/* Up to max layers with the lowest sqnr_db, lowest first; histogram: only those that have one.
 * Returns how many. */
size_t nnc_worst_layers(const nnc_report_row **out, size_t max, const nnc_report_row *root,
                        bool histogram);
/* Layers in integers and all layers. */
void nnc_count_layers(size_t *integer, size_t *all, const nnc_report_row *root);

/* A gate's verdict: "PASSED", "FAILED", "SKIPPED" or "UNDECIDED" (also where the document has none of
 * them). */
const char *nnc_gate_verdict(const nnc_report_row *gate);
/* A number of a gate ("limit", "value", "low", "high") in the gate's unit: share as percent or, for a
 * drop, points; bytes, ms, x; "-" where absent. Bounds are rounded outward. */
void nnc_gate_number(nnc_str *out, const nnc_report_row *gate, const char *key);
/* "-0.02 to 0.53 points"; nothing where there are no bounds. */
void nnc_gate_interval(nnc_str *out, const nnc_report_row *gate);
/* Names of the gates with a verdict, separated by commas. Not escaped. */
void nnc_gate_names(nnc_str *out, const nnc_report_row *root, const char *verdict);
/* "0.25 points (95 %: -0.02 to 0.53 points), limit 1.00 points", and how many samples would decide where it is open. */
void nnc_gate_text(nnc_str *out, const nnc_report_row *gate);
/* Up to max classes with the largest drop (answers lost over samples), largest first; classes that
 * lost nothing are left out. Returns how many. */
size_t nnc_worst_classes(const nnc_report_row **out, size_t max, const nnc_report_row *root);
/* The class's drop as a share; NaN without samples. */
double nnc_class_drop(const nnc_report_row *row);
/* "3" or "3 tabby cat". */
void nnc_class_name(nnc_str *out, const nnc_report_row *row);
/* A row of "targets" in one line: file, size, cost, nodes by the rules, what was done with it. Not escaped. */
void nnc_target_sentence(nnc_str *out, const nnc_report_row *target);
/* Why the accuracy is what it is, one plain sentence: drop with interval, or agreement. */
void nnc_text_accuracy(nnc_str *out, const nnc_report_row *root);

/* PASSED or SKIPPED: nothing against the result. */
bool nnc_verdict_is_good(const char *verdict);
/* The gates as paragraphs and the line for grep, for verbs that print their numbers themselves. */
void nnc_terminal_gates(nnc_str *out, const nnc_report *report, const nnc_render_options *options);

/* The line for grep, without a newline: "nncompress: DONE drop=0.19% size=3.90x p50=3.44x", or with gates
 * "nncompress: FAILED gate=max-drop drop=2.10% ...", "... UNDECIDED gate=max-drop needs=1500 ...". */
void nnc_text_result(nnc_str *out, const nnc_report_row *root, bool unicode);

#endif
