/* Calibration runs: what is observed, threads, cancelling, the range cache. SPDX-License-Identifier: Apache-2.0 */
#include "cmocka_all.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "calib/calib.h"
#include "nnrt.h"
#include "quant/make_graph.h"
#include "quant/quant_data.h"

static nnc_value_id conv_out, relu_out;

static nnc_graph *small_graph(void)
{
    nnc_graph *g;
    const int64_t dims[4] = {1, 3, 20, 20};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    conv_out = mg_conv(g, "conv", x, 3, 8, 3, 1, 1, 1);
    relu_out = mg_unary(g, "Relu", "relu", conv_out);
    mg_finish(g, mg_conv(g, "conv2", relu_out, 8, 4, 1, 1, 1, 5));
    return g;
}

static nnc_status observe(nnc_calib **out, const nnc_graph *g, const nnc_dataset *data, size_t samples,
                          uint32_t threads, uint32_t isa, const char *cache, const char *key, const nnc_log *log)
{
    const nnc_value_id values[3] = {nnc_graph_input(g, 0), conv_out, relu_out};
    nnc_calib_options options = {.threads = threads, .isa_max = isa, .indices = qd_indices, .index_count = samples,
                                 .cache_path = cache, .cache_key = key};
    return nnc_calib_run(out, g, values, 3, data, &options, log);
}

static void assert_same(const nnc_calib *a, const nnc_calib *b, const nnc_graph *g)
{
    const nnc_value_id values[3] = {nnc_graph_input(g, 0), conv_out, relu_out};
    assert_int_equal(nnc_calib_samples(a), nnc_calib_samples(b));
    for (size_t i = 0; i < 3; i++) {
        const nnc_value_stats *s = nnc_calib_stats(a, values[i]), *t = nnc_calib_stats(b, values[i]);
        assert_non_null(s);
        assert_non_null(t);
        assert_memory_equal(&s->min, &t->min, offsetof(nnc_value_stats, first_nonfinite) - offsetof(nnc_value_stats, min));
        assert_memory_equal(&s->hist_lo, &t->hist_lo, sizeof(*s) - offsetof(nnc_value_stats, hist_lo));
    }
}

static void statistics_of_samples(void **state)
{
    (void)state;
    nnc_graph *g = small_graph();
    nnc_dataset *data = qd_random(g, 16);
    nnc_calib *calib;
    assert_int_equal(observe(&calib, g, data, 16, 1, NNRT_ISA_BEST, NULL, NULL, NULL), NNC_OK);
    assert_int_equal(nnc_calib_samples(calib), 16);
    /* The input's statistics by hand. */
    double sum = 0;
    float min = INFINITY, max = -INFINITY;
    for (size_t i = 0; i < 16; i++) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_get(&s, data, i), NNC_OK);
        const float *x = nnc_tensor_data(&s.inputs[0]);
        for (size_t k = 0; k < 1200; k++) {
            sum += (double)x[k];
            min = x[k] < min ? x[k] : min;
            max = x[k] > max ? x[k] : max;
        }
        nnc_sample_deinit(&s);
    }
    const nnc_value_stats *x = nnc_calib_stats(calib, nnc_graph_input(g, 0));
    assert_true(x->min == min && x->max == max && fabs(x->sum - sum) < 1e-6);
    assert_int_equal(x->count, 16 * 1200);
    const nnc_value_stats *y = nnc_calib_stats(calib, relu_out), *c = nnc_calib_stats(calib, conv_out);
    assert_true(y->min == 0 && y->max == c->max && y->zeros > y->count / 4 && c->min < 0);
    uint64_t total = 0;
    for (size_t b = 0; b < NNC_CALIB_BINS; b++) {
        total += y->hist[b];
    }
    assert_int_equal(total, y->count);
    assert_null(nnc_calib_stats(calib, nnc_graph_output(g, 0)));
    nnc_calib_destroy(calib);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

static void same_for_threads_and_tiers(void **state)
{
    (void)state;
    nnc_graph *g = small_graph();
    nnc_dataset *data = qd_random(g, 13);
    nnc_calib *one, *other;
    assert_int_equal(observe(&one, g, data, 13, 1, NNRT_ISA_REF, NULL, NULL, NULL), NNC_OK);
    const uint32_t threads[] = {1, 2, 3, 5}, tiers[] = {NNRT_ISA_BEST, NNRT_ISA_AVX2, NNRT_ISA_BEST, NNRT_ISA_REF};
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(observe(&other, g, data, 13, threads[k], tiers[k], NULL, NULL, NULL), NNC_OK);
        assert_same(one, other, g);
        nnc_calib_destroy(other);
    }
    nnc_calib_destroy(one);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

static void no_samples(void **state)
{
    (void)state;
    nnc_graph *g = small_graph();
    nnc_dataset *data = qd_random(g, 4);
    nnc_calib *calib;
    assert_int_equal(observe(&calib, g, data, 0, 1, NNRT_ISA_BEST, NULL, NULL, NULL), NNC_ERR_DATA);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

/* A model that makes NaN is not the compression's fault, and says so. */
static void model_with_nan(void **state)
{
    (void)state;
    nnc_graph *g;
    const int64_t dims[4] = {1, 3, 8, 8};
    MG_OK(nnc_graph_create(&g));
    nnc_value_id x = mg_input(g, "x", 4, dims);
    conv_out = mg_conv(g, "conv", x, 3, 8, 3, 1, 1, 1);
    relu_out = mg_unary(g, "Log", "log", conv_out); /* of negative numbers */
    mg_finish(g, mg_conv(g, "conv2", relu_out, 8, 4, 1, 1, 1, 5));
    nnc_dataset *data = qd_random(g, 4);
    nnc_calib *calib;
    assert_int_equal(observe(&calib, g, data, 4, 1, NNRT_ISA_BEST, NULL, NULL, NULL), NNC_ERR_DATA);
    assert_non_null(strstr(nnc_error_message(), "the original model gives"));
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

static bool always(void *user)
{
    return ++*(int *)user > 3;
}

static void expect_stale(const nnc_graph *g, const nnc_dataset *data, const char *path, const char *key, const char *word)
{
    nnc_calib *calib;
    assert_int_equal(observe(&calib, g, data, 8, 1, NNRT_ISA_BEST, path, key, NULL), NNC_ERR_DATA);
    if (!strstr(nnc_error_message(), word)) {
        print_message("'%s' does not say '%s'\n", nnc_error_message(), word);
        fail();
    }
}

static void put_byte(const char *path, long at, int xor)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(c ^ xor, f), EOF);
    assert_int_equal(fclose(f), 0);
}

static void range_cache(void **state)
{
    (void)state;
    char path[] = "/tmp/nnc_cache_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    unlink(path);
    nnc_graph *g = small_graph();
    nnc_dataset *data = qd_random(g, 8);
    const char *key = "tool=1 model=abc data=12 samples=8";
    nnc_calib *fresh, *cached;
    /* A cancelled run leaves no cache. */
    int polls = 0;
    const nnc_log log = {.cancelled = always, .user = &polls};
    assert_int_equal(observe(&fresh, g, data, 8, 1, NNRT_ISA_BEST, path, key, &log), NNC_ERR_CANCELLED);
    assert_false(nnc_file_exists(path));
    assert_int_equal(observe(&fresh, g, data, 8, 1, NNRT_ISA_BEST, path, key, NULL), NNC_OK);
    assert_true(nnc_file_exists(path));
    assert_int_equal(observe(&cached, g, data, 8, 1, NNRT_ISA_BEST, path, key, NULL), NNC_OK);
    assert_same(fresh, cached, g);
    nnc_calib_destroy(cached);
    expect_stale(g, data, path, "tool=1 model=abd data=12 samples=9", "model, samples changed");
    expect_stale(g, data, path, "tool=2 model=abc data=12 samples=8", "tool changed");
    /* Another graph under the same key: other value names. */
    nnc_value_id was = relu_out;
    MG_OK(nnc_graph_rename_value(g, was, "other"));
    expect_stale(g, data, path, key, "'relu'");
    MG_OK(nnc_graph_rename_value(g, was, "relu2"));
    /* Edited in the middle; cut; not a cache at all. */
    put_byte(path, 5000, 1);
    expect_stale(g, data, path, key, "damaged");
    put_byte(path, 5000, 1);
    put_byte(path, 0, 1);
    expect_stale(g, data, path, key, "not a range cache");
    put_byte(path, 0, 1);
    assert_int_equal(truncate(path, 20000), 0);
    expect_stale(g, data, path, key, "damaged");
    assert_int_equal(truncate(path, 3), 0);
    expect_stale(g, data, path, key, "not a range cache");
    unlink(path);
    nnc_calib_destroy(fresh);
    nnc_dataset_destroy(data);
    nnc_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_of_samples), cmocka_unit_test(same_for_threads_and_tiers),
        cmocka_unit_test(no_samples),            cmocka_unit_test(model_with_nan),
        cmocka_unit_test(range_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
