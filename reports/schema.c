/* A report against the published schema, by the part of JSON Schema that it uses: type, const, enum,
 * minimum, maximum, properties, required, items. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "reports/document.h"

#define PATH_BYTES 256

extern const char nnc_report_schema_text[]; /* docs/report-schema.json, made by the build */

static const char *kind_name(const nnc_report_row *row)
{
    static const char *const names[] = {"null",   "a boolean", "an integer", "a number",
                                        "a string", "an array",  "an object"};
    return names[row->kind];
}

static bool has_type(const nnc_report_row *row, const char *type)
{
    static const struct {
        const char *name;
        nnc_report_kind first, last;
    } types[] = {{"null", NNC_REPORT_NULL, NNC_REPORT_NULL},
                 {"boolean", NNC_REPORT_BOOL, NNC_REPORT_BOOL},
                 {"integer", NNC_REPORT_INT, NNC_REPORT_INT},
                 {"number", NNC_REPORT_INT, NNC_REPORT_DOUBLE},
                 {"string", NNC_REPORT_STRING, NNC_REPORT_STRING},
                 {"array", NNC_REPORT_ARRAY, NNC_REPORT_ARRAY},
                 {"object", NNC_REPORT_OBJECT, NNC_REPORT_OBJECT}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, type) == 0) {
            return row->kind >= types[i].first && row->kind <= types[i].last;
        }
    }
    return false;
}

static nnc_status check_type(const nnc_report_row *schema, const nnc_report_row *row, const char *path)
{
    const char *one = nnc_report_get_string(schema, "type");
    const size_t n = nnc_report_count(schema, "type");
    bool allowed = (!one && n == 0) || (one && has_type(row, one));
    nnc_str list = {0};
    nnc_str_append(&list, one ? one : "");
    for (size_t i = 0; i < n; i++) {
        const char *type = nnc_report_string_at(schema, "type", i);
        allowed = allowed || (type && has_type(row, type));
        nnc_str_appendf(&list, "%s%s", i ? " or " : "", type ? type : "");
    }
    nnc_status status = NNC_OK;
    if (!allowed) {
        status = nnc_error_set(NNC_ERR_DATA, "report: %s is %s, expected %s", path, kind_name(row),
                               nnc_str_get(&list));
    }
    nnc_str_deinit(&list);
    return status;
}

static bool equal(const nnc_report_row *a, const nnc_report_row *b)
{
    return a->kind == b->kind &&
           ((a->kind == NNC_REPORT_STRING && strcmp(a->s, b->s) == 0) ||
            (a->kind == NNC_REPORT_INT && a->i == b->i) ||
            (a->kind == NNC_REPORT_BOOL && a->b == b->b));
}

static nnc_status check_value(const nnc_report_row *schema, const nnc_report_row *row, const char *path)
{
    const nnc_report_row *constant = nnc_report_find(schema, "const"),
                         *choices = nnc_report_find(schema, "enum");
    bool listed = !choices;
    for (size_t i = 0; choices && i < choices->count; i++) {
        listed = listed || equal(choices->items[i], row);
    }
    if (!listed || (constant && !equal(constant, row))) {
        NNC_FAIL(NNC_ERR_DATA, "report: %s is '%s', which is none of its values", path,
                 row->kind == NNC_REPORT_STRING ? row->s : kind_name(row));
    }
    if (row->kind == NNC_REPORT_INT || row->kind == NNC_REPORT_DOUBLE) {
        const double x = row->kind == NNC_REPORT_INT ? (double)row->i : row->d;
        double bound;
        if (nnc_report_get_double(schema, "minimum", &bound) && x < bound) {
            NNC_FAIL(NNC_ERR_DATA, "report: %s is %g, at least %g is expected", path, x, bound);
        }
        if (nnc_report_get_double(schema, "maximum", &bound) && x > bound) {
            NNC_FAIL(NNC_ERR_DATA, "report: %s is %g, at most %g is expected", path, x, bound);
        }
    }
    return NNC_OK;
}

static nnc_status check(const nnc_report_row *schema, const nnc_report_row *row, const char *path)
{
    char below[PATH_BYTES];
    NNC_TRY(check_type(schema, row, path));
    NNC_TRY(check_value(schema, row, path));
    const nnc_report_row *members = nnc_report_find(schema, "properties"),
                         *items = nnc_report_find(schema, "items");
    for (size_t i = 0; row->kind == NNC_REPORT_OBJECT && i < nnc_report_count(schema, "required"); i++) {
        const char *name = nnc_report_string_at(schema, "required", i);
        if (name && !nnc_report_find(row, name)) {
            NNC_FAIL(NNC_ERR_DATA, "report: %s lacks '%s'", path[0] ? path : "the document", name);
        }
    }
    for (size_t i = 0; row->kind == NNC_REPORT_OBJECT && members && i < row->count; i++) {
        const char *key = row->items[i]->key;
        /* A dot in a key would be taken for a path; the schema names no such member. */
        const nnc_report_row *member = strchr(key, '.') ? NULL : nnc_report_find(members, key);
        if (member) {
            snprintf(below, sizeof(below), "%s%s%s", path, path[0] ? "." : "", key);
            NNC_TRY(check(member, row->items[i], below));
        }
    }
    for (size_t i = 0; row->kind == NNC_REPORT_ARRAY && items && i < row->count; i++) {
        snprintf(below, sizeof(below), "%s[%zu]", path, i);
        NNC_TRY(check(items, row->items[i], below));
    }
    return NNC_OK;
}

nnc_status nnc_report_check(const nnc_report *report)
{
    nnc_report *schema;
    NNC_TRY(nnc_report_tree(&schema, nnc_report_schema_text, strlen(nnc_report_schema_text)));
    nnc_status status = check(&schema->root, &report->root, "");
    nnc_report_destroy(schema);
    return status;
}
