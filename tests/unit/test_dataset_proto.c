/* ONNX test data folders and TensorProto. SPDX-License-Identifier: Apache-2.0 */
#include "datasets/tensorproto.h"
#include "dataset_util.h"

static void varint(bytes *b, uint64_t v)
{
    while (v >= 0x80) {
        bytes_u8(b, (unsigned)(v & 0x7f) | 0x80);
        v >>= 7;
    }
    bytes_u8(b, (unsigned)v);
}

static void field_number(bytes *b, unsigned field, uint64_t v)
{
    varint(b, field << 3);
    varint(b, v);
}

static void field_bytes(bytes *b, unsigned field, const void *data, size_t n)
{
    varint(b, field << 3 | 2);
    varint(b, n);
    bytes_add(b, data, n);
}

/* float32 [1, n] in raw_data. */
static void put_tensor(const char *path, const char *name, const float *v, size_t n)
{
    bytes b = {0};
    field_number(&b, 1, 1);
    field_number(&b, 1, n);
    field_number(&b, 2, NNC_DTYPE_FLOAT);
    if (name)
        field_bytes(&b, 8, name, strlen(name));
    field_bytes(&b, 9, v, n * sizeof(*v));
    bytes_put(path, &b);
}

static void folders(void **state)
{
    (void)state;
    const float v[3] = {1, 2, 3}, w[2] = {7, 8};
    make_folder("m");
    char path[64];
    for (int set = 0; set < 12; set++) {
        snprintf(path, sizeof(path), "m/test_data_set_%d", set);
        make_folder(path);
        snprintf(path, sizeof(path), "m/test_data_set_%d/input_0.pb", set);
        put_tensor(path, NULL, (float[]){(float)set, 2, 3}, 3);
        snprintf(path, sizeof(path), "m/test_data_set_%d/input_1.pb", set);
        put_tensor(path, "b", w, 2);
        snprintf(path, sizeof(path), "m/test_data_set_%d/output_0.pb", set);
        put_tensor(path, "y", v, 3);
    }
    nnc_dataset_input inputs[2] = {{"a", NNC_DTYPE_FLOAT, {2, {-1, 3}}},
                                   {"b", NNC_DTYPE_FLOAT, {2, {1, 2}}}};
    nnc_dataset_options o = {.inputs = inputs, .input_count = 2};
    nnc_dataset *d = open_good("m", &o);
    assert_int_equal(nnc_dataset_count(d), 12);
    nnc_sample s;
    assert_int_equal(nnc_dataset_get(&s, d, 10), NNC_OK); /* by number, not by text */
    assert_true(nnc_tensor_get_double(&s.inputs[0], 0) == 10);
    assert_string_equal(s.name, "m/test_data_set_10");
    nnc_sample_deinit(&s);
    nnc_tensor *expected;
    size_t count;
    assert_int_equal(nnc_dataset_get_expected(&expected, &count, d, 10), NNC_OK);
    assert_int_equal(count, 1);
    assert_true(nnc_tensor_get_double(&expected[0], 2) == 3);
    nnc_tensor_deinit(&expected[0]);
    nnc_free(expected);
    nnc_dataset_destroy(d);
    d = open_good("m/test_data_set_3", &o);
    assert_int_equal(nnc_dataset_count(d), 1);
    nnc_dataset_destroy(d);
    o.preset = "half";
    open_fails("m", &o, NNC_ERR_USAGE, "ready tensors");
}

static void mismatches(void **state)
{
    (void)state;
    const float v[3] = {1, 2, 3};
    make_folder("t");
    put_tensor("t/input_0.pb", "", v, 3);
    nnc_dataset_input inputs[2] = {{"a", NNC_DTYPE_FLOAT, {2, {-1, 3}}},
                                   {"b", NNC_DTYPE_FLOAT, {2, {1, 2}}}};
    nnc_dataset_options o = {.inputs = inputs, .input_count = 2};
    open_fails("t", &o, NNC_ERR_DATA, "input_1.pb is missing (input 'b')");
    put_tensor("t/input_1.pb", "a", v, 2);
    open_fails("t", &o, NNC_ERR_DATA, "input_1.pb is named 'a', which is input 0");
    put_tensor("t/input_1.pb", "b", v, 3);
    open_fails("t", &o, NNC_ERR_DATA, "input_1.pb has shape [1,3], input 'b' has [1,2]");
    o.input_count = 1;
    open_fails("t", &o, NNC_ERR_DATA, "2 input files, the model has 1 inputs");
    assert_int_equal(unlink("t/input_1.pb"), 0);
    inputs[0].dtype = NNC_DTYPE_INT64;
    open_fails("t", &o, NNC_ERR_DATA, "input_0.pb is float32, input 'a' wants int64");
}

static nnc_status parse(nnc_tensor *out, bytes *b)
{
    char name[NNC_TENSORPROTO_NAME_MAX];
    uint8_t *copy = malloc(b->n ? b->n : 1); /* exact size: a sanitizer sees reads past the end */
    memcpy(copy, b->data ? b->data : (uint8_t *)"", b->n);
    const nnc_status status = nnc_tensorproto_parse(out, name, copy, b->n);
    free(copy);
    free(b->data);
    memset(b, 0, sizeof(*b));
    return status;
}

static void typed_fields(void **state)
{
    (void)state;
    nnc_tensor x;
    bytes b = {0}, packed = {0};
    /* int64, packed, dims packed, fields out of order */
    varint(&packed, 5);
    varint(&packed, (uint64_t)-7);
    field_bytes(&b, 7, packed.data, packed.n);
    field_number(&b, 2, NNC_DTYPE_INT64);
    field_bytes(&b, 1, "\2", 1);
    assert_int_equal(parse(&x, &b), NNC_OK);
    assert_int_equal(nnc_tensor_get_int(&x, 1), -7);
    nnc_tensor_deinit(&x);
    free(packed.data);
    /* uint8 in int32_data, not packed */
    field_number(&b, 1, 2);
    field_number(&b, 2, NNC_DTYPE_UINT8);
    field_number(&b, 5, 200);
    field_number(&b, 5, 1);
    assert_int_equal(parse(&x, &b), NNC_OK);
    assert_int_equal(nnc_tensor_get_int(&x, 0), 200);
    nnc_tensor_deinit(&x);
    /* float scalar, fixed32 */
    const float f = 1.5f;
    field_number(&b, 2, NNC_DTYPE_FLOAT);
    varint(&b, 4 << 3 | 5);
    bytes_add(&b, &f, 4);
    assert_int_equal(parse(&x, &b), NNC_OK);
    assert_int_equal(x.shape.rank, 0);
    assert_true(nnc_tensor_get_double(&x, 0) == 1.5);
    nnc_tensor_deinit(&x);
    /* float16 bits in int32_data, split over two packed pieces */
    field_number(&b, 1, 2);
    field_number(&b, 2, NNC_DTYPE_FLOAT16);
    field_bytes(&b, 5, "\x80\x78", 2); /* 0x3c00 = 1 */
    field_bytes(&b, 5, "\x80\x80\x01", 3);
    assert_int_equal(parse(&x, &b), NNC_OK);
    assert_true(nnc_tensor_get_double(&x, 0) == 1);
    assert_true(nnc_tensor_get_double(&x, 1) == 2);
    nnc_tensor_deinit(&x);
}

static void parse_fails(bytes *b, nnc_status status, const char *part)
{
    nnc_tensor x;
    assert_int_equal(parse(&x, b), status);
    assert_null(x.buffer);
    message_has(part);
}

static void start(bytes *b, uint64_t dim, unsigned dtype)
{
    field_number(b, 1, dim);
    field_number(b, 2, dtype);
}

static void bad_tensors(void **state)
{
    (void)state;
    const float v[4] = {1, 2, 3, 4};
    bytes b = {0};
    parse_fails(&b, NNC_ERR_DATA, "empty");
    start(&b, 3, NNC_DTYPE_FLOAT);
    field_bytes(&b, 9, v, 16);
    parse_fails(&b, NNC_ERR_DATA, "needs 12 bytes, raw_data has 16");
    start(&b, 4, NNC_DTYPE_FLOAT);
    field_bytes(&b, 9, v, 16);
    field_bytes(&b, 4, v, 16);
    parse_fails(&b, NNC_ERR_DATA, "values in two fields");
    start(&b, 4, NNC_DTYPE_FLOAT);
    parse_fails(&b, NNC_ERR_DATA, "no values");
    start(&b, 4, NNC_DTYPE_FLOAT);
    field_bytes(&b, 4, v, 12);
    parse_fails(&b, NNC_ERR_DATA, "3 values, its shape has 4");
    start(&b, 2, NNC_DTYPE_FLOAT);
    field_bytes(&b, 4, v, 12);
    parse_fails(&b, NNC_ERR_DATA, "wrong number of values");
    start(&b, 4, NNC_DTYPE_INT64);
    field_bytes(&b, 4, v, 16);
    parse_fails(&b, NNC_ERR_DATA, "int64 values in field 4");
    start(&b, (uint64_t)-1, NNC_DTYPE_FLOAT);
    parse_fails(&b, NNC_ERR_DATA, "negative");
    start(&b, UINT64_C(1) << 40, NNC_DTYPE_FLOAT);
    field_number(&b, 1, UINT64_C(1) << 40);
    field_bytes(&b, 9, v, 16);
    parse_fails(&b, NNC_ERR_DATA, "too large");
    start(&b, UINT64_C(1) << 40, NNC_DTYPE_INT64);
    field_bytes(&b, 7, "\1", 1);
    parse_fails(&b, NNC_ERR_DATA, "cannot stand in");
    start(&b, 1, NNC_DTYPE_STRING);
    field_bytes(&b, 6, "x", 1);
    parse_fails(&b, NNC_ERR_UNSUPPORTED, "strings");
    start(&b, 1, NNC_DTYPE_FLOAT);
    field_bytes(&b, 13, "", 0);
    parse_fails(&b, NNC_ERR_DATA, "external data");
    start(&b, 1, 99);
    parse_fails(&b, NNC_ERR_DATA, "unknown data type");
    field_bytes(&b, 8, "a\0b", 3);
    parse_fails(&b, NNC_ERR_DATA, "name");
    bytes_add(&b, "\x4a\xff\xff\xff\xff\x0f", 6);
    parse_fails(&b, NNC_ERR_DATA, "field 9 needs 4294967295 bytes, 0 remain");
    bytes_add(&b, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11);
    parse_fails(&b, NNC_ERR_DATA, "longer than 10 bytes");
    bytes_add(&b, "\x0b", 1);
    parse_fails(&b, NNC_ERR_DATA, "wire type 3");
    bytes_add(&b, "\x00\x01", 2);
    parse_fails(&b, NNC_ERR_DATA, "field number 0");
    for (int i = 0; i < 17; i++)
        field_number(&b, 1, 1);
    parse_fails(&b, NNC_ERR_DATA, "more than 16 dims");
}

/* Every cut and every flipped bit of a good file: success or a status, nothing else. */
static void sweep(void **state)
{
    (void)state;
    bytes whole = {0};
    const float v[3] = {1, 2, 3};
    start(&whole, 3, NNC_DTYPE_FLOAT);
    field_bytes(&whole, 8, "data", 4);
    field_bytes(&whole, 4, v, sizeof(v));
    for (size_t n = 0; n < whole.n; n++) {
        bytes b = {0};
        nnc_tensor x;
        bytes_add(&b, whole.data, n);
        assert_int_equal(parse(&x, &b), NNC_ERR_DATA);
    }
    for (size_t bit = 0; bit < whole.n * 8; bit++) {
        bytes b = {0};
        nnc_tensor x;
        bytes_add(&b, whole.data, whole.n);
        b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (parse(&x, &b) == NNC_OK)
            nnc_tensor_deinit(&x);
    }
    free(whole.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DATA_TEST(folders),
        DATA_TEST(mismatches),
        cmocka_unit_test(typed_fields),
        cmocka_unit_test(bad_tensors),
        cmocka_unit_test(sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
