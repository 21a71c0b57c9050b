/* The op table: order, completeness of descriptors, and the generated page docs/operators.md.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "ops/op.h"

static void test_rows_are_sorted_and_found(void **state)
{
    (void)state;
    for (size_t i = 0; nnc_op_row(i); i++) {
        const nnc_op *op = nnc_op_row(i), *next = nnc_op_row(i + 1);
        assert_ptr_equal(nnc_op_find(op->domain, op->name), op);
        if (next) {
            int domain = strcmp(op->domain, next->domain);
            assert_true(domain < 0 || (domain == 0 && strcmp(op->name, next->name) < 0));
        }
    }
    assert_null(nnc_op_find("", "Frobnicate"));
    assert_null(nnc_op_find("nnc", "Conv"));
    assert_ptr_equal(nnc_op_find("ai.onnx", "Conv"), nnc_op_find("", "Conv"));
}

static void test_descriptors_are_complete(void **state)
{
    (void)state;
    for (size_t i = 0; nnc_op_row(i); i++) {
        const nnc_op *op = nnc_op_row(i);
        assert_non_null(op->infer);
        assert_non_null(op->lower);
        assert_true(op->min_in <= op->max_in && (op->min_out >= 1 || op->max_out > 1) && op->min_out <= op->max_out);
        for (size_t a = 1; a < op->attr_count; a++) {
            assert_true(strcmp(op->attrs[a - 1].name, op->attrs[a].name) < 0);
        }
    }
}

static void append_count(nnc_str *out, uint32_t lo, uint32_t hi)
{
    if (lo == hi) {
        nnc_str_appendf(out, "%u", (unsigned)lo);
    } else if (hi == UINT32_MAX) {
        nnc_str_appendf(out, "%u+", (unsigned)lo);
    } else {
        nnc_str_appendf(out, "%u-%u", (unsigned)lo, (unsigned)hi);
    }
}

static void make_page(nnc_str *out)
{
    static const char *const layouts[] = {"any", "channels-last", "axis", "ONNX order"};
    static const char *const quants[] = {"integer contract", "keeps the grid", "table", "float"};
    size_t count = 0;
    while (nnc_op_row(count)) {
        count++;
    }
    nnc_str_append(out, "# Operators\n\nGenerated from `src/ops/ops.def` by the test `ops_table` "
                        "(run it with `NNC_UPDATE_DOCS=1` to write this "
                        "file again). The internal form is the newest opset's;\nolder nodes are "
                        "upgraded at import.\n\n");
    nnc_str_appendf(out, "%zu operators.\n\n", count);
    nnc_str_append(out, "| operator | inputs | outputs | attributes | layout | quantized as "
                        "|\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; nnc_op_row(i); i++) {
        const nnc_op *op = nnc_op_row(i);
        nnc_str_appendf(out, "| %s%s%s | ", op->domain, op->domain[0] ? "." : "", op->name);
        append_count(out, op->min_in, op->max_in);
        nnc_str_append(out, " | ");
        append_count(out, op->min_out, op->max_out);
        nnc_str_append(out, " | ");
        for (size_t a = 0; a < op->attr_count; a++) {
            nnc_str_appendf(out, "%s%s", a > 0 ? ", " : "", op->attrs[a].name);
        }
        nnc_str_appendf(out, "%s| %s | %s |\n", op->attr_count > 0 ? " " : "", layouts[op->layout],
                        quants[op->quant]);
    }
}

static void test_page_is_up_to_date(void **state)
{
    const char *path = NNC_TEST_SOURCE_DIR "/docs/operators.md";
    nnc_str page = {0};
    nnc_file_map file;
    (void)state;
    make_page(&page);
    if (getenv("NNC_UPDATE_DOCS")) {
        nnc_file_out *out;
        assert_int_equal(nnc_file_out_create(&out, path, NNC_FILE_REPLACE), NNC_OK);
        assert_int_equal(nnc_file_out_write(out, page.data, page.len), NNC_OK);
        assert_int_equal(nnc_file_out_commit(out), NNC_OK);
    }
    assert_int_equal(nnc_file_map_open(&file, path, 1 << 20), NNC_OK);
    bool same = file.bytes == page.len && memcmp(file.data, page.data, page.len) == 0;
    if (!same) {
        print_error(
            "docs/operators.md is out of date: run test_ops_table with NNC_UPDATE_DOCS=1\n");
    }
    assert_true(same);
    nnc_file_map_close(&file);
    nnc_str_deinit(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sorted_and_found),
        cmocka_unit_test(test_descriptors_are_complete),
        cmocka_unit_test(test_page_is_up_to_date),
    };
    return cmocka_run_group_tests_name("op table", tests, NULL, NULL);
}
