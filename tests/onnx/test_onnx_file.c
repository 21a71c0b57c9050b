/* Model file and protobuf: items 1 to 25 of docs/reliability.md. SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdbool.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "onnx/harness.h"

static void item_01_missing(void **state)
{
    (void)state;
    write_wire("resnet50.onnx", w_relu_model());
    REFUSE_FILE(in_folder("resnet5.onnx"), NULL, NNC_ERR_IO, "did you mean 'resnet50.onnx'?");
    REFUSE_FILE("/no/such/folder/m.onnx", NULL, NNC_ERR_IO, "cannot open");
}

static void item_02_directory(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("dir"), 0777), 0);
    REFUSE_FILE(in_folder("dir"), NULL, NNC_ERR_IO, "is a directory");
    write_wire("dir/model.onnx", w_relu_model());
    REFUSE_FILE(in_folder("dir"), NULL, NNC_ERR_IO, "it contains model.onnx, pass that");
}

static void item_03_permission(void **state)
{
    (void)state;
    const char *path = write_wire("secret.onnx", w_relu_model());
    assert_int_equal(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) {
        print_message("this user may read everything: permission not tested\n");
        skip();
    }
    REFUSE_FILE(path, NULL, NNC_ERR_IO, "permission denied");
}

static void item_04_not_regular(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(in_folder("pipe.onnx"), 0666), 0);
    REFUSE_FILE(in_folder("pipe.onnx"), NULL, NNC_ERR_IO, "is a pipe, not a regular file");
    REFUSE_FILE("/dev/zero", NULL, NNC_ERR_IO, "is a device, not a regular file");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("s.onnx"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    REFUSE_FILE(in_folder("s.onnx"), NULL, NNC_ERR_IO, NULL);
    close(fd);
}

static wire bytes(const char *data, size_t n)
{
    wire w = {0};
    wire_put(&w, data, n);
    return w;
}
#define BYTES(text) bytes(text, sizeof(text) - 1)

static void item_05_to_07_not_a_model(void **state)
{
    (void)state;
    REFUSE(BYTES(""), NNC_ERR_MODEL, "m.onnx: empty file");
    REFUSE(BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12345\n"),
           NNC_ERR_MODEL, "Git LFS pointer, not a model; run `git lfs pull`");
    REFUSE(BYTES("<!DOCTYPE html><html><body>404</body></html>"), NNC_ERR_MODEL, "HTML page");
    REFUSE(BYTES("\n  <html lang=en>"), NNC_ERR_MODEL, "HTML page");
    REFUSE(BYTES("{\"error\": \"not found\"}"), NNC_ERR_MODEL, "JSON document");
    REFUSE_FILE(write_file("zero.onnx", "", 0), NULL, NNC_ERR_MODEL, "zero.onnx: empty file");
}

static void item_08_other_formats(void **state)
{
    (void)state;
    REFUSE(BYTES("PK\x03\x04"
                 "0000000000archive/data.pkl"),
           NNC_ERR_MODEL, "PyTorch checkpoint");
    REFUSE(BYTES("PK\x03\x04"
                 "0000000000config.json"),
           NNC_ERR_MODEL, "Keras");
    REFUSE(BYTES("PK\x03\x04"
                 "0000000000readme.txt"),
           NNC_ERR_MODEL, "ZIP archive");
    REFUSE(BYTES("\x80\x02}q\x01."), NNC_ERR_MODEL, "pickle");
    REFUSE(BYTES("\x1c\0\0\0TFL3\0\0"), NNC_ERR_MODEL, "TensorFlow Lite");
    REFUSE(BYTES("\x89HDF\r\n\x1a\n\0\0"), NNC_ERR_MODEL, "HDF5");
    REFUSE(BYTES("ptrt\0\0\0\0"), NNC_ERR_MODEL, "TensorRT plan");
    REFUSE(BYTES("GGUF\x03\0\0\0"), NNC_ERR_MODEL, "GGUF");
    REFUSE(BYTES("\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}"), NNC_ERR_MODEL, "safetensors");
    REFUSE(BYTES("<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">"), NNC_ERR_MODEL,
           "OpenVINO");
    REFUSE(BYTES("\x1f\x8b\x08\0"), NNC_ERR_MODEL, "gzip");
    REFUSE(BYTES("\x28\xb5\x2f\xfd\0"), NNC_ERR_MODEL, "Zstandard");
    REFUSE(BYTES("ir_version: 8\ngraph {\n}\n"), NNC_ERR_MODEL, "text format");
    REFUSE(BYTES("\x93NUMPY\x01\0"), NNC_ERR_MODEL, "NumPy");
}

static void item_09_truncated(void **state)
{
    (void)state;
    wire m = w_relu_model();
    m.len -= 2;
    REFUSE(m, NNC_ERR_MODEL, "truncated: field at offset");
}

static void item_11_nesting(void **state)
{
    (void)state;
    /* Node, attribute, graph, node, ...: three levels each. */
    wire g = {0};
    for (int i = 0; i < 30; i++) {
        wire n = w_node("If", NULL, NULL, "y");
        w_attr_graph(&n, "then_branch", g);
        g = (wire){0};
        g_node(&g, n);
    }
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL, "nesting deeper than 64");
}

static void item_12_empty_messages(void **state)
{
    (void)state;
    wire g = w_graph();
    for (int i = 0; i < 1000000; i++) {
        wire_bytes(&g, 1, NULL, 0);
    }
    REFUSE(w_model(g, 8, 13), NNC_ERR_LIMIT, "budget");
}

static void item_13_unknown_fields(void **state)
{
    (void)state;
    wire m = w_relu_model();
    for (int i = 0; i < 70000; i++) {
        wire_int(&m, 1000, 1);
    }
    REFUSE(m, NNC_ERR_MODEL, "unknown fields");
    m = w_relu_model();
    for (int i = 0; i < 100; i++) {
        wire_int(&m, 1000, 1);
    }
    TAKE(m);
}

static wire relu_and(const void *data, size_t n)
{
    wire m = w_relu_model();
    wire_put(&m, data, n);
    return m;
}

static void item_14_bad_tags(void **state)
{
    (void)state;
    REFUSE(relu_and("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12), NNC_ERR_MODEL,
           "twice");
    REFUSE(relu_and("\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12), NNC_ERR_MODEL,
           "longer than 64 bits");
    REFUSE(relu_and("\x00\x01", 2), NNC_ERR_MODEL, "has number 0");
    REFUSE(relu_and("\xf8\xff\xff\xff\x1f\x01", 6), NNC_ERR_MODEL, "allowed are 1 to 536870911");
    REFUSE(relu_and("\x0b", 1), NNC_ERR_MODEL, "wire type 3");
    REFUSE(relu_and("\x0c", 1), NNC_ERR_MODEL, "wire type 4");
    REFUSE(relu_and("\x0e", 1), NNC_ERR_MODEL, "wire type 6");
    REFUSE(relu_and("\x0f", 1), NNC_ERR_MODEL, "wire type 7");
    REFUSE(relu_and("\x30\x01", 2), NNC_ERR_MODEL,
           "ModelProto.doc_string has wire type 0, expected 2");
}

static void item_15_lengths(void **state)
{
    (void)state;
    REFUSE(relu_and("\x32\xff\xff\xff\xff\x0f", 6), NNC_ERR_MODEL,
           "needs 4294967295 bytes, 0 remain");
    REFUSE(relu_and("\x32\x05"
                    "abcd",
                    6),
           NNC_ERR_MODEL, "needs 5 bytes, 4 remain");
}

static wire with_init(wire tensor)
{
    wire g = w_graph();
    g_init(&g, tensor);
    g_node(&g, w_node("Add", "add", "x,w", "y"));
    return w_model(g, 8, 13);
}

static void item_16_packed(void **state)
{
    (void)state;
    wire t = w_tensor_head("w", W_FLOAT, "1,4");
    wire_bytes(&t, 4, "0123456789abcde", 15);
    REFUSE(with_init(t), NNC_ERR_MODEL, "packed float_data has 15 bytes, not a multiple of 4");
    t = w_tensor_head("w", 11, "1,1");
    wire_bytes(&t, 10, "0123456789", 10);
    REFUSE(with_init(t), NNC_ERR_MODEL, "packed double_data has 10 bytes, not a multiple of 8");
}

/* Legal ways of writing the same: not packed, any order, messages in pieces. */
static void item_17_legal_protobuf(void **state)
{
    (void)state;
    wire t = w_tensor_head("w", W_FLOAT, "1,4");
    for (int i = 0; i < 4; i++) {
        wire_float(&t, 4, (float)i);
    }
    TAKE(with_init(t));
    t = (wire){0};
    wire_str(&t, 8, "w");
    wire_bytes(&t, 4, "\0\0\0\0\0\0\0\0", 8);
    wire_bytes(&t, 4, "\0\0\0\0\0\0\0\0", 8);
    wire_int(&t, 2, W_FLOAT);
    wire_bytes(&t, 1, "\x01\x04", 2); /* packed dims */
    TAKE(with_init(t));
    /* A type in two parts: element type here, shape there. */
    wire g = {0}, info = {0}, shape = {0}, dim = {0}, half = {0}, type = {0};
    wire_int(&half, 1, W_FLOAT);
    wire_msg(&type, 1, half);
    wire_str(&info, 1, "x");
    wire_msg(&info, 2, type);
    wire_int(&dim, 1, 4);
    wire_msg(&shape, 1, dim);
    half = (wire){0};
    wire_msg(&half, 2, shape);
    type = (wire){0};
    wire_msg(&type, 1, half);
    wire_msg(&info, 2, type);
    g_input(&g, info);
    g_output(&g, w_value("y", W_FLOAT, "4"));
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    nnc_graph *graph;
    ACCEPT(graph, w_model(g, 8, 13), NULL, NULL);
    const nnc_value *x = nnc_graph_value_const(graph, nnc_graph_input(graph, 0));
    assert_int_equal(x->dtype, NNC_DTYPE_FLOAT);
    assert_true(x->has_shape && x->shape.rank == 1 && x->shape.dims[0] == 4);
    nnc_graph_destroy(graph);
}

static void item_18_two_graphs(void **state)
{
    (void)state;
    wire m = w_relu_model();
    wire_msg(&m, 7, w_graph());
    REFUSE(m, NNC_ERR_MODEL, "ModelProto.graph is there twice");
}

static wire relu_of(int64_t ir, int64_t opset)
{
    wire g = w_graph();
    g_node(&g, w_node("Relu", "relu", "x", "y"));
    return w_model(g, ir, opset);
}

static void item_19_ir_version(void **state)
{
    (void)state;
    heard h = {0};
    nnc_graph *g;
    REFUSE(relu_of(0, 13), NNC_ERR_UNSUPPORTED, "IR version is 0, supported are 3 to 14");
    REFUSE(relu_of(2, 13), NNC_ERR_UNSUPPORTED, "IR version is 2");
    TAKE(relu_of(3, 13));
    TAKE(relu_of(14, 13));
    ACCEPT(g, relu_of(15, 13), NULL, &h);
    nnc_graph_destroy(g);
    assert_int_equal(h.warnings, 1);
    wire m = relu_of(15, 13);
    wire_int(&m, 99, 1);
    REFUSE(m, NNC_ERR_UNSUPPORTED, "IR version 15 is newer than 14 and 1 fields are unknown");
}

static void item_20_imports(void **state)
{
    (void)state;
    REFUSE(relu_of(8, 0), NNC_ERR_MODEL, "imports no operator set");
    wire m = relu_of(8, 13);
    wire_msg(&m, 8, w_opset("", 14));
    REFUSE(m, NNC_ERR_MODEL, "imports domain 'ai.onnx' in versions 13 and 14");
    m = relu_of(8, 13);
    wire_msg(&m, 8, w_opset("ai.onnx", 12));
    REFUSE(m, NNC_ERR_MODEL, "in versions 13 and 12");
    m = relu_of(8, 13);
    wire_msg(&m, 8, w_opset("ai.onnx", 13));
    TAKE(m);
}

static void item_21_opset_window(void **state)
{
    (void)state;
    REFUSE(relu_of(8, 29), NNC_ERR_UNSUPPORTED, "opset 29, supported are 1 to 28");
    TAKE(relu_of(8, 1));
    TAKE(relu_of(8, 28));
}

static void item_22_no_graph(void **state)
{
    (void)state;
    wire m = {0};
    wire_int(&m, 1, 8);
    REFUSE(m, NNC_ERR_MODEL, "has no graph");
    wire g = {0};
    g_input(&g, w_value("x", W_FLOAT, "1"));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL, "graph has no outputs");
    g = (wire){0};
    g_input(&g, w_value("x", W_FLOAT, "1"));
    g_output(&g, w_value("x", W_FLOAT, "1"));
    TAKE(w_model(g, 8, 13)); /* hands its input through */
}

static wire named(const char *name, size_t n)
{
    wire g = w_graph(), node = w_node("Relu", NULL, "x", "y");
    wire_bytes(&node, 3, name, n);
    g_node(&g, node);
    return w_model(g, 8, 13);
}

static void item_23_names(void **state)
{
    (void)state;
    char *large = malloc(1 << 20);
    memset(large, 'n', 1 << 20);
    REFUSE(named("a\0b", 3), NNC_ERR_MODEL, "NodeProto.name holds a NUL byte");
    REFUSE(named("\xc3\x28", 2), NNC_ERR_MODEL, "NodeProto.name is not valid UTF-8");
    REFUSE(named(large, 1 << 20), NNC_ERR_MODEL, "at most 4096 are allowed");
    TAKE(named(large, 4096));
    free(large);
    wire g = w_graph();
    g_node(&g, w_node("Relu", "a\x1b[31m\nb", "x", "z"));
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL, NULL);
    assert_null(strchr(nnc_error_message(), '\x1b'));
    assert_null(strchr(nnc_error_message(), '\n'));
}

static void item_24_changed(void **state)
{
    (void)state;
    nnc_graph *g;
    nnc_onnx_info info;
    const char *path = write_wire("changes.onnx", w_relu_model());
    ACCEPT_FILE(g, path, NULL, &info);
    nnc_graph_destroy(g);
    assert_int_equal(nnc_onnx_recheck(path, &info), NNC_OK);
    write_wire("changes.onnx", relu_of(8, 14));
    assert_int_equal(nnc_onnx_recheck(path, &info), NNC_ERR_IO);
    assert_non_null(strstr(nnc_error_message(), "was changed while it was in use"));
    unlink(path);
    assert_int_equal(nnc_onnx_recheck(path, &info), NNC_ERR_IO);
}

static wire external_model(void)
{
    wire t = w_tensor_head("w", W_FLOAT, "1,4"), e = {0};
    wire_str(&e, 1, "location");
    wire_str(&e, 2, "w.bin");
    wire_msg(&t, 13, e);
    wire_int(&t, 14, 1);
    return with_init(t);
}

static void item_25_no_path(void **state)
{
    (void)state;
    REFUSE(external_model(), NNC_ERR_MODEL, "external data needs a file path");
    /* The same through standard input, even where the data lies in the current folder. */
    const char *path = write_wire("stdin.onnx", external_model());
    write_file("w.bin", "0123456789abcdef", 16);
    int keep = dup(0), fd = open(path, O_RDONLY);
    dup2(fd, 0);
    REFUSE_FILE("-", NULL, NNC_ERR_MODEL, "standard input: ");
    lseek(fd, 0, SEEK_SET);
    REFUSE_FILE("-", NULL, NNC_ERR_MODEL, "external data needs a file path");
    close(fd);
    path = write_wire("plain.onnx", w_relu_model());
    fd = open(path, O_RDONLY);
    dup2(fd, 0);
    nnc_graph *g;
    ACCEPT_FILE(g, "-", NULL, NULL);
    nnc_graph_destroy(g);
    dup2(keep, 0);
    close(keep);
    close(fd);
}

/* Check goes on after an error and gives all of them. */
static void check_collects(void **state)
{
    (void)state;
    wire g = w_graph();
    g_init(&g, w_tensor("short", W_FLOAT, "4", "123", 3));
    g_node(&g, w_node("Relu", "a", "nowhere", "b"));
    g_node(&g, w_node("Relu", "c", "missing", "d"));
    g_node(&g, w_node("Relu", "e", "x", "y"));
    const char *path = write_wire("bad.onnx", w_model(g, 8, 13));
    nnc_str report = {0};
    assert_int_equal(nnc_onnx_check(&report, path, NULL, NULL, NULL), NNC_ERR_MODEL);
    assert_non_null(strstr(nnc_str_get(&report), "'short'"));
    assert_non_null(strstr(nnc_str_get(&report), "'nowhere'"));
    assert_non_null(strstr(nnc_str_get(&report), "'missing'"));
    nnc_str_deinit(&report);
    assert_int_equal(
        nnc_onnx_check(&report, write_wire("ok.onnx", w_relu_model()), NULL, NULL, NULL), NNC_OK);
    assert_int_equal(report.len, 0);
    nnc_str_deinit(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_01_missing),
        cmocka_unit_test(item_02_directory),
        cmocka_unit_test(item_03_permission),
        cmocka_unit_test(item_04_not_regular),
        cmocka_unit_test(item_05_to_07_not_a_model),
        cmocka_unit_test(item_08_other_formats),
        cmocka_unit_test(item_09_truncated),
        cmocka_unit_test(item_11_nesting),
        cmocka_unit_test(item_12_empty_messages),
        cmocka_unit_test(item_13_unknown_fields),
        cmocka_unit_test(item_14_bad_tags),
        cmocka_unit_test(item_15_lengths),
        cmocka_unit_test(item_16_packed),
        cmocka_unit_test(item_17_legal_protobuf),
        cmocka_unit_test(item_18_two_graphs),
        cmocka_unit_test(item_19_ir_version),
        cmocka_unit_test(item_20_imports),
        cmocka_unit_test(item_21_opset_window),
        cmocka_unit_test(item_22_no_graph),
        cmocka_unit_test(item_23_names),
        cmocka_unit_test(item_24_changed),
        cmocka_unit_test(item_25_no_path),
        cmocka_unit_test(check_collects),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
