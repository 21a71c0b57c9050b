/* Option tables. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/option.h"
#include "cmocka_all.h"

enum { DEVICE_CPU, DEVICE_CUDA, DEVICE_AUTO };
static const char *const devices[] = {"cpu", "cuda", "auto", NULL};

typedef struct options {
    bool force;
    int64_t bits;
    double lr;
    double tolerance;
    uint64_t limit;
    const char *output;
    int device;
    nnc_option_list targets;
} options;

static const nnc_option table[] = {
    {"force", 'f', NNC_OPTION_FLAG, offsetof(options, force), NULL, "", "g", 0, 0, NULL},
    {"bits", 0, NNC_OPTION_INT, offsetof(options, bits), "N", "", "g", 2, 8, NULL},
    {"lr", 0, NNC_OPTION_DOUBLE, offsetof(options, lr), "X", "", "g", 0, 0, NULL},
    {"tolerance", 0, NNC_OPTION_PERCENT, offsetof(options, tolerance), "X", "", "g", 0, 1, NULL},
    {"limit", 0, NNC_OPTION_SIZE, offsetof(options, limit), "BYTES", "", "g", 0, 0, NULL},
    {"output", 'o', NNC_OPTION_STRING, offsetof(options, output), "PATH", "", "g", 0, 0, NULL},
    {"device", 0, NNC_OPTION_ENUM, offsetof(options, device), "NAME", "", "g", 0, 0, devices},
    {"target", 't', NNC_OPTION_LIST, offsetof(options, targets), "NAME", "", "g", 0, 0, NULL}};
enum { ROWS = sizeof table / sizeof *table };

typedef struct parse {
    options o;
    nnc_option_list positional;
    bool seen[ROWS];
    nnc_status status;
} parse;

static void run(parse *p, const char *const *args)
{
    int argc = 0;
    while (args[argc] != NULL) {
        argc++;
    }
    memset(p, 0, sizeof *p);
    p->status = nnc_option_parse(table, ROWS, &p->o, argc, (char *const *)(uintptr_t)args,
                                 &p->positional, p->seen);
}

static void clear(parse *p)
{
    nnc_option_list_deinit(&p->o.targets);
    nnc_option_list_deinit(&p->positional);
}

#define RUN(p, ...) run(p, (const char *const[]){__VA_ARGS__, NULL})

static void test_all_types(void **state)
{
    (void)state;
    parse p;
    RUN(&p, "model.onnx", "--bits", "4", "--lr=-1e-3", "-o", "out.onnx", "--tolerance", "1%",
        "--limit=64M", "-f", "--device", "cuda", "--target", "ort,trt10", "-t", "portable", "--",
        "--bits");
    assert_int_equal(p.status, NNC_OK);
    assert_true(p.o.force);
    assert_int_equal(p.o.bits, 4);
    assert_true(p.o.lr == -1e-3);
    assert_true(p.o.tolerance == 0.01);
    assert_int_equal(p.o.limit, 64 << 20);
    assert_string_equal(p.o.output, "out.onnx");
    assert_int_equal(p.o.device, DEVICE_CUDA);
    assert_int_equal(p.o.targets.count, 3);
    assert_string_equal(p.o.targets.items[0], "ort");
    assert_string_equal(p.o.targets.items[1], "trt10");
    assert_string_equal(p.o.targets.items[2], "portable");
    assert_int_equal(p.positional.count, 2);
    assert_string_equal(p.positional.items[0], "model.onnx");
    assert_string_equal(p.positional.items[1], "--bits");
    for (int i = 0; i < ROWS; i++) {
        assert_true(p.seen[i]);
    }
    clear(&p);
}

static void test_forms(void **state)
{
    (void)state;
    parse p;
    RUN(&p, "--force", "--no-force", "-oa=b", "-", "--output=", "--tolerance=0.5");
    assert_int_equal(p.status, NNC_OK);
    assert_false(p.o.force);
    assert_true(p.seen[0]);
    assert_false(p.seen[1]);
    assert_string_equal(p.o.output, "");
    assert_true(p.o.tolerance == 0.5);
    assert_int_equal(p.positional.count, 1);
    assert_string_equal(p.positional.items[0], "-");
    clear(&p);
    RUN(&p, "--force=false", "-oa=b", "--bits", "8", "--bits", "2");
    assert_int_equal(p.status, NNC_OK);
    assert_false(p.o.force);
    assert_string_equal(p.o.output, "a=b");
    assert_int_equal(p.o.bits, 2);
    clear(&p);
    RUN(&p, "-o", "-f");
    assert_int_equal(p.status, NNC_OK);
    assert_string_equal(p.o.output, "-f");
    clear(&p);
    assert_int_equal(nnc_option_parse(table, ROWS, &p.o, 0, NULL, &p.positional, NULL), NNC_OK);
}

static void check_error(const char *message, const char *const *args)
{
    parse p;
    run(&p, args);
    assert_int_equal(p.status, NNC_ERR_USAGE);
    assert_string_equal(nnc_error_message(), message);
    clear(&p);
}

#define CHECK_ERROR(message, ...) check_error(message, (const char *const[]){__VA_ARGS__, NULL})

static void test_errors(void **state)
{
    (void)state;
    CHECK_ERROR("unknown option '--devcie'; did you mean '--device'?", "--devcie", "cpu");
    CHECK_ERROR("unknown option '--ouput'; did you mean '--output'?", "--ouput=x");
    CHECK_ERROR("unknown option '--zzz'", "--zzz");
    CHECK_ERROR("unknown option '-z'", "-z");
    CHECK_ERROR("unknown option '--no-zzz'", "--no-zzz");
    CHECK_ERROR("unknown option '-fx': '-f' takes no value", "-fx");
    CHECK_ERROR("--bits needs a value (N)", "--bits");
    CHECK_ERROR("--bits: '9' is outside 2 to 8", "--bits", "9");
    CHECK_ERROR("--bits: '1' is outside 2 to 8", "--bits=1");
    CHECK_ERROR("--bits: 'four' is not a whole number", "--bits", "four");
    CHECK_ERROR("--bits: '4.0' is not a whole number", "--bits", "4.0");
    CHECK_ERROR("--bits: '' is not a whole number", "--bits=");
    CHECK_ERROR("--lr: 'nan' is not a number", "--lr", "nan");
    CHECK_ERROR("--tolerance: '101%' is outside 0% to 100%", "--tolerance", "101%");
    CHECK_ERROR("--tolerance: '%' is not a share like 1% or 0.01", "--tolerance", "%");
    CHECK_ERROR("--limit: '1X' is not a size like 512 or 64M", "--limit", "1X");
    CHECK_ERROR("--device: 'cdua' is not one of cpu, cuda, auto; did you mean 'cuda'?", "--device",
                "cdua");
    CHECK_ERROR("--device: 'tpu9' is not one of cpu, cuda, auto", "--device", "tpu9");
    CHECK_ERROR("--target: empty element in the list", "--target", "a,,b");
    CHECK_ERROR("--target: empty element in the list", "--target=");
    CHECK_ERROR("--no-output: --output takes a value and cannot be negated", "--no-output");
    CHECK_ERROR("--force: 'maybe' is neither true nor false", "--force=maybe");
    CHECK_ERROR("unknown option '--a\\x1bb'", "--a\x1b"
                                              "b");
}

static void test_huge_argument(void **state)
{
    (void)state;
    static char arg[100000] = "--";
    memset(arg + 2, 'q', sizeof arg - 3);
    parse p;
    RUN(&p, arg);
    assert_int_equal(p.status, NNC_ERR_USAGE);
    clear(&p);
    RUN(&p, "--tolerance", arg);
    assert_int_equal(p.status, NNC_ERR_USAGE);
    clear(&p);
    for (size_t i = 0; i < sizeof arg - 1; i++) {
        arg[i] = i % 2 == 0 ? 't' : ',';
    }
    RUN(&p, "-t", arg);
    assert_int_equal(p.status, NNC_OK);
    assert_int_equal(p.o.targets.count, sizeof arg / 2);
    clear(&p);
}

static void test_find(void **state)
{
    (void)state;
    assert_ptr_equal(nnc_option_find(table, ROWS, "lr"), &table[2]);
    assert_null(nnc_option_find(table, ROWS, "l"));
    assert_null(nnc_option_find(table, 0, "lr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_types),
                                       cmocka_unit_test(test_forms), cmocka_unit_test(test_errors),
                                       cmocka_unit_test(test_huge_argument),
                                       cmocka_unit_test(test_find)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
