/* The document's tree, shared by the files of this folder. SPDX-License-Identifier: Apache-2.0 */
#ifndef NNC_REPORTS_DOCUMENT_H
#define NNC_REPORTS_DOCUMENT_H

#include "base/mem.h"
#include "reports/report.h"

#define NNC_REPORT_DEPTH 32 /* objects and arrays inside each other, and parts of a path */
#define NNC_REPORT_BYTES_MAX (64 * 1024 * 1024) /* of JSON that is read */
#define NNC_REPORT_VALUES_MAX 2000000

typedef enum nnc_report_kind {
    NNC_REPORT_NULL,
    NNC_REPORT_BOOL,
    NNC_REPORT_INT,
    NNC_REPORT_DOUBLE,
    NNC_REPORT_STRING,
    NNC_REPORT_ARRAY,
    NNC_REPORT_OBJECT
} nnc_report_kind;

/* One value; everything lives in the report's arena. */
struct nnc_report_row {
    nnc_report *report;
    const char *key; /* inside an object; else NULL */
    nnc_report_kind kind;
    bool b;
    int64_t i;
    double d;
    const char *s;          /* valid UTF-8, the only control character is '\n' */
    nnc_report_row **items; /* ARRAY, OBJECT: in order of creation */
    size_t count, cap;
};

struct nnc_report {
    nnc_arena *arena;
    nnc_status status;
    char message[256];
    nnc_report_row root;
};

/* An empty document without any member. */
nnc_status nnc_report_new(nnc_report **out);
/* Any JSON as a tree, within the limits above. Fails: NNC_ERR_DATA, NNC_ERR_LIMIT. */
nnc_status nnc_report_tree(nnc_report **out, const char *json, size_t bytes);
/* Adds a null to an array or under `key` (copied) to an object; NULL after a failure, which sticks.
 */
nnc_report_row *nnc_report_add(nnc_report_row *parent, const char *key);
/* Makes `row` a string: newlines are kept, other control bytes and invalid UTF-8 become \xNN. NULL:
 * null. */
void nnc_report_set_string(nnc_report_row *row, const char *value);
void nnc_report_set_double(nnc_report_row *row, double value);
/* The value at a dotted path; NULL if absent. */
const nnc_report_row *nnc_report_find(const nnc_report_row *row, const char *path);
/* The shortest decimal (6 digits at least) that reads back to the same bits, with a '.' in any
 * locale. */
void nnc_report_append_double(nnc_str *out, double value);

#endif
