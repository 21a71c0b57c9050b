/* Sessions on a device: every failure of the plug-in, fallback, sharing, reshape. SPDX-License-Identifier: Apache-2.0
 * Runs on the simulator, whose failures can be asked for; it aborts when device memory is not given back. */
#include "cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nnrt.h"
#include "runtime_int8/builder.h"
#include "runtime_int8/cuda/plugin.h"
#include "runtime_int8/model.h"
#include "runtime_int8/ops/rop.h"

/* x f32 [n,4] -> quantize -> y u8; with_sum adds an op that has no device form. */
static nnrt_model *make_model(void **image, bool with_sum)
{
    nnrt_builder *b = nnrt_builder_create();
    assert_non_null(b);
    const nnrt_shape shape = {.rank = 2, .dims = {NNRT_DIM_UNKNOWN, 4}};
    const nnrt_quantize_params p = {.scale = 0.5f, .zero_point = 10, .qmin = 0, .qmax = 255};
    uint32_t x = nnrt_builder_value(b, NNRT_VALUE_INPUT, "x", NNRT_F32, &shape, 0, NULL);
    nnrt_builder_input(b, x);
    if (with_sum) {
        const nnrt_axis_params axis = {.axis = 1};
        uint32_t t = nnrt_builder_value(b, NNRT_VALUE_TEMP, "t", NNRT_F32, &shape, 0, NULL);
        nnrt_builder_node(b, NNRT_ROP_ID_CUMSUM, "sum", &axis, sizeof axis, &x, 1, &t, 1);
        x = t;
    }
    uint32_t y = nnrt_builder_value(b, NNRT_VALUE_OUTPUT, "y", NNRT_U8, &shape, 0, NULL);
    nnrt_builder_node(b, NNRT_ROP_ID_QUANTIZE, "grid", &p, sizeof p, &x, 1, &y, 1);
    nnrt_builder_output(b, y, "y");
    size_t bytes;
    if (nnrt_builder_finish(b, image, &bytes) != NNC_OK)
        fail_msg("builder: %s", nnrt_error_message());
    nnrt_builder_destroy(b);
    nnrt_model *model;
    if (nnrt_model_load_memory(&model, *image, bytes, NNRT_VERIFY) != NNRT_OK)
        fail_msg("load: %s", nnrt_error_message());
    return model;
}

static nnrt_status create(nnrt_session **out, const nnrt_model *model, nnrt_device_kind device)
{
    const nnrt_session_options o = {
        .size = sizeof o, .threads = 1, .isa_max = NNRT_ISA_BEST, .device = device};
    return nnrt_session_create(out, model, &o);
}

/* Runs a batch of n rows and checks every byte. */
static nnrt_status run_checked(nnrt_session *s, int64_t n)
{
    const nnrt_shape shape = {.rank = 2, .dims = {n, 4}};
    nnrt_view view;
    nnrt_status status = nnrt_session_reshape(s, &shape, 1);
    if (status == NNRT_OK)
        status = nnrt_session_input(s, 0, &view);
    if (status != NNRT_OK)
        return status;
    assert_int_equal(view.bytes, (size_t)n * 16);
    for (int64_t i = 0; i < n * 4; i++)
        ((float *)view.data)[i] = 0.25f * (float)(i % 61) - 3.0f;
    assert_int_equal(nnrt_session_output(s, 0, &view), NNRT_OK);
    memset(view.data, 0x77, view.bytes); /* no result is that large */
    status = nnrt_session_run(s);
    if (status != NNRT_OK)
        return status;
    assert_int_equal(nnrt_session_output(s, 0, &view), NNRT_OK);
    for (int64_t i = 0; i < n * 4; i++) {
        const float t = (0.25f * (float)(i % 61) - 3.0f) / 0.5f;
        float even = (float)(int)(t + (t < 0 ? -0.5f : 0.5f));
        if ((even - t == 0.5f || t - even == 0.5f) && (int)even % 2 != 0)
            even += even > t ? -1.0f : 1.0f;
        float want = even + 10.0f;
        want = want < 0 ? 0 : want > 255 ? 255 : want;
        assert_int_equal(((uint8_t *)view.data)[i], (int)want);
    }
    return NNRT_OK;
}

/* Direct launches, then the graph, at one shape after another. */
static void test_runs(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, false);
    nnrt_session *s;
    assert_int_equal(create(&s, model, NNRT_DEVICE_CUDA), NNRT_OK);
    assert_int_equal(nnrt_session_device_of(s), NNRT_DEVICE_CUDA);
    assert_null(nnrt_session_device_note(s));
    const int64_t sizes[] = {1, 300, 7, 0, 1000};
    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (int again = 0; again < 3; again++) {
            if (run_checked(s, sizes[k]) != NNRT_OK)
                fail_msg("batch %d: %s", (int)sizes[k], nnrt_error_message());
        }
        assert_int_equal(nnrt_session_rerun(s), NNRT_OK);
        assert_int_equal(nnrt_session_rerun(s), NNRT_OK);
    }
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static void test_profile(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, false);
    nnrt_session *s;
    const nnrt_session_options o = {
        .size = sizeof o, .isa_max = NNRT_ISA_BEST, .profile = 1, .device = NNRT_DEVICE_CUDA};
    assert_int_equal(nnrt_session_create(&s, model, &o), NNRT_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_checked(s, 50), NNRT_OK);
    nnrt_node_info info;
    assert_int_equal(nnrt_session_node(s, 0, &info), NNRT_OK);
    assert_int_equal(info.runs, 3);
    assert_true(info.ns > 0);
    assert_non_null(strstr(info.kernel, "cuda"));
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* Creates, reshapes and runs with a failure planted; true if it came out as a DEVICE error with `words`. */
static bool fails_with(nnrt_model *model, const char *spec, const char *words)
{
    nnrt_session *s;
    setenv("NNRT_SIM_FAIL", spec, 1);
    nnrt_status status = create(&s, model, NNRT_DEVICE_CUDA);
    if (status == NNRT_OK) {
        for (int i = 0; i < 3 && status == NNRT_OK; i++)
            status = run_checked(s, 5);
        char message[512];
        snprintf(message, sizeof message, "%s", nnrt_error_message());
        nnrt_session_destroy(s);
        unsetenv("NNRT_SIM_FAIL");
        if (status == NNRT_OK)
            return false;
        assert_int_equal(status, NNRT_ERR_DEVICE);
        assert_non_null(strstr(message, words));
        return true;
    }
    unsetenv("NNRT_SIM_FAIL");
    assert_int_equal(status, NNRT_ERR_DEVICE);
    assert_non_null(strstr(nnrt_error_message(), words));
    return true;
}

/* Every function of the plug-in fails once, in every way: a DEVICE error, and nothing is left behind. */
static void test_failures(void **state)
{
    (void)state;
    static const char *const functions[] = {"device_open", "device_info",   "alloc",       "alloc_host",
                                            "copy",        "stream_create", "zero",        "launch",
                                            "stream_wait", "capture_begin", "capture_end", "graph_launch"};
    static const char *const words[] = {[NNRT_CUDA_NO_DRIVER] = "CUDA: ",
                                        [NNRT_CUDA_OLD_DRIVER] = "CUDA: ",
                                        [NNRT_CUDA_NO_DEVICE] = "CUDA: ",
                                        [NNRT_CUDA_NO_IMAGE] = "no code for the device",
                                        [NNRT_CUDA_NO_MEMORY] = "needed",
                                        [NNRT_CUDA_LOST] = "restart the program",
                                        [NNRT_CUDA_FAILED] = "NNRT_SIM_FAIL"};
    for (unsigned f = 0; f < sizeof functions / sizeof *functions; f++) {
        for (int result = NNRT_CUDA_NO_DRIVER; result <= NNRT_CUDA_FAILED; result++) {
            void *image;
            char spec[64];
            nnrt_model *model = make_model(&image, false);
            snprintf(spec, sizeof spec, "%s:%d", functions[f], result);
            if (!fails_with(model, spec, words[result]))
                fail_msg("%s was not called", functions[f]);
            nnrt_model_destroy(model);
            nnc_free(image);
        }
    }
}

/* Later calls too: the n-th allocation or copy fails, for every n that there is. */
static void test_later_failures(void **state)
{
    (void)state;
    static const char *const functions[] = {"alloc", "alloc_host", "copy", "stream_wait", "launch"};
    for (unsigned f = 0; f < sizeof functions / sizeof *functions; f++) {
        unsigned n = 1;
        for (bool failed = true; failed; n++) {
            void *image;
            char spec[64];
            nnrt_model *model = make_model(&image, false);
            snprintf(spec, sizeof spec, "%s:%d:%u", functions[f], NNRT_CUDA_FAILED, n);
            failed = fails_with(model, spec, "CUDA: ");
            nnrt_model_destroy(model);
            nnc_free(image);
            assert_true(n < 1000);
        }
        assert_true(n > 2);
    }
}

/* A run that failed leaves nothing behind: no graph of a part of the work, nothing queued. */
static void test_runs_after_failure(void **state)
{
    (void)state;
    static const char *const functions[] = {"copy", "launch", "capture_begin", "capture_end",
                                            "graph_launch"};
    void *image;
    nnrt_model *model = make_model(&image, false);
    for (unsigned f = 0; f < sizeof functions / sizeof *functions; f++) {
        nnrt_status status = NNRT_ERR_DEVICE;
        for (unsigned n = 1; status != NNRT_OK; n++) {
            char spec[64];
            nnrt_session *s;
            assert_int_equal(create(&s, model, NNRT_DEVICE_CUDA), NNRT_OK);
            snprintf(spec, sizeof spec, "%s:%d:%u", functions[f], NNRT_CUDA_FAILED, n);
            setenv("NNRT_SIM_FAIL", spec, 1);
            status = NNRT_OK;
            for (int i = 0; i < 3 && status == NNRT_OK; i++)
                status = run_checked(s, 5);
            unsetenv("NNRT_SIM_FAIL");
            const int64_t sizes[] = {5, 3000, 5};
            for (int i = 0; i < 9; i++) {
                if (run_checked(s, sizes[i / 3]) != NNRT_OK)
                    fail_msg("after %s: %s", spec, nnrt_error_message());
            }
            nnrt_session_destroy(s);
            assert_true(n < 100);
        }
    }
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* Constants of a plan may overlap: the longer one is not the shorter one's copy. */
static void test_constants(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 16, 20000, 16, 0, 20000};
    static uint8_t bytes[20000];
    void *image;
    nnrt_model *model = make_model(&image, false);
    nnrt_device *device;
    const void *at[6];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(nnrt_model_device(&device, model, 0), NNC_OK);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(
            nnrt_device_constant_get(&at[i], device, bytes, 0, sizes[i], NULL, NULL), NNC_OK);
        assert_memory_equal(at[i], bytes, sizes[i]);
    }
    assert_ptr_equal(at[1], at[3]);
    assert_ptr_equal(at[2], at[5]);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static void test_memory(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, false);
    nnrt_session *s;
    setenv("NNRT_SIM_MEMORY", "300000", 1);
    assert_int_equal(create(&s, model, NNRT_DEVICE_CUDA), NNRT_OK);
    assert_int_equal(run_checked(s, 5), NNRT_OK);
    assert_int_equal(run_checked(s, 100000), NNRT_ERR_DEVICE);
    assert_non_null(strstr(nnrt_error_message(), "out of device memory: 2000"));
    assert_non_null(strstr(nnrt_error_message(), "free"));
    unsetenv("NNRT_SIM_MEMORY");
    assert_int_equal(run_checked(s, 100), NNRT_OK); /* goes on after it */
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static void test_unsupported(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, true);
    nnrt_session *s;
    assert_int_equal(create(&s, model, NNRT_DEVICE_CUDA), NNRT_OK);
    assert_int_equal(run_checked(s, 3), NNRT_ERR_UNSUPPORTED);
    assert_non_null(strstr(nnrt_error_message(), "cumsum 'sum' has no CUDA kernel"));
    nnrt_session_destroy(s);
    nnrt_model_destroy(model);
    nnc_free(image);
}

/* AUTO goes to the CPU and says why; it computes the same. */
static void test_auto(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, false);
    nnrt_session *s;
    assert_int_equal(create(&s, model, NNRT_DEVICE_AUTO), NNRT_OK);
    assert_int_equal(nnrt_session_device_of(s), NNRT_DEVICE_CUDA);
    assert_int_equal(run_checked(s, 9), NNRT_OK);
    setenv("NNRT_SIM_FAIL", "alloc:5", 1); /* the next arena does not fit */
    assert_int_equal(run_checked(s, 9000), NNRT_OK);
    unsetenv("NNRT_SIM_FAIL");
    assert_int_equal(nnrt_session_device_of(s), NNRT_DEVICE_CPU);
    assert_non_null(strstr(nnrt_session_device_note(s), "out of"));
    nnrt_session_destroy(s);

    char *plugin = strdup(getenv("NNRT_CUDA_PLUGIN"));
    setenv("NNRT_CUDA_PLUGIN", "/nowhere/libnnrt_cuda.so", 1);
    nnrt_model *other_model;
    void *other_image;
    other_model = make_model(&other_image, false);
    assert_int_equal(create(&s, other_model, NNRT_DEVICE_CUDA), NNRT_ERR_DEVICE);
    assert_int_equal(create(&s, other_model, NNRT_DEVICE_AUTO), NNRT_OK);
    setenv("NNRT_CUDA_PLUGIN", plugin, 1);
    free(plugin);
    assert_int_equal(nnrt_session_device_of(s), NNRT_DEVICE_CPU);
    assert_non_null(strstr(nnrt_session_device_note(s), "/nowhere/"));
    assert_int_equal(run_checked(s, 9), NNRT_OK);
    nnrt_session_destroy(s);
    nnrt_model_destroy(other_model);
    nnc_free(other_image);
    nnrt_model_destroy(model);
    nnc_free(image);
}

static void *run_many(void *user)
{
    nnrt_session *s;
    if (create(&s, user, NNRT_DEVICE_CUDA) != NNRT_OK)
        return "create";
    for (int i = 0; i < 5; i++) {
        if (run_checked(s, 20 + i) != NNRT_OK)
            return "run";
    }
    nnrt_session_destroy(s);
    return NULL;
}

/* Sessions of several threads share the model's device. */
static void test_threads(void **state)
{
    (void)state;
    void *image;
    nnrt_model *model = make_model(&image, false);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, model), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        if (result != NULL)
            fail_msg("%s", (const char *)result);
    }
    nnrt_model_destroy(model);
    nnc_free(image);
}

int main(void)
{
    if (getenv("NNRT_CUDA_PLUGIN") == NULL) {
        puts("skipped: no simulator of CUDA devices (NNRT_CUDA_PLUGIN)");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),        cmocka_unit_test(test_profile),
        cmocka_unit_test(test_failures),    cmocka_unit_test(test_later_failures),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_auto),        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_constants),   cmocka_unit_test(test_runs_after_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
