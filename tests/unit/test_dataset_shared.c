/* Data sets on real files, where the shared material is present; else skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "dataset_util.h"

#define DATA NNC_TEST_SHARED_DIR "/data/"
#define MODELS NNC_TEST_SHARED_DIR "/models/"

static uint64_t read_all(const nnc_dataset *d, size_t *good)
{
    nnc_dataset_reader *reader;
    uint64_t hash = 0;
    bool more = true;
    *good = 0;
    assert_int_equal(nnc_dataset_reader_create(&reader, d, NULL, 0, NULL), NNC_OK);
    for (;;) {
        nnc_sample s;
        assert_int_equal(nnc_dataset_reader_next(&s, &more, reader), NNC_OK);
        if (!more)
            break;
        hash = hash * 31 + s.hash;
        (*good)++;
        nnc_sample_deinit(&s);
    }
    nnc_dataset_reader_destroy(reader);
    return hash;
}

static void imagenet(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (unsigned i = 0; i < 2; i++) {
        ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 224, 224);
        in.options.preset = "imagenet-torch";
        in.options.num_classes = 1000;
        in.options.threads = i ? 5 : 1;
        in.options.max_samples = 40;
        nnc_dataset *d = open_good(DATA "imagenet/calib", &in.options);
        assert_true(nnc_dataset_has_labels(d));
        size_t good;
        hashes[i] = read_all(d, &good);
        assert_int_equal(good, 40);
        nnc_dataset_summary s;
        assert_int_equal(nnc_dataset_describe(&s, d, 16, NULL), NNC_OK);
        for (int c = 0; c < 3; c++) { /* the range of normalised pixels, and not a constant */
            assert_true(s.channel[c].min > -2.2 && s.channel[c].min < -1.5);
            assert_true(s.channel[c].max > 1.5 && s.channel[c].max < 2.7);
            assert_true(s.channel[c].mean > -1 && s.channel[c].mean < 1);
        }
        nnc_dataset_summary_deinit(&s);
        nnc_dataset_destroy(d);
    }
    assert_true(hashes[0] == hashes[1]);
    ONE_INPUT(caffe, NNC_DTYPE_FLOAT16, 1, 3, 224, 224);
    caffe.options.color = "bgr";
    caffe.options.mean = "104,117,123";
    caffe.options.crop = "224";
    nnc_dataset_destroy(open_good(DATA "imagenet/calib", &caffe.options));
}

static void cifar(void **state)
{
    (void)state;
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 32, 32);
    in.options.preset = "imagenet-torch";
    in.options.num_classes = 10;
    nnc_dataset *d = open_good(DATA "cifar10/train", &in.options);
    assert_int_equal(nnc_dataset_count(d), 10000);
    assert_int_equal(nnc_dataset_label(d, 9999), 9);
    nnc_dataset_destroy(d);
    in.options.preset = "cifar10-torch";
    d = open_good(DATA "cifar10/lossless200.h5", &in.options);
    size_t good;
    read_all(d, &good);
    assert_int_equal(good, 200);
    assert_true(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
}

static void small_sets(void **state)
{
    (void)state;
    ONE_INPUT(mnist, NNC_DTYPE_FLOAT, 1, 1, 28, 28);
    mnist.options.preset = "mnist-raw";
    mnist.options.num_classes = 10;
    nnc_dataset *d = open_good(DATA "mnist/t10k-images-idx3-ubyte.gz", &mnist.options);
    assert_int_equal(nnc_dataset_count(d), 10000);
    assert_true(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
    ONE_INPUT(vww, NNC_DTYPE_FLOAT, 1, 3, 96, 96);
    vww.options.preset = "unit";
    d = open_good(DATA "vww/vww.h5#images", &vww.options);
    assert_int_equal(nnc_dataset_count(d), 400);
    nnc_dataset_destroy(d);
    ONE_INPUT(kws, NNC_DTYPE_FLOAT, 1, 1, 49, 10);
    d = open_good(DATA "kws/kws.h5", &kws.options);
    assert_int_equal(nnc_dataset_count(d), 700);
    assert_true(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
}

static void test_data(void **state)
{
    (void)state;
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 224, 224);
    nnc_dataset *d = open_good(MODELS "squeezenet1.1", &in.options);
    assert_int_equal(nnc_dataset_count(d), 1);
    nnc_tensor *expected;
    size_t count;
    assert_int_equal(nnc_dataset_get_expected(&expected, &count, d, 0), NNC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(nnc_tensor_count(&expected[0]), 1000);
    nnc_tensor_deinit(&expected[0]);
    nnc_free(expected);
    nnc_dataset_destroy(d);
    nnc_dataset_input vad[3] = {{"input", NNC_DTYPE_FLOAT, {2, {-1, -1}}},
                                {"state", NNC_DTYPE_FLOAT, {3, {2, -1, 128}}},
                                {"sr", NNC_DTYPE_INT64, {0, {0}}}};
    const nnc_dataset_options o = {.inputs = vad, .input_count = 3};
    d = open_good(MODELS "silero-vad/test_data_set_0", &o);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 0), NNC_OK);
    assert_int_equal(nnc_tensor_get_int(&s.inputs[2], 0), 16000);
    nnc_sample_deinit(&s);
    nnc_dataset_destroy(d);
}

static void no_leak_between_sets(void **state)
{
    (void)state;
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 224, 224);
    in.options.preset = "imagenet-torch";
    in.options.max_samples = 30;
    nnc_dataset *calib = open_good(DATA "imagenet/calib", &in.options);
    nnc_dataset *eval = open_good(DATA "imagenet/eval", &in.options);
    size_t n;
    assert_int_equal(nnc_dataset_overlap(&n, calib, eval, NULL), NNC_OK);
    assert_int_equal(n, 0);
    assert_int_equal(nnc_dataset_overlap(&n, calib, calib, NULL), NNC_OK);
    assert_int_equal(n, 30);
    nnc_dataset_destroy(calib);
    nnc_dataset_destroy(eval);
}

int main(void)
{
    if (!nnc_file_is_dir(DATA) || !nnc_file_is_dir(MODELS)) {
        printf("skipped: no shared data at %s\n", NNC_TEST_SHARED_DIR);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imagenet),
        cmocka_unit_test(cifar),
        cmocka_unit_test(small_sets),
        cmocka_unit_test(test_data),
        cmocka_unit_test(no_leak_between_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
