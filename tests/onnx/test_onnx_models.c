/* The shared trained models: import all, export, load and export again with equal bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include <dirent.h>

#include "base/file.h"
#include "onnx/harness.h"

static void check_model(const char *name)
{
    char path[512];
    nnc_graph *g;
    nnc_onnx_info info;
    nnc_onnx_load_options options = {0};
    const nnc_onnx_save_options replace = {.mode = NNC_FILE_REPLACE};
    nnc_onnx_save_info saved;
    snprintf(path, sizeof path, "%s/models/%s/model.onnx", NNC_TEST_SHARED_DIR, name);
    print_message("%s\n", name);
    ACCEPT_FILE(g, path, &options, &info);
    int64_t opset = info.opset;
    expect_status(nnc_onnx_save(g, in_folder("a.onnx"), &replace, &saved, NULL), NNC_OK, NULL,
                  __FILE__, __LINE__);
    nnc_graph_destroy(g);
    /* QLinearConv with one scale per channel becomes DequantizeLinear, which has that from opset 13
     * on. */
    bool raised = strcmp(name, "shufflenetv2-int8") == 0;
    assert_int_equal(saved.opset, raised ? 13 : opset);
    assert_int_equal(saved.raised, raised);
    ACCEPT_FILE(g, in_folder("a.onnx"), &options, NULL);
    expect_status(nnc_onnx_save(g, in_folder("b.onnx"), &replace, &saved, NULL), NNC_OK, NULL,
                  __FILE__, __LINE__);
    nnc_graph_destroy(g);
    nnc_file_map a, b;
    assert_int_equal(nnc_file_map_open(&a, in_folder("a.onnx"), 0), NNC_OK);
    assert_int_equal(nnc_file_map_open(&b, in_folder("b.onnx"), 0), NNC_OK);
    assert_int_equal(a.bytes, b.bytes);
    assert_memory_equal(a.data, b.data, a.bytes);
    nnc_file_map_close(&a);
    nnc_file_map_close(&b);
    nnc_tensor t;
    snprintf(path, sizeof path, "%s/models/%s/test_data_set_0/input_0.pb", NNC_TEST_SHARED_DIR,
             name);
    expect_status(nnc_onnx_read_tensor(&t, NULL, path), NNC_OK, NULL, __FILE__, __LINE__);
    nnc_tensor_deinit(&t);
}

static void all_models(void **state)
{
    (void)state;
    DIR *dir = opendir(NNC_TEST_SHARED_DIR "/models");
    assert_non_null(dir);
    const struct dirent *entry;
    unsigned count = 0;
    while ((entry = readdir(dir)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/models/%s/model.onnx", NNC_TEST_SHARED_DIR, entry->d_name);
        if (entry->d_name[0] != '.' && access(path, R_OK) == 0) {
            check_model(entry->d_name);
            count++;
        }
    }
    closedir(dir);
    assert_true(count >= 14);
}

int main(void)
{
    if (access(NNC_TEST_SHARED_DIR "/models", R_OK) != 0) {
        printf("skipped: no shared models in %s\n", NNC_TEST_SHARED_DIR);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_models)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
