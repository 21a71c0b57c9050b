/* .npy, .npz, IDX and CIFAR files. SPDX-License-Identifier: Apache-2.0 */
#include <zlib.h>

#include "dataset_util.h"

#define DICT(type, order, shape)                                                                   \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }"

static void put_npy(const char *path, const char *dict, const void *data, size_t n)
{
    bytes b = {0};
    bytes_npy(&b, dict, data, n);
    bytes_put(path, &b);
}

/* Values of sample i, input 0, against `want`. */
static void sample_is(const nnc_dataset *d, size_t i, const double *want, size_t n)
{
    nnc_sample s;
    const nnc_status status = nnc_dataset_get(&s, d, i);
    if (status != NNC_OK)
        print_error("%s\n", nnc_error_message());
    assert_int_equal(status, NNC_OK);
    assert_int_equal(nnc_tensor_count(&s.inputs[0]), n);
    for (size_t k = 0; k < n; k++)
        assert_true(nnc_tensor_get_double(&s.inputs[0], k) == want[k]);
    nnc_sample_deinit(&s);
}

/* ---- .npy ---- */

static void npy_types_and_orders(void **state)
{
    (void)state;
    const float f32[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const double second[6] = {6, 7, 8, 9, 10, 11};
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 2, 3);
    put_npy("a.npy", DICT("<f4", "False", "(2, 2, 3)"), f32, sizeof(f32));
    nnc_dataset *d = open_good("a.npy", &in.options);
    assert_int_equal(nnc_dataset_count(d), 2);
    sample_is(d, 1, second, 6);
    nnc_dataset_destroy(d);
    uint8_t big[48];
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < 4; k++)
            big[4 * i + k] = ((const uint8_t *)&f32[i])[3 - k];
    put_npy("a.npy", DICT(">f4", "False", "(2, 2, 3)"), big, sizeof(big));
    d = open_good("a.npy", &in.options);
    sample_is(d, 1, second, 6);
    nnc_dataset_destroy(d);
    float fortran[12];
    for (int n = 0; n < 2; n++)
        for (int y = 0; y < 2; y++)
            for (int x = 0; x < 3; x++)
                fortran[n + 2 * (y + 2 * x)] = f32[(n * 2 + y) * 3 + x];
    put_npy("a.npy", DICT("<f4", "True", "(2, 2, 3)"), fortran, sizeof(fortran));
    d = open_good("a.npy", &in.options);
    sample_is(d, 1, second, 6);
    nnc_dataset_destroy(d);
    double f64[12];
    for (int i = 0; i < 12; i++)
        f64[i] = i;
    put_npy("a.npy", DICT("<f8", "False", "(2, 2, 3)"), f64, sizeof(f64));
    d = open_good("a.npy", &in.options);
    sample_is(d, 1, second, 6);
    nnc_dataset_destroy(d);
    /* one dim more than the input: the sample is the whole of the rest */
    in.input.shape = nnc_shape_make(2, (int64_t[]){2, 3});
    d = open_good("a.npy", &in.options);
    sample_is(d, 1, second, 6);
    nnc_dataset_destroy(d);
}

static void npy_integers(void **state)
{
    (void)state;
    const int64_t ids[6] = {1, 2, 3, 4, 5, 300};
    ONE_INPUT(in, NNC_DTYPE_INT32, -1, 3);
    put_npy("a.npy", DICT("<i8", "False", "(2, 3)"), ids, sizeof(ids));
    nnc_dataset *d = open_good("a.npy", &in.options);
    sample_is(d, 1, (double[]){4, 5, 300}, 3);
    nnc_dataset_destroy(d);
    in.input.dtype = NNC_DTYPE_UINT8;
    d = open_good("a.npy", &in.options);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 1), NNC_ERR_DATA);
    message_has("value 300 does not fit uint8");
    nnc_dataset_destroy(d);
    in.input.dtype = NNC_DTYPE_FLOAT;
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "is int64, input 'data' wants float32");
}

static void npy_bad(void **state)
{
    (void)state;
    const float v[12] = {0};
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3);
    static const struct {
        const char *dict, *part;
    } cases[] = {
        {DICT("|O", "False", "(4, 3)"), "pickle"},
        {DICT("<f4", "False", "(5, 3)"), "needs 60 bytes, the file has 48"},
        {DICT("<f4", "False", "(3, 3)"), "needs 36 bytes, the file has 48"},
        {DICT("<f4", "False", "(4294967296, 4294967296)"), "too large"},
        {DICT("<f4", "False", "(-4, 3)"), "damaged"},
        {DICT("<f4", "Maybe", "(4, 3)"), "fortran_order"},
        {DICT("<U4", "False", "(4, 3)"), "'<U4'"},
        {DICT("<c8", "False", "(2, 3)"), "'<c8'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4, 3), }", "structured"},
        {"{'descr': '<f4', 'shape': (4, 3)}", "lacks"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), 'x': 1}", "unknown header key"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3), ", "damaged header"},
        {"", "damaged header"},
        {DICT("<f4", "False", "()"), "needs 4 bytes"},
        {DICT("<f4", "False", "(0, 3)"), "needs 0 bytes"},
        {DICT("<f4", "False", "(6, 2)"), "shape [6,2] does not fit input 'data' of shape [?,3]"},
        {DICT("<f4", "False", "(12,)"), "does not fit"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_npy("a.npy", cases[i].dict, v, sizeof(v));
        open_fails("a.npy", &in.options, NNC_ERR_DATA, cases[i].part);
    }
    put_bytes("a.npy", "\x93NUMPY\4\0\0\0\0\0\0", 13);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "version 4");
    put_bytes("a.npy", "\x93NUMPY\2\0\xff\xff\xff\x7f", 12);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "header of 2147483647 bytes");
    put_bytes("a.npy", "\x93NUMPY\1\0\x40\0{", 11);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "wrong magic");
    put_bytes("a.npy", "\x93NUMPY\1\0\x40\0{'d", 13);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "truncated header");
}

static void npy_labels(void **state)
{
    (void)state;
    const float v[6] = {0, 1, 2, 3, 4, 5};
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3);
    put_npy("a.npy", DICT("<f4", "False", "(2, 3)"), v, sizeof(v));
    put_npy("l.npy", DICT("<i8", "False", "(2,)"), (int64_t[]){7, 8}, 16);
    in.options.labels = "l.npy";
    nnc_dataset *d = open_good("a.npy", &in.options);
    assert_int_equal(nnc_dataset_label(d, 1), 8);
    nnc_dataset_destroy(d);
    put_text("l.txt", "3\n4\n");
    in.options.labels = "l.txt";
    d = open_good("a.npy", &in.options);
    assert_int_equal(nnc_dataset_label(d, 1), 4);
    nnc_dataset_destroy(d);
    put_npy("l.npy", DICT("<i8", "False", "(3,)"), (int64_t[]){7, 8, 9}, 24);
    in.options.labels = "l.npy";
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "3 labels in 'l.npy' for 2 samples");
    put_npy("l.npy", DICT("<f4", "False", "(2,)"), (float[]){1, 1.5f}, 8);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "entry 1 is 1.5");
    in.options.num_classes = 4;
    put_npy("l.npy", DICT("<i8", "False", "(2,)"), (int64_t[]){1, 4}, 16);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "label 4, the model has 4 classes");
}

static void not_finite(void **state)
{
    (void)state;
    static float v[2 * 400];
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 400);
    v[5] = 0.0f / 0.0f;
    v[7] = 1.0f / 0.0f;
    put_npy("a.npy", DICT("<f4", "False", "(2, 400)"), v, sizeof(v));
    nnc_dataset *d = open_good("a.npy", &in.options);
    nnc_dataset_summary s;
    assert_int_equal(nnc_dataset_describe(&s, d, 0, NULL), NNC_OK);
    assert_int_equal(s.not_finite, 2);
    text_has(nnc_str_get(&s.warnings), "2 values are NaN or infinite");
    nnc_dataset_summary_deinit(&s);
    nnc_dataset_destroy(d);
    for (int i = 400; i < 405; i++)
        v[i] = 0.0f / 0.0f;
    put_npy("a.npy", DICT("<f4", "False", "(2, 400)"), v, sizeof(v));
    d = open_good("a.npy", &in.options);
    nnc_sample sample;
    assert_int_equal(nnc_dataset_get(&sample, d, 1), NNC_ERR_DATA);
    message_has("a.npy#1: 'array': 5 of 400 values are NaN or infinite");
    nnc_dataset_destroy(d);
}

/* 8-bit arrays are images where the input is one, else plain numbers; both need to be told how. */
static void byte_arrays(void **state)
{
    (void)state;
    uint8_t v[2 * 4 * 4 * 3];
    make_picture(v, sizeof(v), 1);
    put_npy("nhwc.npy", DICT("|u1", "False", "(2, 4, 4, 3)"), v, sizeof(v));
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 4);
    open_fails("nhwc.npy", &in.options, NNC_ERR_DATA, "8-bit image data cannot be fed");
    in.options.preset = "raw";
    double want[48];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 16; i++)
            want[c * 16 + i] = v[48 + i * 3 + c];
    nnc_dataset *d = open_good("nhwc.npy", &in.options);
    sample_is(d, 1, want, 48);
    nnc_dataset_destroy(d);
    uint8_t planes[96];
    for (int n = 0; n < 2; n++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 16; i++)
                planes[n * 48 + c * 16 + i] = v[n * 48 + i * 3 + c];
    put_npy("nchw.npy", DICT("|u1", "False", "(2, 3, 4, 4)"), planes, sizeof(planes));
    d = open_good("nchw.npy", &in.options);
    sample_is(d, 1, want, 48);
    nnc_dataset_destroy(d);
    ONE_INPUT(flat, NNC_DTYPE_FLOAT, -1, 48);
    put_npy("flat.npy", DICT("|u1", "False", "(2, 48)"), planes, sizeof(planes));
    open_fails("flat.npy", &flat.options, NNC_ERR_DATA, "8-bit data cannot be fed");
    flat.options.preset = "raw";
    d = open_good("flat.npy", &flat.options);
    sample_is(d, 1, want, 48);
    nnc_dataset_destroy(d);
    flat.options.preset = "imagenet-torch";
    open_fails("flat.npy", &flat.options, NNC_ERR_USAGE, "the data is no image");
}

static void float_layouts(void **state)
{
    (void)state;
    float v[2 * 4 * 5 * 3];
    for (int i = 0; i < 120; i++)
        v[i] = (float)i / 100.0f;
    put_npy("a.npy", DICT("<f4", "False", "(2, 4, 5, 3)"), v, sizeof(v));
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3, 4, 5);
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "looks transposed");
    message_has("--data-layout NHWC");
    in.options.data_layout = NNC_DATA_LAYOUT_NHWC;
    nnc_dataset *d = open_good("a.npy", &in.options);
    double want[60];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 20; i++)
            want[c * 20 + i] = v[60 + i * 3 + c];
    sample_is(d, 1, want, 60);
    nnc_dataset_destroy(d);
    in.options.preset = "half";
    open_fails("a.npy", &in.options, NNC_ERR_USAGE, "ready float32 values");
    in.options.preset = "none";
    nnc_dataset_destroy(open_good("a.npy", &in.options));
    in.options.preset = NULL;
    in.options.model_preset = "half"; /* of the model: about images, not about these */
    nnc_dataset_destroy(open_good("a.npy", &in.options));
    nnc_dataset_input two[2] = {in.input, {"state", NNC_DTYPE_FLOAT, {2, {1, 4}}}};
    in.options.inputs = two;
    in.options.input_count = 2;
    open_fails("a.npy", &in.options, NNC_ERR_DATA, "nothing for 'state'");
}

/* ---- .npz ---- */

typedef struct zip_writer {
    bytes file, directory;
    unsigned count;
} zip_writer;

typedef struct zip_form {
    bool deflate;
    uint16_t flags;
    int32_t size_lie; /* added to the size in the directory */
    uint32_t crc_lie;
} zip_form;

static void zip_add(zip_writer *z, const char *name, const bytes *data, zip_form form)
{
    uLongf packed_bytes = compressBound(data->n);
    uint8_t *packed = malloc(packed_bytes);
    const uint8_t *body = data->data;
    size_t n = data->n;
    if (form.deflate) { /* zlib's wrapper off: raw deflate */
        assert_int_equal(compress(packed, &packed_bytes, data->data, data->n), Z_OK);
        body = packed + 2;
        n = packed_bytes - 6;
    }
    const uint32_t offset = (uint32_t)z->file.n;
    for (int directory = 0; directory < 2; directory++) {
        bytes *b = directory ? &z->directory : &z->file;
        bytes_u32(b, directory ? 0x02014b50 : 0x04034b50);
        if (directory)
            bytes_u16(b, 20);
        bytes_u16(b, 20);
        bytes_u16(b, form.flags);
        bytes_u16(b, form.deflate ? 8 : 0);
        bytes_u32(b, 0);
        bytes_u32(b, crc_of(data->data, data->n) ^ form.crc_lie);
        bytes_u32(b, (uint32_t)n);
        bytes_u32(b, (uint32_t)((int64_t)data->n + form.size_lie));
        bytes_u16(b, (unsigned)strlen(name));
        bytes_u16(b, 0);
        if (directory) {
            bytes_u16(b, 0);
            bytes_u32(b, 0);
            bytes_u32(b, 0);
            bytes_u32(b, offset);
        }
        bytes_add(b, name, strlen(name));
    }
    bytes_add(&z->file, body, n);
    z->count++;
    free(packed);
}

static void zip_put(zip_writer *z, const char *path)
{
    const uint32_t at = (uint32_t)z->file.n, n = (uint32_t)z->directory.n;
    bytes_add(&z->file, z->directory.data, z->directory.n);
    bytes_u32(&z->file, 0x06054b50);
    bytes_u32(&z->file, 0);
    bytes_u16(&z->file, z->count);
    bytes_u16(&z->file, z->count);
    bytes_u32(&z->file, n);
    bytes_u32(&z->file, at);
    bytes_u16(&z->file, 0);
    bytes_put(path, &z->file);
    free(z->directory.data);
    memset(z, 0, sizeof(*z));
}

static void zip_npy(zip_writer *z, const char *name, const char *dict, const void *data, size_t n,
                    zip_form form)
{
    bytes b = {0};
    bytes_npy(&b, dict, data, n);
    zip_add(z, name, &b, form);
    free(b.data);
}

static void npz_by_names(void **state)
{
    (void)state;
    float a[2 * 3] = {1, 2, 3, 4, 5, 6}, s[2 * 2 * 4] = {0};
    s[8] = 42;
    const int64_t labels[2] = {3, 4};
    for (int deflate = 0; deflate < 2; deflate++) {
        zip_writer z = {0};
        const zip_form form = {.deflate = deflate};
        zip_npy(&z, "state.npy", DICT("<f4", "False", "(2, 2, 4)"), s, sizeof(s), form);
        zip_npy(&z, "x.npy", DICT("<f4", "False", "(2, 3)"), a, sizeof(a), form);
        zip_npy(&z, "labels.npy", DICT("<i8", "False", "(2,)"), labels, sizeof(labels), form);
        zip_put(&z, "a.npz");
        nnc_dataset_input inputs[2] = {{"x", NNC_DTYPE_FLOAT, {2, {-1, 3}}},
                                       {"state", NNC_DTYPE_FLOAT, {2, {2, 4}}}};
        nnc_dataset_options o = {.inputs = inputs, .input_count = 2};
        nnc_dataset *d = open_good("a.npz", &o);
        assert_int_equal(nnc_dataset_count(d), 2);
        assert_int_equal(nnc_dataset_label(d, 1), 4);
        sample_is(d, 1, (double[]){4, 5, 6}, 3);
        nnc_sample sample;
        assert_int_equal(nnc_dataset_get(&sample, d, 1), NNC_OK);
        assert_int_equal(sample.input_count, 2);
        assert_true(nnc_tensor_get_double(&sample.inputs[1], 0) == 42);
        nnc_sample_deinit(&sample);
        nnc_dataset_destroy(d);
        inputs[1].name = "memory";
        open_fails("a.npz", &o, NNC_ERR_DATA,
                   "the model has 'x', 'memory', the archive has 'state', 'x', 'labels'");
        nnc_dataset *by_order;
        by_order = open_good("a.npz#x,state", &o);
        nnc_dataset_destroy(by_order);
        open_fails("a.npz#x", &o, NNC_ERR_DATA, "1 array name for 2 model inputs");
        open_fails("a.npz#x,y", &o, NNC_ERR_DATA, "no array 'y'");
        o.labels = "#state";
        open_fails("a.npz#x,state", &o, NNC_ERR_DATA,
                   "labels 'state' are float32 of shape [2,2,4]");
    }
}

static void npz_fails(zip_writer *z, nnc_status status, const char *part)
{
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3);
    zip_put(z, "a.npz");
    open_fails("a.npz", &in.options, status, part);
}

static void npz_bad(void **state)
{
    (void)state;
    const float a[6] = {1, 2, 3, 4, 5, 6};
    const char *dict = DICT("<f4", "False", "(2, 3)");
    zip_writer z = {0};
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){.flags = 1});
    npz_fails(&z, NNC_ERR_DATA, "'x.npy' is encrypted");
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){0});
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){0});
    npz_fails(&z, NNC_ERR_DATA, "two members are named 'x.npy'");
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){.crc_lie = 1});
    npz_fails(&z, NNC_ERR_DATA, "fails its CRC");
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){.deflate = true, .size_lie = -4});
    npz_fails(&z, NNC_ERR_DATA, "bytes"); /* the header wants more than the directory tells */
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){.deflate = true, .size_lie = 1000});
    npz_fails(&z, NNC_ERR_DATA, "damaged");
    zip_npy(&z, "x.npy", DICT("|O", "False", "(2,)"), a, sizeof(a), (zip_form){0});
    npz_fails(&z, NNC_ERR_DATA, "pickle");
    zip_npy(&z, "readme.txt", dict, a, sizeof(a), (zip_form){0});
    npz_fails(&z, NNC_ERR_DATA, "the archive has none");
    zip_npy(&z, "p.npy", dict, a, sizeof(a), (zip_form){0});
    zip_npy(&z, "q.npy", dict, a, sizeof(a), (zip_form){0});
    npz_fails(&z, NNC_ERR_DATA, "cannot tell which array feeds which input");
    zip_npy(&z, "x.npy", dict, a, sizeof(a), (zip_form){0});
    memset(z.directory.data + 20, 0xff, 4); /* packed size of ZIP64 */
    npz_fails(&z, NNC_ERR_DATA, "ZIP64");
}

/* 3 GiB of zeros in 3 MB: refused by its declared size before it grows. */
static void npz_bomb(void **state)
{
    (void)state;
    bytes b = {0};
    bytes_npy(&b, DICT("<f4", "False", "(268435456, 3)"), "", 0);
    zip_writer z = {0};
    z_stream deflater = {0};
    assert_int_equal(deflateInit2(&deflater, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *out = malloc(1 << 16);
    deflater.next_in = b.data;
    deflater.avail_in = (uInt)b.n;
    deflater.next_out = out;
    deflater.avail_out = 1 << 16;
    assert_int_equal(deflate(&deflater, Z_SYNC_FLUSH), Z_OK);
    bytes packed = {out, (1 << 16) - deflater.avail_out, 1 << 16};
    deflateEnd(&deflater);
    zip_add(&z, "x.npy", &packed, (zip_form){0});
    /* the directory says: deflated, and as large as the header wants */
    bytes size = {0};
    bytes_u32(&size, (uint32_t)(b.n + UINT64_C(3221225472)));
    memcpy(z.directory.data + 24, size.data, 4);
    z.directory.data[10] = 8;
    npz_fails(&z, NNC_ERR_LIMIT, "the limit for the archive is 2147483648");
    free(size.data);
    free(packed.data);
    free(b.data);
}

static void npz_cut_anywhere(void **state)
{
    (void)state;
    const float a[6] = {1, 2, 3, 4, 5, 6};
    zip_writer z = {0};
    zip_npy(&z, "x.npy", DICT("<f4", "False", "(2, 3)"), a, sizeof(a), (zip_form){.deflate = true});
    zip_put(&z, "a.npz");
    uint8_t data[2048];
    FILE *f = fopen("a.npz", "rb");
    const size_t n = fread(data, 1, sizeof(data), f);
    fclose(f);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, -1, 3);
    nnc_dataset_destroy(open_good("a.npz", &in.options));
    nnc_dataset *d;
    for (size_t cut = 1; cut < n; cut++) {
        put_bytes("a.npz", data, cut);
        assert_int_equal(nnc_dataset_open(&d, "a.npz", &in.options, NULL), NNC_ERR_DATA);
    }
    for (size_t bit = 0; bit < n * 8; bit++) { /* never a crash; the sum of a member is checked */
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put_bytes("a.npz", data, n);
        if (nnc_dataset_open(&d, "a.npz", &in.options, NULL) == NNC_OK) {
            sample_is(d, 1, (double[]){4, 5, 6}, 3);
            nnc_dataset_destroy(d);
        }
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- IDX ---- */

static void idx_bytes(bytes *b, uint8_t type, uint32_t rank, const uint32_t *dims)
{
    bytes_u16(b, 0);
    bytes_u8(b, type);
    bytes_u8(b, rank);
    for (uint32_t i = 0; i < rank; i++)
        bytes_u32be(b, dims[i]);
}

static void put_gz(const char *path, const bytes *b)
{
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, b->data, (unsigned)b->n), (int)b->n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void idx_files(void **state)
{
    (void)state;
    uint8_t pixels[20 * 16];
    make_picture(pixels, sizeof(pixels), 3);
    bytes images = {0}, labels = {0};
    idx_bytes(&images, 8, 3, (uint32_t[]){20, 4, 4});
    bytes_add(&images, pixels, sizeof(pixels));
    idx_bytes(&labels, 8, 1, (uint32_t[]){20});
    for (unsigned i = 0; i < 20; i++)
        bytes_u8(&labels, i % 10);
    make_folder("m");
    put_gz("m/t10k-images-idx3-ubyte.gz", &images);
    put_gz("m/t10k-labels-idx1-ubyte.gz", &labels);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 1, 4, 4);
    in.options.preset = "mnist-raw";
    double want[16];
    for (int i = 0; i < 16; i++)
        want[i] = pixels[7 * 16 + i];
    static const char *const specs[] = {"m/t10k-images-idx3-ubyte.gz", "m"};
    for (int i = 0; i < 2; i++) {
        nnc_dataset *d = open_good(specs[i], &in.options);
        assert_int_equal(nnc_dataset_count(d), 20);
        assert_int_equal(nnc_dataset_label(d, 13), 3);
        sample_is(d, 7, want, 16);
        nnc_dataset_destroy(d);
    }
    put_bytes("m/train-images-idx3-ubyte", images.data, images.n);
    open_fails("m", &in.options, NNC_ERR_DATA, "2 IDX image files");
    nnc_dataset *d = open_good("m/train-images-idx3-ubyte", &in.options);
    assert_false(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
    in.options.labels = "m/t10k-labels-idx1-ubyte.gz";
    d = open_good("m/train-images-idx3-ubyte", &in.options);
    assert_true(nnc_dataset_has_labels(d));
    nnc_dataset_destroy(d);
    put_bytes("short", images.data, images.n - 1);
    open_fails("short", &in.options, NNC_ERR_DATA, "needs 320 bytes, the file has 319");
    labels.data[7] = 19;
    put_bytes("l19", labels.data, labels.n - 1);
    in.options.labels = "l19";
    open_fails("m/train-images-idx3-ubyte", &in.options, NNC_ERR_DATA, "19 labels in 'l19' for 20");
    images.data[2] = 7;
    put_bytes("odd", images.data, images.n);
    open_fails("odd", &in.options, NNC_ERR_DATA, "not a data set");
    put_gz("odd.gz", &images);
    open_fails("odd.gz", &in.options, NNC_ERR_DATA, "no IDX file");
    put_bytes("cut.gz", "\x1f\x8b\x08\0\0\0\0\0\0\3\1\2", 12);
    open_fails("cut.gz", &in.options, NNC_ERR_DATA, "gzip");
    free(images.data);
    free(labels.data);
}

/* ---- CIFAR ---- */

static void cifar_files(void **state)
{
    (void)state;
    uint8_t *data = malloc(20 * 3074);
    make_picture(data, 20 * 3074, 9);
    for (int i = 0; i < 20; i++)
        data[i * 3073] = (uint8_t)(i % 10);
    put_bytes("data_batch_1.bin", data, 20 * 3073);
    ONE_INPUT(in, NNC_DTYPE_FLOAT, 1, 3, 32, 32);
    in.options.preset = "raw";
    nnc_dataset *d = open_good("data_batch_1.bin", &in.options);
    assert_int_equal(nnc_dataset_count(d), 20);
    assert_int_equal(nnc_dataset_label(d, 12), 2);
    double *want = malloc(3072 * sizeof(*want));
    for (int i = 0; i < 3072; i++)
        want[i] = data[12 * 3073 + 1 + i];
    sample_is(d, 12, want, 3072);
    nnc_dataset_destroy(d);
    put_bytes("data_batch_1.bin", data, 20 * 3073 - 1);
    open_fails("data_batch_1.bin", &in.options, NNC_ERR_DATA,
               "no whole number of CIFAR-10 records");
    for (int i = 0; i < 20; i++) {
        data[i * 3074] = 1;
        data[i * 3074 + 1] = (uint8_t)(50 + i);
    }
    put_bytes("train.bin", data, 20 * 3074);
    in.options.num_classes = 100;
    d = open_good("train.bin", &in.options);
    assert_int_equal(nnc_dataset_label(d, 3), 53);
    nnc_dataset_destroy(d);
    put_bytes("data_batch_1",
              "\x80\x02}q\x01(U\x0b"
              "batch_label",
              18);
    open_fails("data_batch_1", &in.options, NNC_ERR_DATA, "Python pickle");
    message_has("binary version");
    free(want);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATA_TEST(npy_types_and_orders),
        DATA_TEST(npy_integers),
        DATA_TEST(npy_bad),
        DATA_TEST(npy_labels),
        DATA_TEST(not_finite),
        DATA_TEST(byte_arrays),
        DATA_TEST(float_layouts),
        DATA_TEST(npz_by_names),
        DATA_TEST(npz_bad),
        DATA_TEST(npz_bomb),
        DATA_TEST(npz_cut_anywhere),
        DATA_TEST(idx_files),
        DATA_TEST(cifar_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
