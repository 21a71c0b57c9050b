/* Shapes that depend on the data: regions, re-use of their plans, memory, threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/runtime_plan.h"

/* Counts the allocations of the whole process; forwards to the C library. */
static _Atomic unsigned long allocations;

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

#if !defined(__SANITIZE_ADDRESS__)
void *malloc(size_t bytes)
{
    allocations++;
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t bytes)
{
    allocations++;
    return __libc_realloc(p, bytes);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    allocations++;
    return __libc_memalign(align, bytes);
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    allocations++;
    *out = __libc_memalign(align, bytes);
    return *out == NULL;
}
#endif

#define N_MAX 4096

/* x [n] -> positive = relu(x); where = nonzero(positive) [1,k]; index = where flattened [k] (host arithmetic on a
 * shape); picked = x[index] [k]; z = exp(picked) + positive's sum;
 * total = sum(index) + 1 [1] -> ones = fill(total); w = tile(ones, count) with count = k from the shape;
 * outputs z [k], w [total * k], positive [n]. */
static void build(void **image, size_t *bytes)
{
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    nnrt_shape xs = {1, {nnrt_builder_symbol(b, "n")}}, one = {1, {1}};
    const int64_t minus = -1, add1 = 1;
    uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &xs, 0, NULL);
    uint32_t positive = plan_temp(b, "positive", NNRT_F32, 1),
             where = plan_temp(b, "where", NNRT_I64, 2), index = plan_temp(b, "index", NNRT_I64, 1),
             picked = plan_temp(b, "picked", NNRT_F32, 1), e = plan_temp(b, "e", NNRT_F32, 1),
             sum = plan_temp(b, "sum", NNRT_F32, 1), z = plan_temp(b, "z", NNRT_F32, 1),
             total = plan_temp(b, "total", NNRT_I64, 1), more = plan_temp(b, "more", NNRT_I64, 1),
             ones = plan_temp(b, "ones", NNRT_F32, 1), k = plan_temp(b, "k", NNRT_I64, 1),
             w = plan_temp(b, "w", NNRT_F32, 1);
    uint32_t flat = nnrt_builder_const(b, "flat", NNRT_I64, &one, &minus, sizeof minus),
             c1 = nnrt_builder_const(b, "c1", NNRT_I64, &one, &add1, sizeof add1);
    nnrt_builder_input(b, x);
    const nnrt_unary_params relu = {NNRT_UNARY_RELU, 0, 0}, exps = {NNRT_UNARY_EXP, 0, 0};
    const nnrt_reduce_params reduce = {NNRT_REDUCE_SUM, 0, 1};
    const nnrt_binary_params add = {NNRT_BINARY_ADD, {-INFINITY, INFINITY}};
    const nnrt_reshape_params rp = {0};
    const nnrt_axis_params axis = {0};
    const nnrt_shape_params sp = {1, 2};
    const nnrt_fill_params fill = {NNRT_F32, 0, 0x3f800000u};
    const void *none = NULL;
    PLAN_NODE(b, UNARY, "relu", &relu, ((uint32_t[]){x}), positive);
    nnrt_builder_node(b, NNRT_ROP_ID_NONZERO, "where", none, 0, &positive, 1, &where, 1);
    PLAN_NODE(b, RESHAPE, "index", &rp, ((uint32_t[]){where, flat}), index);
    PLAN_NODE(b, GATHER, "pick", &axis, ((uint32_t[]){x, index}), picked);
    PLAN_NODE(b, UNARY, "exp", &exps, ((uint32_t[]){picked}), e);
    PLAN_NODE(b, REDUCE, "sum", &reduce, ((uint32_t[]){positive}), sum);
    PLAN_NODE(b, BINARY, "z", &add, ((uint32_t[]){e, sum}), z);
    PLAN_NODE(b, REDUCE, "total", &reduce, ((uint32_t[]){index}), total);
    PLAN_NODE(b, BINARY, "more", &add, ((uint32_t[]){total, c1}), more);
    PLAN_NODE(b, SHAPE, "k", &sp, ((uint32_t[]){where}), k);
    PLAN_NODE(b, FILL, "ones", &fill, ((uint32_t[]){more}), ones);
    nnrt_builder_node(b, NNRT_ROP_ID_TILE, "w", none, 0, (uint32_t[]){ones, k}, 2, &w, 1);
    nnrt_builder_output(b, z, "z");
    nnrt_builder_output(b, w, "w");
    nnrt_builder_output(b, positive, "positive");
    if (nnrt_builder_finish(b, image, bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
}

typedef struct fixture {
    void *image;
    nnrt_model *model;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    size_t bytes;
    build(&f->image, &bytes);
    if (nnrt_model_load_memory(&f->model, f->image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    nnrt_model_destroy(f->model);
    nnc_free(f->image);
    free(f);
    return 0;
}

static nnrt_session *open_session(const nnrt_model *model, uint32_t threads)
{
    nnrt_session_options o = {.size = sizeof o, .threads = threads, .isa_max = NNRT_ISA_BEST};
    nnrt_session *session;
    if (nnrt_session_create(&session, model, &o) != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    return session;
}

static nnrt_view output(nnrt_session *s, uint32_t i)
{
    nnrt_view v;
    if (nnrt_session_output(s, i, &v) != NNRT_OK)
        fail_msg("output %u: %s", i, nnrt_error_message());
    return v;
}

static void set_length(nnrt_session *s, int64_t n)
{
    nnrt_shape shape = {1, {n}};
    if (nnrt_session_reshape(s, &shape, 1) != NNRT_OK)
        fail_msg("reshape: %s", nnrt_error_message());
}

/* Element i is positive if i % 7 is in the set of bits; runs and compares. */
static void run_and_check(nnrt_session *s, int64_t n, unsigned set)
{
    nnrt_view in;
    float x[N_MAX];
    int64_t k = 0, total = 1;
    double sum = 0;
    assert_int_equal(nnrt_session_input(s, 0, &in), NNRT_OK);
    assert_int_equal(in.bytes, n * 4);
    for (int64_t i = 0; i < n; i++) {
        const bool positive = set >> (i % 7) & 1u;
        x[i] = (positive ? 1.0f : -1.0f) * (0.5f + (float)(i % 5));
        k += positive;
        total += positive ? i : 0;
        sum += positive ? (double)x[i] : 0.0;
    }
    memcpy(in.data, x, in.bytes);
    if (nnrt_session_run(s) != NNRT_OK)
        fail_msg("run: %s", nnrt_error_message());
    nnrt_view z = output(s, 0), w = output(s, 1), p = output(s, 2);
    assert_true(z.shape.rank == 1 && z.shape.dims[0] == k && (int64_t)z.bytes == 4 * k);
    assert_true(w.shape.rank == 1 && w.shape.dims[0] == total * k);
    assert_true(p.shape.dims[0] == n);
    for (int64_t i = 0, at = 0; i < n; i++) {
        assert_true(((float *)p.data)[i] == (x[i] > 0 ? x[i] : 0));
        if (x[i] > 0) {
            const double want = exp((double)x[i]) + sum;
            assert_true(fabs((double)((float *)z.data)[at++] - want) <= 1e-6 * want);
        }
    }
    for (int64_t i = 0; i < total * k; i++)
        assert_true(((float *)w.data)[i] == 1.0f);
    assert_memory_equal(in.data, x, in.bytes); /* inputs survive a run */
}

static void test_result(void **state)
{
    fixture *f = *state;
    static const unsigned sets[] = {0x2a, 0x2a, 0x15, 0, 0x7f, 1, 0};
    for (uint32_t threads = 1; threads < 4; threads += 2) {
        nnrt_session *s = open_session(f->model, threads);
        for (int64_t n = 0; n < 60; n = n * 2 + 3) {
            set_length(s, n);
            for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
                run_and_check(s, n, sets[i]);
        }
        set_length(s, 5);
        run_and_check(s, 5, 3);
        nnrt_session_destroy(s);
    }
}

static void test_outputs_before_a_run(void **state)
{
    fixture *f = *state;
    nnrt_session *s = open_session(f->model, 1);
    nnrt_view v;
    set_length(s, 8);
    assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_ERR_USAGE);
    assert_non_null(strstr(nnrt_error_message(), "'z'"));
    run_and_check(s, 8, 0x11);
    set_length(s, 8); /* the same: outputs stay */
    assert_int_equal(output(s, 0).shape.dims[0], 3);
    set_length(s, 9);
    assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_ERR_USAGE);
    nnrt_session_destroy(s);
}

/* Equal shapes: nothing is planned again. Other shapes below the high-water mark: planned without memory. */
static void test_no_allocation(void **state)
{
    fixture *f = *state;
#if defined(__SANITIZE_ADDRESS__)
    (void)f;
    print_message("skipped: the sanitizer owns malloc\n");
    skip();
#endif
    for (uint32_t threads = 1; threads < 4; threads += 2) {
        nnrt_session *s = open_session(f->model, threads);
        set_length(s, 70);
        run_and_check(s, 70, 0x7f);
        const unsigned long before = allocations;
        for (unsigned i = 0; i < 20; i++)
            run_and_check(s, 70, i % 2 == 0 ? 0x40 : 1u << i % 7 | 2u);
        run_and_check(s, 70, 0x7f);
        assert_int_equal(allocations, before);
        nnrt_session_destroy(s);
    }
}

/* A run that fails leaves a session that works. */
static void test_failing_data(void **state)
{
    (void)state;
    nnrt_builder *b = nnrt_builder_create();
    nnrt_shape xs = {1, {nnrt_builder_symbol(b, "n")}};
    uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_I64, &xs, 0, NULL),
             y = plan_temp(b, "y", NNRT_F32, 2);
    const nnrt_fill_params fill = {NNRT_F32, 0, 0x40000000u};
    void *image;
    size_t bytes;
    nnrt_builder_input(b, x);
    PLAN_NODE(b, FILL, "fill", &fill, ((uint32_t[]){x}), y);
    nnrt_builder_output(b, y, "y");
    assert_int_equal(nnrt_builder_finish(b, &image, &bytes), NNC_OK);
    nnrt_builder_destroy(b);
    nnrt_model *model;
    assert_int_equal(nnrt_model_load_memory(&model, image, bytes, NNRT_VERIFY), NNRT_OK);
    nnrt_session *s = open_session(model, 1);
    static const int64_t dims[][3] = {{2, 3, NNRT_OK},
                                      {-1, 3, NNRT_ERR_MODEL},
                                      {4, 1, NNRT_OK},
                                      {INT32_MAX, INT32_MAX, NNRT_ERR_LIMIT},
                                      {0, 9, NNRT_OK}};
    for (size_t i = 0; i < 5; i++) {
        nnrt_view v;
        set_length(s, 2);
        assert_int_equal(nnrt_session_input(s, 0, &v), NNRT_OK);
        memcpy(v.data, dims[i], 16);
        assert_int_equal(nnrt_session_run(s), dims[i][2]);
        if (dims[i][2] == NNRT_OK)
            assert_true(output(s, 0).shape.dims[0] == dims[i][0] &&
                        output(s, 0).shape.dims[1] == dims[i][1]);
        else
            assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_ERR_USAGE);
    }
    set_length(s, 3); /* another rank than the plan's */
    assert_int_equal(nnrt_session_run(s), NNRT_ERR_MODEL);
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_result, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outputs_before_a_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_allocation, setup, teardown),
        cmocka_unit_test(test_failing_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
