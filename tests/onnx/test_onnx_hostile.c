/* Damaged files: every truncation, flipped bits, extreme nesting, memory. SPDX-License-Identifier:
 * Apache-2.0 Nothing here may crash, hang or take more memory than the budget; which error it is
 * does not matter. */
#include <stdbool.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include "base/rng.h"
#include "onnx/harness.h"
#include "onnx/rich.h"

/* Loads a copy of exactly n bytes, so that reading one more is found by sanitizers. */
static nnc_status load_exactly(const uint8_t *data, size_t n)
{
    nnc_graph *g;
    uint8_t *copy = malloc(n > 0 ? n : 1);
    memcpy(copy, data, n);
    nnc_status status = nnc_onnx_load_memory(&g, copy, n, "m.onnx", NULL, NULL, NULL);
    nnc_graph_destroy(g);
    free(copy);
    return status;
}

static void item_09_every_truncation(void **state)
{
    (void)state;
    wire m = rich_model();
    assert_int_equal(load_exactly(m.data, m.len), NNC_OK);
    size_t loaded = 0;
    for (size_t n = 0; n < m.len; n++) {
        nnc_status status = load_exactly(m.data, n);
        assert_true(status == NNC_OK || status == NNC_ERR_MODEL || status == NNC_ERR_UNSUPPORTED);
        loaded += status == NNC_OK;
    }
    /* Only what follows the graph, imports and functions may be cut off unnoticed. */
    assert_true(loaded <= 2);
    wire_free(&m);
}

static void item_10_flipped_bits(void **state)
{
    (void)state;
    wire m = rich_model();
    nnc_rng rng;
    nnc_rng_init(&rng, 10, 0);
    for (int i = 0; i < 1000; i++) {
        uint32_t at = nnc_rng_below(&rng, (uint32_t)m.len), bit = nnc_rng_below(&rng, 8);
        m.data[at] ^= (uint8_t)(1u << bit);
        nnc_status status = load_exactly(m.data, m.len);
        assert_true(status == NNC_OK || status == NNC_ERR_MODEL || status == NNC_ERR_UNSUPPORTED ||
                    status == NNC_ERR_LIMIT);
        m.data[at] ^= (uint8_t)(1u << bit);
    }
    wire_free(&m);
}

static void item_10_random_bytes(void **state)
{
    (void)state;
    nnc_rng rng;
    nnc_rng_init(&rng, 11, 0);
    for (int i = 0; i < 1000; i++) {
        uint8_t data[256];
        size_t n = nnc_rng_below(&rng, sizeof data) + 1;
        for (size_t k = 0; k < n; k++) {
            data[k] = (uint8_t)nnc_rng_u32(&rng);
        }
        assert_int_not_equal(load_exactly(data, n), NNC_OK);
    }
}

/* A million nested messages: type of a sequence of a sequence of ... Lengths are written from the
 * inside out. */
static void item_11_a_million_levels(void **state)
{
    (void)state;
    enum { LEVELS = 1000000 };
    size_t cap = (size_t)LEVELS * 2 * 6 + 64, at = cap;
    uint8_t *data = malloc(cap);
    for (int i = 0; i < 2 * LEVELS; i++) {
        size_t len = cap - at;
        uint8_t number[5];
        size_t n = 0;
        do {
            number[n++] = (uint8_t)((len & 0x7f) | (len > 0x7f ? 0x80 : 0));
            len >>= 7;
        } while (len > 0);
        at -= n;
        memcpy(data + at, number, n);
        data[--at] = i % 2 == 0 ? 0x0a : 0x22; /* Sequence.elem_type, TypeProto.sequence_type */
    }
    wire g = {0}, info = {0};
    wire_str(&info, 1, "x");
    wire_bytes(&info, 2, data + at, cap - at);
    free(data);
    g_input(&g, info);
    REFUSE(w_model(g, 8, 13), NNC_ERR_MODEL, "nesting deeper than 64");
}

/* Runs `make`'s model in a child and gives its peak memory in MiB. */
static long peak_of(wire model, bool refused)
{
    pid_t child = fork();
    if (child == 0) {
        nnc_graph *g;
        nnc_status status =
            nnc_onnx_load_memory(&g, model.data, model.len, "m.onnx", NULL, NULL, NULL);
        nnc_graph_destroy(g);
        _exit((status != NNC_OK) == refused ? 0 : 1);
    }
    struct rusage usage;
    int code;
    assert_int_equal(wait4(child, &code, 0, &usage), child);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    wire_free(&model);
    return usage.ru_maxrss / 1024;
}

static bool has_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer);
#else
    return false;
#endif
}

static void item_12_memory(void **state)
{
    (void)state;
    if (has_sanitizer()) {
        print_message("memory of a sanitizer build says nothing\n");
        skip();
    }
    /* 2 MB of empty nodes, of unknown fields, of empty dimensions, of packed numbers. */
    for (int kind = 0; kind < 4; kind++) {
        wire g = w_graph(), shape = {0};
        uint8_t *bytes = calloc(1, 2000000);
        for (int i = 0; kind == 0 && i < 1000000; i++) {
            wire_bytes(&g, 1, NULL, 0);
        }
        for (int i = 0; kind == 1 && i < 1000000; i++) {
            wire_bytes(&shape, 1, NULL, 0);
        }
        if (kind == 1) {
            wire info = {0}, type = {0}, tensor = {0};
            wire_msg(&tensor, 2, shape);
            wire_msg(&type, 1, tensor);
            wire_msg(&info, 2, type);
            g_info(&g, info);
        }
        if (kind == 2) {
            wire t = w_tensor_head("w", W_INT64, "2000000");
            wire_bytes(&t, 7, bytes, 2000000);
            g_init(&g, t);
            g_node(&g, w_node("Relu", NULL, "x", "y"));
        }
        wire m = w_model(g, 8, 13);
        for (int i = 0; kind == 3 && i < 1000000; i++) {
            wire_int(&m, 999, 0);
        }
        free(bytes);
        long peak = peak_of(m, kind != 2);
        assert_true(peak < 64 + 16 * 3 + 128);
    }
}

/* Large weights stay in the file: the peak is far below twice their size. */
static void weights_stay_in_the_file(void **state)
{
    (void)state;
    if (has_sanitizer()) {
        print_message("memory of a sanitizer build says nothing\n");
        skip();
    }
    enum { COUNT = 16 << 20 };
    wire g = {0};
    float *w = calloc(COUNT, sizeof *w);
    /* Names of different lengths until the data is aligned for float32 in the file. */
    char name[8] = "w";
    for (bool written = false; !written; strcat(name, "w")) {
        g_init(&g, w_tensor(name, W_FLOAT, "16777216", w, COUNT * sizeof *w));
        g_node(&g, w_node("Relu", NULL, name, "y"));
        g_output(&g, w_value("y", W_FLOAT, NULL));
        wire m = w_model(g, 8, 13);
        g = (wire){0};
        const uint8_t *raw =
            memmem(m.data, 400, "\x4a\x80\x80\x80\x20", 5); /* raw_data of 64 MiB */
        assert_non_null(raw);
        written = (raw + 5 - m.data) % 4 == 0;
        if (written) {
            write_wire("large.onnx", m);
        } else {
            wire_free(&m);
        }
    }
    free(w);
    pid_t child = fork();
    if (child == 0) {
        nnc_graph *graph;
        struct rusage usage;
        nnc_status status = nnc_onnx_load(&graph, in_folder("large.onnx"), NULL, NULL, NULL);
        getrusage(RUSAGE_SELF, &usage);
        nnc_graph_destroy(graph);
        _exit(status == NNC_OK && usage.ru_maxrss / 1024 < 64 + 40 ? 0 : 1);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_09_every_truncation), cmocka_unit_test(item_10_flipped_bits),
        cmocka_unit_test(item_10_random_bytes),     cmocka_unit_test(item_11_a_million_levels),
        cmocka_unit_test(item_12_memory),           cmocka_unit_test(weights_stay_in_the_file),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
