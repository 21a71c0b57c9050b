/* Sessions: shapes, memory reuse, threads, no allocation in a run, profile, callback, variables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/runtime_plan.h"

#include "runtime_int8/threads.h"

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

typedef struct fixture {
    void *image;
    nnrt_model *model;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    size_t bytes;
    plan_build(&f->image, &bytes);
    assert_int_equal(nnrt_model_load_memory(&f->model, f->image, bytes, NNRT_VERIFY), NNRT_OK);
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

static nnrt_session *open_session(const nnrt_model *model, uint32_t threads, uint32_t profile)
{
    nnrt_session_options o = {
        .size = sizeof o, .threads = threads, .isa_max = NNRT_ISA_BEST, .profile = profile};
    nnrt_session *session;
    if (nnrt_session_create(&session, model, &o) != NNRT_OK)
        fail_msg("session: %s", nnrt_error_message());
    return session;
}

/* What the plan computes, in double. */
static void oracle(double *y, int64_t batch)
{
    for (int64_t n = 0; n < batch; n++) {
        double sum = 0, row[48];
        for (int i = 0; i < 48; i++) {
            int c = i % 3, w = i / 3 % 4, h = i / 12;
            double most = -1e9;
            for (int t = 0; t < 4; t++) {
                int64_t at = ((n * 3 + c) * 8 + 2 * h + t / 2) * 8 + 2 * w + t % 2;
                double q = rint((double)(sinf((float)at * 0.7f) * 4.0f / 0.05f)) + 128;
                q = q < 0 ? 0 : (q > 255 ? 255 : q);
                most = fmax(most, q);
            }
            const double bias[3] = {0.1, -0.2, 0.3};
            row[i] = exp(tanh((most - 128) * 0.05 + bias[c]) + 0.01 * i);
            sum += row[i];
        }
        for (int i = 0; i < 48; i++)
            y[n * 48 + i] = row[i] / sum;
    }
}

static void test_result(void **state)
{
    fixture *f = *state;
    nnrt_session *s = open_session(f->model, 1, 0);
    for (int64_t batch = 1; batch < 6; batch += 2) {
        nnrt_view v;
        double want[5 * 48];
        plan_input(s, batch);
        oracle(want, batch);
        assert_int_equal(nnrt_session_run(s), NNRT_OK);
        assert_int_equal(nnrt_session_run(s), NNRT_OK); /* inputs survive a run */
        assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_OK);
        assert_true(v.shape.rank == 2 && v.shape.dims[0] == batch && v.shape.dims[1] == 48);
        for (int64_t i = 0; i < batch * 48; i++)
            assert_true(fabs((double)((float *)v.data)[i] - want[i]) < 1e-6);
    }
    nnrt_session_destroy(s);
}

static void test_shapes(void **state)
{
    fixture *f = *state;
    nnrt_session *s = open_session(f->model, 1, 0);
    nnrt_view v;
    nnrt_shape wrong_rank = {3, {1, 3, 8}}, wrong_dim = {4, {1, 3, 8, 9}},
               negative = {4, {-1, 3, 8, 8}}, good = {4, {2, 3, 8, 8}};
    assert_int_equal(nnrt_session_input(s, 0, &v), NNRT_OK); /* unknown dims are 1 */
    assert_int_equal(v.shape.dims[0], 1);
    assert_int_equal(nnrt_session_reshape(s, &wrong_rank, 1), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_reshape(s, &wrong_dim, 1), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_reshape(s, &negative, 1), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_reshape(s, &good, 0), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_input(s, 1, &v), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_reshape(s, &good, 1), NNRT_OK);
    assert_int_equal(nnrt_session_run(s), NNRT_OK);
    nnrt_shape endless = {4, {INT32_MAX, 3, 8, 8}};
    assert_int_equal(nnrt_session_reshape(s, &endless, 1), NNRT_ERR_LIMIT);
    assert_int_equal(nnrt_session_run(s), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_reshape(s, &good, 1), NNRT_OK);
    assert_int_equal(nnrt_session_run(s), NNRT_OK);
    nnrt_session_destroy(s);
}

/* x 768 floats stays; the chain behind it needs less than its tensors' sum, thanks to reuse,
 * aliases and in-place. */
static void test_memory(void **state)
{
    fixture *f = *state;
    nnrt_session *s = open_session(f->model, 1, 0);
    plan_input(s, 4);
    size_t input = 4 * 192 * 4, q = 4 * 192, pooled = 4 * 48, floats = 4 * 48 * 4;
    assert_true(nnrt_session_arena_bytes(s) <= input + q + pooled + 2 * floats);
    nnrt_session_destroy(s);
}

static void test_no_allocation(void **state)
{
    fixture *f = *state;
#if defined(__SANITIZE_ADDRESS__)
    (void)f;
    print_message("skipped: the sanitizer owns malloc\n");
    skip();
#endif
    for (uint32_t threads = 1; threads < 4; threads += 2) {
        nnrt_session *s = open_session(f->model, threads, 1);
        plan_input(s, 3);
        assert_true(allocations > 0);
        unsigned long before = allocations;
        for (int i = 0; i < 5; i++)
            assert_int_equal(nnrt_session_run(s), NNRT_OK);
        assert_int_equal(allocations, before);
        nnrt_shape same = {4, {3, 3, 8, 8}};
        assert_int_equal(nnrt_session_reshape(s, &same, 1), NNRT_OK);
        assert_int_equal(allocations, before);
        nnrt_session_destroy(s);
    }
}

static void test_threads(void **state)
{
    fixture *f = *state;
    static const uint32_t counts[] = {1, 2, 3, 8};
    const int64_t batch = 500; /* several tasks per node */
    float *first = NULL;
    for (int k = 0; k < 4; k++) {
        nnrt_session *s = open_session(f->model, counts[k], 0);
        nnrt_view v;
        plan_input(s, batch);
        for (int run = 0; run < 3; run++)
            assert_int_equal(nnrt_session_run(s), NNRT_OK);
        assert_int_equal(nnrt_session_output(s, 0, &v), NNRT_OK);
        if (first == NULL) {
            first = malloc(v.bytes);
            memcpy(first, v.data, v.bytes);
        }
        assert_memory_equal(v.data, first, v.bytes);
        nnrt_session_destroy(s);
    }
    free(first);
}

typedef struct tap {
    unsigned calls;
    uint32_t tag;
    nnrt_shape shape;
    nnrt_dtype dtype;
} tap;

static void on_tap(void *user, uint32_t tag, const nnrt_view *view)
{
    tap *t = user;
    t->calls++;
    t->tag = tag;
    t->shape = view->shape;
    t->dtype = view->dtype;
    assert_int_equal(view->bytes, 2 * 48);
}

static void test_callback_and_profile(void **state)
{
    fixture *f = *state;
    nnrt_session *s = open_session(f->model, 1, 1);
    tap t = {0};
    plan_input(s, 2);
    nnrt_session_set_callback(s, on_tap, &t);
    for (int i = 0; i < 3; i++)
        assert_int_equal(nnrt_session_run(s), NNRT_OK);
    assert_true(t.calls == 3 && t.tag == 42 && t.dtype == NNRT_U8 && t.shape.dims[3] == 3);
    nnrt_node_info info;
    assert_int_equal(nnrt_session_node_count(s), 11);
    assert_int_equal(nnrt_session_node(s, 0, &info), NNRT_OK);
    assert_string_equal(info.rop, "quantize");
    assert_true(info.runs == 3 && info.ns > 0 && info.bytes == 2 * 192 * 5 &&
                info.kernel[0] != '\0');
    assert_int_equal(nnrt_session_node(s, 6, &info), NNRT_OK); /* shape: done at reshape */
    assert_true(info.runs == 0);
    assert_int_equal(nnrt_session_node(s, 11, &info), NNRT_ERR_USAGE);
    nnrt_session_profile_reset(s);
    assert_int_equal(nnrt_session_node(s, 0, &info), NNRT_OK);
    assert_true(info.runs == 0 && info.ns == 0);
    nnrt_session_destroy(s);
}

static void test_variable(void **state)
{
    fixture *f = *state;
    nnrt_session *a = open_session(f->model, 1, 0), *b = open_session(f->model, 1, 0);
    nnrt_view v, ya, yb;
    assert_int_equal(nnrt_session_variable(a, "none", &v), NNRT_ERR_USAGE);
    assert_int_equal(nnrt_session_variable(a, "state", &v), NNRT_OK);
    assert_true(v.bytes == 48 * 4 && ((float *)v.data)[2] == 0.02f);
    for (int i = 0; i < 48; i++)
        ((float *)v.data)[i] = i == 5 ? 50.0f : 0.0f;
    plan_input(a, 1);
    plan_input(b, 1);
    assert_int_equal(nnrt_session_run(a), NNRT_OK);
    assert_int_equal(nnrt_session_run(b), NNRT_OK);
    assert_int_equal(nnrt_session_output(a, 0, &ya), NNRT_OK);
    assert_int_equal(nnrt_session_output(b, 0, &yb), NNRT_OK);
    assert_true(((float *)ya.data)[5] > 0.99f &&
                ((float *)yb.data)[5] < 0.2f); /* each session has its own */
    nnrt_session_destroy(a);
    nnrt_session_destroy(b);
}

static void mark(void *user, size_t begin, size_t count)
{
    uint8_t *seen = user;
    assert_true(count <= 7);
    for (size_t i = begin; i < begin + count; i++)
        seen[i]++;
}

static void test_pool(void **state)
{
    (void)state;
    assert_true(nnrt_core_count() >= 1);
    assert_int_equal(nnrt_pool_threads(NULL), 1);
    for (uint32_t threads = 0; threads < 5; threads++) {
        nnrt_pool *pool;
        assert_int_equal(nnrt_pool_create(&pool, threads), NNC_OK);
        assert_true(nnrt_pool_threads(pool) <= (threads == 0 ? nnrt_core_count() : threads));
        for (size_t n = 0; n < 100; n++) {
            uint8_t seen[128] = {0};
            nnrt_parallel_tiles(pool, mark, seen, n, 7);
            for (size_t i = 0; i < 128; i++)
                assert_int_equal(seen[i], i < n);
        }
        nnrt_pool_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_result, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_allocation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callback_and_profile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variable, setup, teardown),
        cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
