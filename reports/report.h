/* The report document: every output format is rendered from it (docs/architecture.md, decision 10). SPDX-License-Identifier: Apache-2.0
 * A tree of objects, arrays and numbers with a fixed key order (order of the calls). Errors are sticky: after the first failure calls do
 * nothing and nnc_report_status tells. Non-finite numbers are written as null. */
#ifndef NNC_REPORTS_REPORT_H
#define NNC_REPORTS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/facts.h"
#include "base/str.h"

#define NNC_REPORT_SCHEMA "nncompress.report"
#define NNC_REPORT_SCHEMA_VERSION 1

typedef struct nnc_report nnc_report;
typedef struct nnc_report_row nnc_report_row; /* an object inside the document, borrowed */

/* kind: "compress", "eval", "bench", "compare", "inspect", "run", "check", "doctor", "limits": the verb that made it. */
nnc_status nnc_report_create(nnc_report **out, const char *kind);
void nnc_report_destroy(nnc_report *report); /* NULL accepted */
nnc_status nnc_report_status(const nnc_report *report);

/* The document's root object. */
nnc_report_row *nnc_report_root(nnc_report *report);
/* Members by dotted path below a row ("latency.fp32.p50_ms"); missing objects are made. Strings are copied; invalid UTF-8 and control
 * bytes are shown as \xNN; NULL writes null. */
void nnc_report_string(nnc_report_row *row, const char *path, const char *value);
void nnc_report_int(nnc_report_row *row, const char *path, int64_t value);
void nnc_report_double(nnc_report_row *row, const char *path, double value);
void nnc_report_bool(nnc_report_row *row, const char *path, bool value);
void nnc_report_doubles(nnc_report_row *row, const char *path, const double *values, size_t n);
void nnc_report_ints(nnc_report_row *row, const char *path, const int64_t *values, size_t n);
/* The object at path, made where missing (borrowed); NULL after a failure. */
nnc_report_row *nnc_report_object(nnc_report_row *row, const char *path);
/* Appends to the array at path: an object (returned, borrowed), or a string. */
nnc_report_row *nnc_report_append(nnc_report_row *row, const char *path);
void nnc_report_append_string(nnc_report_row *row, const char *path, const char *value);

/* Reading, for renderers: false / NULL / 0 when absent or of another type. */
const char *nnc_report_get_string(const nnc_report_row *row, const char *path);
bool nnc_report_get_int(const nnc_report_row *row, const char *path, int64_t *value);
bool nnc_report_get_double(const nnc_report_row *row, const char *path, double *value); /* integers too; null: false */
bool nnc_report_get_bool(const nnc_report_row *row, const char *path, bool *value);
size_t nnc_report_count(const nnc_report_row *row, const char *path);
const nnc_report_row *nnc_report_at(const nnc_report_row *row, const char *path, size_t i);
const char *nnc_report_string_at(const nnc_report_row *row, const char *path, size_t i);
bool nnc_report_double_at(const nnc_report_row *row, const char *path, size_t i, double *value);

/* JSON text, indented, ending in a newline; and back (NNC_ERR_DATA with line:column for bad text, unknown schema or newer version). */
nnc_status nnc_report_json(nnc_str *out, const nnc_report *report);
nnc_status nnc_report_parse(nnc_report **out, const char *json, size_t bytes);
/* The document against the published schema (docs/report-schema.json). Fails: NNC_ERR_DATA naming the first member that does not fit. */
nnc_status nnc_report_check(const nnc_report *report);

/* What changed between two reports of kind "compress", as a report of kind "diff". */
nnc_status nnc_report_diff(nnc_report **out, const nnc_report *before, const nnc_report *after);
/* A report of kind "diff" as text, or as Markdown. */
nnc_status nnc_report_diff_text(nnc_str *out, const nnc_report *diff, bool markdown, bool unicode);

typedef struct nnc_render_options {
    bool color, unicode; /* terminal only */
    unsigned width;      /* terminal columns, 0 = 80 */
} nnc_render_options;
typedef struct nnc_renderer {
    const char *name;      /* "terminal", "html", "csv" */
    const char *extension; /* ".html" */
    nnc_status (*render)(nnc_str *out, const nnc_report *report, const nnc_render_options *options);
} nnc_renderer;
const nnc_renderer *nnc_renderer_find(const char *name); /* NULL if unknown */
const nnc_renderer *nnc_renderer_row(size_t i);          /* NULL past the end */

/* Formats that become files (renderers.def); index of nnc_output_files. */
typedef enum nnc_output {
#define NNC_RENDERER(name)
#define NNC_OUTPUT(name, compress, report, help) NNC_OUTPUT_##name,
#include "reports/renderers.def"
    NNC_OUTPUT_COUNT
} nnc_output;
/* Where each format goes, NULL: nowhere. */
typedef struct nnc_output_files {
    const char *path[NNC_OUTPUT_COUNT];
} nnc_output_files;
/* The renderer of a format. */
const nnc_renderer *nnc_output_renderer(nnc_output output);

/* The library inside. */
void nnc_report_library(nnc_library *out);

#endif
