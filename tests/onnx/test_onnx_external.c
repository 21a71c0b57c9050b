/* External data: items 68 to 75 of docs/reliability.md. SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>

#include "onnx/harness.h"

typedef struct entry {
    const char *key, *value;
} entry;

/* Tensor 'name' of 4 float32 in external data with these entries. */
static wire tensor_at(const char *name, const entry *entries, size_t n)
{
    wire t = w_tensor_head(name, W_FLOAT, "1,4");
    for (size_t i = 0; i < n; i++) {
        wire e = {0};
        wire_str(&e, 1, entries[i].key);
        wire_str(&e, 2, entries[i].value);
        wire_msg(&t, 13, e);
    }
    wire_int(&t, 14, 1);
    return t;
}

static wire model_of(wire tensor)
{
    wire g = w_graph();
    g_init(&g, tensor);
    g_node(&g, w_node("Add", "add", "x,w", "y"));
    return w_model(g, 8, 13);
}

#define AT(...)                                                                                    \
    write_wire("m.onnx",                                                                           \
               model_of(tensor_at("w", (const entry[]){__VA_ARGS__},                               \
                                  sizeof((const entry[]){__VA_ARGS__}) / sizeof(entry))))

static const float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void data_file(const char *name)
{
    write_file(name, numbers, sizeof numbers);
}

static void accepted(const char *path, const nnc_onnx_load_options *options, float first)
{
    nnc_graph *g;
    ACCEPT_FILE(g, path, options, NULL);
    const nnc_value *v = nnc_graph_value_const(g, nnc_graph_find_value(g, "w"));
    assert_true(((const float *)nnc_tensor_data(&v->tensor))[0] == first);
    nnc_graph_destroy(g);
}

static void plain(void **state)
{
    (void)state;
    data_file("w.bin");
    accepted(AT({"location", "w.bin"}), NULL, 1);
    accepted(AT({"location", "w.bin"}, {"offset", "16"}, {"length", "16"}), NULL, 5);
    accepted(AT({"location", "./w.bin"}, {"offset", "4"}), NULL, 2);
    assert_int_equal(mkdir(in_folder("sub"), 0777), 0);
    data_file("sub/w.bin");
    accepted(AT({"location", "sub/w.bin"}), NULL, 1);
    /* Misaligned for float32: copied. */
    write_file("odd.bin", "\0\0\0\x80\x3f\0\0\0\x40\0\0\0\0\0\0\0\0", 17);
    accepted(AT({"location", "odd.bin"}, {"offset", "1"}, {"length", "16"}), NULL, 1);
}

static void item_68_locations(void **state)
{
    (void)state;
    data_file("w.bin");
    REFUSE_FILE(AT({"location", "../w.bin"}), NULL, NNC_ERR_MODEL, "leaves the model's folder");
    REFUSE_FILE(AT({"location", "sub/../../w.bin"}), NULL, NNC_ERR_MODEL,
                "leaves the model's folder");
    REFUSE_FILE(AT({"location", "/etc/hostname"}), NULL, NNC_ERR_MODEL, "is absolute");
    REFUSE_FILE(AT({"location", "C:\\w.bin"}), NULL, NNC_ERR_MODEL, "is absolute");
    REFUSE_FILE(AT({"location", "sub\\w.bin"}), NULL, NNC_ERR_MODEL, "holds a backslash");
    REFUSE_FILE(AT({"location", ""}), NULL, NNC_ERR_MODEL, "location is empty");
    REFUSE_FILE(AT({"location", "."}), NULL, NNC_ERR_MODEL, "location is empty");
    REFUSE_FILE(AT({"location", "*/_ORT_MEM_ADDR_/*"}), NULL, NNC_ERR_MODEL, "is a memory marker");
    REFUSE_FILE(AT({"offset", "0"}), NULL, NNC_ERR_MODEL, "has no location");
    REFUSE_FILE(AT({"location", "w.bin"}, {"location", "v.bin"}), NULL, NNC_ERR_MODEL,
                "'location' is there twice");
    accepted(AT({"location", "w.bin"}, {"colour", "blue"}), NULL, 1);
    wire t = w_tensor_head("w", W_FLOAT, "1,4"), e = {0};
    wire_str(&e, 1, "location");
    wire_bytes(&e, 2, "w.bin\0x", 7);
    wire_msg(&t, 13, e);
    wire_int(&t, 14, 1);
    REFUSE_FILE(write_wire("m.onnx", model_of(t)), NULL, NNC_ERR_MODEL, "holds a NUL byte");
}

static void item_69_links(void **state)
{
    (void)state;
    const nnc_onnx_load_options hard = {.allow_hardlinks = true};
    data_file("w.bin");
    assert_int_equal(symlink("/etc/hostname", in_folder("out.bin")), 0);
    REFUSE_FILE(AT({"location", "out.bin"}), NULL, NNC_ERR_MODEL,
                "is a link to '/etc/hostname', outside");
    assert_int_equal(symlink("/etc", in_folder("outdir")), 0);
    REFUSE_FILE(AT({"location", "outdir/hostname"}), NULL, NNC_ERR_MODEL,
                "outside the model's folder");
    assert_int_equal(symlink("loop.bin", in_folder("loop.bin")), 0);
    REFUSE_FILE(AT({"location", "loop.bin"}), NULL, NNC_ERR_MODEL, "symbolic links");
    assert_int_equal(symlink("w.bin", in_folder("inside.bin")), 0);
    accepted(AT({"location", "inside.bin"}), NULL, 1);
    assert_int_equal(mkfifo(in_folder("fifo.bin"), 0666), 0);
    REFUSE_FILE(AT({"location", "fifo.bin"}), NULL, NNC_ERR_MODEL, "is not a regular file");
    assert_int_equal(mkdir(in_folder("dir.bin"), 0777), 0);
    REFUSE_FILE(AT({"location", "dir.bin"}), NULL, NNC_ERR_MODEL, "is not a regular file");
    data_file("h.bin");
    assert_int_equal(link(in_folder("h.bin"), in_folder("h2.bin")), 0);
    REFUSE_FILE(AT({"location", "h.bin"}), NULL, NNC_ERR_MODEL, "has 2 names (hard links)");
    accepted(AT({"location", "h.bin"}), &hard, 1);
}

/* snapshots/rev/model.onnx -> ../../blobs/a, and the data the same way. */
static void item_69_cache_of_blobs(void **state)
{
    (void)state;
    for (const char *const *d =
             (const char *const[]){"hub", "hub/blobs", "hub/snapshots", "hub/snapshots/rev", NULL};
         *d; d++) {
        assert_int_equal(mkdir(in_folder(*d), 0777), 0);
    }
    write_wire("hub/blobs/a",
               model_of(tensor_at("w", (const entry[]){{"location", "model.onnx_data"}}, 1)));
    data_file("hub/blobs/b");
    assert_int_equal(symlink("../../blobs/a", in_folder("hub/snapshots/rev/model.onnx")), 0);
    assert_int_equal(symlink("../../blobs/b", in_folder("hub/snapshots/rev/model.onnx_data")), 0);
    accepted(in_folder("hub/snapshots/rev/model.onnx"), NULL, 1);
    /* --external-dir opens one more folder, and only that. */
    assert_int_equal(mkdir(in_folder("store"), 0777), 0);
    assert_int_equal(mkdir(in_folder("model"), 0777), 0);
    data_file("store/far.bin");
    assert_int_equal(symlink("../store/far.bin", in_folder("model/w.bin")), 0);
    write_wire("model/m.onnx", model_of(tensor_at("w", (const entry[]){{"location", "w.bin"}}, 1)));
    REFUSE_FILE(in_folder("model/m.onnx"), NULL, NNC_ERR_MODEL, "outside the model's folder");
    const nnc_onnx_load_options options = {.external_dir = in_folder("store")};
    accepted(in_folder("model/m.onnx"), &options, 1);
}

static void item_70_missing(void **state)
{
    (void)state;
    wire g = w_graph();
    g_init(&g, tensor_at("w", (const entry[]){{"location", "gone1.bin"}}, 1));
    g_init(&g, tensor_at("v", (const entry[]){{"location", "gone2.bin"}}, 1));
    g_node(&g, w_node("Add", "a", "x,w", "p"));
    g_node(&g, w_node("Add", "b", "p,v", "y"));
    REFUSE_FILE(write_wire("m.onnx", w_model(g, 8, 13)), NULL, NNC_ERR_MODEL,
                "gone1.bin' is missing; also 'gone2.bin'");
    assert_non_null(strstr(nnc_error_message(), folder));
}

static void item_71_numbers(void **state)
{
    (void)state;
    data_file("w.bin");
    static const char *const bad[] = {"-1", "+5", "0x10", "1e3", " 1", "", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSE_FILE(AT({"location", "w.bin"}, {"offset", bad[i]}), NULL, NNC_ERR_MODEL,
                    "is not a number of bytes");
        REFUSE_FILE(AT({"location", "w.bin"}, {"length", bad[i]}), NULL, NNC_ERR_MODEL,
                    "is not a number of bytes");
    }
    REFUSE_FILE(AT({"location", "w.bin"}, {"offset", "20"}), NULL, NNC_ERR_MODEL,
                "has 32 bytes, needed are 16 from byte 20");
    REFUSE_FILE(AT({"location", "w.bin"}, {"offset", "18446744073709551608"}), NULL, NNC_ERR_MODEL,
                "has 32 bytes");
    REFUSE_FILE(AT({"location", "w.bin"}, {"length", "15"}), NULL, NNC_ERR_MODEL,
                "external data has 15 bytes");
}

static void item_72_shared_and_checksum(void **state)
{
    (void)state;
    data_file("w.bin");
    nnc_graph *graph;
    nnc_onnx_info info;
    wire g = w_graph();
    g_init(&g, tensor_at("w", (const entry[]){{"location", "w.bin"}}, 1));
    g_init(&g, tensor_at("v", (const entry[]){{"location", "w.bin"}, {"offset", "8"}}, 2));
    g_node(&g, w_node("Add", "a", "x,w", "p"));
    g_node(&g, w_node("Add", "b", "p,v", "y"));
    ACCEPT_FILE(graph, write_wire("m.onnx", w_model(g, 8, 13)), NULL, &info);
    assert_int_equal(info.external_bytes, 32);
    nnc_graph_destroy(graph);
    write_file("abc.bin", "abcabcabcabcabca", 16);
    /* SHA-1 of those 16 bytes. */
    accepted(AT({"location", "abc.bin"}, {"checksum", "3f47959bef357d50e99fd9ff0cd6aabce301d53a"}),
             NULL, 0x1.c6c4c2p+67f);
    REFUSE_FILE(
        AT({"location", "abc.bin"}, {"checksum", "da39a3ee5e6b4b0d3255bfef95601890afd80709"}), NULL,
        NNC_ERR_MODEL, "has SHA-1");
}

static void item_73_both(void **state)
{
    (void)state;
    data_file("w.bin");
    wire t = tensor_at("w", (const entry[]){{"location", "w.bin"}}, 1);
    wire_bytes(&t, 9, numbers, 16);
    REFUSE_FILE(write_wire("m.onnx", model_of(t)), NULL, NNC_ERR_MODEL,
                "has external data and data of its own");
    t = w_tensor("w", W_FLOAT, "1,4", numbers, 16);
    wire e = {0};
    wire_str(&e, 1, "location");
    wire_str(&e, 2, "w.bin");
    wire_msg(&t, 13, e);
    REFUSE_FILE(write_wire("m.onnx", model_of(t)), NULL, NNC_ERR_MODEL,
                "data_location is not EXTERNAL");
}

/* What was loaded stays what it was when the name gets another file behind it. */
static void item_74_replaced(void **state)
{
    (void)state;
    data_file("w.bin");
    nnc_graph *g;
    ACCEPT_FILE(g, AT({"location", "w.bin"}), NULL, NULL);
    write_file("other.bin", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
    assert_int_equal(rename(in_folder("other.bin"), in_folder("w.bin")), 0);
    const nnc_value *v = nnc_graph_value_const(g, nnc_graph_find_value(g, "w"));
    assert_true(((const float *)nnc_tensor_data(&v->tensor))[3] == 4.0f);
    nnc_graph_destroy(g);
}

/* A range at a misaligned place, named by very many tensors, is not copied for each of them. */
static void copies_are_bounded(void **state)
{
    (void)state;
    char *data = calloc(1, (4 << 20) + 1);
    write_file("big.bin", data, (4 << 20) + 1);
    free(data);
    wire g = w_graph();
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        wire t = w_tensor_head(name, W_FLOAT, "1048576"), a = {0}, b = {0};
        wire_str(&a, 1, "location");
        wire_str(&a, 2, "big.bin");
        wire_str(&b, 1, "offset");
        wire_str(&b, 2, "1");
        wire_msg(&t, 13, a);
        wire_msg(&t, 13, b);
        wire_int(&t, 14, 1);
        g_init(&g, t);
    }
    g_node(&g, w_node("Relu", NULL, "x", "y"));
    REFUSE_FILE(write_wire("m.onnx", w_model(g, 8, 13)), NULL, NNC_ERR_LIMIT,
                "share external data so often");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(plain),
        TEST(item_68_locations),
        TEST(item_69_links),
        TEST(item_69_cache_of_blobs),
        TEST(item_70_missing),
        TEST(item_71_numbers),
        TEST(item_72_shared_and_checksum),
        TEST(item_73_both),
        TEST(item_74_replaced),
        TEST(copies_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
