/* HDF5 data sets, honest and hostile. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include <hdf5.h>

#include "dataset_util.h"

/* The library itself loses memory when it gives up on damaged metadata (only `damaged` shows it). */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

static hid_t create(const char *path)
{
    const hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(f >= 0);
    return f;
}

/* data == NULL: nothing is written. */
static void add(hid_t at, const char *name, hid_t type, int rank, const hsize_t *dims,
                const void *data, hid_t plist)
{
    const hid_t space = H5Screate_simple(rank, dims, NULL);
    const hid_t set = H5Dcreate2(at, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(set >= 0);
    if (data)
        assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

/* images [20,4,4,3] bytes in deflated chunks, labels [20]. */
static void put_images(const char *path, uint8_t *pixels)
{
    const hid_t f = create(path);
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 4, (hsize_t[]){8, 4, 4, 3});
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 6);
    make_picture(pixels, 20 * 48, 5);
    add(f, "images", H5T_NATIVE_UINT8, 4, (hsize_t[]){20, 4, 4, 3}, pixels, plist);
    int64_t labels[20];
    for (int i = 0; i < 20; i++)
        labels[i] = i % 6;
    add(f, "labels", H5T_NATIVE_INT64, 1, (hsize_t[]){20}, labels, H5P_DEFAULT);
    add(f, "more", H5T_NATIVE_INT64, 2, (hsize_t[]){20, 1}, labels, H5P_DEFAULT);
    H5Pclose(plist);
    H5Fclose(f);
}

static void images_and_labels(void **state)
{
    (void)state;
    uint8_t pixels[20 * 48];
    put_images("a.h5", pixels);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 4);
    in.options.preset = "raw";
    static const char *const specs[] = {"a.h5", "a.h5#images", "a.h5#/images"};
    for (int k = 0; k < 2; k++) {
        nnc_dataset *d = open_good(specs[k], &in.options);
        assert_int_equal(nnc_dataset_count(d), 20);
        for (size_t i = 0; i < 20; i++) {
            nnc_sample s;
            assert_int_equal(nnc_dataset_get(&s, d, i), NNC_OK);
            assert_int_equal(s.label, i % 6);
            for (size_t c = 0; c < 3; c++)
                for (size_t p = 0; p < 16; p++)
                    assert_true(((float *)nnc_tensor_data(&s.inputs[0]))[c * 16 + p] ==
                                pixels[i * 48 + p * 3 + c]);
            nnc_sample_deinit(&s);
        }
        nnc_dataset_destroy(d);
    }
    in.options.labels = "#more";
    nnc_dataset_destroy(open_good("a.h5", &in.options));
    in.options.labels = "#absent";
    open_fails("a.h5", &in.options, NNC_ERR_DATA,
               "no array 'absent'; the HDF5 file has 'images', ");
    in.options.labels = NULL;
    open_fails("a.h5#pictures", &in.options, NNC_ERR_DATA, "no array 'pictures'");
    in.options.preset = NULL;
    open_fails("a.h5", &in.options, NNC_ERR_DATA, "8-bit image data cannot be fed");
}

static void floats_groups_and_several(void **state)
{
    (void)state;
    const hid_t f = create("a.h5");
    float x[20 * 3], y[20 * 2];
    for (int i = 0; i < 60; i++)
        x[i] = (float)i;
    for (int i = 0; i < 40; i++)
        y[i] = -(float)i;
    const hid_t group = H5Gcreate2(f, "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    add(group, "p", H5T_NATIVE_FLOAT, 2, (hsize_t[]){20, 3}, x, H5P_DEFAULT);
    add(group, "q", H5T_NATIVE_FLOAT, 2, (hsize_t[]){20, 2}, y, H5P_DEFAULT);
    add(group, "short", H5T_NATIVE_FLOAT, 2, (hsize_t[]){19, 2}, y, H5P_DEFAULT);
    H5Gclose(group);
    H5Fclose(f);
    nnc_dataset_input inputs[2] = {{"a", NNC_DTYPE_FLOAT, {2, {-1, 3}}},
                                   {"b", NNC_DTYPE_FLOAT16, {2, {-1, 2}}}};
    nnc_dataset_options o = {.inputs = inputs, .input_count = 2};
    nnc_dataset *d = open_good("a.h5#train/p,train/q", &o);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 4), NNC_OK);
    assert_true(nnc_tensor_get_double(&s.inputs[0], 2) == 14);
    assert_int_equal(s.inputs[1].dtype, NNC_DTYPE_FLOAT16);
    assert_true(nnc_tensor_get_double(&s.inputs[1], 1) == -9);
    nnc_sample_deinit(&s);
    nnc_dataset_destroy(d);
    open_fails("a.h5", &o, NNC_ERR_DATA, "the HDF5 file has 'train/p', 'train/q', 'train/short'");
    open_fails("a.h5#train/p,train/short", &o, NNC_ERR_DATA, "'train/short' has 19 samples");
    open_fails("a.h5#train/q,train/p", &o, NNC_ERR_DATA, "does not fit input 'a'");
}

/* Chunks that cross every dim, every known filter, other byte order and width, chunks never
 * written. */
static void chunk_forms(void **state)
{
    (void)state;
    enum { N = 21, A = 5, B = 7 };
    double values[N * A * B];
    for (int i = 0; i < N * A * B; i++)
        values[i] = i * 0.25 - 3;
    const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_IEEE_F64BE, H5T_IEEE_F32BE};
    for (int form = 0; form < 12; form++) {
        const hid_t f = create("a.h5");
        const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(plist, 3, (hsize_t[]){4, form % 2 ? 2 : 5, form % 3 ? 3 : 7});
        const double fill = 9;
        H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &fill);
        if (form & 1)
            H5Pset_shuffle(plist);
        if (form & 2)
            H5Pset_deflate(plist, 4);
        if (form & 4)
            H5Pset_fletcher32(plist);
        const hid_t space = H5Screate_simple(3, (hsize_t[]){N + 4, A, B}, NULL);
        const hid_t set =
            H5Dcreate2(f, "x", types[form % 3], space, H5P_DEFAULT, plist, H5P_DEFAULT);
        const hid_t memory = H5Screate_simple(3, (hsize_t[]){N, A, B}, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, (hsize_t[]){0, 0, 0}, NULL, (hsize_t[]){N, A, B},
                            NULL);
        assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0);
        H5Sclose(memory);
        H5Sclose(space);
        H5Dclose(set);
        H5Pclose(plist);
        H5Fclose(f);
        ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, A, B);
        nnc_dataset *d = open_good("a.h5", &in.options);
        assert_int_equal(nnc_dataset_count(d), N + 4);
        for (size_t k = 0; k < N + 4; k++) {
            const size_t i = k * 11 % (N + 4); /* out of order: slabs come and go */
            nnc_sample s;
            assert_int_equal(nnc_dataset_get(&s, d, i), NNC_OK);
            for (size_t e = 0; e < A * B; e++)
                assert_true(nnc_tensor_get_double(&s.inputs[0], e) ==
                            (i < N ? values[i * A * B + e] : fill));
            nnc_sample_deinit(&s);
        }
        nnc_dataset_destroy(d);
    }
}

static void hostile(void **state)
{
    (void)state;
    const float v[6] = {1, 2, 3, 4, 5, 6};
    put_bytes("secret", v, sizeof(v));
    hid_t f = create("a.h5");
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "secret", 0, sizeof(v));
    add(f, "external", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2, 3}, NULL, plist);
    H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(2, (hsize_t[]){2, 3}, NULL);
    H5Pset_virtual(plist, space, "b.h5", "x", space);
    H5Sclose(space);
    add(f, "virtual", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2, 3}, NULL, plist);
    H5Pclose(plist);
    add(f, "plain", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2, 3}, v, H5P_DEFAULT);
    H5Lcreate_external("b.h5", "/x", f, "outside", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/plain", f, "soft", H5P_DEFAULT, H5P_DEFAULT);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 2, (hsize_t[]){1, 3});
    add(f, "empty", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2000000000, 3}, NULL, plist);
    H5Pset_chunk(plist, 2, (hsize_t[]){200000000, 3});
    add(f, "chunky", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2000000000, 3}, NULL, plist);
    H5Pclose(plist);
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    add(f, "strings", text, 1, (hsize_t[]){2}, (const char *[]){"a", "b"}, H5P_DEFAULT);
    H5Tclose(text);
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(pair, "a", 0, H5T_NATIVE_FLOAT);
    H5Tinsert(pair, "b", 4, H5T_NATIVE_FLOAT);
    add(f, "pairs", pair, 1, (hsize_t[]){3}, v, H5P_DEFAULT);
    H5Tclose(pair);
    H5Fclose(f);
    f = create("b.h5");
    add(f, "x", H5T_NATIVE_FLOAT, 2, (hsize_t[]){2, 3}, v, H5P_DEFAULT);
    H5Fclose(f);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3);
    nnc_dataset_destroy(open_good("a.h5#plain", &in.options));
    open_fails("a.h5#external", &in.options, NNC_ERR_DATA, "external files, which are not opened");
    open_fails("a.h5#virtual", &in.options, NNC_ERR_DATA, "'virtual' is virtual");
    /* links are not even listed */
    open_fails("a.h5#outside", &in.options, NNC_ERR_DATA, "no array 'outside'");
    open_fails("a.h5#soft", &in.options, NNC_ERR_DATA, "no array 'soft'");
    open_fails("a.h5#empty", &in.options, NNC_ERR_DATA, "no data was ever written");
    open_fails("a.h5#chunky", &in.options, NNC_ERR_DATA, "the limit of 268435456");
    open_fails("a.h5#strings", &in.options, NNC_ERR_DATA, "holds strings");
    open_fails("a.h5#pairs", &in.options, NNC_ERR_DATA, "holds compounds");
}

/* Cut files fail in one line; flipped bits never end in a crash. */
static void damaged(void **state)
{
    (void)state;
    uint8_t pixels[20 * 48];
    put_images("a.h5", pixels);
    uint8_t *data = malloc(1 << 20);
    FILE *f = fopen("a.h5", "rb");
    const size_t n = fread(data, 1, 1 << 20, f);
    fclose(f);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 4);
    in.options.preset = "raw";
    in.options.max_bad = 1;
    for (size_t cut = 9; cut + 1 < n; cut += 97) {
        put_bytes("b.h5", data, cut);
        open_fails("b.h5", &in.options, NNC_ERR_DATA, "b.h5: HDF5: cannot open");
    }
    for (size_t byte = 8; byte < n; byte += 7) {
        data[byte] ^= 0x41;
        put_bytes("b.h5", data, n);
        nnc_dataset *d;
        if (nnc_dataset_open(&d, "b.h5", &in.options, NULL) == NNC_OK) {
            for (size_t i = 0; i < nnc_dataset_count(d) && i < 20; i++) {
                nnc_sample s;
                if (nnc_dataset_get(&s, d, i) == NNC_OK)
                    nnc_sample_deinit(&s);
            }
            nnc_dataset_destroy(d);
        }
        data[byte] ^= 0x41;
    }
    free(data);
}

/* Two data sets read from threads at the same time. */
static void *read_all(void *user)
{
    const nnc_dataset *d = user;
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < nnc_dataset_count(d); i++) {
            nnc_sample s;
            if (nnc_dataset_get(&s, d, i) != NNC_OK)
                return "failed";
            nnc_sample_deinit(&s);
        }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    uint8_t pixels[20 * 48];
    put_images("a.h5", pixels);
    put_images("b.h5", pixels);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 4);
    in.options.preset = "raw";
    nnc_dataset *d[2] = {open_good("a.h5", &in.options), open_good("b.h5", &in.options)};
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, read_all, d[i % 2]), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(t[i], &result);
        assert_null(result);
    }
    nnc_dataset_destroy(d[0]);
    nnc_dataset_destroy(d[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATA_TEST(images_and_labels), DATA_TEST(floats_groups_and_several),
        DATA_TEST(chunk_forms),       DATA_TEST(hostile),
        DATA_TEST(damaged),           DATA_TEST(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
