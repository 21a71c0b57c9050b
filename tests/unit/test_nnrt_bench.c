/* nnrt-bench as its users call it: golden files, comparison, exit codes, JSON. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/ops/rop.h"

static char folder[] = "/tmp/nnrt-bench-XXXXXX";

static void write_file(const char *name, const void *data, size_t bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* x f32 [n,64] -> y u8, in a file. */
static void write_plan(const char *name, float scale)
{
    const nnrt_shape shape = {.rank = 2, .dims = {NNRT_DIM_UNKNOWN, 64}};
    const nnrt_quantize_params p = {.scale = scale, .zero_point = 128, .qmin = 0, .qmax = 255};
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    const uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &shape, 0, NULL);
    const uint32_t y = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_U8, &shape, 0, NULL);
    nnrt_builder_input(b, x);
    nnrt_builder_node(b, NNRT_ROP_ID_QUANTIZE, "grid", &p, sizeof p, &x, 1, &y, 1);
    nnrt_builder_output(b, y, "y");
    void *image;
    size_t bytes;
    assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_OK);
    nnrt_builder_destroy(b);
    write_file(name, image, bytes);
    nnc_free(image);
}

/* Runs it in the folder; both outputs go to the file "out". Returns the exit code. */
static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s %s >out 2>&1", folder, NNRT_BENCH, arguments);
    const int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static char *contents(const char *name, size_t *bytes)
{
    static char text[65536];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[*bytes] = '\0';
    return text;
}

static void expect(const char *arguments, int code, const char *words)
{
    size_t bytes;
    const int got = run(arguments);
    const char *out = contents("out", &bytes);
    if (got != code || strstr(out, words) == NULL)
        fail_msg("%s: exit %d, expected %d with '%s': %s", arguments, got, code, words, out);
}

static void test_golden(void **state)
{
    (void)state;
    size_t bytes;
    expect("a.nncp --batch 1,3 --seconds 0 --isa ref --write-golden g", 0, "batch 3");
    expect("a.nncp --batch 3,1 --seconds 0 --golden g --verify", 0, "equal to the golden outputs and equal to the CPU");
    expect("a.nncp --batch 2 --seconds 0 --golden g", 5, "no outputs of batch 2");
    expect("a.nncp --batch 1 --seconds 0 --golden g --seed 2", 5, "made with seed 1, now it is 2");
    expect("b.nncp --batch 1 --seconds 0 --golden g", 5, "made for a plan with hash");
    expect("a.nncp --batch 1 --seconds 0 --golden a.nncp", 5, "not a golden file");
    expect("a.nncp b.nncp --seconds 0 --golden g", 2, "belongs to one plan, 2 are given");

    /* The last byte is an output of batch 3. */
    const char *golden = contents("g", &bytes);
    uint8_t *wrong = malloc(bytes);
    assert_non_null(wrong);
    memcpy(wrong, golden, bytes);
    wrong[bytes - 1] ^= 1;
    write_file("wrong", wrong, bytes);
    write_file("short", wrong, bytes - 5);
    free(wrong);
    expect("a.nncp --batch 1 --seconds 0 --golden wrong", 0, "equal to the golden outputs");
    expect("a.nncp --batch 3 --seconds 0 --golden wrong", 9, "batch 3: output 'y'[2,63] is");
    expect("a.nncp --batch 3 --seconds 0 --golden wrong", 9, "1 of 192 elements differ");
    expect("a.nncp --batch 3 --seconds 0 --golden short", 5, "ends early");
}

static void test_measures(void **state)
{
    (void)state;
    size_t bytes;
    expect("a.nncp --batch 2 --seconds 0.01 --warmup 0 --verify --profile --json j", 0, "sum of the nodes");
    const char *json = contents("j", &bytes);
    assert_non_null(strstr(json, "\"batch\":2"));
    assert_non_null(strstr(json, "\"equal_to_cpu\":true,\"equal_to_golden\":null"));
    assert_non_null(strstr(json, "\"nodes\":[{\"name\":\"grid\",\"op\":\"quantize\""));
    expect("a.nncp --seconds 0 --device auto", 0, "a.nncp on C");
    if (getenv("NNRT_CUDA_PLUGIN") != NULL) {
        expect("a.nncp --batch 1,3 --seconds 0 --isa ref --write-golden g", 0, "batch 3");
        expect("a.nncp --batch 1,3 --seconds 0 --device cuda --golden g --verify", 0, "batch 3 on CUDA");
    }
}

static void test_usage(void **state)
{
    (void)state;
    expect("--help", 0, "usage: nnrt-bench");
    expect("", 2, "no plan given");
    expect("a.nncp --bach 3", 2, "--batch");
    expect("a.nncp --batch 0", 2, "'0' is not a number from 1");
    expect("a.nncp --device gpu", 2, "gpu");
    expect("none.nncp", 6, "none.nncp");
    expect("out", 3, "out");
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    write_plan("a.nncp", 0.03f);
    write_plan("b.nncp", 0.05f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_measures),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
