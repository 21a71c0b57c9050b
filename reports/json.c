/* The report document as JSON text and back. SPDX-License-Identifier: Apache-2.0
 * Written here and not by the library: shortest decimals that read back to the same bits, in any
 * locale. */
#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/document.h"

static void write_string(nnc_str *out, const char *text)
{
    nnc_str_append(out, "\"");
    for (const char *p = text; *p;) {
        size_t n = 0;
        while ((unsigned char)p[n] >= 0x20 && p[n] != '"' && p[n] != '\\' && p[n] != 0x7f) {
            n++;
        }
        nnc_str_append_n(out, p, n);
        p += n;
        if (*p == '\n') {
            nnc_str_append(out, "\\n");
        } else if (*p == '"' || *p == '\\') {
            nnc_str_appendf(out, "\\%c", *p);
        } else if (*p) {
            nnc_str_appendf(out, "\\u%04x", (unsigned char)*p);
        }
        p += *p ? 1 : 0;
    }
    nnc_str_append(out, "\"");
}

void nnc_report_append_double(nnc_str *out, double value)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    const char *point = localeconv()->decimal_point;
    char *at = strcmp(point, ".") == 0 ? NULL : strstr(text, point);
    if (at) {
        *at = '.';
        memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
    }
    nnc_str_append(out, text);
    if (!strpbrk(text, ".e")) {
        nnc_str_append(out, ".0"); /* stays a real number when it is read back */
    }
}

static void write_value(nnc_str *out, const nnc_report_row *row, int depth);

static void write_items(nnc_str *out, const nnc_report_row *row, int depth)
{
    bool object = row->kind == NNC_REPORT_OBJECT;
    bool lines = object; /* arrays of plain values stay on one line */
    for (size_t i = 0; i < row->count; i++) {
        lines = lines || row->items[i]->kind >= NNC_REPORT_STRING;
    }
    lines = lines && row->count;
    nnc_str_append(out, object ? "{" : "[");
    for (size_t i = 0; i < row->count; i++) {
        nnc_str_append(out, i ? "," : "");
        if (lines) {
            nnc_str_appendf(out, "\n%*s", 2 * (depth + 1), "");
        } else if (i) {
            nnc_str_append(out, " ");
        }
        if (object) {
            write_string(out, row->items[i]->key);
            nnc_str_append(out, ": ");
        }
        write_value(out, row->items[i], depth + 1);
    }
    if (lines) {
        nnc_str_appendf(out, "\n%*s", 2 * depth, "");
    }
    nnc_str_append(out, object ? "}" : "]");
}

static void write_value(nnc_str *out, const nnc_report_row *row, int depth)
{
    switch (row->kind) {
    case NNC_REPORT_NULL:
        nnc_str_append(out, "null");
        break;
    case NNC_REPORT_BOOL:
        nnc_str_append(out, row->b ? "true" : "false");
        break;
    case NNC_REPORT_INT:
        nnc_str_appendf(out, "%" PRId64, row->i);
        break;
    case NNC_REPORT_DOUBLE:
        nnc_report_append_double(out, row->d);
        break;
    case NNC_REPORT_STRING:
        write_string(out, row->s);
        break;
    case NNC_REPORT_ARRAY:
    case NNC_REPORT_OBJECT:
        write_items(out, row, depth);
        break;
    }
}

nnc_status nnc_report_json(nnc_str *out, const nnc_report *report)
{
    NNC_TRY(nnc_report_status(report));
    write_value(out, &report->root, 0);
    nnc_str_append(out, "\n");
    return nnc_str_status(out);
}

static nnc_status render(nnc_str *out, const nnc_report *report, const nnc_render_options *options)
{
    (void)options;
    return nnc_report_json(out, report);
}

const nnc_renderer nnc_renderer_json = {.name = "json", .extension = ".json", .render = render};

static nnc_status copy_value(nnc_report_row *row, json_t *value, int depth);

static nnc_status copy_object(nnc_report_row *row, json_t *value, int depth)
{
    row->kind = NNC_REPORT_OBJECT;
    for (void *it = json_object_iter(value); it; it = json_object_iter_next(value, it)) {
        nnc_report_row *item = nnc_report_add(row, json_object_iter_key(it));
        if (!item) {
            return nnc_report_status(row->report);
        }
        NNC_TRY(copy_value(item, json_object_iter_value(it), depth + 1));
    }
    return NNC_OK;
}

static nnc_status copy_array(nnc_report_row *row, json_t *value, int depth)
{
    row->kind = NNC_REPORT_ARRAY;
    for (size_t i = 0; i < json_array_size(value); i++) {
        nnc_report_row *item = nnc_report_add(row, NULL);
        if (!item) {
            return nnc_report_status(row->report);
        }
        NNC_TRY(copy_value(item, json_array_get(value, i), depth + 1));
    }
    return NNC_OK;
}

static nnc_status copy_value(nnc_report_row *row, json_t *value, int depth)
{
    if (depth >= NNC_REPORT_DEPTH) {
        NNC_FAIL(NNC_ERR_DATA, "report: more than %d levels inside each other", NNC_REPORT_DEPTH);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return copy_object(row, value, depth);
    case JSON_ARRAY:
        return copy_array(row, value, depth);
    case JSON_STRING:
        nnc_report_set_string(row, json_string_value(value));
        return nnc_report_status(row->report);
    case JSON_INTEGER:
        row->kind = NNC_REPORT_INT;
        row->i = json_integer_value(value);
        return NNC_OK;
    case JSON_REAL:
        nnc_report_set_double(row, json_real_value(value));
        return NNC_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        row->kind = NNC_REPORT_BOOL;
        row->b = json_is_true(value);
        return NNC_OK;
    case JSON_NULL:
        return NNC_OK;
    }
    return NNC_OK;
}

static nnc_status check_schema(const nnc_report_row *root)
{
    const char *schema = nnc_report_get_string(root, "schema");
    int64_t version;
    if (!schema || strcmp(schema, NNC_REPORT_SCHEMA) != 0) {
        NNC_FAIL(NNC_ERR_DATA, "report: schema is '%s', expected '%s'", schema ? schema : "missing",
                 NNC_REPORT_SCHEMA);
    }
    if (!nnc_report_get_int(root, "schema_version", &version) || version < 1) {
        NNC_FAIL(NNC_ERR_DATA, "report: schema_version is missing or not a positive integer");
    }
    if (version > NNC_REPORT_SCHEMA_VERSION) {
        NNC_FAIL(NNC_ERR_DATA, "report: schema_version is %" PRId64 ", this version reads up to %d",
                 version, NNC_REPORT_SCHEMA_VERSION);
    }
    return NNC_OK;
}

/* Refuses what would take very much memory before anything is allocated: depth, and commas and
 * brackets outside of strings, each of which can begin a value. */
static nnc_status scan(const char *json, size_t bytes)
{
    size_t values = 1, depth = 0;
    bool text = false;
    if (bytes > NNC_REPORT_BYTES_MAX) {
        NNC_FAIL(NNC_ERR_DATA, "report: %zu bytes, at most %d are read", bytes, NNC_REPORT_BYTES_MAX);
    }
    for (size_t i = 0; i < bytes; i++) {
        const char c = json[i];
        if (text) {
            text = c != '"';
            i += c == '\\';
            continue;
        }
        text = c == '"';
        const bool open = c == '[' || c == '{';
        values += open || c == ',';
        depth += open;
        depth -= (c == ']' || c == '}') && depth;
        if (depth > NNC_REPORT_DEPTH) {
            NNC_FAIL(NNC_ERR_DATA, "report: more than %d levels inside each other", NNC_REPORT_DEPTH);
        }
        if (values > NNC_REPORT_VALUES_MAX) {
            NNC_FAIL(NNC_ERR_DATA, "report: more than %d values", NNC_REPORT_VALUES_MAX);
        }
    }
    return NNC_OK;
}

nnc_status nnc_report_tree(nnc_report **out, const char *json, size_t bytes)
{
    *out = NULL;
    json_error_t error;
    NNC_TRY(scan(json, bytes));
    json_t *value = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        if (json_error_code(&error) == json_error_out_of_memory) {
            NNC_FAIL(NNC_ERR_LIMIT, "report: not enough memory for %zu bytes of JSON", bytes);
        }
        NNC_FAIL(NNC_ERR_DATA, "report: %d:%d: %s", error.line, error.column, error.text);
    }
    nnc_report *report = NULL;
    nnc_status status = nnc_report_new(&report);
    if (status == NNC_OK) {
        status = copy_value(&report->root, value, 0);
    }
    json_decref(value);
    if (status != NNC_OK) {
        nnc_report_destroy(report);
        return status;
    }
    *out = report;
    return NNC_OK;
}

nnc_status nnc_report_parse(nnc_report **out, const char *json, size_t bytes)
{
    NNC_TRY(nnc_report_tree(out, json, bytes));
    nnc_status status = check_schema(&(*out)->root);
    if (status != NNC_OK) {
        nnc_report_destroy(*out);
        *out = NULL;
    }
    return status;
}

void nnc_report_library(nnc_library *out)
{
    *out = (nnc_library){.name = "jansson", .built = JANSSON_VERSION};
    snprintf(out->version, sizeof(out->version), "%s", jansson_version_str());
}
