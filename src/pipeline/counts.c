/* The integers that an evaluation gives. SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* When a count means something. */
enum { ALWAYS, LABELLED, FIVE, CLASSES };

static const struct {
    const char *path;
    size_t offset;
    int when;
} rows[] = {
    {"accuracy.samples", offsetof(nnc_accuracy, samples), ALWAYS},
    {"accuracy.bad_samples", offsetof(nnc_accuracy, bad), ALWAYS},
    {"accuracy.right_fp32", offsetof(nnc_accuracy, top1_a), LABELLED},
    {"accuracy.right_int8", offsetof(nnc_accuracy, top1_b), LABELLED},
    {"accuracy.right5_fp32", offsetof(nnc_accuracy, top5_a), FIVE},
    {"accuracy.right5_int8", offsetof(nnc_accuracy, top5_b), FIVE},
    {"accuracy.only_fp32_right", offsetof(nnc_accuracy, only_a), LABELLED},
    {"accuracy.only_int8_right", offsetof(nnc_accuracy, only_b), LABELLED},
    {"accuracy.same_top1", offsetof(nnc_accuracy, agree), CLASSES},
};

static bool applies(const nnc_accuracy *a, int when)
{
    return when == ALWAYS || (when == CLASSES && a->classes) || (when == LABELLED && a->labelled) ||
           (when == FIVE && a->labelled && a->classes > 5);
}

static int64_t value(const nnc_accuracy *a, size_t row)
{
    size_t n;
    memcpy(&n, (const char *)a + rows[row].offset, sizeof(n));
    return (int64_t)n;
}

void nnc_counts_report(nnc_report_row *root, const nnc_accuracy *a, const nnc_dataset *data)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (applies(a, rows[i].when)) {
            nnc_report_int(root, rows[i].path, value(a, i));
        }
    }
    for (size_t c = 0; a->labelled && a->class_total && c < a->classes; c++) {
        if (a->class_total[c] == 0) {
            continue;
        }
        nnc_report_row *row = nnc_report_append(root, "accuracy.classes");
        nnc_report_int(row, "class", (int64_t)c);
        if (nnc_dataset_class_name(data, c)) {
            nnc_report_string(row, "name", nnc_dataset_class_name(data, c));
        }
        nnc_report_int(row, "samples", (int64_t)a->class_total[c]);
        nnc_report_int(row, "right_fp32", (int64_t)a->class_right_a[c]);
        nnc_report_int(row, "right_int8", (int64_t)a->class_right_b[c]);
    }
}

static void compare_class(const nnc_report_row *row, const nnc_accuracy *a, nnc_counts_fn *call, void *user)
{
    static const char *const keys[] = {"samples", "right_fp32", "right_int8"};
    int64_t c, expected;
    nnc_report_get_int(row, "class", &c);
    const bool known = c >= 0 && (uint64_t)c < a->classes && a->class_total;
    for (size_t k = 0; k < 3; k++) {
        const uint64_t *counts = k == 0 ? a->class_total : k == 1 ? a->class_right_a : a->class_right_b;
        char path[96];
        snprintf(path, sizeof(path), "accuracy.classes[class %" PRId64 "].%s", c, keys[k]);
        const bool has = nnc_report_get_int(row, keys[k], &expected);
        call(user, path, has, expected, known ? (int64_t)counts[c] : 0);
    }
}

void nnc_counts_compare(const nnc_report_row *root, const nnc_accuracy *a, nnc_counts_fn *call, void *user)
{
    int64_t expected;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (applies(a, rows[i].when)) {
            const bool has = nnc_report_get_int(root, rows[i].path, &expected);
            call(user, rows[i].path, has, expected, value(a, i));
        }
    }
    for (size_t i = 0; i < nnc_report_count(root, "accuracy.classes"); i++) {
        const nnc_report_row *row = nnc_report_at(root, "accuracy.classes", i);
        if (row) {
            compare_class(row, a, call, user);
        }
    }
}

void nnc_task_report(nnc_report_row *root, const nnc_task_result *task)
{
    if (!task->task) {
        return;
    }
    nnc_report_string(root, "accuracy.task", task->task->name);
    nnc_report_string(root, "accuracy.task_how", task->how);
    for (size_t i = 0; i < task->count; i++) {
        const nnc_task_metric *m = &task->metrics[i];
        nnc_report_row *row = nnc_report_append(root, "accuracy.figures");
        nnc_report_string(row, "name", m->name);
        nnc_report_string(row, "label", m->label);
        nnc_report_string(row, "unit", m->unit);
        nnc_report_double(row, "fp32", m->a);
        nnc_report_double(row, "int8", m->b);
        nnc_report_double(row, "both", m->pair);
    }
}
